"""What a run of hw4p2 leaves behind: error rates on every set, what was spelled beside what was said, predictions."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pictures
from data import Speech
from lessons import spell
from rich.console import Console
from rich.table import Table

from handtorch.audio.checks import Floats
from handtorch.audio.edit_view import edit_page
from handtorch.audio.examples import Examples
from handtorch.audio.metrics import ErrorRate, cer, confusions, wer
from handtorch.audio.speller import Search, Speller
from handtorch.io.atomic import atomic_write
from handtorch.training import History

BAR, SPANISH_BAR = 0.10, 0.25
DESCRIPTIONS = {
    "dev": "to choose settings by",
    "test": "unseen voices",
    "noisy": "unseen voices in noise and echo",
    "flite": "voices of another engine",
    "festival": "voices of a third engine",
    "asterisk": "a real voice on a telephone system",
}
SPANISH_DESCRIPTIONS = {"dev": "texts to choose settings by", "test": "unseen texts"}
_CONFUSIONS_SHOWN = 6


@dataclass
class Result:
    """How one set was spelled."""

    ids: list[str]
    said: list[str] | None
    """None where nobody has told."""
    spelled: dict[str, list[str]]
    """By the name of the search."""

    @property
    def best(self) -> list[str]:
        """What the last of the searches found."""
        return list(self.spelled.values())[-1]

    def rates(self) -> dict[str, Any] | None:
        """Errors of each search."""
        if self.said is None:
            return None
        said = self.said
        return {
            name: _plain(cer(said, texts)) | {"wer": round(wer(said, texts).rate, 4)}
            for name, texts in self.spelled.items()
        }


def _plain(rate: ErrorRate) -> dict[str, Any]:
    return {
        "cer": round(rate.rate, 4),
        "distance": round(rate.mean_distance, 3),
        "substitutions": rate.substitutions,
        "insertions": rate.insertions,
        "deletions": rate.deletions,
        "characters": rate.symbols,
    }


def evaluate(speller: Speller, speech: Speech, searches: Mapping[str, Search], folder: Path) -> dict[str, Result]:
    """Spell every set in every way; write what was spelled, and the predictions of the test set."""
    results = {name: spell_set(speller, examples, searches) for name, examples in speech.judged.items()}
    shown = "test" if results["test"].said is not None else "dev"
    write_page(results[shown], shown, list(searches)[-1], folder / "heard.html")
    hand_in(results["test"], speech, folder / "predictions.csv")
    return results


def spell_set(speller: Speller, examples: Examples, searches: Mapping[str, Search]) -> Result:
    """Spell all utterances of a set in every way."""
    targets = [examples[number].targets for number in range(len(examples))]
    return Result(
        ids=[examples[number].id for number in range(len(examples))],
        said=None if targets[0] is None else [speller.symbols.text(target) for target in targets if target is not None],
        spelled={name: spell(speller, examples, search) for name, search in searches.items()},
    )


def write_page(result: Result, name: str, decoder: str, path: Path) -> None:
    """Write a page with every utterance, said and spelled."""
    assert result.said is not None
    rows = list(zip(result.ids, result.said, result.best, strict=True))
    words = wer(result.said, result.best).rate
    notes = {"words wrong": f"{words:.2%}", "decoder": decoder}
    edit_page(rows, path, title=f"hw4p2, {name}", notes=notes, spelled=True)


def hand_in(result: Result, speech: Speech, path: Path) -> None:
    """A text for each utterance in the order of the files, under the names of columns that the term wants."""
    with atomic_write(path, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(speech.columns)
        writer.writerows(enumerate(result.best))


def draw_attention(looked: Sequence[Floats], speech: Speech, path: Path) -> None:
    """Draw where the network looked in the first utterance of ``dev``, epoch by epoch."""
    first = speech.dev[0]
    text = "" if first.targets is None else speech.symbols.text(first.targets)
    pictures.draw_attention(looked, first.features, text, f"{first.id}: {text}", path)


def metrics(results: dict[str, Result], speech: Speech, speller: Speller, history: History) -> dict[str, Any]:
    """What a run is worth, for metrics.json."""
    judged = results["test"] if results["test"].said is not None else results["dev"]
    return {
        "error_rates": {name: result.rates() for name, result in results.items()},
        "utterances": {"train": len(speech.train), **{name: len(result.ids) for name, result in results.items()}},
        "not_installed": speech.missing,
        "confusions": _confusions(judged),
        "parameters": sum(parameter.numel() for parameter in speller.model.parameters()),
        "epochs": len(history),
    }


def _confusions(result: Result) -> list[dict[str, Any]]:
    """What is most often taken for what; None stands for nothing."""
    common = confusions(result.said or [], result.best).most_common(_CONFUSIONS_SHOWN)
    return [{"said": said, "heard": heard, "times": times} for (said, heard), times in common]


# ---- the table at the end --------------------------------------------------------------------------------------------


def show(found: dict[str, Any], folder: Path) -> None:
    """Print what was found."""
    console = Console()
    in_spanish = found["settings"]["spanish"]
    told = DESCRIPTIONS | (SPANISH_DESCRIPTIONS if in_spanish else {})
    searches = next(list(rates) for rates in found["error_rates"].values() if rates is not None)
    table = Table(title=f"hw4p2: character error rate ({folder})", title_justify="left")
    headings = ("set", "what it is", "characters", *searches, "words wrong", "edits an utterance")
    for heading in headings:
        table.add_column(heading, justify="left" if heading in headings[:2] else "right", overflow="fold")
    for name, rates in found["error_rates"].items():
        style = "bold" if name == "test" else None
        if rates is None:
            table.add_row(name, told[name], "unknown", style=style)
            continue
        best = rates[searches[-1]]
        numbers = (*(f"{rates[search]['cer']:.4f}" for search in searches), f"{best['wer']:.4f}")
        table.add_row(
            name, told[name], f"{best['characters']:,}", *numbers, f"{best['distance']:.2f}", style=style
        )  # fmt: skip
    for name, reason in found["not_installed"].items():
        table.add_row(name, reason, style="dim")
    console.print(table)
    rates, bar = found["error_rates"]["test"], SPANISH_BAR if in_spanish else BAR
    if rates is not None:
        best = rates[searches[-1]]["cer"]
        reached = "reached" if best <= bar else "not reached"
        console.print(f"Bar on {told['test']}: {bar:.2f}, {reached} with {best:.4f}.")
    mistakes = ", ".join(_mistake(**pair) for pair in found["confusions"])
    console.print(f"Most frequent mistakes: {mistakes}.", markup=False, highlight=False)
    seconds = found["seconds"]
    console.print(
        f"{found['parameters']:,} parameters; data {seconds['data']:.0f} s, training {seconds['training']:.0f} s, "
        f"evaluation {seconds['evaluation']:.0f} s; {found['cpu_seconds']:.0f} s of computing in all.",
        highlight=False,
    )
    console.print(
        f"{folder}/ holds metrics.json, curves.png, attention.png, heard.html, predictions.csv, speller.safetensors.\n"
        f"Next: python -m handtorch.audio spell recording.wav --model {folder}/speller.safetensors",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


def _mistake(said: str | None, heard: str | None, times: int) -> str:
    said, heard = (name if name != " " else "blank" for name in (said, heard))
    if said is None:
        return f"{heard} out of nothing ({times})"
    return f"{said} not heard ({times})" if heard is None else f"{said} as {heard} ({times})"
