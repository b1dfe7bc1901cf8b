"""Pictures on disk: what goes in comes out, and a broken file is called broken."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import handtorch
from handtorch.errors import ArgumentError, DtypeError, FormatError, MissingFileError, ShapeError
from handtorch.vision import ImageReadMode, open_image, read_image, write_image
from handtorch.vision.images import pil_to_tensor, to_pil
from handtorch.vision.transforms import functional as F


@pytest.fixture
def colours() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)


def test_a_png_is_read_as_it_was_written(tmp_path: Path, colours: np.ndarray) -> None:
    path = tmp_path / "a.png"
    write_image(path, colours)
    assert (read_image(path).numpy() == colours.transpose(2, 0, 1)).all()
    write_image(path, handtorch.from_numpy(colours.transpose(2, 0, 1).copy()))
    assert (np.array(open_image(path)) == colours).all()
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("mode", "channels"), [("GRAY", 1), (ImageReadMode.RGB, 3), ("rgb_alpha", 4), ("UNCHANGED", 3), ("GRAY_ALPHA", 2)]
)
def test_the_mode_says_how_many_channels(tmp_path: Path, colours: np.ndarray, mode: str, channels: int) -> None:
    write_image(tmp_path / "a.png", colours)
    assert read_image(tmp_path / "a.png", mode).shape == (channels, 5, 7)


def test_a_palette_is_read_as_colours(tmp_path: Path) -> None:
    Image.new("P", (4, 3), 0).save(tmp_path / "a.gif")
    assert read_image(tmp_path / "a.gif").shape == (3, 3, 4)


def test_a_photograph_is_turned_as_its_camera_says(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees
    Image.new("RGB", (8, 4)).save(tmp_path / "a.jpg", exif=exif)
    assert read_image(tmp_path / "a.jpg").shape == (3, 8, 4)


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "tif", "gif"])
def test_a_file_that_is_cut_short_is_called_so(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)).save(path)
    whole = path.read_bytes()
    for share in (0.02, 0.5, 0.9):
        path.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(FormatError, match=path.name):
            read_image(path)


def test_what_is_no_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("hello")
    with pytest.raises(FormatError, match="no format that Pillow knows"):
        read_image(tmp_path / "a.png")
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(FormatError, match="empty"):
        read_image(tmp_path / "a.png")
    with pytest.raises(MissingFileError, match="found no file"):
        read_image(tmp_path / "b.png")


def test_a_picture_that_is_too_large_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    Image.new("1", (3000, 3000)).save(tmp_path / "a.png")  # a few hundred bytes on disk
    with pytest.raises(FormatError, match="3000 x 3000 pixels"):
        read_image(tmp_path / "a.png", max_pixels=1_000_000)


def test_an_ending_that_nobody_knows_is_refused(tmp_path: Path, colours: np.ndarray) -> None:
    with pytest.raises(ArgumentError, match=r"ending in \.png"):
        write_image(tmp_path / "a.xyz", colours)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "F", "I"])
def test_arrays_and_pil_images_hold_the_same_values(mode: str) -> None:
    image = Image.new(mode, (4, 3), 7 if mode in "LFI" else tuple(range(1, 1 + len(mode))))
    tensor = pil_to_tensor(image)
    assert tensor.shape == (len(image.getbands()), 3, 4)
    back = to_pil(tensor.numpy().transpose(1, 2, 0))
    assert back.mode == mode and back.tobytes() == image.tobytes()


def test_a_bilevel_image_is_true_where_it_is_white(tmp_path: Path) -> None:
    image = Image.fromarray(np.array([[0, 255, 255]], np.uint8)).convert("1")
    assert pil_to_tensor(image).tolist() == [[[False, True, True]]]
    assert F.to_tensor(image).tolist() == [[[0.0, 1.0, 1.0]]]
    image.save(tmp_path / "x.png")
    assert read_image(tmp_path / "x.png").tolist() == [[[0, 255, 255]]]


@pytest.mark.parametrize("name", ["x.png", "x.tif"])
def test_sixteen_bits_keep_their_values(tmp_path: Path, name: str) -> None:
    shades = np.array([[0, 1, 40_000, 65_535]], np.uint16)
    Image.fromarray(shades).save(tmp_path / name)
    assert read_image(tmp_path / name).tolist() == [shades.tolist()]
    with Image.open(tmp_path / name) as image:
        assert F.to_tensor(image).tolist() == [shades.tolist()]


def test_arrays_that_are_no_pictures_are_refused() -> None:
    with pytest.raises(ShapeError, match="1 to 4 channels"):
        to_pil(np.zeros((2, 2, 5), np.uint8))
    with pytest.raises(DtypeError, match="float64"):
        to_pil(np.zeros((2, 2)))
    with pytest.raises(ArgumentError, match="expected a mode"):
        to_pil(np.zeros((2, 2), np.uint8), "RGB")
