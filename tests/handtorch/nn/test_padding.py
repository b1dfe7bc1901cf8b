"""Padding layers and functions against NumPy's own padding."""

import numpy as np
import pytest

import handtorch
import handtorch.nn.functional as F
from handtorch import nn
from handtorch.autograd import gradcheck
from handtorch.errors import ArgumentError, RangeError, ShapeError

NUMPYS = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
LAYERS = {"constant": "ZeroPad", "reflect": "ReflectionPad", "replicate": "ReplicationPad", "circular": "CircularPad"}


def numbers(*shape):
    return handtorch.from_numpy(np.random.default_rng(0).standard_normal(shape))


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("mode", NUMPYS)
def test_a_layer_takes_one_width_or_widths_from_the_last_axis_on(mode, axes):
    x = numbers(2, 3, *(4, 5, 6)[:axes])
    layer = getattr(nn, f"{LAYERS[mode]}{axes}d")
    widths = (1, 2, 3, 0, 2, 1)[: 2 * axes]
    pairs = [(0, 0), (0, 0), *list(zip(widths[::2], widths[1::2], strict=True))[::-1]]
    np.testing.assert_array_equal(layer(widths)(x).numpy(), np.pad(x.numpy(), pairs, mode=NUMPYS[mode]))
    everywhere = [(0, 0), (0, 0), *[(2, 2)] * axes]
    np.testing.assert_array_equal(layer(2)(x).numpy(), np.pad(x.numpy(), everywhere, mode=NUMPYS[mode]))


def test_a_constant_border_has_the_value_and_the_type_of_the_input():
    x = handtorch.tensor([[1, 2]], dtype=handtorch.int32)
    y = nn.ConstantPad1d((1, 0), 7)(x)
    assert y.tolist() == [[7, 1, 2]]
    assert y.dtype == handtorch.int32


def test_a_negative_width_cuts_off():
    x = handtorch.arange(5.0).reshape(1, 5)
    assert F.pad(x, (-1, 1)).tolist() == [[1, 2, 3, 4, 0]]
    assert F.pad(x, (-2, 2), "replicate").tolist() == [[2, 3, 4, 4, 4]]
    assert F.pad(x, (-3, 2), "reflect").tolist() == [[3, 4, 3, 2]]
    assert F.pad(x, (-1, 2), "circular").tolist() == [[1, 2, 3, 4, 1, 2]]


@pytest.mark.parametrize("mode", NUMPYS)
def test_a_cut_and_a_border_together_have_the_gradient_of_difference_quotients(mode):
    x = numbers(1, 2, 4, 5).requires_grad_()
    gradcheck(lambda x: F.pad(x, (-1, 2, 2, -1), mode), [x])


@pytest.mark.parametrize(
    ("shape", "widths", "mode", "text"),
    [
        ((2, 3), (3, 0), "reflect", "less than the corresponding input dimension"),
        ((2, 3), (0, 4), "circular", "more than once"),
        ((2, 3), (1,), "constant", "divisible by 2"),
        ((3,), (1, 1, 1, 1), "constant", "two times the input dimension"),
        ((2, 3), (-2, -2), "constant", "negative output size"),
        ((2, 0, 4), (1, 1), "replicate", "non-zero dimensions"),
    ],
)
def test_widths_that_do_not_fit_are_refused(shape, widths, mode, text):
    with pytest.raises(ShapeError, match=text):
        F.pad(handtorch.zeros(shape), widths, mode)


def test_widths_for_some_of_the_axes_only_are_refused_as_pytorch_does():
    with pytest.raises(NotImplementedError, match="4D input"):
        F.pad(handtorch.zeros(2, 3, 4, 5), (1, 1), "reflect")


def test_a_mode_that_is_not_known_and_a_value_without_use_are_refused():
    with pytest.raises(RangeError, match="Unrecognised padding mode mirror"):
        F.pad(handtorch.zeros(2, 3), (1, 1), "mirror")
    with pytest.raises(RangeError, match="doesn't take in value"):
        F.pad(handtorch.zeros(2, 3), (1, 1), "reflect", 1.0)
    with pytest.raises(ArgumentError, match=r"CircularPad2d: expected 3D or 4D input"):
        nn.CircularPad2d(1)(handtorch.zeros(2, 3))
