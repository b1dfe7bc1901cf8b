"""Forced alignment, against every path there is."""

import math

import numpy as np
import pytest

import handtorch
from handtorch.audio.decode import align, greedy
from handtorch.errors import ArgumentError, DtypeError, ShapeError
from tests.handtorch.audio.decode.paths import by_brute_force, log_softmax, random_log_probs


def path_of(found, frames, blank):
    path = [blank] * frames
    for symbol, (start, end) in zip(found.symbols, found.times, strict=True):
        path[start:end] = [symbol] * (end - start)
    return path


@pytest.mark.parametrize(("T", "C", "blank"), [(6, 3, 0), (6, 3, 2), (5, 4, 1), (1, 4, 0), (8, 2, 1)])
def test_every_sequence_that_can_be_said_has_the_times_of_its_likeliest_path(T, C, blank):
    log_probs = random_log_probs(T + C, T, C)
    for symbols, (_, times) in by_brute_force(log_probs, blank).items():
        found = align(log_probs, symbols, blank=blank)
        assert found.symbols == symbols
        assert found.times == times
        path = path_of(found, T, blank)
        assert found.score == found.log_prob == pytest.approx(sum(log_probs[t, c] for t, c in enumerate(path)))


def test_what_greedy_decoding_says_is_aligned_where_it_was_said():
    log_probs = random_log_probs(3, 200, 12)
    said = greedy(log_probs)
    found = align(handtorch.tensor(log_probs), handtorch.tensor(said.symbols))
    assert (found.symbols, found.times) == (said.symbols, said.times)
    assert found.score == pytest.approx(said.score, rel=1e-12)


def test_equal_neighbours_are_kept_apart_by_a_blank():
    log_probs = log_softmax(np.log([[0.1, 0.9]] * 5))
    (_, first_end), (second_start, _) = align(log_probs, [1, 1]).times
    assert second_start == first_end + 1


def test_silence_has_no_times_and_the_probability_of_blanks():
    log_probs = random_log_probs(5, 7, 3)
    assert align(log_probs, []).times == ()
    assert align(log_probs, []).score == pytest.approx(math.fsum(log_probs[:, 0]))
    assert align(log_probs[:0], []).score == 0


@pytest.mark.parametrize(
    ("targets", "error", "says"),
    [
        ([1, 1], ArgumentError, "takes 3 frames"),
        ([1, 2, 1], ArgumentError, "got 2 frames"),
        ([0], ArgumentError, "without the blank"),
        ([3], ArgumentError, "got 3 at place 0"),
        ([[1]], ShapeError, "one sequence"),
        ([1.0], DtypeError, "whole numbers"),
    ],
)
def test_symbols_that_cannot_be_aligned_are_refused(targets, error, says):
    with pytest.raises(error, match=says):
        align(random_log_probs(0, 2, 3), targets)


def test_a_symbol_that_is_ruled_out_is_refused_and_so_is_a_batch():
    with pytest.raises(ArgumentError, match="zero probability"):
        align([[math.log(0.5), math.log(0.5), -math.inf]], [2])
    with pytest.raises(ShapeError, match="one sequence"):
        align(random_log_probs(0, 2, 3)[None], [1])
