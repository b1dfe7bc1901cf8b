"""Random tensors: every way of asking for them, what is refused, and what gradients pass."""

import numpy as np
import pytest

import handtorch
from handtorch import random
from handtorch.errors import DeviceError, DtypeError, GradientError, ShapeError
from handtorch.random import SamplingError


def seeded(number=0):
    return handtorch.Generator().manual_seed(number)


FACTORIES = {
    "rand": lambda **options: handtorch.rand(2, 3, generator=seeded(), **options),
    "randn": lambda **options: handtorch.randn(2, 3, generator=seeded(), **options),
    "randint": lambda **options: handtorch.randint(5, (2, 3), generator=seeded(), **options),
    "randperm": lambda **options: handtorch.randperm(6, generator=seeded(), **options).reshape(2, 3),
    "normal": lambda **options: handtorch.normal(1.0, 2.0, (2, 3), generator=seeded(), **options),
    "rand_like": lambda **options: handtorch.rand_like(handtorch.zeros(2, 3), generator=seeded(), **options),
    "randn_like": lambda **options: handtorch.randn_like(handtorch.zeros(2, 3), generator=seeded(), **options),
    "randint_like": lambda **options: handtorch.randint_like(handtorch.zeros(2, 3), 5, generator=seeded(), **options),
}


@pytest.mark.parametrize("name", FACTORIES)
def test_factories_take_the_keywords_of_all_factories(name):
    make = FACTORIES[name]
    assert make(dtype=handtorch.float64).dtype is handtorch.float64
    assert make(dtype=handtorch.float32, requires_grad=True).requires_grad
    assert make(device="cpu", layout=handtorch.strided, pin_memory=False).shape == (2, 3)
    assert make().tolist() == make().tolist()
    with pytest.raises(DeviceError):
        make(device="cuda")
    with pytest.raises(TypeError, match="colour"):
        make(colour="red")


@pytest.mark.parametrize("size", [(2, 3), ((2, 3),), ([2, 3],), (handtorch.Size([2, 3]),)])
def test_sizes_come_as_integers_or_as_one_sequence(size):
    assert handtorch.rand(*size).shape == (2, 3)
    assert handtorch.randn(*size).shape == (2, 3)


def test_results_can_be_put_into_a_tensor():
    out = handtorch.empty(0)
    assert handtorch.rand(4, generator=seeded(), out=out) is out
    np.testing.assert_array_equal(out.numpy(), handtorch.rand(4, generator=seeded()).numpy())
    places = handtorch.empty(0, dtype=handtorch.int64)
    assert handtorch.multinomial(handtorch.ones(3), 2, out=places) is places
    with pytest.raises(DtypeError, match="Long"):
        handtorch.multinomial(handtorch.ones(3), 2, out=out)
    with pytest.raises(ShapeError, match="unsupported operation"):
        handtorch.bernoulli(handtorch.full((3,), 0.5), out=handtorch.zeros(1).expand(3))


def test_whole_numbers_between_bounds():
    assert set(handtorch.randint(3, (100,)).tolist()) == {0, 1, 2}
    assert set(handtorch.randint(2, 4, (100,)).tolist()) == {2, 3}
    assert set(handtorch.randint(high=2, size=(100,)).tolist()) == {0, 1}
    assert set(handtorch.randint_like(handtorch.zeros(100), 2, 4).tolist()) == {2.0, 3.0}
    with pytest.raises(SamplingError, match="low < high"):
        handtorch.randint(3, 3, (2,))
    with pytest.raises(TypeError, match="size"):
        handtorch.randint(3, 4)
    with pytest.raises(SamplingError, match="255"):
        handtorch.randperm(300, dtype=handtorch.uint8)


def test_normal_numbers_each_with_a_mean_and_a_deviation_of_its_own():
    mean = handtorch.tensor([0.0, 100.0])
    std = handtorch.tensor([[1.0], [0.0]])
    drawn = handtorch.normal(mean, std, generator=seeded())
    z = handtorch.randn(2, 2, generator=seeded())
    np.testing.assert_array_equal(drawn.numpy(), (z * std + mean).numpy())
    assert handtorch.normal(5.0, std).shape == (2, 1)
    with pytest.raises(SamplingError, match="std >= 0"):
        handtorch.normal(mean, -std)
    with pytest.raises(ShapeError, match="broadcast"):
        handtorch.normal(mean, handtorch.ones(3))
    with pytest.raises(TypeError, match="size"):
        handtorch.normal(0.0, 1.0)


FILLS = {
    "uniform_": ({"to": 3.0}, lambda x: ((x >= 0) & (x < 3)).all()),
    "normal_": ({"mean": 1.0, "std": 2.0}, lambda x: (x != 0).all()),
    "log_normal_": ({"mean": 1.0, "std": 2.0}, lambda x: (x > 0).all()),
    "exponential_": ({"lambd": 2.0}, lambda x: (x >= 0).all()),
    "cauchy_": ({"median": 1.0, "sigma": 2.0}, lambda x: (x != 0).all()),
    "geometric_": ({"p": 0.3}, lambda x: (x >= 1).all() & (x % 1 == 0).all()),
    "bernoulli_": ({"p": 0.3}, lambda x: np.isin(x, [0, 1]).all()),
    "random_": ({"to": 9}, lambda x: np.isin(x, range(9)).all()),
}


@pytest.mark.parametrize("name", FILLS)
def test_filling_a_tensor(name):
    options, holds = FILLS[name]
    x = handtorch.zeros(3, 4)
    version = x._version
    assert getattr(x, name)(**options, generator=seeded()) is x
    assert holds(x.numpy())
    assert x._version == version + 1


@pytest.mark.parametrize("name", FILLS)
def test_no_gradient_passes_through_what_was_filled(name):
    options, _ = FILLS[name]
    x = handtorch.ones(3, 4, requires_grad=True)
    with pytest.raises(GradientError, match="leaf"):
        getattr(x, name)(**options)
    y = x * 2
    getattr(y, name)(**options)
    y.sum().backward()
    assert not x.grad.any()


@pytest.mark.parametrize("name", FILLS)
def test_a_transposed_tensor_is_filled_in_the_order_of_its_memory(name):
    options, _ = FILLS[name]
    straight, turned = handtorch.zeros(2, 3), handtorch.zeros(2, 3).t()
    getattr(straight, name)(**options, generator=seeded())
    getattr(turned, name)(**options, generator=seeded())
    np.testing.assert_array_equal(turned.t().numpy(), straight.numpy())


def test_bounds_called_from():
    x = handtorch.zeros(50)
    assert (x.uniform_(**{"from": 2, "to": 3}) >= 2).all()
    assert set(x.random_(**{"from": 3, "to": 5}).tolist()) == {3.0, 4.0}
    assert set(x.random_(2).tolist()) == {0.0, 1.0}
    assert set(x.random_(2, 4).tolist()) == {2.0, 3.0}
    assert x.random_().max() > 1000
    assert (handtorch.zeros(50, dtype=handtorch.uint8).random_(200, None) >= 200).all()
    with pytest.raises(TypeError, match="form"):
        x.uniform_(form=2)


def test_coins_with_chances_of_their_own():
    chances = handtorch.tensor([0.0, 1.0, 0.5])
    flips = handtorch.zeros(1000, 3).bernoulli_(chances)
    np.testing.assert_allclose(flips.mean(0).numpy(), [0, 1, 0.5], atol=0.06)
    np.testing.assert_array_equal(chances.bernoulli(0.0).numpy(), [0, 0, 0])
    turned = handtorch.zeros(3, 1000).t().bernoulli_(chances)
    np.testing.assert_allclose(turned.mean(0).numpy(), [0, 1, 0.5], atol=0.06)
    for outside in (1.5, -0.1):
        with pytest.raises(SamplingError, match="0 <= p <= 1"):
            handtorch.bernoulli(handtorch.tensor([outside]))


@pytest.mark.parametrize(
    "draw",
    [
        handtorch.bernoulli,
        handtorch.poisson,
        lambda p: handtorch.binomial(3 * handtorch.ones_like(p), p),
        lambda p: handtorch.normal(p, 1.0),
        lambda p: handtorch.normal(0.0, p),
    ],
)
def test_draws_pass_a_gradient_of_zero_to_their_parameters(draw):
    p = handtorch.full((4,), 0.5, requires_grad=True)
    draw(p).sum().backward()
    assert p.grad.tolist() == [0, 0, 0, 0]


def test_draws_from_a_transposed_tensor_lie_and_come_row_by_row():
    p = handtorch.rand(4, 3).t()
    for draw in (handtorch.bernoulli, handtorch.poisson, handtorch._standard_gamma):
        drawn = draw(p, generator=seeded())
        assert drawn.is_contiguous()
        np.testing.assert_array_equal(drawn.numpy(), draw(p.contiguous(), generator=seeded()).numpy())


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: handtorch.poisson(handtorch.tensor([-1.0])), SamplingError),
        (lambda: handtorch.poisson(handtorch.tensor([1])), DtypeError),
        (lambda: handtorch._standard_gamma(handtorch.tensor([-1.0])), SamplingError),
        (lambda: handtorch._sample_dirichlet(handtorch.tensor([-1.0, 1])), SamplingError),
        (lambda: handtorch.rand_like(handtorch.tensor([1])), DtypeError),
        (lambda: handtorch.tensor([1]).normal_(), DtypeError),
        (lambda: handtorch.zeros(2).normal_(std=-1), SamplingError),
        (lambda: handtorch.zeros(2).uniform_(2, 1), SamplingError),
        (lambda: handtorch.zeros(2).exponential_(0), SamplingError),
        (lambda: handtorch.zeros(2).cauchy_(0, 0), SamplingError),
        (lambda: handtorch.zeros(2).log_normal_(0, 0), SamplingError),
        (lambda: handtorch.zeros(2).geometric_(1), SamplingError),
        (lambda: handtorch.multinomial(handtorch.ones(2), 3), SamplingError),
        (lambda: handtorch.zeros(1).expand(3).normal_(), ShapeError),
    ],
)
def test_what_is_refused(call, error):
    with pytest.raises(error):
        call()


def test_log_normal_numbers_too_large_for_double_precision_are_infinite():
    drawn = random.log_normal(20, 800.0, 1.0, "float64", seeded())
    assert np.isinf(drawn).all()
    assert np.isfinite(random.log_normal(20, 700.0, 1.0, "float64", seeded())).all()
