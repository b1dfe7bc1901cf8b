"""What a run found, for a person and for a program."""

from __future__ import annotations

import json
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from tests.conformance.optimizers import FLAGS_NOT_RUN
from tests.conformance.results import KINDS, Failure, Result
from tests.conformance.sampling import CAP
from tests.conformance.scope import Entry


class Progress:
    """How far the run is: one line that is rewritten on a terminal, a line now and then elsewhere."""

    def __init__(self, total: int) -> None:
        self.total, self.done, self.start, self.shown = total, 0, time.monotonic(), 0.0
        self.live = sys.stderr.isatty()

    def advance(self, result: Result) -> None:
        self.done += 1
        now = time.monotonic()
        if now - self.shown < (0.2 if self.live else 15.0) and self.done < self.total:
            return
        self.shown = now
        text = f"{self.done}/{self.total} entries, {now - self.start:.0f} s, last: {result.name}"
        ending = ("" if self.done < self.total else "\n") if self.live else "\n"
        print(f"\r{text:<100.100}" if self.live else text, end=ending, file=sys.stderr, flush=True)


def head(entries: int) -> str:
    """What is run."""
    noun = "entry" if entries == 1 else "entries"
    return (
        f"Handtorch against PyTorch {torch.__version__}: {entries} {noun}, float32 and float64, "
        f"at most {CAP} samples an op or module (error inputs included), spread evenly over the database's"
    )


def last_line(results: Sequence[Result]) -> str:
    """The figures."""
    ops, modules, optimizers = ([r for r in results if r.kind == kind] for kind in KINDS)
    return (
        f"conformance: ops {sum(r.passed for r in ops)}/{sum(r.samples for r in ops)} samples "
        f"({_whole(ops)}/{len(ops)} ops whole), modules {_whole(modules)}/{len(modules)}, "
        f"optimizers {_whole(optimizers)}/{len(optimizers)}"
    )


def _whole(results: Sequence[Result]) -> int:
    return sum(result.whole for result in results)


def overview(results: Sequence[Result], left_out: dict[Entry, str]) -> str:
    """Every entry that does not hold: those that are not there by name, the others with a reason each."""
    parts = []
    for kind in KINDS:
        failing = sorted((r for r in results if r.kind == kind and not r.whole), key=lambda r: r.name)
        absent = [r.name for r in failing if r.failures and not r.passed and all(f.is_absence for f in r.failures)]
        wrong = [r for r in failing if r.name not in absent]
        if absent:
            parts.append(f"{kind}s that are not there ({len(absent)}):\n{_wrapped(absent)}")
        if wrong:
            parts.append(f"{kind}s that do not hold ({len(wrong)}):\n" + "\n".join(map(_one_line, wrong)))
    parts.append(_notes(results, left_out))
    return "\n\n".join(parts)


def _one_line(result: Result) -> str:
    if not result.failures:
        return f"  {result.name}: no sample ran: {(result.skipped or ['the database gives none'])[0]}"
    reasons = Counter(f"{failure.stage}: {failure.reason}" for failure in result.failures)
    reason, _ = reasons.most_common(1)[0]
    more = f" (and {len(reasons) - 1} other findings)" if len(reasons) > 1 else ""
    return f"  {result.name} {result.passed}/{result.samples}: {reason[:200]}{more}"


def _wrapped(names: Sequence[str]) -> str:
    return textwrap.indent(textwrap.fill(" ".join(names), 116, break_on_hyphens=False, break_long_words=False), "  ")


def _notes(results: Sequence[Result], left_out: dict[Entry, str]) -> str:
    counts = Counter(left_out.values())
    lines = [f"left out: {len(left_out)} entries, listed in tests/conformance/out_of_scope.toml:"]
    lines += [f"  {count} {reason}" for reason, count in counts.items()]
    skipped = sum(len(result.skipped) for result in results)
    lines.append(f"skipped: {skipped} samples that PyTorch itself refuses here or no NumPy array can be (see --json)")
    lines.append(f"optimizers ran with every flag of the database but {', '.join(FLAGS_NOT_RUN)}")
    return "\n".join(lines)


def details(result: Result) -> str:
    """Every failing sample of an entry with its arguments and both results."""
    lines = [f"{result.kind} {result.name}: {result.passed}/{result.samples} samples hold, {result.seconds:.1f} s"]
    lines += [_sample(failure) for failure in result.failures]
    lines += [f"skipped: {skipped}" for skipped in result.skipped]
    return "\n".join(lines)


def _sample(failure: Failure) -> str:
    lines = [f"\n{failure.sample}, {failure.stage}: {failure.reason}", textwrap.indent(failure.call, "  ")]
    for title, text in (("PyTorch", failure.expected), ("Handtorch", failure.got)):
        lines.append(f"  {title}:\n{textwrap.indent(text, '    ')}")
    return "\n".join(lines)


def fallen_line(result: Result) -> str:
    """An entry that held once and does not any more."""
    first = result.failures[0] if result.failures else Failure("", "run", "no sample ran")
    return (
        f"regressed: {result.kind} {result.name} held whole (floor.toml), now {result.passed}/{result.samples}: "
        f"{first.sample}, {first.stage}: {first.reason}"
    )


def write_json(path: Path, results: Sequence[Result], left_out: dict[Entry, str]) -> None:
    """All that was found."""
    content: dict[str, Any] = {
        "torch": torch.__version__,
        "cap": CAP,
        "summary": last_line(results),
        "results": [r.as_dict() for r in sorted(results, key=lambda r: (KINDS.index(r.kind), r.name))],
        "out_of_scope": [{"kind": kind, "name": name, "reason": why} for (kind, name), why in left_out.items()],
    }
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")
