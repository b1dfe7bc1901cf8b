import importlib

import pytest

from handtorch import nn
from handtorch.compat import importing


@pytest.fixture
def torch_is_handtorch():
    importing.install()
    yield
    importing.uninstall()


@pytest.mark.usefixtures("torch_is_handtorch")
@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("torch.nn.modules", "BatchNorm2d"),
        ("torch.nn.modules.batchnorm", "BatchNorm1d"),
        ("torch.nn.modules.batchnorm", "SyncBatchNorm"),
        ("torch.nn.modules.distance", "CosineSimilarity"),
        ("torch.nn.modules.flatten", "Flatten"),
        ("torch.nn.modules.instancenorm", "InstanceNorm2d"),
        ("torch.nn.modules.linear", "LazyLinear"),
        ("torch.nn.modules.normalization", "GroupNorm"),
        ("torch.nn.modules.sparse", "EmbeddingBag"),
        ("torch.nn.parallel", "DataParallel"),
    ],
)
def test_layers_are_found_in_pytorchs_own_files(place, name):
    assert getattr(importlib.import_module(place), name) is getattr(nn, name)


@pytest.mark.usefixtures("torch_is_handtorch")
@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("torch.nn.modules.batchnorm", "_BatchNorm"),
        ("torch.nn.modules.instancenorm", "_InstanceNorm"),
        ("torch.nn.parallel", "DistributedDataParallel"),
        ("torch.nn.parallel.distributed", "DistributedDataParallel"),
        ("torch.nn.utils", "weight_norm"),
        ("torch.nn.utils.parametrizations", "spectral_norm"),
        ("torch.nn.utils.parametrize", "register_parametrization"),
        ("torch.nn.utils.prune", "l1_unstructured"),
        ("torch.nn.utils.spectral_norm", "SpectralNorm"),
    ],
)
def test_names_that_public_code_imports_are_there(place, name):
    assert callable(getattr(importlib.import_module(place), name))


@pytest.mark.usefixtures("torch_is_handtorch")
def test_one_number_becomes_as_many_as_there_are_axes():
    utils = importlib.import_module("torch.nn.modules.utils")
    assert utils._pair(3) == (3, 3)
    assert utils._triple([1, 2, 3]) == (1, 2, 3)
    assert utils._single(2) == (2,)
    assert utils._ntuple(5)(0) == (0,) * 5
