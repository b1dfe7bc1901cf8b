"""What the readers say about a folder that is not laid out as they expect."""

from __future__ import annotations

from pathlib import Path

from handtorch.errors import FormatError, MissingFileError

_NAMES_SHOWN = 6


def require_folder(path: Path, layout: str) -> Path:
    """Return ``path`` when it is a folder.

    Args:
        path: where the folder should be.
        layout: what the reader expects, for the message.

    Raises:
        MissingFileError: it is not there.
    """
    if path.is_dir():
        return path
    above = path.parent
    seen = f"{above} holds {contents(above)}" if above.is_dir() else f"{above} does not exist either"
    raise MissingFileError(f"expected {layout}, but there is no folder {path}; {seen}")


def wrong_layout(path: Path, layout: str) -> FormatError:
    """The error for a folder that exists and holds something else."""
    return FormatError(f"expected {layout}, but {path} holds {contents(path)}")


def contents(path: Path) -> str:
    """The first names in a folder, as part of a sentence."""
    names = sorted(entry.name + ("/" if entry.is_dir() else "") for entry in path.iterdir())
    if not names:
        return "nothing"
    shown = ", ".join(names[:_NAMES_SHOWN])
    return shown if len(names) <= _NAMES_SHOWN else f"{shown} and {len(names) - _NAMES_SHOWN} more"
