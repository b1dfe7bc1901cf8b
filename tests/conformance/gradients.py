"""Gradients, and gradients of gradients, of one call in both frameworks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import handtorch
from handtorch.autograd import gradcheck, gradgradcheck
from tests.conformance.calls import Unsupported, blamed, quiet
from tests.conformance.compare import Mismatch, Tolerance, compare, leaves
from tests.conformance.translation import Duplicate, Translation

Pair = tuple[torch.Tensor, Any]  # PyTorch's tensor and Handtorch's
Precise = Callable[[], tuple[Any, list[torch.Tensor]]]  # results and inputs in float64


def check_gradients(
    expected: Any, got: Any, inputs: list[Pair], tolerance: Tolerance, *, twice: bool, precise: Precise | None = None
) -> None:
    """Hold together the gradients of Σ result · c by the inputs, where c is random but the same for both.

    Args:
        expected, got: the results, nests of the same form.
        inputs: what to differentiate by.
        twice: also differentiate the gradients, by the inputs and by c.
        precise: gives PyTorch's results and inputs in float64, to judge values out of tolerance by.

    Raises:
        Mismatch: a gradient is missing or another.
        Unsupported: PyTorch itself cannot differentiate this.
    """
    outputs = []
    for theirs, ours in zip(leaves(expected), leaves(got), strict=True):
        if isinstance(theirs, torch.Tensor) and theirs.requires_grad:
            outputs.append((theirs, ours))
        elif isinstance(theirs, torch.Tensor) and ours.requires_grad:
            raise Mismatch("requires_grad: expected False, got True", theirs, ours)
    if not outputs or not inputs:
        return
    cotangents = _cotangents(outputs, seed=1, requires_grad=twice)
    gradients = _gradients(outputs, inputs, cotangents, create_graph=twice)
    try:
        _compare(gradients, tolerance, "gradient")
    except Mismatch as mismatch:
        if precise is None or not mismatch.in_values:
            raise
        _compare(gradients, tolerance, "gradient", _in_float64(precise, cotangents))
    if twice:
        _check_second(gradients, inputs, cotangents, tolerance)


def check_by_differences(
    function: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any], *, twice: bool
) -> None:
    """Hold Handtorch's gradients to difference quotients in float64, where PyTorch's are known to be wrong.

    Args:
        function: of Handtorch; gives the results that are differentiated.
        args, options: PyTorch's arguments.

    Raises:
        Mismatch: a gradient is not the derivative.
    """
    translation = Translation()
    with blamed():
        our_args, our_options = translation(Duplicate(precise=True)((args, options)))
        inputs = [tensor for tensor in translation.tensors.values() if tensor.requires_grad]
        check = gradgradcheck if twice else gradcheck
        check(lambda *moved: function(*our_args, **our_options), inputs)


def _check_second(gradients: list[Any], inputs: list[Pair], cotangents: list[Pair], tolerance: Tolerance) -> None:
    smooth = [(theirs, ours) for theirs, ours in gradients if theirs is not None and theirs.requires_grad]
    if smooth:
        second = _gradients(smooth, [*inputs, *cotangents], _cotangents(smooth, seed=2), create_graph=False)
        _compare(second, tolerance, "gradient of gradient")


def _cotangents(outputs: list[Pair], seed: int, requires_grad: bool = False) -> list[Pair]:
    generator = np.random.default_rng(seed)
    made = []
    for theirs, _ in outputs:
        values = generator.standard_normal(tuple(theirs.shape))
        if theirs.is_complex():
            values = values + 1j * generator.standard_normal(tuple(theirs.shape))
        array = np.asarray(values).astype(torch.empty(0, dtype=theirs.dtype).numpy().dtype)
        one, other = torch.from_numpy(array.copy()), handtorch.from_numpy(array.copy())
        made.append((one.requires_grad_(requires_grad), other.requires_grad_(requires_grad)))
    return made


def _gradients(
    outputs: list[Pair], inputs: list[Pair], cotangents: list[Pair], *, create_graph: bool
) -> list[tuple[torch.Tensor | None, Any]]:
    options = {"create_graph": create_graph, "retain_graph": True, "allow_unused": True}
    (their_outputs, our_outputs), (their_inputs, our_inputs), (their_cotangents, our_cotangents) = (
        zip(*pairs, strict=True) for pairs in (outputs, inputs, cotangents)
    )
    with quiet():
        try:
            theirs = torch.autograd.grad(their_outputs, their_inputs, their_cotangents, **options)
        except Exception as error:
            raise Unsupported(str(error)) from None
        for output, ours in outputs:
            if ours is None or not ours.requires_grad:
                raise Mismatch("requires_grad: expected True, got False", output, ours)
        with blamed():
            our_gradients = handtorch.autograd.grad(our_outputs, our_inputs, our_cotangents, **options)
    return list(zip(theirs, our_gradients, strict=True))


def _in_float64(precise: Precise, cotangents: list[Pair]) -> list[torch.Tensor | None]:
    results, inputs = precise()
    outputs = [x for x in leaves(results) if isinstance(x, torch.Tensor) and x.requires_grad]
    wide = [theirs.to(output.dtype) for output, (theirs, _) in zip(outputs, cotangents, strict=True)]
    with quiet():
        return list(torch.autograd.grad(outputs, inputs, wide, allow_unused=True))


def _compare(gradients: list[Any], tolerance: Tolerance, what: str, truths: list[Any] | None = None) -> None:
    """No gradient means the same as a gradient of zeros."""
    for i, (theirs, ours) in enumerate(gradients):
        if theirs is None and ours is not None:
            theirs = torch.zeros(tuple(ours.shape), dtype=getattr(torch, str(ours.dtype).split(".")[-1]))
        elif ours is None and theirs is not None:
            ours = handtorch.from_numpy(np.zeros_like(theirs.numpy(force=True)))
        compare(theirs, ours, tolerance, f"{what} {i}", truths and truths[i])
