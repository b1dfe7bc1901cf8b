"""What the network looks at while it reads: a Transformer's attention, or what the guesses of an LSTM lean on."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib import font_manager
from matplotlib.figure import Figure

import handtorch
from handtorch import autograd
from handtorch.io.atomic import atomic_write
from handtorch.models.language import LanguageModel, TransformerLanguageModel
from handtorch.text import TextModel

TOKENS = 40
"""How many of a text are drawn."""
_HEADS_DRAWN = 4
# The first one that has a character writes it; Chinese is boxes where none of the others is installed.
_FONTS = ("DejaVu Sans", "Noto Sans CJK SC", "Noto Sans CJK JP", "PingFang SC", "Microsoft YaHei", "WenQuanYi Zen Hei")

Weights = npt.NDArray[np.floating[Any]]


def draw(model: TextModel, tokens: Sequence[int], path: Path) -> None:
    """Draw where the network looks in the first tokens of a text.

    Args:
        model: what reads.
        tokens: a text.
        path: a PNG file.
    """
    ids = [int(token) for token in tokens[: TOKENS + 1]]
    names = [model.tokenizer.decode([token]).replace("\n", "⏎").replace(" ", "·") for token in ids]
    if isinstance(model.network, TransformerLanguageModel):
        panels = attention(model.network, ids[:-1])
        title = "Where each token (row) looks (column)"
    else:
        panels = {"": influence(model.network, ids)}
        title = "What each guess (row) leans on, of all that was read (column)"
    fonts = [name for name in _FONTS if name in font_manager.get_font_names()]
    guesses = not isinstance(model.network, TransformerLanguageModel)
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(8.5 * columns, 8.5 * rows + 0.4), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", fontweight="bold")
    axes = np.ravel(figure.subplots(rows, columns, squeeze=False))
    for axis, (name, weights) in zip(axes, panels.items(), strict=False):
        # A row's largest weight is black: most weights are small, and rows differ a lot.
        axis.imshow(weights / weights.max(axis=1, keepdims=True), cmap="Greys", vmin=0, vmax=1)
        axis.set_title(name, loc="left")
        axis.set_xticks(range(len(ids) - 1), names[:-1], rotation=90, fontsize=7, fontfamily=fonts)
        axis.set_yticks(range(len(ids) - 1), names[1:] if guesses else names[:-1], fontsize=7, fontfamily=fonts)
    with atomic_write(path) as file, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")
        figure.savefig(file, format="png", dpi=110)


def attention(network: TransformerLanguageModel, tokens: Sequence[int]) -> dict[str, Weights]:
    """Weights (T, T) of heads of the first and the last layer, by name."""
    with handtorch.no_grad():
        weights = network.attention(handtorch.tensor([list(tokens)])).numpy()[:, 0]
    layers, heads = weights.shape[:2]
    half = _HEADS_DRAWN // 2
    chosen = [(layer, head) for layer in sorted({0, layers - 1}) for head in range(min(half, heads))]
    return {f"layer {layer + 1}, head {head + 1}": weights[layer, head] for layer, head in chosen}


def influence(network: LanguageModel, tokens: Sequence[int]) -> Weights:
    """How much each token that was read weighs in each guess (T, T): |d ln p(token t + 1) / d embedding of token s|.

    An LSTM has no weights that would say where it looks; but the gradient does: it tells how much a little change of
    what was read would change the guess (Li et al. 2016, "Visualizing and understanding neural models in NLP").

    Args:
        network: a language model with an ``embedding``.
        tokens: (T + 1).
    """
    read: list[Any] = []

    def keep(module: Any, arguments: Any, output: Any) -> Any:
        read.append(output.detach().requires_grad_())
        return read[-1]

    hook = network.embedding.register_forward_hook(keep)
    try:
        nll, _ = network.nll(handtorch.tensor([list(tokens[:-1])]), handtorch.tensor([list(tokens[1:])]))
    finally:
        hook.remove()
    rows = [autograd.grad(cost, read[0], retain_graph=True)[0].numpy()[0] for cost in nll[0]]
    return np.linalg.norm(np.stack(rows), axis=2)
