"""TIMIT: sentences whose every phone was marked by hand (Garofolo et al. 1993, LDC93S1).

::

    <root>/TRAIN/DR1/FCJF0/SX127.WAV   NIST SPHERE, 16 kHz; also named SX127.WAV.wav or in small letters
    <root>/TRAIN/DR1/FCJF0/SX127.PHN   lines "<first sample> <sample after the last> <phone>"
    <root>/TRAIN/DR1/FCJF0/SX127.TXT   "<first sample> <last sample> The sentence."
"""

from __future__ import annotations

import os
from pathlib import Path

from handtorch.audio.checks import check_choice
from handtorch.audio.datasets.timit_phones import fold_segments
from handtorch.audio.datasets.utterance import Segment, Utterance, Utterances
from handtorch.audio.files import read
from handtorch.errors import FormatError
from handtorch.io.folders import require_folder, wrong_layout

_LAYOUT = "the TIMIT layout {TRAIN,TEST}/DR1 to DR8/<speaker>/<sentence>.WAV with .PHN"

CORE_TEST_SPEAKERS = {
    "dr1": ("mdab0", "mwbt0", "felc0"),
    "dr2": ("mtas1", "mwew0", "fpas0"),
    "dr3": ("mjmp0", "mlnt0", "fpkt0"),
    "dr4": ("mlll0", "mtls0", "fjlm0"),
    "dr5": ("mbpm0", "mklt0", "fnlp0"),
    "dr6": ("mcmj0", "mjdh0", "fmgd0"),
    "dr7": ("mgrt0", "mnjm0", "fdhc0"),
    "dr8": ("mjln0", "mpam0", "fmld0"),
}
"""The 24 speakers of the core test set: two men and one woman from each of the 8 dialect regions."""


class Timit(Utterances):
    """The sentences of one split of TIMIT, sorted by region, speaker and sentence.

    Args:
        root: the folder that holds ``TRAIN`` and ``TEST``, or the one above it named ``TIMIT`` or ``data``.
        split: ``"train"`` (462 speakers), ``"test"`` (168) or ``"core"``, the 24 of them on which error rates are
            published.
        fold: fold the 61 phones into 39 (Lee & Hon 1989), see :func:`~handtorch.audio.datasets.fold`.
        with_sa: keep the two sentences SA1 and SA2, which every speaker reads; papers leave them out, as a network
            learns them by heart. Without them train has 3,696, test 1,344 and core 192 sentences.
        limit: take only so many sentences, the first ones.

    ``dataset[i]`` reads a recording: ``waveform`` (S,), ``sample_rate``, ``segments`` with bounds in samples,
    ``labels`` (one a segment), ``text`` where there is a .TXT file, ``speaker``.
    :func:`~handtorch.audio.datasets.frame_labels` makes labels of frames from the segments; where folding dropped a
    glottal stop, they hold ``sil``.

    Raises:
        MissingFileError: the folder is not there.
        FormatError: it is laid out otherwise, or a .PHN file is missing or has a line that makes no sense.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        split: str = "train",
        *,
        fold: bool = True,
        with_sa: bool = False,
        limit: int | None = None,
    ) -> None:
        check_choice("split", split, ("train", "test", "core"))
        folder = _split_folder(require_folder(Path(root), _LAYOUT), "train" if split == "train" else "test")
        recordings = [path for path in folder.glob("*/*/*") if _is_recording(path)]
        if not recordings:
            raise wrong_layout(folder, _LAYOUT)
        if split == "core":
            recordings = [path for path in recordings if _is_core(path)]
        if not with_sa:
            recordings = [path for path in recordings if not path.name.lower().startswith("sa")]
        self._recordings = sorted(recordings, key=_identity)[:limit]
        self.ids = [_identity(path) for path in self._recordings]
        """``<region>-<speaker>-<sentence>`` in small letters, such as ``dr1-fcjf0-sx127``."""
        self.fold = fold

    def _read(self, number: int) -> Utterance:
        path = self._recordings[number]
        phones = _beside(path, ".phn")
        if phones is None:
            raise FormatError(f"expected the phones of {path} in a .PHN file beside it, found none")
        segments = _read_phones(phones)
        if self.fold:
            segments = fold_segments(segments)
        waveform, rate = read(path)
        return Utterance(
            id=self.ids[number],
            waveform=waveform,
            sample_rate=rate,
            labels=tuple(segment.label for segment in segments),
            text=_read_text(_beside(path, ".txt")),
            segments=segments,
            speaker=path.parent.name.lower(),
        )


def _split_folder(root: Path, split: str) -> Path:
    """The folder TRAIN or TEST below ``root``, or below its folder TIMIT or data, whatever the case of the letters."""
    for folder in (root, *(path for path in sorted(root.iterdir()) if path.name.lower() in ("timit", "data"))):
        if folder.is_dir():
            for path in sorted(folder.iterdir()):
                if path.is_dir() and path.name.lower() == split:
                    return path
    raise wrong_layout(root, f"a folder {split.upper()} of {_LAYOUT}")


def _is_core(path: Path) -> bool:
    return path.parent.name.lower() in CORE_TEST_SPEAKERS.get(path.parent.parent.name.lower(), ())


def _is_recording(path: Path) -> bool:
    """Copies of TIMIT that went through a converter hold SA1.WAV.wav, some beside the SA1.WAV that it came from."""
    name = path.name.lower()
    if name.endswith(".wav.wav"):
        return True
    return name.endswith(".wav") and not any(path.with_name(path.name + end).exists() for end in (".wav", ".WAV"))


def _sentence(path: Path) -> str:
    return path.name.split(".")[0]


def _identity(path: Path) -> str:
    return "-".join((path.parent.parent.name, path.parent.name, _sentence(path))).lower()


def _beside(path: Path, suffix: str) -> Path | None:
    for end in (suffix.upper(), suffix):
        other = path.with_name(_sentence(path) + end)
        if other.is_file():
            return other
    return None


def _read_phones(path: Path) -> tuple[Segment, ...]:
    segments = []
    for number, line in enumerate(path.read_text(encoding="ascii").splitlines(), start=1):
        parts = line.split()
        if not parts:
            continue
        if len(parts) != 3 or not (parts[0].isdigit() and parts[1].isdigit()) or int(parts[0]) > int(parts[1]):
            raise FormatError(f"expected '<first sample> <end sample> <phone>' in {path}, line {number} is {line!r}")
        segments.append(Segment(int(parts[0]), int(parts[1]), parts[2]))
    return tuple(segments)


def _read_text(path: Path | None) -> str | None:
    """The sentence of a .TXT file, after the two sample numbers in front of it."""
    if path is None:
        return None
    parts = path.read_text(encoding="ascii", errors="replace").split(None, 2)
    return parts[2].strip() if len(parts) == 3 else None
