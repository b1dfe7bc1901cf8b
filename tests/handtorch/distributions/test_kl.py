"""Divergences against numerical integration and sums over the support."""

import warnings

import numpy as np
import pytest

import handtorch
from handtorch import distributions as D


def t(*values):
    return handtorch.tensor(list(values), dtype=handtorch.float64)


CONTINUOUS = {
    "Normal": (D.Normal(t(0.3), t(0.8)), (-12, 12)),
    "other Normal": (D.Normal(t(-0.5), t(1.7)), (-25, 25)),
    "Laplace": (D.Laplace(t(0.3), t(0.8)), (-25, 25)),
    "other Laplace": (D.Laplace(t(-0.3), t(1.8)), (-60, 60)),
    "Gumbel": (D.Gumbel(t(0.3), t(0.8)), (-4, 30)),
    "other Gumbel": (D.Gumbel(t(-0.2), t(1.5)), (-9, 60)),
    "Cauchy": (D.Cauchy(t(0.3), t(0.8)), (-np.inf, np.inf)),
    "other Cauchy": (D.Cauchy(t(0.5), t(1.8)), (-np.inf, np.inf)),
    "Exponential": (D.Exponential(t(1.3)), (0, 40)),
    "other Exponential": (D.Exponential(t(0.6)), (0, 60)),
    "Gamma": (D.Gamma(t(2.5), t(1.5)), (0, 60)),
    "other Gamma": (D.Gamma(t(1.7), t(0.9)), (0, 60)),
    "Beta": (D.Beta(t(2.5), t(1.5)), (0, 1)),
    "other Beta": (D.Beta(t(1.7), t(1.2)), (0, 1)),
    "Uniform": (D.Uniform(t(0.2), t(0.9)), (0.2, 0.9)),
    "wide Uniform": (D.Uniform(t(-0.2), t(1.9)), (-0.2, 1.9)),
    "HalfNormal": (D.HalfNormal(t(0.8)), (0, 12)),
    "other HalfNormal": (D.HalfNormal(t(1.8)), (0, 20)),
    "LogNormal": (D.LogNormal(t(0.3), t(0.8)), (0, 300)),
    "other LogNormal": (D.LogNormal(t(0.1), t(1.1)), (0, 900)),
}


def known(p, q):
    try:
        return D.kl_divergence(p, q)
    except NotImplementedError:
        return None


def nodes(ends):
    """Gauss and Legendre's points and weights on pieces of an interval; all numbers by way of their arc tangent.

    The pieces become small towards the ends, where log x is steep, and none has a tip of a Laplace density inside.
    """
    if np.isinf(ends[0]):
        angles, weights = nodes((-np.pi / 2, np.pi / 2))
        return np.tan(angles), weights / np.cos(angles) ** 2
    s = np.linspace(0, 1, 201)
    edges = ends[0] + (ends[1] - ends[0]) * s**3 * (10 - 15 * s + 6 * s**2)
    edges = np.sort([*edges, *(tip for tip in (-0.3, 0.3) if ends[0] < tip < ends[1])])
    u, w = np.polynomial.legendre.leggauss(20)
    half = np.diff(edges)[:, None] / 2
    return (edges[:-1, None] + half * (u + 1)).ravel(), (half * w).ravel()


PAIRS = [(a, b) for a in CONTINUOUS for b in CONTINUOUS if known(CONTINUOUS[a][0], CONTINUOUS[b][0]) is not None]


@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_of_densities(a, b):
    (p, ends), q = CONTINUOUS[a], CONTINUOUS[b][0]
    points, weights = nodes(ends)
    x = t(*points)
    got = float(D.kl_divergence(p, q))
    if not q.support.check(x).all():
        assert got == np.inf
        return
    log_p = p.log_prob(x)
    expected = (log_p.exp() * (log_p - q.log_prob(x))).numpy() @ weights
    assert got == pytest.approx(expected, rel=1e-6, abs=1e-6)


DISCRETE = {
    "Bernoulli": D.Bernoulli(t(0.3)),
    "other Bernoulli": D.Bernoulli(t(0.6)),
    "Poisson": D.Poisson(t(1.3)),
    "other Poisson": D.Poisson(t(2.6)),
    "Geometric": D.Geometric(t(0.3)),
    "other Geometric": D.Geometric(t(0.6)),
    "Binomial": D.Binomial(7, t(0.3)),
    "other Binomial": D.Binomial(7, t(0.6)),
}


@pytest.mark.parametrize("a", DISCRETE)
@pytest.mark.parametrize("b", DISCRETE)
def test_of_probabilities(a, b):
    p, q = DISCRETE[a], DISCRETE[b]
    got = known(p, q)
    if got is None:
        return
    most = {"Bernoulli": 2, "Binomial": 8}
    k = t(*range(most.get(a.split()[-1], 120))).reshape(-1, 1)
    if float(got) == np.inf:
        assert most.get(b.split()[-1], 120) < k.shape[0]
        return
    log_p = p.log_prob(k)
    assert float(got) == pytest.approx(float((log_p.exp() * (log_p - q.log_prob(k))).sum()), rel=1e-9)


def test_of_categories_and_of_vectors():
    p, q = t(0.2, 0.3, 0.5), t(0.4, 0.4, 0.2)
    expected = float((p * (p / q).log()).sum())
    assert float(D.kl_divergence(D.Categorical(p), D.Categorical(logits=q.log()))) == pytest.approx(expected)
    assert float(D.kl_divergence(D.OneHotCategorical(p), D.OneHotCategorical(q))) == pytest.approx(expected)
    assert float(D.kl_divergence(D.Categorical(p), D.Categorical(t(0, 0.5, 0.5)))) == np.inf
    assert float(D.kl_divergence(D.Categorical(t(0, 0.5, 0.5)), D.Categorical(p))) < np.inf
    a, b = D.Normal(t(0.0, 1), t(1.0, 2)), D.Normal(t(2.0, 1), t(1.0, 1))
    apart = D.kl_divergence(a, b)
    together = D.kl_divergence(D.Independent(a, 1), D.Independent(b, 1))
    assert together.shape == ()
    assert float(together) == pytest.approx(float(apart.sum()))


def test_of_dirichlets_by_their_samples():
    handtorch.manual_seed(0)
    p, q = D.Dirichlet(t(1.5, 2, 3)), D.Dirichlet(t(2.5, 1, 4))
    x = p.sample((40_000,))
    by_samples = (p.log_prob(x) - q.log_prob(x)).mean()
    assert float(D.kl_divergence(p, q)) == pytest.approx(float(by_samples), abs=0.02)


def test_a_distribution_does_not_diverge_from_itself():
    for made, _ in CONTINUOUS.values():
        assert abs(float(D.kl_divergence(made, made))) < 1e-12
    for made in DISCRETE.values():
        assert abs(float(D.kl_divergence(made, made))) < 1e-12


def test_batches_are_broadcast_to_each_other():
    p, q = D.Normal(t(0.0, 1), 1.0), D.Normal(t([0.0], [1], [2]), 1.0)
    np.testing.assert_allclose(D.kl_divergence(p, q).numpy(), [[0, 0.5], [0.5, 0], [2, 0.5]])
    assert D.kl_divergence(p, D.Uniform(t([0.0], [1], [2]), 9.0)).shape == (3, 2)


def test_formulas_of_ones_own_are_found_by_the_nearest_ancestor():
    class Mine(D.Normal):
        pass

    class Yours(Mine):
        pass

    mine, yours, normal = Mine(0.0, 1.0), Yours(0.0, 1.0), D.Normal(0.0, 1.0)
    assert float(D.kl_divergence(mine, normal)) == 0
    D.register_kl(Mine, D.Normal)(lambda p, q: "mine")
    assert D.kl_divergence(yours, normal) == "mine"
    D.register_kl(D.Normal, Mine)(lambda p, q: "from normal")
    with pytest.warns(RuntimeWarning, match="Ambiguous kl_divergence"):
        D.kl_divergence(mine, mine)
    D.register_kl(Mine, Mine)(lambda p, q: "both")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert D.kl_divergence(mine, yours) == "both"
    with pytest.raises(TypeError, match="Distribution subclass"):
        D.register_kl(int, Mine)


def test_what_nobody_has_worked_out_says_so():
    with pytest.raises(NotImplementedError, match="StudentT and q Normal"):
        D.kl_divergence(D.StudentT(3.0), D.Normal(0.0, 1.0))
    with pytest.raises(NotImplementedError, match="total_count"):
        D.kl_divergence(D.Binomial(3, t(0.5)), D.Binomial(4, t(0.5)))
