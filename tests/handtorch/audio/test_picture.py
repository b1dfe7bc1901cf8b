import numpy as np
import pytest
from PIL import Image

from handtorch.audio.phonemes import PhoneSegment
from handtorch.audio.picture import count_pages, draw_phones
from handtorch.errors import ArgumentError

RATE = 16_000


def noise(seconds):
    return np.random.default_rng(0).uniform(-0.1, 0.1, round(seconds * RATE)).astype(np.float32)


def segments(seconds, each=0.1):
    names = ["[SIL]", "AA", "B", "S", "M", "L", "CH", "OY"]
    count = round(seconds / each)
    return [PhoneSegment(names[i % len(names)], i * each, (i + 1) * each) for i in range(count)]


def test_a_sentence_is_one_row_and_a_longer_recording_several(tmp_path):
    heights = {}
    for seconds in (3, 10):
        (path,) = draw_phones([noise(seconds)], RATE, segments(seconds), tmp_path / f"{seconds}.png", title="said")
        with Image.open(path) as picture:
            heights[seconds] = picture.height
            assert picture.width == 1680
    assert 2 < heights[10] / heights[3] < 3


def test_a_long_recording_becomes_pages(tmp_path, monkeypatch):
    monkeypatch.setattr("handtorch.audio.picture._PAGE_ROWS", 1)
    pieces = (noise(0.7) for _ in range(14))
    pages = draw_phones(pieces, RATE, segments(9.8), tmp_path / "talk.png")
    assert [path.name for path in pages] == ["talk.png", "talk-2.png", "talk-3.png"]
    assert count_pages(9.8) == 3
    assert all(path.stat().st_size > 10_000 for path in pages)


def test_no_more_pages_are_drawn_than_wanted(tmp_path, monkeypatch):
    monkeypatch.setattr("handtorch.audio.picture._PAGE_ROWS", 1)
    pages = draw_phones([noise(10)], RATE, segments(10), tmp_path / "talk.png", max_pages=1)
    assert pages == list(tmp_path.iterdir()) == [tmp_path / "talk.png"]


def test_a_span_has_the_colour_of_its_kind(tmp_path):
    spans = [PhoneSegment("AA", 0.0, 1.5), PhoneSegment("S", 1.5, 3.0)]
    (path,) = draw_phones([noise(3)], RATE, spans, tmp_path / "two.png")
    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    vowel, fricative = (0xF4, 0xA2, 0x59), (0x8F, 0xD0, 0xB5)
    coloured = [(np.abs(pixels - colour).sum(axis=2) < 6).sum(axis=0) for colour in (vowel, fricative)]
    # Columns in which a colour fills the strip, not only a patch of the legend.
    columns = [np.flatnonzero(count > 20) for count in coloured]
    assert len(columns[0]) > 500 and len(columns[1]) > 500
    assert columns[0].max() < columns[1].min()


@pytest.mark.parametrize("ending", [".pdf", ".svg", ".PNG"])
def test_other_kinds_of_pictures_can_be_written(tmp_path, ending):
    (path,) = draw_phones([noise(0.5)], RATE, segments(0.5), tmp_path / f"a{ending}")
    assert path.suffix == ending and path.stat().st_size > 1000


def test_phones_that_are_too_short_to_be_named_are_drawn(tmp_path):
    assert draw_phones([noise(4)], RATE, segments(4, each=0.01), tmp_path / "a.png")


def test_silence_can_be_drawn(tmp_path):
    assert draw_phones([np.zeros(RATE, np.float32)], RATE, [PhoneSegment("[SIL]", 0, 1)], tmp_path / "a.png")


def test_phones_of_another_alphabet_can_be_drawn(tmp_path):
    assert draw_phones([noise(1)], RATE, [PhoneSegment("ʃ", 0, 1)], tmp_path / "a.png")


def test_another_ending_is_refused_before_any_work(tmp_path):
    with pytest.raises(ArgumentError, match=r"\.png, \.pdf, \.svg, got .*a\.bmp"):
        draw_phones(iter(()), RATE, [], tmp_path / "a.bmp")
