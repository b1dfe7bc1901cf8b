"""Beam search over frames that say nothing for certain: no symbol can be left out, and the beam is always full."""

from __future__ import annotations

import numpy as np

from benchmarks.peers import Peer
from benchmarks.workloads import Job, Workload
from benchmarks.workloads.beam import FRAMES, SYMBOLS, log_softmax, search_job


def build(peer: Peer) -> Job:
    """Search through one utterance of noise."""
    return search_job(peer, log_softmax(np.random.default_rng(0).standard_normal((FRAMES, SYMBOLS))))


WORKLOAD = Workload(
    title="beam search, width 50, 400 frames of 41 symbols, noise",
    aim=0.1,
    build=build,
    warmup=1,
    samples=3,
    tolerance=1e-2,  # as in beam
    instead_of_torch="pyctcdecode",
)
