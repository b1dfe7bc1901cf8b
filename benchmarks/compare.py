"""Runs a workload on two libraries in turn, A B A B, each time in a process of its own, and compares the two."""

from __future__ import annotations

import contextlib
import json
import math
import os
import signal
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.workloads import Workload

CHECKOUT = Path(__file__).resolve().parent.parent
# Each library reads its own of these when it loads; all say the same number.
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


class BenchmarkError(Exception):
    """A measurement that could not be made, or that compares different work; the message is for the user."""


@dataclass(frozen=True)
class Measurement:
    """One run of one library."""

    seconds: float
    peak_bytes: int
    outcome: float | None


@dataclass(frozen=True)
class Comparison:
    """All pairs of runs of one workload on two ``libraries``; times are seconds a step, ratios are ours / peer."""

    name: str
    title: str
    aim: float
    ours: tuple[Measurement, ...]
    peer: tuple[Measurement, ...]
    libraries: tuple[str, str]

    @property
    def ratios(self) -> list[float]:
        """The ratio of each pair, in the order of the runs."""
        return [a.seconds / b.seconds for a, b in zip(self.ours, self.peer, strict=True)]

    @property
    def ratio(self) -> float:
        """The median of the pairs' ratios."""
        return statistics.median(self.ratios)

    @property
    def reached(self) -> bool:
        """Whether the ratio is at most what the workload aims at."""
        return self.ratio <= self.aim


def median_seconds(runs: Sequence[Measurement]) -> float:
    """The median over runs of the seconds a step."""
    return statistics.median(run.seconds for run in runs)


def median_peak(runs: Sequence[Measurement]) -> float:
    """The median over runs of the peak resident memory in bytes."""
    return statistics.median(run.peak_bytes for run in runs)


def geometric_mean(comparisons: Sequence[Comparison]) -> float:
    r"""``exp(mean(log ratio))``: the mean that does not depend on which library is divided by which."""
    return math.exp(statistics.fmean(math.log(comparison.ratio) for comparison in comparisons))


def with_main_peer(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """Those with the library that most of them are compared with: ratios to different libraries have no mean."""
    peer = statistics.mode(comparison.libraries[1] for comparison in comparisons)
    return [comparison for comparison in comparisons if comparison.libraries[1] == peer]


def measure(name: str, peer: str, *, threads: int, samples: int | None = None) -> Measurement:
    """Run a workload on a library in a new process.

    Args:
        name: the workload.
        peer: the library, as ``import`` calls it.
        threads: how many threads it may compute with.
        samples: fewer samples than the workload asks for, for a quick look.

    Raises:
        BenchmarkError: the process failed; its last lines are in the message.
    """
    command = [sys.executable, "-m", "benchmarks.worker", name, peer, "--threads", str(threads)]
    if samples is not None:
        command += ["--samples", str(samples)]
    environment = os.environ | dict.fromkeys(THREAD_VARIABLES, str(threads))
    # Its own session keeps Ctrl-C from the worker, which would answer with a traceback; it is ended below instead.
    worker = subprocess.Popen(
        command,
        cwd=CHECKOUT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        output, errors = worker.communicate()
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
        raise
    if worker.returncode != 0:
        lines = "\n".join(errors.strip().splitlines()[-8:])
        raise BenchmarkError(f"{name} on {peer} ended with exit code {worker.returncode}:\n{lines}")
    result = json.loads(output.splitlines()[-1])
    return Measurement(result["seconds"], result["peak_bytes"], result["outcome"])


def compare(
    name: str,
    workload: Workload,
    *,
    ours: str,
    peer: str,
    pairs: int,
    measure_one: Callable[[str, str], Measurement],
) -> Comparison:
    """Measure ``pairs`` pairs of runs, the two libraries alternating.

    Args:
        name: the workload's name.
        workload: what is measured.
        ours: the library whose time is above the line of the ratio.
        peer: the library that it is compared with.
        pairs: how many runs of each.
        measure_one: makes one run of (workload, library).

    Raises:
        BenchmarkError: a run failed, or the outcomes of the two differ by more than the workload tolerates.
    """
    ours, peer = workload.library(ours), workload.library(peer)
    for _ in range(workload.rehearsals):
        measure_one(name, ours)
        measure_one(name, peer)
    runs: tuple[list[Measurement], list[Measurement]] = ([], [])
    for _ in range(pairs):
        runs[0].append(measure_one(name, ours))
        runs[1].append(measure_one(name, peer))
    check_same_work(name, workload.tolerance, ours, runs[0][-1].outcome, peer, runs[1][-1].outcome)
    return Comparison(name, workload.title, workload.aim, tuple(runs[0]), tuple(runs[1]), (ours, peer))


def check_same_work(name: str, tolerance: float, ours: str, a: float | None, peer: str, b: float | None) -> None:
    """Refuse to compare two runs whose outcomes show that they did not do the same work."""
    if a is None or b is None or math.isclose(a, b, rel_tol=tolerance):
        return
    raise BenchmarkError(
        f"{name}: the two libraries did not do the same work: expected outcomes within {tolerance:g} of each other, "
        f"got {a:.7g} ({ours}) and {b:.7g} ({peer}); compare them in tests before their speed"
    )
