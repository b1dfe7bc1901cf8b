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
    "current_stream",
    "default_generators",
    "device_count",
    "empty_cache",
    "get_device_capability",
    "get_device_name",
    "get_device_properties",
    "get_rng_state",
    "get_rng_state_all",
    "init",
    "ipc_collect",
    "is_available",
    "is_bf16_supported",
    "is_current_stream_capturing",
    "is_initialized",
    "manual_seed",
    "manual_seed_all",
    "max_memory_allocated",
    "max_memory_cached",
    "max_memory_reserved",
    "mem_get_info",
    "memory_allocated",
    "memory_cached",
    "memory_reserved",
    "memory_stats",
    "memory_summary",
    "reset_accumulated_memory_stats",
    "reset_max_memory_allocated",
    "reset_max_memory_cached",
    "reset_peak_memory_stats",
    "set_device",
    "set_rng_state",
    "set_rng_state_all",
    "synchronize",
]

_NONE = "expected a GPU, and this machine has none that Handtorch uses; check torch.cuda.is_available() first"


def is_available() -> bool:
    """False: Handtorch computes on the CPU."""
    return False


_initialized = False  # read by programs that keep the generators' states for a second run of a block


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


reset_max_memory_allocated = reset_max_memory_cached = reset_accumulated_memory_stats = reset_peak_memory_stats


def init() -> None:
    """Nothing to begin with."""


ipc_collect = init


def memory_allocated(device: Any = None) -> int:
    """0 bytes."""
    return 0


memory_reserved = max_memory_allocated = max_memory_reserved = memory_cached = max_memory_cached = memory_allocated


def memory_stats(device: Any = None) -> dict[str, Any]:
    """Nothing."""
    return {}


def memory_summary(device: Any = None, abbreviated: bool = False) -> str:
    """An empty text."""
    return ""


def get_rng_state_all() -> list[Any]:
    """The states of no generators."""
    return []


def set_rng_state_all(new_states: Any) -> None:
    """Nothing: there are no generators of GPUs."""


def is_current_stream_capturing() -> bool:
    """False."""
    return False


default_generators = ()


def _refusing(name: str) -> Any:
    def refuse(*args: Any, **options: Any) -> Any:
        raise DeviceError(_NONE)

    refuse.__name__ = refuse.__qualname__ = name
    refuse.__doc__ = "Raises DeviceError: there is no GPU."
    return refuse


current_device = _refusing("current_device")
set_device = _refusing("set_device")
get_device_name = _refusing("get_device_name")
get_device_properties = _refusing("get_device_properties")
get_device_capability = _refusing("get_device_capability")
get_rng_state = _refusing("get_rng_state")
set_rng_state = _refusing("set_rng_state")
mem_get_info = _refusing("mem_get_info")
current_stream = _refusing("current_stream")


class Event:
    """Raises DeviceError: there is no GPU whose work could be timed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise DeviceError(_NONE)


class Stream(Event):
    """Raises DeviceError: there is no GPU."""


def __getattr__(name: str) -> Any:
    """``torch.cuda.FloatTensor`` and its like."""
    from handtorch.compat.former_classes import ON_GPU

    if name in ON_GPU:
        return ON_GPU[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}: it is not built")
