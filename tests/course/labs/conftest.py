"""A lab as its tests see it: the modules of its folder, and its command line."""

import importlib
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

LABS = Path(__file__).resolve().parents[3] / "course/labs"


class Lab(SimpleNamespace):
    """The modules of a lab by their names."""

    def call(self, runs, *arguments):
        """The recipe's command line in this process."""
        return CliRunner().invoke(self.train.app, ["--runs", str(runs), *map(str, arguments)])

    def start(self, runs, *arguments):
        """The recipe as a process of its own."""
        program = [sys.executable, self.train.__file__, "--runs", str(runs), *map(str, arguments)]
        return subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture(scope="module")
def lab(request):
    """The lab that the test module names by LAB."""
    folder = LABS / request.module.LAB
    names = [path.stem for path in folder.glob("*.py")]
    # Every lab has a train.py: what was imported here must not be found by the next one.
    sys.path.insert(0, str(folder))
    yield Lab(**{name: importlib.import_module(name) for name in names})
    sys.path.remove(str(folder))
    for name in names:
        del sys.modules[name]
