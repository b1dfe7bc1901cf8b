"""The clock, the memory gauge, and every workload once on Handtorch."""

import json
import subprocess
import sys

import pytest

from benchmarks import workloads
from benchmarks.compare import CHECKOUT, BenchmarkError, measure
from benchmarks.worker import seconds_per_step
from benchmarks.workloads import Job


def test_every_file_in_the_folder_is_a_workload():
    files = {path.stem.rstrip("_") for path in (CHECKOUT / "benchmarks" / "workloads").glob("[a-z]*.py")}
    assert files >= {"adamw", "import", "mlp", "tiny"}
    assert set(workloads.names()) == files
    for name in workloads.names():
        workload = workloads.load(name)
        assert workload.title
        assert 0 < workload.aim < 10


def test_warmup_steps_are_off_the_clock_and_a_sample_is_a_mean(monkeypatch):
    now = 0.0

    def step():
        nonlocal now
        now += steps.pop(0)

    steps = [100.0, 1.0, 3.0, 2.0, 6.0]
    monkeypatch.setattr("benchmarks.worker.time.perf_counter", lambda: now)
    assert seconds_per_step(Job(step), warmup=1, samples=2, steps=2) == [2.0, 4.0]


def test_peak_memory_counts_what_was_freed_and_not_what_the_parent_had():
    big = bytearray(400 * 2**20)  # noqa: F841
    code = "from benchmarks.worker import peak_bytes\nx = bytearray({} * 2**20)\ndel x\nprint(peak_bytes())"
    small, large = (
        int(subprocess.run([sys.executable, "-c", code.format(n)], cwd=CHECKOUT, capture_output=True, text=True).stdout)
        for n in (1, 201)
    )
    assert small < 100 * 2**20
    assert large - small == pytest.approx(200 * 2**20, rel=0.05)


@pytest.mark.parametrize("name", workloads.names())
def test_workload_runs_on_handtorch(name):
    run = measure(name, "handtorch", threads=1, samples=1)
    assert 0 < run.seconds < 10
    assert run.peak_bytes > 2**20
    if name in ("tiny", "mlp"):
        assert run.outcome < {"tiny": 0.5, "mlp": 3.7}[name], "the network did not learn"


def test_a_run_that_fails_shows_its_last_lines():
    with pytest.raises(BenchmarkError, match=r"tiny on no_such_library.*\n(?s:.*)No module named 'no_such_library'"):
        measure("tiny", "no_such_library", threads=1)


def test_worker_prints_one_line_of_json():
    command = [sys.executable, "-m", "benchmarks.worker", "import", "handtorch", "--threads", "1"]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout).keys() >= {"workload", "peer", "seconds", "steps", "peak_bytes", "outcome"}
    assert done.stdout.count("\n") == 1
