"""hw4p1: learn to say what comes next in a text, and then write one. `make train LAB=hw4p1` runs it.

The way of a text: characters -> tokens (byte pairs, words or characters) -> a table of embeddings -> an LSTM that reads
them one after the other, or a Transformer that looks back at those before -> for each token the probability of every
one that might follow. `data.py` has the texts, `recipes.py` the sizes and steps for each of them, `report.py` says how
good the network became, `writing.py` lets it write, `pictures.py` shows what surprised it and what it looked at,
`hand_in.py` answers the questions of 11-785.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import report
import typer
from data import Corpus, chinese_poems, from_course, shakespeare, wikitext
from reading import Parts, Reading
from recipes import Recipe, recipe

import handtorch
from handtorch import optim
from handtorch.errors import ArgumentError
from handtorch.models.language import LSTMLanguageModel, TransformerLanguageModel
from handtorch.text import RunningWindows, TextModel
from handtorch.training import Checkpoint, History, Job, LearningCurves, Program, fit
from handtorch.training.settings import as_plain

PARTS = 4
"""Epochs of a pass: three points would be no curve."""
_WATCHED = 50_000
"""Tokens of the text to choose by on which an epoch is measured: all of them would take a good part of the time."""


@dataclass(frozen=True)
class Settings:
    """Everything that decides how a run goes; written beside its results. None: as recipes.py has it for the text."""

    wikitext: Annotated[Path | None, typer.Option(help="A folder of WikiText instead of Shakespeare.")] = None
    poems: Annotated[Path | None, typer.Option(help="The folder of the npm package chinese-poetry instead.")] = None
    data: Annotated[Path | None, typer.Option(help="A folder in the layout of 11-785, to be handed in.")] = None
    model: Annotated[str | None, typer.Option(help="lstm or transformer; by default what suits the text.")] = None

    vocabulary: Annotated[int | None, typer.Option(min=2, help="The most tokens.")] = None
    width: Annotated[int | None, typer.Option(min=1, help="Numbers for each token.")] = None
    hidden: Annotated[int | None, typer.Option(min=1, help="Width inside the layers.")] = None
    layers: Annotated[int | None, typer.Option(min=1, help="How many of them.")] = None
    heads: Annotated[int | None, typer.Option(min=1, help="Of each attention.")] = None
    dropout: Annotated[float | None, typer.Option(min=0, max=0.95, help="Share of features left out.")] = None

    epochs: Annotated[int | None, typer.Option(min=1, help="How often to read a quarter of the text.")] = None
    batch: Annotated[int | None, typer.Option(min=1, help="Rows that are read at once.")] = None
    window: Annotated[int | None, typer.Option(min=1, help="Tokens of each row in a step.")] = None
    learning_rate: Annotated[float | None, typer.Option(min=1e-8, help="The highest one.")] = None
    # Steep gradients come where a rare name begins; beyond this length they would spoil what was learned.
    clip_norm: float = 1.0
    seed: Annotated[int, typer.Option(help="Of weights, order and samples; the same one gives the same numbers.")] = 0

    samples: Annotated[int, typer.Option(min=1, help="Tokens of each sample.")] = 250
    tokens: Annotated[int | None, typer.Option(min=1, help="Use only so many to learn from.")] = None

    def __post_init__(self) -> None:
        given = [name for name in ("wikitext", "poems", "data") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ArgumentError(f"expected one text, got --{' and --'.join(given)}")

    @property
    def text(self) -> str:
        """The key of the text in recipes.RECIPES."""
        return "poems" if self.poems is not None else "wikitext" if self.wikitext or self.data else "shakespeare"

    @property
    def recipe(self) -> Recipe:
        """The recipe of the text, with what these settings change."""
        return recipe(self.text, **as_plain(self))


# ---- the network and what it learns by -------------------------------------------------------------------------------


def network(vocabulary: int, chosen: Recipe) -> Any:
    """A new network for so many tokens."""
    if chosen.model == "transformer":
        return TransformerLanguageModel(
            vocabulary, chosen.width, chosen.heads, chosen.layers, chosen.hidden, chosen.window, dropout=chosen.dropout
        )
    cutoffs = [cutoff for cutoff in chosen.cutoffs if cutoff < vocabulary]
    return LSTMLanguageModel(
        vocabulary,
        chosen.width,
        chosen.hidden,
        chosen.layers,
        tied=not cutoffs,
        dropout_embedding=0.0,
        dropout_input=chosen.dropout,
        dropout_between=chosen.dropout,
        dropout_output=chosen.dropout,
        weight_drop=0.0,
        cutoffs=cutoffs or None,
    )


def train(corpus: Corpus, settings: Settings, folder: Path, resume: bool = False) -> tuple[TextModel, History]:
    """Train the network and write the run into ``folder``; the model has the weights of the best epoch."""
    handtorch.manual_seed(settings.seed)
    chosen = settings.recipe
    model = network(len(corpus.tokenizer), chosen)
    optimizer = optim.AdamW(model.parameters(), lr=chosen.learning_rate, betas=(0.9, 0.99), weight_decay=0.0)
    text = Parts(corpus.train[: settings.tokens], chosen.batch, chosen.window, PARTS)
    reading = Reading(text, carries=chosen.model == "lstm")
    scheduler = optim.lr_scheduler.OneCycleLR(
        optimizer, chosen.learning_rate, total_steps=len(text) * chosen.epochs, pct_start=0.05
    )
    history = fit(
        model,
        None,
        optimizer,
        text,
        RunningWindows(corpus.dev[:_WATCHED], chosen.batch, chosen.window),
        epochs=chosen.epochs,
        scheduler=scheduler,
        scheduler_every="step",
        clip_norm=settings.clip_norm,
        callbacks=[reading, LearningCurves("valid_loss"), Checkpoint("valid_loss", mode="min")],
        run=folder,
        resume=resume,
        step=reading.step,
        config=as_plain(settings),
    )
    model.load_state_dict(handtorch.load(folder / "best.safetensors"))
    model.eval()
    return TextModel(model, corpus.tokenizer), history


# ---- the program -----------------------------------------------------------------------------------------------------

EXAMPLES = """Examples:

  python course/labs/hw4p1/train.py

  python course/labs/hw4p1/train.py --resume

  python course/labs/hw4p1/train.py --name transformer --model transformer

  python course/labs/hw4p1/train.py --name wikitext --wikitext ~/wikitext2

  python course/labs/hw4p1/train.py --name poems --poems node_modules/chinese-poetry

With make, options go into ARGS: make train LAB=hw4p1 ARGS="--epochs 1 --name short"
"""


def load(settings: Settings) -> Corpus:
    """The text that the settings ask for."""
    if settings.data is not None:
        return from_course(settings.data)
    if settings.wikitext is not None:
        return wikitext(settings.wikitext)
    if settings.poems is not None:
        return chinese_poems(settings.poems, settings.recipe.vocabulary)
    return shakespeare(settings.recipe.vocabulary)


def run(settings: Settings, corpus: Corpus, job: Job) -> dict[str, Any]:
    """Train, and judge what came of it."""
    with job.timed("training"):
        model, history = train(corpus, settings, job.folder, job.resume)
        model.save(job.folder / "model.safetensors")
    with job.timed("evaluation"):
        window, samples = settings.recipe.window, settings.samples
        found = report.evaluate(model, corpus, window, samples, settings.seed, job.folder)
    return report.metrics(found, corpus, model, history)


app = Program(
    "hw4p1",
    Settings,
    load=load,
    train=run,
    show=report.show,
    about="Train a language model, say how well it guesses a text that it has not read, and let it write.",
    examples=EXAMPLES,
    call='make train LAB=hw4p1 ARGS="{}"',
).command_line()

if __name__ == "__main__":
    app()
