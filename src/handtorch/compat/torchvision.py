"""torchvision, as far as Handtorch has it: its parts, at the places where scripts look for them."""

from __future__ import annotations

import importlib
from types import ModuleType

#: Modules of torchvision that stand at another place here; all others are below ``handtorch.vision``.
PLACES = {
    "torchvision": "handtorch.compat.torchvision",
    "torchvision.datasets.vision": "handtorch.vision.datasets.pictures",
    "torchvision.io": "handtorch.vision.images",
    "torchvision.io.image": "handtorch.vision.images",
    "torchvision.models": "handtorch.models",
    "torchvision.models.convnext": "handtorch.models.convnext",
    "torchvision.models.mobilenet": "handtorch.models.mobilenet",
    "torchvision.models.mobilenetv2": "handtorch.models.mobilenet",
    "torchvision.models.resnet": "handtorch.models.resnet",
    "torchvision.models.vgg": "handtorch.models.vgg",
    "torchvision.transforms.transforms": "handtorch.vision.transforms",
}

__version__ = "0.28.0+handtorch"  # the one that goes with PyTorch 2.13
_PARTS = {
    "datasets": "handtorch.vision.datasets",
    "io": "handtorch.vision.images",
    "models": "handtorch.models",
    "transforms": "handtorch.vision.transforms",
    "utils": "handtorch.vision.utils",
}


def __getattr__(name: str) -> ModuleType:
    """A part, imported when it is first used."""
    if name not in _PARTS:
        raise AttributeError(f"module 'torchvision' has no attribute {name!r}: it is not built")
    return importlib.import_module(_PARTS[name])


def set_image_backend(backend: str) -> None:
    """Accepted: pictures are read by Pillow, whatever is asked for."""
