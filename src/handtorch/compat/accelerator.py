"""torch.accelerator as on a machine without one."""

from __future__ import annotations

from typing import Any

from handtorch.errors import DeviceError

__all__ = ["current_accelerator", "device_count", "is_available", "synchronize"]


def is_available() -> bool:
    """False: Handtorch computes on the CPU."""
    return False


def device_count() -> int:
    """0."""
    return 0


def current_accelerator(check_available: bool = False) -> Any:
    """None."""
    return None


def synchronize(device: Any = None) -> None:
    """Raises DeviceError: there is none."""
    raise DeviceError("expected an accelerator, and there is none; check torch.accelerator.is_available() first")
