"""Module: a piece of a network that owns parameters and other modules, and is called like a function."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from handtorch.errors import HandtorchError
from handtorch.nn import hooks
from handtorch.nn.conversion import Convertible
from handtorch.nn.hooks import Hookable, HookTable, call_with_hooks, everywhere
from handtorch.nn.parameter import Buffer, Parameter
from handtorch.nn.registry import Registry, missing, stored
from handtorch.nn.state import Stateful
from handtorch.nn.tree import Tree
from handtorch.tensor import Tensor

_nothing = object()
_set = object.__setattr__
_registries = ("_parameters", "_buffers", "_modules")
_call_tables = {name for name, table in vars(Hookable).items() if isinstance(table, HookTable) and table.at_call}


def _look_up_member(module: Any, name: str) -> Any:
    """A member that is no attribute: a class that sets attributes by itself may keep members in plain dictionaries."""
    for kind in _registries:
        members = stored(module, kind, ())
        if name in members:
            return members[name]
    raise AttributeError(f"'{type(module).__name__}' object has no attribute '{name}'", name=name, obj=module)


class Module(Tree, Stateful, Convertible, Hookable):
    """Base class of all layers and networks.

    A subclass makes its parameters and submodules in ``__init__``, after ``super().__init__()``, by assigning them as
    attributes, and computes in ``forward``. Call the module itself, not ``forward``: the call runs the hooks, and an
    error that leaves it says where in the model it happened.
    """

    dump_patches = False
    call_super_init = False
    _hooked: bool  # whether somebody looked at a table of hooks of this module, see HookTable

    if TYPE_CHECKING:  # At run time no such method exists: members are ordinary attributes, which keeps reading fast.

        def __getattr__(self, name: str) -> Any: ...

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "__setattr__" in vars(cls) and not hasattr(cls, "__getattr__"):
            cls.__getattr__ = _look_up_member  # type: ignore[method-assign]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if not self.call_super_init:
            if kwargs:
                raise TypeError(
                    f"{type(self).__name__}.__init__() got an unexpected keyword argument '{next(iter(kwargs))}'"
                )
            if args:
                raise TypeError(
                    f"{type(self).__name__}.__init__() takes 1 positional argument but {len(args) + 1} were given"
                )
        _set(self, "training", True)
        _set(self, "_hooked", False)
        _set(self, "_non_persistent_buffers_set", set())
        for kind in _registries:
            _set(self, kind, Registry(self))
        if self.call_super_init:
            super().__init__(*args, **kwargs)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the output; every subclass has its own.

        Raises:
            NotImplementedError: the subclass has none.
        """
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    def __call__(self, input: Any = _nothing, /, *args: Any, **kwargs: Any) -> Any:
        # The first line is what a call with one argument costs; it is the commonest call in any network.
        try:
            if self._hooked or everywhere or args or kwargs or input is _nothing:
                given = args if input is _nothing else (input, *args)
                if self._hooked or everywhere:
                    return call_with_hooks(self, given, kwargs)
                return self.forward(*given, **kwargs)
            return self.forward(input)
        except HandtorchError as error:
            error.pass_through(self)
            raise

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Accepted for PyTorch's sake: there is nothing to compile."""

    # -- members ----------------------------------------------------------------------------------------------------

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter under this name, or reserve the name with None.

        Raises:
            KeyError: the name is taken, empty, or has a dot.
            TypeError: ``param`` is not a Parameter.
            ValueError: ``param`` is the result of an operation.
            AttributeError: ``Module.__init__()`` was not called yet.
        """
        members = self._members("_parameters", "parameter")
        self._check_name("parameter", members, name)
        if param is not None:
            if not isinstance(param, Parameter):
                raise TypeError(
                    f"cannot assign '{type_name(param)}' object to parameter '{name}' (nn.Parameter or None required)"
                )
            if param.grad_fn is not None:
                raise ValueError(
                    f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be created "
                    f"explicitly. To express '{name}' as a function of another Tensor, compute the value in the "
                    f"forward() method."
                )
            param = hooks.registered(hooks.parameter_registration_hooks, self, name, param)
        members[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that is state but not a parameter, such as a running mean.

        Args:
            persistent: whether ``state_dict`` contains it.

        Raises:
            KeyError: the name is taken, empty, or has a dot.
            TypeError: ``tensor`` is not a Tensor.
            AttributeError: ``Module.__init__()`` was not called yet.
        """
        members = self._members("_buffers", "buffer")
        self._check_name("buffer", members, name)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(f"cannot assign '{type_name(tensor)}' object to buffer '{name}' (Tensor or None required)")
        members[name] = hooks.registered(hooks.buffer_registration_hooks, self, name, tensor)
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a module under this name, or reserve the name with None.

        Raises:
            KeyError: the name is taken, empty, or has a dot.
            TypeError: ``module`` is not a Module.
            AttributeError: ``Module.__init__()`` was not called yet.
        """
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{type_name(module)} is not a Module subclass")
        members = self._members("_modules", "module")
        self._check_name("module", members, name)
        members[name] = hooks.registered(hooks.module_registration_hooks, self, name, module)

    def register_module(self, name: str, module: Module | None) -> None:
        """The same as :meth:`add_module`."""
        self.add_module(name, module)

    def _members(self, kind: str, what: str) -> Registry:
        """This module's registry, made its own where it came from another one with a copied ``__dict__``."""
        members = stored(self, kind, None)
        if members is None:
            raise AttributeError(f"cannot assign {what} before Module.__init__() call")
        if type(members) is not Registry or not members.belongs_to(self):
            members = Registry(self, members)
            _set(self, kind, members)
        return members

    def _check_name(self, what: str, members: Registry, name: str) -> None:
        if not isinstance(name, str):
            raise TypeError(f"{what} name should be a string. Got {type_name(name)}")
        if "." in name:
            raise KeyError(f'{what} name can\'t contain ".", got: {name}')
        if name == "":
            raise KeyError(f'{what} name can\'t be empty string ""')
        if name not in members and stored(self, name) is not missing:
            raise KeyError(f"attribute '{name}' already exists")

    # -- attributes -------------------------------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        kind = self._registry_for(name, value)
        if kind is None:
            self._set_plain(name, value)
            return
        if value is not None:
            self._make_room(kind, name)
        if kind == "_parameters":
            self.register_parameter(name, value)
        elif kind == "_modules":
            self._members(kind, "module")[name] = hooks.registered(hooks.module_registration_hooks, self, name, value)
        elif isinstance(value, Buffer):
            self.register_buffer(name, value, value.persistent)
        else:
            self.register_buffer(name, value, name not in self._non_persistent_buffers_set)

    def _registry_for(self, name: str, value: Any) -> str | None:
        """Which registry an assignment goes to, if any.

        Raises:
            TypeError: the name belongs to a registry that cannot hold the value.
        """
        is_tensor = isinstance(value, Tensor)
        if is_tensor and isinstance(value, Parameter):
            return "_parameters"
        wanted = None
        if is_tensor:
            wanted = "_buffers" if isinstance(value, Buffer) else None
        elif isinstance(value, Module):
            wanted = "_modules"
        for kind, what, allowed in _holds:
            if name not in stored(self, kind, ()):
                continue
            if value is None or wanted == kind or (is_tensor and kind == "_buffers"):
                return kind
            if wanted == "_modules" and kind == "_buffers":
                break
            raise TypeError(f"cannot assign '{type_name(value)}' as {what} '{name}' ({allowed} or None expected)")
        return wanted

    def _make_room(self, kind: str, name: str) -> None:
        """Take away what else has this name."""
        if name in self._members(kind, kind[1:]) or stored(self, name) is missing:
            return
        for other in _registries:
            self._members(other, other).pop(name, None)
        self._non_persistent_buffers_set.discard(name)
        with suppress(AttributeError):  # it may be an attribute of the class, which register_... refuses to hide
            object.__delattr__(self, name)

    def _set_plain(self, name: str, value: Any) -> None:
        """Set an ordinary attribute, or one of those that the module itself is made of."""
        if name in _registries:
            members = dict(value)
            held = stored(self, name, None)
            if type(held) is Registry and held.belongs_to(self):
                held.let_go()
            value = Registry(self, members)
        elif name in _call_tables:
            _set(self, "_hooked", True)
        _set(self, name, value)

    def __delattr__(self, name: str) -> None:
        for kind in _registries:
            if name in stored(self, kind, ()):
                del self._members(kind, kind)[name]
                self._non_persistent_buffers_set.discard(name)
                return
        object.__delattr__(self, name)

    def __dir__(self) -> list[str]:
        names = {*dir(type(self)), *self.__dict__, *self._parameters, *self._modules, *self._buffers}
        return sorted(name for name in names if not name[0].isdigit())

    # -- copies -----------------------------------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        for kind in _registries:
            members = dict(state.get(kind, ()))
            for name, member in members.items():
                if name in state and state[name] is member:
                    del state[name]  # the attribute that mirrors it comes back with the registry
            state[kind] = members
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        _set(self, "_hooked", False)
        self.__dict__.update(state)
        self.__dict__.setdefault("_non_persistent_buffers_set", set())
        for kind in _registries:
            _set(self, kind, Registry(self, state.get(kind, ())))

    # -- text -------------------------------------------------------------------------------------------------------

    def _get_name(self) -> str:
        return type(self).__name__

    def extra_repr(self) -> str:
        """The settings that ``repr`` shows between the brackets; to be overridden."""
        return ""

    def __repr__(self) -> str:
        settings = self.extra_repr()
        lines = settings.split("\n") if settings else []
        if not self._modules and len(lines) <= 1:
            return f"{self._get_name()}({settings})"
        lines += [f"({name}): {indented(repr(module))}" for name, module in self._modules.items()]
        return f"{self._get_name()}(\n  " + "\n  ".join(lines) + "\n)"


_holds = (
    ("_parameters", "parameter", "nn.Parameter"),
    ("_modules", "child module", "nn.Module"),
    ("_buffers", "buffer", "nn.Buffer, Tensor"),
)


def indented(text: str) -> str:
    """The text with two spaces in front of every line but the first."""
    return text.replace("\n", "\n  ")


def type_name(value: Any) -> str:
    """The dotted name of a value's type, as PyTorch's messages show it."""
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
