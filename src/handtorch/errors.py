"""Every error that a user can cause: what was expected, what came, and what to try."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any


class HandtorchError(Exception):
    """Base of all errors raised on purpose.

    A module through which the error passes on its way out adds its own place, so that the message ends up
    naming where in the model it happened: ``encoder.blstm.1: expected x (N, T, 256), got (N, T, 128)``.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.module: Any = None
        self.place: str = ""

    def pass_through(self, module: Any) -> None:
        """Note that the error left ``module``; the name it has in that module's tree goes in front of the path."""
        if self.module is not None and self.module is not module:
            for name, child in module.named_modules():
                if child is self.module:
                    self.place = f"{name}.{self.place}" if self.place else name
                    break
        self.module = module

    def __str__(self) -> str:
        message = super().__str__()
        if self.module is None:
            return message
        return f"{self.place or type(self.module).__name__}: {message}"


class ShapeError(HandtorchError, RuntimeError):
    """Shapes that do not fit together."""


class DtypeError(HandtorchError, RuntimeError):
    """An element type that the operation does not take."""


class DeviceError(HandtorchError, RuntimeError, AssertionError):
    """A device other than the CPU."""


class LinAlgError(HandtorchError, RuntimeError):
    """A matrix on which a factorization fails: singular, not positive definite, or one that does not converge."""


class GradientError(HandtorchError, RuntimeError):
    """A backward pass that cannot be done: no graph, a graph already freed, or a value changed in place."""


class ArgumentError(HandtorchError, ValueError):
    """An argument outside its range."""


class RangeError(ArgumentError, RuntimeError):
    """An argument outside its range, of a function that raises RuntimeError for it in PyTorch."""


class BatchError(ShapeError, ValueError):
    """Two batches of different length."""


class DimensionError(ShapeError, IndexError):
    """A dimension, or a place along one, that the tensor does not have."""


class FormatError(HandtorchError, ValueError):
    """A file that is cut short, lies about itself, or is of another kind than it claims."""


class MissingFileError(HandtorchError, FileNotFoundError):
    """A file or folder that is not there."""


class MissingExtraError(HandtorchError, ImportError):
    """An optional package that is not installed."""

    @classmethod
    def for_package(cls, package: str, extra: str) -> MissingExtraError:
        """The error that says which extra brings ``package``."""
        return cls(f"this needs the package '{package}', which is not installed; try: pip install 'handtorch[{extra}]'")


def require(module: str, *, extra: str) -> ModuleType:
    """Import an optional package, or say which extra brings it.

    Args:
        module: dotted module name, such as ``"matplotlib.pyplot"``.
        extra: the extra of this distribution that installs it.

    Raises:
        MissingExtraError: the package is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or module.split(".")[0] != error.name.split(".")[0]:
            raise
        raise MissingExtraError.for_package(module.split(".")[0], extra) from None
