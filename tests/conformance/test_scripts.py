"""Scripts as people write them print the same figures under PyTorch and under ``python -m handtorch``."""

import math
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = sorted((Path(__file__).parents[1] / "handtorch" / "compat" / "scripts").glob("*.py"))
_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*(?:e[-+]?\d+)?|inf|nan)(?![\w.])")


def printed(command, folder):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def in_parts(text):
    """The numbers of a text, and what stands between them."""
    return [float(number) for number in _NUMBER.findall(text)], _NUMBER.split(text)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_prints_the_same_figures(script, tmp_path):
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    theirs.mkdir()
    ours.mkdir()
    expected, said = in_parts(printed([sys.executable, str(script)], theirs))
    got, also_said = in_parts(printed([sys.executable, "-m", "handtorch", str(script)], ours))
    assert also_said == said
    worst = max(zip(got, expected, strict=True), key=lambda pair: abs(pair[0] - pair[1]))
    assert all(math.isclose(a, b, rel_tol=1e-3, abs_tol=1e-4) for a, b in zip(got, expected, strict=True)), worst
    assert {path.name for path in ours.iterdir()} == {path.name for path in theirs.iterdir()}
