"""What transforms do, as functions, under the names of torchvision.transforms.functional.

A family a module; ``kinds`` tells PIL images from tensors.
"""

from handtorch.vision.transforms.functional.blurring import gaussian_blur
from handtorch.vision.transforms.functional.colour import (
    adjust_brightness,
    adjust_contrast,
    adjust_gamma,
    adjust_hue,
    adjust_saturation,
    adjust_sharpness,
    autocontrast,
    equalize,
    invert,
    posterize,
    rgb_to_grayscale,
    solarize,
    to_grayscale,
)
from handtorch.vision.transforms.functional.conversion import (
    convert_image_dtype,
    normalize,
    pil_to_tensor,
    to_pil_image,
    to_tensor,
)
from handtorch.vision.transforms.functional.cropping import center_crop, crop, erase, hflip, pad, resized_crop, vflip
from handtorch.vision.transforms.functional.kinds import get_dimensions, get_image_num_channels, get_image_size
from handtorch.vision.transforms.functional.modes import InterpolationMode
from handtorch.vision.transforms.functional.resizing import resize
from handtorch.vision.transforms.functional.several import five_crop, ten_crop
from handtorch.vision.transforms.functional.warping import affine, perspective, rotate
