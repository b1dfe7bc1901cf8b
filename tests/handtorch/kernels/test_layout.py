"""Twins take arrays in any layout, and copies between layouts keep every element."""

import numpy as np
import pytest

import handtorch
import handtorch.nn.functional as F
from handtorch import kernels
from handtorch.kernels.layout import like, row_major
from handtorch.kernels.sums import over_batch_and_places, over_rows


@pytest.mark.parametrize("order", [(0, 2, 3, 1), (3, 1, 0, 2), (0, 1, 2, 3)])
@pytest.mark.parametrize("shape", [(3, 40, 30, 20), (1, 1, 5, 70_000), (0, 2, 3, 4)])
def test_a_copy_has_the_elements_and_the_layout_that_were_asked_for(order, shape):
    x = np.arange(np.prod(shape), dtype=np.float32).reshape(shape).transpose(order)
    there = row_major(x)
    back = like(x, there)
    np.testing.assert_array_equal(there, x)
    np.testing.assert_array_equal(back, x)
    assert there.flags.c_contiguous
    assert back.size == 0 or back.strides == x.strides or back.transpose(np.argsort(order)).flags.c_contiguous


def test_what_is_row_major_already_is_not_copied():
    x = np.zeros((3, 4))
    assert row_major(x) is x
    assert like(np.ones((3, 4)), x) is x


def test_sums_of_broadcast_gradients_are_numpys():
    x = np.random.default_rng(0).standard_normal((9, 50, 30, 20))
    np.testing.assert_allclose(over_batch_and_places(x), x.sum(axis=(0, 2, 3)))
    np.testing.assert_allclose(over_rows(x.reshape(-1, 600)), x.reshape(-1, 600).sum(axis=0))


def steps(x, first, last):
    """Results and gradients of a convolution, layer norm over its channels, and a convolution."""
    leaves = [x, first, last]
    for leaf in leaves:
        leaf.grad = None
        leaf.requires_grad_()
    seen = F.conv2d(x, first, padding=1, groups=8).permute(0, 2, 3, 1)
    seen = F.layer_norm(seen.repeat(1, 1, 1, 2), (16,)).permute(0, 3, 1, 2)
    y = F.conv2d(seen, last, stride=2)
    y.backward(handtorch.cos(handtorch.arange(y.numel())).reshape(y.shape).to(y.dtype))
    return [y.detach().numpy(), *(leaf.grad.numpy() for leaf in leaves)]


def test_permuted_pictures_go_through_twins_as_through_the_reference():
    rng = np.random.default_rng(0)
    shapes = (9, 8, 20, 20), (8, 1, 3, 3), (24, 16, 2, 2)
    leaves = [handtorch.from_numpy(rng.standard_normal(shape)) for shape in shapes]
    fast = steps(*leaves)
    with kernels.use("reference"):
        plain = steps(*leaves)
    for a, b in zip(fast, plain, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-10)


def test_a_permuted_input_does_not_keep_layer_norm_or_convolution_from_their_twins():
    picture = handtorch.randn(4, 16, 20, 20, requires_grad=True)
    last = picture.permute(0, 2, 3, 1)
    first = handtorch.randn(4, 20, 20, 16).permute(0, 3, 1, 2)
    made = [
        F.layer_norm(last, (16,)),
        F.conv2d(first, handtorch.randn(8, 16, 3, 3, requires_grad=True)),
    ]
    assert all(type(y.op).__module__.startswith("handtorch.kernels.") for y in made)
    made[0].sum().backward()
    assert picture.grad.is_contiguous()
