"""Products with packed matrices, against NumPy's."""

import numpy as np
import pytest

from handtorch.kernels.panels import multiply, pack, room


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("columns", [1, 16, 100])
@pytest.mark.parametrize("rows", [0, 1, 3, 8, 15, 33])
def test_product_with_panels_is_the_product_with_the_transposed_matrix(rows, columns, dtype):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((rows, 7)).astype(dtype)
    w = rng.standard_normal((columns, 7)).astype(dtype)
    panels = pack(w)
    y = room(rows, panels)
    multiply(x, panels, y)
    np.testing.assert_allclose(y[:, :columns], x @ w.T, rtol=1e-5, atol=1e-5)
    assert not y[:, columns:].any()


def test_a_transposed_view_packs_like_its_copy():
    rng = np.random.default_rng(0)
    w = rng.standard_normal((5, 40))
    np.testing.assert_array_equal(pack(w.T), pack(w.T.copy()))
