"""Views as copies: ``expand_copy`` is what ``expand`` gives, in memory of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from handtorch.ops import axes, diagonals, indexing, shape, splitting, striding
from handtorch.ops.attach import method
from handtorch.ops.reduction import normal_axis
from handtorch.tensor import Tensor

__all__ = [
    "alias_copy",
    "as_strided_copy",
    "detach_copy",
    "diagonal_copy",
    "expand_copy",
    "narrow_copy",
    "permute_copy",
    "select_copy",
    "slice_copy",
    "split_copy",
    "split_with_sizes_copy",
    "squeeze_copy",
    "t_copy",
    "transpose_copy",
    "unbind_copy",
    "unfold_copy",
    "unsqueeze_copy",
    "view_copy",
]


def _copying(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def copied(input: Any, *args: Any, **options: Any) -> Any:
        seen = function(input, *args, **options)
        return seen.clone() if isinstance(seen, Tensor) else tuple(piece.clone() for piece in seen)

    copied.__name__ = copied.__qualname__ = name
    copied.__doc__ = f"What :func:`{function.__name__}` gives, in memory of its own."
    return copied


as_strided_copy = _copying("as_strided_copy", striding.as_strided)
diagonal_copy = _copying("diagonal_copy", diagonals.diagonal)
expand_copy = _copying("expand_copy", shape.expand)
narrow_copy = method()(_copying("narrow_copy", indexing.narrow))
permute_copy = _copying("permute_copy", axes.permute)
select_copy = _copying("select_copy", indexing.select)
split_copy = _copying("split_copy", splitting.split)
split_with_sizes_copy = _copying("split_with_sizes_copy", splitting.split_with_sizes)
squeeze_copy = _copying("squeeze_copy", shape.squeeze)
t_copy = _copying("t_copy", axes.t)
transpose_copy = _copying("transpose_copy", axes.transpose)
unbind_copy = _copying("unbind_copy", splitting.unbind)
unfold_copy = _copying("unfold_copy", striding.unfold)
unsqueeze_copy = _copying("unsqueeze_copy", shape.unsqueeze)
view_copy = _copying("view_copy", shape.view)


def slice_copy(input: Any, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1) -> Any:
    """What input[start:end:step] along ``dim`` gives, in memory of its own."""
    return input[(slice(None),) * normal_axis(dim, input.array.ndim) + (slice(start, end, step),)].clone()


def alias_copy(input: Any) -> Any:
    """A copy."""
    return input.clone()


def detach_copy(input: Any) -> Any:
    """A copy without the history."""
    return input.detach().clone()
