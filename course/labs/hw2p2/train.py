"""hw2p2: say who is in a picture, and whether two pictures show the same person. `make train LAB=hw2p2` runs it.

The way of a picture: 64 x 64 pixels -> a small ConvNeXt -> an embedding of 128 numbers. First the embeddings learn to
tell the people of the training set apart by a linear classifier. Then ArcFace makes the angle between people wider than
a classifier needs, so that there is room between them for people who were never seen: two pictures are compared by the
cosine of their embeddings. `data.py` has the pictures, `report.py` says how good the network became.
"""

from __future__ import annotations

import json
import math
import sys
import time
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import report
import typer
from data import Faces, faces

import handtorch
from handtorch import nn, optim
from handtorch.errors import ArgumentError, HandtorchError
from handtorch.io import safetensors
from handtorch.io.atomic import write_json
from handtorch.models.convnext import ConvNeXt, stages
from handtorch.nn import functional as F
from handtorch.training import Checkpoint, History, LearningCurves, StepOutput, accuracy, fit, read_checkpoint
from handtorch.utils.data import DataLoader
from handtorch.vision.faces import Recipe
from handtorch.vision.metric_learning import ArcFace


@dataclass(frozen=True)
class Settings:
    """Everything that decides how a run goes; written beside its results."""

    # A ConvNeXt of this size sees 64 x 64 pixels as 16 x 16 patches, and then 8 x 8 and 4 x 4 of them.
    size: int = 48
    patch: int = 4
    widths: tuple[int, ...] = (32, 64, 128)
    depths: tuple[int, ...] = (1, 2, 1)
    embedding: int = 128
    # Each block begins as a small step away from the identity. The paper's 1e-6 is for 300 epochs of ImageNet.
    layer_scale: float = 1.0
    # With so few people it is easier to learn their pictures than their faces; blocks that are missing at random help.
    stochastic_depth: float = 0.05

    epochs: int = 50
    batch_size: int = 32
    learning_rate: float = 2e-3
    # AdamW's steps mean little until it knows the size of the gradients: over this share of them the rate rises.
    warm_up: float = 0.15
    weight_decay: float = 0.05

    arcface_epochs: int = 15
    arcface_learning_rate: float = 5e-4
    # The paper has 64 and 0.5 for 85,000 people and a large network. This one would be asked for more than it can do.
    scale: float = 16.0
    margin: float = 0.2

    people: int = 220
    pictures: int = 20
    seed: int = 0

    def __post_init__(self) -> None:
        if len(self.widths) != len(self.depths):
            raise ArgumentError(f"expected as many depths as widths, got {self.depths} and {self.widths}")
        if self.size % (self.patch * 2 ** (len(self.widths) - 1)):
            raise ArgumentError(
                f"expected a size that {self.patch}-pixel patches and {len(self.widths) - 1} halvings divide, "
                f"got {self.size}"
            )

    def recipe(self) -> Recipe:
        """The generated faces: of the people, 20 are to choose settings by and 40 to be judged on; fewer of few."""
        val, test = min(20, self.people // 6), min(40, self.people // 4)
        return Recipe(people=self.people, pictures=self.pictures, val=val, test=test)


# ---- the network and what it learns by -------------------------------------------------------------------------------


class FaceNetwork(nn.Module):
    """A ConvNeXt from pictures (N, 3, H, W) to embeddings (N, D), each number of mean 0 and variance 1 over the batch.

    The last normalisation keeps embeddings spread out in all directions, which is what their angles are to be read from
    (Deng et al. 2019, section 3.1, have it, too).
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.trunk = ConvNeXt(
            stages(settings.widths, settings.depths),
            stochastic_depth_prob=settings.stochastic_depth,
            layer_scale=settings.layer_scale,
            num_classes=settings.embedding,
            patch_size=settings.patch,
        )
        self.norm = nn.BatchNorm1d(settings.embedding, affine=False)

    def forward(self, pictures: Any) -> Any:
        """The embeddings."""
        return self.norm(self.trunk(pictures))


class Classifier(nn.Module):
    """Who of the training set it is: cross-entropy of a linear map of the embeddings, as in any classifier.

    Args:
        in_features: D, length of the embeddings.
        num_classes: C, how many people there are.
    """

    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__()
        self.linear = nn.Linear(in_features, num_classes)

    def logits(self, embeddings: Any) -> Any:
        """(N, C) of embeddings (N, D)."""
        return self.linear(embeddings)

    def forward(self, embeddings: Any, targets: Any) -> Any:
        """The loss of embeddings (N, D) of people (N,)."""
        return F.cross_entropy(self.logits(embeddings), targets)


def step(model: Any, head: Any, batch: Any) -> StepOutput:
    """The head is a loss that learns, too; accuracy is measured on its logits, without ArcFace's margin."""
    pictures, people = batch
    embeddings = model(pictures)
    with handtorch.no_grad():
        logits = head.logits(embeddings)
    return StepOutput(head(embeddings, people), logits, people, len(people))


# ---- training --------------------------------------------------------------------------------------------------------


def classify(data: Faces, settings: Settings, folder: Path, resume: bool) -> tuple[FaceNetwork, Classifier, History]:
    """Train a network from scratch to tell the people of the training set apart."""
    handtorch.manual_seed(settings.seed)
    model = FaceNetwork(settings)
    head = Classifier(settings.embedding, len(data.train.classes))
    history = learn(model, head, data, settings, folder / "classifier", resume)
    return model, head, history


def separate(
    model: FaceNetwork, classifier: Classifier, data: Faces, settings: Settings, folder: Path, resume: bool
) -> History:
    """Go on with ArcFace, from the directions that the classifier has found for each person."""
    handtorch.manual_seed(settings.seed + 1)
    head = ArcFace(settings.embedding, len(data.train.classes), scale=settings.scale, margin=settings.margin)
    with handtorch.no_grad():
        head.weight.copy_(classifier.linear.weight)
    fine = replace(settings, epochs=settings.arcface_epochs, learning_rate=settings.arcface_learning_rate)
    return learn(model, head, data, fine, folder / "arcface", resume)


def learn(model: Any, head: Any, data: Faces, settings: Settings, folder: Path, resume: bool) -> History:
    """Train network and head together; the run is written into ``folder``."""
    batches = DataLoader(data.train, min(settings.batch_size, len(data.train)), shuffle=True, drop_last=True)
    optimizer = optim.AdamW(decayed(model, head, settings.weight_decay), lr=settings.learning_rate)
    steps = settings.epochs * len(batches)
    scheduler = optim.lr_scheduler.LambdaLR(optimizer, lambda done: rate(done / steps, settings.warm_up))
    return fit(
        model,
        head,
        optimizer,
        batches,
        DataLoader(data.held_out, 256),
        epochs=settings.epochs,
        scheduler=scheduler,
        scheduler_every="step",
        clip_norm=5.0,
        metrics={"accuracy": accuracy},
        callbacks=[LearningCurves("valid_accuracy"), Checkpoint("valid_accuracy")],
        run=folder,
        resume=resume,
        step=step,
        config=asdict(settings),
    )


def rate(share: float, warm_up: float) -> float:
    """The learning rate after a share of the steps: up along a line, then down along a cosine to 0."""
    if share < warm_up:
        return share / warm_up
    return 0.5 + 0.5 * math.cos(math.pi * (share - warm_up) / (1 - warm_up))


def decayed(model: Any, head: Any, weight_decay: float) -> list[dict[str, Any]]:
    """Weights decay; biases, and the scales of norms and of layers, are left alone: small ones are not simpler."""
    named = [*model.named_parameters(), *head.named_parameters()]
    matrices = [p for name, p in named if p.ndim > 1 and not name.endswith("layer_scale")]
    others = [p for name, p in named if p.ndim <= 1 or name.endswith("layer_scale")]
    return [{"params": matrices, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]


# ---- the command line ------------------------------------------------------------------------------------------------

EXAMPLES = """Examples:

  python course/labs/hw2p2/train.py

  python course/labs/hw2p2/train.py --name small --people 60 --epochs 10 --arcface-epochs 4

  python course/labs/hw2p2/train.py --resume

With make, options go into ARGS: make train LAB=hw2p2 ARGS="--margin 0.2 --name narrow"
"""
DEFAULT = Settings()
app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(epilog=EXAMPLES)
def main(
    size: Annotated[int, typer.Option(min=16, help="Height and width that the network sees, pixels.")] = DEFAULT.size,
    patch: Annotated[int, typer.Option(min=1, help="Side of the patches of the first layer.")] = DEFAULT.patch,
    widths: Annotated[str, typer.Option(help="Channels of the stages.")] = ",".join(map(str, DEFAULT.widths)),
    depths: Annotated[str, typer.Option(help="Blocks of the stages.")] = ",".join(map(str, DEFAULT.depths)),
    embedding: Annotated[int, typer.Option(min=1, help="Length of the embeddings.")] = DEFAULT.embedding,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the pictures, as a classifier.")] = DEFAULT.epochs,
    arcface_epochs: Annotated[int, typer.Option(min=1, help="Passes with ArcFace.")] = DEFAULT.arcface_epochs,
    batch_size: Annotated[int, typer.Option(min=2, help="Pictures in a batch.")] = DEFAULT.batch_size,
    learning_rate: Annotated[float, typer.Option(min=1e-8, help="The highest one.")] = DEFAULT.learning_rate,
    margin: Annotated[float, typer.Option(min=0, max=1.5, help="ArcFace's margin, radians.")] = DEFAULT.margin,
    people: Annotated[int, typer.Option(min=12, help="Generated people in all.")] = DEFAULT.people,
    pictures: Annotated[int, typer.Option(min=6, help="Pictures of each.")] = DEFAULT.pictures,
    seed: Annotated[int, typer.Option(help="Of weights and order; the same one gives the same numbers.")] = 0,
    name: Annotated[str, typer.Option(help="The run is written into <runs>/<name>.")] = "hw2p2",
    runs: Annotated[Path, typer.Option(help="Where runs are kept.")] = Path("runs"),
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the run, with the settings it began with.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Begin anew where a run of that name is.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the metrics as JSON.")] = False,
) -> None:
    """Train a network that recognises faces, and say how well it tells people apart whom it has never seen."""
    folder = runs / name
    try:
        settings = Settings(
            size=size, patch=patch, widths=whole(widths), depths=whole(depths), embedding=embedding, epochs=epochs,
            arcface_epochs=arcface_epochs, batch_size=batch_size, learning_rate=learning_rate, margin=margin,
            people=people, pictures=pictures, seed=seed,
        )  # fmt: skip
        run(settings_of(folder, settings, resume, overwrite), folder, resume, as_json)
    except HandtorchError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        again = "--resume" if name == "hw2p2" else f"--resume --name {name}"
        typer.echo(f'interrupted; continue with: make train LAB=hw2p2 ARGS="{again}"', err=True)
        raise typer.Exit(130) from None


def whole(text: str) -> tuple[int, ...]:
    """``"32,64"`` as numbers."""
    try:
        numbers = tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        numbers = ()
    if not numbers or min(numbers) < 1:
        raise ArgumentError(f"expected numbers from 1 such as 32,64,128, got {text!r}")
    return numbers


def settings_of(folder: Path, given: Settings, resume: bool, overwrite: bool) -> Settings:
    """Those of the run in the folder when it is resumed, else the given ones, if the folder is free for them."""
    before = read_checkpoint(folder / "classifier")
    if before is None or (overwrite and not resume):
        return given
    if resume:
        found = json.loads((folder / "settings.json").read_text("utf-8"))
        return Settings(**found | {name: tuple(found[name]) for name in ("widths", "depths")})
    raise ArgumentError(
        f"{folder} already holds a run with {before['epochs_done']} epochs done; "
        "try: --resume to continue it, --name for another place, or --overwrite to begin anew"
    )


def run(settings: Settings, folder: Path, resume: bool, as_json: bool) -> None:
    """Data, both trainings, report."""
    moments = [time.monotonic()]
    data = faces(settings.recipe(), settings.size)
    print(data.describe(), file=sys.stderr)
    moments.append(time.monotonic())
    if not resume:
        for phase in ("classifier", "arcface"):
            for old in ("last.safetensors", "best.safetensors", "log.jsonl", "log.csv"):
                (folder / phase / old).unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(asdict(settings), folder / "settings.json")

    model, classifier, first = classify(data, settings, folder, resume)
    judged = report.judge(data, {"pixels": report.grey_pixels, "classifier": partial(report.embed, model)})
    moments.append(time.monotonic())
    second = separate(model, classifier, data, settings, folder, resume)
    safetensors.save_file(
        dict(model.state_dict()), folder / "network.safetensors", {"settings": json.dumps(asdict(settings))}
    )
    moments.append(time.monotonic())
    for name, methods in report.judge(data, {"arcface": partial(report.embed, model)}).items():
        judged[name] |= methods
    report.draw(data, judged, folder)
    moments.append(time.monotonic())

    histories = {"classifier": first, "arcface": second}
    metrics = report.metrics(data, judged, histories, model, moments) | {"settings": asdict(settings)}
    write_json(metrics, folder / "metrics.json")
    if as_json:
        print(json.dumps(metrics, indent=1))
    else:
        report.show(metrics, folder)


if __name__ == "__main__":
    app()
