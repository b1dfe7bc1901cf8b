"""Derivatives as functions of functions: ``grad(f)`` is the function that computes the gradient of f.

Each of them makes variables of its arguments, runs the function on those and goes back through the graph. What comes
out is part of the graph around it only if something there asks for gradients: so ``grad(grad(f))`` works, and a plain
``grad(f)(x)`` records nothing. Arguments and results may be nests of tuples, lists and dictionaries of Tensors.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from handtorch.autograd import grad as gradients_of
from handtorch.autograd.engine import depends_on
from handtorch.autograd.mode import enable_grad, mode
from handtorch.batching import vmap
from handtorch.errors import ArgumentError, GradientError, ShapeError
from handtorch.nn.utils.stateless import functional_call
from handtorch.ops.joining import stack
from handtorch.tensor import Tensor

__all__ = [
    "functional_call",
    "grad",
    "grad_and_value",
    "hessian",
    "jacfwd",
    "jacrev",
    "jvp",
    "linearize",
    "vjp",
    "vmap",
]


def grad(func: Callable[..., Any], argnums: Any = 0, has_aux: bool = False) -> Callable[..., Any]:
    """The function that gives df/dx, for a function f that returns a single number.

    Args:
        func: f; takes Tensors, or nests of them, and whatever else.
        argnums: by which positional argument to differentiate; a tuple for several, and then a tuple comes back.
        has_aux: f returns (number, anything else), and the result is (gradient, that).

    Raises:
        GradientError: f returns no Tensor, or there is no such argument.
        ShapeError: f returns several numbers.
        ArgumentError: an argument to differentiate by is no Tensor.
    """
    both = grad_and_value(func, argnums, has_aux)

    @functools.wraps(func)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        found, value = both(*args, **kwargs)
        return (found, value[1]) if has_aux else found

    return gradient


def grad_and_value(func: Callable[..., Any], argnums: Any = 0, has_aux: bool = False) -> Callable[..., Any]:
    """The function that gives (df/dx, f(x)); with ``has_aux`` (df/dx, (f(x), what else f returned)).

    Arguments and errors are those of :func:`grad`.
    """

    @functools.wraps(func)
    def both(*args: Any, **kwargs: Any) -> Any:
        with _Variables(_chosen(args, argnums)) as variables:
            result = func(*_replaced(args, argnums, variables.tree), **kwargs)
            y, aux = result if has_aux else (result, None)
            if not isinstance(y, Tensor):
                raise GradientError(f"grad: expected the function to return a Tensor, got {type(y).__name__}")
            if y.array.ndim:
                raise ShapeError(
                    f"grad: expected the function to return a scalar Tensor, got shape {tuple(y.shape)}; "
                    f"vjp and jacrev differentiate functions with several results"
                )
            found = variables.gradients([y], [Tensor.of(np.ones_like(y.array))])
            value = (variables.out(y), variables.out(aux)) if has_aux else variables.out(y)
        return found, value

    return both


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """f(x), and the function that takes v to v · df/dx.

    Args:
        func: f.
        primals: its arguments.
        has_aux: f returns (result, anything else); the latter comes third then.

    Returns:
        (result, vjp_fn), where ``vjp_fn(v)`` takes a nest like the result and returns a tuple like the arguments.
    """
    with _Variables(primals) as variables:
        result = func(*variables.tree)
        y, aux = result if has_aux else (result, None)
    outputs = _leaves(y)

    def vjp_fn(cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None) -> Any:
        vectors = _leaves(cotangents)
        if [v.shape for v in vectors] != [y.shape for y in outputs]:
            raise ShapeError(
                f"vjp: expected vectors of the shapes of the results, {[tuple(y.shape) for y in outputs]}, "
                f"got {[tuple(v.shape) for v in vectors]}"
            )
        return variables.gradients(outputs, vectors)

    parts = (variables.out(y), vjp_fn)
    return (*parts, variables.out(aux)) if has_aux else parts


def linearize(func: Callable[..., Any], *primals: Any) -> Any:
    """f(x), and the function that takes v to df/dx · v.

    The gradient u · df/dx is linear in u, and its derivative by u in the direction v is the product: two passes back.

    Returns:
        (result, jvp_fn), where ``jvp_fn(*v)`` takes nests like the arguments and returns one like the result.
    """
    with _Variables(primals) as variables:
        y = func(*variables.tree)
        outputs = [x for x in _leaves(y) if x.needs_grad]
        us = [Tensor.of(np.zeros_like(x.array)).requires_grad_() for x in outputs]
        first: Any = ()
        if outputs:
            first = gradients_of(outputs, variables.leaves, us, create_graph=True, allow_unused=True)

    def jvp_fn(*tangents: Any) -> Any:
        vectors = _leaves(tangents)
        if [v.shape for v in vectors] != [x.shape for x in variables.leaves]:
            raise ShapeError(
                f"jvp: expected tangents of the shapes of the arguments, {[tuple(x.shape) for x in variables.leaves]}, "
                f"got {[tuple(v.shape) for v in vectors]}"
            )
        pairs = [(g, v) for g, v in zip(first, vectors, strict=False) if g is not None and g.needs_grad]
        products = iter(variables.gradients_by(us, [g for g, _ in pairs], [v for _, v in pairs]))
        return _like(y, (next(products) if x.needs_grad else Tensor.of(np.zeros_like(x.array)) for x in _leaves(y)))

    return variables.out(y), jvp_fn


def jvp(func: Callable[..., Any], primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False) -> Any:
    """f(x), and df/dx · v.

    Args:
        func: f.
        primals, tangents: tuples of its arguments, and of a v for each of them.
        strict: kept for PyTorch's signature.
        has_aux: f returns (result, anything else); the latter comes third then.
    """
    if not isinstance(primals, tuple) or not isinstance(tangents, tuple):
        raise GradientError("jvp: expected primals and tangents to be tuples: one entry for each argument")
    kept: list[Any] = []

    def without_aux(*args: Any) -> Any:
        y, aux = func(*args)
        kept.append(aux)
        return y

    y, product = linearize(without_aux if has_aux else func, *primals)
    return (y, product(*tangents), kept[0]) if has_aux else (y, product(*tangents))


def jacrev(
    func: Callable[..., Any], argnums: Any = 0, *, has_aux: bool = False, chunk_size: int | None = None
) -> Callable[..., Any]:
    """The function that gives all of df/dx, of shape (*result, *argument), one row after another.

    Args:
        func, argnums, has_aux: as in :func:`grad`, but f may return any Tensor, or a nest of them.
        chunk_size: kept for PyTorch's signature.
    """

    @functools.wraps(func)
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        chosen = _chosen(args, argnums)
        with _Variables(chosen) as variables:
            result = func(*_replaced(args, argnums, variables.tree), **kwargs)
            y, aux = result if has_aux else (result, None)
            blocks = _like(y, (_rows(variables, output) for output in _leaves(y)))
        return (blocks, variables.out(aux)) if has_aux else blocks

    return jacobian


def jacfwd(
    func: Callable[..., Any], argnums: Any = 0, has_aux: bool = False, *, randomness: str = "error"
) -> Callable[..., Any]:
    """As :func:`jacrev`, which computes it: there is no forward mode here."""
    return jacrev(func, argnums, has_aux=has_aux)


def hessian(func: Callable[..., Any], argnums: Any = 0) -> Callable[..., Any]:
    """The function that gives d²f/dx², of shape (*result, *argument, *argument)."""
    return jacrev(jacrev(func, argnums), argnums)


def _rows(variables: _Variables, output: Any) -> Any:
    """The derivative of every number of an output, stacked: a nest like the variables."""
    rows = []
    for place in range(output.array.size):
        seed = np.zeros_like(output.array)
        seed.flat[place] = 1
        rows.append(_leaves(variables.gradients([output], [Tensor.of(seed)])))
    shapes = [(*output.array.shape, *x.array.shape) for x in variables.leaves]
    if not rows:
        return _like(variables.tree, (Tensor.of(np.zeros(shape, output.array.dtype)) for shape in shapes))
    columns = zip(*rows, strict=True)
    return _like(variables.tree, (stack(column).reshape(shape) for column, shape in zip(columns, shapes, strict=True)))


class _Variables:
    """Arguments as variables of their own, and a block that records what is computed with them.

    A variable is linked to the argument that it stands for, if that requires a gradient and gradients are recorded.

    Args:
        tree: the arguments, a nest of Tensors.
    """

    def __init__(self, tree: Any) -> None:
        self.linked = mode.grad
        self._recording = enable_grad()
        with self._recording:
            self.leaves = [self._variable(x) for x in _leaves(tree)]
        self.tree = _like(tree, iter(self.leaves))
        self.inside = {id(x) for x in self.leaves}

    def __enter__(self) -> _Variables:
        self._recording.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._recording.__exit__(*error)

    def _variable(self, x: Any) -> Any:
        if not isinstance(x, Tensor):
            raise ArgumentError(f"expected Tensors to differentiate by, got {type(x).__name__}")
        return x.view(*x.array.shape) if self.linked and x.requires_grad else x.detach().requires_grad_()

    def gradients(self, outputs: list[Any], vectors: list[Any]) -> Any:
        """Σ vector · d(output)/d(variable), a nest like the arguments."""
        return _like(self.tree, iter(self.gradients_by(self.leaves, outputs, vectors)))

    def gradients_by(self, variables: list[Any], outputs: list[Any], vectors: list[Any]) -> Any:
        """The same by other variables of this block; recorded if it concerns anything outside."""
        pairs = [(y, v) for y, v in zip(outputs, vectors, strict=True) if y.needs_grad]
        if not pairs:
            return [Tensor.of(np.zeros_like(x.array)) for x in variables]
        ys, vs = [y for y, _ in pairs], [v for _, v in pairs]
        inside = self.inside | {id(x) for x in variables}
        recorded = self.linked and depends_on([*ys, *vs], lambda leaf: id(leaf) not in inside)
        return gradients_of(ys, variables, vs, True, recorded, materialize_grads=True)

    def out(self, tree: Any) -> Any:
        """A result for the outside: without its history, unless that concerns anything there."""
        return _like(
            tree,
            (
                x
                if not isinstance(x, Tensor)
                or (self.linked and depends_on([x], lambda leaf: id(leaf) not in self.inside))
                else x.detach()
                for x in _leaves(tree)
            ),
        )


def _chosen(args: tuple[Any, ...], argnums: Any) -> Any:
    """The arguments to differentiate by: one, or a tuple of them."""
    for number in argnums if isinstance(argnums, tuple) else (argnums,):
        if not -len(args) <= number < len(args):
            raise GradientError(f"Got argnum={number}, but only {len(args)} positional inputs")
    return tuple([args[i] for i in argnums]) if isinstance(argnums, tuple) else args[argnums]


def _replaced(args: tuple[Any, ...], argnums: Any, values: Any) -> list[Any]:
    """The arguments, with other values in those places."""
    args_now = list(args)
    for number, value in zip(argnums, values, strict=True) if isinstance(argnums, tuple) else ((argnums, values),):
        args_now[number] = value
    return args_now


def _leaves(tree: Any) -> list[Any]:
    """What a nest of tuples, lists and dictionaries holds, in order."""
    if isinstance(tree, dict):
        return [leaf for value in tree.values() for leaf in _leaves(value)]
    if isinstance(tree, (tuple, list)):
        return [leaf for value in tree for leaf in _leaves(value)]
    return [tree]


def _like(tree: Any, values: Iterator[Any]) -> Any:
    """A nest of the same form with other values in it."""
    if isinstance(tree, dict):
        return type(tree)((key, _like(value, values)) for key, value in tree.items())
    if isinstance(tree, (tuple, list)):
        parts = [_like(value, values) for value in tree]
        return type(tree)(*parts) if hasattr(tree, "_fields") else type(tree)(parts)
    return next(values)
