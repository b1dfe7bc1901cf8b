"""Transforms: functions between spaces of values that know their inverse and the logarithm of their Jacobian.

===============  =====================================================================================
``transform``    what all transforms have; inverses, chains, batches taken as one value
``elementwise``  functions of one number: exp, powers, sigmoid, tanh, shifts and scales ...
``joint``        functions of whole vectors and matrices: softmax, stick breaking, reshaping ...
``pieces``       different transforms for different parts of an array
===============  =====================================================================================
"""

from __future__ import annotations

from handtorch.distributions.transforms.elementwise import (
    AbsTransform,
    AffineTransform,
    CumulativeDistributionTransform,
    ExpTransform,
    PowerTransform,
    SigmoidTransform,
    SoftplusTransform,
    TanhTransform,
)
from handtorch.distributions.transforms.joint import (
    LowerCholeskyTransform,
    ReshapeTransform,
    SoftmaxTransform,
    StickBreakingTransform,
)
from handtorch.distributions.transforms.pieces import CatTransform, StackTransform
from handtorch.distributions.transforms.transform import (
    ComposeTransform,
    IndependentTransform,
    Transform,
    _InverseTransform,  # libraries of flows name it
    identity_transform,
)

__all__ = [
    "AbsTransform",
    "AffineTransform",
    "CatTransform",
    "ComposeTransform",
    "CumulativeDistributionTransform",
    "ExpTransform",
    "IndependentTransform",
    "LowerCholeskyTransform",
    "PowerTransform",
    "ReshapeTransform",
    "SigmoidTransform",
    "SoftmaxTransform",
    "SoftplusTransform",
    "StackTransform",
    "StickBreakingTransform",
    "TanhTransform",
    "Transform",
    "identity_transform",
]
