"""What a run of hw4p1 leaves behind: perplexities, samples, pictures, and what is handed in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import hand_in
import pictures
import writing
from data import Corpus, Ids
from rich.console import Console
from rich.table import Table

from handtorch.models.language import TransformerLanguageModel
from handtorch.text import TextModel
from handtorch.text.surprise import Perplexity, perplexity
from handtorch.training import History

BARS = {"shakespeare": ("test", "character", 4.0), "wikitext": ("dev", "nll", 5.4)}
"""By text: on which part, of what, and the most that it may be."""
MEASURES = {
    "nll": "nats a token",
    "token": "perplexity by token",
    "word": "perplexity by word",
    "character": "perplexity by character",
}
MEASURED = {
    "shakespeare": ("nll", "token", "word", "character"),
    "wikitext": ("nll", "token"),  # tokens are words; how the text was written is not known
    "poems": ("nll", "character"),
}
"""By text: what the table at the end shows."""
# Rows of a text that are read side by side. Each begins with nothing read, which hardly counts in 10,000 tokens.
_ROWS = 16
_LENGTH = 256
_READ_ON_THE_PAGE = 500


def evaluate(model: TextModel, corpus: Corpus, window: int, samples: int, seed: int, folder: Path) -> dict[str, Any]:
    """Judge the model, let it write, draw what it looks at, answer the course's questions; all goes into ``folder``."""
    judged = {name: measure(model, tokens, window) for name, tokens in corpus.judged.items()}
    shown = corpus.judged["test" if "test" in corpus.judged else "dev"]
    written = writing.samples(model, corpus.prompts, samples, seed)
    middle = shown[len(shown) // 2 :]  # past titles and lists of persons
    read = writing.surprises(model, middle[: min(_READ_ON_THE_PAGE, model.max_length or _READ_ON_THE_PAGE)])
    writing.write_text(written, folder / "samples.txt")
    writing.write_page(written, read, f"hw4p1, {corpus.name}", folder / "samples.html")
    found: dict[str, Any] = {
        "perplexity": {name: _plain(result) for name, result in judged.items()},
        "pictures": pictures.draw(model, middle, folder),
    }
    if corpus.questions is not None:
        found["questions"] = hand_in.answer(model, corpus.questions, corpus.number, folder, seed)
    return found


def measure(model: TextModel, tokens: Ids, window: int) -> Perplexity:
    """How well the model foresees a text: an LSTM after all before, a Transformer after half a window at least."""
    if isinstance(model.network, TransformerLanguageModel):
        reading = {"length": window, "stride": max(window // 2, 1)}
    else:
        reading = {"length": _LENGTH}
    return perplexity(model.network, tokens, model.tokenizer, batch_size=_ROWS, **reading)


def _plain(result: Perplexity) -> dict[str, Any]:
    found = {"nll": result.nll_per_token, "token": result.token, "word": result.word, "character": result.character}
    return {name: round(value, 4) for name, value in found.items()} | {
        "tokens": result.tokens, "words": result.words, "characters": result.characters
    }  # fmt: skip


def metrics(found: dict[str, Any], corpus: Corpus, model: TextModel, history: History) -> dict[str, Any]:
    """What a run is worth, for metrics.json."""
    return found | {
        "text": corpus.name,
        "model": type(model.network).__name__,
        "parameters": sum(parameter.numel() for parameter in model.network.parameters()),
        "vocabulary": len(model.tokenizer),
        "tokens": len(corpus.train),
        "epochs": len(history),
    }


# ---- the table at the end --------------------------------------------------------------------------------------------


def show(found: dict[str, Any], folder: Path) -> None:
    """Print what was found."""
    console = Console()
    name = found["text"]
    measures = MEASURED[name]
    table = Table(title=f"hw4p1: {name}, text that was not learned from ({folder})", title_justify="left")
    table.add_column("part")
    for heading in ("tokens", *(MEASURES[measure] for measure in measures)):
        table.add_column(heading, justify="right", overflow="fold")
    for part, values in found["perplexity"].items():
        table.add_row(part, f"{values['tokens']:,}", *(f"{values[measure]:,.3f}" for measure in measures))
    console.print(table)
    if name in BARS:
        part, measure, bar = BARS[name]
        value = found["perplexity"][part][measure]
        reached = "reached" if value <= bar else "not reached"
        console.print(f"Bar on {part}: {MEASURES[measure]} {bar}, {reached} with {value:.3f}.", highlight=False)
    seconds = found["seconds"]
    console.print(
        f"{found['parameters']:,} parameters; data {seconds['data']:.0f} s, training {seconds['training']:.0f} s, "
        f"evaluation {seconds['evaluation']:.0f} s; {found['cpu_seconds']:.0f} s of computing in all.",
        highlight=False,
    )
    drawn = ", ".join(found["pictures"])
    console.print(
        f"{folder}/ holds metrics.json, curves.png, samples.txt, samples.html, {drawn}, model.safetensors.\n"
        f"Next: python -m handtorch.text generate {folder}/model.safetensors, or serve instead of generate",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
