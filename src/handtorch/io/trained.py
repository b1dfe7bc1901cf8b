"""A trained network with all that belongs to it, as one safetensors file: weights, and the rest as JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from handtorch.errors import FormatError, MissingFileError
from handtorch.io import safetensors

T = TypeVar("T")


class Kind(NamedTuple):
    """What a file holds, and what is told to somebody who names another one."""

    name: str
    """What it is, such as ``"frame classifier"``."""
    version: int
    """Of what stands in the file."""
    made_by: str
    """The command that makes one."""
    called: str
    """The name it gets there."""

    @property
    def format(self) -> str:
        """How a file says what it is."""
        return f"handtorch {self.name} {self.version}"


def save(path: str | os.PathLike[str], kind: Kind, model: Any, settings: dict[str, Any]) -> None:
    """Write a network's weights, and settings that JSON can hold."""
    metadata = {"format": kind.format, "settings": json.dumps(settings)}
    safetensors.save_file(dict(model.state_dict()), path, metadata)


def load(path: str | os.PathLike[str], kind: Kind, restore: Callable[[dict[str, Any], Any], T]) -> T:
    """Read what :func:`save` wrote.

    Args:
        path: the file.
        kind: what it has to be.
        restore: makes the object of the settings and the weights.

    Raises:
        MissingFileError: there is no such file.
        FormatError: the file is damaged, or holds something else.
    """
    where = os.fspath(path)
    if not Path(path).is_file():
        raise MissingFileError(
            f"expected a trained {kind.name.split()[-1]} at {where}, found no file; run: {kind.made_by}"
        )
    try:
        metadata = safetensors.load_metadata(path)
    except FormatError as error:
        raise FormatError(f"{where} is no trained network: {error}") from None
    if metadata.get("format") != kind.format:
        raise FormatError(
            f"expected a {kind.format!r} at {where}, got {metadata.get('format', 'weights alone')!r}; "
            f"try: the file {kind.called} of a run"
        )
    try:
        return restore(json.loads(metadata["settings"]), safetensors.load_file(path))
    except (ValueError, TypeError, KeyError, RuntimeError) as error:
        raise FormatError(f"{where} is a damaged {kind.name} ({error}); train it again") from None
