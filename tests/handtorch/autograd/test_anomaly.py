"""NaN are found where they are made, and errors going back name the line that went forward."""

import inspect

import numpy as np
import pytest

import handtorch
from handtorch import nn
from handtorch.autograd import detect_anomaly, set_detect_anomaly
from handtorch.autograd.anomaly import AnomalyError, is_anomaly_enabled
from handtorch.ops.op import Op


def line():
    return inspect.currentframe().f_back.f_lineno


def test_a_nan_made_going_forward_is_named_with_its_line_and_cause():
    x = handtorch.tensor([-1.0, 2.0], requires_grad=True)
    with detect_anomaly(), pytest.raises(AnomalyError) as caught:
        here = line() + 1
        x.log()
    assert f"forward of Log made NaN at {__file__}:{here}" in str(caught.value)
    assert "clamp it" in str(caught.value)


def test_a_nan_made_going_back_is_named_with_the_forward_line():
    x = handtorch.tensor([0.0, 2.0], requires_grad=True)
    with detect_anomaly():
        here = line() + 1
        y = x.sqrt()
        z = (y * handtorch.tensor([0.0, 1.0])).sum()
        with pytest.raises(AnomalyError, match=f"SqrtBackward0.*{__file__}:{here}"):
            z.backward()


def test_the_first_infinity_before_a_nan_is_named_too():
    x = handtorch.tensor([1000.0], requires_grad=True)
    with detect_anomaly():
        y = x.exp()
        with pytest.raises(AnomalyError, match="Before it, Exp made an infinity"):
            y - y


def test_the_line_inside_a_users_module_is_named_not_handtorchs():
    class Broken(nn.Module):
        def forward(self, x):
            return nn.functional.log_softmax(x / 0, 1)

    with detect_anomaly(), pytest.raises(AnomalyError, match=r"in forward: return nn.functional.log_softmax"):
        nn.Sequential(Broken())(handtorch.zeros(2, 3))


def test_nan_that_come_in_from_outside_are_not_blamed_on_an_op():
    with detect_anomaly():
        handtorch.tensor([np.nan]).exp()


def test_the_detection_ends_with_its_block_even_after_an_error():
    with pytest.raises(KeyError), detect_anomaly():
        assert is_anomaly_enabled()
        raise KeyError
    assert not is_anomaly_enabled()
    handtorch.tensor([-1.0]).log()
    set_detect_anomaly(True)
    assert is_anomaly_enabled()
    set_detect_anomaly(False)
    handtorch.tensor([-1.0]).log()


def test_an_error_going_back_names_the_forward_line():
    class Fails(Op):
        """y = x."""

        def forward(self, x):
            return x + 0

        def backward(self, g):
            raise ValueError("broken")

    x = handtorch.ones(2, requires_grad=True)
    here = line() + 1
    y = Fails()(x)
    with pytest.raises(ValueError, match="broken") as caught:
        y.sum().backward()
    assert f"{__file__}:{here}" in caught.value.__notes__[0]


def test_nodes_remember_the_line_without_keeping_the_frame():
    def make():
        big = np.zeros(1000)
        return handtorch.ones(1, requires_grad=True) * 2, big.__array_interface__["data"][0]

    y, _ = make()
    assert y.op.origin[0] is make.__code__
