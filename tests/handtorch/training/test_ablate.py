"""A grid of settings runs in parallel, survives its failures, and is not done twice."""

import csv
import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from handtorch import training
from handtorch.errors import ArgumentError

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def grids():
    """The module beside this file, importable by name in this process and in those that it spawns."""
    sys.path.insert(0, str(HERE))
    try:
        import grids

        yield grids
    finally:
        sys.path.remove(str(HERE))


def ablate(*arguments, **options):
    return training.ablate(*arguments, **({"quiet": True} | options))


def test_every_combination_is_a_row_in_table_and_plot(grids, tmp_path):
    result = ablate(grids.parabola, {"x": [0, 1, 2], "y": [0.0, 0.5]}, tmp_path, threads=1)
    assert [(row["x"], row["y"], row["loss"]) for row in result.rows] == [
        (2, 0.0, 0.0), (2, 0.5, 0.5), (1, 0.0, 1.0), (1, 0.5, 1.5), (0, 0.0, 4.0), (0, 0.5, 4.5),
    ]  # fmt: skip
    assert (result.metric, result.best["x"], result.failures) == ("loss", 2, [])
    with open(tmp_path / "table.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["loss"] for row in rows] == ["0.0", "0.5", "1.0", "1.5", "4.0", "4.5"]
    lines = (tmp_path / "table.md").read_text().splitlines()
    assert lines[0] == "| x | y | loss | threads | seconds |"
    assert lines[2].startswith("| 2 | 0.0 | 0 | 1 |")
    if importlib.util.find_spec("matplotlib"):
        assert (tmp_path / "ablation.png").read_bytes()[:4] == b"\x89PNG"
    assert (tmp_path / "x=2,y=0.5" / "output.txt").read_text() == "called with 2 0.5\n"

    again = ablate(grids.parabola, {"x": [0, 1, 2, 3], "y": [0.0]}, tmp_path)
    assert [row["x"] for row in again.rows] == [2, 1, 3, 0]
    assert sorted((tmp_path / "calls.txt").read_text().split("\n"))[-1] == "3 0.0"
    assert len((tmp_path / "calls.txt").read_text().splitlines()) == 7  # one new call, none repeated


def test_a_setting_that_fails_in_any_way_is_a_row_and_is_tried_again(grids, tmp_path):
    grid = {"how": ["raise", "die", "leave", "text", "work"]}
    result = ablate(grids.fails_somehow, grid, tmp_path, processes=3)
    errors = {row["how"]: row["error"] for row in result.rows}
    assert errors["work"] is None and result.best["how"] == "work"
    assert errors["raise"] == "ValueError: no such thing"
    assert "killed by signal 9" in errors["die"]
    assert "exit code 3" in errors["leave"]
    assert "expected a dict of numbers, a number or a History, got str" in errors["text"]
    assert "Traceback" in (tmp_path / "how=raise" / "output.txt").read_text()
    assert "no such thing" in (tmp_path / "table.md").read_text()
    (tmp_path / "repaired").touch()
    again = ablate(grids.fails_somehow, {"how": ["raise", "work"]}, tmp_path)
    assert again.failures == []


def test_processes_run_at_the_same_time(grids, tmp_path):
    assert ablate(grids.meets_another, {"number": [1, 2]}, tmp_path, processes=2).failures == []


def test_a_history_counts_with_its_best_epoch(grids, tmp_path):
    result = ablate(grids.history, [{"lr": 1.0}, {"lr": 0.5}], tmp_path)
    assert result.metric == "valid_loss"
    assert [(row["lr"], row["valid_loss"], row["epoch"]) for row in result.rows] == [(0.5, 0.25, 2), (1.0, 0.5, 2)]


def test_the_order_follows_mode(grids, tmp_path):
    result = ablate(grids.parabola, {"x": [0, 2], "y": [0]}, tmp_path, mode="max", metric="loss")
    assert [row["x"] for row in result.rows] == [0, 2]


@pytest.mark.parametrize(
    "function, grid, message",
    [
        ("parabola", {"x": [], "y": [1]}, "at least one setting"),
        ("parabola", [{"x": 1}, {"x": 1}], "settings that differ"),
        ("parabola", {"x": [object()]}, "expected settings of numbers, texts"),
        (None, {"x": [1]}, "define it with def at the top level of a module"),
    ],
)
def test_a_grid_that_cannot_run_is_refused_before_it_starts(grids, tmp_path, function, grid, message):
    with pytest.raises(ArgumentError, match=message):
        ablate(getattr(grids, function) if function else lambda folder, x: x, grid, tmp_path)


def test_names_of_folders_are_safe_and_different():
    from handtorch.training.ablate import _folder_name

    names = [_folder_name({"path": value}) for value in ("a/b", "a_b", "a:b", "../..", "x" * 300, "x" * 301)]
    assert len(set(names)) == 6
    assert all(len(name) < 100 and "/" not in name and not name.startswith(".") for name in names)
    assert names[1] == "path=a_b"


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
def test_settings_do_not_outlive_a_main_process_that_is_killed(tmp_path):
    code = (
        f"import sys; sys.path.insert(0, {str(HERE)!r})\n"
        "from handtorch import training\nimport grids\n"
        f"if __name__ == '__main__': training.ablate(grids.sleeps, {{'seconds': [60]}}, {str(tmp_path)!r})\n"
    )
    script = tmp_path / "main.py"
    script.write_text(code)
    main = subprocess.Popen([sys.executable, str(script)])
    pid_file = tmp_path / "seconds=60" / "pid"
    wait_for(lambda: pid_file.exists() and pid_file.read_text())
    child = int(pid_file.read_text())
    main.kill()
    main.wait()
    wait_for(lambda: not alive(child))


def wait_for(condition, seconds=20):
    for _ in range(seconds * 20):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("waited in vain")


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and status.read_text().split()[2] == "Z")
