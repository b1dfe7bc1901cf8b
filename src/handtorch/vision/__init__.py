"""Pictures: reading, transforms, data sets, generated faces, and telling faces apart.

===================  =======================================================================================
module               what it holds
===================  =======================================================================================
``images``           ``read_image``, ``write_image``, ``open_image``: pictures as tensors and PIL images
``transforms``       crops, flips, colours, RandAugment, MixUp, CutMix, under torchvision's names
``datasets``         ``ImageFolder``, MNIST, Fashion-MNIST, ORL faces, the faces of 11-785
``faces``            photographs of people who do not exist
``metric_learning``  ArcFace, CosFace, SphereFace, triplet, centre and contrastive losses
``verification``     EER, AUC, TAR at FAR, pairs
``utils``            ``make_grid``, ``save_image``: many pictures as one
===================  =======================================================================================

A picture is a PIL image or a tensor (C, H, W). A module is imported when one of its names is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from handtorch.lazy import lazy_names

if TYPE_CHECKING:
    from handtorch.vision.images import ImageReadMode as ImageReadMode
    from handtorch.vision.images import open_image as open_image
    from handtorch.vision.images import read_image as read_image
    from handtorch.vision.images import write_image as write_image

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {"images": ("ImageReadMode", "open_image", "read_image", "write_image")},
    submodules=("datasets", "faces", "metric_learning", "transforms", "utils", "verification"),
)
