"""The older and odder names give what they give in a PyTorch without a GPU: the same values and kinds of errors."""

import numpy as np
import pytest
import torch

import handtorch
from handtorch import dtypes
from handtorch.compat import hub

VALUES = """
torch.FloatTensor(2, 3).shape, torch.FloatTensor([1, 2]), torch.FloatTensor(), torch.FloatTensor(torch.Size([2])).shape
torch.LongTensor([1.5, 2]), torch.ByteTensor([1, 0]), torch.BoolTensor([1, 0]), torch.DoubleTensor(np.ones(2)).dtype
torch.HalfTensor([1.5]), torch.ShortTensor([1]), torch.IntTensor([[1], [2]]), torch.CharTensor([-1])
torch.FloatTensor(x).data_ptr() == x.data_ptr(), torch.Tensor(x.long()).dtype
torch.Tensor(2, 3).shape, torch.Tensor([2, 3]), torch.Tensor((2, 3)), torch.Tensor(torch.Size([2, 3])).shape
torch.Tensor(np.ones(3)).dtype, torch.Tensor([torch.tensor(1), 2]), torch.Tensor().shape, torch.Tensor(5).shape
isinstance(x, torch.FloatTensor), isinstance(x, torch.LongTensor), isinstance(torch.nn.Parameter(x), torch.FloatTensor)
isinstance(x, torch.cuda.FloatTensor), isinstance(1, torch.FloatTensor), issubclass(torch.FloatTensor, torch.Tensor)
x.type(), x.type(torch.DoubleTensor).dtype, x.type('torch.LongTensor').dtype, x.type(torch.int8), x.type_as(x.long())
x.storage().size(), x.storage().nbytes(), x.storage()[1], x.storage().dtype, x.storage().type(), x[1].storage().tolist()
isinstance(x.storage(), torch.FloatStorage), isinstance(x.storage(), torch.LongStorage)
x.untyped_storage().nbytes(), len(x.untyped_storage()), x.untyped_storage()[6], x.untyped_storage()[4:8].tolist()
x.t().untyped_storage().data_ptr() == x.data_ptr(), x[1].storage_offset(), x[1].untyped_storage().size()
torch.FloatStorage([1, 2, 3]).tolist(), torch.FloatStorage(3).size(), torch.LongStorage([1]).dtype
torch.is_storage(x.storage()), torch.is_storage(x.untyped_storage()), torch.is_storage(x)
x.is_pinned(), x.is_shared(), x.clone().share_memory_().is_shared(), x.get_device(), x.cpu() is x
x.is_cuda, x.is_cpu, x.is_mps, x.is_sparse, x.is_quantized, x.is_meta, x.is_mkldnn, x.is_nested, x.is_xpu
torch.typename(x), torch.typename(x.long()), torch.typename(1), torch.typename([])
torch.device('cuda').type, str(torch.device('cuda:1')), torch.device('cuda', 0).index, repr(torch.device('mps'))
torch.device('cuda') == torch.device('cuda:0'), torch.device('cpu') == x.device
torch.set_default_tensor_type(torch.DoubleTensor), torch.ones(1).dtype
torch.set_default_tensor_type('torch.FloatTensor'), torch.ones(1).dtype
torch.set_default_device('cpu'), torch.get_default_device()
torch.get_float32_matmul_precision(), torch.set_float32_matmul_precision('high'), torch.get_float32_matmul_precision()
torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
torch.is_warn_always_enabled(), torch.is_autocast_enabled(), torch.compiled_with_cxx11_abi()
torch.cuda.is_available(), torch.cuda.device_count(), torch.cuda.memory_allocated(), torch.cuda.max_memory_reserved()
torch.cuda.get_rng_state_all(), torch.cuda.set_rng_state_all([]), torch.cuda.is_initialized(), torch.cuda.manual_seed(1)
torch.finfo(), torch.finfo(torch.float16), torch.finfo(torch.float64), torch.finfo(torch.complex64)
torch.finfo(torch.float32).eps, torch.finfo(torch.float16).resolution, torch.finfo(torch.float64).tiny
torch.finfo(torch.float32).dtype, torch.finfo(torch.float16).bits, torch.iinfo(torch.int64).bits
torch.iinfo(torch.int8), torch.iinfo(torch.uint8), torch.iinfo(torch.int64).max, torch.iinfo(torch.int32).min
torch.relu_(torch.tensor([-1.0, 2.0])), torch.exp_(torch.zeros(2)), torch.sigmoid_(torch.zeros(2))
torch.clamp_(torch.tensor([3.0]), max=1), torch.index_put_(torch.zeros(2), (torch.tensor([1]),), torch.tensor(5.0))
torch.index_put(torch.ones(2), (torch.tensor([0]),), torch.tensor(5.0)), torch.zero_(x.clone())
torch.is_floating_point(x), torch.is_complex(x), torch.is_nonzero(torch.tensor([0.0]))
torch.result_type(x, 1), torch.can_cast(torch.float, torch.int), torch.is_tensor(x), torch.numel(x)
torch.__version__ >= '1.10', torch.__version__ < (3, 0), torch.__version__.split('+')[0], torch.version.cuda
torch.backends.cudnn.is_available(), torch.backends.mps.is_available(), torch.backends.cudnn.version()
""".strip().split("\n")

ERRORS = """
torch.LongTensor(x)
torch.FloatTensor(3.5)
torch.FloatTensor(2, [1])
torch.FloatTensor('a')
torch.Tensor(3.5)
torch.Tensor(2, 3.0)
torch.Tensor(None)
torch.Tensor([1, 2], dtype=torch.int64)
torch.cuda.FloatTensor(2)
x.cuda()
x.to('cuda')
x.pin_memory()
x.storage()[6]
torch.ones(2, device='cuda')
torch.device('foo')
torch.nn.Linear(1, 1).cuda()
torch.nn.Linear(1, 1).to('cuda')
torch.set_default_tensor_type('torch.cuda.FloatTensor')
torch.set_default_tensor_type(torch.LongTensor)
torch.cuda.current_device()
torch.cuda.get_device_name(0)
torch.cuda.get_device_properties(0)
torch.cuda.Event()
torch.cuda.Stream()
torch.finfo(torch.int32)
torch.iinfo(torch.float32)
torch.iinfo(torch.bool)
torch.testing.assert_close(torch.ones(2), torch.zeros(2))
torch.testing.assert_close(torch.ones(2), torch.ones(3))
torch.testing.assert_close(torch.ones(2), torch.ones(2).double())
torch.testing.assert_close({'a': torch.ones(2)}, {'a': torch.zeros(2)})
torch.testing.assert_close([torch.ones(2)], [torch.ones(2), torch.ones(2)])
torch.testing.assert_close(1.0, 2.0)
torch.testing.assert_close(torch.ones(2), torch.ones(2), rtol=1e-3)
torch.testing.assert_close(torch.tensor(float('nan')), torch.tensor(float('nan')))
""".strip().split("\n")


def evaluate(package, line):
    """The value of a line, with ``torch`` for a package, as text; or the error."""
    package.manual_seed(0)
    x = package.arange(6.0).reshape(2, 3)
    try:
        return repr(eval(line, {"torch": package, "x": x, "np": np}))
    except Exception as error:
        return error


@pytest.fixture
def in_torchs_words():
    from handtorch.compat import importing, version

    dtypes.speak_torch(True)
    handtorch.__version__, handtorch.version = version.__version__, version
    yield
    handtorch.__version__, handtorch.version = importing._OWN_VERSION, importing.own_version
    dtypes.speak_torch(False)
    for package in (torch, handtorch):
        package.set_float32_matmul_precision("highest")
        package.set_default_dtype(package.float32)
        if package is torch:
            package.set_default_device(None)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("line", VALUES)
def test_a_name_gives_what_it_gives_in_pytorch(line, in_torchs_words):
    expected = evaluate(torch, line)
    assert isinstance(expected, str), expected
    assert evaluate(handtorch, line) == expected


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("line", ERRORS)
def test_a_mistake_raises_the_kind_of_error_that_it_raises_in_pytorch(line):
    expected, got = evaluate(torch, line), evaluate(handtorch, line)
    assert isinstance(expected, Exception)
    kind = next(kind for kind in type(expected).__mro__ if kind.__module__ == "builtins")
    assert isinstance(got, kind), got


def test_the_folder_of_downloads_is_pytorchs(monkeypatch, tmp_path):
    for name, value in (("TORCH_HOME", None), ("XDG_CACHE_HOME", str(tmp_path)), ("TORCH_HOME", str(tmp_path / "own"))):
        monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name, raising=False)
        assert hub.get_dir() == torch.hub.get_dir()


CLOSE = [
    ([1.0, 2.0], [1.0, 2.0 + 1e-6]),
    ([1.0, 2.0], [1.0, 2.0 + 1e-4]),
    ([1.0, float("inf")], [1.0, float("inf")]),
    ([1, 2], [1, 3]),
    ([True, False], [True, True]),
    ([1 + 1j], [1 + 1j + 1e-7]),
    (3, 3),
    (3.0, 3.0 + 1e-8),
    (2.0, 2),
]


@pytest.mark.parametrize(("a", "b"), CLOSE)
@pytest.mark.parametrize("options", [{}, {"rtol": 0.1, "atol": 0.0}, {"check_dtype": False}])
def test_assert_close_says_what_pytorch_says(a, b, options):
    def said(package):
        values = [v if not isinstance(v, list) else package.tensor(v) for v in (a, b)]
        try:
            package.testing.assert_close(*values, **options)
        except AssertionError as error:
            return str(error).splitlines()[:3]
        return None

    assert said(handtorch) == said(torch)


@pytest.mark.parametrize("name", [d.name for d in dtypes.ALL])
def test_make_tensor_stays_within_pytorchs_bounds(name):
    def drawn(package):
        return package.testing.make_tensor((200, 5), dtype=getattr(package, name), device="cpu")

    ours, theirs = drawn(handtorch).numpy(), drawn(torch).numpy()
    assert ours.dtype == theirs.dtype and ours.shape == theirs.shape
    low, high = (np.min(x.real.astype(float)) for x in (ours, theirs)), [np.max(x.real) for x in (ours, theirs)]
    assert np.ptp([*low]) <= 1 and abs(float(high[0]) - float(high[1])) <= 1
