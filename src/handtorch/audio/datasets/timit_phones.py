"""TIMIT's 61 phones and how they fold into the 39 on which error rates are published (Lee & Hon 1989)."""

from __future__ import annotations

from collections.abc import Iterable

from handtorch.audio.datasets.utterance import Segment
from handtorch.errors import ArgumentError

# What counts as the same phone: the name kept, and those that become it.
_FOLDED = {
    "aa": ("ao",),
    "ah": ("ax", "ax-h"),
    "er": ("axr",),
    "hh": ("hv",),
    "ih": ("ix",),
    "l": ("el",),
    "m": ("em",),
    "n": ("en", "nx"),
    "ng": ("eng",),
    "sh": ("zh",),
    "uw": ("ux",),
    "sil": ("pcl", "tcl", "kcl", "bcl", "dcl", "gcl", "h#", "pau", "epi"),
}
_UNCHANGED = (
    *("ae", "aw", "ay", "eh", "ey", "iy", "ow", "oy", "uh"),
    *("b", "d", "dx", "g", "k", "p", "t", "ch", "jh"),
    *("dh", "f", "s", "th", "v", "z", "r", "w", "y"),
)

# The glottal stop is dropped: no other phone is like it, and listeners do not miss it.
_DROPPED = "q"

_FOLD: dict[str, str | None] = {
    **{name: name for name in _UNCHANGED},
    **{other: name for name, others in _FOLDED.items() for other in others},
    **{name: name for name in _FOLDED if name != "sil"},
    _DROPPED: None,
}

PHONES_61 = tuple(sorted(_FOLD))
"""The labels that occur in .PHN files."""

PHONES_39 = tuple(sorted({*_UNCHANGED, *_FOLDED}))
"""The labels after folding; ``sil`` stands for silence and for the closures before stops."""


def fold(label: str) -> str | None:
    """The one of 39 phones that a TIMIT label counts as, or ``None`` for the glottal stop ``q``, which is dropped.

    Raises:
        ArgumentError: the label is not one of TIMIT's 61, nor already one of the 39.
    """
    if label in PHONES_39:
        return label
    if label not in _FOLD:
        raise ArgumentError(f"expected one of TIMIT's 61 phones, got {label!r}")
    return _FOLD[label]


def fold_segments(segments: Iterable[Segment]) -> tuple[Segment, ...]:
    """Fold the labels of segments.

    A glottal stop leaves a gap. Neighbours that became alike stay apart, as when error rates are counted.
    """
    folded = ((segment, fold(segment.label)) for segment in segments)
    return tuple(segment._replace(label=label) for segment, label in folded if label is not None)
