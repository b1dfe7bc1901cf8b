"""Densities, distribution functions, quantiles, moments and entropies against SciPy's distributions."""

import numpy as np
import pytest
import scipy.stats as stats

import handtorch
from handtorch import distributions as D
from handtorch.errors import ArgumentError


def t(*values):
    return handtorch.tensor(list(values), dtype=handtorch.float64)


a, b = np.array([0.3, -1, 2]), np.array([0.5, 1.5, 3])
p = np.array([0.2, 0.5, 0.9])
loc, scale = t(*a), t(*b)
CONTINUOUS = {
    "Normal": (D.Normal(loc, scale), stats.norm(a, b)),
    "Laplace": (D.Laplace(loc, scale), stats.laplace(a, b)),
    "Cauchy": (D.Cauchy(loc, scale), stats.cauchy(a, b)),
    "Gumbel": (D.Gumbel(loc, scale), stats.gumbel_r(a, b)),
    "Uniform": (D.Uniform(loc, loc + scale), stats.uniform(a, b)),
    "Exponential": (D.Exponential(scale), stats.expon(scale=1 / b)),
    "Gamma": (D.Gamma(scale, 2 * scale), stats.gamma(b, scale=0.5 / b)),
    "Chi2": (D.Chi2(scale), stats.chi2(b)),
    "Beta": (D.Beta(scale, 2 * scale), stats.beta(b, 2 * b)),
    "StudentT": (D.StudentT(t(2.5, 3, 7), loc, scale), stats.t(np.array([2.5, 3, 7]), a, b)),
    "LogNormal": (D.LogNormal(loc, scale), stats.lognorm(b, scale=np.exp(a))),
    "HalfNormal": (D.HalfNormal(scale), stats.halfnorm(scale=b)),
}
DISCRETE = {
    "Bernoulli": (D.Bernoulli(t(*p)), stats.bernoulli(p)),
    "Bernoulli by logits": (D.Bernoulli(logits=t(*np.log(p / (1 - p)))), stats.bernoulli(p)),
    "Binomial": (D.Binomial(7, t(*p)), stats.binom(7, p)),
    "Poisson": (D.Poisson(scale), stats.poisson(b)),
    "Geometric": (D.Geometric(t(*p)), stats.geom(p, -1)),
}
EVERYTHING = CONTINUOUS | DISCRETE


def assert_close(mine, expected, rtol=1e-10):
    np.testing.assert_allclose(mine.numpy(), expected, rtol=rtol, atol=1e-12)


@pytest.mark.parametrize("name", CONTINUOUS)
def test_density_and_distribution_function(name):
    mine, theirs = CONTINUOUS[name]
    quantiles = np.array([[0.001], [0.2], [0.5], [0.9], [0.9999]])
    x = theirs.ppf(quantiles)
    assert_close(mine.log_prob(t(*x)), theirs.logpdf(x))
    if name not in ("Beta", "StudentT"):  # PyTorch has none either
        assert_close(mine.cdf(t(*x)), quantiles + 0 * x)
    if name not in ("Beta", "StudentT", "Gamma", "Chi2"):
        assert_close(mine.icdf(t(*quantiles) + 0 * loc), x)


@pytest.mark.parametrize("name", DISCRETE)
def test_probabilities_of_whole_numbers(name):
    mine, theirs = DISCRETE[name]
    k = np.arange(2 if name.startswith("Bernoulli") else 8.0).reshape(-1, 1)
    assert_close(mine.log_prob(t(*k) + 0 * loc), theirs.logpmf(k))


@pytest.mark.parametrize("name", EVERYTHING)
def test_moments_and_entropy(name):
    mine, theirs = EVERYTHING[name]
    if name != "Cauchy":
        assert_close(mine.mean, theirs.mean())
        assert_close(mine.variance, theirs.var())
        assert_close(mine.stddev, theirs.std())
    if name != "Poisson":
        assert_close(mine.entropy(), theirs.entropy(), 1e-8)
        assert_close(mine.perplexity(), np.exp(theirs.entropy()), 1e-8)


@pytest.mark.parametrize("name", EVERYTHING)
def test_samples_are_distributed_as_they_should_be(name):
    mine, theirs = EVERYTHING[name]
    handtorch.manual_seed(1)
    drawn = mine.sample((2000,)).numpy()
    assert drawn.shape == (2000, 3)
    for i in range(3):
        if name in CONTINUOUS:
            assert stats.kstest(drawn[:, i], lambda x, i=i: theirs.cdf(x[:, None])[:, i]).pvalue > 1e-4
        else:
            values, counts = np.unique(drawn[:, i], return_counts=True)
            expected = theirs.pmf(values[:, None])[:, i] * 2000
            often = expected > 5
            chi2 = ((counts - expected) ** 2 / expected)[often].sum()
            assert stats.chi2.sf(chi2, often.sum()) > 1e-4


def test_vectors():
    α = np.array([0.5, 2, 5])
    x = np.array([0.2, 0.3, 0.5])
    mine, theirs = D.Dirichlet(t(*α)), stats.dirichlet(α)
    assert_close(mine.log_prob(t(*x)), theirs.logpdf(x))
    assert_close(mine.mean, theirs.mean())
    assert_close(mine.variance, theirs.var())
    assert_close(mine.entropy(), theirs.entropy())
    weights = np.array([1.0, 2, 5])
    mine, theirs = D.Multinomial(9, t(*weights)), stats.multinomial(9, weights / 8)
    counts = np.array([2.0, 3, 4])
    assert_close(mine.log_prob(t(*counts)), theirs.logpmf(counts))
    assert_close(mine.entropy(), theirs.entropy())
    assert_close(mine.mean, 9 * weights / 8)


def test_categories():
    weights = np.array([[1.0, 2, 5], [0, 1, 3]])
    shares = weights / weights.sum(1, keepdims=True)
    mine = D.Categorical(t(*weights))
    assert_close(mine.probs, shares)
    assert_close(mine.entropy(), [stats.entropy(row) for row in shares])
    assert_close(mine.log_prob(handtorch.tensor([2, 1])).exp(), shares[[0, 1], [2, 1]])
    assert mine.mode.tolist() == [2, 2]
    assert mine.enumerate_support().tolist() == [[0, 0], [1, 1], [2, 2]]
    one_hot = D.OneHotCategorical(t(*weights))
    assert_close(one_hot.log_prob(handtorch.eye(3, dtype=handtorch.float64)[[2, 1]]).exp(), shares[[0, 1], [2, 1]])
    handtorch.manual_seed(0)
    drawn = one_hot.sample((5000,))
    assert drawn.shape == (5000, 2, 3)
    np.testing.assert_allclose(drawn.mean(0).numpy(), shares, atol=0.03)
    assert not drawn[:, 1, 0].any()


def test_a_mixture_is_the_weighted_sum_of_its_components():
    weights = np.array([0.3, 0.2, 0.5])
    mixture = D.MixtureSameFamily(D.Categorical(t(*weights)), D.Normal(loc, scale))
    x = np.linspace(-3, 5, 7)
    parts = stats.norm(a, b)
    assert_close(mixture.log_prob(t(*x)), np.log(parts.pdf(x[:, None]) @ weights))
    assert_close(mixture.cdf(t(*x)), parts.cdf(x[:, None]) @ weights)
    mean = weights @ a
    assert_close(mixture.mean, mean)
    assert_close(mixture.variance, weights @ (b**2 + a**2) - mean**2)
    handtorch.manual_seed(0)
    drawn = mixture.sample((4000,)).numpy()
    assert stats.kstest(drawn, lambda x: parts.cdf(x[:, None]) @ weights).pvalue > 1e-4


def test_relaxed_coin_flips_have_the_density_that_their_samples_show():
    for relaxed in (D.RelaxedBernoulli(t(0.7), t(0.3)), D.RelaxedBernoulli(t(0.7), logits=t(-1.0))):
        handtorch.manual_seed(0)
        drawn = relaxed.sample((4000,)).numpy()[:, 0]
        edges = np.linspace(0.01, 0.99, 15)
        middle = t(*np.linspace(1e-6, 1 - 1e-6, 200_001)).reshape(-1, 1)
        density = relaxed.log_prob(middle).exp().numpy()[:, 0]
        cumulative = np.cumsum(density) / 200_000
        expected = np.interp(edges, middle.numpy()[:, 0], cumulative)
        np.testing.assert_allclose((drawn[:, None] < edges).mean(0), expected, atol=0.03)


def test_points_near_the_corners_have_a_density_that_integrates_to_one():
    relaxed = D.RelaxedOneHotCategorical(t(0.9), t(0.2, 0.8))
    x = np.linspace(1e-5, 1 - 1e-5, 400_001)
    density = relaxed.log_prob(handtorch.from_numpy(np.stack([x, 1 - x], -1))).exp().numpy()
    assert np.trapezoid(density, x) == pytest.approx(1, abs=2e-3)


def test_multivariate_normal_is_scipys_from_any_of_its_matrices():
    Σ, μ = np.array([[2, 0.3], [0.3, 1]]), np.array([0.5, -1])
    x = np.random.default_rng(0).standard_normal((5, 2))
    theirs = stats.multivariate_normal(μ, Σ)
    for options in (
        {"covariance_matrix": t(*Σ)},
        {"precision_matrix": t(*np.linalg.inv(Σ))},
        {"scale_tril": t(*np.linalg.cholesky(Σ))},
    ):
        mine = D.MultivariateNormal(t(*μ), **options)
        np.testing.assert_allclose(mine.log_prob(t(*x)).array, theirs.logpdf(x))
        np.testing.assert_allclose(mine.entropy().item(), theirs.entropy())
        np.testing.assert_allclose(mine.covariance_matrix.array, Σ)
        np.testing.assert_allclose(mine.precision_matrix.array, np.linalg.inv(Σ))
    with pytest.raises(ArgumentError, match="Exactly one"):
        D.MultivariateNormal(t(*μ))
    with pytest.raises(ArgumentError, match="covariance_matrix"):
        D.MultivariateNormal(t(*μ), t(*-Σ))
