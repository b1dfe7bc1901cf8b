"""Independent formulas for ops/grid_sampling.py: the trilinear form with places as a table of zeros and ones."""

import numpy as np


def table(op):
    """(N, K, P, S): whether element s is at a place."""
    return op.places[..., None] == np.arange(op.size)


def lookup(op, x, w):
    return np.einsum("nkps,ncs,nkp->ncp", table(op), x, w)


def spread(op, x, w):
    return np.einsum("nkps,ncp,nkp->ncs", table(op), x, w)


def match(op, x, z):
    return np.einsum("nkps,ncp,ncs->nkp", table(op), x, z)


def bring_inside(op, x):
    """A triangle wave through the two mirrors, cut off at the ends."""
    if op.mirrors is not None:
        low, high = op.mirrors
        wave = np.arccos(np.cos(np.pi * (x - low) / (high - low))) if high > low else 0 * x
        x = low + (high - low) / np.pi * wave
    return np.minimum(np.maximum(x, 0), op.n - 1)


FORMULAS = {"Lookup": lookup, "Spread": spread, "Match": match, "BringInside": bring_inside}
