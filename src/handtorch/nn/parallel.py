"""Data-parallel wrappers: what a script for several GPUs finds on a machine that has none."""

from __future__ import annotations

from typing import Any

from handtorch.errors import ArgumentError
from handtorch.nn.module import Module

__all__ = ["DataParallel", "DistributedDataParallel", "data_parallel"]


class DataParallel(Module):
    """Calls the module that it wraps: there is one device, so there is nothing to divide a batch among.

    The wrapped module is ``self.module``, so the keys of a state begin with ``module.`` as in PyTorch.

    Args:
        module: the module.
        device_ids, output_device, dim: kept for PyTorch's signature.
    """

    def __init__(self, module: Any, device_ids: Any = None, output_device: Any = None, dim: int = 0) -> None:
        super().__init__()
        self.module = module
        self.device_ids: list[Any] = []
        self.dim = dim

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """What the module makes of its arguments."""
        return self.module(*inputs, **kwargs)


def data_parallel(
    module: Any,
    inputs: Any,
    device_ids: Any = None,
    output_device: Any = None,
    dim: int = 0,
    module_kwargs: dict[str, Any] | None = None,
) -> Any:
    """What the module makes of ``inputs``, a tuple of arguments or the only one."""
    return module(*(inputs if isinstance(inputs, tuple) else (inputs,)), **(module_kwargs or {}))


class DistributedDataParallel(Module):
    """Not available: Handtorch trains in one process.

    Args:
        module: the module; use it as it is.

    Raises:
        ArgumentError: always, as PyTorch does where no process group was made.
    """

    def __init__(self, module: Any, *args: Any, **kwargs: Any) -> None:
        raise ArgumentError(
            "DistributedDataParallel needs a process group, and Handtorch trains in one process; use the module "
            "itself, or nn.DataParallel, which only calls it"
        )
