"""Activations, softmax and padding against the installed PyTorch, where its database does not look."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import handtorch
import handtorch.nn.functional as F

torch = pytest.importorskip("torch")
TF = torch.nn.functional

EDGES = [np.nan, np.inf, -np.inf, 0.0, -0.0, 0.5, -0.5, 1, -1, 3, -3, 6, 20, 25, -30, -200]
BY_ELEMENT = {
    **{
        name: {}
        for name in (
            "celu elu gelu hardshrink hardsigmoid hardswish hardtanh leaky_relu logsigmoid mish relu relu6 rrelu selu "
            "sigmoid silu softplus softshrink softsign tanh tanhshrink"
        ).split()
    },
    "threshold": {"threshold": 1.0, "value": 20.0},
}
ALONG_AN_AXIS = {"glu": {}, "softmax": {"dim": 0}, "log_softmax": {"dim": 0}, "softmin": {"dim": 0}}
TYPES = ["bool", "uint8", "int64", "float16", "float32", "float64", "complex64"]


def both(array):
    return handtorch.from_numpy(array.copy()), torch.from_numpy(array.copy())


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", BY_ELEMENT)
def test_values_and_slopes_at_kinks_and_at_infinity(name, dtype):
    mine, theirs = both(np.array(EDGES, dtype))
    mine.requires_grad_()
    theirs.requires_grad_()
    y = getattr(F, name)(mine, **BY_ELEMENT[name])
    want = getattr(TF, name)(theirs, **BY_ELEMENT[name])
    y.backward(handtorch.ones_like(y))
    want.backward(torch.ones_like(want))
    # PyTorch's vector code makes NaN of some limits at infinity, and its slope at NaN depends on the element type
    known = ~np.isnan(want.detach().numpy()) | np.isnan(EDGES)
    np.testing.assert_allclose(y.detach().numpy()[known], want.detach().numpy()[known], rtol=1e-5, atol=1e-6)
    known = ~np.isnan(theirs.grad.numpy()) & ~np.isnan(EDGES)
    np.testing.assert_allclose(mine.grad.numpy()[known], theirs.grad.numpy()[known], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", BY_ELEMENT)
def test_no_gradient_comes_through_where_the_slope_is_zero_even_if_it_is_infinite(name):
    mine, theirs = both(np.array([-40.0, -0.25, 0.25, 40.0], "float32"))
    mine.requires_grad_()
    theirs.requires_grad_()
    getattr(F, name)(mine, **BY_ELEMENT[name]).backward(handtorch.full((4,), np.inf))
    getattr(TF, name)(theirs, **BY_ELEMENT[name]).backward(torch.full((4,), np.inf))
    np.testing.assert_array_equal(np.isnan(mine.grad.numpy()), np.isnan(theirs.grad.numpy()))


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("name", [*BY_ELEMENT, *ALONG_AN_AXIS])
def test_the_same_element_types_are_taken_and_given(name, dtype):
    options = (BY_ELEMENT | ALONG_AN_AXIS)[name]
    mine, theirs = both(np.array([3, 1, 0, 2]).astype(dtype))
    try:
        want = getattr(TF, name)(theirs, **options)
    except RuntimeError:
        with pytest.raises(RuntimeError):
            getattr(F, name)(mine, **options)
        return
    got = getattr(F, name)(mine, **options)
    assert str(got.dtype).split(".")[-1] == str(want.dtype).split(".")[-1]
    np.testing.assert_allclose(got.numpy(), want.numpy(), rtol=1e-3 if dtype == "float16" else 1e-5, atol=1e-6)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    "name", sorted((BY_ELEMENT | ALONG_AN_AXIS).keys() - {"tanhshrink"})
)  # PyTorch loses digits too
def test_half_precision_is_as_near_to_the_exact_result_as_it_can_be(name):
    options = (BY_ELEMENT | ALONG_AN_AXIS)[name]
    mine, theirs = both((8 * np.random.default_rng(0).standard_normal(3000)).astype("float16"))
    mine.requires_grad_()
    theirs = theirs.double().requires_grad_()
    y, want = getattr(F, name)(mine, **options), getattr(TF, name)(theirs, **options)
    assert y.dtype == handtorch.float16
    np.testing.assert_allclose(y.detach().numpy(), want.detach().numpy(), rtol=1e-3, atol=1e-6)
    y.backward(handtorch.ones_like(y))
    want.backward(torch.ones_like(want))
    np.testing.assert_allclose(mine.grad.numpy(), theirs.grad.numpy(), rtol=1e-2, atol=1e-3)


IN_PLACE = {
    **{name: () for name in ("relu_", "selu_", "celu_", "rrelu_", "sigmoid_", "tanh_")},
    "threshold_": (0.1, 20.0),
    "elu_": (1.5,),
    "leaky_relu_": (0.2,),
    "hardtanh_": (-0.5, 0.5),
}


@pytest.mark.parametrize("name", IN_PLACE)
def test_names_that_end_in_an_underscore_write_to_their_argument(name):
    mine, theirs = both(np.random.default_rng(0).standard_normal(20))
    found = False
    for ours, original in ((F, TF), (handtorch, torch)):
        if hasattr(original, name):
            found = True
            (x, y) = mine.clone(), theirs.clone()
            assert getattr(ours, name)(x, *IN_PLACE[name]) is x
            np.testing.assert_allclose(x.numpy(), getattr(original, name)(y, *IN_PLACE[name]).numpy(), rtol=1e-12)
    assert found


def test_prelu_takes_weights_as_pytorch_does():
    rng = np.random.default_rng(0)
    for shape, count in (
        ((), ()),
        ((), (1,)),
        ((3,), (1,)),
        ((3,), ()),
        ((2, 3), (3,)),
        ((2, 3, 4), (3,)),
        ((2, 3), (1,)),
    ):
        x, w = both(rng.standard_normal(shape)), both(rng.standard_normal(count))
        for tensor in (*x, *w):
            tensor.requires_grad_()
        for function, i in ((F.prelu, 0), (TF.prelu, 1)):
            function(x[i], w[i]).sum().backward()
        np.testing.assert_allclose(x[0].grad.numpy(), x[1].grad.numpy())
        np.testing.assert_allclose(w[0].grad.numpy(), w[1].grad.numpy())
    for shape, count in (((), (2,)), ((3,), (3,)), ((2, 3), (2,)), ((2, 3), (3, 1))):
        with pytest.raises(RuntimeError):
            TF.prelu(torch.ones(shape), torch.ones(count))
        with pytest.raises(RuntimeError):
            F.prelu(handtorch.ones(shape), handtorch.ones(count))


@pytest.mark.parametrize("shape", [(), (4,), (3, 4), (2, 3, 4), (2, 3, 4, 5)])
def test_an_axis_left_out_is_the_one_that_pytorch_takes(shape):
    mine, theirs = both(np.random.default_rng(0).standard_normal(shape))
    for name in ("softmax", "log_softmax", "softmin"):
        with pytest.warns(UserWarning, match="Implicit dimension"):
            got = getattr(F, name)(mine)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            np.testing.assert_allclose(got.numpy(), getattr(TF, name)(theirs).numpy(), rtol=1e-12)


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular", "constant"])
@pytest.mark.parametrize(
    "shape", [(4,), (2, 5), (2, 3, 4), (1, 2, 3, 4), (0, 2, 3, 4), (2, 0, 3), (2, 3, 0), (1, 2, 3, 4, 5)]
)
def test_every_small_padding_gives_the_same_or_is_refused_alike(mode, shape):
    mine, theirs = both(np.random.default_rng(0).standard_normal(shape))
    rng = np.random.default_rng(1)
    pairs = [(a, b) for a in range(-5, 6) for b in range(-5, 6)]
    for widths in [*pairs, *(tuple(row) for row in rng.integers(-2, 4, (30, 4)).tolist())]:
        if mode == "circular" and leaves_too_little(shape, widths):
            continue  # PyTorch copies memory that it has not written yet
        try:
            want = TF.pad(theirs, widths, mode)
        except RuntimeError:
            with pytest.raises(RuntimeError):
                F.pad(mine, widths, mode)
            continue
        if any(length <= 0 < n for length, n in zip(want.shape, shape, strict=True)):
            continue  # with several axes PyTorch lets an axis end up empty, or of negative length, if another does not
        np.testing.assert_array_equal(F.pad(mine, widths, mode).numpy(), want.numpy(), err_msg=f"{widths}")


def leaves_too_little(shape, widths):
    """Whether what a cut leaves of an axis is shorter than the border that shall be copied from it."""
    return any(
        min(before, after) < 0 and n + min(before, 0) + min(after, 0) < max(before, after, 1)
        for n, before, after in zip(shape[::-1], widths[::2], widths[1::2], strict=False)
    )
