"""The picture of a run, read back."""

from matplotlib import image

from benchmarks import chart, report
from tests.benchmarks.test_compare import FAST, SLOW

MACHINE = {
    "busy": False,
    "load": 3.5,
    "processor": "a processor",
    "python": "3.11",
    "versions": {"numpy": "2", "torch": None},
    "date": "2026-01-01",
}


def figures(comparisons):
    return report.to_json(comparisons, threads=2, machine=MACHINE)


def has_color(pixels, name):
    color = [int(name[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return bool((abs(pixels[..., :3] - color) < 0.01).all(axis=-1).any())


def test_a_slower_workload_is_drawn_in_its_own_color(tmp_path):
    chart.draw(figures([FAST]), tmp_path / "fast.png")
    chart.draw(figures([FAST, SLOW]), tmp_path / "both.png")
    fast, both = image.imread(tmp_path / "fast.png"), image.imread(tmp_path / "both.png")
    assert has_color(fast, chart.OURS)
    assert has_color(fast, chart.PEER)
    assert not has_color(fast, chart.SLOWER)
    assert has_color(both, chart.SLOWER)
    assert both.shape[0] > fast.shape[0]


def test_caption_says_what_it_was_measured_on():
    assert chart.caption(figures([FAST])) == (
        "a processor, 2 threads, median of 3 alternating pairs\npython 3.11, numpy 2; 2026-01-01"
    )


def test_caption_owns_up_to_a_busy_machine():
    busy = figures([FAST]) | {"machine": MACHINE | {"busy": True}}
    assert chart.caption(busy).startswith("MEASURED ON A BUSY MACHINE (load 3.5); a processor")
