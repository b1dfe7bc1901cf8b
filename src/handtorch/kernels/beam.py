"""The twin of ``audio.decode.beam.search`` for guides that are tables: prefixes are nodes of a trie in arrays.

It keeps the same prefixes as the plain search, which says what is done and why, adds in the same order and breaks ties
in the same way. What makes it quick: a prefix is a row of ``nodes``, the paths of the prefixes in the beam are the rows
of ``beam``, and the best candidates of a frame stand in a heap with the worst on top, so that most of the others cost
one addition and one comparison.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from handtorch.kernels.compile import exact_kernel

#: A prefix; its children are a list, of which it names the first and each one the next.
NODE = np.dtype(
    [
        ("parent", np.int32),  # -1 of the empty prefix
        ("arc", np.int32),  # the guide's arc that it was reached by; -1 of the empty prefix
        ("child", np.int32),  # -1 without children
        ("sibling", np.int32),  # -1 of the last child
        ("slot", np.int32),  # its place in the beam; -1 outside
        ("symbol", np.int32),  # -1 of the empty prefix
        ("bonus", np.float64),  # all that the guide has added
    ]
)
#: The frames of a symbol on a path; ``before`` is the span of the symbol before it, -1 of the first one.
SPAN = np.dtype([("before", np.int32), ("start", np.int32), ("end", np.int32)])
#: The paths that say a prefix, as in ``audio.decode.beam``; of the likeliest ones the last symbol's span stands here.
PATHS = np.dtype(
    [
        ("node", np.int32),
        ("blank", np.float64),
        ("label", np.float64),
        ("total", np.float64),
        ("best_blank", np.float64),
        ("blank_before", np.int32),
        ("blank_start", np.int32),  # -1 of the empty prefix
        ("blank_end", np.int32),
        ("best_label", np.float64),
        ("label_before", np.int32),
        ("label_start", np.int32),
    ]
)

_NEVER = -math.inf
_ZERO, _ONE = np.int64(0), np.int64(1)  # literals, as arguments, would have functions compiled once more


@exact_kernel
def search(
    log_probs: Any, offsets: Any, symbols: Any, scores: Any, targets: Any, blank: int, width: int, beam_min_logp: float
) -> Any:
    """The rows of the beam after the last frame, and the nodes and spans that they name.

    Args:
        log_probs: (T, C) float64.
        offsets: (S + 1,) int64, as in ``Automaton``, like the next three.
        symbols: (A,) int64.
        scores: (A,) float64.
        targets: (A,) int64.
        blank: the index of the blank.
        width: how many prefixes are kept.
        beam_min_logp: how far below the best one.
    """
    nodes, nodes_used = np.empty(1, NODE), _ONE
    _set_node(nodes[0], -1, -1, -1, 0.0)
    spans, spans_used = np.empty(1, SPAN), _ZERO
    beam, after, kept = np.empty(width, PATHS), np.empty(width, PATHS), np.empty(width, PATHS)
    _set_paths(beam[0], 0, 0.0)
    size, nodes[0].slot = _ONE, 0
    best, places, starts = np.empty(width), np.empty(width, np.int64), np.empty(width, np.int64)
    totals = np.empty(np.max(offsets[1:] - offsets[:-1]))
    most_added = np.full(len(offsets) - 1, _NEVER)  # by a choice in each state
    for state in range(len(most_added)):
        for arc in range(offsets[state], offsets[state + 1]):
            most_added[state] = max(most_added[state], scores[arc])

    for t in range(len(log_probs)):
        frame = log_probs[t]
        if nodes_used + width > len(nodes):
            nodes_used = _forget_nodes(nodes, nodes_used, beam, size)
            nodes = _with_room(nodes, 2 * (nodes_used + width))
        if spans_used + 2 * width > len(spans):
            spans_used = _forget_spans(spans, spans_used, beam, size)
            spans = _with_room(spans, 2 * (spans_used + 2 * width))

        for slot in range(size):
            _stay(beam[slot], after[slot], nodes[beam[slot].node].symbol, frame, blank, t)
        for slot in range(size):
            node = nodes[beam[slot].node]
            if node.parent >= 0 and nodes[node.parent].slot >= 0:
                parent = beam[nodes[node.parent].slot]
                again = nodes[node.parent].symbol == node.symbol
                spans_used = _join(after[slot], parent, again, frame[node.symbol], spans, spans_used, t)
        found = _pick(
            beam, after, size, nodes, frame, offsets, symbols, scores, targets, most_added, totals, best, places, starts
        )
        found = _sort(best, places, found, beam_min_logp)

        for slot in range(size):
            nodes[beam[slot].node].slot = -1
        for slot in range(found):
            place = places[slot]
            if place < size:
                kept[slot] = after[place]
            else:
                source = np.searchsorted(starts[:size], place, side="right") - 1
                paths = beam[source]
                arc = offsets[_state(nodes[paths.node], targets)] + place - starts[source]
                symbol = symbols[arc]
                again = nodes[paths.node].symbol == symbol
                child, nodes_used = _child(nodes, nodes_used, paths.node, arc, symbol, scores[arc])
                _set_paths(kept[slot], child, _NEVER)
                spans_used = _join(kept[slot], paths, again, frame[symbol], spans, spans_used, t)
        beam, kept, size = kept, beam, found
        for slot in range(size):
            nodes[beam[slot].node].slot = slot
    return beam[:size], nodes[:nodes_used], spans[:spans_used]


@exact_kernel
def _pick(
    beam: Any,
    after: Any,
    size: int,
    nodes: Any,
    frame: Any,
    offsets: Any,
    symbols: Any,
    scores: Any,
    targets: Any,
    most_added: Any,
    totals: Any,
    best: Any,
    places: Any,
    starts: Any,
) -> Any:
    """Fill the heap of ``best`` scores with what the prefixes of the beam may become; returns how many there are.

    ``places`` says which they are, numbered as the plain search lists them: first every prefix as it is, then all
    choices of the first prefix, from ``starts[0]`` on, and so on. ``totals`` is for the choices of one prefix.
    """
    width, found = len(best), _ZERO
    for slot in range(size):
        score = after[slot].total + nodes[after[slot].node].bonus
        if score > _NEVER:
            found = _offer(best, places, found, score, slot)
    place, likeliest = size, np.max(frame)
    for slot in range(size):
        starts[slot] = place
        paths, node = beam[slot], nodes[beam[slot].node]
        state = _state(node, targets)
        first, arcs = offsets[state], offsets[state + 1] - offsets[state]
        place += arcs
        # Where the heap is full of better ones than the best that could come of this prefix, none of its arcs enters.
        if found == width and (paths.total + likeliest) + (node.bonus + most_added[state]) <= best[0]:
            continue
        for k in range(arcs):
            symbol = symbols[first + k]
            heard = (paths.blank if symbol == node.symbol else paths.total) + frame[symbol]
            totals[k] = heard + (node.bonus + scores[first + k])
        child = node.child
        while child >= 0:
            if nodes[child].slot >= 0:  # it has joined the paths of the prefix that is there
                totals[nodes[child].arc - first] = _NEVER
            child = nodes[child].sibling
        for k in range(arcs):
            if totals[k] > (_NEVER if found < width else best[0]):
                found = _offer(best, places, found, totals[k], starts[slot] + k)
    return found


@exact_kernel
def _state(node: Any, targets: Any) -> Any:
    """The guide's state after a prefix."""
    return targets[node.arc] if node.arc >= 0 else 0


@exact_kernel
def _log_add(a: float, b: float) -> float:
    high, low = max(a, b), min(a, b)
    return high if low == _NEVER else high + math.log1p(math.exp(low - high))


@exact_kernel
def _with_room(array: Any, count: int) -> Any:
    """The array, or a longer copy where ``count`` rows do not fit."""
    if count <= len(array):
        return array
    longer = np.empty(count, array.dtype)
    for row in range(len(array)):
        longer[row] = array[row]
    return longer


@exact_kernel
def _forget_nodes(nodes: Any, used: int, beam: Any, size: int) -> int:
    """Move the prefixes of those in the beam to the front; returns how many. A parent stands before its child."""
    place = np.full(used, -1, np.int32)
    for slot in range(size):
        place[beam[slot].node] = 0
    for node in range(used - 1, 0, -1):
        if place[node] == 0:
            place[nodes[node].parent] = 0
    nodes[0].child = -1
    left = 1
    for node in range(1, used):
        if place[node] == 0:
            place[node] = left
            parent = place[nodes[node].parent]
            nodes[left] = nodes[node]
            nodes[left].parent, nodes[left].child = parent, -1
            nodes[left].sibling, nodes[parent].child = nodes[parent].child, left
            left += 1
    for slot in range(size):
        beam[slot].node = place[beam[slot].node]
    return left


@exact_kernel
def _forget_spans(spans: Any, used: int, beam: Any, size: int) -> int:
    """Move the spans that paths in the beam name to the front; returns how many there are."""
    place = np.full(used + 1, -2, np.int32)
    place[-1] = -1  # where index -1, no span, leads
    for slot in range(size):
        for before in (beam[slot].blank_before, beam[slot].label_before):
            if before >= 0:
                place[before] = 0
    for span in range(used - 1, -1, -1):
        if place[span] == 0 and spans[span].before >= 0:
            place[spans[span].before] = 0
    left = 0
    for span in range(used):
        if place[span] == 0:
            place[span] = left
            before = place[spans[span].before]
            spans[left] = spans[span]
            spans[left].before = before
            left += 1
    for slot in range(size):
        beam[slot].blank_before = place[beam[slot].blank_before]
        beam[slot].label_before = place[beam[slot].label_before]
    return left


@exact_kernel
def _set_node(node: Any, parent: int, arc: int, symbol: int, bonus: float) -> None:
    node.parent, node.arc, node.symbol, node.bonus = parent, arc, symbol, bonus
    node.child = node.sibling = node.slot = -1


@exact_kernel
def _child(nodes: Any, used: int, parent: int, arc: int, symbol: int, added: float) -> Any:
    """The node that an arc leads to, and how many nodes there are now."""
    child = nodes[parent].child
    while child >= 0:
        if nodes[child].arc == arc:
            return child, used
        child = nodes[child].sibling
    _set_node(nodes[used], parent, arc, symbol, nodes[parent].bonus + added)
    nodes[used].sibling, nodes[parent].child = nodes[parent].child, used
    return used, used + 1


@exact_kernel
def _set_paths(paths: Any, node: int, blank: float) -> None:
    """No paths but that of the empty prefix before the first frame, where ``blank`` is 0."""
    paths.node = node
    paths.blank = paths.total = paths.best_blank = blank
    paths.label = paths.best_label = _NEVER
    paths.blank_before = paths.blank_start = paths.blank_end = paths.label_before = paths.label_start = -1


@exact_kernel
def _stay(paths: Any, after: Any, symbol: int, frame: Any, blank: int, t: int) -> None:
    """The paths that say the same after frame t: one blank more, or the last symbol prolonged."""
    after.node = paths.node
    after.blank = paths.total + frame[blank]
    if paths.best_blank >= paths.best_label:
        after.best_blank = paths.best_blank + frame[blank]
        after.blank_before, after.blank_start = paths.blank_before, paths.blank_start
        after.blank_end = paths.blank_end
    else:
        after.best_blank = paths.best_label + frame[blank]
        after.blank_before, after.blank_start = paths.label_before, paths.label_start
        after.blank_end = t
    prolonged = frame[symbol] if symbol >= 0 else _NEVER
    after.label, after.best_label = paths.label + prolonged, paths.best_label + prolonged
    after.label_before, after.label_start = paths.label_before, paths.label_start
    after.total = _log_add(after.blank, after.label)


@exact_kernel
def _join(paths: Any, parent: Any, again: bool, log_prob: float, spans: Any, used: int, t: int) -> int:
    """Take in the paths of the parent on which the last symbol begins in frame t; after ``again`` the same one only
    after a blank. Returns how many spans there are now.
    """
    paths.label = _log_add(paths.label, (parent.blank if again else parent.total) + log_prob)
    paths.total = _log_add(paths.blank, paths.label)
    from_blank = again or parent.best_blank >= parent.best_label
    best = (parent.best_blank if from_blank else parent.best_label) + log_prob
    if not best > paths.best_label:
        return used
    paths.best_label, paths.label_start = best, t
    before = parent.blank_before if from_blank else parent.label_before
    start = parent.blank_start if from_blank else parent.label_start
    if start < 0:
        paths.label_before = -1
        return used
    spans[used].before, spans[used].start = before, start
    spans[used].end = parent.blank_end if from_blank else t
    paths.label_before = used
    return used + 1


@exact_kernel
def _worse(score: float, place: int, other_score: float, other_place: int) -> bool:
    return score < other_score or (score == other_score and place > other_place)


@exact_kernel
def _offer(scores: Any, places: Any, size: int, score: float, place: int) -> int:
    """Take in a candidate; where the heap is full, the worst one goes. Returns how many there are now."""
    if size == len(scores):
        if not _worse(score, place, scores[0], places[0]):
            _sift_down(scores, places, size, score, place)
        return size
    hole = size
    while hole > 0 and _worse(score, place, scores[(hole - 1) // 2], places[(hole - 1) // 2]):
        above = (hole - 1) // 2
        scores[hole], places[hole] = scores[above], places[above]
        hole = above
    scores[hole], places[hole] = score, place
    return size + 1


@exact_kernel
def _sift_down(scores: Any, places: Any, size: int, score: float, place: int) -> None:
    """Put a candidate in the place of the top one of the first ``size``."""
    hole = 0
    while 2 * hole + 1 < size:
        below = 2 * hole + 1
        if below + 1 < size and _worse(scores[below + 1], places[below + 1], scores[below], places[below]):
            below += 1
        if _worse(score, place, scores[below], places[below]):
            break
        scores[hole], places[hole] = scores[below], places[below]
        hole = below
    scores[hole], places[hole] = score, place


@exact_kernel
def _sort(scores: Any, places: Any, size: int, beam_min_logp: float) -> int:
    """Sort the first ``size`` candidates, best first; returns how many are not too far below the best."""
    for last in range(size - 1, 0, -1):
        score, place = scores[0], places[0]
        _sift_down(scores, places, last, scores[last], places[last])
        scores[last], places[last] = score, place
    while size > 0 and scores[size - 1] < scores[0] + beam_min_logp:
        size -= 1
    return size
