"""The nodes of a graph as programs look at them: names, what came before, hooks on a node."""

import numpy as np
import pytest

import handtorch
import handtorch.nn.functional as F
from handtorch.errors import GradientError


def leaf(*values):
    return handtorch.tensor(values, requires_grad=True)


# What PyTorch 2.13 prints for these expressions of x (2, 3, 4).
@pytest.mark.parametrize(
    ("compute", "name"),
    [
        (lambda x: x.sum(), "SumBackward0"),
        (lambda x: x.mean(0), "MeanBackward1"),
        (lambda x: x.max(), "MaxBackward1"),
        (lambda x: x.min(0)[0], "MinBackward0"),
        (lambda x: F.linear(x[0], handtorch.ones(5, 4), handtorch.ones(5)), "AddmmBackward0"),
        (lambda x: F.linear(x[0], handtorch.ones(5, 4)), "MmBackward0"),
        (lambda x: F.linear(x, handtorch.ones(5, 4), handtorch.ones(5)), "ViewBackward0"),
        (lambda x: x[0, 0] @ x[0, 0], "DotBackward0"),
        (lambda x: x @ x.mT, "UnsafeViewBackward0"),
        (lambda x: x[0], "SelectBackward0"),
        (lambda x: x[:, 1:], "SliceBackward0"),
        (lambda x: x[..., None], "UnsqueezeBackward0"),
        (lambda x: x[:, [0, 1]], "IndexBackward0"),
        (lambda x: x.transpose(1, 2), "TransposeBackward0"),
        (lambda x: x.permute(2, 0, 1), "PermuteBackward0"),
        (lambda x: F.cross_entropy(x[0], handtorch.tensor([0, 1, 2])), "NllLossBackward0"),
        (lambda x: F.l1_loss(x, handtorch.zeros(2, 3, 4)), "MeanBackward0"),
        (lambda x: F.gelu(x), "GeluBackward0"),
        (lambda x: F.layer_norm(x, (4,)), "NativeLayerNormBackward0"),
        (lambda x: x.clamp(0, 1), "ClampBackward1"),
        (lambda x: x.double(), "ToCopyBackward0"),
        (lambda x: x.clone().mul_(2), "MulBackward0"),
    ],
)
def test_a_node_has_the_name_that_pytorch_prints(compute, name):
    y = compute(handtorch.ones(2, 3, 4, requires_grad=True))
    assert y.grad_fn.name() == name
    assert repr(y).endswith(f"grad_fn=<{name}>)")


def test_a_write_to_a_part_is_named_after_what_it_copies():
    y = leaf(1.0, 2.0).clone()
    part = y[:1]
    part.mul_(3)
    assert y.grad_fn.name() == "CopySlices"
    assert part.grad_fn.name() == "AsStridedBackward0"


def test_the_graph_ends_in_the_node_that_adds_to_a_leaf():
    x = leaf(1.0, 2.0)
    node, place = (x * 2).grad_fn.next_functions[0]
    assert (node.variable is x, node.next_functions, place) == (True, (), 0)
    assert (x + 1).grad_fn.next_functions[0][0] is node
    assert node.name() == "torch::autograd::AccumulateGrad"


def test_results_of_one_call_share_its_node():
    a, b = leaf(1.0, 2.0).unbind()
    assert a.grad_fn is b.grad_fn
    assert [place for _, place in (a + b).grad_fn.next_functions] == [0, 1]


def test_a_hook_on_a_node_sees_what_comes_out_and_what_came_in():
    x, seen = leaf(1.0, 2.0), []
    y = x * handtorch.ones(3, 1) * 5
    node = y.grad_fn.next_functions[0][0]
    node.register_hook(lambda inputs, outputs: seen.append((inputs, outputs)))
    y.sum().backward()
    ((inputs, outputs),) = seen
    np.testing.assert_array_equal(inputs[0], [15, 15])  # broadcasting is undone
    assert inputs[1] is None
    np.testing.assert_array_equal(outputs[0], np.full((3, 2), 5))


@pytest.mark.parametrize("create_graph", [False, True])
def test_hooks_on_a_node_replace_gradients_and_can_be_removed(create_graph):
    x = leaf(1.0, 2.0)
    y = x.exp()
    before = y.grad_fn.register_prehook(lambda outputs: (outputs[0] * 10,))
    after = y.grad_fn.register_hook(lambda inputs, outputs: (inputs[0] + 1,))
    (g,) = handtorch.autograd.grad(y.sum(), x, retain_graph=True, create_graph=create_graph)
    np.testing.assert_allclose(g.detach(), 10 * np.exp([1, 2]) + 1, rtol=1e-6)
    before.remove()
    after.remove()
    (g,) = handtorch.autograd.grad(y.sum(), x)
    np.testing.assert_allclose(g, np.exp([1, 2]), rtol=1e-6)


def test_hooks_on_the_last_node_see_the_gradient_before_and_after_it_is_added():
    x, seen = leaf(1.0, 2.0), []
    node = (x * 1).grad_fn.next_functions[0][0]
    node.register_prehook(lambda outputs: (outputs[0] * 2,))
    node.register_hook(lambda inputs, outputs: seen.append(x.grad.tolist()))
    (x * 3).sum().backward()
    assert seen == [[6.0, 6.0]]


def test_the_gradient_of_a_result_is_not_kept_and_asking_for_it_warns():
    y = leaf(1.0) * 2
    with pytest.warns(UserWarning, match="retain_grad"):
        assert y.grad is None
    y.retain_grad()
    y.backward()
    assert y.grad.item() == 1


class TestInferenceMode:
    def test_its_results_are_marked_and_their_clones_are_not(self):
        with handtorch.inference_mode():
            y = handtorch.ones(2) * 2
        assert y.is_inference()
        assert not y.clone().is_inference()
        assert not (handtorch.ones(2) * 2).is_inference()

    def test_its_results_enter_no_graph(self):
        x = leaf(1.0, 2.0)
        with handtorch.inference_mode():
            y = x * 2
        with pytest.raises(GradientError, match="cannot be saved for backward"):
            x * y
        with pytest.raises(GradientError, match="requires_grad"):
            y.requires_grad_()
        (x + y).sum().backward()  # addition keeps nothing
        assert x.grad.tolist() == [1, 1]

    def test_its_results_are_written_to_inside_only(self):
        with handtorch.inference_mode():
            y = handtorch.ones(2) * 2
            y.add_(1)
        for write in (lambda: y.add_(1), lambda: y.zero_(), lambda: y.__setitem__(0, 1.0)):
            with pytest.raises(GradientError, match="Inplace update to inference tensor"):
                write()
        assert y.tolist() == [3, 3]


def test_a_generator_runs_without_recording_and_its_caller_with_it():
    @handtorch.no_grad()
    def batches():
        given = yield handtorch.is_grad_enabled()
        try:
            yield given, handtorch.is_grad_enabled()
        except KeyError:
            yield "caught", handtorch.is_grad_enabled()
        return "end"

    generator = batches()
    assert next(generator) is False
    assert handtorch.is_grad_enabled()
    assert generator.send(5) == (5, False)
    assert generator.throw(KeyError()) == ("caught", False)
    with pytest.raises(StopIteration, match="end"):
        next(generator)
    assert handtorch.is_grad_enabled()


def test_set_grad_enabled_as_a_decorator_concerns_the_function_alone():
    @handtorch.set_grad_enabled(False)
    def inside():
        return handtorch.is_grad_enabled()

    assert handtorch.is_grad_enabled()
    assert not inside()
