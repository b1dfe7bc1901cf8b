"""hw3p2: say which phonemes an utterance holds, in a row and not frame by frame. `make train LAB=hw3p2` runs it.

The way of the sound: waveform -> 40 log-mel bands every 10 ms -> convolutions, which join two frames -> bidirectional
LSTM layers -> 41 scores for every 20 ms: 40 phones and a blank. Nobody says when a phone is spoken: CTC sums over all
ways to lay the phones of an utterance along its steps. `data.py` has the utterances, `phrases.py` splits real ones,
`report.py` decodes them and says how good the network became, `posteriogram.py` draws how it heard one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import report
import typer
from data import Speech, from_folder, real, synthesised

import handtorch
from handtorch import optim
from handtorch.audio.batching import Batch, utterance_batches
from handtorch.audio.decode import greedy
from handtorch.audio.examples import Examples
from handtorch.audio.metrics import per
from handtorch.audio.recognizer import Recognizer
from handtorch.audio.specaugment import spec_augment
from handtorch.errors import ArgumentError
from handtorch.models.ctc import CTCNetwork
from handtorch.nn import functional as F
from handtorch.training import Checkpoint, History, Job, LearningCurves, Program, StepOutput, fit
from handtorch.training.settings import as_plain
from handtorch.utils.data import DataLoader

# There are 12 times as few real prompts as there are synthetic utterances.
_EPOCHS, _REAL_EPOCHS = 18, 30


@dataclass(frozen=True)
class Settings:
    """Everything that decides how a run goes; written beside its results. Annotated ones are options."""

    channels: Annotated[tuple[int, ...], typer.Option(min=1, help="Widths of the convolutions.")] = (192, 192)
    # The fastest of these voices say 22 phones a second. Two frames a step leave CTC two steps for each of them.
    stride: Annotated[int, typer.Option(min=1, help="Frames of 10 ms in a step of the network.")] = 2
    hidden: Annotated[int, typer.Option(min=1, help="Width of the LSTM layers, each way.")] = 192
    layers: Annotated[int, typer.Option(min=1, help="How many of them.")] = 2
    dropout: Annotated[float, typer.Option(min=0, max=0.95, help="Share of channels dropped.")] = 0.1
    # What is masked has to be guessed from what is around it. Wider masks would hide whole phones.
    time_width: Annotated[int, typer.Option(min=0, help="Most frames that a mask hides.")] = 8
    frequency_width: Annotated[int, typer.Option(min=0, help="Most bands that a mask hides.")] = 6

    # There are only 69 voices. Formants that are moved by up to so many bands sound like more of them.
    frequency_warp: Annotated[int, typer.Option(min=0, help="Most bands that frequencies move by.")] = 3

    epochs: Annotated[
        int | None,
        typer.Option(min=1, help=f"Passes over the utterances; default {_EPOCHS}, or {_REAL_EPOCHS} if real."),
    ] = None
    # About 15 utterances. With longer ones there are fewer in a batch, so that each takes the same time. Batches twice
    # as large would hardly be quicker, and CTC needs some hundred steps before it says anything but blanks.
    batch_frames: Annotated[int, typer.Option(min=1, help="Frames in a batch.")] = 4000
    learning_rate: Annotated[float, typer.Option(min=1e-8, help="The highest one.")] = 3e-3
    weight_decay: float = 1e-2
    # CTC begins by saying nothing but blanks, and leaves that with steep gradients.
    clip_norm: float = 5.0
    seed: Annotated[int, typer.Option(help="Of weights and order; the same one gives the same numbers.")] = 0
    beam: Annotated[int, typer.Option(min=1, help="Width of the beam search that is compared with greedy.")] = 20
    start: Annotated[Path | None, typer.Option(help="A recognizer to go on from, as wide as it is.")] = None
    real: Annotated[bool, typer.Option("--real", help="Train on recorded prompts instead of the corpus.")] = False
    data: Annotated[Path | None, typer.Option(help="A folder in the 11-785 layout instead of the corpus.")] = None
    utterances: Annotated[int | None, typer.Option(min=1, help="Use only so many to train on.")] = None

    def __post_init__(self) -> None:
        if self.real and self.data is not None:
            raise ArgumentError("expected --real or --data, got both")


# ---- the network and what it learns by -------------------------------------------------------------------------------


def network(speech: Speech, settings: Settings) -> CTCNetwork:
    """A new network, or the one to go on from."""
    if settings.start is not None:
        return Recognizer.load(settings.start).model
    return CTCNetwork(
        speech.train[0].features.shape[1],
        len(speech.symbols),
        channels=settings.channels,
        stride=settings.stride,
        hidden_size=settings.hidden,
        num_layers=settings.layers,
        dropout=settings.dropout,
    )


def step(model: Any, loss: Any, batch: Batch) -> StepOutput:
    """CTC's loss; what is heard and what was said go to the error rate."""
    log_probs, lengths = model(batch.features, batch.lengths)
    value = loss(log_probs.transpose(0, 1), batch.targets, lengths, batch.target_lengths)
    return StepOutput(value, (log_probs, lengths), (batch.targets, batch.target_lengths), len(batch.ids))


def error_rate(outputs: Any, targets: Any) -> float:
    """Phone error rate of a batch, greedily decoded; pauses count, too."""
    heard = (greedy(log_probs).symbols for log_probs in cut(*outputs))
    return per(cut(*targets), heard).rate


def cut(padded: Any, lengths: Any) -> list[Any]:
    """The sequences of a padded batch without the padding."""
    return [row[:length] for row, length in zip(padded.detach().numpy(), lengths.tolist(), strict=True)]


def batches(examples: Examples, settings: Settings, training: bool) -> DataLoader:
    """Batches of utterances that are about equally long; in training with SpecAugment (Park et al. 2019)."""
    masks = partial(
        spec_augment,
        time_width=settings.time_width,
        frequency_width=settings.frequency_width,
        frequency_warp_width=settings.frequency_warp,
        value=0.0,
    )
    return utterance_batches(examples, settings.batch_frames, training=training, seed=settings.seed, augment=masks)


# ---- training --------------------------------------------------------------------------------------------------------


def train(speech: Speech, settings: Settings, folder: Path, resume: bool = False) -> tuple[Recognizer, History]:
    """Train the network and write the run into ``folder``; the recognizer has the weights of the best epoch."""
    handtorch.manual_seed(settings.seed)
    model = network(speech, settings)
    epochs = settings.epochs or (_REAL_EPOCHS if settings.real else _EPOCHS)
    optimizer = optim.AdamW(model.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    train_batches = batches(speech.train, settings, training=True)
    scheduler = optim.lr_scheduler.OneCycleLR(
        optimizer,
        settings.learning_rate,
        total_steps=train_batches.batch_sampler.total(epochs),
        pct_start=0.2,
    )
    history = fit(
        model,
        F.ctc_loss,
        optimizer,
        train_batches,
        batches(speech.dev, settings, training=False),
        epochs=epochs,
        scheduler=scheduler,
        scheduler_every="step",
        clip_norm=settings.clip_norm,
        metrics={"error_rate": error_rate},
        callbacks=[LearningCurves("valid_error_rate"), Checkpoint("valid_error_rate", mode="min")],
        run=folder,
        resume=resume,
        step=step,
        config=as_plain(settings),
    )
    model.load_state_dict(handtorch.load(folder / "best.safetensors"))
    return Recognizer(model, speech.symbols, speech.features), history


# ---- the program -----------------------------------------------------------------------------------------------------

EXAMPLES = """Examples:

  python course/labs/hw3p2/train.py

  python course/labs/hw3p2/train.py --resume

  python course/labs/hw3p2/train.py --name real --real --start runs/hw3p2/recognizer.safetensors \\
    --batch-frames 2000 --learning-rate 2e-3

  python course/labs/hw3p2/train.py --name cmu --data ~/11785/hw3p2 --hidden 384 --layers 3 --epochs 30

With make, options go into ARGS: make train LAB=hw3p2 ARGS="--epochs 3 --name short"
"""


def load(settings: Settings) -> Speech:
    """The speech that the settings ask for."""
    if settings.data is not None:
        return from_folder(settings.data, settings.utterances)
    return (real if settings.real else synthesised)(settings.utterances)


def run(settings: Settings, speech: Speech, job: Job) -> dict[str, Any]:
    """Train, and judge what came of it."""
    with job.timed("training"):
        recognizer, history = train(speech, settings, job.folder, job.resume)
        recognizer.save(job.folder / "recognizer.safetensors")
    with job.timed("evaluation"):
        results = report.evaluate(recognizer, speech, settings.beam, job.folder)
    return report.metrics(results, speech, recognizer, history)


app = Program(
    "hw3p2",
    Settings,
    load=load,
    train=run,
    show=report.show,
    about="Train a network that hears the phonemes of whole utterances, and say how well it hears others.",
    examples=EXAMPLES,
    call='make train LAB=hw3p2 ARGS="{}"',
).command_line()

if __name__ == "__main__":
    app()
