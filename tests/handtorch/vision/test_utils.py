import io

import numpy as np
import pytest
from PIL import Image

import handtorch
from handtorch.errors import ArgumentError, ShapeError
from handtorch.vision.utils import make_grid, save_image


def test_each_picture_is_at_its_place_and_all_else_is_padding():
    pictures = np.random.default_rng(0).random((7, 3, 4, 5), np.float32)
    grid = make_grid(handtorch.tensor(pictures), nrow=3, padding=2, pad_value=0.5).numpy()
    assert grid.shape == (3, 3 * 6 + 2, 3 * 7 + 2)
    expected = np.full_like(grid, 0.5)
    for number, picture in enumerate(pictures):
        for y in range(4):
            for x in range(5):
                expected[:, 2 + 6 * (number // 3) + y, 2 + 7 * (number % 3) + x] = picture[:, y, x]
    np.testing.assert_array_equal(grid, expected)


def test_a_row_is_no_longer_than_there_are_pictures():
    assert make_grid(handtorch.zeros(3, 3, 4, 4)).shape == (3, 8, 20)
    assert make_grid(handtorch.zeros(3, 3, 4, 4), nrow=1, padding=0).shape == (3, 12, 4)


@pytest.mark.parametrize("shape", [(6, 8), (1, 6, 8), (1, 1, 6, 8), (3, 6, 8)])
def test_one_picture_is_not_padded_and_grey_becomes_coloured(shape):
    values = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    grid = make_grid(handtorch.tensor(values))
    np.testing.assert_array_equal(grid.numpy(), np.broadcast_to(values.reshape(-1, 6, 8), (3, 6, 8)))


def test_a_list_is_taken_and_nothing_is_written_into_it():
    pictures = [handtorch.full((1, 2, 2), float(value)) for value in (-1, 0, 3)]
    grid = make_grid(pictures, nrow=3, padding=0, normalize=True)
    np.testing.assert_allclose(grid.numpy()[0, 0], [0, 0, 0.25, 0.25, 1, 1])
    assert [picture[0, 0, 0].item() for picture in pictures] == [-1, 0, 3]


def test_values_are_moved_to_the_interval_from_0_to_1():
    pictures = handtorch.tensor([[0.0, 2.0], [0.0, 8.0]]).reshape(2, 1, 1, 2)
    together, each = (make_grid(pictures, padding=0, normalize=True, scale_each=flag) for flag in (False, True))
    np.testing.assert_allclose(together.numpy()[0], [[0, 0.25, 0, 1]])
    np.testing.assert_allclose(each.numpy()[0], [[0, 1, 0, 1]])
    cut = make_grid(pictures, padding=0, normalize=True, value_range=(1, 5))
    np.testing.assert_allclose(cut.numpy()[0], [[0, 0.25, 0, 1]])
    assert make_grid(handtorch.ones(2, 1, 2, 2), normalize=True).max() == 0


def test_a_file_has_the_pixels_of_the_grid(tmp_path):
    pictures = handtorch.rand(4, 3, 5, 5) * 1.2 - 0.1
    save_image(pictures, tmp_path / "grid.png", nrow=2)
    save_image(pictures, memory := io.BytesIO(), format="png", nrow=2)
    found = np.asarray(Image.open(tmp_path / "grid.png"))
    np.testing.assert_array_equal(found, np.asarray(Image.open(memory)))
    expected = np.rint(np.clip(make_grid(pictures, nrow=2).numpy().transpose(1, 2, 0), 0, 1) * 255)
    assert found.shape == (16, 16, 3) and np.abs(found - expected).max() <= 1


def test_what_are_no_pictures_is_refused():
    with pytest.raises(TypeError, match="tensor or list of tensors expected"):
        make_grid([1, 2])
    with pytest.raises(TypeError, match="value_range has to be a tuple"):
        make_grid(handtorch.zeros(2, 1, 2, 2), normalize=True, value_range=[0, 1])
    with pytest.raises(ShapeError, match="pictures of one size"):
        make_grid([handtorch.zeros(1, 2, 2), handtorch.zeros(1, 2, 3)])
    with pytest.raises(ShapeError, match="got \\(5,\\)"):
        make_grid(handtorch.zeros(5))
    for pictures, nrow in ((handtorch.zeros(0, 3, 2, 2), 8), (handtorch.zeros(2, 3, 2, 2), 0)):
        with pytest.raises(ArgumentError, match="one or more in a row"):
            make_grid(pictures, nrow=nrow)
