"""ablate: one function over a grid of settings, in parallel processes, with a table and a plot at the end."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import itertools
import json
import multiprocessing
import os
import pickle
import re
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from handtorch.errors import ArgumentError, MissingExtraError
from handtorch.io.atomic import atomic_write, write_json
from handtorch.kernels.threads import usable_cores
from handtorch.training import plots
from handtorch.training.history import History, format_number, markdown_table
from handtorch.training.monitor import Mode, direction
from handtorch.training.plain import plain

_RESULT, _OUTPUT = "result.json", "output.txt"
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


@dataclass
class Ablation:
    """What a grid gave.

    Attributes:
        rows: one dict a setting: the settings, what the function returned, ``seconds``, and ``error`` (None where it
            went well); best first, failures last.
        settings: names of the settings.
        metric: the result that decides which is best; None where every setting failed.
        folder: holds ``table.csv``, ``table.md``, ``ablation.png`` and a folder for each setting.
    """

    rows: list[dict[str, Any]]
    settings: list[str]
    metric: str | None
    folder: Path

    @property
    def best(self) -> dict[str, Any] | None:
        """The best row, or None where every setting failed."""
        return self.rows[0] if self.rows and self.rows[0]["error"] is None else None

    @property
    def failures(self) -> list[dict[str, Any]]:
        """Rows of the settings that failed; the next call of :func:`ablate` tries them again."""
        return [row for row in self.rows if row["error"] is not None]


def ablate(
    function: Callable[..., Any],
    grid: Mapping[str, Sequence[Any]] | Iterable[Mapping[str, Any]],
    folder: str | os.PathLike[str],
    processes: int = 2,
    *,
    metric: str | None = None,
    mode: Mode | None = None,
    threads: int | None = None,
    quiet: bool = False,
) -> Ablation:
    """Call ``function(folder, **settings)`` for every setting of a grid, each in a process of its own.

    A setting that raises, or whose process dies, is a row with an ``error`` and stops nothing else. A second call skips
    the settings that are finished; a function that trains with ``fit(..., run=folder, resume=True)`` then goes on where
    it was. What a setting prints goes to ``output.txt`` in its folder.

    Args:
        function: defined at the top level of a module (processes are spawned, and import it); it gets its own folder
            as a ``Path``, and returns a dict of numbers, one number, or the :class:`History` of a run (its best row).
        grid: name -> values, of which every combination is taken; or the settings themselves, a list of dicts.
            Values are numbers, texts, booleans, None, or lists of them.
        folder: where everything is written.
        processes: how many run at the same time.
        metric: the result that decides; default the first that the function returns, of a History ``valid_loss``.
        mode: ``"min"`` or ``"max"``; default what the metric's name says; without either, rows stay in order.
        threads: threads of each process; default the cores divided by ``processes``.
        quiet: do not say on standard error what is finished.

    Returns:
        The rows, best first; also written to ``table.csv``, ``table.md`` and (with matplotlib) ``ablation.png``.

    Raises:
        ArgumentError: an empty grid, the same setting twice, a value that JSON cannot say, or a function that a new
            process could not import.
    """
    if processes < 1:
        raise ArgumentError(f"expected at least 1 process, got {processes}")
    _check_function(function)
    root = Path(folder)
    folders = {root / _folder_name(settings): settings for settings in _expand(grid)}
    waiting = deque(path for path, settings in folders.items() if _finished(path, settings) is None)
    threads = threads or max(1, usable_cores() // processes)
    if not quiet and len(waiting) < len(folders):
        print(f"{len(folders) - len(waiting)} of {len(folders)} settings are finished already", file=sys.stderr)
    first = len(folders) - len(waiting) + 1
    for done, path in enumerate(_run_all(function, waiting, folders, processes, threads), start=first):
        if not quiet:
            print(f"[{done}/{len(folders)}] {path.name}: {_told(_read(path))}", file=sys.stderr, flush=True)
        _write_tables(_collect(folders, root, metric, mode))
    result = _collect(folders, root, metric, mode)
    _write_tables(result)
    _draw(result, mode)
    return result


def _check_function(function: Callable[..., Any]) -> None:
    try:
        pickle.dumps(function)
    except Exception as error:
        raise ArgumentError(
            f"expected a function that a new process can import, got {function!r} ({error}); "
            "try: define it with def at the top level of a module"
        ) from None


def _expand(grid: Mapping[str, Sequence[Any]] | Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    if isinstance(grid, Mapping):
        settings = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
    else:
        settings = [dict(setting) for setting in grid]
    if not settings:
        raise ArgumentError("expected a grid with at least one setting, got none")
    seen = set()
    for setting in settings:
        text = _canonical(setting)
        if text in seen:
            raise ArgumentError(f"expected settings that differ, got {text} twice")
        seen.add(text)
    return settings


def _canonical(settings: Mapping[str, Any]) -> str:
    try:
        return json.dumps(settings, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ArgumentError(
            f"expected settings of numbers, texts, booleans, None and lists, got {dict(settings)} ({error}); "
            "try: a name for the object, looked up inside the function"
        ) from None


def _folder_name(settings: Mapping[str, Any]) -> str:
    """A name that people can read, and that no other setting has."""
    name = ",".join(f"{key}={value}" for key, value in settings.items()) or "default"
    safe = re.sub(r"[^\w.,=+-]+", "_", name)[:80]
    if safe == name and not safe.startswith("."):
        return safe
    return f"{safe.lstrip('.')}-{hashlib.sha256(_canonical(settings).encode()).hexdigest()[:8]}"


def _run_all(
    function: Callable[..., Any], waiting: deque[Path], folders: Mapping[Path, Any], processes: int, threads: int
) -> Iterator[Path]:
    """Keep so many processes busy; yield each setting's folder when it is done, well or not."""
    context = multiprocessing.get_context("spawn")
    running: dict[Any, tuple[Any, Path, float]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < processes:
                path = waiting.popleft()
                path.mkdir(parents=True, exist_ok=True)
                (path / _RESULT).unlink(missing_ok=True)
                process = context.Process(target=_work, args=(function, folders[path], path))
                with _environment(threads):
                    process.start()
                running[process.sentinel] = process, path, time.monotonic()
            for sentinel in wait(list(running)):
                process, path, began = running.pop(sentinel)
                process.join()
                if not (path / _RESULT).exists():
                    _write(path, folders[path], {"error": _death(process.exitcode)}, began)
                yield path
    finally:
        for process, _, _ in running.values():
            process.terminate()
        for process, _, _ in running.values():
            process.join()


@contextlib.contextmanager
def _environment(threads: int) -> Iterator[None]:
    """Set the thread count that a child inherits; libraries read it once, when they are loaded."""
    before = {name: os.environ.get(name) for name in _THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(_THREAD_VARIABLES, str(threads)))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _work(function: Callable[..., Any], settings: dict[str, Any], path: Path) -> None:
    """In the child: call the function and write what came of it."""
    threading.Thread(target=_die_with_parent, daemon=True).start()
    began = time.monotonic()
    with open(path / _OUTPUT, "ab", buffering=0) as output:
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
        content: dict[str, Any]
        try:
            content = {"result": _as_result(function(path, **settings))}
        except Exception as error:
            traceback.print_exc()
            content = {"error": f"{type(error).__name__}: {error}"}
        _write(path, settings, content, began)


def _die_with_parent() -> None:
    """A grid whose main process was killed shall not go on behind its back."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _death(code: int | None) -> str:
    how = f"was killed by signal {-code}" if code is not None and code < 0 else f"ended with exit code {code}"
    return f"the process {how} before it had a result; {_OUTPUT} has what it printed"


def _as_result(value: Any) -> dict[str, Any]:
    if isinstance(value, History):
        row = value.best()
        if row is None:
            raise ArgumentError("expected a History with at least one finite row")
        return {value.monitor: row[value.monitor], **plain(row)}
    if isinstance(value, Mapping):
        return plain(dict(value))
    number = plain(value)
    if not isinstance(number, int | float):
        raise ArgumentError(f"expected a dict of numbers, a number or a History, got {type(value).__name__}")
    return {"value": number}


def _write(path: Path, settings: Mapping[str, Any], content: dict[str, Any], began: float) -> None:
    whole = {"settings": settings, "seconds": round(time.monotonic() - began, 3), **content}
    write_json(whole, path / _RESULT)


def _read(path: Path) -> dict[str, Any]:
    return json.loads((path / _RESULT).read_text(encoding="utf-8"))


def _finished(path: Path, settings: Mapping[str, Any]) -> dict[str, Any] | None:
    """What a setting gave when it went well, or None: not tried, failed, or tried with other settings."""
    try:
        content = _read(path)
    except (FileNotFoundError, ValueError):
        return None
    same = _canonical(content.get("settings", {})) == _canonical(settings)
    return content if same and "result" in content else None


def _told(content: dict[str, Any]) -> str:
    if "error" in content:
        return "failed: " + content["error"].splitlines()[0]
    numbers = (f"{name} {format_number(value)}" for name, value in content["result"].items())
    return f"{', '.join(itertools.islice(numbers, 4))} ({content['seconds']:.1f} s)"


def _collect(folders: Mapping[Path, dict[str, Any]], root: Path, metric: str | None, mode: Mode | None) -> Ablation:
    """The rows of all settings that were tried, best first."""
    rows = []
    for path, settings in folders.items():
        if (path / _RESULT).exists():
            content = _read(path)
            result = content.get("result", {})
            metric = metric or next(iter(result), None)
            rows.append(settings | result | {"seconds": content["seconds"], "error": content.get("error")})
    names = list(dict.fromkeys(name for settings in folders.values() for name in settings))
    try:
        sign = 1.0 if direction(metric or "", mode) == "min" else -1.0
    except ArgumentError:
        sign = 0.0

    def rank(row: dict[str, Any]) -> tuple[bool, bool, float]:
        value = row.get(metric) if metric else None
        known = isinstance(value, int | float)
        return row["error"] is not None, not known, sign * value if known else 0.0  # type: ignore[operator]

    return Ablation(sorted(rows, key=rank), names, metric, root)


def _write_tables(result: Ablation) -> None:
    """``table.csv`` with everything in full, ``table.md`` to read."""
    measured = [name for row in result.rows for name in row if name not in (*result.settings, "seconds", "error")]
    columns = [*result.settings, *dict.fromkeys(measured), "seconds", "error"]
    with atomic_write(result.folder / "table.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(["" if row.get(name) is None else row[name] for name in columns] for row in result.rows)
    shown = [row | {name: str(row.get(name)) for name in result.settings} for row in result.rows]
    if not result.failures:
        columns.remove("error")
    with atomic_write(result.folder / "table.md", "w") as file:
        file.write(markdown_table(shown, columns))


def _draw(result: Ablation, mode: Mode | None) -> None:
    """The plot, where there is something to draw and matplotlib is installed."""
    picture = result.folder / "ablation.png"
    if result.metric is None or not any(isinstance(row.get(result.metric), int | float) for row in result.rows):
        picture.unlink(missing_ok=True)
        return
    with contextlib.suppress(MissingExtraError):
        plots.ablation(result.rows, result.settings, result.metric, picture, title=result.folder.name, mode=mode)
