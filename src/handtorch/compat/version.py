"""torch.version: the version of PyTorch whose API this is."""

from __future__ import annotations

import re
from typing import Any


class TorchVersion(str):
    """A version as text that compares as a version: with text, and with tuples of numbers."""

    def _compared(self, other: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
        mine, others = _numbers(self), other if isinstance(other, tuple) else _numbers(str(other))
        length = max(len(mine), len(others))
        return tuple([*mine, *[0] * length][:length]), tuple([*map(int, others), *[0] * length][:length])

    def __lt__(self, other: Any) -> bool:
        mine, others = self._compared(other)
        return mine < others

    def __le__(self, other: Any) -> bool:
        mine, others = self._compared(other)
        return mine <= others

    def __gt__(self, other: Any) -> bool:
        return not self <= other

    def __ge__(self, other: Any) -> bool:
        return not self < other

    def __eq__(self, other: Any) -> bool:
        mine, others = self._compared(other)
        return mine == others

    def __ne__(self, other: Any) -> bool:
        return not self == other

    __hash__ = str.__hash__


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", re.split(r"[+a-z]", text.strip())[0])))


__version__ = TorchVersion("2.13.0+handtorch")
cuda = None
hip = None
xpu = None
git_version = "unknown"
debug = False
