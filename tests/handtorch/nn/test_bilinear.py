"""Bilinear: the formula, its parameters, and shapes that it refuses."""

import numpy as np
import pytest

import handtorch
from handtorch import from_numpy, nn
from handtorch.errors import ArgumentError, DimensionError, ShapeError
from handtorch.nn import functional as F


def test_bilinear_is_a_sum_over_both_inputs_for_each_output():
    layer = nn.Bilinear(2, 3, 4, dtype=handtorch.float64)
    x, z = np.random.default_rng(0).standard_normal((5, 6, 2)), np.random.default_rng(1).standard_normal((5, 6, 3))
    got = layer(from_numpy(x), from_numpy(z)).detach().array
    for o in range(4):
        want = ((x @ layer.weight.array[o]) * z).sum(axis=-1) + layer.bias.array[o]
        np.testing.assert_allclose(got[..., o], want, rtol=1e-12)


def test_parameters_lie_within_one_over_the_root_of_the_first_length():
    layer = nn.Bilinear(16, 3, 50)
    assert layer.weight.shape == (50, 16, 3)
    assert 0.24 < abs(layer.weight.array).max() <= 0.25
    assert nn.Bilinear(2, 3, 4, bias=False).bias is None
    assert repr(layer) == "Bilinear(in1_features=16, in2_features=3, out_features=50, bias=True)"
    with pytest.raises(ArgumentError, match="must be > 0"):
        nn.Bilinear(0, 3, 4)


def test_shapes_that_do_not_go_together_are_refused():
    x, w = handtorch.ones(2, 2), handtorch.ones(4, 2, 3)
    z = handtorch.ones(2, 3)
    for args, message in (
        ((x, handtorch.ones(3, 3), w), "batch dimensions do not match at dim 0: got 2 and 3"),
        ((x, z[0], w), "input dimensions do not match"),
        ((x, x, w), "input2 size does not match weight size: got 2 but expected 3"),
        ((z, z, w), "input1 size"),
        ((x, z, w, handtorch.ones(3)), "bias size"),
    ):
        with pytest.raises(ShapeError, match=message):
            F.bilinear(*args)
    with pytest.raises(DimensionError, match="weight"):
        F.bilinear(x, z, handtorch.ones(2, 3))


def test_linear_with_a_vector_as_weight_gives_a_number_for_each_row():
    x = np.arange(6.0).reshape(2, 3)
    got = F.linear(from_numpy(x), from_numpy(x[1]), handtorch.tensor(1.0, dtype=handtorch.float64))
    np.testing.assert_array_equal(got.array, x @ x[1] + 1)
