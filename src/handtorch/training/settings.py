"""Settings of a run: a frozen dataclass, its JSON file, and its options on a command line.

::

    @dataclass(frozen=True)
    class Settings:
        epochs: Annotated[int, typer.Option(min=1, help="Passes over the data.")] = 10
        hidden: Annotated[tuple[int, ...], typer.Option(min=1, help="Widths of the layers.")] = (64, 64)
        label_smoothing: float = 0.1

Each field has a default. One that is annotated with an option can be set on the command line; the others are changed in
the file, where the reason for their value stands. A field is a whole number, a number, a text, a truth value or a
path, perhaps ``None``, or a tuple of whole numbers or numbers, written ``64,64``.
"""

from __future__ import annotations

import json
import types
import typing
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, TypeVar

from handtorch.errors import ArgumentError, FormatError, MissingFileError
from handtorch.io.atomic import write_json

FILE = "settings.json"
"""What the settings of a run are called in its folder."""

S = TypeVar("S")
_KINDS = {int: "whole numbers", float: "numbers"}


def as_plain(settings: Any) -> dict[str, Any]:
    """The settings as JSON has them: tuples are lists, paths are texts."""
    return {name: _plain(value) for name, value in asdict(settings).items()}


def write_settings(settings: Any, path: Path) -> None:
    """Write the settings as JSON."""
    write_json(as_plain(settings), path)


def read_settings(kind: type[S], path: Path) -> S:
    """The settings that :func:`write_settings` wrote.

    Args:
        kind: the dataclass.
        path: the file.

    Raises:
        MissingFileError: it is not there.
        FormatError: it is no JSON, or has other names than the dataclass.
    """
    if not path.is_file():
        raise MissingFileError(
            f"expected the settings of a run in {path}, found no file; try: --overwrite to begin anew"
        )
    try:
        found = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise FormatError(f"expected JSON in {path}: {error}") from None
    kinds = field_types(kind)
    names = set(found) if isinstance(found, dict) else set()
    if names != kinds.keys():
        raise FormatError(
            f"expected the settings {', '.join(sorted(kinds))} in {path}; {_difference(set(kinds), names)}; "
            "another version of the program wrote it; try: --overwrite to begin anew"
        )
    return kind(**{name: _restored(value, kinds[name]) for name, value in found.items()})


def field_types(kind: type) -> dict[str, Any]:
    """The type of each field, without annotations and without ``None``."""
    return {name: _without_none(hint) for name, hint in typing.get_type_hints(kind).items()}


def option_of(hint: Any) -> Any:
    """What a field is annotated with: its option, or None."""
    return next(iter(getattr(hint, "__metadata__", ())), None)


def is_tuple(kind: Any) -> bool:
    """Whether a field holds several numbers."""
    return typing.get_origin(kind) is tuple


def written(value: Any) -> str:
    """A value as it stands on a command line; several numbers as ``64,64``."""
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def split(text: str, kind: Any, low: float | None = None, high: float | None = None) -> tuple[Any, ...]:
    """``"64,64"`` as numbers.

    Args:
        text: numbers with commas between them.
        kind: ``tuple[int, ...]`` or ``tuple[float, ...]``.
        low, high: bounds of each number.

    Raises:
        ArgumentError: it is something else, or a number is out of bounds.
    """
    element = typing.get_args(kind)[0]
    try:
        numbers = tuple(element(part) for part in text.split(",") if part.strip())
    except ValueError:
        numbers = (None,)
    inside = (n is not None and (low is None or n >= low) and (high is None or n <= high) for n in numbers)
    if not all(inside):
        bounds = "".join(f" {word} {bound}" for word, bound in (("from", low), ("to", high)) if bound is not None)
        raise ArgumentError(f"expected {_KINDS[element]}{bounds} with commas between them, got {text!r}")
    return numbers


def told(settings: Any) -> str:
    """Those settings that are not as they would be by default, as a part of a sentence."""
    changed = [
        f"{field.name.replace('_', ' ')} {written(getattr(settings, field.name))}"
        for field in fields(settings)
        if getattr(settings, field.name) != field.default
    ]
    return ", ".join(changed) or "all settings as they are by default"


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return str(value) if isinstance(value, Path) else value


def _restored(value: Any, kind: Any) -> Any:
    if value is None:
        return None
    if is_tuple(kind):
        return tuple(value)
    return Path(value) if kind is Path else value


def _without_none(hint: Any) -> Any:
    if typing.get_origin(hint) not in (typing.Union, types.UnionType):
        return hint
    return next(part for part in typing.get_args(hint) if part is not type(None))


def _difference(expected: set[str], found: set[str]) -> str:
    lacks, has = ", ".join(sorted(expected - found)), ", ".join(sorted(found - expected))
    return " and ".join(part for part in (lacks and f"it lacks {lacks}", has and f"it has {has}") if part)
