"""Files of ``torch.save``: what is written comes back, and what a file may not do it cannot do."""

import collections
import io
import os
import pickle
import pickletools
import struct
import zipfile

import numpy as np
import pytest

import handtorch
from handtorch import nn
from handtorch.errors import ArgumentError, DeviceError, DtypeError, FormatError
from handtorch.io.serialization import load, save


def saved(obj):
    file = io.BytesIO()
    save(obj, file)
    file.seek(0)
    return file


def records(file):
    with zipfile.ZipFile(file) as archive:
        return {entry.filename.split("/", 1)[1]: archive.read(entry) for entry in archive.infolist()}


def archive(parts, compression=zipfile.ZIP_STORED, folder="archive"):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as zipped:
        for name, data in parts.items():
            zipped.writestr(f"{folder}/{name}", data)
    file.seek(0)
    return file


class Call:
    """Pickles as a call of whatever it is given."""

    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


def with_pickle(obj, **parts):
    data = obj if isinstance(obj, bytes) else pickle.dumps(obj, 2)
    return archive({"data.pkl": data, "version": b"3\n", **parts})


# -- what comes back --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [d.name for d in handtorch.dtypes.ALL])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 3), (2, 3)])
def test_tensors_of_every_type_and_shape_come_back(dtype, shape):
    array = np.asarray(np.arange(np.prod(shape, dtype=int)).reshape(shape) % 2, dtype)
    back = load(saved(handtorch.from_numpy(array)))
    assert back.array.dtype == array.dtype and back.shape == shape
    np.testing.assert_array_equal(back.array, array)


def test_views_share_memory_again_and_keep_their_strides():
    whole = handtorch.arange(12.0).reshape(3, 4)
    back = load(saved({"whole": whole, "row": whole[1], "columns": whole.T, "every other": whole[:, ::2]}))
    assert back["columns"].stride() == (1, 4) and back["every other"].stride() == (4, 2)
    back["whole"][1, 2] = -1
    assert back["row"].tolist() == [4, 5, -1, 7]
    assert back["columns"][2, 1] == -1 and back["every other"][1, 1] == -1


def test_of_a_view_only_its_own_part_of_the_memory_is_written():
    large = handtorch.zeros(100_000)
    assert len(saved(large[10:20]).getvalue()) < 2000
    assert len(saved([large[10:20], large[90_000:90_020]]).getvalue()) < 2000


def test_views_of_other_types_are_saved_on_their_own():
    numbers = handtorch.tensor([1 + 2j, 3 + 4j])
    back = load(saved([numbers, handtorch.view_as_real(numbers)]))
    assert back[0].tolist() == [1 + 2j, 3 + 4j] and back[1].tolist() == [[1, 2], [3, 4]]


def test_an_expanded_tensor_stays_small():
    back = load(saved(handtorch.ones(1).expand(1000, 1000)))
    assert back.shape == (1000, 1000) and back.stride() == (0, 0)


def test_one_object_in_two_places_is_one_object_again():
    tensor, row = handtorch.ones(2), [1, 2]
    back = load(saved([tensor, tensor, row, row]))
    assert back[0] is back[1] and back[2] is back[3]


def test_a_list_that_holds_itself_comes_back():
    loop = [1]
    loop.append(loop)
    back = load(saved(loop))
    assert back[1] is back


def test_containers_keep_their_kinds():
    obj = {
        "ordered": collections.OrderedDict(b=1, a=2),
        "counter": collections.Counter("aab"),
        "set": {1, 2},
        "bytes": bytes(range(256)),
        "complex": 1 - 2j,
        "size": handtorch.Size([2, 3]),
        "dtype": handtorch.float16,
        "device": handtorch.device("cpu"),
        "numbers": [0, 255, 256, 65536, -1, 2**31, -(2**31), 2**63, -(2**200)],
        "array": np.arange(6, dtype=np.int16).reshape(2, 3).T,
        "names": np.array(["a", "bcd"]),
    }
    back = load(saved(obj))
    assert {key: type(value) for key, value in back.items()} == {key: type(value) for key, value in obj.items()}
    for name in ("array", "names"):
        value, expected = back.pop(name), obj.pop(name)
        assert value.dtype == expected.dtype
        np.testing.assert_array_equal(value, expected)
    assert back == obj


def test_the_versions_of_modules_stay_with_a_state_dict():
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    back = load(saved({"model": model.state_dict()}))["model"]
    assert back._metadata == model.state_dict()._metadata
    assert isinstance(back, collections.OrderedDict)


def test_training_goes_on_as_if_it_had_not_been_interrupted(tmp_path):
    def make():
        handtorch.manual_seed(0)
        model = nn.Linear(3, 1)
        optimizer = handtorch.optim.AdamW(model.parameters(), lr=0.1)
        scheduler = handtorch.optim.lr_scheduler.StepLR(optimizer, 2)
        return model, optimizer, scheduler

    def train(parts, steps):
        model, optimizer, scheduler = parts
        for _ in range(steps):
            optimizer.zero_grad()
            (model(handtorch.ones(4, 3)) ** 2).sum().backward()
            optimizer.step()
            scheduler.step()

    straight, first, resumed = make(), make(), make()
    train(straight, 6)
    train(first, 3)
    save({"epoch": 3, "parts": [part.state_dict() for part in first], "args": {"lr": 0.1}}, tmp_path / "last.pt")
    for part, state in zip(resumed, load(tmp_path / "last.pt")["parts"], strict=True):
        part.load_state_dict(state)
    train(resumed, 3)
    assert resumed[0].weight.tolist() == straight[0].weight.tolist()


def test_storages_begin_at_multiples_of_64_bytes():
    file = saved([handtorch.ones(3), handtorch.ones(5, dtype=handtorch.float64)])
    with zipfile.ZipFile(file) as zipped:
        for name in ("archive/data/0", "archive/data/1"):
            start = zipped.getinfo(name).header_offset
            name_length, extra = struct.unpack("<2H", file.getvalue()[start + 26 : start + 30])
            assert (start + 30 + name_length + extra) % 64 == 0


def test_a_mapped_file_reads_what_is_used_and_is_never_written_to(tmp_path):
    save({"w": handtorch.arange(1000.0), "none": handtorch.ones(0)}, tmp_path / "w.pt")
    before = (tmp_path / "w.pt").read_bytes()
    mapped = load(tmp_path / "w.pt", mmap=True)
    assert isinstance(handtorch.ops.memory.storage(mapped["w"].array), np.memmap)
    mapped["w"][0] = 7
    assert mapped["w"].sum() == 499507 and mapped["none"].numel() == 0
    assert (tmp_path / "w.pt").read_bytes() == before
    with pytest.raises(ArgumentError, match="must be a file path"):
        load(io.BytesIO(before), mmap=True)


def test_a_failed_save_leaves_the_old_file(tmp_path):
    save([1], tmp_path / "file.pt")
    with pytest.raises(TypeError, match=r"got Linear at obj\['model'\]; save its state_dict\(\) instead"):
        save({"weights": handtorch.ones(2), "model": nn.Linear(1, 1)}, tmp_path / "file.pt")
    assert load(tmp_path / "file.pt") == [1] and os.listdir(tmp_path) == ["file.pt"]


def test_files_of_a_machine_with_the_other_order_of_bytes_are_read():
    parts = records(saved(handtorch.tensor([1.0, 2.0])))
    parts |= {"byteorder": b"big", "data/0": np.array([1, 2], ">f4").tobytes()}
    assert load(archive(parts)).tolist() == [1.0, 2.0]
    with pytest.raises(FormatError, match="order of bytes, got 'middle'"):
        load(archive(parts | {"byteorder": b"middle"}))


def test_bfloat16_becomes_float32():
    parts = records(saved(handtorch.tensor([1.0, -2.5])))
    pickled = parts["data.pkl"].replace(b"FloatStorage", b"BFloat16Storage")
    halves = np.array([1.0, -2.5], np.float32).view(np.uint16)[1::2]
    with pytest.warns(UserWarning, match="bfloat16, which becomes float32"):
        back = load(archive(parts | {"data.pkl": pickled, "data/0": halves.tobytes()}))
    assert back.tolist() == [1.0, -2.5] and back.dtype is handtorch.float32


@pytest.mark.parametrize("where", ["cpu", {"cuda:0": "cpu"}, lambda storage, device: storage])
def test_tensors_from_a_gpu_come_to_the_cpu_when_asked(where):
    parts = records(saved(handtorch.tensor([1.0])))
    file = archive(parts | {"data.pkl": parts["data.pkl"].replace(b"\x03\0\0\0cpu", b"\x06\0\0\0cuda:0")})
    assert load(file, map_location=where).tolist() == [1.0]
    file.seek(0)
    with pytest.raises(DeviceError, match=r"'cuda:0', which is not available.*map_location"):
        load(file)


# -- what must not happen ---------------------------------------------------------------------------------------------


def touch():
    raise AssertionError("a file has run a function")


@pytest.mark.parametrize("weights_only", [True, False, None])
@pytest.mark.parametrize(
    ("obj", "name"),
    [
        (Call(os.system, "echo harm"), "(posix|nt).system"),
        (Call(eval, "1 + 1"), "__builtin__.eval"),
        (Call(getattr, "a", "upper"), "__builtin__.getattr"),
        (Call(touch), "touch"),
        ([1, {"a": Call(np.load, "file")}], "numpy.*load"),
        (os.path.join, "posixpath.join"),
        (np.random.RandomState(0), "numpy.random"),
    ],
)
def test_nothing_that_a_file_names_is_run(obj, name, weights_only):
    with pytest.raises(pickle.UnpicklingError, match=f"{name}.*, which is never imported or called") as caught:
        load(with_pickle(obj), weights_only=weights_only)
    assert isinstance(caught.value, FormatError)


def test_functions_on_the_list_are_not_data_either():
    with pytest.raises(FormatError, match=r"expected data, got collections.OrderedDict itself"):
        load(with_pickle([collections.OrderedDict]))


def test_attributes_cannot_hide_methods():
    state = collections.OrderedDict()
    state.update = [1]
    with pytest.raises(FormatError, match="new attributes for a OrderedDict, got 'update'"):
        load(with_pickle(state))


def test_deep_nests_do_not_overflow_the_stack():
    deep = b"\x80\x02" + b"]" * 200_000 + b"a" * 199_999 + b"."
    assert isinstance(load(with_pickle(deep)), list)
    as_key = b"\x80\x02}" + b")" + b"\x85" * 200_000 + b"K\x01s."
    with pytest.raises(FormatError, match="as keys"):
        load(with_pickle(as_key))


def test_a_key_that_would_take_forever_to_hash_is_refused():
    one = b"0(" + b"h\x00" * 900 + b"tq\x00"
    with pytest.raises(FormatError, match="as keys"):
        load(with_pickle(b"\x80\x02}" + b")q\x00" + one * 7 + b"K\x01s."))


def test_calls_cannot_copy_one_long_text_again_and_again():
    text = b"X" + struct.pack("<I", 100_000) + b"a" * 100_000 + b"X\6\0\0\0latin1\x86q\x01"
    program = b"\x80\x02c_codecs\nencode\nq\x00" + text + b"0]" + b"h\x00h\x01Ra" * 50_000 + b"."
    with pytest.raises(FormatError, match="in proportion to the size"):
        load(with_pickle(program))


def test_conjugates_cannot_be_computed_again_and_again():
    numbers = handtorch.ones(1000, dtype=handtorch.complex64)
    parts = records(saved(numbers))
    call = parts["data.pkl"][2:-3]  # without the protocol, the memo and the end
    marked = call.replace(b"(tRtR", b"(tR}X\4\0\0\0conj\x88stR")
    assert marked != call
    once = load(archive(parts | {"data.pkl": b"\x80\x02" + marked + b"."}))
    assert once[0] == 1
    many = b"\x80\x02](" + marked * 1000 + b"e."
    with pytest.raises(FormatError, match="in proportion"):
        load(archive(parts | {"data.pkl": many}))


def test_compressed_records_are_refused_before_they_are_unpacked():
    bomb = archive({"data.pkl": b"\x80\x02N.", "data/0": bytes(10_000_000)}, zipfile.ZIP_DEFLATED)
    assert len(bomb.getvalue()) < 20_000
    with pytest.raises(FormatError, match="got a compressed"):
        load(bomb)


def tensor_file(edit_id=lambda id: id, edit=lambda args: args):
    """A file with one tensor whose description is edited."""

    class Storage:
        pass

    class Writer(pickle._Pickler):
        def persistent_id(self, value):
            return edit_id(("storage", Name("torch", "FloatStorage"), "0", "cpu", 6)) if value is Storage else None

        def save(self, value, **options):
            if isinstance(value, Name):
                self.write(pickle.GLOBAL + f"{value.module}\n{value.name}\n".encode())
            elif isinstance(value, Rebuilt):
                self.save(Name("torch._utils", "_rebuild_tensor_v2"))
                self.save(value.arguments)
                self.write(pickle.REDUCE)
            else:
                super().save(value, **options)

    arguments = edit((Storage, 0, (2, 3), (3, 1), False, collections.OrderedDict()))
    file = io.BytesIO()
    Writer(file, 2).dump(Rebuilt(arguments))
    return with_pickle(file.getvalue(), **{"data/0": np.arange(6, dtype=np.float32).tobytes()})


Name = collections.namedtuple("Name", "module name")
Rebuilt = collections.namedtuple("Rebuilt", "arguments")


def test_the_edited_file_is_sound_without_edits():
    assert load(tensor_file()).tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize(
    "edit",
    [
        lambda a: (a[0], 1, *a[2:]),
        lambda a: (a[0], -1, *a[2:]),
        lambda a: (a[0], 1.0, *a[2:]),
        lambda a: (a[0], 2**63, *a[2:]),
        lambda a: (*a[:2], (3, 3), *a[3:]),
        lambda a: (*a[:2], (2, 3, 1), *a[3:]),
        lambda a: (*a[:2], (-2, -3), *a[3:]),
        lambda a: (*a[:2], (2**40, 2**40), (0, 0), *a[4:]),
        lambda a: (*a[:2], (1,) * 65, (0,) * 65, *a[4:]),
        lambda a: (*a[:2], [2, 3], *a[3:]),
        lambda a: (*a[:3], (3, 2), *a[4:]),
        lambda a: (*a[:3], (3, -1), *a[4:]),
        lambda a: (*a[:3], (2**62, 2**62), *a[4:]),
        lambda a: (*a[:3], None, *a[4:]),
        lambda a: (*a[:4], "yes", a[5]),
        lambda a: (*a, {"hidden": True}),
        lambda a: (*a, 3),
        lambda a: a[:4],
        lambda a: (None, *a[1:]),
    ],
)
def test_a_tensor_that_lies_is_refused(edit):
    with pytest.raises(FormatError, match="expected"):
        load(tensor_file(edit=edit))


@pytest.mark.parametrize(
    "edit",
    [
        lambda i: (*i[:4], 7),
        lambda i: (*i[:4], -6),
        lambda i: (*i[:4], 2**62),
        lambda i: (*i[:4], 6.0),
        lambda i: (*i[:2], "1", *i[3:]),
        lambda i: (*i[:2], "../0", *i[3:]),
        lambda i: (*i[:2], 0, *i[3:]),
        lambda i: (i[0], Name("torch", "DoubleStorage"), *i[2:]),
        lambda i: (i[0], "FloatStorage", *i[2:]),
        lambda i: ("module", *i[1:]),
        lambda i: i[:4],
        lambda i: 0,
    ],
)
def test_a_storage_that_lies_is_refused(edit):
    with pytest.raises(FormatError, match="expected"):
        load(tensor_file(edit_id=edit))


def test_types_that_handtorch_has_not_are_named():
    with pytest.raises(DtypeError, match="QInt8Storage, a type that Handtorch has not"):
        load(tensor_file(edit_id=lambda i: (i[0], Name("torch", "QInt8Storage"), *i[2:])))


def test_a_truth_value_is_0_or_1():
    parts = records(saved(handtorch.tensor([True, False])))
    with pytest.raises(FormatError, match="only 0 and 1"):
        load(archive(parts | {"data/0": b"\1\2"}))


def test_a_damaged_record_is_noticed_by_its_check_sum():
    data = bytearray(saved(handtorch.full((4,), 2.0)).getvalue())
    place = data.index(np.float32(2.0).tobytes() * 4)
    data[place] ^= 1
    with pytest.raises(FormatError, match="check sum"):
        load(io.BytesIO(bytes(data)))


def test_a_file_that_is_cut_short_anywhere_is_refused():
    data = saved({"w": handtorch.ones(3), "epoch": 1}).getvalue()
    for length in range(len(data)):
        with pytest.raises(FormatError):
            load(io.BytesIO(data[:length]))


def test_archives_of_other_things_are_named():
    with pytest.raises(FormatError, match=r"expected one data.pkl in the archive, got 0"):
        load(archive({"word/document.xml": b"<xml/>"}))
    with pytest.raises(FormatError, match="TorchScript"):
        load(archive({"data.pkl": b"\x80\x02N.", "constants.pkl": b""}))


def test_what_is_written_is_described_by_the_standard_library():
    pickled = records(saved({"a": [handtorch.ones(2)], "b": (1, 2.5)}))["data.pkl"]
    names = {argument for code, argument, _ in pickletools.genops(pickled) if code.name == "GLOBAL"}
    assert names == {"torch FloatStorage", "torch._utils _rebuild_tensor_v2", "collections OrderedDict"}
