"""detect_anomaly: stop at the first op that makes a NaN, forwards or backwards, and say where in the program it ran."""

from __future__ import annotations

from typing import Any

import numpy as np

from handtorch.autograd.origin import describe
from handtorch.errors import GradientError
from handtorch.ops import op as op_module
from handtorch.ops.op import Op
from handtorch.tensor import Tensor

_CAUSES = {
    "Log": "the logarithm of 0 or of a negative number; clamp it, or use log_softmax or log1p",
    "Div": "a division by 0; add a small number to the divisor",
    "Sqrt": "the root of a negative number, or its derivative at 0; add a small number under the root",
    "Pow": "a negative number to a broken power, or the derivative of a root at 0",
    "Exp": "an exponent above 88 (float32); subtract the maximum first",
    "Sub": "infinity minus infinity",
    "Mul": "infinity times 0",
    "Add": "infinity plus minus infinity",
    "Linear": "weights that have grown without bound; lower the learning rate or clip gradients",
    "MatMul": "values that have grown without bound; lower the learning rate or clip gradients",
    "Softmax": "a row in which everything is minus infinity (every place masked)",
    "LogSoftmax": "a row in which everything is minus infinity (every place masked)",
}

_active = 0
_check_nan = True
_first_infinity: tuple[str, Any] | None = None


class AnomalyError(GradientError):
    """An op made a NaN.

    Attributes:
        op: the op, which knows its ``origin``.
    """

    def __init__(self, message: str, op: Any = None) -> None:
        super().__init__(message)
        self.op = op


class detect_anomaly:
    """Inside the block (or after ``set_detect_anomaly(True)``), the first op that makes a NaN raises AnomalyError.

    The message names the op, whether it was going forward or back, the line of the program that ran it, the usual
    causes, and the first op before it that made an infinity. Every result is looked through, so expect about half the
    speed.

    Args:
        check_nan: False only collects the lines of the program for other errors, which is always done here.
    """

    def __init__(self, check_nan: bool = True) -> None:
        self.check_nan = check_nan

    def __enter__(self) -> None:
        self._before = (_active, _check_nan)
        _switch(_active + 1, self.check_nan)

    def __exit__(self, *error: object) -> None:
        _switch(*self._before)


class set_detect_anomaly(detect_anomaly):
    """Switch the detection from this line on; used in ``with``, until the end of the block."""

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        super().__init__(check_nan)
        self._before = (_active, _check_nan)
        _switch(int(mode), check_nan)

    def __enter__(self) -> None:
        """The switch was thrown when the object was made."""


def is_anomaly_enabled() -> bool:
    """Whether the detection is on."""
    return bool(_active)


def is_anomaly_check_nan_enabled() -> bool:
    """Whether NaN stop the program while the detection is on."""
    return _check_nan


_plain_call = Op.__call__


def _switch(active: int, check_nan: bool) -> None:
    """Put the looking call in the place of the plain one: off, the detection costs nothing."""
    global _active, _check_nan, _first_infinity
    _active, _check_nan = active, check_nan
    _first_infinity = None
    looking = active and check_nan
    Op.__call__ = _looking_call if looking else _plain_call  # type: ignore[method-assign]
    op_module.look_at_gradients = _look_at_gradients if looking else None


def _looking_call(self: Op, *inputs: Any) -> Any:
    outputs = _plain_call(self, *inputs)
    for output in outputs if isinstance(outputs, tuple) else (outputs,):
        _look(self, output.array, inputs)
    return outputs


def _look(op: Op, array: np.ndarray, inputs: Any) -> None:
    global _first_infinity
    if array.dtype.kind not in "fc" or np.isfinite(array).all():
        return
    if any(isinstance(x, Tensor) and x.array.dtype.kind in "fc" and np.isnan(x.array).any() for x in inputs):
        return  # it came in
    origin = op_module.here()
    if np.isnan(array).any():
        raise AnomalyError(f"forward of {type(op).__name__} made NaN at {describe(origin)}{_why(op)}", op)
    if _first_infinity is None:
        _first_infinity = (type(op).__name__, origin)


def _look_at_gradients(op: Op, g: Any, grads: Any) -> None:
    for i, share in enumerate(grads):
        if share is None or op.parents[i] is None:
            continue
        array = share.array if isinstance(share, Tensor) else np.asarray(share)
        if array.dtype.kind in "fc" and np.isnan(array).any():
            raise AnomalyError(
                f"Function '{op.name()}' returned nan values in its {i}th output; "
                f"the forward call was at {describe(op.origin)}{_why(op)}",
                op,
            )


def _why(op: Op) -> str:
    cause = _CAUSES.get(op.definition.__name__)
    text = f". Usual cause: {cause}" if cause else ""
    if _first_infinity is not None:
        name, origin = _first_infinity
        text += f". Before it, {name} made an infinity at {describe(origin)}"
    return text
