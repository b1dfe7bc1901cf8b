"""Measures one workload on one library in this process and prints the result as one line of JSON.

``python -m benchmarks.worker tiny torch --threads 2``
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import sys
import time
from pathlib import Path

from benchmarks import workloads
from benchmarks.peers import Peer
from benchmarks.workloads import Job


def seconds_per_step(job: Job, *, warmup: int, samples: int, steps: int) -> list[float]:
    """Each sample's mean seconds a step, after ``warmup`` steps off the clock."""
    for _ in range(warmup):
        job.step()
    seconds = []
    for _ in range(samples):
        start = time.perf_counter()
        for _ in range(steps):
            job.step()
        seconds.append((time.perf_counter() - start) / steps)
    return seconds


def peak_bytes() -> int:
    """The most resident memory that this process has had.

    On Linux it is read as ``VmHWM``: ``ru_maxrss`` survives exec there, so a child would report its parent's peak.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def main() -> None:
    """Run the workload named on the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.worker", description=__doc__)
    parser.add_argument("workload", choices=workloads.names())
    parser.add_argument("peer", help="the library, as import calls it: handtorch, torch")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--samples", type=int, help="fewer samples than the workload asks for")
    arguments = parser.parse_args()

    workload = workloads.load(arguments.workload)
    job = workload.build(Peer(arguments.peer, arguments.threads))
    samples = min(arguments.samples or workload.samples, workload.samples)
    seconds = seconds_per_step(job, warmup=workload.warmup, samples=samples, steps=workload.steps)
    result = {
        "workload": arguments.workload,
        "peer": arguments.peer,
        "threads": arguments.threads,
        "seconds": statistics.median(seconds),
        "samples": samples,
        "steps": samples * workload.steps,
        "peak_bytes": peak_bytes(),
        "outcome": job.outcome() if job.outcome else None,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
