"""torch._C: the few functions of PyTorch's C++ part that libraries call."""

from __future__ import annotations

__all__ = ["_get_tracing_state", "_log_api_usage_once"]


def _get_tracing_state() -> None:
    """None: no program is being traced."""


def _log_api_usage_once(event: str) -> None:
    """Tell nobody."""
