"""Kullback-Leibler divergences: the registry of formulas, and the formulas.

KL(p || q) = E_p log p(x) - E_p log q(x) = -H(p) - E_p log q(x), and log q of most families is linear in x, x², log x or
e^tx. So what p contributes are its entropy, its moments, E log x and E e^tx.
"""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

import handtorch
from handtorch.distributions.bernoulli import Bernoulli
from handtorch.distributions.beta import Beta
from handtorch.distributions.binomial import Binomial
from handtorch.distributions.categorical import Categorical
from handtorch.distributions.cauchy import Cauchy
from handtorch.distributions.dirichlet import Dirichlet
from handtorch.distributions.distribution import Distribution
from handtorch.distributions.exponential import Exponential
from handtorch.distributions.gamma import Gamma
from handtorch.distributions.geometric import Geometric
from handtorch.distributions.gumbel import Gumbel
from handtorch.distributions.half_normal import HalfNormal
from handtorch.distributions.independent import Independent
from handtorch.distributions.laplace import Laplace
from handtorch.distributions.multivariate_normal import MultivariateNormal
from handtorch.distributions.normal import Normal
from handtorch.distributions.one_hot_categorical import OneHotCategorical
from handtorch.distributions.poisson import Poisson
from handtorch.distributions.transformed_distribution import TransformedDistribution
from handtorch.distributions.uniform import Uniform
from handtorch.distributions.utils import euler_constant, log_sigmoid, sum_rightmost
from handtorch.errors import ArgumentError

__all__ = ["kl_divergence", "register_kl"]

_FORMULAS: dict[tuple[type, type], Callable[[Any, Any], Any]] = {}


def kl_divergence(p: Distribution, q: Distribution) -> Any:
    """KL(p || q) = ∫ p(x) log (p(x) / q(x)) dx, in nats, for two batches of distributions.

    Args:
        p, q: distributions whose batch shapes are broadcast to each other.

    Returns:
        Shape B.

    Raises:
        NotImplementedError: nobody has registered a formula for the two families.
    """
    types: tuple[Any, Any] = (type(p), type(q))
    return _formula(*types)(p, q)


def register_kl(type_p: type, type_q: type) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register the decorated function of p and q as the formula for two classes, and for what is derived from them.

    Raises:
        TypeError: one of them is no class of distributions.
    """
    for kind in (type_p, type_q):
        if not (isinstance(kind, type) and issubclass(kind, Distribution)):
            raise TypeError(f"Expected a Distribution subclass but got {kind}")

    def register(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        _FORMULAS[type_p, type_q] = function
        _formula.cache_clear()
        return function

    return register


@functools.cache
def _formula(type_p: type, type_q: type) -> Callable[[Any, Any], Any]:
    """The formula for the nearest ancestors of two classes."""
    found = [
        (type_p.__mro__.index(p), type_q.__mro__.index(q), function)
        for (p, q), function in _FORMULAS.items()
        if issubclass(type_p, p) and issubclass(type_q, q)
    ]
    if not found:
        raise NotImplementedError(f"No KL(p || q) is implemented for p type {type_p.__name__} and q {type_q.__name__}")
    nearest_p = min(found, key=lambda match: (match[0], match[1]))
    nearest_q = min(found, key=lambda match: (match[1], match[0]))
    if nearest_p[2] is not nearest_q[2]:
        names = f"{type_p.__name__}, {type_q.__name__}"
        warnings.warn(f"Ambiguous kl_divergence({names}). Please register_kl({names})", RuntimeWarning, stacklevel=3)
    return nearest_p[2]


# -- one family with itself -----------------------------------------------------------------------------------------


@register_kl(Normal, Normal)
def _normal_normal(p: Any, q: Any) -> Any:
    ratio = (p.scale / q.scale).square()
    return 0.5 * (ratio + ((p.loc - q.loc) / q.scale).square() - 1 - ratio.log())


@register_kl(MultivariateNormal, MultivariateNormal)
def _multivariate_normal_multivariate_normal(p: Any, q: Any) -> Any:
    """½ (|L_q⁻¹ L_p|² + |L_q⁻¹ (μ_q - μ_p)|² - n) + ln |L_q| - ln |L_p|, with the Frobenius norm of matrices."""
    n = p.event_shape[0]
    if q.event_shape[0] != n:
        raise ArgumentError(f"expected two distributions of vectors of one length, got {n} and {q.event_shape[0]}")
    batch = handtorch.broadcast_shapes(p.batch_shape, q.batch_shape)
    both = handtorch.cat([p.scale_tril.expand((*batch, n, n)), (q.loc - p.loc).expand((*batch, n)).unsqueeze(-1)], -1)
    whitened = handtorch.linalg.solve_triangular(q.scale_tril.expand((*batch, n, n)), both, upper=False)
    return 0.5 * (whitened.square().sum((-2, -1)) - n) + q._log_volume() - p._log_volume()


@register_kl(HalfNormal, HalfNormal)
def _half_normal_half_normal(p: Any, q: Any) -> Any:
    return _normal_normal(p.base_dist, q.base_dist)


@register_kl(Bernoulli, Bernoulli)
def _bernoulli_bernoulli(p: Any, q: Any) -> Any:
    ones = p.probs * (log_sigmoid(p.logits) - log_sigmoid(q.logits))
    zeros = (1 - p.probs) * (log_sigmoid(-p.logits) - log_sigmoid(-q.logits))
    return _weighted(ones, p.probs == 0, q.probs == 0) + _weighted(zeros, p.probs == 1, q.probs == 1)


@register_kl(Categorical, Categorical)
def _categorical_categorical(p: Any, q: Any) -> Any:
    return _weighted(p.probs * (p.logits - q.logits), p.probs == 0, q.probs == 0).sum(-1)


def _weighted(terms: Any, never_in_p: Any, never_in_q: Any) -> Any:
    """p log (p / q): 0 where p is 0, else infinite where q is 0."""
    return terms.masked_fill(never_in_q, math.inf).masked_fill(never_in_p, 0)


@register_kl(OneHotCategorical, OneHotCategorical)
def _one_hot_one_hot(p: Any, q: Any) -> Any:
    return _categorical_categorical(p._categorical, q._categorical)


@register_kl(Binomial, Binomial)
def _binomial_binomial(p: Any, q: Any) -> Any:
    if (p.total_count < q.total_count).any():
        raise NotImplementedError("KL between Binomials where q.total_count > p.total_count is not implemented")
    one_trial = p.probs * (p.logits - q.logits) + (-p.probs).log1p() - (-q.probs).log1p()
    return (p.total_count * one_trial).masked_fill(p.total_count > q.total_count, math.inf)


@register_kl(Poisson, Poisson)
def _poisson_poisson(p: Any, q: Any) -> Any:
    return p.rate * (p.rate.log() - q.rate.log()) - (p.rate - q.rate)


@register_kl(Geometric, Geometric)
def _geometric_geometric(p: Any, q: Any) -> Any:
    return -p.entropy() - (-q.probs).log1p() / p.probs - q.logits


@register_kl(Exponential, Exponential)
def _exponential_exponential(p: Any, q: Any) -> Any:
    ratio = q.rate / p.rate
    return ratio - 1 - ratio.log()


@register_kl(Dirichlet, Dirichlet)
def _dirichlet_dirichlet(p: Any, q: Any) -> Any:
    a, b = p.concentration, q.concentration
    total = a.sum(-1)
    normalizers = total.lgamma() - b.sum(-1).lgamma() + (b.lgamma() - a.lgamma()).sum(-1)
    return normalizers + ((a - b) * (a.digamma() - total.digamma().unsqueeze(-1))).sum(-1)


@register_kl(Laplace, Laplace)
def _laplace_laplace(p: Any, q: Any) -> Any:
    ratio, distance = p.scale / q.scale, (p.loc - q.loc).abs()
    return ratio * (-distance / p.scale).exp() + distance / q.scale - ratio.log() - 1


@register_kl(Cauchy, Cauchy)
def _cauchy_cauchy(p: Any, q: Any) -> Any:
    """Chyzak and Nielsen 2019."""
    return ((p.scale + q.scale).square() + (p.loc - q.loc).square()).log() - (4 * p.scale * q.scale).log()


@register_kl(Uniform, Uniform)
def _uniform_uniform(p: Any, q: Any) -> Any:
    return _within(((q.high - q.low) / (p.high - p.low)).log(), p, q.low, q.high)


@register_kl(Independent, Independent)
def _independent_independent(p: Any, q: Any) -> Any:
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError(
            f"KL between Independents of {p.reinterpreted_batch_ndims} and {q.reinterpreted_batch_ndims} axes"
        )
    return sum_rightmost(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)


@register_kl(TransformedDistribution, TransformedDistribution)
def _transformed_transformed(p: Any, q: Any) -> Any:
    """A transform that is one-to-one changes nothing."""
    if p.transforms != q.transforms or p.event_shape != q.event_shape:
        raise NotImplementedError("KL between TransformedDistributions with different transforms or event shapes")
    inner = kl_divergence(p.base_dist, q.base_dist)
    return sum_rightmost(inner, inner.dim() - len(np.broadcast_shapes(p.batch_shape, q.batch_shape)))


# -- what p contributes ---------------------------------------------------------------------------------------------


@functools.singledispatch
def _mean_log(p: Any) -> Any:
    """E log x."""
    raise NotImplementedError(f"E log x of {type(p).__name__}")


@_mean_log.register
def _(p: Beta) -> Any:
    return p.concentration1.digamma() - (p.concentration1 + p.concentration0).digamma()


@_mean_log.register
def _(p: Exponential) -> Any:
    return -euler_constant - p.rate.log()


@_mean_log.register
def _(p: Gamma) -> Any:
    return p.concentration.digamma() - p.rate.log()


@_mean_log.register
def _(p: Uniform) -> Any:
    return _mean_log_between(p.low, p.high)


def _mean_log_between(low: Any, high: Any) -> Any:
    return (handtorch.xlogy(high, high) - handtorch.xlogy(low, low)) / (high - low) - 1


@functools.singledispatch
def _log_mean_exp(p: Any, t: Any) -> Any:
    """log E e^tx, t < 0."""
    raise NotImplementedError(f"E e^tx of {type(p).__name__}")


@_log_mean_exp.register
def _(p: Exponential, t: Any) -> Any:
    return -(-t / p.rate).log1p()


@_log_mean_exp.register
def _(p: Gamma, t: Any) -> Any:
    return -p.concentration * (-t / p.rate).log1p()


@_log_mean_exp.register
def _(p: Normal, t: Any) -> Any:
    return t * p.loc + 0.5 * (t * p.scale).square()


@_log_mean_exp.register
def _(p: Gumbel, t: Any) -> Any:
    return t * p.loc + (1 - t * p.scale).lgamma()


@_log_mean_exp.register
def _(p: Uniform, t: Any) -> Any:
    width = t * (p.high - p.low)
    return t * p.low + (width.expm1() / width).log()


# -- what q makes of it ---------------------------------------------------------------------------------------------


@register_kl(Beta, Normal)
@register_kl(Exponential, Normal)
@register_kl(Gamma, Normal)
@register_kl(Gumbel, Normal)
@register_kl(Laplace, Normal)
@register_kl(Uniform, Normal)
def _to_normal(p: Any, q: Any) -> Any:
    square = q.variance
    return 0.5 * (2 * math.pi * square).log() + (p.variance + (p.mean - q.loc).square()) / (2 * square) - p.entropy()


@register_kl(Normal, Laplace)
def _normal_laplace(p: Any, q: Any) -> Any:
    """E |x - loc| is the mean of a folded normal distribution."""
    off = p.loc - q.loc
    z = off / (math.sqrt(2) * p.scale)
    distance = math.sqrt(2 / math.pi) * p.scale * (-z.square()).exp() + off * z.erf()
    return (2 * q.scale).log() + distance / q.scale - p.entropy()


@register_kl(Beta, Exponential)
@register_kl(Gamma, Exponential)
@register_kl(Uniform, Exponential)
def _to_exponential(p: Any, q: Any) -> Any:
    return _within(q.rate * p.mean - q.rate.log() - p.entropy(), p, 0)


@register_kl(Beta, Gamma)
@register_kl(Exponential, Gamma)
@register_kl(Gamma, Gamma)
@register_kl(Uniform, Gamma)
def _to_gamma(p: Any, q: Any) -> Any:
    α, β = q.concentration, q.rate
    log_density = α * β.log() - α.lgamma() + (α - 1) * _mean_log(p) - β * p.mean
    return _within(-log_density - p.entropy(), p, 0)


@register_kl(Beta, Beta)
@register_kl(Uniform, Beta)
def _to_beta(p: Any, q: Any) -> Any:
    α, β = q.concentration1, q.concentration0
    mirrored = Beta(p.concentration0, p.concentration1) if isinstance(p, Beta) else Uniform(1 - p.high, 1 - p.low)
    log_density = (α - 1) * _mean_log(p) + (β - 1) * _mean_log(mirrored)
    log_normalizer = α.lgamma() + β.lgamma() - (α + β).lgamma()
    return _within(log_normalizer - log_density - p.entropy(), p, 0, 1)


@register_kl(Beta, Uniform)
def _to_uniform(p: Any, q: Any) -> Any:
    return _within((q.high - q.low).log() - p.entropy(), p, q.low, q.high)


@register_kl(Exponential, Gumbel)
@register_kl(Gamma, Gumbel)
@register_kl(Gumbel, Gumbel)
@register_kl(Normal, Gumbel)
@register_kl(Uniform, Gumbel)
def _to_gumbel(p: Any, q: Any) -> Any:
    crowding = (q.loc / q.scale + _log_mean_exp(p, -1 / q.scale)).exp()
    return q.scale.log() + (p.mean - q.loc) / q.scale + crowding - p.entropy()


@register_kl(Bernoulli, Poisson)
def _bernoulli_poisson(p: Any, q: Any) -> Any:
    return q.rate - p.probs * q.rate.log() - p.entropy()


# -- where p is and q is not ----------------------------------------------------------------------------------------


def _within(divergence: Any, p: Any, low: Any, high: Any = math.inf) -> Any:
    """A divergence; infinite where p reaches out of [low, high], outside which q has no density."""
    if isinstance(p, Uniform):
        return divergence.masked_fill((p.low < low) | (p.high > high), math.inf)
    if isinstance(p, Beta) and not isinstance(low, int):
        return divergence.masked_fill((low > 0) | (high < 1), math.inf)
    return divergence


def _infinite(p: Any, q: Any) -> Any:
    """For p that has mass wherever q has none."""
    dtype = p.mean.dtype
    return handtorch.full(np.broadcast_shapes(p.batch_shape, q.batch_shape), math.inf, dtype=dtype)


_INFINITE: dict[type, list[type]] = {
    Exponential: [Beta, Uniform],
    Gamma: [Beta, Uniform],
    Gumbel: [Beta, Exponential, Gamma, Uniform],
    Laplace: [Beta, Exponential, Gamma, Uniform],
    Normal: [Beta, Exponential, Gamma, Uniform],
    Poisson: [Bernoulli, Binomial],
}
for _p, _qs in _INFINITE.items():
    for _q in _qs:
        register_kl(_p, _q)(_infinite)
