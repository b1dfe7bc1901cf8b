"""torch.hub: models and weights that are on this machine already. Nothing is downloaded."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from handtorch.errors import MissingFileError
from handtorch.io.serialization import load as load_file

__all__ = ["download_url_to_file", "get_dir", "help", "list", "load", "load_state_dict_from_url", "set_dir"]

_folder: str | None = None


def get_dir() -> str:
    """The folder in which downloads are kept: ``$TORCH_HOME/hub``, by default in the user's cache."""
    home = os.environ.get("TORCH_HOME") or os.path.join(os.environ.get("XDG_CACHE_HOME", "~/.cache"), "torch")
    return _folder or os.path.join(os.path.expanduser(home), "hub")


def set_dir(d: str | os.PathLike[str]) -> None:
    """Choose that folder."""
    global _folder
    _folder = os.path.expanduser(os.fspath(d))


def load(repo_or_dir: str, model: str, *args: Any, source: str = "github", **kwargs: Any) -> Any:
    """Call the function ``model`` of the ``hubconf.py`` in a folder on this machine.

    Args:
        repo_or_dir: the folder; a repository on the internet is an error.
        model: the name of the function; it gets ``args`` and ``kwargs``.
        source: ``"local"``.

    Raises:
        MissingFileError: it is not on this machine.
    """
    for option in ("trust_repo", "force_reload", "verbose", "skip_validation"):
        kwargs.pop(option, None)
    return getattr(_hubconf(repo_or_dir, source), model)(*args, **kwargs)


def list(github: str, *args: Any, source: str = "github", **kwargs: Any) -> Any:
    """The functions of a ``hubconf.py`` in a folder on this machine."""
    conf = _hubconf(github, source)
    return [name for name, value in vars(conf).items() if callable(value) and not name.startswith("_")]


def help(github: str, model: str, *args: Any, source: str = "github", **kwargs: Any) -> Any:
    """The docstring of such a function."""
    return getattr(_hubconf(github, source), model).__doc__


def _hubconf(folder: str, source: str) -> Any:
    path = Path(folder) / "hubconf.py"
    if source != "local" or not path.is_file():
        raise MissingFileError(
            f"expected a folder on this machine with a hubconf.py, got {folder!r}; Handtorch downloads nothing. "
            "Clone the repository, and call load(folder, model, source='local')"
        )
    spec = importlib.util.spec_from_file_location("hubconf", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.parent))
    return module


def load_state_dict_from_url(
    url: str,
    model_dir: str | os.PathLike[str] | None = None,
    map_location: Any = None,
    progress: bool = True,
    check_hash: bool = False,
    file_name: str | None = None,
    weights_only: bool = False,
) -> Any:
    """Weights that were downloaded before, from the folder where PyTorch keeps them.

    Args:
        url: where they came from; the last part of its path is the file's name.
        model_dir: the folder; by default ``checkpoints`` in that of :func:`get_dir`.
        map_location: as in :func:`handtorch.load`.
        file_name: another name of the file.

    Raises:
        MissingFileError: they are not there.
    """
    folder = Path(model_dir or os.path.join(get_dir(), "checkpoints"))
    path = folder / (file_name or os.path.basename(urlparse(url).path))
    if not path.is_file():
        raise MissingFileError(f"expected the weights in {path}; Handtorch downloads nothing: put {url} there yourself")
    return load_file(path, map_location)


load_url = load_state_dict_from_url


def download_url_to_file(url: str, dst: str, hash_prefix: str | None = None, progress: bool = True) -> None:
    """Raises MissingFileError: Handtorch downloads nothing."""
    raise MissingFileError(f"expected {dst} to be there; Handtorch downloads nothing: put {url} there yourself")
