"""torch.cuda as on a machine without a GPU."""

from __future__ import annotations

from typing import Any

from handtorch.compat import amp
from handtorch.compat.amp import GradScaler, autocast
from handtorch.errors import DeviceError

__all__ = [
    "Event",
    "GradScaler",
    "Stream",
    "amp",
    "autocast",
    "current_device",
    "device_count",
    "empty_cache",
    "get_device_name",
    "is_available",
    "is_bf16_supported",
    "is_initialized",
    "manual_seed",
    "manual_seed_all",
    "max_memory_allocated",
    "memory_allocated",
    "memory_reserved",
    "reset_peak_memory_stats",
    "set_device",
    "synchronize",
]

_NONE = "expected a GPU, and this machine has none that Handtorch uses; check torch.cuda.is_available() first"


def is_available() -> bool:
    """False: Handtorch computes on the CPU."""
    return False


def is_initialized() -> bool:
    """False."""
    return False


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """False."""
    return False


def device_count() -> int:
    """0."""
    return 0


def manual_seed(seed: int) -> None:
    """Nothing: there is no generator of a GPU."""


manual_seed_all = manual_seed


def empty_cache() -> None:
    """Nothing: there is no cache of a GPU."""


def synchronize(device: Any = None) -> None:
    """Nothing to wait for."""


def reset_peak_memory_stats(device: Any = None) -> None:
    """Nothing to reset."""


def memory_allocated(device: Any = None) -> int:
    """0 bytes."""
    return 0


memory_reserved = max_memory_allocated = memory_allocated


def current_device() -> int:
    """Raises DeviceError: there is no GPU."""
    raise DeviceError(_NONE)


def set_device(device: Any) -> None:
    """Raises DeviceError: there is no GPU."""
    raise DeviceError(_NONE)


def get_device_name(device: Any = None) -> str:
    """Raises DeviceError: there is no GPU."""
    raise DeviceError(_NONE)


class Event:
    """Raises DeviceError: there is no GPU whose work could be timed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise DeviceError(_NONE)


class Stream(Event):
    """Raises DeviceError: there is no GPU."""
