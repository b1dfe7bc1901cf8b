"""hw1p2: say which phoneme is heard in every 10 ms of speech. This file is the whole recipe; `make train` runs it.

The way of the sound: waveform -> 40 log-mel bands every 10 ms (a frame) -> each frame beside its neighbours (a window)
-> a multilayer perceptron -> 40 scores, one for each phoneme. `data.py` makes the windows, `report.py` says how good
the network became.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import report
import typer
from data import Speech, from_folder, synthesised

import handtorch
from handtorch import nn, optim
from handtorch.audio import WindowedFrames
from handtorch.audio.frame_classifier import FrameClassifier
from handtorch.models import MLP
from handtorch.training import Checkpoint, History, Job, LearningCurves, Program, accuracy, fit
from handtorch.training.settings import as_plain
from handtorch.utils.data import BatchSampler, DataLoader, RandomSampler, SequentialSampler


@dataclass(frozen=True)
class Settings:
    """Everything that decides how a run goes; written beside its results. Annotated ones are options."""

    epochs: Annotated[int, typer.Option(min=1, help="Passes over the training frames.")] = 7
    # A phoneme lasts 50 to 200 ms and colours its neighbours: a frame is judged with 12 frames (120 ms) on each side.
    context: Annotated[int, typer.Option(min=0, help="Frames seen on each side, 10 ms each.")] = 12
    hidden: Annotated[tuple[int, ...], typer.Option(min=1, help="Widths of the hidden layers.")] = (512, 512, 512)
    # It is easier to learn how these voices sound than what they say. Values that are missing at random make it harder.
    dropout: Annotated[float, typer.Option(min=0, max=0.95, help="Share of values dropped.")] = 0.2
    # Where one phoneme becomes the next, half of the frame is the other: no label is worth being 100 % sure of.
    label_smoothing: float = 0.1
    # Large batches keep the matrix products efficient; the learning rate is the largest that trains without a hitch.
    batch_size: Annotated[int, typer.Option(min=2, help="Frames in a batch.")] = 1024
    learning_rate: Annotated[float, typer.Option(min=1e-8, help="The highest one.")] = 2e-3
    weight_decay: float = 1e-2
    seed: Annotated[int, typer.Option(help="Of weights and order; the same one gives the same numbers.")] = 0
    data: Annotated[Path | None, typer.Option(help="A folder in the 11-785 layout instead of the corpus.")] = None
    utterances: Annotated[int | None, typer.Option(min=1, help="Use only so many to train on.")] = None


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
        config=as_plain(settings),
    )
    model.load_state_dict(handtorch.load(folder / "best.safetensors"))
    return FrameClassifier(model, speech.symbols, settings.context, speech.features), history


# ---- the program -----------------------------------------------------------------------------------------------------

EXAMPLES = """Examples:

  python course/labs/hw1p2/train.py

  python course/labs/hw1p2/train.py --name small --hidden 256,256 --epochs 3

  python course/labs/hw1p2/train.py --resume

  python course/labs/hw1p2/train.py --name real --data ~/11785/hw1p2 --context 25 --hidden 2048,1024,1024

With make, options go into ARGS: make train ARGS="--epochs 3 --name short"
"""


def load(settings: Settings) -> Speech:
    """The speech that the settings ask for."""
    if settings.data is None:
        return synthesised(settings.context, settings.utterances)
    return from_folder(settings.data, settings.context, settings.utterances)


def run(settings: Settings, speech: Speech, job: Job) -> dict[str, Any]:
    """Train, and judge what came of it."""
    with job.timed("training"):
        classifier, history = train(speech, settings, job.folder, job.resume)
        classifier.save(job.folder / "classifier.safetensors")
    with job.timed("evaluation"):
        results = report.evaluate(classifier, speech, job.folder)
    return report.metrics(results, speech, classifier, history)


app = Program(
    "hw1p2",
    Settings,
    load=load,
    train=run,
    show=report.show,
    about="Train a network that hears phonemes, and say how well it hears voices that it was not trained on.",
    examples=EXAMPLES,
    call='make train ARGS="{}"',
).command_line()

if __name__ == "__main__":
    app()
