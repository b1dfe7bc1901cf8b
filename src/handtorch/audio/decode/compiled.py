"""The way to the compiled search and back: a guide's table in, hypotheses out."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from handtorch.audio.decode.frames import Doubles
from handtorch.audio.decode.guide import Automaton
from handtorch.audio.decode.hypothesis import Hypothesis

Rows = npt.NDArray[Any]


def search(
    log_probs: Doubles, guide: Automaton, blank: int, width: int, beam_min_logp: float, n_best: int
) -> list[Hypothesis]:
    """What ``beam.search`` gives, for a guide that is a table."""
    from handtorch.kernels import beam as kernel

    beam, nodes, spans = kernel.search(
        log_probs, guide.offsets, guide.symbols, guide.scores, guide.targets, blank, width, beam_min_logp
    )
    arcs = nodes["arc"][beam["node"]]
    # the empty prefix stands in state 0
    states = np.where(arcs >= 0, guide.targets[arcs], 0) if len(guide.targets) else np.zeros(len(beam), np.int64)
    scores = beam["total"] + nodes["bonus"][beam["node"]] + guide.ends[states]
    order = np.argsort(-scores, kind="stable")
    best = order[scores[order] > -np.inf][:n_best]
    return [_hypothesis(float(scores[row]), beam[row], nodes, spans, guide, len(log_probs)) for row in best]


def _hypothesis(score: float, paths: Any, nodes: Rows, spans: Rows, guide: Automaton, frames: int) -> Hypothesis:
    arcs = []
    node = int(paths["node"])
    while nodes["parent"][node] >= 0:
        arcs.append(int(nodes["arc"][node]))
        node = int(nodes["parent"][node])
    return Hypothesis(
        symbols=tuple(int(guide.symbols[arc]) for arc in reversed(arcs)),
        score=score,
        log_prob=float(paths["total"]),
        times=_times(paths, spans, frames),
        states=tuple(int(guide.targets[arc]) for arc in reversed(arcs)),
    )


def _times(paths: Any, spans: Rows, frames: int) -> tuple[tuple[int, int], ...]:
    if paths["best_blank"] >= paths["best_label"]:
        start, end, before = int(paths["blank_start"]), int(paths["blank_end"]), int(paths["blank_before"])
    else:
        start, end, before = int(paths["label_start"]), frames, int(paths["label_before"])
    times = [(start, end)] if start >= 0 else []
    while before >= 0:
        times.append((int(spans["start"][before]), int(spans["end"][before])))
        before = int(spans["before"][before])
    return tuple(reversed(times))
