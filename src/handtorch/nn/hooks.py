"""Hooks: functions that are called before and after a module's forward, and when gradients pass through it."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from handtorch.autograd.hooks import RemovableHandle
from handtorch.autograd.mode import mode
from handtorch.errors import GradientError
from handtorch.ops.op import Op
from handtorch.tensor import Tensor

if TYPE_CHECKING:
    from handtorch.nn.module import Module

Hooks = OrderedDict[int, Callable[..., Any]]
Flags = dict[int, bool]


class HookHandle(RemovableHandle):
    """Takes a hook away again, with what was noted about it in other tables."""

    def __init__(self, hooks: Any, *notes: Flags) -> None:
        super().__init__(hooks)
        while self.id in hooks:  # hooks that came with a loaded module keep their numbers
            super().__init__(hooks)
        self.notes = notes

    def remove(self) -> None:
        """Take the hook away; a second call does nothing."""
        super().remove()
        for flags in self.notes:
            flags.pop(self.id, None)


def attach(
    hooks: Hooks, hook: Callable[..., Any], notes: Sequence[Flags] = (), *, prepend: bool = False
) -> RemovableHandle:
    """Add a hook to a table, last or first, and mark it in every one of ``notes``."""
    handle = HookHandle(hooks, *notes)
    hooks[handle.id] = hook
    for flags in notes:
        flags[handle.id] = True
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle


class HookTable:
    """A dictionary of hooks on a module, made when somebody first looks at it.

    Looking at a table that matters to calls also sends the module's calls through :func:`call_with_hooks` from then
    on, so that even a hook that is written into the table by hand is found; a module that nobody hooked pays nothing.
    """

    def __init__(self, *, at_call: bool = False) -> None:
        self.at_call = at_call

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, module: Any, owner: type | None = None) -> Any:
        if module is None:
            return self
        table: Hooks = OrderedDict()
        setattr(module, self.name, table)
        return table


# -- hooks on every module ------------------------------------------------------------------------------------------

everywhere: Flags = {}  # the numbers of all hooks that every call has to look at; empty, it costs a call nothing
_forward_pre_hooks: Hooks = OrderedDict()
_forward_hooks: Hooks = OrderedDict()
_forward_hooks_with_kwargs: Flags = {}
_forward_hooks_always_called: Flags = {}
_backward_pre_hooks: Hooks = OrderedDict()
_backward_hooks: Hooks = OrderedDict()
parameter_registration_hooks: Hooks = OrderedDict()
buffer_registration_hooks: Hooks = OrderedDict()
module_registration_hooks: Hooks = OrderedDict()


def register_module_forward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, args)`` before the forward of every module; what it returns replaces ``args``."""
    return attach(_forward_pre_hooks, hook, [everywhere])


def register_module_forward_hook(
    hook: Callable[..., Any], *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """Call ``hook(module, args, output)`` after the forward of every module; what it returns replaces the output.

    Args:
        with_kwargs: call ``hook(module, args, kwargs, output)`` instead.
        always_call: call it even where the forward raised, with what is known of the output.
    """
    notes = [everywhere]
    notes += [_forward_hooks_with_kwargs] if with_kwargs else []
    notes += [_forward_hooks_always_called] if always_call else []
    return attach(_forward_hooks, hook, notes)


def register_module_full_backward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, grad_output)`` when the gradients of any module's outputs are known."""
    return attach(_backward_pre_hooks, hook, [everywhere])


def register_module_full_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, grad_input, grad_output)`` when the gradients of any module's inputs are known."""
    return attach(_backward_hooks, hook, [everywhere])


def register_module_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """PyTorch's deprecated name; the hook is called as :func:`register_module_full_backward_hook` describes."""
    return register_module_full_backward_hook(hook)


def register_module_parameter_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, name, parameter)`` whenever a parameter is registered; it may return another one."""
    return attach(parameter_registration_hooks, hook)


def register_module_buffer_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, name, buffer)`` whenever a buffer is registered; it may return another one."""
    return attach(buffer_registration_hooks, hook)


def register_module_module_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, name, submodule)`` whenever a submodule is registered; it may return another one."""
    return attach(module_registration_hooks, hook)


def registered(hooks: Hooks, module: Any, name: str, member: Any) -> Any:
    """The member to register once the registration hooks have seen it."""
    for hook in hooks.values():
        replaced = hook(module, name, member)
        if replaced is not None:
            member = replaced
    return member


# -- hooks on one module --------------------------------------------------------------------------------------------


class Hookable:
    """The part of a module that takes hooks on forward and backward."""

    _forward_pre_hooks = HookTable(at_call=True)
    _forward_pre_hooks_with_kwargs = HookTable()
    _forward_hooks = HookTable(at_call=True)
    _forward_hooks_with_kwargs = HookTable()
    _forward_hooks_always_called = HookTable()
    _backward_pre_hooks = HookTable(at_call=True)
    _backward_hooks = HookTable(at_call=True)
    _is_full_backward_hook: bool | None = None

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, args)`` before every forward; what it returns replaces the positional arguments.

        Args:
            prepend: call it before the other hooks of this module.
            with_kwargs: call ``hook(module, args, kwargs)``, which may return ``(args, kwargs)``.
        """
        notes = [self._forward_pre_hooks_with_kwargs] if with_kwargs else []
        return attach(self._forward_pre_hooks, hook, notes, prepend=prepend)

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, args, output)`` after every forward; what it returns replaces the output.

        Args:
            prepend: call it before the other hooks of this module.
            with_kwargs: call ``hook(module, args, kwargs, output)`` instead.
            always_call: call it even where the forward raised, with what is known of the output.
        """
        notes = [self._forward_hooks_with_kwargs] if with_kwargs else []
        notes += [self._forward_hooks_always_called] if always_call else []
        return attach(self._forward_hooks, hook, notes, prepend=prepend)

    def register_full_backward_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(module, grad_output)`` when the gradients of the outputs are known.

        ``grad_output`` is a tuple with None for what is not a Tensor; a tuple that the hook returns replaces it.
        """
        return attach(self._backward_pre_hooks, hook, prepend=prepend)

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(module, grad_input, grad_output)`` when the gradients of the inputs are known.

        Both are tuples with None for what is not a Tensor; a tuple that the hook returns replaces ``grad_input``.
        Only positional arguments are watched.

        Raises:
            RuntimeError: the module already has a hook of the deprecated kind.
        """
        return self._attach_backward_hook(hook, True, prepend)

    def register_backward_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """PyTorch's deprecated name; the hook is called as :meth:`register_full_backward_hook` describes.

        Raises:
            RuntimeError: the module already has a full backward hook.
        """
        return self._attach_backward_hook(hook, False, False)

    def _attach_backward_hook(self, hook: Callable[..., Any], full: bool, prepend: bool) -> RemovableHandle:
        if self._is_full_backward_hook is (not full):
            raise RuntimeError(
                "Cannot use both regular backward hooks and full backward hooks on a single Module. "
                "Please use only one of them."
            )
        self._is_full_backward_hook = full
        return attach(self._backward_hooks, hook, prepend=prepend)


class _Call:
    """One call of a module that has hooks: its arguments and its result as the hooks change them."""

    def __init__(self, module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.module = module
        self.args = args
        self.kwargs = kwargs
        self.result: Any = None
        self.called: set[int] = set()

    def run(self) -> Any:
        """Everything in its order: pre-hooks, forward, hooks."""
        module = self.module
        self.before_forward()
        backward_pre_hooks = [*_backward_pre_hooks.values(), *module._backward_pre_hooks.values()]
        backward_hooks = [*_backward_hooks.values(), *module._backward_hooks.values()]
        watch = None
        if backward_pre_hooks or backward_hooks:
            watch = _GradientWatch(module, backward_pre_hooks, backward_hooks)
            self.args = watch.enter(self.args)
        self.result = module.forward(*self.args, **self.kwargs)
        for number, hook in self.forward_hooks():
            self.after_forward(number, hook)
        if watch is not None:
            self.result = watch.leave(self.result)
        return self.result

    def before_forward(self) -> None:
        """Let the pre-hooks replace the arguments."""
        module = self.module
        for number, hook in (*_forward_pre_hooks.items(), *module._forward_pre_hooks.items()):
            if number not in module._forward_pre_hooks_with_kwargs:
                changed = hook(module, self.args)
                if changed is not None:
                    self.args = changed if isinstance(changed, tuple) else (changed,)
                continue
            changed = hook(module, self.args, self.kwargs)
            if changed is None:
                continue
            if not isinstance(changed, tuple) or len(changed) != 2:
                raise RuntimeError(
                    f"forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got {changed}."
                )
            self.args, self.kwargs = changed

    def forward_hooks(self) -> list[tuple[int, Callable[..., Any]]]:
        """The hooks after forward, those on every module first."""
        return [*_forward_hooks.items(), *self.module._forward_hooks.items()]

    def after_forward(self, number: int, hook: Callable[..., Any]) -> None:
        """Let one hook see and replace the result."""
        self.called.add(number)
        module = self.module
        if number in module._forward_hooks_with_kwargs or number in _forward_hooks_with_kwargs:
            changed = hook(module, self.args, self.kwargs, self.result)
        else:
            changed = hook(module, self.args, self.result)
        if changed is not None:
            self.result = changed

    def after_failure(self) -> None:
        """Call the hooks that want to be called always and were not yet; their own errors become warnings."""
        for number, hook in self.forward_hooks():
            on_all = number in _forward_hooks_always_called
            if number in self.called or not (on_all or number in self.module._forward_hooks_always_called):
                continue
            try:
                self.after_forward(number, hook)
            except Exception as error:
                warnings.warn(
                    f"{'global ' if on_all else ''}module forward hook with ``always_call=True`` raised an exception "
                    f"that was silenced as another error was raised in forward: {error}",
                    stacklevel=2,
                )


def call_with_hooks(module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call ``module.forward`` between the hooks of the module and those on all modules."""
    own = module._forward_pre_hooks or module._forward_hooks or module._backward_pre_hooks or module._backward_hooks
    if not (own or everywhere):
        return module.forward(*args, **kwargs)
    call = _Call(module, args, kwargs)
    try:
        return call.run()
    except Exception:
        call.after_failure()
        raise


# -- gradients on their way through a module ------------------------------------------------------------------------


class _Boundary(Op):
    """The identity, ``y_i = x_i``, where somebody looks at the gradients that pass: ``dL/dx = react(dL/dy)``."""

    def __init__(self, react: Callable[[_Boundary, tuple[Any, ...]], tuple[Any, ...]]) -> None:
        self.react = react

    def forward(self, *arrays: Any) -> Any:
        return arrays

    def backward(self, g: Any) -> Any:
        seen = self.react(self, tuple(Tensor.of(each) if isinstance(each, np.ndarray) else each for each in g))
        if mode.grad:
            return seen
        # A hook may keep what it saw: the engine gets views, into which it never adds.
        return tuple(None if each is None else each.array[...] for each in seen)

    def with_zeros(self, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        """The gradients, zeros where there is none."""
        return tuple(
            Tensor.of(np.zeros(tuple(shape), dtype)) if g is None else g  # type: ignore[arg-type]
            for g, shape, dtype in zip(grads, self.shape, self.dtype, strict=True)
        )


class _GradientWatch:
    """Shows the backward hooks of one call the gradients of its outputs and of its inputs."""

    def __init__(self, module: Any, pre_hooks: list[Callable[..., Any]], hooks: list[Callable[..., Any]]) -> None:
        self.module = module
        self.pre_hooks = pre_hooks
        self.hooks = hooks
        self.grad_output: tuple[Any, ...] | None = None
        self.input_places: list[int] | None = None
        self.n_inputs = 0

    def enter(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments, behind a boundary."""
        self.n_inputs = len(args)
        args, self.input_places = _behind_boundary(args, self.at_inputs)
        return args

    def leave(self, result: Any) -> Any:
        """The result, behind a boundary."""
        if not isinstance(result, (Tensor, tuple)):
            warnings.warn(
                f"For backward hooks to be called, module output should be a Tensor or a tuple of Tensors "
                f"but received {type(result)}",
                stacklevel=2,
            )
        results = result if isinstance(result, tuple) else (result,)
        places: list[int] | None = None

        def react(boundary: _Boundary, grads: tuple[Any, ...]) -> tuple[Any, ...]:
            assert places is not None
            return self.at_outputs(grads, places, len(results))

        watched, places = _behind_boundary(results, react)
        return watched if isinstance(result, tuple) else watched[0]

    def at_outputs(self, grads: tuple[Any, ...], places: list[int], n_outputs: int) -> tuple[Any, ...]:
        """Run the pre-hooks; where no input needs a gradient, the hooks have their turn here too."""
        grad_output = _spread(grads, places, n_outputs)
        for hook in self.pre_hooks:
            grad_output = _replaced(hook(self.module, grad_output), grad_output, "Backward pre hook", "grad_output")
        if self.input_places is not None:
            self.grad_output = grad_output
        elif self.hooks:
            warnings.warn(
                "Full backward hook is firing when gradients are computed with respect to module outputs since no "
                "inputs require gradients; for gradients of the inputs, call requires_grad_() on them.",
                stacklevel=2,
            )
            for hook in self.hooks:
                changed = hook(self.module, (None,) * self.n_inputs, grad_output)
                if changed is not None and any(each is not None for each in changed):
                    raise GradientError(
                        "Backward hook for Modules where no input requires gradient should always return None "
                        "or None for all gradients."
                    )
        return tuple(grad_output[place] for place in places)

    def at_inputs(self, boundary: _Boundary, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        """Run the hooks."""
        if self.grad_output is None or self.input_places is None:  # the gradient did not come through the outputs
            return grads
        grad_input = _spread(boundary.with_zeros(grads), self.input_places, self.n_inputs)
        for hook in self.hooks:
            changed = hook(self.module, grad_input, self.grad_output)
            grad_input = _replaced(changed, grad_input, "Backward hook", "grad_input")
        self.grad_output = None
        return tuple(grad_input[place] for place in self.input_places)


def _behind_boundary(
    values: tuple[Any, ...], react: Callable[[_Boundary, tuple[Any, ...]], tuple[Any, ...]]
) -> tuple[tuple[Any, ...], list[int] | None]:
    """Put the Tensors among the values behind one boundary, and tell where they stand; None if none has gradients."""
    places = [i for i, value in enumerate(values) if isinstance(value, Tensor)]
    if not mode.grad or not any(values[place].requires_grad for place in places):
        return values, None
    passed = _Boundary(react)(*(values[place] for place in places))
    changed = list(values)
    for place, value in zip(places, passed, strict=True):
        if values[place].requires_grad:
            changed[place] = value
    named = hasattr(type(values), "_make")
    return type(values)(*changed) if named else type(values)(changed), places


def _spread(grads: Sequence[Any], places: list[int], length: int) -> tuple[Any, ...]:
    """A tuple of ``length`` with the gradients at their places and None elsewhere."""
    spread = [None] * length
    for place, g in zip(places, grads, strict=True):
        spread[place] = g
    return tuple(spread)


def _replaced(changed: Any, before: tuple[Any, ...], who: str, what: str) -> tuple[Any, ...]:
    """What a hook returned, checked, or what was there if it returned None."""
    if changed is None:
        return before
    changed = (changed,) if isinstance(changed, Tensor) else tuple(changed)
    if len(changed) != len(before):
        raise GradientError(
            f"{who} returned an invalid number of {what}, got {len(changed)}, but expected {len(before)}"
        )
    return changed


__all__ = [
    "Hookable",
    "HookTable",
    "RemovableHandle",
    "attach",
    "call_with_hooks",
    "register_module_backward_hook",
    "register_module_buffer_registration_hook",
    "register_module_forward_hook",
    "register_module_forward_pre_hook",
    "register_module_full_backward_hook",
    "register_module_full_backward_pre_hook",
    "register_module_module_registration_hook",
    "register_module_parameter_registration_hook",
]
