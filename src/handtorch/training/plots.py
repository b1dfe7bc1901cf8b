"""Pictures of training: learning curves, confusion matrix, ablation. Needs matplotlib (extra ``viz``)."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from handtorch.errors import ArgumentError, ShapeError, require
from handtorch.io.atomic import atomic_write
from handtorch.training.history import History, format_number
from handtorch.training.monitor import Mode, direction

_TRAIN, _VALID, _GREY, _BEST = "#4c78a8", "#e4572e", "#8c8c8c", "#2a9d5c"
_WRITTEN_CELLS = 16  # classes up to which every cell of a confusion matrix has its number in it


def learning_curves(
    history: History,
    path: str | os.PathLike[str],
    *,
    title: str = "",
    monitor: str | None = None,
    mode: Mode | None = None,
) -> Path:
    """Draw every metric over the epochs, training and validation in one panel, with the best epoch marked.

    Args:
        history: what a run measured.
        path: the picture to write (``.png``, ``.pdf``, ``.svg``).
        title: what stands above.
        monitor: the column whose best epoch is marked; default validation loss, or training loss.
        mode: ``"min"`` or ``"max"``; default what the name says.

    Returns:
        ``path``.

    Raises:
        ArgumentError: the history is empty.
        MissingExtraError: matplotlib is not installed.
    """
    if not history.rows:
        raise ArgumentError("expected a history with at least one epoch, got an empty one")
    columns = history.columns
    measured = [name[6:] for name in columns if name.startswith("train_")]
    measured += [name[6:] for name in columns if name.startswith("valid_") and name[6:] not in measured]
    extra = [name for name in ("lr", "grad_norm") if name in columns]
    figure, axes = _panels(len(measured) + len(extra), across=2)
    epochs = history["epoch"]
    best = history.best(monitor, mode)
    for axis, name in zip(axes, measured, strict=False):
        _draw_metric(axis, history, name)
        if best is not None:
            _mark_best(axis, best, name)
        axis.legend(frameon=False, fontsize=9)
    for axis, name in zip(axes[len(measured) :], extra, strict=True):
        values = history[name]
        axis.plot(epochs, values, color=_GREY, marker=_marker(epochs))
        if min(values) > 0 and max(values) >= 10 * min(values):
            axis.set_yscale("log")
        else:
            axis.set_ylim(0, 1.1 * max(values) or 1.0)
        axis.set_ylabel({"lr": "learning rate", "grad_norm": "gradient 2-norm, mean of epoch"}[name])
    for axis in axes:
        axis.set_xlabel("epoch")
        axis.set_xlim(epochs[0] - 0.5, epochs[-1] + 0.5)
        axis.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    if title:
        figure.suptitle(title, fontsize=13, fontweight="bold")
    return _write(figure, path)


def _draw_metric(axis: Any, history: History, name: str) -> None:
    epochs = history["epoch"]
    for prefix, colour, label in (("train", _TRAIN, "training"), ("valid", _VALID, "validation")):
        column = f"{prefix}_{name}"
        if column in history.columns:
            axis.plot(epochs, history[column], color=colour, label=label, marker=_marker(epochs))
    axis.set_ylabel(name.replace("_", " "))


def _mark_best(axis: Any, best: Mapping[str, float], name: str) -> None:
    column = f"valid_{name}" if f"valid_{name}" in best else f"train_{name}"
    value = best.get(column, math.nan)
    if math.isfinite(value):
        axis.axvline(best["epoch"], color=_BEST, linewidth=1, linestyle=":")
        label = f"at best epoch {best['epoch']:.0f}: {format_number(value)}"
        axis.plot([best["epoch"]], [value], "o", color=_BEST, markersize=7, label=label)


def _marker(values: Sequence[float]) -> str | None:
    return "." if len(values) <= 30 else None


def confusion_matrix(
    counts: Any,
    labels: Sequence[str],
    path: str | os.PathLike[str],
    *,
    title: str = "",
) -> Path:
    """Draw which class was taken for which: rows are true classes and each sums to 100 %.

    Args:
        counts: ``counts[t, p]``, how often class ``t`` was taken for ``p``, ``(C, C)``; see :func:`confusion_counts`.
        labels: the ``C`` names.
        path: the picture to write.
        title: what stands above; the share of all that was right is added.

    Returns:
        ``path``.

    Raises:
        ShapeError: ``counts`` is not square, or has another number of labels.
        MissingExtraError: matplotlib is not installed.
    """
    table = np.asarray(counts, dtype=np.float64)
    classes = len(labels)
    if table.shape != (classes, classes):
        raise ShapeError(f"expected counts ({classes}, {classes}) for {classes} labels, got {table.shape}")
    totals = table.sum(axis=1, keepdims=True)
    shares = np.divide(100 * table, totals, out=np.zeros_like(table), where=totals > 0)
    side = min(max(4.5, 2.0 + 0.22 * classes), 24.0)
    figure = require("matplotlib.figure", extra="viz").Figure(figsize=(side + 1.2, side), layout="constrained")
    axis = figure.add_subplot()
    # The square root of the share: rare confusions are what one looks for, and they would all be white.
    norm = require("matplotlib.colors", extra="viz").PowerNorm(0.5, vmin=0, vmax=100)
    image = axis.imshow(shares, cmap="Blues", norm=norm, interpolation="nearest")
    text = 8 + 0.4 * side
    _name_classes(axis, labels, side, text)
    if classes <= _WRITTEN_CELLS:
        _write_cells(axis, shares)
    bar = figure.colorbar(image, ax=axis, shrink=0.75, ticks=[0, 1, 5, 10, 25, 50, 75, 100])
    bar.set_label("share of the true class, % (square-root scale)", fontsize=text)
    right = f"{100 * np.trace(table) / max(table.sum(), 1):.1f} % of {table.sum():,.0f} right"
    axis.set_title(f"{title} - {right}" if title else right, fontsize=text + 2)
    return _write(figure, path)


def _name_classes(axis: Any, labels: Sequence[str], side: float, text: float) -> None:
    cell = 0.8 * side / max(len(labels), 1)  # inches
    size = min(10.0, max(4.0, 0.75 * 72 * cell))  # points
    width = max((len(label) for label in labels), default=0) * 0.6 * size / 72
    axis.set_xticks(range(len(labels)), labels, rotation=90 if width > cell else 0, fontsize=size)
    axis.set_yticks(range(len(labels)), labels, fontsize=size)
    axis.set_xlabel("predicted class", fontsize=text)
    axis.set_ylabel("true class", fontsize=text)
    axis.tick_params(length=0)


def _write_cells(axis: Any, shares: np.ndarray) -> None:
    for row, column in zip(*np.nonzero(shares >= 0.05), strict=True):
        share = shares[row, column]
        colour = "white" if share > 40 else "black"
        text = f"{share:.0f}" if share >= 9.95 else f"{share:.1f}"
        axis.text(column, row, text, ha="center", va="center", color=colour, fontsize=8)


def ablation(
    rows: Iterable[Mapping[str, Any]],
    settings: Sequence[str],
    metric: str,
    path: str | os.PathLike[str],
    *,
    title: str = "",
    mode: Mode | None = None,
) -> Path:
    """Draw what each setting does to ``metric``: a panel a setting, a dot a run, and the medians.

    Args:
        rows: one mapping a run with its settings and its ``metric``; a run without the metric is left out.
        settings: names of the settings; those with one value only are left out unless none varies.
        metric: what to draw.
        path: the picture to write.
        title: what stands above; the best run is added.
        mode: ``"min"`` or ``"max"``; default what the name says, and no best run where it says nothing.

    Returns:
        ``path``.

    Raises:
        ArgumentError: no row has the metric.
        MissingExtraError: matplotlib is not installed.
    """
    finite = (row for row in rows if isinstance(row.get(metric), int | float) and math.isfinite(row[metric]))
    drawn = [{**row, **{name: _nameable(row.get(name)) for name in settings}} for row in finite]
    if not drawn:
        raise ArgumentError(f"expected at least one run with a finite {metric!r}, got none")
    varied = [name for name in settings if len({repr(row.get(name)) for row in drawn}) > 1] or list(settings[:1])
    figure, axes = _panels(len(varied), across=3, share_y=True)
    best = _best_row(drawn, metric, mode)
    for axis, name in zip(axes, varied, strict=True):
        _draw_setting(axis, drawn, name, metric, best)
        if axis.get_subplotspec().is_first_col():
            axis.set_ylabel(metric.replace("_", " "))
    if axes[0].get_legend_handles_labels()[0]:
        axes[0].legend(frameon=False, fontsize=9)
    told = "" if best is None else f"best {metric} {format_number(best[metric])}: " + ", ".join(
        f"{name}={format_number(best.get(name))}" for name in varied
    )  # fmt: skip
    figure.suptitle("\n".join(filter(None, (title, told))), fontsize=12)
    return _write(figure, path)


def _best_row(rows: list[dict[str, Any]], metric: str, mode: Mode | None) -> dict[str, Any] | None:
    try:
        choose = min if direction(metric, mode) == "min" else max
    except ArgumentError:
        return None
    return choose(rows, key=lambda row: row[metric])


def _draw_setting(axis: Any, rows: list[dict[str, Any]], name: str, metric: str, best: dict[str, Any] | None) -> None:
    values = sorted({row.get(name) for row in rows}, key=_order)
    places = {value: place for place, value in enumerate(values)}
    # Runs of one value stand side by side, so that equal results can be told apart.
    for value in values:
        group = [row for row in rows if row.get(name) == value]
        spread = np.linspace(-0.12, 0.12, len(group)) if len(group) > 1 else [0.0]
        for shift, row in zip(spread, group, strict=True):
            colour, size, label = (_BEST, 80, "best run") if row is best else (_TRAIN, 28, None)
            axis.scatter(places[value] + shift, row[metric], s=size, color=colour, zorder=3, linewidths=0, label=label)
    if len(rows) > len(values):
        medians = [float(np.median([row[metric] for row in rows if row.get(name) == value])) for value in values]
        # Names have no order: between them a line would say nothing.
        ordered = all(isinstance(value, int | float) for value in values)
        line = "-" if ordered else "none"
        axis.plot(medians, linestyle=line, color=_VALID, marker="_", markersize=16, markeredgewidth=2, label="median")
    axis.set_xticks(range(len(values)), [format_number(value) for value in values])
    axis.set_xlim(-0.5, len(values) - 0.5)
    axis.set_xlabel(name.replace("_", " "))


def _nameable(value: Any) -> Any:
    """A setting's value that can stand on an axis: a number, or its text."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def _order(value: Any) -> tuple[int, Any]:
    return (0, float(value)) if isinstance(value, int | float) else (1, str(value))


def _panels(number: int, across: int, share_y: bool = False) -> tuple[Any, list[Any]]:
    """A figure with ``number`` panels, ``across`` a row, without frames to look through."""
    columns = min(across, number)
    lines = math.ceil(number / columns)
    figure = require("matplotlib.figure", extra="viz").Figure(
        figsize=(max(5.2 * columns, 6.0), 3.4 * lines + 0.6), layout="constrained"
    )
    grid = figure.subplots(lines, columns, squeeze=False, sharey=share_y).ravel()
    for axis in grid[number:]:
        axis.remove()
    for axis in grid[:number]:
        axis.grid(True, color="#e6e6e6", linewidth=0.8)
        axis.set_axisbelow(True)
        axis.spines[["top", "right"]].set_visible(False)
    return figure, list(grid[:number])


def _write(figure: Any, path: str | os.PathLike[str]) -> Path:
    target = Path(path)
    kind = target.suffix.lstrip(".") or "png"
    with atomic_write(target) as file:
        figure.savefig(file, format=kind, dpi=130)
    return target
