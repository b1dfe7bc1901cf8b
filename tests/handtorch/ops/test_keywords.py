"""NumPy's names for arguments, and ``out=``."""

import numpy as np
import pytest

import handtorch
from handtorch import from_numpy
from handtorch.errors import DtypeError, GradientError, ShapeError

X = np.arange(12.0).reshape(3, 4)


@pytest.mark.parametrize("name", ["sum", "mean", "var", "std", "prod", "amax", "argmax", "all", "logsumexp", "norm"])
def test_axis_and_keepdims_mean_dim_and_keepdim(name):
    function = getattr(handtorch, name)
    needed = {"dim": 0} if name == "logsumexp" else {}
    got = function(from_numpy(X), **needed, axis=1, keepdims=True)
    np.testing.assert_array_equal(got.array, function(from_numpy(X), dim=1, keepdim=True).array)


def test_running_functions_know_axis_too():
    for name in ("cumsum", "cumprod", "diff"):
        function = getattr(handtorch, name)
        np.testing.assert_array_equal(function(from_numpy(X), axis=0).array, function(from_numpy(X), dim=0).array)
    assert from_numpy(X).max(axis=1).indices.tolist() == [3, 3, 3]


def test_other_keywords_are_refused_by_name():
    with pytest.raises(TypeError, match=r"sum\(\) got an unexpected keyword argument 'ddof'"):
        from_numpy(X).sum(ddof=1)
    with pytest.raises(TypeError, match="keepdims"):
        from_numpy(X).cumsum(0, keepdims=True)


def test_out_is_filled_and_returned():
    out = handtorch.zeros(4, dtype=handtorch.float64)
    memory = out.array
    assert handtorch.sum(from_numpy(X), 0, out=out) is out
    assert out.array is memory
    assert out.tolist() == X.sum(0).tolist()


def test_out_of_another_shape_takes_the_results():
    out = handtorch.empty(0, dtype=handtorch.float64)
    handtorch.mean(from_numpy(X), 1, out=out)
    assert out.tolist() == X.mean(1).tolist()


def test_out_of_several_results():
    values, indices = handtorch.empty(3, dtype=handtorch.float64), handtorch.empty(3, dtype=handtorch.int64)
    result = handtorch.max(from_numpy(X), 1, out=(values, indices))
    assert result.values is values and indices.tolist() == [3, 3, 3]
    with pytest.raises(DtypeError, match="dtype"):
        handtorch.max(from_numpy(X), 1, out=(indices, values))
    with pytest.raises(ShapeError, match="single memory location"):
        handtorch.sort(values, out=(values, indices))


def test_out_must_hold_the_result_and_has_no_gradient():
    with pytest.raises(DtypeError, match="can't be cast"):
        handtorch.sum(from_numpy(X), 0, out=handtorch.zeros(4, dtype=handtorch.int64))
    with pytest.raises(GradientError, match="out="):
        handtorch.sum(from_numpy(X).requires_grad_(), 0, out=handtorch.zeros(4, dtype=handtorch.float64))
