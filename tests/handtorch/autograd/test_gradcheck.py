"""gradcheck tells right gradients from wrong ones, for real, complex and empty tensors."""

import numpy as np
import pytest

import handtorch
from handtorch.autograd import Function, gradcheck, gradgradcheck
from handtorch.errors import ArgumentError, GradientError

RNG = np.random.default_rng(0)


def complexes(*shape):
    numbers = RNG.standard_normal(shape) + 1j * RNG.standard_normal(shape)
    return handtorch.from_numpy(np.asarray(numbers)).requires_grad_()


def reals(*shape):
    return handtorch.from_numpy(np.asarray(RNG.standard_normal(shape))).requires_grad_()


class SquareWithGradient(Function):
    """x² whose backward multiplies by what it is told: right is the conjugate of 2x."""

    @staticmethod
    def forward(ctx, x, slope):
        ctx.save_for_backward(x)
        ctx.slope = slope
        return x * x

    @staticmethod
    def backward(ctx, g):
        return g * ctx.slope(ctx.saved_tensors[0]), None


def test_right_gradients_of_complex_functions_pass():
    x = complexes(2, 3)
    for function in (
        lambda x: SquareWithGradient.apply(x, lambda x: (2 * x).conj()),
        lambda x: x * x.conj(),
        lambda x: x.abs(),
        lambda x: (x.real, x.imag * x.real),
        handtorch.exp,
    ):
        assert gradcheck(function, (x,))
        assert gradgradcheck(function, (x,), atol=1e-4)


def test_the_conjugate_that_is_missing_is_found():
    with pytest.raises(GradientError, match="imaginary part"):
        gradcheck(lambda x: SquareWithGradient.apply(x, lambda x: 2 * x), (complexes(2),))
    assert not gradcheck(lambda x: SquareWithGradient.apply(x, lambda x: 2 * x), (complexes(2),), raise_exception=False)


def test_real_and_complex_inputs_mix():
    assert gradcheck(lambda a, z: a * z, (reals(3), complexes(3)))
    assert gradgradcheck(lambda a, z: a * z, (reals(3), complexes(3)))
    assert gradcheck(lambda a, b: handtorch.complex(a, b), (reals(), reals()))


@pytest.mark.parametrize("make", [reals, complexes])
def test_empty_inputs_have_empty_jacobians_that_agree(make):
    assert gradcheck(lambda x: x * 2, (make(0, 3),))
    assert gradcheck(lambda x: x.sum(), (make(0),))
    assert gradcheck(lambda x: x[:0], (make(3),))
    assert gradgradcheck(lambda x: x * x, (make(0, 3),))


def test_a_tensor_that_lies_across_memory_is_checked_in_its_own_order():
    x = handtorch.from_numpy(RNG.standard_normal((2, 3)).T).requires_grad_()
    assert gradcheck(lambda x: x * handtorch.arange(6.0, dtype=handtorch.float64).reshape(3, 2), (x,))


def test_a_result_that_was_cut_off_from_its_input_is_found():
    with pytest.raises(GradientError, match="difference quotient is 2, backward says 0"):
        gradcheck(lambda x: x.detach() * 2, (reals(2),))
    assert gradcheck(lambda x: handtorch.ones(2), (reals(2),))


def test_inputs_that_require_nothing_are_refused():
    with pytest.raises(ArgumentError, match="require gradient"):
        gradcheck(handtorch.exp, (handtorch.ones(2),))
