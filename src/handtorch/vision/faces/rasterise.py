"""Which triangle is seen in which pixel: a z-buffer with exact edges.

A triangle (a, b, c) covers the pixel with centre p when p lies on the inner side of its three edges. The edge function

    E_ab(p) = (b_x - a_x)(p_y - a_y) - (b_y - a_y)(p_x - a_x)

is twice the signed area of (a, b, p) (Pineda 1988). Points are first rounded to 1/256 of a pixel, so that E is a whole
number and exactly opposite for the two triangles that share an edge: where E = 0 a rule decides which one of them owns
the pixel. So no pixel along an edge is left out and none is painted twice: there are no cracks and no speckle.

The barycentric coordinates E / area are linear on the screen, and so is 1/z, but an attribute of the surface is not:
it is attribute/z that is linear. Hence the weight of corner i is λ_i / z_i divided by the sum of the three.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from handtorch import kernels
from handtorch.errors import ArgumentError, ShapeError

UNIT = 256
"""Steps that a pixel is divided into in each direction."""

# Beyond this many pixels from the corner of the picture the edge function would leave 64 bits.
_FAR = 1 << 20

Floats = npt.NDArray[np.float64]


def rasterise(
    points: npt.ArrayLike, triangles: npt.ArrayLike, height: int, width: int
) -> tuple[npt.NDArray[np.int32], Floats]:
    """Find the nearest triangle in every pixel.

    Args:
        points: (V, 3): x to the right and y downwards in pixels from the picture's upper left corner, and 1/z, the
            reciprocal of the distance in front of the camera, in any unit.
        triangles: (T, 3) whole numbers: the corners of each, clockwise on the screen where one looks at its front.
            Triangles that turn their back to the camera are not drawn.
        height, width: H and W of the picture.

    Returns:
        (H, W) int32, the number of the triangle or -1 where there is none, and (H, W, 3) float64, the weights of its
        corners there, which add up to 1.

    Raises:
        ShapeError: an array of another shape.
        ArgumentError: a point behind the camera or far outside the picture, or a picture without pixels.
    """
    p, corners = np.asarray(points, np.float64), np.asarray(triangles, np.int64)
    if p.ndim != 2 or p.shape[1] != 3 or corners.ndim != 2 or corners.shape[1] != 3:
        raise ShapeError(f"expected points (V, 3) and triangles (T, 3), got {p.shape} and {corners.shape}")
    if height < 1 or width < 1:
        raise ArgumentError(f"expected a picture of at least one pixel, got {height} x {width}")
    if len(corners) and not 0 <= corners.min() <= corners.max() < len(p):
        raise ArgumentError(f"expected corners from 0 to {len(p) - 1}, got {corners.min()} to {corners.max()}")
    if not (np.all(np.abs(p[:, :2]) < _FAR) and np.all(p[:, 2] > 0)):
        raise ArgumentError("expected points in front of the camera and not far outside the picture")
    xy = np.rint(p[:, :2] * UNIT).astype(np.int64)
    triangle = np.full((height, width), -1, np.int32)
    weights, best = np.zeros((height, width, 3)), np.zeros((height, width))
    _chosen()(xy, np.ascontiguousarray(p[:, 2]), corners, UNIT // 2, UNIT, triangle, weights, best)
    return triangle, weights


def _chosen() -> Any:
    if not kernels.enabled():
        return cover
    from handtorch.kernels import rasterise as fast

    return fast.cover


def cover(xy: Any, nearness: Any, triangles: Any, half: int, unit: int, triangle: Any, weights: Any, best: Any) -> None:
    """Fill ``triangle`` and ``weights``, one triangle after the other; ``best`` holds 1/z of what is seen so far."""
    height, width = triangle.shape
    for t, corners in enumerate(triangles):
        (ax, ay), (bx, by), (cx, cy) = xy[corners].tolist()
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area <= 0:
            continue
        left, right = max(0, -((half - min(ax, bx, cx)) // unit)), min(width - 1, (max(ax, bx, cx) - half) // unit)
        top, bottom = max(0, -((half - min(ay, by, cy)) // unit)), min(height - 1, (max(ay, by, cy) - half) // unit)
        if left > right or top > bottom:
            continue
        x = np.arange(left, right + 1) * unit + half
        y = np.arange(top, bottom + 1)[:, None] * unit + half
        e_a = (cx - bx) * (y - by) - (cy - by) * (x - bx)
        e_b = (ax - cx) * (y - cy) - (ay - cy) * (x - cx)
        e_c = (bx - ax) * (y - ay) - (by - ay) * (x - ax)
        inside = (e_a >= _least(bx, by, cx, cy)) & (e_b >= _least(cx, cy, ax, ay)) & (e_c >= _least(ax, ay, bx, by))
        w = np.stack([e_a, e_b, e_c], axis=-1) / area * nearness[corners]
        near = w[..., 0] + w[..., 1] + w[..., 2]
        box = np.s_[top : bottom + 1, left : right + 1]
        nearer = inside & (near > best[box])
        best[box][nearer] = near[nearer]
        triangle[box][nearer] = t
        weights[box][nearer] = w[nearer] / near[nearer][:, None]


def _least(from_x: int, from_y: int, to_x: int, to_y: int) -> int:
    """What E must at least be: an edge that points up, or flat to the right, owns its points; others do not."""
    return 0 if to_y < from_y or (to_y == from_y and to_x > from_x) else 1
