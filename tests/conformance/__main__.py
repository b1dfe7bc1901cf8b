"""The command: run the databases, print what does not hold, and last the figures."""

from __future__ import annotations

import argparse
import functools
import os
import sys
from pathlib import Path

# Two processes side by side: a pool of threads in each would make them wait for each other. Said before NumPy loads.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

DESCRIPTION = """\
Hold Handtorch to PyTorch's own test database: op_db, module_db and optim_db.

Where the database expects PyTorch's own gradient of an op to fail its check (unittest.expectedFailure on test_fn_grad
or test_fn_gradgrad), a gradient of Handtorch's that differs from it has to agree with difference quotients in float64.

A float32 result or gradient of an op or a module that lies beyond the tolerance is judged by what PyTorch finds for the
same numbers in float64: it holds within the tolerance of the tensor's largest value and twice PyTorch's own error.
"""
EXAMPLES = """\
examples:
  python -m tests.conformance                            everything, about three minutes
  python -m tests.conformance --op add --op 'linalg.*'   each failing sample with both results
  python -m tests.conformance --module Linear --optimizer SGD
  python -m tests.conformance --list failing             names only
  python -m tests.conformance --json conformance.json    all that was found, for a program
  python -m tests.conformance --update-floor             record what holds now

exit codes: 0 all of the floor holds, 1 something of it does not, 2 wrong arguments, 130 interrupted
"""


def parser() -> argparse.ArgumentParser:
    """The options."""
    made = argparse.ArgumentParser(
        prog="python -m tests.conformance",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for kind in ("op", "module", "optimizer"):
        text = f"only {kind}s of this name or pattern, each failing sample with both results (may be repeated)"
        made.add_argument(f"--{kind}", action="append", default=[], metavar="NAME", help=text)
    made.add_argument("--list", choices=("failing", "passing"), help="print the names of the entries that fail or pass")
    made.add_argument("--json", type=Path, metavar="PATH", help="write all that was found to this file")
    made.add_argument("--update-floor", action="store_true", help="make what holds now the floor, floor.toml")
    made.add_argument("--workers", type=int, default=2, metavar="N", help="processes side by side (default 2)")
    return made


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = parser().parse_args(arguments)
    chosen = {kind: getattr(options, kind) for kind in ("op", "module", "optimizer")}
    some = any(chosen.values())
    if options.update_floor and some:
        parser().error("--update-floor needs a whole run: leave out --op, --module and --optimizer")
    if options.workers < 1:
        parser().error(f"--workers: expected 1 or more, got {options.workers}")
    print("loading PyTorch's test database", file=sys.stderr, flush=True)
    try:
        import expecttest  # noqa: F401 - PyTorch's database imports it
        import torch
    except ModuleNotFoundError as error:
        parser().error(f"this needs the package {error.name!r}; `make conformance` installs all that it needs")
    torch.set_num_threads(1)
    from tests.conformance import entries, floor, report, scope, workers

    left_out = scope.left_out()
    try:
        selected = entries.in_scope()
        if some:
            selected = [entry for kind, patterns in chosen.items() for entry in entries.select(kind, patterns)]
    except entries.UnknownEntry as error:
        parser().error(str(error))
    for kind, name in selected:
        if (kind, name) in left_out:
            print(f"{kind} {name} is out of scope: {left_out[kind, name]}", file=sys.stderr)
    selected = [entry for entry in selected if entry not in left_out]

    progress = report.Progress(len(selected))
    results = []
    detailed = some and options.list is None
    for result in workers.run(selected, functools.partial(entries.check, detailed=detailed), options.workers):
        results.append(result)
        progress.advance(result)
    results.sort(key=lambda result: (result.kind, result.name))

    print(report.head(len(selected)))
    if options.list:
        names = [f"{r.kind} {r.name}" for r in results if r.whole == (options.list == "passing")]
        print("\n".join(names))
    elif some:
        print("\n\n".join(report.details(result) for result in results))
    else:
        print(report.overview(results, left_out))
    if options.json:
        report.write_json(options.json, results, left_out)
    if options.update_floor:
        floor.write(results)
    fallen = floor.fallen(results, floor.read())
    for result in fallen:
        print(report.fallen_line(result))
    print(report.last_line(results))
    return 1 if fallen else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        sys.exit(130)
