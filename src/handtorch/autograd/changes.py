"""Which arrays were written to in place, and when: so that backward never computes with a value that has changed.

Time is counted in writes. An op notes the time when it ran; going back, it asks for each array it saved whether that
was written to since. A program without in-place writes between forward and backward pays one comparison.
"""

from __future__ import annotations

import weakref
from typing import Any

now = 0
_written: dict[int, int] = {}
_alive: dict[int, weakref.ref[Any]] = {}


def owner(array: Any) -> Any:
    """The array that owns the memory which ``array`` is a view of."""
    while isinstance(array.base, type(array)):
        array = array.base
    return array


def note(array: Any) -> None:
    """An element of ``array`` has been changed."""
    global now
    now += 1
    root = array if array.base is None else owner(array)
    key = id(root)
    if key not in _written:

        def forget(_: Any) -> None:
            _written.pop(key, None)
            _alive.pop(key, None)

        _alive[key] = weakref.ref(root, forget)
    _written[key] = now


def since(array: Any, time: int) -> bool:
    """Whether ``array`` was written to after ``time``."""
    return _written.get(id(owner(array)), 0) > time
