"""``python -m handtorch.vision``: build the generated faces and look at them."""

from __future__ import annotations

import sys

from handtorch.errors import MissingExtraError, require


def main() -> None:
    """Run the command that the arguments name."""
    try:
        require("typer", extra="viz")
    except MissingExtraError as error:
        sys.exit(f"error: {error}")
    from handtorch.vision.commands import app

    app(prog_name="python -m handtorch.vision")


if __name__ == "__main__":
    main()
