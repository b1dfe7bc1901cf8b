"""Run a script that was written for PyTorch: ``python -m handtorch script.py ARGS``."""

from __future__ import annotations

import os
import runpy
import sys

from handtorch.compat import importing

USAGE = """usage: python -m handtorch SCRIPT [ARGUMENTS ...]
       python -m handtorch -m MODULE [ARGUMENTS ...]
       python -m handtorch -c CODE [ARGUMENTS ...]

Runs a program that was written for PyTorch on Handtorch: `import torch`, `import torchvision` and their submodules
bring Handtorch.
What Handtorch has not built raises at the line that uses it, with its full name.

examples:
  python -m handtorch train.py --epochs 3
  python -m handtorch -c "import torch; print(torch.ones(2, 3))"
"""


def main(arguments: list[str]) -> int:
    """Run what the arguments say; returns the exit status for a wrong call."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE, end="", file=sys.stdout if arguments else sys.stderr)
        return 0 if arguments else 2
    kind, *rest = arguments
    if kind in ("-m", "-c") and not rest:
        print(f"python -m handtorch: {kind} needs an argument\n\n{USAGE}", end="", file=sys.stderr)
        return 2
    if kind not in ("-m", "-c") and not os.path.isfile(kind):
        print(f"python -m handtorch: there is no file {kind!r}", file=sys.stderr)
        return 2
    importing.install()
    try:
        _run(kind, arguments)
    except (AttributeError, ImportError) as error:
        importing.say_what_is_missing(error)
        raise
    return 0


def _run(kind: str, arguments: list[str]) -> None:
    rest = arguments[1:]
    if kind == "-m":
        sys.argv = rest
        sys.path.insert(0, os.getcwd())
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    elif kind == "-c":
        sys.argv = ["-c", *rest[1:]]
        sys.path.insert(0, "")
        exec(compile(rest[0], "<string>", "exec"), {"__name__": "__main__"})  # the user's own command
    else:
        sys.argv = arguments
        sys.path.insert(0, os.path.dirname(os.path.abspath(kind)))
        runpy.run_path(kind, run_name="__main__")
