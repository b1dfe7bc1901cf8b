"""Operations of the user's own: in the graph, differentiated twice, with several results, wrong in every way."""

import gc
import weakref
from typing import ClassVar

import numpy as np
import pytest

import handtorch
from handtorch.autograd import Function, grad, gradcheck, gradgradcheck
from handtorch.autograd.function import once_differentiable
from handtorch.errors import GradientError


def leaf(*shape, seed=0):
    return handtorch.from_numpy(np.random.default_rng(seed).standard_normal(shape)).requires_grad_()


class Cube(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 3 * x**2 * g


class Exp(Function):
    @staticmethod
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        return g * y


class SumAndProduct(Function):
    @staticmethod
    def forward(a, b, scale):
        return a + b, a * b * scale

    @staticmethod
    def setup_context(ctx, inputs, output):
        a, b, ctx.scale = inputs
        ctx.save_for_backward(a, b)

    @staticmethod
    def backward(ctx, g_sum, g_product):
        a, b = ctx.saved_tensors
        return g_sum + g_product * b * ctx.scale, g_sum + g_product * a * ctx.scale, None


@pytest.mark.parametrize("function", [Cube, Exp])
def test_a_function_is_differentiated_once_and_twice(function):
    gradcheck(function.apply, leaf(3))
    gradgradcheck(function.apply, leaf(3))


def test_several_results_each_bring_their_gradient():
    a, b = leaf(3), leaf(3, seed=1)
    gradcheck(lambda x, y: SumAndProduct.apply(x, y, 2.0), (a, b))
    gradgradcheck(lambda x, y: SumAndProduct.apply(x, y, 2.0), (a, b))
    (ga,) = grad(SumAndProduct.apply(a, b, 2.0)[1].sum(), a)
    np.testing.assert_allclose(ga.array, 2 * b.array)


def test_nothing_is_recorded_without_need():
    assert not Cube.apply(handtorch.ones(2)).requires_grad
    with handtorch.no_grad():
        assert not Cube.apply(leaf(2)).requires_grad


def test_the_node_carries_the_name_of_the_function():
    assert Cube.apply(leaf(1)).grad_fn.name() == "CubeBackward"
    assert repr(Cube.apply(handtorch.ones(1, requires_grad=True))) == "tensor([1.], grad_fn=<CubeBackward>)"


def test_a_saved_result_does_not_keep_itself_alive():
    y = Exp.apply(leaf(3))
    gone = weakref.ref(y.op)
    gc.disable()
    try:
        del y
        gc.collect(0)
    finally:
        gc.enable()
    gc.collect()
    assert gone() is None


def test_a_handed_through_input_is_a_result_of_its_own():
    class Same(Function):
        @staticmethod
        def forward(ctx, x):
            return x

        @staticmethod
        def backward(ctx, g):
            return g * 2

    x = leaf(2)
    y = Same.apply(x)
    assert y is not x
    y.sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]


def test_inputs_that_were_written_to_are_marked_dirty():
    class AddOne(Function):
        @staticmethod
        def forward(ctx, x):
            x.add_(1)
            ctx.mark_dirty(x)
            return x

        @staticmethod
        def backward(ctx, g):
            return g * 3

    x = leaf(2)
    y = x * 1
    z = AddOne.apply(y)
    assert z is y
    z.sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]


def test_results_without_gradient_and_missing_gradients():
    class TwoOut(Function):
        seen: ClassVar = []

        @staticmethod
        def forward(ctx, x):
            index = x.argmax()
            ctx.mark_non_differentiable(index)
            ctx.set_materialize_grads(False)
            return x * 2, x * 3, index

        @staticmethod
        def backward(ctx, a, b, c):
            TwoOut.seen.append((a is None, b is None, c is None))
            return 2 * a

    x = leaf(2)
    y, _, index = TwoOut.apply(x)
    assert not index.requires_grad
    y.sum().backward()
    assert TwoOut.seen == [(False, True, True)]


def test_mistakes_are_named():
    class TooMany(Cube):
        @staticmethod
        def backward(ctx, g):
            return g, g

    class Once(Cube):
        @staticmethod
        @once_differentiable
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * 3 * x * x

    class SavesNumber(Cube):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(3)

    with pytest.raises(GradientError, match=r"incorrect number of gradients \(expected 1, got 2\)"):
        TooMany.apply(leaf(1)).backward()
    with pytest.raises(TypeError, match="can only save variables"):
        SavesNumber.apply(leaf(1))
    x = leaf(1)
    (g,) = grad(Once.apply(x), x, leaf(1, seed=1), create_graph=True)
    with pytest.raises(GradientError, match="once_differentiable"):
        g.backward()
    y = Cube.apply(leaf(1))
    y.backward()
    with pytest.raises(GradientError, match="second time"):
        y.backward()


def test_a_saved_tensor_that_was_changed_is_reported():
    x = leaf(2)
    y = x * 1
    z = Cube.apply(y).sum()
    with handtorch.no_grad():
        y.zero_()
    with pytest.raises(GradientError, match="modified by an inplace operation"):
        z.backward()
