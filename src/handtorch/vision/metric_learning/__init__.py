"""Losses that make embeddings comparable, for people whom the network never saw.

- ``margins``: :class:`ArcFace`, :class:`CosFace`, :class:`SphereFace`, on top of a classification.
- ``distances``: :class:`BatchHardTripletLoss`, :class:`ContrastiveLoss`, :class:`CenterLoss`.

They stand here and not in ``handtorch.nn``, whose names are PyTorch's. How good the embeddings are is measured by
:mod:`handtorch.vision.verification`.
"""

from handtorch.vision.metric_learning.distances import BatchHardTripletLoss, CenterLoss, ContrastiveLoss
from handtorch.vision.metric_learning.margins import ArcFace, CosFace, MarginSoftmax, SphereFace

__all__ = [
    "ArcFace",
    "BatchHardTripletLoss",
    "CenterLoss",
    "ContrastiveLoss",
    "CosFace",
    "MarginSoftmax",
    "SphereFace",
]
