"""Readers of pictures that people have on disk or can install: each gives ``(picture, target)`` by index.

- :class:`ImageFolder`, :class:`DatasetFolder`: one folder a class, as in torchvision.
- :class:`MNIST`, :class:`FashionMNIST`: idx files; :class:`SmallMNIST`: 5,000 digits out of an installed package.
- :class:`ORLFaces`: 40 real people.
- :class:`Cmu11785Faces`, :class:`VerificationPairs`: the faces of CMU's course 11-785.

Faces of people who do not exist are in :mod:`handtorch.vision.faces`.
"""

from handtorch.vision.datasets.cmu11785 import Cmu11785Faces, VerificationPairs
from handtorch.vision.datasets.folder import DatasetFolder, ImageFolder
from handtorch.vision.datasets.idx import read_idx
from handtorch.vision.datasets.mnist import MNIST, FashionMNIST, SmallMNIST
from handtorch.vision.datasets.orl import ORLFaces
from handtorch.vision.datasets.pictures import PicturesInMemory, VisionDataset

__all__ = [
    "MNIST",
    "Cmu11785Faces",
    "DatasetFolder",
    "FashionMNIST",
    "ImageFolder",
    "ORLFaces",
    "PicturesInMemory",
    "SmallMNIST",
    "VerificationPairs",
    "VisionDataset",
    "read_idx",
]
