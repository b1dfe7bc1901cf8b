"""The functions that write into their first argument, such as ``handtorch.relu_(x)``: the methods by another name."""

from __future__ import annotations

import handtorch.ops  # noqa: F401 - attaches the methods
from handtorch.tensor import Tensor

_NAMES = """abs acos acosh addmv arccos arccosh arcsin arcsinh arctan arctanh asin asinh atan atanh ceil clamp clamp_max
clamp_min clip conj_physical cos cosh deg2rad erf erfc exp exp2 expm1 fix floor frac gcd i0 index_put lcm ldexp log
log10 log1p log2 logit nan_to_num neg negative rad2deg reciprocal relu round rsqrt sigmoid sin sinc sinh sqrt square tan
tanh trunc xlogy"""

__all__ = [f"{name}_" for name in _NAMES.split()]
globals().update({name: getattr(Tensor, name) for name in __all__})
