"""From PyTorch's values to Handtorch's: tensors, types, functions, modules, and the test suite's own code."""

from __future__ import annotations

import builtins
import dataclasses
import functools
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch.testing._internal.opinfo.core import OpInfo
from torch.testing._utils import freeze_rng_state

import handtorch
from tests.conformance.names import TEST_SUITE, Missing, MissingName, Namespace, find, is_named, lookup, path_of

_WIDER = {torch.float32: torch.float64, torch.complex64: torch.complex128}
_MOST_AXES = 64  # of a NumPy array

_functions: dict[int, tuple[Any, Any]] = {}  # id → (the function, kept alive; its translation)
_construction: dict[int, tuple[Any, tuple[Any, ...], dict[str, Any]]] = {}  # id → (the module, what made it)


def map_tree(value: Any, leaf: Callable[[Any], Any]) -> Any:
    """The same nest of containers with ``leaf`` applied to all that is in it."""
    if type(value) in (list, tuple):
        return type(value)(map_tree(item, leaf) for item in value)
    if type(value) is dict:
        return {key: map_tree(item, leaf) for key, item in value.items()}
    return leaf(value)


class Inexpressible(Exception):
    """A tensor that no NumPy array can be: on another device, or of more axes than NumPy has."""


class Duplicate:
    """Copies PyTorch tensors, strides and shared storage included; one tensor in two places stays one tensor.

    With ``precise=True`` single precision becomes double on the way, so that PyTorch can say what the exact result is.
    """

    def __init__(self, *, precise: bool = False) -> None:
        self.precise = precise
        self.tensors: dict[int, torch.Tensor] = {}
        self._storages: dict[int, torch.UntypedStorage] = {}

    def __call__(self, value: Any) -> Any:
        """The copy of a nest of values."""
        return map_tree(value, self._leaf)

    def _leaf(self, value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return self._tensor(value)
        return _WIDER.get(value, value) if self.precise and isinstance(value, torch.dtype) else value

    def _tensor(self, original: torch.Tensor) -> torch.Tensor:
        if id(original) not in self.tensors:
            copy = self._copied(original)
            if isinstance(original, torch.nn.Parameter):
                copy = torch.nn.Parameter(copy)
            self.tensors[id(original)] = copy.requires_grad_(original.requires_grad)
        return self.tensors[id(original)]

    def _copied(self, original: torch.Tensor) -> torch.Tensor:
        if self.precise and original.dtype in _WIDER:
            return original.detach().to(_WIDER[original.dtype])
        if original.device.type != "cpu" or original.layout != torch.strided or original.is_conj() or original.is_neg():
            return original.detach().clone()
        storage = original.untyped_storage()
        key = storage._cdata
        if key not in self._storages:
            self._storages[key] = storage.clone()
        blank = torch.empty(0, dtype=original.dtype)
        return blank.set_(self._storages[key], original.storage_offset(), original.shape, original.stride())


class Translation:
    """Turns PyTorch's values into Handtorch's; within one translation a tensor in two places stays one tensor."""

    def __init__(self) -> None:
        self.tensors: dict[int, Any] = {}
        self._storages: dict[int, np.ndarray] = {}

    def __call__(self, value: Any) -> Any:
        """The translation of a nest of values.

        Raises:
            MissingName: Handtorch has no counterpart.
            Inexpressible: nothing built on NumPy can have one.
        """
        return map_tree(value, self._leaf)

    def _leaf(self, value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            if id(value) not in self.tensors:
                self.tensors[id(value)] = self._tensor(value)
            return self.tensors[id(value)]
        if isinstance(value, torch.Size):
            return lookup("Size")(tuple(value))
        if isinstance(value, (torch.dtype, torch.layout, torch.memory_format)):
            return lookup(str(value).removeprefix("torch."))
        if isinstance(value, torch.device):
            return lookup("device")(str(value))
        if isinstance(value, torch.Generator):
            return lookup("Generator")().manual_seed(value.initial_seed())
        if isinstance(value, torch.nn.Module):
            return self.module(value)
        if isinstance(value, OpInfo):  # the entry itself, of which its functions read such things as its name
            return value
        if dataclasses.is_dataclass(value) and type(value).__module__.startswith("torch."):
            fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
            return _counterpart(type(value))(**self(fields))
        return function(value) if callable(value) or isinstance(value, types.ModuleType) else value

    def _tensor(self, original: torch.Tensor) -> Any:
        array = self._array(original)
        if isinstance(original, torch.nn.Parameter):
            return lookup("nn.Parameter")(handtorch.from_numpy(array), original.requires_grad)
        return handtorch.from_numpy(array).requires_grad_(original.requires_grad)

    def _array(self, original: torch.Tensor) -> np.ndarray:
        if original.device.type != "cpu" or original.dim() > _MOST_AXES:
            raise Inexpressible(f"a tensor of {original.dim()} axes on the device {original.device}")
        if original.layout != torch.strided:
            raise MissingName(str(original.layout).removeprefix("torch."))
        lookup(str(original.dtype).removeprefix("torch."))
        plain = original.detach().resolve_conj().resolve_neg()
        storage = plain.untyped_storage()
        key = storage._cdata
        if key not in self._storages:
            whole = torch.empty(0, dtype=plain.dtype).set_(storage)
            self._storages[key] = whole.numpy().copy()
        flat = self._storages[key]
        if not plain.numel():
            return np.empty(tuple(plain.shape), flat.dtype)
        size = flat.itemsize
        strides = [step * size for step in plain.stride()]
        return np.ndarray(tuple(plain.shape), flat.dtype, flat.data, plain.storage_offset() * size, strides)

    def module(self, original: torch.nn.Module) -> Any:
        """A module of Handtorch, constructed with the same arguments, in the same mode, holding the same parameters."""
        made_by = _construction.get(id(original))
        if made_by is None:
            raise RuntimeError(f"{type(original).__name__} was made outside remembered_modules()")
        _, args, options = made_by
        module = _counterpart(type(original))(*self(args), **self(options))
        load_state(module, original)
        return module.train(original.training)


def load_state(module: Any, original: torch.nn.Module) -> None:
    """Give a module of Handtorch the element type and the parameters of PyTorch's."""
    dtypes = {p.dtype for p in original.parameters()}
    if len(dtypes) == 1:
        module.to(Translation()(dtypes.pop()))
    module.load_state_dict(Translation()(dict(original.state_dict())))


@contextmanager
def remembered_modules() -> Iterator[None]:
    """Within this context every PyTorch module is made a note of, with its arguments, so that it can be translated."""

    def new(cls: type, *args: Any, **options: Any) -> Any:
        made = object.__new__(cls)
        _construction[id(made)] = (made, args, options)
        return made

    torch.nn.Module.__new__ = staticmethod(new)  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        # Were it deleted, Python would refuse constructor arguments from then on: object.__new__ takes none.
        torch.nn.Module.__new__ = staticmethod(lambda cls, *args, **options: object.__new__(cls))  # type: ignore
        _construction.clear()


def _counterpart(cls: type) -> Any:
    """The class of Handtorch that has the name of PyTorch's, wherever PyTorch hides it."""
    path = path_of(cls)
    if path is None:
        path = f"{cls.__module__.removeprefix('torch.')}.{cls.__qualname__}"
    return lookup(path)


def function(original: Any, name: str | None = None) -> Any:
    """What to call on Handtorch in place of a callable (or namespace) of PyTorch or of its test suite.

    ``name`` is the public name that is meant, where the callable has several.

    A public name is looked up. A function of the test suite, such as the lambda of an entry, runs as it is, with every
    name of PyTorch that it uses looked up in Handtorch. What has no counterpart raises MissingName when it is called.
    """
    if name is not None and is_named(original, name):
        return find(name)
    known = _functions.get(id(original))
    if known is not None:
        return known[1]
    if isinstance(original, functools.partial):
        made = functools.partial(
            function(original.func), *Translation()(original.args), **Translation()(original.keywords)
        )
        return _keep(original, made)
    path = path_of(original)
    if path is not None:
        if isinstance(original, types.ModuleType):
            return Namespace(path)
        return _keep(original, find(path))
    if original is freeze_rng_state:
        return _keep(original, find("random.fork_rng"))
    home = getattr(original, "__module__", None) or ""
    if isinstance(original, types.FunctionType) and home.startswith(TEST_SUITE):
        return _rebound(original)
    if home.split(".")[0] == "torch" and not isinstance(original, type):
        name = getattr(original, "__name__", type(original).__name__)
        return _keep(original, Missing(f"{home}.{name}".removeprefix("torch.")))
    return original


def _keep(original: Any, translated: Any) -> Any:
    _functions[id(original)] = (original, translated)
    return translated


def _rebound(original: types.FunctionType) -> types.FunctionType:
    """The same code over other globals, defaults and closure: those of PyTorch replaced by Handtorch's."""
    scope: dict[str, Any] = {"__builtins__": builtins, "__name__": original.__module__}
    cells = tuple(types.CellType() for _ in original.__closure__ or ())
    made = types.FunctionType(original.__code__, scope, original.__name__, None, cells or None)
    _keep(original, made)  # before its globals: it may use itself
    for name in _global_names(original.__code__):
        if name in original.__globals__:
            scope[name] = _lazily(original.__globals__[name])
    for cell, source in zip(cells, original.__closure__ or (), strict=True):
        cell.cell_contents = _lazily(source.cell_contents)
    made.__defaults__ = Translation()(original.__defaults__)
    made.__kwdefaults__ = Translation()(original.__kwdefaults__)
    return made


def _lazily(value: Any) -> Any:
    """A translation that raises MissingName only where the value is used."""
    try:
        return Translation()(value)
    except MissingName as missing:
        return Missing(missing.path)


def _global_names(code: types.CodeType) -> set[str]:
    """The names that a function and those inside it may look up outside."""
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names |= _global_names(constant)
    return names
