"""Distributions against the installed PyTorch: same samples for the same seed, same densities, moments, gradients."""

from __future__ import annotations

import numpy as np
import pytest

import handtorch

torch = pytest.importorskip("torch")
if torch.backends.cpu.get_cpu_capability() not in ("AVX2", "AVX512"):
    pytest.skip("without fused multiply-add PyTorch rounds otherwise in the last bit", allow_module_level=True)

DTYPES = ["float64", "float32"]
CLOSE = {"float64": 1e-10, "float32": 5e-6}


class Maker:
    """Makes the same distributions in one library or the other, and keeps their parameters."""

    def __init__(self, library, dtype):
        self.library, self.D, self.dtype = library, library.distributions, getattr(library, dtype)
        self.parameters = []

    def __call__(self, *values):
        made = self.library.tensor(list(values), dtype=self.dtype).requires_grad_()
        self.parameters.append(made)
        return made

    def fixed(self, *values):
        return self.library.tensor(list(values), dtype=self.dtype)

    def mixture_of_vectors(self):
        parts = self.D.Normal(self([1.0, 2], [0, 1], [3, 4]), self([1.0, 2], [3, 1], [1, 1]))
        return self.D.MixtureSameFamily(self.D.Categorical(self(0.3, 0.2, 0.5)), self.D.Independent(parts, 1))

    def squashed(self):
        steps = [self.D.SigmoidTransform(), self.D.AffineTransform(self.fixed(1.0, 2, 3), -2.0)]
        return self.D.TransformedDistribution(self.D.Normal(self(0.3, -1, 2), self(0.5, 1.5, 3)), steps)


MAKERS = {
    "Normal": lambda m: m.D.Normal(m(0.3, -1, 2), m(0.5, 1.5, 3)),
    "Normal of a number": lambda m: m.D.Normal(m(0.3, -1, 2), 2.0),
    "Laplace": lambda m: m.D.Laplace(m(0.3, -1, 2), m(0.5, 1.5, 3)),
    "Cauchy": lambda m: m.D.Cauchy(m(0.3, -1, 2), m(0.5, 1.5, 3)),
    "Gumbel": lambda m: m.D.Gumbel(m(0.3, -1, 2), m(0.5, 1.5, 3)),
    "Uniform": lambda m: m.D.Uniform(m(0.1, 0.2, 0.3), m(0.5, 0.9, 0.8)),
    "Exponential": lambda m: m.D.Exponential(m(0.5, 1, 4)),
    "Gamma": lambda m: m.D.Gamma(m(0.5, 1.5, 4), m(2, 0.7, 1)),
    "Chi2": lambda m: m.D.Chi2(m(0.5, 2, 5)),
    "Beta": lambda m: m.D.Beta(m(0.5, 2, 5), m(0.7, 1, 9)),
    "Dirichlet": lambda m: m.D.Dirichlet(m([0.5, 2, 5], [1, 2, 0.3], [0.3, 0.4, 0.5])),
    "MultivariateNormal": lambda m: m.D.MultivariateNormal(m([1, 2], [0, 1], [3, 0.5]), m([2, 0.3], [0.3, 1])),
    "MultivariateNormal by precision": lambda m: m.D.MultivariateNormal(
        m(1, 2), precision_matrix=m([2, 0.3], [0.3, 1])
    ),
    "MultivariateNormal by scale": lambda m: m.D.MultivariateNormal(m(1, 2), scale_tril=m([2, 0], [0.3, 1])),
    "Poisson": lambda m: m.D.Poisson(m(0.5, 3, 20)),
    "Bernoulli": lambda m: m.D.Bernoulli(m(0.2, 0.5, 0.9)),
    "Bernoulli by logits": lambda m: m.D.Bernoulli(logits=m(-2, 0.5, 3)),
    "Geometric": lambda m: m.D.Geometric(m(0.2, 0.5, 0.9)),
    "Binomial": lambda m: m.D.Binomial(7, m(0.2, 0.5, 0.9)),
    "Binomial by logits": lambda m: m.D.Binomial(m.fixed(7, 3, 20), logits=m(-2, 0.5, 3)),
    "Categorical": lambda m: m.D.Categorical(m([1, 2, 5], [0, 2, 3])),
    "Categorical by logits": lambda m: m.D.Categorical(logits=m([1, 2, 5], [0, 2, 3])),
    "OneHotCategorical": lambda m: m.D.OneHotCategorical(m([1, 2, 5], [1, 2, 3])),
    "straight through": lambda m: m.D.OneHotCategoricalStraightThrough(logits=m([1, 2, 5], [1, 2, 3])),
    "Multinomial": lambda m: m.D.Multinomial(9, m([1, 2, 5], [1, 2, 3])),
    "StudentT": lambda m: m.D.StudentT(m(0.5, 2, 5), m(0.3, -1, 2), m(0.5, 1.5, 3)),
    "LogNormal": lambda m: m.D.LogNormal(m(0.3, -1, 2), m(0.5, 1.5, 0.3)),
    "HalfNormal": lambda m: m.D.HalfNormal(m(0.5, 1.5, 3)),
    "RelaxedBernoulli": lambda m: m.D.RelaxedBernoulli(m.fixed(0.7), m(0.2, 0.5, 0.9)),
    "RelaxedOneHotCategorical": lambda m: m.D.RelaxedOneHotCategorical(m.fixed(0.7), m([1, 2, 5], [1, 2, 3])),
    "Independent": lambda m: m.D.Independent(m.D.Normal(m(0.3, -1, 2), m(0.5, 1.5, 3)), 1),
    "mixture": lambda m: m.D.MixtureSameFamily(
        m.D.Categorical(m(0.3, 0.2, 0.5)), m.D.Normal(m(0.3, -1, 2), m(1, 2, 3))
    ),
    "mixture of vectors": Maker.mixture_of_vectors,
    "squashed": Maker.squashed,
}


def both(name, dtype="float64"):
    mine, theirs = Maker(handtorch, dtype), Maker(torch, dtype)
    return MAKERS[name](mine), MAKERS[name](theirs), mine, theirs


def seed(number):
    handtorch.manual_seed(number)
    torch.manual_seed(number)


def assert_close(ours, theirs, tolerance):
    ours, theirs = ours.detach().numpy(), theirs.detach().numpy()
    assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
    np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)


def assert_same_gradients(ours, theirs, mine, other, tolerance):
    """Of a random weighting of the results by all parameters."""
    weights = torch.linspace(0.5, 1.5, theirs.numel(), dtype=theirs.dtype).reshape(theirs.shape)
    theirs_g = torch.autograd.grad((theirs * weights).sum(), other.parameters, allow_unused=True)
    weighted = (ours * handtorch.from_numpy(weights.numpy())).sum()
    ours_g = handtorch.autograd.grad(weighted, mine.parameters, allow_unused=True)
    for a, b in zip(ours_g, theirs_g, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            assert_close(a, b, tolerance)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", MAKERS)
def test_same_seed_same_samples_and_the_generator_ends_in_the_same_state(name, dtype):
    ours, theirs, *_ = both(name, dtype)
    assert tuple(ours.batch_shape) == tuple(theirs.batch_shape)
    assert tuple(ours.event_shape) == tuple(theirs.event_shape)
    assert ours.has_rsample == (theirs.has_rsample or name.startswith("Relaxed"))
    for shape in ((), (5,), (2, 3)):
        seed(7)
        drawn, expected = ours.sample(shape), theirs.sample(shape)
        assert not drawn.requires_grad
        assert_close(drawn, expected, {"float64": 1e-14, "float32": 1e-6}[dtype])
        np.testing.assert_array_equal(handtorch.get_rng_state().numpy(), torch.get_rng_state().numpy())


@pytest.mark.parametrize("name", [name for name in MAKERS if both(name)[1].has_rsample])
def test_samples_have_pytorchs_gradients(name):
    """Those of gamma numbers up to PyTorch's own error, which is up to 1e-4 of them (7e-3 for tiny concentrations)."""
    ours, theirs, mine, other = both(name)
    seed(3)
    approximate = name in ("Gamma", "Chi2", "Beta", "Dirichlet", "StudentT")
    drawn, expected = ours.rsample((20,)), theirs.rsample((20,))
    assert_same_gradients(drawn, expected, mine, other, 2e-3 if approximate else 1e-10)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", MAKERS)
def test_log_prob_and_cdf_and_their_gradients(name, dtype):
    for method in ("log_prob", "cdf"):
        ours, theirs, mine, other = both(name, dtype)
        values = theirs.sample((4,)).detach()
        try:
            expected = getattr(theirs, method)(values)
        except NotImplementedError:
            continue
        got = getattr(ours, method)(handtorch.from_numpy(values.numpy().copy()))
        assert_close(got, expected, 10 * CLOSE[dtype])
        # PyTorch has no derivative of the gamma distribution function by the concentration, and none at p = 0
        without = name == "Categorical" or (name in ("Gamma", "Chi2") and method == "cdf")
        if dtype == "float64" and expected.requires_grad and not without:
            assert_same_gradients(got, expected, mine, other, 1e-9)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", MAKERS)
def test_moments_and_entropy(name, dtype):
    ours, theirs, *_ = both(name, dtype)
    for what in ("mean", "mode", "variance", "stddev", "entropy", "perplexity"):
        try:
            expected = getattr(theirs, what)
            expected = expected() if callable(expected) else expected
        except NotImplementedError:
            continue
        got = getattr(ours, what)
        # PyTorch takes log n! of a multinomial in single precision
        tolerance = 5e-6 if name == "Multinomial" else 10 * CLOSE[dtype]
        assert_close(got() if callable(got) else got, expected, tolerance)


@pytest.mark.parametrize("name", MAKERS)
def test_quantiles(name):
    ours, theirs, *_ = both(name)
    p = torch.tensor([[0.01], [0.3], [0.9]], dtype=torch.float64)
    try:
        expected = theirs.icdf(p)
    except NotImplementedError:
        return
    assert_close(ours.icdf(handtorch.from_numpy(p.numpy())), expected, 1e-12)


@pytest.mark.parametrize("name", MAKERS)
def test_expanded_distributions_draw_the_same(name):
    ours, theirs, *_ = both(name)
    shape = (4, *ours.batch_shape)
    larger, expected = ours.expand(shape), theirs.expand(shape)
    assert tuple(larger.batch_shape) == shape
    seed(2)
    assert_close(larger.sample((2,)), expected.sample((2,)), 1e-14)


@pytest.mark.parametrize("name", MAKERS)
def test_the_values_of_a_support_are_counted_in_the_same_order(name):
    ours, theirs, *_ = both(name)
    assert ours.has_enumerate_support == theirs.has_enumerate_support
    if theirs.has_enumerate_support and name != "Binomial by logits":
        for expand in (True, False):
            assert_close(ours.enumerate_support(expand), theirs.enumerate_support(expand), 0)


PAIRS = [(a, b) for a in MAKERS for b in MAKERS if tuple(both(a)[1].batch_shape) == tuple(both(b)[1].batch_shape)]


def divergence(library, p, q):
    try:
        return library.distributions.kl_divergence(p, q)
    except NotImplementedError:
        return None


def test_divergences_of_all_pairs_that_pytorch_knows_and_their_gradients():
    known = 0
    for a, b in PAIRS:
        p, other_p, mine_p, theirs_p = both(a)
        q, other_q, mine_q, theirs_q = both(b)
        expected, got = divergence(torch, other_p, other_q), divergence(handtorch, p, q)
        assert (expected is None) == (got is None), (a, b)
        if expected is None:
            continue
        known += 1
        assert_close(got, expected, 1e-10)
        if expected.requires_grad and np.isfinite(expected.detach().numpy()).all():
            mine_p.parameters += mine_q.parameters
            theirs_p.parameters += theirs_q.parameters
            if "Categorical" not in (a, b):  # of which one p is 0
                assert_same_gradients(got, expected, mine_p, theirs_p, 1e-8)
    assert known > 70


TRANSFORMS = {
    "Abs": lambda D, t: D.AbsTransform(),
    "Affine": lambda D, t: D.AffineTransform(t([1.0, 2, 3]), t([-2.0, 1, 4])),
    "Affine of numbers": lambda D, t: D.AffineTransform(1.5, -2.0),
    "Affine of vectors": lambda D, t: D.AffineTransform(1.5, -2.0, event_dim=1),
    "Exp": lambda D, t: D.ExpTransform(),
    "Power": lambda D, t: D.PowerTransform(t(1.7)),
    "Sigmoid": lambda D, t: D.SigmoidTransform(),
    "Softplus": lambda D, t: D.SoftplusTransform(),
    "Tanh": lambda D, t: D.TanhTransform(),
    "Softmax": lambda D, t: D.SoftmaxTransform(),
    "StickBreaking": lambda D, t: D.StickBreakingTransform(),
    "Reshape": lambda D, t: D.ReshapeTransform((2, 3), (3, 2)),
    "Independent": lambda D, t: D.IndependentTransform(D.ExpTransform(), 1),
    "Compose": lambda D, t: D.ComposeTransform([D.TanhTransform(), D.AffineTransform(1.0, 0.5), D.ExpTransform().inv]),
    "Compose of vectors": lambda D, t: D.ComposeTransform([D.AffineTransform(0.0, 2.0), D.StickBreakingTransform()]),
    "Cat": lambda D, t: D.CatTransform([D.ExpTransform(), D.TanhTransform()], -1, [1, 2]),
    "Stack": lambda D, t: D.StackTransform([D.ExpTransform(), D.TanhTransform(), D.SigmoidTransform()], -1),
    "CumulativeDistribution": lambda D, t: D.CumulativeDistributionTransform(D.Normal(t(0.5), t(2.0))),
    "inverse": lambda D, t: D.ExpTransform().inv,
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_transforms_their_inverses_and_jacobians(name):
    ours = TRANSFORMS[name](handtorch.distributions, handtorch.tensor)
    theirs = TRANSFORMS[name](torch.distributions, torch.tensor)
    x = torch.linspace(-0.8, 0.9, 12, dtype=torch.float64).reshape(2, 2, 3)
    if name in ("Power", "inverse"):
        x = x.abs() + 0.1
    y = theirs(x)
    mine = ours(handtorch.from_numpy(x.numpy()))
    assert_close(mine, y, 1e-7)
    assert_close(ours.inv(mine), theirs.inv(y), 1e-7)
    assert ours.bijective == theirs.bijective
    assert tuple(ours.forward_shape((2, 2, 3))) == tuple(theirs.forward_shape((2, 2, 3)))
    assert tuple(ours.inverse_shape(mine.shape)) == tuple(theirs.inverse_shape(y.shape))
    if theirs.bijective:
        jacobian = ours.log_abs_det_jacobian(handtorch.from_numpy(x.numpy()), mine)
        assert_close(jacobian, theirs.log_abs_det_jacobian(x, y), 1e-7)


@pytest.mark.parametrize("registry", ["biject_to", "transform_to"])
@pytest.mark.parametrize(
    "constraint",
    [
        lambda c: c.real,
        lambda c: c.positive,
        lambda c: c.nonnegative,
        lambda c: c.greater_than(2.0),
        lambda c: c.less_than(2.0),
        lambda c: c.interval(-1.0, 3.0),
        lambda c: c.unit_interval,
        lambda c: c.simplex,
        lambda c: c.independent(c.positive, 1),
        lambda c: c.cat([c.positive, c.unit_interval], -1, [1, 2]),
        lambda c: c.stack([c.positive, c.real, c.unit_interval], -1),
    ],
)
def test_from_all_numbers_into_a_constraint(registry, constraint):
    x = torch.linspace(-2, 2, 6, dtype=torch.float64).reshape(2, 3)
    theirs = getattr(torch.distributions, registry)(constraint(torch.distributions.constraints))(x)
    inside = constraint(handtorch.distributions.constraints)
    ours = getattr(handtorch.distributions, registry)(inside)(handtorch.from_numpy(x.numpy()))
    assert_close(ours, theirs, 1e-12)
    assert inside.check(ours).all()


@pytest.mark.parametrize(
    ("what", "make"),
    [
        ("a negative scale", lambda D, t: D.Normal(t([0.0]), t([-1.0]))),
        ("a location that is no number", lambda D, t: D.Normal(t([float("nan")]), t([1.0]))),
        ("a probability above one", lambda D, t: D.Bernoulli(t([1.5]))),
        ("both parameters", lambda D, t: D.Bernoulli(t([0.5]), t([0.5]))),
        ("neither parameter", lambda D, t: D.Categorical()),
        ("no axis", lambda D, t: D.Categorical(t(0.5))),
        ("negative weights", lambda D, t: D.Categorical(t([0.5, -1.0]))),
        ("ends that have changed places", lambda D, t: D.Uniform(t([2.0]), t([1.0]))),
        ("a concentration of zero", lambda D, t: D.Gamma(t([0.0]), t([1.0]))),
        ("a sample of a wrong shape", lambda D, t: D.Normal(t([0.0, 0.0]), t([1.0, 1.0])).log_prob(t([1.0, 2.0, 3.0]))),
        ("a sample outside the support", lambda D, t: D.Uniform(t([0.0]), t([1.0])).log_prob(t([2.0]))),
        ("half a coin flip", lambda D, t: D.Bernoulli(t([0.5])).log_prob(t([0.5]))),
        ("a category that is not there", lambda D, t: D.Categorical(t([0.5, 0.5])).log_prob(t(2))),
        ("a number for a sample", lambda D, t: D.Normal(t([0.0]), t([1.0])).log_prob(1.0)),
        ("a parameter that is a string", lambda D, t: D.Normal("0", t([1.0]))),
        ("too many axes", lambda D, t: D.Independent(D.Normal(t([0.0]), t([1.0])), 2)),
    ],
)
def test_what_pytorch_refuses_is_refused_with_its_words(what, make):
    with pytest.raises(ValueError) as theirs:
        make(torch.distributions, torch.tensor)
    with pytest.raises(ValueError) as ours:
        make(handtorch.distributions, handtorch.tensor)
    assert str(ours.value).split()[:4] == str(theirs.value).split()[:4]
