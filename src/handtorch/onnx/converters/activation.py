"""Converters of activations."""

from __future__ import annotations

import math
from typing import Any

from handtorch.onnx.converters.registry import converts, same
from handtorch.onnx.graph import Site, Unsupported
from handtorch.ops import activation, piecewise, softmax

same(
    {
        activation.Sigmoid: "Sigmoid",
        activation.Tanh: "Tanh",
        piecewise.ReLU: "Relu",
        piecewise.Hardswish: "HardSwish",
    }
)


@converts(softmax.Softmax)
def softmax_(site: Site, x: str) -> str:
    """e^x / Σ e^x along an axis."""
    return site.node("Softmax", x, axis=site.op.dim)


@converts(softmax.LogSoftmax)
def log_softmax(site: Site, x: str) -> str:
    """The logarithm of the softmax."""
    return site.node("LogSoftmax", x, axis=site.op.dim)


@converts(activation.GELU)
def gelu(site: Site, x: str) -> str:
    """x/2 (1 + erf(x / √2)), written out: the operator Gelu is younger than version 17."""
    erf = site.node("Erf", site.node("Mul", x, site.constant(math.sqrt(0.5))))
    half = site.node("Mul", x, site.constant(0.5))
    return site.node("Mul", half, site.node("Add", erf, site.constant(1)))


@converts(activation.TanhGELU)
def tanh_gelu(site: Site, x: str) -> str:
    """x/2 (1 + tanh(√(2/π) (x + 0.044715 x³)))."""
    cube = site.node("Mul", site.node("Mul", x, x), x)
    inner = site.node("Add", x, site.node("Mul", cube, site.constant(0.044715)))
    bent = site.node("Tanh", site.node("Mul", inner, site.constant(math.sqrt(2 / math.pi))))
    half = site.node("Mul", x, site.constant(0.5))
    return site.node("Mul", half, site.node("Add", bent, site.constant(1)))


@converts(activation.SiLU)
def silu(site: Site, x: str) -> str:
    """x σ(x)."""
    return site.node("Mul", x, site.node("Sigmoid", x))


@converts(activation.Mish)
def mish(site: Site, x: str) -> str:
    """x tanh(ln(1 + e^x))."""
    return site.node("Mul", x, site.node("Tanh", site.node("Softplus", x)))


@converts(activation.Softplus)
def softplus(site: Site, x: str) -> str:
    """ln(1 + e^(βx)) / β; beyond the threshold that is βx itself, as far as float32 can tell."""
    if site.op.threshold < 15:
        raise Unsupported(f"threshold={site.op.threshold}; take one of at least 15")
    if site.op.beta == 1:
        return site.node("Softplus", x)
    beta = site.constant(site.op.beta)
    return site.node("Div", site.node("Softplus", site.node("Mul", x, beta)), beta)


@converts(activation.LogSigmoid)
def log_sigmoid(site: Site, x: str) -> str:
    """-ln(1 + e^-x)."""
    return site.node("Neg", site.node("Softplus", site.node("Neg", x)))


@converts(activation.GLU)
def glu(site: Site, x: str) -> str:
    """a σ(b) with the halves a and b of x."""
    half = site.y.lengths[site.op.dim]
    a, b = site.nodes("Split", 2, x, site.integers(half, half), axis=site.op.dim)
    return site.node("Mul", a, site.node("Sigmoid", b))


@converts(piecewise.LeakyReLU)
def leaky_relu(site: Site, x: str) -> str:
    """x where x > 0, else slope · x."""
    if not isinstance(site.op.slope, (int, float)):
        raise Unsupported("a slope for each element, as random slopes are")
    return site.node("LeakyRelu", x, alpha=float(site.op.slope))


@converts(piecewise.PReLU)
def prelu(site: Site, x: str, w: str) -> str:
    """x where x > 0, else w x."""
    return site.node("PRelu", x, w)


@converts(piecewise.ELU)
def elu(site: Site, x: str) -> str:
    """scale · (x where x > 0, else α (e^(rate x) - 1))."""
    alpha, scale, rate = site.op.alpha, site.op.scale, site.op.rate
    if rate == 1:
        return site.node("Selu", x, alpha=float(alpha), gamma=float(scale))
    bend = site.node("Exp", site.node("Mul", site.node("Min", x, site.constant(0)), site.constant(rate)))
    below = site.node("Mul", site.node("Sub", bend, site.constant(1)), site.constant(alpha))
    above = site.node("Greater", x, site.constant(0))
    return site.node("Mul", site.node("Where", above, x, below), site.constant(scale))


@converts(piecewise.Threshold)
def threshold(site: Site, x: str) -> str:
    """x where x > threshold, else a value."""
    above = site.node("Greater", x, site.constant(site.op.threshold))
    return site.node("Where", above, x, site.constant(site.op.value))


@converts(piecewise.Hardtanh)
def hardtanh(site: Site, x: str) -> str:
    """x, but at least low and at most high: ReLU6 too."""
    return site.node("Clip", x, site.constant(site.op.low), site.constant(site.op.high))


@converts(piecewise.Hardsigmoid)
def hardsigmoid(site: Site, x: str) -> str:
    """x/6 + 1/2, but at least 0 and at most 1."""
    return site.node("HardSigmoid", x, alpha=1 / 6, beta=0.5)


@converts(piecewise.Hardshrink)
def hardshrink(site: Site, x: Any) -> str:
    """0 where |x| <= λ, else x."""
    return site.node("Shrink", x, lambd=float(site.op.lambd))


@converts(piecewise.Softshrink)
def softshrink(site: Site, x: Any) -> str:
    """0 where |x| <= λ, else x, λ nearer to 0."""
    return site.node("Shrink", x, lambd=float(site.op.lambd), bias=float(site.op.lambd))
