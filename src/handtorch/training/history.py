"""History: what a run measured, one row of numbers an epoch."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from handtorch.errors import ArgumentError
from handtorch.training.monitor import Mode, best_index, direction


class History:
    """The rows of a run.

    A row holds ``epoch`` (from 1), ``step`` (optimizer steps so far), ``train_loss``, ``valid_loss``, each metric as
    ``train_<name>`` and ``valid_<name>``, ``lr``, ``grad_norm`` (mean over the epoch, before clipping), ``seconds`` and
    ``samples_per_second`` (of the training part).

    ``history["valid_loss"]`` is that column as a list; ``history.rows[-1]`` the newest row; ``history.stopped`` says
    why a run ended before its last epoch, or is None.
    """

    def __init__(self, rows: list[dict[str, float]] | None = None) -> None:
        self.rows: list[dict[str, float]] = rows if rows is not None else []
        self.stopped: str | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[dict[str, float]]:
        return iter(self.rows)

    def __getitem__(self, name: str) -> list[float]:
        if self.rows and not any(name in row for row in self.rows):
            raise ArgumentError(f"no column {name!r} in the history; it has {', '.join(self.columns)}")
        return [row.get(name, math.nan) for row in self.rows]

    @property
    def columns(self) -> list[str]:
        """Names of everything measured, in order of first appearance."""
        return list(dict.fromkeys(name for row in self.rows for name in row))

    @property
    def monitor(self) -> str:
        """What decides when nobody says otherwise: the validation loss, without validation the training loss."""
        return "valid_loss" if any("valid_loss" in row for row in self.rows) else "train_loss"

    def best(self, monitor: str | None = None, mode: Mode | None = None) -> dict[str, float] | None:
        """The row of the best epoch, the earlier one of equals; None before any row with a number.

        Args:
            monitor: name of the column that decides; default :attr:`monitor`.
            mode: ``"min"`` or ``"max"``; default what the name says.
        """
        monitor = monitor or self.monitor
        index = best_index(self[monitor], direction(monitor, mode))
        return None if index is None else self.rows[index]

    def to_markdown(self) -> str:
        """The rows as a Markdown table."""
        return markdown_table(self.rows, self.columns)

    def __repr__(self) -> str:
        best = self.best() if self.rows else None
        told = f", best {self.monitor} {best[self.monitor]:.4g} in epoch {best['epoch']:g}" if best else ""
        return f"History({len(self)} epochs{told})"


def format_number(value: Any) -> str:
    """A number as people read it: whole numbers whole, others with four significant digits."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "" if value is None else str(value)
    if isinstance(value, int) or (value.is_integer() and abs(value) < 1e6):
        return f"{int(value)}" if abs(value) < 1e6 else f"{int(value):,}"
    return f"{value:.4g}"


def markdown_table(rows: list[dict[str, Any]], columns: list[str]) -> str:
    """Rows as a Markdown table; a missing value is an empty cell."""
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    for row in rows:
        cells = (format_number(row.get(name)).replace("|", "\\|").replace("\n", " ") for name in columns)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
