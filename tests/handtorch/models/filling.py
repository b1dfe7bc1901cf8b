"""Fills a network with numbers that depend on nothing but names and shapes, so that peers can do the same."""

import math

import numpy as np


def fill(state, seed=0):
    """A state dict of the same names and shapes with weights of a size that keeps the activations in range.

    Where there are more than a million the same ones come again: that is quicker.
    """
    rng = np.random.default_rng(seed)
    filled = {}
    for key, tensor in state.items():
        shape = tuple(tensor.shape)
        if key.endswith("num_batches_tracked"):
            filled[key] = np.zeros(shape, np.int64)
            continue
        x = np.resize(rng.standard_normal(min(math.prod(shape), 1_000_003), dtype=np.float32), shape)
        if key.endswith("running_var"):
            x = 0.5 + np.abs(x)
        elif len(shape) == 1:
            x = 1 + 0.1 * x if "weight" in key else 0.1 * x
        elif "layer_scale" in key:
            x = 0.3 * x
        else:
            x = x * np.sqrt(1.5 / np.prod(shape[1:]), dtype=np.float32)
        filled[key] = x.astype(np.float32)
    return filled


def picture(seed=1):
    """Two pictures (2, 3, 64, 64)."""
    return np.random.default_rng(seed).standard_normal((2, 3, 64, 64), dtype=np.float32)
