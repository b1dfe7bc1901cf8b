"""Where in the user's program an op was run: noted in passing, and looked up only when somebody asks."""

from __future__ import annotations

import bisect
import dis
import linecache
import sys
from pathlib import Path
from types import CodeType
from typing import Any

_PACKAGE = str(Path(__file__).parents[1])
_ours: dict[CodeType, bool] = {}  # whether a piece of code belongs to this package

Origin = tuple[CodeType, int]


def here() -> Origin:
    """The code and the instruction of the nearest caller outside Handtorch.

    Nothing is looked up and no frame is kept alive: a node can afford to remember this.
    """
    frame: Any = sys._getframe(2)
    while True:
        code = frame.f_code
        ours = _ours.get(code)
        if ours is None:
            ours = _ours[code] = code.co_filename.startswith(_PACKAGE)
        if not ours or frame.f_back is None:
            return code, frame.f_lasti
        frame = frame.f_back


def describe(origin: Origin | None) -> str:
    """``file.py:12, in forward: y = x @ w``, or an empty text for None."""
    if origin is None:
        return ""
    code = origin[0]
    line = line_of(origin)
    text = linecache.getline(code.co_filename, line).strip()
    return f"{code.co_filename}:{line}, in {code.co_name}" + (f": {text}" if text else "")


def line_of(origin: Origin) -> int:
    """The line number."""
    code, instruction = origin
    starts = [(offset, line) for offset, line in dis.findlinestarts(code) if line is not None]
    index = bisect.bisect_right([offset for offset, _ in starts], instruction) - 1
    return starts[max(index, 0)][1] if starts else code.co_firstlineno
