"""Pictures of attention: where the network looked for each character, after each epoch and at last."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from handtorch.audio.checks import Floats
from handtorch.io.atomic import atomic_write

_SECONDS_PER_FRAME = 0.01
_FORMING = 6


def draw_attention(looked: Sequence[Floats], features: Floats, text: str, title: str, path: Path) -> None:
    """Draw how the diagonal formed over the epochs, and large beneath its utterance where it is now.

    Args:
        looked: (heads, U + 1, T') after each epoch, for the U characters and the end.
        features: (T, F) of the utterance.
        text: its U characters.
        title: what stands above.
        path: a PNG file.
    """
    seconds = len(features) * _SECONDS_PER_FRAME
    chosen = np.unique(np.geomspace(1, len(looked), min(_FORMING, len(looked))).round().astype(int))
    figure = Figure(figsize=(14, 13), layout="constrained")
    rows = figure.add_gridspec(3, len(chosen), height_ratios=[3, 2, 9])
    for column, epoch in enumerate(chosen.tolist()):
        axis = figure.add_subplot(rows[0, column])
        _draw(axis, looked[epoch - 1], seconds)
        axis.set(title=f"epoch {epoch}", yticks=[], xlabel="s")
        if column == 0:
            axis.set_ylabel("characters, downwards")
    above = figure.add_subplot(rows[1, :])
    above.imshow(
        features.T, origin="lower", aspect="auto", cmap="magma", vmin=-2.5, vmax=2.5,
        extent=(0, seconds, 0, features.shape[1]),
    )  # fmt: skip
    above.set(yticks=[], ylabel="features", xticks=[])
    below = figure.add_subplot(rows[2, :], sharex=above)
    _draw(below, looked[-1], seconds)
    names = [*text.replace(" ", "␣"), "end"]
    below.set_yticks(np.arange(len(names)) + 0.5, names, fontsize=9, family="DejaVu Sans Mono")
    below.set(xlabel="s", xlim=(0, seconds), ylabel="characters")
    figure.suptitle(title, x=0.01, ha="left", fontweight="bold")
    with atomic_write(path) as file:
        figure.savefig(file, format="png", dpi=110)


def _draw(axis: Any, weights: Floats, seconds: float) -> None:
    """The mean over heads, a row for a character from the top down."""
    axis.imshow(weights.mean(0), aspect="auto", cmap="Greys", vmin=0, extent=(0, seconds, weights.shape[1], 0))
