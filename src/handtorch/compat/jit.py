"""torch.jit and torch.compile: there is nothing to compile, so a function or module stays what it is."""

from __future__ import annotations

from typing import Any, Final, TypeVar

from handtorch.nn.module import Module

T = TypeVar("T")

__all__ = [
    "Final",
    "ScriptModule",
    "annotate",
    "compile",
    "export",
    "ignore",
    "is_scripting",
    "is_tracing",
    "script",
    "unused",
]


class ScriptModule(Module):
    """The base of modules that PyTorch compiles; here a module like others."""


def script(obj: T, *args: Any, **kwargs: Any) -> T:
    """The function, module or class itself."""
    return obj


def export(fn: T) -> T:
    """The method itself."""
    return fn


def ignore(drop: Any = False, **kwargs: Any) -> Any:
    """Decorates with or without brackets; changes nothing."""
    return drop if callable(drop) else lambda fn: fn


unused = export


def is_scripting() -> bool:
    """False: Python runs."""
    return False


is_tracing = is_scripting


def annotate(the_type: Any, the_value: T) -> T:
    """The value itself."""
    return the_value


def compile(model: Any = None, **options: Any) -> Any:
    """The function or module itself; with options only, a decorator that changes nothing."""
    return model if model is not None else lambda fn: fn
