"""One drawn call in both frameworks, and whether they agree."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

import handtorch
from handtorch import kernels
from handtorch.errors import DtypeError
from handtorch.kernels import threads
from handtorch.ops.op import Op
from tests.conformance.calls import Both, Unsupported, call_both, describe, quiet
from tests.conformance.compare import Mismatch, Tolerance
from tests.conformance.fuzz.draw import Call, Dice
from tests.conformance.gradients import check_by_differences, check_gradients
from tests.conformance.translation import Duplicate, Translation

# What PyTorch says of types and layouts for which its loops were not written: no rule of the function.
_GAPS = ("not implemented for", "Unsupported memory format", "view size is not compatible", "numeric_limits")
# PyTorch adds float16 up in whatever it finds fastest; float32 is judged by float64 where it is out of tolerance.
TOLERANCE = Tolerance(
    ((torch.float16, 1e-2, 1e-2), (torch.float32, 2e-5, 1e-5), (torch.complex64, 2e-5, 1e-5)),
)


_FEW = 400  # numbers to differentiate by difference quotients


def hold(call: Call, dice: Dice) -> None:
    """Make the call in both, under conditions that are drawn as well.

    Raises:
        Mismatch: results, gradients or kinds of errors differ.
        Unsupported: PyTorch alone cannot say what is right.
    """
    theirs, ours = functools.partial(_run, torch, call), functools.partial(_run, handtorch, call)
    refusal = _refusal(theirs, call)
    with conditions(dice):
        if refusal is not None:
            _check_refusal(ours, call, refusal)
            return
        try:
            both = call_both(theirs, ours, call.args, call.options)
        except Mismatch as mismatch:
            if isinstance(mismatch.got, DtypeError) and any(_is_empty(x) for x in call.args):
                raise Unsupported("PyTorch looks at no types where there is nothing to compute") from None
            raise
        _compare(both)
        _differentiate(both, ours, call, twice=False)
        if dice.dtype in (torch.float64, torch.complex128) and dice.chance(0.5):
            _differentiate(call_both(theirs, ours, call.args, call.options), ours, call, twice=True)


def _is_empty(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and not value.numel()


def _run(lib: Any, call: Call, *args: Any, **options: Any) -> Any:
    """The results of a function; or, of a layer, those of its calls and what it holds at the end."""
    target = functools.reduce(getattr, call.name.split("."), lib)
    if call.settings is None:
        return target(*args, **options)
    made, named = call.settings
    layer = target(*made, **named)
    if args[0].is_floating_point():
        layer.to(args[0].dtype)
    results = [layer.train(mode)(*args, **options) for mode in call.modes]
    return results, dict(layer.state_dict())


def _refusal(theirs: Callable[..., Any], call: Call) -> Exception | None:
    """The error that PyTorch raises, if it does."""
    args, options = Duplicate()((call.args, call.options))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            theirs(*args, **options)
        except Exception as error:
            return error
    return None


def _check_refusal(ours: Callable[..., Any], call: Call, refusal: Exception) -> None:
    if any(gap in str(refusal) for gap in _GAPS):
        raise Unsupported(str(refusal))
    wanted = f"expected {type(refusal).__name__}: {str(refusal).splitlines()[0]}"
    with quiet():
        try:
            args, options = Translation()((call.args, call.options))
            ours(*args, **options)
        except type(refusal):
            return
        except Exception as error:
            raise Mismatch(f"{wanted}; got {describe(error)}") from None
    raise Mismatch(f"{wanted}; nothing was raised")


def _compare(both: Both) -> None:
    try:
        both.compare(TOLERANCE)
    except Mismatch as mismatch:
        if not mismatch.in_values:
            raise
        both.compare(TOLERANCE, both.in_float64()[0])


def _differentiate(both: Both, ours: Callable[..., Any], call: Call, *, twice: bool) -> None:
    """Some derivatives of PyTorch are wrong; where they differ, difference quotients judge, which are slow."""
    try:
        check_gradients(both.expected, both.got, both.differentiable, TOLERANCE, twice=twice, precise=both.in_float64)
    except Mismatch:
        if sum(x.numel() for x, _ in both.differentiable) > _FEW:
            raise
        try:
            check_by_differences(ours, call.args, call.options, twice=twice)
        except Mismatch:
            pass
        else:
            return
        raise


@contextmanager
def conditions(dice: Dice) -> Iterator[None]:
    """Kernels, threads and workspace as they may be: each drawn."""
    before = threads.get_num_threads(), kernels.get_workspace()
    threads.set_num_threads(dice.one_of(1, 2))
    kernels.set_workspace(dice.one_of(64 << 20, 64 << 20, 4096, 1))
    try:
        with kernels.use(dice.one_of("fast", "fast", "reference")), twins_from_one_element(dice.chance(0.3)):
            yield
    finally:
        threads.set_num_threads(before[0])
        kernels.set_workspace(before[1])


@contextmanager
def twins_from_one_element(active: bool) -> Iterator[None]:
    """Run fast twins on small inputs too, which otherwise the plain op takes."""
    found = [op for op in _all_ops(Op) if active and op.__dict__.get("twin_from") is not None]
    before = [op.twin_from for op in found]
    try:
        for op in found:
            op.twin_from = 1
        yield
    finally:
        for op, size in zip(found, before, strict=True):
            op.twin_from = size


def _all_ops(kind: type) -> Iterator[Any]:
    for op in kind.__subclasses__():
        yield op
        yield from _all_ops(op)
