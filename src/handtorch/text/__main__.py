"""``python -m handtorch.text``: write with a language model, serve it, and judge texts."""

from __future__ import annotations

import sys

from handtorch.errors import MissingExtraError, require


def main() -> None:
    """Run the command that the arguments name."""
    try:
        require("typer", extra="text")
        require("rich", extra="text")
    except MissingExtraError as error:
        sys.exit(f"error: {error}")
    from handtorch.text.commands import app

    app(prog_name="python -m handtorch.text")


if __name__ == "__main__":
    main()
