"""What transforms do to tensors is what Pillow does to its images, or what the formula says."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

import handtorch
from handtorch.errors import ArgumentError, ShapeError
from handtorch.vision.transforms import InterpolationMode
from handtorch.vision.transforms import functional as F

NEAREST, BILINEAR, BICUBIC = InterpolationMode.NEAREST, InterpolationMode.BILINEAR, InterpolationMode.BICUBIC


@pytest.fixture
def image() -> Image.Image:
    rows, columns = np.mgrid[:40, :50]
    smooth = np.stack([5 * rows, 4 * columns + 20, 128 + 100 * np.sin(rows / 5) * np.cos(columns / 6)], axis=-1)
    noise = np.random.default_rng(1).integers(0, 20, smooth.shape)
    return Image.fromarray((smooth + noise).clip(0, 255).astype(np.uint8))


def both(image: Image.Image, function: Any, *arguments: Any, **named: Any) -> tuple[np.ndarray, np.ndarray]:
    """What comes out for the PIL image, and for its tensor: (H, W, C)."""
    picture = function(image, *arguments, **named)
    tensor = function(F.pil_to_tensor(image), *arguments, **named)
    first = np.array(picture)
    return (first if first.ndim == 3 else first[..., None]).astype(int), tensor.numpy().transpose(1, 2, 0).astype(int)


EXACT = {
    "hflip": (F.hflip,),
    "vflip": (F.vflip,),
    "crop": (F.crop, 3, 4, 20, 30),
    "crop outside": (F.crop, -5, 30, 60, 40),
    "center_crop": (F.center_crop, (21, 30)),
    "center_crop larger": (F.center_crop, (61, 30)),
    "pad": (F.pad, (1, 2, 3, 4), (10, 20, 30)),
    "pad negative": (F.pad, (-3, 5), 7),
    "pad edge": (F.pad, 3, 0, "edge"),
    "pad reflect": (F.pad, (4, 2), 0, "reflect"),
    "pad symmetric": (F.pad, 5, 0, "symmetric"),
    "posterize": (F.posterize, 3),
    "solarize": (F.solarize, 100),
    "invert": (F.invert,),
    "equalize": (F.equalize,),
    "rotate by a quarter": (F.rotate, 90, NEAREST, True),
    "blur": (F.gaussian_blur, 5, 1.3),
}


@pytest.mark.parametrize("case", EXACT)
def test_tensors_become_just_what_pil_images_become(image: Image.Image, case: str) -> None:
    picture, tensor = both(image, *EXACT[case])
    assert (picture == tensor).all()


CLOSE = {
    "resize smaller": (1, F.resize, (17, 23)),
    "resize larger": (1, F.resize, (90, 70)),
    "resize bicubic": (2, F.resize, (25, 80), BICUBIC),
    "shorter edge": (1, F.resize, 20),
    "brightness": (1, F.adjust_brightness, 1.4),
    "contrast": (1, F.adjust_contrast, 0.6),
    "saturation": (1, F.adjust_saturation, 1.7),
    "sharpness": (1, F.adjust_sharpness, 1.8),
    "autocontrast": (1, F.autocontrast),
    "gamma": (1, F.adjust_gamma, 0.7, 1.1),
    "grey": (1, F.rgb_to_grayscale, 3),
    "hue": (12, F.adjust_hue, 0.2),  # Pillow keeps hue in 8 bits: a step of it is 6 shades of a colour
}


@pytest.mark.parametrize("case", CLOSE)
def test_tensors_become_what_pil_images_become_but_for_rounding(image: Image.Image, case: str) -> None:
    allowed, function, *arguments = CLOSE[case]
    picture, tensor = both(image, function, *arguments)
    assert np.abs(picture - tensor).max() <= allowed


@pytest.mark.parametrize("mode", [NEAREST, BILINEAR])
def test_affine_moves_tensors_as_pillow_moves_images(image: Image.Image, mode: InterpolationMode) -> None:
    picture, tensor = both(image, F.affine, 20.0, [4, -3], 1.2, [8.0, -5.0], mode, [10, 20, 30])
    apart = np.abs(picture - tensor).max(axis=-1)
    # At the border Pillow stops at the outermost centres of pixels, and a tie may fall to either side.
    assert (apart > 2).mean() < (0.01 if mode is NEAREST else 0.03)
    inner = ndimage.binary_erosion((tensor != [10, 20, 30]).all(axis=-1), iterations=2)
    assert inner.sum() > 800
    if mode is BILINEAR:
        assert apart[inner].max() <= 2


def test_affine_is_the_map_that_its_arguments_say() -> None:
    """A single bright pixel is followed through turn, scale and move."""
    values = np.zeros((1, 41, 41), np.float32)
    values[0, 20, 30] = 1  # 10 pixels to the right of the middle
    moved = F.affine(handtorch.from_numpy(values), 90.0, [2, 3], 1.0, [0.0, 0.0]).numpy()[0]
    # Clockwise by a quarter: 10 below the middle; then 2 to the right and 3 down.
    assert np.argwhere(moved == 1).tolist() == [[33, 22]]


def test_rotate_turns_counter_clockwise() -> None:
    values = np.zeros((1, 41, 41), np.float32)
    values[0, 20, 30] = 1
    assert np.argwhere(F.rotate(handtorch.from_numpy(values), 90.0).numpy()[0] == 1).tolist() == [[10, 20]]


@pytest.mark.parametrize("angle", [0, 17, 45, 90, 133, 180, -60])
def test_an_expanded_picture_has_room_for_its_corners(angle: float) -> None:
    white = handtorch.ones(1, 30, 50)
    turned = F.rotate(white, angle, BILINEAR, expand=True).numpy()
    turn = math.radians(angle)
    height = 30 * abs(math.cos(turn)) + 50 * abs(math.sin(turn))
    width = 50 * abs(math.cos(turn)) + 30 * abs(math.sin(turn))
    assert height - 1e-6 <= turned.shape[1] <= height + 2 and width - 1e-6 <= turned.shape[2] <= width + 2
    assert turned.sum() == pytest.approx(1500, rel=0.01)


def test_blur_is_scipys_with_a_mirrored_border() -> None:
    values = np.random.default_rng(0).random((3, 20, 25))
    blurred = F.gaussian_blur(handtorch.from_numpy(values), (7, 5), (1.2, 0.8)).numpy()
    expected = ndimage.gaussian_filter1d(values, 1.2, axis=2, mode="mirror", radius=3)
    expected = ndimage.gaussian_filter1d(expected, 0.8, axis=1, mode="mirror", radius=2)
    np.testing.assert_allclose(blurred, expected, atol=1e-12)


def test_hue_of_floats_is_that_of_colorsys() -> None:
    import colorsys

    values = np.random.default_rng(0).random((3, 6, 6))
    turned = F.adjust_hue(handtorch.from_numpy(values), 0.3).numpy()
    for row in range(6):
        for column in range(6):
            h, s, v = colorsys.rgb_to_hsv(*values[:, row, column])
            np.testing.assert_allclose(turned[:, row, column], colorsys.hsv_to_rgb((h + 0.3) % 1, s, v), atol=1e-12)


@pytest.mark.parametrize("function", [F.adjust_brightness, F.adjust_contrast, F.adjust_saturation, F.adjust_sharpness])
def test_a_factor_of_one_changes_nothing(image: Image.Image, function: Any) -> None:
    picture, tensor = both(image, function, 1.0)
    assert (picture == np.array(image)).all() and (tensor == np.array(image)).all()


def test_shrinking_keeps_the_mean_and_skips_no_pixel() -> None:
    values = np.zeros((1, 1, 64), np.float32)
    values[0, 0, 21] = 1
    small = F.resize(handtorch.from_numpy(values), (1, 8)).numpy()
    assert small.sum() == pytest.approx(1 / 8, rel=1e-5)
    plain = F.resize(handtorch.from_numpy(values), (1, 8), antialias=False).numpy()
    assert plain.sum() == 0


@pytest.mark.parametrize(
    ("size", "max_size", "expected"),
    [(10, None, (10, 20)), (20, None, (20, 40)), (30, 50, (25, 50)), ((7, 9), None, (7, 9)), (None, 10, (5, 10))],
)
def test_one_number_is_the_shorter_edge(size: Any, max_size: Any, expected: tuple[int, int]) -> None:
    tensor = handtorch.zeros(3, 20, 40)
    assert F.resize(tensor, size, max_size=max_size).shape[1:] == expected
    assert F.resize(tensor.permute(0, 2, 1), size, max_size=max_size).shape[1:] in (expected[::-1], (7, 9))


def test_pictures_become_floats_of_zero_to_one_and_back(image: Image.Image) -> None:
    tensor = F.to_tensor(image)
    assert tensor.dtype == handtorch.float32 and 0 <= float(tensor.min()) <= float(tensor.max()) <= 1
    assert F.to_pil_image(tensor).tobytes() == image.tobytes()
    assert (F.to_tensor(np.array(image)).numpy() == tensor.numpy()).all()


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32"])
def test_every_shade_survives_the_way_through_floats(dtype: str) -> None:
    kind = getattr(handtorch, dtype)
    shades = handtorch.tensor(np.arange(256).reshape(1, 16, 16), dtype=handtorch.uint8)
    there = F.convert_image_dtype(shades, kind)
    floats = F.convert_image_dtype(there, handtorch.float64)
    assert 0 <= float(floats.min()) <= float(floats.max()) <= 1
    assert (F.convert_image_dtype(there, handtorch.uint8).numpy() == shades.numpy()).all()
    assert (F.convert_image_dtype(F.convert_image_dtype(shades), handtorch.uint8).numpy() == shades.numpy()).all()


def test_normalize_gives_mean_zero_and_deviation_one_and_passes_gradients() -> None:
    x = handtorch.rand(2, 3, 50, 50).requires_grad_()
    mean, std = x.detach().mean((0, 2, 3)), x.detach().std((0, 2, 3))
    y = F.normalize(x, mean.tolist(), std.tolist())
    np.testing.assert_allclose(y.detach().mean((0, 2, 3)).numpy(), 0, atol=1e-5)
    np.testing.assert_allclose(y.detach().std((0, 2, 3)).numpy(), 1, atol=1e-5)
    y.sum().backward()
    np.testing.assert_allclose(x.grad[0, :, 0, 0].numpy(), 1 / std.numpy(), rtol=1e-5)


def test_perspective_carries_each_corner_to_its_place() -> None:
    values = np.zeros((1, 40, 50), np.float32)
    starts, ends = [[5, 4], [44, 6], [40, 35], [3, 30]], [[9, 8], [38, 3], [45, 33], [1, 36]]
    for number, (x, y) in enumerate(starts, start=1):
        values[0, y - 1 : y + 1, x - 1 : x + 1] = number  # the four pixels around the point
    moved = F.perspective(handtorch.from_numpy(values), starts, ends, NEAREST).numpy()[0]
    for number, (x, y) in enumerate(ends, start=1):
        rows, columns = np.nonzero(moved == number)
        assert abs(rows.mean() + 0.5 - y) < 1 and abs(columns.mean() + 0.5 - x) < 1


def test_perspective_shows_tensors_as_pillow_shows_images(image: Image.Image) -> None:
    picture, tensor = both(
        image, F.perspective, [[0, 0], [49, 0], [49, 39], [0, 39]], [[4, 3], [44, 1], [48, 36], [2, 39]]
    )
    inner = ndimage.binary_erosion((tensor > 0).all(axis=-1), iterations=2)
    assert inner.sum() > 1000 and np.abs(picture - tensor)[inner].max() <= 2


def test_five_crops_are_the_corners_and_the_middle_and_ten_are_mirrored_too() -> None:
    x = handtorch.arange(35).reshape(1, 5, 7)
    assert [crop[0, 0, 0].item() for crop in F.five_crop(x, (3, 5))] == [0, 2, 14, 16, 8]
    assert all(tuple(crop.shape) == (1, 3, 5) for crop in F.ten_crop(x, (3, 5)))
    assert [crop[0, 0, 0].item() for crop in F.ten_crop(x, (3, 5))[5:]] == [6, 4, 20, 18, 12]
    assert [crop[0, 0, 0].item() for crop in F.ten_crop(x, (3, 5), vertical_flip=True)[5:]] == [28, 30, 14, 16, 22]


def test_a_frame_keeps_the_palette_and_the_two_shades_of_an_image() -> None:
    coloured = Image.fromarray(np.arange(48, dtype=np.uint8).reshape(4, 4, 3) * 5).convert("P")
    framed = F.pad(coloured, 2, padding_mode="reflect")
    assert (
        framed.mode == "P" and framed.crop((2, 2, 6, 6)).convert("RGB").tobytes() == coloured.convert("RGB").tobytes()
    )
    bilevel = Image.fromarray(np.array([[0, 255], [255, 255]], np.uint8)).convert("1")
    assert (
        np.array(F.pad(bilevel, 1, padding_mode="edge")).tolist()
        == np.pad([[0, 1], [1, 1]], 1, "edge").astype(bool).tolist()
    )


def test_grey_pictures_without_an_axis_of_channels_keep_their_colour() -> None:
    x = handtorch.rand(4, 5)
    assert F.adjust_hue(x, 0.2) is x and F.adjust_saturation(x, 2.0) is x


def test_a_shear_in_a_list_of_one_counts_for_both_axes() -> None:
    x = handtorch.rand(1, 20, 20)
    assert (F.affine(x, 0, [0, 0], 1.0, [9.0]).numpy() == F.affine(x, 0, [0, 0], 1.0, [9.0, 9.0]).numpy()).all()


def test_whole_numbers_of_64_bits_are_inverted_exactly() -> None:
    x = handtorch.tensor([[[0, 5]]])
    assert F.invert(x).tolist() == [[[2**63 - 1, 2**63 - 6]]]


BAD = [
    (TypeError, lambda x: F.to_tensor([1, 2])),
    (ArgumentError, lambda x: F.to_tensor(np.zeros(3))),
    (TypeError, lambda x: F.normalize(x.to(handtorch.uint8), [0], [1])),
    (ArgumentError, lambda x: F.normalize(x, [0.0], [0.0])),
    (ShapeError, lambda x: F.normalize(x[:1], [0.0] * 3, [1.0] * 3)),
    (ShapeError, lambda x: F.resized_crop(x, 2, 2, 0, 0, 4)),
    (TypeError, lambda x: F.pad(x, 1, "red")),
    (TypeError, lambda x: F.rgb_to_grayscale(x[0])),
    (ArgumentError, lambda x: F.perspective(x, [[0, 0]] * 3, [[0, 0]] * 3)),
    (ArgumentError, lambda x: F.perspective(x, [[0, 0], [7, 0], [7, 7], [0, 7]], [[0, 0], [1, 1], [2, 2], [0, 7]])),
    (ArgumentError, lambda x: F.five_crop(x, 9)),
    (ArgumentError, lambda x: F.pad(x, (1, 2, 3))),
    (ArgumentError, lambda x: F.pad(x, 1, padding_mode="wrap")),
    (ArgumentError, lambda x: F.pad(x, 1, (1, 2))),
    (ArgumentError, lambda x: F.resize(x, (4, 4), InterpolationMode.LANCZOS)),
    (ArgumentError, lambda x: F.resize(x, 4, max_size=3)),
    (TypeError, lambda x: F.resize(x, 4, "bilinear")),
    (ArgumentError, lambda x: F.adjust_hue(x, 0.6)),
    (ArgumentError, lambda x: F.adjust_brightness(x, -1)),
    (ArgumentError, lambda x: F.gaussian_blur(x, 4)),
    (ArgumentError, lambda x: F.gaussian_blur(x, 99)),
    (ArgumentError, lambda x: F.affine(x, 0, [0, 0], 0.0, [0, 0])),
    (TypeError, lambda x: F.hflip(np.zeros((3, 4, 4)))),
    (TypeError, lambda x: F.posterize(x, 3)),
    (TypeError, lambda x: F.rgb_to_grayscale(x[:2])),
    (RuntimeError, lambda x: F.convert_image_dtype(x, handtorch.int32)),
]


@pytest.mark.parametrize("case", range(len(BAD)))
def test_what_makes_no_sense_is_refused(case: int) -> None:
    error, call = BAD[case]
    with pytest.raises(error):
        call(handtorch.rand(3, 8, 8))
