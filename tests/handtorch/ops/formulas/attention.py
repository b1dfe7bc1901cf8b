"""Independent formulas for ops/attention.py."""

import numpy as np
from scipy.special import softmax

from handtorch import random


def _attention(op, q, k, v, bias=None):
    scale = q.shape[-1] ** -0.5 if op.scale is None else op.scale
    scores = np.einsum("...le,...se->...ls", q, k) * scale
    if bias is not None:
        scores = scores + bias
    seen = np.ones(scores.shape, bool)
    if op.mask is not None:
        seen &= op.mask
    if op.causal:
        seen &= np.tri(*scores.shape[-2:], op.offset, dtype=bool)
    weights = np.zeros(scores.shape)
    for row in np.ndindex(scores.shape[:-1]):
        if seen[row].any():
            weights[row] = softmax(np.where(seen[row], scores[row], -np.inf))
    if op.dropout_p:
        kept = random.bernoulli(1 - op.dropout_p, weights.shape, bool, random.Generator())
        weights = weights * kept / (1 - op.dropout_p)
    return np.einsum("...ls,...sd->...ld", weights, v)


FORMULAS = {
    "ScaledDotProductAttention": _attention,
}
