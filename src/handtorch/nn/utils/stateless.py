"""A module as a function of its parameters and buffers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from handtorch.errors import ArgumentError, GradientError

__all__ = ["functional_call"]


def functional_call(
    module: Any,
    parameter_and_buffer_dicts: Any,
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call ``module(*args, **kwargs)`` with other tensors in the place of its parameters and buffers.

    Gradients flow to the tensors that are given. A buffer that the call replaces is replaced in the dictionary too.

    Args:
        module: stays as it was.
        parameter_and_buffer_dicts: dotted name -> Tensor; or a list of such dictionaries.
        args: a tuple, or a single argument.
        kwargs: keyword arguments.
        tie_weights: a parameter with several names is replaced under all of them.
        strict: every parameter and buffer has to be given, and nothing else.

    Raises:
        ArgumentError: a name that is given twice, or tied names with different tensors.
        GradientError: names are missing or unknown, with ``strict``.
    """
    given = _one_dictionary(parameter_and_buffer_dicts)
    arguments = () if args is None else args if isinstance(args, tuple) else (args,)
    names = _all_names(module)
    if strict and given.keys() != names.keys():
        unknown, missing = sorted(given.keys() - names.keys()), sorted(names.keys() - given.keys())
        raise GradientError(f"functional_call of {type(module).__name__}: unexpected {unknown}, missing {missing}")
    values = _with_tied(given, names) if tie_weights else given
    with _replaced(module, {name: value for name, value in values.items() if name in names}, given):
        return module(*arguments, **(kwargs or {}))


def _one_dictionary(dicts: Any) -> dict[str, Any]:
    if isinstance(dicts, Mapping):
        return dicts  # type: ignore[return-value]
    if not isinstance(dicts, Sequence) or not all(isinstance(d, Mapping) for d in dicts):
        raise ArgumentError(f"expected parameter_and_buffer_dicts to be a dict, or a list of dicts, got {type(dicts)}")
    names = [name for d in dicts for name in d]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ArgumentError(f"{repeated} appeared in multiple dictionaries; behavior of functional call is ambiguous")
    return {name: value for d in dicts for name, value in d.items()}


def _all_names(module: Any) -> dict[str, Any]:
    """Every name of a parameter or buffer -> the tensor; those of a tied one all."""
    return {
        **dict(module.named_parameters(remove_duplicate=False)),
        **dict(module.named_buffers(remove_duplicate=False)),
    }


def _with_tied(given: dict[str, Any], names: dict[str, Any]) -> dict[str, Any]:
    """The given tensors, under all names that the tensors they replace have."""
    by_tensor: dict[int, str] = {}
    for name in given:
        if name in names:
            first = by_tensor.setdefault(id(names[name]), name)
            if given[first] is not given[name]:
                raise ArgumentError(f"functional_call got multiple values for keys {[first, name]}, which are tied")
    tied = {name: given[by_tensor[id(tensor)]] for name, tensor in names.items() if id(tensor) in by_tensor}
    return {**given, **tied}


@contextlib.contextmanager
def _replaced(module: Any, values: dict[str, Any], given: dict[str, Any]) -> Iterator[None]:
    """A block in which the module holds other tensors."""
    places = []
    for name, value in values.items():
        path, _, last = name.rpartition(".")
        owner = module.get_submodule(path)
        registry = owner._parameters if last in owner._parameters else owner._buffers
        places.append((name, registry, last, registry[last]))
        registry[last] = value
    try:
        yield
    finally:
        for name, registry, last, original in places:
            if name in given:
                given[name] = registry[last]
            registry[last] = original
