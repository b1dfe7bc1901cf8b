"""Scripts that import torchvision run as they are, and are told what Handtorch has not of it."""

import re
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SCRIPTS = Path(__file__).parent / "torchvision_scripts"


def run(*arguments, folder):
    command = [sys.executable, "-m", "handtorch", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def write_idx(path, values):
    path.write_bytes(struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape) + values.tobytes())


def test_a_classifier_of_fashion_mnist_trains(tmp_path):
    raw = tmp_path / "data/FashionMNIST/raw"
    raw.mkdir(parents=True)
    rng = np.random.default_rng(0)
    patterns = rng.integers(0, 256, (10, 4, 4)).repeat(7, axis=1).repeat(7, axis=2)
    for part, count in (("train", 512), ("t10k", 100)):
        labels = rng.integers(0, 10, count).astype(np.uint8)
        noisy = np.clip(patterns[labels] + rng.normal(0, 40, (count, 28, 28)), 0, 255).astype(np.uint8)
        write_idx(raw / f"{part}-images-idx3-ubyte", noisy)
        write_idx(raw / f"{part}-labels-idx1-ubyte", labels)
    told = run(SCRIPTS / "fashion.py", folder=tmp_path)
    assert "grid (3, 122, 242) 0.0 1.0" in told
    right = [int(number) for number in re.findall(r"right (\d+)/100", told)]
    assert len(right) == 3 and right[-1] > 90
    assert Image.open(tmp_path / "images.png").size == (242, 32) and (tmp_path / "fashion_cnn.pt").exists()


def test_a_resnet_is_fine_tuned_on_a_folder_of_pictures(tmp_path):
    rng = np.random.default_rng(0)
    for split, count in (("train", 16), ("val", 6)):
        for name, colour in (("ants", (200, 40, 40)), ("bees", (40, 40, 200))):
            folder = tmp_path / "hymenoptera" / split / name
            folder.mkdir(parents=True)
            for number in range(count):
                noisy = np.clip(np.array(colour) + rng.normal(0, 30, (40, 48, 3)), 0, 255)
                Image.fromarray(noisy.astype(np.uint8)).save(folder / f"{number:02d}.png")
    told = run(SCRIPTS / "transfer.py", folder=tmp_path)
    assert "classes ['ants', 'bees'] {'train': 32, 'val': 12}" in told and "blocks 8" in told
    assert re.findall(r"train right (\d+)", told)[-1] == "32"
    assert "picture (3, 16, 24) torch.uint8" in told


NAMES = [
    ("torchvision.datasets.NoSuchDataset('.')", "torchvision.datasets.NoSuchDataset"),
    ("from torchvision.datasets import NoSuchDataset", "torchvision.datasets.NoSuchDataset"),
    ("from torchvision.models import NoSuchWeights", "torchvision.models.NoSuchWeights"),
    ("torchvision.models.no_such_network()", "torchvision.models.no_such_network"),
    ("transforms.NoSuchTransform()", "torchvision.transforms.NoSuchTransform"),
    ("from torchvision.transforms import v2; v2.NoSuchTransform", "torchvision.transforms.v2.NoSuchTransform"),
    ("transforms.functional.no_such_function", "torchvision.transforms.functional.no_such_function"),
    ("torchvision.utils.no_such_function", "torchvision.utils.no_such_function"),
    ("torchvision.io.no_such_function", "torchvision.io.no_such_function"),
    ("torchvision.no_such_part", "torchvision.no_such_part"),
    ("from torchvision import no_such_part", "torchvision.no_such_part"),
    ("transforms.ToTensor().no_such_method()", "torchvision.transforms.ToTensor.no_such_method"),
]
EVERY_LINE = """
import torchvision
from torchvision import transforms
from handtorch.compat import importing

for line in {lines!r}:
    try:
        exec(line)
    except (AttributeError, ImportError) as error:
        importing.say_what_is_missing(error)
        print(error)
"""


def test_every_missing_name_is_said_in_full(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(EVERY_LINE.format(lines=[line for line, _ in NAMES]))
    assert run(script, folder=tmp_path).splitlines() == [f"{name} is not built in Handtorch" for _, name in NAMES]


def test_a_missing_module_and_weights_that_would_be_downloaded_are_explained(tmp_path):
    told = run("-c", """
import torchvision
for line in ("import torchvision.no_such_part", "torchvision.models.resnet18(pretrained=True)"):
    try:
        exec(line)
    except (ImportError, ValueError) as error:
        print(error)
torchvision.models.resnet18(pretrained=False)
""", folder=tmp_path)  # fmt: skip
    assert "No module named 'torchvision.no_such_part' in Handtorch: this part of torchvision is not built" in told
    assert "nothing is downloaded" in told


def test_modules_are_one_and_the_same_under_each_of_their_names(tmp_path):
    told = run("-c", """
import torchvision, torchvision.models.resnet, torchvision.transforms.transforms as listed
import torchvision.transforms as T, torchvision.transforms.functional as TF, torchvision.transforms.v2.functional as VF
from torchvision import models, transforms, utils
from torchvision.transforms import v2, InterpolationMode, functional
from torchvision.transforms.v2 import functional as functional_v2
from torchvision.datasets.folder import IMG_EXTENSIONS, default_loader
from torchvision.datasets.vision import VisionDataset
from torchvision.models import ResNet, resnet18
from torchvision.models.mobilenetv2 import MobileNetV2
assert T is transforms is torchvision.transforms and listed.Compose is T.Compose is v2.Compose
assert TF is functional is T.functional and VF is functional_v2 is v2.functional and VF.resize is TF.resize
assert torchvision.models.resnet.ResNet is ResNet and models.resnet18 is resnet18
assert torchvision.utils is utils and torchvision.__version__.startswith("0.28")
print("same")
""", folder=tmp_path)  # fmt: skip
    assert told == "same\n"


@pytest.mark.parametrize("name", ["torchvision", "torch"])
def test_names_are_given_back(tmp_path, name):
    told = run("-c", f"""
import sys, torch, torchvision.transforms.v2
from handtorch.compat import importing
importing.uninstall()
print([key for key in sys.modules if key.partition(".")[0] == {name!r}])
""", folder=tmp_path)  # fmt: skip
    assert told == "[]\n"
