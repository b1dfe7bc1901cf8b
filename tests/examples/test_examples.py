import importlib
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.stats import norm

import handtorch

EXAMPLES = Path(__file__).parents[2] / "examples"


def write_idx(path, array):
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    path.write_bytes(header + array.astype(np.uint8).tobytes())


@pytest.fixture(scope="module")
def bars(tmp_path_factory):
    """Fashion-MNIST's files with easy pictures: the kind is where a white bar stands."""
    root = tmp_path_factory.mktemp("bars")
    rng = np.random.default_rng(0)
    for part, count in (("train", 1024), ("t10k", 256)):
        kinds = rng.integers(0, 10, count)
        pictures = rng.integers(0, 60, (count, 28, 28))
        for picture, kind in zip(pictures, kinds, strict=True):
            picture[4 + 2 * kind : 6 + 2 * kind] = 255
        write_idx(root / f"{part}-images-idx3-ubyte", pictures)
        write_idx(root / f"{part}-labels-idx1-ubyte", kinds)
    return root


def run(name, *options):
    command = [sys.executable, EXAMPLES / name, *map(str, options)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_classifier_learns_and_prints_a_line_an_epoch(bars):
    done = run("fashion_mnist.py", "--root", bars, "--epochs", 2, "--batch-size", 32)
    assert done.returncode == 0, done.stderr
    last = done.stdout.splitlines()[-1]
    assert last.startswith("epoch 2: loss")
    assert float(last.split("test accuracy ")[1].split(",")[0]) > 0.9


def test_vae_draws_pictures(bars, tmp_path):
    done = run("vae.py", "--root", bars, "--epochs", 1, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert Image.open(tmp_path / "vae-again.png").size == (280, 56)
    assert Image.open(tmp_path / "vae-new.png").size == (280, 168)


def test_dcgan_draws_pictures_after_every_epoch(bars, tmp_path):
    done = run("dcgan.py", "--root", bars, "--epochs", 2, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["dcgan-01.png", "dcgan-02.png"]
    assert Image.open(tmp_path / "dcgan-01.png").size == (280, 224)


def test_missing_data_are_an_error_without_a_traceback(tmp_path):
    done = run("vae.py", "--root", tmp_path)
    assert done.returncode == 2
    assert "dataset-fashion-mnist" in done.stderr and "Traceback" not in done.stderr


def test_code_of_the_vae_costs_its_divergence_from_a_standard_normal(monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES))
    vae = importlib.import_module("vae")
    mean, spread = 0.7, 0.4
    code = handtorch.full((1, 1), mean), handtorch.full((1, 1), 2 * np.log(spread).item())
    pixels, divergence = vae.loss_of(handtorch.zeros(1, 1, 2, 2), handtorch.zeros(1, 1, 2, 2), *code)
    x = np.linspace(-6, 6, 100_001)
    p = norm.pdf(x, mean, spread)
    expected = np.trapezoid(p * (norm.logpdf(x, mean, spread) - norm.logpdf(x)), x)
    assert divergence.item() == pytest.approx(expected, rel=1e-5)
    assert pixels.item() == pytest.approx(4 * np.log(2), rel=1e-5)
