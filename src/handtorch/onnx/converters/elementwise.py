"""Converters of arithmetic, comparisons, choices and functions of one number."""

from __future__ import annotations

from typing import Any

import numpy as np

from handtorch.onnx.converters.registry import converts, same
from handtorch.onnx.graph import Site, Unsupported
from handtorch.ops import (
    arithmetic,
    bitwise,
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

_OF_TRUTH_VALUES = {
    np.bitwise_and: "And",
    np.bitwise_or: "Or",
    np.bitwise_xor: "Xor",
    np.invert: "Not",
}
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
    """x to the nearest whole number, or to so many decimals; halves to the even one."""
    if not site.op.decimals:
        return site.node("Round", x)
    unit = site.constant(10.0**site.op.decimals)
    return site.node("Div", site.node("Round", site.node("Mul", x, unit)), unit)


@converts(comparison.Compare)
def compare(site: Site, a: Any, b: Any) -> str:
    """Whether a relation holds."""
    relation = site.op.function
    if relation is np.not_equal:
        return site.node("Not", site.node("Equal", a, b))
    if relation in _CONNECTIVES:
        a, b = _truth(site, a), _truth(site, b)
    return site.node(_RELATIONS[relation], a, b)


@converts(comparison.Classify)
def classify(site: Site, x: Any) -> str:
    """Whether x is NaN, infinite, finite, or false."""
    function = site.op.function
    if function is np.logical_not:
        return site.node("Not", _truth(site, x))
    if function is np.isfinite:
        return site.node("Not", site.node("Or", site.node("IsNaN", x), site.node("IsInf", x)))
    if function is np.isnan:
        return site.node("IsNaN", x)
    if function not in (np.isinf, np.isposinf, np.isneginf):
        raise Unsupported(f"{function.__name__} has no operator in ONNX")
    positive, negative = int(function is not np.isneginf), int(function is not np.isposinf)
    return site.node("IsInf", x, detect_positive=positive, detect_negative=negative)


def _truth(site: Site, x: Any) -> str:
    """Whether x is not 0."""
    return x if x.dtype == bool else site.cast(x, bool)


@converts(bitwise.Bitwise)
def of_truth_values(site: Site, a: Any, b: Any = None) -> str:
    """a & b, a | b, a ^ b and ~a of truth values; the operators for bits are younger than version 17."""
    if a.dtype != bool or site.op.function not in _OF_TRUTH_VALUES:
        raise Unsupported("of bits of whole numbers")
    return site.node(_OF_TRUTH_VALUES[site.op.function], *([a] if b is None else [a, b]))


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
