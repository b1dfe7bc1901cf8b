"""Views see one memory: what is written through one of them is seen in the base, at the places that it shows."""

import numpy as np
import pytest

import handtorch
from handtorch.errors import GradientError, ShapeError

VIEWS = {
    "as_strided": lambda x: x.as_strided((2, 3), (6, 2), 3),
    "diagonal": lambda x: x.diagonal(1),
    "expand": lambda x: x.expand(1, 4, 6),
    "flatten": lambda x: x.flatten(),
    "mT": lambda x: x.mT,
    "movedim": lambda x: x.movedim(0, 1),
    "narrow": lambda x: x.narrow(1, 2, 3),
    "permute": lambda x: x.permute(1, 0),
    "ravel": lambda x: x.ravel(),
    "reshape": lambda x: x.reshape(3, 8),
    "select": lambda x: x.select(1, 3),
    "squeeze": lambda x: x.view(4, 1, 6).squeeze(),
    "split": lambda x: x.split([1, 3])[1],
    "tensor_split": lambda x: x.tensor_split(4, 1)[2],
    "transpose": lambda x: x.transpose(0, 1),
    "unbind": lambda x: x.unbind(1)[2],
    "unflatten": lambda x: x.unflatten(1, (2, 3)),
    "unfold": lambda x: x.unfold(1, 2, 2),
    "unsqueeze": lambda x: x.unsqueeze(1),
    "view": lambda x: x.view(2, 12),
}


@pytest.mark.parametrize("view", VIEWS)
def test_a_write_through_a_view_reaches_the_base_with_its_gradient(view):
    places = VIEWS[view](handtorch.arange(24).view(4, 6)).array
    x = handtorch.from_numpy(np.random.default_rng(0).standard_normal((4, 6))).requires_grad_()
    y = x * 1
    VIEWS[view](y).mul_(3)
    factor = np.ones(24)
    factor[places.ravel()] = 3
    np.testing.assert_allclose(y.detach().array, x.array * factor.reshape(4, 6))
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.array.ravel(), factor)


@pytest.mark.parametrize("view", VIEWS)
def test_a_write_to_the_base_is_seen_in_the_view_with_its_gradient(view):
    w = handtorch.ones(6, dtype=handtorch.float64, requires_grad=True)
    base = handtorch.zeros(4, 6, dtype=handtorch.float64)
    looked = VIEWS[view](base)
    base[2] = w * 5
    assert looked.requires_grad
    looked.sum().backward()
    places = VIEWS[view](handtorch.arange(24).view(4, 6)).array
    np.testing.assert_array_equal(w.grad.array, [5 * (places == 12 + i).sum() for i in range(6)])


def test_windows_that_overlap_add_up_in_the_gradient():
    x = handtorch.zeros(7, dtype=handtorch.float64, requires_grad=True)
    x.unfold(0, 3, 2).sum().backward()
    assert x.grad.tolist() == [1, 1, 2, 1, 2, 1, 1]
    x.grad = None
    x.as_strided((2, 4), (1, 1)).sum().backward()
    assert x.grad.tolist() == [1, 2, 2, 2, 1, 0, 0]


def test_the_memory_behind_a_view_can_be_read_but_nothing_beyond_it():
    x = handtorch.arange(12)
    part = x[4:8]
    assert part.storage_offset() == 4
    assert part.as_strided((3,), (4,), 0).tolist() == [0, 4, 8]
    for beyond in (lambda: part.as_strided((9,), (1,)), lambda: handtorch.empty(0).as_strided((1,), (1,))):
        with pytest.raises(ShapeError, match="out of bounds for storage"):
            beyond()


def test_the_same_bytes_read_as_another_type():
    x = handtorch.ones(2, 4)
    bits = x.view(handtorch.int32)
    assert bits.tolist() == [[0x3F800000] * 4] * 2
    bits.zero_()
    assert not x.any()
    assert x.view(handtorch.float64).shape == (2, 2)
    with pytest.raises(ShapeError, match="must be divisible by 2"):
        handtorch.ones(3).view(handtorch.float64)


def test_a_view_is_refused_where_only_a_copy_could_be_made():
    x = handtorch.zeros(3, 4).t()
    with pytest.raises(ShapeError, match=r"Use .reshape"):
        x.view(12)
    assert x.view(2, 2, 3).shape == (2, 2, 3)


def test_resizing_keeps_the_elements_and_is_refused_under_gradients():
    x = handtorch.arange(6)
    assert x.resize_(2, 2).tolist() == [[0, 1], [2, 3]]
    assert x.resize_(6).tolist() == [0, 1, 2, 3, 4, 5]
    assert x.resize_(8)[:6].tolist() == [0, 1, 2, 3, 4, 5]
    with pytest.raises(GradientError, match="cannot resize"):
        handtorch.ones(2, requires_grad=True).resize_(1)


def test_methods_that_change_how_a_tensor_looks_at_its_memory_stay_in_the_graph():
    x = handtorch.ones(1, 3, dtype=handtorch.float64, requires_grad=True)
    y = x * 3
    row = y[0]
    assert y.squeeze_(0).shape == (3,)
    y.mul_(2)
    (y * row).sum().backward()
    assert x.grad.tolist() == [[72.0] * 3]
    with pytest.raises(GradientError, match="a leaf Variable"):
        x.squeeze_()
