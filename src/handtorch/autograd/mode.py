"""Whether operations are recorded: ``no_grad``, ``enable_grad``, ``inference_mode``."""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable
from typing import Any


class _Mode(threading.local):
    """The switches of this thread."""

    grad = True
    inference = False
    watch: Callable[[Any], None] | None = None  # sees every op that is recorded, and may put away what it saved


mode = _Mode()


class _Switch:
    """Sets :data:`mode` for a block, or for every call of a decorated function."""

    def __init__(self, grad: bool, inference: bool | None = None) -> None:
        self._wanted = (grad, inference)
        self._before: list[tuple[bool, bool]] = []

    def __enter__(self) -> None:
        self._before.append((mode.grad, mode.inference))
        grad, inference = self._wanted
        mode.grad = grad
        if inference is not None:
            mode.inference = inference

    def __exit__(self, *error: object) -> None:
        mode.grad, mode.inference = self._before.pop()

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.isgeneratorfunction(function):
            return self._around_generator(function)

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            with _Switch(*self._wanted):
                return function(*args, **kwargs)

        return wrapper

    def _around_generator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Set the mode while the generator runs, and set it back while its caller does."""

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            generator = function(*args, **kwargs)
            resume, given = generator.send, None
            while True:
                try:
                    with _Switch(*self._wanted):
                        value = resume(given)
                except StopIteration as stop:
                    return stop.value
                try:
                    given = yield value
                    resume = generator.send
                except GeneratorExit:
                    generator.close()
                    raise
                except BaseException as error:
                    resume, given = generator.throw, error

        return wrapper


class _BareSwitch(_Switch):
    """A switch that also decorates without brackets: ``@no_grad`` as well as ``@no_grad()``."""

    grad: bool

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        switch = super().__new__(cls)
        _Switch.__init__(switch, cls.grad)
        return switch if function is None else switch(function)

    def __init__(self) -> None:
        """Everything was set when the object was made."""


class no_grad(_BareSwitch):
    """Record nothing: results do not require gradients."""

    grad = False


class enable_grad(_BareSwitch):
    """Record again inside a ``no_grad`` block."""

    grad = True


class inference_mode(_Switch):
    """Record nothing; results are inference tensors, which never enter a graph."""

    def __init__(self, mode: bool = True) -> None:
        super().__init__(not mode, mode)


class set_grad_enabled(_Switch):
    """Switch recording from this line on; used in ``with``, until the end of the block."""

    def __init__(self, mode: bool) -> None:
        super().__init__(mode)
        self.__enter__()

    def __enter__(self) -> None:
        if not self._before:
            super().__enter__()

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        self.__exit__()  # as a decorator it concerns the function alone
        return super().__call__(function)


def is_grad_enabled() -> bool:
    """Whether operations of this thread are recorded."""
    return mode.grad


def is_inference_mode_enabled() -> bool:
    """Whether this thread is inside ``inference_mode``."""
    return mode.inference
