"""Transforms: their inverses undo them, their Jacobians are what differentiation says, and distributions follow."""

import pickle

import numpy as np
import pytest
import scipy.stats as stats

import handtorch
from handtorch import distributions as D
from handtorch.autograd.functional import jacobian
from handtorch.errors import ArgumentError


def t(*values):
    return handtorch.tensor(list(values), dtype=handtorch.float64)


ONE_TO_ONE = [
    D.ExpTransform(),
    D.ExpTransform().inv,
    D.PowerTransform(t(1.7)),
    D.PowerTransform(-2.0),
    D.SigmoidTransform(),
    D.SoftplusTransform(),
    D.TanhTransform(),
    D.AffineTransform(1.0, -2.0),
    D.AffineTransform(t(1.0, 2, 3), t(-2.0, 1, 4), event_dim=1),
    D.StickBreakingTransform(),
    D.ReshapeTransform((3,), (3, 1)),
    D.IndependentTransform(D.ExpTransform(), 1),
    D.ComposeTransform([D.ExpTransform(), D.AffineTransform(0.0, 2.0), D.StickBreakingTransform()]),
    D.CatTransform([D.ExpTransform(), D.TanhTransform()], -1, [1, 2]),
    D.StackTransform([D.ExpTransform(), D.TanhTransform(), D.SigmoidTransform()], -1),
    D.CumulativeDistributionTransform(D.Normal(t(0.5), t(2.0))),
    D.identity_transform,
]
x = t(0.3, 0.8, 0.5)


@pytest.mark.parametrize("transform", ONE_TO_ONE, ids=lambda t: type(t).__name__)
def test_the_inverse_and_the_determinant_of_the_jacobian(transform):
    y = transform(x)
    np.testing.assert_allclose(transform.inv(y).numpy(), x.numpy(), rtol=1e-7)
    assert transform.inv.inv is transform
    slopes = jacobian(lambda x: transform(x).flatten()[:3], x).numpy()  # of K shares the first K - 1 say all
    expected = np.log(abs(np.linalg.det(slopes)))
    got = transform.log_abs_det_jacobian(x, y).sum()
    assert float(got) == pytest.approx(expected, rel=1e-6)
    assert float(transform.inv.log_abs_det_jacobian(y, x).sum()) == pytest.approx(-expected, rel=1e-6)
    assert tuple(transform.forward_shape(x.shape)) == tuple(y.shape)
    assert tuple(transform.inverse_shape(y.shape)) == tuple(x.shape)
    assert handtorch.as_tensor(transform.codomain.check(y)).all()


@pytest.mark.parametrize("transform", [D.AbsTransform(), D.SoftmaxTransform()])
def test_transforms_that_are_not_one_to_one_can_be_done_again_after_their_inverse(transform):
    y = transform(x - 0.4)
    np.testing.assert_allclose(transform(transform.inv(y)).numpy(), y.numpy(), rtol=1e-12)
    assert not transform.bijective
    with pytest.raises(NotImplementedError, match="Jacobian"):
        transform.log_abs_det_jacobian(x, y)


def test_triangular_factors():
    y = D.LowerCholeskyTransform()(handtorch.randn(2, 3, 3))
    assert D.constraints.lower_cholesky.check(y).tolist() == [True, True]
    np.testing.assert_allclose(
        D.LowerCholeskyTransform()(D.LowerCholeskyTransform().inv(y)).numpy(), y.numpy(), rtol=1e-6
    )


def test_a_cache_makes_the_inverse_exact():
    transform = D.TanhTransform(cache_size=1)
    far = t(25.0)  # where tanh is 1 in double precision
    assert transform.inv(transform(far)) is far
    assert np.isinf(D.TanhTransform().inv(D.TanhTransform()(far)).item())
    assert transform.with_cache(1) is transform
    assert D.ComposeTransform([D.TanhTransform()], cache_size=1).inv(D.TanhTransform()(x)) is not None
    with pytest.raises(ArgumentError, match="cache_size"):
        D.TanhTransform(cache_size=2)


def test_equal_transforms_are_equal_and_survive_pickling():
    assert D.ExpTransform() == D.ExpTransform() != D.TanhTransform()
    assert D.AffineTransform(0.0, t(1.0, 2)) == D.AffineTransform(t(0.0, 0), t(1.0, 2))
    assert D.AffineTransform(0.0, 1.0) != D.AffineTransform(0.0, 2.0)
    assert D.ExpTransform().inv == D.ExpTransform().inv
    assert pickle.loads(pickle.dumps(D.ComposeTransform([D.AffineTransform(0.0, 2.0)]))).parts[0].scale == 2.0


def test_a_transformed_distribution_has_the_density_of_its_samples():
    base = D.Normal(t(0.3), t(0.7))
    squashed = D.TransformedDistribution(base, [D.SigmoidTransform(), D.AffineTransform(1.0, -2.0)])
    y = np.linspace(-0.99, 0.99, 20_001)
    density = squashed.log_prob(t(*y).reshape(-1, 1)).exp().numpy()[:, 0]
    assert np.trapezoid(density, y) == pytest.approx(1, abs=1e-4)
    handtorch.manual_seed(0)
    drawn = squashed.sample((2000,)).numpy()[:, 0]
    cdf = lambda y: squashed.cdf(t(*y).reshape(-1, 1)).numpy()[:, 0]  # noqa: E731
    assert stats.kstest(drawn, cdf).pvalue > 1e-4
    np.testing.assert_allclose(squashed.icdf(squashed.cdf(t(0.3))).numpy(), [0.3])


def test_a_transform_that_mixes_makes_batches_into_events():
    base = D.Normal(handtorch.zeros(4, 2), handtorch.ones(4, 2))
    simplex = D.TransformedDistribution(base, D.StickBreakingTransform())
    assert (simplex.batch_shape, simplex.event_shape) == ((4,), (3,))
    drawn = simplex.sample((5,))
    assert drawn.shape == (5, 4, 3)
    assert simplex.log_prob(drawn).shape == (5, 4)
    assert simplex.expand((6, 4)).sample().shape == (6, 4, 3)
    with pytest.raises(ArgumentError, match="at least 1"):
        D.TransformedDistribution(D.Normal(0.0, 1.0), D.StickBreakingTransform())


def test_a_batch_of_transforms_makes_a_batch_of_distributions():
    made = D.TransformedDistribution(D.Normal(0.0, 1.0), D.AffineTransform(t(1.0, 2, 3), 1.0))
    assert made.batch_shape == (3,)
    assert made.sample().shape == (3,)
