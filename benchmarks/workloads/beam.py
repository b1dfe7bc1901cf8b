"""Beam search over the frames of a trained recognizer: nearly all of them certain, some not."""

from __future__ import annotations

import logging
import math
import string
from typing import Any

import numpy as np

from benchmarks.peers import Peer
from benchmarks.workloads import Job, Workload

FRAMES, SYMBOLS, SAID = 400, 41, 60
WIDTH = 50
# pyctcdecode's own settings, which Handtorch is given too.
TOKEN_MIN_LOGP, BEAM_MIN_LOGP = -5.0, -10.0


def log_softmax(logits: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Of every frame."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def spoken() -> np.ndarray[Any, Any]:
    """Log probabilities of 400 frames in which 60 symbols are said for one to three frames each, and blanks between.

    A symbol is three to nine nats above the noise, so that some are certain and some are nearly missed.
    """
    random = np.random.default_rng(0)
    logits = random.standard_normal((FRAMES, SYMBOLS))
    logits[:, 0] += 8.0
    for start in random.choice(np.arange(2, FRAMES - 2), SAID, replace=False):
        frames = slice(start, start + random.integers(1, 4))
        logits[frames, 0] -= 8.0
        logits[frames, random.integers(1, SYMBOLS)] += random.uniform(3.0, 9.0)
    return log_softmax(logits)


def search_job(peer: Peer, log_probs: np.ndarray[Any, Any]) -> Job:
    """The search for the best hypothesis, whose score is the outcome."""
    score = math.nan

    def ours() -> None:
        nonlocal score
        score = search(log_probs)[0].score

    def theirs() -> None:
        nonlocal score
        score = decoder.decode_beams(log_probs, beam_width=WIDTH)[0][-1]

    if peer.name == "pyctcdecode":
        logging.disable()  # it says twice that it found no language model
        from pyctcdecode import build_ctcdecoder

        decoder = build_ctcdecoder(["", *string.ascii_letters[: SYMBOLS - 1]])
        return Job(theirs, lambda: score)
    assert peer.lib
    from handtorch.audio.decode import BeamSearch

    search = BeamSearch(WIDTH, token_min_logp=TOKEN_MIN_LOGP, beam_min_logp=BEAM_MIN_LOGP)
    return Job(ours, lambda: score)


def build(peer: Peer) -> Job:
    """Search through one utterance."""
    return search_job(peer, spoken())


WORKLOAD = Workload(
    title="beam search, width 50, 400 frames of 41 symbols, 60 said",
    aim=0.1,
    build=build,
    warmup=1,
    samples=10,
    # pyctcdecode's beam holds the paths that end in a blank and those that do not apart, so it is half as wide
    tolerance=1e-2,
    instead_of_torch="pyctcdecode",
)
