"""The command line, as a person uses it."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from benchmarks.compare import CHECKOUT

COMMAND = [sys.executable, "-m", "benchmarks"]


def bench(*arguments):
    return subprocess.run([*COMMAND, *arguments], cwd=CHECKOUT, capture_output=True, text=True, timeout=120)


def test_handtorch_against_itself_gives_table_json_chart_and_last_line(tmp_path):
    done = bench(
        "--ours=handtorch", "--peer=handtorch", "--workload=import", "--pairs=2", f"--json={tmp_path / 'run.json'}"
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads((tmp_path / "run.json").read_text())
    assert [row["name"] for row in figures["workloads"]] == ["import"]
    assert len(figures["workloads"][0]["peer"]["seconds_each"]) == 2
    assert figures["machine"]["cores"] >= 1
    assert (tmp_path / "run.png").read_bytes().startswith(b"\x89PNG")
    ratio = figures["workloads"][0]["ratio"]
    last = done.stdout.splitlines()[-1]
    assert last == f"bench: geometric mean {ratio:.2f} over 1 workload, worst {ratio:.2f} (import)"


def test_help_shows_examples():
    done = bench("--help")
    assert done.returncode == 0
    assert "examples:" in done.stdout
    assert "--workload tiny" in done.stdout


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("--workload=nothing", "invalid choice"),
        ("--pairs=0", "expected a whole number above 0, got '0'"),
        ("--threads=many", "expected a whole number above 0, got 'many'"),
    ],
)
def test_wrong_arguments_end_with_code_2_and_say_what_was_expected(argument, message):
    done = bench(argument)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_library_that_is_not_installed_is_named_before_anything_runs():
    done = bench("--peer=no_such_library")
    assert done.returncode == 1
    assert done.stderr == "error: no_such_library is not installed; `make bench` installs what is compared\n"


def test_ctrl_c_ends_the_run_and_its_worker_without_a_traceback(tmp_path):
    pid = tmp_path / "pid"
    (tmp_path / "slow_library.py").write_text(
        f"import os, pathlib, time\npathlib.Path({str(pid)!r}).write_text(str(os.getpid()))\ntime.sleep(60)\n"
    )
    arguments = ["--ours=slow_library", "--peer=handtorch", "--workload=import", f"--json={tmp_path / 'run.json'}"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    process = subprocess.Popen([*COMMAND, *arguments], cwd=CHECKOUT, env=environment, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 30
    while not (pid.exists() and pid.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert errors.endswith("interrupted; nothing was written\n")
    assert "Traceback" not in errors
    assert not (tmp_path / "run.json").exists()
    assert not alive(int(pid.read_text()))


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
