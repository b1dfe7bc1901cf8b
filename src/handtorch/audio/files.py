"""Recordings on disk: wav, flac and ogg both ways, and NIST SPHERE to read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from handtorch.audio.checks import Floats, as_waveform, check_positive
from handtorch.audio.resampling import resample
from handtorch.audio.truncation import missing_bytes
from handtorch.errors import ArgumentError, FormatError, MissingFileError, ShapeError, require
from handtorch.io.atomic import atomic_write

_FORMATS = {".wav": ("WAV", "PCM_16"), ".flac": ("FLAC", "PCM_16"), ".ogg": ("OGG", "VORBIS")}

# Frames written at once: some releases of the Vorbis encoder overflow the stack on a long array.
_WRITE_BLOCK = 1 << 16


def read(path: str | os.PathLike[str], *, sample_rate: int | None = None, mono: bool = True) -> tuple[Floats, int]:
    """Read a recording.

    Args:
        path: a wav, flac, ogg or NIST SPHERE file, told apart by what is in it.
        sample_rate: Hz to change to after reading; the default keeps that of the file.
        mono: average the channels. ``False`` keeps them.

    Returns:
        the waveform, float32 (S,) in [-1, 1], or (S, C) for C channels when ``mono`` is ``False``; and its sample rate
        in Hz.

    Raises:
        MissingFileError: there is no such file.
        FormatError: the file is empty, cut short, holds no samples or is no recording that can be read.
        MissingExtraError: the package soundfile is not installed.
    """
    if not Path(path).is_file():
        raise MissingFileError(f"expected a recording at {os.fspath(path)}, found no file; check the path")
    if Path(path).stat().st_size == 0:
        raise FormatError(f"expected a recording at {os.fspath(path)}, the file is empty (0 bytes); fetch it again")
    samples, rate = _decode(path)
    if mono:
        samples = samples.mean(axis=1) if samples.shape[1] > 1 else samples[:, 0]
    if sample_rate is None or sample_rate == rate:
        return np.ascontiguousarray(samples), rate
    if mono:
        return resample(samples, rate, sample_rate), sample_rate
    return np.stack([resample(channel, rate, sample_rate) for channel in samples.T], axis=1), sample_rate


def _decode(path: str | os.PathLike[str]) -> tuple[Floats, int]:
    """All samples, (S, C), and the sample rate in Hz."""
    soundfile = require("soundfile", extra="speech")
    lacking = missing_bytes(path)
    if lacking:
        raise FormatError(f"{os.fspath(path)} is cut short: its header announces more than is there; fetch it again")
    try:
        with soundfile.SoundFile(path) as file:
            samples, rate, announced = file.read(dtype="float32", always_2d=True), file.samplerate, file.frames
    except (soundfile.SoundFileError, TypeError) as error:
        # TypeError: the name ends in .raw, and soundfile wants to be told the rate.
        raise FormatError(f"cannot read {os.fspath(path)}: {_reason(path, error)}") from None
    if len(samples) < announced:
        raise FormatError(
            f"{os.fspath(path)} is cut short: it announces {announced} samples and holds {len(samples)}; fetch it again"
        )
    if len(samples) == 0:
        raise FormatError(f"{os.fspath(path)} holds no samples")
    return samples, int(rate)


def _reason(path: str | os.PathLike[str], error: Exception) -> str:
    with open(path, "rb") as file:
        head = file.read(1024)
    if head.startswith(b"NIST_1A") and b"shorten" in head:
        return "it is a SPHERE file compressed by shorten; decompress it with sph2pipe or sox first"
    if head.startswith(b"fLaC"):
        return f"the flac file is damaged or cut short ({error}); fetch it again"
    return f"expected wav, flac, ogg or NIST SPHERE; convert it, for example to 16-bit wav ({error})"


def write(path: str | os.PathLike[str], waveform: npt.ArrayLike, sample_rate: int) -> None:
    """Write a recording; the file appears whole or not at all.

    Args:
        path: ends in ``.wav`` or ``.flac`` (16-bit, without loss beyond that) or ``.ogg`` (Vorbis, lossy).
        waveform: (S,), or (S, C) for C channels; what leaves [-1, 1] is clipped.
        sample_rate: Hz.

    Raises:
        ArgumentError: the name has another ending.
        ShapeError: the waveform is empty or has more than two axes.
        MissingExtraError: the package soundfile is not installed.
    """
    check_positive(sample_rate=sample_rate)
    suffix = Path(path).suffix.lower()
    if suffix not in _FORMATS:
        raise ArgumentError(f"expected a name ending in {', '.join(_FORMATS)}, got {os.fspath(path)!r}")
    samples = _as_channels(waveform)
    soundfile: Any = require("soundfile", extra="speech")
    container, coding = _FORMATS[suffix]
    with (
        atomic_write(path) as file,
        soundfile.SoundFile(
            file, "w", samplerate=sample_rate, channels=samples.shape[1], format=container, subtype=coding
        ) as out,
    ):
        for start in range(0, len(samples), _WRITE_BLOCK):
            out.write(samples[start : start + _WRITE_BLOCK])


def _as_channels(waveform: npt.ArrayLike) -> Floats:
    array = np.asarray(waveform)
    if array.ndim not in (1, 2) or len(array) == 0:
        raise ShapeError(f"expected a waveform of shape (S,) or (S, C) with at least one sample, got {array.shape}")
    channels = [array] if array.ndim == 1 else list(array.T)
    return np.clip(np.stack([as_waveform(channel) for channel in channels], axis=1), -1.0, 1.0)
