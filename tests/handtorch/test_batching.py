"""vmap gives what a loop over the examples gives, wherever the axis of the batch stands."""

import numpy as np
import pytest

import handtorch
from handtorch.errors import ArgumentError, GradientError
from handtorch.func import functional_call, grad, vmap
from handtorch.nn import Linear


def normal(*shape):
    return handtorch.from_numpy(np.random.default_rng(sum(shape)).standard_normal(shape))


def test_a_function_of_vectors_becomes_one_of_batches():
    a, b = normal(5, 3), normal(3, 5)
    dots = vmap(handtorch.dot, in_dims=(0, 1))(a, b)
    np.testing.assert_allclose(dots, np.einsum("ij,ji->i", a, b))
    nested = vmap(vmap(handtorch.dot, in_dims=(None, 1)), in_dims=(0, None))(a, b)
    np.testing.assert_allclose(nested, a.numpy() @ b.numpy())


def test_nests_go_in_and_out_and_the_axis_is_put_where_it_is_wanted():
    tree = {"x": normal(4, 2), "y": (normal(2, 4), 3.0)}
    out = vmap(
        lambda t, scale: {"sum": t["x"] + t["y"][0], "all": (t["x"] * t["y"][1] * scale, scale)},
        in_dims=({"x": 0, "y": (1, None)}, None),
        out_dims={"sum": 1, "all": (0, None)},
    )(tree, handtorch.tensor(2.0))
    np.testing.assert_allclose(out["sum"], tree["x"].numpy().T + tree["y"][0].numpy())
    np.testing.assert_allclose(out["all"][0], tree["x"].numpy() * 6)
    assert out["all"][1].item() == 2


def test_keyword_arguments_are_batches_along_their_first_axis():
    x, y = normal(3, 2), normal(3, 2)
    np.testing.assert_allclose(vmap(lambda a, *, b: a - b)(x, b=y), x.numpy() - y.numpy())


def test_every_example_has_its_own_gradient():
    layer, x = Linear(3, 2).double(), normal(6, 3)
    params = {name: p.detach() for name, p in layer.named_parameters()}

    def loss(params, x):
        return functional_call(layer, params, (x[None],)).square().sum()

    each = vmap(grad(loss), in_dims=(None, 0))(params, x)
    for i in range(6):
        layer.zero_grad()
        layer(x[i : i + 1]).square().sum().backward()
        np.testing.assert_allclose(each["weight"][i], layer.weight.grad)


def test_derivatives_pass_through():
    x = normal(4, 3).requires_grad_()
    vmap(lambda row: (row**2).sum())(x).sum().backward()
    np.testing.assert_allclose(x.grad, 2 * x.detach().numpy())


def test_random_numbers_are_the_same_or_different_or_refused():
    x = handtorch.zeros(3)
    handtorch.manual_seed(0)
    assert len(set(vmap(lambda v: v + handtorch.rand(()), randomness="same")(x).tolist())) == 1
    assert len(set(vmap(lambda v: v + handtorch.rand(()), randomness="different")(x).tolist())) == 3
    with pytest.raises(GradientError, match="randomness error mode"):
        vmap(lambda v: v + handtorch.rand(()))(x)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: vmap(handtorch.dot, in_dims=(0,))(normal(2, 2), normal(2, 2)), "one in_dim for each of 2"),
        (lambda: vmap(handtorch.add)(normal(2), normal(3)), r"same size, got sizes \[2, 3\]"),
        (lambda: vmap(handtorch.add)(normal(2), 3), "type int"),
        (lambda: vmap(handtorch.add, in_dims=None)(normal(2), normal(2)), "every in_dim is None"),
        (lambda: vmap(handtorch.sin, in_dims=1)(normal(2)), "in_dim=1 for an input of shape"),
        (lambda: vmap(handtorch.sin, in_dims=([0],))(normal(2)), "does not fit Tensor"),
        (lambda: vmap(lambda v: 3)(normal(2)), "return Tensors only, got int"),
        (lambda: vmap(handtorch.sin)(handtorch.zeros(0)), "size 0"),
        (lambda: vmap(handtorch.sin, randomness="some"), "'error', 'different', or 'same'"),
    ],
)
def test_what_cannot_be_batched_is_refused(call, message):
    with pytest.raises(ArgumentError, match=message):
        call()
