"""What a run of hw1p2 leaves behind: scores on every test set, pictures, predictions to hand in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from data import Speech
from rich.console import Console
from rich.table import Table

from handtorch.audio import WindowedFrames
from handtorch.audio.frame_classifier import FrameClassifier
from handtorch.audio.picture import KINDS
from handtorch.io.atomic import atomic_write
from handtorch.training import History, confusion_counts, plots

BAR = 0.80
DESCRIPTIONS = {
    "dev": "voices to choose settings by",
    "test": "unseen voices",
    "noisy": "unseen voices in noise and echo",
    "flite": "voices of another engine",
    "festival": "voices of a third engine",
    "asterisk": "a real voice, labels by alignment",
}
_CONFUSIONS_SHOWN = 6


@dataclass
class Result:
    """How well one set was heard."""

    frames: int
    counts: npt.NDArray[np.int64] | None
    """(C, C), how often class t was taken for p; None where the labels are unknown."""

    @property
    def accuracy(self) -> float | None:
        """Share of frames that got their own label."""
        return None if self.counts is None else float(np.trace(self.counts) / self.counts.sum())


def evaluate(classifier: FrameClassifier, speech: Speech, folder: Path) -> dict[str, Result]:
    """Label every set; write the predictions and the confusions of the test set."""
    results = {}
    for name, frames in {"dev": speech.dev, "test": speech.test, **speech.shifted}.items():
        predictions = classifier.predict(frames)
        results[name] = _result(predictions, frames, classifier)
        if name == "test":
            write_predictions(predictions, folder / "predictions.csv")
    draw_confusions("test" if results["test"].counts is not None else "dev", results, classifier.symbols, folder)
    return results


def draw_confusions(name: str, results: dict[str, Result], symbols: Sequence[str], folder: Path) -> None:
    """Draw which phone was taken for which; phones made in similar ways stand side by side, as they are confused."""
    counts = results[name].counts
    assert counts is not None
    alike = [phone for _, phones in KINDS.values() for phone in phones.split()]
    order = [symbols.index(phone) for phone in alike]
    title = DESCRIPTIONS[name].capitalize()
    plots.confusion_matrix(counts[np.ix_(order, order)], alike, folder / "confusion.png", title=title)


def _result(predictions: npt.NDArray[np.int64], frames: WindowedFrames, classifier: FrameClassifier) -> Result:
    if frames.labels is None:
        return Result(len(frames), None)
    return Result(len(frames), confusion_counts(predictions, frames.labels, len(classifier.symbols)))


def write_predictions(predictions: npt.NDArray[np.int64], path: Path) -> None:
    """``id,label`` as competitions take it: frames of all test utterances in order, numbered from 0; class indices."""
    with atomic_write(path, "w") as file:
        file.write("id,label\n")
        file.writelines(f"{number},{label}\n" for number, label in enumerate(predictions.tolist()))


def metrics(
    results: dict[str, Result],
    speech: Speech,
    classifier: FrameClassifier,
    history: History,
) -> dict[str, Any]:
    """What a run is worth, for metrics.json."""
    judged = results["test"] if results["test"].counts is not None else results["dev"]
    return {
        "frame_accuracy": {name: _rounded(result.accuracy) for name, result in results.items()},
        "frames": {"train": len(speech.train), **{name: result.frames for name, result in results.items()}},
        "not_installed": speech.missing,
        "confusions": _confusions(judged, classifier.symbols),
        "parameters": sum(parameter.numel() for parameter in classifier.model.parameters()),
        "epochs": len(history),
    }


def _rounded(accuracy: float | None) -> float | None:
    return None if accuracy is None else round(accuracy, 4)


def _confusions(result: Result, symbols: Sequence[str]) -> list[dict[str, Any]]:
    """The phones that are most often taken for others, by their share of all mistakes."""
    assert result.counts is not None
    wrong = result.counts.copy()
    np.fill_diagonal(wrong, 0)
    mistakes = max(int(wrong.sum()), 1)
    worst = np.argsort(wrong, axis=None)[::-1][:_CONFUSIONS_SHOWN]
    pairs = (divmod(int(place), len(symbols)) for place in worst if wrong.flat[place])
    return [
        {"true": symbols[t], "heard": symbols[p], "share_of_mistakes": round(int(wrong[t, p]) / mistakes, 4)}
        for t, p in pairs
    ]


def show(found: dict[str, Any], folder: Path) -> None:
    """The table at the end."""
    console = Console()
    table = Table(title=f"hw1p2: share of 10 ms frames with the right phoneme ({folder})", title_justify="left")
    for heading, justify in (("set", "left"), ("what it is", "left"), ("frames", "right"), ("accuracy", "right")):
        table.add_column(heading, justify=justify, overflow="fold")  # type: ignore[arg-type]
    for name, accuracy in found["frame_accuracy"].items():
        told = "labels unknown" if accuracy is None else f"{accuracy:.4f}"
        style = "bold" if name == "test" else None
        table.add_row(name, DESCRIPTIONS[name], f"{found['frames'][name]:,}", told, style=style)
    for name, reason in found["not_installed"].items():
        table.add_row(name, reason, "", "-", style="dim")
    console.print(table)
    accuracy = found["frame_accuracy"]["test"]
    if accuracy is not None:
        console.print(f"Bar on unseen voices: {BAR:.2f}, {'reached' if accuracy >= BAR else 'not reached'}.")
    confusions = ", ".join(f"{pair['true']} as {pair['heard']}" for pair in found["confusions"])
    console.print(f"Most frequent mistakes: {confusions}.", markup=False, highlight=False)
    seconds = found["seconds"]
    console.print(
        f"{found['parameters']:,} parameters; data {seconds['data']:.0f} s, training {seconds['training']:.0f} s, "
        f"evaluation {seconds['evaluation']:.0f} s.",
        highlight=False,
    )
    console.print(
        f"{folder}/ holds metrics.json, log.csv, curves.png, confusion.png, predictions.csv, classifier.safetensors.\n"
        f"Next: python -m handtorch.audio label recording.wav --model {folder}/classifier.safetensors",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
