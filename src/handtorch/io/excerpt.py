"""How a value that a file has given is shown in a message, however long or deep it is."""

from __future__ import annotations

import reprlib
from typing import Any

_short = reprlib.Repr()
_short.maxstring = _short.maxother = _short.maxlong = 80
_short.maxlist = _short.maxtuple = _short.maxdict = 8
_short.maxlevel = 3


def excerpt(value: Any) -> str:
    """The beginning of ``repr(value)``."""
    text = _short.repr(value)
    return text if len(text) <= 80 else f"{text[:76]} ..."
