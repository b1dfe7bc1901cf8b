"""Random numbers equal to those of PyTorch's CPU generator for the same seed.

=================  ===================================================================================
``generator``      the Mersenne Twister, its seeds, its words and its states
``continuous``     uniform, normal, log-normal, exponential, Cauchy
``discrete``       whole numbers, permutations, coin flips, geometric numbers, categories
``rejection``      Poisson, binomial, gamma, Dirichlet
``order``          numbers for arrays that do not lie row by row
``gaussian``       Box and Muller's transform as PyTorch computes it
``arithmetic``     fused multiply-add and the C library's functions, for results equal to the last bit
``twins``          from how many numbers on the compiled twins of all these take over
=================  ===================================================================================

Samplers take and return NumPy arrays; ``generator=None`` means the default generator. Equal means equal to the bit
to PyTorch on x86-64 processors with AVX2 and FMA, but for float32 normal numbers in about one case in a million
million, and for float64 results on a machine whose C library differs from the one that PyTorch runs on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from handtorch.random.continuous import cauchy, exponential, log_normal, normal, uniform
from handtorch.random.discrete import bernoulli, geometric, multinomial, randint, random_full, randperm
from handtorch.random.generator import Generator, SamplingError, default_generator
from handtorch.random.rejection import binomial, dirichlet, poisson, standard_gamma

if TYPE_CHECKING:
    from handtorch.tensor import Tensor

__all__ = [
    "Generator",
    "SamplingError",
    "bernoulli",
    "binomial",
    "cauchy",
    "default_generator",
    "dirichlet",
    "exponential",
    "fork_rng",
    "geometric",
    "get_rng_state",
    "initial_seed",
    "log_normal",
    "manual_seed",
    "multinomial",
    "normal",
    "poisson",
    "randint",
    "random_full",
    "randperm",
    "seed",
    "set_rng_state",
    "standard_gamma",
    "uniform",
]


def manual_seed(seed: int) -> Generator:
    """Start the default generator over from ``seed``, an integer of [-2**63, 2**64), and return it."""
    return default_generator.manual_seed(seed)


def seed() -> int:
    """Start the default generator over from a number of the operating system's, and return that number."""
    return default_generator.seed()


def initial_seed() -> int:
    """The seed that the default generator's present stream started from."""
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """The default generator's state as a uint8 tensor of shape (5056,)."""
    return default_generator.get_state()


def set_rng_state(new_state: Tensor) -> None:
    """Continue the default generator from a state of :func:`get_rng_state`, of shape (5056,) and type uint8."""
    default_generator.set_state(new_state)


@contextmanager
def fork_rng(devices: Iterable[Any] | None = None, enabled: bool = True, device_type: str = "cpu") -> Iterator[None]:
    """A block of code whose draws leave no trace: afterwards the default generator stands where it stood before.

    Args:
        devices, device_type: PyTorch's choice of accelerators; there are none here, and both change nothing.
        enabled: False to run the block without going back.
    """
    if not enabled:
        yield
        return
    state = default_generator.state_bytes()
    try:
        yield
    finally:
        default_generator.load_state_bytes(state)
