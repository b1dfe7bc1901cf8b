"""Initializers against PyTorch's: the same seed gives the same weights."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import handtorch
from handtorch.nn import init

torch = pytest.importorskip("torch")

SHAPES = [(3, 4), (16, 16), (40, 7), (6, 4, 3), (8, 2, 3, 3), (4, 4, 2, 3, 5)]

FILLS: dict[str, Callable[..., Any]] = {
    "uniform": lambda init, t: init.uniform_(t, -2, 3),
    "uniform of the unit": lambda init, t: init.uniform_(t),
    "normal": lambda init, t: init.normal_(t, 0.5, 2),
    "normal cut far out": lambda init, t: init.trunc_normal_(t),
    "normal cut close": lambda init, t: init.trunc_normal_(t, 0.1, 0.02, 0.0, 0.11),
    "normal cut to a sliver": lambda init, t: init.trunc_normal_(t, 0, 1, -0.2, 0.1),
    "normal cut to a tail": lambda init, t: init.trunc_normal_(t, 0, 1, 2.5, 3),
    "constant": lambda init, t: init.constant_(t, 0.3),
    "ones": lambda init, t: init.ones_(t),
    "zeros": lambda init, t: init.zeros_(t),
    "xavier uniform": lambda init, t: init.xavier_uniform_(t, gain=1.7),
    "xavier normal": lambda init, t: init.xavier_normal_(t),
    "kaiming uniform": lambda init, t: init.kaiming_uniform_(t, a=5**0.5),
    "kaiming uniform out": lambda init, t: init.kaiming_uniform_(t, mode="fan_out", nonlinearity="relu"),
    "kaiming normal": lambda init, t: init.kaiming_normal_(t, mode="FAN_OUT", nonlinearity="tanh"),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("fill", FILLS)
def test_the_same_seed_gives_the_same_weights(fill: str, shape: tuple[int, ...], dtype: str) -> None:
    ours, theirs = both(FILLS[fill], shape, dtype)
    np.testing.assert_array_max_ulp(ours, theirs, maxulp=2)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_orthogonal_weights_are_the_same_up_to_rounding(shape: tuple[int, ...]) -> None:
    ours, theirs = both(lambda init, t: init.orthogonal_(t, gain=1.5), shape, "float32")
    np.testing.assert_allclose(ours, theirs, atol=2e-5)


@pytest.mark.parametrize("sparsity", [0.0, 0.1, 0.5, 1.0])
def test_sparse_weights_have_their_zeros_in_the_same_places(sparsity: float) -> None:
    ours, theirs = both(lambda init, t: init.sparse_(t, sparsity), (13, 5), "float32")
    np.testing.assert_array_max_ulp(ours, theirs, maxulp=2)


@pytest.mark.parametrize("shape", [(3, 3), (2, 5), (5, 2)])
def test_eye_is_the_same(shape: tuple[int, ...]) -> None:
    np.testing.assert_array_equal(*both(lambda init, t: init.eye_(t), shape, "float32"))


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("shape", [(4, 2, 3), (2, 4, 3, 5), (4, 4, 2, 3, 4)], ids=str)
def test_dirac_is_the_same(shape: tuple[int, ...], groups: int) -> None:
    np.testing.assert_array_equal(*both(lambda init, t: init.dirac_(t, groups), shape, "float32"))


@pytest.mark.parametrize("name", ["linear", "conv2d", "sigmoid", "tanh", "relu", "leaky_relu", "selu"])
def test_gains_are_the_same(name: str) -> None:
    for parameter in (None, 0.2, 3):
        assert init.calculate_gain(name, parameter) == torch.nn.init.calculate_gain(name, parameter)


def test_a_generator_of_ones_own_gives_the_same_weights() -> None:
    ours, theirs = handtorch.empty(5, 7), torch.empty(5, 7)
    init.xavier_normal_(ours, generator=handtorch.Generator().manual_seed(3))
    torch.nn.init.xavier_normal_(theirs, generator=torch.Generator().manual_seed(3))
    np.testing.assert_array_max_ulp(ours.numpy(), theirs.numpy(), maxulp=2)


def test_a_transposed_tensor_gets_the_same_weights() -> None:
    for fill in (FILLS["normal"], FILLS["uniform"]):
        ours, theirs = handtorch.empty(5, 7).t(), torch.empty(5, 7).t()
        seeded(fill, ours, theirs)
        np.testing.assert_array_max_ulp(ours.numpy(), theirs.numpy(), maxulp=2)


@pytest.mark.parametrize(
    "call",
    [
        lambda init, lib: init.calculate_gain("unknown"),
        lambda init, lib: init.calculate_gain("leaky_relu", True),
        lambda init, lib: init.kaiming_normal_(lib.empty(2, 2), mode="fan"),
        lambda init, lib: init.kaiming_normal_(lib.empty(2)),
        lambda init, lib: init.xavier_uniform_(lib.empty(2)),
        lambda init, lib: init.eye_(lib.empty(2)),
        lambda init, lib: init.dirac_(lib.empty(2, 2)),
        lambda init, lib: init.dirac_(lib.empty(3, 2, 2), groups=2),
        lambda init, lib: init.orthogonal_(lib.empty(2)),
        lambda init, lib: init.sparse_(lib.empty(2), 0.1),
    ],
)
def test_the_same_mistakes_are_refused(call: Callable[..., Any]) -> None:
    with pytest.raises(ValueError) as theirs:
        call(torch.nn.init, torch)
    with pytest.raises(ValueError) as ours:
        call(init, handtorch)
    assert str(ours.value).startswith(str(theirs.value).rstrip("."))


def both(fill: Callable[..., Any], shape: tuple[int, ...], dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """The weights that both libraries draw from one seed."""
    ours = handtorch.empty(shape, dtype=getattr(handtorch, dtype))
    theirs = torch.empty(shape, dtype=getattr(torch, dtype))
    seeded(fill, ours, theirs)
    return ours.numpy(), theirs.numpy()


def seeded(fill: Callable[..., Any], ours: Any, theirs: Any) -> None:
    handtorch.manual_seed(17)
    torch.manual_seed(17)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert fill(init, ours) is ours
        fill(torch.nn.init, theirs)
