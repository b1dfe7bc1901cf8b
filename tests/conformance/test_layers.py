"""Normalisation, embeddings and distances against PyTorch's, where its test database does not look."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.conformance.programs import numbers, programs, raises

program, test_both_libraries_do_the_same = programs()


def with_gradients(y: Any, *leaves: Any) -> Any:
    """A result, and the gradients of the sum of its squares."""
    (y * y).sum().backward()
    return [y, *(leaf.grad for leaf in leaves)]


# -- normalisation --------------------------------------------------------------------------------------------------


@program
def functions_outside_functional_take_their_own_arguments(lib: Any) -> Any:
    x, w, b = numbers(lib, 4, 6, 5), numbers(lib, 6), numbers(lib, 6, seed=1)
    mean, var = lib.zeros(6), lib.ones(6)
    return [
        lib.batch_norm(x, w, b, mean, var, True, 0.3, 1e-3, True),
        lib.batch_norm(x, w, b, mean, var, False, 0.3, 1e-3, True),
        lib.instance_norm(x, w, b, mean, var, True, 0.3, 1e-3, True),
        lib.instance_norm(x, None, None, mean, var, False, 0.3, 1e-3, True),
        lib.layer_norm(x, [6, 5], None, numbers(lib, 6, 5), 1e-3),
        lib.group_norm(x, 3, w, b, 1e-3),
        lib.rms_norm(x, [5], numbers(lib, 5)),
        mean,
        var,
    ]


@program
def half_precision_is_computed_in_single(lib: Any) -> Any:
    x, w = numbers(lib, 3, 4, 8).half() * 30, numbers(lib, 8).half()
    F = lib.nn.functional
    return [
        F.layer_norm(x, (8,), w),
        F.group_norm(x, 2),
        F.rms_norm(x, (8,), w),
        F.instance_norm(x),
        F.batch_norm(x, lib.zeros(4), lib.ones(4), lib.ones(4), training=True),
    ]


@program
def parameters_of_another_type_are_refused(lib: Any) -> Any:
    x = numbers(lib, 3, 4)
    F = lib.nn.functional
    return [
        raises(RuntimeError, lambda: F.layer_norm(x, (4,), lib.ones(4).double())),
        raises(RuntimeError, lambda: F.layer_norm(x.long(), (4,))),
        raises(RuntimeError, lambda: F.layer_norm(x, ())),
        raises(RuntimeError, lambda: F.group_norm(x, 3)),
        raises(ValueError, lambda: F.batch_norm(x[:1], None, None, training=True)),
        raises(RuntimeError, lambda: F.batch_norm(x, None, None)),
        raises(RuntimeError, lambda: F.batch_norm(x, lib.zeros(3), lib.ones(3))),
        raises(ValueError, lambda: F.instance_norm(x.reshape(3, 4, 1))),
        raises(ValueError, lambda: F.local_response_norm(x, 2)),
        raises(ValueError, lambda: lib.nn.GroupNorm(3, 4)),
    ]


@program
def running_statistics_follow_the_batches(lib: Any) -> Any:
    seen = []
    for momentum in (0.2, None):
        for layer in (lib.nn.BatchNorm1d(4, momentum=momentum), lib.nn.BatchNorm1d(4, momentum=momentum, bias=False)):
            for seed in range(3):
                layer(numbers(lib, 6, 4, seed=seed))
            seen.append(layer.state_dict())
            seen.append(layer.eval()(numbers(lib, 2, 4)))
    for layer in (lib.nn.InstanceNorm1d(4, affine=True, track_running_stats=True), lib.nn.InstanceNorm2d(4)):
        x = numbers(lib, 6, 4, 5) if isinstance(layer, lib.nn.InstanceNorm1d) else numbers(lib, 6, 4, 2, 3)
        seen += [layer(x), layer(x[0]), layer.state_dict(), layer.eval()(x), repr(layer)]
    return seen


@program
def evaluation_has_gradients(lib: Any) -> Any:
    layer = lib.nn.BatchNorm2d(4)
    for seed in range(2):
        layer(numbers(lib, 6, 4, 30, 30, seed=seed))
    x = numbers(lib, 6, 4, 30, 30, seed=3).requires_grad_()
    return with_gradients(layer.eval()(x), x, layer.weight, layer.bias)


@program
def local_response_norm_of_odd_and_even_windows(lib: Any) -> Any:
    x = numbers(lib, 2, 7, 3, 3)
    layers = [lib.nn.LocalResponseNorm(size, 0.5, 0.6, 2.0) for size in (1, 2, 3, 4, 5)]
    return [layer(x) for layer in layers]


@program
def cross_map_norm_of_the_channels_whose_neighbours_the_first_is_one_of(lib: Any) -> Any:
    x = numbers(lib, 2, 7, 3, 3)
    layers = [lib.nn.CrossMapLRN2d(size, 0.5, 0.6, 2) for size in (1, 2, 3, 4, 5, 13)]
    return [(repr(layer), layer(x)[:, : (layer.size + 1) // 2]) for layer in layers]


@program
def lazy_layers_become_the_layers_that_they_stand_for(lib: Any) -> Any:
    lib.manual_seed(2)
    nn = lib.nn
    cases = [
        (nn.LazyLinear(3), (5, 4)),
        (nn.LazyLinear(3, bias=False), (5, 2, 4)),
        (nn.LazyBatchNorm1d(), (5, 4)),
        (nn.LazyBatchNorm2d(affine=False), (5, 4, 2, 2)),
        (nn.LazyBatchNorm3d(track_running_stats=False), (5, 4, 2, 2, 2)),
        (nn.LazyInstanceNorm1d(affine=True), (5, 4, 3)),
        (nn.LazyInstanceNorm2d(), (5, 4, 3, 2)),
        (nn.LazyInstanceNorm3d(), (5, 4, 3, 2, 2)),
    ]
    return [
        (repr(layer), layer(numbers(lib, *shape)), repr(layer), type(layer).__name__, layer.state_dict())
        for layer, shape in cases
    ]


@program
def lazy_layers_take_their_shapes_from_a_state(lib: Any) -> Any:
    lib.manual_seed(2)
    trained, lazy = lib.nn.BatchNorm1d(4), lib.nn.LazyBatchNorm1d()
    trained(numbers(lib, 5, 4))
    lazy.load_state_dict(trained.state_dict())
    return lazy.state_dict(), lazy.eval()(numbers(lib, 5, 4))


@program
def states_from_before_batches_were_counted_are_loaded(lib: Any) -> Any:
    layer = lib.nn.BatchNorm1d(4)
    state = {key: value for key, value in layer.state_dict().items() if key != "num_batches_tracked"}
    return str(layer.load_state_dict(state)), layer.state_dict()


@program
def batch_norms_are_converted_for_several_processes(lib: Any) -> Any:
    lib.manual_seed(2)
    model = lib.nn.Sequential(lib.nn.Linear(3, 4), lib.nn.Sequential(lib.nn.BatchNorm1d(4)), lib.nn.BatchNorm1d(4))
    model(numbers(lib, 5, 3))
    weight = model[2].weight
    converted = lib.nn.SyncBatchNorm.convert_sync_batchnorm(model)
    return repr(converted), converted.state_dict(), converted[2].weight is weight, converted.eval()(numbers(lib, 5, 3))


# -- embeddings -----------------------------------------------------------------------------------------------------


def bags(lib: Any) -> tuple[Any, Any]:
    return lib.tensor([1, 2, 4, 4, 2, 0, 3, 3]), lib.tensor([0, 3, 3, 7])


@program
def embedding_bags_have_results_and_gradients(lib: Any) -> Any:
    index, offsets = bags(lib)
    seen = []
    for mode in ("sum", "mean", "max"):
        for padding in (None, 4):
            w = numbers(lib, 5, 3).requires_grad_()
            F = lib.nn.functional
            seen += with_gradients(F.embedding_bag(index, w, offsets, mode=mode, padding_idx=padding), w)
            w = numbers(lib, 5, 3).requires_grad_()
            seen += with_gradients(F.embedding_bag(index.reshape(2, 4), w, mode=mode, padding_idx=padding), w)
    return seen


@program
def weighted_embedding_bags_have_gradients_for_the_weights(lib: Any) -> Any:
    index, offsets = bags(lib)
    w, scale = numbers(lib, 5, 3).requires_grad_(), numbers(lib, 8).requires_grad_()
    bag = lib.nn.EmbeddingBag.from_pretrained(w, freeze=False, mode="sum", padding_idx=2)
    y = bag(index, offsets, scale)
    return with_gradients(y, bag.weight, scale), repr(bag)


@program
def the_parts_of_an_embedding_bag(lib: Any) -> Any:
    index, offsets = bags(lib)
    w = numbers(lib, 5, 3)
    return lib.embedding_bag(w, index, offsets)[:1], lib.embedding_bag(w, index, lib.tensor([0, 3, 8]), False, 2)[0]


@program
def embeddings_are_drawn_padded_and_frozen(lib: Any) -> Any:
    lib.manual_seed(4)
    made = lib.nn.Embedding(6, 3, padding_idx=-2, max_norm=1.0, norm_type=1.0, scale_grad_by_freq=True)
    index = lib.tensor([[1, 4], [1, 0]])
    seen = with_gradients(made(index), made.weight)
    frozen = lib.nn.Embedding.from_pretrained(numbers(lib, 3, 2))
    return [*seen, made.weight, made.padding_idx, repr(made), frozen.weight.requires_grad, repr(frozen)]


@program
def rows_that_are_not_there_are_refused(lib: Any) -> Any:
    w, F = numbers(lib, 5, 3), lib.nn.functional
    return [
        raises(IndexError, lambda: F.embedding(lib.tensor([5]), w)),
        raises(IndexError, lambda: F.embedding(lib.tensor([-1]), w)),
        raises(RuntimeError, lambda: F.embedding(lib.tensor([1.0]), w)),
        raises(ValueError, lambda: F.embedding_bag(lib.tensor([1]), w)),
        raises(RuntimeError, lambda: F.embedding_bag(lib.tensor([1, 2]), w, lib.tensor([1]))),
        raises(RuntimeError, lambda: F.one_hot(lib.tensor([3]), 3)),
        raises(RuntimeError, lambda: F.one_hot(lib.tensor([-1]))),
    ]


# -- distances ------------------------------------------------------------------------------------------------------


@program
def similarity_of_vectors_of_no_length_has_pytorchs_gradient(lib: Any) -> Any:
    x = lib.from_numpy(np.array([[0.0, 0.0], [3e-9, 4e-9], [3.0, 4.0]])).requires_grad_()
    y = lib.from_numpy(np.array([[1.0, 2.0], [2.0, 1.0], [0.5, -1.0]])).requires_grad_()
    return with_gradients(lib.cosine_similarity(x, y), x, y)


@program
def distance_layers_have_settings(lib: Any) -> Any:
    x, y = numbers(lib, 4, 3), numbers(lib, 4, 3, seed=1)
    layers = [lib.nn.CosineSimilarity(0), lib.nn.PairwiseDistance(1.0, keepdim=True), lib.nn.PairwiseDistance()]
    return [(layer(x, y), repr(layer)) for layer in layers]


@program
def distances_of_many_rows_are_computed_by_a_product(lib: Any) -> Any:
    x, y = numbers(lib, 40, 6).requires_grad_(), numbers(lib, 2, 30, 6).requires_grad_()
    return with_gradients(lib.cdist(x, y), x, y)


# -- axes and wrappers ----------------------------------------------------------------------------------------------


@program
def axes_are_merged_and_split(lib: Any) -> Any:
    x, nn = numbers(lib, 2, 3, 4), lib.nn
    layers = [nn.Flatten(), nn.Flatten(0, 1), nn.Unflatten(2, (2, -1)), nn.Unflatten(1, [3, 1])]
    return [(layer(x), repr(layer)) for layer in layers], raises(TypeError, lambda: nn.Unflatten(1, 3))


@program
def data_parallel_wraps_a_module(lib: Any) -> Any:
    lib.manual_seed(3)
    model = lib.nn.DataParallel(lib.nn.Linear(3, 2))
    return model(numbers(lib, 4, 3)), model.state_dict(), repr(model), model.module(numbers(lib, 4, 3))


@program
def distributed_data_parallel_needs_a_process_group(lib: Any) -> Any:
    return raises(ValueError, lambda: lib.nn.parallel.DistributedDataParallel(lib.nn.Linear(3, 2)))
