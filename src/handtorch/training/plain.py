"""What strict JSON can say of a value that is only to be read: logs, tables, results."""

from __future__ import annotations

import math
from typing import Any


def plain(value: Any) -> Any:
    """``value`` in numbers, texts, lists and dicts: NaN and Inf become None, and unknown objects their ``str``."""
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if getattr(value, "shape", None) == ():  # a scalar of NumPy, or a tensor without axes
        return plain(value.item())
    return str(value)
