"""Where built corpora are kept, and how one gets there: whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from handtorch.errors import HandtorchError
from handtorch.io.atomic import atomic_folder

# No build takes this long: a scratch folder that old was left by a process that was killed.
_LEFTOVER_SECONDS = 3600

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)


class CacheError(HandtorchError, OSError):
    """A cache folder that cannot be written to."""


def cache_folder() -> Path:
    """``$HANDTORCH_CACHE``, else ``$XDG_CACHE_HOME/handtorch``, else ``~/.cache/handtorch``."""
    own = os.environ.get("HANDTORCH_CACHE")
    if own:
        return Path(own).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").expanduser() / "handtorch"


def cached(name: str, build: Callable[[Path], None]) -> Path:
    """The folder ``name`` of the cache, built if it is not there yet.

    Args:
        name: contains a key of everything that the content depends on.
        build: fills the empty folder it is given. When it raises or is killed, nothing is left under ``name``.

    Raises:
        CacheError: the cache cannot be written to, or is full.
    """
    target = cache_folder() / "corpus" / name
    if target.is_dir():
        return target
    try:
        _remove_leftovers(target)
        with atomic_folder(target) as folder:
            build(folder)
    except (PermissionError, NotADirectoryError, FileExistsError) as error:
        raise CacheError(f"cannot write to {target.parent} ({error}); set HANDTORCH_CACHE to another folder") from error
    except OSError as error:
        if error.errno not in _NO_SPACE:
            raise
        raise CacheError(f"no space is left in {target.parent}; set HANDTORCH_CACHE to another folder") from error
    return target


def _remove_leftovers(target: Path) -> None:
    for folder in target.parent.glob(f".{target.name}.*.part"):
        if time.time() - folder.stat().st_mtime > _LEFTOVER_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
