"""The walk back: deep graphs, memory, sums of gradients, freed and changed graphs, hooks, partial passes."""

import gc
import tracemalloc
import weakref

import numpy as np
import pytest

import handtorch
from handtorch import autograd
from handtorch.autograd.gradcheck import GradcheckError
from handtorch.errors import GradientError, ShapeError
from handtorch.ops.op import Op


def leaf(*shape, seed=0):
    return handtorch.from_numpy(np.random.default_rng(seed).standard_normal(shape)).requires_grad_()


def test_a_chain_of_a_hundred_thousand_ops_differentiates():
    x = leaf(1)
    y = x
    for _ in range(100_000):
        y = y + x.detach()
    y.backward()
    assert x.grad.tolist() == [1.0]


def test_a_long_graph_is_let_go_without_recursion():
    x = leaf(1)
    y = x
    for _ in range(100_000):
        y = y * 1.0
    del y
    gc.collect()


def test_gradients_of_a_tensor_that_is_used_many_times_add_up():
    x = leaf(3)
    (x * x + x.exp() * x + x).sum().backward()
    a = x.array
    np.testing.assert_allclose(x.grad.array, 2 * a + np.exp(a) * (1 + a) + 1)


def test_a_second_backward_adds_to_grad_in_the_same_memory():
    x = leaf(3)
    x.sum().backward()
    first = x.grad
    (2 * x).sum().backward()
    assert x.grad is first
    assert first.tolist() == [3.0, 3.0, 3.0]


def test_two_leaves_never_share_the_memory_of_their_gradients():
    a, b = leaf(3, seed=1), leaf(3, seed=2)
    (a + b).sum().backward()
    a.grad.array[:] = 7
    assert b.grad.tolist() == [1.0, 1.0, 1.0]


class _Reshaped(Op):
    """x, with a gradient that is a view of an array; ``keep`` says whether the op holds that array, too."""

    def __init__(self, keep):
        self.keep = keep

    def forward(self, x):
        return x.copy()

    def backward(self, g):
        whole = np.ravel(g) * 3.0
        self.address = whole.ctypes.data
        self.kept = whole if self.keep else None
        return whole.reshape(g.shape)


@pytest.mark.parametrize("keep", [False, True])
def test_a_gradient_is_copied_only_where_somebody_else_sees_its_memory(keep):
    x, op = leaf(2, 3), _Reshaped(keep)
    op(x).sum().backward()
    assert x.grad.array.tolist() == [[3.0] * 3] * 2
    assert (x.grad.array.ctypes.data == op.address) is not keep


@pytest.mark.parametrize("keep", [False, True])
def test_gradients_that_meet_are_never_added_into_memory_that_somebody_else_sees(keep):
    x, op = leaf(2, 3), _Reshaped(keep)
    y = x * 1.0
    (op(y).sum() + (y * 2.0).sum()).backward()
    assert x.grad.array.tolist() == [[5.0] * 3] * 2
    assert op.kept is None or op.kept.tolist() == [3.0] * 6


def test_the_gradient_that_a_user_passes_in_is_not_written_to():
    x = leaf(3)
    g = handtorch.ones(3, dtype=handtorch.float64)
    (x + x).backward(g)
    x.grad.array[:] = 9
    assert g.tolist() == [1.0, 1.0, 1.0]


def test_saved_arrays_are_freed_on_the_way_back():
    x = leaf(1000)
    y = x.exp()
    kept = weakref.ref(y.op.saved[0])
    z = y.sum()
    del y
    gc.collect()
    assert kept() is not None
    z.backward()
    gc.collect()
    assert kept() is None


def test_backward_holds_no_more_than_a_few_gradients_at_once():
    size, layers = 1_000_000, 30
    x = leaf(size)
    y = x
    for _ in range(layers):
        y = y.tanh()
    z = y.sum()
    del y
    gc.collect()
    tracemalloc.start()
    z.backward()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6 * size * 8


def test_a_graph_can_be_walked_twice_only_when_it_is_retained():
    x = leaf(3)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    np.testing.assert_allclose(x.grad.array, 4 * x.array)
    with pytest.raises(GradientError, match="retain_graph=True"):
        y.backward()


def test_a_saved_value_that_was_changed_in_place_is_reported():
    x = leaf(3)
    y = x * 1
    z = (y * y).sum()
    with handtorch.no_grad():
        y.add_(1)
    with pytest.raises(GradientError, match="modified by an inplace operation: MulBackward0"):
        z.backward()


def test_a_value_that_nobody_saved_may_be_changed_in_place():
    x = leaf(3)
    y = x * 1
    z = (y + 1).sum()
    with handtorch.no_grad():
        y.zero_()
    z.backward()
    assert x.grad.tolist() == [1.0, 1.0, 1.0]


def test_writing_to_a_leaf_in_place_is_refused_unless_recording_is_off():
    x = leaf(3)
    with pytest.raises(GradientError, match="leaf Variable that requires grad"):
        x.add_(1)
    with handtorch.no_grad():
        x.zero_()
    assert x.tolist() == [0.0, 0.0, 0.0]


def test_in_place_results_take_part_in_the_graph():
    x = leaf(3)
    y = x * 2
    y.exp_()
    y.sum().backward()
    np.testing.assert_allclose(x.grad.array, 2 * np.exp(2 * x.array))


def test_broadcasting_and_promotion_are_undone_by_the_engine():
    a = handtorch.ones(3, 1, requires_grad=True)
    b = handtorch.ones(2, 1, 4, dtype=handtorch.float64, requires_grad=True)
    (a * b).sum().backward()
    assert a.grad.dtype is handtorch.float32
    assert a.grad.tolist() == [[8.0], [8.0], [8.0]]
    assert b.grad.dtype is handtorch.float64
    assert tuple(b.grad.shape) == (2, 1, 4)


def test_grad_returns_gradients_of_leaves_and_of_results_and_touches_no_grad():
    x = leaf(3)
    y = x.exp()
    z = (y * y).sum()
    gx, gy = autograd.grad(z, [x, y])
    np.testing.assert_allclose(gy.array, 2 * np.exp(x.array))
    np.testing.assert_allclose(gx.array, 2 * np.exp(2 * x.array))
    assert x.grad is None


def test_grad_of_an_unused_input_is_an_error_none_or_zeros():
    x, unused = leaf(3), leaf(2)
    with pytest.raises(GradientError, match="allow_unused=True"):
        autograd.grad(x.sum(), unused)
    assert autograd.grad(x.sum(), unused, allow_unused=True) == (None,)
    assert autograd.grad(x.sum(), unused, materialize_grads=True)[0].tolist() == [0.0, 0.0]


def test_backward_with_inputs_fills_only_those():
    a, b = leaf(3, seed=1), leaf(3, seed=2)
    (a * b).sum().backward(inputs=[a])
    assert b.grad is None
    np.testing.assert_allclose(a.grad.array, b.array)


def test_derivatives_of_every_order_come_from_the_recorded_backward_pass():
    x = leaf(4)
    y = (x**5).sum()
    for power, factor in ((4, 5), (3, 20), (2, 60), (1, 120)):
        (g,) = autograd.grad(y, x, create_graph=True)
        np.testing.assert_allclose(g.array, factor * x.array**power)
        y = g.sum()


def test_a_result_that_a_recorded_backward_pass_uses_again_gets_both_gradients():
    a = handtorch.from_numpy(np.array([[2.0, 1.0], [1.0, 3.0]])).requires_grad_()

    def weighted(a):
        values, vectors = handtorch.linalg.eigh((a + a.mT) / 2)
        return (vectors * vectors)[0] @ values.exp()

    assert autograd.gradcheck(weighted, a)
    assert autograd.gradgradcheck(weighted, a)


def test_only_numbers_have_an_implicit_gradient():
    with pytest.raises(GradientError, match="only for scalar outputs"):
        leaf(3).exp().backward()
    with pytest.raises(ShapeError, match="Mismatch in shape"):
        leaf(3).exp().backward(handtorch.ones(2))
    with pytest.raises(GradientError, match="does not require grad"):
        handtorch.ones(()).backward()


def test_hooks_see_and_replace_gradients_of_leaves_and_results():
    x = leaf(3)
    seen = []
    y = x * 2
    handle = y.register_hook(lambda g: seen.append(g.tolist()))
    x.register_hook(lambda g: g * 10)
    y.sum().backward()
    assert seen == [[1.0, 1.0, 1.0]]
    assert x.grad.tolist() == [20.0, 20.0, 20.0]
    handle.remove()
    (x * 2 + y.detach()).sum().backward()
    assert len(seen) == 1


def test_a_leaf_hook_runs_once_with_the_whole_gradient():
    x = leaf(2)
    seen = []
    x.register_hook(lambda g: seen.append(g.tolist()))
    (x + x + x).sum().backward()
    assert seen == [[3.0, 3.0]]


def test_results_keep_their_gradient_when_asked():
    x = leaf(3)
    y = x * 2
    y.retain_grad()
    (y * y).sum().backward()
    np.testing.assert_allclose(y.grad.array, 2 * y.array)


def test_gradients_are_the_same_in_every_run():
    def run():
        xs = [leaf(50, seed=i) for i in range(8)]
        y = sum((a * b).tanh() for a in xs for b in xs)
        y.sum().backward()
        return [x.grad.array.tobytes() for x in xs]

    assert run() == run()


def test_no_grad_enable_grad_and_set_grad_enabled_nest_and_decorate():
    x = leaf(1)
    with handtorch.no_grad():
        assert not (x * 2).requires_grad
        with handtorch.enable_grad():
            assert (x * 2).requires_grad
        with handtorch.set_grad_enabled(True):
            assert handtorch.is_grad_enabled()
        assert not handtorch.is_grad_enabled()
    assert handtorch.is_grad_enabled()

    @handtorch.no_grad
    def bare(v):
        return v * 2

    @handtorch.no_grad()
    def called(v):
        return v * 2

    assert not bare(x).requires_grad and not called(x).requires_grad
    handtorch.set_grad_enabled(False)
    assert not handtorch.is_grad_enabled()
    handtorch.set_grad_enabled(True)


def test_gradcheck_names_the_place_of_a_wrong_gradient():
    class Wrong(Op):
        """y = x²."""

        def forward(self, x):
            self.save(x)
            return x * x

        def backward(self, g):
            (x,) = self.saved
            return g * x

    with pytest.raises(GradcheckError, match="input element"):
        autograd.gradcheck(lambda v: Wrong()(v), leaf(2))
    assert not autograd.gradcheck(lambda v: Wrong()(v), leaf(2), raise_exception=False)


def test_a_post_accumulate_hook_runs_once_when_the_gradient_is_in_place():
    x, seen = leaf(3), []
    handle = x.register_post_accumulate_grad_hook(lambda x: seen.append(x.grad.tolist()))
    (x * 2 + x).sum().backward()
    assert seen == [[3.0, 3.0, 3.0]]
    x.sum().backward()
    assert seen[1] == [4.0, 4.0, 4.0]
    handle.remove()
    x.sum().backward()
    autograd.grad(x.sum(), x)
    assert len(seen) == 2


def test_a_post_accumulate_hook_may_step_and_let_the_gradient_go():
    x = handtorch.ones(2, requires_grad=True)

    def step(x):
        with handtorch.no_grad():
            x -= 0.1 * x.grad
        x.grad = None

    x.register_post_accumulate_grad_hook(step)
    (3 * x).sum().backward()
    assert x.grad is None
    np.testing.assert_allclose(x.detach().array, 0.7, rtol=1e-6)
    (3 * x).sum().backward()
    np.testing.assert_allclose(x.detach().array, 0.4, rtol=1e-6)


def test_post_accumulate_hooks_are_for_leaves_that_require_gradients():
    x = leaf(3)
    for wrong in (x * 2, handtorch.ones(3)):
        with pytest.raises(GradientError):
            wrong.register_post_accumulate_grad_hook(print)


def test_a_result_that_is_differentiated_by_keeps_its_own_graph():
    x = leaf(3)
    y = x.exp()
    (g,) = autograd.grad((y**2).sum(), y)
    np.testing.assert_allclose(g.array, 2 * y.detach().array)
    y.sum().backward()  # the exponential itself was not passed
    np.testing.assert_allclose(x.grad.array, np.exp(x.detach().array))


def test_a_result_between_another_and_the_leaf_is_passed():
    x = leaf(3)
    y = x.exp()
    z = y * 2
    gz, gy, gx = autograd.grad(z.sum(), [z, y, x])
    np.testing.assert_allclose(gz.array, np.ones(3))
    np.testing.assert_allclose(gy.array, np.full(3, 2.0))
    np.testing.assert_allclose(gx.array, 2 * np.exp(x.detach().array))
