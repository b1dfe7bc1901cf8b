import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handtorch.audio import MissingFileError, read, write
from handtorch.audio.blocks import length_of, overlapping, read_blocks
from handtorch.errors import ArgumentError, FormatError


@settings(deadline=None)
@given(st.lists(st.integers(0, 40), max_size=8), st.integers(1, 30), st.integers(0, 35))
def test_blocks_own_every_sample_once_and_show_what_lies_around(sizes, length, around):
    stream = np.arange(sum(sizes), dtype=np.float32)
    pieces = np.split(stream, np.cumsum(sizes)[:-1]) if sizes else []
    position = 0
    for block in overlapping(pieces, length, around):
        assert block.length == min(length, len(stream) - position)
        assert block.before == min(around, position)
        assert block.after == min(around, len(stream) - position - block.length)
        np.testing.assert_array_equal(
            block.samples, stream[position - block.before : position + block.length + block.after]
        )
        position += block.length
    assert position == len(stream)


def test_blocks_refuse_lengths_without_meaning():
    with pytest.raises(ArgumentError, match="length > 0"):
        next(overlapping([], 0))
    with pytest.raises(ArgumentError, match="around >= 0"):
        next(overlapping([], 5, -1))


@pytest.mark.parametrize("ending", [".wav", ".flac", ".ogg"])
@pytest.mark.parametrize(("rate", "new_rate"), [(8000, None), (8000, 16000), (11025, 16000), (22050, 8000)])
def test_a_file_in_pieces_is_the_file_as_a_whole(tmp_path, ending, rate, new_rate):
    path = tmp_path / f"long{ending}"
    # Longer than two pieces of 20 s, and not a whole number of seconds.
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (round(43.21 * rate), 2))
    write(path, noise, rate)
    pieces = list(read_blocks(path, new_rate))
    whole, _ = read(path, sample_rate=new_rate)
    assert len(pieces) == 3
    np.testing.assert_allclose(np.concatenate(pieces), whole, atol=2e-6)


def test_the_length_is_that_of_the_file(tmp_path):
    write(tmp_path / "a.flac", np.zeros(1234), 8000)
    length = length_of(tmp_path / "a.flac")
    assert length == (1234, 8000) and length.seconds == 1234 / 8000


@pytest.mark.parametrize("look", [lambda path: list(read_blocks(path)), length_of])
def test_files_that_cannot_be_read_give_the_errors_of_read(tmp_path, look):
    with pytest.raises(MissingFileError, match="found no file"):
        look(tmp_path / "nowhere.wav")
    (tmp_path / "text.wav").write_text("not a recording", "utf-8")
    with pytest.raises(FormatError, match="expected wav, flac, ogg"):
        look(tmp_path / "text.wav")
    (tmp_path / "empty.wav").write_bytes(b"")
    with pytest.raises(FormatError, match="empty"):
        look(tmp_path / "empty.wav")


@pytest.mark.parametrize("ending", [".wav", ".flac"])
def test_a_file_that_was_cut_short_is_refused(tmp_path, ending):
    whole, cut = tmp_path / f"whole{ending}", tmp_path / f"cut{ending}"
    write(whole, np.random.default_rng(0).uniform(-0.5, 0.5, 80_000), 8000)
    content = whole.read_bytes()
    cut.write_bytes(content[: len(content) // 2])
    with pytest.raises(FormatError, match="cut short"):
        list(read_blocks(cut))
