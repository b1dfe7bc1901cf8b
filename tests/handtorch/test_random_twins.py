"""The compiled twins of the samplers against the plain samplers, exact arithmetic and other Mersenne Twisters."""

from __future__ import annotations

import math
import random as stdlib_random
import subprocess
import sys
import threading
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from handtorch import kernels, random
from handtorch.kernels import gaussian as gaussian_twins
from handtorch.kernels import generator as generator_twins
from handtorch.kernels import libm as libm_twins
from handtorch.kernels.compile import exact_kernel
from handtorch.random import Generator, twins
from handtorch.random import generator as plain_generator
from handtorch.random.arithmetic import fma32
from handtorch.random.twins import twin

Sampler = Callable[[int, Generator], np.ndarray]

SAMPLERS: dict[str, Sampler] = {
    "words": lambda n, g: g.words(n),
    "long words": lambda n, g: g.long_words(n),
    "flips of even odds": lambda n, g: random.bernoulli(0.5, n, bool, g),
    "flips of rare ones": lambda n, g: random.bernoulli(1e-9, n, bool, g),
    "flips of one third": lambda n, g: random.bernoulli(1 / 3, n, "float32", g),
    "flips that are all ones": lambda n, g: random.bernoulli(1.0, n, bool, g),
    "uniform float16": lambda n, g: random.uniform(n, -1, 2.5, "float16", g),
    "uniform float32": lambda n, g: random.uniform(n, generator=g),
    "uniform float32 between bounds": lambda n, g: random.uniform(n, -1 / 28, 1 / 28, generator=g),
    "uniform float32 that often rounds to its end": lambda n, g: random.uniform(n, 2**24 - 2, 2**24, generator=g),
    "uniform float64": lambda n, g: random.uniform(n, 0, 1, "float64", g),
    "uniform float64 between bounds": lambda n, g: random.uniform(n, 5, 7.3, "float64", g),
    "uniform complex": lambda n, g: random.uniform(n, dtype="complex64", generator=g),
    "normal float16": lambda n, g: random.normal(n, 0.3, 1.7, "float16", g),
    "normal float32": lambda n, g: random.normal(n, generator=g),
    "normal float32 with a mean": lambda n, g: random.normal(n, -1.7, 2.9, generator=g),
    "normal float32 of no width": lambda n, g: random.normal(n, 4, 0, generator=g),
    "normal float64": lambda n, g: random.normal(n, 0.3, 1.7, "float64", g),
    "normal number by number": lambda n, g: random.normal(n, 0.3, 1.7, "float64", g, contiguous=False),
    "integers": lambda n, g: random.randint(-5, 5, n, generator=g),
    "integers of a wide range": lambda n, g: random.randint(-3, 2**28 - 4, n, "int32", g),
    "integers of two words": lambda n, g: random.randint(0, 2**40 + 1, n, generator=g),
    "permutation": lambda n, g: random.randperm(n, generator=g),
    "exponential": lambda n, g: random.exponential(n, 1.7, "float64", g),
    "cauchy": lambda n, g: random.cauchy(n, 0.3, 1.7, "float64", g),
    "log normal": lambda n, g: random.log_normal(n, 0.3, 0.7, "float64", g),
    "geometric": lambda n, g: random.geometric(n, 0.3, generator=g),
}
SEEDS = [0, 42, 2**32 - 1, 2**63 + 11]
# around the twist's parts (227, 397, 624 words), the blocks of the kernels and of the plain code, and the threshold
EDGES = [1, 2, 15, 16, 17, 226, 227, 228, 311, 312, 313, 396, 397, 398, 623, 624, 625, 1248]
SIZES = [*EDGES, 2047, 2048, 2049, 4095, 4096, 4097, 4098, 8193, twins.WARM - 1, twins.WARM, twins.WARM + 1]
LARGE = [(1 << 16) - 1, 1 << 16, (1 << 16) + 1, 1_000_000]


def seeded(seed: int) -> Generator:
    return Generator().manual_seed(seed)


def plainly(sampler: Sampler, count: int, generator: Generator) -> np.ndarray:
    with kernels.use("reference"):
        return sampler(count, generator)


def assert_in_step(sampler: Sampler, count: int, compiled: Generator, plain: Generator) -> None:
    ours, expected = sampler(count, compiled), plainly(sampler, count, plain)
    assert ours.dtype == expected.dtype
    assert ours.shape == expected.shape
    assert ours.tobytes() == expected.tobytes(), f"{count} numbers: first at {np.argwhere(ours != expected)[:1]}"
    assert compiled.state_bytes().tobytes() == plain.state_bytes().tobytes()


@pytest.fixture
def always(monkeypatch):
    """Every request goes to the twins, however small."""
    monkeypatch.setattr(twins, "WARM", 0)
    monkeypatch.setattr(plain_generator, "_SHORT", 0)
    assert twin("generator", 0) is generator_twins


# --- the same numbers, and the same state afterwards


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("name", SAMPLERS)
def test_small_requests_give_the_plain_numbers_and_leave_the_plain_state(name):
    for seed in SEEDS:
        compiled, plain = seeded(seed), seeded(seed)
        for count in SIZES if seed == SEEDS[0] else EDGES:
            assert_in_step(SAMPLERS[name], count, compiled, plain)


@pytest.mark.parametrize("name", SAMPLERS)
def test_large_requests_give_the_plain_numbers_and_leave_the_plain_state(name):
    compiled, plain = seeded(7), seeded(7)
    for count in LARGE:
        assert_in_step(SAMPLERS[name], count, compiled, plain)


@pytest.mark.parametrize("name", SAMPLERS)
def test_requests_at_the_threshold_give_the_plain_numbers(name):
    compiled, plain = seeded(8), seeded(8)
    for count in (twins.WARM - 1, twins.WARM, twins.WARM + 1):
        assert_in_step(SAMPLERS[name], count, compiled, plain)


@pytest.mark.usefixtures("always")
def test_a_request_of_nothing_draws_nothing():
    generator = seeded(3)
    before = generator.state_bytes().tobytes()
    for sampler in SAMPLERS.values():
        assert sampler(0, generator).size == 0
    assert generator.state_bytes().tobytes() == before


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("seed", range(6))
def test_plain_and_compiled_calls_may_follow_each_other_in_any_order(seed):
    order = stdlib_random.Random(seed)
    mixed, plain = seeded(seed), seeded(seed)
    for _ in range(150):
        sampler = order.choice(list(SAMPLERS.values()))
        count = order.choice([*EDGES, order.randrange(3000)])
        with kernels.use(order.choice(["fast", "reference"])):
            ours = sampler(count, mixed)
        assert ours.tobytes() == plainly(sampler, count, plain).tobytes()
    assert mixed.state_bytes().tobytes() == plain.state_bytes().tobytes()


@pytest.mark.usefixtures("always")
def test_a_generator_that_drew_compiled_can_be_seeded_restored_and_cloned():
    generator = seeded(5)
    first = generator.words(1000)
    state = generator.state_bytes()
    second = generator.words(1000)
    clone = generator.clone_state()
    third = generator.words(1000)
    np.testing.assert_array_equal(clone.words(1000), third)
    generator.load_state_bytes(state)
    np.testing.assert_array_equal(generator.words(1000), second)
    np.testing.assert_array_equal(generator.manual_seed(5).words(1000), first)


@pytest.mark.usefixtures("always")
def test_threads_that_share_a_generator_each_get_an_unbroken_stretch():
    generator, drawn = seeded(6), []

    def draw() -> None:
        for _ in range(20):
            drawn.append(random.randint(0, 2**28 - 1, 5000, generator=generator))

    threads = [threading.Thread(target=draw) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = plainly(lambda n, g: random.randint(0, 2**28 - 1, n, generator=g), 80 * 5000, seeded(6))
    stretches = {stretch.tobytes() for stretch in expected.reshape(80, 5000)}
    assert {stretch.tobytes() for stretch in drawn} == stretches


# --- oracles that are not the plain code


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("seed", [0, 5489, 2**32 - 1])
def test_compiled_words_are_those_of_pythons_mersenne_twister(seed):
    words = [seed]
    for i in range(1, 624):
        words.append((1812433253 * (words[-1] ^ (words[-1] >> 30)) + i) & 0xFFFFFFFF)
    twister, generator = stdlib_random.Random(), seeded(seed)
    twister.setstate((3, (*words, 624), None))
    for count in EDGES:
        assert generator.words(count).tolist() == [twister.getrandbits(32) for _ in range(count)]
        expected = [twister.getrandbits(32) << 32 | twister.getrandbits(32) for _ in range(count)]
        assert generator.long_words(count).tolist() == expected


def test_remainders_are_exact_where_quotients_come_closest_to_whole_numbers():
    largest = 2**32 - 1
    for width in (1, 2, 3, 7, 10, 65535, 65537, 2**28 - 1, 2**31 + 1, largest - 1, largest, 2**32):
        multiples = [k * width for k in (0, 1, 2, largest // width // 2, largest // width)]
        words = sorted({w for m in multiples for w in (m - 1, m, m + 1) if 0 <= w <= largest} | {largest})
        out = np.empty(len(words), np.int64)
        generator_twins.remainders(np.array(words, np.uint32), width, -4, out)
        assert out.tolist() == [word % width - 4 for word in words]


@pytest.mark.parametrize("n", [2, 3, 10, 4096, 4097, 4098, 9000])
def test_shuffle_swaps_as_durstenfeld_does(n):
    words = np.random.default_rng(n).integers(0, 2**32, n - 1, np.uint32)
    order = np.arange(n, dtype=np.int64)
    generator_twins.shuffle(words, order)
    expected = list(range(n))
    for i, word in enumerate(words.tolist()):
        j = i + word % (n - i)
        expected[i], expected[j] = expected[j], expected[i]
    assert order.tolist() == expected


@exact_kernel
def fused(a: Any, b: Any, c: Any, out: Any) -> None:
    for i in range(a.size):
        out[i] = libm_twins.fma(a[i], b[i], c[i])


def test_fused_multiply_add_rounds_once():
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal((2, 2000))
    c = -a * b * (1 + rng.standard_normal(2000) * 2.0 ** rng.integers(-60, 3, 2000))  # so that much cancels
    out = np.empty(2000)
    fused(a, b, c, out)
    exact = [
        Fraction(x) * Fraction(y) + Fraction(z) for x, y, z in zip(a.tolist(), b.tolist(), c.tolist(), strict=True)
    ]
    assert out.tolist() == [float(value) for value in exact]


def test_float32_fused_multiply_add_rounds_once_where_a_detour_over_float64_rounds_twice():
    a, b, c = (np.array([x], np.float32) for x in (1 + 2**-15, (1 - 2**-15) * 2**-24, 1 + 2**-23))
    out = np.empty(1, np.float32)
    fused(a, b, c, out)
    assert out == c  # the product is a little less than half of c's last place,
    assert fma32(a, b, c) > c  # and that half when it has been added in 53 bits


@pytest.mark.skipif(not libm_twins.EXACT, reason="Numba has found Intel's vector library, which is not used then")
@pytest.mark.parametrize("name", libm_twins.FUNCTIONS)
def test_compiled_functions_are_the_c_librarys(name):
    units = np.random.default_rng(2).integers(1, 2**53, 50_000) * 2.0**-53
    x = {"log1p": -units, "sin": 2 * math.pi * units, "cos": 2 * math.pi * units}.get(name, units)
    out = np.empty_like(x)
    libm_twins.FUNCTIONS[name](x, out)
    assert out.tolist() == [getattr(math, name)(value) for value in x.tolist()]


def test_the_logarithm_of_zero_is_minus_infinity():
    out = np.empty(1)
    libm_twins.FUNCTIONS["log"](np.zeros(1), out)
    assert out[0] == -math.inf


# --- which requests are compiled


def test_the_threshold_decides(monkeypatch):
    assert twin("generator", twins.WARM) is generator_twins
    assert twin("generator", twins.WARM - 1) is None
    monkeypatch.delitem(sys.modules, "numba")
    assert twin("generator", twins.COLD - 1) is None


def test_the_switch_turns_the_twins_off():
    with kernels.use("reference"):
        assert twin("generator", 1 << 30) is None


@pytest.mark.parametrize("module", [generator_twins, gaussian_twins, libm_twins])
def test_a_twin_that_cannot_promise_equal_bits_is_not_used(monkeypatch, module):
    name = module.__name__.rpartition(".")[2]
    monkeypatch.setattr(module, "EXACT", True)
    assert twin(name, 1 << 20) is module
    monkeypatch.setattr(module, "EXACT", False)
    assert twin(name, 1 << 20) is None


def test_numpy_keeps_its_state_as_the_kernels_expect():
    assert generator_twins.EXACT


PROGRAM = """
import sys
from handtorch import random
generator = random.Generator().manual_seed(4)
samplers = [
    lambda n: random.bernoulli(0.9, n, bool, generator),
    lambda n: random.uniform(n, generator=generator),
    lambda n: random.uniform(n, 2, 3, "float64", generator),
    lambda n: random.randint(0, 10, n, generator=generator),
    lambda n: random.normal(n, generator=generator),
]
for sampler in samplers:
    sampler(200_000)
assert "numba" not in sys.modules
samplers[int(sys.argv[1])](1 << 20)
assert "numba" in sys.modules
"""


@pytest.mark.parametrize("sampler", range(3))
def test_only_a_large_request_loads_numba(sampler):
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(sampler)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
