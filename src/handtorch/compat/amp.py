"""Mixed precision by name: on the CPU everything is computed in the precision that the tensors have.

``autocast`` changes nothing, and ``GradScaler`` scales by 1 and calls the optimizer's step: so a training loop that was
written for half precision on a GPU computes the same in full precision here.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd", "is_autocast_available"]


class autocast:
    """A block (or a decorated function) in which nothing is different."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Takes PyTorch's arguments."""

    def __enter__(self) -> autocast:
        return self

    def __exit__(self, *error: object) -> None:
        """Nothing to undo."""

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def same(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        return same


class GradScaler:
    """Scales losses by 1: full precision needs no scaling."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Takes PyTorch's arguments."""

    def scale(self, outputs: Any) -> Any:
        """The outputs themselves."""
        return outputs

    def unscale_(self, optimizer: Any) -> None:
        """Nothing to undo."""

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """``optimizer.step``."""
        return optimizer.step(*args, **kwargs)

    def update(self, new_scale: Any = None) -> None:
        """The scale stays 1."""

    def get_scale(self) -> float:
        """1."""
        return 1.0

    def is_enabled(self) -> bool:
        """False."""
        return False

    def state_dict(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes what a GPU's scaler has saved, and needs none of it."""


def is_autocast_available(device_type: str) -> bool:
    """Whether autocast may be used on this kind of device: on the CPU, where it changes nothing."""
    return device_type == "cpu"


def custom_fwd(fwd: Any = None, **options: Any) -> Any:
    """Decorates the forward of a Function; changes nothing."""
    return fwd if fwd is not None else lambda function: function


custom_bwd = custom_fwd
