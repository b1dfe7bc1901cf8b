"""A photograph of a generated person: shape, camera, light, and the sensor's noise."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from handtorch.errors import ArgumentError
from handtorch.vision.faces.glasses import put_on
from handtorch.vision.faces.hair import grow_hair
from handtorch.vision.faces.head import LEFT_EYE, RIGHT_EYE, SKIN, TEETH, TONGUE, Head
from handtorch.vision.faces.paint import Coat, paint
from handtorch.vision.faces.person import Person, Sitting
from handtorch.vision.faces.rasterise import rasterise

Floats = npt.NDArray[np.float64]

_SUPERSAMPLING = 3  # samples a pixel in each direction
_FIELD = 2.45  # decimetres that the picture shows at the distance of the eyes
_BELOW_EYES = 0.10  # how far the middle of the picture lies below the eyes
_PIVOT_DEPTH = 0.75  # the head turns around a line that far behind the eyes

# Light enters skin and leaves it elsewhere, red most of all: the shadow's edge is soft, and redder than the rest.
_WRAP = np.array([0.26, 0.18, 0.15])


def render(head: Head, person: Person, sitting: Sitting, size: int = 64) -> npt.NDArray[np.uint8]:
    """Photograph a person.

    Args:
        head: from :func:`handtorch.vision.faces.load_head`.
        person: who.
        sitting: how.
        size: H and W of the picture, pixels.

    Returns:
        (size, size, 3) uint8, sRGB.
    """
    if size < 8:
        raise ArgumentError(f"expected a size of at least 8 pixels, got {size}")
    fine = size * _SUPERSAMPLING
    bare = head.shape(person.shape + sitting.expression)
    eyes = (head.centre(LEFT_EYE, bare) + head.centre(RIGHT_EYE, bare)) / 2
    vertices = grow_hair(person, head, bare)
    if person.glasses is not None and sitting.wears < person.glasses.worn:
        head, vertices = put_on(person.glasses, head, vertices)
    turn = _rotation(sitting)
    placed = (vertices - eyes + [0, 0, _PIVOT_DEPTH]) @ turn.T - [0, 0, _PIVOT_DEPTH]
    depth = sitting.distance - placed[:, 2]
    scale = fine / _FIELD * sitting.zoom * sitting.distance / depth
    column = fine * (0.5 + sitting.shift[0]) + placed[:, 0] * scale
    row = fine * (0.5 + sitting.shift[1]) - (placed[:, 1] + _BELOW_EYES) * scale
    triangle, weights = rasterise(np.column_stack([column, row, 1 / depth]), head.triangles, fine, fine)
    picture = _background(sitting, size).repeat(_SUPERSAMPLING, axis=0).repeat(_SUPERSAMPLING, axis=1)
    seen = triangle >= 0
    coat = paint(head, person, sitting, triangle[seen], weights[seen])
    picture[seen] = _shade(head, sitting, coat, placed, triangle[seen], weights[seen])
    return _expose(picture, sitting, size)


def _rotation(sitting: Sitting) -> Floats:
    """Roll after pitch after yaw."""
    (cy, cp, cr), (sy, sp, sr) = (f([sitting.yaw, sitting.pitch, sitting.roll]) for f in (np.cos, np.sin))
    yaw = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    pitch = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    roll = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return roll @ pitch @ yaw


def _shade(
    head: Head, sitting: Sitting, coat: Coat, placed: Floats, triangle: npt.NDArray[np.int32], weights: Floats
) -> Floats:
    """Lambert's law with a soft edge, light from all sides, Blinn and Phong's reflection: (P, 3), linear RGB."""
    corners = head.triangles[triangle]
    normal = np.einsum("pcx,pc->px", head.normals(placed)[corners], weights)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    position = np.einsum("pcx,pc->px", placed[corners], weights)
    view = [0, 0, sitting.distance] - position
    view /= np.linalg.norm(view, axis=1, keepdims=True)
    openness = np.einsum("pc,pc->p", head.openness[corners], weights)
    part = head.part[triangle]
    openness[(part == LEFT_EYE) | (part == RIGHT_EYE)] = 0.75
    openness[(part == TEETH) | (part == TONGUE)] = 0.45
    wrap = np.where((part == SKIN)[:, None], _WRAP, 0.1)
    facing = normal @ sitting.key
    direct = np.clip((facing[:, None] + wrap) / (1 + wrap), 0, None) * np.sqrt(openness)[:, None]
    upward = (0.5 + 0.5 * normal[:, 1])[:, None]
    ambient = (sitting.sky * upward + sitting.ground * (1 - upward)) * openness[:, None]
    half = view + sitting.key
    half /= np.linalg.norm(half, axis=1, keepdims=True)
    mirrored = np.clip(np.einsum("px,px->p", normal, half), 0, 1) ** coat.sharpness * (facing > 0) * openness
    return coat.colour * (direct * sitting.key_colour + ambient) + (coat.gloss * mirrored)[:, None] * sitting.key_colour


def _background(sitting: Sitting, size: int) -> Floats:
    """A wall whose corners differ in brightness, and blurred things before it: (size, size, 3)."""
    share = (np.arange(size) + 0.5) / size
    across, down = share[None, :, None], share[:, None, None]
    top = sitting.background[0] * (1 - across) + sitting.background[1] * across
    bottom = sitting.background[2] * (1 - across) + sitting.background[3] * across
    picture = top * (1 - down) + bottom * down
    for x, y, radius, *colour in sitting.blobs:
        distance = ((across - x) ** 2 + (down - y) ** 2) / radius**2
        picture += 0.8 * np.exp(-(distance**2)) * (colour - picture)
    return picture


def _expose(picture: Floats, sitting: Sitting, size: int) -> npt.NDArray[np.uint8]:
    """Average the samples of each pixel, add noise, and encode as sRGB (IEC 61966-2-1)."""
    light = picture.reshape(size, _SUPERSAMPLING, size, _SUPERSAMPLING, 3).mean(axis=(1, 3)) * sitting.exposure
    light = np.clip(light, 0, 1)
    encoded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    encoded += sitting.noise * np.random.RandomState(sitting.seed).standard_normal(encoded.shape)
    return np.rint(np.clip(encoded, 0, 1) * 255).astype(np.uint8)
