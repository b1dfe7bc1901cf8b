"""saved_tensors_hooks see what is saved and decide what backward gets."""

import numpy as np
import pytest

import handtorch
from handtorch.autograd import Function, gradgradcheck
from handtorch.autograd.graph import save_on_cpu, saved_tensors_hooks
from handtorch.utils.checkpoint import checkpoint


def copying():
    return saved_tensors_hooks(lambda x: x.array.copy(), handtorch.from_numpy)


def reals(*shape):
    return handtorch.from_numpy(np.random.default_rng(0).standard_normal(shape)).requires_grad_()


def test_each_saved_tensor_is_packed_in_forward_and_unpacked_in_backward():
    packed, unpacked = [], []
    x = reals(3)
    with saved_tensors_hooks(lambda x: packed.append(x.tolist()) or x, lambda x: unpacked.append(x.tolist()) or x):
        y = (x * x.detach()).exp()
    assert len(packed) >= 2
    assert not unpacked
    y.sum().backward()
    assert sorted(unpacked) == sorted(packed)


def test_what_unpack_returns_is_what_backward_computes_with():
    x = handtorch.ones(3, requires_grad=True)
    with saved_tensors_hooks(lambda x: x, lambda x: x * 10):
        y = x.exp()
    y.sum().backward()
    np.testing.assert_allclose(x.grad.array, 10 * np.exp(1) * np.ones(3), rtol=1e-6)


@pytest.mark.parametrize("block", [copying, save_on_cpu])
def test_second_derivatives_are_right_although_the_arrays_are_others(block):
    def function(x, w):
        with block():
            return handtorch.tanh(x @ w).exp() * x.sum()

    assert gradgradcheck(function, (reals(2, 3), reals(3, 2)), atol=1e-4)


class Exp(Function):
    @staticmethod
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(x, y)
        return y

    @staticmethod
    def backward(ctx, g):
        x, y = ctx.saved_tensors
        return g * y + 0 * x


def test_inputs_and_results_that_the_users_own_functions_save_are_packed():
    def function(x):
        with copying():
            return Exp.apply(x * 2)

    assert gradgradcheck(function, (reals(3),))


def test_of_nested_blocks_the_innermost_counts():
    x = handtorch.ones(1, requires_grad=True)
    with saved_tensors_hooks(lambda x: x, lambda x: x * 10):
        with saved_tensors_hooks(lambda x: x, lambda x: x * 2):
            a = x.exp()
        b = x.exp()
    c = x.exp()
    grads = [handtorch.autograd.grad(y, x)[0].item() / np.exp(1) for y in (a, b, c)]
    np.testing.assert_allclose(grads, [2, 10, 1], rtol=1e-6)


def test_hooks_and_checkpoints_go_inside_each_other():
    x = handtorch.ones(1, requires_grad=True)

    def hooked(x):
        with saved_tensors_hooks(lambda x: x, lambda x: x * 2):
            return x.exp()

    checkpoint(hooked, x, use_reentrant=False).backward()
    np.testing.assert_allclose(x.grad.array, 2 * np.exp(1), rtol=1e-6)
    with saved_tensors_hooks(lambda x: x, lambda x: x * 2):
        y = checkpoint(handtorch.exp, x, use_reentrant=False)
    np.testing.assert_allclose(handtorch.autograd.grad(y, x)[0].array, np.exp(1), rtol=1e-6)
