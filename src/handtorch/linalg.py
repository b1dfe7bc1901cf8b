"""Linear algebra, under PyTorch's names."""

from __future__ import annotations

from handtorch.errors import LinAlgError
from handtorch.ops.chains import multi_dot
from handtorch.ops.cholesky import cholesky, cholesky_ex
from handtorch.ops.determinant import det, slogdet
from handtorch.ops.diagonals import last_diagonal as diagonal
from handtorch.ops.eigen import eig, eigh, eigvals, eigvalsh
from handtorch.ops.ldl import ldl_factor, ldl_factor_ex, ldl_solve
from handtorch.ops.least_squares import cond, lstsq, matrix_rank, pinv
from handtorch.ops.linalg import matmul
from handtorch.ops.lu import lu, lu_factor, lu_factor_ex, lu_solve
from handtorch.ops.matrix_functions import matrix_exp, matrix_power
from handtorch.ops.matrix_functions import vander_of_rows as vander
from handtorch.ops.matrix_norms import matrix_norm, norm, vector_norm
from handtorch.ops.orthogonal import householder_product, qr
from handtorch.ops.products import cross_along as cross
from handtorch.ops.products import vecdot
from handtorch.ops.singular import svd, svdvals
from handtorch.ops.solving import inv, inv_ex, solve, solve_ex, tensorinv, tensorsolve
from handtorch.ops.triangular import solve_triangular

__all__ = [
    "LinAlgError",
    "cholesky",
    "cholesky_ex",
    "cond",
    "cross",
    "det",
    "diagonal",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "householder_product",
    "inv",
    "inv_ex",
    "ldl_factor",
    "ldl_factor_ex",
    "ldl_solve",
    "lstsq",
    "lu",
    "lu_factor",
    "lu_factor_ex",
    "lu_solve",
    "matmul",
    "matrix_exp",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "multi_dot",
    "norm",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "solve_ex",
    "solve_triangular",
    "svd",
    "svdvals",
    "tensorinv",
    "tensorsolve",
    "vander",
    "vecdot",
    "vector_norm",
]
