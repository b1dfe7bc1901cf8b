"""Which part a text belongs to: settled by the text itself, so that it is the same on every computer and for ever."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from handtorch.errors import ArgumentError

PARTS = ("train", "dev", "test", "all")

_HELD_OUT = {0: "dev", 1: "test"}  # of twenty keys one each; the others are for training


def check_split(split: str, splits: Iterable[str] = PARTS) -> str:
    """Return ``split`` when it is one of ``splits``.

    Raises:
        ArgumentError: it is not.
    """
    known = list(splits)
    if split not in known:
        raise ArgumentError(f"expected split to be one of {', '.join(map(repr, known))}, got {split!r}")
    return split


def is_in(split: str, key: str) -> bool:
    """Whether what has this key belongs to ``split``: 18 keys of 20 to training, one each to the others."""
    twentieth = int.from_bytes(hashlib.sha256(key.encode()).digest()) % 20
    return split in ("all", _HELD_OUT.get(twentieth, "train"))
