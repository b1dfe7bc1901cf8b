"""What ops by element share: broadcasting, promotion, a function and its slope, Python's operators."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import numpy as np

from handtorch import dtypes
from handtorch.errors import DtypeError
from handtorch.ops.conversion import cast
from handtorch.ops.op import Op
from handtorch.ops.samples import Sample, bad, normal, positive, sample
from handtorch.tensor import Tensor

OPERANDS = (Tensor, bool, int, float, complex, np.ndarray, np.generic)


class Elementwise(Op):
    """Inputs are broadcast against each other (NumPy's rules) and meet in one element type first."""

    promotes = True
    wraps = True

    def become_twin(self, *arrays: Any) -> None:
        if isinstance(arrays[0], np.ndarray):
            super().become_twin(*arrays)

    def explain(self, *arrays: Any) -> str:
        shapes = " and ".join(str(tuple(np.shape(a))) for a in arrays if a is not None)
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


class Unary(Op):
    """A function of one number: y = f(x), dL/dx = g f'(x) (conjugated for complex numbers).

    A subclass gives ``value``, which is f, and ``slope``, which is f'. The slope is computed from x; or from y, where
    ``from_result`` says so: only one of the two is kept.
    """

    quiet = True
    from_result: ClassVar[bool] = False
    domain: ClassVar[tuple[float, float]] = (-2.0, 2.0)  # where samples are taken

    value: Any

    def slope(self, x: Any) -> Any:
        """f'(x), written with x; or with y, if ``from_result``."""
        raise NotImplementedError

    def forward(self, x: Any) -> Any:
        y = self.value(x)
        self.save(y if self.from_result else x)
        return y

    def backward(self, g: Any) -> Any:
        return g * conj(self.slope(*self.saved))

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        low, high = cls.domain
        yield sample(cls, positive(3, 4, low=low, high=high))


class Step(Op):
    """A function of one number that is constant almost everywhere: dL/dx = 0, also at the jumps.

    A subclass gives ``value``, which is f.
    """

    quiet = True

    value: Any

    def forward(self, x: Any) -> Any:
        return self.value(x)

    def backward(self, g: Any) -> Any:
        return np.zeros_like(g)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, np.array([-2.6, -1.4, -0.3, 0.3, 0.8, 1.2, 2.4]))
        yield sample(cls, np.array([-2.5, -2, -1.5, -0.5, 0, 0.5, 1.5, 2, 2.5]), smooth=False)


class Discrete(Elementwise):
    """A function of one or two numbers whose results lie apart (truth values, whole numbers): without a derivative.

    Args:
        function: NumPy's function.
    """

    differentiable = False

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def forward(self, *xs: Any) -> Any:
        return self.function(*xs)


def in_double(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a function of float64 vectors one of floating point arrays of any shape and precision, and of numbers.

    It is called for a few thousand numbers at a time, whose intermediate results stay in the processor's cache. It may
    write to what it gets.
    """

    def compute(*arrays: Any) -> Any:
        kind = np.result_type(*(a.dtype if isinstance(a, np.ndarray) else a for a in arrays))
        arrays = np.broadcast_arrays(*arrays)
        y = np.empty(arrays[0].shape, kind)
        flat = [np.ravel(a) for a in arrays]
        for start in range(0, y.size, _BLOCK):
            part = slice(start, start + _BLOCK)
            y.reshape(-1)[part] = function(*(a[part].astype(np.float64) for a in flat))
        return y

    return functools.wraps(function)(compute)


_BLOCK = 8192


def conj(x: Any) -> Any:
    """The complex conjugate, without a copy for real numbers."""
    return np.conj(x) if np.iscomplexobj(x) else x


def run(op: Op, *xs: Any) -> Any:
    """What an op makes of arrays or of Tensors, whichever they are: for a ``backward`` that needs another op."""
    if any(isinstance(x, Tensor) for x in xs):
        return op(*xs)
    op.parents = (None,) * len(xs)
    return np.asarray(op.forward(*xs))


def need_tensors(name: str, *operands: Any) -> tuple[Any, ...]:
    """The operands of a function that takes no Python numbers for them.

    Raises:
        TypeError: one is no Tensor.
    """
    for x in operands:
        if not isinstance(x, Tensor):
            raise TypeError(f"{name}(): expected a Tensor, got {type(x).__name__}")
    return operands


def need_tensor(name: str, a: Any, b: Any) -> tuple[Any, Any]:
    """Two operands of a function that takes a Python number for one of them.

    Raises:
        TypeError: neither is a Tensor.
    """
    if not isinstance(a, Tensor):
        need_tensors(name, b)
    return a, b


def in_floating_point(a: Any, b: Any) -> tuple[Any, Any]:
    """Two operands of an op that whole numbers enter as floating point: the first as such, if neither is."""
    if is_whole(a) and is_whole(b):
        if isinstance(a, Tensor):
            return cast(a, dtypes.get_default_dtype()), b
        return a, cast(b, dtypes.get_default_dtype()) if isinstance(b, Tensor) else b
    return a, b


def of_floats(op: Op, input: Any, *others: Any, kinds: str = "f") -> Any:
    """Run an op that takes floating point only; half precision goes through float32, as in PyTorch.

    Args:
        others: further Tensors, of the element type of ``input``.
        kinds: NumPy's letters for the kinds that it takes: ``"fc"`` for complex numbers too.

    Raises:
        DtypeError: ``input`` is of another kind.
    """
    dtype = input.array.dtype
    if dtype.char in "fd":
        return op(input, *others)
    if dtype.kind not in kinds:
        name = type(op).definition.__name__
        raise DtypeError(f"{name} is not defined for {input.dtype}; expected floating point, try input.float()")
    if dtype == np.float16:
        wide = [cast(x, dtypes.float32) for x in (input, *others)]
        return cast(op(*wide), input.dtype)
    return op(input, *others)


def is_whole(x: Any) -> bool:
    """Whether an operand holds whole numbers or truth values."""
    if isinstance(x, (Tensor, np.ndarray, np.generic)):
        return (x.array if isinstance(x, Tensor) else x).dtype.kind in "iub"
    return isinstance(x, int)


def operator(symbol: str, function: Callable[..., Any], *, in_place: bool = True) -> None:
    """Make Python's operator, its reverse and its in-place form out of a function."""
    function = inspect.unwrap(function)

    def forwards(self: Any, other: Any) -> Any:
        return function(self, other) if isinstance(other, OPERANDS) else NotImplemented

    def backwards(self: Any, other: Any) -> Any:
        need_tensors(f"__r{symbol}__", self)
        return function(other, self) if isinstance(other, OPERANDS) else NotImplemented

    setattr(Tensor, f"__{symbol}__", forwards)
    setattr(Tensor, f"__r{symbol}__", backwards)
    if in_place:
        setattr(Tensor, f"__i{symbol}__", getattr(Tensor, f"{function.__name__}_"))
