"""The arithmetic of a comparison, on runs whose times are made up."""

import itertools
import json

import numpy as np
import pytest
from scipy import stats

from benchmarks import report
from benchmarks.compare import BenchmarkError, Comparison, Measurement, compare, geometric_mean
from benchmarks.workloads import Job, Workload


def runs(*seconds, peak=2**20, outcome=None):
    return tuple(Measurement(each, peak, outcome) for each in seconds)


def comparison(name, ours, peer, aim=1.0):
    libraries = ("handtorch", "torch")
    return Comparison(name, f"the {name} workload", aim, runs(*ours), runs(*peer, peak=3 * 2**20), libraries)


def workload(**changes):
    return Workload(title="made up", aim=1.0, build=lambda peer: Job(lambda: None), warmup=0, samples=1, **changes)


FAST = comparison("fast", ours=(1.0, 2.0, 9.0), peer=(4.0, 4.0, 4.0), aim=0.6)
SLOW = comparison("slow", ours=(6.0, 5.0, 7.0), peer=(2.0, 2.5, 2.0), aim=1.2)


def test_ratio_is_the_median_over_pairs_so_one_disturbed_pair_does_not_move_it():
    assert FAST.ratios == [0.25, 0.5, 2.25]
    assert FAST.ratio == 0.5
    assert FAST.reached
    assert not SLOW.reached


def test_geometric_mean_agrees_with_scipy():
    assert geometric_mean([FAST, SLOW]) == pytest.approx(stats.gmean([FAST.ratio, SLOW.ratio]))


def test_last_line_names_the_worst_workload():
    assert report.last_line([FAST, SLOW]) == "bench: geometric mean 1.22 over 2 workloads, worst 3.00 (slow)"
    assert report.last_line([FAST]) == "bench: geometric mean 0.50 over 1 workload, worst 0.50 (fast)"


def test_the_two_libraries_alternate_and_ours_goes_first():
    order = []

    def measure_one(name, library):
        order.append(library)
        return Measurement(1.0, 1, None)

    result = compare("x", workload(), ours="a", peer="b", pairs=3, measure_one=measure_one)
    assert order == ["a", "b"] * 3
    assert len(result.ratios) == 3


def test_rehearsals_are_run_and_not_counted():
    clock = itertools.count(1)
    result = compare(
        "x",
        workload(rehearsals=2),
        ours="a",
        peer="b",
        pairs=1,
        measure_one=lambda name, library: Measurement(float(next(clock)), 1, None),
    )
    assert result.ours[0].seconds == 5.0
    assert result.peer[0].seconds == 6.0


def test_different_outcomes_are_refused_with_both_values_named():
    outcomes = {"a": 1.0, "b": 1.01}

    def measure_one(name, library):
        return Measurement(1.0, 1, outcomes[library])

    with pytest.raises(BenchmarkError, match=r"same work.*0\.001.*1 \(a\) and 1\.01 \(b\)"):
        compare("x", workload(tolerance=1e-3), ours="a", peer="b", pairs=1, measure_one=measure_one)
    compare("x", workload(tolerance=0.1), ours="a", peer="b", pairs=1, measure_one=measure_one)


def test_another_library_takes_pytorchs_place_where_a_workload_names_one(capsys):
    asked = []

    def measure_one(name, library):
        asked.append(library)
        return Measurement(1.0, 1, None)

    made_up = workload(instead_of_torch="other")
    result = compare("x", made_up, ours="handtorch", peer="torch", pairs=1, measure_one=measure_one)
    assert asked == ["handtorch", "other"]
    report.print_table([FAST, result], "handtorch", "torch")
    assert "x (other)" in capsys.readouterr().out
    figures = report.to_json([FAST, result, SLOW], threads=1, machine={})
    assert [row["peer"]["name"] for row in figures["workloads"]] == ["torch", "other", "torch"]
    assert figures["geometric_mean"] == geometric_mean([FAST, SLOW])
    assert report.last_line([FAST, result, SLOW]).endswith(
        "2 workloads, worst 3.00 (slow); 1 more against another library"
    )
    assert [made_up.library("torch"), made_up.library("a"), workload().library("torch")] == ["other", "a", "torch"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(12.345, "12.3 s"), (0.5, "500 ms"), (0.03142, "31.4 ms"), (8.7e-5, "87 µs"), (1e-3, "1 ms")],
)
def test_durations_are_written_in_the_unit_that_fits(seconds, text):
    assert report.duration(seconds) == text


def test_table_gives_every_figure_with_rich_and_without(capsys, monkeypatch):
    report.print_table([FAST, SLOW], "handtorch", "torch")
    pretty = capsys.readouterr().out
    monkeypatch.setitem(__import__("sys").modules, "rich.table", None)
    report.print_table([FAST, SLOW], "handtorch", "torch")
    plain = capsys.readouterr().out
    assert "━" in pretty
    assert "━" not in plain
    for text in (pretty, plain):
        for figure in ("0.50", "0.25 .. 2.25", "3.00", "missed 1.2", "reached 0.6", "1 MiB", "3 MiB"):
            assert figure in text


def test_json_holds_what_the_ratios_are_worked_out_from(tmp_path):
    figures = report.to_json([FAST, SLOW], threads=2, machine={"cores": 2})
    report.write_json(tmp_path / "new" / "folder.json", figures)
    read = json.loads((tmp_path / "new" / "folder.json").read_text())
    assert read["worst"] == {"name": "slow", "ratio": 3.0}
    for row in read["workloads"]:
        each = np.divide(row["ours"]["seconds_each"], row["peer"]["seconds_each"])
        assert row["ratio"] == np.median(each)
        assert (row["ratio_min"], row["ratio_max"]) == (each.min(), each.max())
