"""The floor: the entries that once held whole, below which no change may fall."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable
from pathlib import Path

from tests.conformance.results import KINDS, Result
from tests.conformance.scope import Entry

FILE = Path(__file__).with_name("floor.toml")
_HEAD = """\
# The entries of PyTorch's test database that hold whole; `make conformance` fails when one of them no longer does.
# Written by: python -m tests.conformance --update-floor
"""


def read(file: Path = FILE) -> set[Entry]:
    """The entries on the floor; none where there is no file."""
    if not file.exists():
        return set()
    lists = tomllib.loads(file.read_text(encoding="utf-8"))
    return {(kind, name) for kind in KINDS for name in lists.get(f"{kind}s", ())}


def write(results: Iterable[Result], file: Path = FILE) -> None:
    """Make the entries that hold whole the floor, all or nothing."""
    whole = sorted((result.kind, result.name) for result in results if result.whole)
    text = _HEAD
    for kind in KINDS:
        names = [name for k, name in whole if k == kind]
        text += f"\n{kind}s = [\n" + "".join(f'  "{name}",\n' for name in names) + "]\n"
    draft = file.with_suffix(".tmp")
    draft.write_text(text, encoding="utf-8")
    os.replace(draft, file)


def fallen(results: Iterable[Result], floor: set[Entry]) -> list[Result]:
    """Those of the results that are on the floor and do not hold."""
    return [result for result in results if (result.kind, result.name) in floor and not result.whole]
