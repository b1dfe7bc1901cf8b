"""In-place writes to tensors and to views, inside the graph: gradients are those of the same program without them."""

import numpy as np
import pytest

import handtorch
from handtorch.errors import GradientError


def leaf(*shape, seed=0):
    return handtorch.from_numpy(np.random.default_rng(seed).standard_normal(shape)).requires_grad_()


def test_writing_to_a_view_changes_the_gradient_of_its_base():
    x = leaf(3, 4)
    y = x * 2
    y[1].mul_(5)
    y.sum().backward()
    assert x.grad.tolist() == [[2.0] * 4, [10.0] * 4, [2.0] * 4]


def test_writing_to_a_base_changes_the_gradient_of_its_views():
    x = leaf(3, 4)
    y = x * 2
    view = y[1]
    y.mul_(5)
    view.sum().backward()
    assert x.grad.tolist() == [[0.0] * 4, [10.0] * 4, [0.0] * 4]


def test_a_view_sees_what_another_view_wrote():
    x = leaf(3, 4)
    y = x * 1
    rows, column = y[1:], y[:, 0]
    rows.mul_(3)
    column.sum().backward()
    np.testing.assert_array_equal(x.grad.array, [[1, 0, 0, 0], [3, 0, 0, 0], [3, 0, 0, 0]])
    np.testing.assert_allclose(column.array, x.array[:, 0] * [1, 3, 3])


@pytest.mark.parametrize(
    "look",
    [
        lambda y: y.t(),
        lambda y: y.reshape(2, 6),
        lambda y: y[:, 1:3],
        lambda y: y.permute(1, 0)[2],
        lambda y: y.unsqueeze(1),
        lambda y: y[1:, ::2],
    ],
)
def test_every_kind_of_view_can_be_written_to(look):
    x = leaf(3, 4)
    y = x * 1.5
    view = look(y)
    weight = leaf(*view.shape, seed=1)
    view.mul_(weight)
    (y * y).sum().backward()
    mine = x.grad.array.copy(), weight.grad.array.copy()

    a = handtorch.from_numpy(x.array.copy()).requires_grad_()
    w = handtorch.from_numpy(weight.array.copy()).requires_grad_()
    factor = np.ones((3, 4))
    look(handtorch.from_numpy(factor)).array[...] = 2
    touched = handtorch.from_numpy(factor == 2)
    places = look(handtorch.from_numpy(np.arange(12.0).reshape(3, 4))).array.astype(int)
    spread = handtorch.from_numpy(np.zeros(12))
    spread[places.ravel()] = w.reshape(-1)
    e = a * 1.5
    z = handtorch.where(touched, e * spread.reshape(3, 4), e)
    (z * z).sum().backward()
    np.testing.assert_allclose(mine[0], a.grad.array)
    np.testing.assert_allclose(mine[1], w.grad.array)


def test_assigning_to_places_routes_gradients_to_the_value_and_away_from_what_was_there():
    x, v = leaf(3, 4), leaf(4, seed=1)
    y = x * 2
    y[1] = v * 3
    y.sum().backward()
    assert x.grad.tolist() == [[2.0] * 4, [0.0] * 4, [2.0] * 4]
    assert v.grad.tolist() == [3.0] * 4


def test_a_plain_tensor_that_is_filled_from_the_graph_joins_it():
    v = leaf(4)
    buffer = handtorch.zeros(3, 4, dtype=handtorch.float64)
    row = buffer[2]
    buffer[0] = v
    buffer[1].copy_(v * 2)
    assert buffer.requires_grad and row.requires_grad
    buffer.sum().backward()
    assert v.grad.tolist() == [3.0] * 4


def test_filling_a_result_cuts_its_gradient():
    x = leaf(3)
    y = x * 2
    y.zero_()
    y.sum().backward()
    assert x.grad.tolist() == [0.0, 0.0, 0.0]


def test_writing_to_a_view_of_a_leaf_is_refused():
    x = leaf(3, 4)
    with pytest.raises(GradientError, match="a view of a leaf Variable"):
        x[0].zero_()
    with handtorch.no_grad():
        x[0].zero_()
    assert x.array[0].tolist() == [0.0] * 4


def test_writing_to_a_detached_tensor_is_seen_by_the_check_for_changed_values():
    x = leaf(3)
    y = x.exp()
    z = (y * y).sum()
    y.detach().zero_()
    with pytest.raises(GradientError, match="modified by an inplace operation"):
        z.backward()


def test_version_counts_writes_to_the_tensor_and_its_views():
    x = handtorch.zeros(3)
    x.add_(1)
    x[0].add_(1)
    x.detach().add_(1)
    assert x._version == 3
    assert x.tolist() == [3.0, 2.0, 2.0]


def test_python_operators_in_place():
    x = leaf(3)
    y = x * 1
    z = y
    y *= 3
    y[0] -= 1
    assert z is y
    y.sum().backward()
    assert x.grad.tolist() == [3.0, 3.0, 3.0]


def test_whole_numbers_of_any_width_and_sign_may_be_written_to_each_other():
    narrow = handtorch.zeros(3, dtype=handtorch.uint8)
    narrow += handtorch.tensor([1, 2, 300])
    assert narrow.tolist() == [1, 2, 44]
    with pytest.raises(RuntimeError, match="can't be cast"):
        handtorch.zeros(3, dtype=handtorch.bool).logical_or_(handtorch.ones(3)).add_(handtorch.tensor([1, 2, 3]))
    out = handtorch.zeros(2, dtype=handtorch.uint8)
    handtorch.add(handtorch.tensor([1, 2]), 1, out=out)
    assert out.tolist() == [2, 3]


def test_backward_notices_a_write_through_detach_and_not_one_through_data():
    for way, noticed in (("detach", True), ("data", False)):
        x = handtorch.ones(3, requires_grad=True)
        y = x.exp()
        z = y * y
        shared = y.detach() if way == "detach" else y.data
        shared[0] = 5
        shared.view(3, 1).mul_(1)
        if noticed:
            with pytest.raises(GradientError, match="modified by an inplace operation"):
                z.sum().backward()
        else:
            z.sum().backward()
            assert x.grad[0].item() == pytest.approx(2 * 5 * 5)
