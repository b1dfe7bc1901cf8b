"""Views: the same program, with writes through views of every kind, gives the same values and gradients as PyTorch."""

import numpy as np
import pytest
import torch

import handtorch

# Ways to look at a (4, 6) tensor in which no element appears twice.
VIEWS = {
    "as_strided": lambda x: x.as_strided((2, 3), (6, 2), 3),
    "diagonal": lambda x: x.diagonal(1),
    "expand without repeating": lambda x: x.expand(1, 4, 6),
    "getitem of ints": lambda x: x[1],
    "getitem of slices": lambda x: x[1:, ::2],
    "getitem with None and Ellipsis": lambda x: x[None, ..., 2],
    "movedim": lambda x: x.movedim(0, 1),
    "mT": lambda x: x.mT,
    "narrow": lambda x: x.narrow(1, 2, 3),
    "permute": lambda x: x.permute(1, 0),
    "reshape": lambda x: x.reshape(3, 8),
    "select": lambda x: x.select(1, 3),
    "squeeze": lambda x: x.unsqueeze(0).squeeze(0),
    "swapaxes": lambda x: x.swapaxes(0, 1),
    "t": lambda x: x.t(),
    "T": lambda x: x.T,
    "unflatten": lambda x: x.unflatten(1, (2, 3)),
    "unfold": lambda x: x.unfold(1, 2, 2),
    "unsqueeze": lambda x: x.unsqueeze(1),
    "view": lambda x: x.view(2, 12),
    "view of a view of a view": lambda x: x[1:].t()[::2].unsqueeze(1)[:, 0],
}
SEVERAL = {
    "chunk": lambda x: x.chunk(2, 1),
    "hsplit": lambda x: x.hsplit(3),
    "iteration": list,
    "split": lambda x: x.split([1, 3], 0),
    "tensor_split": lambda x: x.tensor_split(4, 1),
    "unbind": lambda x: x.unbind(1),
    "vsplit": lambda x: x.vsplit(2),
}
WRITES = {
    "add_": lambda view: view.add_(2),
    "copy_": lambda view: view.copy_(view.detach().clone() * 3),
    "fill_": lambda view: view.fill_(5),
    "index_fill_": lambda view: view.index_fill_(0, view.new_zeros(1).long(), 4.0),
    "masked_fill_": lambda view: view.masked_fill_(view.detach() > 0, -1.0),
    "mul_": lambda view: view.mul_(view.detach().clone()),
    "setitem": lambda view: view.__setitem__(0, 2.5),
    "zero_": lambda view: view.zero_(),
}


def run(framework, look, write, seen):
    x = framework.tensor(np.random.default_rng(0).standard_normal((4, 6)), requires_grad=True)
    y = x * 2
    other = seen(y)
    write(look(y))
    loss = (y * y).sum() + other.exp().sum()
    loss.backward()
    return y.detach().numpy(), other.detach().numpy(), x.grad.numpy()


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("view", VIEWS)
def test_a_write_through_a_view_reaches_the_base_and_its_other_views(view, write):
    for seen in (lambda y: y[2:], lambda y: y.t(), lambda y: y.diagonal()):
        theirs = run(torch, VIEWS[view], WRITES[write], seen)
        ours = run(handtorch, VIEWS[view], WRITES[write], seen)
        for a, b in zip(theirs, ours, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12)


@pytest.mark.parametrize("view", VIEWS)
def test_a_write_to_the_base_reaches_the_view(view):
    def seen(framework):
        x = framework.tensor(np.random.default_rng(0).standard_normal((4, 6)), requires_grad=True)
        y = x * 2
        looked = VIEWS[view](y)
        y[1:3, ::2] = y[1:3, ::2].clone() * x[0:2, 1::2]
        (looked * looked).sum().backward()
        return looked.detach().numpy(), x.grad.numpy()

    for a, b in zip(seen(torch), seen(handtorch), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


@pytest.mark.parametrize("view", [*VIEWS, *SEVERAL])
def test_views_share_the_memory_that_pytorchs_views_share(view):
    look = {**VIEWS, **SEVERAL}[view]
    theirs, ours = torch.zeros(4, 6), handtorch.zeros(4, 6)
    for x in (theirs, ours):
        found = look(x)
        for i, piece in enumerate(found if isinstance(found, (tuple, list)) else [found]):
            piece += i + 1
    np.testing.assert_array_equal(theirs.numpy(), ours.numpy())
    assert ours._version == theirs._version


@pytest.mark.parametrize("view", SEVERAL)
def test_gradients_through_pieces_some_of_which_are_not_used(view):
    def gradient(framework):
        x = framework.tensor(np.random.default_rng(0).standard_normal((4, 6)), requires_grad=True)
        pieces = SEVERAL[view](x)
        (pieces[0] ** 2).sum().backward(retain_graph=True)
        pieces[-1].sin().sum().backward()
        return x.grad.numpy()

    np.testing.assert_allclose(gradient(torch), gradient(handtorch), rtol=1e-12)


@pytest.mark.parametrize("to", ["int32", "uint8", "float64", "complex64", "int64", "bool"])
def test_the_same_bytes_read_as_another_type(to):
    theirs, ours = (f.arange(8, dtype=f.float32).reshape(2, 4) for f in (torch, handtorch))
    a, b = theirs.view(getattr(torch, to)), ours.view(getattr(handtorch, to))
    np.testing.assert_array_equal(a.numpy(), b.numpy())
    theirs[0, 1], ours[0, 1] = 9, 9
    np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_methods_that_change_how_a_tensor_looks_at_its_memory():
    for change in (
        lambda x: x.squeeze_(0),
        lambda x: x.unsqueeze_(1),
        lambda x: x.transpose_(0, 2),
        lambda x: x.swapdims_(1, 2),
        lambda x: x.as_strided_((2, 2), (3, 1)),
        lambda x: x[0].t_(),
        lambda x: x.resize_(3, 2),
        lambda x: x.resize_(2, 2),
    ):
        results = []
        for framework in (torch, handtorch):
            x = framework.arange(6.0).reshape(1, 2, 3)
            y = change(x)
            y[0] = 7
            results.append((x.numpy().copy(), y.numpy().copy(), y.stride()))
        for a, b in zip(*results, strict=True):
            np.testing.assert_array_equal(a, b)


def test_gradients_pass_a_tensor_that_was_squeezed_in_place():
    def gradient(framework):
        x = framework.ones(1, 3, dtype=framework.float64, requires_grad=True)
        y = x * 3
        row = y[0]
        y.squeeze_(0).mul_(2)
        (y * row).sum().backward()
        return x.grad.numpy()

    np.testing.assert_allclose(gradient(torch), gradient(handtorch))


@pytest.mark.parametrize(
    "refused",
    [
        lambda x: x.expand(2, 4, 6).add_(1),
        lambda x: x.squeeze_(),
        lambda x: x[0].zero_(),
        lambda x: x.resize_(2, 2),
        lambda x: x.view(5),
        lambda x: x.t().view(24),
        lambda x: (x * 1).as_strided((5, 5), (6, 1)),
    ],
)
def test_what_pytorch_refuses_is_refused(refused):
    for framework in (torch, handtorch):
        with pytest.raises(RuntimeError):
            refused(framework.zeros(4, 6, requires_grad=True))
