"""The picture of a run: the ratios on the left, the peak memory of both libraries on the right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

OURS, PEER, SLOWER, INK, GRID = "#1b7f79", "#b8bec6", "#d1603d", "#22272e", "#e3e6ea"
ROW_INCHES = 0.62


def draw(figures: dict[str, Any], path: Path) -> None:
    """Draw what :func:`benchmarks.report.to_json` returned.

    Args:
        figures: the run.
        path: the PNG to write.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from handtorch.io.atomic import atomic_write

    rows = figures["workloads"][::-1]
    figure = Figure(figsize=(11, 2.1 + ROW_INCHES * len(rows)), layout="constrained")
    ratios, memory = figure.subplots(1, 2, width_ratios=(3, 2), sharey=True)
    draw_ratios(ratios, rows)
    draw_memory(memory, rows)
    for axes in (ratios, memory):
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.spines["bottom"].set_color(GRID)
        axes.tick_params(colors=INK, length=0)
        axes.grid(axis="x", color=GRID)
        axes.set_axisbelow(True)
    ours, peer = rows[0]["ours"]["name"], figures["peer"]
    with_peer = [row for row in rows if row["peer"]["name"] == peer]
    others = ["" if row in with_peer else f"\nto {row['peer']['name']}" for row in rows]
    labels = [f"{row['name']}  {row['ratio']:.2f}{other}" for row, other in zip(rows, others, strict=True)]
    ratios.set_yticks(range(len(rows)), labels, fontsize=12, fontweight="bold")

    mean = figures["geometric_mean"]
    title = f"{ours} takes {mean:.2f} times as long as {peer} (geometric mean of {len(with_peer)})"
    figure.suptitle(title, x=0.01, ha="left", fontsize=15, color=INK)
    figure.supxlabel(caption(figures), x=0.01, ha="left", fontsize=8.5, color="#69707a")
    FigureCanvasAgg(figure)
    with atomic_write(path) as file:
        figure.savefig(file, format="png", dpi=150)


def draw_ratios(axes: Any, rows: list[dict[str, Any]]) -> None:
    """One bar a workload from 0 to its ratio, its spread as an error bar, its aim as a tick, equal time as a line."""
    widest = max(max(row["ratio_max"], row["aim"], 1.0) for row in rows)
    for y, row in enumerate(rows):
        ratio, low, high = row["ratio"], row["ratio_min"], row["ratio_max"]
        axes.barh(y, ratio, height=0.55, color=OURS if ratio <= 1 else SLOWER)
        axes.errorbar(ratio, y, xerr=[[ratio - low], [high - ratio]], color=INK, capsize=4, linewidth=1.2)
        axes.vlines(row["aim"], y - 0.38, y + 0.38, color=INK, linestyle=(0, (1, 1)), linewidth=1.6)
    axes.axvline(1.0, color=INK, linewidth=1.4)
    axes.set_xlim(0, widest * 1.05)
    axes.set_title(
        "time a step, as a ratio: below 1 is faster (whisker: the pairs, dotted: aim)", loc="left", fontsize=10
    )


def draw_memory(axes: Any, rows: list[dict[str, Any]]) -> None:
    """Two bars a workload: the peak resident memory of each library's process, in MiB."""
    widest = max(max(row["ours"]["peak_bytes"], row["peer"]["peak_bytes"]) for row in rows) / 2**20
    for side, shift, color in (("ours", 0.18, OURS), ("peer", -0.18, PEER)):
        for y, row in enumerate(rows):
            peak = row[side]["peak_bytes"] / 2**20
            axes.barh(y + shift, peak, height=0.32, color=color, label=row[side]["name"] if y == 0 else None)
            axes.text(peak + 0.015 * widest, y + shift, f"{peak:.0f}", va="center", fontsize=9, color=INK)
    axes.set_xlim(0, widest * 1.12)
    axes.set_title("peak memory, MiB", loc="left", fontsize=10)
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, frameon=False, fontsize=10)


def caption(figures: dict[str, Any]) -> str:
    """What it was measured on, in two lines."""
    machine = figures["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items() if version)
    threads = f"{figures['threads']} thread{'s' if figures['threads'] > 1 else ''}"
    pairs = len(figures["workloads"][0]["ours"]["seconds_each"])
    warning = f"MEASURED ON A BUSY MACHINE (load {machine['load']}); " if machine["busy"] else ""
    return (
        f"{warning}{machine['processor']}, {threads}, median of {pairs} alternating pairs\n"
        f"python {machine['python']}, {versions}; {machine['date'][:10]}"
    )
