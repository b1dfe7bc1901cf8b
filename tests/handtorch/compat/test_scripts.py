"""Scripts in the style of those who write for PyTorch run as they are, and end where PyTorch ends.

``scripts/figures.json`` holds what they print under PyTorch; ``tests/conformance/test_scripts.py`` holds it to that.
"""

import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parent / "scripts"
FIGURES = json.loads((SCRIPTS / "figures.json").read_text())
_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*(?:e[-+]?\d+)?|inf|nan)(?![\w.])")


def figures(text):
    """The numbers that a text contains."""
    return [float(number) for number in _NUMBER.findall(text)]


def run(script, folder, *arguments):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-m", "handtorch", str(SCRIPTS / f"{script}.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("script", sorted(path.stem for path in SCRIPTS.glob("*.py")))
def test_a_script_prints_what_it_prints_under_pytorch(script, tmp_path):
    got = figures(run(script, tmp_path))
    assert len(got) == len(FIGURES[script])
    wrong = [
        (ours, theirs)
        for ours, theirs in zip(got, FIGURES[script], strict=True)
        if not math.isclose(ours, theirs, rel_tol=1e-3, abs_tol=1e-4)
    ]
    assert wrong == []


def test_a_run_that_was_interrupted_ends_as_if_it_had_not_been(tmp_path):
    straight, resumed = tmp_path / "straight", tmp_path / "resumed"
    straight.mkdir()
    resumed.mkdir()
    expected = run("mlp_classifier", straight, "--epochs", "3").splitlines()[-2:]
    run("mlp_classifier", resumed, "--epochs", "2")
    assert run("mlp_classifier", resumed, "--epochs", "3").splitlines()[-2:] == expected
