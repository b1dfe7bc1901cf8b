"""Pruning: parameters of which some elements are held at 0 by a mask."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

import numpy as np

from handtorch.errors import ArgumentError, DimensionError
from handtorch.nn.utils.convert_parameters import parameters_to_vector
from handtorch.random_factories import rand, rand_like


class BasePruningMethod(ABC):
    """A way to choose what is pruned, and the hook that applies the mask before every forward.

    A subclass says in ``compute_mask`` which elements stay, and in ``PRUNING_TYPE`` what it is shown when a tensor is
    pruned again: "unstructured" the elements that are left, "structured" the slices that are left, "global" everything.
    """

    PRUNING_TYPE: ClassVar[str]
    _tensor_name: str

    def __call__(self, module: Any, inputs: Any) -> None:
        setattr(module, self._tensor_name, self.apply_mask(module))

    @abstractmethod
    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """The mask of a tensor: 1 for what stays, 0 for what goes or is 0 in ``default_mask`` already.

        Args:
            t: the importance of each element.
            default_mask: the mask so far, of the same shape.
        """

    def apply_mask(self, module: Any) -> Any:
        """The original with 0 where the mask is 0."""
        original = getattr(module, f"{self._tensor_name}_orig")
        return getattr(module, f"{self._tensor_name}_mask").to(original.dtype) * original

    @classmethod
    def apply(cls, module: Any, name: str, *args: Any, importance_scores: Any = None, **kwargs: Any) -> Any:
        """Prune a parameter: it gives way to ``name_orig`` and a buffer ``name_mask``, and is computed from them.

        Args:
            args, kwargs: what the method is made with.
            importance_scores: how much each element matters, of the parameter's shape; by default its own values.

        Returns:
            the hook.

        Raises:
            ArgumentError: scores of another shape.
        """
        method: Any = cls(*args, **kwargs)
        method._tensor_name = name
        current = getattr(module, name)
        scores = current if importance_scores is None else importance_scores
        _check_scores(scores, current)
        before = _hook_of(module, name)
        mask = current.new_ones(current.shape) if before is None else getattr(module, f"{name}_mask").detach().clone()
        if before is not None:
            container = before[1] if isinstance(before[1], PruningContainer) else PruningContainer(before[1])
            container.add_pruning_method(method)
            method = container
        mask = method.compute_mask(scores.detach(), default_mask=mask)
        if before is None:
            del module._parameters[name]
            module.register_parameter(f"{name}_orig", current)
        else:
            del module._forward_pre_hooks[before[0]]
        module.register_buffer(f"{name}_mask", mask)
        setattr(module, name, method.apply_mask(module))
        module.register_forward_pre_hook(method)
        return method

    def prune(self, t: Any, default_mask: Any = None, importance_scores: Any = None) -> Any:
        """A tensor with 0 for what is pruned, without any module."""
        scores = t if importance_scores is None else importance_scores
        _check_scores(scores, t)
        mask = t.new_ones(t.shape) if default_mask is None else default_mask
        return t * self.compute_mask(scores.detach(), default_mask=mask)

    def remove(self, module: Any) -> None:
        """Make the pruned tensor a parameter again, with its zeros; the original object, with its new values."""
        name = self._tensor_name
        pruned = self.apply_mask(module)
        delattr(module, name)
        original = module._parameters[f"{name}_orig"]
        original.data = pruned.detach()
        del module._parameters[f"{name}_orig"]
        del module._buffers[f"{name}_mask"]
        setattr(module, name, original)


def _check_scores(scores: Any, t: Any) -> None:
    if scores.shape != t.shape:
        raise ArgumentError(
            f"importance_scores should have the shape of the tensor, {tuple(t.shape)}, got {tuple(scores.shape)}"
        )


def _hook_of(module: Any, name: str) -> tuple[Any, Any] | None:
    """The key and the hook by which this tensor is pruned."""
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook, BasePruningMethod) and hook._tensor_name == name:
            return key, hook
    return None


class PruningContainer(BasePruningMethod):
    """Several prunings of one tensor, one after the other.

    Args:
        args: the methods.
    """

    def __init__(self, *args: Any) -> None:
        self._pruning_methods: tuple[Any, ...] = ()
        if args:
            self._tensor_name = args[0]._tensor_name
        for method in args:
            self.add_pruning_method(method)

    def add_pruning_method(self, method: Any) -> None:
        """Add a method for the same tensor.

        Raises:
            TypeError: it is no method.
            ArgumentError: it is for another tensor.
        """
        if not isinstance(method, BasePruningMethod):
            raise TypeError(f"{type(method)} is not a BasePruningMethod subclass")
        if method._tensor_name != self._tensor_name:
            raise ArgumentError(
                f"Can only add pruning methods acting on the parameter named '{self._tensor_name}' to PruningContainer "
                f"{self}. Found '{method._tensor_name}'"
            )
        self._pruning_methods += (method,)

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._pruning_methods)

    def __getitem__(self, idx: Any) -> Any:
        return self._pruning_methods[idx]

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """What the latest method leaves of what those before have left."""
        method = self._pruning_methods[-1]
        left: Any
        if method.PRUNING_TYPE == "unstructured":
            left = default_mask == 1
        elif method.PRUNING_TYPE == "structured":
            axis = method.dim % t.ndim
            others = [d for d in range(t.ndim) if d != axis]
            left = (*([slice(None)] * axis), default_mask.sum(others) != 0)
        elif method.PRUNING_TYPE == "global":
            left = ...
        else:
            raise ArgumentError(f"Unrecognized PRUNING_TYPE {method.PRUNING_TYPE}")
        mask = default_mask.to(t.dtype).clone()
        mask[left] = method.compute_mask(t[left], default_mask=default_mask[left]).to(mask.dtype)
        return mask


class Identity(BasePruningMethod):
    """Prunes nothing, but makes the mask."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """The mask as it is."""
        return default_mask


class CustomFromMask(BasePruningMethod):
    """Prunes where a given mask is 0.

    Args:
        mask: of the tensor's shape.
    """

    PRUNING_TYPE = "global"

    def __init__(self, mask: Any) -> None:
        self.mask = mask

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """Both masks at once."""
        if default_mask.shape != self.mask.shape:
            raise ArgumentError(f"expected a mask {tuple(default_mask.shape)}, got {tuple(self.mask.shape)}")
        return default_mask * self.mask.to(default_mask.dtype)


class ByAmount:
    """What prunes a number of elements, or of slices.

    Args:
        amount: a whole number of them; or the part of all, between 0.0 and 1.0.

    Raises:
        TypeError: no number.
        ArgumentError: a negative number, or a part above 1.
    """

    def __init__(self, amount: Any) -> None:
        if not isinstance(amount, (int, float, np.integer, np.floating)):
            raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
        if amount < 0 or (isinstance(amount, (float, np.floating)) and amount > 1):
            raise ArgumentError(
                f"amount={amount} should either be a float in the range [0, 1] or a non-negative integer"
            )
        self.amount = amount

    def _count(self, of: int) -> int:
        """How many of so many are pruned."""
        if isinstance(self.amount, (float, np.floating)):
            return round(float(self.amount) * of)
        if self.amount > of:
            raise ArgumentError(f"amount={self.amount} should be smaller than the number of parameters to prune={of}")
        return int(self.amount)


class Unstructured(ByAmount, BasePruningMethod):
    """Prunes single elements: those that come first in an order that a subclass gives."""

    PRUNING_TYPE = "unstructured"

    def _chosen(self, t: Any, count: int) -> Any:
        """The places of so many elements, counted in row-major order."""
        raise NotImplementedError

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """The mask with 0 for the chosen elements too."""
        count = self._count(t.numel())
        mask = default_mask.clone()
        if count:
            mask.view(-1)[self._chosen(t, count)] = 0
        return mask


class RandomUnstructured(Unstructured):
    """Prunes elements at random."""

    def _chosen(self, t: Any, count: int) -> Any:
        return rand_like(t).reshape(-1).topk(count).indices


class L1Unstructured(Unstructured):
    """Prunes the elements that are nearest to 0."""

    def _chosen(self, t: Any, count: int) -> Any:
        return t.abs().reshape(-1).topk(count, largest=False).indices


class Structured(ByAmount, BasePruningMethod):
    """Prunes whole slices along an axis.

    Args:
        amount: how many.
        dim: the axis.
    """

    PRUNING_TYPE = "structured"

    def __init__(self, amount: Any, dim: int = -1) -> None:
        super().__init__(amount)
        self.dim = dim

    def _kept(self, t: Any, slices: int, count: int) -> Any:
        """The slices that stay: their numbers, or a mask."""
        raise NotImplementedError

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """The mask with 0 for the chosen slices too."""
        if t.ndim <= 1:
            raise ArgumentError(
                f"Structured pruning can only be applied to multidimensional tensors. Found tensor of shape "
                f"{tuple(t.shape)} with {t.ndim} dims"
            )
        if self.dim >= t.ndim:
            raise DimensionError(f"Invalid index {self.dim} for tensor of size {tuple(t.shape)}")
        slices = t.shape[self.dim]
        count = self._count(slices)
        if not count:
            return default_mask
        mask = t.new_zeros(t.shape)
        mask[(*([slice(None)] * (self.dim % t.ndim)), self._kept(t, slices, count))] = 1
        return mask * default_mask.to(mask.dtype)


class RandomStructured(Structured):
    """Prunes slices at random."""

    def _kept(self, t: Any, slices: int, count: int) -> Any:
        draws = rand(slices)
        return draws > draws.kthvalue(count).values


class LnStructured(Structured):
    """Prunes the slices with the smallest n-norms.

    Args:
        amount: how many.
        n: of the norm; a number, "fro" or "nuc".
        dim: the axis.
    """

    def __init__(self, amount: Any, n: Any, dim: int = -1) -> None:
        super().__init__(amount, dim)
        self.n = n

    def _kept(self, t: Any, slices: int, count: int) -> Any:
        axis = self.dim % t.ndim
        return t.norm(self.n, [d for d in range(t.ndim) if d != axis]).topk(slices - count).indices


# -- functions ------------------------------------------------------------------------------------------------------


def identity(module: Any, name: str) -> Any:
    """Make the mask of a parameter without pruning it, and return the module."""
    Identity.apply(module, name)
    return module


def random_unstructured(module: Any, name: str, amount: Any) -> Any:
    """Prune ``amount`` elements of a parameter at random, and return the module."""
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(module: Any, name: str, amount: Any, importance_scores: Any = None) -> Any:
    """Prune the ``amount`` elements of a parameter that are nearest to 0, and return the module."""
    L1Unstructured.apply(module, name, amount, importance_scores=importance_scores)
    return module


def random_structured(module: Any, name: str, amount: Any, dim: int) -> Any:
    """Prune ``amount`` slices of a parameter along ``dim`` at random, and return the module."""
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(module: Any, name: str, amount: Any, n: Any, dim: int, importance_scores: Any = None) -> Any:
    """Prune the ``amount`` slices of a parameter along ``dim`` with the smallest n-norms, and return the module."""
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def custom_from_mask(module: Any, name: str, mask: Any) -> Any:
    """Prune a parameter where ``mask`` is 0, and return the module."""
    CustomFromMask.apply(module, name, mask)
    return module


def global_unstructured(
    parameters: Any, pruning_method: Any, importance_scores: dict[Any, Any] | None = None, **kwargs: Any
) -> None:
    """Prune several parameters as if they were one vector.

    Args:
        parameters: pairs of a module and the name of its parameter.
        pruning_method: an unstructured method's class.
        importance_scores: for some pairs how much each element matters.
        kwargs: what the method is made with.

    Raises:
        TypeError: arguments of other kinds.
    """
    if not isinstance(parameters, Iterable):
        raise TypeError("global_unstructured(): parameters is not an Iterable")
    if not isinstance(importance_scores or {}, dict):
        raise TypeError("global_unstructured(): importance_scores must be of type dict")
    method = pruning_method(**kwargs)
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError(
            f'Only "unstructured" PRUNING_TYPE supported for the `pruning_method`. Found method {pruning_method} of '
            f"type {method.PRUNING_TYPE}"
        )
    pairs = list(parameters)
    tensors = [getattr(module, name) for module, name in pairs]
    scores = [(importance_scores or {}).get(pair, tensor) for pair, tensor in zip(pairs, tensors, strict=True)]
    masks = [
        getattr(module, f"{name}_mask", tensor.new_ones(tensor.shape))
        for (module, name), tensor in zip(pairs, tensors, strict=True)
    ]
    method._tensor_name = "all"
    whole = PruningContainer(method).compute_mask(
        parameters_to_vector(scores).detach(), default_mask=parameters_to_vector(masks)
    )
    start = 0
    for (module, name), tensor in zip(pairs, tensors, strict=True):
        custom_from_mask(module, name, whole[start : start + tensor.numel()].view_as(tensor))
        start += tensor.numel()


def remove(module: Any, name: str) -> Any:
    """Make the pruning of a parameter permanent, and return the module.

    Raises:
        ArgumentError: it is not pruned.
    """
    found = _hook_of(module, name)
    if found is None:
        raise ArgumentError(f"Parameter '{name}' of module {module} has to be pruned before pruning can be removed")
    found[1].remove(module)
    del module._forward_pre_hooks[found[0]]
    return module


def is_pruned(module: Any) -> bool:
    """Whether a parameter of the module, or of one inside it, is pruned."""
    return any(
        isinstance(hook, BasePruningMethod) for inner in module.modules() for hook in inner._forward_pre_hooks.values()
    )
