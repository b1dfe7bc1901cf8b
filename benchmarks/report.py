"""What a run leaves behind: a table for people, JSON for programs, and one last line."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.compare import Comparison, Measurement, geometric_mean, median_peak, median_seconds, with_main_peer

HEADER = ("workload", "{ours}", "{peer}", "ratio", "spread", "aim", "{ours} peak", "{peer} peak")


def duration(seconds: float) -> str:
    """Seconds in the unit that fits: ``1.25 s``, ``31.4 ms``, ``87.0 µs``."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-6:.3g} µs"


def rows(comparisons: Sequence[Comparison], peer: str) -> list[tuple[str, ...]]:
    """The cells of the table, one row a workload, which names the library that took the place of ``peer``."""
    return [
        (
            c.name if c.libraries[1] == peer else f"{c.name} ({c.libraries[1]})",
            duration(median_seconds(c.ours)),
            duration(median_seconds(c.peer)),
            f"{c.ratio:.2f}",
            f"{min(c.ratios):.2f} .. {max(c.ratios):.2f}",
            f"{'reached' if c.reached else 'missed'} {c.aim:g}",
            f"{median_peak(c.ours) / 2**20:.0f} MiB",
            f"{median_peak(c.peer) / 2**20:.0f} MiB",
        )
        for c in comparisons
    ]


def print_table(comparisons: Sequence[Comparison], ours: str, peer: str) -> None:
    """Print the table, with rich where it is installed."""
    header = [cell.format(ours=ours, peer=peer) for cell in HEADER]
    cells = rows(comparisons, peer)
    try:
        from rich.console import Console
        from rich.table import Table
    except ImportError:
        widths = [max(len(line[i]) for line in (header, *cells)) for i in range(len(header))]
        for line in (header, *cells):
            print("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)))
        return
    table = Table(caption="seconds a step, medians; ratio = time of the first / time of the second: below 1 is faster")
    for i, cell in enumerate(header):
        table.add_column(cell, justify="left" if i == 0 else "right", no_wrap=True)
    for comparison, row in zip(comparisons, cells, strict=True):
        table.add_row(*row, style=None if comparison.reached else "yellow")
    # A pipe has no width of its own, and a cut table is of no use in a log.
    Console(width=None if sys.stdout.isatty() else 120).print(table)


def last_line(comparisons: Sequence[Comparison]) -> str:
    """The whole run in one line."""
    chosen = with_main_peer(comparisons)
    worst = max(chosen, key=lambda comparison: comparison.ratio)
    count = f"{len(chosen)} workload{'s' if len(chosen) > 1 else ''}"
    line = f"bench: geometric mean {geometric_mean(chosen):.2f} over {count}, worst {worst.ratio:.2f} ({worst.name})"
    others = len(comparisons) - len(chosen)
    return f"{line}; {others} more against another library" if others else line


def to_json(comparisons: Sequence[Comparison], *, threads: int, machine: dict[str, object]) -> dict[str, Any]:
    """Everything that was measured, so that every figure in the table can be worked out again."""

    def runs(name: str, measurements: Sequence[Measurement]) -> dict[str, Any]:
        return {
            "name": name,
            "seconds": median_seconds(measurements),
            "peak_bytes": int(median_peak(measurements)),
            "seconds_each": [run.seconds for run in measurements],
            "peak_bytes_each": [run.peak_bytes for run in measurements],
            "outcome": measurements[-1].outcome,
        }

    chosen = with_main_peer(comparisons)
    worst = max(chosen, key=lambda comparison: comparison.ratio)
    return {
        "machine": machine,
        "threads": threads,
        "peer": chosen[0].libraries[1],
        "geometric_mean": geometric_mean(chosen),
        "worst": {"name": worst.name, "ratio": worst.ratio},
        "workloads": [
            {
                "name": c.name,
                "title": c.title,
                "aim": c.aim,
                "ratio": c.ratio,
                "ratio_min": min(c.ratios),
                "ratio_max": max(c.ratios),
                "ours": runs(c.libraries[0], c.ours),
                "peer": runs(c.libraries[1], c.peer),
            }
            for c in comparisons
        ],
    }


def write_json(path: Path, report: dict[str, Any]) -> None:
    """Write the report whole or not at all."""
    from handtorch.io.atomic import atomic_write

    with atomic_write(path, "w") as file:
        file.write(json.dumps(report, indent=2) + "\n")
