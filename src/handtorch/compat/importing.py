"""``import torch`` that brings Handtorch, for the whole process or for a block."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from handtorch import dtypes

#: Modules of PyTorch that stand at another place here.
_PLACES = {
    "torch.amp": "handtorch.compat.amp",
    "torch.accelerator": "handtorch.compat.accelerator",
    "torch.backends": "handtorch.compat.backends",
    "torch.compiler": "handtorch.compat.compiler",
    "torch.cuda": "handtorch.compat.cuda",
    "torch.cuda.amp": "handtorch.compat.amp",
    "torch.distributed": "handtorch.compat.distributed",
    "torch.distributions.studentT": "handtorch.distributions.student_t",
    "torch.jit": "handtorch.compat.jit",
    "torch.mps": "handtorch.compat.mps",
    "torch.multiprocessing": "handtorch.compat.multiprocessing",
    "torch.nn.modules": "handtorch.nn",
    "torch.nn.modules.container": "handtorch.nn.containers",
    "torch.nn.modules.sparse": "handtorch.nn.embedding",
    "torch.nn.modules.utils": "handtorch.compat.tuples",
    "torch.nn.parallel.distributed": "handtorch.nn.parallel",
    "torch.utils.hooks": "handtorch.autograd.hooks",
    "torch.utils.tensorboard": "handtorch.compat.tensorboard",
    "torch.version": "handtorch.compat.version",
}


class _Loader(importlib.abc.Loader):
    """Hands over a module that is imported already."""

    def __init__(self, module: ModuleType) -> None:
        self.module = module
        self.spec = module.__spec__

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return self.module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self.spec  # the import system has put its own there


class TorchFinder(importlib.abc.MetaPathFinder):
    """Finds ``torch`` and everything below it in Handtorch."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: Any = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != "torch" and not name.startswith("torch."):
            return None
        place = _PLACES.get(name) or "handtorch" + name.removeprefix("torch").replace(".nn.modules.", ".nn.")
        try:
            module = importlib.import_module(place)
        except ModuleNotFoundError as error:
            if error.name != place and not place.startswith(f"{error.name}."):
                raise  # Handtorch has it, and something that it needs is not installed
            raise ModuleNotFoundError(
                f"No module named '{name}' in Handtorch: this part of PyTorch is not built", name=name
            ) from None
        is_package = hasattr(module, "__path__") or any(other.startswith(f"{name}.") for other in _PLACES)
        return importlib.util.spec_from_loader(name, _Loader(module), is_package=is_package)


_finder = TorchFinder()


def install() -> None:
    """From now on, ``import torch`` in this process brings Handtorch.

    Raises:
        ImportError: PyTorch itself was imported before.
    """
    loaded = sys.modules.get("torch")
    if loaded is not None and not getattr(loaded, "__name__", "").startswith("handtorch"):
        raise ImportError("PyTorch was imported before Handtorch could take its name; start a new process")
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)
    dtypes.speak_torch(True)


def uninstall() -> None:
    """Give the name ``torch`` back."""
    if _finder in sys.meta_path:
        sys.meta_path.remove(_finder)
    for name in [name for name in sys.modules if name == "torch" or name.startswith("torch.")]:
        del sys.modules[name]
    dtypes.speak_torch(False)
