"""What all optimizers share: groups, gradients, hooks and checkpoints."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import handtorch
from handtorch import optim
from handtorch.errors import ArgumentError, GradientError
from handtorch.optim.optimizer import (
    Optimizer,
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
    required,
)
from handtorch.tensor import Tensor

NAMES = [
    "SGD", "Adam", "AdamW", "Adadelta", "Adafactor", "Adagrad", "Adamax", "ASGD", "LBFGS", "Muon", "NAdam", "RAdam",
    "RMSprop", "Rprop",
]  # fmt: skip


def param(*shape: int, value: float = 1.0) -> Tensor:
    p = Tensor.of(np.full(shape, value)).requires_grad_()
    p.grad = Tensor.of(np.full(shape, 0.5))
    return p


def closure_for(params: list[Tensor]) -> Any:
    """A quadratic whose gradient closure sets: ½‖p - 3‖²."""

    def closure() -> float:
        for p in params:
            p.grad = Tensor.of(p.array - 3.0)
        return float(sum(0.5 * ((p.array - 3.0) ** 2).sum() for p in params))

    return closure


def test_groups_have_their_own_options_and_the_defaults_of_the_rest() -> None:
    a, b = param(2), param(2)
    optimizer = optim.SGD([{"params": [a]}, {"params": b, "lr": 1.0}], lr=0.1)
    optimizer.step()
    np.testing.assert_allclose(a.array, 0.95)
    np.testing.assert_allclose(b.array, 0.5)
    optimizer.add_param_group({"params": [c := param(1)], "lr": 2.0})
    optimizer.step()
    np.testing.assert_allclose(c.array, 0.0)


def test_parameters_without_a_gradient_stay() -> None:
    a, b = param(2), param(2)
    a.grad = None
    optimizer = optim.Adam([a, b])
    optimizer.step()
    assert (a.array == 1).all() and (b.array != 1).all()
    assert a not in optimizer.state


def test_names_are_kept_and_shown_in_the_checkpoint() -> None:
    optimizer = optim.SGD([("w", param(1)), ("b", param(1))])
    assert optimizer.state_dict()["param_groups"][0]["param_names"] == ["w", "b"]


@pytest.mark.parametrize(
    ("params", "error", "words"),
    [
        (lambda: [], ArgumentError, "empty parameter list"),
        (lambda: param(1), TypeError, "iterable of Tensors"),
        (lambda: [{"params": {param(1)}}], TypeError, "ordered collections"),
        (lambda: [np.ones(2)], TypeError, "can only optimize Tensors"),
        (lambda: [param(1) * 2], ArgumentError, "non-leaf"),
        (lambda: [{"params": [p := param(1)]}, {"params": [p]}], ArgumentError, "more than one parameter group"),
        (lambda: [("a", param(1)), param(1)], ArgumentError, "names are missing"),
        (
            lambda: [{"params": [("a", param(1))]}, {"params": [param(1)]}],
            ArgumentError,
            "cannot add param group without names",
        ),
    ],
)
def test_wrong_parameters_are_refused(params: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        optim.SGD(params(), lr=0.1)


def test_a_group_that_is_no_dict_is_refused_and_a_duplicate_warned_of() -> None:
    optimizer = optim.SGD([p := param(1)])
    with pytest.raises(TypeError, match="must be a dict"):
        optimizer.add_param_group([param(1)])  # type: ignore[arg-type]
    with pytest.warns(UserWarning, match="duplicate parameters"):
        optim.SGD([p, p])


@pytest.mark.parametrize("name", NAMES)
def test_a_negative_rate_or_one_of_several_elements_is_refused(name: str) -> None:
    make = getattr(optim, name)
    with pytest.raises(ArgumentError, match=r"earning rate.*-1"):
        make([param(2, 2)], lr=-1.0)
    with pytest.raises(ArgumentError, match="1-element"):
        make([param(2, 2)], lr=Tensor.of(np.array([0.1, 0.2])))


def test_differentiable_steps_are_refused_with_a_reason() -> None:
    with pytest.raises(NotImplementedError, match="not recorded"):
        optim.Adam([param(1)], differentiable=True)
    with pytest.raises(RuntimeError, match="cannot be `True` together"):
        optim.SGD([param(1)], foreach=True, fused=True)


@pytest.mark.parametrize("name", NAMES)
def test_a_rate_may_be_a_tensor_that_changes_meanwhile(name: str) -> None:
    results = []
    for is_tensor in (False, True):
        p = param(2, 2)
        rate: Any = Tensor.of(np.array(0.1)) if is_tensor else 0.1
        optimizer = getattr(optim, name)([p], lr=rate)
        optimizer.step(closure_for([p]))
        if is_tensor:
            rate.array[...] = 0.02
        else:
            optimizer.param_groups[0]["lr"] = 0.02
        optimizer.step(closure_for([p]))
        results.append(p.array)
    np.testing.assert_allclose(results[0], results[1], rtol=1e-7)


def test_a_numpy_scalar_as_rate_does_not_widen_anything() -> None:
    p = Tensor.of(np.ones(3, np.float32)).requires_grad_()
    p.grad = Tensor.of(np.ones(3, np.float32))
    optimizer = optim.Adam([p], lr=np.float64(0.1))
    optimizer.step()
    assert p.array.dtype == np.float32 and optimizer.state[p]["exp_avg"].array.dtype == np.float32


def test_the_closure_runs_with_gradients_and_its_loss_is_returned() -> None:
    p = param(2)
    optimizer = optim.SGD([p], lr=0.1)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    with handtorch.no_grad():
        assert optimizer.step(closure).item() == 2.0
    np.testing.assert_allclose(p.array, 0.8)


def test_zero_grad_drops_or_clears() -> None:
    p = param(2)
    optimizer = optim.SGD([p])
    held = p.grad
    optimizer.zero_grad(set_to_none=False)
    assert p.grad is held and (held.array == 0).all()
    optimizer.zero_grad()
    assert p.grad is None


def test_backward_through_a_parameter_that_was_stepped_is_refused() -> None:
    p = param(2)
    loss = (p * p).sum()
    optim.SGD([p], lr=0.1).step()
    with pytest.raises(GradientError):
        loss.backward()


@pytest.mark.parametrize("name", NAMES)
def test_a_run_goes_on_from_its_checkpoint_to_the_same_numbers(name: str) -> None:
    def start() -> tuple[list[Tensor], Optimizer]:
        params = [param(3, 2), param(2, 2, value=2.0)]
        return params, getattr(optim, name)(params)

    params, whole = start()
    for _ in range(6):
        whole.step(closure_for(params))

    first, before = start()
    for _ in range(3):
        before.step(closure_for(first))
    saved = pickle.loads(pickle.dumps(before.state_dict()))
    second, after = start()
    for p, q in zip(second, first, strict=True):
        p.array[...] = q.array
    after.load_state_dict(saved)
    for _ in range(3):
        after.step(closure_for(second))
    for p, q in zip(second, params, strict=True):
        np.testing.assert_array_equal(p.array, q.array)


def test_a_loaded_state_is_a_copy_in_the_type_of_the_parameter() -> None:
    optimizer = optim.Adam([param(2)])
    optimizer.step()
    saved = optimizer.state_dict()
    p = Tensor.of(np.ones(2, np.float32)).requires_grad_()
    p.grad = Tensor.of(np.ones(2, np.float32))
    other = optim.Adam([p])
    other.load_state_dict(saved)
    assert other.state[p]["exp_avg"].array.dtype == np.float32
    other.step()
    assert saved["state"][0]["step"].array == 1 and other.state[p]["step"].array == 2


def test_a_checkpoint_of_old_pytorch_loads() -> None:
    p = param(2)
    optimizer = optim.Adam([p], lr=0.5)
    group = {"lr": 0.1, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0, "amsgrad": False, "params": [0]}
    state = {"step": 7, "exp_avg": Tensor.of(np.ones(2)), "exp_avg_sq": Tensor.of(np.ones(2))}
    optimizer.load_state_dict({"state": {0: state}, "param_groups": [group]})
    optimizer.step()
    assert optimizer.state[p]["step"].array == 8
    assert optimizer.param_groups[0]["lr"] == 0.1 and optimizer.param_groups[0]["maximize"] is False


def test_a_checkpoint_of_other_groups_is_refused() -> None:
    saved = optim.SGD([param(1)]).state_dict()
    with pytest.raises(ArgumentError, match="different number of parameter groups"):
        optim.SGD([{"params": [param(1)]}, {"params": [param(1)]}]).load_state_dict(saved)
    with pytest.raises(ArgumentError, match="doesn't match the size"):
        optim.SGD([param(1), param(1)]).load_state_dict(saved)


def test_adamw_stays_decoupled_whatever_it_loads() -> None:
    optimizer = optim.AdamW([param(1)])
    optimizer.load_state_dict(optim.Adam([param(1)]).state_dict())
    assert optimizer.param_groups[0]["decoupled_weight_decay"] is True


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))])
def test_an_optimizer_can_be_copied_and_pickled(clone: Any) -> None:
    optimizer = optim.Adam([param(2)])
    optimizer.step()
    twin = clone(optimizer)
    p = twin.param_groups[0]["params"][0]
    p.grad = Tensor.of(np.full(2, 0.5))
    twin.step()
    optimizer.step()
    np.testing.assert_array_equal(p.array, optimizer.param_groups[0]["params"][0].array)
    assert twin.state[p]["step"].array == 2


def test_step_hooks_run_around_the_step_and_can_be_removed() -> None:
    optimizer = optim.SGD([p := param(1)], lr=1.0)
    seen: list[tuple[str, float]] = []
    handles = [
        optimizer.register_step_pre_hook(lambda o, args, kwargs: seen.append(("before", p.array.item()))),
        optimizer.register_step_post_hook(lambda o, args, kwargs: seen.append(("after", p.array.item()))),
        register_optimizer_step_pre_hook(lambda o, args, kwargs: seen.append(("any before", p.array.item()))),
        register_optimizer_step_post_hook(lambda o, args, kwargs: seen.append(("any after", p.array.item()))),
    ]
    optimizer.step()
    assert seen == [("any before", 1.0), ("before", 1.0), ("after", 0.5), ("any after", 0.5)]
    for handle in handles:
        handle.remove()
    optimizer.step()
    assert len(seen) == 4


def test_a_step_pre_hook_may_replace_the_arguments() -> None:
    optimizer = optim.SGD([param(1)])
    optimizer.register_step_pre_hook(lambda o, args, kwargs: ((lambda: 42.0,), {}))
    assert optimizer.step() == 42.0
    optimizer.register_step_pre_hook(lambda o, args, kwargs: "nonsense")
    with pytest.raises(RuntimeError, match="new_args, new_kwargs"):
        optimizer.step()


def test_state_dict_hooks_see_and_replace_the_checkpoint() -> None:
    optimizer = optim.SGD([param(1)], lr=0.1)
    calls: list[str] = []
    optimizer.register_state_dict_pre_hook(lambda o: calls.append("second"))
    optimizer.register_state_dict_pre_hook(lambda o: calls.append("first"), prepend=True)
    optimizer.register_state_dict_post_hook(lambda o, d: {**d, "note": "mine"})
    saved = optimizer.state_dict()
    assert calls == ["first", "second"] and saved["note"] == "mine"

    def halve(o: Optimizer, d: dict[str, Any]) -> dict[str, Any]:
        return {**d, "param_groups": [{**g, "lr": g["lr"] / 2} for g in d["param_groups"]]}

    optimizer.register_load_state_dict_pre_hook(halve)
    optimizer.register_load_state_dict_post_hook(lambda o: calls.append("loaded"))
    optimizer.load_state_dict(saved)
    assert optimizer.param_groups[0]["lr"] == 0.05 and calls[-1] == "loaded"


class Drift(Optimizer):
    """A user's optimizer in PyTorch's way: it defines ``step``."""

    def __init__(self, params: Any, lr: Any = required) -> None:
        super().__init__(params, {"lr": lr})

    @handtorch.no_grad()
    def step(self, closure: Any = None) -> Any:
        for group in self.param_groups:
            for p in group["params"]:
                p -= group["lr"] * p.grad
        return None


class LoudSGD(optim.SGD):
    """Overrides ``step`` and calls the original."""

    def step(self, closure: Any = None) -> Any:
        return super().step(closure)


def test_an_optimizer_of_ones_own_needs_only_a_step() -> None:
    optimizer = Drift([p := param(2)], lr=1.0)
    count: list[int] = []
    optimizer.register_step_post_hook(lambda o, args, kwargs: count.append(1))
    optimizer.step()
    np.testing.assert_allclose(p.array, 0.5)
    assert count == [1]
    with pytest.raises(ArgumentError, match="didn't specify a value of required"):
        Drift([param(1)])


def test_hooks_run_once_where_a_step_calls_the_original() -> None:
    optimizer = LoudSGD([param(1)], lr=1.0)
    count: list[int] = []
    optimizer.register_step_pre_hook(lambda o, args, kwargs: count.append(1))
    optimizer.step()
    assert count == [1]


def test_an_optimizer_without_a_rule_says_so() -> None:
    with pytest.raises(NotImplementedError, match="defines neither step"):
        Optimizer([param(1)], {}).step()


def test_repr_lists_the_options_of_every_group() -> None:
    text = repr(optim.SGD([{"params": [param(1)]}, {"params": [param(1)], "lr": 2}], lr=1))
    assert text.startswith("SGD (\nParameter Group 0\n    dampening: 0\n") and "Parameter Group 1" in text
    assert "    lr: 2\n" in text and text.endswith("    weight_decay: 0\n)")


def test_an_optimizer_around_another_one_needs_no_constructor():
    class EverySecond(Optimizer):
        def __init__(self, inner):
            self.inner, self.calls = inner, 0

        def step(self, closure=None):
            self.calls += 1
            if self.calls % 2 == 0:
                self.inner.step()

    p = handtorch.ones(1, requires_grad=True)
    p.grad = handtorch.ones(1)
    outer = EverySecond(optim.SGD([p], lr=0.5))
    for _ in range(2):
        outer.step()
    assert p.item() == 0.5
