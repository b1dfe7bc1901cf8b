"""The command line of the benchmarks: measure, print, write, draw."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks import machine, report, workloads
from benchmarks.compare import CHECKOUT, BenchmarkError, Comparison, Measurement, compare, measure
from benchmarks.workloads import Workload

EXAMPLES = """\
examples:
  python -m benchmarks                            everything, and the figures in benchmarks/results/
  python -m benchmarks --workload tiny            one workload (give it again for more)
  python -m benchmarks --threads 1 --pairs 9      one thread, nine pairs of runs
  python -m benchmarks --ours torch --pairs 5     PyTorch against itself: how far this machine's noise moves a ratio
  python -m benchmarks --json /tmp/mine.json      the figures elsewhere; the chart lies beside them as mine.png

exit codes: 0 measured; 1 a run failed, or the two did not do the same work; 2 wrong arguments; 130 interrupted
"""


def positive(text: str) -> int:
    """A whole number above zero, from the command line."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"expected a whole number above 0, got {text!r}")
    return int(text)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Time Handtorch and PyTorch side by side: each run in its own process, the two alternating.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    names = workloads.names()
    result.add_argument(
        "--workload", action="append", choices=names, metavar="NAME", help=f"only this one: {', '.join(names)}"
    )
    result.add_argument("--pairs", type=positive, default=5, metavar="N", help="runs of each library (default 5)")
    result.add_argument(
        "--threads", type=positive, default=machine.cores(), metavar="N", help="threads of both (default: all cores)"
    )
    result.add_argument("--samples", type=positive, metavar="N", help="fewer samples a run, for a quick look")
    result.add_argument("--ours", default="handtorch", metavar="LIBRARY", help="the library under test")
    result.add_argument("--peer", default="torch", metavar="LIBRARY", help="the library that it is compared with")
    result.add_argument(
        "--json",
        type=Path,
        default=CHECKOUT / "benchmarks" / "results" / "latest.json",
        metavar="PATH",
        help="where the figures go (default benchmarks/results/latest.json)",
    )
    return result


@contextmanager
def progress(total: int) -> Iterator[Callable[[str], None]]:
    """Show on stderr how many of ``total`` runs are done; yields the function that is told what runs next."""
    try:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
    except ImportError:
        yield lambda what: print(f"running {what}", file=sys.stderr)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total)
        started = False

        def next_run(what: str) -> None:
            nonlocal started
            bar.update(task, description=what, advance=1 if started else 0)
            started = True

        yield next_run


def chosen_workloads(arguments: argparse.Namespace) -> dict[str, Workload]:
    """The workloads that were asked for, by name: all of them without any."""
    return {name: workloads.load(name) for name in arguments.workload or workloads.names()}


def run(chosen: dict[str, Workload], arguments: argparse.Namespace) -> list[Comparison]:
    """Measure the chosen workloads."""
    total = sum(2 * (workload.rehearsals + arguments.pairs) for workload in chosen.values())
    with progress(total) as next_run:

        def measure_one(name: str, library: str) -> Measurement:
            next_run(f"{name} on {library}")
            return measure(name, library, threads=arguments.threads, samples=arguments.samples)

        return [
            compare(
                name,
                workload,
                ours=arguments.ours,
                peer=arguments.peer,
                pairs=arguments.pairs,
                measure_one=measure_one,
            )
            for name, workload in chosen.items()
        ]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    arguments = parser().parse_args(argv)
    chosen = chosen_workloads(arguments)
    libraries = {w.library(name): None for name in (arguments.ours, arguments.peer) for w in chosen.values()}
    for library in libraries:
        if importlib.util.find_spec(library) is None:
            print(f"error: {library} is not installed; `make bench` installs what is compared", file=sys.stderr)
            return 1
    about = machine.describe()
    if about["busy"]:
        print(
            f"warning: the machine is busy (load {about['load']} on {about['cores']} cores): do not trust the ratios",
            file=sys.stderr,
        )
    try:
        comparisons = run(chosen, arguments)
    except BenchmarkError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; nothing was written", file=sys.stderr)
        return 130
    publish(comparisons, arguments, about)
    return 0


def publish(comparisons: list[Comparison], arguments: argparse.Namespace, about: dict[str, object]) -> None:
    """Print the table, write JSON and chart, and end with the line that sums it all up."""
    report.print_table(comparisons, arguments.ours, arguments.peer)
    figures = report.to_json(comparisons, threads=arguments.threads, machine=about)
    report.write_json(arguments.json, figures)
    print(f"wrote {arguments.json}")
    if importlib.util.find_spec("matplotlib") is None:
        print("no chart: pip install 'handtorch[viz]'")
    else:
        from benchmarks import chart

        picture = arguments.json.with_suffix(".png")
        chart.draw(figures, picture)
        print(f"wrote {picture}")
    print(report.last_line(comparisons))


if __name__ == "__main__":
    sys.exit(main())
