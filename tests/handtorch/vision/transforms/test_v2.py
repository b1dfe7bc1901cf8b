import numpy as np
import pytest
from PIL import Image

import handtorch
from handtorch.vision import transforms
from handtorch.vision.transforms import v2

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
PICTURE = Image.fromarray(PIXELS)


def test_to_image_and_to_dtype_are_to_tensor():
    both = v2.Compose([v2.ToImage(), v2.ToDtype(handtorch.float32, scale=True)])
    np.testing.assert_array_equal(both(PICTURE).numpy(), transforms.ToTensor()(PICTURE).numpy())


def test_to_image_takes_whatever_is_a_picture_and_leaves_its_values():
    expected = PIXELS.transpose(2, 0, 1)
    for picture in (PICTURE, PIXELS, handtorch.tensor(expected)):
        np.testing.assert_array_equal(v2.ToImage()(picture).numpy(), expected)
    for grey in (PIXELS[:, :, 0], handtorch.tensor(PIXELS[:, :, 0]), Image.fromarray(PIXELS[:, :, 0])):
        np.testing.assert_array_equal(v2.functional.to_image(grey).numpy(), expected[:1])
    with pytest.raises(TypeError, match="but got <class 'int'> instead"):
        v2.ToImage()(3)


def test_an_array_is_not_shared_with_its_picture():
    array = PIXELS.copy()
    picture = v2.ToImage()(array)
    array[:] = 0
    np.testing.assert_array_equal(picture.numpy(), PIXELS.transpose(2, 0, 1))


def test_to_dtype_scales_only_when_asked():
    picture = v2.ToImage()(PICTURE)
    assert v2.ToDtype(handtorch.float32)(picture).max() == PIXELS.max()
    scaled = v2.ToDtype(handtorch.float32, scale=True)(picture)
    np.testing.assert_allclose(scaled.numpy(), PIXELS.transpose(2, 0, 1) / 255, rtol=1e-6)
    np.testing.assert_array_equal(v2.functional.to_dtype(scaled, handtorch.uint8, scale=True).numpy(), picture.numpy())
    with pytest.raises(TypeError, match="ToImage makes one"):
        v2.ToDtype(handtorch.float32)(PICTURE)
    with pytest.raises(TypeError, match="got a dict"):
        v2.ToDtype({Image: handtorch.float32})


def test_all_other_names_are_those_of_transforms():
    for name in transforms.__all__:
        if name != "functional":
            assert getattr(v2, name) is getattr(transforms, name)
    assert v2.functional.horizontal_flip is transforms.functional.hflip
    assert v2.functional.resize is transforms.functional.resize
    assert all(hasattr(v2, name) for name in v2.__all__)
