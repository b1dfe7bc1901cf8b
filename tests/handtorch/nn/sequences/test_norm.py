"""Normalisation of sequences counts the frames that are there and no others."""

import numpy as np
import pytest

import handtorch
from handtorch import nn
from handtorch.errors import ShapeError
from handtorch.nn.sequences import SequenceNorm

LENGTHS = [7, 2, 5]


def batch(*more):
    handtorch.manual_seed(0)
    x = 3 + 2 * handtorch.randn(3, 4, 7, *more)
    for row, length in zip(x, LENGTHS, strict=True):
        row[:, length:] = float("nan")
    return x


@pytest.mark.parametrize("more", [(), (6,)])
def test_statistics_are_those_of_the_frames_behind_one_another(more):
    norm = SequenceNorm(4)
    x = batch(*more)
    y = norm(x, LENGTHS).detach().numpy()
    frames = np.concatenate([row[:, :length].reshape(4, -1) for row, length in zip(x.numpy(), LENGTHS, strict=True)], 1)
    mean, variance = frames.mean(1), frames.var(1)
    np.testing.assert_allclose(norm.running_mean.numpy(), 0.1 * mean, rtol=1e-5)
    np.testing.assert_allclose(norm.running_var.numpy(), 0.9 + 0.1 * frames.var(1, ddof=1), rtol=1e-5)
    shape = (4,) + (1,) * (1 + len(more))
    for row, result, length in zip(x.numpy(), y, LENGTHS, strict=True):
        expected = (row - mean.reshape(shape)) / np.sqrt(variance + 1e-5).reshape(shape)
        np.testing.assert_allclose(result[:, :length], expected[:, :length], rtol=1e-4, atol=1e-5)
        assert not result[:, length:].any()


@pytest.mark.parametrize("more", [(), (6,)])
def test_gradients_do_not_see_the_padding(more):
    norm = SequenceNorm(4)
    x = batch(*more).requires_grad_(True)
    (norm(x, LENGTHS) ** 3).sum().backward()
    for row, length in zip(x.grad.numpy(), LENGTHS, strict=True):
        assert np.isfinite(row).all()
        assert row[:, :length].any()
        assert not row[:, length:].any()
    assert np.isfinite(norm.weight.grad.numpy()).all()
    # With the sequences behind one another, nn.BatchNorm1d has the same gradients.
    plain = nn.BatchNorm1d(4)
    frames = [row[:, :length].flatten(1) for row, length in zip(batch(*more), LENGTHS, strict=True)]
    joined = handtorch.cat(frames, 1).unsqueeze(0).requires_grad_(True)
    (plain(joined) ** 3).sum().backward()
    np.testing.assert_allclose(norm.weight.grad.numpy(), plain.weight.grad.numpy(), rtol=1e-4)
    first = frames[0].shape[1]
    np.testing.assert_allclose(x.grad[0].flatten(1).numpy(), joined.grad[0, :, :first].numpy(), rtol=1e-3, atol=1e-4)


def test_evaluation_uses_running_statistics_and_state_is_that_of_batch_norm():
    norm, plain = SequenceNorm(4), nn.BatchNorm1d(4)
    norm(batch(), LENGTHS)
    plain.load_state_dict(norm.state_dict())
    x = handtorch.randn(2, 4, 5)
    y = norm.eval()(x, [5, 3])
    expected = plain.eval()(x).detach().numpy()
    expected[1, :, 3:] = 0
    np.testing.assert_allclose(y.detach().numpy(), expected, rtol=1e-6)


def test_without_padding_it_is_batch_norm():
    x = handtorch.randn(3, 4, 5)
    norm, plain = SequenceNorm(4), nn.BatchNorm1d(4)
    np.testing.assert_array_equal(norm(x, [5, 5, 5]).detach().numpy(), plain(x).detach().numpy())
    pictures, plain = handtorch.randn(3, 4, 5, 6), nn.BatchNorm2d(4)
    norm = SequenceNorm(4)
    y, expected = norm(pictures, [5, 5, 5]), plain(pictures)
    np.testing.assert_allclose(y.detach().numpy(), expected.detach().numpy(), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(norm.running_var.numpy(), plain.running_var.numpy(), rtol=1e-5)


def test_without_running_statistics_evaluation_uses_the_frames_of_the_batch():
    norm = SequenceNorm(4, track_running_stats=False)
    training = norm(batch(), LENGTHS).detach().numpy()
    np.testing.assert_array_equal(norm.eval()(batch(), LENGTHS).detach().numpy(), training)


@pytest.mark.parametrize("more", [(), (6,)])
def test_results_lie_in_memory_as_the_twins_of_later_layers_take_them(more):
    assert SequenceNorm(4)(batch(*more), LENGTHS).is_contiguous()


def test_other_shapes_are_refused():
    with pytest.raises(ShapeError, match=r"\(N, C, T\) or \(N, C, T, F\), got \(3, 4\)"):
        SequenceNorm(4)(handtorch.randn(3, 4), [4, 4, 4])
