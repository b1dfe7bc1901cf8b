"""Names of PyTorch's past, and what it answers where there is no GPU (``tests/conformance`` holds them to PyTorch)."""

import pickle

import numpy as np
import pytest

import handtorch as torch
from handtorch.errors import DeviceError, MissingFileError


def test_former_constructors_take_lengths_or_numbers():
    assert torch.FloatTensor(2, 3).shape == (2, 3)
    assert torch.LongTensor([1.5, 2]).tolist() == [1, 2]
    assert torch.Tensor([2, 3]).tolist() == [2.0, 3.0] and torch.Tensor(2, 3).shape == (2, 3)
    x = torch.ones(3)
    assert torch.FloatTensor(x).data_ptr() == x.data_ptr()
    with pytest.raises(TypeError, match=r"data must be a sequence \(got float\)"):
        torch.Tensor(3.5)


def test_every_tensor_belongs_to_the_former_class_of_its_type():
    assert isinstance(torch.ones(1), torch.FloatTensor) and not isinstance(torch.ones(1), torch.DoubleTensor)
    assert isinstance(torch.nn.Parameter(torch.ones(1)), torch.FloatTensor)
    assert not isinstance(torch.ones(1), torch.cuda.FloatTensor)
    assert torch.ones(1).type(torch.LongTensor).dtype is torch.int64
    with pytest.raises(TypeError, match=r"torch\.cuda\.FloatTensor not available"):
        torch.cuda.FloatTensor(2)


def test_storages_are_the_memory_itself():
    x = torch.arange(6.0).reshape(2, 3)
    assert x[1].storage().tolist() == [0, 1, 2, 3, 4, 5] and x.t().untyped_storage().data_ptr() == x.data_ptr()
    x.storage()[0] = 9
    assert x[0, 0] == 9
    assert x.untyped_storage().nbytes() == 24 and torch.is_storage(x.storage())
    with pytest.raises(IndexError, match="out of range for storage of size 6"):
        x.storage()[6]


def test_shared_memory_is_seen_by_forked_processes():
    x = torch.ones(3)
    assert not x.is_shared()
    assert x.share_memory_() is x and x.is_shared() and x[1:].is_shared()
    assert x.tolist() == [1, 1, 1]


def test_other_devices_can_be_named_and_hold_nothing():
    gpu = torch.device("cuda:1")
    assert (gpu.type, gpu.index, str(gpu)) == ("cuda", 1, "cuda:1") and gpu != torch.ones(1).device
    assert pickle.loads(pickle.dumps(gpu)) == gpu
    with torch.device("cpu"):
        assert torch.ones(1).is_cpu
    for attempt in (
        lambda: torch.ones(1).to(gpu),
        lambda: torch.ones(1, device=gpu),
        lambda: torch.ones(1).cuda(),
        lambda: torch.set_default_device("cuda"),
        gpu.__enter__,
    ):
        with pytest.raises(DeviceError, match="expected device 'cpu', got 'cuda"):
            attempt()


def test_limits_are_those_of_numpy():
    assert torch.finfo(torch.float32).eps == np.finfo(np.float32).eps
    assert torch.iinfo(torch.uint8).max == 255
    with pytest.raises(TypeError, match=r"torch\.iinfo"):
        torch.finfo(torch.int32)


def test_functions_that_write_are_the_methods_that_write():
    x = torch.tensor([-1.0, 4.0])
    assert torch.relu_(x) is x and torch.sqrt_(x).tolist() == [0.0, 2.0]


def test_what_was_switched_can_be_asked_for():
    torch.use_deterministic_algorithms(True, warn_only=True)
    assert torch.are_deterministic_algorithms_enabled() and torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(False)
    assert not torch.are_deterministic_algorithms_enabled()
    with pytest.raises(ValueError, match="expected 'highest', 'high' or 'medium'"):
        torch.set_float32_matmul_precision("low")


def test_versions_compare_as_versions():
    from handtorch.compat.version import __version__

    assert __version__ >= "1.10" and __version__ > (1, 10) and __version__ < "3" and __version__ != "2.12"
    assert __version__ == "2.13.0" and str(__version__) == "2.13.0+handtorch"


def test_hub_finds_what_is_on_this_machine(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "_folder", None)
    torch.hub.set_dir(tmp_path)
    (tmp_path / "hubconf.py").write_text("def twice(x, scale=2):\n    'Doubles.'\n    return scale * x\n")
    assert torch.hub.load(str(tmp_path), "twice", 3, source="local") == 6
    assert torch.hub.list(str(tmp_path), source="local") == ["twice"]
    torch.save({"w": torch.ones(2)}, tmp_path / "checkpoints" / "net-1234.pth")
    assert torch.hub.load_state_dict_from_url("https://example.org/a/net-1234.pth")["w"].tolist() == [1, 1]
    with pytest.raises(MissingFileError, match=r"downloads nothing: put https://example\.org/b\.pth there yourself"):
        torch.hub.load_state_dict_from_url("https://example.org/b.pth")
    with pytest.raises(MissingFileError, match="Clone the repository"):
        torch.hub.load("owner/repository", "resnet18")


def test_the_profiler_times_named_blocks():
    said = []
    with torch.profiler.profile(on_trace_ready=lambda p: said.append(p.key_averages())) as profiler:
        for _ in range(3):
            with torch.profiler.record_function("forward"):
                sum(range(20_000))
            profiler.step()
    (averages,) = said
    found = {entry.key: entry for entry in averages}
    assert found["forward"].count == found["ProfilerStep*"].count == 3
    assert 0 < found["forward"].cpu_time_total <= found["ProfilerStep*"].cpu_time_total
    assert "forward" in averages.table(sort_by="cpu_time_total", row_limit=5)


def test_assert_close_names_the_worst_place():
    torch.testing.assert_close(torch.ones(2), torch.ones(2) + 1e-7)
    torch.testing.assert_close({"a": [1, torch.ones(1)]}, {"a": [1, torch.ones(1)]})
    with pytest.raises(AssertionError, match=r"(?s)1 / 4 \(25.0%\).*at index \(1, 0\).*for item \['a'\]\[0\]"):
        torch.testing.assert_close({"a": [torch.ones(2, 2)]}, {"a": [torch.tensor([[1.0, 1], [2, 1]])]})
    with pytest.raises(AssertionError, match="mine"):
        torch.testing.assert_close(1.0, 2.0, msg="mine")


def test_make_tensor_keeps_to_its_bounds():
    x = torch.testing.make_tensor(20, 6, dtype=torch.float64, low=2, high=3, noncontiguous=True, requires_grad=True)
    assert x.shape == (20, 6) and not x.is_contiguous() and x.requires_grad
    assert 2 <= x.min() and x.max() < 3
    assert (torch.testing.make_tensor((500,), dtype=torch.int64, exclude_zero=True) != 0).all()
