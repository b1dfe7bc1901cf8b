"""The generator and its samplers against other Mersenne Twisters, exact arithmetic, brute force and SciPy."""

from __future__ import annotations

import copy
import math
import pickle
import random as stdlib_random
import struct
import subprocess
import sys
import threading
from fractions import Fraction

import numpy as np
import pytest
import scipy.stats as stats

import handtorch
from handtorch import random
from handtorch.errors import DtypeError, ShapeError
from handtorch.random import Generator, SamplingError
from handtorch.random.arithmetic import fma32, fma64


def seeded(seed: int) -> Generator:
    return Generator().manual_seed(seed)


def python_twister(seed: int) -> stdlib_random.Random:
    """Python's own Mersenne Twister, started by the recurrence of the 2002 initialisation."""
    words = [seed & 0xFFFFFFFF]
    for i in range(1, 624):
        words.append((1812433253 * (words[-1] ^ (words[-1] >> 30)) + i) & 0xFFFFFFFF)
    twister = stdlib_random.Random()
    twister.setstate((3, (*words, 624), None))
    return twister


# --- words and units


@pytest.mark.parametrize("seed", [0, 1, 5489, 2**32 - 1, 2**32 + 17])
def test_words_are_those_of_pythons_mersenne_twister(seed):
    generator, twister = seeded(seed), python_twister(seed)
    for count in (1, 5, 700, 2047, 2048, 5000):
        expected = [twister.getrandbits(32) for _ in range(count)]
        assert generator.words(count).tolist() == expected
        expected = [twister.getrandbits(32) << 32 | twister.getrandbits(32) for _ in range(count)]
        assert generator.long_words(count).tolist() == expected


def test_the_ten_thousandth_word_is_the_one_that_the_cpp_standard_names():
    generator = seeded(5489)
    generator.skip(9999)
    assert generator.words(1).tolist() == [4123659995]


def test_units_are_the_low_bits_of_the_words():
    generator, twister = seeded(3), python_twister(3)
    for count in (7, 70_000):
        expected = [(twister.getrandbits(32) % 2**24) / 2**24 for _ in range(count)]
        assert random.uniform(count, generator=generator).tolist() == expected
    for count in (7, 70_000):
        pairs = [(twister.getrandbits(32), twister.getrandbits(32)) for _ in range(count)]
        expected = [((high << 32 | low) % 2**53) / 2**53 for high, low in pairs]
        assert random.uniform(count, dtype=np.float64, generator=generator).tolist() == expected


def test_seed_zero_gives_the_numbers_that_pytorch_users_know_by_heart():
    np.testing.assert_array_equal(random.uniform(3, generator=seeded(0)).round(4), np.float32([0.4963, 0.7682, 0.0885]))
    expected = np.float32([1.5410, -0.2934, -2.1788, 0.5684, -1.0845])
    np.testing.assert_array_equal(random.normal(5, generator=seeded(0)).round(4), expected)
    np.testing.assert_array_equal(random.normal(3, generator=seeded(42)).round(4), np.float32([0.3367, 0.1288, 0.2345]))


# --- seeds and states


def test_negative_seeds_count_back_from_two_to_the_64():
    assert seeded(-1).initial_seed() == 2**64 - 1
    assert random.uniform(9, generator=seeded(-1)).tolist() == random.uniform(9, generator=seeded(2**64 - 1)).tolist()


@pytest.mark.parametrize("seed", [2**64, -(2**63) - 1])
def test_a_seed_out_of_range_is_refused(seed):
    with pytest.raises(SamplingError, match="expected a seed"):
        seeded(seed)


def test_manual_seed_starts_over_whatever_was_drawn():
    generator = seeded(9)
    first = random.normal(7, generator=generator).tolist()
    random.uniform(100, generator=generator)
    generator.manual_seed(9)
    assert random.normal(7, generator=generator).tolist() == first


def test_seed_is_another_one_each_time_and_can_be_repeated():
    generator = Generator()
    seeds = {generator.seed() for _ in range(20)}
    assert len(seeds) == 20
    drawn = random.uniform(4, generator=generator).tolist()
    assert random.uniform(4, generator=seeded(generator.initial_seed())).tolist() == drawn


def test_the_state_has_the_layout_of_pytorchs_struct():
    generator = seeded(2**40 + 5)
    random.normal(3, generator=generator)
    state = generator.state_bytes().tobytes()
    seed, left, seeded_flag, place = struct.unpack_from("<QiiQ", state)
    _, y, _, has_y = struct.unpack_from("<dddi", state, 24 + 8 * 624)
    assert len(state) == 5056
    assert (seed, seeded_flag, has_y) == (2**40 + 5, 1, 1)
    assert left + place == 625
    assert place == 8  # two pairs of normal numbers are eight words
    assert y == generator.spare_normal


@pytest.mark.parametrize("drawn", [0, 1, 623, 624, 625, 10_001])
def test_a_state_brings_back_the_numbers_that_followed_it(drawn):
    generator = seeded(4)
    random.uniform(drawn, generator=generator)
    state = generator.state_bytes()
    following = random.normal((3, 5), generator=generator).tolist()
    other = Generator()
    other.load_state_bytes(state)
    np.testing.assert_array_equal(other.state_bytes(), state)
    assert random.normal((3, 5), generator=other).tolist() == following


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda g: pickle.loads(pickle.dumps(g)), Generator.clone_state])
def test_a_copied_generator_goes_on_alike_and_on_its_own(duplicate):
    generator = seeded(4)
    random.normal(3, generator=generator)
    twin = duplicate(generator)
    assert random.normal(4, generator=twin).tolist() == random.normal(4, generator=generator).tolist()
    random.uniform(1, generator=twin)
    assert not np.array_equal(twin.state_bytes(), generator.state_bytes())


def test_states_travel_as_tensors():
    generator = seeded(6)
    state = generator.get_state()
    assert isinstance(state, handtorch.Tensor)
    following = random.uniform(5, generator=generator).tolist()
    generator.set_state(state)
    assert random.uniform(5, generator=generator).tolist() == following


@pytest.mark.parametrize(
    ("state", "error", "words"),
    [
        (np.zeros(5056, np.int32), DtypeError, "uint8"),
        (np.zeros(100, np.uint8), ShapeError, "5056 bytes"),
        (np.zeros(5056, np.uint8), SamplingError, "no mt19937 state"),
    ],
)
def test_what_is_no_state_is_refused_and_changes_nothing(state, error, words):
    generator = seeded(1)
    before = generator.state_bytes()
    with pytest.raises(error, match=words):
        generator.load_state_bytes(state)
    np.testing.assert_array_equal(generator.state_bytes(), before)


def test_fork_rng_leaves_no_trace_even_when_the_block_fails():
    random.manual_seed(8)
    before = random.default_generator.state_bytes()
    with pytest.raises(KeyError), random.fork_rng():
        random.normal(5)
        raise KeyError
    np.testing.assert_array_equal(random.default_generator.state_bytes(), before)
    with random.fork_rng(enabled=False):
        random.normal(5)
    assert not np.array_equal(random.default_generator.state_bytes(), before)


def test_only_the_cpu_makes_numbers():
    assert Generator("cpu:0").device == "cpu"
    with pytest.raises(SamplingError, match="device 'cpu'"):
        Generator("cuda")


def test_threads_that_share_a_generator_each_get_an_unbroken_stretch():
    generator, pieces = seeded(2), []
    size, draws, workers = 70_001, 6, 4

    def draw() -> None:
        for _ in range(draws):
            pieces.append(random.uniform(size, generator=generator))

    threads = [threading.Thread(target=draw) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    whole = random.uniform(size * draws * workers, generator=seeded(2)).reshape(-1, size)
    assert sorted(piece.tobytes() for piece in pieces) == sorted(row.tobytes() for row in whole)


def test_importing_the_samplers_does_not_import_numpys():
    code = "import sys, handtorch.random; handtorch.random.manual_seed(1); sys.exit('numpy.random' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# --- arithmetic


@pytest.mark.parametrize(("fma", "dtype"), [(fma32, np.float32), (fma64, np.float64)])
def test_fused_multiply_add_rounds_the_exact_value_once(fma, dtype):
    numbers = np.random.default_rng(0)
    a, b, c = (numbers.standard_normal((3, 3000)) * 10.0 ** numbers.integers(-4, 5, (3, 3000))).astype(dtype)
    c[::3] = -(a * b)[::3]  # all that is left is the rounding error of the product
    exact = [Fraction(float(x)) * Fraction(float(y)) + Fraction(float(z)) for x, y, z in zip(a, b, c, strict=True)]
    assert fma(a, b, c).tolist() == [float(dtype(float(value))) for value in exact]


def test_fused_multiply_add_survives_numbers_too_large_to_split():
    np.testing.assert_array_equal(fma64([1e308, 1e300], [0.5, 1e300], 1.0), [0.5e308, np.inf])


# --- uniform and normal numbers


@pytest.mark.parametrize(("low", "high"), [(-0.1, 0.1), (5.0, 7.3), (0.0, 3.0), (1000.0, 1001.0)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_uniform_numbers_are_units_stretched_with_one_rounding(low, high, dtype):
    units = random.uniform(2000, dtype=dtype, generator=seeded(1))
    first, end = dtype(low), dtype(high)
    exact = (Fraction(float(u)) * Fraction(float(end - first)) + Fraction(float(first)) for u in units)
    expected = [dtype(float(value)) for value in exact]
    expected = [first if value == end else value for value in expected]
    assert random.uniform(2000, low, high, dtype, seeded(1)).tolist() == [float(value) for value in expected]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_uniform_numbers_never_reach_the_upper_bound(dtype):
    for low, high in ((0, 1), (1, 1.001), (100, 101)):
        drawn = random.uniform(200_000, low, high, dtype, seeded(1))
        assert drawn.min() >= dtype(low)
        assert drawn.max() < dtype(high)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float16, 4e-3), (np.float32, 2e-6), (np.float64, 1e-14)])
@pytest.mark.parametrize("count", [16, 32, 160, 16_000])
def test_normal_numbers_in_blocks_of_sixteen_are_box_mullers(dtype, tolerance, count):
    wide = np.float64 if dtype == np.float64 else np.float32
    u1, u2 = random.uniform((count // 16, 2, 8), dtype=wide, generator=seeded(5)).astype(np.float64).swapaxes(0, 1)
    radius = np.sqrt(-2 * np.log1p(-u1))
    expected = np.stack([radius * np.cos(2 * np.pi * u2), radius * np.sin(2 * np.pi * u2)], axis=1).ravel()
    drawn = random.normal(count, dtype=dtype, generator=seeded(5))
    np.testing.assert_allclose(drawn, expected, atol=tolerance, rtol=tolerance)


@pytest.mark.parametrize("count", [17, 31, 100])
def test_a_last_incomplete_block_is_made_anew_over_the_block_before(count):
    drawn = random.normal(count, generator=seeded(5))
    generator = seeded(5)
    start = random.normal(count - count % 16, generator=generator)
    generator.skip(count % 16)
    np.testing.assert_array_equal(drawn[-16:], random.normal(16, generator=generator))
    np.testing.assert_array_equal(drawn[:-16], start[: count - 16])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_few_normal_numbers_come_in_pairs_whatever_the_calls_that_ask_for_them(dtype):
    generator = seeded(7)
    pieces = [random.normal(count, dtype=dtype, generator=generator) for count in (1, 2, 0, 5, 3, 1)]
    u1, u2 = random.uniform((6, 2), dtype=np.float64, generator=seeded(7)).T
    radius = np.sqrt(-2 * np.log1p(-u2))
    expected = np.stack([radius * np.cos(2 * np.pi * u1), radius * np.sin(2 * np.pi * u1)], axis=1).ravel()
    np.testing.assert_allclose(np.concatenate(pieces), expected, rtol=1e-6 if dtype == np.float32 else 1e-14)


def test_normal_numbers_for_a_tensor_with_gaps_are_the_serial_ones():
    serial = np.concatenate([random.normal(8, 2.0, 3.0, generator=g) for g in [seeded(7)] for _ in range(5)])
    np.testing.assert_array_equal(random.normal(40, 2.0, 3.0, generator=seeded(7), contiguous=False), serial)


def test_complex_normal_numbers_have_the_variance_that_was_asked_for():
    drawn = random.normal((300, 300), std=3.0, dtype=np.complex64, generator=seeded(1))
    assert drawn.dtype == np.complex64
    assert np.mean(np.abs(drawn) ** 2) == pytest.approx(9.0, rel=0.02)
    assert abs(np.mean(drawn**2)) < 0.1


CONTINUOUS = {
    "uniform": (lambda n, g: random.uniform(n, -2, 5, generator=g), stats.uniform(-2, 7)),
    "uniform64": (lambda n, g: random.uniform(n, -2, 5, np.float64, g), stats.uniform(-2, 7)),
    "normal": (lambda n, g: random.normal(n, 1.5, 2.5, generator=g), stats.norm(1.5, 2.5)),
    "normal64": (lambda n, g: random.normal(n, 1.5, 2.5, np.float64, g), stats.norm(1.5, 2.5)),
    "log_normal": (lambda n, g: random.log_normal(n, 0.3, 0.7, generator=g), stats.lognorm(0.7, scale=math.exp(0.3))),
    "exponential": (lambda n, g: random.exponential(n, 2.5, generator=g), stats.expon(scale=0.4)),
    "cauchy": (lambda n, g: random.cauchy(n, 1.0, 2.0, generator=g), stats.cauchy(1, 2)),
    "gamma below one": (lambda n, g: random.standard_gamma(np.full(n // 8, 0.3), g), stats.gamma(0.3)),
    "gamma": (lambda n, g: random.standard_gamma(np.full(n // 8, 4.5, np.float32), g), stats.gamma(4.5)),
    "dirichlet": (lambda n, g: random.dirichlet(np.full((n // 16, 3), 0.8), g)[:, 1], stats.beta(0.8, 1.6)),
}


@pytest.mark.parametrize("name", CONTINUOUS)
def test_continuous_samples_follow_their_distribution(name):
    sample, distribution = CONTINUOUS[name]
    assert stats.kstest(sample(40_000, seeded(12)), distribution.cdf).pvalue > 0.01


def test_neighbours_are_not_correlated():
    for drawn in (random.uniform(100_000, generator=seeded(1)), random.normal(100_000, generator=seeded(1))):
        for lag in (1, 8, 16):
            assert abs(np.corrcoef(drawn[:-lag], drawn[lag:])[0, 1]) < 0.01


# --- whole numbers


DISCRETE = {
    "poisson of few": (lambda n, g: random.poisson(np.full(n, 2.5, np.float32), g), stats.poisson(2.5)),
    "poisson of many": (lambda n, g: random.poisson(np.full(n, 37.0), g), stats.poisson(37)),
    "binomial of few": (lambda n, g: random.binomial(np.full(n, 12.0), np.full(n, 0.3), g), stats.binom(12, 0.3)),
    "binomial of many": (lambda n, g: random.binomial(np.full(n, 90.0), np.full(n, 0.7), g), stats.binom(90, 0.7)),
    "geometric": (lambda n, g: random.geometric(n, 0.2, np.int64, g), stats.geom(0.2)),
    "randint": (lambda n, g: random.randint(-3, 9, n, generator=g), stats.randint(-3, 9)),
    "multinomial": (
        lambda n, g: random.multinomial(np.full(9, 2.0), n, True, g),
        stats.randint(0, 9),
    ),
}


def chi_square(observed: np.ndarray, expected: np.ndarray) -> float:
    """The p-value, with rare outcomes put together."""
    rare = expected < 10
    observed = np.append(observed[~rare], observed[rare].sum())
    expected = np.append(expected[~rare], max(expected[rare].sum(), 1e-9))
    return stats.chisquare(observed, expected * observed.sum() / expected.sum()).pvalue


@pytest.mark.parametrize("name", DISCRETE)
def test_whole_numbers_follow_their_distribution(name):
    sample, distribution = DISCRETE[name]
    drawn = sample(8000, seeded(3)).astype(np.int64)
    low, high = min(drawn.min(), 0), drawn.max() + 1
    observed = np.bincount(drawn - low, minlength=high - low)
    assert chi_square(observed, distribution.pmf(np.arange(low, high)) * drawn.size) > 0.01


@pytest.mark.parametrize("width", [1, 7, 2**28 - 1, 2**28, 2**40 + 3])
def test_randint_is_a_word_modulo_the_width(width):
    bits = 32 if width < 2**28 else 64
    generator = seeded(1)
    words = (generator.words if bits == 32 else generator.long_words)(3000).tolist()
    assert random.randint(-9, width - 9, 3000, generator=seeded(1)).tolist() == [w % width - 9 for w in words]


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32"])
def test_random_full_stays_inside_its_type_and_uses_all_of_it(dtype):
    drawn = random.random_full(20_000, dtype, seeded(1)).astype(np.float64)
    largest = {"bool": 1, "float16": 2**11, "float32": 2**24}.get(dtype) or np.iinfo(dtype).max
    assert drawn.min() >= 0
    assert drawn.max() <= largest
    assert drawn.mean() == pytest.approx(largest / 2, rel=0.03)


@pytest.mark.parametrize("n", [*range(12), 63, 64, 65, 66, 67, 129, 1000, 4321])
def test_randperm_swaps_as_fisher_and_yates_do(n):
    words = seeded(n).words(max(n - 1, 0)).tolist()
    expected = list(range(n))
    for i, word in enumerate(words):
        j = i + word % (n - i)
        expected[i], expected[j] = expected[j], expected[i]
    assert random.randperm(n, generator=seeded(n)).tolist() == expected


def test_all_orders_of_four_are_as_likely():
    generator = seeded(2)
    orders = [tuple(random.randperm(4, generator=generator)) for _ in range(4800)]
    counts = np.unique(orders, axis=0, return_counts=True)[1]
    assert len(counts) == 24
    assert stats.chisquare(counts).pvalue > 0.01


@pytest.mark.parametrize("p", [0.0, 1e-6, 0.1, 1 / 3, 0.5, 0.9, 1.0])
def test_coin_flips_compare_53_bits_with_the_probability(p):
    units = random.uniform(50_000, dtype=np.float64, generator=seeded(3))
    flips = random.bernoulli(p, 50_000, bool, seeded(3))
    np.testing.assert_array_equal(flips, units < p)
    assert stats.binomtest(int(flips.sum()), flips.size, p).pvalue > 0.01


def test_a_coin_flip_tells_a_probability_from_the_next_one():
    units = random.uniform(50, dtype=np.float64, generator=seeded(3))
    for place in np.flatnonzero(units < 0.25):  # where probabilities lie closer than units
        assert not random.bernoulli(float(units[place]), 50, bool, seeded(3))[place]
        assert random.bernoulli(math.nextafter(units[place], 1), 50, bool, seeded(3))[place]


def test_an_array_of_probabilities_is_compared_in_its_own_precision():
    p = np.linspace(0, 1, 5000, dtype=np.float32).reshape(50, 100)
    units = random.uniform(p.shape, generator=seeded(3))
    flips = random.bernoulli(p, generator=seeded(3))
    assert flips.dtype == np.float32
    np.testing.assert_array_equal(flips, units < p)
    row = random.bernoulli(p[0], (50, 100), bool, seeded(3))
    np.testing.assert_array_equal(row, units < p[0])


def test_multinomial_without_replacement_draws_each_category_once_and_none_of_weight_zero():
    weights = np.float32([[1, 0, 3, 2, 0, 5], [0, 1, 1, 1, 1, 0]])
    generator = seeded(4)
    firsts = []
    for _ in range(2000):
        drawn = random.multinomial(weights, 4, generator=generator)
        assert sorted(drawn[0]) == [0, 2, 3, 5]
        assert sorted(drawn[1]) == [1, 2, 3, 4]
        firsts.append(drawn[0, 0])
    observed = np.bincount(firsts, minlength=6)[[0, 2, 3, 5]]
    assert stats.chisquare(observed, np.array([1, 3, 2, 5]) * 2000 / 11).pvalue > 0.01


def test_multinomial_with_replacement_follows_the_weights():
    weights = np.array([1.0, 0.0, 3.0, 2.0])
    drawn = random.multinomial(weights, 6000, True, seeded(4))
    observed = np.bincount(drawn, minlength=4)
    assert observed[1] == 0
    assert stats.chisquare(observed[[0, 2, 3]], np.array([1, 3, 2]) * 1000).pvalue > 0.01


def test_samplers_that_reject_hand_unused_numbers_back():
    generator = seeded(5)
    rate = np.float64([0.1, 3, 40, 0])
    one_by_one = [random.poisson(rate[i : i + 1], generator)[0] for i in range(4)]
    follow = random.uniform(3, generator=generator).tolist()
    generator = seeded(5)
    assert random.poisson(rate, generator).tolist() == one_by_one
    assert random.uniform(3, generator=generator).tolist() == follow


def test_edge_cases_of_rejection_samplers():
    assert random.poisson(np.zeros(3)).tolist() == [0, 0, 0]
    assert random.binomial(np.float64([0, 5, 5]), np.float64([0.5, 0, 1])).tolist() == [0, 0, 5]
    assert math.isnan(random.binomial(np.float64([5]), np.float64([math.nan]))[0])
    assert random.standard_gamma(np.float32([0])).tolist() == [float(np.finfo(np.float32).tiny)]
    shares = random.dirichlet(np.full((50, 3), 1e-3), seeded(1))
    assert shares.min() > 0
    assert shares.max() < 1


# --- shapes and refusals

SHAPED = {
    "uniform": lambda shape: random.uniform(shape),
    "normal": lambda shape: random.normal(shape),
    "log_normal": lambda shape: random.log_normal(shape),
    "exponential": lambda shape: random.exponential(shape),
    "cauchy": lambda shape: random.cauchy(shape),
    "geometric": lambda shape: random.geometric(shape, 0.5),
    "bernoulli": lambda shape: random.bernoulli(0.5, shape),
    "randint": lambda shape: random.randint(0, 5, shape),
    "random_full": lambda shape: random.random_full(shape),
}


@pytest.mark.parametrize("name", SHAPED)
def test_samplers_take_any_shape(name):
    for shape in ((), (0,), (3, 0, 2), (2, 3), (4, 1, 5)):
        assert SHAPED[name](shape).shape == shape
    assert SHAPED[name](7).shape == (7,)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: random.uniform(3, 2.0, 1.0), SamplingError, "low <= high"),
        (lambda: random.uniform(3, 0, 1e6, np.float16), SamplingError, "finite in float16"),
        (lambda: random.uniform(3, dtype=np.int64), DtypeError, "got int64"),
        (lambda: random.normal(3, 0, -1.0), SamplingError, "std >= 0"),
        (lambda: random.normal(3, dtype=np.int32), DtypeError, "got int32"),
        (lambda: random.log_normal(3, 0, 0.0), SamplingError, "std > 0"),
        (lambda: random.exponential(3, 0.0), SamplingError, "rate > 0"),
        (lambda: random.cauchy(3, 0, -1.0), SamplingError, "sigma > 0"),
        (lambda: random.geometric(3, 1.0), SamplingError, "0 < p < 1"),
        (lambda: random.bernoulli(1.5, 3), SamplingError, "0 <= p <= 1"),
        (lambda: random.bernoulli(np.float32([0.5, -0.1])), SamplingError, "0 <= p <= 1"),
        (lambda: random.bernoulli(np.array([1, 0])), DtypeError, "float type"),
        (lambda: random.randint(5, 5, 3), SamplingError, "low < high"),
        (lambda: random.randint(-1, 5, 3, np.uint8), SamplingError, "numbers that uint8 holds"),
        (lambda: random.randint(0, 5, 3, np.complex64), DtypeError, "got complex64"),
        (lambda: random.randperm(-1), SamplingError, "0 <= n"),
        (lambda: random.poisson(np.float32([-1])), SamplingError, "rates >= 0"),
        (lambda: random.poisson(np.array([1])), DtypeError, "got int64"),
        (lambda: random.standard_gamma(np.float32([-1])), SamplingError, "alpha >= 0"),
        (lambda: random.dirichlet(np.float32([-1, 1])), SamplingError, "alpha >= 0"),
        (lambda: random.binomial(np.float32([1]), np.float64([0.5])), DtypeError, "one type"),
        (lambda: random.binomial(np.float64([1, 2]), np.float64([0.5])), ShapeError, "one shape"),
        (lambda: random.multinomial(np.float32([1, 2]), 3), SamplingError, "at most the 2 categories"),
        (lambda: random.multinomial(np.float32([0, 0]), 1), SamplingError, "each row has one > 0"),
        (lambda: random.multinomial(np.float32([1, np.nan]), 1), SamplingError, "finite weights"),
        (lambda: random.multinomial(np.ones((2, 2, 2)), 1), ShapeError, r"got \(2, 2, 2\)"),
        (lambda: random.multinomial(np.array([1, 2]), 1), DtypeError, "float type"),
    ],
)
def test_parameters_that_make_no_sense_are_refused_before_anything_is_drawn(call, error, words):
    before = random.default_generator.state_bytes()
    with pytest.raises(error, match=words):
        call()
    np.testing.assert_array_equal(random.default_generator.state_bytes(), before)
