"""``nn.modules``: the names of :mod:`handtorch.nn`, at the places where PyTorch keeps them."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType
from typing import Any

from handtorch import nn

__path__: list[str] = []  # a package, whose files are made below

#: The files of ``torch.nn.modules``; each shows all of :mod:`handtorch.nn`, which divides it in another way.
FILES = frozenset(
    """activation adaptive batchnorm channelshuffle container conv distance dropout flatten fold instancenorm lazy
    linear loss module normalization padding pixelshuffle pooling rnn sparse transformer upsampling utils""".split()
)


#: Where a file's names are that handtorch.nn does not show: base classes, hooks for all modules.
_OWN = {"container": "containers", "module": "hooks", "rnn": "recurrent", "sparse": "embedding"}


def file_of(name: str) -> ModuleType:
    """One of the files as a module."""
    view = ModuleType(f"handtorch.nn.modules.{name}", f"The names of handtorch.nn, for what imports {name}.")
    own = f"handtorch.nn.{_OWN.get(name, name)}"

    def look_up(name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if not hasattr(nn, name) and importlib.util.find_spec(own) is not None:
            return getattr(importlib.import_module(own), name)
        return getattr(nn, name)

    view.__getattr__ = look_up  # type: ignore[method-assign]
    return view


def __getattr__(name: str) -> Any:
    if name not in FILES or hasattr(nn, name):
        return getattr(nn, name)
    view = file_of(name)
    setattr(sys.modules[__name__], name, view)
    return view
