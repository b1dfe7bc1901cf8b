"""Tensor, element types and printing beside PyTorch's."""

import itertools

import numpy as np
import pytest
import torch

import handtorch
from handtorch import dtypes

NAMES = [d.name for d in dtypes.ALL]


def both(array):
    return handtorch.from_numpy(array.copy()), torch.from_numpy(array.copy())


@pytest.mark.parametrize(("a", "b"), itertools.product(NAMES, NAMES))
def test_types_promote_as_in_pytorch(a, b):
    mine = handtorch.promote_types(getattr(handtorch, a), getattr(handtorch, b))
    assert mine.name == str(torch.promote_types(getattr(torch, a), getattr(torch, b))).removeprefix("torch.")


SHAPES = [(), (2,)]


def _name(theirs):
    """The type that Handtorch must give: PyTorch's, but for half precision complex numbers, which NumPy has not."""
    return {"complex32": "complex64"}.get(str(theirs.dtype)[6:], str(theirs.dtype)[6:])


NUMBERS = [2, 2.5, True, 1 + 2j]


@pytest.mark.parametrize(("a", "b"), itertools.product(NAMES, NAMES))
def test_sums_of_tensors_have_pytorchs_type(a, b):
    for left, right in itertools.product(SHAPES, SHAPES):
        x, y = np.ones(left, a), np.ones(right, b)
        mine = handtorch.from_numpy(x) + handtorch.from_numpy(y)
        theirs = torch.from_numpy(x) + torch.from_numpy(y)
        assert mine.dtype.name == _name(theirs), (left, right)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("number", NUMBERS, ids=str)
def test_products_with_python_numbers_have_pytorchs_type(name, number):
    x = np.ones(2, name)
    for mine, theirs in (
        (handtorch.from_numpy(x) * number, torch.from_numpy(x) * number),
        (number * handtorch.from_numpy(x), number * torch.from_numpy(x)),
    ):
        assert mine.dtype.name == _name(theirs)
        np.testing.assert_allclose(mine.array, theirs.to(torch.complex64).numpy() if theirs.is_complex() else theirs)


DATA = [0, 1.5, True, [1, 2], [1.0, 2], [True, False], [[1, 2], [3, 4.5]], [], [[]], 1j, [1, 2.5, 3j], (1, (2))]


@pytest.mark.parametrize("data", DATA, ids=str)
def test_tensors_of_python_data_have_pytorchs_type_and_shape(data):
    mine, theirs = handtorch.tensor(data), torch.tensor(data)
    assert mine.dtype.name == str(theirs.dtype).removeprefix("torch.")
    assert tuple(mine.shape) == tuple(theirs.shape)
    np.testing.assert_array_equal(mine.array, theirs.numpy())


rng = np.random.default_rng(0)
PRINTED = {
    "vector": rng.standard_normal(5).astype(np.float32),
    "long vector": rng.standard_normal(40).astype(np.float32),
    "matrix": rng.standard_normal((3, 4)).astype(np.float32),
    "cube": rng.standard_normal((2, 3, 4)).astype(np.float32),
    "whole floats": np.arange(6.0, dtype=np.float32),
    "large whole floats": np.array([1.0, 20000, 300000], np.float32),
    "wide range": np.array([1e-6, 1.0, 1e6], np.float32),
    "small": np.array([1e-5, 2e-5], np.float32),
    "nan and inf": np.array([np.nan, 1.5, np.inf, -np.inf], np.float32),
    "whole with nan": np.array([np.nan, 1, 2], np.float32),
    "float64": rng.standard_normal(3),
    "int64": np.array([[1, -20], [300, 4]]),
    "int32": np.array([1, 2], np.int32),
    "bool": np.array([True, False]),
    "uint8": np.array([1, 255], np.uint8),
    "half": np.array([0.5, 1.25], np.float16),
    "number": np.array(3.14159, np.float32),
    "whole number": np.array(7),
    "empty": np.zeros(0, np.float32),
    "empty matrix": np.zeros((0, 3), np.float32),
    "empty int": np.zeros(0, np.int64),
    "summarised": np.arange(2000, dtype=np.float32),
    "summarised matrix": rng.standard_normal((50, 60)).astype(np.float32),
    "complex": np.array([1 + 2j, -0.5j], np.complex64),
    "zeros": np.zeros((2, 2), np.float32),
}


@pytest.mark.parametrize("name", PRINTED)
def test_tensors_print_as_in_pytorch(name):
    mine, theirs = both(PRINTED[name])
    assert repr(mine).replace("handtorch.", "torch.") == repr(theirs)
    if PRINTED[name].dtype.kind == "f":
        assert repr(mine.requires_grad_()).replace("handtorch.", "torch.") == repr(theirs.requires_grad_())
        assert repr(mine * 2).replace("handtorch.", "torch.") == repr(theirs * 2)


def test_print_options_change_both_alike():
    mine, theirs = both(rng.standard_normal((4, 7)))
    for options in (
        {"precision": 2},
        {"sci_mode": True},
        {"linewidth": 40},
        {"profile": "short"},
        {"profile": "default"},
    ):
        handtorch.set_printoptions(**options)
        torch.set_printoptions(**options)
        assert repr(mine).replace("handtorch.", "torch.") == repr(theirs)


@pytest.mark.parametrize(
    "run",
    [
        lambda t: t.ones(3, requires_grad=True).backward(),
        lambda t: t.ones(3).sum().backward(),
        lambda t: t.ones(2, 3) @ t.ones(2, 3),
        lambda t: t.ones(2, 3) + t.ones(2),
        lambda t: t.ones(2, 3).sum(5),
        lambda t: t.ones(2, 3).reshape(4),
        lambda t: t.ones(2).requires_grad_().numpy(),
        lambda t: t.ones(2, dtype=t.int64).requires_grad_(),
        lambda t: t.ones(3).item(),
        lambda t: bool(t.ones(3)),
        lambda t: t.ones(3).view(2),
        lambda t: t.stack([t.ones(2), t.ones(3)]),
        lambda t: t.cat([t.ones(2, 2), t.ones(3, 3)]),
        lambda t: t.ones(3)[5],
        lambda t: t.ones(3).requires_grad_().add_(1),
        lambda t: t.ones(3, 4).mean(dim=2),
        lambda t: t.ones(3, dtype=t.int64).mean(),
        lambda t: len(t.tensor(1)),
        lambda t: list(t.tensor(1)),
        lambda t: t.ones(3, 4).expand(2, 4),
        lambda t: t.ones(3).add_(t.ones(2, 3)),
        lambda t: t.ones(3, dtype=t.int64).add_(1.5),
    ],
)
def test_mistakes_raise_the_same_kind_of_error(run):
    with pytest.raises(Exception) as theirs:
        run(torch)
    with pytest.raises(theirs.type):
        run(handtorch)
