import pytest

import handtorch
from handtorch import nn
from handtorch.errors import ArgumentError


def test_data_parallel_calls_the_module_and_names_its_state_as_pytorch_does():
    inner = nn.Linear(3, 2)
    model = nn.DataParallel(inner, device_ids=[0, 1])
    x = handtorch.ones(4, 3)
    assert model(x).tolist() == inner(x).tolist()
    assert list(model.state_dict()) == ["module.weight", "module.bias"]
    assert nn.parallel.data_parallel(inner, x).tolist() == inner(x).tolist()


def test_several_processes_are_refused_with_what_to_use_instead():
    with pytest.raises(ArgumentError, match="DataParallel"):
        nn.parallel.DistributedDataParallel(nn.Linear(3, 2))
