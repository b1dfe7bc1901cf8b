"""One call made twice: by PyTorch and by Handtorch, on the same values and from the same seed."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

import handtorch
from tests.conformance.compare import Mismatch, Tolerance, compare
from tests.conformance.names import MissingName
from tests.conformance.translation import Duplicate, Inexpressible, Translation

SEED = 42
# Errors that no implementation means: it broke, which is no way of refusing an input. (Some error inputs ask for any
# Exception: they call a method on what is not a tensor, and Python itself refuses that.)
_BREAKAGES = (AttributeError, NameError, AssertionError, RecursionError, MemoryError)


class Unsupported(Exception):
    """PyTorch itself refuses the sample on this machine; it proves nothing about Handtorch."""


@dataclass
class Both:
    """What one call gave: PyTorch's values and Handtorch's, side by side."""

    expected: Any
    got: Any
    arguments: list[tuple[torch.Tensor, Any]]  # every tensor that went in
    changed: list[tuple[torch.Tensor, Any]]  # those of them that PyTorch wrote to
    in_float64: Callable[[], tuple[Any, list[torch.Tensor]]]  # PyTorch's results and arguments in float64

    @property
    def differentiable(self) -> list[tuple[torch.Tensor, Any]]:
        """The arguments that ask for a gradient."""
        return [(theirs, ours) for theirs, ours in self.arguments if theirs.requires_grad]

    def compare(self, tolerance: Tolerance, truth: Any = None) -> None:
        """Hold the results together, and what was written to the arguments."""
        compare(self.expected, self.got, tolerance, truth=truth)
        for i, (theirs, ours) in enumerate(self.changed):
            if theirs is not self.expected:
                compare(theirs, ours, tolerance, f"argument {i} after the call")
            elif ours is not self.got:
                raise Mismatch("the result is not the argument that was to be written to", theirs, ours)


def call_both(
    theirs: Callable[..., Any],
    ours: Callable[..., Any],
    args: tuple[Any, ...],
    options: dict[str, Any],
    precise: Callable[..., Any] | None = None,
) -> Both:
    """Call both with copies of the same arguments; in float64 PyTorch calls ``precise``, or ``theirs`` again.

    Raises:
        Unsupported: PyTorch raised.
        Mismatch: Handtorch raised.
    """
    copy, translation = Duplicate(), Translation()
    their_args, their_options = copy((args, options))
    before = {key: tensor._version for key, tensor in copy.tensors.items()}
    with quiet():
        try:
            torch.manual_seed(SEED)
            expected = theirs(*their_args, **their_options)
        except Exception as error:
            raise Unsupported(str(error)) from None
        with blamed():
            our_args, our_options = translation((args, options))
            handtorch.manual_seed(SEED)
            got = ours(*our_args, **our_options)
    pairs = [(tensor, translation.tensors[key]) for key, tensor in copy.tensors.items()]
    changed = [(t, translation.tensors[key]) for key, t in copy.tensors.items() if t._version != before[key]]

    def in_float64() -> tuple[Any, list[torch.Tensor]]:
        widen = Duplicate(precise=True)
        wide_args, wide_options = widen((args, options))
        with quiet():
            torch.manual_seed(SEED)
            result = (precise or theirs)(*wide_args, **wide_options)
        return result, [widen.tensors[key] for key, tensor in copy.tensors.items() if tensor.requires_grad]

    return Both(expected, got, pairs, changed, in_float64)


def check_error(
    theirs: Callable[..., Any],
    ours: Callable[..., Any],
    args: tuple[Any, ...],
    options: dict[str, Any],
    kind: type[BaseException],
) -> None:
    """Hold Handtorch to raising an error of a kind, where PyTorch does.

    Raises:
        Unsupported: PyTorch does not raise here.
        Mismatch: Handtorch raises nothing, or something else.
    """
    raised = _raised(theirs, kind, *Duplicate()((args, options)))
    if not isinstance(raised, kind):
        raise Unsupported(f"PyTorch does not raise {kind.__name__} here")
    with blamed():
        our_args, our_options = Translation()((args, options))
    raised = _raised(ours, kind, our_args, our_options)
    if raised is None:
        raise Mismatch(f"expected {kind.__name__}, nothing was raised")
    what = describe(raised)
    if what.startswith("missing: "):
        raise Mismatch(what, got=raised)
    refused = isinstance(raised, kind) and (kind is Exception or not isinstance(raised, _BREAKAGES))
    if not refused or isinstance(raised, NotImplementedError):
        raise Mismatch(f"expected {kind.__name__}, got {what}", got=raised)


def _raised(
    function: Callable[..., Any], kind: type[BaseException], args: tuple[Any, ...], options: dict[str, Any]
) -> BaseException | None:
    """What a call raises; where a warning is expected, the warning."""
    with warnings.catch_warnings(record=True) as warned, np.errstate(all="ignore"):
        warnings.simplefilter("always")
        try:
            function(*args, **options)
        except Exception as error:
            return error
    given = [w.message for w in warned if issubclass(kind, Warning) and isinstance(w.message, kind)]
    return given[0] if given else None  # type: ignore[return-value]


@contextmanager
def blamed() -> Any:
    """Within this context any exception is Handtorch's failure."""
    try:
        yield
    except Mismatch:
        raise
    except Inexpressible as error:
        raise Unsupported(str(error)) from None
    except Exception as error:
        raise Mismatch(describe(error), got=error) from error


@contextmanager
def quiet() -> Any:
    """Neither framework's warnings are of interest here: what they compute is."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def describe(error: BaseException) -> str:
    """One line for what went wrong; a name of PyTorch's that is not there is called missing."""
    if isinstance(error, MissingName):
        return str(error)
    if isinstance(error, AttributeError) and hasattr(torch.Tensor, error.name or ""):
        is_tensor = isinstance(error.obj, handtorch.Tensor) or error.obj is handtorch.Tensor
        if is_tensor:
            return f"missing: Tensor.{error.name}"
    message = str(error).strip().split("\n")[0]
    return f"{type(error).__name__}: {message}"
