"""One mask for all steps, its statistics, and the same mask packed and padded."""

import numpy as np
import pytest

import handtorch
from handtorch.errors import ArgumentError, ShapeError
from handtorch.nn.sequences import LockedDropout
from handtorch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


def masks(layer, *shape, seed=0):
    handtorch.manual_seed(seed)
    return layer(handtorch.ones(*shape)).numpy()


def test_all_steps_of_a_sequence_share_a_mask_and_sequences_do_not():
    y = masks(LockedDropout(0.5), 6, 11, 40)
    assert np.array_equal(y, np.broadcast_to(y[:, :1], y.shape))
    assert len({row[0].tobytes() for row in y}) == 6
    time_first = masks(LockedDropout(0.5, batch_first=False), 11, 6, 40)
    np.testing.assert_array_equal(time_first, y.transpose(1, 0, 2))


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_features_are_dropped_with_probability_p_and_the_mean_stays(p):
    y = masks(LockedDropout(p), 200, 2, 500)
    n = 200 * 500
    np.testing.assert_array_equal(np.unique(y), np.float32([0, 1 / (1 - p)]))
    # Five standard deviations of a binomial.
    assert abs((y[:, 0] == 0).mean() - p) < 5 * np.sqrt(p * (1 - p) / n)


def test_the_mask_follows_the_seed_and_not_the_padding():
    layer = LockedDropout(0.5)
    short, long = masks(layer, 4, 3, 10), masks(layer, 4, 30, 10)
    np.testing.assert_array_equal(short, long[:, :3])
    assert not np.array_equal(masks(layer, 4, 3, 10, seed=1), short)


@pytest.mark.parametrize("lengths", [[5, 3, 3, 1], [3, 1, 5, 3]])
def test_a_packed_batch_gets_the_masks_of_the_padded_one(lengths):
    layer = LockedDropout(0.4)
    x = handtorch.randn(4, 5, 6)
    handtorch.manual_seed(3)
    padded = layer(x)
    handtorch.manual_seed(3)
    packed = layer(pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False))
    unpacked, _ = pad_packed_sequence(packed, batch_first=True)
    for row, expected, length in zip(unpacked, padded, lengths, strict=True):
        np.testing.assert_array_equal(row[:length].numpy(), expected[:length].numpy())


def test_the_gradient_passes_where_the_input_did():
    x = handtorch.ones(3, 4, 5, requires_grad=True)
    y = LockedDropout(0.5)(x)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), y.detach().numpy())


def test_evaluation_changes_nothing_and_probability_1_leaves_nothing():
    x = handtorch.randn(2, 3, 4)
    assert LockedDropout(0.5).eval()(x) is x
    assert LockedDropout(0.0)(x) is x
    assert not LockedDropout(1.0)(x).any()


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ArgumentError, match="between 0 and 1, but got"):
        LockedDropout(1.5)
    with pytest.raises(ShapeError, match=r"x \(N, T, F\), three axes, got \(3, 4\)"):
        LockedDropout(0.5)(handtorch.randn(3, 4))
