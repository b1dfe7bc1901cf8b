"""state_dict and load_state_dict."""

from __future__ import annotations

import copy
import pickle
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest

import handtorch
from handtorch import nn


def model() -> Any:
    made = nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.Linear(3, 1, bias=False)))
    made.register_buffer("steps", handtorch.tensor(4))
    made.register_buffer("scratch", handtorch.zeros(2), persistent=False)
    return made


def test_the_state_holds_parameters_and_persistent_buffers_on_the_same_memory() -> None:
    net = model()
    state = net.state_dict()
    assert list(state) == ["steps", "0.weight", "0.bias", "1.0.weight"]
    assert np.shares_memory(state["0.weight"].array, net[0].weight.array)
    assert not state["0.weight"].requires_grad
    assert net.state_dict(keep_vars=True)["0.weight"] is net[0].weight
    assert state._metadata == {name: {"version": 1} for name in ("", "0", "1", "1.0")}


def test_positional_arguments_still_work_and_warn() -> None:
    with pytest.warns(FutureWarning, match="Positional args"):
        assert list(nn.Linear(1, 1).state_dict(OrderedDict(a=1), "p.", True)) == ["a", "p.weight", "p.bias"]


def test_loading_copies_values_and_keeps_the_parameters() -> None:
    net, other = model(), model()
    weight = net[0].weight
    result = net.load_state_dict(other.state_dict())
    assert (result.missing_keys, result.unexpected_keys) == ([], [])
    assert str(result) == "<All keys matched successfully>"
    assert net[0].weight is weight
    np.testing.assert_array_equal(weight.detach().numpy(), other[0].weight.detach().numpy())
    assert not np.shares_memory(weight.array, other[0].weight.array)


def test_loading_changes_the_version_so_that_an_old_graph_is_refused() -> None:
    net = nn.Linear(2, 1)
    x = handtorch.ones(1, 2, requires_grad=True)
    out = (net(x) ** 2).sum()
    net.load_state_dict(nn.Linear(2, 1).state_dict())
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        out.backward()


def test_everything_that_does_not_fit_is_listed_at_once() -> None:
    state = model().state_dict()
    del state["0.bias"], state["steps"]
    state["9.weight"] = handtorch.zeros(1)
    state["1.0.weight"] = handtorch.zeros(2, 2)
    with pytest.raises(RuntimeError) as caught:
        model().load_state_dict(state)
    assert str(caught.value).split("\n\t") == [
        "Error(s) in loading state_dict for Sequential:",
        'Missing key(s) in state_dict: "steps", "0.bias". ',
        'Unexpected key(s) in state_dict: "9.weight". ',
        "size mismatch for 1.0.weight: copying a param with shape torch.Size([2, 2]) from checkpoint, "
        "the shape in current model is torch.Size([1, 3]).",
    ]


def test_a_loose_load_reports_names_and_still_refuses_sizes() -> None:
    state = model().state_dict()
    del state["0.bias"]
    state["more"] = handtorch.zeros(1)
    result = model().load_state_dict(state, strict=False)
    assert result.missing_keys == ["0.bias"]
    assert result.unexpected_keys == ["more"]
    assert "missing_keys=['0.bias']" in repr(result)
    state["0.weight"] = handtorch.zeros(1)
    with pytest.raises(RuntimeError, match=r"size mismatch for 0\.weight"):
        model().load_state_dict(state, strict=False)


def test_what_is_no_mapping_or_no_tensor_is_refused() -> None:
    with pytest.raises(TypeError, match="Expected state_dict to be dict-like"):
        model().load_state_dict([1])
    state = model().state_dict()
    state["0.weight"] = np.zeros((3, 2))
    with pytest.raises(RuntimeError, match=r'"0\.weight", expected a Tensor'):
        model().load_state_dict(state)


def test_assignment_takes_the_tensors_themselves() -> None:
    net = nn.Linear(2, 1)
    net.weight.requires_grad_(False)
    state = {name: tensor.double() for name, tensor in net.state_dict().items()}
    net.load_state_dict(state, assign=True)
    assert net.weight.dtype is handtorch.float64
    assert np.shares_memory(net.weight.array, state["weight"].array)
    assert (net.weight.requires_grad, net.bias.requires_grad) == (False, True)
    assert isinstance(net.bias, nn.Parameter)


def test_an_assigning_load_leaves_no_trace_in_the_state() -> None:
    net = nn.Linear(2, 1)
    state = net.state_dict()
    net.load_state_dict(state, assign=True)
    assert state._metadata == {"": {"version": 1}}


class Counter(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.n = 3

    def get_extra_state(self) -> Any:
        return self.n

    def set_extra_state(self, state: Any) -> None:
        self.n = state


def test_extra_state_goes_along() -> None:
    net = nn.Sequential(Counter())
    state = net.state_dict()
    assert state == {"0._extra_state": 3}
    net[0].n = 0
    net.load_state_dict(state)
    assert net[0].n == 3
    with pytest.raises(RuntimeError, match=r'Missing key\(s\) in state_dict: "0._extra_state"'):
        net.load_state_dict({})
    with pytest.raises(RuntimeError, match="define get_extra_state"):
        nn.Module().get_extra_state()
    with pytest.raises(RuntimeError, match="define set_extra_state"):
        nn.Module().set_extra_state(1)


def test_an_old_version_is_converted_by_the_class() -> None:
    class Renamed(nn.Module):
        _version = 2

        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(handtorch.zeros(1))

        def _load_from_state_dict(self, state_dict: Any, prefix: str, metadata: Any, *rest: Any) -> None:
            if metadata.get("version", 1) < 2:
                state_dict[prefix + "scale"] = state_dict.pop(prefix + "gain")
            super()._load_from_state_dict(state_dict, prefix, metadata, *rest)

    net = nn.Sequential(Renamed())
    net.load_state_dict({"0.gain": handtorch.ones(1)})
    assert net[0].scale.item() == 1


def test_hooks_see_saving_and_loading() -> None:
    seen: list[Any] = []
    net = nn.Linear(1, 1)
    net.register_state_dict_pre_hook(lambda m, prefix, keep: seen.append(("save", prefix, keep)))
    net.register_state_dict_post_hook(lambda m, state, prefix, meta: seen.append(("saved", list(state), meta)))
    net.register_load_state_dict_pre_hook(lambda m, state, prefix, *rest: seen.append(("load", m is net, prefix)))
    net.register_load_state_dict_post_hook(lambda m, keys: seen.append(("loaded", keys.missing_keys)))
    nn.Sequential(net).load_state_dict(nn.Sequential(net).state_dict())
    assert seen == [
        ("save", "0.", False),
        ("saved", ["0.weight", "0.bias"], {"version": 1}),
        ("load", True, "0."),
        ("loaded", []),
    ]


def test_a_post_hook_that_returns_something_is_told_so() -> None:
    saving, loading = nn.Linear(1, 1), nn.Linear(1, 1)
    saving.register_state_dict_post_hook(lambda *args: {})
    with pytest.raises(RuntimeError, match="must return None"):
        saving.state_dict()
    loading.register_load_state_dict_post_hook(lambda *args: 1)
    with pytest.raises(AssertionError, match="not expected to return"):
        loading.load_state_dict(loading.state_dict())


def rename(module: Any, state: Any, prefix: str, *rest: Any) -> None:
    state[prefix + "weight"] = state.pop(prefix + "w") * module.in_features


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_load_hook_of_a_copy_gets_the_copy(duplicate: Any) -> None:
    net = nn.Linear(2, 1, bias=False)
    net.register_load_state_dict_pre_hook(rename)
    twin = duplicate(net)
    del net
    twin.load_state_dict({"w": handtorch.ones(1, 2)})
    np.testing.assert_array_equal(twin.weight.detach().numpy(), [[2, 2]])
