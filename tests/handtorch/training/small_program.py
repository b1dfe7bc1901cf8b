"""A small training as a program; `test_program.py` calls it, and starts it as a process of its own."""

import itertools
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

import handtorch
from handtorch import nn, optim
from handtorch.errors import ArgumentError
from handtorch.training import Callback, Program, fit
from handtorch.utils.data import DataLoader, TensorDataset


@dataclass(frozen=True)
class Settings:
    epochs: Annotated[int, typer.Option(min=1, help="Passes.")] = 2
    hidden: Annotated[tuple[int, ...], typer.Option(min=1, help="Widths.")] = (4,)
    rates: Annotated[tuple[float, ...], typer.Option(help="Learning rates.")] = (0.5,)
    weight_decay: float = 0.0
    source: Annotated[Path | None, typer.Option(help="A folder.")] = None
    fail: Annotated[bool, typer.Option("--fail", help="Have no data.")] = False


class Points(TensorDataset):
    def describe(self):
        return f"{len(self)} points"


class Pause(Callback):
    def on_epoch_end(self, run):
        time.sleep(float(os.environ.get("PAUSE", 0)))


def load(settings):
    if settings.fail:
        raise ArgumentError("expected a source, got no source")
    time.sleep(60 if os.environ.get("SLOW") else 0)
    x = handtorch.linspace(-1, 1, 64).unsqueeze(1)
    return Points(x, 2 * x + 1)


def train(settings, data, job):
    handtorch.manual_seed(0)
    widths = [1, *settings.hidden, 1]
    model = nn.Sequential(*(nn.Linear(a, b) for a, b in itertools.pairwise(widths)))
    with job.timed("training"):
        history = fit(
            model,
            nn.functional.mse_loss,
            optim.SGD(model.parameters(), lr=settings.rates[0], weight_decay=settings.weight_decay),
            DataLoader(data, 16, shuffle=True),
            epochs=settings.epochs,
            callbacks=[Pause()],
            run=job.folder / "part",
            resume=job.resume,
            progress="off",
        )
    return {"epochs": len(history), "loss": history.rows[-1]["train_loss"]}


def show(found, folder):
    print(f"shown: {found['epochs']} epochs in {folder}")


program = Program(
    "small",
    Settings,
    load=load,
    train=train,
    show=show,
    phases=("part",),
    about="Fit a line.",
    call="python small.py {}",
)

if __name__ == "__main__":
    program.command_line()()
