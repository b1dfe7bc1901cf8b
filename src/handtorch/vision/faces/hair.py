"""Where hair grows, how far it stands off the head, and what colour its strands have."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from handtorch.vision.faces.head import Head
from handtorch.vision.faces.person import Person

Floats = npt.NDArray[np.float64]

_AXIS_DEPTH = 0.35  # z of the vertical line that the hairline goes round


def smooth_step(x: Floats, low: Floats | float, high: Floats | float) -> Floats:
    """0 up to ``low``, 1 from ``high`` on, and 3t² - 2t³ between."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def hairline(person: Person, rest: Floats) -> Floats:
    """The height (P,) at which the hair begins on the side of the head where each point lies."""
    turn = np.arctan2(rest[:, 0], rest[:, 2] - _AXIS_DEPTH)
    angle = np.abs(turn)  # 0 at the front, π at the back
    temple = person.temples * np.exp(-(((angle - 0.55) / 0.22) ** 2))
    stations = np.array([0.0, 0.35, 0.75, 1.10, 1.45, 1.75, 2.2, np.pi])
    over_ear = 7.35 - 0.45 * person.sides
    heights = np.array(
        [person.hairline, person.hairline - 0.01, person.hairline - 0.22, 7.45, over_ear, 7.05, 6.7, 6.6]
    )
    # A fringe hangs to one side, in locks.
    hanging = np.exp(-(((turn - person.parting) / 0.75) ** 4))
    locks = 1 + 0.3 * np.sin(11 * turn + 40 * person.parting)
    return np.interp(angle, stations, heights) + temple - person.fringe * hanging * locks


def hair_cover(person: Person, rest: Floats, ears: Floats, soft: float) -> Floats:
    """How much hair there is (P,), rising from 0 to 1 over a strip as wide as ``soft``."""
    if person.hair_volume == 0:
        return np.zeros(len(rest))
    return smooth_step(rest[:, 1] - hairline(person, rest), 0.0, soft) * (1 - np.clip(ears * 1.5, 0, 1))


def grow_hair(person: Person, head: Head, vertices: Floats) -> Floats:
    """Push the scalp out along its normals (V, 3), so that hair has a shape of its own."""
    if person.hair_volume == 0:
        return vertices
    x, y, z = head.rest.T
    crown = 0.6 + 0.4 * smooth_step(y, 7.3, 8.3)
    swept = 1 + 0.25 * np.tanh(6 * (x - person.parting)) * np.sign(person.parting + 1e-9)
    quiff = 1 + person.quiff * np.tanh(2 * (z - _AXIS_DEPTH))
    start = 90 * person.parting
    curls = 1 + 0.5 * person.curls * np.sin(9 * x + start) * np.sin(8 * y - start) * np.sin(7 * z + 2 * start)
    cover = hair_cover(person, head.rest, head.ears, 0.28)
    return vertices + head.normals(vertices) * (cover * crown * swept * quiff * curls * person.hair_volume)[:, None]


def strands(person: Person, rest: Floats) -> Floats:
    """How bright the hair is at each point (P,): locks run down from the parting, curls in all directions."""
    x, y, z = rest.T
    around = np.arctan2(x - 0.5 * person.parting, y - 7.2)
    straight = np.sin(41 * around + 5 * z) + np.sin(67 * around - 9 * z) + np.sin(23 * around + 3 * z)
    curled = np.sin(37 * x + 11 * z) * np.sin(31 * y - 17 * x) + np.sin(29 * z + 13 * y) * np.sin(43 * x - 7 * y)
    return np.clip(0.9 + person.shine * (straight + person.curls * (curled - straight)), 0.3, 2.0)
