"""Draw calls and hold Handtorch to PyTorch's answers; every failure is printed with what makes it again."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch

from tests.conformance.calls import Unsupported
from tests.conformance.compare import Mismatch
from tests.conformance.fuzz.draw import Dice
from tests.conformance.fuzz.families import FAMILIES
from tests.conformance.fuzz.hold import hold

EXAMPLES = """examples:
  python -m tests.conformance.fuzz --count 200                 two hundred calls of every family
  python -m tests.conformance.fuzz --family '*pool*' --seed 7  of some, with other dice
  python -m tests.conformance.fuzz --family padding --first 31 --count 1   one of them again
"""


def failures(family: str, seed: int, numbers: Sequence[int], held: Counter[str] | None = None) -> Iterator[str]:
    """What is wrong with the calls of these numbers; ``held`` counts how many PyTorch had an answer to."""
    for number in numbers:
        dice = Dice(f"{seed}/{family}/{number}")
        call = FAMILIES[family](dice)
        try:
            hold(call, dice)
        except Mismatch as mismatch:
            yield f"{family} {number}: {call}\n    {mismatch}"
        except Unsupported:
            continue
        if held is not None:
            held[family] += 1


def main() -> int:
    """The command: 0 when all agree, 1 when some do not."""
    parser = argparse.ArgumentParser(
        "python -m tests.conformance.fuzz",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--family", default="*", metavar="GLOB", help=f"of {', '.join(FAMILIES)}")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, metavar="NUMBER", help="where to begin (default: 0)")
    parser.add_argument("--count", type=int, default=100, help="calls of each family (default: 100)")
    given = parser.parse_args()
    chosen = [family for family in FAMILIES if fnmatch(family, given.family)]
    if not chosen:
        parser.error(f"no family matches {given.family!r}; there are {', '.join(FAMILIES)}")
    held: Counter[str] = Counter()
    failed = 0
    for family in chosen:
        for failure in failures(family, given.seed, range(given.first, given.first + given.count), held):
            failed += 1
            print(failure, flush=True)
    print(f"seed {given.seed}: {held.total()} calls of {len(chosen)} families, {failed} of them differ")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
