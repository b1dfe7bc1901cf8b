"""Layers that merge axes, or split one."""

from __future__ import annotations

from typing import Any

from handtorch.nn.module import Module


class Flatten(Module):
    """Merges the axes from one to another: (N, *) to (N, Π *) by default.

    Args:
        start_dim, end_dim: the first and the last axis to merge.
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, input: Any) -> Any:
        """The same elements with fewer axes."""
        return input.flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        """The settings, as printed."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """Splits an axis into several.

    Args:
        dim: the axis.
        unflattened_size: their lengths, as a tuple or list; one may be -1 and is worked out.

    Raises:
        TypeError: arguments of other types.
    """

    def __init__(self, dim: int, unflattened_size: Any) -> None:
        super().__init__()
        if not isinstance(dim, int):
            raise TypeError(f"expected dim to be an int, got {type(dim).__name__}; axes have no names here")
        if not isinstance(unflattened_size, (tuple, list)):
            raise TypeError(
                f"unflattened_size must be a tuple of ints, but found type {type(unflattened_size).__name__}"
            )
        for place, length in enumerate(unflattened_size):
            if not isinstance(length, int):
                raise TypeError(
                    f"unflattened_size must be tuple of ints, but found element of type {type(length).__name__} at "
                    f"pos {place}"
                )
        self.dim, self.unflattened_size = dim, unflattened_size

    def forward(self, input: Any) -> Any:
        """The same elements with more axes."""
        return input.unflatten(self.dim, self.unflattened_size)

    def extra_repr(self) -> str:
        """The settings, as printed."""
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
