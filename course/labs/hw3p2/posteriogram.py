"""A picture of how an utterance was heard: its features, and beneath them how likely each phone was in each step."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from handtorch.audio.checks import Floats
from handtorch.audio.corpus import store
from handtorch.audio.decode import greedy
from handtorch.audio.examples import Examples
from handtorch.audio.phonemes import PhoneSegment
from handtorch.audio.picture import KINDS
from handtorch.audio.recognizer import Recognizer
from handtorch.audio.symbols import BLANK
from handtorch.io.atomic import atomic_write

_SECONDS_PER_FRAME = 0.01
# Of a longer utterance the beginning is drawn.
_FRAMES_SHOWN = 400
# Phones that are made alike stand beside each other, as they are confused.
_COLOURS = {phone: colour for colour, phones in KINDS.values() for phone in phones.split()}
_PLACES = {phone: place for place, phone in enumerate(_COLOURS)}
_OTHER_COLOUR = "#d0d0d0"


def draw(recognizer: Recognizer, examples: Examples, number: int, path: Path) -> None:
    """Draw the features of an utterance, its phones where it is known when they sound, and what the network thinks.

    Args:
        recognizer: what hears.
        examples: a set of utterances.
        number: which of them.
        path: a PNG file.
    """
    features = examples[number].features[:_FRAMES_SHOWN]
    log_probs = recognizer.log_probs(examples[number].features)[: -(-len(features) // recognizer.model.stride)]
    utterance = examples.utterances[number]
    said = utterance.phones if isinstance(utterance, store.Utterance) else ()
    seconds = len(features) * _SECONDS_PER_FRAME
    figure = Figure(figsize=(14, 8), layout="constrained")
    top, middle, bottom = figure.subplots(3, 1, height_ratios=[5, 1, 12], sharex=True)
    middle.set_visible(bool(said))
    top.imshow(
        features.T, origin="lower", aspect="auto", cmap="magma", vmin=-2.5, vmax=2.5,
        extent=(0, seconds, 0, features.shape[1]),
    )  # fmt: skip
    top.set(yticks=[], ylabel="features")
    title = ": ".join(filter(None, (examples[number].id, getattr(utterance, "text", None))))
    top.set_title(title, loc="left", fontweight="bold")
    _draw_said(middle, said, seconds)
    _draw_heard(bottom, recognizer, log_probs, seconds)
    bottom.set(xlabel="s", xlim=(0, seconds))
    with atomic_write(path) as file:
        figure.savefig(file, format="png", dpi=120)


def _draw_said(axis: Any, said: Sequence[PhoneSegment], seconds: float) -> None:
    """The phones as the data set has them, if it says when they sound."""
    for phone, start, end in said:
        if start < seconds:
            colour = _COLOURS.get(phone, _OTHER_COLOUR)
            axis.axvspan(start, min(end, seconds), facecolor=colour, edgecolor="white", linewidth=0.8)
            axis.text((start + min(end, seconds)) / 2, 0.5, phone, ha="center", va="center", fontsize=8, clip_on=True)
    axis.set(ylim=(0, 1), yticks=[], ylabel="said")
    axis.spines[:].set_visible(False)


def _draw_heard(axis: Any, recognizer: Recognizer, log_probs: Floats, seconds: float) -> None:
    """How likely each phone is in each step, a row for a phone; those that were heard are named where they were."""
    found, names = greedy(log_probs), recognizer.symbols.names
    heard = sorted(set(found.symbols), key=lambda symbol: _PLACES.get(names[symbol - 1], len(_PLACES)))
    chosen = [BLANK, *heard]
    shares = np.exp(log_probs[:, chosen]).T
    axis.imshow(shares, aspect="auto", cmap="Greys", vmin=0, vmax=1, extent=(0, seconds, len(chosen), 0))
    step = seconds / len(log_probs)
    for symbol, (start, end) in zip(found.symbols, found.times, strict=True):
        name, row = names[symbol - 1], chosen.index(symbol)
        axis.text(
            end * step, row + 0.5, f" {name}", ha="left", va="center", fontsize=8, clip_on=True,
            bbox={"facecolor": _COLOURS.get(name, _OTHER_COLOUR), "edgecolor": "none", "pad": 1.0},
        )  # fmt: skip
        axis.axvline((start + end) / 2 * step, color="#cccccc", linewidth=0.4)
    axis.set_yticks(np.arange(len(chosen)) + 0.5, ["blank", *(names[symbol - 1] for symbol in heard)], fontsize=8)
    axis.set_ylabel("heard")
