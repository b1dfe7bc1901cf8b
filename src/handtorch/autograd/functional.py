"""Derivatives of functions: Jacobians, Hessians, and their products with vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from handtorch.autograd.engine import grad
from handtorch.autograd.mode import enable_grad
from handtorch.errors import GradientError, ShapeError
from handtorch.tensor import Tensor


def jacobian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """dy/dx for every element of every output and every input.

    Args:
        func: takes the inputs and returns a Tensor or a tuple of them.
        inputs: a Tensor or a tuple of them.
        create_graph: make the result differentiable.
        strict: raise where an output does not depend on an input, instead of zeros.
        vectorize, strategy: accepted; rows are always computed one after another, backwards.

    Returns:
        a Tensor of shape (*output, *input); nested in tuples, outputs outside, where there were tuples.
    """
    with enable_grad():
        xs, one_input = _tuple(inputs)
        xs = _fresh(xs, create_graph)
        ys, one_output = _tuple(func(*xs))
        rows = []
        for y in ys:
            _require_dependence(y, strict)
            columns: list[list[np.ndarray | Any]] = [[] for _ in xs]
            for place in np.ndindex(*y.array.shape):
                found = _gradients(y[place] if place else y, xs, create_graph, strict)
                for column, g in zip(columns, found, strict=True):
                    column.append(g)
            rows.append(tuple(_stacked(c, y, x, create_graph) for c, x in zip(columns, xs, strict=True)))
    return _untuple(tuple(_untuple(row, one_input) for row in rows), one_output)


def hessian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """d²y/dx² of a function with a single number as its result; arguments as in :func:`jacobian`.

    Returns:
        a Tensor of shape (*input, *input), or a tuple of tuples of them.
    """
    _, one_input = _tuple(inputs)

    def gradients(*xs: Any) -> Any:
        y = _single(func(*xs))
        _require_dependence(y, strict)
        found = jacobian(func, xs, create_graph=True, strict=strict)
        return found[0] if one_input else found

    return jacobian(gradients, inputs, create_graph=create_graph, strict=strict)


def vjp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The outputs, and v · dy/dx: a vector times the Jacobian, by one pass backwards.

    Args:
        v: in the shape of the outputs; may be left out for a single number.
    """
    with enable_grad():
        xs, one_input = _tuple(inputs)
        xs = _fresh(xs, create_graph)
        ys, one_output = _tuple(func(*xs))
        vs = _vectors(v, ys, "v")
        found = _gradients(list(ys), xs, create_graph, strict, list(vs))
        products = tuple(_zeros(x) if g is None else g for g, x in zip(found, xs, strict=True))
    return _results(ys, one_output, create_graph), _untuple(_detached(products, create_graph), one_input)


def jvp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The outputs, and dy/dx · v: the Jacobian times a vector, by two passes backwards.

    The first pass computes u · dy/dx for a u that is left open; it is linear in u, and its derivative by u in the
    direction v is the product.

    Args:
        v: in the shape of the inputs; may be left out for a single number.
    """
    with enable_grad():
        xs, _ = _tuple(inputs)
        xs = _fresh(xs, create_graph)
        vs = _vectors(v, xs, "v")
        ys, one_output = _tuple(func(*xs))
        us = [Tensor.of(np.zeros_like(y.array)).requires_grad_() for y in ys]
        first = _gradients(list(ys), xs, True, strict, us)
        pairs = [(g, w) for g, w in zip(first, vs, strict=True) if g is not None and g.needs_grad]
        if pairs:
            found: Any = grad(
                [g for g, _ in pairs], us, [w for _, w in pairs], create_graph=create_graph, allow_unused=True
            )
        else:
            found = [None] * len(us)
        products = tuple(_zeros(u) if g is None else g for g, u in zip(found, us, strict=True))
    return _results(ys, one_output, create_graph), _untuple(_detached(products, create_graph), one_output)


def vhp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The single number y, and v · d²y/dx²: a vector times the Hessian."""
    with enable_grad():
        xs, one_input = _tuple(inputs)
        xs = _fresh(xs, create_graph)
        vs = _vectors(v, xs, "v")
        y = _single(func(*xs))
        _require_dependence(y, strict)
        first = _gradients(y, xs, True, strict)
        pairs = [(g, w) for g, w in zip(first, vs, strict=True) if g is not None and g.needs_grad]
        if pairs:
            found: Any = grad(
                [g for g, _ in pairs], xs, [w for _, w in pairs], create_graph=create_graph, allow_unused=True
            )
        else:
            found = [None] * len(xs)
        products = tuple(_zeros(x) if g is None else g for g, x in zip(found, xs, strict=True))
    return (y if create_graph else y.detach()), _untuple(_detached(products, create_graph), one_input)


def hvp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The single number y, and d²y/dx² · v: the Hessian, which is symmetric, times a vector."""
    return vhp(func, inputs, v, create_graph, strict)


def _tuple(values: Any) -> tuple[tuple[Any, ...], bool]:
    """As a tuple, and whether it was a single Tensor."""
    if isinstance(values, Tensor):
        return (values,), True
    for value in values:
        if not isinstance(value, Tensor):
            raise TypeError(f"expected a Tensor or a tuple of Tensors, got one of {type(value).__name__} among them")
    return tuple(values), False


def _untuple(values: tuple[Any, ...], single: bool) -> Any:
    return values[0] if single else values


def _fresh(xs: tuple[Any, ...], create_graph: bool) -> tuple[Any, ...]:
    """Inputs of the function's own, linked to the given ones only if the result shall be differentiable."""
    if create_graph:
        return tuple(x.view(*x.array.shape) if x.requires_grad else x.detach().requires_grad_() for x in xs)
    return tuple(x.detach().requires_grad_() for x in xs)


def _single(y: Any) -> Any:
    if not isinstance(y, Tensor):
        raise TypeError("the function must return a single Tensor")
    if y.array.size != 1:
        raise ShapeError(f"the Tensor returned by the function must be a single number, got shape {tuple(y.shape)}")
    return y


def _require_dependence(y: Any, strict: bool) -> None:
    if strict and not y.requires_grad:
        raise GradientError("an output of the function does not depend on its inputs, which strict=True does not allow")


def _gradients(y: Any, xs: Any, create_graph: bool, strict: bool, v: Any = None) -> tuple[Any, ...]:
    ys = [y] if isinstance(y, Tensor) else y
    vs = [None] * len(ys) if v is None else v
    useful = [(a, b) for a, b in zip(ys, vs, strict=True) if a.requires_grad]
    if strict and len(useful) < len(ys):
        raise GradientError("an output of the function does not depend on its inputs, which strict=True does not allow")
    if not useful:
        return (None,) * len(xs)
    starts = [Tensor.of(np.ones_like(a.array)) if b is None else b for a, b in useful]
    found = grad([a for a, _ in useful], xs, starts, True, create_graph, allow_unused=True)
    if strict and any(g is None for g in found):
        raise GradientError("the output does not depend on one of the inputs, which strict=True does not allow")
    return found


def _vectors(v: Any, like: tuple[Any, ...], name: str) -> tuple[Any, ...]:
    if v is None:
        if len(like) != 1 or like[0].array.size != 1:
            raise ShapeError(f"{name} can only be left out where there is a single number; pass it in the right shape")
        return (Tensor.of(np.ones_like(like[0].array)),)
    vectors, _ = _tuple(v)
    for given, wanted in zip(vectors, like, strict=True):
        if given.array.shape != wanted.array.shape:
            raise ShapeError(f"expected {name} of shape {tuple(wanted.shape)}, got {tuple(given.shape)}")
    return vectors


def _zeros(x: Any) -> Any:
    return Tensor.of(np.zeros_like(x.array))


def _stacked(column: list[Any], y: Any, x: Any, create_graph: bool) -> Any:
    """Gradients of the elements of one output as one Tensor (*output, *input)."""
    from handtorch.ops.joining import stack

    shape = (*y.array.shape, *x.array.shape)
    parts = [_zeros(x) if g is None else g for g in column]
    if not parts:
        return Tensor.of(np.zeros(shape, x.array.dtype))
    if create_graph:
        return stack(parts).reshape(shape)
    return Tensor.of(np.stack([part.array for part in parts]).reshape(shape))


def _detached(values: tuple[Any, ...], create_graph: bool) -> tuple[Any, ...]:
    return values if create_graph else tuple(value.detach() for value in values)


def _results(ys: tuple[Any, ...], single: bool, create_graph: bool) -> Any:
    return _untuple(_detached(ys, create_graph), single)
