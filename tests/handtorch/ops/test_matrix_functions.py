"""Powers and exponentials of matrices: what they are for special matrices, how exact they are, what is refused."""

import numpy as np
import pytest
import scipy.linalg

import handtorch
from handtorch import from_numpy, linalg
from handtorch.errors import DtypeError, RangeError, ShapeError


def draw(*shape, seed=0):
    return np.random.default_rng((seed, *shape)).standard_normal(shape)


def test_exponential_of_single_precision_is_exact_to_its_last_digits():
    a = (7 * draw(4, 6, 6)).astype(np.float32)
    want = scipy.linalg.expm(a.astype(np.float64))
    np.testing.assert_allclose(handtorch.matrix_exp(from_numpy(a)).array, want, rtol=3e-6)


def test_matrices_of_very_different_size_share_a_batch():
    sizes = np.array([0, 1e-9, 0.1, 1, 30]).reshape(5, 1, 1)
    a = sizes * np.array([[0.0, -1.0], [1.0, 0.0]])
    c, s = np.cos(sizes[:, 0, 0]), np.sin(sizes[:, 0, 0])
    want = np.stack([np.stack([c, -s], -1), np.stack([s, c], -1)], -2)
    np.testing.assert_allclose(linalg.matrix_exp(from_numpy(a)).array, want, rtol=1e-12, atol=1e-13)


def test_exponential_of_complex_half_infinite_and_no_matrices():
    z = draw(3, 3) + 1j * draw(3, 3, seed=1)
    np.testing.assert_allclose(from_numpy(z).matrix_exp().array, scipy.linalg.expm(z), rtol=1e-12)
    half = handtorch.eye(2).half().matrix_exp()
    assert half.dtype is handtorch.float16
    assert half.tolist() == [[np.float16(np.e), 0], [0, np.float16(np.e)]]
    assert np.isnan(handtorch.full((2, 2), float("inf")).matrix_exp().array).all()
    assert handtorch.zeros(0, 2, 2).matrix_exp().shape == (0, 2, 2)
    assert handtorch.zeros(3, 0, 0).matrix_exp().shape == (3, 0, 0)


@pytest.mark.parametrize("n", [-3, -1, 0, 1, 2, 5, 8, 13])
def test_powers_are_repeated_products(n):
    a = draw(2, 3, 3)
    np.testing.assert_allclose(handtorch.matrix_power(from_numpy(a), n).array, np.linalg.matrix_power(a, n), rtol=1e-10)
    if n < 0:
        return
    whole = np.array([[1, 1], [1, 0]])
    assert handtorch.tensor(whole).matrix_power(n).tolist() == np.linalg.matrix_power(whole, n).tolist()


def test_vandermondes_matrices_are_numpys():
    x = draw(4)
    for n in (None, 0, 1, 2, 6):
        for increasing in (False, True):
            got = handtorch.vander(from_numpy(x), n, increasing)
            np.testing.assert_allclose(got.array, np.vander(x, n, increasing), rtol=1e-12)
    rows = draw(2, 3)
    got = linalg.vander(from_numpy(rows), N=5)
    np.testing.assert_allclose(got.array, np.stack([np.vander(row, 5, True) for row in rows]), rtol=1e-12)
    assert linalg.vander(handtorch.tensor([3, 4], dtype=handtorch.uint8), N=3).tolist() == [[1, 3, 9], [1, 4, 16]]
    assert linalg.vander(handtorch.tensor(3.0), N=3).tolist() == [[1, 3, 9]]


def test_vandermondes_matrix_is_differentiable_at_zero():
    x = handtorch.tensor([0.0, 2.0], requires_grad=True)
    linalg.vander(x, N=4).sum().backward()
    assert x.grad.tolist() == [1.0, 1 + 4 + 12]


def test_what_is_not_square_or_not_a_number_is_refused():
    for function in (handtorch.matrix_exp, lambda x: handtorch.matrix_power(x, 2)):
        with pytest.raises(ShapeError, match="2 by 3"):
            function(handtorch.ones(2, 3))
        with pytest.raises(ShapeError, match="at least 2"):
            function(handtorch.ones(2))
    with pytest.raises(DtypeError):
        handtorch.matrix_exp(handtorch.ones(2, 2).int())
    with pytest.raises(TypeError, match="must be int, not float"):
        handtorch.matrix_power(handtorch.ones(2, 2), 2.0)
    with pytest.raises(ShapeError, match="one-dimensional"):
        handtorch.vander(handtorch.ones(2, 2))
    with pytest.raises(RangeError):
        handtorch.vander(handtorch.ones(2), -1)
    with pytest.raises(RangeError, match="greater than 1"):
        linalg.vander(handtorch.ones(2), N=1)
    with pytest.raises(DtypeError, match="bool"):
        linalg.vander(handtorch.ones(2).bool())
