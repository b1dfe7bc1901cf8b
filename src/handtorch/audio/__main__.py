"""``python -m handtorch.audio``: hear recordings, and look after the corpus."""

from __future__ import annotations

import sys

from handtorch.errors import MissingExtraError, require


def main() -> None:
    """Run the command that the arguments name."""
    try:
        require("typer", extra="speech")
        require("rich", extra="speech")
    except MissingExtraError as error:
        sys.exit(f"error: {error}")
    from handtorch.audio.commands import app

    app(prog_name="python -m handtorch.audio")


if __name__ == "__main__":
    main()
