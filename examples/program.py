"""The command line that the examples share."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from handtorch.errors import FormatError, MissingExtraError, MissingFileError


def run(
    about: str | None,
    train: Callable[..., Any],
    *,
    root: str,
    epochs: int,
    batch_size: int,
    out: str | None = None,
) -> None:
    """Read the command line, and call ``train`` with an argument for each option.

    Args:
        about: what the program does.
        train: called with ``root``, ``epochs``, ``batch_size``, ``seed``, and ``out`` if there is such a folder.
        root: which files are in the folder of data.
        epochs: how many there are, unless the caller says otherwise.
        batch_size: examples in a batch, likewise.
        out: the folder for what the program draws; None when it draws nothing.
    """
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", help=f"folder with {root}")
    parser.add_argument("--epochs", type=int, default=epochs)
    parser.add_argument("--batch-size", type=int, default=batch_size)
    parser.add_argument("--seed", type=int, default=0)
    if out is not None:
        parser.add_argument("--out", type=Path, default=Path(out), help="folder for what is drawn")
    try:
        train(**vars(parser.parse_args()))
    except (MissingFileError, MissingExtraError, FormatError) as error:
        parser.error(str(error))
