"""A frame's window holds that frame in the middle, its neighbours around it, and zeros beyond its own utterance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handtorch import audio
from handtorch.errors import ArgumentError, ShapeError


def _by_hand(features: np.ndarray, t: int, context: int) -> np.ndarray:
    rows = [
        features[i] if 0 <= i < len(features) else np.zeros(features.shape[1])
        for i in range(t - context, t + context + 1)
    ]
    return np.concatenate(rows)


def _utterances(lengths: list[int], width: int = 3) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.standard_normal((length, width)).astype(np.float32) for length in lengths]


@settings(max_examples=40, deadline=None)
@given(frames=st.integers(0, 12), context=st.integers(0, 15))
def test_windows_of_one_utterance(frames: int, context: int) -> None:
    x = _utterances([frames])[0]
    windows = audio.frame_windows(x, context)
    assert windows.shape == (frames, (2 * context + 1) * 3)
    for t in range(frames):
        np.testing.assert_array_equal(windows[t], _by_hand(x, t, context))


@settings(max_examples=40, deadline=None)
@given(lengths=st.lists(st.integers(0, 9), min_size=1, max_size=6), context=st.integers(0, 11))
def test_no_window_reaches_into_another_utterance(lengths: list[int], context: int) -> None:
    utterances = _utterances(lengths)
    frames = audio.WindowedFrames(utterances, context=context)
    assert len(frames) == sum(lengths)
    assert frames.width == (2 * context + 1) * 3
    expected = [_by_hand(x, t, context) for x in utterances for t in range(len(x))]
    for i, window in enumerate(expected):
        np.testing.assert_array_equal(frames[i], window)
    if expected:
        np.testing.assert_array_equal(frames[np.arange(len(frames))], np.stack(expected))


def test_batches_of_any_index_bring_their_labels() -> None:
    utterances = _utterances([5, 4])
    frames = audio.WindowedFrames(utterances, [np.arange(5), np.arange(10, 14)], context=1)
    for index in ([8, 0, 5], np.array([8, 0, 5]), slice(2, 7)):
        windows, labels = frames[index]
        numbers = np.arange(9)[index]
        np.testing.assert_array_equal(labels, np.concatenate([np.arange(5), np.arange(10, 14)])[numbers])
        np.testing.assert_array_equal(windows[:, 3:6], np.concatenate(utterances)[numbers])
        assert windows.flags.writeable
        assert windows.dtype == np.float32
    assert frames[-1][1] == 13
    assert frames[0][0].flags.writeable


def test_an_epoch_visits_every_frame_once() -> None:
    frames = audio.WindowedFrames(_utterances([30, 25]), [np.arange(30), np.arange(30, 55)], context=2)
    shuffled = [labels for _, labels in frames.batches(8, np.random.default_rng(0))]
    assert [len(labels) for labels in shuffled] == [8] * 6 + [7]
    assert sorted(np.concatenate(shuffled)) == list(range(55))
    assert list(np.concatenate(shuffled)) != list(range(55))
    assert sum(len(labels) for _, labels in frames.batches(8, drop_last=True)) == 48


def test_predictions_go_back_to_their_utterances() -> None:
    frames = audio.WindowedFrames(_utterances([5, 0, 4]), context=1)
    parts = frames.split(np.arange(9))
    assert [part.tolist() for part in parts] == [[0, 1, 2, 3, 4], [], [5, 6, 7, 8]]
    with pytest.raises(ShapeError, match="each of 9 frames, got 8"):
        frames.split(np.arange(8))


def test_half_precision_is_kept_but_not_handed_out() -> None:
    frames = audio.WindowedFrames(_utterances([50]), context=2, dtype=np.float16)
    assert frames[[0, 1]].dtype == np.float32
    np.testing.assert_allclose(frames[10], audio.frame_windows(_utterances([50])[0], 2)[10], atol=2e-3)


def test_memory_does_not_grow_with_the_context() -> None:
    x = _utterances([1000], width=10)[0]
    base = audio.frame_windows(x, 25)
    while base.base is not None:
        base = base.base
    assert np.asarray(base).nbytes == (1000 + 50) * 10 * 4


def test_a_generator_is_enough() -> None:
    frames = audio.WindowedFrames((x for x in _utterances([3, 4])), (np.zeros(n, int) for n in (3, 4)), context=1)
    assert len(frames) == 7


def test_bad_arguments_say_what_was_expected() -> None:
    with pytest.raises(ArgumentError, match="at least one utterance"):
        audio.WindowedFrames([], context=1)
    with pytest.raises(ArgumentError, match="context >= 0 frames, got -1"):
        audio.WindowedFrames(_utterances([3]), context=-1)
    with pytest.raises(ShapeError, match="width 3 in every utterance, got 4"):
        audio.WindowedFrames([np.zeros((2, 3)), np.zeros((2, 4))], context=1)
    with pytest.raises(ShapeError, match=r"labels of shape \(3,\) for utterance 1, got \(4,\)"):
        audio.WindowedFrames(_utterances([2, 3]), [np.zeros(2, int), np.zeros(4, int)], context=1)
    with pytest.raises(ShapeError, match="labels for 2 utterances, got 1"):
        audio.WindowedFrames(_utterances([2, 3]), [np.zeros(2, int)], context=1)
    with pytest.raises(ShapeError, match="whole numbers"):
        audio.WindowedFrames(_utterances([2]), [np.zeros(2)], context=1)
    with pytest.raises(IndexError):
        audio.WindowedFrames(_utterances([2]), context=1)[2]
