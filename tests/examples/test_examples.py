import importlib
import itertools
import random
import re
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


def sequences(tokens):
    """Seven hundred of those of two to four tokens, the same ones every time."""
    every = [each for length in (2, 3, 4) for each in itertools.product(tokens, repeat=length)]
    return sorted(random.Random(0).sample(every, 700))


def last_numbers(output, pattern):
    return [float(number) for number in re.search(pattern, output).groups()]


def run(name, *options):
    command = [sys.executable, EXAMPLES / name, *map(str, options)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


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


def test_g2p_says_words_that_it_has_never_read(tmp_path):
    sounds = dict(zip("aeinst", ("AE", "EH0", "IH1", "N", "S", "T"), strict=True))
    words = ("".join(word) + " " + " ".join(map(sounds.get, word)) for word in sequences(sounds))
    (tmp_path / "cmudict.dict").write_text("\n".join(words))
    done = run("g2p.py", "--root", tmp_path, "--epochs", 4, "--batch-size", 16, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    phones, whole = last_numbers(done.stdout, r"phone error rate ([\d.]+), words with an error ([\d.]+)")
    assert phones < 0.1 and whole < 0.3
    assert Image.open(tmp_path / "out/handtorch.png").width > 200


def test_translation_learns_words_and_their_order_from_a_file_of_pairs(tmp_path):
    english, spanish = "one two three four five six".split(), "uno dos tres cuatro cinco seis".split()
    numbers = dict(zip(english, spanish, strict=True))
    texts = (" ".join(text) + "\t" + " ".join(numbers[word] for word in reversed(text)) for text in sequences(numbers))
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("\n".join(texts))
    done = run("translation.py", "--root", pairs, "--epochs", 4, "--batch-size", 16, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    _, chrf = last_numbers(done.stdout, r"BLEU ([\d.]+), chrF ([\d.]+)")
    assert chrf > 90
    assert Image.open(tmp_path / "out/attention.png").width > 200


def test_missing_data_are_an_error_without_a_traceback(tmp_path):
    done = run("vae.py", "--root", tmp_path)
    assert done.returncode == 2
    assert "dataset-fashion-mnist" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(("name", "hint"), [("g2p.py", "cmudict.dict"), ("translation.py", "sword-text-kjv")])
def test_missing_texts_are_an_error_without_a_traceback(name, hint, tmp_path):
    done = run(name, "--root", tmp_path)
    assert done.returncode == 2
    assert hint in done.stderr and "Traceback" not in done.stderr


def test_line_without_a_tab_is_an_error_without_a_traceback(tmp_path):
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("one\tuno\ntwo")
    done = run("translation.py", "--root", pairs)
    assert done.returncode == 2
    assert "line 2" in done.stderr and "Traceback" not in done.stderr


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
