import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import handtorch
from handtorch.errors import ArgumentError, DtypeError, ShapeError
from handtorch.random import Generator
from handtorch.text import RunningWindows, ShuffledWindows, running_text


def _generator(seed=0):
    generator = Generator()
    generator.manual_seed(seed)
    return generator


@settings(deadline=None, max_examples=60)
@given(st.integers(3, 200), st.integers(1, 5), st.integers(1, 30), st.booleans())
def test_rows_of_running_windows_put_together_are_the_text(tokens, rows, length, random_lengths):
    if tokens <= rows:
        return
    text = np.arange(tokens)
    windows = list(RunningWindows(text, rows, length, random_lengths=random_lengths, generator=_generator()))
    read = np.concatenate([window.tokens.numpy() for window in windows], axis=1)
    row_length = (tokens - 1) // rows
    assert read.shape == (rows, row_length)
    assert read.ravel().tolist() == list(range(rows * row_length))
    for window in windows:
        assert (window.targets.numpy() == window.tokens.numpy() + 1).all()
        assert window.tokens.dtype == window.targets.dtype == handtorch.int64


def test_running_windows_have_the_length_asked_for_and_say_how_many_they_are():
    windows = RunningWindows(np.arange(101), 4, 10)
    assert [window.tokens.shape[1] for window in windows] == [10, 10, 5]
    assert len(windows) == 3


def test_random_lengths_are_those_of_merity_et_al():
    windows = RunningWindows(np.zeros(400_000, np.int32), 1, 70, random_lengths=True, generator=_generator())
    lengths = np.array([window.tokens.shape[1] for window in windows][:-1])
    halved = lengths < 52
    assert halved.mean() == pytest.approx(0.05, abs=0.01)
    assert lengths[~halved].mean() == pytest.approx(69.5, abs=0.5)  # whole numbers: rounded down
    assert lengths[~halved].std() == pytest.approx(5, abs=0.4)
    assert lengths[halved].mean() == pytest.approx(34.5, abs=1)
    short = RunningWindows(np.zeros(5000, np.int32), 1, 6, random_lengths=True, generator=_generator())
    assert min(window.tokens.shape[1] for window in list(short)[:-1]) == 5


def test_a_random_start_turns_the_text_like_a_ring_and_differs_from_pass_to_pass():
    windows = RunningWindows(np.arange(50), 1, 49, random_start=True, generator=_generator())
    passes = [next(iter(windows)) for _ in range(5)]
    for window in passes:
        assert (window.targets.numpy() == (window.tokens.numpy() + 1) % 50).all()
    assert len({int(window.tokens[0, 0]) for window in passes}) > 1


def test_shuffled_windows_read_each_place_once_in_another_order_each_pass():
    windows = ShuffledWindows(np.arange(1000), 4, 10, generator=_generator())
    first, second = (list(windows) for _ in range(2))
    assert len(first) == len(second) == len(windows) == 24
    for batches in (first, second):
        tokens = np.concatenate([batch.tokens.numpy() for batch in batches])
        assert tokens.shape == (96, 10)
        assert len(np.unique(tokens)) == 960
        assert (np.diff(tokens, axis=1) == 1).all()
        assert not (np.diff(tokens[:, 0]) > 0).all()
        assert all((batch.targets.numpy() == batch.tokens.numpy() + 1).all() for batch in batches)
    assert int(first[0].tokens[0, 0]) != int(second[0].tokens[0, 0])


def test_the_same_seed_gives_the_same_batches():
    for make in (
        lambda seed: RunningWindows(
            np.arange(500), 2, 20, random_lengths=True, random_start=True, generator=_generator(seed)
        ),
        lambda seed: ShuffledWindows(np.arange(500), 2, 20, generator=_generator(seed)),
    ):
        one, same, other = ([window.tokens.tolist() for window in make(seed)] for seed in (1, 1, 2))
        assert one == same != other


def test_a_running_text_has_its_special_tokens_around_each_piece():
    assert running_text([[5, 6], [7]], before=0, after=1).tolist() == [0, 5, 6, 1, 0, 7, 1]
    assert running_text([[5, 6], [], [7]]).tolist() == [5, 6, 7]
    assert running_text([]).shape == (0,)


def test_what_is_no_text_of_ids_is_refused():
    with pytest.raises(ArgumentError, match="at least 5 tokens for 4 rows, got 4"):
        RunningWindows([1, 2, 3, 4], 4, 2)
    with pytest.raises(ArgumentError, match="at least 30 tokens"):
        ShuffledWindows(np.arange(29), 2, 10)
    with pytest.raises(ArgumentError, match="at least 1"):
        RunningWindows([1, 2, 3, 4], 0, 2)
    with pytest.raises(ShapeError, match=r"\(L,\)"):
        RunningWindows(np.zeros((3, 3), int), 1, 2)
    with pytest.raises(DtypeError, match="tokenizer"):
        ShuffledWindows(np.zeros(100), 1, 2)
