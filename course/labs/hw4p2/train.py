"""hw4p2: spell what is said in an utterance. `make train LAB=hw4p2` runs it.

The way of the sound: waveform -> 40 log-mel bands every 10 ms -> convolutions, which join three frames -> bidirectional
LSTM layers: the memory. The speller is an LSTM over the characters so far; for each one more it looks at the memory,
where it has learned to look by itself. CTC, which can only go forward, is taught beside it on the same memory, and has a
say in the search. `data.py` has the utterances, `lessons.py` what is done after each epoch, `report.py` says how well
the network spells.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import report
import typer
from data import Speech, from_folder, spanish, synthesised
from lessons import Lessons

import handtorch
from handtorch import optim
from handtorch.audio.batching import pad_batch
from handtorch.audio.checks import Floats
from handtorch.audio.examples import Examples
from handtorch.audio.specaugment import spec_augment
from handtorch.audio.speller import Speller, ctc_greedy, greedy
from handtorch.errors import ArgumentError
from handtorch.models.encoder_decoder.clock import ClockedListenAttendSpell
from handtorch.training import Checkpoint, History, Job, LearningCurves, Program, fit
from handtorch.training.settings import as_plain
from handtorch.utils.data import BucketBatchSampler, DataLoader

# There are 6 times as few Spanish recordings as there are synthetic utterances.
_EPOCHS, _SPANISH_EPOCHS = 16, 40


@dataclass(frozen=True)
class Settings:
    """Everything that decides how a run goes; written beside its results. Annotated ones are options."""

    channels: Annotated[tuple[int, ...], typer.Option(min=1, help="Widths of the convolutions.")] = (192, 192)
    # The fastest of these voices say 25 characters a second. Attention could do with fewer steps, CTC needs one for each
    # character, and one more between two equal ones.
    strides: Annotated[tuple[int, ...], typer.Option(min=1, help="Frames in a step of each of them.")] = (1, 3)
    hidden: Annotated[int, typer.Option(min=1, help="Width of the listener's LSTM layers, each way.")] = 192
    layers: Annotated[int, typer.Option(min=1, help="How many of them.")] = 2
    embedding: int = 64
    speller: Annotated[int, typer.Option(min=1, help="Width of the speller's LSTM.")] = 256
    attention: Annotated[int, typer.Option(min=1, help="Numbers by which a place is found.")] = 128
    heads: Annotated[int, typer.Option(min=1, help="Places that are looked at for a character.")] = 1
    dropout: Annotated[float, typer.Option(min=0, max=0.95, help="Share of channels dropped.")] = 0.1
    # As in hw3p2: what is masked has to be guessed from what is around it, and moved formants sound like more voices.
    time_width: Annotated[int, typer.Option(min=0, help="Most frames that a mask hides.")] = 8
    frequency_width: Annotated[int, typer.Option(min=0, help="Most bands that a mask hides.")] = 6
    frequency_warp: Annotated[int, typer.Option(min=0, help="Most bands that frequencies move by.")] = 3

    epochs: Annotated[
        int | None,
        typer.Option(min=1, help=f"Passes over the utterances; default {_EPOCHS}, or {_SPANISH_EPOCHS} in Spanish."),
    ] = None
    # About 15 utterances, or fewer longer ones, so that each batch takes the same time.
    batch_frames: Annotated[int, typer.Option(min=1, help="Frames in a batch.")] = 4000
    learning_rate: Annotated[float, typer.Option(min=1e-8, help="The highest one.")] = 3e-3
    weight_decay: float = 1e-2
    clip_norm: float = 5.0
    # Without CTC, attention takes several times as long to find where it should look.
    ctc_weight: Annotated[float, typer.Option(min=0, max=1, help="Share of CTC in the loss.")] = 0.4
    label_smoothing: Annotated[float, typer.Option(min=0, max=1, help="Share spread over all characters.")] = 0.1
    # At first the teacher writes every character; later the network has to go on after its own.
    own: Annotated[float, typer.Option(min=0, max=1, help="Share of its own characters that it reads at last.")] = 0.1
    seed: Annotated[int, typer.Option(help="Of weights and order; the same one gives the same numbers.")] = 0
    beam: Annotated[int, typer.Option(min=1, help="Width of the beam search that is compared with greedy.")] = 8
    start: Annotated[Path | None, typer.Option(help="A speller to go on from, as wide as it is.")] = None
    spanish: Annotated[bool, typer.Option("--spanish", help="Train on recorded Spanish instead of the corpus.")] = False
    stamps: Annotated[Path | None, typer.Option(help="Where Tux Paint's stamps are, if not where Debian has them.")] = (
        None
    )
    data: Annotated[Path | None, typer.Option(help="A folder in the 11-785 layout instead of the corpus.")] = None
    utterances: Annotated[int | None, typer.Option(min=1, help="Use only so many to train on.")] = None

    def __post_init__(self) -> None:
        if self.spanish and self.data is not None:
            raise ArgumentError("expected --spanish or --data, got both")
        if len(self.channels) != len(self.strides):
            raise ArgumentError(f"expected a stride for each of {len(self.channels)} convolutions, got {self.strides}")


# ---- the network and what it learns by -------------------------------------------------------------------------------


def network(speech: Speech, settings: Settings) -> ClockedListenAttendSpell:
    """A new network, or the one to go on from."""
    if settings.start is not None:
        speller = Speller.load(settings.start)
        if speller.symbols != speech.symbols:
            raise ArgumentError(f"expected a speller of {speech.symbols!r} in {settings.start}, got {speller.symbols!r}")
        return speller.model
    return ClockedListenAttendSpell(
        speech.train[0].features.shape[1],
        len(speech.symbols) + 1,
        encoder={
            "channels": settings.channels,
            "strides": settings.strides,
            "hidden_size": settings.hidden,
            "num_layers": settings.layers,
            "dropout": settings.dropout,
        },
        decoder={
            "embedding_dim": settings.embedding,
            "hidden_size": settings.speller,
            "attention_size": settings.attention,
            "heads": settings.heads,
            "dropout": settings.dropout,
        },
        end_token=len(speech.symbols),
    )


def batches(examples: Examples, settings: Settings, training: bool) -> DataLoader:
    """Batches of utterances that are about equally long; in training with SpecAugment (Park et al. 2019)."""
    masks = partial(
        spec_augment,
        time_width=settings.time_width,
        frequency_width=settings.frequency_width,
        frequency_warp_width=settings.frequency_warp,
        value=0.0,
    )
    longest = int(examples.lengths.max())
    sampler = BucketBatchSampler(
        examples.lengths, max(settings.batch_frames, longest), shuffle=training, seed=settings.seed
    )
    return DataLoader(
        examples, batch_sampler=sampler, collate_fn=partial(pad_batch, augment=masks if training else None)
    )


# ---- training --------------------------------------------------------------------------------------------------------


def train(
    speech: Speech, settings: Settings, folder: Path, resume: bool = False
) -> tuple[Speller, History, list[Floats]]:
    """Train the network and write the run into ``folder``; the speller has the weights of the best epoch.

    Returns:
        the speller, the run's numbers, and where it looked after each epoch (see :class:`Lessons`).
    """
    handtorch.manual_seed(settings.seed)
    speller = Speller(network(speech, settings), speech.symbols, speech.features)
    epochs = settings.epochs or (_SPANISH_EPOCHS if settings.spanish else _EPOCHS)
    optimizer = optim.AdamW(speller.model.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    train_batches = batches(speech.train, settings, training=True)
    scheduler = optim.lr_scheduler.OneCycleLR(
        optimizer,
        settings.learning_rate,
        total_steps=steps(train_batches, epochs),
        pct_start=0.2,
    )
    lessons = Lessons(
        speller,
        speech.dev,
        ctc_weight=settings.ctc_weight,
        label_smoothing=settings.label_smoothing,
        own=settings.own,
    )
    history = fit(
        speller.model,
        speller.model.loss,
        optimizer,
        train_batches,
        batches(speech.dev, settings, training=False),
        epochs=epochs,
        scheduler=scheduler,
        scheduler_every="step",
        clip_norm=settings.clip_norm,
        metrics={"spelling": lessons.spelling, "ctc": lessons.ctc},
        callbacks=[lessons, LearningCurves("valid_cer"), Checkpoint("valid_cer", mode="min")],
        run=folder,
        resume=resume,
        step=lessons.step,
        config=as_plain(settings),
    )
    speller.model.load_state_dict(handtorch.load(folder / "best.safetensors"))
    return speller, history, lessons.looked


def steps(loader: DataLoader, epochs: int) -> int:
    """How many batches there are in all: an epoch has a few more than another, as lengths fall together."""
    sampler = loader.batch_sampler
    total = 0
    for epoch in range(epochs):
        sampler.set_epoch(epoch)
        total += len(sampler)
    return total


# ---- the program -----------------------------------------------------------------------------------------------------

EXAMPLES = """Examples:

  python course/labs/hw4p2/train.py

  python course/labs/hw4p2/train.py --resume

  python course/labs/hw4p2/train.py --name spanish --spanish --start runs/hw4p2/speller.safetensors \\
    --batch-frames 2000 --learning-rate 2e-3

  python course/labs/hw4p2/train.py --name cmu --data ~/11785/hw4p2_data --hidden 384 --layers 3 --epochs 30

With make, options go into ARGS: make train LAB=hw4p2 ARGS="--epochs 3 --name short"
"""


def load(settings: Settings) -> Speech:
    """The speech that the settings ask for."""
    if settings.data is not None:
        return from_folder(settings.data, settings.utterances)
    if settings.spanish:
        return spanish(settings.stamps, settings.utterances)
    return synthesised(settings.utterances)


def run(settings: Settings, speech: Speech, job: Job) -> dict[str, Any]:
    """Train, and judge what came of it."""
    with job.timed("training"):
        speller, history, looked = train(speech, settings, job.folder, job.resume)
        speller.save(job.folder / "speller.safetensors")
    with job.timed("evaluation"):
        searches = {"ctc": ctc_greedy, "greedy": greedy}
        results = report.evaluate(speller, speech, searches, job.folder)
        report.draw_attention(looked, speech, job.folder / "attention.png")
    return report.metrics(results, speech, speller, history)


app = Program(
    "hw4p2",
    Settings,
    load=load,
    train=run,
    show=report.show,
    about="Train a network that spells what is said in whole utterances, and say how well it spells others.",
    examples=EXAMPLES,
    call='make train LAB=hw4p2 ARGS="{}"',
).command_line()

if __name__ == "__main__":
    app()
