"""Op: one class for one operation, and one instance for each time it runs, which is a node of the graph."""

from __future__ import annotations

import copy
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from handtorch import dtypes, kernels
from handtorch.autograd import changes
from handtorch.autograd.accumulation import AccumulateGrad
from handtorch.autograd.changes import owner
from handtorch.autograd.hooks import add_hook, enter
from handtorch.autograd.mode import mode
from handtorch.autograd.origin import Origin, describe, here
from handtorch.errors import DimensionError, DtypeError, GradientError, HandtorchError, ShapeError
from handtorch.tensor import Tensor, refresh_view

if TYPE_CHECKING:
    from handtorch.ops.samples import Sample

_of = Tensor.of
look_at_gradients: Callable[[Op, Any, Any], None] | None = None  # set while anomalies are being looked for


class Op:
    """An operation: ``forward`` and ``backward`` on arrays, with the maths in the docstring.

    A subclass writes

    * ``forward(self, *arrays)``, which computes the result (or a tuple of results) and calls ``self.save(...)`` with
      what ``backward`` will need;
    * ``backward(self, g)``, which takes dL/d(result) and returns dL/d(input) for every input, in order; ``None`` where
      there is none. Broadcasting and type promotion are undone by the engine, so ``g * y`` may be larger than ``x``.
      With several results, ``g`` is a tuple that holds None for each result without a gradient;
    * ``samples()``, inputs on which the tests hold the op to its formula and its derivatives.

    Both are written so that they dispatch: they run on arrays, and on Tensors themselves when the backward pass is
    recorded. Settings (an axis, a slope) are arguments of the constructor.

    Calling an instance with Tensors and Python numbers runs it and records it.
    """

    promotes: ClassVar[bool] = False  # inputs meet in one element type first
    differentiable: ClassVar[bool] = True
    view: ClassVar[bool] = False  # the result shares memory with the first input
    quiet: ClassVar[bool] = False  # Inf and NaN are results like any other: NumPy shall not warn
    wraps: ClassVar[bool] = False  # a whole Python number that the element type cannot hold wraps around, as in C
    twin_from: ClassVar[int | None] = None  # there is a fast twin, for a first input of this many elements or more
    definition: ClassVar[Any]  # the class with the plain NumPy, also for a twin

    parents: Sequence[Any] = ()  # for each input the op or leaf it came from, None where no gradient flows
    saved: Any = ()
    depth = 0  # longest way to a leaf; sorts the graph
    shape: tuple[int, ...] | list[tuple[int, ...]] = ()
    dtype: Any = None
    hooks: dict[int, Callable[[Any], Any]] | None = None  # of the result's gradient
    before: dict[int, Callable[[Any], Any]] | None = None  # hooks of the node, before
    after: dict[int, Callable[[Any, Any], Any]] | None = None  # and after its backward
    inputs: tuple[int, ...] = ()  # identities of the input arrays,
    output: int | tuple[int, ...] = 0  # and of the result's: they tell which saved array is which
    time = 0  # when it ran, counted in in-place writes
    origin: Origin | None = None  # the line of the program that ran it
    restore: Callable[[Any], None] | None = None  # brings back what was saved, where that was put away

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if not cls.__module__.startswith("handtorch.kernels."):
            cls.definition = cls

    def forward(self, *arrays: Any) -> Any:
        """Compute the result from arrays."""
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def backward(self, g: Any) -> Any:
        """Compute dL/d(input) for every input from dL/d(result)."""
        raise GradientError(f"derivative for {type(self).__name__} is not defined")

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        """Inputs on which the tests hold the op to its formula; see :mod:`handtorch.ops.samples`."""
        return iter(())

    def accepts(self, *arrays: Any) -> bool:
        """For a twin: whether it can take these arrays (their types and layout)."""
        return False

    def become_twin(self, *arrays: Any) -> None:
        """Become the fast twin, if there is one, it is switched on, and it is worth it for these arrays."""
        if self.twin_from is not None and arrays[0].size >= self.twin_from and kernels.enabled():
            twin = kernels.twin_of(self.definition)
            if twin.accepts(self, *arrays):
                self.__class__ = twin

    def explain(self, *arrays: Any) -> str:
        """Say what is wrong with these inputs; asked only after ``forward`` failed on them."""
        shapes = ", ".join(str(tuple(np.shape(a))) for a in arrays if a is not None)
        return f"{type(self).__name__.lower()}: shapes {shapes} do not fit together"

    def save(self, *values: Any) -> None:
        """Keep values for ``backward``; they are let go as soon as it has run."""
        self.saved = values

    def needs(self, i: int) -> bool:
        """Whether the gradient of input ``i`` is wanted."""
        return self.parents[i] is not None

    def __call__(self, *inputs: Any) -> Any:
        arrays = []
        recorded = False
        parent: Any
        if mode.grad and self.differentiable:
            depth = 0
            parents: list[Any] = []
            borrowed = False  # an input was made in inference mode
            for x in inputs:
                if isinstance(x, Tensor):
                    arrays.append(x.array)
                    if x._base is not None and x._rewrites != x._base._rewrites:
                        refresh_view(x)
                    if x.needs_grad:
                        parent = x.op
                        if parent is None:
                            parent = x
                        elif parent.depth > depth:
                            depth = parent.depth
                        parents.append(parent)
                        recorded = True
                        continue
                    if x._inference:
                        borrowed = True
                else:
                    arrays.append(x)
                parents.append(None)
            self.parents = parents
            self.depth = depth + 1
        else:
            self.parents = _NO_PARENTS
            borrowed = False
            for x in inputs:
                arrays.append(x.array if isinstance(x, Tensor) else x)
        if self.promotes:
            arrays = meet(arrays)
        if self.twin_from is not None:
            self.become_twin(*arrays)
        try:
            if self.quiet:
                with np.errstate(all="ignore"):
                    result = self.forward(*arrays)
            else:
                result = self.forward(*arrays)
        except (ValueError, IndexError) as error:
            if isinstance(error, HandtorchError):
                raise
            kind = DimensionError if isinstance(error, IndexError) else ShapeError
            raise kind(self.explain(*arrays)) from error
        except TypeError as error:
            if str(error).startswith("ufunc ") and all(isinstance(a, np.ndarray) or _is_number(a) for a in arrays):
                raise DtypeError(f"{self.definition.__name__} is not defined for {_kinds(arrays)}") from error
            raise
        except OverflowError:
            if not self.wraps:
                raise
            result = self.forward(*_wrapped_around(arrays))
        if borrowed and recorded:
            self._refuse_to_keep([x.array for x in inputs if isinstance(x, Tensor) and x._inference])
        if type(result) is tuple:
            return self._several(inputs, arrays, result, recorded)
        if isinstance(result, np.generic):  # NumPy turns 0-dimensional results into scalars
            scalar, result = result, np.asarray(result)
            self.saved = tuple([result if value is scalar else value for value in self.saved])
        out = _of(result)
        if self.view and owner(result) is owner(arrays[0]):
            note_view(out, inputs[0])
        if recorded and result.dtype.kind in "fc":
            out.op = self
            out.needs_grad = True
            self.shape = result.shape
            self.dtype = result.dtype
            self.output = id(result)
            self.inputs = tuple(map(id, arrays))
            self.time = changes.now
            self.origin = here()
            if mode.watch is not None:
                mode.watch(self)
        elif mode.inference:
            out._inference = True
        return out

    def _several(self, inputs: Any, arrays: Any, results: tuple[Any, ...], recorded: bool) -> tuple[Any, ...]:
        """Wrap several results; each differentiable one hangs on this op through a :class:`Pick`."""
        outs = tuple(_of(np.asarray(r)) for r in results)
        if self.view:
            for out in outs:
                note_view(out, inputs[0])
        if recorded:
            self.shape = [out.array.shape for out in outs]
            self.dtype = [out.array.dtype for out in outs]
            self.output = tuple(id(out.array) for out in outs)
            self.inputs = tuple(map(id, arrays))
            self.time = changes.now
            self.origin = here()
            for i, out in enumerate(outs):
                if out.array.dtype.kind in "fc":
                    out.op = Pick(self, i, out.array)
                    out.needs_grad = True
            if mode.watch is not None:
                mode.watch(self)
        elif mode.inference:
            for out in outs:
                out._inference = True
        return outs

    def _refuse_to_keep(self, arrays: list[np.ndarray]) -> None:
        """Raise if one of these arrays, which come from inference mode, has been saved."""
        if any(value is array for value in self.saved or () for array in arrays):
            raise GradientError(
                "Inference tensors cannot be saved for backward: use handtorch.no_grad() instead of inference_mode() "
                "where a result is used in training afterwards, or clone() it first"
            )

    # -- going back -----------------------------------------------------------------------------------------------

    def check_unchanged(self) -> None:
        """Raise if a saved array was written to after the op ran."""
        for value in self.saved or ():
            if isinstance(value, np.ndarray) and changes.since(value, self.time):
                raise GradientError(
                    f"one of the variables needed for gradient computation has been modified by an inplace operation: "
                    f"{self.name()} needs a tensor of shape {value.shape} as it was in forward; "
                    f"clone() it before you change it, or change it after backward(). "
                    f"The forward call was at {describe(self.origin)}"
                )

    def backward_on_tensors(self, g: Any) -> Any:
        """Run the plain ``backward`` on Tensors, so that it is recorded itself.

        A saved array that is an input or the result becomes that Tensor again. If something else was saved that
        depends on the inputs, ``forward`` is run once more on Tensors, and saves Tensors.
        """
        node = copy.copy(self)
        node.__class__ = self.definition  # type: ignore[assignment]
        values = [self._as_tensor(value) for value in self.saved or ()]
        if any(value is None for value in values):
            known = {id(array): i for i, array in enumerate(self.saved or ())}
            replayed = []
            for i, key in enumerate(self.inputs):
                if key in known:
                    replayed.append(_plain(values[known[key]]))
                elif self.parents[i] is None:
                    replayed.append(None)
                else:
                    raise GradientError(f"{self.name()} does not save input {i}, so it cannot be differentiated twice")
            node.forward(*replayed)
            values = list(node.saved or ())
        node.saved = tuple(_plain(value) for value in values)
        return node.backward(g)

    def _as_tensor(self, value: Any) -> Any:
        """A saved value as the Tensor it was, as itself where it is constant, None where it is neither."""
        if not isinstance(value, np.ndarray) or value.dtype.kind not in "fc":
            return _Constant((value,))
        for i, key in enumerate(self.inputs):
            if key == id(value):
                parent = self.parents[i]
                if parent is None:
                    return _Constant((value,))
                return parent if isinstance(parent, Tensor) else hang(value, parent)
        if id(value) == self.output:
            return hang(value, self)
        if isinstance(self.output, tuple) and id(value) in self.output:
            return hang(value, Pick(self, self.output.index(id(value)), value))
        return None

    def keep_copies_of(self, array: Any) -> None:
        """Save copies instead of what shares the memory of ``array``, which is about to be written to."""
        for i, value in enumerate(self.saved or ()):
            if isinstance(value, np.ndarray) and np.may_share_memory(value, array):
                copied = value.copy()
                self.saved = (*self.saved[:i], copied, *self.saved[i + 1 :])  # type: ignore[index]
                self.inputs = tuple(id(copied) if key == id(value) else key for key in self.inputs)

    def release(self) -> None:
        """Let go of what was saved."""
        self.saved = None

    @property
    def node_type(self) -> type:
        """The class that says what was computed."""
        return self.definition

    @property
    def node(self) -> Op:
        """The node as programs see it: one for each call, however many results that had."""
        return self

    def name(self) -> str:
        """The name under which PyTorch shows such a node."""
        from handtorch.ops.node_names import node_name

        return node_name(self)

    def keep_gradient_for(self, tensor: Tensor) -> None:
        """Put the gradient that passes here into ``tensor.grad`` (for ``retain_grad``)."""
        reference = weakref.ref(tensor)

        def keep(g: Any) -> None:
            kept = reference()
            if kept is not None:
                kept._grad = g.detach() if not mode.grad else g

        add_hook(self, keep)

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """For each input the node it came from (of a leaf, the one that adds to its ``grad``) and which result."""
        return tuple(
            (parent.parents[0], parent.index)
            if type(parent) is Pick
            else (AccumulateGrad.of(parent) if isinstance(parent, Tensor) else parent, 0)
            for parent in self.parents
        )

    def register_hook(self, hook: Callable[[Any, Any], Any]) -> Any:
        """Call ``hook(grad_inputs, grad_outputs)`` after this node's ``backward``; what it returns replaces those.

        Returns:
            a handle with ``remove()``.
        """
        self.after = self.after or {}
        return enter(self.after, hook)

    def register_prehook(self, hook: Callable[[Any], Any]) -> Any:
        """Call ``hook(grad_outputs)`` before ``backward`` of this node; what it returns replaces them.

        Returns:
            a handle with ``remove()``.
        """
        self.before = self.before or {}
        return enter(self.before, hook)

    def __repr__(self) -> str:
        return f"<{self.name()} object at {id(self):#x}>"


class Pick(Op):
    """One of several results of an op, as a node of its own: its gradient goes into that op's slot ``index``."""

    def __init__(self, op: Op, index: int, array: Any) -> None:
        self.parents = (op,)
        self.index = index
        self.depth = op.depth + 1
        self.shape = array.shape
        self.dtype = array.dtype

    @property
    def node(self) -> Op:
        """The op itself."""
        return self.parents[0]

    def name(self) -> str:
        """The name of the op itself."""
        return self.parents[0].name()


class _Constant(tuple):
    """Wraps a saved value through which no gradient flows."""


def _plain(value: Any) -> Any:
    """A saved value without the wrapping."""
    return value[0] if type(value) is _Constant else value


def note_view(out: Any, source: Any) -> None:
    """Note whose memory a result shares."""
    out._base = base = source if source._base is None else source._base
    if source._detached and base.needs_grad:  # a view of a detached tensor has nothing to do with the base's history
        out._detached = True
    if base._rewrites:
        out._rewrites = base._rewrites


def hang(array: Any, op: Op) -> Tensor:
    """A Tensor on ``array`` that was made by ``op``."""
    out = _of(array)
    out.op = op
    out.needs_grad = True
    return out


def meet(arrays: list[Any]) -> list[Any]:
    """Cast arrays to the element type in which PyTorch would combine them; Python numbers stay as they are."""
    first = arrays[0]
    for other in arrays[1:]:
        if isinstance(other, np.ndarray) and isinstance(first, np.ndarray):
            if other.dtype != first.dtype:
                break
        elif other is not None and not _weak(first, other):
            break
    else:
        return arrays
    target = dtypes.result_type([a for a in arrays if a is not None]).numpy
    return [
        a.astype(target) if isinstance(a, np.ndarray) and a.dtype != target else target.type(a) if _is_number(a) else a
        for a in arrays
    ]


def _is_number(value: Any) -> bool:
    return isinstance(value, (bool, int, float, complex, np.generic))


def _weak(a: Any, b: Any) -> bool:
    """Whether one is a Python number that the other's element type absorbs."""
    array, number = (a, b) if isinstance(a, np.ndarray) else (b, a)
    if not isinstance(array, np.ndarray):
        return False
    kind, type_of_number = array.dtype.kind, type(number)
    return (
        (type_of_number is float and kind in "fc")
        or (type_of_number is int and kind in "iufc")
        or (type_of_number is bool)
    )


def _kinds(arrays: list[Any]) -> str:
    """The element types of arrays and numbers, for a message."""
    return " and ".join(
        dtypes.from_numpy(a.dtype).name if isinstance(a, (np.ndarray, np.generic)) else type(a).__name__ for a in arrays
    )


def _wrapped_around(arrays: list[Any]) -> list[Any]:
    """Whole Python numbers as the element type of the arrays holds them: 300 in a byte is 44."""
    kind = next(a.dtype for a in arrays if isinstance(a, np.ndarray))
    return [np.asarray(a).astype(kind) if type(a) is int else a for a in arrays]


_NO_PARENTS = (None,) * 256
