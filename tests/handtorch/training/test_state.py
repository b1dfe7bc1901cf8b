"""Packed state comes back exactly, and what cannot be kept is named."""

import json
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import handtorch
from handtorch import nn, optim
from handtorch.errors import ArgumentError, FormatError
from handtorch.io import safetensors
from handtorch.optim import lr_scheduler
from handtorch.training.state import pack, unpack

keys = st.one_of(st.text(max_size=5), st.integers(), st.sampled_from(["$dict", "$float", ""]))
leaves = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5))
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.tuples(inner, inner), st.dictionaries(keys, inner, max_size=3)
    ),
)


def through_json(value):
    """Pack, write and read as a checkpoint does, and unpack."""
    tensors = {}
    text = json.dumps(pack(value, tensors), allow_nan=False)
    return unpack(json.loads(text), safetensors.load(safetensors.save(tensors)))


def identical(one, two):
    if isinstance(one, float):
        return type(two) is float and (one == two or (math.isnan(one) and math.isnan(two)))
    if type(one) is not type(two):
        return False
    if isinstance(one, dict):
        return list(one) == list(two) and all(identical(one[key], two[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(two) and all(map(identical, one, two))
    return one == two


@given(trees)
def test_any_tree_of_plain_values_comes_back_with_its_types(tree):
    assert identical(tree, through_json(tree))


def test_tensors_arrays_and_scalars_come_back_as_what_they_were():
    state = {
        "state": {0: {"step": handtorch.tensor(3.0), "exp_avg": handtorch.randn(2, 3)}},
        "numbers": np.arange(4, dtype=np.uint32),
        "scalar": np.float32(0.1),
        "milestones": Counter({2: 1, 5: 2}),
    }
    back = through_json(state)
    assert isinstance(back["state"][0]["exp_avg"], handtorch.Tensor)
    assert np.array_equal(back["state"][0]["exp_avg"].numpy(), state["state"][0]["exp_avg"].numpy())
    assert back["state"][0]["step"].shape == ()
    assert back["numbers"].dtype == np.uint32 and np.array_equal(back["numbers"], state["numbers"])
    assert type(back["scalar"]) is np.float32 and back["scalar"] == np.float32(0.1)
    assert list(back["milestones"].elements()) == [2, 5, 5]


def test_an_object_that_cannot_be_kept_is_named_with_its_place():
    with pytest.raises(ArgumentError, match="cannot keep scheduler/fn in a checkpoint: a function"):
        pack({"scheduler": {"fn": lambda epoch: 1.0}}, {})


def test_a_state_without_its_tensor_is_a_format_error():
    with pytest.raises(FormatError, match="expected a tensor 'model/weight'"):
        unpack({"$tensor": "model/weight"}, {})
    with pytest.raises(FormatError, match="mark '\\$later'"):
        unpack({"$later": 1}, {})


def module_and(make):
    handtorch.manual_seed(0)
    model = nn.Linear(3, 3, bias=False)
    return model, make(model.parameters())


def train_one_step(model, optimizer, scheduler=None):
    def closure():
        optimizer.zero_grad()
        loss = (model(handtorch.ones(1, 3)) ** 2).sum()
        loss.backward()
        return loss

    loss = optimizer.step(closure)
    if isinstance(scheduler, lr_scheduler.ReduceLROnPlateau):
        scheduler.step(loss.item())
    elif scheduler is not None:
        scheduler.step()


kinds = [getattr(optim, name) for name in dir(optim)]
optimizers = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, optim.Optimizer)]
schedulers = {
    "LambdaLR": lambda o: lr_scheduler.LambdaLR(o, lambda epoch: 0.9**epoch),
    "MultiStepLR": lambda o: lr_scheduler.MultiStepLR(o, [2, 6]),
    "OneCycleLR": lambda o: lr_scheduler.OneCycleLR(o, 0.1, total_steps=20),
    "ReduceLROnPlateau": lambda o: lr_scheduler.ReduceLROnPlateau(o, patience=1, threshold=2.0),
    "SequentialLR": lambda o: lr_scheduler.SequentialLR(
        o, [lr_scheduler.LinearLR(o, total_iters=2), lr_scheduler.ExponentialLR(o, 0.9)], [2]
    ),
}


@pytest.mark.parametrize("kind", [kind for kind in optimizers if kind is not optim.Optimizer])
def test_every_optimizer_goes_on_from_its_packed_state(kind):
    model, optimizer = module_and(lambda parameters: kind(parameters, lr=0.01))
    for _ in range(3):
        train_one_step(model, optimizer)
    state = through_json({"model": dict(model.state_dict()), "optimizer": optimizer.state_dict()})
    again, resumed = module_and(lambda parameters: kind(parameters, lr=0.01))
    again.load_state_dict(state["model"])
    resumed.load_state_dict(state["optimizer"])
    for _ in range(3):
        train_one_step(model, optimizer)
        train_one_step(again, resumed)
    assert np.array_equal(model.weight.array, again.weight.array)


@pytest.mark.parametrize("name", schedulers)
def test_every_kind_of_scheduler_goes_on_from_its_packed_state(name):
    def sgd(parameters):
        return optim.SGD(parameters, lr=0.1)

    (model, optimizer), (again, resumed) = module_and(sgd), module_and(sgd)
    scheduler, continued = schedulers[name](optimizer), schedulers[name](resumed)
    for _ in range(3):
        train_one_step(model, optimizer, scheduler)
    state = through_json({"optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict()})
    again.load_state_dict(model.state_dict())
    resumed.load_state_dict(state["optimizer"])
    continued.load_state_dict(state["scheduler"])
    rates = []
    for _ in range(8):
        train_one_step(model, optimizer, scheduler)
        train_one_step(again, resumed, continued)
        rates.append(optimizer.param_groups[0]["lr"])
        assert resumed.param_groups[0]["lr"] == rates[-1]
    assert len(set(rates)) > 1
