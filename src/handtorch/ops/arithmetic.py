"""Arithmetic by element, with broadcasting and type promotion: + - * / **, and their combinations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from handtorch import dtypes
from handtorch.errors import DtypeError
from handtorch.ops.attach import method
from handtorch.ops.conversion import cast
from handtorch.ops.dispatch import answer_ufuncs
from handtorch.ops.elementwise import Elementwise, Unary, conj, in_floating_point, need_tensor, need_tensors, operator
from handtorch.ops.op import Op
from handtorch.ops.samples import Sample, away_from, bad, normal, sample
from handtorch.ops.samples import positive as positive_numbers
from handtorch.tensor import Tensor

__all__ = [
    "abs",
    "absolute",
    "add",
    "addcdiv",
    "addcmul",
    "div",
    "divide",
    "float_power",
    "lerp",
    "mul",
    "multiply",
    "neg",
    "negative",
    "positive",
    "pow",
    "rsub",
    "sub",
    "subtract",
    "true_divide",
]


class Add(Elementwise):
    """y = a + α b. dL/da = g, dL/db = α g.

    Args:
        alpha: α, a number.
    """

    twin_from = 65_536

    def __init__(self, alpha: Any = 1) -> None:
        self.alpha = alpha

    def forward(self, a: Any, b: Any) -> Any:
        return np.add(a, b if self.alpha == 1 else self.alpha * b)

    def backward(self, g: Any) -> Any:
        return g, g if self.alpha == 1 or not self.needs(1) else g * conj(self.alpha)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield from cls._pairs()
        yield sample(cls, normal(3), 2.5)
        yield sample(cls, normal(300, 230, seed=1), normal(300, 230, seed=2))
        yield sample(lambda: cls(-2.5), normal(3, 4, seed=1), normal(4, seed=2))


class Sub(Elementwise):
    """y = a - α b. dL/da = g, dL/db = -α g.

    Args:
        alpha: α, a number.
    """

    def __init__(self, alpha: Any = 1) -> None:
        self.alpha = alpha

    def forward(self, a: Any, b: Any) -> Any:
        return np.subtract(a, b if self.alpha == 1 else self.alpha * b)

    def backward(self, g: Any) -> Any:
        return g, (-g if self.alpha == 1 else g * -conj(self.alpha)) if self.needs(1) else None

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield from cls._pairs()
        yield sample(cls, 1.0, normal(3))
        yield sample(lambda: cls(-2.5), normal(3, 4, seed=1), normal(4, seed=2))


class Mul(Elementwise):
    """y = a b. dL/da = g b, dL/db = g a (conjugated for complex numbers)."""

    twin_from = 65_536

    def forward(self, a: Any, b: Any) -> Any:
        self.save(a if self.needs(1) else None, b if self.needs(0) else None)
        return np.multiply(a, b)

    def backward(self, g: Any) -> Any:
        a, b = self.saved
        return g * conj(b) if self.needs(0) else None, g * conj(a) if self.needs(1) else None

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield from cls._pairs()
        yield sample(cls, normal(3), -2)
        yield sample(cls, normal(30, 5, 460, seed=1), normal(5, 1, seed=2))


class Div(Elementwise):
    """y = a / b. dL/da = g / b, dL/db = -g a / b². No derivative at b = 0."""

    quiet = True

    def forward(self, a: Any, b: Any) -> Any:
        self.save(a if self.needs(1) else None, b)
        return np.divide(a, b)

    def backward(self, g: Any) -> Any:
        a, b = self.saved
        share = g / conj(b)
        return share, -share * conj(a / b) if self.needs(1) else None

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(3, 4), away_from(0, shape=(3, 4), gap=0.3))
        yield sample(cls, normal(2, 1, 4), away_from(0, shape=(3, 1), gap=0.3))
        yield sample(cls, 2.0, away_from(0, shape=(4,), gap=0.3))
        yield bad(cls, normal(3, 4), normal(3))


class Pow(Elementwise):
    """y = a^b. dL/da = g b a^(b-1), dL/db = g a^b ln a. For b = 0, dL/da = 0; for a = 0, dL/db = 0 where b >= 0."""

    quiet = True

    def forward(self, a: Any, b: Any) -> Any:
        y = a**b
        self.save(a, b, y if self.needs(1) else None)
        return y

    def backward(self, g: Any) -> Any:
        a, b, y = self.saved
        da = db = None
        if self.needs(0):
            slope = b * a ** (b - 1)
            da = g * conj(np.where(b == 0, 0.0, slope) if np.any(b == 0) else slope)
        if self.needs(1):
            flat = (a == 0) & (np.real(b) >= 0)
            db = g * conj(np.where(flat, 0.0, y * np.log(np.where(flat, 1.0, a))))
        return da, db

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, positive_numbers(3, 4), normal(3, 4))
        yield sample(cls, positive_numbers(3, 1), normal(4))
        yield sample(cls, normal(3, 4), 2)
        yield sample(cls, normal(3, 4), 3.0)
        yield sample(cls, positive_numbers(3), 0.5)
        yield sample(cls, normal(3), 0)
        yield sample(cls, 2.0, normal(3))
        yield bad(cls, positive_numbers(3, 4), normal(3))


class WholePower(Elementwise):
    """y = a^b for whole numbers, rounded towards zero: for b < 0 it is ±1 where a is, else 0. No derivative."""

    differentiable = False

    def forward(self, a: Any, b: Any) -> Any:
        inverse = np.where(np.abs(a) == 1, np.where(b % 2 == 0, 1, a), 0)
        return np.where(b < 0, inverse, np.power(a, np.maximum(b, 0))).astype(a.dtype)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, np.array([1, -1, -1, 0, 2, 3, -3]), np.array([-1, -3, -2, -1, -1, 3, 3]))


class Neg(Op):
    """y = -x. dL/dx = -g."""

    def forward(self, x: Any) -> Any:
        return np.negative(x)

    def backward(self, g: Any) -> Any:
        return -g

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(3, 4))


class Abs(Unary):
    """y = |x|. dL/dx = g sign(x), which is taken as 0 at x = 0; for complex x the sign is x / |x|."""

    value = np.absolute

    def backward(self, g: Any) -> Any:
        (x,) = self.saved
        return g * np.sign(x)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, away_from(0, shape=(3, 4)))
        yield sample(cls, np.zeros(2), smooth=False)


class Addcmul(Elementwise):
    """y = x + v a b. dL/dx = g, dL/da = g v b, dL/db = g v a.

    Args:
        value: v, a number.
    """

    def __init__(self, value: Any = 1) -> None:
        self.value = value

    def forward(self, x: Any, a: Any, b: Any) -> Any:
        self.save(x, a, b)
        return x + (a * b if self.value == 1 else self.value * a * b)

    def backward(self, g: Any) -> Any:
        _, a, b = self.saved
        scaled = g * conj(self.value)
        return g, scaled * conj(b) if self.needs(1) else None, scaled * conj(a) if self.needs(2) else None

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(3, 4, seed=1), normal(3, 4, seed=2), normal(3, 4, seed=3))
        yield sample(lambda: cls(-0.5), normal(4, seed=1), normal(3, 1, seed=2), normal(2, 1, 4, seed=3))
        yield bad(cls, normal(3, 4), normal(3), normal(4))


class Addcdiv(Elementwise):
    """y = x + v a / b. dL/dx = g, dL/da = g v / b, dL/db = -g v a / b². No derivative at b = 0.

    Args:
        value: v, a number.
    """

    quiet = True

    def __init__(self, value: Any = 1) -> None:
        self.value = value

    def forward(self, x: Any, a: Any, b: Any) -> Any:
        self.save(x, a, b)
        return x + (a if self.value == 1 else self.value * a) / b

    def backward(self, g: Any) -> Any:
        _, a, b = self.saved
        share = g * conj(self.value) / conj(b)
        return g, share, -share * conj(a / b) if self.needs(2) else None

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        divisor = away_from(0, shape=(3, 4), gap=0.3)
        yield sample(cls, normal(3, 4, seed=1), normal(3, 4, seed=2), divisor)
        yield sample(lambda: cls(-0.5), normal(4, seed=1), normal(2, 3, 1, seed=2), divisor)
        yield bad(cls, normal(3, 4), normal(3), normal(4))


class Lerp(Elementwise):
    """y = a + w (b - a), on the straight line from a (w = 0) to b (w = 1).

    For w >= 1/2 it is computed from the other end, as b - (1 - w) (b - a), so that w = 1 gives exactly b.
    dL/da = g (1 - w), dL/db = g w, dL/dw = g (b - a).
    """

    def forward(self, a: Any, b: Any, w: Any) -> Any:
        self.save(a, b, w)
        way = b - a
        near = np.absolute(w) < 0.5
        if np.ndim(w):
            return np.where(near, a + w * way, b - (1 - w) * way)
        return a + w * way if near else b - (1 - w) * way

    def backward(self, g: Any) -> Any:
        a, b, w = self.saved
        return g * conj(1 - w), g * conj(w), g * conj(b - a) if self.needs(2) else None

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(3, 4, seed=1), normal(3, 4, seed=2), 0.3)
        yield sample(cls, normal(3, 4, seed=1), normal(4, seed=2), positive_numbers(3, 1, low=-0.5, high=1.5))
        yield bad(cls, normal(3, 4), normal(3), 0.5)


# -- functions ------------------------------------------------------------------------------------------------------


@method("add", in_place=True)
def add(input: Any, other: Any, *former: Any, alpha: Any = 1) -> Any:
    """The sum input + alpha · other, by element.

    PyTorch's former order, ``add(input, alpha, other)``, is understood too.

    Raises:
        DtypeError: alpha is a fraction and the operands are whole, or a truth value and they are not.
    """
    if former:
        other, alpha = former[0], other
    if alpha != 1 or type(alpha) is not int:
        alpha = _checked_alpha(alpha, input, other)
    return Add(alpha)(input, other)


@method("sub", "subtract", in_place=True)
def sub(input: Any, other: Any, *former: Any, alpha: Any = 1) -> Any:
    """The difference input - alpha · other, by element.

    Raises:
        DtypeError: an operand is a truth value; or alpha does not suit, as for :func:`add`.
    """
    if former:
        other, alpha = former[0], other
    if _is_bool(input) or _is_bool(other):
        raise DtypeError(
            "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert a mask, "
            "use the `~` or `logical_not()` operator instead."
        )
    if alpha != 1 or type(alpha) is not int:
        alpha = _checked_alpha(alpha, input, other)
    return Sub(alpha)(input, other)


@method()
def rsub(input: Any, other: Any, *, alpha: Any = 1) -> Any:
    """The difference other - alpha · input, by element."""
    need_tensors("rsub", input)
    return sub(other, input, alpha=alpha)


def _checked_alpha(alpha: Any, *operands: Any) -> Any:
    """The factor as the operands' type holds it."""
    kind = dtypes.result_type([x.array if isinstance(x, Tensor) else x for x in operands])
    if isinstance(alpha, bool) and kind is not dtypes.bool:
        raise DtypeError("Boolean alpha only supported for Boolean results.")
    if isinstance(alpha, (float, complex)) and not (kind.is_floating_point or kind.is_complex):
        raise DtypeError("For integral input tensors, argument alpha must not be a floating point number.")
    if isinstance(alpha, complex) and not kind.is_complex:
        raise DtypeError("For non-complex input tensors, argument alpha must not be a complex number.")
    return np.asarray(alpha).astype(kind.numpy)[()] if kind.category == 1 else alpha


def _is_bool(x: Any) -> bool:
    return x.array.dtype.kind == "b" if isinstance(x, Tensor) else isinstance(x, bool)


@method("mul", "multiply", in_place=True)
def mul(input: Any, other: Any) -> Any:
    """The product input · other, by element."""
    return Mul()(input, other)


@method("div", "divide", in_place=True)
def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Any:
    """The quotient input / other, by element; whole numbers divide to floating point.

    Args:
        rounding_mode: ``"floor"`` or ``"trunc"`` rounds the quotient, and leaves whole numbers whole.
    """
    if rounding_mode is not None:
        from handtorch.ops.rounding import divide_and_round

        return divide_and_round(input, other, rounding_mode)
    return Div()(*in_floating_point(input, other))


@method(in_place=True)
def true_divide(input: Any, other: Any) -> Any:
    """The quotient input / other, by element."""
    return Div()(*in_floating_point(input, other))


@method("pow", in_place=True)
def pow(input: Any, exponent: Any) -> Any:
    """The power input ^ exponent, by element.

    Raises:
        DtypeError: a whole number to a negative whole power, which would be a fraction.
    """
    if isinstance(input, Tensor) and input.array.dtype.kind in "iub":
        if isinstance(exponent, Tensor):
            if exponent.array.dtype.kind == "i":
                return WholePower()(input, exponent)
        elif type(exponent) is int:
            if exponent < 0:
                raise DtypeError("Integers to negative integer powers are not allowed.")
            if input.array.dtype.kind == "b":
                input = cast(input, dtypes.int64)
    elif type(input) is int and exponent.array.dtype.kind == "i":
        return WholePower()(Tensor.of(np.asarray(input, exponent.array.dtype)), exponent)
    return Pow()(input, exponent)


@method(in_place=True)
def float_power(input: Any, exponent: Any) -> Any:
    """The power input ^ exponent, by element, in double precision."""
    need_tensor("float_power", input, exponent)
    kind = dtypes.result_type([x.array if isinstance(x, Tensor) else x for x in (input, exponent)])
    wide = dtypes.complex128 if kind.is_complex else dtypes.float64
    return Pow()(*(cast(x, wide) if isinstance(x, Tensor) else x for x in (input, exponent)))


@method("neg", "negative", in_place=True)
def neg(input: Any) -> Any:
    """The number with the other sign."""
    if _is_bool(input):
        raise DtypeError(
            "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, "
            "use the `~` or `logical_not()` operator instead."
        )
    return Neg()(input)


@method("positive", "__pos__")
def positive(input: Any) -> Any:
    """The input itself."""
    if _is_bool(input):
        raise DtypeError("The `+` operator, on a bool tensor is not supported.")
    return input


@method("abs", "absolute", in_place=True)
def abs(input: Any) -> Any:
    """The absolute value.

    Raises:
        DtypeError: truth values.
    """
    if input.array.dtype == bool:
        raise DtypeError("abs is not defined for bool; try input.int()")
    return Abs()(input)


@method("addcmul", in_place=True)
def addcmul(input: Any, tensor1: Any, tensor2: Any, *former: Any, value: Any = 1) -> Any:
    """The sum input + value · tensor1 · tensor2, by element.

    PyTorch's former order, ``addcmul(input, value, tensor1, tensor2)``, is understood too.
    """
    if former:
        value, tensor1, tensor2 = tensor1, tensor2, former[0]
    return Addcmul(value)(input, tensor1, tensor2)


@method("addcdiv", in_place=True)
def addcdiv(input: Any, tensor1: Any, tensor2: Any, *former: Any, value: Any = 1) -> Any:
    """The sum input + value · tensor1 / tensor2, by element.

    PyTorch's former order, ``addcdiv(input, value, tensor1, tensor2)``, is understood too.

    Raises:
        DtypeError: whole numbers are to be divided.
    """
    if former:
        value, tensor1, tensor2 = tensor1, tensor2, former[0]
    if tensor1.array.dtype.kind in "iub" and tensor2.array.dtype.kind in "iub":
        raise DtypeError(
            "Integer division with addcdiv is no longer supported; convert with .float(), or round the quotient: "
            "input + value * torch.div(tensor1, tensor2, rounding_mode='trunc')"
        )
    return Addcdiv(value)(input, tensor1, tensor2)


@method(in_place=True)
def lerp(input: Any, end: Any, weight: Any) -> Any:
    """The number that divides the way from ``input`` to ``end`` as ``weight`` says: 0 is ``input``, 1 is ``end``."""
    for name, x in (("end", end), ("weight", weight)):
        if isinstance(x, Tensor) and x.array.dtype != input.array.dtype:
            raise DtypeError(f"expected dtype {input.dtype} for `{name}` but got dtype {x.dtype}")
    if input.array.dtype.kind not in "fc":
        raise DtypeError(f"lerp: expected floating point or complex numbers, got {input.dtype}")
    return Lerp()(input, end, weight)


for _symbol, _function in {"add": add, "sub": sub, "mul": mul, "truediv": div, "pow": pow}.items():
    operator(_symbol, _function)
method("__neg__")(neg)
method("__abs__")(abs)
for _old in ("div", "rdiv", "idiv"):  # Python 2's names, which PyTorch keeps
    setattr(Tensor, f"__{_old}__", getattr(Tensor, f"__{_old.replace('div', 'truediv')}__"))

absolute, divide, multiply, negative, subtract = abs, div, mul, neg, sub

answer_ufuncs(
    {
        np.add: add,
        np.subtract: sub,
        np.multiply: mul,
        np.divide: div,
        np.power: pow,
        np.negative: neg,
        np.positive: positive,
        np.absolute: abs,
        np.float_power: float_power,
    }
)
