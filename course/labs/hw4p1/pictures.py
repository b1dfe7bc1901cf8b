"""What the network looks at while it reads: a Transformer's attention, or what the guesses of an LSTM lean on."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib import font_manager

import handtorch
from handtorch import autograd
from handtorch.models.language import LanguageModel, TransformerLanguageModel
from handtorch.text import TextModel
from handtorch.training.attention_plots import attention_picture

TOKENS = 48
"""How many of a text are drawn."""
# The first one that has a character writes it; Chinese is boxes where none of the others is installed.
_FONTS = ("DejaVu Sans", "Noto Sans CJK SC", "Noto Sans CJK JP", "PingFang SC", "Microsoft YaHei", "WenQuanYi Zen Hei")

Weights = npt.NDArray[np.floating[Any]]


def draw(model: TextModel, tokens: Sequence[int], folder: Path) -> list[str]:
    """Draw where the network looks in the first tokens of a text.

    Args:
        model: what reads.
        tokens: a text.
        folder: where the pictures go.

    Returns:
        their names: ``attention-1.png`` and so on, one for each layer of a Transformer, or ``influence.png``.
    """
    ids = [int(token) for token in tokens[: TOKENS + 1]]
    names = [model.tokenizer.decode([token]).replace("\n", "⏎") for token in ids]
    fonts = [name for name in _FONTS if name in font_manager.get_font_names()]
    with matplotlib.rc_context({"font.family": fonts}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")
        if not isinstance(model.network, TransformerLanguageModel):
            return [_picture(influence(model.network, ids), folder / "influence.png", names[1:], names[:-1], "guessed")]
        return [
            _picture(heads, folder / f"attention-{layer}.png", names[:-1], names[:-1], f"read, in layer {layer}")
            for layer, heads in enumerate(attention(model.network, ids[:-1]), start=1)
        ]


def _picture(weights: Weights, path: Path, rows: Sequence[str], columns: Sequence[str], row_axis: str) -> str:
    # The largest of a row is black: most are small, and rows differ a lot.
    even = weights / weights.max(axis=-1, keepdims=True)
    column_axis = "leaned on" if row_axis == "guessed" else "looked at"
    attention_picture(even, path, rows=rows, columns=columns, row_axis=row_axis, column_axis=column_axis)
    return path.name


def attention(network: TransformerLanguageModel, tokens: Sequence[int]) -> Weights:
    """Weights (L, H, T, T) of every layer and head while T tokens are read."""
    with handtorch.no_grad():
        return network.attention(handtorch.tensor([list(tokens)])).numpy()[:, 0]


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
