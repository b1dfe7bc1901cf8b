"""Tensor: an array, its gradient, and the op that made it. What computes is attached by :mod:`handtorch.ops`."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from handtorch import dtypes
from handtorch.autograd import changes
from handtorch.autograd.mode import mode
from handtorch.errors import DeviceError, DtypeError, GradientError, ShapeError

if TYPE_CHECKING:
    from handtorch.ops.op import Op

_new = object.__new__


class Size(tuple):
    """A shape: a tuple of lengths with PyTorch's extras."""

    __slots__ = ()

    def numel(self) -> int:
        """The product of the lengths."""
        result = 1
        for length in self:
            result *= length
        return result

    def __repr__(self) -> str:
        return f"torch.Size({list(self)})"

    def __getitem__(self, key: Any) -> Any:
        part = tuple.__getitem__(self, key)
        return Size(part) if isinstance(key, slice) else part

    def __add__(self, other: Any) -> Size:
        return Size(tuple.__add__(self, tuple(other)))


class device:
    """Where a tensor lives: a kind, and a number where there are several.

    All of PyTorch's kinds can be named and compared, so that programs read the same; only the CPU holds tensors.

    Raises:
        DeviceError: PyTorch has no such kind.
    """

    __slots__ = ("index", "type")

    KINDS = ("cpu", "cuda", "ipu", "xpu", "mkldnn", "mps", "meta", "hpu", "mtia", "xla")

    def __init__(self, type: Any = "cpu", index: int | None = None) -> None:
        if isinstance(type, int):  # PyTorch counts GPUs
            type, index = "cuda", type
        kind, _, number = str(type).partition(":")
        if kind not in self.KINDS or (number and not number.isdecimal()):
            raise DeviceError(f"Expected one of {', '.join(self.KINDS)} device type at start of device string: {type}")
        self.type = kind
        self.index = int(number) if number else index

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __repr__(self) -> str:
        return f"device(type='{self.type}'{'' if self.index is None else f', index={self.index}'})"

    def __reduce__(self) -> tuple[Any, ...]:
        return device, (str(self),)

    def __enter__(self) -> device:
        """New tensors of the block are on this device, which can only be the CPU."""
        only_cpu(self)
        return self

    def __exit__(self, *error: object) -> None:
        """Nothing to undo."""


def only_cpu(where: Any) -> None:
    """Raise DeviceError unless a tensor can be there, or it is None."""
    if where is None:
        return
    where = where if isinstance(where, device) else device(where)
    if where.type != "cpu":
        raise DeviceError(
            f"expected device 'cpu', got '{where}': Handtorch computes on the CPU; "
            f"write torch.device('cuda' if torch.cuda.is_available() else 'cpu')"
        )


CPU = device()


class Tensor:
    """A multi-dimensional array that remembers how it was made.

    ``array`` is the NumPy array itself; writing to it is seen by every view and by NumPy, and is not recorded.
    All other names are PyTorch's.
    """

    # Defaults live on the class, so that making a tensor costs one attribute.
    array: np.ndarray
    needs_grad = False
    op: Op | None = None  # the node that made it; None for a leaf
    hooks: dict[int, Callable[[Any], Any]] | None = None
    post_hooks: dict[int, Callable[[Any], None]] | None = None  # of a leaf: called when its gradient was added up
    _grad: Tensor | None = None
    _base: Tensor | None = None
    _detached = False  # shares memory with _base, and no history
    _changes = 0
    _unnoticed = False  # backward does not learn of writes through it
    _rewrites = 0  # how often the history was replaced by a write to a view
    _keeps_grad = False
    _inference = False  # made in inference mode: in no graph, now or later
    _accumulator: Any = None  # of a leaf: the node that adds to its gradient, once somebody has asked for it

    __array_priority__ = 1000

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...

    def __new__(cls, *args: Any, device: Any = None) -> Any:
        """``Tensor(2, 3)`` has that shape and elements that are not set; ``Tensor([2, 3])`` has those elements.

        A tensor as the argument shares its memory. For anything new, :func:`handtorch.tensor` says what it does.
        """
        from handtorch.from_data import of_former_kind

        only_cpu(device)
        return cls.of(of_former_kind(args, dtypes.get_default_dtype(), data_of_any_type=True))

    @classmethod
    def of(cls, array: np.ndarray) -> Any:
        """Wrap an array without a copy or a check (the fast constructor)."""
        made = _new(cls)
        made.array = array
        return made

    # -- what it is ---------------------------------------------------------------------------------------------

    @property
    def shape(self) -> Size:
        """The length of every axis."""
        return Size(self.array.shape)

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the length of one axis."""
        return Size(self.array.shape) if dim is None else self.array.shape[dim]

    def dim(self) -> int:
        """The number of axes."""
        return self.array.ndim

    ndimension = dim

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.array.ndim

    def numel(self) -> int:
        """The number of elements."""
        return self.array.size

    nelement = numel

    @property
    def dtype(self) -> dtypes.dtype:
        """The element type."""
        return dtypes.from_numpy(self.array.dtype)

    @property
    def device(self) -> device:
        """Where it lives: the CPU."""
        return CPU

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return self.array.itemsize

    def element_size(self) -> int:
        """Bytes of one element."""
        return self.array.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return self.array.nbytes

    def stride(self, dim: int | None = None) -> Any:
        """Steps between neighbours along each axis, in elements."""
        strides = tuple(s // self.array.itemsize for s in self.array.strides)
        return strides if dim is None else strides[dim]

    def is_contiguous(self, memory_format: Any = None) -> bool:
        """Whether the elements lie in row-major order without gaps."""
        return bool(self.array.flags.c_contiguous)

    def is_floating_point(self) -> bool:
        """Whether the type is a floating point one."""
        return self.array.dtype.kind == "f"

    def is_complex(self) -> bool:
        """Whether the type is a complex one."""
        return self.array.dtype.kind == "c"

    def data_ptr(self) -> int:
        """The address of the first element."""
        return int(self.array.__array_interface__["data"][0])

    # -- gradients ----------------------------------------------------------------------------------------------

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow to it."""
        if self._base is not None:
            refresh_view(self)
        return self.needs_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self.requires_grad_(value)

    def requires_grad_(self, requires_grad: bool = True) -> Any:
        """Ask for gradients, or stop asking, and return the tensor.

        Raises:
            DtypeError: only floating point and complex tensors have gradients.
            GradientError: a result of operations always requires gradients; ``detach`` it instead.
        """
        if self.op is not None:
            if not requires_grad:
                raise GradientError(
                    "you can only change requires_grad flags of leaf tensors; "
                    "use x.detach() for a tensor that does not require gradients"
                )
            return self
        if requires_grad and self.array.dtype.kind not in "fc":
            raise DtypeError(f"only floating-point and complex tensors can require gradients, got {self.dtype}")
        if requires_grad and self._inference and not mode.inference:
            raise GradientError(
                "Setting requires_grad=True on inference tensor outside InferenceMode is not allowed: clone() it first"
            )
        self.needs_grad = bool(requires_grad)
        return self

    @property
    def grad(self) -> Any:
        """The gradient that ``backward`` gathered, or None. A second ``backward`` adds to it."""
        if self._grad is None and self.op is not None and not self._keeps_grad:
            warnings.warn(
                "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute "
                "won't be populated during autograd.backward(); call .retain_grad() on it first if you want it.",
                stacklevel=2,
            )
        return self._grad

    @grad.setter
    def grad(self, value: Any) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(f"expected a Tensor or None as gradient, got {type(value).__name__}")
            if value.array.shape != self.array.shape:
                raise GradientError(
                    f"assigned grad has shape {tuple(value.shape)}, expected that of the tensor, {tuple(self.shape)}"
                )
            if value.array.dtype != self.array.dtype:
                raise GradientError(f"assigned grad has type {value.dtype}, expected that of the tensor, {self.dtype}")
        self._grad = value

    @grad.deleter
    def grad(self) -> None:
        self._grad = None

    @property
    def grad_fn(self) -> Op | None:
        """The op that made it, or None for a leaf."""
        if self._base is not None:
            refresh_view(self)
        return self.op.node if self.op is not None else None

    @property
    def is_leaf(self) -> bool:
        """Whether the user made it rather than an operation that was recorded."""
        return self.op is None

    def retain_grad(self) -> None:
        """Keep the gradient of a result in ``grad`` as for a leaf."""
        if not self.needs_grad:
            raise GradientError("can't retain_grad on a tensor that has requires_grad=False")
        if self.op is not None and not self._keeps_grad:
            self._keeps_grad = True
            self.op.keep_gradient_for(self)

    @property
    def retains_grad(self) -> bool:
        """Whether ``retain_grad`` was asked of a result."""
        return self._keeps_grad

    def register_hook(self, hook: Callable[[Any], Any]) -> Any:
        """Call ``hook(grad)`` whenever the gradient of this tensor is known; a returned tensor replaces it.

        Returns:
            a handle with ``remove()``.
        """
        from handtorch.autograd.hooks import add_hook

        if not self.needs_grad:
            raise GradientError("cannot register a hook on a tensor that doesn't require gradient")
        return add_hook(self if self.op is None else self.op, hook)

    def register_post_accumulate_grad_hook(self, hook: Callable[[Any], None]) -> Any:
        """Call ``hook(self)`` whenever ``backward`` has added to ``self.grad``, to use that gradient and let it go.

        Returns:
            a handle with ``remove()``.

        Raises:
            GradientError: it does not require gradients, or is no leaf.
        """
        from handtorch.autograd.hooks import add_post_hook

        if not self.needs_grad:
            raise GradientError("cannot register a hook on a tensor that doesn't require gradient")
        if self.op is not None:
            raise GradientError("post accumulate grad hooks cannot be registered on non-leaf tensors")
        return add_post_hook(self, hook)

    def backward(
        self, gradient: Any = None, retain_graph: bool | None = None, create_graph: bool = False, inputs: Any = None
    ) -> None:
        """Compute the gradient of this tensor with respect to the leaves, and add it to their ``grad``.

        Args:
            gradient: dL/d(self), of this tensor's shape; may be left out for a single number (it is 1 then).
            retain_graph: keep what the graph has saved, so that a second ``backward`` can run.
            create_graph: record the backward pass too, for derivatives of derivatives.
            inputs: gather gradients for these tensors only.
        """
        from handtorch.autograd.engine import backward

        backward(self, gradient, retain_graph, create_graph, inputs=inputs)

    def detach(self) -> Any:
        """The same memory without the history."""
        out = Tensor.of(self.array)
        out._base = self if self._base is None else self._base
        out._detached = True
        return out

    @property
    def data(self) -> Any:
        """The same memory without the history; assigning gives the tensor another array.

        As in PyTorch, and unlike :meth:`detach`, backward does not notice what is written through it.
        """
        data = Tensor.of(self.array)
        data._unnoticed = True
        return data

    @data.setter
    def data(self, value: Tensor) -> None:
        self.array = value.array

    @property
    def _version(self) -> int:
        return self._changes if self._base is None else self._base._version

    def _bump(self) -> None:
        """Note that the elements were changed in place."""
        if self._base is None:
            self._changes += 1
            if not self._unnoticed:
                changes.note(self.array)
        else:
            self._base._bump()

    def is_inference(self) -> bool:
        """Whether an operation made it in ``inference_mode``."""
        return self._inference

    def _is_view(self) -> bool:
        return self._base is not None

    # -- out of Handtorch ---------------------------------------------------------------------------------------

    def numpy(self, *, force: bool = False) -> np.ndarray:
        """The NumPy array, sharing memory.

        Raises:
            GradientError: a tensor that requires gradients has to be detached first (or pass ``force=True``).
        """
        if self.needs_grad and not force:
            raise GradientError(
                "can't call numpy() on a tensor that requires grad; use tensor.detach().numpy() instead"
            )
        return self.array

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.numpy(), dtype=dtype, copy=copy)

    def item(self) -> Any:
        """The one element as a Python number.

        Raises:
            ShapeError: there is more or less than one element.
        """
        if self.array.size != 1:
            raise ShapeError(
                f"a tensor with {self.array.size} elements cannot be converted to a number; index it first"
            )
        return self.array.item()

    def tolist(self) -> Any:
        """Nested lists of Python numbers."""
        return self.array.tolist()

    def __len__(self) -> int:
        if not self.array.ndim:
            raise TypeError("len() of a 0-d tensor")
        return self.array.shape[0]

    def __bool__(self) -> bool:
        if self.array.size != 1:
            raise ShapeError(
                f"the truth value of a tensor with {self.array.size} elements is ambiguous; use .any() or .all()"
            )
        return bool(self.array.item())

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __complex__(self) -> complex:
        return complex(self.item())

    def __index__(self) -> int:
        if self.array.dtype.kind not in "iub":
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self.item())

    def __format__(self, spec: str) -> str:
        if self.array.ndim == 0 and type(self) is Tensor:
            return format(self.item(), spec)
        return object.__format__(self, spec)

    __hash__ = object.__hash__

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        from handtorch.printing import represent

        return represent(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if self.op is not None:
            raise GradientError(
                "only tensors created explicitly by the user support the deepcopy protocol at the moment; "
                "detach() or clone().detach() it first"
            )
        if id(self) in memo:
            return memo[id(self)]
        copy = type(self).of(self.array.copy())
        memo[id(self)] = copy
        for name, value in self.__dict__.items():
            if name == "_grad":
                copy._grad = None if value is None else Tensor.of(value.array.copy())
            elif name not in _OF_THIS_TENSOR:
                setattr(copy, name, value)
        return copy

    def __reduce_ex__(self, protocol: Any) -> Any:
        if self.op is not None:
            raise GradientError("can't pickle a result that requires grad; detach() it first")
        state = {k: v for k, v in self.__dict__.items() if k not in _OF_THIS_TENSOR and k != "_grad"}
        return _unpickle, (type(self), np.asarray(self.array, order="C"), state)

    # NumPy's functions and operators, called on tensors, become Handtorch's (NEP 13 and NEP 18).

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        from handtorch.ops.dispatch import call_ufunc

        return call_ufunc(ufunc, method, inputs, options)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        from handtorch.ops.dispatch import call_function

        return call_function(function, args, options)


# What a copy does not take over: memory and how it is shared and watched.
_OF_THIS_TENSOR = {
    "array",
    "_base",
    "_detached",
    "_changes",
    "_unnoticed",
    "_rewrites",
    "_accumulator",
    "_inference",
    "hooks",
    "post_hooks",
}


def refresh_view(view: Any) -> None:
    """Link a view anew if its base was rewritten since (the rules are in :mod:`handtorch.ops.writing`)."""
    from handtorch.ops.writing import refresh

    refresh(view)


def _unpickle(cls: Any, array: np.ndarray, state: dict[str, Any]) -> Tensor:
    made = cls.of(array)
    made.__dict__.update(state)
    return made


__all__ = ["CPU", "Size", "Tensor", "device", "only_cpu"]
