"""Transforms that move pixels: sizes, crops, mirror images, turns, borders."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from handtorch.errors import ArgumentError
from handtorch.nn import Module
from handtorch.vision.transforms import chance
from handtorch.vision.transforms import functional as F
from handtorch.vision.transforms.functional.kinds import pair
from handtorch.vision.transforms.functional.modes import InterpolationMode, as_mode

_TRIES = 10  # draws of a shape before the largest one that fits is taken


class Resize(Module):
    """Another size; see :func:`handtorch.vision.transforms.functional.resize`.

    Args:
        size: (height, width), or the shorter edge.
        interpolation: an ``InterpolationMode``.
        max_size: most pixels of the longer edge.
        antialias: average the pixels that a new one covers.
    """

    def __init__(
        self,
        size: Any,
        interpolation: Any = InterpolationMode.BILINEAR,
        max_size: int | None = None,
        antialias: bool | None = True,
    ) -> None:
        super().__init__()
        if size is not None and not isinstance(size, (int, Sequence)):
            raise TypeError(f"Size should be int or sequence. Got {type(size)}")
        if isinstance(size, Sequence) and len(size) not in (1, 2):
            raise ArgumentError("If size is a sequence, it should have 1 or 2 values")
        self.size, self.max_size, self.antialias = size, max_size, antialias
        self.interpolation = as_mode(interpolation)

    def forward(self, img: Any) -> Any:
        """The picture in its new size."""
        return F.resize(img, self.size, self.interpolation, self.max_size, self.antialias)

    def extra_repr(self) -> str:
        """The arguments."""
        return (
            f"size={self.size}, interpolation={self.interpolation.value}, max_size={self.max_size}, "
            f"antialias={self.antialias}"
        )


class CenterCrop(Module):
    """The middle of a picture.

    Args:
        size: of the result, one number or (height, width).
    """

    def __init__(self, size: Any) -> None:
        super().__init__()
        self.size = pair(size, "CenterCrop")

    def forward(self, img: Any) -> Any:
        """The middle."""
        return F.center_crop(img, self.size)

    def extra_repr(self) -> str:
        """The arguments."""
        return f"size={self.size}"


class FiveCrop(Module):
    """The corners and the middle of a picture, as a tuple of five; a ``Lambda`` behind it can stack them.

    Args:
        size: of each, one number or (height, width).
    """

    def __init__(self, size: Any) -> None:
        super().__init__()
        self.size = pair(size, "FiveCrop")

    def forward(self, img: Any) -> tuple[Any, ...]:
        """Upper left, upper right, lower left, lower right, middle."""
        return F.five_crop(img, self.size)

    def extra_repr(self) -> str:
        """The arguments."""
        return f"size={self.size}"


class TenCrop(Module):
    """The corners and the middle of a picture and of its mirror image, as a tuple of ten.

    Args:
        size: of each, one number or (height, width).
        vertical_flip: the mirror image is upside down.
    """

    def __init__(self, size: Any, vertical_flip: bool = False) -> None:
        super().__init__()
        self.size = pair(size, "TenCrop")
        self.vertical_flip = vertical_flip

    def forward(self, img: Any) -> tuple[Any, ...]:
        """Five crops of each."""
        return F.ten_crop(img, self.size, self.vertical_flip)

    def extra_repr(self) -> str:
        """The arguments."""
        return f"size={self.size}, vertical_flip={self.vertical_flip}"


class Pad(Module):
    """A border; see :func:`handtorch.vision.transforms.functional.pad`.

    Args:
        padding: one number, (left and right, top and bottom), or (left, top, right, bottom).
        fill: its colour.
        padding_mode: ``"constant"``, ``"edge"``, ``"reflect"`` or ``"symmetric"``.
    """

    def __init__(self, padding: Any, fill: Any = 0, padding_mode: str = "constant") -> None:
        super().__init__()
        if not isinstance(padding, (int, Sequence)) or isinstance(padding, str):
            raise TypeError("Got inappropriate padding arg")
        if padding_mode not in ("constant", "edge", "reflect", "symmetric"):
            raise ArgumentError("Padding mode should be either constant, edge, reflect or symmetric")
        if isinstance(padding, Sequence) and len(padding) not in (1, 2, 4):
            raise ArgumentError(
                f"Padding must be an int or a 1, 2, or 4 element tuple, not a {len(padding)} element tuple"
            )
        self.padding, self.fill, self.padding_mode = padding, fill, padding_mode

    def forward(self, img: Any) -> Any:
        """The picture with its border."""
        return F.pad(img, self.padding, self.fill, self.padding_mode)

    def extra_repr(self) -> str:
        """The arguments."""
        return f"padding={self.padding}, fill={self.fill}, padding_mode={self.padding_mode}"


class RandomCrop(Module):
    """A part of a picture, anywhere in it.

    Args:
        size: of the part, one number or (height, width).
        padding: a border that is added first.
        pad_if_needed: add what a picture lacks, on both sides.
        fill, padding_mode: of the border.
    """

    def __init__(
        self,
        size: Any,
        padding: Any = None,
        pad_if_needed: bool = False,
        fill: Any = 0,
        padding_mode: str = "constant",
    ) -> None:
        super().__init__()
        self.size = pair(size, "RandomCrop")
        self.padding, self.pad_if_needed, self.fill, self.padding_mode = padding, pad_if_needed, fill, padding_mode

    @staticmethod
    def get_params(img: Any, output_size: tuple[int, int]) -> tuple[int, int, int, int]:
        """Top, left, height and width of a part, drawn by chance.

        Raises:
            ValueError: the picture is too small.
        """
        _, height, width = F.get_dimensions(img)
        wanted_height, wanted_width = output_size
        if height < wanted_height or width < wanted_width:
            raise ArgumentError(
                f"Required crop size {(wanted_height, wanted_width)} is larger than input image size {(height, width)}"
            )
        if (height, width) == (wanted_height, wanted_width):
            return 0, 0, height, width
        top, left = chance.whole(height - wanted_height + 1), chance.whole(width - wanted_width + 1)
        return top, left, wanted_height, wanted_width

    def forward(self, img: Any) -> Any:
        """The part."""
        if self.padding is not None:
            img = F.pad(img, self.padding, self.fill, self.padding_mode)
        if self.pad_if_needed:
            _, height, width = F.get_dimensions(img)
            if width < self.size[1]:
                img = F.pad(img, [self.size[1] - width, 0], self.fill, self.padding_mode)
            if height < self.size[0]:
                img = F.pad(img, [0, self.size[0] - height], self.fill, self.padding_mode)
        return F.crop(img, *self.get_params(img, self.size))

    def extra_repr(self) -> str:
        """The arguments."""
        return f"size={self.size}, padding={self.padding}"


class RandomResizedCrop(Module):
    """A part of random area and shape, changed to one size (Szegedy et al. 2015).

    Args:
        size: of the result, one number or (height, width).
        scale: the part's area, as a share of the picture's: smallest and largest.
        ratio: its width over its height: smallest and largest.
        interpolation, antialias: of the change of size.
    """

    def __init__(
        self,
        size: Any,
        scale: tuple[float, float] = (0.08, 1.0),
        ratio: tuple[float, float] = (3.0 / 4.0, 4.0 / 3.0),
        interpolation: Any = InterpolationMode.BILINEAR,
        antialias: bool | None = True,
    ) -> None:
        super().__init__()
        self.size = pair(size, "RandomResizedCrop")
        if not isinstance(scale, Sequence):
            raise TypeError("Scale should be a sequence")
        if not isinstance(ratio, Sequence):
            raise TypeError("Ratio should be a sequence")
        self.scale, self.ratio, self.antialias = scale, ratio, antialias
        self.interpolation = as_mode(interpolation)

    @staticmethod
    def get_params(img: Any, scale: Any, ratio: Any) -> tuple[int, int, int, int]:
        """Top, left, height and width of a part, drawn by chance."""
        _, height, width = F.get_dimensions(img)
        for _ in range(_TRIES):
            area = height * width * chance.between(*scale)
            aspect = chance.aspect(ratio)
            w, h = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
            if 0 < w <= width and 0 < h <= height:
                return chance.whole(height - h + 1), chance.whole(width - w + 1), h, w
        # The largest part from the middle whose shape is allowed.
        w, h = width, height
        if width / height < min(ratio):
            h = round(w / min(ratio))
        elif width / height > max(ratio):
            w = round(h * max(ratio))
        return (height - h) // 2, (width - w) // 2, h, w

    def forward(self, img: Any) -> Any:
        """The part in its new size."""
        where = self.get_params(img, self.scale, self.ratio)
        return F.resized_crop(img, *where, self.size, self.interpolation, self.antialias)

    def extra_repr(self) -> str:
        """The arguments."""
        scale, ratio = (tuple(round(number, 4) for number in numbers) for numbers in (self.scale, self.ratio))
        return (
            f"size={self.size}, scale={scale}, ratio={ratio}, interpolation={self.interpolation.value}, "
            f"antialias={self.antialias}"
        )


class RandomHorizontalFlip(Module):
    """Left becomes right with probability ``p``."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = p

    def forward(self, img: Any) -> Any:
        """The picture, perhaps mirrored."""
        return F.hflip(img) if chance.unit() < self.p else img

    def extra_repr(self) -> str:
        """The arguments."""
        return f"p={self.p}"


class RandomVerticalFlip(Module):
    """Up becomes down with probability ``p``."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = p

    def forward(self, img: Any) -> Any:
        """The picture, perhaps mirrored."""
        return F.vflip(img) if chance.unit() < self.p else img

    def extra_repr(self) -> str:
        """The arguments."""
        return f"p={self.p}"


class RandomRotation(Module):
    """A turn by a random angle.

    Args:
        degrees: (least, most), counter-clockwise, or one number for -number to number.
        interpolation, expand, center, fill: as in :func:`handtorch.vision.transforms.functional.rotate`.
    """

    def __init__(
        self,
        degrees: Any,
        interpolation: Any = InterpolationMode.NEAREST,
        expand: bool = False,
        center: Any = None,
        fill: Any = 0,
    ) -> None:
        super().__init__()
        self.degrees = span(degrees, "degrees")
        self.interpolation = as_mode(interpolation)
        self.expand, self.center, self.fill = expand, center, fill

    @staticmethod
    def get_params(degrees: Sequence[float]) -> float:
        """An angle, drawn by chance."""
        return chance.between(degrees[0], degrees[1])

    def forward(self, img: Any) -> Any:
        """The picture, turned."""
        return F.rotate(img, self.get_params(self.degrees), self.interpolation, self.expand, self.center, self.fill)

    def extra_repr(self) -> str:
        """The arguments."""
        return (
            f"degrees={self.degrees}, interpolation={self.interpolation.value}, expand={self.expand}"
            + (f", center={self.center}" if self.center is not None else "")
            + f", fill={self.fill}"
        )


class RandomAffine(Module):
    """Random turns, moves, scales and shears around the middle.

    Args:
        degrees: (least, most), or one number for -number to number.
        translate: most that a picture moves, as shares of its width and height.
        scale: (least, most).
        shear: degrees along x: (least, most) or one number; or along x and y: four numbers.
        interpolation, fill, center: as in :func:`handtorch.vision.transforms.functional.affine`.
    """

    def __init__(
        self,
        degrees: Any,
        translate: Sequence[float] | None = None,
        scale: Sequence[float] | None = None,
        shear: Any = None,
        interpolation: Any = InterpolationMode.NEAREST,
        fill: Any = 0,
        center: Any = None,
    ) -> None:
        super().__init__()
        self.degrees = span(degrees, "degrees")
        if translate is not None and (len(translate) != 2 or not all(0 <= t <= 1 for t in translate)):
            raise ArgumentError(f"translation values should be two of 0 to 1, got {translate}")
        if scale is not None and (len(scale) != 2 or min(scale) <= 0):
            raise ArgumentError(f"scale values should be two and positive, got {scale}")
        if shear is not None:
            shear = (
                [float(s) for s in shear] if isinstance(shear, Sequence) and len(shear) == 4 else span(shear, "shear")
            )
        self.translate, self.scale, self.shear = translate, scale, shear
        self.interpolation = as_mode(interpolation)
        self.fill, self.center = fill, center

    @staticmethod
    def get_params(
        degrees: Sequence[float],
        translate: Sequence[float] | None,
        scale_ranges: Sequence[float] | None,
        shears: Sequence[float] | None,
        img_size: Sequence[int],
    ) -> tuple[float, tuple[int, int], float, tuple[float, float]]:
        """Angle, move, scale and shear, drawn by chance for a picture of (width, height)."""
        angle = chance.between(degrees[0], degrees[1])
        move = (0, 0)
        if translate is not None:
            most = [float(share * size) for share, size in zip(translate, img_size, strict=True)]
            move = (round(chance.between(-most[0], most[0])), round(chance.between(-most[1], most[1])))
        scale = 1.0 if scale_ranges is None else chance.between(scale_ranges[0], scale_ranges[1])
        shear_x = shear_y = 0.0
        if shears is not None:
            shear_x = chance.between(shears[0], shears[1])
            if len(shears) == 4:
                shear_y = chance.between(shears[2], shears[3])
        return angle, move, scale, (shear_x, shear_y)

    def forward(self, img: Any) -> Any:
        """The picture, changed."""
        _, height, width = F.get_dimensions(img)
        drawn = self.get_params(self.degrees, self.translate, self.scale, self.shear, [width, height])
        return F.affine(img, *drawn, interpolation=self.interpolation, fill=self.fill, center=self.center)

    def extra_repr(self) -> str:
        """The arguments."""
        given = {
            "translate": self.translate,
            "scale": self.scale,
            "shear": self.shear,
            "interpolation": None if self.interpolation is InterpolationMode.NEAREST else self.interpolation.value,
            "fill": self.fill or None,
            "center": self.center,
        }
        rest = "".join(f", {name}={value}" for name, value in given.items() if value is not None)
        return f"degrees={self.degrees}{rest}"


def span(number: Any, name: str) -> list[float]:
    """Two numbers, or from -number to number.

    Raises:
        ValueError: one number below 0.
        TypeError: no numbers.
    """
    if isinstance(number, (int, float)):
        if number < 0:
            raise ArgumentError(f"If {name} is a single number, it must be positive.")
        return [0.0 - number, float(number)]  # not -0.0
    if not isinstance(number, Sequence):
        raise TypeError(f"{name} should be a sequence of length 2.")
    if len(number) != 2:
        raise ArgumentError(f"{name} should be a sequence of length 2.")
    return [float(n) for n in number]
