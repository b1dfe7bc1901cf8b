"""Arithmetic by element, with broadcasting and type promotion: + - * / ** and functions of one number."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from handtorch import dtypes
from handtorch.errors import DtypeError
from handtorch.ops.attach import method
from handtorch.ops.dispatch import answer_functions, answer_ufuncs
from handtorch.ops.op import Op
from handtorch.ops.samples import Sample, away_from, bad, distinct, normal, positive, sample
from handtorch.tensor import Tensor

__all__ = [
    "abs",
    "add",
    "clamp",
    "clone",
    "cos",
    "div",
    "eq",
    "exp",
    "ge",
    "gt",
    "le",
    "log",
    "lt",
    "maximum",
    "minimum",
    "mul",
    "ne",
    "neg",
    "pow",
    "sign",
    "sin",
    "sqrt",
    "square",
    "sub",
    "where",
]


def conj(x: Any) -> Any:
    """The complex conjugate, without a copy for real numbers."""
    return np.conj(x) if np.iscomplexobj(x) else x


class Elementwise(Op):
    """Inputs are broadcast against each other (NumPy's rules) and meet in one element type first."""

    promotes = True

    def explain(self, *arrays: Any) -> str:
        shapes = " and ".join(str(tuple(np.shape(a))) for a in arrays)
        return (
            f"{type(self).__name__.lower()}: cannot broadcast shapes {shapes}; aligned at the last axis, "
            f"lengths must be equal or 1"
        )

    @classmethod
    def _pairs(cls) -> Iterator[Sample]:
        yield sample(cls, normal(3, 4, seed=1), normal(3, 4, seed=2))
        yield sample(cls, normal(3, 4, seed=1), normal(4, seed=2))
        yield sample(cls, normal(3, 1, seed=1), normal(2, 1, 4, seed=2))
        yield sample(cls, normal(seed=1), normal(2, 3, seed=2))
        yield bad(cls, normal(3, 4), normal(3))


class Add(Elementwise):
    """y = a + b. dL/da = g, dL/db = g."""

    def forward(self, a: Any, b: Any) -> Any:
        return np.add(a, b)

    def backward(self, g: Any) -> Any:
        return g, g

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield from cls._pairs()
        yield sample(cls, normal(3), 2.5)


class Sub(Elementwise):
    """y = a - b. dL/da = g, dL/db = -g."""

    def forward(self, a: Any, b: Any) -> Any:
        return np.subtract(a, b)

    def backward(self, g: Any) -> Any:
        return g, -g if self.needs(1) else None

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield from cls._pairs()
        yield sample(cls, 1.0, normal(3))


class Mul(Elementwise):
    """y = a b. dL/da = g b, dL/db = g a (conjugated for complex numbers)."""

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
        yield sample(cls, 2.0, positive(4))
        yield bad(cls, normal(3, 4), normal(3))


class Pow(Elementwise):
    """y = a^b. dL/da = g b a^(b-1), dL/db = g a^b ln a. For b = 0, dL/da = 0; for a = 0, dL/db = 0 where b >= 0."""

    quiet = True

    def forward(self, a: Any, b: Any) -> Any:
        y = np.power(a, b)
        self.save(a, b, y if self.needs(1) else None)
        return y

    def backward(self, g: Any) -> Any:
        a, b, y = self.saved
        da = db = None
        if self.needs(0):
            da = g * conj(np.where(b == 0, np.zeros_like(a), b * np.power(a, b - 1)))
        if self.needs(1):
            db = g * conj(np.where(a == 0, 0.0, y * np.log(np.where(a == 0, 1.0, a))))
        return da, db

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, positive(3, 4), normal(3, 4))
        yield sample(cls, positive(3, 1), normal(4))
        yield sample(cls, normal(3, 4), 2)
        yield sample(cls, normal(3, 4), 3.0)
        yield sample(cls, positive(3), 0.5)
        yield sample(cls, normal(3), 0)
        yield sample(cls, 2.0, normal(3))
        yield bad(cls, positive(3, 4), normal(3))


class Neg(Op):
    """y = -x. dL/dx = -g."""

    def forward(self, x: Any) -> Any:
        return np.negative(x)

    def backward(self, g: Any) -> Any:
        return -g

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(3, 4))


class Abs(Op):
    """y = |x|. dL/dx = g sign(x), which is taken as 0 at x = 0."""

    def forward(self, x: Any) -> Any:
        self.save(x)
        return np.absolute(x)

    def backward(self, g: Any) -> Any:
        (x,) = self.saved
        return g * np.sign(x)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, away_from(0, shape=(3, 4)))
        yield sample(cls, np.zeros(2), smooth=False)


class Sign(Op):
    """y = -1, 0 or 1 as x is negative, zero or positive. Constant almost everywhere: dL/dx = 0."""

    def forward(self, x: Any) -> Any:
        return np.sign(x)

    def backward(self, g: Any) -> Any:
        return np.zeros_like(g)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, away_from(0, shape=(3, 4)))


class Exp(Op):
    """y = e^x. dL/dx = g y."""

    quiet = True

    def forward(self, x: Any) -> Any:
        y = np.exp(x)
        self.save(y)
        return y

    def backward(self, g: Any) -> Any:
        (y,) = self.saved
        return g * conj(y)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(3, 4))


class Log(Op):
    """y = ln x. dL/dx = g / x. No derivative at 0."""

    quiet = True

    def forward(self, x: Any) -> Any:
        self.save(x)
        return np.log(x)

    def backward(self, g: Any) -> Any:
        (x,) = self.saved
        return g / conj(x)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, positive(3, 4))


class Sqrt(Op):
    """y = √x. dL/dx = g / (2 y). No derivative at 0."""

    quiet = True

    def forward(self, x: Any) -> Any:
        y = np.sqrt(x)
        self.save(y)
        return y

    def backward(self, g: Any) -> Any:
        (y,) = self.saved
        return g / (2 * conj(y))

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, positive(3, 4))


class Square(Op):
    """y = x². dL/dx = 2 x g."""

    def forward(self, x: Any) -> Any:
        self.save(x)
        return np.square(x)

    def backward(self, g: Any) -> Any:
        (x,) = self.saved
        return 2 * g * conj(x)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(3, 4))


class Sin(Op):
    """y = sin x, x in radians. dL/dx = g cos x."""

    def forward(self, x: Any) -> Any:
        self.save(x)
        return np.sin(x)

    def backward(self, g: Any) -> Any:
        (x,) = self.saved
        return g * np.cos(conj(x))

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(3, 4))


class Cos(Op):
    """y = cos x, x in radians. dL/dx = -g sin x."""

    def forward(self, x: Any) -> Any:
        self.save(x)
        return np.cos(x)

    def backward(self, g: Any) -> Any:
        (x,) = self.saved
        return -g * np.sin(conj(x))

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(3, 4))


class Maximum(Elementwise):
    """y = max(a, b); NaN wins. g goes to the larger; at a tie each gets g / 2."""

    def forward(self, a: Any, b: Any) -> Any:
        self.save(a, b)
        return np.maximum(a, b)

    def backward(self, g: Any) -> Any:
        a, b = self.saved
        half = np.where(a == b, 0.5 * g, np.zeros_like(g))
        return np.where(a > b, g, half), np.where(b > a, g, half)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, distinct(3, 4, seed=1), distinct(3, 4, seed=2) + 0.03)
        yield sample(cls, distinct(3, 1), distinct(4) + 0.03)
        yield sample(cls, np.ones(2), np.ones(2), smooth=False)
        yield bad(cls, normal(3, 4), normal(3))


class Minimum(Elementwise):
    """y = min(a, b); NaN wins. g goes to the smaller; at a tie each gets g / 2."""

    def forward(self, a: Any, b: Any) -> Any:
        self.save(a, b)
        return np.minimum(a, b)

    def backward(self, g: Any) -> Any:
        a, b = self.saved
        half = np.where(a == b, 0.5 * g, np.zeros_like(g))
        return np.where(a < b, g, half), np.where(b < a, g, half)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, distinct(3, 4, seed=1), distinct(3, 4, seed=2) + 0.03)
        yield sample(cls, distinct(3, 1), distinct(4) + 0.03)
        yield sample(cls, np.ones(2), np.ones(2), smooth=False)
        yield bad(cls, normal(3, 4), normal(3))


class Clamp(Op):
    """y = min(max(x, low), high). dL/dx = g where low <= x <= high, else 0.

    Args:
        low, high: the bounds, either may be None.
    """

    def __init__(self, low: float | None, high: float | None) -> None:
        self.low, self.high = low, high

    def forward(self, x: Any) -> Any:
        self.save(x)
        return np.clip(x, self.low, self.high)

    def backward(self, g: Any) -> Any:
        (x,) = self.saved
        inside = np.ones(np.shape(x), bool) if self.low is None else x >= self.low
        return np.where(inside if self.high is None else inside & (x <= self.high), g, np.zeros_like(g))

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        x = away_from(-1, 1, shape=(3, 4))
        yield sample(lambda: cls(-1, 1), x)
        yield sample(lambda: cls(None, 1), x)
        yield sample(lambda: cls(-1, None), x)


class Where(Elementwise):
    """y = a where the condition holds, else b. g goes to whichever was taken.

    Args:
        condition: a boolean array, broadcast with a and b.
    """

    def __init__(self, condition: Any) -> None:
        self.condition = condition

    def forward(self, a: Any, b: Any) -> Any:
        return np.where(self.condition, a, b)

    def backward(self, g: Any) -> Any:
        return (
            np.where(self.condition, g, np.zeros_like(g)) if self.needs(0) else None,
            np.where(self.condition, np.zeros_like(g), g) if self.needs(1) else None,
        )

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        condition = normal(3, 4, seed=3) > 0
        yield sample(lambda: cls(condition), normal(3, 4, seed=1), normal(3, 4, seed=2))
        yield sample(lambda: cls(condition), normal(3, 1, seed=1), normal(4, seed=2))
        yield sample(lambda: cls(condition), normal(4), 0.0)
        yield bad(lambda: cls(condition), normal(3, 4), normal(3))


class Compare(Op):
    """y = whether the relation holds by element; boolean, without a derivative.

    Args:
        relation: NumPy's function: ``np.equal``, ``np.less`` ...
    """

    promotes = True
    differentiable = False

    def __init__(self, relation: np.ufunc) -> None:
        self.relation = relation

    def forward(self, a: Any, b: Any) -> Any:
        return self.relation(a, b)

    explain = Elementwise.explain

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        for relation in (np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal):
            yield sample(partial(cls, relation), np.array([1.0, 2, 3]), np.array([2.0, 2, 2]))
        yield bad(lambda: cls(np.less), normal(3, 4), normal(3))


class Logic(Op):
    """y = a & b, a | b, a ^ b or ~a: of truth values, or of the bits of whole numbers; without a derivative.

    Args:
        function: NumPy's function: ``np.bitwise_and``, ``np.bitwise_or``, ``np.bitwise_xor`` or ``np.invert``.
    """

    promotes = True
    differentiable = False

    def __init__(self, function: np.ufunc) -> None:
        self.function = function

    def forward(self, *xs: Any) -> Any:
        return self.function(*xs)

    explain = Elementwise.explain

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        a, b = np.array([True, True, False, False]), np.array([True, False, True, False])
        for function in (np.bitwise_and, np.bitwise_or, np.bitwise_xor):
            yield sample(partial(cls, function), a, b)
            yield sample(partial(cls, function), np.array([12, 7]), np.array([10, -1]))
        yield sample(lambda: cls(np.invert), a)
        yield sample(lambda: cls(np.invert), np.array([12, -7]))
        yield bad(lambda: cls(np.bitwise_and), a, b[:3])


class Cast(Op):
    """y = x in another element type. dL/dx = g in the type of x (the engine casts it back).

    Args:
        dtype: NumPy's dtype.
    """

    quiet = True

    def __init__(self, dtype: Any) -> None:
        self.target = dtype

    def forward(self, x: Any) -> Any:
        return np.astype(x.real if x.dtype.kind == "c" and self.target.kind != "c" else x, self.target)

    def backward(self, g: Any) -> Any:
        return g

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls(np.dtype("float64")), normal(3, 4))


class Clone(Op):
    """y = x in memory of its own. dL/dx = g."""

    def forward(self, x: Any) -> Any:
        return np.array(x, copy=True)

    def backward(self, g: Any) -> Any:
        return g

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(3, 4))


# -- functions ------------------------------------------------------------------------------------------------------


@method(in_place=True)
def add(input: Any, other: Any, *, alpha: Any = 1) -> Any:
    """input + alpha · other, by element."""
    return Add()(input, other if alpha == 1 else mul(other, alpha))


@method("sub", "subtract", in_place=True)
def sub(input: Any, other: Any, *, alpha: Any = 1) -> Any:
    """input - alpha · other, by element."""
    if _is_bool(input) and _is_bool(other):
        raise DtypeError(
            "Subtraction, the `-` operator, with two bool tensors is not supported; use the `^` or `logical_xor()`"
        )
    return Sub()(input, other if alpha == 1 else mul(other, alpha))


@method("mul", "multiply", in_place=True)
def mul(input: Any, other: Any) -> Any:
    """input · other, by element."""
    return Mul()(input, other)


@method("div", "divide", "true_divide", in_place=True)
def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Any:
    """input / other, by element; whole numbers divide to floating point.

    Args:
        rounding_mode: ``"floor"`` or ``"trunc"`` rounds the quotient.
    """
    quotient = Div()(floating(input), floating(other))
    if rounding_mode is None:
        return quotient
    rounded = Tensor.of(np.floor(quotient.array) if rounding_mode == "floor" else np.trunc(quotient.array))
    kind = dtypes.result_type([x.array if isinstance(x, Tensor) else x for x in (input, other)])
    return rounded.to(kind)


def floating(x: Any) -> Any:
    """A whole-number operand as floating point; others as they are."""
    if isinstance(x, Tensor) and x.array.dtype.kind in "iub":
        return cast(x, dtypes.get_default_dtype())
    return float(x) if isinstance(x, (bool, int)) else x


def _is_bool(x: Any) -> bool:
    return isinstance(x, bool) or (isinstance(x, Tensor) and x.array.dtype.kind == "b")


@method("pow", in_place=True)
def pow(input: Any, exponent: Any) -> Any:
    """input ^ exponent, by element."""
    return Pow()(input, exponent)


@method("neg", "negative", in_place=True)
def neg(input: Any) -> Any:
    """-input."""
    return Neg()(input)


@method("abs", "absolute", in_place=True)
def abs(input: Any) -> Any:
    """|input|."""
    return Abs()(input)


@method(in_place=True)
def sign(input: Any) -> Any:
    """-1, 0 or 1 by the sign."""
    return Sign()(input)


@method(in_place=True)
def exp(input: Any) -> Any:
    """e ^ input."""
    return Exp()(floating(input))


@method(in_place=True)
def log(input: Any) -> Any:
    """The natural logarithm."""
    return Log()(floating(input))


@method(in_place=True)
def sqrt(input: Any) -> Any:
    """The square root."""
    return Sqrt()(floating(input))


@method(in_place=True)
def square(input: Any) -> Any:
    """input²."""
    return Square()(input)


@method(in_place=True)
def sin(input: Any) -> Any:
    """The sine of radians."""
    return Sin()(floating(input))


@method(in_place=True)
def cos(input: Any) -> Any:
    """The cosine of radians."""
    return Cos()(floating(input))


@method()
def maximum(input: Any, other: Any) -> Any:
    """The larger of two, by element."""
    return Maximum()(input, other)


@method()
def minimum(input: Any, other: Any) -> Any:
    """The smaller of two, by element."""
    return Minimum()(input, other)


@method("clamp", "clip", in_place=True)
def clamp(input: Any, min: Any = None, max: Any = None) -> Any:
    """input held between min and max, which are numbers, tensors or None."""
    if min is None and max is None:
        raise DtypeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    if isinstance(min, Tensor) or isinstance(max, Tensor):
        lifted = input if min is None else maximum(input, min)
        return lifted if max is None else minimum(lifted, max)
    return Clamp(min, max)(input)


def where(condition: Any, input: Any, other: Any) -> Any:
    """input where the condition holds, else other."""
    return Where(condition.array if isinstance(condition, Tensor) else condition)(input, other)


def cast(input: Any, dtype: dtypes.dtype) -> Any:
    """input in another element type; itself where it has that type."""
    return input if input.array.dtype == dtype.numpy else Cast(dtype.numpy)(input)


@method()
def clone(input: Any, *, memory_format: Any = None) -> Any:
    """A copy that stays in the graph."""
    return Clone()(input)


def _comparison(name: str, relation: np.ufunc, dunder: str) -> Any:
    def compare(input: Any, other: Any) -> Any:
        if not isinstance(other, (Tensor, int, float, complex, np.ndarray, np.generic)):
            return NotImplemented
        return Compare(relation)(input, other)

    compare.__name__ = compare.__qualname__ = name
    compare.__doc__ = f"Whether ``input`` is {relation.__name__.replace('_', ' ')} to ``other``, by element."
    return method(name, dunder)(compare)


eq = _comparison("eq", np.equal, "__eq__")
ne = _comparison("ne", np.not_equal, "__ne__")
lt = _comparison("lt", np.less, "__lt__")
le = _comparison("le", np.less_equal, "__le__")
gt = _comparison("gt", np.greater, "__gt__")
ge = _comparison("ge", np.greater_equal, "__ge__")


def _operator(symbol: str, function: Any) -> None:
    """Make Python's operator, its reverse and its in-place form out of a function."""

    def forwards(self: Any, other: Any) -> Any:
        return function(self, other) if isinstance(other, _OPERANDS) else NotImplemented

    def backwards(self: Any, other: Any) -> Any:
        return function(other, self) if isinstance(other, _OPERANDS) else NotImplemented

    setattr(Tensor, f"__{symbol}__", forwards)
    setattr(Tensor, f"__r{symbol}__", backwards)
    setattr(Tensor, f"__i{symbol}__", getattr(Tensor, f"{function.__name__}_"))


@method("bitwise_and", in_place=True)
def bitwise_and(input: Any, other: Any) -> Any:
    """input & other, by element."""
    return Logic(np.bitwise_and)(input, other)


@method("bitwise_or", in_place=True)
def bitwise_or(input: Any, other: Any) -> Any:
    """input | other, by element."""
    return Logic(np.bitwise_or)(input, other)


@method("bitwise_xor", in_place=True)
def bitwise_xor(input: Any, other: Any) -> Any:
    """input ^ other, by element."""
    return Logic(np.bitwise_xor)(input, other)


@method("bitwise_not", "__invert__", in_place=True)
def bitwise_not(input: Any) -> Any:
    """~input, by element."""
    return Logic(np.invert)(input)


_OPERANDS = (Tensor, bool, int, float, complex, np.ndarray, np.generic)
for _symbol, _function in {
    "add": add,
    "sub": sub,
    "mul": mul,
    "truediv": div,
    "pow": pow,
    "and": bitwise_and,
    "or": bitwise_or,
    "xor": bitwise_xor,
}.items():
    _operator(_symbol, _function)
method("__neg__")(neg)
method("__abs__")(abs)


answer_ufuncs(
    {
        np.add: add,
        np.subtract: sub,
        np.multiply: mul,
        np.divide: div,
        np.power: pow,
        np.negative: neg,
        np.absolute: abs,
        np.sign: sign,
        np.exp: exp,
        np.log: log,
        np.sqrt: sqrt,
        np.square: square,
        np.sin: sin,
        np.cos: cos,
        np.expm1: lambda x: exp(x) - 1,
        np.logaddexp: lambda a, b: maximum(a, b) + log(1 + exp(-abs(sub(a, b)))),
        np.maximum: maximum,
        np.minimum: minimum,
        np.equal: eq,
        np.not_equal: ne,
        np.less: lt,
        np.less_equal: le,
        np.greater: gt,
        np.greater_equal: ge,
        np.bitwise_and: bitwise_and,
        np.bitwise_or: bitwise_or,
        np.invert: bitwise_not,
        np.conjugate: lambda x: x,
    }
)
answer_functions(
    {
        np.where: where,
        np.clip: clamp,
        np.astype: lambda x, dtype, /, *, copy=True: cast(x, dtypes.from_numpy(np.dtype(dtype))),
        np.real: lambda x: x,
        np.iscomplexobj: lambda x: x.is_complex(),
    }
)
