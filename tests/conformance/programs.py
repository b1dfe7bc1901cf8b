"""Programs that are run with both libraries, and have to give the same values.

A program takes the library and returns a nest of tensors and plain values::

    program, test_both_libraries_do_the_same = programs()


    @program
    def relu_is_positive(lib):
        return lib.relu(numbers(lib, 3, 4))
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import handtorch

torch = pytest.importorskip("torch")

Program = Callable[[Any], Any]


def programs() -> tuple[Callable[[Program], Program], Any]:
    """A decorator that collects programs, and the test that runs all of them with both libraries."""
    collected: list[Program] = []

    def program(function: Program) -> Program:
        collected.append(function)
        return function

    def test(run: Program) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected, got = run(torch), run(handtorch)
        assert_alike(got, expected)

    return program, pytest.mark.parametrize("run", collected, ids=lambda run: run.__name__)(test)


def assert_alike(got: Any, expected: Any) -> None:
    """Hold two nests of values to each other: tensors up to rounding, texts without the library's name."""
    if isinstance(expected, torch.Tensor):
        assert str(got.dtype).replace("handtorch", "torch") == str(expected.dtype)
        assert tuple(got.shape) == tuple(expected.shape)
        rtol, atol = (2e-3, 2e-3) if expected.dtype == torch.float16 else (1e-4, 1e-5)
        np.testing.assert_allclose(got.detach().numpy(), expected.detach().numpy(), rtol=rtol, atol=atol)
    elif isinstance(expected, dict):
        assert list(got) == list(expected)
        assert_alike(list(got.values()), list(expected.values()))
    elif isinstance(expected, (list, tuple)):
        assert len(got) == len(expected)
        for one, other in zip(got, expected, strict=True):
            assert_alike(one, other)
    else:
        assert (got.replace("handtorch", "torch") if isinstance(got, str) else got) == expected


def numbers(lib: Any, *shape: int, seed: int = 0) -> Any:
    """Standard normal float32 numbers, the same for both libraries."""
    return lib.from_numpy(np.random.default_rng((seed, *shape)).standard_normal(shape).astype(np.float32))


def raises(kind: type[Exception], call: Callable[[], Any]) -> bool:
    """Whether a call raises an error of this kind."""
    try:
        call()
    except kind:
        return True
    return False
