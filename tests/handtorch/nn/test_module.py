"""What a Module owns, how it is called, and what it says when something goes wrong."""

from __future__ import annotations

import copy
import gc
import multiprocessing
import pickle
import weakref
from typing import Any

import numpy as np
import pytest

import handtorch
from handtorch import nn
from handtorch.errors import DeviceError, DtypeError, ShapeError


class Affine(nn.Module):
    def __init__(self, n_in: int = 2, n_out: int = 3) -> None:
        super().__init__()
        self.weight = nn.Parameter(handtorch.ones(n_out, n_in))
        self.bias = nn.Parameter(handtorch.zeros(n_out))
        self.register_buffer("count", handtorch.tensor(7))

    def forward(self, x: Any) -> Any:
        return x @ self.weight.t() + self.bias


class Echo(nn.Module):
    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return args, kwargs


def consistent(module: nn.Module) -> bool:
    """Whether every member is an attribute too, and every tensor or module attribute is a member."""
    members = {**module._parameters, **module._buffers, **module._modules}
    mirrored = all(getattr(module, name) is member for name, member in members.items())
    known = {id(member) for member in members.values()}
    owned = [v for v in vars(module).values() if isinstance(v, (nn.Parameter, nn.Module))]
    return mirrored and all(id(value) in known for value in owned)


# -- members are ordinary attributes --------------------------------------------------------------------------------


def test_a_member_is_read_without_any_python_code() -> None:
    assert "weight" in vars(Affine())
    assert not hasattr(nn.Module, "__getattr__")
    assert not hasattr(nn.Module, "__getattribute__") or nn.Module.__getattribute__ is object.__getattribute__


@pytest.mark.parametrize(
    "change",
    [
        lambda m: setattr(m, "weight", nn.Parameter(handtorch.zeros(1))),
        lambda m: setattr(m, "weight", None),
        lambda m: delattr(m, "weight"),
        lambda m: setattr(m, "weight", nn.Linear(1, 1)) if delattr(m, "weight") is None else None,
        lambda m: setattr(m, "count", nn.Parameter(handtorch.zeros(1))),
        lambda m: setattr(m, "count", handtorch.zeros(1)),
        lambda m: setattr(m, "child", nn.Linear(1, 1)),
        lambda m: m._parameters.update(weight=nn.Parameter(handtorch.zeros(1)), other=None),
        lambda m: m._parameters.__setitem__("weight", handtorch.zeros(1)),
        lambda m: m._parameters.__delitem__("weight"),
        lambda m: m._parameters.pop("weight"),
        lambda m: m._parameters.pop("nothing", None),
        lambda m: m._parameters.popitem(),
        lambda m: m._parameters.clear(),
        lambda m: m._parameters.setdefault("new", nn.Parameter(handtorch.zeros(1))),
        lambda m: m._parameters.__ior__({"new": None}),
        lambda m: setattr(m, "_parameters", {"only": nn.Parameter(handtorch.zeros(1))}),
        lambda m: setattr(m, "_buffers", {}),
        lambda m: m._modules.update(child=nn.Linear(1, 1)),
    ],
)
def test_dictionaries_and_attributes_agree_whoever_is_written_to(change: Any) -> None:
    module = Affine()
    before = {name: getattr(module, name) for name in ("weight", "bias", "count")}
    change(module)
    assert consistent(module)
    members = {*module._parameters, *module._buffers, *module._modules}
    for name in before:
        assert (name in members) == hasattr(module, name)


def test_a_dictionary_taken_out_and_put_back_keeps_its_entries() -> None:
    module = Affine()
    weight, held = module.weight, module._parameters
    module._parameters = {}
    assert not hasattr(module, "weight")
    assert list(held) == ["weight", "bias"]
    module._parameters = held
    assert module.weight is weight
    assert consistent(module)


def test_an_attribute_set_over_a_member_outlives_it() -> None:
    module = Affine()
    object.__setattr__(module, "weight", "something else")
    del module._parameters["weight"]
    assert module.weight == "something else"


def test_a_property_of_the_class_may_stand_before_a_parameter_of_its_name() -> None:
    class Doubled(Affine):
        @property
        def bias(self) -> Any:
            return self._parameters["bias"] * 2

    module = object.__new__(Doubled)
    nn.Module.__init__(module)
    module._parameters["bias"] = nn.Parameter(handtorch.ones(1))
    assert module.bias.item() == 2
    del module._parameters["bias"]


def test_a_member_does_not_hide_a_method() -> None:
    modules = nn.ModuleDict()
    modules._modules["keys"] = Affine()
    assert list(modules.keys()) == ["keys"]
    del modules["keys"]
    assert list(modules.keys()) == []
    modules["mro"] = Affine()  # classes have a method of this name, their instances have not
    assert modules.mro is modules["mro"]


def test_a_module_with_a_copied_dict_does_not_write_into_the_first_one() -> None:
    first, second = Affine(), object.__new__(Affine)
    second.__dict__.update(first.__dict__)
    second.weight = nn.Parameter(handtorch.zeros(1))
    assert first.weight.shape == (3, 2)
    assert consistent(first)
    assert consistent(second)


def test_a_model_is_freed_as_soon_as_it_is_let_go() -> None:
    gc.disable()
    try:
        model = nn.Sequential(Affine(), nn.ModuleList([Affine()]))
        watched = [weakref.ref(module) for module in model.modules()]
        del model
        assert [ref() for ref in watched] == [None] * 4
    finally:
        gc.enable()


def test_a_wrapper_may_defer_to_the_getattr_of_modules() -> None:
    class Wrapper(nn.Module):
        def __init__(self, module: nn.Module) -> None:
            super().__init__()
            self.module = module

        def __getattr__(self, name: str) -> Any:
            try:
                return super().__getattr__(name)
            except AttributeError:
                return getattr(self.module, name)

    wrapper = Wrapper(Affine())
    assert wrapper.weight is wrapper.module.weight
    assert pickle.loads(pickle.dumps(wrapper.module)).weight.shape == (3, 2)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        wrapper.nothing  # noqa: B018


def test_a_result_is_refused_as_a_parameter() -> None:
    result = nn.Parameter(handtorch.ones(1)) * 2
    result._is_param = True
    with pytest.raises(ValueError, match="non-leaf Tensor to parameter 'p'"):
        nn.Module().register_parameter("p", result)


def test_digits_are_left_out_of_dir() -> None:
    listed = dir(nn.Sequential(Affine()))
    assert "0" not in listed
    assert {"forward", "training", "append"} <= set(listed)


# -- calls ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "kwargs"), [((), {}), ((1,), {}), ((None,), {}), ((1, 2), {}), ((), {"input": 3}), ((1,), {"self_": 2})]
)
@pytest.mark.parametrize("hooked", [False, True])
def test_a_call_passes_its_arguments_on(args: Any, kwargs: Any, hooked: bool) -> None:
    module = Echo()
    if hooked:
        module.register_forward_pre_hook(lambda m, a: None)
    assert module(*args, **kwargs) == (args, kwargs)


def test_forward_may_be_replaced_on_the_instance_and_on_the_class() -> None:
    class Patched(Echo):
        pass

    module = Patched()
    module.forward = lambda x, y=2: x + y  # type: ignore[method-assign]
    assert module(1) == 3
    del module.forward
    Patched.forward = lambda self, x: -x  # type: ignore[assignment,method-assign]
    assert module(1) == -1


def test_a_module_without_forward_says_so() -> None:
    with pytest.raises(NotImplementedError, match=r'Module \[Module\] is missing the required "forward" function'):
        nn.Module()(1)


def test_call_super_init_hands_the_arguments_on() -> None:
    class Mixin:
        def __init__(self, size: int) -> None:
            self.size = size

    class Both(nn.Module, Mixin):
        call_super_init = True

    assert Both(size=3).size == 3


def test_compile_has_nothing_to_do() -> None:
    assert Affine().compile() is None


# -- errors name the place ------------------------------------------------------------------------------------------


def message(model: Any, x: Any) -> str:
    with pytest.raises(ShapeError) as caught:
        model(x)
    return str(caught.value)


class Reader(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.ModuleDict(
            {"blstm": nn.ModuleList([Affine(2, 2), nn.Sequential(Affine(2, 2), Affine(5, 2))])}
        )

    def forward(self, x: Any) -> Any:
        for layer in self.encoder["blstm"]:
            x = layer(x)
        return x


def test_an_error_names_the_path_from_the_outermost_module() -> None:
    x = handtorch.ones(1, 2)
    inner = message(Reader().encoder["blstm"][1][1], x)
    assert inner.startswith("Affine: ")
    what = inner.removeprefix("Affine: ")
    assert message(Reader(), x) == f"encoder.blstm.1.1: {what}"
    assert message(nn.Sequential(Echo_first(), Reader()), x) == f"1.encoder.blstm.1.1: {what}"


class Echo_first(nn.Module):
    def forward(self, x: Any) -> Any:
        return x


def test_an_error_names_the_path_through_hooked_modules_too() -> None:
    model = Reader()
    for module in model.modules():
        module.register_forward_hook(lambda *args: None)
    assert message(model, handtorch.ones(1, 2)).startswith("encoder.blstm.1.1: ")


def test_an_error_in_the_models_own_forward_names_its_class() -> None:
    class Joins(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = Affine(2, 3)

        def forward(self, x: Any) -> Any:
            return self.first(x) @ x

    assert message(Joins(), handtorch.ones(1, 2)).startswith("Joins: ")


def test_an_error_caught_on_the_way_keeps_the_path_up_to_there() -> None:
    class Careful(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Sequential(Affine(5, 5))

        def forward(self, x: Any) -> str:
            try:
                return self.inner(x)
            except ShapeError as error:
                return str(error)

    assert Careful()(handtorch.ones(1, 2)).startswith("0: ")


def test_other_errors_pass_unchanged() -> None:
    class Fails(nn.Module):
        def forward(self, x: Any) -> Any:
            raise KeyError("mine")

    with pytest.raises(KeyError, match=r"^'mine'$"):
        nn.Sequential(Fails())(1)


# -- switches, conversions ------------------------------------------------------------------------------------------


def test_train_and_eval_reach_every_module() -> None:
    model = Reader()
    assert model.eval() is model
    assert not any(module.training for module in model.modules())
    model.train()
    assert all(module.training for module in model.modules())


def test_apply_visits_children_first() -> None:
    model = nn.Sequential(Affine(), nn.Sequential(Echo()))
    visited: list[nn.Module] = []
    model.apply(visited.append)
    assert visited == [model[0], model[1][0], model[1], model]


def test_conversion_keeps_the_parameters_and_converts_their_gradients() -> None:
    model = Affine()
    weight = model.weight
    model(handtorch.ones(1, 2)).sum().backward()
    assert model.double() is model
    assert model.weight is weight
    assert (weight.dtype, weight.grad.dtype, model.count.dtype) == (handtorch.float64,) * 2 + (handtorch.int64,)
    assert model.half().bias.dtype is handtorch.float16
    assert model.to(handtorch.zeros(1)).bias.dtype is handtorch.float32
    assert model.type(handtorch.float64).count.dtype is handtorch.float64
    assert model.to_empty(device="cpu").weight.shape == (3, 2)


def test_a_conversion_to_what_a_cpu_or_a_module_cannot_be_is_refused() -> None:
    model = Affine()
    for call in (model.cuda, lambda: model.to("cuda"), lambda: model.to(device="cuda:1")):
        with pytest.raises(DeviceError, match="expected device 'cpu'"):
            call()
    with pytest.raises(TypeError, match="floating point or complex"):
        model.to(handtorch.int64)
    with pytest.raises(DtypeError, match="bfloat16"):
        model.bfloat16()
    with pytest.raises(DtypeError, match="FloatTensor"):
        model.type("torch.Nonsense")


def test_complex_modules_warn() -> None:
    with pytest.warns(UserWarning, match="Complex modules"):
        assert Affine().to(handtorch.complex64).weight.dtype is handtorch.complex64


def test_shared_memory_is_written_to_by_a_forked_process() -> None:
    model = Affine().share_memory()

    def write() -> None:
        model.weight.array[...] = 5

    process = multiprocessing.get_context("fork").Process(target=write)
    process.start()
    process.join()
    assert process.exitcode == 0
    np.testing.assert_array_equal(model.weight.detach().numpy(), np.full((3, 2), 5))


def test_frozen_parameters_get_no_gradient() -> None:
    model = nn.Sequential(Affine(), Affine(3, 1))
    model[0].requires_grad_(False)
    model(handtorch.ones(1, 2)).sum().backward()
    assert model[0].weight.grad is None
    assert model[1].weight.grad is not None


def test_zeroed_gradients_are_none_or_zeros_in_place() -> None:
    model = Affine()
    model(handtorch.ones(1, 2)).sum().backward()
    held = model.weight.grad
    model.zero_grad(set_to_none=False)
    assert model.weight.grad is held
    assert not held.numpy().any()
    model.zero_grad()
    assert model.weight.grad is None


def test_gradients_with_a_graph_are_zeroed_without_touching_it() -> None:
    model = Affine()
    (model(handtorch.ones(1, 2)) ** 2).sum().backward(create_graph=True)
    held = model.weight.grad
    assert held.requires_grad
    model.zero_grad(set_to_none=False)
    assert held.detach().numpy().any()
    assert not model.weight.grad.numpy().any()
    assert not model.weight.grad.requires_grad


# -- copies ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_copy_is_whole_and_independent(duplicate: Any) -> None:
    model = nn.Sequential(Affine(), nn.ModuleList([Affine()]))
    model.tied = model[0]
    model.eval()
    twin = duplicate(model)
    assert repr(twin) == repr(model)
    assert twin.tied is twin[0]
    assert not twin[0].training
    for ours, theirs in zip(model.modules(), twin.modules(), strict=True):
        assert consistent(theirs)
        assert theirs is not ours
    for (name, ours), (same, theirs) in zip(model.named_parameters(), twin.named_parameters(), strict=True):
        assert name == same
        assert not np.shares_memory(ours.array, theirs.array)
    twin[0]._parameters["weight"] = nn.Parameter(handtorch.zeros(1))
    assert twin[0].weight.shape == (1,)
    assert model[0].weight.shape == (3, 2)


def test_the_state_that_is_pickled_is_made_of_plain_dictionaries() -> None:
    state = Affine().__getstate__()
    assert "weight" not in state
    assert {kind: type(state[kind]) for kind in ("_parameters", "_buffers", "_modules")} == {
        "_parameters": dict,
        "_buffers": dict,
        "_modules": dict,
    }


def test_a_subclass_may_change_its_pickled_state() -> None:
    twin = pickle.loads(pickle.dumps(Slimmed()))
    assert twin.cache == "made again"
    assert consistent(twin)


class Slimmed(Affine):
    def __init__(self) -> None:
        super().__init__()
        self.cache = lambda: "cannot be pickled"

    def __getstate__(self) -> Any:
        state = self.__dict__.copy()
        del state["cache"]
        return state

    def __setstate__(self, state: Any) -> None:
        super().__setstate__(state)
        self.cache = "made again"


def test_a_class_that_sets_attributes_by_itself_may_keep_members_in_plain_dictionaries():
    class Functional(nn.Linear):
        def __init__(self):
            nn.Module.__init__(self)
            self._parameters = dict.fromkeys(("weight", "bias"))

        def __setattr__(self, name, value):
            if name in self.__dict__.get("_parameters", ()):
                self._parameters[name] = value
            else:
                object.__setattr__(self, name, value)

    layer = Functional()
    layer.weight = handtorch.ones(1, 2) * 3
    assert layer.bias is None
    assert layer(handtorch.ones(1, 2)).item() == 6
    with pytest.raises(AttributeError, match="'Functional' object has no attribute 'missing'"):
        _ = layer.missing
