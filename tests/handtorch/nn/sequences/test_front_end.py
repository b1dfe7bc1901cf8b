"""Convolutions over padded sequences give what each sequence gives alone, with exact lengths."""

import numpy as np
import pytest

import handtorch
from handtorch import nn
from handtorch.errors import ArgumentError, ShapeError
from handtorch.nn import functional as F
from handtorch.nn.sequences import ConvFrontEnd, ConvFrontEnd2d

LENGTHS = [13, 1, 8, 5]
WIDTH = 6


def make(kind, **options):
    handtorch.manual_seed(0)
    if kind == 1:
        return ConvFrontEnd(WIDTH, (5, 4), 5, **{"stride": (1, 2), **options})
    return ConvFrontEnd2d(WIDTH, (3, 2), 3, **{"stride": (2, 1), **options})


def sequences(lengths=LENGTHS):
    rng = np.random.default_rng(0)
    return [rng.standard_normal((length, WIDTH)).astype(np.float32) for length in lengths]


def padded(rows, steps, value=np.nan):
    x = np.full((len(rows), steps, WIDTH), value, np.float32)
    for place, row in zip(x, rows, strict=True):
        place[: len(row)] = row
    return handtorch.tensor(x)


def each_alone(front, rows):
    """The layers one after another on each sequence without any padding; statistics over all of them."""
    images = [handtorch.tensor(row).unsqueeze(0) for row in rows]
    images = [x.transpose(1, 2) if isinstance(front, ConvFrontEnd) else x.unsqueeze(1) for x in images]
    for layer in front.convolutions:
        convolve = F.conv1d if isinstance(front, ConvFrontEnd) else F.conv2d
        images = [convolve(x, layer.weight, layer.bias, layer.stride, layer.padding) for x in images]
        if front.norms is not None:
            joined = handtorch.cat([x.flatten(2) for x in images], 2)
            mean, variance = joined.mean((0, 2)), joined.var((0, 2), correction=0)
            shape = (1, -1) + (1,) * (len(images[0].shape) - 2)
            scale = (variance + 1e-5).sqrt()
            images = [(x - mean.reshape(shape)) / scale.reshape(shape) for x in images]
        images = [F.gelu(x) for x in images]
    return [x[0].transpose(0, 1).flatten(1) for x in images]


@pytest.mark.parametrize("kind", [1, 2])
@pytest.mark.parametrize("batch_norm", [False, True])
def test_training_on_a_padded_batch_is_that_on_sequences_alone(kind, batch_norm):
    front = make(kind, batch_norm=batch_norm)
    rows = sequences()
    y, lengths = front(padded(rows, 16), LENGTHS)
    expected = each_alone(front, rows)
    assert lengths.tolist() == [len(row) for row in expected] == front.output_lengths(LENGTHS).tolist()
    for result, row, length in zip(y, expected, lengths.tolist(), strict=True):
        np.testing.assert_allclose(result[:length].detach().numpy(), row.detach().numpy(), rtol=2e-4, atol=2e-5)
        assert not result[length:].any()
    parameters = [convolution.weight for convolution in front.convolutions]
    weights = [handtorch.randn(*row.shape) for row in expected]
    handtorch.stack([(row * w).sum() for row, w in zip(expected, weights, strict=True)]).sum().backward()
    wanted = [parameter.grad.numpy().copy() for parameter in parameters]
    front.zero_grad()
    pairs = zip(y, weights, lengths.tolist(), strict=True)
    handtorch.stack([(row[:length] * w).sum() for row, w, length in pairs]).sum().backward()
    for parameter, gradient in zip(parameters, wanted, strict=True):
        np.testing.assert_allclose(parameter.grad.numpy(), gradient, rtol=2e-3, atol=2e-4)


@pytest.mark.parametrize("kind", [1, 2])
def test_evaluation_gives_a_sequence_the_same_alone_and_in_any_batch(kind):
    front = make(kind)
    rows = sequences()
    front(padded(rows, 13), LENGTHS)
    front.eval()
    together, lengths = front(padded(rows, 20), LENGTHS)
    for row, result, length in zip(rows, together, lengths.tolist(), strict=True):
        alone, (own,) = front(handtorch.tensor(row).unsqueeze(0), [len(row)])
        assert int(own) == length == alone.shape[1]
        np.testing.assert_allclose(result[:length].detach().numpy(), alone[0].detach().numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", [1, 2])
def test_what_stands_in_the_padding_changes_no_bit_and_gets_no_gradient(kind):
    rows = sequences()
    results = []
    for value in (0.0, 1e30, np.nan):
        front = make(kind, dropout=0.3)
        x = padded(rows, 13, value).requires_grad_(True)
        y, _ = front(x, LENGTHS)
        (y**2).sum().backward()
        gradients = [parameter.grad.numpy() for parameter in front.parameters()]
        statistics = [buffer.numpy() for buffer in front.buffers()]
        results.append([y.detach().numpy(), x.grad.numpy(), *gradients, *statistics])
        for row, length in zip(x.grad.numpy(), LENGTHS, strict=True):
            assert not row[length:].any()
    for others in results[1:]:
        for first, other in zip(results[0], others, strict=True):
            np.testing.assert_array_equal(first, other)


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("kernel_size", [1, 3, 7])
def test_lengths_are_those_of_the_convolutions(stride, kernel_size):
    front = ConvFrontEnd(WIDTH, (4, 4, 4), kernel_size, (stride, 1, 2)).eval()
    assert front.time_stride == 2 * stride
    for steps in range(1, 20):
        y, lengths = front(handtorch.randn(1, steps, WIDTH), [steps])
        assert y.shape == (1, int(lengths), 4)
        assert front.output_lengths([steps]).tolist() == lengths.tolist()


def test_output_size_is_that_of_the_output():
    for frequency_stride in (1, 2, (3, 2)):
        front = ConvFrontEnd2d(WIDTH, (3, 2), frequency_stride=frequency_stride)
        assert front(handtorch.randn(1, 4, WIDTH), [4])[0].shape == (1, 4, front.output_size)
    assert make(1).output_size == 4


def test_two_dimensions_find_a_pattern_at_any_height():
    front = ConvFrontEnd2d(12, (3,), frequency_stride=1, batch_norm=False)
    x = handtorch.zeros(1, 5, 12)
    x[0, 1:4, 2:5] = handtorch.randn(3, 3)
    higher = handtorch.roll(x, 4, 2)
    low, high = (front(each, [5])[0].reshape(5, 3, 12).detach().numpy() for each in (x, higher))
    np.testing.assert_allclose(low[:, :, 1:6], high[:, :, 5:10], rtol=1e-5, atol=1e-6)


def test_state_is_saved_and_loaded(tmp_path):
    rows = sequences()
    front = make(2)
    front(padded(rows, 13), LENGTHS)
    handtorch.save(front.state_dict(), tmp_path / "front.pt")
    other = ConvFrontEnd2d(WIDTH, (3, 2), 3, (2, 1))
    other.load_state_dict(handtorch.load(tmp_path / "front.pt"))
    results = [each.eval()(padded(rows, 13), LENGTHS)[0].detach().numpy() for each in (front, other)]
    np.testing.assert_array_equal(*results)


def test_settings_that_make_no_sense_are_refused():
    with pytest.raises(ArgumentError, match="odd kernel_size, which has a middle, got 4"):
        ConvFrontEnd(WIDTH, (4,), 4)
    with pytest.raises(ArgumentError, match="at least one convolution"):
        ConvFrontEnd(WIDTH, ())
    with pytest.raises(ArgumentError, match=r"stride of at least 1 for each of 2 layers, got \(1, 2, 2\)"):
        ConvFrontEnd(WIDTH, (4, 4), stride=(1, 2, 2))
    with pytest.raises(ShapeError, match=r"x \(N, T, 6\), got \(2, 5, 7\); axis 2 is input_size"):
        ConvFrontEnd(WIDTH, (4,))(handtorch.randn(2, 5, 7), [5, 5])
    assert isinstance(ConvFrontEnd(WIDTH, (4,), activation=nn.ReLU).activation, nn.ReLU)
