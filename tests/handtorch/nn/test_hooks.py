"""Hooks: when they are called, what they see, what they may change, and that they cost nothing where there are none."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import handtorch
from handtorch import nn
from handtorch.autograd import gradcheck, gradgradcheck
from handtorch.errors import GradientError
from handtorch.nn import hooks


class Times(nn.Module):
    def forward(self, x: Any, factor: float = 2.0) -> Any:
        return x * factor


def hooked(module: nn.Module) -> bool:
    return module._hooked


def test_hooks_run_around_forward_in_their_order() -> None:
    order: list[str] = []
    model = Times()
    model.register_forward_pre_hook(lambda m, args: order.append("pre 1"))
    model.register_forward_pre_hook(lambda m, args: order.append("pre 0"), prepend=True)
    model.register_forward_hook(lambda m, args, out: order.append("post 1"))
    model.register_forward_hook(lambda m, args, out: order.append("post 0"), prepend=True)
    model(1)
    assert order == ["pre 0", "pre 1", "post 0", "post 1"]


def test_pre_hooks_replace_arguments_and_hooks_replace_the_result() -> None:
    model = Times()
    model.register_forward_pre_hook(lambda m, args: args[0] + 1)
    model.register_forward_pre_hook(lambda m, args, kwargs: (args, {"factor": 10}), with_kwargs=True)
    model.register_forward_hook(lambda m, args, kwargs, out: (args, kwargs, out), with_kwargs=True)
    assert model(1, factor=3) == ((2,), {"factor": 10}, 20)


def test_a_pre_hook_that_returns_anything_else_is_told_so() -> None:
    model = Times()
    model.register_forward_pre_hook(lambda m, args, kwargs: 3, with_kwargs=True)
    with pytest.raises(RuntimeError, match=r"tuple of \(new_args, new_kwargs\), but got 3"):
        model(1)


def test_a_removed_hook_is_not_called_again() -> None:
    model = Times()
    with model.register_forward_hook(lambda m, args, out: out + 1, with_kwargs=False) as handle:
        assert model(1) == 3
    handle.remove()
    assert model(1) == 2


def test_a_hook_written_into_the_table_by_hand_is_called() -> None:
    model = Times()
    model._forward_hooks[99] = lambda m, args, out: out + 1
    assert model(1) == 3
    model._forward_hooks.clear()
    assert model(1) == 2
    other = Times()
    other._forward_hooks = {1: lambda m, args, out: -out}
    assert other(1) == -2


def test_saving_loading_and_walking_do_not_make_calls_slower() -> None:
    model = nn.Sequential(nn.Linear(2, 2))
    model.load_state_dict(model.state_dict())
    model.apply(lambda m: None).train().eval().zero_grad()
    repr(model)
    assert not any(hooked(module) for module in model.modules())


def test_always_called_hooks_see_a_failure_and_their_own_become_warnings() -> None:
    class Fails(nn.Module):
        def forward(self, x: Any) -> Any:
            raise ValueError("first")

    seen: list[Any] = []
    model = Fails()
    model.register_forward_hook(lambda m, args, out: seen.append("not called"))
    model.register_forward_hook(lambda m, args, out: seen.append((args, out)), always_call=True)

    def raising(*args: Any) -> None:
        raise KeyError("second")

    model.register_forward_hook(raising, always_call=True)
    with pytest.warns(UserWarning, match="silenced"), pytest.raises(ValueError, match="first"):
        model(1)
    assert seen == [((1,), None)]


def test_hooks_on_all_modules_come_and_go() -> None:
    seen: list[str] = []
    model = nn.Sequential(Times(), Times())
    handles = [
        hooks.register_module_forward_pre_hook(lambda m, args: seen.append(f"before {type(m).__name__}")),
        hooks.register_module_forward_hook(lambda m, args, kwargs, out: seen.append(f"{args}"), with_kwargs=True),
    ]
    try:
        model(1)
    finally:
        for handle in handles:
            handle.remove()
    model(1)
    assert seen == ["before Sequential", "before Times", "(1,)", "before Times", "(2.0,)", "(1,)"]
    assert not hooks.everywhere


def test_registration_hooks_may_replace_what_is_registered() -> None:
    replacement = nn.Parameter(handtorch.zeros(7))
    handles = [
        hooks.register_module_parameter_registration_hook(lambda m, name, p: replacement if name == "w" else None),
        hooks.register_module_buffer_registration_hook(lambda m, name, b: handtorch.ones(3)),
        hooks.register_module_module_registration_hook(lambda m, name, child: nn.Identity()),
    ]
    try:
        model = nn.Module()
        model.w = nn.Parameter(handtorch.zeros(1))
        model.register_buffer("b", None)
        model.child = Times()
    finally:
        for handle in handles:
            handle.remove()
    assert model.w is replacement
    assert model.b.shape == (3,)
    assert type(model.child) is nn.Identity


# -- gradients ------------------------------------------------------------------------------------------------------


def test_backward_hooks_see_the_gradients_of_inputs_and_outputs() -> None:
    class Product(nn.Module):
        def forward(self, a: Any, b: Any) -> Any:
            return a * b, "text"

    seen: list[Any] = []
    model = Product()
    model.register_full_backward_pre_hook(lambda m, grad_output: seen.append(grad_output))
    model.register_full_backward_hook(lambda m, grad_input, grad_output: seen.append((grad_input, grad_output)))
    a, b = handtorch.tensor([2.0], requires_grad=True), handtorch.tensor([5.0], requires_grad=True)
    (model(a, b)[0] * 3).sum().backward()
    assert [g.item() if g is not None else None for g in seen[0]] == [3, None]
    assert [[g.item() if g is not None else None for g in each] for each in seen[1]] == [[15, 6], [3, None]]


def test_backward_hooks_replace_gradients() -> None:
    model = Times()
    model.register_full_backward_pre_hook(lambda m, grad_output: (grad_output[0] * 10,))
    model.register_full_backward_hook(lambda m, grad_input, grad_output: grad_input[0] + 1)
    x = handtorch.ones(2, requires_grad=True)
    model(x).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [21, 21])


def test_a_gradient_that_a_hook_kept_is_not_written_over() -> None:
    kept: list[Any] = []
    model = Times()
    model.register_full_backward_hook(lambda m, grad_input, grad_output: kept.extend([*grad_input, *grad_output]))
    x = handtorch.ones(2, requires_grad=True)
    y = model(x)
    (y + y + x * 100).sum().backward()
    x.grad.array += 1000
    assert [g.numpy().tolist() for g in kept] == [[4, 4], [2, 2]]


def test_hooks_do_not_disturb_first_and_second_derivatives() -> None:
    class Cubic(nn.Module):
        def forward(self, x: Any, y: Any) -> Any:
            return x * x * y, x + y

    model = Cubic()
    calls: list[int] = []
    model.register_full_backward_hook(lambda *args: calls.append(1))
    model.register_full_backward_pre_hook(lambda *args: calls.append(2))
    inputs = [handtorch.tensor(v, dtype=handtorch.float64, requires_grad=True) for v in ([1.0, -2.0], [0.5, 3.0])]
    assert gradcheck(lambda x, y: model(x, y), inputs)
    assert gradgradcheck(lambda x, y: model(x, y), inputs)
    assert set(calls) == {1, 2}


def test_backward_hooks_fire_at_the_outputs_where_no_input_needs_a_gradient() -> None:
    model = nn.Linear(2, 1)
    seen: list[Any] = []
    model.register_full_backward_hook(
        lambda m, grad_input, grad_output: seen.append((grad_input, grad_output[0].item()))
    )
    with pytest.warns(UserWarning, match="no inputs require gradients"):
        model(handtorch.ones(1, 2)).sum().backward()
    assert seen == [((None,), 1.0)]
    assert model.weight.grad is not None


def test_a_hook_with_the_wrong_number_of_gradients_is_told_so() -> None:
    model = Times()
    model.register_full_backward_hook(lambda m, grad_input, grad_output: (None, None))
    with pytest.raises(GradientError, match="invalid number of grad_input, got 2, but expected 1"):
        model(handtorch.ones(1, requires_grad=True)).sum().backward()


def test_the_deprecated_kind_of_backward_hook_works_and_is_not_mixed_with_the_other() -> None:
    model, seen = Times(), []
    model.register_backward_hook(lambda m, grad_input, grad_output: seen.append(grad_input[0].item()))
    model(handtorch.ones(1, requires_grad=True)).sum().backward()
    assert seen == [2.0]
    with pytest.raises(RuntimeError, match="Cannot use both"):
        model.register_full_backward_hook(lambda *args: None)


def test_an_output_that_is_no_tensor_warns() -> None:
    class Named(nn.Module):
        def forward(self, x: Any) -> Any:
            return {"x": x * 2}

    model = Named()
    model.register_full_backward_hook(lambda *args: None)
    with pytest.warns(UserWarning, match="should be a Tensor or a tuple of Tensors"):
        model(handtorch.ones(1, requires_grad=True))


def test_nothing_is_watched_without_grad_mode() -> None:
    model = Times()
    model.register_full_backward_hook(lambda *args: pytest.fail("called"))
    with handtorch.no_grad():
        assert model(handtorch.ones(1, requires_grad=True)).grad_fn is None


# -- copies ---------------------------------------------------------------------------------------------------------


def add_one(module: nn.Module, args: Any, out: Any) -> Any:
    return out + 1


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_hooks_go_along_with_a_copy_and_are_its_own(duplicate: Any) -> None:
    model = Times()
    handle = model.register_forward_hook(add_one)
    twin = duplicate(model)
    handle.remove()
    assert (model(1), twin(1)) == (2, 3)
    another = twin.register_forward_hook(add_one)
    assert twin(1) == 4
    another.remove()
    assert twin(1) == 3
