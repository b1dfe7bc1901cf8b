"""Beam search beside pyctcdecode, a decoder that nobody here wrote; PyTorch itself has none."""

import string

import numpy as np
import pytest
from pyctcdecode import build_ctcdecoder

from handtorch.audio.decode import BeamSearch

EVERYTHING = {"token_min_logp": -1e9, "beam_prune_logp": -1e9}


def log_softmax(logits):
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))


def decoder(symbols):
    return build_ctcdecoder(["", *string.ascii_letters[: symbols - 1]])


def text(hypothesis):
    return "".join(string.ascii_letters[symbol - 1] for symbol in hypothesis.symbols)


@pytest.mark.parametrize(("T", "C"), [(1, 5), (5, 4), (8, 3), (10, 2)])
def test_every_sequence_of_symbols_has_the_score_that_pyctcdecode_gives(T, C):
    log_probs = log_softmax(np.random.default_rng(T).standard_normal((T, C)) * 2)
    theirs = {one[0]: one[-1] for one in decoder(C).decode_beams(log_probs, beam_width=10_000, **EVERYTHING)}
    ours = {text(one): one.score for one in BeamSearch(10_000, n_best=10_000)(log_probs)}
    assert ours == pytest.approx(theirs)


@pytest.mark.parametrize("seed", range(5))
def test_with_pruning_the_best_is_that_of_pyctcdecode_and_no_path_that_it_sums_is_left_out(seed):
    random = np.random.default_rng(seed)
    logits = random.standard_normal((60, 20))
    logits[:, 0] += 5
    for start in range(2, 58, 4):
        logits[start, random.integers(1, 20)] += random.uniform(4, 12)
    log_probs = log_softmax(logits)
    theirs = decoder(20).decode_beams(log_probs, beam_width=400)[0]
    (ours,) = BeamSearch(400, token_min_logp=-5.0, beam_min_logp=-10.0)(log_probs)
    assert text(ours) == theirs[0]
    # pyctcdecode prunes the paths of a prefix that end in a blank and those that do not each for themselves.
    assert theirs[-1] <= ours.score <= theirs[-1] + 0.2
