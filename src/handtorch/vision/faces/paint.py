"""The colour of every visible point of a head: skin, lips, brows, hair, beard, eyes, teeth, glasses and clothes.

Paint is a solid texture (Perlin 1985): a function of where the point lies on the head at rest. It moves with the
surface when the face does, needs no picture, and its edges stay sharp at every resolution.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from handtorch.vision.faces.hair import hair_cover, smooth_step, strands
from handtorch.vision.faces.head import FRAME, LEFT_EYE, RIGHT_EYE, SKIN, TEETH, TONGUE, Head
from handtorch.vision.faces.person import Person, Sitting

Floats = npt.NDArray[np.float64]

_IRIS, _PUPIL = 0.47, 0.20  # radians as seen from the middle of the eye
_WHITE, _ENAMEL, _FLESH = np.array([0.72, 0.68, 0.65]), np.array([0.68, 0.62, 0.52]), np.array([0.34, 0.10, 0.09])
_COLLAR = 5.95  # below this the shirt begins


class Coat(NamedTuple):
    """What the light meets at P points."""

    colour: Floats
    """(P, 3) the share of light that is scattered back, linear RGB."""
    gloss: Floats
    """(P,) the share that is reflected."""
    sharpness: Floats
    """(P,) the exponent of the reflection."""


def paint(head: Head, person: Person, sitting: Sitting, triangle: npt.NDArray[np.int32], weights: Floats) -> Coat:
    """The coat of P points, given by the triangles (P,) they lie in and the weights (P, 3) of its corners."""
    corners = head.triangles[triangle]
    rest = _between(head.rest, corners, weights)
    part = head.part[triangle]
    lips, mouth, ears = (_between(mask, corners, weights) for mask in (head.lips, head.mouth, head.ears))
    colour = _skin(person, rest)
    gloss, sharpness = np.full(len(rest), 0.045), np.full(len(rest), 14.0)
    _mix(colour, smooth_step(lips, 0.2, 0.9), person.skin * person.lips)
    gloss += 0.05 * lips
    _mix(colour, _beard(person, rest) * (1 - smooth_step(lips, 0.1, 0.6)), person.hair)
    _mix(colour, _brows(person, rest), person.hair)
    cover = hair_cover(person, rest, ears, 0.10)
    _mix(colour, cover, person.hair * strands(person, rest)[:, None])
    _mix(colour, smooth_step(mouth, 0.3, 0.8), _FLESH * 0.5)
    _mix(colour, smooth_step(-rest[:, 1], -_COLLAR, -_COLLAR + 0.04), sitting.cloth)
    for eye in (LEFT_EYE, RIGHT_EYE):
        there = part == eye
        colour[there] = _eye(person, sitting, rest[there] - head.centre(eye, head.rest))
        gloss[there], sharpness[there] = 0.5, 160.0
    colour[part == TEETH] = _ENAMEL
    colour[part == TONGUE] = _FLESH
    if person.glasses is not None:
        colour[part == FRAME] = person.glasses.colour
        gloss[part == FRAME], sharpness[part == FRAME] = 0.3, 60.0
    gloss[(part == SKIN) & (rest[:, 1] < _COLLAR)] = 0.0
    return Coat(colour, gloss, sharpness)


def _between(values: Floats, corners: npt.NDArray[np.int64], weights: Floats) -> Floats:
    """Values at vertices, interpolated within triangles."""
    return np.einsum("pc...,pc->p...", values[corners], weights)


def _mix(colour: Floats, share: Floats, other: Floats) -> None:
    colour += share[:, None] * (other - colour)


def _skin(person: Person, rest: Floats) -> Floats:
    """Skin that is redder on the cheeks and the nose, and a little blotched."""
    x, y, z = rest.T
    cheeks = np.exp(-(((np.abs(x) - 0.42) / 0.2) ** 2) - (((y - 6.95) / 0.2) ** 2)) * (z > 0.8)
    nose = np.exp(-((x / 0.14) ** 2) - (((y - 6.93) / 0.14) ** 2)) * (z > 1.2)
    under_eyes = np.exp(-(((np.abs(x) - 0.3) / 0.15) ** 2) - (((y - 7.12) / 0.06) ** 2)) * (z > 1.0)
    blotches = np.sin(7 * x + 3 * y) * np.sin(5 * y - 4 * z) * 0.03
    flush = np.array([0.02, -0.14, -0.12])
    return person.skin * (
        1 + (cheeks + nose)[:, None] * flush + blotches[:, None] - 0.12 * under_eyes[:, None] * np.array([0.7, 1, 0.8])
    )


def _brows(person: Person, rest: Floats) -> Floats:
    """Two arcs above the eyes that grow thinner outwards."""
    x, y, z = np.abs(rest[:, 0]), rest[:, 1], rest[:, 2]
    along = np.clip((x - 0.12) / 0.46, 0, 1)
    middle = 7.475 + person.brow_height + person.brow_arch * np.sin(np.pi * along**1.3) * 1.2 - 0.03 * along
    width = person.brow_width * (1.15 - 0.75 * along)
    across = np.exp(-(((y - middle) / width) ** 2))
    ends = smooth_step(x, 0.08, 0.16) * (1 - smooth_step(x, 0.52, 0.62))
    return person.brow_density * across * ends * (z > 0.8)


def _beard(person: Person, rest: Floats) -> Floats:
    """The beard along the jaw and the chin, and the moustache below the nose."""
    x, y, z = np.abs(rest[:, 0]), rest[:, 1], rest[:, 2]
    edge = 6.95 - 0.75 * (0.62 - x).clip(0)  # from the ear down to the corner of the mouth
    jaw = smooth_step(edge - y, 0.0, 0.28) * smooth_step(z, 0.35, 0.6)
    above_neck = smooth_step(y, 6.0, 6.3)
    lip = np.exp(-((x / 0.24) ** 4) - (((y - 6.76) / 0.05) ** 2)) * (z > 1.1)
    return 0.9 * np.maximum(person.beard * jaw * above_neck, person.moustache * lip)


def _eye(person: Person, sitting: Sitting, offset: Floats) -> Floats:
    """White, iris with a dark rim, and pupil, by the angle from where the eye looks."""
    left, up = sitting.gaze
    looks = np.array([np.sin(left) * np.cos(up), np.sin(up), np.cos(left) * np.cos(up)])
    outward = offset / np.linalg.norm(offset, axis=1, keepdims=True)
    angle = np.arccos(np.clip(outward @ looks, -1, 1))
    colour = np.tile(_WHITE, (len(offset), 1))
    ring = person.iris * (1 - 0.6 * smooth_step(angle, _IRIS * 0.75, _IRIS))[:, None]
    _mix(colour, 1 - smooth_step(angle, _IRIS - 0.04, _IRIS + 0.03), ring)
    _mix(colour, 1 - smooth_step(angle, _PUPIL - 0.03, _PUPIL + 0.03), np.full(3, 0.004))
    return colour
