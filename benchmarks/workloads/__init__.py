"""What is measured: one workload a file, found by listing this folder.

A new workload is a new file here that defines ``WORKLOAD``. It is written once, against ``peer.lib``, which is
``handtorch`` or ``torch``: the two have the same names. What PyTorch cannot do at all names another library as
``instead_of_torch``, and tells the two apart by ``peer.name``. The file's name is the workload's name; an underscore
at its end, there to keep off a Python keyword, is not part of it.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.peers import Peer


@dataclass(frozen=True)
class Job:
    """A workload made ready on one library.

    Attributes:
        step: what is timed.
        outcome: called once after the timing; a number by which both libraries can be seen to have done the same work.
    """

    step: Callable[[], object]
    outcome: Callable[[], float] | None = None


@dataclass(frozen=True)
class Workload:
    """A speed claim: what is done, how often, and what ratio is aimed at.

    One sample is the mean time of ``steps`` consecutive steps, so that what a library does only now and then
    (collecting garbage, say) counts; a run's figure is the median of its ``samples``.

    Attributes:
        title: one line for people.
        aim: the ratio of times (Handtorch / peer) to reach.
        build: makes the job on a library.
        warmup: steps before the clock starts (caches fill, kernels compile).
        samples: samples a run.
        steps: steps a sample.
        rehearsals: whole runs of each library thrown away first (the disk's cache fills).
        tolerance: by how much, relatively, the outcomes of the two libraries may differ.
        instead_of_torch: the library to compare with where PyTorch has nothing of the kind.
    """

    title: str
    aim: float
    build: Callable[[Peer], Job]
    warmup: int
    samples: int
    steps: int = 1
    rehearsals: int = 0
    tolerance: float = 1e-3
    instead_of_torch: str | None = None

    def library(self, name: str) -> str:
        """The library that runs this workload when ``name`` was asked for."""
        return self.instead_of_torch or name if name == "torch" else name


def names() -> list[str]:
    """The names of all workloads, in alphabetical order."""
    return sorted(module.name.rstrip("_") for module in pkgutil.iter_modules(__path__))


def load(name: str) -> Workload:
    """The workload called ``name``, one of :func:`names`."""
    files = {module.name.rstrip("_"): module.name for module in pkgutil.iter_modules(__path__)}
    workload: Workload = importlib.import_module(f"{__name__}.{files[name]}").WORKLOAD
    return workload


def training(model: Any, criterion: Any, optimizer: Any, inputs: Any, targets: Any) -> Job:
    """The job of training ``model`` on one batch; its outcome is the loss of the trained model, without dropout."""

    def step() -> None:
        optimizer.zero_grad()
        loss = criterion(model(inputs), targets)
        loss.backward()
        optimizer.step()

    def outcome() -> float:
        model.eval()
        return float(criterion(model(inputs), targets).item())

    return Job(step, outcome)


def recurrent(kind: str, peer: Peer) -> Job:
    """The job of training ``nn.<kind>`` 256-256, both directions, on 32 sequences of 200 steps.

    Mean of squares, SGD; the input wants its gradient too, as it does inside a network.
    """
    lib = peer.lib
    rng = np.random.default_rng(0)
    sequences = lib.from_numpy(rng.standard_normal((200, 32, 256), dtype=np.float32)).requires_grad_()

    lib.manual_seed(0)
    layer = getattr(lib.nn, kind)(256, 256, bidirectional=True)
    optimizer = lib.optim.SGD(layer.parameters(), lr=0.01)

    def loss() -> Any:
        return layer(sequences)[0].square().mean()

    def step() -> None:
        optimizer.zero_grad()
        sequences.grad = None
        loss().backward()
        optimizer.step()

    return Job(step, lambda: float(loss().item()))
