"""``nn.modules``: the names of :mod:`handtorch.nn`, at the place where PyTorch keeps them."""

from __future__ import annotations

from typing import Any

from handtorch import nn

__path__: list[str] = []  # a package, of which compat.importing finds the parts


def __getattr__(name: str) -> Any:
    return getattr(nn, name)
