"""``import torch`` and ``import torchvision`` that bring Handtorch, until the names are given back."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import re
import sys
import traceback
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

import handtorch
import handtorch.version as own_version
from handtorch import dtypes
from handtorch.compat import torchvision, version

#: Modules of PyTorch that stand at another place here.
_PLACES = {
    "torch._C": "handtorch.compat.c_part",
    "torch.amp": "handtorch.compat.amp",
    "torch.accelerator": "handtorch.compat.accelerator",
    "torch.backends": "handtorch.compat.backends",
    "torch.compiler": "handtorch.compat.compiler",
    "torch.cuda": "handtorch.compat.cuda",
    "torch.cuda.amp": "handtorch.compat.amp",
    "torch.distributed": "handtorch.compat.distributed",
    "torch.distributed.nn": "handtorch.compat.distributed",
    "torch.distributed.optim": "handtorch.compat.distributed",
    "torch.distributions.studentT": "handtorch.distributions.student_t",
    "torch.jit": "handtorch.compat.jit",
    "torch.mps": "handtorch.compat.mps",
    "torch.multiprocessing": "handtorch.compat.multiprocessing",
    "torch.nn.modules.utils": "handtorch.compat.tuples",
    "torch.nn.parallel.distributed": "handtorch.nn.parallel",
    "torch.hub": "handtorch.compat.hub",
    "torch.profiler": "handtorch.compat.profiler",
    "torch.autograd.profiler": "handtorch.compat.profiler",
    "torch.__config__": "handtorch.compat.config",
    "torch.serialization": "handtorch.io.serialization",
    "torch.utils.model_zoo": "handtorch.compat.hub",
    "torch.utils.hooks": "handtorch.autograd.hooks",
    "torch.utils.tensorboard": "handtorch.compat.tensorboard",
    "torch.version": "handtorch.compat.version",
    **torchvision.PLACES,
}

#: Where all other modules of a package are: (name, name here), what is inside of another one first.
_ROOMS = (("torchvision.models", "handtorch.models"), ("torchvision", "handtorch.vision"), ("torch", "handtorch"))


_TITLES = {"torch": "PyTorch", "torchvision": "torchvision"}


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
    """Finds ``torch``, ``torchvision`` and everything below them in Handtorch."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: Any = None
    ) -> importlib.machinery.ModuleSpec | None:
        place = _PLACES.get(name) or _renamed(name, _ROOMS)
        if place is None:
            return None
        try:
            module = None if name in _PLACES else _file_of_modules(name) or _part_of_backends(name)
            module = module or importlib.import_module(place)
        except ModuleNotFoundError as error:
            if error.name != place and not place.startswith(f"{error.name}."):
                raise  # Handtorch has it, and something that it needs is not installed
            whole = _TITLES[name.partition(".")[0]]
            raise ModuleNotFoundError(
                f"No module named '{name}' in Handtorch: this part of {whole} is not built", name=name
            ) from None
        is_package = hasattr(module, "__path__") or any(other.startswith(f"{name}.") for other in _PLACES)
        return importlib.util.spec_from_loader(name, _Loader(module), is_package=is_package)


def _file_of_modules(name: str) -> ModuleType | None:
    """One of the files of ``torch.nn.modules``."""
    package, _, file = name.rpartition(".")
    if package != "torch.nn.modules":
        return None
    from handtorch.nn.modules import FILES, file_of

    return file_of(file) if file in FILES else None


def _part_of_backends(name: str) -> ModuleType | None:
    """One of the parts of ``torch.backends``."""
    package, _, part = name.rpartition(".")
    if package != "torch.backends":
        return None
    from handtorch.compat import backends

    return getattr(backends, part) if part in backends.__all__ else None


def _renamed(name: str, rooms: Iterable[tuple[str, str]]) -> str | None:
    """The name of a module under the first of these pairs (package, package) that holds it."""
    for package, other in rooms:
        if name == package or name.startswith(f"{package}."):
            return other + name.removeprefix(package)
    return None


_OWN_VERSION = own_version.__version__
_LOOK_UPS = ("__getattr__", "get", "look_up")
_FOLDER = str(Path(handtorch.__file__).parent)
_finder = TorchFinder()


def install() -> None:
    """From now on, ``import torch`` and ``import torchvision`` in this process bring Handtorch.

    Raises:
        ImportError: PyTorch itself was imported before.
    """
    loaded = sys.modules.get("torch")
    if loaded is not None and not getattr(loaded, "__name__", "").startswith("handtorch"):
        raise ImportError("PyTorch was imported before Handtorch could take its name; start a new process")
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)
    handtorch.__version__, handtorch.version = version.__version__, version  # type: ignore[assignment]
    dtypes.speak_torch(True)


def uninstall() -> None:
    """Give the names ``torch`` and ``torchvision`` back."""
    if _finder in sys.meta_path:
        sys.meta_path.remove(_finder)
    for name in [name for name in sys.modules if name.partition(".")[0] in _TITLES]:
        del sys.modules[name]
    handtorch.__version__, handtorch.version = _OWN_VERSION, own_version
    dtypes.speak_torch(False)


def say_what_is_missing(error: AttributeError | ImportError) -> None:
    """Give the error the full name of what Handtorch has not, if a line of the user's own asked for it."""
    if not _asked_from_outside(error.__traceback__):
        return
    if isinstance(error, AttributeError):
        place, name = _name_in_torch(error.obj), error.name
    else:
        found = re.match(r"cannot import name '(\w+)' from '(handtorch[\w.]*)'", str(error))
        name, place = (found[1], _name_of_module(found[2])) if found else (None, None)
    if place is not None and name is not None:
        error.args = (f"{place}.{name} is not built in Handtorch",)
        if isinstance(error, ImportError):
            error.msg = error.args[0]


def _asked_from_outside(trace: TracebackType | None) -> bool:
    """Whether the line that raised is none of Handtorch's; functions that look names up only pass the question on."""
    frames = [(frame.f_code.co_filename, frame.f_code.co_name) for frame, _ in traceback.walk_tb(trace)]
    asked = [file for file, name in frames if name not in _LOOK_UPS and not file.startswith("<frozen")]
    return bool(asked) and not asked[-1].startswith(_FOLDER)


def _name_in_torch(obj: Any) -> str | None:
    """What a module, class or object of Handtorch is called in PyTorch; None for what is the user's own."""
    if isinstance(obj, ModuleType):
        return _name_of_module(obj.__name__)
    kind = obj if isinstance(obj, type) else type(obj)
    parts = kind.__module__.split(".")
    for depth in range(1, len(parts) + 1):  # a class of nn/linear.py is torch.nn.Linear
        place = ".".join(parts[:depth])
        if getattr(sys.modules.get(place), "__dict__", {}).get(kind.__name__) is kind:
            package = _name_of_module(place)
            return None if package is None else f"{package}.{kind.__qualname__}"
    return None


def _name_of_module(name: str) -> str | None:
    """The shortest of the names under which a module of Handtorch can be imported in PyTorch's place."""
    plain = _renamed(name, ((ours, torchs) for torchs, ours in _ROOMS))
    names = [torchs for torchs, ours in _PLACES.items() if name == ours]
    return min([*names, plain], key=len) if plain is not None else None
