"""vmap: a function of one example becomes a function of a batch.

Each example goes through the function by itself, and the results are stacked: what PyTorch computes in one sweep, at
the speed of a loop. Everything that works on one example works here, and derivatives pass.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

from handtorch.errors import ArgumentError, GradientError
from handtorch.ops.comparison import equal
from handtorch.ops.joining import stack
from handtorch.random import default_generator
from handtorch.tensor import Tensor
from handtorch.utils._pytree import tree_flatten, tree_leaves

__all__ = ["vmap"]


def vmap(
    func: Callable[..., Any],
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """The function that runs ``func`` on every example of a batch.

    Example::

        gradient_of_each = vmap(grad(loss), in_dims=(None, 0, 0))(weights, x, y)

    Args:
        func: takes Tensors, or nests of them, without the axis of the batch; returns Tensors or a nest of them.
        in_dims: which axis of an argument is the batch; None where every example gets the whole argument. One for all
            arguments, or a tuple with one for each, each of which may be a nest again. Keyword arguments have axis 0.
        out_dims: where the axis of the batch stands in a result; one for all, or a nest with one for each.
        randomness: ``"different"`` draws random numbers for each example, ``"same"`` gives all examples the same ones,
            ``"error"`` allows none.
        chunk_size: how many examples PyTorch takes at once; they are taken one by one here.

    Raises:
        ArgumentError: ``in_dims`` does not fit the arguments, or they are batches of different sizes.
        GradientError: random numbers were drawn although ``randomness`` is ``"error"``.
    """
    if randomness not in ("error", "different", "same"):
        raise ArgumentError(f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {randomness}")

    @functools.wraps(func)
    def batched(*args: Any, **kwargs: Any) -> Any:
        if isinstance(in_dims, tuple) and len(in_dims) != len(args):
            raise ArgumentError(f"expected one in_dim for each of {len(args)} arguments, got in_dims={in_dims}")
        leaves, spec = tree_flatten((args, kwargs))
        dims = [*_for_each_leaf(in_dims, args, "in_dims"), *[0] * len(tree_leaves(kwargs))]
        size = _batch_size(leaves, dims)
        results = []
        for i in _with_random_numbers(range(size), randomness):
            own = [x if dim is None else x.select(dim, i) for x, dim in zip(leaves, dims, strict=True)]
            positional, named = spec.unflatten(own)
            results.append(func(*positional, **named))
        return _stacked(results, out_dims)

    return batched


def _for_each_leaf(dims: Any, tree: Any, name: str) -> list[int | None]:
    """The axis of every leaf, where one axis stands for all leaves below its place."""
    if dims is None or isinstance(dims, int):
        return [dims] * len(tree_leaves(tree))
    kinds = (list, tuple) if isinstance(dims, (list, tuple)) else dict
    if not isinstance(dims, (list, tuple, dict)) or not isinstance(tree, kinds) or len(tree) != len(dims):
        raise ArgumentError(f"{name} {dims} does not fit {type(tree).__name__}; give an axis, None, or a nest of them")
    pairs = [(dims[key], tree[key]) for key in tree] if isinstance(dims, dict) else list(zip(dims, tree, strict=True))
    return [axis for each, part in pairs for axis in _for_each_leaf(each, part, name)]


def _batch_size(leaves: list[Any], dims: list[int | None]) -> int:
    """How many examples there are."""
    sizes = set()
    for x, dim in zip(leaves, dims, strict=True):
        if dim is None:
            continue
        if not isinstance(x, Tensor):
            raise ArgumentError(
                f"vmap: got in_dim={dim} for an input of type {type(x).__name__}, which cannot be a batch; use None"
            )
        if not -x.ndim <= dim < x.ndim:
            raise ArgumentError(f"vmap: got in_dim={dim} for an input of shape {tuple(x.shape)}")
        sizes.add(x.shape[dim])
    if not sizes:
        raise ArgumentError("vmap: at least one input has to be a batch; no Tensor was passed, or every in_dim is None")
    if len(sizes) > 1:
        raise ArgumentError(f"vmap: expected all batches to have the same size, got sizes {sorted(sizes)}")
    return sizes.pop()


def _with_random_numbers(examples: range, randomness: str) -> Iterator[int]:
    """The examples, with the generator set for each of them as ``randomness`` says."""
    start = default_generator.get_state()
    for i in examples:
        if randomness == "same":
            default_generator.set_state(start)
        yield i
        if randomness == "error" and not equal(default_generator.get_state(), start):
            raise GradientError(
                "vmap: called random operation while in randomness error mode. Please either use the 'same' or "
                "'different' randomness flags on vmap or perform the randomness operation out of vmap"
            )


def _stacked(results: list[Any], out_dims: Any) -> Any:
    """What the examples returned, leaf by leaf in one Tensor."""
    if not results:
        raise ArgumentError("vmap: expected at least one example, got a batch of size 0")
    first, spec = tree_flatten(results[0])
    for leaf in first:
        if not isinstance(leaf, Tensor):
            raise ArgumentError(f"vmap: expected the function to return Tensors only, got {type(leaf).__name__}")
    dims = _for_each_leaf(out_dims, results[0], "out_dims")
    columns = zip(*(tree_leaves(result) for result in results), strict=True)
    return spec.unflatten(
        column[0] if dim is None else stack(list(column), dim) for column, dim in zip(columns, dims, strict=True)
    )
