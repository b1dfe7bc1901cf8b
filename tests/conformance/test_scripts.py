"""Scripts in the style of those who write for PyTorch print the same under PyTorch and under Handtorch."""

import math
import os
import subprocess
import sys

import pytest

from tests.handtorch.compat.test_scripts import _NUMBER, FIGURES, SCRIPTS, figures, run


@pytest.mark.parametrize("script", sorted(FIGURES))
def test_a_script_prints_the_same(script, tmp_path):
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    theirs.mkdir()
    ours.mkdir()
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, str(SCRIPTS / f"{script}.py")]
    expected = subprocess.run(
        command, capture_output=True, text=True, cwd=theirs, env=environment, timeout=120, check=True
    ).stdout
    got = run(script, ours)
    assert _NUMBER.sub("", got) == _NUMBER.sub("", expected)
    for kept, live, own in zip(FIGURES[script], figures(expected), figures(got), strict=True):
        assert math.isclose(own, live, rel_tol=1e-3, abs_tol=1e-4)
        assert math.isclose(kept, live, rel_tol=1e-3, abs_tol=1e-4)
    assert {path.name for path in ours.iterdir()} == {path.name for path in theirs.iterdir()}
