"""Mutated files: ``python -m tests.handtorch.io.fuzz --count 10000`` loads them in processes that may crash or hang.

Every file follows from its kind and a seed, so that ``--kind pt --seed 1234`` loads that one again. A file may be
refused with a typed error, or load as tensors that lie within their memory; nothing else is right.
"""

import argparse
import io
import itertools
import json
import os
import pickle
import queue
import random
import resource
import struct
import subprocess
import sys
import threading
import time
import traceback
import warnings
import zipfile
from collections import Counter, OrderedDict
from pathlib import Path

import numpy as np

import handtorch
from handtorch import nn
from handtorch.errors import DeviceError, DtypeError, FormatError
from handtorch.io import nested
from handtorch.io.pt import legacy, writing

REFUSALS = (FormatError, DtypeError, DeviceError)
SECONDS = 10  # for one file, of which each has a few kilobytes
MEMORY = 256 << 20  # bytes that loading may take


# -- sound files ------------------------------------------------------------------------------------------------------


def checkpoint():
    """What a training script saves: weights, views, an optimizer's state, numbers and text."""
    handtorch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    optimizer = handtorch.optim.Adam(model.parameters())
    model(handtorch.randn(5, 3)).sum().backward()
    optimizer.step()
    table = handtorch.arange(12.0).reshape(3, 4)
    return {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "views": [table, table.T, table[1], table[:, ::2]],
        "types": [handtorch.ones(2, dtype=dtype) for dtype in (handtorch.float16, handtorch.int8, handtorch.bool)],
        "epoch": 3,
        "best": 0.25,
        "history": [(1, 0.5), (2, 0.25)],
        "name": "große Schrift",
        ("key", 1): None,
    }


def pt_file():
    """A file of ``save``, with what only this format holds."""
    extras = {
        "complex": handtorch.ones(2, dtype=handtorch.complex64),
        "parameter": nn.Parameter(handtorch.ones(2)),
        "array": np.arange(6).reshape(2, 3),
        "bytes": b"\x00\xff",
        "set": {1, 2},
        "counter": Counter("aab"),
        "size": handtorch.Size([1, 2]),
        "dtype": handtorch.float16,
    }
    file = io.BytesIO()
    writing.write(file, {**checkpoint(), **extras})
    return file.getvalue()


def safetensors_file():
    """The same checkpoint as a safetensors file."""
    file = io.BytesIO()
    nested.write(file, checkpoint())
    return file.getvalue()


def legacy_file():
    """The same file in the format before PyTorch 1.6."""
    parts = records(pt_file())
    pickled = parts["archive/data.pkl"].replace(b"tQ", b"NtQ")  # the id of a storage has one part more
    storages = [
        name.removeprefix("archive/data/") for name in sorted(parts, key=len) if name.startswith("archive/data/")
    ]
    bytes_of_element = {name: _width_of(pickled, name) for name in storages}
    notes = {"protocol_version": 1001, "little_endian": True}
    head = b"".join(pickle.dumps(value, 2) for value in (legacy.MAGIC, 1001, notes))
    tail = b"".join(
        struct.pack("<q", len(data) // bytes_of_element[name]) + data
        for name in storages
        for data in (parts[f"archive/data/{name}"],)
    )
    return head + pickled + pickle.dumps(storages, 2) + tail


def _width_of(pickled, key):
    end = pickled.index(b"X" + struct.pack("<I", len(key)) + key.encode() + b"X\3\0\0\0cpu")
    kind = pickled[pickled.rindex(b"ctorch\n", 0, end) + 7 : end - 1].decode()
    return {name: dtype.itemsize for name, dtype in legacy_kinds().items()}[kind]


def legacy_kinds():
    from handtorch.io.pt.storages import STORAGES

    return STORAGES


FILES = {"pt": pt_file, "safetensors": safetensors_file, "legacy": legacy_file}


def records(data):
    """The records of an archive by name."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {entry.filename: archive.read(entry) for entry in archive.infolist()}


# -- mutations --------------------------------------------------------------------------------------------------------

NUMBERS = [0, 1, 2, 3, 7, 127, 128, 255, 256, 2**15, 2**16, 2**31 - 1, 2**31, 2**32 - 1, 2**62, 2**63 - 1, 2**64 - 1]


def flip(rng, data):
    """A few bits turned over."""
    for _ in range(rng.randint(1, 8)):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def overwrite(rng, data):
    """A number in the place of something."""
    size = rng.choice([1, 2, 4, 8])
    place = rng.randrange(len(data))
    number = rng.choice(NUMBERS) % (1 << (8 * size))
    data[place : place + size] = number.to_bytes(size, rng.choice(["little", "big"]))


def cut(rng, data):
    """The end, or a piece, missing."""
    start = rng.randrange(len(data))
    del data[start : None if rng.random() < 0.5 else start + rng.randint(1, 64)]


def insert(rng, data):
    """Something more in between."""
    place = rng.randrange(len(data))
    data[place:place] = rng.choice([rng.randbytes(rng.randint(1, 64)), bytes(rng.randint(1, 64))])


def splice(rng, data):
    """A piece of the file once more at another place."""
    start, place, size = rng.randrange(len(data)), rng.randrange(len(data)), rng.randint(1, 200)
    piece = data[start : start + size]
    data[place : place + (size if rng.random() < 0.5 else 0)] = piece


NAMES = """MARK STOP POP POP_MARK NONE NEWTRUE EMPTY_LIST EMPTY_DICT EMPTY_TUPLE EMPTY_SET TUPLE TUPLE1 TUPLE2 TUPLE3
APPEND APPENDS SETITEM SETITEMS ADDITEMS FROZENSET MEMOIZE REDUCE NEWOBJ BUILD BINPERSID STACK_GLOBAL"""
INSTRUCTIONS = b"".join(getattr(pickle, name) for name in NAMES.split())


def edit_program(rng, data):
    """An instruction of a pickle in the place of another, or more often than once."""
    place = rng.randrange(len(data))
    code = bytes([rng.choice(INSTRUCTIONS)])
    data[place : place + rng.randint(0, 1)] = code * rng.choice([1, 1, 2, 50, 5000])


BYTES = [flip, overwrite, cut, insert, splice]


def mutate(rng, data, ways):
    """Some of the ways, one after the other."""
    changed = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        if changed:
            rng.choice(ways)(rng, changed)
    return bytes(changed)


def mutated_pt(rng, data):
    """Bytes of the file, or records that are exchanged or edited and packed again with right check sums."""
    if rng.random() < 0.4:
        return mutate(rng, data, BYTES)
    parts = records(data)
    for _ in range(rng.choice([1, 1, 2])):
        name = rng.choice([*parts, *["archive/data.pkl" for _ in parts if "archive/data.pkl" in parts]])
        action = rng.random()
        if action < 0.6:
            parts[name] = edited_pickle(rng, parts[name]) if name.endswith("pkl") else mutate(rng, parts[name], BYTES)
        elif action < 0.75:
            other = rng.choice(list(parts))
            parts[name], parts[other] = parts[other], parts[name]
        elif action < 0.9 and len(parts) > 1:
            parts[f"archive/{rng.choice(['data/0', 'data/99', 'byteorder', 'x/data.pkl'])}"] = parts.pop(name)
        else:
            parts[name] = parts[name] * rng.choice([0, 2, 3])
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", rng.choice([zipfile.ZIP_STORED] * 9 + [zipfile.ZIP_DEFLATED])) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    packed = file.getvalue()
    return mutate(rng, packed, [overwrite]) if rng.random() < 0.1 else packed


def edited_pickle(rng, pickled):
    """A pickle with other instructions, numbers or names."""
    if rng.random() < 0.3:
        names = [b"FloatStorage", b"LongStorage", b"BoolStorage", b"BFloat16Storage", b"QInt8Storage", b"float32"]
        names += [b"_rebuild_tensor_v2", b"_rebuild_parameter", b"_rebuild_tensor_v3", b"OrderedDict", b"Size"]
        return pickled.replace(rng.choice(names), rng.choice(names), rng.choice([1, 2, -1]))
    return mutate(rng, pickled, [*BYTES, edit_program, edit_program, edit_program])


def mutated_safetensors(rng, data):
    """Bytes of the file, or a header that is edited and put back with its right length."""
    if rng.random() < 0.4:
        return mutate(rng, data, BYTES)
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    names = [name for name in header if name != "__metadata__"]
    for _ in range(rng.choice([1, 1, 2])):
        entry = header[rng.choice(names)]
        action = rng.randrange(7)
        if action == 0:
            entry["dtype"] = rng.choice(["F32", "F64", "BOOL", "BF16", "U64", "X", 3])
        elif action == 1:
            entry["shape"] = [rng.choice(NUMBERS) for _ in range(rng.choice([0, 1, 2, 3, 70]))]
        elif action == 2:
            entry["data_offsets"] = [rng.choice([*NUMBERS, -1, 1.5, None]), rng.choice(NUMBERS)]
        elif action == 3:
            other = header[rng.choice(names)]
            entry["data_offsets"], other["data_offsets"] = other.get("data_offsets"), entry.get("data_offsets")
        elif action == 4:
            header[rng.choice(["again", "", "model"])] = dict(entry)
        elif action == 5:
            structure = header["__metadata__"]["handtorch"].encode()
            header["__metadata__"]["handtorch"] = mutate(rng, structure, [*BYTES, nest]).decode("latin1")
        else:
            entry.pop(rng.choice(list(entry)), None)
    text = json.dumps(header).encode()
    if rng.random() < 0.2:
        text = mutate(rng, text, BYTES)
    return len(text).to_bytes(8, "little") + text + data[8 + length :]


def nest(rng, text):
    """Lists inside each other."""
    place = rng.randrange(len(text))
    text[place:place] = b"[" * rng.choice([10, 5000])


def mutated_legacy(rng, data):
    """Bytes of the file, or instructions of its pickles."""
    return mutate(rng, data, BYTES) if rng.random() < 0.5 else edited_pickle(rng, data)


MUTATORS = {"pt": mutated_pt, "safetensors": mutated_safetensors, "legacy": mutated_legacy}


def mutated(kind, seed, sound={}):  # noqa: B006 - a cache
    """The mutated file of a seed."""
    if kind not in sound:
        sound[kind] = FILES[kind]()
    return MUTATORS[kind](random.Random(f"{kind} {seed}"), sound[kind])


# -- loading ----------------------------------------------------------------------------------------------------------


def outcome(data, load=handtorch.load):
    """What comes of a file: "loaded", the name of the error that refuses it, or "failed" and why."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            look_at(load(io.BytesIO(data)))
    except REFUSALS as error:
        return type(error).__name__
    except BaseException:
        return "failed: " + traceback.format_exc(limit=-3).replace("\n", " | ")
    return "loaded"


def look_at(loaded):
    """Touch every tensor, so that one that lies outside its memory shows."""
    waiting, seen = [loaded], set()
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, handtorch.Tensor):
            if value.numel() <= 1_000_000:
                value.array.copy()
            value.grad  # noqa: B018 - asks for an attribute that the file may have tried to set
        elif isinstance(value, (list, tuple, set, frozenset)):
            waiting.extend(value)
        elif isinstance(value, (dict, OrderedDict)):
            waiting.extend(itertools.chain.from_iterable(value.items()))


def work(kind, start, stop):
    """In a process of its own: load files, say the seed before and the outcome after each."""
    outcome(FILES[kind]())  # what is imported on the way is not the file's memory
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, size + MEMORY))
    for seed in range(start, stop):
        print(seed, outcome(mutated(kind, seed)), flush=True)


def run(kind, start, stop, report):
    """Load the files of some seeds in processes that are replaced when they crash or hang; the outcomes' counts."""
    counts = Counter()
    began = shown = time.monotonic()
    while start < stop:
        command = [sys.executable, "-m", "tests.handtorch.io.fuzz", "--kind", kind, "--worker", str(start), str(stop)]
        worker = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        lines = queue.Queue()
        threading.Thread(target=_forward, args=(worker.stdout, lines), daemon=True).start()
        while start < stop:
            try:
                line = lines.get(timeout=SECONDS + (20 if lines.empty() and not counts else 0))
            except queue.Empty:
                worker.kill()
                line = None
            if not line:
                how = "hung" if line is None else f"ended with status {worker.wait()}: {worker.stderr.read()[-2000:]}"
                line = f"{start} failed: the process {how}"
            said = line.split(" ", 1)[1].strip()
            if said.startswith("failed"):
                report(f"--kind {kind} --seed {start}: {said}")
            counts[said.split(":")[0]] += 1
            start += 1
            if time.monotonic() - shown > 10:
                shown = time.monotonic()
                report(f"{kind}: {sum(counts.values())} files in {shown - began:.0f} s", progress=True)
            if "the process" in said:
                break
        worker.kill()
        worker.wait()
    report(f"{kind}: {sum(counts.values())} files in {time.monotonic() - began:.0f} s: {dict(counts.most_common())}")
    return counts


def _forward(stream, lines):
    for line in stream:
        lines.put(line)
    lines.put("")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000, help="files of each kind")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--kind", choices=list(FILES), help="one kind only")
    parser.add_argument("--seed", type=int, help="load the one file of this seed, here; needs --kind")
    parser.add_argument("--worker", type=int, nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        work(arguments.kind, *arguments.worker)
        return 0
    if arguments.seed is not None:
        data = mutated(arguments.kind, arguments.seed)
        print(f"{len(data)} bytes: {outcome(data)}")
        return 0

    def report(text, progress=False):
        print(text, file=sys.stderr if progress else sys.stdout, flush=True)

    kinds = [arguments.kind] if arguments.kind else list(FILES)
    counts = [run(kind, arguments.first, arguments.first + arguments.count, report) for kind in kinds]
    return 1 if any(count["failed"] for count in counts) else 0


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
