"""What of PyTorch's database counts: everything but what out_of_scope.toml lists."""

from __future__ import annotations

import tomllib
from pathlib import Path

FILE = Path(__file__).with_name("out_of_scope.toml")

Entry = tuple[str, str]  # (one of results.KINDS, name)


def left_out(file: Path = FILE) -> dict[Entry, str]:
    """The entries that are out of scope, each with the reason."""
    reasons: dict[Entry, str] = {}
    for group in groups(file):
        for kind in ("op", "module", "optimizer"):
            for name in group.get(f"{kind}s", ()):
                if (kind, name) in reasons:
                    raise ValueError(f"{file.name}: {kind} {name} is listed twice")
                reasons[kind, name] = group["reason"]
    return reasons


def groups(file: Path = FILE) -> list[dict]:
    """The groups of the file as they stand there."""
    return tomllib.loads(file.read_text(encoding="utf-8"))["group"]
