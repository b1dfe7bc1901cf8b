"""Muon: momentum whose singular values are all brought to about one before the step."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from handtorch.errors import ArgumentError, DtypeError
from handtorch.optim.optimizer import Arrays, Group, Optimizer, ParamsT, check_lr, full_like, to_scalar
from handtorch.tensor import Tensor


class Muon(Optimizer):
    """Momentum orthogonalized by Newton-Schulz, for the weight matrices of hidden layers.

    For a matrix ``p`` of shape ``(A, B)`` with gradient ``g``::

        b ← μ b + (1 - μ) g
        u = (1 - μ) g + μ b  (nesterov)  or  b
        o = newton_schulz(u)
        p ← (1 - γλ) p
        p ← p - γ · √max(1, A/B) · o            adjust_lr_fn "original"
        p ← p - γ · 0.2 · √max(A, B) · o        adjust_lr_fn "match_rms_adamw"

    Biases, embeddings and output layers belong to another optimizer, such as AdamW.

    State: ``momentum_buffer`` (b).

    Args:
        params: matrices, ``(name, matrix)`` pairs, or dicts that describe groups.
        lr: γ, a number or a 1-element tensor.
        weight_decay: λ, decoupled.
        momentum: μ.
        nesterov: look ahead along ``b``.
        ns_coefficients: the polynomial of :func:`newton_schulz`.
        eps: the smallest norm to divide by.
        ns_steps: how often the polynomial is applied, below 100.
        adjust_lr_fn: how the rate follows the shape: "original" (None means the same) or "match_rms_adamw".

    Raises:
        ArgumentError: an option outside its range, or a parameter that is not a matrix.
        DtypeError: complex parameters, at the first step.

    Sources: Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024; Liu et al., "Muon is
    Scalable for LLM Training", arXiv 2502.16982, section 2.2 (match_rms_adamw).
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        check_lr(lr, "Learning rate should be >= 0 but is:")
        if not 0.0 <= momentum:
            raise ArgumentError(f"momentum should be >= 0 but is: {momentum}")
        if not 0.0 <= weight_decay:
            raise ArgumentError(f"weight decay should be >= 0 but is: {weight_decay}")
        if adjust_lr_fn not in (None, "original", "match_rms_adamw"):
            raise ArgumentError(
                f"Adjust learning rate function {adjust_lr_fn} is not supported; try 'original' or 'match_rms_adamw'"
            )
        defaults = {
            "lr": lr,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "nesterov": nesterov,
            "ns_coefficients": ns_coefficients,
            "eps": eps,
            "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn,
        }
        super().__init__(params, defaults)
        for group in self.param_groups:
            for p in group["params"]:
                if p.array.ndim != 2:
                    raise ArgumentError(
                        f"Muon only supports 2D parameters whereas we found a parameter with size: {p.shape}; "
                        "give the others to AdamW"
                    )

    def _initial_state(self, p: Tensor, group: Group) -> dict[str, Any]:
        if p.is_complex():
            raise DtypeError("Muon does not support complex parameters; try Adam")
        return {"momentum_buffer": full_like(p, 0)}

    def _gradient(self, p: np.ndarray, g: np.ndarray, group: Group) -> np.ndarray:
        return g

    def _update(self, p: np.ndarray, g: np.ndarray, state: Arrays, group: Group) -> None:
        lr, momentum, buffer = to_scalar(group["lr"]), group["momentum"], state["momentum_buffer"]
        buffer += (1 - momentum) * (g - buffer)
        u = g + momentum * (buffer - g) if group["nesterov"] else buffer
        o = newton_schulz(u, group["ns_coefficients"], group["ns_steps"], group["eps"])
        p *= 1 - lr * group["weight_decay"]
        p -= lr * _shape_factor(group["adjust_lr_fn"], *p.shape) * o


def newton_schulz(
    matrix: np.ndarray,
    coefficients: tuple[float, float, float],
    steps: int,
    eps: float,
    rounded: Callable[[Any], np.ndarray] | None = None,
) -> np.ndarray:
    """Bring all singular values of a matrix to about one, keeping its singular vectors.

    ``X ← a X + (b X Xᵀ + c (X Xᵀ)²) X``, from ``X = matrix / ‖matrix‖``. Each step applies the polynomial
    ``a s + b s³ + c s⁵`` to every singular value ``s``; with Muon's coefficients five steps move them into 0.7 … 1.2.

    Every intermediate result is rounded to bfloat16: the method was made for hardware that multiplies in it, bears it
    well, and PyTorch does so everywhere. So the numbers agree with PyTorch's.

    Args:
        matrix: ``(A, B)``.
        coefficients: (a, b, c).
        steps: how often, below 100.
        eps: the smallest norm to divide by.
        rounded: what is done to every result; :func:`to_bfloat16` by default.

    Returns:
        ``(A, B)``.

    Raises:
        ArgumentError: too many steps, or not three coefficients.
    """
    if steps >= 100:
        raise ArgumentError(f"Number of steps must be less than 100 for computational efficiency, got {steps}")
    if len(coefficients) != 3:
        raise ArgumentError(f"Coefficients must be a tuple of exactly 3 values, got {len(coefficients)}")
    a, b, c = coefficients
    rounded = rounded or to_bfloat16
    is_tall = matrix.shape[0] > matrix.shape[1]
    x = rounded(matrix.T if is_tall else matrix)  # the product X Xᵀ is then the smaller of the two
    x = rounded(x / max(float(rounded(np.linalg.norm(x))), eps))
    for _ in range(steps):
        gram = rounded(x @ x.T)
        polynomial = rounded(b * gram + c * (gram @ gram))
        x = rounded(a * x + polynomial @ x)
    return x.T if is_tall else x


def to_bfloat16(x: Any) -> np.ndarray:
    """The nearest numbers that bfloat16 has, as float32; of two equally near ones, the even.

    bfloat16 is the upper half of a float32. Adding just less than half of the lower half's range, and one more where
    the last bit that stays is odd, carries into the upper half exactly when it should be rounded up.
    """
    bits = np.asarray(x, np.float32).view(np.uint32)
    last = (bits >> np.uint32(16)) & np.uint32(1)
    return ((bits + np.uint32(0x7FFF) + last) & np.uint32(0xFFFF0000)).view(np.float32)


def _shape_factor(kind: str | None, rows: int, columns: int) -> float:
    if kind == "match_rms_adamw":
        return 0.2 * math.sqrt(max(rows, columns))
    return math.sqrt(max(1, rows / columns))
