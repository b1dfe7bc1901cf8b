"""A cached folder is there whole or not at all, where the environment says."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import pytest

from handtorch.io.cache import CacheError, cache_folder, cached


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HANDTORCH_CACHE", str(tmp_path))
    return tmp_path / "corpus"


def test_the_environment_says_where(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    monkeypatch.delenv("HANDTORCH_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache_folder() == Path("/home/someone/.cache/handtorch")
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/cache/me")
    assert cache_folder() == Path("/var/cache/me/handtorch")
    monkeypatch.setenv("HANDTORCH_CACHE", "/fast/disk")
    assert cache_folder() == Path("/fast/disk")


def test_a_folder_is_built_once(home: Path) -> None:
    built = []

    def build(folder: Path) -> None:
        built.append(folder)
        (folder / "file").write_text("content")

    assert cached("thing", build) == cached("thing", build) == home / "thing"
    assert len(built) == 1
    assert (home / "thing" / "file").read_text() == "content"


def test_a_build_that_fails_leaves_nothing(home: Path) -> None:
    def build(folder: Path) -> None:
        (folder / "half").write_text("")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached("thing", build)
    assert list(home.iterdir()) == []


def test_what_a_killed_build_left_long_ago_is_cleared_away(home: Path) -> None:
    old, young, foreign = home / ".thing.abc.part", home / ".thing.def.part", home / ".other.abc.part"
    for folder in (old, young, foreign):
        folder.mkdir(parents=True)
    for folder in (old, foreign):
        os.utime(folder, (time.time() - 10_000,) * 2)
    cached("thing", lambda folder: None)
    assert [folder.exists() for folder in (old, young, foreign)] == [False, True, True]


def test_a_cache_that_cannot_be_written_to_names_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HANDTORCH_CACHE", str(tmp_path / "file"))
    with pytest.raises(CacheError, match="set HANDTORCH_CACHE"):
        cached("thing", lambda folder: None)


def test_a_full_disk_is_called_so(home: Path) -> None:
    def build(folder: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(CacheError, match="no space is left"):
        cached("thing", build)
