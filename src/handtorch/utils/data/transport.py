"""How a batch crosses from a worker to its parent: large parts through memory without a name, the rest through a pipe.

Pickle protocol 5 keeps the contents of arrays apart. Each large one is written to an anonymous memory file whose
descriptor travels through the pipe; the parent maps it and has its array without a copy. The file never has a name, so
whatever happens to either process the kernel frees it; and it holds one array only, so that keeping the labels of a
batch does not keep its images. A long pickle goes the same way, so no message is too long for the pipe. On a system
without such files everything goes through the pipe.
"""

from __future__ import annotations

import mmap
import os
import pickle
import weakref
from multiprocessing import reduction
from multiprocessing.connection import Connection
from typing import Any

_SMALL = 1 << 15  # bytes; up to here a pipe is faster than a memory file, and several messages fit into it
_MOST_MAPPED = 128  # each mapping holds a file descriptor; whoever hoards more batches than this gets copies
_CHUNK = 1 << 30  # bytes; the kernel moves less than 2 GiB at a time

_mapped: weakref.WeakSet[mmap.mmap] = weakref.WeakSet()


def send(connection: Connection, message: Any) -> None:
    """Send any object that can be pickled; when it cannot, raises before a byte was sent."""
    large: list[memoryview] = []

    def stays_in_body(buffer: pickle.PickleBuffer) -> bool:
        content = buffer.raw()
        if not _is_large(content):
            return True
        large.append(content)
        return False

    body = pickle.dumps(message, protocol=5, buffer_callback=stays_in_body)
    if _is_large(memoryview(body)):
        large.append(memoryview(body))
        body = b""
    files: list[int] = []
    try:
        for content in large:
            files.append(_write_to_memory(content))
        connection.send_bytes(len(files).to_bytes(4, "little") + body)
        for file in files:
            reduction.send_handle(connection, file, None)  # type: ignore[arg-type]
    finally:
        for file in files:
            os.close(file)


def receive(connection: Connection) -> Any:
    """Receive what :func:`send` sent. Raises EOFError or OSError when the other side is gone."""
    message = connection.recv_bytes()
    buffers = [_receive_memory(connection) for _ in range(int.from_bytes(message[:4], "little"))]
    body = message[4:] or buffers.pop()
    return pickle.loads(body, buffers=buffers)


def _is_large(content: memoryview) -> bool:
    return content.nbytes > _SMALL and hasattr(os, "memfd_create")


def _write_to_memory(content: memoryview) -> int:
    # Written, not mapped: the kernel then fills whole pages instead of clearing each at its first touch.
    file = os.memfd_create("handtorch-batch")
    try:
        done = 0
        while done < content.nbytes:
            done += os.write(file, content[done : done + _CHUNK])
    except BaseException:
        os.close(file)
        raise
    return file


def _receive_memory(connection: Connection) -> mmap.mmap | bytearray:
    """The contents of the next memory file, writable and seen by nobody else."""
    file = reduction.recv_handle(connection)
    try:
        size = os.fstat(file).st_size
        if len(_mapped) >= _MOST_MAPPED:
            return _copy(file, size)
        mapping = mmap.mmap(file, size, access=mmap.ACCESS_COPY)
        _mapped.add(mapping)
        return mapping
    finally:
        os.close(file)


def _copy(file: int, size: int) -> bytearray:
    copy = bytearray(size)
    done = 0
    while done < size:
        done += os.preadv(file, [memoryview(copy)[done : done + _CHUNK]], done)
    return copy
