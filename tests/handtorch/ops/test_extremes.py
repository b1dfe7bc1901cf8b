"""Extremes as functions: the three forms of max, who gets the gradient, where NaN goes."""

import pickle

import numpy as np
import pytest

import handtorch
from handtorch import return_types
from handtorch.errors import DtypeError


def test_max_has_three_forms():
    x, y = handtorch.tensor([[1.0, 5.0], [7.0, 2.0]]), handtorch.tensor([[3.0, 3.0], [3.0, 3.0]])
    assert x.max().item() == 7.0
    values, indices = x.max(1)
    assert (values.tolist(), indices.tolist()) == ([5.0, 7.0], [1, 0])
    assert handtorch.max(x, y).tolist() == x.max(other=y).tolist() == [[3.0, 5.0], [7.0, 3.0]]
    assert handtorch.min(x, dim=0, keepdim=True).values.tolist() == [[1.0, 2.0]]
    with pytest.raises(TypeError, match="two Tensors"):
        handtorch.max(2, x)


def test_over_all_the_gradient_is_shared_among_equals_along_an_axis_it_goes_to_the_first():
    x = handtorch.tensor([[2.0, 2.0], [1.0, 2.0]], requires_grad=True)
    x.max().backward()
    np.testing.assert_allclose(x.grad.array, [[1 / 3, 1 / 3], [0, 1 / 3]])
    x.grad = None
    x.max(1).values.sum().backward()
    assert x.grad.tolist() == [[1.0, 0.0], [0.0, 1.0]]
    x.grad = None
    x.amax(1).sum().backward()
    assert x.grad.tolist() == [[0.5, 0.5], [0.0, 1.0]]


def test_nan_is_larger_and_smaller_than_every_number():
    x = handtorch.tensor([1.0, float("nan"), 3.0])
    for result in (x.max(0), x.min(0)):
        assert np.isnan(result.values.item()) and result.indices.item() == 1
    assert np.isnan(x.amax().item()) and x.argmin().item() == 1


def test_what_has_no_order_is_refused():
    for name in ("max", "amin", "sort", "argmax", "topk", "cummax"):
        with pytest.raises(DtypeError):
            getattr(handtorch.tensor([1j, 2j]), name)(*{"topk": [1], "cummax": [0]}.get(name, []))
    with pytest.raises(DtypeError, match="argmax"):
        handtorch.tensor([True, False]).argmax()


def test_named_results_print_as_in_pytorch_and_are_tuples_that_can_be_pickled():
    result = handtorch.tensor([3.0, 4.0]).max(0)
    assert repr(result) == "torch.return_types.max(\nvalues=tensor(4.),\nindices=tensor(1))"
    assert isinstance(result, tuple) and type(result) is return_types.max
    assert pickle.loads(pickle.dumps(result)).indices.item() == 1


def test_aminmax_is_both():
    low, high = handtorch.tensor([[1.0, 5.0], [7.0, 2.0]]).aminmax(dim=1)
    assert (low.tolist(), high.tolist()) == ([1.0, 2.0], [5.0, 7.0])
