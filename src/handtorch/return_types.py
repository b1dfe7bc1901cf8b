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
histogram = named_results("histogram", "hist", "bin_edges")
histogramdd = named_results("histogramdd", "hist", "bin_edges")
kthvalue = named_results("kthvalue", "values", "indices")
max = named_results("max", "values", "indices")
median = named_results("median", "values", "indices")
min = named_results("min", "values", "indices")
mode = named_results("mode", "values", "indices")
nanmedian = named_results("nanmedian", "values", "indices")
sort = named_results("sort", "values", "indices")
topk = named_results("topk", "values", "indices")
