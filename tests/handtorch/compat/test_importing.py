"""Import paths of PyTorch, looked up in a process of their own: the one of the tests may hold PyTorch itself."""

import json
import subprocess
import sys

import pytest

LAYERS = [
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
]
HELPERS = [
    ("torch.nn.modules.batchnorm", "_BatchNorm"),
    ("torch.nn.modules.instancenorm", "_InstanceNorm"),
    ("torch.nn.parallel", "DistributedDataParallel"),
    ("torch.nn.parallel.distributed", "DistributedDataParallel"),
    ("torch.nn.utils", "weight_norm"),
    ("torch.nn.utils.parametrizations", "spectral_norm"),
    ("torch.nn.utils.parametrize", "register_parametrization"),
    ("torch.nn.utils.prune", "l1_unstructured"),
    ("torch.nn.utils.spectral_norm", "SpectralNorm"),
]
PROGRAM = """
import importlib, json, sys
from handtorch import nn
from handtorch.compat import importing

importing.install()
found = {}
for place, name in json.loads(sys.argv[1]):
    value = getattr(importlib.import_module(place), name, None)
    found[f"{place}.{name}"] = "missing" if value is None else "layer" if value is getattr(nn, name, None) else "other"
utils = importlib.import_module("torch.nn.modules.utils")
found["tuples"] = [utils._single(2), utils._pair(3), utils._triple([1, 2, 3]), utils._ntuple(4)(0)]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(LAYERS + HELPERS)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(("place", "name"), LAYERS)
def test_layers_are_found_in_pytorchs_own_files(found, place, name):
    assert found[f"{place}.{name}"] == "layer"


@pytest.mark.parametrize(("place", "name"), HELPERS)
def test_names_that_public_code_imports_are_there(found, place, name):
    assert found[f"{place}.{name}"] != "missing"


def test_one_number_becomes_as_many_as_there_are_axes(found):
    assert found["tuples"] == [[2], [3, 3], [1, 2, 3], [0, 0, 0, 0]]
