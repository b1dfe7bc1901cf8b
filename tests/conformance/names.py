"""PyTorch's public names, and what Handtorch has under them."""

from __future__ import annotations

import functools
import types
from typing import Any

import torch

import handtorch

# Where a public callable of PyTorch can be found.
_NAMESPACES = (
    "",
    "nn.functional",
    "linalg",
    "fft",
    "special",
    "signal.windows",
    "nn",
    "nn.init",
    "nn.utils",
    "nn.utils.rnn",
    "autograd",
    "optim",
    "optim.lr_scheduler",
    "Tensor",
)
# Namespaces of the test suite itself: its functions are run on Handtorch, not looked up in it.
TEST_SUITE = "torch.testing"


class MissingName(Exception):
    """PyTorch has a public name that Handtorch has not."""

    def __init__(self, path: str) -> None:
        super().__init__(f"missing: {path if path.startswith('Tensor.') else 'handtorch.' + path}")
        self.path = path


class Missing:
    """Stands for a name that Handtorch has not, and says so when it is used."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __call__(self, *args: Any, **options: Any) -> Any:
        raise MissingName(self._path)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise MissingName(f"{self._path}.{name}")


class Namespace:
    """Handtorch under PyTorch's names: what the test suite's own code sees as ``torch`` when it runs on Handtorch."""

    def __init__(self, path: str = "") -> None:
        self._path = path

    def __getattr__(self, name: str) -> Any:
        path = f"{self._path}.{name}".lstrip(".")
        found = lookup(path)
        return Namespace(path) if isinstance(found, types.ModuleType) else found


def lookup(path: str) -> Any:
    """What Handtorch has under ``path``, such as ``nn.functional.relu``.

    Raises:
        MissingName: nothing.
    """
    found: Any = handtorch
    for part in path.split(".") if path else ():
        try:
            found = getattr(found, part)
        except AttributeError:
            raise MissingName(path) from None
    return found


def find(path: str) -> Any:
    """What Handtorch has under ``path``; a stand-in that raises when it is used, where it has nothing."""
    try:
        return lookup(path)
    except MissingName:
        return Missing(path)


def path_of(thing: Any) -> str | None:
    """The public name of a module, class or function of PyTorch; None for anything else.

    Of several names it is the first that Handtorch has, or else the first.
    """
    if isinstance(thing, types.ModuleType):
        name = thing.__name__
        is_public = (name == "torch" or name.startswith("torch.")) and not name.startswith(TEST_SUITE)
        return name.removeprefix("torch").lstrip(".") if is_public else None
    paths, _ = _index().get(id(thing), ((), None))
    return next((path for path in paths if not isinstance(find(path), Missing)), paths[0] if paths else None)


def is_named(thing: Any, path: str) -> bool:
    """Whether ``path`` is one of the public names of a callable of PyTorch."""
    return path in _index().get(id(thing), ((), None))[0]


@functools.cache
def _index() -> dict[int, tuple[list[str], Any]]:
    """Every public callable of PyTorch by identity: its names, and itself (so that its id stays its own)."""
    index: dict[int, tuple[list[str], Any]] = {}
    for namespace in _NAMESPACES:
        owner = functools.reduce(getattr, namespace.split("."), torch) if namespace else torch
        for name in dir(owner):
            if name.startswith("_") and not (namespace == "Tensor" and name.endswith("__")):
                continue
            thing = getattr(owner, name)
            if callable(thing) and not _is_everyones(thing):
                index.setdefault(id(thing), ([], thing))[0].append(f"{namespace}.{name}".lstrip("."))
    return index


def _is_everyones(thing: Any) -> bool:
    """Whether it is Python's own (``object.__init__``, ``Any``, ``int``) and only passes through PyTorch."""
    module = getattr(thing, "__module__", None) or getattr(getattr(thing, "__objclass__", None), "__module__", "")
    return module.split(".")[0] in ("builtins", "typing", "collections", "math", "enum", "functools", "contextlib")
