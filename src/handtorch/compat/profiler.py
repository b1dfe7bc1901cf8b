"""torch.profiler: how long the blocks that a program names take. For what each op costs see ``autograd.ledger``."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

__all__ = ["ProfilerActivity", "profile", "record_function", "schedule", "tensorboard_trace_handler"]


class ProfilerActivity(Enum):
    """What to time; there is only the CPU."""

    CPU = "cpu"
    CUDA = "cuda"
    XPU = "xpu"


@dataclass
class Average:
    """The blocks of one name: how many, and how long they took together, in microseconds."""

    key: str
    count: int = 0
    cpu_time_total: float = 0.0

    @property
    def cpu_time(self) -> float:
        """How long one took, in microseconds."""
        return self.cpu_time_total / max(self.count, 1)


class Averages(list[Average]):
    """The blocks by name, the longest first."""

    def table(self, sort_by: str | None = None, row_limit: int = 100, **_: Any) -> str:
        """As text, a line for each name."""
        width = max([len(entry.key) for entry in self] + [4])
        lines = [f"{'Name':<{width}}  {'Calls':>8}  {'Total ms':>12}  {'Mean ms':>12}"]
        for entry in self[:row_limit]:
            total, mean = entry.cpu_time_total / 1000, entry.cpu_time / 1000
            lines.append(f"{entry.key:<{width}}  {entry.count:>8}  {total:>12.3f}  {mean:>12.3f}")
        return "\n".join(lines)


_running: list[profile] = []


class record_function:
    """A block (or a decorated function) whose time is noted by the profilers that run."""

    def __init__(self, name: str, args: str | None = None) -> None:
        self.name = name

    def __enter__(self) -> record_function:
        self._began = time.perf_counter()
        return self

    def __exit__(self, *error: object) -> None:
        took = time.perf_counter() - self._began
        for profiler in _running:
            profiler._note(self.name, took)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            with record_function(self.name):
                return function(*args, **kwargs)

        return timed


class profile:
    """Times the blocks of :class:`record_function` that run inside it, and its steps.

    Args:
        on_trace_ready: called with the profiler at the end.
        activities, schedule, record_shapes, profile_memory, with_stack and others: accepted, without effect.
    """

    def __init__(
        self,
        activities: Iterable[ProfilerActivity] | None = None,
        schedule: Any = None,
        on_trace_ready: Callable[[profile], Any] | None = None,
        **_: Any,
    ) -> None:
        self.on_trace_ready = on_trace_ready
        self._averages: dict[str, Average] = {}

    def __enter__(self) -> profile:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def start(self) -> None:
        """Begin."""
        _running.append(self)
        self._step_began = time.perf_counter()

    def stop(self) -> None:
        """End."""
        _running.remove(self)
        if self.on_trace_ready is not None:
            self.on_trace_ready(self)

    def step(self) -> None:
        """Note the end of a step."""
        now = time.perf_counter()
        self._note("ProfilerStep*", now - self._step_began)
        self._step_began = now

    def key_averages(self, group_by_input_shape: bool = False, group_by_stack_n: int = 0) -> Averages:
        """The blocks by name."""
        return Averages(sorted(self._averages.values(), key=lambda entry: -entry.cpu_time_total))

    def _note(self, name: str, seconds: float) -> None:
        entry = self._averages.setdefault(name, Average(name))
        entry.count += 1
        entry.cpu_time_total += seconds * 1e6


def schedule(**_: int) -> Callable[[int], None]:
    """A plan of which steps to time: all are."""
    return lambda step: None


def tensorboard_trace_handler(dir_name: str, worker_name: str | None = None, use_gzip: bool = False) -> Any:
    """What to do at the end: print the table, since there is no trace."""
    return lambda profiler: print(profiler.key_averages().table())
