"""What the check of one entry of a database found."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

KINDS = ("op", "module", "optimizer")


@dataclass
class Failure:
    """One sample on which Handtorch is not PyTorch."""

    sample: str  # which: "float32 #3", "error input #0"
    stage: str  # what was compared: "forward", "gradient", "in-place", ...
    reason: str  # one line
    call: str = ""  # the arguments
    expected: str = ""
    got: str = ""

    @property
    def is_absence(self) -> bool:
        """Whether the entry itself is not there; another form of it, such as an alias, may be missing all the same."""
        return self.reason.startswith("missing: ") and self.stage in ("forward", "construction", "error")


@dataclass
class Result:
    """One entry: how many samples ran, and which failed."""

    kind: str  # one of KINDS
    name: str
    samples: int = 0
    failures: list[Failure] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)  # samples that PyTorch refuses or no array can hold, and why
    seconds: float = 0.0

    @property
    def passed(self) -> int:
        """Samples on which Handtorch is PyTorch."""
        return self.samples - len(self.failures)

    @property
    def whole(self) -> bool:
        """Whether the entry holds on every sample, and there was one."""
        return self.samples > 0 and not self.failures

    def add(self, failure: Failure | None) -> None:
        """Count one sample more."""
        self.samples += 1
        if failure is not None:
            self.failures.append(failure)

    def skip(self, sample: str, reason: str) -> None:
        """Leave out a sample that proves nothing."""
        self.skipped.append(f"{sample}: {reason.strip().splitlines()[0] if reason.strip() else 'no reason given'}")

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "passed": self.passed, "whole": self.whole}
