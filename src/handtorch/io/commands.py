"""What command lines share: a mistake is told in a sentence, not as a traceback."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import typer

from handtorch.errors import HandtorchError


@contextlib.contextmanager
def told_plainly() -> Iterator[None]:
    """A user's mistake, or a file that cannot be written, is one sentence and exit status 1; Ctrl-C is status 130."""
    try:
        yield
    except (HandtorchError, OSError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        typer.echo("interrupted", err=True)
        raise typer.Exit(130) from None
