"""PyTorch's switches that have nothing to switch here; what was set can be asked for again."""

from __future__ import annotations

from typing import Any

from handtorch.errors import ArgumentError
from handtorch.tensor import CPU, device, only_cpu

__all__ = [
    "are_deterministic_algorithms_enabled",
    "compiled_with_cxx11_abi",
    "get_default_device",
    "get_float32_matmul_precision",
    "get_num_interop_threads",
    "is_autocast_enabled",
    "is_deterministic_algorithms_warn_only_enabled",
    "is_warn_always_enabled",
    "set_default_device",
    "set_deterministic_debug_mode",
    "set_float32_matmul_precision",
    "set_flush_denormal",
    "set_num_interop_threads",
    "set_warn_always",
    "use_deterministic_algorithms",
]

_chosen: dict[str, Any] = {
    "precision": "highest",
    "deterministic": False,
    "warn only": False,
    "warn always": False,
    "interop threads": 1,
}


def set_default_device(device: Any) -> None:
    """Choose where new tensors are.

    Raises:
        DeviceError: another place than the CPU.
    """
    only_cpu(device)


def get_default_device() -> device:
    """The CPU."""
    return CPU


def set_float32_matmul_precision(precision: str) -> None:
    """Remember how exact products of float32 shall be; they are always exact to float32.

    Args:
        precision: ``"highest"``, ``"high"`` or ``"medium"``.
    """
    if precision not in ("highest", "high", "medium"):
        raise ArgumentError(f"expected 'highest', 'high' or 'medium' as precision, got {precision!r}")
    _chosen["precision"] = precision


def get_float32_matmul_precision() -> str:
    """What was set last."""
    return str(_chosen["precision"])


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Remember the wish; the same program gives the same numbers here in any case."""
    _chosen["deterministic"], _chosen["warn only"] = bool(mode), bool(warn_only)


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """As :func:`use_deterministic_algorithms`: ``"default"`` (0), ``"warn"`` (1) or ``"error"`` (2)."""
    level = ["default", "warn", "error"].index(debug_mode) if isinstance(debug_mode, str) else debug_mode
    use_deterministic_algorithms(level > 0, warn_only=level == 1)


def are_deterministic_algorithms_enabled() -> bool:
    """What was set last."""
    return bool(_chosen["deterministic"])


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """What was set last."""
    return bool(_chosen["warn only"])


def set_warn_always(b: bool) -> None:
    """Remember whether each warning shall be shown every time; Python's filters decide."""
    _chosen["warn always"] = bool(b)


def is_warn_always_enabled() -> bool:
    """What was set last."""
    return bool(_chosen["warn always"])


def set_num_interop_threads(count: int) -> None:
    """Remember a number of threads for independent ops; ops run one after the other."""
    _chosen["interop threads"] = int(count)


def get_num_interop_threads() -> int:
    """What was set last."""
    return int(_chosen["interop threads"])


def set_flush_denormal(mode: bool) -> bool:
    """False: very small numbers are always kept."""
    return False


def is_autocast_enabled(device_type: str | None = None) -> bool:
    """False: everything is computed in the precision that the tensors have."""
    return False


def compiled_with_cxx11_abi() -> bool:
    """True, as in every PyTorch of today; nothing is compiled."""
    return True
