"""Parameter, Buffer, and their lazy forms."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import handtorch
from handtorch import nn
from handtorch.errors import ArgumentError, DtypeError, ShapeError
from handtorch.nn.lazy import LazyModuleMixin
from handtorch.nn.parameter import UninitializedBuffer, UninitializedParameter, is_lazy
from handtorch.tensor import Tensor


class Own(Tensor):
    """A Tensor class of a user's."""


def test_a_parameter_shares_the_memory_of_its_data() -> None:
    data = handtorch.ones(2)
    parameter = nn.Parameter(data)
    parameter.array[0] = 5
    assert data.tolist() == [5, 1]
    assert parameter.requires_grad
    assert parameter.is_leaf
    assert not data.requires_grad
    assert nn.Parameter().shape == (0,)
    assert not nn.Parameter(data, requires_grad=False).requires_grad


def test_what_counts_as_a_parameter() -> None:
    parameter = nn.Parameter(handtorch.ones(2))
    assert isinstance(parameter, Tensor)
    for other in (handtorch.ones(2), parameter * 1, parameter.data, parameter.detach(), 3):
        assert not isinstance(other, nn.Parameter)
    own = nn.Parameter(Own.of(np.ones(2)))
    assert type(own) is Own
    assert isinstance(own, nn.Parameter)
    assert not isinstance(own, nn.Buffer)
    module = nn.Module()
    module.own = own
    assert list(module.parameters()) == [own]


def test_a_parameter_shows_itself() -> None:
    assert repr(nn.Parameter(handtorch.ones(1))).startswith("Parameter containing:\ntensor([1.]")


def test_what_cannot_be_a_parameter_is_refused() -> None:
    with pytest.raises(TypeError, match=r"expected a Tensor, got list; try handtorch.tensor"):
        nn.Parameter([1.0])
    with pytest.raises(DtypeError, match="only floating-point"):
        nn.Parameter(handtorch.ones(1, dtype=handtorch.int64))
    assert nn.Parameter(handtorch.ones(1, dtype=handtorch.int64), requires_grad=False).item() == 1


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))])
def test_a_copied_parameter_is_one_of_its_own(duplicate: Any) -> None:
    parameter = nn.Parameter(handtorch.ones(2))
    (parameter * 2).sum().backward()
    twin = duplicate(parameter)
    assert type(twin) is nn.Parameter
    assert twin.requires_grad
    assert twin.grad is None
    assert not np.shares_memory(twin.array, parameter.array)
    assert not duplicate(nn.Parameter(handtorch.ones(1), requires_grad=False)).requires_grad


def test_a_parameter_copied_twice_in_one_go_stays_one() -> None:
    parameter = nn.Parameter(handtorch.ones(2))
    first, second = copy.deepcopy([parameter, parameter])
    assert first is second


def test_an_assigned_buffer_is_registered() -> None:
    module = nn.Module()
    module.mean = nn.Buffer(handtorch.ones(2))
    module.scratch = nn.Buffer(handtorch.ones(2), persistent=False)
    module.empty = nn.Buffer()
    assert [name for name, _ in module.named_buffers()] == ["mean", "scratch", "empty"]
    assert list(module.state_dict()) == ["mean", "empty"]
    assert isinstance(module.mean, nn.Buffer)
    assert type(module.mean) is Tensor
    assert type(nn.Buffer(nn.Parameter(handtorch.ones(1)))) is Tensor
    module.mean = handtorch.zeros(3)
    assert [name for name, _ in module.named_buffers()] == ["mean", "scratch", "empty"]


# -- lazy -----------------------------------------------------------------------------------------------------------


class Scale(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(handtorch.ones(1))

    def forward(self, x: Any) -> Any:
        return x * self.weight


class LazyScale(LazyModuleMixin, Scale):
    cls_to_become = Scale

    def __init__(self) -> None:
        super().__init__()
        self.weight = UninitializedParameter()
        self.register_buffer("seen", UninitializedBuffer())

    def initialize_parameters(self, x: Any) -> None:
        if self.has_uninitialized_params():
            self.weight.materialize(x.shape[1:])
            self.seen.materialize(())
            nn.init.constant_(self.weight, 2)
            nn.init.zeros_(self.seen)


def test_a_lazy_module_learns_its_shapes_from_the_first_input() -> None:
    model = LazyScale()
    assert repr(model.weight) == "<UninitializedParameter>"
    assert isinstance(model.weight, nn.Parameter)
    assert list(model.state_dict()) == ["weight", "seen"]
    weight = model.weight
    assert model(handtorch.ones(1, 3)).tolist() == [[2, 2, 2]]
    assert type(model) is Scale
    assert model.weight is weight
    assert type(weight) is nn.Parameter
    assert type(model.seen) is Tensor
    assert not model._forward_pre_hooks
    assert not model._load_state_dict_pre_hooks


def test_a_lazy_module_learns_its_shapes_from_a_state() -> None:
    trained, model = LazyScale(), LazyScale()
    trained(handtorch.ones(1, 3))
    model.load_state_dict(trained.state_dict())
    assert model.weight.tolist() == [2, 2, 2]
    assert model(handtorch.ones(1, 3)).tolist() == [[2, 2, 2]]


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_lazy_module_is_copied_and_converted_before_it_knows_its_shapes(duplicate: Any) -> None:
    model = LazyScale().double().eval()
    twin = duplicate(model)
    assert is_lazy(twin.weight)
    assert twin(handtorch.ones(1, 3, dtype=handtorch.float64)).dtype is handtorch.float64
    assert type(twin) is Scale
    assert is_lazy(model.weight)


def test_a_lazy_tensor_says_what_to_do_first() -> None:
    model = LazyScale()
    with pytest.raises(ArgumentError, match="dummy batch"):
        model.weight + 1
    with pytest.raises(ShapeError, match="Call `forward`"):
        model.weight.shape  # noqa: B018
    with pytest.raises(ShapeError, match="Can't share memory"):
        model.share_memory()


def test_a_lazy_module_that_does_not_finish_is_told_so() -> None:
    class Unfinished(LazyScale):
        def initialize_parameters(self, x: Any) -> None:
            pass

    class Silent(LazyModuleMixin, Scale):
        pass

    with pytest.raises(ShapeError, match="module Unfinished has not been fully initialized"):
        Unfinished()(handtorch.ones(1, 3))
    with pytest.raises(NotImplementedError, match="not implemented for Silent"):
        Silent()(handtorch.ones(1, 3))
