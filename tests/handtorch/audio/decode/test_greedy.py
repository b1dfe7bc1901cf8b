"""The likeliest path, and what it says."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import handtorch
from handtorch.audio.decode import greedy
from handtorch.errors import ArgumentError, DtypeError, ShapeError
from tests.handtorch.audio.decode.paths import every_path, random_log_probs, say, spans


def log_probs_of(path, symbols):
    """Frames in which the symbols of the path are almost certain."""
    probabilities = np.full((len(path), symbols), 0.01)
    probabilities[np.arange(len(path)), path] = 1 - 0.01 * (symbols - 1)
    return np.log(probabilities)


def test_a_blank_a_is_two_symbols_and_a_a_is_one():
    assert greedy(log_probs_of([1, 0, 1], 2)).symbols == (1, 1)
    assert greedy(log_probs_of([1, 1, 1], 2)).symbols == (1,)
    assert greedy(log_probs_of([0, 1, 1, 2, 2, 0, 2], 3)).times == ((1, 3), (3, 5), (6, 7))


@pytest.mark.parametrize(("T", "C", "blank"), list(itertools.product((1, 5), (1, 2, 4), (0, -1))))
def test_greedy_says_what_the_likeliest_of_all_paths_says(T, C, blank):
    blank %= C
    log_probs = random_log_probs(T + C, T, C)
    path, log_prob = max(every_path(log_probs), key=lambda one: one[1])
    found = greedy(log_probs, blank=blank)
    assert (found.symbols, found.times) == (say(path, blank), spans(path, blank))
    assert found.score == found.log_prob == pytest.approx(log_prob)


def test_no_frames_say_nothing_for_certain():
    found = greedy(np.zeros((0, 3)))
    assert (found.symbols, found.times, found.score) == ((), (), 0.0)


def test_frames_without_any_probability_score_minus_infinity():
    assert greedy(np.full((2, 3), -np.inf)).score == -np.inf


def test_a_batch_decodes_like_its_sequences_without_what_pads_them():
    log_probs = random_log_probs(0, 3, 9, 4)
    lengths = [9, 0, 4]
    found = greedy(handtorch.tensor(log_probs, requires_grad=True), handtorch.tensor(lengths), blank=3)
    assert found == [greedy(one[:length], blank=3) for one, length in zip(log_probs, lengths, strict=True)]
    assert greedy(log_probs) == [greedy(one) for one in log_probs]
    assert greedy(log_probs[2], [4], blank=3) == found[2]
    log_probs[1:] = np.where(np.arange(9)[:, None] < np.reshape(lengths[1:], (2, 1, 1)), log_probs[1:], np.nan)
    assert greedy(log_probs, lengths, blank=3) == found


@pytest.mark.parametrize(
    ("log_probs", "lengths", "blank", "error", "says"),
    [
        (np.zeros(4), None, 0, ShapeError, r"expected log_probs \(T, C\).*got an array of shape \(4,\)"),
        (np.zeros((3, 0)), None, 0, ShapeError, "got an array of shape"),
        (np.zeros((3, 2), int), None, 0, DtypeError, "got int64; are they labels"),
        (np.log([[0.5, 0.5]]), None, 2, ArgumentError, "expected blank to be one of the 2 symbols, got 2"),
        (np.log([[0.5, 0.5]]), None, -1, ArgumentError, "got -1"),
        (
            np.array([[0.5, 0.5]]),
            None,
            0,
            ArgumentError,
            r"frame 0 whose probabilities sum to 3.297; apply log_softmax",
        ),
        (np.array([[-1.0, -1.0], [-1.0, np.nan]]), None, 0, ArgumentError, "got NaN in frame 1"),
        (
            np.array([[[-1.0]], [[np.inf]]]),
            None,
            0,
            ArgumentError,
            "frame 0 of sequence 1 whose probabilities sum to inf",
        ),
        (random_log_probs(0, 2, 3, 4), [3], 0, ShapeError, r"one length for each of 2 sequences, got .*\(1,\)"),
        (random_log_probs(0, 2, 3, 4), [3, 4], 0, ArgumentError, "expected lengths from 0 to 3 frames, got 3 to 4"),
        (random_log_probs(0, 2, 3, 4), [-1, 3], 0, ArgumentError, "got -1 to 3"),
        (random_log_probs(0, 2, 3, 4), [1.5, 3], 0, DtypeError, "whole numbers of frames"),
    ],
)
def test_what_is_no_log_probability_is_refused(log_probs, lengths, blank, error, says):
    with pytest.raises(error, match=says):
        greedy(log_probs, lengths, blank=blank)


def test_half_precision_rounds_no_frame_above_one():
    log_probs = random_log_probs(3, 50, 41, sharpness=5.0).astype(np.float16)
    assert greedy(log_probs).symbols == greedy(log_probs.astype(np.float64)).symbols
