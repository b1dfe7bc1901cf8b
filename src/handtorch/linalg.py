"""Linear algebra, under PyTorch's names."""

from __future__ import annotations

from handtorch.ops.chains import multi_dot
from handtorch.ops.diagonals import last_diagonal as diagonal
from handtorch.ops.linalg import matmul
from handtorch.ops.matrix_functions import matrix_exp, matrix_power
from handtorch.ops.matrix_functions import vander_of_rows as vander
from handtorch.ops.matrix_norms import matrix_norm, norm, vector_norm
from handtorch.ops.products import cross_along as cross
from handtorch.ops.products import vecdot

__all__ = [
    "cross",
    "diagonal",
    "matmul",
    "matrix_exp",
    "matrix_norm",
    "matrix_power",
    "multi_dot",
    "norm",
    "vander",
    "vecdot",
    "vector_norm",
]
