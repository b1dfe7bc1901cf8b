"""Shuffling layers against their formulas, written out place by place."""

import itertools

import numpy as np
import pytest

import handtorch
from handtorch import nn
from handtorch.autograd import gradcheck
from handtorch.errors import ShapeError


def numbers(*shape):
    return handtorch.from_numpy(np.random.default_rng(0).standard_normal(shape))


@pytest.mark.parametrize("batch", [(), (2,), (2, 3)])
def test_pixel_shuffle_spreads_the_channels_over_cells(batch):
    x, r = numbers(*batch, 8, 3, 4), 2
    y = nn.PixelShuffle(r)(x)
    assert y.shape == (*batch, 2, 6, 8)
    for c, h, w, i, j in itertools.product(range(2), range(3), range(4), range(r), range(r)):
        np.testing.assert_array_equal(
            y.numpy()[..., c, h * r + i, w * r + j], x.numpy()[..., c * r * r + i * r + j, h, w]
        )
    np.testing.assert_array_equal(nn.PixelUnshuffle(r)(y).numpy(), x.numpy())


def test_channel_shuffle_deals_the_groups_out_in_turn():
    x = handtorch.arange(6.0).reshape(1, 6, 1, 1)
    assert nn.ChannelShuffle(2)(x).flatten().tolist() == [0, 3, 1, 4, 2, 5]
    assert nn.ChannelShuffle(3)(x).flatten().tolist() == [0, 2, 4, 1, 3, 5]


@pytest.mark.parametrize("layer", [nn.PixelShuffle(2), nn.PixelUnshuffle(2), nn.ChannelShuffle(2)])
def test_gradients_go_back_to_where_the_elements_came_from(layer):
    gradcheck(layer, [numbers(1, 4, 2, 2).requires_grad_()])


@pytest.mark.parametrize(
    ("layer", "shape", "text"),
    [
        (nn.PixelShuffle(2), (3, 2, 2), "not divisible by 4"),
        (nn.PixelShuffle(2), (4, 2), "at least 3 dimensions"),
        (nn.PixelShuffle(0), (4, 2, 2), "positive upscale_factor"),
        (nn.PixelUnshuffle(2), (1, 3, 2), "height to be divisible"),
        (nn.PixelUnshuffle(2), (1, 2, 3), "width to be divisible"),
        (nn.ChannelShuffle(2), (1, 3, 2), "divisible by groups"),
        (nn.ChannelShuffle(0), (1, 3, 2), "must be positive"),
        (nn.ChannelShuffle(2), (1, 4), "> 2 dims"),
    ],
)
def test_shapes_that_cannot_be_shuffled_are_refused(layer, shape, text):
    with pytest.raises(ShapeError, match=text):
        layer(handtorch.zeros(shape))
