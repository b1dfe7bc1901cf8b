"""Every op is held to its samples: formula, derivative, second derivative, twin, errors."""

import importlib
import inspect
import pkgutil

import numpy as np
import pytest

import handtorch.ops
from handtorch import from_numpy, kernels
from handtorch.autograd import backward, gradcheck, gradgradcheck
from handtorch.errors import ShapeError
from handtorch.ops.op import Op, Pick

from .formulas import FORMULAS

ABSTRACT = {
    "AtPlaces",
    "Chosen",
    "ClassLoss",
    "DifferenceLoss",
    "Discrete",
    "Elementwise",
    "Extreme",
    "ExtremeItem",
    "Larger",
    "Normalization",
    "Meetings",
    "Op",
    "PairLoss",
    "Recurrence",
    "Reduce",
    "ReduceItem",
    "Running",
    "Step",
    "Transform",
    "Unary",
}
SMALL = 300  # elements of a sample up to which derivatives are checked element by element


def all_ops():
    found = {}
    for module in pkgutil.iter_modules(handtorch.ops.__path__):
        for name, value in vars(importlib.import_module(f"handtorch.ops.{module.name}")).items():
            if inspect.isclass(value) and issubclass(value, Op) and value is not Pick and name not in ABSTRACT:
                found[value.__name__] = value
    return found


OPS = all_ops()
SAMPLES = [(op, i) for op in OPS.values() for i, _ in enumerate(op.samples())]


def named(value):
    return value.__name__ if inspect.isclass(value) else str(value)


def sample_of(op, i):
    return list(op.samples())[i]


def tensors(sample, requires_grad):
    """The sample's arrays as Tensors of their own; numbers as they are."""
    return [
        from_numpy(np.array(x)).requires_grad_(requires_grad and x.dtype.kind in "fc")
        if isinstance(x, np.ndarray)
        else x
        for x in sample.inputs
    ]


def size_of(sample):
    return sum(x.size for x in sample.inputs if isinstance(x, np.ndarray))


@pytest.mark.parametrize("op", OPS.values(), ids=named)
def test_op_has_samples_a_formula_and_maths_in_its_docstring(op):
    assert any(not sample.bad for sample in op.samples())
    assert op.__name__ in FORMULAS
    assert (op.__doc__ and "=" in op.__doc__) or not op.differentiable


@pytest.mark.parametrize(("op", "i"), SAMPLES, ids=named)
def test_forward_agrees_with_an_independent_formula_or_bad_input_is_refused(op, i):
    sample = sample_of(op, i)
    with kernels.use("reference"):
        if sample.bad:
            with pytest.raises(ShapeError):
                sample.make()(*tensors(sample, False))
            return
        run = sample.make()
        got = run(*tensors(sample, False))
        want = FORMULAS[op.__name__](run, *sample.inputs)
    got, want = (got, want) if isinstance(got, tuple) else ((got,), (want,))
    for mine, theirs in zip(got, want, strict=True):
        assert mine.array.shape == np.shape(theirs)
        np.testing.assert_allclose(mine.array, theirs, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize(("op", "i"), SAMPLES, ids=named)
def test_gradients_of_first_and_second_order_agree_with_difference_quotients(op, i):
    sample = sample_of(op, i)
    if sample.bad or not sample.smooth or not op.differentiable or size_of(sample) > SMALL:
        return
    with kernels.use("reference"):
        gradcheck(lambda *xs: sample.make()(*xs), tensors(sample, True))
        gradgradcheck(lambda *xs: sample.make()(*xs), tensors(sample, True), atol=1e-4)


TWINS = [(op, i) for op, i in SAMPLES if op.twin_from is not None and op.differentiable and not sample_of(op, i).bad]


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
@pytest.mark.parametrize(("op", "i"), TWINS, ids=named)
def test_twin_agrees_with_the_op_forwards_and_backwards(op, i, dtype, monkeypatch):
    sample, natural = sample_of(op, i), op.twin_from
    monkeypatch.setattr(op, "twin_from", 0)
    results = {}
    for choice in ("reference", "fast"):
        with kernels.use(choice):
            xs = [
                from_numpy(x.astype(dtype)).requires_grad_() if isinstance(x, np.ndarray) else x for x in sample.inputs
            ]
            made = sample.make()(*xs)
            ys = made if isinstance(made, tuple) else (made,)
            waves = [np.cos(np.arange(y.array.size)).reshape(y.array.shape).astype(dtype) for y in ys]
            backward(ys, [from_numpy(g) for g in waves])
            results[choice] = [*(y.detach() for y in ys), *(x.grad for x in xs if not isinstance(x, float))]
            if choice == "fast":
                ran_fast = type(ys[0].op.node).__module__.startswith("handtorch.kernels.")
                assert ran_fast or sample.inputs[0].size < natural, "the twin declined a sample made for it"
    tolerance = 2e-5 if dtype == np.float32 else 1e-12
    for fast, plain in zip(results["fast"], results["reference"], strict=True):
        assert fast.dtype == plain.dtype
        scale = max(1.0, float(np.abs(plain.array).max(initial=0.0)))
        np.testing.assert_allclose(fast.array, plain.array, rtol=tolerance, atol=tolerance * scale)


def test_every_twin_has_a_sample_large_enough_to_use_it_unasked():
    for op in OPS.values():
        if op.twin_from is not None:
            assert any(not s.bad and s.inputs[0].size >= op.twin_from for s in op.samples()), op.__name__
