"""The samplers against the installed PyTorch: equal numbers to the bit, and generators that end in the same state."""

from __future__ import annotations

import math

import numpy as np
import pytest

import handtorch
import handtorch.nn.functional as F
from handtorch import random as ht

torch = pytest.importorskip("torch")
if torch.backends.cpu.get_cpu_capability() not in ("AVX2", "AVX512"):
    pytest.skip("without fused multiply-add PyTorch rounds otherwise in the last bit", allow_module_level=True)

SEEDS = [0, 1, 42, 2**31 + 5, 2**32 - 1, 2**32 + 7, 2**64 - 1, -3]
COUNTS = [0, 1, 2, 3, 7, 15, 16, 17, 31, 32, 100, 623, 624, 625, 2047, 2049, 70001]
DTYPES = {"float16": torch.float16, "float32": torch.float32, "float64": torch.float64}


def both(seed: int):
    return ht.Generator().manual_seed(seed), torch.Generator().manual_seed(seed)


def assert_same(ours: np.ndarray, theirs, generators=None) -> None:
    theirs = theirs.numpy()
    assert ours.dtype == theirs.dtype
    assert ours.shape == theirs.shape
    same = ours == theirs
    assert same.all(), f"{(~same).sum()} of {same.size} differ, first at {np.argwhere(~same)[0]}"
    assert ours.tobytes() == np.ascontiguousarray(theirs).tobytes()  # the signs of zeros, too
    if generators is not None:
        mine, other = generators
        np.testing.assert_array_equal(mine.state_bytes(), other.get_state().numpy())


@pytest.mark.parametrize("seed", SEEDS)
def test_a_seed_means_the_same_stream_and_the_same_state(seed):
    generators = both(seed)
    mine, other = generators
    assert mine.initial_seed() == other.initial_seed()
    assert_same(mine.state_bytes(), other.get_state())
    assert_same(ht.uniform(1000, generator=mine), torch.rand(1000, generator=other), generators)


def test_a_new_generator_starts_where_pytorch_starts():
    assert_same(ht.Generator().state_bytes(), torch.Generator().get_state())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize(("low", "high"), [(0, 1), (0, 3.7), (-1 / 28, 1 / 28), (5, 7.3), (2, 2), (-6e4, 5e3)])
def test_uniform(dtype, count, low, high):
    generators = both(count)
    theirs = torch.empty(count, dtype=DTYPES[dtype]).uniform_(low, high, generator=generators[1])
    assert_same(ht.uniform(count, low, high, dtype, generators[0]), theirs, generators)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize(("mean", "std"), [(0, 1), (0, 0.02), (0.3, 1), (-1.7, 2.9), (4, 0)])
def test_normal(dtype, count, mean, std):
    generators = both(count + 1)
    theirs = torch.empty(count, dtype=DTYPES[dtype]).normal_(mean, std, generator=generators[1])
    assert_same(ht.normal(count, mean, std, dtype, generators[0]), theirs, generators)


@pytest.mark.parametrize("dtype", DTYPES)
def test_normal_numbers_for_a_tensor_with_gaps_come_one_by_one(dtype):
    generators = both(5)
    theirs = torch.empty(40, 2, dtype=DTYPES[dtype])[:, 0].normal_(0.3, 1.5, generator=generators[1])
    assert_same(ht.normal(40, 0.3, 1.5, dtype, generators[0], contiguous=False), theirs, generators)


def test_half_a_pair_of_normal_numbers_waits_for_the_next_call_and_travels_with_the_state():
    generators = mine, other = both(6)
    assert_same(ht.normal(5, generator=mine), torch.randn(5, generator=other), generators)
    restored = ht.Generator()
    restored.load_state_bytes(other.get_state().numpy())
    assert_same(ht.normal(3, generator=restored), torch.randn(3, generator=other), (restored, other))
    other.set_state(torch.from_numpy(mine.state_bytes()))
    assert_same(ht.normal(40, generator=mine), torch.randn(40, generator=other), generators)
    assert_same(ht.normal(4, generator=mine), torch.randn(4, generator=other), generators)


def test_two_million_float32_normal_numbers_agree_to_the_bit():
    generators = both(8)
    assert_same(
        ht.normal(2_000_000, generator=generators[0]), torch.randn(2_000_000, generator=generators[1]), generators
    )


def test_complex_numbers():
    mine, other = both(9)
    for name in ("complex64", "complex128"):
        dtype = getattr(torch, name)
        assert_same(ht.normal((5, 7), dtype=name, generator=mine), torch.randn(5, 7, dtype=dtype, generator=other))
        assert_same(ht.uniform((5, 7), dtype=name, generator=mine), torch.rand(5, 7, dtype=dtype, generator=other))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("count", [0, 1, 15, 33, 5000])
def test_distributions_made_of_one_unit_each(dtype, count):
    generators = mine, other = both(count + 2)
    empty = lambda: torch.empty(count, dtype=DTYPES[dtype])  # noqa: E731
    assert_same(ht.exponential(count, 1.7, dtype, mine), empty().exponential_(1.7, generator=other), generators)
    assert_same(ht.cauchy(count, 0.3, 1.7, dtype, mine), empty().cauchy_(0.3, 1.7, generator=other), generators)
    assert_same(ht.geometric(count, 0.3, dtype, mine), empty().geometric_(0.3, generator=other), generators)
    assert_same(ht.log_normal(count, 0.3, 0.7, dtype, mine), empty().log_normal_(0.3, 0.7, generator=other), generators)


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8"])
def test_geometric_numbers_of_integer_types(dtype):
    generators = mine, other = both(3)
    theirs = torch.empty(500, dtype=getattr(torch, dtype)).geometric_(0.2, generator=other)
    assert_same(ht.geometric(500, 0.2, dtype, mine), theirs, generators)


@pytest.mark.parametrize("width", [1, 2, 10, 2**24, 2**28 - 1, 2**28, 2**32 - 1, 2**32, 2**40, 2**62])
@pytest.mark.parametrize("count", [0, 1, 100, 5000])
def test_randint_of_any_width(width, count):
    generators = mine, other = both(width)
    assert_same(
        ht.randint(-5, width - 5, count, generator=mine),
        torch.randint(-5, width - 5, (count,), generator=other),
        generators,
    )


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"])
def test_random_over_all_of_a_type_and_over_parts_of_it(dtype):
    generators = mine, other = both(11)
    empty = lambda: torch.empty(300, dtype=getattr(torch, dtype))  # noqa: E731
    assert_same(ht.random_full(300, dtype, mine), empty().random_(generator=other), generators)
    assert_same(ht.randint(0, 2, 300, dtype, mine), empty().random_(0, 2, generator=other), generators)
    assert_same(ht.randint(1, None, 300, dtype, mine), empty().random_(1, None, generator=other), generators)


@pytest.mark.parametrize(
    ("dtype", "low", "high"),
    [
        ("float16", 0, 65504),
        ("float16", -3000, 2**15 + 1),
        ("float32", 2**24 - 3, 2**24 + 101),
        ("float32", -(2**30), 2**30 + 1),
    ],
)
@pytest.mark.filterwarnings("ignore:.*out of bounds")
def test_random_bounds_shrink_to_what_a_float_type_holds(dtype, low, high):
    generators = mine, other = both(12)
    theirs = torch.empty(2000, dtype=DTYPES[dtype]).random_(low, high, generator=other)
    assert_same(ht.randint(low, high, 2000, dtype, mine), theirs, generators)


def test_random_over_all_64_bits():
    generators = mine, other = both(13)
    theirs = torch.empty(500, dtype=torch.int64).random_(-(2**63), None, generator=other)
    assert_same(ht.randint(-(2**63), None, 500, generator=mine), theirs, generators)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 10, 64, 65, 66, 1000, 30000, 100_003])
@pytest.mark.parametrize("dtype", ["int64", "int32"])
def test_randperm(n, dtype):
    generators = mine, other = both(n + 4)
    theirs = torch.randperm(n, dtype=getattr(torch, dtype), generator=other)
    assert_same(ht.randperm(n, dtype, mine), theirs, generators)


@pytest.mark.parametrize("dtype", ["bool", "float16", "float32", "float64", "int64"])
@pytest.mark.parametrize("p", [0, 1e-9, 0.1, 0.5, 1 / 3, 0.999, 1])
def test_bernoulli_of_one_probability(dtype, p):
    generators = mine, other = both(21)
    for count in (0, 1, 17, 801, 5000):
        theirs = torch.empty(count, dtype=getattr(torch, dtype)).bernoulli_(p, generator=other)
        assert_same(ht.bernoulli(p, count, dtype, mine), theirs, generators)


@pytest.mark.parametrize("dtype", DTYPES)
def test_bernoulli_of_an_array_of_probabilities(dtype):
    generators = mine, other = both(22)
    p = torch.linspace(0, 1, 3000, dtype=torch.float64).reshape(30, 100).to(DTYPES[dtype])
    assert_same(ht.bernoulli(p.numpy(), generator=mine), torch.bernoulli(p, generator=other), generators)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.73])
@pytest.mark.parametrize("count", [1, 16, 801, 20001])
def test_dropout_keeps_what_bernoulli_of_one_minus_p_keeps(p, count):
    torch.manual_seed(count)
    theirs = torch.nn.functional.dropout(torch.ones(count), p, training=True) != 0
    assert_same(ht.bernoulli(1 - p, count, bool, ht.Generator().manual_seed(count)), theirs)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(6,), (5, 300)])
def test_multinomial(dtype, shape):
    generators = mine, other = both(31)
    weights = torch.rand(shape, dtype=DTYPES[dtype], generator=other)
    mine.load_state_bytes(other.get_state().numpy())
    for count, replacement in [(1, False), (4, False), (1, True), (500, True)]:
        theirs = torch.multinomial(weights, count, replacement, generator=other)
        assert_same(ht.multinomial(weights.numpy(), count, replacement, mine), theirs, generators)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_poisson(dtype):
    generators = mine, other = both(41)
    rate = torch.tensor([0, 0.01, 0.5, 3, 9.99, 10, 11.5, 50, 1000, 1e6], dtype=DTYPES[dtype]).repeat(200)
    assert_same(ht.poisson(rate.numpy(), mine), torch.poisson(rate, generator=other), generators)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_binomial(dtype):
    generators = mine, other = both(42)
    count = torch.tensor([0, 1, 5, 20, 100, 1000, 1e5], dtype=DTYPES[dtype]).repeat(9).repeat(40)
    prob = (
        torch.tensor([0, 0.01, 0.2, 0.45, 0.5, 0.51, 0.77, 0.999, 1], dtype=DTYPES[dtype])
        .repeat_interleave(7)
        .repeat(40)
    )
    assert_same(
        ht.binomial(count.numpy(), prob.numpy(), mine), torch.binomial(count, prob, generator=other), generators
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_standard_gamma(dtype):
    generators = mine, other = both(43)
    alpha = torch.tensor([0, 1e-3, 0.1, 0.99, 1, 1.5, 7, 100, 1e5], dtype=DTYPES[dtype]).repeat(200)
    assert_same(ht.standard_gamma(alpha.numpy(), mine), torch._standard_gamma(alpha, generator=other), generators)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 6e-8), ("float64", 5e-16)])
def test_dirichlet_up_to_the_order_of_its_sum(dtype, tolerance):
    mine, other = both(44)
    alpha = torch.tensor([0.1, 0.99, 1, 1.5, 7], dtype=DTYPES[dtype]).repeat(50, 1)
    ours, theirs = ht.dirichlet(alpha.numpy(), mine), torch._sample_dirichlet(alpha, generator=other).numpy()
    np.testing.assert_allclose(ours, theirs, rtol=tolerance)
    np.testing.assert_array_equal(mine.state_bytes(), other.get_state().numpy())


def test_a_long_mixture_of_calls_stays_in_step():
    generators = mine, other = both(51)
    for count in (3, 16, 1, 20, 7):
        assert_same(ht.normal(count, generator=mine), torch.randn(count, generator=other), generators)
        assert_same(ht.uniform(count, generator=mine), torch.rand(count, generator=other), generators)
        assert_same(
            ht.normal(count, 0, 1, "float64", mine),
            torch.randn(count, dtype=torch.float64, generator=other),
            generators,
        )
        assert_same(ht.randperm(count, generator=mine), torch.randperm(count, generator=other), generators)
        alpha = np.full(count, 0.5, np.float32)
        assert_same(
            ht.standard_gamma(alpha, mine), torch._standard_gamma(torch.from_numpy(alpha), generator=other), generators
        )


def test_kaiming_and_xavier_bounds_give_pytorchs_initial_weights():
    torch.manual_seed(3)
    layer = torch.nn.Linear(784, 512)
    bound = 1 / math.sqrt(784)
    generator = ht.Generator().manual_seed(3)
    assert_same(ht.uniform((512, 784), -bound, bound, generator=generator), layer.weight.detach())
    assert_same(ht.uniform(512, -bound, bound, generator=generator), layer.bias.detach())


RANDOM_LAYERS = {
    "dropout": {"p": 0.3},
    "dropout1d": {"p": 0.3},
    "dropout2d": {"p": 0.3},
    "dropout3d": {"p": 0.3},
    "alpha_dropout": {"p": 0.3, "training": True},
    "feature_alpha_dropout": {"p": 0.3, "training": True},
    "rrelu": {"lower": 0.1, "upper": 0.4, "training": True},
    "gumbel_softmax": {"tau": 0.7},
}


@pytest.mark.filterwarnings("ignore:dropout.d")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 4), (5, 7, 3, 11), (2, 3, 4, 2, 3), (5, 1000)])
@pytest.mark.parametrize("name", RANDOM_LAYERS)
def test_layers_that_draw_give_pytorchs_results_and_leave_the_generator_where_it_does(name, shape, dtype):
    if name == "dropout1d" and len(shape) > 3:
        return
    array = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    for order in (array, np.ascontiguousarray(array.swapaxes(0, 1)).swapaxes(0, 1)):
        for options in (RANDOM_LAYERS[name], {"hard": True} if name == "gumbel_softmax" else {"training": False}):
            handtorch.manual_seed(11)
            torch.manual_seed(11)
            mine = getattr(F, name)(handtorch.from_numpy(order), **options).numpy()
            theirs = getattr(torch.nn.functional, name)(torch.from_numpy(order), **options).numpy()
            np.testing.assert_allclose(mine, theirs, rtol=1e-5 if dtype == "float32" else 1e-12, atol=1e-6)
            np.testing.assert_array_equal(handtorch.get_rng_state().numpy(), torch.get_rng_state().numpy())


@pytest.mark.parametrize("name", ["dropout", "alpha_dropout", "feature_dropout", "feature_alpha_dropout"])
@pytest.mark.parametrize("p", [0.0, 0.6, 1.0])
def test_dropouts_of_torch_itself_draw_only_where_pytorch_draws(name, p):
    array = np.random.default_rng(0).standard_normal((4, 5, 6))
    for suffix in ("", "_"):
        handtorch.manual_seed(12)
        torch.manual_seed(12)
        mine = getattr(handtorch, name + suffix)(handtorch.from_numpy(array.copy()), p, True).numpy()
        theirs = getattr(torch, name + suffix)(torch.from_numpy(array.copy()), p, True).numpy()
        np.testing.assert_allclose(mine, theirs, rtol=1e-12, atol=1e-15)
        np.testing.assert_array_equal(handtorch.get_rng_state().numpy(), torch.get_rng_state().numpy())


# --- tensors


def same_draw(draw):
    """The same function of both libraries, from the same seed."""
    handtorch.manual_seed(77)
    torch.manual_seed(77)
    ours, theirs = draw(handtorch), draw(torch)
    assert_same(ours.numpy(), theirs)
    np.testing.assert_array_equal(handtorch.get_rng_state().numpy(), torch.get_rng_state().numpy())


def arange(library, *shape, dtype="float32"):
    return (library.arange(math.prod(shape), dtype=getattr(library, dtype)) / math.prod(shape)).reshape(shape)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(3, 2), (6, 7)])
def test_normal_numbers_around_tensors(shape, dtype):
    same_draw(lambda lib: lib.normal(arange(lib, *shape, dtype=dtype), arange(lib, *shape, dtype=dtype)))
    same_draw(lambda lib: lib.normal(arange(lib, *shape, dtype=dtype), 1.7))
    same_draw(lambda lib: lib.normal(0.3, arange(lib, *shape, dtype=dtype)))
    same_draw(lambda lib: lib.normal(arange(lib, shape[0], 1, dtype=dtype), arange(lib, shape[1], dtype=dtype)))
    same_draw(lambda lib: lib.normal(0.3, 1.7, shape, dtype=getattr(lib, dtype)))


@pytest.mark.parametrize("name", ["rand_like", "randn_like"])
@pytest.mark.parametrize(
    "lay",
    [
        lambda x: x,
        lambda x: x.t(),
        lambda x: x[:, ::2],
        lambda x: x[:1].expand(5, -1),
        lambda x: x.reshape(2, 3, 2, -1).permute(3, 0, 2, 1),
    ],
)
def test_tensors_in_the_likeness_of_another_are_drawn_in_the_order_of_its_memory(name, lay):
    same_draw(lambda lib: getattr(lib, name)(lay(arange(lib, 6, 10))))
    same_draw(lambda lib: lib.randint_like(lay(arange(lib, 6, 10)), 3, 17))


@pytest.mark.parametrize(
    "fill",
    [
        lambda x: x.uniform_(-1, 2),
        lambda x: x.normal_(1, 2),
        lambda x: x.log_normal_(0.1, 0.5),
        lambda x: x.exponential_(0.7),
        lambda x: x.cauchy_(0.7, 2),
        lambda x: x.geometric_(0.3),
        lambda x: x.bernoulli_(0.3),
        lambda x: x.random_(),
        lambda x: x.random_(17),
        lambda x: x.random_(3, 17),
    ],
)
@pytest.mark.parametrize("lay", [lambda x: x, lambda x: x.t(), lambda x: x[:, ::2], lambda x: x[::2].t()])
def test_a_tensor_with_gaps_or_turned_round_is_filled_with_the_same_numbers(fill, lay):
    same_draw(lambda lib: fill(lay(arange(lib, 6, 10))))


def test_coins_with_chances_of_their_own_in_a_turned_tensor():
    same_draw(lambda lib: lib.zeros(6, 10).t().bernoulli_(arange(lib, 10, 6)))
    same_draw(lambda lib: lib.zeros(6, 10).bernoulli_(arange(lib, 10, dtype="float64")))


@pytest.mark.parametrize("lay", [lambda x: x, lambda x: x.t(), lambda x: x[:1].expand(5, -1)])
def test_draws_whose_parameters_are_tensors(lay):
    same_draw(lambda lib: lib.bernoulli(lay(arange(lib, 6, 10))))
    same_draw(lambda lib: lib.poisson(20 * lay(arange(lib, 6, 10))))
    same_draw(lambda lib: lib.binomial(lib.full((10,), 9.0), lay(arange(lib, 10, 10))[0]))
    same_draw(lambda lib: lib._standard_gamma(5 * lay(arange(lib, 6, 10))))
    same_draw(lambda lib: lib.multinomial(lay(arange(lib, 6, 10)) + 0.1, 4))
    same_draw(lambda lib: lib.multinomial(lay(arange(lib, 6, 10)) + 0.1, 40, replacement=True))


@pytest.mark.parametrize("mean", [700.0, 709.5, 800.0])
def test_log_normal_numbers_at_the_end_of_double_precision(mean):
    generators = mine, other = both(12)
    theirs = torch.empty(40, dtype=torch.float64).log_normal_(mean, 0.3, generator=other)
    assert_same(ht.log_normal(40, mean, 0.3, "float64", mine), theirs, generators)
