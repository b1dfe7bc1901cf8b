"""The twin of ``vision.faces.rasterise.cover``: the same integers and the same sums, one pixel after the other."""

from __future__ import annotations

from typing import Any

from handtorch.kernels.compile import exact_kernel


@exact_kernel
def cover(xy: Any, nearness: Any, triangles: Any, half: int, unit: int, triangle: Any, weights: Any, best: Any) -> None:
    """Fill ``triangle`` (H, W) and ``weights`` (H, W, 3); ``best`` (H, W) holds the nearness of what is seen so far."""
    height, width = triangle.shape
    for t in range(len(triangles)):
        a, b, c = triangles[t]
        ax, ay, bx, by, cx, cy = xy[a, 0], xy[a, 1], xy[b, 0], xy[b, 1], xy[c, 0], xy[c, 1]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area <= 0:
            continue
        left = max(0, (min(ax, bx, cx) - half + unit - 1) // unit)
        right = min(width - 1, (max(ax, bx, cx) - half) // unit)
        top = max(0, (min(ay, by, cy) - half + unit - 1) // unit)
        bottom = min(height - 1, (max(ay, by, cy) - half) // unit)
        # An edge that points up, or flat to the right, owns its points; every other edge leaves them to its neighbour.
        own_a = 0 if cy < by or (cy == by and cx > bx) else 1
        own_b = 0 if ay < cy or (ay == cy and ax > cx) else 1
        own_c = 0 if by < ay or (by == ay and bx > ax) else 1
        for row in range(top, bottom + 1):
            y = row * unit + half
            for column in range(left, right + 1):
                x = column * unit + half
                e_a = (cx - bx) * (y - by) - (cy - by) * (x - bx)
                e_b = (ax - cx) * (y - cy) - (ay - cy) * (x - cx)
                e_c = (bx - ax) * (y - ay) - (by - ay) * (x - ax)
                if e_a < own_a or e_b < own_b or e_c < own_c:
                    continue
                w_a = e_a / area * nearness[a]
                w_b = e_b / area * nearness[b]
                w_c = e_c / area * nearness[c]
                near = w_a + w_b + w_c
                if near > best[row, column]:
                    best[row, column] = near
                    triangle[row, column] = t
                    weights[row, column, 0] = w_a / near
                    weights[row, column, 1] = w_b / near
                    weights[row, column, 2] = w_c / near
