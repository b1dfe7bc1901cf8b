"""What functions with several results return: tuples whose items have names, as in ``torch.return_types``."""

from __future__ import annotations

from collections import namedtuple
from typing import Any


class _Printed:
    """Prints one item a line, as PyTorch does."""

    __slots__ = ()
    _fields: tuple[str, ...]

    def __repr__(self) -> str:
        items = ",\n".join(f"{name}={getattr(self, name)!r}" for name in self._fields)
        return f"torch.return_types.{type(self).__name__}(\n{items})"


def named_results(name: str, *fields: str) -> Any:
    """A type of tuple with named items, called as ``type(first, second, ...)``.

    Args:
        name: of the function that returns it.
        fields: the names of the items.
    """
    return type(name, (_Printed, namedtuple(name, fields)), {"__slots__": (), "__module__": __name__})


aminmax = named_results("aminmax", "min", "max")
cummax = named_results("cummax", "values", "indices")
cummin = named_results("cummin", "values", "indices")
frexp = named_results("frexp", "mantissa", "exponent")
geqrf = named_results("geqrf", "a", "tau")
histogram = named_results("histogram", "hist", "bin_edges")
histogramdd = named_results("histogramdd", "hist", "bin_edges")
kthvalue = named_results("kthvalue", "values", "indices")
linalg_cholesky_ex = named_results("linalg_cholesky_ex", "L", "info")
linalg_eig = named_results("linalg_eig", "eigenvalues", "eigenvectors")
linalg_eigh = named_results("linalg_eigh", "eigenvalues", "eigenvectors")
linalg_inv_ex = named_results("linalg_inv_ex", "inverse", "info")
linalg_ldl_factor = named_results("linalg_ldl_factor", "LD", "pivots")
linalg_ldl_factor_ex = named_results("linalg_ldl_factor_ex", "LD", "pivots", "info")
linalg_lstsq = named_results("linalg_lstsq", "solution", "residuals", "rank", "singular_values")
linalg_lu = named_results("linalg_lu", "P", "L", "U")
linalg_lu_factor = named_results("linalg_lu_factor", "LU", "pivots")
linalg_lu_factor_ex = named_results("linalg_lu_factor_ex", "LU", "pivots", "info")
linalg_qr = named_results("linalg_qr", "Q", "R")
linalg_slogdet = named_results("linalg_slogdet", "sign", "logabsdet")
linalg_solve_ex = named_results("linalg_solve_ex", "result", "info")
linalg_svd = named_results("linalg_svd", "U", "S", "Vh")
lu_unpack = named_results("lu_unpack", "P", "L", "U")
max = named_results("max", "values", "indices")
median = named_results("median", "values", "indices")
min = named_results("min", "values", "indices")
mode = named_results("mode", "values", "indices")
nanmedian = named_results("nanmedian", "values", "indices")
qr = named_results("qr", "Q", "R")
slogdet = named_results("slogdet", "sign", "logabsdet")
sort = named_results("sort", "values", "indices")
svd = named_results("svd", "U", "S", "V")
topk = named_results("topk", "values", "indices")
triangular_solve = named_results("triangular_solve", "solution", "cloned_coefficient")
