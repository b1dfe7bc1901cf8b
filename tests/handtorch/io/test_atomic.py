"""Files and folders that appear whole or not at all."""

import json
import math
import os
import signal
import stat
import subprocess
import sys
import textwrap

import pytest

from handtorch.io.atomic import atomic_folder, atomic_write, write_json


def test_a_file_takes_its_name_only_at_the_end(tmp_path):
    path = tmp_path / "a" / "file.bin"
    with atomic_write(path) as file:
        file.write(b"new")
        assert not path.exists()
    assert path.read_bytes() == b"new"
    assert os.listdir(path.parent) == ["file.bin"]


def test_json_is_json_also_where_a_number_is_none(tmp_path):
    write_json({"a": [1.5, math.inf], "b": {"c": math.nan, "d": (2,)}}, tmp_path / "numbers.json")

    def refuse(constant):
        raise AssertionError(constant)

    text = (tmp_path / "numbers.json").read_text("utf-8")
    assert json.loads(text, parse_constant=refuse) == {"a": [1.5, None], "b": {"c": None, "d": [2]}}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "file.bin"
    path.write_bytes(b"old")
    with pytest.raises(error), atomic_write(path) as file:
        file.write(b"half")
        raise error
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file.bin"]


def test_text_is_utf8_with_the_line_ends_that_were_written(tmp_path):
    with atomic_write(tmp_path / "file.txt", "w", newline="\n") as file:
        file.write("höre\n")
    assert (tmp_path / "file.txt").read_bytes() == "höre\n".encode()


@pytest.mark.skipif(os.name != "posix", reason="permissions of Unix")
def test_what_was_written_has_the_permissions_of_any_new_file(tmp_path):
    before = os.umask(0o027)
    try:
        with atomic_write(tmp_path / "file") as file:
            file.write(b"")
        with atomic_folder(tmp_path / "folder"):
            pass
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "folder").stat().st_mode) == 0o750


@pytest.mark.skipif(os.name != "posix", reason="kills a process")
def test_a_killed_writer_leaves_the_old_file(tmp_path):
    path = tmp_path / "file.bin"
    path.write_bytes(b"old")
    program = """
        import os, signal, sys
        from handtorch.io.atomic import atomic_write
        with atomic_write(sys.argv[1]) as file:
            file.write(b"half")
            file.flush()
            os.kill(os.getpid(), signal.SIGKILL)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program), str(path)])
    assert done.returncode == -signal.SIGKILL
    assert path.read_bytes() == b"old"


def test_a_folder_takes_its_name_only_at_the_end(tmp_path):
    path = tmp_path / "a" / "folder"
    with atomic_folder(path) as scratch:
        (scratch / "file").write_text("x")
        assert not path.exists()
    assert (path / "file").read_text() == "x"
    assert os.listdir(path.parent) == ["folder"]


def test_an_error_leaves_no_folder(tmp_path):
    with pytest.raises(ValueError), atomic_folder(tmp_path / "folder") as scratch:
        (scratch / "file").write_text("x")
        raise ValueError
    assert os.listdir(tmp_path) == []


def test_of_two_writers_of_a_folder_the_first_stays(tmp_path):
    path = tmp_path / "folder"
    with atomic_folder(path) as second:
        (second / "who").write_text("second")
        with atomic_folder(path) as first:
            (first / "who").write_text("first")
    assert (path / "who").read_text() == "first"
    assert os.listdir(tmp_path) == ["folder"]


def test_a_file_in_the_place_of_the_folder_is_an_error_and_stays(tmp_path):
    path = tmp_path / "folder"
    path.write_text("a file")
    with pytest.raises(OSError), atomic_folder(path):
        pass
    assert path.read_text() == "a file"
    assert os.listdir(tmp_path) == ["folder"]


def test_a_folder_replaces_the_old_one_only_when_asked_and_only_when_the_block_ends_well(tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "old").write_text("old")
    with pytest.raises(KeyError), atomic_folder(tmp_path / "site", replace=True) as folder:
        (folder / "new").write_text("new")
        raise KeyError
    assert [p.name for p in (tmp_path / "site").iterdir()] == ["old"]
    with atomic_folder(tmp_path / "site", replace=True) as folder:
        (folder / "new").write_text("new")
    assert [p.name for p in (tmp_path / "site").iterdir()] == ["new"]
    assert [p.name for p in tmp_path.iterdir()] == ["site"]
