"""Writing in place, and what it means for the graph.

A tensor that is written to takes over the history of what was written. A view shares memory with its base, so writing
to it gives the base a new history too, in which the region of the view was overwritten; and every other view of that
base has to look at the base anew the next time it is used. The base counts such rewrites, and a view that remembers
another count is relinked by :func:`refresh`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from handtorch.autograd.mode import mode
from handtorch.errors import DtypeError, GradientError, ShapeError
from handtorch.ops.keywords import with_others
from handtorch.ops.memory import overlaps, places_of, storage
from handtorch.ops.op import Op
from handtorch.ops.samples import Sample, normal, sample
from handtorch.tensor import Tensor


class Replace(Op):
    """y = v, in the place of x. dL/dx = 0, dL/dv = g."""

    def forward(self, x: Any, v: Any) -> Any:
        return np.array(np.broadcast_to(v, x.shape))

    def backward(self, g: Any) -> Any:
        return np.zeros_like(g), g

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(3, 4, seed=1), normal(3, 4, seed=2))


class Region(Op):
    """y = the elements of x at given places. dL/dx: g added at those places.

    Args:
        places: for each element of y its place in x, counted in row-major order.
    """

    def __init__(self, places: np.ndarray) -> None:
        self.places = places

    def forward(self, x: Any) -> Any:
        self.input_shape = x.shape
        return np.take(x, self.places)

    def backward(self, g: Any) -> Any:
        from handtorch.ops.indexing import scatter_add

        size = int(np.prod(self.input_shape))
        return np.reshape(scatter_add(g, self.places, (size,)), self.input_shape)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls(np.array([[0, 5], [5, 11]])), normal(3, 4))


class WriteRegion(Op):
    """y = x with v at given places. dL/dx = g but 0 at the places, dL/dv = g at the places.

    Args:
        places: for each element of v its place in x, counted in row-major order; each place once.
        through: x itself, seen at those places: v is written there, and y is x.
    """

    def __init__(self, places: np.ndarray, through: np.ndarray | None = None) -> None:
        self.places, self.through = places, through

    def forward(self, x: Any, v: Any) -> Any:
        if self.through is not None:
            self.through[...] = v
            self.through = None
            return x
        y = np.array(x, copy=True, order="C")
        y.reshape(-1)[self.places] = v
        return y

    def backward(self, g: Any) -> Any:
        dx = on(WriteRegion(self.places), g, 0) if self.needs(0) else None
        return dx, np.take(g, self.places) if self.needs(1) else None

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls(np.array([[0, 5], [6, 11]])), normal(3, 4, seed=1), normal(2, 2, seed=2))


def on(op: Op, x: Any, *others: Any) -> Any:
    """What an op makes of a Tensor, recorded, or of an array."""
    if isinstance(x, Tensor):
        return op(x, *others)
    array = np.asarray(x)
    op.become_twin(array, *others)
    return op.forward(array, *others)


def is_recorded(target: Any, *values: Any) -> bool:
    """Whether a write of these values to ``target`` concerns the graph."""
    if not mode.grad:
        return False
    if target.needs_grad or any(isinstance(value, Tensor) and value.needs_grad for value in values):
        return True
    base = target._base
    return base is not None and base.needs_grad and not target._detached


def write(target: Any, value: Any) -> Any:
    """Put ``value`` into the memory of ``target``, which takes over the history of ``value``.

    Raises:
        GradientError: ``target`` is a leaf that requires gradients, or a view of one.
        ShapeError: ``value`` would have to be larger than ``target``.
        DtypeError: its kind (float, complex) cannot be held.
    """
    refuse(target, value)
    if not is_recorded(target, value):
        np.copyto(target.array, value.array, casting="unsafe")
        target._bump()
        return target
    base = target._base
    if value.op is not None:
        value.op.keep_copies_of(target.array)
    if base is not None and not target._detached:
        if base.array.dtype != target.array.dtype:
            raise GradientError(
                f"a write to a view as {target.dtype} of a {base.dtype} tensor cannot be recorded; "
                f"write to the tensor itself, or inside handtorch.no_grad()"
            )
        rewritten = WriteRegion(places_of(target.array, base.array), target.array)(base, value)
        _take_over(base, rewritten)
        refresh(target)
        return target
    np.copyto(target.array, value.array, casting="unsafe")
    _take_over(target, value if value.needs_grad else Replace()(target, value))
    return target


def write_if(inplace: bool, target: Any, value: Any) -> Any:
    """The value; or, in place, the target with the value written to it: PyTorch's argument ``inplace``."""
    return write(target, value) if inplace and value is not target else value


def overwrite(target: Any, op: Any, *values: Any) -> Any:
    """Let an op that can write into its first input (``op.in_place = True``) write into ``target``.

    Raises:
        GradientError: ``target`` is a leaf that requires gradients, or a view of one.
        ShapeError: elements of ``target`` share memory.
    """
    _refuse_inference(target)
    recorded = is_recorded(target, *values)
    if recorded:
        if target._base is not None and not target._detached:
            return write(target, op(target, *values))
        refuse(target, target)
        for value in values:
            if isinstance(value, Tensor) and value.op is not None:
                value.op.keep_copies_of(target.array)
    elif overlaps(target.array):
        raise _overlap_error()
    op.in_place = True
    written = op(target, *values)
    if recorded:
        _take_over(target, written)
    else:
        target._bump()
    return target


def _take_over(owner: Any, written: Any) -> None:
    """Give a tensor whose memory has been written to the history of what was written."""
    owner._bump()
    owner.op, owner.needs_grad = written.op, written.needs_grad
    owner._rewrites += 1


def adopt(target: Any, view: Any) -> Any:
    """Let a tensor look at its memory as a view of it does: what ``squeeze_`` and its like do.

    Raises:
        GradientError: ``target`` is a leaf that requires gradients.
    """
    if mode.grad and target.needs_grad and target.op is None:
        raise _leaf_error("a leaf Variable")
    target._bump()
    target.array = view.array
    target.op, target.needs_grad = view.op, view.needs_grad
    return target


def in_two_forms(function: Callable[..., Any]) -> Callable[..., Any]:
    """Out of a function that says how to write - the op, and the inputs after the first - make the function that
    returns a new tensor and, attached to Tensor, the method of that name and the one that writes, ``name_``.
    """

    def plain(input: Any, *args: Any, **options: Any) -> Any:
        if "out" in options:
            return with_others(plain, {"out": options.pop("out")}, input, *args, **options)
        op, *values = function(input, *args, **options)
        return op(input, *values)

    def writer(self: Any, *args: Any, **options: Any) -> Any:
        op, *values = function(self, *args, **options)
        return overwrite(self, op, *values)

    plain.__name__ = plain.__qualname__ = function.__name__
    plain.__doc__, plain.__module__ = function.__doc__, function.__module__
    plain.__wrapped__ = function  # type: ignore[attr-defined]  # its signature is the function's
    writer.__name__ = writer.__qualname__ = f"{function.__name__}_"
    writer.__doc__ = f"In-place version of :func:`{function.__name__}`."
    setattr(Tensor, plain.__name__, plain)
    setattr(Tensor, writer.__name__, writer)
    return plain


def refuse(target: Any, value: Any) -> None:
    """Raise where ``value`` may not be written to ``target``."""
    _refuse_inference(target)
    if mode.grad:
        base = target._base
        if target.needs_grad and target.op is None:
            raise _leaf_error("a leaf Variable")
        if base is not None and base.needs_grad and base.op is None and not target._detached:
            raise _leaf_error("a view of a leaf Variable")
    if value.array.shape != target.array.shape:
        raise ShapeError(
            f"output with shape {list(target.array.shape)} doesn't match the broadcast shape {list(value.array.shape)}"
        )
    if (
        value.dtype.category > target.dtype.category
    ):  # not from complex to real, from float to whole, from whole to bool
        raise DtypeError(f"result type {value.dtype} can't be cast to the desired output type {target.dtype}")
    if overlaps(target.array):
        raise _overlap_error()


def refuse_shared(out: Any, *inputs: Any, shape: tuple[int, ...] | None = None) -> None:
    """Raise where a result cannot be put into ``out``, because it shares memory with an input or within itself.

    Args:
        shape: of the result: if ``out`` has another one, all of its memory may be written to.
    """
    if out is None:
        return
    if overlaps(out.array):
        raise _overlap_error()
    room = out.array if shape is None or out.array.shape == shape else storage(out.array)
    if any(x is out or np.may_share_memory(x.array, room) for x in inputs):
        raise _overlap_error()


def _refuse_inference(target: Any) -> None:
    if target._inference and not mode.inference:
        raise GradientError(
            "Inplace update to inference tensor outside InferenceMode is not allowed: write inside "
            "handtorch.inference_mode(), or to a clone()"
        )


def _leaf_error(what: str) -> GradientError:
    return GradientError(
        f"{what} that requires grad is being used in an in-place operation; "
        f"write inside handtorch.no_grad(), or to a clone()"
    )


def _overlap_error() -> ShapeError:
    return ShapeError(
        "unsupported operation: some elements of the written-to tensor refer to a single memory location, or to that "
        "of an input. Please clone() the tensor before performing the operation."
    )


def refresh(view: Any) -> None:
    """Look at the base anew, if it was rewritten since the view last did."""
    base = view._base
    if view._rewrites == base._rewrites or view._detached:
        return
    view._rewrites = base._rewrites
    if base.needs_grad:
        link = Region(places_of(view.array, base.array))(base)
        view.op, view.needs_grad = link.op, link.needs_grad
