"""A program is run as its users run it: in a terminal, from Python, stopped half-way."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from handtorch.errors import ArgumentError, FormatError
from handtorch.training import Program
from handtorch.training.settings import read_settings, split, told, write_settings
from tests.handtorch.training import small_program
from tests.handtorch.training.small_program import Settings, program

APP = program.command_line()
FILE = Path(small_program.__file__)


def call(folder, *arguments):
    return CliRunner().invoke(APP, ["--runs", str(folder), *map(str, arguments)])


def test_options_are_the_annotated_settings_with_their_defaults_and_bounds(tmp_path):
    told_to_users = CliRunner().invoke(APP, ["--help"]).stdout
    assert all(option in told_to_users for option in ("--epochs", "--hidden", "--source", "--resume", "--json"))
    assert "--weight-decay" not in told_to_users and "Fit a line." in told_to_users
    done = call(tmp_path, "--hidden", "3,2", "--source", tmp_path, "--json")
    assert done.exit_code == 0, done.output
    settings = json.loads(done.stdout)["settings"]
    assert settings == {
        "epochs": 2, "hidden": [3, 2], "rates": [0.5], "weight_decay": 0.0, "source": str(tmp_path), "fail": False,
    }  # fmt: skip
    assert call(tmp_path, "--epochs", 0).exit_code == 2


def test_a_run_leaves_its_settings_and_metrics_and_says_what_it_does(tmp_path):
    done = call(tmp_path, "--epochs", 3)
    assert "begins; epochs 3" in done.stderr and "64 points" in done.stderr
    assert done.stdout == f"shown: 3 epochs in {tmp_path / 'small'}\n"
    metrics = json.loads((tmp_path / "small/metrics.json").read_text("utf-8"))
    assert metrics["epochs"] == 3 and set(metrics["seconds"]) == {"data", "training"} and metrics["cpu_seconds"] > 0
    assert read_settings(Settings, tmp_path / "small/settings.json") == Settings(epochs=3)


def test_a_program_runs_from_python_too(tmp_path):
    found = program.run(Settings(epochs=1), tmp_path / "mine")
    assert found["epochs"] == 1 == json.loads((tmp_path / "mine/metrics.json").read_text("utf-8"))["epochs"]
    with pytest.raises(ArgumentError, match="already holds a run with 1 epochs done"):
        program.run(Settings(), tmp_path / "mine")
    with pytest.raises(ArgumentError, match="resume, to go on"):
        program.run(Settings(), tmp_path / "mine", resume=True, overwrite=True)


def test_a_run_is_overwritten_only_when_wanted_and_only_once_the_new_one_has_data(tmp_path):
    assert call(tmp_path).exit_code == 0
    weights = tmp_path / "small/part/last.safetensors"
    before = weights.read_bytes()
    for refused in (call(tmp_path), call(tmp_path, "--overwrite", "--fail")):
        assert refused.exit_code == 1 and weights.read_bytes() == before
        assert (tmp_path / "small/metrics.json").exists()
    assert call(tmp_path, "--overwrite", "--epochs", 1).exit_code == 0
    assert json.loads((tmp_path / "small/metrics.json").read_text("utf-8"))["epochs"] == 1


def test_ctrl_c_says_how_to_go_on_and_resuming_ends_at_the_same_numbers(tmp_path):
    whole = call(tmp_path / "whole", "--epochs", 40, "--json")
    process = start(tmp_path / "cut", "--epochs", 40, "--name", "my run", pause=0.05)
    wait_for(process, tmp_path / "cut/my run/part/log.jsonl", '"event": "epoch"')
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130 and "Traceback" not in errors
    assert f"continue with: python small.py --resume --name 'my run' --runs {tmp_path / 'cut'}" in errors
    done = call(tmp_path / "cut", "--name", "my run", "--resume", "--json")
    assert done.exit_code == 0 and "goes on after" in done.stderr
    assert json.loads(done.stdout)["loss"] == json.loads(whole.stdout)["loss"]


def test_interrupted_before_it_began_a_run_is_started_by_the_same_command(tmp_path):
    process = start(tmp_path, "--epochs", 3, slow=True)
    assert "begins" in process.stderr.readline()
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130 and "the same command starts it again" in errors
    assert call(tmp_path, "--epochs", 3).exit_code == 0


def test_a_resumed_run_keeps_its_settings_and_refuses_others(tmp_path):
    assert call(tmp_path, "--hidden", "3,2").exit_code == 0
    again = call(tmp_path, "--resume", "--json")
    assert json.loads(again.stdout)["settings"]["hidden"] == [3, 2]
    assert call(tmp_path, "--resume", "--hidden", "3,2").exit_code == 0
    refused = call(tmp_path, "--resume", "--hidden", "4", "--epochs", 2)
    assert refused.exit_code == 1
    assert "began with --hidden 3,2 and goes on with that; try: --resume without --hidden" in refused.stderr


def test_a_checkpoint_of_which_nobody_knows_the_settings_is_neither_resumed_nor_lost(tmp_path):
    assert call(tmp_path).exit_code == 0
    (tmp_path / "small/settings.json").unlink()
    assert "expected the settings of a run" in call(tmp_path, "--resume").stderr
    assert "already holds a run with 2 epochs done" in call(tmp_path).stderr
    assert call(tmp_path, "--overwrite").exit_code == 0


def test_resuming_where_there_is_nothing_begins(tmp_path):
    done = call(tmp_path, "--resume", "--epochs", 1)
    assert done.exit_code == 0 and "begins; epochs 1" in done.stderr


def test_a_users_mistake_is_one_sentence(tmp_path):
    done = call(tmp_path, "--hidden", "big")
    assert done.exit_code == 1
    assert done.stderr == "error: --hidden: expected whole numbers from 1 with commas between them, got 'big'\n"
    assert "no source" in call(tmp_path, "--fail").stderr


def test_a_setting_may_not_hide_an_option_that_every_program_has():
    @dataclass(frozen=True)
    class Clash:
        name: Annotated[str, typer.Option()] = "x"

    clash = Program("clash", Clash, load=program.load, train=program.train, show=program.show)
    with pytest.raises(ArgumentError, match="another name for the setting 'name'"):
        clash.command_line()


def test_settings_are_read_as_they_were_written(tmp_path):
    settings = Settings(hidden=(5, 6), rates=(0.1, 1e-30), source=Path("a/b"), weight_decay=1 / 3)
    write_settings(settings, tmp_path / "settings.json")
    assert read_settings(Settings, tmp_path / "settings.json") == settings
    assert told(settings) == f"hidden 5,6, rates 0.1,1e-30, weight decay {1 / 3}, source a/b"
    assert told(Settings()) == "all settings as they are by default"


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "expected JSON"), ("[]", "it lacks epochs, fail"), ('{"epochs": 1, "old": 2}', "and it has old")],
)
def test_settings_of_another_version_are_told(tmp_path, text, message):
    (tmp_path / "settings.json").write_text(text)
    with pytest.raises(FormatError, match=message):
        read_settings(Settings, tmp_path / "settings.json")


def test_numbers_are_split_at_commas_and_held_to_their_bounds():
    assert split("1, 2,", tuple[int, ...]) == (1, 2) and split("", tuple[int, ...]) == ()
    assert split("0.5,1e-3", tuple[float, ...], 0, 1) == (0.5, 1e-3)
    for text in ("0.5", "1,x", "9", "0"):
        with pytest.raises(ArgumentError, match="whole numbers from 1 to 8"):
            split(text, tuple[int, ...], 1, 8)


def start(folder, *arguments, pause=0.0, slow=False):
    """The program as a process of its own, with a pause after each epoch or before its data."""
    environment = {**os.environ, "PAUSE": str(pause), "SLOW": "1" if slow else ""}
    command = [sys.executable, str(FILE), "--runs", str(folder), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def wait_for(process, log, text):
    deadline = time.monotonic() + 60
    while not (log.is_file() and text in log.read_text("utf-8")):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.002)
