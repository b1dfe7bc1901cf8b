"""draw: the graph behind a tensor as a picture (SVG), inputs above, the result below."""

from __future__ import annotations

import html
import os
from typing import Any

from handtorch.autograd.graph import Node, human, nodes_of, parameter_names
from handtorch.errors import ArgumentError
from handtorch.io.atomic import atomic_write

_WIDTH, _HEIGHT, _GAP_X, _GAP_Y, _MARGIN = 150, 46, 24, 42, 20
_LIMIT = 2000


def draw(tensor: Any, path: str | os.PathLike[str] | None = None, model: Any = None) -> str:
    """The graph behind ``tensor`` as SVG text, which is also written to ``path``.

    A box for each op with the shape of its result, a rounded one for each leaf; the thickness of a line grows with the
    elements that flow along it. Hovering shows formula, line of the program and bytes kept.

    Args:
        tensor: a result.
        path: where the file shall be, if it shall be one.
        model: names its parameters.

    Raises:
        ArgumentError: the graph has more than 2,000 nodes, which nobody can look at.
    """
    nodes = nodes_of(tensor, parameter_names(model))
    if len(nodes) > _LIMIT:
        raise ArgumentError(
            f"expected a graph of at most {_LIMIT} nodes, got {len(nodes)}; draw the graph of a smaller input, "
            f"or look at autograd.ledger"
        )
    text = to_svg(nodes)
    if path is not None:
        with atomic_write(path, "w") as file:
            file.write(text)
    return text


def to_svg(nodes: list[Node]) -> str:
    """Boxes in rows by their distance from the leaves, and lines between them."""
    places = layout(nodes)
    width = max(x for x, _ in places.values()) + _WIDTH + _MARGIN
    height = max(y for _, y in places.values()) + _HEIGHT + _MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" font-family="sans-serif" font-size="12" text-anchor="middle">',
        f'<rect width="{width:.0f}" height="{height:.0f}" fill="white"/>',
    ]
    for node in nodes:
        for source in node.inputs:
            if source is not None:
                parts.append(_line(places[source], places[node.number], nodes[source].shape))
    parts += [_box(node, places[node.number]) for node in nodes]
    return "\n".join([*parts, "</svg>", ""])


def layout(nodes: list[Node]) -> dict[int, tuple[float, float]]:
    """Left upper corner of every box: a row for each depth, boxes of a row near the boxes that they are used by."""
    users: dict[int, list[int]] = {node.number: [] for node in nodes}
    for node in nodes:
        for source in node.inputs:
            if source is not None:
                users[source].append(node.number)
    above = {node.number: 0 for node in nodes}  # rows between a node and the result
    for node in nodes:  # users come before what they use
        above[node.number] = max((above[user] + 1 for user in users[node.number]), default=0)
    rows: list[list[int]] = [[] for _ in range(max(above.values()) + 1)]
    for node in nodes:
        rows[above[node.number]].append(node.number)
    centre: dict[int, float] = {}
    for row in rows:
        wishes = {n: _mean([centre[user] for user in users[n]]) for n in row}
        row.sort(key=lambda n: (wishes[n], n))
        _spread(row, wishes, centre)
    left = min(centre.values())
    last = len(rows) - 1
    return {
        n: (centre[n] - left + _MARGIN, (last - level) * (_HEIGHT + _GAP_Y) + _MARGIN)
        for level, row in enumerate(rows)
        for n in row
    }


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _spread(row: list[int], wishes: dict[int, float], centre: dict[int, float]) -> None:
    """Place a row from left to right, as near to the wishes as boxes may stand, then move all by their mean error."""
    step = _WIDTH + _GAP_X
    x = float("-inf")
    for n in row:
        x = max(wishes[n], x + step)
        centre[n] = x
    shift = _mean([wishes[n] - centre[n] for n in row])
    for n in row:
        centre[n] += shift


def _line(source: tuple[float, float], target: tuple[float, float], shape: tuple[int, ...]) -> str:
    elements = 1
    for length in shape:
        elements *= length
    thickness = 1 + min(len(str(elements)) - 1, 7) * 0.5
    x1, y1 = source[0] + _WIDTH / 2, source[1] + _HEIGHT
    x2, y2 = target[0] + _WIDTH / 2, target[1]
    bend = (y2 - y1) / 2
    return (
        f'<path d="M{x1:.1f},{y1:.1f} C{x1:.1f},{y1 + bend:.1f} {x2:.1f},{y2 - bend:.1f} {x2:.1f},{y2:.1f}" '
        f'fill="none" stroke="#8a94a6" stroke-width="{thickness}"/>'
    )


def _box(node: Node, place: tuple[float, float]) -> str:
    x, y = place
    fill, radius = ("#e3f1e4", 18) if node.is_leaf else ("#fdf3d8", 4) if node.number == 0 else ("#e8eef8", 4)
    title = node.name if len(node.name) <= 22 else "…" + node.name[-21:]
    shape = "×".join(map(str, node.shape)) or "number"
    hints = [node.formula, node.module, node.line, f"keeps {human(node.kept)}" if node.kept else ""]
    hint = html.escape("\n".join(text for text in hints if text))
    return (
        f'<g><title>{hint}</title><rect x="{x:.1f}" y="{y:.1f}" width="{_WIDTH}" height="{_HEIGHT}" rx="{radius}" '
        f'fill="{fill}" stroke="#55606e"/>'
        f'<text x="{x + _WIDTH / 2:.1f}" y="{y + 19:.1f}" font-weight="bold">{html.escape(title)}</text>'
        f'<text x="{x + _WIDTH / 2:.1f}" y="{y + 36:.1f}" fill="#55606e">{html.escape(shape)}</text></g>'
    )
