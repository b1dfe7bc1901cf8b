"""Data inside installed packages: found without importing them, for only their data is read."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from handtorch.errors import FormatError, MissingExtraError


def package_folder(package: str, install: str) -> Path:
    """The folder of an installed Python package.

    Args:
        package: as it is imported.
        install: what to type where it is not there.

    Raises:
        MissingExtraError: it is not installed.
    """
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise MissingExtraError(
            f"this needs the data in the package '{package}', which is not installed; try: {install}"
        )
    return Path(next(iter(found.submodule_search_locations)))


def read_text(path: Path) -> str:
    """The text of a UTF-8 file, with the line ends of Unix.

    Raises:
        FormatError: it is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise FormatError(f"expected UTF-8 in {path}: {error}") from None
