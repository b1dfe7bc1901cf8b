"""torch.backends: libraries that Handtorch does not use; their switches are taken and change nothing."""

from __future__ import annotations

from functools import partial
from types import ModuleType, SimpleNamespace
from typing import Any

__path__: list[str] = []  # a package, whose files are made below

__all__ = ["cpu", "cuda", "cudnn", "mha", "mkl", "mkldnn", "mps", "openmp"]


class Part(ModuleType):
    """A part of torch.backends, which programs import as a module: whatever is set is remembered."""

    def __init__(self, name: str, **settings: Any) -> None:
        super().__init__(f"{__name__}.{name}")
        vars(self).update(settings)


class _Absent(Part):
    """A library that is not there: what is set matters to nobody."""

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


cudnn = _Absent("cudnn", enabled=False, benchmark=False, deterministic=False, allow_tf32=False)
cuda = _Absent("cuda", matmul=SimpleNamespace(allow_tf32=False, allow_fp16_reduced_precision_reduction=False))
mps = _Absent("mps")
mkl = _Absent("mkl")
mkldnn = _Absent("mkldnn", enabled=False)
openmp = _Absent("openmp")
cpu = Part("cpu", get_cpu_capability=lambda: "DEFAULT")
mha = Part("mha", enabled=True)  # a faster way through attention in evaluation
mha.get_fastpath_enabled = partial(getattr, mha, "enabled")  # type: ignore[attr-defined]
mha.set_fastpath_enabled = partial(setattr, mha, "enabled")  # type: ignore[attr-defined]
cuda.sdp_kernel = cuda.flags  # type: ignore[attr-defined]
for _way in ("flash", "mem_efficient", "math", "cudnn"):  # in which attention may be computed
    setattr(cuda, f"enable_{_way}_sdp", partial(setattr, cuda, f"_{_way}_sdp"))
    setattr(cuda, f"{_way}_sdp_enabled", partial(getattr, cuda, f"_{_way}_sdp", True))
