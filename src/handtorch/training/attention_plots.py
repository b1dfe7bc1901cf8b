"""Pictures of attention: where a network looks, and how its diagonal forms. Needs matplotlib (extra ``viz``)."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from handtorch.autograd.mode import no_grad
from handtorch.errors import ArgumentError, ShapeError, require
from handtorch.from_data import from_numpy
from handtorch.io.atomic import atomic_write
from handtorch.training.callback import Callback
from handtorch.training.run import Run

_WIDTH_OF_DIAGONAL = 0.1
_MOST_LABELS, _MOST_LABELS_SMALL = 60, 24
_EPOCHS_SHOWN = 6
_COLOURS = "Greys"

Labels = Sequence[str] | None


def diagonality(weights: npt.ArrayLike) -> float:
    r"""How much of the attention lies on the diagonal, from 0 to 1: whether it goes along with what is told.

    ``d = mean over u of Σ_t a_ut exp(-(t/T - u/U)² / 2 g²)``, g = 0.1, with the middles of the U rows and T columns

    1 is all on the straight line; what is even over all columns has about a quarter. Speech does not go at an even
    pace, so good attention stays below 1. (The weighting is that of "guided attention", Tachibana et al. 2018.)

    Args:
        weights: a (U, T), or of several heads (h, U, T); rows add up to 1. Of several heads the best counts, as a
            diagonal of one is enough.

    Raises:
        ShapeError: another shape, or an empty one.
    """
    heads = _of_heads(weights)
    rows, columns = heads.shape[1:]
    distance = (np.arange(rows)[:, None] + 0.5) / rows - (np.arange(columns) + 0.5) / columns
    near = np.exp(-((distance / _WIDTH_OF_DIAGONAL) ** 2) / 2)
    return float((heads * near).sum(axis=(1, 2)).max() / rows)


def attention_picture(
    weights: npt.ArrayLike,
    path: str | os.PathLike[str],
    *,
    rows: Labels = None,
    columns: Labels = None,
    row_axis: str = "told",
    column_axis: str = "looked at",
    title: str = "",
) -> Path:
    """Draw where each of U tokens looks among T steps, a panel a head; the darker, the more weight.

    Args:
        weights: (U, T), or (h, U, T) of h heads, rows from the top down.
        path: the picture to write (``.png``, ``.pdf``, ``.svg``).
        rows: U labels, such as the characters that were told.
        columns: T labels, such as words that were read or seconds; of many only some are written.
        row_axis: what rows are.
        column_axis: what columns are.
        title: what stands above.

    Returns:
        ``path``.

    Raises:
        ShapeError: weights of another shape, or another number of labels.
        MissingExtraError: matplotlib is not installed.
    """
    heads = _of_heads(weights)
    _check_labels(heads, rows, columns)
    count, told, steps = heads.shape
    across = min(count, 4)
    down = -(-count // across)
    width = min(max(3.0, 0.16 * steps), 14.0 / across)
    height = min(max(2.4, 0.16 * told), 12.0 / down)
    figure = _figure(across * width + 1.0, down * height + 0.8)
    panels = figure.subplots(down, across, squeeze=False, sharex=True, sharey=True).ravel()
    for number, panel in enumerate(panels):
        if number >= count:
            panel.remove()
            continue
        _draw(panel, heads[number])
        _label(panel.xaxis, columns, steps, _MOST_LABELS, turned=True)
        _label(panel.yaxis, rows, told, _MOST_LABELS, turned=False)
        if count > 1:
            panel.set_title(f"head {number + 1}", fontsize=9)
    figure.supxlabel(column_axis, fontsize=10)
    figure.supylabel(row_axis, fontsize=10)
    if title:
        figure.suptitle(title, fontsize=12, fontweight="bold")
    return _write(figure, path)


def attention_forming(
    weights: Sequence[npt.ArrayLike],
    path: str | os.PathLike[str],
    *,
    epochs: Sequence[int] | None = None,
    rows: Labels = None,
    columns: Labels = None,
    row_axis: str = "told",
    column_axis: str = "looked at",
    title: str = "",
) -> Path:
    """Draw the same attention after several epochs beside each other, and beneath how diagonal it was after each.

    Args:
        weights: after each epoch (U, T), or (h, U, T), of which the most diagonal head is drawn.
        path: the picture to write.
        epochs: their numbers; 1, 2, ... by default.
        rows, columns, row_axis, column_axis: see :func:`attention_picture`.
        title: what stands above.

    Returns:
        ``path``.

    Raises:
        ArgumentError: no epoch.
        ShapeError: weights of different shapes, or another number of labels.
        MissingExtraError: matplotlib is not installed.
    """
    if not len(weights):
        raise ArgumentError("expected weights of at least one epoch, got none")
    numbers = list(range(1, len(weights) + 1)) if epochs is None else list(epochs)
    all_heads = [_of_heads(each) for each in weights]
    if len({each.shape for each in all_heads}) > 1 or len(numbers) != len(all_heads):
        raise ShapeError(f"expected weights of one shape for {len(numbers)} epochs, got {[e.shape for e in all_heads]}")
    _check_labels(all_heads[0], rows, columns)
    _, told, steps = all_heads[0].shape
    # Most happens at the beginning, so the chosen epochs are dense there.
    chosen = np.unique(np.geomspace(1, len(numbers), min(_EPOCHS_SHOWN, len(numbers))).round().astype(int)) - 1
    shown = [max(all_heads[number], key=diagonality) for number in chosen]
    # One scale for all, so that even attention is pale; of the square root, so that it is not white.
    norm = require("matplotlib.colors", extra="viz").PowerNorm(0.5, vmin=0, vmax=max(each.max() for each in shown))
    figure = _figure(max(2.6 * len(chosen), 7.0) + 1.0, 6.2)
    grid = figure.add_gridspec(2, len(chosen), height_ratios=[3, 2])
    for place, number in enumerate(chosen.tolist()):
        panel = figure.add_subplot(grid[0, place])
        _draw(panel, shown[place], norm)
        panel.set_title(f"epoch {numbers[number]}", fontsize=10)
        panel.set_xlabel(column_axis, fontsize=9)
        _label(panel.xaxis, columns, steps, _MOST_LABELS_SMALL, turned=True)
        _label(panel.yaxis, rows if place == 0 else [""] * told, told, _MOST_LABELS_SMALL, turned=False)
        if place == 0:
            panel.set_ylabel(row_axis, fontsize=9)
    curve = figure.add_subplot(grid[1, :])
    curve.plot(numbers, [diagonality(each) for each in all_heads], color="#4c78a8", marker=".")
    curve.set(xlabel="epoch", ylabel="weight on the diagonal", ylim=(0, 1))
    curve.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    curve.grid(True, color="#e6e6e6", linewidth=0.8)
    curve.spines[["top", "right"]].set_visible(False)
    if title:
        figure.suptitle(title, fontsize=12, fontweight="bold")
    return _write(figure, path)


class AttentionPlot(Callback):
    """Look at the same sequence after every epoch, and keep ``attention.png`` and ``forming.png`` up to date.

    The epoch's row in the history gets ``attention_diagonal``, see :func:`diagonality`::

        def look(model):
            state = model.start(x, lengths, watch=True)
            return model.decode(tokens, state)[1].watched[0]


        fit(..., callbacks=[AttentionPlot(look, rows=[*text, "end"])])

    Args:
        look: takes the model, in evaluation mode, and returns weights (U, T) or (h, U, T), as an array or a tensor.
        rows, columns, row_axis, column_axis: see :func:`attention_picture`.
        title: what stands above both pictures.

    Attributes:
        weights: what it saw after each epoch, (h, U, T) arrays.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """

    # Before what writes the history's rows.
    order = -5
    needs_folder = True

    def __init__(
        self,
        look: Callable[[Any], Any],
        *,
        rows: Labels = None,
        columns: Labels = None,
        row_axis: str = "told",
        column_axis: str = "looked at",
        title: str = "",
    ) -> None:
        require("matplotlib.figure", extra="viz")
        self.look = look
        self.drawing: dict[str, Any] = {
            "rows": rows,
            "columns": columns,
            "row_axis": row_axis,
            "column_axis": column_axis,
            "title": title,
        }
        self.weights: list[np.ndarray] = []

    def on_epoch_end(self, run: Run) -> None:
        """Look, and draw."""
        assert run.folder is not None
        seen = self._seen(run.model)
        self.weights.append(seen)
        run.history.rows[-1]["attention_diagonal"] = diagonality(seen)
        attention_picture(seen, run.folder / "attention.png", **self.drawing)
        attention_forming(self.weights, run.folder / "forming.png", **self.drawing)

    def _seen(self, model: Any) -> np.ndarray:
        training = model.training
        model.eval()
        try:
            with no_grad():
                weights = self.look(model)
        finally:
            model.train(training)
        return _of_heads(weights.detach().numpy() if hasattr(weights, "detach") else weights)

    def state_dict(self) -> dict[str, Any]:
        return {"weights": [from_numpy(each) for each in self.weights]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.weights = [each.numpy() for each in state["weights"]]


def _of_heads(weights: npt.ArrayLike) -> np.ndarray:
    """(h, U, T)."""
    array = np.asarray(weights, np.float64)
    if array.ndim not in (2, 3) or not array.size:
        raise ShapeError(f"expected weights (U, T) or (h, U, T), got {array.shape}")
    return array.reshape(-1, *array.shape[-2:])


def _check_labels(heads: np.ndarray, rows: Labels, columns: Labels) -> None:
    for name, labels, count in (("rows", rows, heads.shape[1]), ("columns", columns, heads.shape[2])):
        if labels is not None and len(labels) != count:
            raise ShapeError(f"expected {count} labels of {name}, got {len(labels)}")


def _draw(panel: Any, weights: np.ndarray, norm: Any = None) -> None:
    """Rows from the top down, as one reads; without a norm the darkest is the highest weight."""
    scale = {"vmin": 0} if norm is None else {"norm": norm}
    panel.imshow(weights, aspect="auto", cmap=_COLOURS, interpolation="nearest", **scale)
    panel.tick_params(length=0)


def _label(axis: Any, labels: Labels, count: int, most: int, turned: bool) -> None:
    """Write labels, every other or fewer where there are many; without any the numbers stay."""
    if labels is None:
        return
    every = -(-count // most)
    places = list(range(0, count, every))
    shown = [labels[place].replace(" ", "␣") for place in places]
    turn = 90 if turned and max(map(len, shown), default=0) > 1 else 0
    axis.set_ticks(places, shown, fontsize=8, rotation=turn)


def _figure(width: float, height: float) -> Any:
    return require("matplotlib.figure", extra="viz").Figure(figsize=(width, height), layout="constrained")


def _write(figure: Any, path: str | os.PathLike[str]) -> Path:
    target = Path(path)
    with atomic_write(target) as file:
        figure.savefig(file, format=target.suffix.lstrip(".") or "png", dpi=130)
    return target
