"""Recurrent layers: one op walks a layer through a whole batch of sequences, in one or both directions.

What the layers have in common is in :class:`Recurrence`; a cell is what happens in one step: ``step``, its derivative
``step_back``, and what the weights get of it.

The sequences come packed: row 0 of all, then row 1 of those that have one, and so on, longest sequence first (see
:mod:`handtorch.nn.utils.rnn`). With T steps of b_1 >= b_2 >= ... >= b_T sequences, S = b_1 + ... + b_T rows, B = b_1;
a batch without padding is T times B. The product with the input is no part of the recurrence, so it is one product for
all steps, made before: the ops begin with its result.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, ClassVar

import numpy as np

from handtorch.errors import DtypeError, ShapeError
from handtorch.ops.activation import Sigmoid
from handtorch.ops.op import Op
from handtorch.ops.samples import Sample, bad, normal, sample
from handtorch.ops.writing import on


class Carried:
    """A state on its way from step to step: sequences join it as they begin, and leave it as they end.

    Sequences are sorted by length, so those that have a step are always the first n. Walking from the first step to
    the last, the shortest leave; walking from the last step to the first, they join late, each with its own beginning.
    On the way back the gradient of the state does the same in the other order: what began as ``h_0`` ends as
    ``dL/dh_0``, and where a sequence ended ``dL/dh_n`` joins.

    Args:
        beginning: (B, *), the state with which each sequence begins.
    """

    def __init__(self, beginning: Any) -> None:
        self.beginning = beginning
        self.now = beginning[:0]
        self.left: list[Any] = []

    def take(self, n: int) -> Any:
        """The state (n, *) of the n sequences that have the next step."""
        m = len(self.now)
        if n < m:
            self.left.append(self.now[n:])
            self.now = self.now[:n]
        elif n > m:
            joining = self.beginning[m:n]
            self.now = np.concatenate([self.now, joining]) if m else joining
        return self.now

    def ends(self) -> Any:
        """(B, *): the state with which each sequence ended."""
        return np.concatenate([self.now, *reversed(self.left)]) if self.left else self.now


class Recurrence(Op):
    """h_t = step(a_t, h_t-1): a layer of D = 1 or 2 directions; the second walks from the last step to the first.

    Inputs are a (S, D, G H), the input's share of G gates, with its bias; the states at the beginning, h_0 first; and
    the weights of the recurrence. Results are y (S, D H), the h of all steps, and the last states.

    Backward through time walks the other way round. With dL/dh_t = dL/dy_t + what comes from step t + 1, ``step_back``
    makes dL/da_t and dL/dh_t-1. A weight is used in every step, so its gradient sums over the steps: for p_t = W h_t-1
    it is dL/dW = Σ_t (dL/dp_t) h_t-1ᵀ, one product of two matrices with a row a step, after the walk.

    Saved are the inputs, then the states before each step and what ``step`` keeps, all as (S, D, *).

    Args:
        batch_sizes: b_1 ... b_T, the number of sequences that have each step.
    """

    quiet = True
    twin_from = 1024
    states: ClassVar[int] = 1  # h, or h and c
    gates: ClassVar[int] = 1

    def __init__(self, batch_sizes: Sequence[int]) -> None:
        self.batch_sizes = batch_sizes

    def step(self, a: Any, before: list[Any], weights: list[Any]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """One step of n sequences: the states after it, h first, and what ``step_back`` needs besides ``before``."""
        raise NotImplementedError

    def step_back(self, after: list[Any], kept: list[Any], weights: list[Any]) -> tuple[Any, tuple[Any, ...], Any]:
        """The derivative of a step, from dL/d(states after it): dL/da, dL/d(states before it), dL/d(products).

        ``kept`` begins with the states before the step.
        """
        raise NotImplementedError

    def weights_back(self, products: list[Any], kept: list[Any]) -> tuple[Any, ...]:
        """dL/d(weights) from dL/d(products) of all steps, each (S, D, *), and what was kept."""
        raise NotImplementedError

    def forward(self, a: Any, *others: Any) -> Any:
        self._check(a, *others)
        states, weights = others[: self.states], others[self.states :]
        walked, ends = [], []
        for d in range(a.shape[1]):
            carried = [Carried(state[d]) for state in states]
            own = [weight[d] for weight in weights]
            steps = []
            for rows in self._walk(d):
                before = [state.take(rows.stop - rows.start) for state in carried]
                after, kept = self.step(a[rows, d], before, own)
                for state, value in zip(carried, after, strict=True):
                    state.now = value
                steps.append((after[0], *before, *kept))
            walked.append(steps if d == 0 else steps[::-1])
            ends.append([state.ends() for state in carried])
        y, *kept_of_all = _joined(walked)
        self.save(a, *others, *kept_of_all)
        y = np.reshape(y, (y.shape[0], y.shape[1] * y.shape[2]))
        return y, *(np.stack(of_directions) for of_directions in zip(*ends, strict=True))

    def backward(self, g: Any) -> Any:
        count = len(self.parents)
        (a, *others), kept = self.saved[:count], self.saved[count:]
        states, weights = others[: self.states], others[self.states :]
        gy, *g_ends = g
        g_ends = [np.zeros_like(h) if g_end is None else g_end for g_end, h in zip(g_ends, states, strict=True)]
        gy = np.zeros_like(kept[0]) if gy is None else np.reshape(gy, kept[0].shape)
        walked, beginnings = [], []
        for d in range(a.shape[1]):
            carried = [Carried(g_end[d]) for g_end in g_ends]
            own = [weight[d] for weight in weights]
            steps = []
            for rows in self._walk(1 - d):
                after = [state.take(rows.stop - rows.start) for state in carried]
                after[0] = after[0] + gy[rows, d]
                da, before, products = self.step_back(after, [value[rows, d] for value in kept], own)
                for state, value in zip(carried, before, strict=True):
                    state.now = value
                steps.append((da, *products))
            walked.append(steps[::-1] if d == 0 else steps)
            beginnings.append([state.ends() for state in carried])
        da_of_all, *products_of_all = _joined(walked)
        d_states = [np.stack(of_directions) for of_directions in zip(*beginnings, strict=True)]
        return (da_of_all, *d_states, *self.weights_back(products_of_all, list(kept)))

    def _walk(self, direction: int) -> list[slice]:
        """The rows of each step, in the order in which a direction takes the steps."""
        ends = itertools.accumulate(self.batch_sizes)
        steps = [slice(end - n, end) for n, end in zip(self.batch_sizes, ends, strict=True)]
        return steps[::-1] if direction else steps

    def _check(self, a: Any, *others: Any) -> None:
        """Raise where inputs do not fit together: slices would not notice."""
        if any(np.shape(x) != shape for x, (_, shape) in zip((a, *others), self._wanted(*others), strict=True)):
            raise ShapeError(self.explain(a, *others))
        if any(x.dtype != a.dtype for x in others):
            raise DtypeError(
                f"{type(self).__name__.lower()}: expected inputs, states and weights of one dtype, got "
                f"{', '.join(str(x.dtype) for x in (a, *others))}"
            )

    def _wanted(self, *others: Any) -> list[tuple[str, tuple[int, ...]]]:
        """Name and shape of each input, as the weights of the recurrence and the batch sizes make it."""
        d, gh, h = np.shape(others[self.states])
        batch, rows = self.batch_sizes[0], sum(self.batch_sizes)
        return [("gates", (rows, d, gh)), ("h_0", (d, batch, h)), ("w_hh", (d, self.gates * h, h))]

    def explain(self, *arrays: Any) -> str:
        name = type(self).__name__.lower()
        if np.ndim(arrays[1 + self.states]) != 3:
            return f"{name}: expected w_hh (D, {self.gates} H, H), got {np.shape(arrays[1 + self.states])}"
        for x, (what, shape) in zip(arrays, self._wanted(*arrays[1:]), strict=True):
            if np.shape(x) != shape:
                return f"{name}: expected {what} {shape}, got {np.shape(x)}"
        return super().explain(*arrays)


class Rnn(Recurrence):
    """h_t = φ(a_t + W_hh h_t-1), φ tanh or ReLU; a (S, D, H), h_0 (D, B, H), W_hh (D, H, H) (Elman 1990).

    Backward: dL/da_t = dL/dh_t φ', with tanh' = 1 - h_t² and ReLU' = [h_t > 0]; dL/dh_t-1 = W_hhᵀ dL/da_t;
    dL/dW_hh = Σ_t dL/da_t h_t-1ᵀ. The product of T such factors W_hhᵀ φ' is why gradients of long sequences vanish or
    explode (Pascanu et al. 2013).

    Results: y (S, D H), h_n (D, B, H).

    Args:
        batch_sizes: see :class:`Recurrence`.
        relu: φ is ReLU.
    """

    def __init__(self, batch_sizes: Sequence[int], relu: bool = False) -> None:
        self.batch_sizes, self.relu = batch_sizes, relu

    def step(self, a: Any, before: list[Any], weights: list[Any]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        (h,), (w_hh,) = before, weights
        p = a + np.matmul(h, w_hh.T)
        h = np.maximum(p, 0) if self.relu else np.tanh(p)
        return (h,), (h,)

    def step_back(self, after: list[Any], kept: list[Any], weights: list[Any]) -> tuple[Any, tuple[Any, ...], Any]:
        (dh,), (_, h), (w_hh,) = after, kept, weights
        da = dh * (h > 0) if self.relu else dh * (1 - h * h)
        return da, (np.matmul(da, w_hh),), (da,)

    def weights_back(self, products: list[Any], kept: list[Any]) -> tuple[Any, ...]:
        return (_outer(products[0], kept[0]) if self.needs(2) else None,)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        for relu in (False, True):
            yield sample(partial(cls, [2, 1], relu), normal(3, 1, 2), normal(1, 2, 2), normal(1, 2, 2))
            yield sample(partial(cls, [2, 1], relu), normal(3, 2, 2), normal(2, 2, 2), normal(2, 2, 2))
            inputs = normal(14, 2, 40), normal(2, 5, 40), 0.2 * normal(2, 40, 40)
            yield sample(partial(cls, [5, 5, 3, 1], relu), *inputs)
        yield bad(partial(cls, [2]), normal(2, 1, 3), normal(1, 2, 3), normal(1, 3, 4))
        yield bad(partial(cls, [2]), normal(2, 1, 3), normal(1, 3, 3), normal(1, 3, 3))
        yield bad(partial(cls, [2, 1]), normal(2, 1, 3), normal(1, 2, 3), normal(1, 3, 3))


class Gru(Recurrence):
    """h_t = (1 - z_t) n_t + z_t h_t-1: between the old state and a new one, by the gate z (Cho et al. 2014).

    With σ the sigmoid, products by element unless a matrix is in them, and p_t = W_hh h_t-1 + b_hh, its three parts::

        r = σ(a_r + p_r)           reset: how much of the old state the new one sees
        z = σ(a_z + p_z)           update: how much of the old state stays
        n = tanh(a_n + r p_n)      the new state
        h_t = (1 - z) n + z h_t-1

    a (S, D, 3H) in the order r z n, h_0 (D, B, H), W_hh (D, 3H, H), b_hh (D, 3H) or none. b_hh cannot be added to a
    beforehand, because its n part lies within r.

    Backward reads the same lines from the last to the first: each takes the gradient of what it made, and hands it on
    to what that was made of. From g = dL/dh_t, with σ' = σ (1 - σ) and tanh' = 1 - tanh²::

        dL/da_n = g (1 - z) (1 - n²)              h_t holds n with weight 1 - z
        dL/da_z = g (h_t-1 - n) z (1 - z)         more z is more of the old state, less of the new
        dL/da_r = dL/da_n p_n r (1 - r)           r scales p_n within n
        dL/dp   = dL/da, but its n part times r
        dL/dh_t-1 = g z + W_hhᵀ dL/dp             past the gates, and through them
        dL/dW_hh = Σ_t dL/dp_t h_t-1ᵀ,  dL/db_hh = Σ_t dL/dp_t

    Where z = 1 the gradient passes unchanged, however many steps: that is what the gate is for.

    Results: y (S, D H), h_n (D, B, H).

    Args:
        batch_sizes: see :class:`Recurrence`.
    """

    gates = 3

    def step(self, a: Any, before: list[Any], weights: list[Any]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        (h,), (w_hh, *bias) = before, weights
        p = np.matmul(h, w_hh.T)
        if bias:
            p = p + bias[0]
        (a_r, a_z, a_n), (p_r, p_z, p_n) = _parts(a, 3), _parts(p, 3)
        r = _sigmoid(a_r + p_r)
        z = _sigmoid(a_z + p_z)
        n = np.tanh(a_n + r * p_n)
        return ((1 - z) * n + z * h,), (r, z, n, p_n)

    def step_back(self, after: list[Any], kept: list[Any], weights: list[Any]) -> tuple[Any, tuple[Any, ...], Any]:
        (dh,), (h, r, z, n, p_n), (w_hh, *_) = after, kept, weights
        da_n = dh * (1 - z) * (1 - n * n)
        da_z = dh * (h - n) * z * (1 - z)
        da_r = da_n * p_n * r * (1 - r)
        da = np.concatenate([da_r, da_z, da_n], axis=1)
        dp = np.concatenate([da_r, da_z, da_n * r], axis=1)
        return da, (dh * z + np.matmul(dp, w_hh),), (dp,)

    def weights_back(self, products: list[Any], kept: list[Any]) -> tuple[Any, ...]:
        (dp,), h = products, kept[0]
        dw_hh = _outer(dp, h) if self.needs(2) else None
        return (dw_hh, dp.sum(axis=0)) if len(self.parents) > 3 else (dw_hh,)

    def _wanted(self, *others: Any) -> list[tuple[str, tuple[int, ...]]]:
        wanted = super()._wanted(*others)
        return wanted if len(others) == 2 else [*wanted, ("b_hh", np.shape(others[1])[:2])]

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(partial(cls, [2, 1]), normal(3, 1, 6), normal(1, 2, 2), normal(1, 6, 2), normal(1, 6))
        yield sample(partial(cls, [2, 1]), normal(3, 2, 3), normal(2, 2, 1), normal(2, 3, 1))
        yield sample(partial(cls, [5, 5, 3, 1]), normal(14, 2, 39), normal(2, 5, 13), normal(2, 39, 13), normal(2, 39))
        yield sample(partial(cls, [5] * 6), normal(30, 1, 39), normal(1, 5, 13), normal(1, 39, 13))
        yield sample(partial(cls, [1]), 400 * normal(1, 1, 9), normal(1, 1, 3), normal(1, 9, 3), smooth=False)
        yield bad(partial(cls, [2]), normal(2, 1, 9), normal(1, 2, 3), normal(1, 8, 3))
        yield bad(partial(cls, [2]), normal(2, 1, 9), normal(1, 2, 3), normal(1, 9, 3), normal(1, 8))


class Lstm(Recurrence):
    """c_t = f_t c_t-1 + i_t g_t, h_t = o_t tanh c_t: a memory c that is added to (Hochreiter and Schmidhuber 1997).

    With σ the sigmoid, products by element unless a matrix is in them, and s_t = a_t + W_hh h_t-1, its four parts::

        i = σ(s_i)                 input: how much is written
        f = σ(s_f)                 forget: how much stays (Gers et al. 2000)
        g = tanh(s_g)              what is written
        o = σ(s_o)                 output: how much is shown
        c_t = f c_t-1 + i g
        h_t = o tanh c_t           or, with a projection, W_hr (o tanh c_t) (Sak et al. 2014)

    a (S, D, 4H) in the order i f g o, h_0 (D, B, H), c_0 (D, B, H), W_hh (D, 4H, H). With a projection W_hr (D, P, H)
    the state h has length P: h_0 (D, B, P), W_hh (D, 4H, P).

    Backward, from dL/dh_t (if there is a projection, from W_hrᵀ dL/dh_t instead) and the share dc of dL/dc_t that
    comes from step t + 1, with σ' = σ (1 - σ), tanh' = 1 - tanh²::

        dL/dc_t = dc + dL/dh_t o (1 - tanh² c_t)
        dL/ds_i = dL/dc_t g i (1 - i)
        dL/ds_f = dL/dc_t c_t-1 f (1 - f)
        dL/ds_g = dL/dc_t i (1 - g²)
        dL/ds_o = dL/dh_t tanh(c_t) o (1 - o)
        dL/dc_t-1 = dL/dc_t f                     no matrix, no squashing: with f = 1 it passes unchanged
        dL/dh_t-1 = W_hhᵀ dL/ds,  dL/da_t = dL/ds
        dL/dW_hh = Σ_t dL/ds_t h_t-1ᵀ,  dL/dW_hr = Σ_t dL/dh_t (o tanh c_t)ᵀ

    Results: y (S, D H), h_n (D, B, H), c_n (D, B, H); with a projection y (S, D P), h_n (D, B, P).

    Args:
        batch_sizes: see :class:`Recurrence`.
    """

    states = 2
    gates = 4

    def step(self, a: Any, before: list[Any], weights: list[Any]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        (h, c), (w_hh, *projection) = before, weights
        s_i, s_f, s_g, s_o = _parts(a + np.matmul(h, w_hh.T), 4)
        i, f, g, o = _sigmoid(s_i), _sigmoid(s_f), np.tanh(s_g), _sigmoid(s_o)
        c = f * c + i * g
        tanh_c = np.tanh(c)
        h = o * tanh_c
        if projection:
            h = np.matmul(h, projection[0].T)
        return (h, c), (i, f, g, o, tanh_c)

    def step_back(self, after: list[Any], kept: list[Any], weights: list[Any]) -> tuple[Any, tuple[Any, ...], Any]:
        (dh, dc), (_, c, i, f, g, o, tanh_c), (w_hh, *projection) = after, kept, weights
        shown = np.matmul(dh, projection[0]) if projection else dh
        dc = dc + shown * o * (1 - tanh_c * tanh_c)
        ds_i = dc * g * i * (1 - i)
        ds_f = dc * c * f * (1 - f)
        ds_g = dc * i * (1 - g * g)
        ds_o = shown * tanh_c * o * (1 - o)
        ds = np.concatenate([ds_i, ds_f, ds_g, ds_o], axis=1)
        return ds, (np.matmul(ds, w_hh), dc * f), (ds, dh)

    def weights_back(self, products: list[Any], kept: list[Any]) -> tuple[Any, ...]:
        (ds, dh), (h, _, _, _, _, o, tanh_c) = products, kept
        dw_hh = _outer(ds, h) if self.needs(3) else None
        if len(self.parents) == 4:
            return (dw_hh,)
        return dw_hh, _outer(dh, o * tanh_c) if self.needs(4) else None

    def _wanted(self, *others: Any) -> list[tuple[str, tuple[int, ...]]]:
        d, gh, p = np.shape(others[2])
        if len(others) == 3:
            h, w_hr = p, []
        else:
            h = np.shape(others[3])[-1]
            w_hr = [("w_hr", (d, p, h))]
        batch, rows = self.batch_sizes[0], sum(self.batch_sizes)
        return [
            ("gates", (rows, d, gh)),
            ("h_0", (d, batch, p)),
            ("c_0", (d, batch, h)),
            ("w_hh", (d, 4 * h, p)),
            *w_hr,
        ]

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        def inputs(rows: int, d: int, batch: int, h: int, p: int = 0) -> tuple[Any, ...]:
            state = p or h
            states = normal(d, batch, state), normal(d, batch, h, seed=1)
            always = normal(rows, d, 4 * h), *states, normal(d, 4 * h, state)
            return (*always, normal(d, p, h)) if p else always

        yield sample(partial(cls, [2, 1]), *inputs(3, 1, 2, 2))
        yield sample(partial(cls, [2, 1]), *inputs(3, 2, 2, 1))
        yield sample(partial(cls, [2, 1]), *inputs(3, 1, 2, 2, 1))
        yield sample(partial(cls, [5, 5, 3, 1]), *inputs(14, 2, 5, 10))
        yield sample(partial(cls, [5, 5, 3, 1]), *inputs(14, 2, 5, 10, 3))
        yield sample(partial(cls, [5] * 6), *inputs(30, 1, 5, 10))
        gates, *others = inputs(1, 1, 1, 3)
        yield sample(partial(cls, [1]), 400 * gates, *others, smooth=False)
        yield bad(partial(cls, [2]), normal(2, 1, 12), normal(1, 2, 3), normal(1, 2, 3), normal(1, 9, 3))
        yield bad(partial(cls, [2]), normal(2, 1, 12), normal(1, 2, 3), normal(1, 3, 3), normal(1, 12, 3))
        yield bad(partial(cls, [2]), *inputs(2, 1, 2, 3)[:3], normal(1, 12, 2), normal(1, 2, 3))


def _sigmoid(x: Any) -> Any:
    return on(Sigmoid(), x)


def _parts(x: Any, count: int) -> Any:
    """The columns of x (n, count H) as ``count`` blocks (n, H)."""
    size = x.shape[1] // count
    return [x[:, i * size : (i + 1) * size] for i in range(count)]


def _outer(left: Any, right: Any) -> Any:
    """Σ_s left_s right_sᵀ for each direction: (S, D, M) and (S, D, N) give (D, M, N)."""
    return np.matmul(np.transpose(left, (1, 2, 0)), np.swapaxes(right, 0, 1))


def _joined(walked: list[list[tuple[Any, ...]]]) -> list[Any]:
    """What the steps of each direction gave, a tuple of arrays (n, *) a step, as one array (S, D, *) for each."""
    of_directions = [[np.concatenate(of_steps) for of_steps in zip(*steps, strict=True)] for steps in walked]
    return [np.stack(both, axis=1) for both in zip(*of_directions, strict=True)]
