"""Messages between a worker and its parent, sent and received here by one process."""

import multiprocessing
import os
from pathlib import Path

import numpy as np
import pytest

from handtorch.factories import from_numpy
from handtorch.utils.data import transport

pytestmark = pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="needs memory files")


@pytest.fixture
def pipe():
    ends = multiprocessing.Pipe()
    yield ends
    for end in ends:
        end.close()


def cross(pipe, message):
    transport.send(pipe[0], message)
    return transport.receive(pipe[1])


def mapped():
    return Path("/proc/self/maps").read_text().count("handtorch-batch")


ARRAYS = {
    "small": np.arange(5),
    "large": np.arange(50_000.0),
    "column-major": np.asfortranarray(np.arange(40_000.0).reshape(200, 200)),
    "strided": np.arange(80_000.0)[::2],
    "no elements": np.empty((0, 3)),
    "no axes": np.array(1.5),
    "text": np.array(["a", "b"]),
    "objects": np.array([None, 1], object),
}


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("way", ["memory", "small chunks", "copy", "pipe"])
def test_an_array_arrives_equal_and_writable_whatever_way_it_goes(pipe, monkeypatch, name, way):
    array = ARRAYS[name]
    if way == "small chunks":
        monkeypatch.setattr(transport, "_CHUNK", 10_000)
    if way == "copy":
        monkeypatch.setattr(transport, "_MOST_MAPPED", 0)
        monkeypatch.setattr(transport, "_CHUNK", 10_000)
    if way == "pipe":  # as on a system without memory files; all in one process, so it has to fit into the pipe
        monkeypatch.delattr(os, "memfd_create")
        array = array[:5] if array.ndim else array
    before = mapped()
    arrived = cross(pipe, {"x": [array]})["x"][0]
    assert mapped() - before == (array.nbytes > 2**15 and array.flags.forc and way in ("memory", "small chunks"))
    np.testing.assert_array_equal(arrived, array)
    assert arrived.dtype == array.dtype
    assert arrived.flags.writeable
    assert arrived.flags.aligned


def test_memory_is_given_back_with_the_last_array(pipe):
    before, files = mapped(), len(os.listdir("/proc/self/fd"))
    first, second = cross(pipe, (np.ones(50_000), np.ones(50_000)))
    assert mapped() == before + 2
    row = first[10:20]
    del first, second
    assert mapped() == before + 1
    assert row.sum() == 10
    del row
    assert mapped() == before
    assert len(os.listdir("/proc/self/fd")) == files


def test_what_is_written_to_an_arrived_array_stays_in_this_process(pipe):
    arrived = cross(pipe, np.zeros(50_000))
    child = os.fork()
    if child == 0:
        arrived[...] = 1
        os._exit(0)
    os.waitpid(child, 0)
    assert arrived.max() == 0


def test_tensors_cross_with_their_flags(pipe):
    arrived = cross(pipe, from_numpy(np.ones(50_000, np.float32)).requires_grad_())
    assert arrived.requires_grad
    assert arrived.array.sum() == 50_000


def test_a_tensor_without_axes_keeps_its_shape(pipe):
    assert cross(pipe, from_numpy(np.array(3.0))).shape == ()


def test_long_text_does_not_have_to_fit_into_the_pipe(pipe):
    before = mapped()
    assert cross(pipe, ["a" * 10_000_000, np.ones(50_000)])[0] == "a" * 10_000_000
    assert mapped() == before


def test_nothing_is_sent_of_a_message_that_cannot_be_pickled(pipe):
    with pytest.raises((AttributeError, TypeError)):
        transport.send(pipe[0], (np.ones(50_000), lambda: None))
    assert cross(pipe, "next") == "next"


def test_no_memory_file_stays_open_when_there_is_no_memory_for_all(pipe, monkeypatch):
    files = len(os.listdir("/proc/self/fd"))
    made = iter([os.memfd_create("first")])

    def full(name):
        try:
            return next(made)
        except StopIteration:
            raise OSError("no memory") from None

    monkeypatch.setattr(os, "memfd_create", full)
    with pytest.raises(OSError, match="no memory"):
        transport.send(pipe[0], (np.ones(50_000), np.ones(50_000)))
    assert len(os.listdir("/proc/self/fd")) == files


def test_the_other_sides_end_is_an_eof(pipe):
    pipe[0].close()
    with pytest.raises(EOFError):
        transport.receive(pipe[1])
