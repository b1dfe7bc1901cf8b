"""Do the gradients tell the truth? Compare them with what the function does when its inputs are moved a little."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from handtorch.autograd.engine import grad
from handtorch.errors import GradientError
from handtorch.tensor import Tensor


class GradcheckError(GradientError):
    """A gradient that is not the derivative."""


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    **_: Any,
) -> bool:
    """Compare the gradients of ``func`` with central differences: (f(x + ε) - f(x - ε)) / 2ε for each element.

    Args:
        func: a function of Tensors that returns a Tensor or several.
        inputs: Tensors; those of float64 that require gradients are checked.
        eps: ε, how far each element is moved.
        atol, rtol: the differences that are allowed.
        raise_exception: raise with the place of the worst difference; else return False.
        nondet_tol: how far two backward passes over the same graph may differ.
        check_undefined_grad: kept for PyTorch's signature.

    Raises:
        GradcheckError: the gradients are wrong.
    """
    inputs = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    checked = [i for i, x in enumerate(inputs) if isinstance(x, Tensor) and x.needs_grad]
    if not checked:
        raise GradcheckError("gradcheck expects at least one input tensor to require gradient, but none of them do")
    try:
        for number, output in enumerate(_outputs(func, inputs)):
            if output.needs_grad:
                _check_output(func, inputs, checked, number, output, eps, atol, rtol, nondet_tol)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Sequence[Any] | None = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    **_: Any,
) -> bool:
    """:func:`gradcheck` of the gradients themselves: of x, g -> g · dfunc/dx.

    Args:
        grad_outputs: the g of each output; fixed random numbers by default.
    """
    inputs = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    outputs = _outputs(func, inputs)
    if grad_outputs is None:
        rng = np.random.default_rng(0)
        grad_outputs = [
            Tensor.of(rng.standard_normal(y.array.shape).astype(y.array.dtype)).requires_grad_(y.needs_grad)
            for y in outputs
        ]
    n = len(inputs)

    def gradients(*args: Any) -> Any:
        xs = [x for x in args[:n] if isinstance(x, Tensor) and x.needs_grad]
        pairs = [(y, g) for y, g in zip(_outputs(func, args[:n]), args[n:], strict=True) if y.needs_grad]
        found = grad([y for y, _ in pairs], xs, [g for _, g in pairs], create_graph=True, allow_unused=True)
        return tuple(g for g in found if g is not None)

    return gradcheck(
        gradients, (*inputs, *grad_outputs), eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception
    )


def _outputs(func: Callable[..., Any], inputs: Sequence[Any]) -> list[Any]:
    result = func(*inputs)
    return [result] if isinstance(result, Tensor) else [y for y in result if isinstance(y, Tensor)]


def _check_output(
    func: Callable[..., Any],
    inputs: Sequence[Any],
    checked: list[int],
    number: int,
    output: Any,
    eps: float,
    atol: float,
    rtol: float,
    nondet_tol: float,
) -> None:
    """Compare the Jacobian of one output by all checked inputs."""
    xs = [inputs[i] for i in checked]
    analytic = _analytic(output, xs)
    again = _analytic(output, xs)
    for i, x, mine, second in zip(checked, xs, analytic, again, strict=True):
        if np.max(np.abs(mine - second), initial=0.0) > nondet_tol:
            raise GradcheckError(f"backward is not reentrant: two passes differ in the gradient of input {i}")
        numeric = _numeric(func, inputs, x, number, eps)
        wrong = ~np.isclose(mine, numeric, rtol=rtol, atol=atol, equal_nan=True)
        if np.any(wrong):
            row, column = np.unravel_index(np.argmax(np.where(wrong, np.abs(mine - numeric), -1)), mine.shape)
            raise GradcheckError(
                f"Jacobian mismatch for output {number} with respect to input {i}: at input element "
                f"{tuple(int(k) for k in np.unravel_index(row, x.array.shape))} and output element "
                f"{tuple(int(k) for k in np.unravel_index(column, output.array.shape))} the difference quotient is "
                f"{numeric[row, column]:.6g}, backward says {mine[row, column]:.6g}; "
                f"{int(wrong.sum())} of {wrong.size} entries differ"
            )


def _analytic(output: Any, xs: list[Any]) -> list[np.ndarray]:
    """dL/dx for each element of the output in turn: Jacobians (elements of x, elements of output)."""
    jacobians = [np.zeros((x.array.size, output.array.size), x.array.dtype) for x in xs]
    for column in range(output.array.size):
        seed = np.zeros(output.array.shape, output.array.dtype)
        seed.flat[column] = 1
        found = grad([output], xs, [Tensor.of(seed)], retain_graph=True, allow_unused=True)
        for jacobian, g in zip(jacobians, found, strict=True):
            if g is not None:
                jacobian[:, column] = g.array.ravel()
    return jacobians


def _numeric(func: Callable[..., Any], inputs: Sequence[Any], x: Any, number: int, eps: float) -> np.ndarray:
    """The same by moving each element of ``x`` up and down by ``eps``."""
    rows = []
    for place in np.ndindex(*x.array.shape):
        before = x.array[place]
        x.array[place] = before + eps
        above = _outputs(func, inputs)[number].array.copy()
        x.array[place] = before - eps
        below = _outputs(func, inputs)[number].array.copy()
        x.array[place] = before
        rows.append(((above - below) / (2 * eps)).ravel())
    return np.array(rows).reshape(x.array.size, -1)
