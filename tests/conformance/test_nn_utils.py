"""Normalised weights, parametrizations and pruning against PyTorch's: the same program, the same values and keys."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.conformance.programs import numbers, programs, raises

pytest.importorskip("torch.nn.utils.prune")  # which PyTorch does not import by itself

program, test_both_libraries_do_the_same = programs()


def layer(lib: Any, inputs: int = 4, outputs: int = 3) -> Any:
    lib.manual_seed(3)
    return lib.nn.Linear(inputs, outputs)


def trained(lib: Any, module: Any, steps: int = 3) -> Any:
    """The outputs of a few steps of training, then of evaluation."""
    optimizer = lib.optim.SGD(module.parameters(), lr=0.01, momentum=0.9)
    seen = []
    for step in range(steps):
        optimizer.zero_grad()
        y = module(numbers(lib, 5, 4, seed=step))
        (y * y).sum().backward()
        optimizer.step()
        seen.append(y)
    module.eval()
    return [*seen, module(numbers(lib, 5, 4, seed=9))]


# -- weight and spectral norm ---------------------------------------------------------------------------------------


@program
def weight_norm_as_a_hook_is_trained_saved_loaded_and_removed(lib: Any) -> Any:
    module = lib.nn.utils.weight_norm(layer(lib))
    outputs = trained(lib, module)
    state = module.state_dict()
    other = lib.nn.utils.weight_norm(lib.nn.Linear(4, 3))
    other.load_state_dict(state)
    again = other(numbers(lib, 2, 4))
    lib.nn.utils.remove_weight_norm(module)
    return outputs, state, again, module.state_dict(), list(dict(module.named_parameters())), repr(other)


@program
def weight_norm_takes_any_axis_or_the_whole(lib: Any) -> Any:
    made = [lib.nn.utils.weight_norm(layer(lib), dim=dim) for dim in (0, 1, None)]
    new = [lib.nn.utils.parametrizations.weight_norm(layer(lib), dim=dim) for dim in (0, 1, None)]
    return [m.state_dict() for m in made + new], [m.weight for m in made + new]


@program
def weight_norm_as_a_parametrization_is_trained_saved_loaded_and_removed(lib: Any) -> Any:
    module = lib.nn.utils.parametrizations.weight_norm(layer(lib))
    outputs = trained(lib, module)
    state = module.state_dict()
    other = lib.nn.utils.parametrizations.weight_norm(lib.nn.Linear(4, 3))
    other.load_state_dict(state)
    text = repr(other)
    lib.nn.utils.parametrize.remove_parametrizations(module, "weight")
    return outputs, state, other(numbers(lib, 2, 4)), text, module.state_dict(), repr(module)


@program
def states_of_the_hook_load_into_the_parametrization(lib: Any) -> Any:
    old = lib.nn.utils.weight_norm(layer(lib))
    new = lib.nn.utils.parametrizations.weight_norm(lib.nn.Linear(4, 3))
    return str(new.load_state_dict(old.state_dict())), new(numbers(lib, 2, 4)), new.state_dict()


@program
def spectral_norm_as_a_hook_is_trained_saved_loaded_and_removed(lib: Any) -> Any:
    module = lib.nn.utils.spectral_norm(layer(lib), n_power_iterations=2)
    outputs = trained(lib, module)
    state = module.state_dict()
    other = lib.nn.utils.spectral_norm(lib.nn.Linear(4, 3))
    other.load_state_dict(state)
    other.eval()
    again = other(numbers(lib, 2, 4))
    lib.nn.utils.remove_spectral_norm(module)
    return outputs, state, again, module.state_dict()


@program
def spectral_norm_as_a_parametrization_is_trained_saved_loaded_and_removed(lib: Any) -> Any:
    module = lib.nn.utils.parametrizations.spectral_norm(layer(lib))
    outputs = trained(lib, module)
    state = module.state_dict()
    other = lib.nn.utils.parametrizations.spectral_norm(lib.nn.Linear(4, 3), dim=0)
    other.load_state_dict(state)
    other.eval()
    again = other(numbers(lib, 2, 4))
    lib.nn.utils.parametrize.remove_parametrizations(module, "weight")
    return outputs, state, again, module.state_dict()


@program
def spectral_norm_of_a_vector_is_its_direction(lib: Any) -> Any:
    module = lib.nn.utils.parametrizations.spectral_norm(layer(lib), "bias")
    return module.bias, module.state_dict()


@program
def what_cannot_be_normalised_is_refused(lib: Any) -> Any:
    utils = lib.nn.utils
    return [
        raises(RuntimeError, lambda: utils.weight_norm(utils.weight_norm(layer(lib)))),
        raises(RuntimeError, lambda: utils.spectral_norm(utils.spectral_norm(layer(lib)))),
        raises(ValueError, lambda: utils.weight_norm(lib.nn.LazyLinear(3))),
        raises(ValueError, lambda: utils.spectral_norm(layer(lib), n_power_iterations=0)),
        raises(ValueError, lambda: utils.remove_weight_norm(layer(lib))),
        raises(ValueError, lambda: utils.remove_spectral_norm(layer(lib))),
        raises(ValueError, lambda: utils.parametrizations.spectral_norm(layer(lib), "nothing")),
        raises(IndexError, lambda: utils.parametrizations.spectral_norm(layer(lib), dim=5)),
    ]


# -- parametrizations -----------------------------------------------------------------------------------------------


def symmetric(lib: Any) -> Any:
    class Symmetric(lib.nn.Module):  # type: ignore[misc]
        def forward(self, x: Any) -> Any:
            return x.triu() + x.triu(1).transpose(-1, -2)

        def right_inverse(self, x: Any) -> Any:
            return x.triu()

    return Symmetric()


def scaled(lib: Any) -> Any:
    class Scaled(lib.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.scale = lib.nn.Parameter(lib.tensor(2.0))

        def forward(self, x: Any) -> Any:
            return x * self.scale

    return Scaled()


@program
def parametrizations_are_applied_one_after_the_other(lib: Any) -> Any:
    parametrize = lib.nn.utils.parametrize
    module = layer(lib, 4, 4)
    weight = module.weight
    parametrize.register_parametrization(module, "weight", symmetric(lib))
    same = module.parametrizations.weight.original is weight
    parametrize.register_parametrization(module, "weight", scaled(lib))
    parametrize.register_parametrization(module, "bias", scaled(lib))
    names = [name for name, _ in module.named_parameters()]
    outputs = trained(lib, module)
    facts = [
        same,
        names,
        parametrize.is_parametrized(module),
        parametrize.is_parametrized(module, "bias"),
        parametrize.is_parametrized(module, "nothing"),
        parametrize.type_before_parametrizations(module).__name__,
        type(module).__name__,
        isinstance(module, lib.nn.Linear),
        repr(module),
    ]
    state = module.state_dict()
    parametrize.remove_parametrizations(module, "weight", leave_parametrized=False)
    parametrize.remove_parametrizations(module, "bias")
    return facts, outputs, state, module.state_dict(), type(module).__name__, hasattr(module, "parametrizations")


@program
def assigning_goes_through_the_right_inverse(lib: Any) -> Any:
    parametrize = lib.nn.utils.parametrize
    module = layer(lib, 3, 3)
    parametrize.register_parametrization(module, "weight", symmetric(lib))
    value = numbers(lib, 3, 3)
    module.weight = value + value.T
    without = layer(lib)
    parametrize.register_parametrization(without, "weight", scaled(lib))

    def assign() -> None:
        without.weight = numbers(lib, 3, 4)

    return module.weight, module.state_dict(), raises(RuntimeError, assign)


@program
def cached_computes_once(lib: Any) -> Any:
    parametrize = lib.nn.utils.parametrize
    module = layer(lib, 3, 3)
    parametrize.register_parametrization(module, "weight", symmetric(lib))
    with parametrize.cached():
        inside = module.weight is module.weight
        first = module.weight
        with parametrize.cached():
            nested = module.weight is first
        still = module.weight is first
    return inside, nested, still, module.weight is first


@program
def a_deep_copy_has_parametrizations_of_its_own(lib: Any) -> Any:
    parametrize = lib.nn.utils.parametrize
    module = layer(lib, 3, 3)
    parametrize.register_parametrization(module, "weight", symmetric(lib))
    twin = copy.deepcopy(module)
    with lib.no_grad():
        module.parametrizations.weight.original.fill_(1)
    return twin.weight, module.weight, type(twin).__name__, twin.state_dict()


@program
def parametrizations_move_to_another_module(lib: Any) -> Any:
    parametrize = lib.nn.utils.parametrize
    source, target = layer(lib, 3, 3), lib.nn.Linear(3, 3)
    parametrize.register_parametrization(source, "weight", scaled(lib))
    parametrize.transfer_parametrizations_and_params(source, target)
    return target.weight, list(target.state_dict())


@program
def a_parametrization_that_changes_the_shape_has_to_be_unsafe(lib: Any) -> Any:
    parametrize = lib.nn.utils.parametrize

    class Half(lib.nn.Module):  # type: ignore[misc]
        def forward(self, x: Any) -> Any:
            return x[:2]

    class Double(lib.nn.Module):  # type: ignore[misc]
        def forward(self, x: Any) -> Any:
            return x.double()

    module = layer(lib)
    refused = [
        raises(ValueError, lambda: parametrize.register_parametrization(module, "weight", Half())),
        raises(ValueError, lambda: parametrize.register_parametrization(module, "weight", Double())),
        raises(ValueError, lambda: parametrize.register_parametrization(module, "nothing", Half())),
        raises(ValueError, lambda: parametrize.remove_parametrizations(module, "weight")),
    ]
    parametrize.register_parametrization(module, "weight", Half(), unsafe=True)
    return refused, module.weight, list(module.state_dict())


@program
def parametrized_modules_are_saved_by_their_state_only(lib: Any) -> Any:
    import pickle

    module = lib.nn.utils.parametrizations.weight_norm(layer(lib))
    return raises(RuntimeError, lambda: pickle.dumps(module))


# -- pruning --------------------------------------------------------------------------------------------------------


@program
def pruning_methods_give_the_same_masks(lib: Any) -> Any:
    prune = lib.nn.utils.prune
    lib.manual_seed(5)
    made = [
        prune.identity(layer(lib), "weight"),
        prune.l1_unstructured(layer(lib), "weight", amount=0.3),
        prune.l1_unstructured(layer(lib), "weight", 2, importance_scores=numbers(lib, 3, 4)),
        prune.random_unstructured(layer(lib), "weight", amount=5),
        prune.ln_structured(layer(lib), "weight", amount=1, n=2, dim=0),
        prune.ln_structured(layer(lib), "weight", amount=0.5, n=1, dim=-1),
        prune.random_structured(layer(lib), "weight", amount=2, dim=1),
        prune.custom_from_mask(layer(lib), "bias", lib.tensor([1, 0, 1])),
    ]
    return [(m.state_dict(), m(numbers(lib, 2, 4)), [n for n, _ in m.named_parameters()]) for m in made]


@program
def pruning_again_prunes_what_is_left(lib: Any) -> Any:
    prune = lib.nn.utils.prune
    module = prune.l1_unstructured(layer(lib, 6, 5), "weight", amount=0.3)
    prune.ln_structured(module, "weight", amount=2, n=2, dim=0)
    prune.l1_unstructured(module, "weight", amount=4)
    hooks = list(module._forward_pre_hooks.values())
    return module.state_dict(), len(hooks), len(hooks[0]), [type(method).__name__ for method in hooks[0]]


@program
def pruned_elements_stay_zero_in_training_and_after_removal(lib: Any) -> Any:
    prune = lib.nn.utils.prune
    module = layer(lib)
    weight = module.weight
    prune.l1_unstructured(module, "weight", amount=0.5)
    outputs = trained(lib, module)
    before = prune.is_pruned(module)
    prune.remove(module, "weight")
    return outputs, before, prune.is_pruned(module), module.weight is weight, module.state_dict()


@program
def several_parameters_are_pruned_as_one(lib: Any) -> Any:
    prune = lib.nn.utils.prune
    first, second = layer(lib), layer(lib, 3, 2)
    pairs = [(first, "weight"), (second, "weight"), (first, "bias")]
    prune.global_unstructured(pairs, pruning_method=prune.L1Unstructured, amount=0.4)
    prune.global_unstructured(pairs, pruning_method=prune.L1Unstructured, amount=3)
    return first.state_dict(), second.state_dict(), prune.is_pruned(lib.nn.Sequential(first))


@program
def a_method_prunes_a_tensor_without_a_module(lib: Any) -> Any:
    prune = lib.nn.utils.prune
    x = numbers(lib, 3, 4)
    return prune.L1Unstructured(amount=3).prune(x), prune.LnStructured(1, 2, 0).prune(x, importance_scores=-x)


@program
def what_cannot_be_pruned_is_refused(lib: Any) -> Any:
    prune = lib.nn.utils.prune
    return [
        raises(ValueError, lambda: prune.l1_unstructured(layer(lib), "weight", amount=13)),
        raises(ValueError, lambda: prune.l1_unstructured(layer(lib), "weight", amount=1.5)),
        raises(ValueError, lambda: prune.l1_unstructured(layer(lib), "weight", amount=-1)),
        raises(TypeError, lambda: prune.l1_unstructured(layer(lib), "weight", amount="all")),
        raises(ValueError, lambda: prune.ln_structured(layer(lib), "bias", 1, 2, 0)),
        raises(IndexError, lambda: prune.ln_structured(layer(lib), "weight", 1, 2, 3)),
        raises(ValueError, lambda: prune.remove(layer(lib), "weight")),
    ]


@program
def a_skipped_initialisation_draws_nothing(lib: Any) -> Any:
    lib.manual_seed(1)
    made = lib.nn.utils.skip_init(lib.nn.Linear, 4, 3)
    return lib.rand(3), list(made.state_dict()), raises(RuntimeError, lambda: lib.nn.utils.skip_init(lib.nn.Identity))


# -- orthogonal weights ---------------------------------------------------------------------------------------------


@program
def an_orthogonal_weight_is_trained_by_every_map_from_any_shape(lib: Any) -> Any:
    seen = []
    for outputs in (3, 4, 6):
        for chosen in (None, "matrix_exp", "cayley", "householder"):
            module = layer(lib, 4, outputs)
            with lib.no_grad():  # columns that are orthogonal already: what QR makes of others is unique to signs only
                module.weight.copy_(lib.eye(max(4, outputs))[:outputs, :4])
            lib.manual_seed(1)
            lib.nn.utils.parametrizations.orthogonal(module, orthogonal_map=chosen)
            seen += [trained(lib, module), module.weight @ module.weight.T, sorted(module.state_dict())]
    return seen, repr(module)


@program
def without_a_base_the_numbers_are_mapped_as_they_are(lib: Any) -> Any:
    seen = []
    for outputs in (3, 6):
        module = layer(lib, 4, outputs)
        lib.nn.utils.parametrizations.orthogonal(module, orthogonal_map="householder", use_trivialization=False)
        seen += [trained(lib, module), module.state_dict(), module.parametrizations.weight.original]
    exponential = lib.nn.utils.parametrizations.orthogonal(
        layer(lib, 3, 3), orthogonal_map="matrix_exp", use_trivialization=False
    )
    return seen, exponential.weight


@program
def what_cannot_be_orthogonal_is_refused(lib: Any) -> Any:
    orthogonal = lib.nn.utils.parametrizations.orthogonal
    return [
        raises(ValueError, lambda: orthogonal(layer(lib), "missing")),
        raises(ValueError, lambda: orthogonal(layer(lib), "bias")),
        raises(ValueError, lambda: orthogonal(layer(lib), orthogonal_map="sine")),
    ]
