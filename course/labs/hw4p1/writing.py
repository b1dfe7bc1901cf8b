"""The model writes: samples as text, and a page on which every token is coloured by how little it was expected."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import handtorch
from handtorch.io.atomic import atomic_write
from handtorch.models.generation import generate
from handtorch.text import TextModel

WAYS: dict[str, dict[str, Any]] = {
    "temperature 0.8, the likeliest 90 %": {"temperature": 0.8, "top_p": 0.9},
    "temperature 1: as it thinks": {"temperature": 1.0},
    "always the likeliest token": {"temperature": 0.0},
}
"""How tokens are drawn."""
# Of nats of surprise at which the colour is full: one chance in 3,000.
_FULL = 8.0
_EXPECTED = 3

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 Georgia, serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }}
h1, h2, h3, footer {{ font-family: system-ui, sans-serif; }}
h3 {{ font-size: 1rem; font-weight: normal; opacity: .75; margin-bottom: .3rem; }}
pre {{ font: inherit; white-space: pre-wrap; overflow-wrap: anywhere; margin: 0 0 .8rem; padding: .8rem 1rem;
      border: 1px solid #8886; border-radius: .5rem; }}
pre b {{ border-bottom: 2px solid #4a90d9; font-weight: inherit; }}
.k span {{ padding: .1rem .6rem; }}
</style>
<h1>{title}</h1>
<p>A token is coloured by how little the model expected it: <span class="k">{key}</span>.
Point at one to see its probability{more}. What was given is underlined.</p>
{body}
</html>
"""


@dataclass(frozen=True)
class Shown:
    """A token on the page."""

    text: str
    nll: float | None
    """-ln p of it; None of one that was given."""
    note: str = ""


def samples(model: TextModel, prompts: Sequence[str], tokens: int, seed: int) -> dict[str, list[list[Shown]]]:
    """For each of :data:`WAYS` each prompt and what the model wrote after it."""
    encoded = [model.begun(model.tokenizer.encode(prompt, special=True)) for prompt in prompts]
    stop = () if model.between is None else (model.between,)
    written = {}
    for way, options in WAYS.items():
        generator = handtorch.Generator().manual_seed(seed)
        with handtorch.no_grad():
            found = generate(model.network, encoded, max_tokens=tokens, stop=stop, generator=generator, **options)
        written[way] = [
            _shown(model, [*prompt, *more], [None] * len(prompt) + [-p for p in log_probs])
            for prompt, more, log_probs in zip(encoded, found.tokens, found.log_probs, strict=True)
        ]
    return written


def surprises(model: TextModel, tokens: Sequence[int]) -> list[Shown]:
    """A text that was not learned from, with what the model expected at each place."""
    ids = [int(token) for token in tokens]
    with handtorch.no_grad():
        log_probs = model.network.log_probs(handtorch.tensor([ids[:-1]]))[0].numpy()[0]
    nll = [None, *(-log_probs[np.arange(len(ids) - 1), ids[1:]]).tolist()]
    notes = [""]
    for row in log_probs:
        best = np.argsort(-row)[:_EXPECTED]
        notes.append("expected " + ", ".join(f"{model.tokenizer.decode([i])!r} {math.exp(row[i]):.2f}" for i in best))
    return _shown(model, ids, nll, notes)


def _shown(
    model: TextModel, ids: Iterable[int], nll: Iterable[float | None], notes: Iterable[str] | None = None
) -> list[Shown]:
    ids = list(ids)
    decoder = model.tokenizer.decoder()
    pieces = ["" if token == model.between else decoder.add(token) for token in ids]
    return [Shown(*parts) for parts in zip(pieces, nll, notes or [""] * len(ids), strict=True)]


def write_text(written: dict[str, list[list[Shown]]], path: Path) -> None:
    """Write the samples as plain text."""
    with atomic_write(path, "w") as file:
        for way, texts in written.items():
            file.write(f"{'=' * 100}\n{way}\n{'=' * 100}\n\n")
            for text in texts:
                file.write("".join(token.text for token in text).rstrip() + f"\n\n{'-' * 100}\n\n")


def write_page(written: dict[str, list[list[Shown]]], read: Sequence[Shown], title: str, path: Path) -> None:
    """Write the samples and a text that was read as a page that needs no other file."""
    parts = ["<h2>What it wrote</h2>"]
    for way, texts in written.items():
        parts += [f"<h3>{html.escape(way)}</h3>", *(f"<pre>{_coloured(text)}</pre>" for text in texts)]
    parts.append(
        f"<h2>What surprised it</h2>\n<h3>a text that it did not learn from</h3>\n<pre>{_coloured(read)}</pre>"
    )
    key = "".join(
        f'<span style="{_colour(-math.log(p))}">{name}</span>'
        for p, name in ((0.9, "certain"), (0.1, "1 in 10"), (0.01, "1 in 100"), (0.0003, "1 in 3,000"))
    )
    page = _PAGE.format(title=html.escape(title), key=key, more=" and what was expected", body="\n".join(parts))
    with atomic_write(path, "w") as file:
        file.write(page)


def _coloured(tokens: Iterable[Shown]) -> str:
    return "".join(map(_span, tokens))


def _span(token: Shown) -> str:
    text = html.escape(token.text)
    if token.nll is None:
        return f"<b>{text}</b>"
    told = html.escape(f"p = {math.exp(-token.nll):.3g}" + (f"; {token.note}" if token.note else ""))
    return f'<span style="{_colour(token.nll)}" title="{told}">{text}</span>'


def _colour(nll: float) -> str:
    return f"background:rgba(230,110,20,{min(nll / _FULL, 1) * 0.75:.2f})"
