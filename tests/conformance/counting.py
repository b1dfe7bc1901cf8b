"""One sample's check, counted: it holds, it fails, or it proves nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from tests.conformance import show
from tests.conformance.calls import Unsupported
from tests.conformance.compare import Mismatch
from tests.conformance.results import Failure, Result


class Check(Protocol):
    """What compares the two frameworks on one sample; ``stage`` says how far it has come."""

    stage: str

    def __call__(self) -> None:
        """Raise Mismatch where they differ, Unsupported where PyTorch refuses."""


def count(result: Result, label: str, check: Check, call: Callable[[], str], *, detailed: bool) -> None:
    """Run a check and put down what it found; ``detailed`` adds the call and both results to a failure."""
    try:
        check()
    except Unsupported as skipped:
        result.skip(label, str(skipped))
    except Mismatch as mismatch:
        failure = Failure(label, check.stage, str(mismatch))
        if detailed:
            failure.call = call()
            failure.expected, failure.got = show.result(mismatch.expected), show.result(mismatch.got)
        result.add(failure)
    else:
        result.add(None)
