"""Layers whose parameters are not drawn."""

from __future__ import annotations

import inspect
from typing import Any

from handtorch import random
from handtorch.errors import RangeError
from handtorch.nn.module import Module

__all__ = ["skip_init"]


def skip_init(module_cls: Any, *args: Any, **kwargs: Any) -> Any:
    """A layer whose parameters have no particular values, for one that is loaded next; no random number is used up.

    Args:
        module_cls: the layer's class, which takes a ``device``.
        args, kwargs: what it is made with.

    Raises:
        RangeError: it is no such class.
    """
    if not issubclass(module_cls, Module):
        raise RangeError(f"Expected a Module; got {module_cls}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise RangeError("Module must support a 'device' arg to skip initialization")
    with random.fork_rng():
        return module_cls(*args, **kwargs)
