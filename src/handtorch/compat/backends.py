"""torch.backends: libraries that Handtorch does not use; their switches are taken and change nothing."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

__all__ = ["cpu", "cuda", "cudnn", "mkl", "mkldnn", "mps", "openmp"]


class _Absent(SimpleNamespace):
    """A library that is not there: whatever is set is remembered, and matters to nobody."""

    def is_available(self) -> bool:
        """False."""
        return False

    def is_built(self) -> bool:
        """False."""
        return False

    def version(self) -> None:
        """None."""
        return None

    def flags(self, *args: Any, **kwargs: Any) -> Any:
        """A block in which nothing is different."""
        from handtorch.compat.amp import autocast

        return autocast()


cudnn = _Absent(enabled=False, benchmark=False, deterministic=False, allow_tf32=False)
cuda = _Absent(matmul=SimpleNamespace(allow_tf32=False, allow_fp16_reduced_precision_reduction=False))
mps = _Absent()
mkl = _Absent()
mkldnn = _Absent(enabled=False)
openmp = _Absent()
cpu = SimpleNamespace(get_cpu_capability=lambda: "DEFAULT")
