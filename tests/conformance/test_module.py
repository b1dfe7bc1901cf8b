"""Modules against PyTorch's: the same program is run on both, and what it observes has to be equal.

Every program takes the library and returns plain values. Where the library's name stands in a text, it is taken out.
"""

from __future__ import annotations

import copy
import warnings
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import handtorch
from handtorch.nn import hooks
from handtorch.nn.lazy import LazyModuleMixin

torch = pytest.importorskip("torch")

Program = Callable[[Any], Any]
programs: list[Program] = []


def program(function: Program) -> Program:
    programs.append(function)
    return function


@pytest.mark.parametrize("run", programs, ids=lambda run: run.__name__)
def test_both_libraries_do_the_same(run: Program) -> None:
    expected = plain(run(torch))
    assert plain(run(handtorch)) == expected


def plain(value: Any) -> Any:
    """Tensors as lists, dictionaries with their order, texts without the library's name."""
    if isinstance(value, (torch.Tensor, handtorch.Tensor)):
        array = value.detach().numpy()
        return (array.dtype.name, array.shape, np.round(array.astype(np.float64), 5).ravel().tolist())
    if isinstance(value, dict):
        return [(plain(k), plain(v)) for k, v in value.items()]
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, str):
        return value.replace("handtorch", "torch")
    return value


def failure(function: Callable[[], Any], *, words: bool = True) -> Any:
    """The kind of error that a call raises, and what it says."""
    kinds = (AttributeError, IndexError, KeyError, TypeError, ValueError, NotImplementedError, RuntimeError)
    try:
        function()
    except kinds as error:
        kind = next(k.__name__ for k in kinds if isinstance(error, k))
        return (kind, str(error)) if words else kind
    return None


def affine(lib: Any, n_in: int = 2, n_out: int = 3) -> Any:
    """A layer with a parameter of each sort, whose values are the same in both libraries."""

    class Affine(lib.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = lib.nn.Parameter(lib.arange(n_in * n_out, dtype=lib.float32).reshape(n_out, n_in) / 10)
            self.bias = lib.nn.Parameter(lib.ones(n_out))
            self.register_parameter("scale", None)
            self.register_buffer("count", lib.tensor(7))
            self.register_buffer("cache", lib.zeros(2), persistent=False)

        def forward(self, x: Any, shift: float = 0.0) -> Any:
            return x @ self.weight.t() + self.bias + shift

        def extra_repr(self) -> str:
            return f"{n_in}, {n_out}"

    return Affine()


def net(lib: Any) -> Any:
    nn = lib.nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = affine(lib)
            self.rest = nn.ModuleList([affine(lib, 3, 3), nn.Sequential(affine(lib, 3, 2), affine(lib, 2, 2))])
            self.heads = nn.ModuleDict({"a": affine(lib), "none": None})
            self.tied = self.first
            self.missing = None
            self.w = nn.Parameter(lib.zeros(2))

        def forward(self, x: Any) -> Any:
            x = self.first(x)
            for layer in self.rest:
                x = layer(x)
            return self.heads["a"](x) * self.w.sum()

    return Net()


def names(pairs: Any) -> list[str]:
    return [name for name, _ in pairs]


# -- the tree -------------------------------------------------------------------------------------------------------


@program
def named_members(lib: Any) -> Any:
    model = net(lib)
    return [
        names(model.named_parameters()),
        names(model.named_parameters(prefix="p", remove_duplicate=False)),
        names(model.named_parameters(recurse=False)),
        names(model.named_buffers()),
        names(model.named_buffers("q", remove_duplicate=False)),
        names(model.named_modules()),
        names(model.named_modules(prefix="m", remove_duplicate=False)),
        names(model.named_children()),
        [type(m).__name__ for m in model.children()],
        [type(m).__name__ for m in model.modules()],
        [tuple(p.shape) for p in model.parameters()],
        [tuple(b.shape) for b in model.buffers()],
    ]


@program
def lookups(lib: Any) -> Any:
    model = net(lib)
    return [
        model.get_submodule("") is model,
        model.get_submodule("rest.1.0") is model.rest[1][0],
        model.get_parameter("rest.0.bias") is model.rest[0].bias,
        model.get_buffer("heads.a.count"),
        *(
            failure(call)
            for call in (
                lambda: model.get_submodule("rest.7"),
                lambda: model.get_submodule("first.weight"),
                lambda: model.get_parameter("first.count"),
                lambda: model.get_parameter("first.nothing"),
                lambda: model.get_buffer("first.bias"),
                lambda: model.set_submodule("", model),
                lambda: model.set_submodule("first.weight", affine(lib)),
                lambda: model.set_submodule("new", affine(lib), strict=True),
            )
        ),
        model.set_submodule("rest.1.0", affine(lib, 5, 5)),
        model.set_submodule("heads.new", affine(lib, 1, 1)),
        repr(model),
    ]


@program
def attributes(lib: Any) -> Any:
    layer = affine(lib)
    layer.plain = 3
    return [
        [name for name in dir(layer) if name in ("weight", "scale", "count", "plain", "forward")],
        failure(lambda: layer.nothing),
        failure(lambda: setattr(layer, "weight", 3), words=False),
        failure(lambda: setattr(layer, "weight", lib.zeros(1)), words=False),
        failure(lambda: setattr(layer, "count", "text"), words=False),
        failure(lambda: delattr(layer, "nothing"), words=False),
        setattr(layer, "weight", None),
        layer.weight,
        setattr(layer, "count", lib.zeros(4)),
        names(layer.named_buffers()),
        delattr(layer, "bias"),
        hasattr(layer, "bias"),
        list(layer.state_dict()),
        setattr(layer, "plain", lib.nn.Parameter(lib.zeros(1))),
        setattr(layer, "cache", affine(lib)),
        names(layer.named_parameters()),
        names(layer.named_buffers()),
        names(layer.named_children()),
        failure(lambda: setattr(layer, "cache", lib.zeros(1)), words=False),
        failure(lambda: setattr(layer, "cache", lib.nn.Buffer(lib.zeros(1))), words=False),
        setattr(layer, "buffer", lib.nn.Buffer(lib.zeros(1), persistent=False)),
        setattr(layer, "buffer", lib.ones(2)),
        list(layer.state_dict()),
        names(layer.named_buffers()),
    ]


@program
def refused_registrations(lib: Any) -> Any:
    layer = affine(lib)
    tensor, result = lib.zeros(1), lib.ones(1, requires_grad=True) * 2
    parameter = lib.nn.Parameter(tensor)

    class Early(lib.nn.Module):
        def __init__(self, value: Any) -> None:
            self.value = value

    return [
        failure(call, words=False)
        for call in (
            lambda: layer.register_parameter("a.b", parameter),
            lambda: layer.register_parameter("", parameter),
            lambda: layer.register_parameter("forward", parameter),
            lambda: layer.register_parameter(3, parameter),
            lambda: layer.register_parameter("p", tensor),
            lambda: layer.register_buffer("a.b", tensor),
            lambda: layer.register_buffer("", tensor),
            lambda: layer.register_buffer("weight", tensor),
            lambda: layer.register_buffer(3, tensor),
            lambda: layer.register_buffer("b", 3),
            lambda: layer.add_module("a.b", affine(lib)),
            lambda: layer.add_module("", affine(lib)),
            lambda: layer.add_module("weight", affine(lib)),
            lambda: layer.add_module(3, affine(lib)),
            lambda: layer.add_module("m", 3),
            lambda: layer.register_parameter("p", result),
            lambda: Early(parameter),
            lambda: Early(lib.nn.Buffer(tensor)),
            lambda: Early(affine(lib)),
            lambda: lib.nn.Module(3),
            lambda: lib.nn.Module(x=3),
            lambda: lib.nn.Module()(3),
            lambda: layer.train("yes"),
        )
    ]


@program
def writing_to_the_dictionaries(lib: Any) -> Any:
    layer = affine(lib)
    weight = layer.weight
    del layer._parameters["weight"]
    layer.register_parameter("weight_g", lib.nn.Parameter(lib.ones(1)))
    layer.weight = weight * layer.weight_g
    first = [names(layer.named_parameters()), layer(lib.ones(1, 2)), list(layer.state_dict())]
    del layer.weight
    layer._parameters["weight"] = weight
    layer._parameters.pop("weight_g")
    layer._buffers.clear()
    layer._modules["child"] = lib.nn.Module()
    return [first, names(layer.named_parameters()), layer(lib.ones(1, 2)), repr(layer), list(layer.state_dict())]


# -- switches and conversions ---------------------------------------------------------------------------------------


@program
def switches(lib: Any) -> Any:
    model = net(lib)
    model.eval()
    off = [m.training for m in model.modules()]
    model.rest.train()
    visited: list[str] = []
    model.apply(lambda m: visited.append(type(m).__name__))
    model.first.requires_grad_(False)
    return [off, [m.training for m in model.modules()], visited, [p.requires_grad for p in model.parameters()]]


@program
def gradients_are_forgotten(lib: Any) -> Any:
    layer = affine(lib)
    layer(lib.ones(1, 2)).sum().backward()
    kept = layer.weight.grad
    layer.zero_grad(set_to_none=False)
    zeros = [layer.weight.grad, kept]
    layer.zero_grad()
    return [zeros, layer.weight.grad, layer.bias.grad]


@program
def conversions(lib: Any) -> Any:
    layer = affine(lib)
    layer(lib.ones(1, 2)).sum().backward()
    weight = layer.weight
    seen = []
    for convert in (
        lambda: layer.double(),
        lambda: layer.half(),
        lambda: layer.float(),
        lambda: layer.to(lib.float64),
        lambda: layer.to("cpu"),
        lambda: layer.to("cpu", lib.float32),
        lambda: layer.to(lib.zeros(1, dtype=lib.float64)),
        lambda: layer.to(device="cpu", dtype=lib.float32),
        lambda: layer.cpu(),
    ):
        assert convert() is layer
        seen.append([layer.weight, layer.weight.grad, layer.count, layer.cache, layer.weight is weight])
    return [
        seen,
        failure(lambda: layer.to(lib.int64)),
        failure(lambda: layer.type("torch.NoTensor"), words=False) is not None,
        layer.type("torch.DoubleTensor").count,
        layer.share_memory() is layer,
        layer.compile() if lib is handtorch else None,
    ]


# -- texts ----------------------------------------------------------------------------------------------------------


@program
def reprs(lib: Any) -> Any:
    nn = lib.nn

    class Long(nn.Module):
        def extra_repr(self) -> str:
            return "one\ntwo"

    class Parent(Long):
        def __init__(self) -> None:
            super().__init__()
            self.child = Long()
            self.nothing = None
            self.add_module("none", None)

    tensor = lib.zeros(2, 3)
    return [
        repr(module)
        for module in (
            nn.Module(),
            affine(lib),
            Long(),
            Parent(),
            net(lib),
            nn.Sequential(),
            nn.Sequential(OrderedDict(a=Parent(), b=affine(lib))),
            nn.ModuleList(),
            nn.ModuleList([affine(lib), affine(lib), affine(lib, 1, 1), Parent(), Parent()]),
            nn.ModuleDict(),
            nn.ModuleDict({"a": affine(lib)}),
            nn.ParameterList(),
            nn.ParameterList([tensor, nn.Parameter(tensor.double()), 3, "text"]),
            nn.ParameterDict({"b": tensor, "a": nn.Parameter(tensor.double()), "c": 3}),
            nn.Parameter(lib.ones(2)),
            nn.Parameter(lib.ones(2), requires_grad=False),
        )
    ]


# -- state ----------------------------------------------------------------------------------------------------------


@program
def states(lib: Any) -> Any:
    model = net(lib)
    state = model.state_dict()
    onto = model.first.state_dict(prefix="x.", destination=OrderedDict(before=1))
    return [
        state,
        dict(state._metadata),
        list(model.first.state_dict(prefix="x.")),
        list(onto),
        model.first.state_dict(keep_vars=True)["weight"] is model.first.weight,
        state["w"].requires_grad,
        str(model.load_state_dict(state)),
    ]


@program
def loading(lib: Any) -> Any:
    model = net(lib)
    state = OrderedDict((name, tensor * 0 + 2) for name, tensor in net(lib).state_dict().items())
    weight = model.first.weight
    result = model.load_state_dict(state)
    copied = [model.first.weight is weight, weight, result.missing_keys]
    del state["w"], state["rest.0.count"]
    state["unknown"] = state["first.unknown.more"] = lib.zeros(1)
    state["first.bias"] = lib.zeros(5)
    messages = [failure(lambda: model.load_state_dict(state)), failure(lambda: model.load_state_dict(3))]
    del state["first.bias"]
    loose = model.load_state_dict(state, strict=False)
    return [copied, messages, loose.missing_keys, loose.unexpected_keys, list(loose)]


@program
def loading_by_assignment(lib: Any) -> Any:
    model = affine(lib)
    state = OrderedDict((name, tensor.double()) for name, tensor in model.state_dict().items())
    model.bias.requires_grad_(False)
    model.load_state_dict(state, assign=True)
    return [
        model.weight,
        model.bias.requires_grad,
        model.weight.requires_grad,
        model.count is state["count"],
        isinstance(model.weight, lib.nn.Parameter),
    ]


@program
def old_scalars_and_odd_values_in_states(lib: Any) -> Any:
    layer = affine(lib)
    state = layer.state_dict()
    state["count"] = lib.tensor([5])
    layer.load_state_dict(state)
    state["weight"] = [1, 2]
    return [layer.count, failure(lambda: layer.load_state_dict(state), words=False)]


@program
def state_hooks(lib: Any) -> Any:
    layer = lib.nn.Sequential(affine(lib))
    seen: list[Any] = []

    def before_saving(module: Any, prefix: str, keep_vars: bool) -> None:
        seen.append(["save", prefix, keep_vars])

    def after_saving(module: Any, state: Any, prefix: str, metadata: Any) -> None:
        seen.append(["saved", list(state), prefix, metadata])
        state[prefix + "extra"] = lib.zeros(1)

    def before_loading(module: Any, state: Any, prefix: str, metadata: Any, strict: bool, *lists: Any) -> None:
        seen.append(["load", prefix, metadata, strict, lists])
        state.pop(prefix + "extra")

    def after_loading(module: Any, keys: Any) -> None:
        seen.append(["loaded", keys.missing_keys, keys.unexpected_keys])
        keys.missing_keys.clear()

    handles = [
        layer[0].register_state_dict_pre_hook(before_saving),
        layer[0].register_state_dict_post_hook(after_saving),
        layer[0].register_load_state_dict_pre_hook(before_loading),
        layer[0].register_load_state_dict_post_hook(after_loading),
    ]
    state = layer.state_dict()
    names_saved = list(state)
    del state["0.weight"]
    layer.load_state_dict(state)
    for handle in handles:
        handle.remove()
    layer[0]._register_state_dict_hook(lambda module, state, prefix, metadata: OrderedDict(replaced=1))
    refused = failure(lambda: layer[0]._register_state_dict_hook(after_saving))
    layer[0].register_state_dict_post_hook(lambda *args: 3)
    return [names_saved, seen, refused, failure(lambda: layer[0].state_dict())]


@program
def extra_states(lib: Any) -> Any:
    class Counter(lib.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.n = 3

        def get_extra_state(self) -> Any:
            return {"n": self.n}

        def set_extra_state(self, state: Any) -> None:
            self.n = state["n"]

    model = lib.nn.Sequential(Counter(), affine(lib))
    state = model.state_dict()
    model[0].n = 0
    model.load_state_dict(state)
    restored = model[0].n
    del state["0._extra_state"]
    missing = failure(lambda: model.load_state_dict(state))
    state["1._extra_state"] = 3
    return [list(state), restored, missing, failure(lambda: model.load_state_dict(state))]


@program
def copies(lib: Any) -> Any:
    model = net(lib)
    model(lib.ones(1, 2)).sum().backward()
    twin = copy.deepcopy(model)
    shallow = copy.copy(model.first)
    with lib.no_grad():
        twin.first.weight.zero_()
    return [
        model.first.weight,
        twin.first.weight,
        twin.tied is twin.first,
        twin.first.weight is twin.first._parameters["weight"],
        twin.w.grad,
        shallow.weight is model.first.weight,
        names(twin.named_parameters()),
        names(twin.named_buffers()),
        list(twin.state_dict()),
        repr(twin) == repr(model),
    ]


# -- containers -----------------------------------------------------------------------------------------------------


def marks(modules: Any) -> list[str]:
    return [module.extra_repr() for module in modules]


@program
def sequentials(lib: Any) -> Any:
    nn = lib.nn

    def chain(*numbers: int) -> Any:
        return nn.Sequential(*(affine(lib, n, n) for n in numbers))

    a = chain(1, 2, 3, 4, 5)
    named = nn.Sequential(OrderedDict(x=affine(lib, 1, 1), y=affine(lib, 2, 2), z=affine(lib, 3, 3)))
    seen = [len(a), marks(a), marks(a[1:3]), list(a[1:3].state_dict()), a[-1].extra_repr(), list(named[1:]._modules)]
    del a[1]
    seen.append([marks(a), list(a._modules), hasattr(a, "4")])
    del a[::2]
    seen.append([marks(a), list(a._modules), hasattr(a, "2")])
    a[0] = affine(lib, 9, 9)
    a.append(affine(lib, 8, 8)).extend([affine(lib, 7, 7)]).insert(1, affine(lib, 6, 6))
    seen.append([marks(a), list(a._modules)])
    seen.append([a.pop(-1).extra_repr(), marks(a + chain(1)), marks(chain(1, 2) * 2), marks(2 * chain(1, 2))])
    a += chain(4)
    a *= 2
    seen.append([marks(a), list(a._modules)])
    del named[0]
    seen.append([list(named._modules), [name for name in dir(a) if name.isdigit()]])
    return [
        seen,
        *(
            failure(call, words=False)
            for call in (
                lambda: a[99],
                lambda: a + 1,
                lambda: a * 0,
                lambda: a * 1.5,
                lambda: a.insert(99, affine(lib)),
                lambda: nn.Sequential(3),
                lambda: nn.Sequential(a=affine(lib)),
            )
        ),
        chain(2, 2)(lib.ones(1, 2)),
    ]


@program
def module_lists(lib: Any) -> Any:
    nn = lib.nn
    a = nn.ModuleList(affine(lib, n, n) for n in (1, 2, 3, 4))
    seen = [marks(a), marks(a[1:3]), list(a[1:3]._modules), a[-1].extra_repr(), len(a)]
    del a[0]
    a.insert(1, affine(lib, 9, 9))
    a.append(affine(lib, 8, 8))
    a += [affine(lib, 7, 7)]
    a[0] = affine(lib, 6, 6)
    seen.append(
        [marks(a), list(a._modules), marks(a + nn.ModuleList([affine(lib, 5, 5)])), a.pop(1).extra_repr(), marks(a)]
    )
    del a[1:]
    seen.append([marks(a), list(a._modules), names(a.named_parameters())])
    return [
        seen,
        failure(lambda: a[5], words=False),
        failure(lambda: a.extend(3)),
        failure(lambda: a(3), words=False),
        failure(lambda: nn.ModuleList([3]), words=False),
    ]


@program
def module_dicts(lib: Any) -> Any:
    nn = lib.nn
    d = nn.ModuleDict(OrderedDict(b=affine(lib, 1, 1), a=affine(lib, 2, 2)))
    d["c"] = affine(lib, 3, 3)
    d.update([("d", affine(lib, 4, 4)), ["b", affine(lib, 5, 5)]])
    d.update({"z": affine(lib, 6, 6)})
    seen = [list(d), list(d.keys()), marks(d.values()), [k for k, _ in d.items()], "a" in d, "q" in d, len(d)]
    popped = d.pop("a").extra_repr()
    del d["b"]
    seen.append([popped, list(d.state_dict()), hasattr(d, "b"), d["c"] is d.c])
    errors = [
        failure(call, words=False)
        for call in (
            lambda: d["q"],
            lambda: d.pop("q"),
            lambda: d.update(3),
            lambda: d.update([3]),
            lambda: d.update([(1, 2, 3)]),
            lambda: d.__setitem__("keys", affine(lib)),
            lambda: d.__setitem__("a.b", affine(lib)),
            lambda: d.__setitem__("x", 3),
        )
    ]
    d.clear()
    return [seen, errors, len(d), hasattr(d, "c")]


@program
def parameter_lists(lib: Any) -> Any:
    nn = lib.nn
    p = nn.ParameterList([lib.zeros(1), nn.Parameter(lib.zeros(2)), "text"])
    p.append(lib.zeros(3)).extend([lib.zeros(4)])
    p += [lib.zeros(5)]
    p[0] = lib.ones(6)
    return [
        len(p),
        names(p.named_parameters()),
        tuple(p[-1].shape),
        p[2],
        names(p[1:5:2].named_parameters()),
        [isinstance(v, nn.Parameter) for v in p],
        list(p.state_dict()),
        failure(lambda: p[9], words=False),
        failure(lambda: p.extend(lib.zeros(1))),
        failure(lambda: p(1)),
    ]


@program
def parameter_dicts(lib: Any) -> Any:
    nn = lib.nn
    p = nn.ParameterDict({"b": lib.zeros(1), "a": lib.zeros(2)})
    p["c"] = lib.zeros(3)
    p.update(OrderedDict(z=lib.zeros(1), y=3))
    p.update([("l", lib.zeros(1))])
    seen = [list(p), names(p.named_parameters()), len(p), "a" in p, list(reversed(p)), p.get("q", 5), p["y"]]
    seen.append([p.setdefault("b", 3) is p["b"], tuple(p.setdefault("n", lib.zeros(9)).shape)])
    seen.append([p.popitem()[0], tuple(p.pop("a").shape), list(p.keys()), [k for k, _ in p.items()]])
    seen.append([list(p | {"k": lib.zeros(1)}), list(p.copy()), list(p.fromkeys(["u", "v"], 3).items())])
    p |= {"m": lib.zeros(1)}
    seen.append([list(p), len(list(p.values()))])
    errors = [failure(call, words=False) for call in (lambda: p[3], lambda: p["q"], lambda: p(1), lambda: p.update(3))]
    p.clear()
    return [seen, errors, len(p), names(p.named_parameters())]


# -- hooks ----------------------------------------------------------------------------------------------------------


@program
def forward_hooks(lib: Any) -> Any:
    layer = affine(lib)
    seen: list[Any] = []

    def noting(name: str, result: Any = None) -> Any:
        def hook(*args: Any) -> Any:
            seen.append([name, args[1:]])
            return result(*args) if result else None

        return hook

    handles = [
        layer.register_forward_pre_hook(noting("pre 1", lambda m, args: args[0] * 2)),
        layer.register_forward_pre_hook(noting("pre 0"), prepend=True),
        layer.register_forward_pre_hook(
            noting("pre kwargs", lambda m, args, kwargs: (args, {"shift": 5.0})), with_kwargs=True
        ),
        layer.register_forward_hook(noting("post 1", lambda m, args, out: out + 1)),
        layer.register_forward_hook(noting("post 0"), prepend=True),
        layer.register_forward_hook(noting("post kwargs"), with_kwargs=True),
    ]
    first = layer(lib.ones(1, 2), shift=1.0)
    handles[0].remove()
    handles[0].remove()
    with handles[3]:
        second = layer(lib.ones(1, 2))
    third = layer(lib.ones(1, 2))
    for handle in handles:
        handle.remove()
    wrong = layer.register_forward_pre_hook(lambda m, args, kwargs: 3, with_kwargs=True)
    refused = failure(lambda: layer(lib.ones(1, 2)))
    wrong.remove()
    return [first, second, third, seen, refused, layer(lib.ones(1, 2))]


@program
def hooks_that_are_always_called(lib: Any) -> Any:
    class Fails(lib.nn.Module):
        def forward(self, x: Any) -> Any:
            raise ValueError("no")

    seen: list[Any] = []
    model = Fails()
    model.register_forward_hook(lambda m, args, out: seen.append(["plain", args, out]))
    model.register_forward_hook(lambda m, args, out: seen.append(["always", args, out]), always_call=True)
    model.register_forward_hook(
        lambda m, args, kwargs, out: seen.append(["kwargs", args, kwargs, out]), with_kwargs=True, always_call=True
    )
    first = failure(lambda: model(3))

    def raising(*args: Any) -> None:
        raise KeyError("from the hook")

    model.register_forward_hook(raising, always_call=True)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        second = failure(lambda: model(x=4))
    return [first, second, seen, [str(each.message) for each in caught]]


@program
def hooks_on_all_modules(lib: Any) -> Any:
    module = torch.nn.modules.module if lib is torch else hooks
    model = lib.nn.Sequential(affine(lib), affine(lib, 3, 2))
    seen: list[Any] = []

    def noting(name: str) -> Any:
        return lambda m, *args: seen.append([name, type(m).__name__, len(args)])

    handles = [
        module.register_module_forward_pre_hook(noting("pre")),
        module.register_module_forward_hook(noting("post")),
        module.register_module_full_backward_pre_hook(noting("backward pre")),
        module.register_module_full_backward_hook(noting("backward")),
        module.register_module_parameter_registration_hook(noting("parameter")),
        module.register_module_buffer_registration_hook(noting("buffer")),
        module.register_module_module_registration_hook(noting("module")),
    ]
    model[0].register_forward_hook(noting("own"))
    try:
        x = lib.ones(1, 2, requires_grad=True)
        model(x).sum().backward()
        model.extra = affine(lib)
    finally:
        for handle in handles:
            handle.remove()
    model(x)
    return seen


def two_in_two_out(lib: Any) -> Any:
    class Two(lib.nn.Module):
        def forward(self, a: Any, b: Any, flag: Any = None) -> Any:
            return a * b, a + b, 3

    return Two()


@program
def backward_hooks(lib: Any) -> Any:
    seen: list[Any] = []
    model = two_in_two_out(lib)
    handles = [
        model.register_full_backward_hook(lambda m, gi, go: seen.append(["post 1", gi, go])),
        model.register_full_backward_hook(lambda m, gi, go: (gi[0] * 2, gi[1], *gi[2:]), prepend=True),
        model.register_full_backward_pre_hook(lambda m, go: seen.append(["pre", go])),
        model.register_full_backward_pre_hook(lambda m, go: tuple(g if g is None else g * 10 for g in go)),
    ]
    a, b = (lib.tensor([v, v + 1], requires_grad=True) for v in (1.0, 3.0))
    product, total, three = model(a, b, lib.tensor([3]))
    (product * 2 + total).sum().backward()
    first = [a.grad, b.grad, three]
    a.grad = b.grad = None
    model(a, b.detach())[0].sum().backward()
    second = [a.grad, b.grad]
    for handle in handles:
        handle.remove()
    a.grad = None
    model(a, b)[0].sum().backward()
    return [first, second, [a.grad, b.grad], seen]


@program
def backward_hooks_in_a_network(lib: Any) -> Any:
    model = lib.nn.Sequential(affine(lib), affine(lib, 3, 2))
    seen: list[Any] = []
    for name, layer in model.named_modules():
        layer.register_full_backward_hook(lambda m, gi, go, name=name: seen.append([name, gi, go]))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model(lib.ones(2, 2)).sum().backward()
    with lib.no_grad():
        model(lib.ones(2, 2))
    return [seen, len(caught), model[0].weight.grad, model[1].bias.grad]


@program
def backward_hooks_that_do_wrong(lib: Any) -> Any:
    def attempt(register: str, hook: Any, needs: bool = True) -> Any:
        model = affine(lib)
        getattr(model, register)(hook)
        out = model(lib.ones(1, 2, requires_grad=needs))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return failure(lambda: out.sum().backward())

    model = affine(lib)
    model.register_full_backward_hook(lambda *args: None)
    mixed = failure(lambda: model.register_backward_hook(lambda *args: None))
    return [
        attempt("register_full_backward_hook", lambda m, gi, go: (gi[0], gi[0])),
        attempt("register_full_backward_pre_hook", lambda m, go: (go[0], go[0])),
        attempt("register_full_backward_hook", lambda m, gi, go: go, needs=False),
        mixed,
    ]


@program
def backward_hooks_on_a_module_without_tensors_coming_out(lib: Any) -> Any:
    class Named(lib.nn.Module):
        def forward(self, x: Any) -> Any:
            return {"x": x * 2}

    model = Named()
    model.register_full_backward_hook(lambda *args: None)
    x = lib.ones(2, requires_grad=True)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model(x)["x"].sum().backward()
    return [x.grad, ["should be" in str(each.message) or "should be a Tensor" in str(each.message) for each in caught]]


# -- lazy modules ---------------------------------------------------------------------------------------------------


@program
def lazy_modules(lib: Any) -> Any:
    nn = lib.nn
    mixin = torch.nn.modules.lazy.LazyModuleMixin if lib is torch else LazyModuleMixin
    parameter = lib.nn.parameter

    class Scale(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(lib.zeros(1))

        def forward(self, x: Any) -> Any:
            return x * self.weight

    class LazyScale(mixin, Scale):
        cls_to_become = Scale

        def __init__(self) -> None:
            super().__init__()
            self.weight = parameter.UninitializedParameter()
            self.register_buffer("seen", parameter.UninitializedBuffer())

        def initialize_parameters(self, x: Any) -> None:
            if self.has_uninitialized_params():
                with lib.no_grad():
                    self.weight.materialize(x.shape[1:])
                    self.weight.fill_(2)
                    self.seen.materialize(())
                    self.seen.fill_(1)

    model = LazyScale()
    loaded = LazyScale()
    before = [repr(model.weight), repr(model.seen), isinstance(model.weight, nn.Parameter), model.weight.requires_grad]
    refused = [failure(lambda: model.weight.shape, words=False), failure(lambda: model.weight + 1, words=False)]
    model.double()
    after = [model(lib.ones(1, 3, dtype=lib.float64)), type(model).__name__, type(model.weight).__name__]
    loaded.load_state_dict(model.state_dict())
    return [
        before,
        refused,
        after,
        loaded.weight,
        type(loaded).__name__,
        loaded(lib.ones(1, 3)),
        type(loaded).__name__,
        names(loaded.named_buffers()),
        model.weight,
    ]


# -- parameters -----------------------------------------------------------------------------------------------------


@program
def parameters(lib: Any) -> Any:
    nn = lib.nn
    data = lib.ones(2, 2)
    p = nn.Parameter(data)
    with lib.no_grad():
        p.add_(1)
    twin = copy.deepcopy(p)
    buffer = nn.Buffer(lib.ones(2), persistent=False)
    return [
        data,
        p.requires_grad,
        p.is_leaf,
        nn.Parameter(data, requires_grad=False).requires_grad,
        tuple(nn.Parameter().shape),
        isinstance(p, lib.Tensor),
        isinstance(data, nn.Parameter),
        isinstance(p, nn.Buffer),
        isinstance(twin, nn.Parameter),
        isinstance(p * 1, nn.Parameter),
        isinstance(p.data, nn.Parameter),
        isinstance(p.detach(), nn.Parameter),
        isinstance(nn.Parameter(p), nn.Parameter),
        isinstance(buffer, nn.Buffer),
        isinstance(buffer, nn.Parameter),
        buffer.persistent,
        failure(lambda: nn.Parameter(lib.ones(2, dtype=lib.int64)), words=False),
        nn.Parameter(lib.ones(2, dtype=lib.int64), requires_grad=False),
    ]


# -- utilities ------------------------------------------------------------------------------------------------------


def with_gradients(lib: Any) -> list[Any]:
    made = []
    for shape in ((3, 4), (5,), ()):
        p = lib.zeros(shape, requires_grad=True)
        count = int(np.prod(shape))
        p.grad = lib.arange(count, dtype=lib.float32).reshape(shape) - 4
        made.append(p)
    return [*made, lib.zeros(2, requires_grad=True)]


@program
def clipping(lib: Any) -> Any:
    utils = lib.nn.utils
    seen = []
    for norm_type in (2, 1, 3.5, float("inf"), 0):
        for limit in (0.5, 1e9):
            ps = with_gradients(lib)
            seen.append([utils.clip_grad_norm_(iter(ps), limit, norm_type), [p.grad for p in ps]])
    ps = with_gradients(lib)
    utils.clip_grad_value_(ps, 1.5)
    bad = with_gradients(lib)
    bad[1].grad = lib.full((5,), float("inf"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        empty = utils.clip_grad_norm_([], 1.0)
    return [
        seen,
        [p.grad for p in ps],
        utils.get_total_norm([p.grad for p in ps if p.grad is not None]),
        utils.get_total_norm(lib.ones(4)),
        failure(lambda: utils.clip_grad_norm_(bad, 1.0, error_if_nonfinite=True)),
        empty,
    ]


@program
def one_vector(lib: Any) -> Any:
    utils = lib.nn.utils
    layer = affine(lib)
    vector = utils.parameters_to_vector(layer.parameters())
    (vector * 2).sum().backward()
    new = lib.arange(9, dtype=lib.float32)
    utils.vector_to_parameters(new, layer.parameters())
    new[0] = 77
    return [
        vector,
        layer.weight.grad,
        layer.weight,
        layer.bias,
        failure(lambda: utils.vector_to_parameters(3, []), words=False),
    ]
