"""All entries of the three databases, and how one of them is checked."""

from __future__ import annotations

import difflib
import time
from collections.abc import Iterable
from fnmatch import fnmatchcase

from tests.conformance import modules, ops, optimizers, scope
from tests.conformance.results import KINDS, Result
from tests.conformance.scope import Entry

_DATABASES = {"op": ops, "module": modules, "optimizer": optimizers}


class UnknownEntry(Exception):
    """A name that no database has."""


def names(kind: str) -> list[str]:
    """All names of one database."""
    return list(_DATABASES[kind].ENTRIES)


def in_scope() -> list[Entry]:
    """All entries that count."""
    left_out = scope.left_out()
    return [(kind, name) for kind in KINDS for name in names(kind) if (kind, name) not in left_out]


def check(entry: Entry, detailed: bool = False) -> Result:
    """Check one entry and take the time."""
    kind, name = entry
    start = time.monotonic()
    result = _DATABASES[kind].check(name, detailed=detailed)
    result.seconds = round(time.monotonic() - start, 3)
    return result


def select(kind: str, patterns: Iterable[str]) -> list[Entry]:
    """The entries that match: by name, by the name without its variant, or by a pattern such as ``linalg.*``.

    Raises:
        UnknownEntry: a pattern matches nothing.
    """
    known = names(kind)
    chosen: dict[Entry, None] = {}
    for pattern in patterns:
        wanted = f"nn.{pattern}" if kind == "module" and not pattern.startswith(("nn.", "*")) else pattern
        matches = [name for name in known if fnmatchcase(name, wanted) or _without_variant(kind, name) == wanted]
        if not matches:
            close = difflib.get_close_matches(wanted, known, n=3)
            raise UnknownEntry(f"no {kind} {pattern!r} in the database" + (f"; near: {', '.join(close)}" * bool(close)))
        chosen.update(dict.fromkeys((kind, name) for name in matches))
    return list(chosen)


def _without_variant(kind: str, name: str) -> str:
    return ops.ENTRIES[name].name if kind == "op" else name
