"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import contextlib
import json
import math
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike[str], mode: str = "wb", **options: Any) -> Iterator[IO[Any]]:
    """Open a temporary file beside ``path`` that takes its name only when the block ends well.

    Args:
        path: where the file shall be.
        mode: ``"wb"`` or ``"w"``; text is UTF-8 unless ``encoding`` is given in ``options``.
        options: passed to :func:`open`.

    A reader sees the old file or the new one, never a part; when the block raises, the old one stays.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    if "b" not in mode:
        options.setdefault("encoding", "utf-8")
    name = _unused_name(target)
    handle = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        with os.fdopen(handle, mode, **options) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        raise


def write_json(content: dict[str, Any], path: str | os.PathLike[str]) -> None:
    """Write a JSON file for people and programs to read; what is infinite or no number, JSON has as null."""
    with atomic_write(path, "w") as file:
        json.dump(_finite(content), file, indent=1, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


@contextlib.contextmanager
def atomic_folder(path: str | os.PathLike[str], replace: bool = False) -> Iterator[Path]:
    """Yield an empty folder beside ``path`` that takes its name only when the block ends well.

    A folder that is there already stays, and ours is thrown away: another process was quicker. With ``replace``, ours
    takes its place.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = _unused_name(target)
    scratch.mkdir()
    try:
        yield scratch
        if replace and target.is_dir():
            old = _unused_name(target)
            os.rename(target, old)
            os.rename(scratch, target)
            shutil.rmtree(old)
            return
        try:
            os.rename(scratch, target)
        except OSError:
            if not target.is_dir():
                raise
            shutil.rmtree(scratch)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise


def _unused_name(target: Path) -> Path:
    """A hidden name beside the target that nobody else has."""
    return target.parent / f".{target.name}.{secrets.token_hex(6)}.part"
