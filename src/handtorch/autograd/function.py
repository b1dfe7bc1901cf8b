"""Function: operations of the user's own, with a forward and a backward on Tensors."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from handtorch.autograd import changes
from handtorch.autograd.mode import mode, no_grad
from handtorch.autograd.origin import here
from handtorch.errors import GradientError
from handtorch.ops.op import Op, Pick, hang
from handtorch.tensor import Tensor


class FunctionCtx(Op):
    """One call of a :class:`Function`: its node in the graph, and what ``forward`` leaves for ``backward``.

    Attributes:
        needs_input_grad: for each argument of ``forward``, whether its gradient is wanted.
        saved_tensors: what ``save_for_backward`` was given.
    """

    def __init__(self, function: type[Function]) -> None:
        self.function = function
        self.needs_input_grad: tuple[bool, ...] = ()
        self.saved: Any = ()
        self._materialize = True
        self._dirty: tuple[Any, ...] = ()
        self._plain: tuple[Any, ...] = ()
        self._tensor_places: list[int] = []

    # -- for forward --------------------------------------------------------------------------------------------

    def save_for_backward(self, *tensors: Any) -> None:
        """Keep tensors (or None) for ``backward``; they are let go as soon as it has run."""
        for tensor in tensors:
            if tensor is not None and not isinstance(tensor, Tensor):
                raise TypeError(
                    f"save_for_backward can only save variables, but got an object of type {type(tensor).__name__}; "
                    f"keep other things as attributes of ctx"
                )
        self.saved = tensors

    def mark_dirty(self, *tensors: Any) -> None:
        """Say which inputs ``forward`` wrote to; it has to return them."""
        self._dirty = tensors

    def mark_non_differentiable(self, *tensors: Any) -> None:
        """Say through which results no gradient flows."""
        self._plain = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Whether ``backward`` gets zeros (the default) or None for a result without a gradient."""
        self._materialize = value

    # -- for backward -------------------------------------------------------------------------------------------

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """What ``save_for_backward`` was given, as it was.

        Raises:
            GradientError: it was let go, or changed in place meanwhile.
        """
        if self.saved is None:
            raise GradientError(
                "trying to backward through the graph a second time: what it saved was freed by the first pass; "
                "pass retain_graph=True to the first backward()"
            )
        return tuple(self._as_saved(value) for value in self.saved)

    def _as_saved(self, value: Any) -> Any:
        return value() if isinstance(value, Result) else value

    def check_unchanged(self) -> None:
        for value in self.saved or ():
            array = value.array if value is not None else None
            if array is not None and changes.since(array, self.time):
                raise GradientError(
                    f"one of the variables needed for gradient computation has been modified by an inplace operation: "
                    f"{self.name()} saved a tensor of shape {tuple(array.shape)}; clone() it before you change it"
                )

    def backward(self, g: Any) -> Any:
        """Call the user's ``backward`` on Tensors made of arrays; the engine has switched recording off."""
        given = g if isinstance(g, tuple) else (g,)
        grads = self._call(tuple(None if x is None else Tensor.of(np.asarray(x)) for x in given))
        return tuple(None if x is None else x.array for x in grads)

    def backward_on_tensors(self, g: Any) -> Any:
        return self._call(g if isinstance(g, tuple) else (g,))

    def _call(self, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        if self._materialize:
            shapes = self.shape if isinstance(self.shape, list) else [self.shape]
            kinds = self.dtype if isinstance(self.dtype, list) else [self.dtype]
            grads = tuple(
                Tensor.of(np.zeros(shape, kind)) if g is None else g
                for g, shape, kind in zip(grads, shapes, kinds, strict=True)
            )
        returned = self.function.backward(self, *grads)
        returned = tuple(returned) if isinstance(returned, (tuple, list)) else (returned,)
        wanted = len(self.needs_input_grad)
        if len(returned) < wanted or any(x is not None for x in returned[wanted:]):
            raise GradientError(
                f"function {self.name()} returned an incorrect number of gradients (expected {wanted}, "
                f"got {len(returned)})"
            )
        return tuple(returned[i] for i in self._tensor_places)

    @property
    def node_type(self) -> type[Function]:
        """The user's class."""
        return self.function

    def name(self) -> str:
        return f"{self.function.__name__}Backward"


class Result:
    """A saved result of the call itself: kept as an array, because a Tensor would hold the node that holds it."""

    def __init__(self, ctx: FunctionCtx, index: int | None, array: Any) -> None:
        self.ctx, self.index, self.array = ctx, index, array

    def __call__(self) -> Any:
        return hang(self.array, self.ctx if self.index is None else Pick(self.ctx, self.index, self.array))


class Function:
    """Base class of the user's own operations.

    Write ``forward(ctx, *args)`` (or ``forward(*args)`` with ``setup_context(ctx, inputs, output)``) and
    ``backward(ctx, *grads)`` as static methods, and call ``apply``::

        class Cube(Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                return x**3

            @staticmethod
            def backward(ctx, grad):
                (x,) = ctx.saved_tensors
                return 3 * x**2 * grad


        y = Cube.apply(x)

    ``backward`` returns a gradient (or None) for each argument of ``forward``. It is differentiated again when it is
    written with operations on Tensors.
    """

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the results."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx: FunctionCtx, inputs: tuple[Any, ...], output: Any) -> None:
        """Save what ``backward`` needs, where ``forward`` takes no ``ctx``."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """Compute the gradient of each argument from the gradients of the results."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function to use it with "
            "backward mode AD."
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Raises RuntimeError: a Function is not called, but applied."""
        raise RuntimeError(
            f"Legacy autograd function with non-static forward method is deprecated. Please use new-style autograd "
            f"function with static forward method: write {type(self).__name__}.apply(...)"
        )

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run ``forward`` and put the call into the graph."""
        ctx = FunctionCtx(cls)
        tensors = [x for x in args if isinstance(x, Tensor)]
        ctx.needs_input_grad = tuple(isinstance(x, Tensor) and x.requires_grad for x in args)
        ctx._tensor_places = [i for i, x in enumerate(args) if isinstance(x, Tensor)]
        recorded = mode.grad and any(ctx.needs_input_grad)
        ctx.time = changes.now
        with no_grad():
            if cls.setup_context is Function.setup_context:
                output = cls.forward(ctx, *args, **kwargs)
            else:
                output = cls.forward(*args, **kwargs)
                cls.setup_context(ctx, args, output)
        if not recorded:
            return output
        return _record(ctx, tensors, output)


def _record(ctx: FunctionCtx, inputs: list[Any], output: Any) -> Any:
    """Hang the results on the call."""
    for x in ctx._dirty:
        if x.needs_grad and x.op is None:
            raise GradientError(
                "a leaf Variable that requires grad is being used in an in-place operation; give the function a clone()"
            )
        x._bump()
    parents = [(x if x.op is None else x.op) if x.needs_grad else None for x in inputs]
    ctx.parents = parents
    ctx.depth = 1 + max(getattr(parent, "depth", 0) for parent in parents if parent is not None)
    outputs = output if isinstance(output, tuple) else (output,)
    ctx.time = changes.now
    ctx.origin = here()
    results = []
    for y in outputs:
        if isinstance(y, Tensor) and not _in(y, ctx._dirty) and _in(y, inputs):
            y = Tensor.of(y.array)  # an input that is handed through becomes a result of its own
        results.append(y)
    several = len(results) > 1
    tensors = [y for y in results if isinstance(y, Tensor)]
    ctx.shape = [y.array.shape for y in tensors] if several else tensors[0].array.shape
    ctx.dtype = [y.array.dtype for y in tensors] if several else tensors[0].array.dtype
    place = {id(y): i for i, y in enumerate(tensors)}
    ctx.saved = tuple(
        Result(ctx, place[id(x)] if several else None, x.array) if id(x) in place else x for x in ctx.saved
    )
    for i, y in enumerate(tensors):
        if y.array.dtype.kind in "fc" and not _in(y, ctx._plain):
            y.op = Pick(ctx, i, y.array) if several else ctx
            y.needs_grad = True
    if mode.watch is not None:
        mode.watch(ctx)
    return tuple(results) if isinstance(output, tuple) else results[0]


def _in(x: Any, others: Any) -> bool:
    return any(x is other for other in others)


def once_differentiable(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a ``backward`` that is not written with operations on Tensors: differentiating it again is an error."""

    @functools.wraps(function)
    def wrapper(ctx: FunctionCtx, *grads: Any) -> Any:
        with no_grad():
            returned = function(ctx, *grads)
        if not any(isinstance(g, Tensor) and g.needs_grad for g in grads):
            return returned
        parts = returned if isinstance(returned, tuple) else (returned,)
        marked = tuple(
            _Once()(x, *[g for g in grads if isinstance(g, Tensor)]) if x is not None else None for x in parts
        )
        return marked if isinstance(returned, tuple) else marked[0]

    return wrapper


class _Once(Op):
    """y = x, and no second derivative."""

    def forward(self, x: Any, *grads: Any) -> Any:
        return x

    def backward(self, g: Any) -> Any:
        raise GradientError("trying to differentiate twice a function that was marked with @once_differentiable")
