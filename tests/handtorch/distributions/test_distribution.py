"""What all distributions have: shapes, checks, expansion, and classes of one's own."""

import subprocess
import sys

import numpy as np
import pytest

import handtorch
from handtorch import distributions as D
from handtorch.distributions.utils import broadcast_all, lazy_property, logits_to_probs, probs_to_logits
from handtorch.errors import ArgumentError


def test_shapes_of_samples_batches_and_events():
    batch = D.Normal(handtorch.zeros(3, 1), handtorch.ones(4))
    assert (batch.batch_shape, batch.event_shape) == ((3, 4), ())
    assert batch.sample((2,)).shape == (2, 3, 4)
    vectors = D.Independent(batch, 1)
    assert (vectors.batch_shape, vectors.event_shape) == ((3,), (4,))
    assert vectors.log_prob(vectors.sample((2,))).shape == (2, 3)
    assert D.Categorical(handtorch.ones(2, 5)).sample((3,)).shape == (3, 2)
    assert D.Normal(0.0, 1.0).sample().shape == ()


def test_an_error_names_the_parameter_the_constraint_and_the_values():
    with pytest.raises(ValueError) as caught:
        D.Normal(handtorch.zeros(2), handtorch.tensor([1.0, -1.0]))
    assert str(caught.value) == (
        "Expected parameter scale (Tensor of shape (2,)) of distribution Normal(loc: handtorch.Size([2]), scale: "
        "handtorch.Size([2])) to satisfy the constraint GreaterThan(lower_bound=0.0), but found invalid values:\n"
        "tensor([ 1., -1.])"
    ).replace("handtorch.Size", repr(handtorch.Size([2])).split("(")[0])


def test_a_sample_outside_the_support_is_named_with_the_support():
    with pytest.raises(ArgumentError, match=r"within the support \(Interval\(lower_bound=0.0, upper_bound=1.0\)\)"):
        D.Beta(1.0, 1.0).log_prob(handtorch.tensor(1.5))


def test_checks_can_be_left_out():
    assert D.Normal(0.0, -1.0, validate_args=False).scale == -1
    outside = D.Uniform(0.0, 1.0, validate_args=False).log_prob(handtorch.tensor(2.0))
    assert outside.item() == -np.inf
    D.Distribution.set_default_validate_args(False)
    try:
        D.Normal(0.0, -1.0)
    finally:
        D.Distribution.set_default_validate_args(True)
    with pytest.raises(ArgumentError, match="scale"):
        D.Normal(0.0, -1.0)


def test_an_expanded_distribution_shares_its_parameters():
    small = D.Categorical(logits=handtorch.tensor([0.0, 1.0]))
    large = small.expand((3, 2))
    assert large.logits.shape == (3, 2, 2)
    assert np.shares_memory(large.logits.numpy(), small.logits.numpy())
    assert small.batch_shape == ()
    np.testing.assert_array_equal(large.probs[2, 1].numpy(), small.probs.numpy())


def test_gradients_reach_parameters_through_what_is_computed_once():
    logits = handtorch.zeros(3, requires_grad=True)
    with handtorch.no_grad():
        coin = D.Bernoulli(logits=logits)
        coin.sample()  # computes probs
    coin.probs.sum().backward()
    np.testing.assert_allclose(logits.grad.numpy(), 0.25)


def test_a_class_of_ones_own_in_the_style_of_pytorch():
    class Triangular(D.Distribution):
        arg_constraints = {"width": D.constraints.positive}  # noqa: RUF012  # as PyTorch's users write it
        support = D.constraints.real
        has_rsample = True

        def __init__(self, width, validate_args=None):
            (self.width,) = broadcast_all(width)
            super().__init__(self.width.size(), validate_args=validate_args)

        def expand(self, batch_shape, _instance=None):
            new = self._get_checked_instance(Triangular, _instance)
            new.width = self.width.expand(batch_shape)
            super(Triangular, new).__init__(batch_shape, validate_args=False)
            new._validate_args = self._validate_args
            return new

        def rsample(self, sample_shape=()):
            u = handtorch.rand(2, *self._extended_shape(sample_shape))
            return self.width * (u[0] - u[1])

        @lazy_property
        def height(self):
            return 1 / self.width

    made = Triangular(handtorch.tensor([1.0, 2.0]))
    assert made.expand((3, 2)).sample((4,)).shape == (4, 3, 2)
    assert made.height.tolist() == [1.0, 0.5]
    assert repr(made) == f"Triangular(width: {handtorch.Size([2])})"
    with pytest.raises(ArgumentError, match="width"):
        Triangular(-1.0)
    with pytest.raises(NotImplementedError, match="Triangular does not implement log_prob"):
        made.log_prob(handtorch.zeros(2))

    class Widened(Triangular):
        def __init__(self):
            super().__init__(3.0)

    with pytest.raises(NotImplementedError, match="expand"):
        Widened().expand((2,))


def test_probabilities_and_log_odds_are_each_others_inverses():
    p = handtorch.tensor([0.1, 0.4, 0.5], dtype=handtorch.float64)
    np.testing.assert_allclose(logits_to_probs(probs_to_logits(p)).numpy(), p.numpy())
    np.testing.assert_allclose(logits_to_probs(probs_to_logits(p, True), True).numpy(), p.numpy())
    assert np.isfinite(probs_to_logits(handtorch.tensor([0.0, 1.0]), True).numpy()).all()


@pytest.mark.parametrize(
    ("constraint", "inside", "outside"),
    [
        (D.constraints.boolean, [0.0, 1], [0.5]),
        (D.constraints.real, [0.0, np.inf], [np.nan]),
        (D.constraints.positive, [0.1, np.inf], [0.0, np.nan]),
        (D.constraints.nonnegative, [0.0], [-0.1]),
        (D.constraints.nonnegative_integer, [0.0, 7], [0.5, -1]),
        (D.constraints.positive_integer, [1.0], [0.0]),
        (D.constraints.integer_interval(2, 4), [2.0, 4], [1.0, 5, 2.5]),
        (D.constraints.less_than(2), [1.9], [2.0]),
        (D.constraints.half_open_interval(0, 1), [0.0], [1.0]),
        (D.constraints.simplex, [[0.2, 0.8]], [[0.2, 0.9], [-0.1, 1.1]]),
        (D.constraints.one_hot, [[0.0, 1]], [[1.0, 1], [0.5, 0.5]]),
        (D.constraints.multinomial(3), [[1.0, 2]], [[2.0, 2], [-1.0, 2]]),
        (D.constraints.lower_triangular, [[[1.0, 0], [2, 0]]], [[[1.0, 1], [2, 0]]]),
        (D.constraints.lower_cholesky, [[[1.0, 0], [2, 1]]], [[[1.0, 0], [2, -1]]]),
        (D.constraints.corr_cholesky, [[[1.0, 0], [0.6, 0.8]]], [[[1.0, 0], [0.6, 0.9]]]),
        (D.constraints.symmetric, [[[1.0, 2], [2, 1]]], [[[1.0, 2], [3, 1]]]),
        (D.constraints.square, [[[1.0, 2], [2, 1]]], [[[1.0, 2]]]),
        (D.constraints.independent(D.constraints.positive, 1), [[1.0, 2]], [[1.0, -2]]),
    ],
)
def test_what_lies_inside_a_constraint(constraint, inside, outside):
    assert constraint.check(handtorch.tensor(inside)).all()
    assert not constraint.check(handtorch.tensor(outside)).any()


def test_a_constraint_that_depends_on_other_parameters_cannot_be_checked():
    assert D.constraints.is_dependent(D.Uniform.support)
    assert not D.Uniform.support.is_discrete
    with pytest.raises(ArgumentError, match="dependent"):
        D.constraints.dependent.check(handtorch.zeros(1))
    with pytest.raises(NotImplementedError, match="event_dim"):
        _ = D.constraints.dependent.event_dim


def test_the_package_is_imported_when_it_is_first_used():
    code = "import sys, handtorch; assert 'handtorch.distributions' not in sys.modules; handtorch.distributions.Normal"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_all_names_are_there():
    for name in D.__all__:
        assert getattr(D, name) is not None
