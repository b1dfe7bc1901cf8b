"""Glasses: two rims around the eyes, a bridge between them, and temples that reach to the ears.

They are tubes: a square is carried along a path, and its sides are the surface.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from handtorch.vision.faces.head import FRAME, LEFT_EYE, RIGHT_EYE, Head

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]

_AROUND = 28  # points along a rim


@dataclass(frozen=True)
class Glasses:
    """Somebody's glasses; lengths are decimetres."""

    width: float
    """Half the width of a lens."""
    height: float
    """Half its height."""
    squareness: float
    """The exponent of the rim, ``|x / width|ᵖ + |y / height|ᵖ = 1``: 2 is an ellipse, more is nearer to a rectangle."""
    thickness: float
    """Half the thickness of the frame."""
    drop: float
    """How far the middle of the lenses lies below the eyes."""
    colour: Floats
    """Linear RGB."""
    worn: float
    """In which share of the pictures."""


def put_on(glasses: Glasses, head: Head, vertices: Floats) -> tuple[Head, Floats]:
    """A head with glasses, and its vertices with those of the glasses after them."""
    points, triangles = _frame(glasses, head, vertices)
    bare, more = np.zeros(len(points)), len(vertices)
    return (
        replace(
            head,
            rest=np.concatenate([head.rest, points]),
            triangles=np.concatenate([head.triangles, triangles + more]),
            part=np.concatenate([head.part, np.full(len(triangles), FRAME)]),
            lips=np.concatenate([head.lips, bare]),
            mouth=np.concatenate([head.mouth, bare]),
            ears=np.concatenate([head.ears, bare]),
            openness=np.concatenate([head.openness, bare + 0.8]),
        ),
        np.concatenate([vertices, points]),
    )


def _frame(glasses: Glasses, head: Head, vertices: Floats) -> tuple[Floats, Whole]:
    left, right = (head.centre(eye, vertices) for eye in (LEFT_EYE, RIGHT_EYE))
    middle = (left + right) / 2
    # The bridge rests on the nose, between the eyes.
    near = np.abs(vertices - middle)
    front = vertices[(near[:, 0] < 0.1) & (near[:, 1] < 0.1), 2].max() + glasses.thickness
    ear = vertices[head.ears > 0.5]
    angle = np.linspace(0, 2 * np.pi, _AROUND, endpoint=False)
    cos, sin = np.cos(angle), np.sin(angle)
    radius = (np.abs(cos) ** glasses.squareness + np.abs(sin) ** glasses.squareness) ** (-1 / glasses.squareness)
    rim = np.column_stack([glasses.width * radius * cos, glasses.height * radius * sin, np.zeros(_AROUND)])
    # A real pair does not overlap where its owner's eyes stand close together.
    apart = max((left[0] - right[0]) / 2, glasses.width + 0.07)
    tubes = []
    for side in (-1, 1):
        lens = np.array([middle[0] + side * apart, middle[1] - glasses.drop, front])
        tubes.append(_tube(lens + rim, glasses.thickness, closed=True, beside=np.array([0.0, 0, 1])))
        hinge = lens + np.array([side * glasses.width, 0.5 * glasses.height, 0])
        tip = np.array([ear[ear[:, 0] * side > 0][:, 0].mean(), ear[:, 1].max() - 0.15, ear[:, 2].mean()])
        tubes.append(_tube(np.stack([hinge, tip]), glasses.thickness, closed=False, beside=np.array([0.0, 1, 0])))
    inner = apart - glasses.width
    height = middle[1] - glasses.drop + 0.25 * glasses.height
    bridge = np.array([[middle[0] + x * inner, height + 0.03 * (x == 0), front] for x in (-1, 0, 1)])
    tubes.append(_tube(bridge, glasses.thickness, closed=False, beside=np.array([0.0, 0, 1])))
    starts = np.cumsum([0, *(len(points) for points, _ in tubes)])
    triangles = [corners + start for (_, corners), start in zip(tubes, starts, strict=False)]
    return np.concatenate([points for points, _ in tubes]), np.concatenate(triangles)


def _tube(path: Floats, half: float, closed: bool, beside: Floats) -> tuple[Floats, Whole]:
    """A square of side ``2 half`` carried along a path (P, 3) that is never parallel to ``beside``.

    Returns:
        points (4 P, 3) and triangles that look outwards.
    """
    ahead = np.roll(path, -1, axis=0) - np.roll(path, 1, axis=0) if closed else np.gradient(path, axis=0)
    across = np.cross(ahead, beside)
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    up = np.cross(across, ahead)
    up /= np.linalg.norm(up, axis=1, keepdims=True)
    corners = ((1, 1), (1, -1), (-1, -1), (-1, 1))
    points = np.stack([path + half * (a * across + b * up) for a, b in corners], axis=1).reshape(-1, 3)
    here = 4 * np.arange(len(path) if closed else len(path) - 1)[:, None] + np.arange(4)
    turned = here - here % 4 + (here + 1) % 4
    next_here, next_turned = (here + 4) % len(points), (turned + 4) % len(points)
    corners_of = [(here, next_here, turned), (turned, next_here, next_turned)]
    return points, np.concatenate([np.stack(three, axis=-1).reshape(-1, 3) for three in corners_of])
