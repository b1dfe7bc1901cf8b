"""hw1p2: say which phoneme is heard in every 10 ms of speech. This file is the whole recipe; `make train` runs it.

The way of the sound: waveform -> 40 log-mel bands every 10 ms (a frame) -> each frame beside its neighbours (a window)
-> a multilayer perceptron -> 40 scores, one for each phoneme. `data.py` makes the windows, `report.py` says how good
the network became.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import report
import typer
from data import Speech, from_folder, synthesised

import handtorch
from handtorch import nn, optim
from handtorch.audio import WindowedFrames
from handtorch.audio.frame_classifier import FrameClassifier
from handtorch.errors import ArgumentError, HandtorchError
from handtorch.io.atomic import write_json
from handtorch.models import MLP
from handtorch.training import Checkpoint, History, LearningCurves, accuracy, fit, read_checkpoint
from handtorch.utils.data import BatchSampler, DataLoader, RandomSampler, SequentialSampler


@dataclass(frozen=True)
class Settings:
    """Everything that decides how a run goes; written beside its results."""

    # A phoneme lasts 50 to 200 ms and colours its neighbours: a frame is judged with 12 frames (120 ms) on each side.
    context: int = 12
    hidden: tuple[int, ...] = (512, 512, 512)
    # It is easier to learn how these voices sound than what they say. Values that are missing at random make it harder.
    dropout: float = 0.2
    # Where one phoneme becomes the next, half of the frame is the other: no label is worth being 100 % sure of.
    label_smoothing: float = 0.1
    epochs: int = 7
    # Large batches keep the matrix products efficient; the learning rate is the largest that trains without a hitch.
    batch_size: int = 1024
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    seed: int = 0
    data: str | None = None
    utterances: int | None = None


def batches(frames: WindowedFrames, batch_size: int, shuffle: bool) -> DataLoader:
    """Batches of windows. In training the frames come in random order: neighbours are nearly the same frame twice."""
    order = RandomSampler(frames) if shuffle else SequentialSampler(frames)
    # The sampler hands out whole lists of indices, so that a batch is one copy in NumPy and not 1024 in Python.
    return DataLoader(frames, batch_size=None, sampler=BatchSampler(order, batch_size, drop_last=shuffle))


def train(speech: Speech, settings: Settings, folder: Path, resume: bool = False) -> tuple[FrameClassifier, History]:
    """Train the network and write the run into ``folder``; the classifier has the weights of the best epoch."""
    handtorch.manual_seed(settings.seed)
    model = MLP(speech.train.width, settings.hidden, len(speech.symbols), dropout=settings.dropout)
    optimizer = optim.AdamW(model.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    train_batches = batches(speech.train, min(settings.batch_size, len(speech.train)), shuffle=True)
    # Begin gently while the statistics of BatchNorm settle, then go fast, then ever slower to settle in a minimum.
    scheduler = optim.lr_scheduler.OneCycleLR(
        optimizer,
        settings.learning_rate,
        total_steps=settings.epochs * len(train_batches),
        pct_start=0.15,
    )
    history = fit(
        model,
        nn.CrossEntropyLoss(label_smoothing=settings.label_smoothing),
        optimizer,
        train_batches,
        batches(speech.dev, 4096, shuffle=False),
        epochs=settings.epochs,
        scheduler=scheduler,
        scheduler_every="step",
        metrics={"accuracy": accuracy},
        callbacks=[LearningCurves("valid_accuracy"), Checkpoint("valid_accuracy")],
        run=folder,
        resume=resume,
        config=asdict(settings),
    )
    model.load_state_dict(handtorch.load(folder / "best.safetensors"))
    return FrameClassifier(model, speech.symbols, settings.context, speech.features), history


# ---- the command line ------------------------------------------------------------------------------------------------

EXAMPLES = """Examples:

  python course/labs/hw1p2/train.py

  python course/labs/hw1p2/train.py --name small --hidden 256,256 --epochs 3

  python course/labs/hw1p2/train.py --resume

  python course/labs/hw1p2/train.py --name real --data ~/11785/hw1p2 --context 25 --hidden 2048,1024,1024

With make, options go into ARGS: make train ARGS="--epochs 3 --name short"
"""
DEFAULT = Settings()
app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(epilog=EXAMPLES)
def main(
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the training frames.")] = DEFAULT.epochs,
    context: Annotated[int, typer.Option(min=0, help="Frames seen on each side, 10 ms each.")] = DEFAULT.context,
    hidden: Annotated[str, typer.Option(help="Widths of the hidden layers.")] = ",".join(map(str, DEFAULT.hidden)),
    dropout: Annotated[float, typer.Option(min=0, max=0.95, help="Share of values dropped.")] = DEFAULT.dropout,
    learning_rate: Annotated[float, typer.Option(min=1e-8, help="The highest one.")] = DEFAULT.learning_rate,
    batch_size: Annotated[int, typer.Option(min=2, help="Frames in a batch.")] = DEFAULT.batch_size,
    seed: Annotated[int, typer.Option(help="Of weights and order; the same one gives the same numbers.")] = 0,
    data: Annotated[Path | None, typer.Option(help="A folder in the 11-785 layout instead of the corpus.")] = None,
    utterances: Annotated[int | None, typer.Option(min=1, help="Use only so many to train on.")] = None,
    name: Annotated[str, typer.Option(help="The run is written into <runs>/<name>.")] = "hw1p2",
    runs: Annotated[Path, typer.Option(help="Where runs are kept.")] = Path("runs"),
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the run, with the settings it began with.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Begin anew where a run of that name is.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the metrics as JSON.")] = False,
) -> None:
    """Train a network that hears phonemes, and say how well it hears voices that it was not trained on."""
    folder = runs / name
    try:
        settings = Settings(
            epochs=epochs, context=context, hidden=report.widths(hidden), dropout=dropout, batch_size=batch_size,
            learning_rate=learning_rate, seed=seed, data=str(data) if data else None, utterances=utterances,
        )  # fmt: skip
        run(settings_of(folder, settings, resume, overwrite), folder, resume, as_json)
    except HandtorchError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        again = "--resume" if name == "hw1p2" else f"--resume --name {name}"
        typer.echo(f'interrupted; continue with: make train ARGS="{again}"', err=True)
        raise typer.Exit(130) from None


def settings_of(folder: Path, given: Settings, resume: bool, overwrite: bool) -> Settings:
    """Those of the run in the folder when it is resumed, else the given ones, if the folder is free for them."""
    before = read_checkpoint(folder)
    if before is None or (overwrite and not resume):
        return given
    if resume:
        found = json.loads((folder / "settings.json").read_text("utf-8"))
        return Settings(**found | {"hidden": tuple(found["hidden"])})
    raise ArgumentError(
        f"{folder} already holds a run with {before['epochs_done']} epochs done; "
        "try: --resume to continue it, --name for another place, or --overwrite to begin anew"
    )


def run(settings: Settings, folder: Path, resume: bool, as_json: bool) -> None:
    """Data, training, report."""
    moments = [time.monotonic()]
    if settings.data is None:
        speech = synthesised(settings.context, settings.utterances)
    else:
        speech = from_folder(Path(settings.data), settings.context, settings.utterances)
    print(speech.describe(), file=sys.stderr)
    moments.append(time.monotonic())
    if not resume:
        for old in ("last.safetensors", "best.safetensors", "log.jsonl", "log.csv"):
            (folder / old).unlink(missing_ok=True)
    write_json(asdict(settings), folder / "settings.json")
    classifier, history = train(speech, settings, folder, resume)
    classifier.save(folder / "classifier.safetensors")
    moments.append(time.monotonic())
    results = report.evaluate(classifier, speech, folder)
    moments.append(time.monotonic())
    metrics = report.metrics(results, speech, classifier, history, moments) | {"settings": asdict(settings)}
    write_json(metrics, folder / "metrics.json")
    if as_json:
        print(json.dumps(metrics, indent=1))
    else:
        report.show(metrics, folder)


if __name__ == "__main__":
    app()
