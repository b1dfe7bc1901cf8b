"""Do the gradients tell the truth? Compare them with what the function does when its inputs are moved a little."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from handtorch.autograd.engine import grad
from handtorch.errors import ArgumentError, GradientError
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
        inputs: Tensors; those that require gradients are checked, and should be float64 or complex128.
        eps: ε, how far each element is moved.
        atol, rtol: the differences that are allowed.
        raise_exception: raise with the place of the worst difference; else return False.
        nondet_tol: how far two backward passes over the same graph may differ.
        check_undefined_grad: kept for PyTorch's signature.

    Raises:
        GradcheckError: the gradients are wrong.
        ArgumentError: no input requires a gradient.
    """
    inputs = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    checked = [i for i, x in enumerate(inputs) if isinstance(x, Tensor) and x.needs_grad]
    if not checked:
        raise ArgumentError("gradcheck expects at least one input tensor to require gradient, but none of them do")
    try:
        outputs = _outputs(func, inputs)
        none_depends = not any(output.needs_grad for output in outputs)
        for number, output in enumerate(outputs):
            if output.needs_grad or (none_depends and output.array.dtype.kind in "fc"):
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
        grad_outputs = [Tensor.of(_random(rng, y.array)).requires_grad_(y.needs_grad) for y in outputs]
    n = len(inputs)

    def gradients(*args: Any) -> Any:
        xs = [x for x in args[:n] if isinstance(x, Tensor) and x.needs_grad]
        pairs = [(y, g) for y, g in zip(_outputs(func, args[:n]), args[n:], strict=True) if y.needs_grad]
        found = grad([y for y, _ in pairs], xs, [g for _, g in pairs], create_graph=True, allow_unused=True)
        return tuple(g for g in found if g is not None)

    return gradcheck(
        gradients, (*inputs, *grad_outputs), eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception
    )


def _random(rng: np.random.Generator, like: np.ndarray) -> np.ndarray:
    numbers = sum(step * rng.standard_normal(like.shape) for step in _steps(like))
    return np.asarray(numbers).astype(like.dtype)


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
        numeric = _numeric(func, inputs, x, number, eps, mine)
        wrong = ~np.isclose(mine, numeric, rtol=rtol, atol=atol, equal_nan=True)
        if np.any(wrong):
            row, column = np.unravel_index(np.argmax(np.where(wrong, np.abs(mine - numeric), -1)), mine.shape)
            raise GradcheckError(
                f"Jacobian mismatch for output {number} with respect to input {i}: at input element "
                f"{_place(row, x.array)} and output element {_place(column, output.array)} the difference quotient is "
                f"{numeric[row, column]:.6g}, backward says {mine[row, column]:.6g}; "
                f"{int(wrong.sum())} of {wrong.size} entries differ"
            )


# A complex number is two real ones here, and its gradient dL/dRe + i dL/dIm: what is checked is a real function.


def _parts(array: np.ndarray) -> np.ndarray:
    """The real numbers that an array holds, in a row: two for a complex one."""
    return np.ravel(array).view(array.real.dtype)


def _steps(array: np.ndarray) -> tuple[complex, ...]:
    """The directions in which a number can be moved."""
    return (1, 1j) if array.dtype.kind == "c" else (1,)


def _place(number: Any, array: np.ndarray) -> str:
    """Which element, and which part of it, a real number is."""
    kinds = len(_steps(array))
    place = tuple(int(k) for k in np.unravel_index(number // kinds, array.shape))
    return f"{place}" if kinds == 1 else f"{place} ({('real', 'imaginary')[number % 2]} part)"


def _analytic(output: Any, xs: list[Any]) -> list[np.ndarray]:
    """dL/dx for each real number of the output in turn: Jacobians (numbers of x, numbers of output)."""
    steps = _steps(output.array)
    size = output.array.size * len(steps)
    jacobians = [np.zeros((len(_parts(x.array)), size), x.array.real.dtype) for x in xs]
    if not output.needs_grad:
        return jacobians
    for column in range(size):
        seed = np.zeros(output.array.shape, output.array.dtype)
        seed.flat[column // len(steps)] = steps[column % len(steps)]
        found = grad([output], xs, [Tensor.of(seed)], retain_graph=True, allow_unused=True)
        for jacobian, g in zip(jacobians, found, strict=True):
            if g is not None:
                jacobian[:, column] = _parts(g.array)
    return jacobians


def _numeric(
    func: Callable[..., Any], inputs: Sequence[Any], x: Any, number: int, eps: float, like: np.ndarray
) -> np.ndarray:
    """The same by moving each number of ``x`` up and down by ``eps``."""
    rows = []
    for place in np.ndindex(*x.array.shape):
        before = x.array[place]
        for step in _steps(x.array):
            x.array[place] = before + eps * step
            above = _outputs(func, inputs)[number].array.copy()
            x.array[place] = before - eps * step
            below = _outputs(func, inputs)[number].array.copy()
            rows.append(_parts(above - below) / (2 * eps))
        x.array[place] = before
    return np.reshape(rows, like.shape)
