"""What a run is like unless its settings say otherwise: sizes and steps for each text and each kind of network."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from handtorch.errors import ArgumentError


@dataclass(frozen=True)
class Recipe:
    """A network and how it is trained."""

    model: str
    """``"lstm"`` or ``"transformer"``."""
    vocabulary: int
    """The most tokens that there are; where a text comes as tokens, their number is what it is."""
    width: int
    """Numbers for each token, and in the Transformer for each place."""
    hidden: int
    """Width of an LSTM layer, or of the layer between two of a Transformer's."""
    layers: int
    heads: int
    """Of each attention; an LSTM has none."""
    dropout: float
    batch: int
    """Rows that are read at once."""
    window: int
    """Tokens of each row in a step."""
    epochs: int
    """Quarters of the text that are read."""
    learning_rate: float
    cutoffs: tuple[int, ...] = ()
    """Where the clusters of an adaptive softmax begin; none for a plain one."""


# Ten minutes on two cores for Shakespeare, twenty for the others. In so short a time one wide layer learns more than
# two, and few rows with a high rate more than many: steps are what is scarce.
RECIPES = {
    "shakespeare": Recipe(
        model="lstm", vocabulary=1000, width=512, hidden=512, layers=1, heads=0, dropout=0.1,
        batch=16, window=64, epochs=10, learning_rate=6e-3,
    ),
    # Most words are rare: an adaptive softmax looks at 2,003 numbers for nearly all of them instead of 33,278.
    "wikitext": Recipe(
        model="lstm", vocabulary=33278, width=256, hidden=256, layers=1, heads=0, dropout=0.2,
        batch=32, window=35, epochs=16, learning_rate=5e-3, cutoffs=(2000, 10000),
    ),
    "poems": Recipe(
        model="lstm", vocabulary=6000, width=256, hidden=256, layers=1, heads=0, dropout=0.1,
        batch=32, window=64, epochs=12, learning_rate=5e-3, cutoffs=(2000,),
    ),
}  # fmt: skip

# A Transformer in place of the LSTM: windows are read alone, so they are longer.
TRANSFORMER = {
    "model": "transformer", "width": 256, "hidden": 1024, "layers": 4, "heads": 4, "batch": 8, "window": 256,
    "learning_rate": 1e-3, "cutoffs": (),
}  # fmt: skip


def recipe(text: str, model: str | None, **changed: Any) -> Recipe:
    """The recipe for a text, with what is changed and is not None.

    Args:
        text: a key of :data:`RECIPES`.
        model: ``"lstm"``, ``"transformer"``, or None for what suits the text.
        changed: fields of :class:`Recipe`.

    Raises:
        ArgumentError: there is no such network.
    """
    if model not in (None, "lstm", "transformer"):
        raise ArgumentError(f"expected --model lstm or transformer, got {model!r}")
    chosen = RECIPES[text]
    if model == "transformer" and chosen.model != model:
        chosen = replace(chosen, **TRANSFORMER)
    known = asdict(chosen)
    return replace(chosen, **{name: value for name, value in changed.items() if name in known and value is not None})
