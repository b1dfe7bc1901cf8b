"""How long a program waits before its first line: ``import`` in a fresh process."""

from __future__ import annotations

import importlib

from benchmarks.peers import Peer
from benchmarks.workloads import Job, Workload


def build(peer: Peer) -> Job:
    """Only the import; the process has loaded nothing but the standard library before."""
    return Job(lambda: importlib.import_module(peer.name))


WORKLOAD = Workload(
    title="import in a fresh process",
    aim=0.3,
    build=build,
    warmup=0,
    samples=1,
    rehearsals=1,
)
