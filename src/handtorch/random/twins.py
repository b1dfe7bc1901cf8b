"""Which requests the compiled twins of the samplers serve: large ones.

A twin draws from the same state and gives the same numbers, so a stream may change between the two at any point.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

from handtorch import kernels

WARM = 1 << 14  # numbers from which a twin is faster, where Numba is loaded already
COLD = 1 << 20  # numbers from which Numba is loaded: half a second once, against milliseconds in every such request


def twin(name: str, count: int) -> Any:
    """The module ``handtorch.kernels.<name>`` if ``count`` numbers are worth it, else None.

    None as well where twins are switched off, and on machines where that module cannot promise equal bits.
    """
    if count < (WARM if "numba" in sys.modules else COLD) or not kernels.enabled():
        return None
    module = importlib.import_module(f"handtorch.kernels.{name}")
    return module if module.EXACT else None
