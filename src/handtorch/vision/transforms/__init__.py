"""Transforms and augmentations of pictures, under torchvision's names.

===============  =====================================================================================================
``conversion``   ``ToTensor``, ``PILToTensor``, ``ToPILImage``, ``ConvertImageDtype``, ``Normalize``
``geometry``     ``Resize``, ``CenterCrop``, ``Pad``, ``RandomCrop``, ``RandomResizedCrop``, ``RandomHorizontalFlip``,
                 ``RandomVerticalFlip``, ``RandomRotation``, ``RandomAffine``, ``FiveCrop``, ``TenCrop``
``colour``       ``Grayscale``, ``RandomGrayscale``, ``ColorJitter``, ``GaussianBlur``
``perhaps``      ``RandomInvert``, ``RandomPosterize``, ``RandomSolarize``, ``RandomAdjustSharpness``,
                 ``RandomAutocontrast``, ``RandomEqualize``, ``RandomPerspective``
``erasing``      ``RandomErasing``
``combining``    ``Compose``, ``Lambda``, ``RandomApply``, ``RandomChoice``, ``RandomOrder``
``autoaugment``  ``AutoAugment``, ``AutoAugmentPolicy``
``randaugment``  ``RandAugment``, ``TrivialAugmentWide``
``mixing``       ``MixUp``, ``CutMix``: on batches
``functional``   what they do, as functions
===============  =====================================================================================================

Pictures are PIL images or tensors (..., C, H, W). Gradients do not flow through transforms, but for ``Normalize``.
What is random comes from Handtorch's generator, which ``handtorch.manual_seed`` seeds and every worker of a
``DataLoader`` has a stretch of its own of; transforms draw as many numbers as torchvision's, in the same order.
"""

from handtorch.vision.transforms import functional
from handtorch.vision.transforms.autoaugment import AutoAugment, AutoAugmentPolicy
from handtorch.vision.transforms.colour import ColorJitter, GaussianBlur, Grayscale, RandomGrayscale
from handtorch.vision.transforms.combining import Compose, Lambda, RandomApply, RandomChoice, RandomOrder
from handtorch.vision.transforms.conversion import ConvertImageDtype, Normalize, PILToTensor, ToPILImage, ToTensor
from handtorch.vision.transforms.erasing import RandomErasing
from handtorch.vision.transforms.functional.modes import InterpolationMode
from handtorch.vision.transforms.geometry import (
    CenterCrop,
    FiveCrop,
    Pad,
    RandomAffine,
    RandomCrop,
    RandomHorizontalFlip,
    RandomResizedCrop,
    RandomRotation,
    RandomVerticalFlip,
    Resize,
    TenCrop,
)
from handtorch.vision.transforms.mixing import CutMix, MixUp
from handtorch.vision.transforms.perhaps import (
    RandomAdjustSharpness,
    RandomAutocontrast,
    RandomEqualize,
    RandomInvert,
    RandomPerspective,
    RandomPosterize,
    RandomSolarize,
)
from handtorch.vision.transforms.randaugment import RandAugment, TrivialAugmentWide

__all__ = [
    "AutoAugment",
    "AutoAugmentPolicy",
    "CenterCrop",
    "ColorJitter",
    "Compose",
    "ConvertImageDtype",
    "CutMix",
    "FiveCrop",
    "GaussianBlur",
    "Grayscale",
    "InterpolationMode",
    "Lambda",
    "MixUp",
    "Normalize",
    "PILToTensor",
    "Pad",
    "RandAugment",
    "RandomAdjustSharpness",
    "RandomAffine",
    "RandomApply",
    "RandomAutocontrast",
    "RandomChoice",
    "RandomCrop",
    "RandomEqualize",
    "RandomErasing",
    "RandomGrayscale",
    "RandomHorizontalFlip",
    "RandomInvert",
    "RandomOrder",
    "RandomPerspective",
    "RandomPosterize",
    "RandomResizedCrop",
    "RandomRotation",
    "RandomSolarize",
    "RandomVerticalFlip",
    "Resize",
    "ToPILImage",
    "TenCrop",
    "ToTensor",
    "TrivialAugmentWide",
    "functional",
]
