"""Padding is found from lengths and set to zero, whatever stood there."""

import numpy as np
import pytest

import handtorch
from handtorch.errors import ShapeError
from handtorch.nn.sequences import frame_mask, zero_padding


def test_steps_before_the_end_are_there():
    assert frame_mask([2, 0, 3], 3).int().tolist() == [[1, 1, 0], [0, 0, 0], [1, 1, 1]]


@pytest.mark.parametrize("time_axis", [1, 2, 3])
def test_padding_becomes_zero_along_any_axis_even_from_nan(time_axis):
    shape = [2, 3, 3, 3]
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    ended = np.moveaxis(np.zeros(shape, bool), time_axis, 1)
    ended[0, 1:] = True
    ended = np.moveaxis(ended, 1, time_axis)
    given = handtorch.tensor(np.where(ended, np.nan, x), requires_grad=True)
    y = zero_padding(given, [1, 3], time_axis)
    np.testing.assert_array_equal(y.detach().numpy(), np.where(ended, 0, x))
    y.sum().backward()
    np.testing.assert_array_equal(given.grad.numpy(), np.where(ended, 0, 1))


def test_a_batch_without_padding_is_not_copied():
    x = handtorch.randn(2, 3, 4)
    assert zero_padding(x, handtorch.tensor([3, 3])) is x


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        ([1, 2, 3], r"expected lengths \(2\), a whole number for each"),
        ([1.0, 2.0], "a whole number for each"),
        ([4, 1], r"from 0 to the 3 steps of the batch, got \[4, 1\]"),
        ([-1, 1], "from 0 to the 3 steps"),
    ],
)
def test_lengths_that_do_not_fit_are_refused(lengths, message):
    with pytest.raises(ShapeError, match=message):
        zero_padding(handtorch.randn(2, 3, 4), lengths)
