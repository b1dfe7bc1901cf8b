import numpy as np
import pytest

import handtorch
from handtorch.errors import ArgumentError
from handtorch.models import CTCNetwork


def small(**settings):
    handtorch.manual_seed(0)
    given = {"channels": (6, 5), "kernel_size": 3, "hidden_size": 4, "num_layers": 2} | settings
    return CTCNetwork(3, 7, **given)


def test_steps_are_one_for_each_stride_begun_and_log_probabilities_sum_to_one():
    network = small(stride=3).eval()
    log_probs, lengths = network(handtorch.randn(2, 11, 3), handtorch.tensor([11, 9]))
    assert lengths.tolist() == [4, 3]
    assert log_probs.shape == (2, 4, 7)
    sums = np.exp(log_probs.detach().numpy()).sum(-1)
    np.testing.assert_allclose(sums[0], 1, rtol=1e-5)
    np.testing.assert_allclose(sums[1, :3], 1, rtol=1e-5)


def test_an_utterance_is_heard_alone_as_in_a_padded_batch():
    network = small(stride=2).eval()
    x = handtorch.randn(3, 12, 3)
    together, lengths = network(x, handtorch.tensor([7, 12, 10]))
    alone, length = network(x[:1, :7], handtorch.tensor([7]))
    assert lengths[0] == length[0] == 4
    np.testing.assert_allclose(together[0, :4].detach().numpy(), alone[0].detach().numpy(), rtol=1e-5, atol=1e-6)


def test_both_directions_are_heard():
    network = small(stride=1, num_layers=1).eval()
    x = handtorch.randn(1, 30, 3)
    before = network(x, handtorch.tensor([30]))[0].detach().numpy()
    changed = x.clone()
    changed[0, 15] += 5
    after = network(changed, handtorch.tensor([30]))[0].detach().numpy()
    differs = np.abs(after - before)[0].max(axis=1) > 1e-7
    assert differs[5] and differs[25]


def test_settings_make_a_network_of_the_same_shape():
    network = small(dropout=0.3)
    again = CTCNetwork(**network.settings)
    again.load_state_dict(network.state_dict())
    assert again.settings == network.settings


@pytest.mark.parametrize("wrong", [{"num_layers": 0}, {"kernel_size": 4}, {"channels": ()}, {"stride": 0}])
def test_widths_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ArgumentError, match="expected"):
        small(**wrong)
