"""torch.__config__: what a program prints about the PyTorch that it runs on."""

from __future__ import annotations

import platform

import numpy as np

from handtorch import version
from handtorch.kernels.threads import get_num_threads

__all__ = ["parallel_info", "show"]


def show() -> str:
    """The versions of what computes."""
    return (
        f"Handtorch {version.__version__} with:\n"
        f"  - Python {platform.python_version()}\n"
        f"  - NumPy {np.__version__}\n"
        "  - CPU only\n"
    )


def parallel_info() -> str:
    """How many threads compute."""
    return f"threads : {get_num_threads()}\n"
