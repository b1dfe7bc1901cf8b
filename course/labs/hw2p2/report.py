"""What a run of hw2p2 leaves behind: figures for every set of strangers, and pictures of them."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from data import Faces, PairedPictures, pairs_of
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

import handtorch
from handtorch.io.atomic import atomic_write
from handtorch.nn import functional as F
from handtorch.training import History
from handtorch.utils.data import DataLoader
from handtorch.vision import verification
from handtorch.vision.datasets import PicturesInMemory

BARS = {"test": ("AUC", 0.95), "orl": ("EER", 0.10)}
DESCRIPTIONS = {
    "val": "generated people, to choose by",
    "test": "generated people",
    "orl": "real people (ORL)",
    "val_people": "people set aside, to choose by",
    "test_people": "people set aside",
}
_TO_CHOOSE_BY = ("val", "val_people")
METHODS = {"pixels": "grey pixels", "classifier": "as a classifier", "arcface": "after ArcFace"}
_COLOURS = ("#4c78a8", "#e4572e", "#54a24b")
_LINES = {"pixels": ":", "classifier": "--", "arcface": "-"}
_PAIRS_SHOWN = 6
_ZOOMS = (0.9, 1.1)

Vectors = npt.NDArray[np.float32]
Embed = Callable[[PicturesInMemory], Vectors]


@dataclass
class Pairs:
    """Every picture of a set with every other one, and how alike they were found."""

    first: npt.NDArray[np.int64]
    second: npt.NDArray[np.int64]
    same: npt.NDArray[np.bool_]
    scores: npt.NDArray[np.float32]
    """(M,) cosines."""


Judged = dict[str, dict[str, Pairs]]
"""The pairs of each set, by method."""


def embed(model: Any, faces: PicturesInMemory) -> Vectors:
    """Vectors (N, D): the embeddings of all :func:`views` of each picture, added up.

    What they agree on is less due to where the camera stood.
    """
    model.eval()
    batches = []
    with handtorch.no_grad():
        for pictures, _ in DataLoader(faces, 256):
            batches.append(sum(model(view) for view in views(pictures)).numpy())
    return np.concatenate(batches)


def views(pictures: Any) -> list[Any]:
    """Pictures (N, C, H, W) as they are, from a little nearer and further away, and the mirror images of these."""
    seen = [pictures]
    for zoom in _ZOOMS:
        theta = handtorch.tensor([[zoom, 0.0, 0.0], [0.0, zoom, 0.0]]).expand(len(pictures), 2, 3)
        grid = F.affine_grid(theta, pictures.shape, align_corners=False)
        seen.append(F.grid_sample(pictures, grid, padding_mode="border", align_corners=False))
    return seen + [view.flip(3) for view in seen]


def grey_pixels(faces: PicturesInMemory) -> Vectors:
    """Vectors (N, H W): the pictures themselves without colour, each of mean 0 and length 1. What is to be beaten."""
    grey = [pictures.numpy().mean(axis=1) for pictures, _ in DataLoader(faces, 256)]
    flat = np.concatenate(grey).reshape(len(faces), -1)
    return _unit(flat - flat.mean(axis=1, keepdims=True))


def centred(vectors: Vectors) -> Vectors:
    """Vectors (N, D) without the mean of all."""
    return vectors - vectors.mean(axis=0)


def _unit(vectors: Vectors) -> Vectors:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def judge(data: Faces, methods: dict[str, Embed]) -> Judged:
    """Compare all pictures of each set of strangers by the cosine, once for each way to make vectors of them.

    A camera adds its own part to whatever it takes, the same for everybody. So the mean over the judged set is taken
    away from each vector. It takes no knowledge of who is who, but other pictures of the same camera. Whoever has none
    takes away the mean over the training set, which the network has done by its last normalisation; this costs little
    (EER 0.103 instead of 0.097 on ORL).
    """
    judged: Judged = {}
    for name, faces in data.strangers.items():
        first, second, same = pairs_of(faces)
        judged[name] = {}
        for method, vectors_of in methods.items():
            vectors = _unit(centred(vectors_of(faces)))
            judged[name][method] = Pairs(first, second, same, (vectors @ vectors.T)[first, second])
    return judged


def figures(judged: Judged) -> dict[str, dict[str, Any]]:
    """EER, AUC and the rest for each set and method, for metrics.json."""
    return {
        name: {method: _rounded(verification.verify(pairs.scores, pairs.same)) for method, pairs in methods.items()}
        for name, methods in judged.items()
    }


def _rounded(found: verification.Verification) -> dict[str, Any]:
    plain = asdict(found) | {"tar_at_far": {f"{far:g}": round(tar, 4) for far, tar in found.tar_at_far.items()}}
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in plain.items()}


def metrics(data: Faces, judged: Judged, histories: dict[str, History], model: Any) -> dict[str, Any]:
    """What a run is worth, for metrics.json."""
    return {
        "people": len(data.train.classes),
        "pictures": {"train": len(data.train), "held_out": len(data.held_out)},
        "top1": {name: round(history.rows[-1]["valid_accuracy"], 4) for name, history in histories.items()},
        "verification": figures(judged),
        "not_installed": data.missing,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "epochs": {name: len(history) for name, history in histories.items()},
    }


# ---- what a competition takes ----------------------------------------------------------------------------------------


def hand_in(data: Faces, model: Any, head: Any, folder: Path) -> float | None:
    """Write ``predictions.csv`` and ``verification.csv``, if there are pictures to name and pairs to compare.

    Returns:
        the share of pictures that got their own name, where that is known.
    """
    if data.to_compare is not None:
        write_rows(("ID", "Label"), enumerate(compared(data.to_compare, model)), folder / "verification.csv")
    if data.to_name is None:
        return None
    named, targets = [], []
    model.eval()
    with handtorch.no_grad():
        for pictures, people in DataLoader(data.to_name, 256):
            named += head.logits(model(pictures)).argmax(1).tolist()
            targets += people.tolist()
    files = (path.name for path, _ in data.to_name.samples)
    names = (data.to_name.classes[number] for number in named)
    write_rows(("id", "label"), zip(files, names, strict=True), folder / "predictions.csv")
    return float(np.mean(np.equal(named, targets))) if data.to_name.labelled else None


def compared(faces: PairedPictures, model: Any) -> list[str]:
    """The cosine of each pair of a file, in its order."""
    vectors = _unit(centred(embed(model, faces)))
    scores = np.sum(vectors[faces.first] * vectors[faces.second], axis=1)
    return [f"{score:.6f}" for score in scores.tolist()]


def write_rows(header: tuple[str, str], rows: Iterable[tuple[Any, Any]], path: Path) -> None:
    """Write CSV of two columns."""
    with atomic_write(path, "w", newline="") as file:
        csv.writer(file).writerows([header, *rows])


# ---- pictures --------------------------------------------------------------------------------------------------------


def draw(data: Faces, judged: Judged, folder: Path) -> None:
    """Draw the ROC and the pairs of all sets but those that settings are chosen by."""
    shown = {name: methods for name, methods in judged.items() if name not in _TO_CHOOSE_BY}
    if shown:
        draw_roc(shown, folder / "roc.png")
    for name, methods in shown.items():
        title = f"Cosine of the embeddings of {description(name)}"
        draw_pairs(data.strangers[name], methods["arcface"], title, folder / f"pairs-{name}.png")


def description(name: str) -> str:
    """What a set of strangers is."""
    return DESCRIPTIONS.get(name, f"{name}.txt")


def draw_roc(judged: Judged, path: Path) -> None:
    """How many of the same are accepted against how many strangers, for all thresholds.

    What matters are low rates of strangers, so their axis is logarithmic.
    """
    figure = Figure(figsize=(8, 6.5), layout="constrained")
    axis = figure.add_subplot()
    for colour, (name, methods) in zip(itertools.cycle(_COLOURS), judged.items(), strict=False):
        for method, pairs in methods.items():
            curve = verification.roc(pairs.scores, pairs.same)
            eer = verification.equal_error_rate(pairs.scores, pairs.same)[0]
            label = f"{description(name)}, {METHODS[method]}: EER {eer:.3f}"
            axis.plot(curve.far, curve.tar, _LINES[method], color=colour, label=label)
    grid = np.logspace(-4, 0, 200)
    axis.plot(grid, 1 - grid, color="#cccccc", linewidth=1, zorder=0, label="where both rates of error are equal")
    axis.plot(grid, grid, color="#cccccc", linewidth=1, linestyle=":", zorder=0, label="guessing")
    axis.set(xscale="log", xlim=(1e-4, 1), ylim=(0, 1.01), title="Same person or not, for people never seen")
    axis.set_xlabel("strangers accepted (FAR)")
    axis.set_ylabel("the same accepted (TAR)")
    axis.grid(True, color="#eeeeee")
    figure.legend(frameon=False, fontsize=8, loc="outside lower center", ncols=2)
    _write(figure, path)


def draw_pairs(faces: PicturesInMemory, pairs: Pairs, title: str, path: Path) -> None:
    """The nearest and the furthest pairs of the same person and of strangers, with their cosines.

    The second row and the third hold the worst mistakes.
    """
    order = np.argsort(pairs.scores)
    same, strangers = order[pairs.same[order]], order[~pairs.same[order]]
    rows = {
        "same person, nearest": same[::-1],
        "same person, furthest": same,
        "strangers, nearest": strangers[::-1],
        "strangers, furthest": strangers,
    }
    figure = Figure(figsize=(1.9 * _PAIRS_SHOWN + 0.4, 6.4), layout="constrained")
    figure.suptitle(title)
    for place, (told, row) in enumerate(zip(rows.values(), figure.subfigures(4, 1), strict=True)):
        row.suptitle(list(rows)[place], fontsize=9, x=0.01, ha="left")
        chosen = _different(told, pairs)
        for axis, number in zip(row.subplots(1, _PAIRS_SHOWN), chosen, strict=False):
            axis.imshow(_side_by_side(faces, pairs.first[number], pairs.second[number]), cmap="gray")
            axis.set_title(f"{pairs.scores[number]:.2f}", fontsize=9, pad=2)
        for axis in row.axes:
            axis.axis("off")
    _write(figure, path)


def _different(order: npt.NDArray[np.int64], pairs: Pairs) -> list[int]:
    """The first pairs that share no picture with one before, so that one bad picture does not fill the row."""
    chosen: list[int] = []
    seen: set[int] = set()
    for number in order.tolist():
        both = {int(pairs.first[number]), int(pairs.second[number])}
        if not both & seen:
            chosen.append(number)
            seen |= both
        if len(chosen) == _PAIRS_SHOWN:
            break
    return chosen


def _side_by_side(faces: PicturesInMemory, first: int, second: int) -> npt.NDArray[np.uint8]:
    pictures = faces.data.numpy()
    return np.concatenate([pictures[first], pictures[second]], axis=1)


def _write(figure: Figure, path: Path) -> None:
    with atomic_write(path) as file:
        figure.savefig(file, format="png", dpi=130)


# ---- the table at the end --------------------------------------------------------------------------------------------


def show(found: dict[str, Any], folder: Path) -> None:
    """Print what was found."""
    console = Console()
    console.print(f"{found['people']} people, top-1 on pictures held out: {found['top1']['arcface']:.4f}")
    if "test" in found["top1"]:
        console.print(f"Top-1 on the pictures of the test: {found['top1']['test']:.4f}")
    if not found["verification"]:
        console.print("No pairs were there to judge: a file such as val_pairs.txt names them.")
        return
    table = Table(title=f"hw2p2: same person or not, people never seen ({folder})", title_justify="left")
    for heading in ("set", "what it is", "pairs", *(f"{told}, EER" for told in METHODS.values()), "AUC"):
        table.add_column(heading, justify="left" if heading in ("set", "what it is") else "right", overflow="fold")
    for name, methods in found["verification"].items():
        rates = (f"{methods[method]['eer']:.4f}" for method in METHODS)
        last = methods["arcface"]
        style = "bold" if name in BARS else None
        table.add_row(name, description(name), f"{last['pairs']:,}", *rates, f"{last['auc']:.4f}", style=style)
    for name, reason in found["not_installed"].items():
        table.add_row(name, reason, "", *("-" for _ in METHODS), "-", style="dim")
    console.print(table)
    for name, (figure, bar) in BARS.items():
        if name in found["verification"]:
            value = found["verification"][name]["arcface"][figure.lower()]
            reached = value >= bar if figure == "AUC" else value <= bar
            told = "reached" if reached else "not reached"
            console.print(f"Bar on {DESCRIPTIONS[name]}: {figure} {bar:.2f}, {told} with {value:.4f}.")
