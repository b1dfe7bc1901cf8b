"""Convolutions where PyTorch's database does not look: initial numbers, printing, and fold."""

import numpy as np
import pytest
import torch

import handtorch

LAYERS = [f"{lazy}{kind}{axes}d" for lazy in ("", "Lazy") for kind in ("Conv", "ConvTranspose") for axes in (1, 2, 3)]
SETTINGS = [{}, {"groups": 2, "bias": False, "padding": 1}, {"stride": 2, "dilation": 2}]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_begins_with_pytorchs_numbers_and_prints_like_it(name, settings):
    x = np.random.default_rng(0).standard_normal((2, 4, *(7, 8, 9)[: int(name[-2])])).astype(np.float32)
    made = []
    for lib in (handtorch, torch):
        lib.manual_seed(3)
        layer = getattr(lib.nn, name)(*(() if name.startswith("Lazy") else (4,)), 6, 3, **settings)
        printed = repr(layer)
        y = layer(lib.from_numpy(x))
        made.append((printed, repr(layer), y.detach().numpy(), layer.state_dict()))
    mine, theirs = made
    assert mine[:2] == theirs[:2]
    np.testing.assert_allclose(mine[2], theirs[2], rtol=1e-4, atol=1e-5)
    assert list(mine[3]) == list(theirs[3])
    for key, value in theirs[3].items():
        np.testing.assert_array_equal(mine[3][key].numpy(), value.numpy())


@pytest.mark.parametrize("layer", ["Unfold(3)", "Fold((8, 8), 3, padding=2)", "Conv2d(2, 2, 3, padding='same')"])
def test_a_layer_prints_like_pytorchs(layer):
    assert repr(eval(f"handtorch.nn.{layer}")) == repr(eval(f"torch.nn.{layer}"))


@pytest.mark.parametrize("settings", [{}, {"padding": (1, 2), "stride": 2}, {"dilation": (2, 1)}], ids=str)
def test_fold_and_its_gradient_are_pytorchs(settings):
    columns = torch.nn.functional.unfold(torch.zeros(2, 3, 9, 8), (3, 2), **settings).shape
    x = np.random.default_rng(0).standard_normal(tuple(columns))
    results = []
    for lib in (handtorch, torch):
        given = lib.from_numpy(x).requires_grad_()
        y = lib.nn.functional.fold(given, (9, 8), (3, 2), **settings)
        (y * y).sum().backward()
        results.append((y.detach().numpy(), given.grad.numpy()))
    for mine, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-12)


def test_the_function_for_any_convolution_takes_pytorchs_arguments():
    x, w = (np.random.default_rng(0).standard_normal(shape) for shape in ((2, 4, 7, 6), (4, 2, 3, 3)))
    for transposed in (False, True):
        mine, theirs = (
            lib.convolution(
                lib.from_numpy(x), lib.from_numpy(w), None, [2, 1], [1, 1], [1, 1], transposed, [1 * transposed, 0], 2
            ).numpy()
            for lib in (handtorch, torch)
        )
        np.testing.assert_allclose(mine, theirs, rtol=1e-12)
