"""The base of every optimizer: parameter groups, the state kept for each parameter, hooks and checkpoints."""

from __future__ import annotations

import functools
import warnings
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from copy import deepcopy
from itertools import chain
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np

from handtorch import dtypes, kernels
from handtorch.autograd.hooks import RemovableHandle
from handtorch.autograd.mode import enable_grad
from handtorch.errors import ArgumentError
from handtorch.tensor import Tensor

ParamsT: TypeAlias = Iterable[Tensor] | Iterable[dict[str, Any]] | Iterable[tuple[str, Tensor]]
Group: TypeAlias = dict[str, Any]
Arrays: TypeAlias = dict[str, np.ndarray]
StateDict: TypeAlias = dict[str, Any]


class _Required:
    """Marks a default that each parameter group has to give itself."""

    def __repr__(self) -> str:
        return "<required parameter>"


required = _Required()

_global_step_pre_hooks: OrderedDict[int, Callable[..., Any]] = OrderedDict()
_global_step_post_hooks: OrderedDict[int, Callable[..., Any]] = OrderedDict()

_HOOKS = (
    "_optimizer_step_pre_hooks",
    "_optimizer_step_post_hooks",
    "_optimizer_state_dict_pre_hooks",
    "_optimizer_state_dict_post_hooks",
    "_optimizer_load_state_dict_pre_hooks",
    "_optimizer_load_state_dict_post_hooks",
)


def to_scalar(value: Any) -> Any:
    """A Python number of a number or of a 1-element tensor.

    NumPy's scalars become Python's too: they would widen float32 arithmetic to float64.
    """
    return value.item() if isinstance(value, (Tensor, np.generic, np.ndarray)) else value


def scalar_tensor(value: float) -> Tensor:
    """A 0-dimensional tensor for a count or a coefficient that belongs to a checkpoint, such as ``step``."""
    wide = dtypes.get_default_dtype() is dtypes.float64
    return Tensor.of(np.array(value, np.float64 if wide else np.float32))


def full_like(param: Tensor, value: complex) -> Tensor:
    """A state tensor of the parameter's shape and element type, filled with ``value``."""
    return Tensor.of(np.full(param.array.shape, value, param.array.dtype))


def real_view(array: np.ndarray) -> np.ndarray:
    """The same memory as real numbers: a complex array ``(...)`` becomes ``(..., 2)``, others stay as they are.

    Rules that square or compare take a complex number for two independent real ones, as PyTorch does.
    """
    if array.dtype.kind != "c":
        return array
    return array[..., None].view(array.real.dtype)


def check_lr(lr: float | Tensor, complaint: str = "Invalid learning rate:") -> None:
    """Raise ``ArgumentError`` unless the learning rate is one number and not negative."""
    if isinstance(lr, Tensor) and lr.numel() != 1:
        raise ArgumentError(f"Tensor lr must be 1-element, got shape {tuple(lr.shape)}; one rate a group: param_groups")
    if not 0.0 <= to_scalar(lr):
        raise ArgumentError(f"{complaint} {lr}; expected lr >= 0")


def check_not_negative(**values: Any) -> None:
    """Raise ``ArgumentError`` for the first of the named values that is below zero."""
    for name, value in values.items():
        if not 0.0 <= to_scalar(value):
            label = "epsilon" if name == "eps" else name
            raise ArgumentError(f"Invalid {label} value: {value}; expected {name} >= 0")


def check_betas(betas: tuple[Any, Any]) -> None:
    """Raise ``ArgumentError`` unless both decay rates lie in ``[0, 1)``."""
    for index in (0, 1):
        if not 0.0 <= to_scalar(betas[index]) < 1.0:
            raise ArgumentError(
                f"Invalid beta parameter at index {index}: {betas[index]}; expected 0 <= betas[{index}] < 1"
            )


def _with_hooks(step: Callable[..., Any]) -> Callable[..., Any]:
    """Let a ``step`` method call the step hooks; nothing but a test of four containers when there are none."""

    @functools.wraps(step)
    def hooked(self: Optimizer, *args: Any, **kwargs: Any) -> Any:
        self._opt_called = True
        pre, post = self._optimizer_step_pre_hooks, self._optimizer_step_post_hooks
        if not (pre or post or _global_step_pre_hooks or _global_step_post_hooks) or self._inside_step:
            return step(self, *args, **kwargs)
        for hook in list(chain(_global_step_pre_hooks.values(), pre.values())):
            changed = hook(self, args, kwargs)
            if changed is not None:
                if not (isinstance(changed, tuple) and len(changed) == 2):
                    raise RuntimeError(
                        f"{step} must return None or a tuple of (new_args, new_kwargs), but got {changed}."
                    )
                args, kwargs = changed
        self._inside_step = True  # a subclass whose step calls super().step() runs its hooks once
        try:
            result = step(self, *args, **kwargs)
        finally:
            self._inside_step = False
        for hook in list(chain(post.values(), _global_step_post_hooks.values())):
            hook(self, args, kwargs)
        return result

    return hooked


class Optimizer:
    """Changes parameters in place, from their gradients.

    A subclass that defines ``step(closure=None)`` is an optimizer, as in PyTorch. The optimizers here define less:
    :meth:`_initial_state`, the tensors a parameter starts with, and :meth:`_update`, the rule on plain arrays.

    Args:
        params: the tensors to change, or ``(name, tensor)`` pairs, or dicts with the key ``"params"`` and the options
            in which that group differs. The order must be the same in every run (no sets), since checkpoints count.
        defaults: the options of groups that do not name their own.

    Attributes:
        param_groups: list of dicts, each ``{"params": [...], option: value, ...}``.
        state: for each parameter, a dict of the tensors that the rule carries from step to step.

    Raises:
        TypeError: ``params`` is one tensor, or holds something that is not a tensor.
        ArgumentError: ``params`` is empty, not made of leaves, or names a tensor in two groups.
    """

    #: State entries that are counts or rates: 0-dimensional, in a type of their own whatever the parameter's is.
    _scalar_state: tuple[str, ...] = ("step",)

    #: Parameters together smaller than this never wait for Numba to be imported.
    _twin_threshold = 16384

    _opt_called = False
    _inside_step = False
    # An optimizer that wraps another one may do without this class's constructor: it has no hooks.
    _optimizer_step_pre_hooks: Any = MappingProxyType({})
    _optimizer_step_post_hooks: Any = MappingProxyType({})
    _optimizer_state_dict_pre_hooks: OrderedDict[int, Callable[..., Any]]
    _optimizer_state_dict_post_hooks: OrderedDict[int, Callable[..., Any]]
    _optimizer_load_state_dict_pre_hooks: OrderedDict[int, Callable[..., Any]]
    _optimizer_load_state_dict_post_hooks: OrderedDict[int, Callable[..., Any]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "step" in cls.__dict__:
            cls.step = _with_hooks(cls.__dict__["step"])  # type: ignore[method-assign]

    def __init__(self, params: ParamsT, defaults: dict[str, Any]) -> None:
        if defaults.get("fused"):
            if defaults.get("differentiable"):
                raise RuntimeError("`fused` does not support `differentiable`")
            if defaults.get("foreach"):
                raise RuntimeError("`fused` and `foreach` cannot be `True` together.")
        if defaults.get("differentiable"):
            raise NotImplementedError(
                "expected differentiable=False: steps change arrays in place and are not recorded; to differentiate "
                "through an update, write it out: p - lr * autograd.grad(loss, p, create_graph=True)[0]"
            )
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, "
                f"but got {type(params).__name__}; try [tensor]"
            )
        self.defaults = defaults
        for name in _HOOKS:
            setattr(self, name, OrderedDict())
        self.state: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        self.param_groups: list[Group] = []
        groups: list[Any] = list(params)
        if not groups:
            raise ArgumentError("optimizer got an empty parameter list; does the model have parameters yet?")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    # ---- the step -------------------------------------------------------------------------------------------------

    @_with_hooks
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient, once.

        Args:
            closure: computes the loss anew, with gradients, and returns it; called first when given.

        Returns:
            What the closure returned, or None.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        for group in self.param_groups:
            params = [p for p in group["params"] if p._grad is not None]
            if params:
                self._update_group(params, group)
        return loss

    def _update_group(self, params: list[Any], group: Group) -> None:
        """Apply the rule to the parameters of one group that have gradients."""
        for p in params:
            state = self._state_of(p, group)
            arrays = {name: real_view(value.array) for name, value in state.items()}
            if "step" in arrays:
                arrays["step"] += 1
            grad = self._gradient(p.array, p.grad.array, group)
            self._update(real_view(p.array), real_view(grad), arrays, group)
            p._bump()

    def _state_of(self, p: Tensor, group: Group) -> dict[str, Any]:
        """The state of a parameter, made on its first step."""
        state = self.state[p]
        if not state:
            state.update(self._initial_state(p, group))
        return state

    def _gradient(self, p: np.ndarray, g: np.ndarray, group: Group) -> np.ndarray:
        """The direction to descend, ``±g + λp``, or with decoupled decay ``±g`` after ``p ← (1 - γλ)p``.

        The sign is that of ``maximize``; ``λ`` is ``weight_decay`` and ``γ`` the learning rate.
        """
        if group.get("maximize"):
            g = -g
        decay = to_scalar(group.get("weight_decay", 0))
        if decay == 0:
            return g
        if group.get("decoupled_weight_decay"):
            p *= 1 - to_scalar(group["lr"]) * decay
            return g
        return g + decay * p

    def _initial_state(self, p: Tensor, group: Group) -> dict[str, Any]:
        """The tensors that a parameter starts with."""
        raise NotImplementedError(f"{type(self).__name__} defines neither step nor _initial_state")

    def _update(self, p: np.ndarray, g: np.ndarray, state: Arrays, group: Group) -> None:
        """Change ``p`` and the arrays of ``state`` in place, given the direction ``g``."""
        raise NotImplementedError(f"{type(self).__name__} defines neither step nor _update")

    def _wants_twin(self, params: list[Any]) -> bool:
        """Whether these parameters are enough work for the compiled twin."""
        size = 0
        for p in params:
            size += p.array.size
        return size >= self._twin_threshold and kernels.enabled()

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters (``backward`` adds to what is there).

        Args:
            set_to_none: drop the gradient instead of filling it with zeros, which saves memory and lets a step skip
                parameters that got none.
        """
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                if set_to_none:
                    p.grad = None
                else:
                    if p.grad.grad_fn is not None:
                        p.grad = p.grad.detach()
                    p.grad.array[...] = 0
                    p.grad._bump()

    # ---- parameter groups -----------------------------------------------------------------------------------------

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Take in another group, such as layers that are thawed later in training.

        Args:
            param_group: ``{"params": tensors or (name, tensor) pairs, option: value, ...}``.

        Raises:
            TypeError: not a dict, an unordered set, or something that is not a tensor.
            ArgumentError: tensors that are no leaves, already in a group, or only partly named.
        """
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        params, names = _params_and_names(param_group["params"])
        param_group["params"] = params
        if names:
            param_group["param_names"] = names
        for p in params:
            if not isinstance(p, Tensor):
                raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {type(p).__name__}")
            if not (p.is_leaf or p.retains_grad):
                raise ArgumentError("can't optimize a non-leaf Tensor; give the tensor that it was computed from")
        for name, default in self.defaults.items():
            if default is required and name not in param_group:
                raise ArgumentError(f"parameter group didn't specify a value of required optimization parameter {name}")
            param_group.setdefault(name, default)
        self._check_new_group(param_group)
        self.param_groups.append(param_group)

    def _check_new_group(self, param_group: Group) -> None:
        new = {id(p) for p in param_group["params"]}
        if len(new) != len(param_group["params"]):
            warnings.warn(
                "optimizer contains a parameter group with duplicate parameters; each is updated once for every "
                "time it is listed",
                stacklevel=4,
            )
        for group in self.param_groups:
            if ("param_names" in group) != ("param_names" in param_group):
                which = "with names" if "param_names" in param_group else "without names"
                raise ArgumentError(
                    "all optimizer param groups should be with/without names. "
                    f"cannot add param group {which} to the optimizer"
                )
            if any(id(p) in new for p in group["params"]):
                raise ArgumentError("some parameters appear in more than one parameter group")

    def __repr__(self) -> str:
        text = f"{type(self).__name__} ("
        for index, group in enumerate(self.param_groups):
            text += f"\nParameter Group {index}\n"
            text += "".join(f"    {key}: {group[key]}\n" for key in sorted(group) if key != "params")
        return text + ")"

    # ---- hooks ----------------------------------------------------------------------------------------------------

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` before each step; it may return new ``(args, kwargs)``."""
        return _register(self._optimizer_step_pre_hooks, hook)

    def register_step_post_hook(self, hook: Callable[..., None]) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` after each step."""
        return _register(self._optimizer_step_post_hooks, hook)

    def register_state_dict_pre_hook(self, hook: Callable[..., None], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer)`` before :meth:`state_dict`."""
        return _register(self._optimizer_state_dict_pre_hooks, hook, prepend)

    def register_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer, state_dict)`` after :meth:`state_dict`; it may return another dict."""
        return _register(self._optimizer_state_dict_post_hooks, hook, prepend)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer, state_dict)`` before loading; it may return another dict."""
        return _register(self._optimizer_load_state_dict_pre_hooks, hook, prepend)

    def register_load_state_dict_post_hook(self, hook: Callable[..., None], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer)`` after loading."""
        return _register(self._optimizer_load_state_dict_post_hooks, hook, prepend)

    # ---- checkpoints ----------------------------------------------------------------------------------------------

    def state_dict(self) -> StateDict:
        """Everything needed to go on later, in PyTorch's layout.

        Returns:
            ``{"state": {index: {name: value}}, "param_groups": [{option: value, "params": [index, ...]}]}``, where
            parameters are counted through all groups. The tensors are the optimizer's own, not copies.
        """
        for hook in self._optimizer_state_dict_pre_hooks.values():
            hook(self)
        index_of: dict[int, int] = {}
        groups = []
        count = 0
        for group in self.param_groups:
            for position, p in enumerate(group["params"], count):
                index_of.setdefault(id(p), position)
            count += len(group["params"])
            packed = {key: value for key, value in group.items() if key != "params"}
            packed["params"] = [index_of[id(p)] for p in group["params"]]
            groups.append(packed)
        state = {index_of[id(key)] if isinstance(key, Tensor) else key: value for key, value in self.state.items()}
        result: StateDict = {"state": state, "param_groups": groups}
        for hook in self._optimizer_state_dict_post_hooks.values():
            changed = hook(self, result)
            if changed is not None:
                result = changed
        return result

    def load_state_dict(self, state_dict: StateDict) -> None:
        """Go on from a checkpoint, this library's or PyTorch's.

        Values are copied, floating point ones into the parameter's element type (counts such as ``step`` keep their
        own). Options that an older checkpoint lacks keep their present value.

        Raises:
            ArgumentError: the checkpoint has another number of groups, or groups of other sizes.
        """
        state_dict = state_dict.copy()
        for hook in self._optimizer_load_state_dict_pre_hooks.values():
            changed = hook(self, state_dict)
            if changed is not None:
                state_dict = changed
        saved_groups = deepcopy(state_dict["param_groups"])
        _check_sizes(self.param_groups, saved_groups)

        param_of = {
            index: p
            for saved, group in zip(saved_groups, self.param_groups, strict=True)
            for index, p in zip(saved["params"], group["params"], strict=True)
        }
        state: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        for key, value in state_dict["state"].items():
            if key in param_of:
                state[param_of[key]] = self._adopted(param_of[key], value)
            else:
                state[key] = value
        for saved, group in zip(saved_groups, self.param_groups, strict=True):
            saved["params"] = group["params"]
            for name in ("param_names", *self.defaults):
                if name in group:
                    saved.setdefault(name, group[name])
        self.__setstate__({"state": state, "param_groups": saved_groups})
        for hook in self._optimizer_load_state_dict_post_hooks.values():
            hook(self)

    def _adopted(self, param: Tensor, value: Any, key: Any = None) -> Any:
        """A deep copy of a state value, tensors in the element type of ``param``."""
        if isinstance(value, Tensor):
            keep = key in self._scalar_state or not param.is_floating_point()
            return Tensor.of(value.array.astype(value.array.dtype if keep else param.array.dtype))
        if key in self._scalar_state and isinstance(value, (int, float)):
            return scalar_tensor(value)  # PyTorch before 1.12 saved Python numbers
        if isinstance(value, dict):
            return {name: self._adopted(param, entry, name) for name, entry in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(self._adopted(param, entry) for entry in value)
        return value

    def __getstate__(self) -> dict[str, Any]:
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        for name in _HOOKS:
            self.__dict__.setdefault(name, OrderedDict())


def _params_and_names(given: Any) -> tuple[list[Any], list[str]]:
    """The tensors of a group and, when it lists ``(name, tensor)`` pairs, their names."""
    if isinstance(given, Tensor):
        return [given], []
    if isinstance(given, set):
        raise TypeError(
            "optimizer parameters need to be organized in ordered collections, but "
            "the ordering of tensors in sets will change between runs. Please use a list instead."
        )
    entries = list(given)
    named = [entry for entry in entries if isinstance(entry, tuple)]
    if not named:
        return entries, []
    if len(named) != len(entries):
        raise ArgumentError("all optimizer params should be with/without names. Some param names are missing")
    return [tensor for _, tensor in named], [name for name, _ in named]


def _check_sizes(groups: list[Group], saved_groups: list[Group]) -> None:
    if len(groups) != len(saved_groups):
        raise ArgumentError(
            "loaded state dict has a different number of parameter groups "
            f"(expected {len(groups)}, got {len(saved_groups)})"
        )
    for index, (group, saved) in enumerate(zip(groups, saved_groups, strict=True)):
        if len(group["params"]) != len(saved["params"]):
            raise ArgumentError(
                "loaded state dict contains a parameter group that doesn't match the size of optimizer's group "
                f"(group {index}: expected {len(group['params'])} parameters, got {len(saved['params'])})"
            )


def _register(
    hooks: OrderedDict[int, Callable[..., Any]], hook: Callable[..., Any], prepend: bool = False
) -> RemovableHandle:
    handle = RemovableHandle(hooks)
    hooks[handle.id] = hook
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle


def register_optimizer_step_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(optimizer, args, kwargs)`` before each step of every optimizer."""
    return _register(_global_step_pre_hooks, hook)


def register_optimizer_step_post_hook(hook: Callable[..., None]) -> RemovableHandle:
    """Call ``hook(optimizer, args, kwargs)`` after each step of every optimizer."""
    return _register(_global_step_post_hooks, hook)
