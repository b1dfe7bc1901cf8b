"""How far a build is: a bar on a terminal, a line at its start and end elsewhere."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from handtorch.errors import MissingExtraError, require


@contextlib.contextmanager
def progress(title: str, total: int) -> Iterator[Callable[[], None]]:
    """Show on standard error that ``total`` steps are on their way.

    Args:
        title: what is being done.
        total: number of steps.

    Yields:
        a function to call after each step.
    """
    bar = _rich_bar() if sys.stderr.isatty() else None
    if bar is None:
        print(f"{title} ...", file=sys.stderr, flush=True)
        begun = time.monotonic()
        yield lambda: None
        print(f"{title}: done in {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
        return
    with bar:
        task = bar.add_task(title, total=total)
        yield lambda: bar.advance(task)


def _rich_bar() -> Any:
    """A bar of the package ``rich``, or None where that is not installed."""
    try:
        rich_console = require("rich.console", extra="viz")
        rich_progress = require("rich.progress", extra="viz")
    except MissingExtraError:
        return None
    return rich_progress.Progress(console=rich_console.Console(stderr=True))
