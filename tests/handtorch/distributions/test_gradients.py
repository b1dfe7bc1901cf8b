"""Gradients of samples and densities: difference quotients, also of quantiles, which are samples for a fixed u."""

import numpy as np
import pytest
import scipy.special
import scipy.stats as stats

import handtorch
from handtorch import distributions as D
from handtorch.autograd import gradcheck
from handtorch.errors import GradientError


def t(*values):
    return handtorch.tensor(list(values), dtype=handtorch.float64).requires_grad_()


def quotient(function, x, h=1e-5):
    """A difference quotient of fourth order."""
    h = h * x
    return (8 * (function(x + h) - function(x - h)) - function(x + 2 * h) + function(x - 2 * h)) / (12 * h)


@pytest.mark.parametrize("concentration", [0.05, 0.3, 0.999, 1.0, 2.5, 30.0, 1e4])
def test_a_gamma_sample_moves_as_the_quantile_does(concentration):
    handtorch.manual_seed(0)
    α = handtorch.full((50,), concentration, dtype=handtorch.float64).requires_grad_()
    x = D.Gamma(α, 1.0).rsample()
    x.sum().backward()
    drawn, spread = x.detach().numpy(), stats.gamma(concentration)
    lower = drawn < concentration
    by_lower = quotient(lambda α: scipy.special.gammaincinv(α, spread.cdf(drawn)), concentration)
    by_upper = quotient(lambda α: scipy.special.gammainccinv(α, spread.sf(drawn)), concentration)
    visible = drawn > 1e-250  # SciPy's quantiles end there
    np.testing.assert_allclose(α.grad.numpy()[visible], np.where(lower, by_lower, by_upper)[visible], rtol=2e-6)


@pytest.mark.parametrize(("α", "β"), [(0.3, 0.4), (1.0, 1.0), (2.0, 5.0), (40.0, 3.0), (0.2, 7.0), (300.0, 500.0)])
def test_a_beta_sample_moves_as_the_quantile_does(α, β):
    handtorch.manual_seed(0)
    concentrations = [handtorch.full((50,), c, dtype=handtorch.float64).requires_grad_() for c in (α, β)]
    x = D.Beta(*concentrations).rsample()
    x.sum().backward()
    u = stats.beta(α, β).cdf(x.detach().numpy())
    inside = (u > 1e-6) & (u < 1 - 1e-6)
    by_α = quotient(lambda c: scipy.special.betaincinv(c, β, u), α)
    by_β = quotient(lambda c: scipy.special.betaincinv(α, c, u), β)
    np.testing.assert_allclose(concentrations[0].grad.numpy()[inside], by_α[inside], rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(concentrations[1].grad.numpy()[inside], by_β[inside], rtol=1e-5, atol=1e-9)


def test_gradients_through_dirichlet_samples_are_right_on_average():
    """d E f(x) / dα, for an f whose expectation is known: E x_i x_j = α_i α_j / (A (A + 1))."""
    handtorch.manual_seed(0)
    α = t(0.7, 2.0, 3.5)
    x = D.Dirichlet(α).rsample((40_000,))
    (x[:, 0] * x[:, 1]).mean().backward()
    exact = t(0.7, 2.0, 3.5)
    total = exact.sum()
    (exact[0] * exact[1] / (total * (total + 1))).backward()
    np.testing.assert_allclose(α.grad.numpy(), exact.grad.numpy(), atol=1e-3)


def test_students_t_samples_have_gradients_by_all_parameters():
    """d E |x| / d(df, scale): the mean distance is known."""
    handtorch.manual_seed(0)
    df, loc, scale = t(7.0), t(0.0), t(2.0)
    D.StudentT(df, loc, scale).rsample((100_000,)).abs().mean().backward()

    def distance(ν):
        return 2 * 2.0 * np.sqrt(ν) / ((ν - 1) * scipy.special.beta(0.5, ν / 2))

    np.testing.assert_allclose(df.grad.numpy(), quotient(distance, 7.0), atol=6e-3)
    np.testing.assert_allclose(scale.grad.numpy(), distance(7.0) / 2, atol=1e-2)


def test_single_precision_samples_have_gradients_to_single_precision():
    α = np.array([0.1, 0.9, 3, 50])
    x = np.array([0.01, 1.2, 2, 60])
    exact = handtorch._standard_gamma_grad(handtorch.from_numpy(α), handtorch.from_numpy(x))
    single = handtorch._standard_gamma_grad(*(handtorch.from_numpy(v.astype(np.float32)) for v in (α, x)))
    assert single.dtype is handtorch.float32
    np.testing.assert_allclose(single.numpy(), exact.numpy(), rtol=1e-5)


def test_the_gradient_of_a_gamma_sample_cannot_be_differentiated_again():
    α = t(2.0)
    (g,) = handtorch.autograd.grad(D.Gamma(α, 1.0).rsample().sum(), [α], create_graph=True)
    with pytest.raises(GradientError, match="GammaSlope"):
        g.sum().backward()


def seeded(make):
    """The first sample for a seed, as a function of the parameters."""

    def draw(*parameters):
        handtorch.manual_seed(5)
        return make(*parameters).rsample((3,))

    return draw


@pytest.mark.parametrize(
    ("make", "parameters"),
    [
        (D.Normal, [t(0.3, -1), t(0.5, 2)]),
        (D.Laplace, [t(0.3, -1), t(0.5, 2)]),
        (D.Cauchy, [t(0.3, -1), t(0.5, 2)]),
        (D.Gumbel, [t(0.3, -1), t(0.5, 2)]),
        (D.LogNormal, [t(0.3, -1), t(0.5, 0.7)]),
        (D.Uniform, [t(0.3, -1), t(0.5, 2)]),
        (D.Exponential, [t(0.5, 2)]),
        (D.HalfNormal, [t(0.5, 2)]),
        (lambda rate: D.Gamma(2.0, rate), [t(0.5, 2)]),
        (lambda p: D.RelaxedBernoulli(t(0.7).detach(), p), [t(0.3, 0.8)]),
        (lambda logits: D.RelaxedOneHotCategorical(t(0.7).detach(), logits=logits), [t(0.3, 0.8, -1)]),
    ],
)
def test_samples_move_with_their_parameters(make, parameters):
    gradcheck(seeded(make), parameters)


def test_a_straight_through_sample_has_the_gradient_of_the_probabilities():
    logits = t(0.3, 0.8, -1)
    handtorch.manual_seed(0)
    drawn = D.OneHotCategoricalStraightThrough(logits=logits).rsample()
    assert sorted(drawn.tolist()) == [0, 0, 1]
    weights = handtorch.tensor([1.0, 2, 5], dtype=handtorch.float64)
    (drawn * weights).sum().backward()
    again = t(0.3, 0.8, -1)
    (again.softmax(0) * weights).sum().backward()
    np.testing.assert_allclose(logits.grad.numpy(), again.grad.numpy())


half, counts = np.array([0.3, 0.6]), handtorch.tensor([1.0, 4], dtype=handtorch.float64)
x = handtorch.from_numpy(half)


@pytest.mark.parametrize(
    ("make", "value", "parameters"),
    [
        (D.Normal, x, [t(0.3, -1), t(0.5, 2)]),
        (D.Laplace, x, [t(0.1, -1), t(0.5, 2)]),
        (D.Cauchy, x, [t(0.3, -1), t(0.5, 2)]),
        (D.Gumbel, x, [t(0.3, -1), t(0.5, 2)]),
        (D.StudentT, x, [t(3, 0.7), t(0.3, -1), t(0.5, 2)]),
        (D.LogNormal, x, [t(0.3, -1), t(0.5, 2)]),
        (D.HalfNormal, x, [t(0.5, 2)]),
        (D.Uniform, x, [t(0.1, -1), t(0.5, 2)]),
        (D.Exponential, x, [t(0.5, 2)]),
        (D.Gamma, x, [t(0.5, 2), t(0.5, 2)]),
        (D.Beta, x, [t(0.5, 2), t(0.5, 2)]),
        (D.Dirichlet, handtorch.from_numpy(half / half.sum()), [t(0.5, 2)]),
        (D.Poisson, counts, [t(0.5, 2)]),
        (D.Geometric, counts, [t(0.5, 0.2)]),
        (lambda p: D.Binomial(5, p), counts, [t(0.5, 0.2)]),
        (lambda p: D.Bernoulli(p), counts.clamp(max=1), [t(0.5, 0.2)]),
        (lambda logits: D.Bernoulli(logits=logits), counts.clamp(max=1), [t(0.5, 0.2)]),
        (lambda p: D.Categorical(p), counts - 1, [t(0.5, 0.2, 3, 1)]),
        (lambda logits: D.Categorical(logits=logits), counts - 1, [t(0.5, 0.2, 3, 1)]),
        (lambda p: D.Multinomial(5, p), counts, [t(0.5, 0.2)]),
        (lambda p: D.RelaxedBernoulli(t(0.7).detach(), p), x, [t(0.5, 0.2)]),
    ],
)
def test_densities_have_gradients(make, value, parameters):
    gradcheck(lambda *parameters: make(*parameters).log_prob(value), parameters)


def test_densities_have_gradients_by_the_value():
    value = handtorch.from_numpy(half.copy()).requires_grad_()
    for made in (D.Normal(0.3, 2.0), D.Gamma(t(2), t(3)), D.Beta(2.0, 3.0), D.LogNormal(0.1, 0.5)):
        gradcheck(made.log_prob, [value])
