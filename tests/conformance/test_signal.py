"""What the database does not look at: windows under their older names, frequencies, and stft with every option."""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import handtorch  # noqa: E402

WINDOWS = ["bartlett_window", "blackman_window", "hamming_window", "hann_window", "kaiser_window"]
SIGNAL = np.random.default_rng(0).standard_normal((2, 50))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize(("length", "periodic"), [(0, True), (1, True), (2, False), (9, True), (16, False)])
@pytest.mark.parametrize("name", WINDOWS)
def test_older_windows_agree(name: str, length: int, periodic: bool, dtype: str) -> None:
    theirs = getattr(torch, name)(length, periodic, dtype=getattr(torch, dtype))
    ours = getattr(handtorch, name)(length, periodic, dtype=getattr(handtorch, dtype))
    assert str(ours.array.dtype) == dtype
    tolerance = {"float16": 2e-3, "float32": 1e-6, "float64": 1e-14}[dtype]
    np.testing.assert_allclose(ours.array, theirs.numpy(), atol=tolerance)


@pytest.mark.parametrize("n", [0, 1, 4, 5])
def test_frequencies_agree_to_the_bit(n: int) -> None:
    np.testing.assert_array_equal(handtorch.fft.fftfreq(n, 0.3).array, torch.fft.fftfreq(n, 0.3).numpy())
    np.testing.assert_array_equal(handtorch.fft.rfftfreq(n, 0.3).array, torch.fft.rfftfreq(n, 0.3).numpy())


OPTIONS = [
    dict(zip(("n_fft", "hop_length", "win_length", "center", "normalized", "onesided"), choice, strict=True))
    for choice in itertools.product((8, 9), (None, 3), (None, 7), (True, False), (True, False), (None, False))
]


def both(options: dict[str, Any], **more: Any) -> tuple[Any, Any]:
    """stft and istft of PyTorch and of Handtorch: (X, x) each, or what was raised instead of x."""
    results = []
    for framework in (torch, handtorch):
        window = framework.hamming_window(options["win_length"] or options["n_fft"], dtype=framework.float64)
        x = framework.from_numpy(SIGNAL)
        spectrum = framework.stft(x, **options, **more, window=window, return_complex=True)
        back: Any
        try:
            back = framework.istft(spectrum, **options, window=window).numpy()
        except RuntimeError:
            back = RuntimeError
        results.append((spectrum.numpy(), back))
    return results[0], results[1]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_stft_and_istft_agree_in_every_option(options: dict[str, Any]) -> None:
    more = {} if options["center"] else {"align_to_window": options["normalized"]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (their_spectrum, their_signal), (our_spectrum, our_signal) = both(options, **more)
    np.testing.assert_allclose(our_spectrum, their_spectrum, atol=1e-12)
    if their_signal is RuntimeError or our_signal is RuntimeError:
        assert our_signal is their_signal
    else:
        np.testing.assert_allclose(our_signal, their_signal, atol=1e-12)
