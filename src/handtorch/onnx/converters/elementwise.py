"""Converters of arithmetic, comparisons, choices and functions of one number."""

from __future__ import annotations

from typing import Any

import numpy as np

from handtorch.onnx.converters.registry import converts, same
from handtorch.onnx.graph import Site, Unsupported
from handtorch.ops import (
    arithmetic,
    choice,
    comparison,
    conversion,
    error_function,
    exponential,
    masking,
    rounding,
    shape,
    sign,
    trigonometry,
)

same(
    {
        arithmetic.Mul: "Mul",
        arithmetic.Div: "Div",
        arithmetic.Pow: "Pow",
        arithmetic.Neg: "Neg",
        arithmetic.Abs: "Abs",
        choice.Maximum: "Max",
        choice.Minimum: "Min",
        error_function.Erf: "Erf",
        exponential.Exp: "Exp",
        exponential.Log: "Log",
        exponential.Sqrt: "Sqrt",
        exponential.Reciprocal: "Reciprocal",
        rounding.Ceil: "Ceil",
        rounding.Floor: "Floor",
        sign.Sign: "Sign",
        trigonometry.Sin: "Sin",
        trigonometry.Cos: "Cos",
        trigonometry.Tan: "Tan",
        trigonometry.Asin: "Asin",
        trigonometry.Acos: "Acos",
        trigonometry.Atan: "Atan",
        trigonometry.Sinh: "Sinh",
        trigonometry.Cosh: "Cosh",
        trigonometry.Asinh: "Asinh",
        trigonometry.Acosh: "Acosh",
        trigonometry.Atanh: "Atanh",
    }
)

_RELATIONS = {
    np.equal: "Equal",
    np.less: "Less",
    np.less_equal: "LessOrEqual",
    np.greater: "Greater",
    np.greater_equal: "GreaterOrEqual",
    np.logical_and: "And",
    np.logical_or: "Or",
    np.logical_xor: "Xor",
}
_CONNECTIVES = (np.logical_and, np.logical_or, np.logical_xor)


@converts(arithmetic.Add, arithmetic.Sub)
def add(site: Site, a: str, b: str) -> str:
    """a ± α b."""
    kind = type(site.op).definition.__name__
    return site.node(kind, a, b if site.op.alpha == 1 else site.node("Mul", b, site.constant(site.op.alpha)))


@converts(exponential.Square)
def square(site: Site, x: str) -> str:
    """x x."""
    return site.node("Mul", x, x)


@converts(exponential.Rsqrt)
def rsqrt(site: Site, x: str) -> str:
    """1 / √x."""
    return site.node("Reciprocal", site.node("Sqrt", x))


@converts(exponential.Log1P)
def log1p(site: Site, x: str) -> str:
    """ln(1 + x)."""
    return site.node("Log", site.node("Add", x, site.constant(1)))


@converts(exponential.Expm1)
def expm1(site: Site, x: str) -> str:
    """e^x - 1."""
    return site.node("Sub", site.node("Exp", x), site.constant(1))


@converts(rounding.Round)
def round_(site: Site, x: str) -> str:
    """x to the nearest whole number, halves to the even one."""
    if site.op.decimals:
        raise Unsupported(f"decimals={site.op.decimals}; round to whole numbers")
    return site.node("Round", x)


@converts(comparison.Compare)
def compare(site: Site, a: Any, b: Any) -> str:
    """Whether a relation holds."""
    relation = site.op.function
    if relation is np.not_equal:
        return site.node("Not", site.node("Equal", a, b))
    if relation not in _RELATIONS or (relation in _CONNECTIVES and a.dtype != bool):
        raise Unsupported(f"{relation.__name__} of {a.dtype}")
    return site.node(_RELATIONS[relation], a, b)


@converts(comparison.Classify)
def classify(site: Site, x: Any) -> str:
    """Whether x is NaN, infinite, or false."""
    kinds = {np.isnan: "IsNaN", np.isinf: "IsInf", np.logical_not: "Not"}
    if site.op.function not in kinds or (site.op.function is np.logical_not and x.dtype != bool):
        raise Unsupported(f"{site.op.function.__name__} of {x.dtype}")
    return site.node(kinds[site.op.function], x)


@converts(choice.Clamp)
def clamp(site: Site, x: str, low: Any, high: Any) -> str:
    """min(max(x, low), high)."""
    for bound, kind in ((low, "Max"), (high, "Min")):
        if bound is not None:
            x = site.node(kind, x, bound)
    return x


@converts(choice.Where)
def where(site: Site, a: str, b: str) -> str:
    """a where the condition holds, else b."""
    return site.node("Where", site.setting(site.op.condition), a, b)


@converts(masking.MaskedFill)
def masked_fill(site: Site, x: str, v: str) -> str:
    """v where the mask holds, else x."""
    return site.node("Where", site.setting(site.op.mask), v, x)


@converts(conversion.Cast)
def cast(site: Site, x: str) -> str:
    """x in another element type."""
    return site.cast(x, site.y.dtype)


@converts(conversion.Clone, shape.Contiguous)
def clone(site: Site, x: str) -> str:
    """x: here nothing is written to in place."""
    return x
