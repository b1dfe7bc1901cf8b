"""Files go both ways: PyTorch opens what Handtorch writes, and Handtorch opens what PyTorch writes."""

import collections
import io

import numpy as np
import pytest
import torch

import handtorch

TYPES = [
    "float16", "float32", "float64", "complex64", "complex128", "uint8", "int8", "int16", "int32", "int64", "bool",
]  # fmt: skip
ZIP = pytest.mark.parametrize("as_zip", [True, False], ids=["zip", "legacy"])


def from_torch(obj, **options):
    file = io.BytesIO()
    torch.save(obj, file, **options)
    file.seek(0)
    return handtorch.load(file)


def to_torch(obj, weights_only=True):
    file = io.BytesIO()
    handtorch.save(obj, file)
    file.seek(0)
    return torch.load(file, weights_only=weights_only)


def same(ours, theirs):
    np.testing.assert_array_equal(ours.detach().numpy(), theirs.detach().numpy())
    assert str(ours.dtype).split(".")[1] == str(theirs.dtype).split(".")[1]
    assert tuple(ours.stride()) == theirs.stride() or ours.numel() < 2
    assert ours.requires_grad == theirs.requires_grad


@ZIP
@pytest.mark.parametrize("name", TYPES)
def test_every_type_is_read(name, as_zip):
    for shape in ((), (0,), (3,), (2, 3)):
        theirs = torch.testing.make_tensor(shape, dtype=getattr(torch, name), device="cpu")
        same(from_torch(theirs, _use_new_zipfile_serialization=as_zip), theirs)


@pytest.mark.parametrize("name", TYPES)
def test_every_type_is_written(name):
    for shape in ((), (0,), (3,), (2, 3)):
        ours = handtorch.from_numpy(np.asarray(np.arange(np.prod(shape, dtype=int)).reshape(shape), name))
        same(ours, to_torch(ours))


@ZIP
def test_views_are_read_with_what_they_share(as_zip):
    x = torch.arange(24.0).reshape(4, 6)
    theirs = [x, x.T, x[1:, ::2], x.expand(2, 4, 6), x[2], x.as_strided((3, 3), (1, 1), 2)]
    ours = from_torch(theirs, _use_new_zipfile_serialization=as_zip)
    for a, b in zip(ours, theirs, strict=True):
        same(a, b)
    ours[0][2, 3] = x[2, 3] = -5
    for a, b in zip(ours, theirs, strict=True):
        same(a, b)


def test_views_are_written_with_what_they_share():
    x = handtorch.arange(24.0).reshape(4, 6)
    ours = [x, x.T, x[1:, ::2], x.expand(2, 4, 6), x[2], x.as_strided((3, 3), (1, 1), 2)]
    theirs = to_torch(ours)
    theirs[0][2, 3] = -5
    x[2, 3] = -5
    for a, b in zip(ours, theirs, strict=True):
        same(a, b)


@ZIP
def test_postponed_conjugates_and_signs_are_read(as_zip):
    x = torch.randn(3, dtype=torch.complex64)
    for theirs in (x.conj(), x.conj().imag):
        ours = from_torch([theirs], _use_new_zipfile_serialization=as_zip)[0]
        np.testing.assert_array_equal(ours.numpy(), theirs.resolve_conj().resolve_neg().numpy())


@ZIP
def test_a_checkpoint_of_a_training_run_is_read(as_zip):
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
    optimizer = torch.optim.AdamW(model.parameters(), amsgrad=True)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 3)
    model(torch.randn(5, 3)).sum().backward()
    optimizer.step()
    parts = {"model": model, "optimizer": optimizer, "scheduler": scheduler}
    theirs = {name: part.state_dict() for name, part in parts.items()} | {"epoch": 3, "rng": torch.get_rng_state()}
    ours = from_torch(theirs, _use_new_zipfile_serialization=as_zip)

    copy = handtorch.nn.Sequential(handtorch.nn.Linear(3, 4), handtorch.nn.BatchNorm1d(4))
    copy.load_state_dict(ours["model"])
    twin = handtorch.optim.AdamW(copy.parameters(), amsgrad=True)
    twin.load_state_dict(ours["optimizer"])
    handtorch.set_rng_state(ours["rng"])
    assert ours["model"]._metadata == theirs["model"]._metadata and ours["epoch"] == 3
    assert ours["scheduler"] == theirs["scheduler"]
    same(handtorch.randn(5), torch.randn(5))
    for theirs_part, ours_part in zip(model.parameters(), copy.parameters(), strict=True):
        theirs_part.grad = torch.ones_like(theirs_part)
        ours_part.grad = handtorch.ones_like(ours_part)
    optimizer.step()
    twin.step()
    for a, b in zip(copy.parameters(), model.parameters(), strict=True):
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-6)


def test_a_checkpoint_of_a_training_run_is_written():
    handtorch.manual_seed(0)
    model = handtorch.nn.Sequential(handtorch.nn.Linear(3, 4), handtorch.nn.BatchNorm1d(4))
    optimizer = handtorch.optim.AdamW(model.parameters(), amsgrad=True)
    model(handtorch.randn(5, 3)).sum().backward()
    optimizer.step()
    theirs = to_torch(
        {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "rng": handtorch.get_rng_state()}
    )
    copy = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
    copy.load_state_dict(theirs["model"])
    torch.optim.AdamW(copy.parameters()).load_state_dict(theirs["optimizer"])
    torch.set_rng_state(theirs["rng"])
    same(handtorch.randn(5), torch.randn(5))
    for a, b in zip(model.parameters(), copy.parameters(), strict=True):
        same(a, b)
    assert theirs["model"]._metadata == model.state_dict()._metadata


PLAIN = {
    "numbers": [0, -1, 255, 256, 2**31, -(2**40), 2**100, 1.5, float("inf"), True, None, 1 - 2j],
    "text": "große Schrift \ud800",
    "bytes": bytes(range(256)),
    ("a", 1): (1, (2, ()), [3]),
    "ordered": collections.OrderedDict(b=1),
    "counter": collections.Counter("aab"),
    "set": {1, 2},
}


def test_plain_containers_go_both_ways():
    assert from_torch(PLAIN) == PLAIN
    assert to_torch(PLAIN) == PLAIN


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_every_protocol_is_read(protocol):
    ours = from_torch({"x": torch.ones(2), **PLAIN}, pickle_protocol=protocol)
    assert ours.pop("x").tolist() == [1, 1]
    assert ours == PLAIN


def test_types_devices_and_sizes_go_both_ways():
    theirs = {"dtype": torch.float16, "size": torch.Size([2, 3]), "device": torch.device("cpu")}
    ours = {"dtype": handtorch.float16, "size": handtorch.Size([2, 3]), "device": handtorch.device("cpu")}
    assert from_torch(theirs) == ours
    assert to_torch(ours) == theirs


def test_parameters_and_their_attributes_go_both_ways():
    theirs = torch.nn.Parameter(torch.ones(2), requires_grad=False)
    theirs.note = "frozen"
    ours = from_torch([theirs])[0]
    assert isinstance(ours, handtorch.nn.Parameter) and not ours.requires_grad and ours.note == "frozen"
    back = to_torch([handtorch.nn.Parameter(handtorch.ones(2)), handtorch.ones(1, requires_grad=True)])
    assert isinstance(back[0], torch.nn.Parameter) and back[0].requires_grad
    assert not isinstance(back[1], torch.nn.Parameter) and back[1].requires_grad


@ZIP
def test_bfloat16_is_read_as_float32(as_zip):
    theirs = torch.randn(5, dtype=torch.bfloat16)
    with pytest.warns(UserWarning, match="bfloat16"):
        ours = from_torch(theirs, _use_new_zipfile_serialization=as_zip)
    np.testing.assert_array_equal(ours.numpy(), theirs.float().numpy())


def test_numpy_arrays_and_numbers_go_both_ways():
    values = [np.arange(6.0).reshape(2, 3), np.float64(2.5), np.array(["a", "bc"]), np.arange(6).reshape(2, 3).T]
    for back in (from_torch(values), to_torch(values, weights_only=False)):
        for a, b in zip(values, back, strict=True):
            np.testing.assert_array_equal(a, b)


def test_the_state_of_numpys_generator_goes_both_ways():
    state = np.random.RandomState(0).get_state()
    for back in (from_torch({"np": state}), to_torch({"np": state}, weights_only=False)):
        again = np.random.RandomState()
        again.set_state(back["np"])
        assert again.randint(1000) == np.random.RandomState(0).randint(1000)


def test_a_file_without_check_sums_is_read():
    before = torch.serialization.get_crc32_options()
    torch.serialization.set_crc32_options(False)
    try:
        assert from_torch(torch.ones(2)).tolist() == [1, 1]
    finally:
        torch.serialization.set_crc32_options(before)


def test_files_on_the_disk_are_mapped_by_both(tmp_path):
    torch.save({"w": torch.arange(100.0)}, tmp_path / "theirs.pt")
    handtorch.save({"w": handtorch.arange(100.0)}, tmp_path / "ours.pt")
    assert handtorch.load(tmp_path / "theirs.pt", mmap=True)["w"].sum() == 4950
    assert torch.load(tmp_path / "ours.pt", mmap=True)["w"].sum() == 4950


def test_a_whole_module_is_refused():
    with pytest.raises(handtorch.errors.FormatError, match="Linear, which is never imported or called"):
        from_torch(torch.nn.Linear(1, 1))


@pytest.mark.parametrize(
    "theirs",
    [
        torch.ones(2, 2).to_sparse(),
        torch.ones(2, dtype=torch.float8_e4m3fn),
        torch.ones(2, dtype=torch.uint16),
        torch.ones(2, device="meta"),
    ],
    ids=["sparse", "float8", "uint16", "meta"],
)
def test_tensors_that_handtorch_has_not_are_an_error_that_says_so(theirs):
    with pytest.raises((handtorch.errors.FormatError, handtorch.errors.DtypeError), match="expected"):
        from_torch(theirs)
