"""Parametrizations: a parameter that is computed from others each time it is read."""

from __future__ import annotations

import contextlib
import copy
import functools
from collections.abc import Iterator, Sequence
from typing import Any

from handtorch.autograd.mode import no_grad
from handtorch.errors import ArgumentError, RangeError
from handtorch.nn.containers import ModuleDict, ModuleList
from handtorch.nn.module import Module
from handtorch.nn.parameter import Buffer, Parameter
from handtorch.tensor import Tensor

__all__ = [
    "ParametrizationList",
    "cached",
    "is_parametrized",
    "register_parametrization",
    "remove_parametrizations",
    "transfer_parametrizations_and_params",
    "type_before_parametrizations",
]

_cache: dict[tuple[int, str], Any] = {}
_cachings = 0  # how many blocks of cached() are open


@contextlib.contextmanager
def cached() -> Iterator[None]:
    """In this block every parametrized tensor is computed once, the first time it is read."""
    global _cachings
    _cachings += 1
    try:
        yield
    finally:
        _cachings -= 1
        if not _cachings:
            _cache.clear()


class ParametrizationList(ModuleList):
    """Parametrizations of one tensor, the first to be applied first, and the tensors from which it is computed.

    Args:
        modules: the parametrizations.
        original: the tensor as it is. Where the parametrizations have a ``right_inverse``, this becomes what they make
            the same tensor of.
        unsafe: leave out the check that the result has the shape and the type of the original.

    Attributes:
        original: what the first parametrization is applied to; or ``original0``, ``original1`` ... if it takes several.
        is_tensor: whether it is one.

    Raises:
        ArgumentError: no parametrization, or one that changes the shape or the type.
    """

    original: Tensor

    def __init__(self, modules: Sequence[Any], original: Any, unsafe: bool = False) -> None:
        if not modules:
            raise ArgumentError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        new = original
        with no_grad():
            for module in reversed(list(self)):
                if hasattr(module, "right_inverse"):
                    with contextlib.suppress(NotImplementedError):
                        new = module.right_inverse(new)
        if not isinstance(new, (Tensor, Sequence)):
            raise ArgumentError(
                f"'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). Got "
                f"{type(new).__name__}"
            )
        self.is_tensor = isinstance(new, Tensor)
        self.ntensors = 1 if self.is_tensor else len(new)
        if self.is_tensor:
            _need_same_dtype("right_inverse", new, original)
            with no_grad():
                original.data = new.detach()  # type: ignore[union-attr] # the same object, so that an optimizer that has it keeps it
            _register(self, "original", original)
        else:
            for i, one in enumerate(new):
                if not isinstance(one, Tensor):
                    raise ArgumentError(
                        f"'right_inverse' must return a Tensor or a Sequence of tensors. Got element {i} of the "
                        f"sequence with type {type(one).__name__}."
                    )
                made = Parameter(one.detach(), original.requires_grad) if isinstance(original, Parameter) else one
                _register(self, f"original{i}", made.requires_grad_(original.requires_grad))
        if not unsafe:
            _need_alike("Registering a parametrization", self(), original)

    def right_inverse(self, value: Any) -> None:
        """Set the originals so that the result becomes ``value``.

        Raises:
            RangeError: a parametrization has no ``right_inverse``.
        """
        with no_grad():
            for module in reversed(list(self)):
                if not hasattr(module, "right_inverse"):
                    raise RangeError(f"parametrization {type(module).__name__} does not implement right_inverse.")
                value = module.right_inverse(value)
            if self.is_tensor:
                if not isinstance(value, Tensor):
                    raise ArgumentError(f"`right_inverse` should return a tensor. Got {type(value).__name__}")
                _need_same_dtype("right_inverse", value, self.original)
                self.original.data = value.detach()
                return
            if not isinstance(value, Sequence) or len(value) != self.ntensors:
                raise ArgumentError(f"'right_inverse' must return a sequence of {self.ntensors} tensors. Got {value!r}")
            for i, one in enumerate(value):
                held = getattr(self, f"original{i}")
                _need_same_dtype("right_inverse", one, held)
                held.data = one.detach()

    def forward(self) -> Any:
        """The parametrized tensor."""
        first, *others = self
        given = [self.original] if self.is_tensor else [getattr(self, f"original{i}") for i in range(self.ntensors)]
        value = first(*given)
        for module in others:
            value = module(value)
        return value


def register_parametrization(module: Any, tensor_name: str, parametrization: Any, *, unsafe: bool = False) -> Any:
    """Compute a parameter or buffer by a module from now on, each time it is read.

    ``module.weight`` becomes ``parametrization(original)``, where the original is what is learned; assigning to
    ``module.weight`` sets the original through the parametrization's ``right_inverse``, if it has one. Further
    parametrizations of the same tensor are applied to the result of those before.

    Args:
        module: whose tensor it is; its class becomes a subclass of its own, named ``Parametrized...``.
        tensor_name: such as ``"weight"``.
        parametrization: a module from a tensor, or from several, to one of the same shape and type.
        unsafe: leave out the check of shape and type.

    Returns:
        the module.

    Raises:
        ArgumentError: the module has no such tensor, or the shape or the type changes.
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        chain = module.parametrizations[tensor_name]
        if not unsafe:
            _check_link(parametrization, getattr(module, tensor_name))
        chain.append(parametrization)
        chain.unsafe |= unsafe
        return module
    if tensor_name not in module._parameters and tensor_name not in module._buffers:
        raise ArgumentError(
            f"Module '{module}' does not have a parameter, a buffer, or a parametrized element with name "
            f"'{tensor_name}'"
        )
    chain = ParametrizationList([parametrization], getattr(module, tensor_name), unsafe)
    base = type_before_parametrizations(module)
    delattr(module, tensor_name)
    if not is_parametrized(module):
        module.parametrizations = ModuleDict()
    module.parametrizations[tensor_name] = chain
    module.__class__ = _class_with(base, tuple(module.parametrizations))
    return module


def _check_link(parametrization: Any, value: Any) -> None:
    """Raise unless another parametrization keeps shape and type, there and back."""
    with no_grad():
        result = parametrization(value)
        _need_alike("Registering a parametrization", result, value)
        if hasattr(parametrization, "right_inverse"):
            with contextlib.suppress(NotImplementedError):
                _need_alike("parametrization.right_inverse", parametrization.right_inverse(result), value)


@functools.cache
def _class_with(base: Any, names: tuple[str, ...]) -> type:
    """A subclass in which these attributes are computed. Modules with the same ones share it."""

    def refuse(self: Any) -> Any:
        raise RangeError(
            "Serialization of parametrized modules is only supported through state_dict(); save module.state_dict()"
        )

    def deep_copy(self: Any, memo: dict[int, Any]) -> Any:
        if id(self) not in memo:
            memo[id(self)] = replica = self.__new__(type(self))
            replica.__setstate__(copy.deepcopy(base.__getstate__(self), memo))
        return memo[id(self)]

    members: dict[str, Any] = {name: _computed(name) for name in names}
    members["__getstate__"] = refuse
    if not hasattr(base, "__deepcopy__"):
        members["__deepcopy__"] = deep_copy
    return type(f"Parametrized{base.__name__}", (base,), members)


def _computed(name: str) -> property:
    """The attribute that stands for the parametrized tensor."""

    def read(self: Any) -> Any:
        if not _cachings:
            return self.parametrizations[name]()
        key = (id(self), name)
        if key not in _cache:
            _cache[key] = self.parametrizations[name]()
        return _cache[key]

    def assign(self: Any, value: Any) -> None:
        self.parametrizations[name].right_inverse(value)

    return property(read, assign)


def is_parametrized(module: Any, tensor_name: str | None = None) -> bool:
    """Whether a tensor of the module is parametrized: this one, or any."""
    chains = getattr(module, "parametrizations", None)
    if not isinstance(chains, ModuleDict):
        return False
    return len(chains) > 0 if tensor_name is None else tensor_name in chains


def remove_parametrizations(module: Any, tensor_name: str, leave_parametrized: bool = True) -> Any:
    """Make a parametrized tensor an ordinary one again.

    Args:
        leave_parametrized: give it the value that it has now; else that of the original, if it is one tensor.

    Returns:
        the module; when nothing of it is parametrized any more, of its own class again.

    Raises:
        ArgumentError: the tensor is not parametrized, or has no single original.
    """
    if not is_parametrized(module, tensor_name):
        raise ArgumentError(f"Module {module} does not have a parametrization on {tensor_name}")
    chain = module.parametrizations[tensor_name]
    if chain.is_tensor:
        original = chain.original
        if leave_parametrized:
            with no_grad():
                original.data = getattr(module, tensor_name).detach()
    elif leave_parametrized:
        value = getattr(module, tensor_name)
        original = Parameter(value.detach()) if value.requires_grad else value
    else:
        raise ArgumentError(
            "Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is parametrized in terms of a "
            "sequence of tensors."
        )
    base = type(module).__bases__[0]
    del module.parametrizations[tensor_name]
    names = tuple(module.parametrizations)
    module.__class__ = _class_with(base, names) if names else base
    if not names:
        del module.parametrizations
    _register(module, tensor_name, original)
    return module


def type_before_parametrizations(module: Any) -> type:
    """The class that the module had before anything was parametrized."""
    return type(module).__bases__[0] if is_parametrized(module) else type(module)


def transfer_parametrizations_and_params(from_module: Any, to_module: Any, tensor_name: str | None = None) -> Any:
    """Give a module the parametrizations of another one, and the tensors that belong to them.

    Args:
        tensor_name: only those of this tensor.

    Returns:
        ``to_module``.
    """
    if not is_parametrized(from_module):
        return to_module
    for name in list(from_module.parametrizations) if tensor_name is None else [tensor_name]:
        chain = from_module.parametrizations[name]
        if not hasattr(to_module, name):
            setattr(to_module, name, Parameter(getattr(from_module, name).detach()))
        for parametrization in chain:
            register_parametrization(to_module, name, parametrization)
        for held in [key for key in (*chain._parameters, *chain._buffers) if key.startswith("original")]:
            setattr(to_module.parametrizations[name], held, getattr(chain, held))
    return to_module


def _register(module: Module, name: str, tensor: Any) -> None:
    if isinstance(tensor, Parameter):
        module.register_parameter(name, tensor)
    else:
        module.register_buffer(name, tensor, not isinstance(tensor, Buffer) or tensor.persistent)


def _need_same_dtype(what: str, new: Any, old: Any) -> None:
    if new.dtype != old.dtype:
        raise ArgumentError(f"{what} must not change the element type: expected {old.dtype}, got {new.dtype}")


def _need_alike(what: str, new: Any, old: Any) -> None:
    if not isinstance(new, Tensor):
        raise ArgumentError(f"{what} must return a tensor. Got {type(new).__name__}.")
    _need_same_dtype(what, new, old)
    if new.shape != old.shape:
        raise ArgumentError(
            f"{what} may not change the shape of the tensor, unless the `unsafe` flag is enabled: expected "
            f"{tuple(old.shape)}, got {tuple(new.shape)}"
        )
