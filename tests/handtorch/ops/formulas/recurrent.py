"""Recurrent layers by brute force: every sequence on its own, every direction on its own, step by step."""

import numpy as np
from scipy.special import expit


def walk(batch_sizes, a, step, *states):
    """Walk one direction of each sequence; the results in packed order, and the last states."""
    directions, batch = a.shape[1], batch_sizes[0]
    first = np.cumsum(batch_sizes) - batch_sizes
    y, ends = {}, {}
    for d in range(directions):
        for b in range(batch):
            rows = [first[t] + b for t in range(len(batch_sizes)) if batch_sizes[t] > b]
            now = tuple(state[d, b] for state in states)
            for row in rows[::-1] if d else rows:
                now = step(d, a[row, d], *now)
                y[row, d] = now[0]
            ends[d, b] = now
    joined = np.array([np.concatenate([y[row, d] for d in range(directions)]) for row in range(len(a))])
    last = [np.array([[ends[d, b][k] for b in range(batch)] for d in range(directions)]) for k in range(len(states))]
    return (joined, *last)


def rnn(op, a, h0, w_hh):
    squash = (lambda s: np.where(s > 0, s, 0)) if op.relu else np.tanh
    return walk(op.batch_sizes, a, lambda d, x, h: (squash(x + w_hh[d] @ h),), h0)


def gru(op, a, h0, w_hh, b_hh=None):
    def step(d, x, h):
        product = w_hh[d] @ h + (0 if b_hh is None else b_hh[d])
        (x_r, x_z, x_n), (p_r, p_z, p_n) = np.split(x, 3), np.split(product, 3)
        z = expit(x_z + p_z)
        new = np.tanh(x_n + expit(x_r + p_r) * p_n)
        return (new + z * (h - new),)

    return walk(op.batch_sizes, a, step, h0)


def lstm(op, a, h0, c0, w_hh, w_hr=None):
    def step(d, x, h, c):
        i, f, g, o = np.split(x + w_hh[d] @ h, 4)
        c = expit(f) * c + expit(i) * np.tanh(g)
        h = expit(o) * np.tanh(c)
        return (h if w_hr is None else w_hr[d] @ h), c

    return walk(op.batch_sizes, a, step, h0, c0)


FORMULAS = {"Rnn": rnn, "Gru": gru, "Lstm": lstm}
