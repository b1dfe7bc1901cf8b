"""The commands of ``python -m handtorch.audio``; needs typer and rich (extra ``speech``)."""

from __future__ import annotations

import sys
from functools import partial
from json import dumps
from pathlib import Path
from typing import Annotated

import typer

from handtorch.audio import label as labelling
from handtorch.audio.blocks import read_blocks
from handtorch.audio.corpus import phoneme_corpus
from handtorch.audio.decode import BeamSearch
from handtorch.audio.frame_classifier import PENALTY, FrameClassifier
from handtorch.audio.recognizer import Recognizer
from handtorch.audio.speller import Speller
from handtorch.io.commands import told_plainly

CLASSIFIER = Path("runs/hw1p2/classifier.safetensors")
RECOGNIZER = Path("runs/hw3p2/recognizer.safetensors")
SPELLER = Path("runs/hw4p2/speller.safetensors")

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="Speech: what is said in a recording, and which phones it has when.",
)


@app.command(
    epilog="""Examples:

  python -m handtorch.audio label hello.wav

  python -m handtorch.audio label talk.flac --out talk.pdf --max-pages 30

  python -m handtorch.audio label hello.ogg --csv --no-picture > hello.csv"""
)
def label(
    file: Annotated[Path, typer.Argument(help="A recording: wav, flac, ogg or NIST SPHERE, of any sample rate.")],
    model: Annotated[Path, typer.Option(help="The classifier, as `make train` writes it.")] = CLASSIFIER,
    out: Annotated[
        Path | None, typer.Option(help="The picture (.png, .pdf, .svg); default <name>-phones.png in this folder.")
    ] = None,
    picture: Annotated[bool, typer.Option("--picture/--no-picture", help="Whether to draw.")] = True,
    max_pages: Annotated[int, typer.Option(min=1, help="Pages drawn of a long recording, 24 s each.")] = 10,
    penalty: Annotated[
        float, typer.Option(min=0, help="Cost of a change of phone in nats; 0 labels every frame by itself.")
    ] = PENALTY,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV: start, end, phone.")] = False,
) -> None:
    """Say which phone is heard when in a recording, and draw it beneath the spectrogram."""
    _choose_one(json, csv)
    with told_plainly():
        classifier = FrameClassifier.load(model)
        hear = partial(classifier.label_stream, penalty=penalty)
        target = (out or Path(f"{file.stem}-phones.png")) if picture else None
        found = labelling.label_recording(file, hear, classifier.sample_rate, picture=target, max_pages=max_pages)
        _tell(found, json, csv)


@app.command(
    epilog="""Examples:

  python -m handtorch.audio transcribe hello.wav

  python -m handtorch.audio transcribe lecture.flac --beam 20 --json > lecture.json

  python -m handtorch.audio transcribe hello.ogg --out hello.png"""
)
def transcribe(
    file: Annotated[Path, typer.Argument(help="A recording: wav, flac, ogg or NIST SPHERE, of any sample rate.")],
    model: Annotated[Path, typer.Option(help="The recognizer, as `make train LAB=hw3p2` writes it.")] = RECOGNIZER,
    beam: Annotated[
        int, typer.Option(min=0, help="Width of the beam search; 0 takes the likeliest symbol of each step.")
    ] = 0,
    out: Annotated[Path | None, typer.Option(help="Draw a picture, too (.png, .pdf, .svg).")] = None,
    max_pages: Annotated[int, typer.Option(min=1, help="Pages drawn of a long recording, 24 s each.")] = 10,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV: start, end, phone.")] = False,
) -> None:
    """Say which phones are said in a recording of any length, and about when."""
    _choose_one(json, csv)
    with told_plainly():
        recognizer = Recognizer.load(model)
        hear = partial(recognizer.transcribe_stream, search=BeamSearch(beam) if beam else None)
        found = labelling.label_recording(file, hear, recognizer.sample_rate, picture=out, max_pages=max_pages)
        _tell(found, json, csv)


@app.command(
    epilog="""Examples:

  python -m handtorch.audio spell hello.wav

  python -m handtorch.audio spell hello.ogg --model runs/spanish/speller.safetensors"""
)
def spell(
    file: Annotated[Path, typer.Argument(help="A recording: wav, flac, ogg or NIST SPHERE, of any sample rate.")],
    model: Annotated[Path, typer.Option(help="The speller, as `make train LAB=hw4p2` writes it.")] = SPELLER,
) -> None:
    """Write what is said in a recording of any length, a line for each part between pauses."""
    with told_plainly():
        speller = Speller.load(model)
        stream = read_blocks(file, speller.sample_rate)
        for text in speller.spell_stream(stream):
            typer.echo(text)


def _choose_one(json: bool, csv: bool) -> None:
    if json and csv:
        raise typer.BadParameter("choose one of --json and --csv")


def _tell(found: labelling.Labelled, json: bool, csv: bool) -> None:
    write = labelling.write_json if json else labelling.write_csv if csv else labelling.write_table
    write(found, sys.stdout)


@app.command(
    epilog="""Examples:

  python -m handtorch.audio corpus

  HANDTORCH_CACHE=/data/cache python -m handtorch.audio corpus --json"""
)
def corpus(json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Build the phoneme corpus, once, and say what is in it."""
    with told_plainly():
        built = phoneme_corpus()
        splits = {"train": built.train, "dev": built.dev, "test": built.test, **built.shifted_sets()}
        missing = built.missing_sets()
    if json:
        sets = {
            name: {
                "utterances": len(split),
                "frames": split.frames,
                "voices": split.voices,
                "folder": str(split.folder),
            }
            for name, split in splits.items()
        }
        typer.echo(dumps({"sets": sets, "not_installed": missing}, indent=1))
        return
    for name, split in splits.items():
        minutes = 60 * split.hours
        typer.echo(
            f"{name:9} {len(split):5} utterances  {minutes:5.1f} min  {len(split.voices):3} voice(s)  {split.folder}"
        )
    for name, reason in missing.items():
        typer.echo(f"{name:9} {reason}")
