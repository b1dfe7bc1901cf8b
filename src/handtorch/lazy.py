"""Names of a package that are imported when they are first used, so that importing the package stays quick."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any


def lazy_names(
    package: str, contents: Mapping[str, Iterable[str]], submodules: Iterable[str] | Mapping[str, str] = ()
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """``__getattr__``, ``__dir__`` and ``__all__`` for a package.

    Args:
        package: the package's ``__name__``.
        contents: module (relative to the package) -> the names that come from it.
        submodules: modules that are names of the package themselves, or name -> module where they differ.

    Example::

        __getattr__, __dir__, __all__ = lazy_names(__name__, {"mel": ["log_mel", "mel_filterbank"]})
    """
    home = {name: module for module, names in contents.items() for name in names}
    modules = dict(submodules) if isinstance(submodules, Mapping) else {name: name for name in submodules}

    def get(name: str) -> Any:
        """A name that is not imported yet."""
        if name in home:
            value = getattr(importlib.import_module(f"{package}.{home[name]}"), name)
        elif name in modules:
            value = importlib.import_module(f"{package}.{modules[name]}")
        else:
            raise AttributeError(f"module {package!r} has no attribute {name!r}: it is not built")
        setattr(sys.modules[package], name, value)
        return value

    names = sorted({*home, *modules})
    return get, lambda: sorted({*vars(sys.modules[package]), *names}), names
