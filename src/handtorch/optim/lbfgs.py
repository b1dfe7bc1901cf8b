"""L-BFGS: Newton's method whose curvature is read off the last few steps."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from handtorch.autograd.mode import enable_grad
from handtorch.errors import ArgumentError
from handtorch.optim.optimizer import Optimizer, ParamsT, check_lr, real_view
from handtorch.tensor import Tensor


class LBFGS(Optimizer):
    """Limited-memory BFGS, for losses that are the same at every evaluation (full batches).

    With ``sₖ`` the last changes of the parameters and ``yₖ`` those of the gradient ``g``, the direction
    ``d = -H g`` follows from two loops over them::

        q = -g;   for k newest to oldest:  αₖ = sₖ·q / yₖ·sₖ,  q ← q - αₖ yₖ
        d = q · (y·s / y·y of the newest);   for k oldest to newest:  d ← d + sₖ (αₖ - yₖ·d / yₖ·sₖ)

    and ``p ← p + t d``, with ``t = lr``, or found by :func:`strong_wolfe`.

    One group of parameters only. The state, under the first parameter, is PyTorch's: ``func_evals``, ``n_iter``, ``al``
    (α), ``d``, ``t``, ``old_dirs`` (y), ``old_stps`` (s), ``ro`` (1 / y·s), ``H_diag``, ``prev_flat_grad``,
    ``prev_loss``.

    Args:
        params: tensors or ``(name, tensor)`` pairs.
        lr: the step length, a number or a 1-element tensor; the first one tried by the line search.
        max_iter: iterations a call of ``step``.
        max_eval: evaluations of the closure a call of ``step`` (default: 5/4 of ``max_iter``).
        tolerance_grad: stop when no element of the gradient is larger.
        tolerance_change: stop when neither loss nor parameters change by more.
        history_size: how many pairs (s, y) are kept.
        line_search_fn: None or ``"strong_wolfe"``.

    Raises:
        ArgumentError: a negative rate, or several groups.
        RuntimeError: another line search, at the first step.

    Source: Nocedal and Wright, "Numerical Optimization", 2nd edition, algorithms 7.4 and 7.5.
    """

    _scalar_state = ()

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        check_lr(lr)
        defaults = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        super().__init__(params, defaults)
        if len(self.param_groups) != 1:
            raise ArgumentError("LBFGS doesn't support per-parameter options (parameter groups); give one list")

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Run up to ``max_iter`` iterations.

        Args:
            closure: clears the gradients, computes the loss and its gradients, and returns the loss.

        Returns:
            The loss before the first iteration.
        """
        if closure is None:
            raise TypeError("LBFGS.step() needs a closure that computes the loss and its gradients, and returns it")
        group = self.param_groups[0]
        if group["line_search_fn"] not in (None, "strong_wolfe"):
            raise RuntimeError(f"only 'strong_wolfe' is supported, got {group['line_search_fn']!r}")
        run = _Run(self, group, enable_grad()(closure))
        if not run.is_flat():
            run.iterate()
        run.memory.state["func_evals"] += run.evaluations
        return run.first_loss


class _Run:
    """One call of ``LBFGS.step``: where it stands, and what it has used up."""

    def __init__(self, optimizer: LBFGS, group: dict[str, Any], closure: Callable[[], Any]) -> None:
        self.params = group["params"]
        self.group = group
        self.lr = _number(group["lr"])
        self.closure = closure
        self.memory = _Memory(optimizer.state[self.params[0]], group["history_size"])
        self.first_loss = closure()
        self.loss = float(self.first_loss)
        self.gradient = self.flat_gradient()
        self.evaluations = 1

    def iterate(self) -> None:
        """Repeat direction and step until a limit or a tolerance is reached."""
        memory, limit = self.memory, self.group["max_iter"]
        for iteration in range(1, limit + 1):
            d, t = memory.direction(self.gradient, self.loss), self.lr
            if memory.iterations == 1:
                t = min(1.0, 1.0 / np.abs(self.gradient).sum()) * self.lr
            slope = self.gradient @ d
            memory.step = t
            if slope > -self.group["tolerance_change"]:
                break
            before = self.loss
            memory.step = self.advance(t, d, slope, is_last=iteration == limit)
            if iteration == limit or self.evaluations >= self.group["max_eval"] or self.is_flat():
                break
            if float(np.abs(d).max()) * abs(memory.step) <= self.group["tolerance_change"]:
                break
            if abs(self.loss - before) < self.group["tolerance_change"]:
                break
        memory.save()

    def advance(self, t: float, d: np.ndarray, slope: float, is_last: bool) -> float:
        """Move along ``d``, and return how far."""
        if self.group["line_search_fn"] is None:
            self.move(t, d)
            if not is_last:  # with minibatches the next call computes another loss anyway
                self.loss = float(self.closure())
                self.gradient = self.flat_gradient()
                self.evaluations += 1
            return t
        found, evaluations = strong_wolfe(
            self.look_along(d),
            Trial(0.0, self.loss, self.gradient, slope),
            t,
            float(np.abs(d).max()),
            tolerance_change=self.group["tolerance_change"],
            max_trials=self.group["max_eval"] - self.evaluations,
        )
        self.loss, self.gradient = found.loss, found.gradient
        self.evaluations += evaluations
        self.move(found.t, d)
        return found.t

    def look_along(self, d: np.ndarray) -> Callable[[float], Trial]:
        """The function of the line search: the loss at a distance, leaving the parameters where they are."""
        origin = [p.array.copy() for p in self.params]

        def evaluate(t: float) -> Trial:
            self.move(t, d)
            loss = float(self.closure())
            gradient = self.flat_gradient()
            for p, array in zip(self.params, origin, strict=True):
                p.array[...] = array
                p._bump()
            return Trial(t, loss, gradient, gradient @ d)

        return evaluate

    def move(self, t: float, d: np.ndarray) -> None:
        """``p ← p + t d``."""
        offset = 0
        for p in self.params:
            array = real_view(p.array)
            array += float(t) * d[offset : offset + array.size].reshape(array.shape)
            offset += array.size
            p._bump()

    def flat_gradient(self) -> np.ndarray:
        """All gradients as one new vector."""
        grads = [np.zeros_like(p.array) if p.grad is None else p.grad.array for p in self.params]
        return np.concatenate([real_view(g).reshape(-1) for g in grads])

    def is_flat(self) -> bool:
        """Whether the gradient is within its tolerance of zero."""
        return float(np.abs(self.gradient).max()) <= self.group["tolerance_grad"]


class _Memory:
    """The steps that are remembered, kept in the optimizer's state."""

    def __init__(self, state: dict[str, Any], size: int) -> None:
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        self.state = state
        self.size = size
        self.changes = [value.array for value in state.get("old_dirs", [])]  # y
        self.steps = [value.array for value in state.get("old_stps", [])]  # s
        self.inverses = [_number(value) for value in state.get("ro", [])]  # 1 / y·s
        self.scale = _number(state.get("H_diag", 1))
        self.step = _number(state.get("t"))
        self.d = state["d"].array if "d" in state else None
        self.gradient = state["prev_flat_grad"].array if "prev_flat_grad" in state else None
        self.loss = state.get("prev_loss")
        self.weights: list[float] = []  # α, oldest first

    @property
    def iterations(self) -> int:
        """Iterations in all calls so far."""
        return self.state["n_iter"]

    def direction(self, gradient: np.ndarray, loss: float) -> np.ndarray:
        """The next ``d``, after taking in the step that led to this gradient."""
        self.state["n_iter"] += 1
        if self.d is not None and self.gradient is not None:
            self._remember(gradient - self.gradient, float(self.step) * self.d)
        self.gradient, self.loss = gradient, loss
        self.d = self._two_loops(-gradient)
        return self.d

    def _remember(self, change: np.ndarray, step: np.ndarray) -> None:
        product = change @ step
        if product <= 1e-10:
            return  # no positive curvature: the pair would turn the direction uphill
        if len(self.steps) == self.size:
            for history in (self.changes, self.steps, self.inverses):
                history.pop(0)
        self.changes.append(change)
        self.steps.append(step)
        self.inverses.append(1.0 / product)
        self.scale = product / (change @ change)

    def _two_loops(self, q: np.ndarray) -> np.ndarray:
        pairs = list(zip(self.changes, self.steps, self.inverses, strict=True))
        weights = []
        for y, s, inverse in reversed(pairs):
            weight = (s @ q) * inverse
            q -= weight * y
            weights.append(weight)
        q *= self.scale
        self.weights = weights[::-1]
        for (y, s, inverse), weight in zip(pairs, self.weights, strict=True):
            q += (weight - (y @ q) * inverse) * s
        return q

    def save(self) -> None:
        """Write everything into the optimizer's state."""
        if self.iterations > 1:
            self.state["al"] = [*map(_kept, self.weights), *[None] * (self.size - len(self.weights))]
        self.state.update(
            d=None if self.d is None else Tensor.of(self.d),
            t=_kept(self.step),
            old_dirs=[Tensor.of(y) for y in self.changes],
            old_stps=[Tensor.of(s) for s in self.steps],
            ro=[_kept(inverse) for inverse in self.inverses],
            H_diag=_kept(self.scale),
            prev_flat_grad=None if self.gradient is None else Tensor.of(self.gradient),
            prev_loss=self.loss,
        )


# The numbers of the two loops have the precision of the parameters, as in PyTorch: NumPy's scalars here, tensors
# without axes in a checkpoint. What is a Python number in one is a Python number in the other.


def _number(value: Any) -> Any:
    return value.array.reshape(())[()] if isinstance(value, Tensor) else value


def _kept(value: Any) -> Any:
    return Tensor.of(np.asarray(value)) if isinstance(value, np.generic) else value


@dataclass(slots=True)
class Trial:
    """What was found at the distance ``t`` along a direction: the loss, the gradient, and the slope ``g·d``."""

    t: float
    loss: float
    gradient: np.ndarray
    slope: float


def strong_wolfe(
    evaluate: Callable[[float], Trial],
    start: Trial,
    t: float,
    direction_size: float,
    *,
    c1: float = 1e-4,
    c2: float = 0.9,
    tolerance_change: float = 1e-9,
    max_trials: int = 25,
) -> tuple[Trial, int]:
    """Find a distance at which the loss has fallen enough and the slope has flattened enough.

    ``f(t) <= f(0) + c₁ t f'(0)`` and ``|f'(t)| <= c₂ |f'(0)|``: first steps grow until such a point is passed, then
    the interval that holds it shrinks by cubic interpolation.

    Args:
        evaluate: gives the :class:`Trial` at a distance.
        start: the trial at distance 0; its slope is negative.
        t: the first distance to try.
        direction_size: the largest element of the direction.
        c1: how much of the promised decrease is asked for.
        c2: how much of the slope may be left.
        tolerance_change: the smallest interval, in units of the parameters.
        max_trials: evaluations after the first one.

    Returns:
        The best trial and how many evaluations it took.

    Source: Nocedal and Wright, "Numerical Optimization", 2nd edition, algorithms 3.5 and 3.6.
    """

    def is_too_high(trial: Trial) -> bool:
        return trial.loss > start.loss + c1 * trial.t * start.slope

    def is_flat(trial: Trial) -> bool:
        return abs(trial.slope) <= -c2 * start.slope

    before, trial, used = start, evaluate(t), 0
    while True:
        if used >= max_trials:
            return (start if start.loss <= trial.loss else trial), used + 1
        if is_too_high(trial) or (used > 1 and trial.loss >= before.loss):
            break
        if is_flat(trial):
            return trial, used + 1
        if trial.slope >= 0:
            break
        bounds = (trial.t + 0.01 * (trial.t - before.t), 10 * trial.t)
        before, trial = trial, evaluate(cubic_minimum(before, trial, bounds))
        used += 1

    low, high = (before, trial) if before.loss <= trial.loss else (trial, before)
    is_stuck = False
    while used < max_trials and abs(high.t - low.t) * direction_size >= tolerance_change:
        t, is_stuck = _inside(cubic_minimum(low, high), low.t, high.t, is_stuck)
        trial = evaluate(t)
        used += 1
        if is_too_high(trial) or trial.loss >= low.loss:
            high = trial
            if high.loss < low.loss:
                low, high = high, low
        else:
            if is_flat(trial):
                return trial, used + 1
            if trial.slope * (high.t - low.t) >= 0:
                high = low
            low = trial
    return low, used + 1


def _inside(t: float, a: float, b: float, was_stuck: bool) -> tuple[float, bool]:
    """Keep a trial away from the ends of its interval, a tenth of its length, when it has come close twice."""
    left, right = min(a, b), max(a, b)
    margin = 0.1 * (right - left)
    if min(right - t, t - left) >= margin:
        return t, False
    if was_stuck or t >= right or t <= left:
        return (right - margin if right - t < t - left else left + margin), False
    return t, True


def cubic_minimum(a: Trial, b: Trial, bounds: tuple[float, float] | None = None) -> float:
    """Where the cubic through two losses and slopes is lowest, within bounds (default: between the two).

    Source: Nocedal and Wright, "Numerical Optimization", 2nd edition, eq. 3.59.
    """
    left, right = (a, b) if a.t <= b.t else (b, a)
    low, high = bounds if bounds is not None else (left.t, right.t)
    middle = (low + high) / 2
    if left.t == right.t:
        return middle
    d1 = left.slope + right.slope - 3 * (left.loss - right.loss) / (left.t - right.t)
    square = d1 * d1 - left.slope * right.slope
    if not square >= 0:
        return middle
    d2 = math.sqrt(square)
    bottom = right.slope - left.slope + 2 * d2
    if bottom == 0:
        return middle
    t = right.t - (right.t - left.t) * ((right.slope + d2 - d1) / bottom)
    return min(max(t, low), high)
