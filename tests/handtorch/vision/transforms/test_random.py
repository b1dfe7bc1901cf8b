"""Chance: the seed decides, the draws have the spread that they promise, and workers draw as the main process does."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from PIL import Image

import handtorch
from handtorch.errors import ArgumentError, DtypeError
from handtorch.utils.data import DataLoader
from handtorch.vision import transforms as T
from handtorch.vision.transforms import functional as F

RANDOM = [
    T.RandomCrop(16, padding=4),
    T.RandomResizedCrop(16),
    T.RandomHorizontalFlip(),
    T.RandomVerticalFlip(),
    T.RandomRotation(30),
    T.RandomAffine(20, (0.2, 0.1), (0.8, 1.2), (-5, 5, -3, 3)),
    T.RandomGrayscale(0.5),
    T.ColorJitter(0.4, 0.4, 0.4, 0.1),
    T.GaussianBlur(5),
    T.RandomErasing(value="random"),
    T.RandomPerspective(),
    T.RandomInvert(),
    T.TrivialAugmentWide(),
    T.AutoAugment(),
    T.RandomApply([T.RandomRotation(90)], 0.5),
    T.RandomChoice([T.RandomRotation(90), T.ColorJitter(0.5)], p=[1, 3]),
    T.RandomOrder([T.RandomRotation(20), T.RandomCrop(12)]),
    T.RandAugment(),
]


def picture() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8))


# Random erasing takes tensors alone, as in torchvision.
KINDS = [(kind, t) for kind in ("pil", "tensor") for t in RANDOM if kind == "tensor" or type(t) is not T.RandomErasing]


@pytest.mark.parametrize(("kind", "transform"), KINDS, ids=[f"{kind}-{type(t).__name__}" for kind, t in KINDS])
def test_the_seed_decides(kind: str, transform: Any) -> None:
    whole = picture() if kind == "pil" else F.pil_to_tensor(picture())

    def run(seed: int) -> list[bytes]:
        handtorch.manual_seed(seed)
        return [np.array(transform(whole)).tobytes() for _ in range(12)]

    first = run(5)
    assert first == run(5)
    assert len(set(first)) > 1 and first != run(6)


class Augmented:
    """A data set whose samples are drawn anew each time."""

    transform = T.Compose([T.RandomResizedCrop(12), T.RandomHorizontalFlip(), T.ToTensor()])

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> Any:
        return self.transform(picture())


def test_workers_draw_their_own_numbers_and_the_seed_decides_them() -> None:
    def run() -> list[bytes]:
        handtorch.manual_seed(3)
        batches = DataLoader(Augmented(), batch_size=2, num_workers=2)  # type: ignore[arg-type]
        return [sample.numpy().tobytes() for batch in batches for sample in batch]

    first = run()
    assert first == run()
    assert len(set(first)) == 8


def test_a_crop_lies_anywhere_with_equal_chance() -> None:
    handtorch.manual_seed(0)
    counts = Counter(T.RandomCrop.get_params(handtorch.zeros(1, 6, 5), (4, 4)) for _ in range(3000))
    assert len(counts) == 6
    assert min(counts.values()) > 400


def test_a_resized_crop_keeps_within_its_scale_and_ratio() -> None:
    handtorch.manual_seed(0)
    shapes = np.array(
        [T.RandomResizedCrop.get_params(handtorch.zeros(1, 100, 120), (0.2, 0.5), (0.5, 2.0)) for _ in range(500)]
    )
    top, left, height, width = shapes.T
    assert (top >= 0).all() and (left >= 0).all() and (top + height <= 100).all() and (left + width <= 120).all()
    area, ratio = height * width / 12000, width / height
    assert 0.19 < area.min() < 0.22 and 0.48 < area.max() < 0.51
    assert 0.48 < ratio.min() < 0.55 and 1.8 < ratio.max() < 2.05
    assert abs(np.log(ratio).mean()) < 0.08


def test_a_picture_of_a_shape_that_is_not_allowed_gives_its_middle() -> None:
    assert T.RandomResizedCrop.get_params(handtorch.zeros(1, 10, 1000), (0.9, 1.0), (1.0, 2.0)) == (0, 490, 10, 20)


def test_jitter_takes_the_four_in_every_order() -> None:
    handtorch.manual_seed(0)
    orders = {tuple(T.ColorJitter.get_params(None, None, None, None)[0]) for _ in range(400)}
    assert len(orders) == 24


def test_probabilities_are_kept() -> None:
    handtorch.manual_seed(0)
    left_black = handtorch.tensor([[[0.0, 1.0]]])
    flips = sum(float(T.RandomHorizontalFlip(0.3)(left_black)[0, 0, 0]) for _ in range(2000))
    assert 520 < flips < 680
    chosen = [T.RandomChoice([lambda x: "a", lambda x: "b"], p=[1, 4])(0) for _ in range(1000)]
    assert 740 < chosen.count("b") < 860


def test_erasing_paints_a_rectangle_of_its_value() -> None:
    handtorch.manual_seed(0)
    erase = T.RandomErasing(1.0, scale=(0.1, 0.2), value=(1.0, 2.0, 3.0))
    for _ in range(20):
        painted = erase(handtorch.zeros(3, 40, 40)).numpy()
        rows, columns = np.nonzero(painted[0])
        height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
        assert len(rows) == height * width and 140 <= height * width <= 340
        assert (painted == painted[:1] * np.array([1, 2, 3])[:, None, None]).all()


@pytest.mark.parametrize("name", T.RandAugment().choices(10, 10))
def test_every_augmentation_does_to_tensors_what_it_does_to_images(name: str) -> None:
    augment = T.RandAugment(magnitude=15)
    rows, columns = np.mgrid[:30, :40]
    colours = np.stack([rows * rows // 5, 5 * columns, rows * columns // 6], axis=-1)
    noise = np.random.default_rng(0).integers(0, 30, colours.shape)
    image = Image.fromarray((colours + noise).astype(np.uint8))
    strength = augment.choices(30, 40)[name].at(augment.magnitude, augment.num_magnitude_bins)
    changed = np.array(augment.apply(image, name, strength)).astype(int)
    tensor = augment.apply(F.pil_to_tensor(image), name, strength).numpy().transpose(1, 2, 0).astype(int)
    assert (np.abs(changed - tensor).max(axis=-1) > 2).mean() < 0.02
    assert name == "Identity" or (changed != np.array(image)).any()


def test_mixup_mixes_each_picture_with_the_one_before_and_its_label_alike() -> None:
    handtorch.manual_seed(0)
    images = handtorch.eye(4).reshape(4, 1, 2, 2)
    mixed, labels = T.MixUp(alpha=0.7, num_classes=4)(images, handtorch.arange(4))
    # Pictures are their own labels here.
    np.testing.assert_allclose(mixed.reshape(4, 4).numpy(), labels.numpy(), atol=1e-7)
    share = float(labels[0, 0])
    np.testing.assert_allclose(labels.numpy(), share * np.eye(4) + (1 - share) * np.eye(4)[[3, 0, 1, 2]], atol=1e-6)
    shares = [float(T.MixUp(num_classes=4)(images, handtorch.arange(4))[1][0, 0]) for _ in range(500)]
    assert 0.45 < np.mean(shares) < 0.55 and 0.07 < np.var(shares) < 0.1  # of the uniform distribution: 1/2, 1/12


def test_cutmix_mixes_labels_by_area() -> None:
    handtorch.manual_seed(0)
    images = handtorch.arange(3.0).reshape(3, 1, 1, 1).expand(3, 2, 20, 30).contiguous()
    for _ in range(20):
        mixed, labels = T.CutMix(num_classes=3)(images, handtorch.arange(3))
        kept = (mixed.numpy() == np.arange(3)[:, None, None, None]).mean(axis=(1, 2, 3))
        np.testing.assert_allclose(labels.numpy()[range(3), range(3)], kept, atol=1e-6)
        np.testing.assert_allclose(labels.numpy().sum(axis=1), 1, atol=1e-6)


def test_mixtures_take_probabilities_and_refuse_numbers_without_a_count() -> None:
    images = handtorch.rand(2, 3, 4, 4)
    assert T.MixUp()(images, handtorch.tensor([[0.5, 0.5], [1.0, 0.0]]))[1].shape == (2, 2)
    with pytest.raises(ArgumentError, match="num_classes must be passed"):
        T.MixUp()(images, handtorch.tensor([0, 1]))
    with pytest.raises(ArgumentError, match="expected labels from 0 to 1"):
        T.CutMix(num_classes=2)(images, handtorch.tensor([0, 2]))
    with pytest.raises(ArgumentError, match="does not match the batch size"):
        T.MixUp(num_classes=2)(images, handtorch.tensor([0, 1, 1]))
    with pytest.raises(DtypeError, match="whole numbers"):
        T.MixUp(num_classes=2)(images, handtorch.tensor([True, False]))
    with pytest.raises(DtypeError, match="batch of floats"):
        T.MixUp(num_classes=2)((255 * images).to(handtorch.uint8), handtorch.tensor([0, 1]))


def test_cutmix_takes_whole_numbers_as_they_are() -> None:
    handtorch.manual_seed(0)
    images = handtorch.tensor([[[[7] * 9] * 9], [[[200] * 9] * 9]], dtype=handtorch.uint8)
    mixed, shares = T.CutMix(num_classes=2)(images, handtorch.tensor([0, 1]))
    assert mixed.dtype == handtorch.uint8
    np.testing.assert_allclose(shares.numpy()[:, 0], (mixed.numpy() == 7).mean(axis=(1, 2, 3)), atol=1e-6)


@pytest.mark.parametrize(
    "make",
    [
        lambda: T.Pad((1, 2, 3)),
        lambda: T.RandomRotation(-1),
        lambda: T.RandomAffine(0, translate=(2, 0)),
        lambda: T.RandomAffine(0, scale=(0, 1)),
        lambda: T.ColorJitter(hue=0.7),
        lambda: T.ColorJitter(brightness=(2, 1)),
        lambda: T.GaussianBlur(4),
        lambda: T.GaussianBlur(3, (2.0, 1.0)),
        lambda: T.RandomErasing(p=2),
        lambda: T.RandomErasing(value="white"),
        lambda: T.RandAugment(magnitude=31),
        lambda: T.AutoAugment("coco"),  # type: ignore[arg-type]
        lambda: T.RandomPerspective(2.0),
        lambda: T.FiveCrop(9)(handtorch.zeros(1, 8, 8)),
        lambda: T.CutMix(num_classes=3)(handtorch.zeros(3, 8, 8), handtorch.tensor([0, 1, 2])),
        lambda: T.MixUp(alpha=0),
        lambda: T.RandomCrop(9)(handtorch.zeros(1, 8, 8)),
    ],
)
def test_settings_that_make_no_sense_are_refused(make: Any) -> None:
    with pytest.raises(ValueError):
        make()


def test_transforms_print_what_they_do() -> None:
    text = repr(T.Compose([T.Resize(8), T.Normalize([0.5], [0.5]), T.RandomApply([T.CenterCrop(3)], 0.2)]))
    assert "Resize(size=8, interpolation=bilinear, max_size=None, antialias=True)" in text
    assert "Normalize(mean=[0.5], std=[0.5])" in text and "p=0.2" in text
