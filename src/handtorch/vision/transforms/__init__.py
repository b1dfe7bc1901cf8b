"""Transforms and augmentations of pictures, under torchvision's names.

===============  =====================================================================================================
``conversion``   ``ToTensor``, ``PILToTensor``, ``ToPILImage``, ``ConvertImageDtype``, ``Normalize``
``geometry``     ``Resize``, ``CenterCrop``, ``Pad``, ``RandomCrop``, ``RandomResizedCrop``, ``RandomHorizontalFlip``,
                 ``RandomVerticalFlip``, ``RandomRotation``, ``RandomAffine``
``colour``       ``Grayscale``, ``RandomGrayscale``, ``ColorJitter``, ``GaussianBlur``
``erasing``      ``RandomErasing``
``combining``    ``Compose``, ``Lambda``, ``RandomApply``, ``RandomChoice``, ``RandomOrder``
``randaugment``  ``RandAugment``
``mixing``       ``MixUp``, ``CutMix``: on batches
``functional``   what they do, as functions
===============  =====================================================================================================

Pictures are PIL images or tensors (..., C, H, W). Gradients do not flow through transforms, but for ``Normalize``.
What is random comes from Handtorch's generator, which ``handtorch.manual_seed`` seeds and every worker of a
``DataLoader`` has a stretch of its own of; transforms draw as many numbers as torchvision's, in the same order.
"""

from handtorch.vision.transforms import functional
from handtorch.vision.transforms.colour import ColorJitter, GaussianBlur, Grayscale, RandomGrayscale
from handtorch.vision.transforms.combining import Compose, Lambda, RandomApply, RandomChoice, RandomOrder
from handtorch.vision.transforms.conversion import ConvertImageDtype, Normalize, PILToTensor, ToPILImage, ToTensor
from handtorch.vision.transforms.erasing import RandomErasing
from handtorch.vision.transforms.functional.modes import InterpolationMode
from handtorch.vision.transforms.geometry import (
    CenterCrop,
    Pad,
    RandomAffine,
    RandomCrop,
    RandomHorizontalFlip,
    RandomResizedCrop,
    RandomRotation,
    RandomVerticalFlip,
    Resize,
)
from handtorch.vision.transforms.mixing import CutMix, MixUp
from handtorch.vision.transforms.randaugment import RandAugment

__all__ = [
    "CenterCrop",
    "ColorJitter",
    "Compose",
    "ConvertImageDtype",
    "CutMix",
    "GaussianBlur",
    "Grayscale",
    "InterpolationMode",
    "Lambda",
    "MixUp",
    "Normalize",
    "PILToTensor",
    "Pad",
    "RandAugment",
    "RandomAffine",
    "RandomApply",
    "RandomChoice",
    "RandomCrop",
    "RandomErasing",
    "RandomGrayscale",
    "RandomHorizontalFlip",
    "RandomOrder",
    "RandomResizedCrop",
    "RandomRotation",
    "RandomVerticalFlip",
    "Resize",
    "ToPILImage",
    "ToTensor",
    "functional",
]
