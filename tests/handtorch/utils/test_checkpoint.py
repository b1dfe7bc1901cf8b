"""A checkpointed call gives the gradients of a plain one, from less memory, and says when it cannot."""

import tracemalloc
import warnings

import numpy as np
import pytest

import handtorch
from handtorch import autograd, nn
from handtorch.errors import ArgumentError, GradientError
from handtorch.utils.checkpoint import CheckpointError, checkpoint, checkpoint_sequential


def network(layers=6, width=16, dropout=0.3):
    handtorch.manual_seed(0)
    return nn.Sequential(
        *[nn.Sequential(nn.Linear(width, width), nn.Tanh(), nn.Dropout(dropout)) for _ in range(layers)]
    )


def gradients(net, call, x):
    """Loss, gradients and the next random number of one training step."""
    handtorch.manual_seed(1)
    net.zero_grad()
    x.grad = None
    loss = call(x).square().sum()
    loss.backward()
    return [loss.detach(), x.grad, *(p.grad for p in net.parameters()), handtorch.rand(3)]


def nested(net):
    def half(part):
        return lambda x: checkpoint(part, x, use_reentrant=False)

    return lambda x: checkpoint(lambda x: half(net[3:])(half(net[:3])(x)), x, use_reentrant=False)


@pytest.mark.parametrize(
    "checkpointed",
    [
        lambda net: lambda x: checkpoint(net, x, use_reentrant=False),
        lambda net: lambda x: checkpoint(net, x, use_reentrant=True),
        lambda net: lambda x: checkpoint_sequential(net, 3, x, use_reentrant=False),
        lambda net: lambda x: checkpoint_sequential(list(net), 2, x, use_reentrant=True),
        nested,
    ],
    ids=["non-reentrant", "reentrant", "sequential", "sequential list", "nested"],
)
def test_gradients_and_dropout_are_those_of_the_plain_call(checkpointed):
    net, x = network(), handtorch.ones(4, 16, requires_grad=True)
    for plain, kept in zip(gradients(net, net, x), gradients(net, checkpointed(net), x), strict=True):
        np.testing.assert_array_equal(plain.array, kept.array)


def peak(call, x):
    """Bytes at the highest point between the start of forward and the end of backward."""
    tracemalloc.start()
    call(x).sum().backward()
    high = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return high


def test_memory_is_saved():
    net, x = network(layers=16, width=64, dropout=0.0), handtorch.ones(2000, 64, requires_grad=True)
    one_layer = x.nbytes
    plain = peak(net, x)
    for checkpointed in (
        lambda x: checkpoint_sequential(net, 4, x, use_reentrant=False),
        lambda x: checkpoint(
            lambda x: checkpoint_sequential(net[:8], 4, x, use_reentrant=False), x, use_reentrant=False
        ),
    ):
        assert peak(checkpointed, x) < plain - 6 * one_layer


def test_nothing_is_kept_between_forward_and_backward():
    net, x = network(), handtorch.ones(4, 16, requires_grad=True)
    kept = [node.kept for node in autograd.graph.nodes_of(checkpoint(net, x, use_reentrant=False))]
    assert sum(kept) == 0
    assert sum(node.kept for node in autograd.graph.nodes_of(net(x))) > 0


def test_the_function_runs_again_once_and_only_in_backward():
    calls = []

    def function(x):
        calls.append(handtorch.is_grad_enabled())
        return x.exp().sin()

    x = handtorch.ones(3, requires_grad=True)
    y = checkpoint(function, x, use_reentrant=False)
    assert len(calls) == 1
    y.sum().backward(retain_graph=True)
    y.sum().backward()
    assert calls == [True, True]
    np.testing.assert_allclose(x.grad.array, 2 * np.exp(1) * np.cos(np.exp(1)) * np.ones(3), rtol=1e-6)


def test_gradients_reach_what_the_function_only_closes_over():
    w = handtorch.full((3,), 2.0, requires_grad=True)
    inner = w * 3  # neither an argument nor a leaf
    x = handtorch.ones(3)
    y = checkpoint(lambda x: (inner * x).exp(), x, use_reentrant=False)
    (g,) = autograd.grad(y.sum(), w)
    np.testing.assert_allclose(g.array, 3 * np.exp(6) * np.ones(3), rtol=1e-6)


def test_second_derivatives_go_through():
    x = handtorch.full((3,), 0.5, dtype=handtorch.float64, requires_grad=True)
    assert autograd.gradgradcheck(lambda x: checkpoint(lambda x: (x.exp() * x).sin(), x, use_reentrant=False), (x,))


class Cube(autograd.Function):
    @staticmethod
    def forward(ctx, x, times):
        ctx.save_for_backward(x, x**3)
        ctx.times = times
        return times * x**3

    @staticmethod
    def backward(ctx, g):
        x, _ = ctx.saved_tensors
        return g * ctx.times * 3 * x**2, None


def test_functions_of_the_users_own_are_computed_again_too():
    x = handtorch.full((2,), 2.0, requires_grad=True)
    checkpoint(lambda x, times: Cube.apply(x, times), x, times=5, use_reentrant=False).sum().backward()
    assert x.grad.tolist() == [60.0, 60.0]


def test_several_results_and_keyword_arguments_pass():
    x = handtorch.arange(6.0).requires_grad_()
    first, rest = checkpoint(lambda x, at: x.exp().split([at, 6 - at]), x, at=2, use_reentrant=False)
    (first.sum() + 2 * rest.sum()).backward()
    np.testing.assert_allclose(x.grad.array, np.exp(np.arange(6)) * [1, 1, 2, 2, 2, 2], rtol=1e-6)


def test_contexts_surround_the_first_run_and_the_second():
    seen = []

    class Context:
        def __init__(self, name):
            self.name = name

        def __enter__(self):
            seen.append(self.name)

        def __exit__(self, *error):
            return None

    x = handtorch.ones(2, requires_grad=True)
    y = checkpoint(lambda x: x.exp(), x, use_reentrant=False, context_fn=lambda: (Context("first"), Context("second")))
    assert seen == ["first"]
    y.sum().backward()
    assert seen == ["first", "second"]


def test_random_numbers_are_drawn_anew_if_they_shall_not_be_preserved():
    x = handtorch.ones(1000, requires_grad=True)
    y = checkpoint(nn.Dropout(0.5), x, use_reentrant=False, preserve_rng_state=False)
    y.sum().backward()
    assert (x.grad.array != y.array).any()


def test_reentrant_results_require_gradients_only_if_an_argument_does():
    net, x = network(), handtorch.ones(2, 16)
    with pytest.warns(UserWarning, match="None of the inputs"):
        assert not checkpoint(net, x, use_reentrant=True).requires_grad
    assert checkpoint(net, x, use_reentrant=False).requires_grad
    with pytest.warns(UserWarning, match="use_reentrant"):
        checkpoint(net, x.requires_grad_())


def test_nothing_is_recorded_where_nothing_shall_be():
    with handtorch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not checkpoint(network(), handtorch.ones(2, 16), use_reentrant=True).requires_grad


def test_a_second_run_unlike_the_first_is_refused():
    shapes = iter([(6,), (2, 3)])
    x = handtorch.ones(6, requires_grad=True)
    y = checkpoint(lambda x: x.reshape(next(shapes)).exp().sum(), x, use_reentrant=False)
    with pytest.raises(CheckpointError, match="not like the first"):
        y.backward()
    times = iter([1, 2])
    y = checkpoint(lambda x: [x := x.exp() for _ in range(next(times))][-1], x, use_reentrant=False)
    with pytest.raises(CheckpointError, match="recorded 2 ops, the first 1"):
        y.sum().backward()


def test_an_argument_that_was_changed_in_between_is_refused():
    x = handtorch.ones(3, requires_grad=True)
    h = x * 1
    y = checkpoint(handtorch.exp, h, use_reentrant=False)
    with handtorch.no_grad():
        h.add_(1)
    with pytest.raises(GradientError, match="changed in place"):
        y.sum().backward()


@pytest.mark.parametrize(
    "call",
    [
        lambda x: checkpoint(handtorch.exp, x, use_reentrant=True, at=1),
        lambda x: checkpoint(handtorch.exp, x, use_reentrant=True, context_fn=lambda: (None, None)),
        lambda x: checkpoint(handtorch.exp, x, use_reentrant=False, determinism_check="all"),
        lambda x: checkpoint_sequential([handtorch.exp], 1, x, use_reentrant=False, at=1),
    ],
)
def test_what_is_not_offered_is_refused(call):
    with pytest.raises(ArgumentError):
        call(handtorch.ones(2, requires_grad=True))
