"""What a run of hw3p2 leaves behind: error rates on every set, what was heard beside what was said, predictions."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import posteriogram
from data import Speech
from rich.console import Console
from rich.table import Table

from handtorch.audio.decode import BeamSearch, greedy
from handtorch.audio.edit_view import edit_page
from handtorch.audio.examples import Examples
from handtorch.audio.metrics import ErrorRate, confusions, error_rate, per
from handtorch.audio.phonemes import SILENCE
from handtorch.audio.recognizer import Recognizer
from handtorch.io.atomic import atomic_write
from handtorch.training import History
from handtorch.utils.data import BucketBatchSampler

BAR, REAL_BAR = 0.08, 0.30
DESCRIPTIONS = {
    "dev": "to choose settings by",
    "test": "unseen voices",
    "noisy": "unseen voices in noise and echo",
    "flite": "voices of another engine",
    "festival": "voices of a third engine",
    "asterisk": "a real voice on a telephone system",
}
REAL_DESCRIPTIONS = {"dev": "phrases to choose settings by", "test": "unseen phrases of the same real voice"}
_BATCH = 16
_CONFUSIONS_SHOWN = 6

Phones = list[tuple[str, ...]]


@dataclass
class Result:
    """How one set was heard."""

    ids: list[str]
    said: Phones | None
    """None where nobody has told."""
    greedy: Phones
    beam: Phones

    def rates(self) -> dict[str, Any] | None:
        """Errors of both decoders. Pauses are left out: engines and people disagree about what is one."""
        if self.said is None:
            return None
        found = {name: per(self.said, heard, ignore=[SILENCE]) for name, heard in self._heard()}
        return {name: _plain(rate) for name, rate in found.items()} | {
            # What 11-785 ranks by: edits of an utterance, pauses among its phones.
            "distance": round(error_rate(self.said, self.beam).mean_distance, 3)
        }

    def _heard(self) -> Iterator[tuple[str, Phones]]:
        yield from (("greedy", self.greedy), ("beam", self.beam))


def _plain(rate: ErrorRate) -> dict[str, Any]:
    return {
        "per": round(rate.rate, 4),
        "substitutions": rate.substitutions,
        "insertions": rate.insertions,
        "deletions": rate.deletions,
        "phones": rate.symbols,
    }


def evaluate(recognizer: Recognizer, speech: Speech, beam: int, folder: Path) -> dict[str, Result]:
    """Decode every set; write what was heard, a picture of how, and the predictions of the test set."""
    search = BeamSearch(beam)
    results = {name: decode(recognizer, examples, search) for name, examples in speech.judged.items()}
    shown = "test" if results["test"].said is not None else "dev"
    write_page(results[shown], shown, beam, folder / "heard.html")
    posteriogram.draw(recognizer, speech.judged[shown], 0, folder / "posteriogram.png")
    hand_in(recognizer, results["test"], folder / "predictions.csv")
    return results


def decode(recognizer: Recognizer, examples: Examples, search: BeamSearch) -> Result:
    """Hear all utterances, those of like length together, with and without a beam."""
    symbols = recognizer.symbols
    heard: dict[int, tuple[tuple[str, ...], tuple[str, ...]]] = {}
    for batch in BucketBatchSampler(examples.lengths, batch_size=_BATCH, shuffle=False):
        all_log_probs = recognizer.log_probs_of([examples[number] for number in batch])
        for number, log_probs in zip(batch, all_log_probs, strict=True):
            likeliest = search(log_probs)[0]
            heard[number] = symbols.decode(greedy(log_probs).symbols), symbols.decode(likeliest.symbols)
    targets = [examples[number].targets for number in range(len(examples))]
    return Result(
        ids=[examples[number].id for number in range(len(examples))],
        said=None if targets[0] is None else [symbols.decode(target) for target in targets],
        greedy=[heard[number][0] for number in range(len(examples))],
        beam=[heard[number][1] for number in range(len(examples))],
    )


def write_page(result: Result, name: str, beam: int, path: Path) -> None:
    """Write a page with every utterance, said and heard."""
    assert result.said is not None
    rows = list(zip(result.ids, result.said, result.beam, strict=True))
    edit_page(rows, path, title=f"hw3p2, {name}", notes={"decoder": f"beam search, width {beam}"})


def hand_in(recognizer: Recognizer, result: Result, path: Path) -> None:
    """``index,label`` as the course takes it: a character for each phone of an utterance, in the order of the files."""
    symbols = recognizer.symbols
    with atomic_write(path, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["index", "label"])
        writer.writerows([number, symbols.text(symbols.encode(phones))] for number, phones in enumerate(result.beam))


def metrics(results: dict[str, Result], speech: Speech, recognizer: Recognizer, history: History) -> dict[str, Any]:
    """What a run is worth, for metrics.json."""
    judged = results["test"] if results["test"].said is not None else results["dev"]
    return {
        "error_rates": {name: result.rates() for name, result in results.items()},
        "utterances": {"train": len(speech.train), **{name: len(result.ids) for name, result in results.items()}},
        "not_installed": speech.missing,
        "confusions": _confusions(judged),
        "parameters": sum(parameter.numel() for parameter in recognizer.model.parameters()),
        "epochs": len(history),
    }


def _confusions(result: Result) -> list[dict[str, Any]]:
    """What is most often taken for what; None stands for nothing."""
    common = confusions(result.said or [], result.beam).most_common(_CONFUSIONS_SHOWN)
    return [{"said": said, "heard": heard, "times": times} for (said, heard), times in common]


# ---- the table at the end --------------------------------------------------------------------------------------------


def show(found: dict[str, Any], folder: Path) -> None:
    """Print what was found."""
    console = Console()
    trained_on_real = found["settings"]["real"]
    told = DESCRIPTIONS | (REAL_DESCRIPTIONS if trained_on_real else {})
    table = Table(title=f"hw3p2: phone error rate, pauses left out ({folder})", title_justify="left")
    for heading in ("set", "what it is", "phones", "greedy", "beam", "edits an utterance"):
        table.add_column(heading, justify="left" if heading in ("set", "what it is") else "right", overflow="fold")
    for name, rates in found["error_rates"].items():
        style = "bold" if name == "test" else None
        if rates is None:
            table.add_row(name, told[name], "unknown", "", "", "", style=style)
            continue
        numbers = (f"{rates['greedy']['per']:.4f}", f"{rates['beam']['per']:.4f}", f"{rates['distance']:.2f}")
        table.add_row(name, told[name], f"{rates['beam']['phones']:,}", *numbers, style=style)
    for name, reason in found["not_installed"].items():
        table.add_row(name, reason, "", "-", "-", "-", style="dim")
    console.print(table)
    rates, bar = found["error_rates"]["test"], REAL_BAR if trained_on_real else BAR
    if rates is not None:
        best = rates["beam"]["per"]
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
        f"{folder}/ holds metrics.json, curves.png, heard.html, posteriogram.png, predictions.csv, "
        "recognizer.safetensors.\n"
        f"Next: python -m handtorch.audio transcribe recording.wav --model {folder}/recognizer.safetensors",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


def _mistake(said: str | None, heard: str | None, times: int) -> str:
    if said is None:
        return f"{heard} out of nothing ({times})"
    return f"{said} not heard ({times})" if heard is None else f"{said} as {heard} ({times})"
