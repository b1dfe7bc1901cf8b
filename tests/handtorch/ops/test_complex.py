"""Complex numbers: the gradient of a real L by z = x + i y is dL/dx + i dL/dy, as PyTorch has it."""

import numpy as np
import pytest

import handtorch as ht

Z = np.array([0.3 + 0.7j, -1.2 + 0.4j, 0.8 - 1.5j, -0.6 - 0.9j])
W = np.array([1.1 - 0.2j, 0.5 + 0.9j, -0.7 + 0.3j, 0.2 - 1.3j])

OF_ONE = [
    *("abs", "angle", "neg", "square", "reciprocal", "sgn", "conj", "exp", "exp2", "expm1", "log", "log2", "log10"),
    *("log1p", "sqrt", "rsqrt", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "asinh", "acosh"),
    *("atanh", "sinc"),
]
FUNCTIONS = {
    **{name: lambda z, w, name=name: getattr(ht, name)(z) for name in OF_ONE},
    "add": lambda z, w: ht.add(z, w, alpha=1 - 2j),
    "sub": lambda z, w: ht.sub(z, w, alpha=1 - 2j),
    "mul": lambda z, w: z * w,
    "div": lambda z, w: z / w,
    "pow": lambda z, w: z**w,
    "pow of a number": lambda z, w: 2.5**z,
    "pow to a number": lambda z, w: z**3,
    "logaddexp": ht.logaddexp,
    "addcmul": lambda z, w: ht.addcmul(z, w, z, value=1j),
    "addcdiv": lambda z, w: ht.addcdiv(z, w, z, value=1j),
    "lerp": lambda z, w: ht.lerp(z, w, 0.3 + 0.2j),
    "where": lambda z, w: ht.where(ht.tensor([True, False, True, False]), z, w),
    "real and imag": lambda z, w: z.real * w.imag,
    "complex": lambda z, w: ht.complex(z.real, w.imag) * w,
    "polar": lambda z, w: ht.polar(z.real, w.imag) * w,
    "view_as_real": lambda z, w: ht.view_as_real(z).cumsum(0) * 1.5,
    "view_as_complex": lambda z, w: ht.view_as_complex(ht.view_as_real(z) * 2) * w,
    "fill": lambda z, w: ht.fill(z, w[0]) * z,
}


def moved(f, arrays, i, place, step):
    copies = [a.copy() for a in arrays]
    copies[i][place] += step
    return f(*map(ht.from_numpy, copies)).array


def weights(shape, dtype):
    rng = np.random.default_rng(0)
    c = rng.standard_normal(shape) + (1j * rng.standard_normal(shape) if dtype.kind == "c" else 0)
    return np.asarray(c)


def numeric(f, arrays, i, eps=1e-6):
    """dL/dx + i dL/dy of L = Re Σ c* f by difference quotients."""
    g = np.zeros_like(arrays[i])
    for place in np.ndindex(g.shape):
        for direction in (1, 1j):
            up, down = moved(f, arrays, i, place, eps * direction), moved(f, arrays, i, place, -eps * direction)
            g[place] += direction * np.real(np.sum(np.conj(weights(up.shape, up.dtype)) * (up - down))) / (2 * eps)
    return g


def gradients(f, xs, **options):
    y = f(*xs)
    c = ht.from_numpy(weights(y.array.shape, y.array.dtype))
    return ht.autograd.grad([y], xs, [c], allow_unused=True, **options)


def check(f, rtol, atol):
    xs = [ht.from_numpy(a.copy()).requires_grad_() for a in (Z, W)]
    for i, g in enumerate(gradients(f, xs)):
        found = np.zeros_like(Z) if g is None else g.array
        np.testing.assert_allclose(found, numeric(lambda *xs: f(*xs).detach(), [Z, W], i), rtol=rtol, atol=atol)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradient_by_a_complex_number_agrees_with_difference_quotients(name):
    check(FUNCTIONS[name], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_second_derivative_by_a_complex_number_agrees_with_difference_quotients(name):
    def first_derivative(z, w):
        xs = [z.requires_grad_(), w.requires_grad_()]
        return gradients(lambda z, w: FUNCTIONS[name](z * z, w), xs, create_graph=True)[0]

    check(first_derivative, rtol=1e-4, atol=1e-6)


def test_real_input_of_a_complex_result_gets_a_real_gradient():
    x = ht.tensor([1.0, 2.0], dtype=ht.float64).requires_grad_()
    (x * ht.tensor([1j, 2 + 1j], dtype=ht.complex128)).abs().sum().backward()
    assert x.grad.dtype is ht.float64
    np.testing.assert_allclose(x.grad.array, [1, np.sqrt(5)])


def test_parts_of_a_complex_tensor_share_its_memory():
    z = ht.from_numpy(Z.copy())
    z.real.fill_(7)
    z.imag[0] = 5
    ht.view_as_real(z)[1, 1] = -1
    np.testing.assert_array_equal(z.array.real, 7)
    assert z.array[0] == 7 + 5j and z.array[1] == 7 - 1j


def test_recorded_write_to_a_part_of_complex_numbers_is_refused():
    z = ht.from_numpy(Z.copy()).requires_grad_() * 1
    with pytest.raises(ht.errors.GradientError, match="cannot be recorded"):
        z.real.mul_(3)
    with ht.no_grad():
        z.real.mul_(3)
    np.testing.assert_allclose(z.array.real, 3 * Z.real)


def test_view_as_complex_refuses_pairs_that_do_not_lie_beside_each_other():
    pairs = ht.zeros(2, 3).t()
    with pytest.raises(ht.errors.ShapeError, match="stride"):
        ht.view_as_complex(pairs)
    with pytest.raises(ht.errors.ShapeError, match="last dimension of size 2"):
        ht.view_as_complex(ht.zeros(3))


@pytest.mark.parametrize("function", ["maximum", "lt", "clamp", "floor", "sign", "deg2rad", "fmax", "heaviside"])
def test_what_needs_an_order_refuses_complex_numbers(function):
    z = ht.from_numpy(Z)
    arguments = {"clamp": (z, 1), "floor": (z,), "sign": (z,), "deg2rad": (z,)}.get(function, (z, z))
    with pytest.raises(ht.errors.DtypeError):
        getattr(ht, function)(*arguments)
