"""Pyramids and packed networks give a sequence what it gets alone, and nothing leaks from padding."""

import numpy as np
import pytest

import handtorch
from handtorch import nn
from handtorch.errors import ArgumentError, ShapeError
from handtorch.nn.sequences import PyramidalLSTM, join_pairs, run_packed

LENGTHS = [9, 1, 4, 12]
WIDTH = 3


def make(**options):
    handtorch.manual_seed(0)
    return PyramidalLSTM(WIDTH, 5, **{"levels": 2, **options})


def batch(steps=12, value=np.nan):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((len(LENGTHS), 12, WIDTH)).astype(np.float32)[:, :steps]
    for row, length in zip(x, LENGTHS, strict=True):
        row[length:] = value
    return x


def alone(pyramid, row):
    """One sequence (T, F), level by level, its pairs joined by hand."""
    x = handtorch.tensor(row)
    for level in pyramid.levels:
        steps = list(x) + ([handtorch.zeros(x.shape[1])] if len(x) % 2 else [])
        pairs = [handtorch.cat([steps[i], steps[i + 1]]) for i in range(0, len(steps), 2)]
        x, _ = level(handtorch.stack(pairs).unsqueeze(0))
        x = x[0]
    return x


def test_a_padded_batch_gives_what_each_sequence_gives_alone():
    pyramid = make()
    x = batch()
    y, lengths = pyramid(handtorch.tensor(x), LENGTHS)
    assert lengths.tolist() == [3, 1, 1, 3] == pyramid.output_lengths(LENGTHS).tolist()
    assert y.shape == (4, 3, pyramid.output_size)
    weights = handtorch.randn(*y.shape)
    expected = [alone(pyramid, row[:length]) for row, length in zip(x, LENGTHS, strict=True)]
    for result, row in zip(y, expected, strict=True):
        np.testing.assert_allclose(result[: len(row)].detach().numpy(), row.detach().numpy(), rtol=1e-4, atol=1e-6)
        assert not result[len(row) :].any()
    sums = [(row * weight[: len(row)]).sum() for row, weight in zip(expected, weights, strict=True)]
    handtorch.stack(sums).sum().backward()
    wanted = [parameter.grad.numpy().copy() for parameter in pyramid.parameters()]
    pyramid.zero_grad()
    (y * weights).sum().backward()
    for parameter, gradient in zip(pyramid.parameters(), wanted, strict=True):
        np.testing.assert_allclose(parameter.grad.numpy(), gradient, rtol=1e-3, atol=1e-5)


def test_what_stands_in_the_padding_changes_no_bit_and_gets_no_gradient():
    results = []
    for value in (0.0, np.nan):
        pyramid = make(dropout=0.3)
        x = handtorch.tensor(batch(value=value), requires_grad=True)
        y, _ = pyramid(x, LENGTHS)
        y.sum().backward()
        results.append([y.detach().numpy(), x.grad.numpy(), *(p.grad.numpy() for p in pyramid.parameters())])
        for row, length in zip(x.grad.numpy(), LENGTHS, strict=True):
            assert row[:length].any()
            assert not row[length:].any()
    for first, other in zip(*results, strict=True):
        np.testing.assert_array_equal(first, other)


def test_longer_padding_changes_nothing():
    pyramid = make().eval()
    x = batch()
    longer = np.concatenate([x, np.full((4, 5, WIDTH), np.nan, np.float32)], 1)
    short, lengths = pyramid(handtorch.tensor(x), LENGTHS)
    long, same = pyramid(handtorch.tensor(longer), LENGTHS)
    assert same.tolist() == lengths.tolist()
    np.testing.assert_array_equal(long[:, :3].detach().numpy(), short.detach().numpy())


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_each_level_halves_the_length(levels):
    pyramid = make(levels=levels).eval()
    assert pyramid.time_stride == 2**levels
    for steps in range(1, 18):
        y, lengths = pyramid(handtorch.randn(1, steps, WIDTH), [steps])
        assert y.shape == (1, -(-steps // 2**levels), 10)
        assert lengths.tolist() == pyramid.output_lengths([steps]).tolist() == [y.shape[1]]


def test_pairs_stand_beside_each_other_and_the_last_one_beside_zeros():
    x = handtorch.arange(10.0).reshape(1, 5, 2)
    y, lengths = join_pairs(x, [3])
    assert y.tolist() == [[[0, 1, 2, 3], [4, 5, 0, 0], [0, 0, 0, 0]]]
    assert lengths.tolist() == [2]


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("kind", [nn.RNN, nn.GRU, nn.LSTM])
def test_recurrent_networks_run_without_the_padding(kind, batch_first):
    rnn = kind(WIDTH, 4, num_layers=2, bidirectional=True, batch_first=batch_first)
    x = batch()
    y = run_packed(rnn, handtorch.tensor(x), LENGTHS)
    assert y.shape == (4, 12, 8)
    for row, result, length in zip(x, y, LENGTHS, strict=True):
        expected, _ = rnn(handtorch.tensor(row[:length]))
        np.testing.assert_allclose(result[:length].detach().numpy(), expected.detach().numpy(), rtol=1e-4, atol=1e-6)
        assert not result[length:].any()


def test_dropout_follows_the_seed_and_evaluation_has_none(tmp_path):
    pyramid = make(dropout=0.5)
    x = handtorch.tensor(batch(value=0))

    def run(seed):
        handtorch.manual_seed(seed)
        return pyramid(x, LENGTHS)[0].detach().numpy()

    assert np.array_equal(run(1), run(1))
    assert not np.array_equal(run(1), run(2))
    pyramid.eval()
    np.testing.assert_array_equal(run(1), make().eval()(x, LENGTHS)[0].detach().numpy())
    handtorch.save(pyramid.state_dict(), tmp_path / "pyramid.pt")
    other = PyramidalLSTM(WIDTH, 5, levels=2)
    other.load_state_dict(handtorch.load(tmp_path / "pyramid.pt"))
    np.testing.assert_array_equal(other.eval()(x, LENGTHS)[0].detach().numpy(), run(1))


def test_what_does_not_fit_is_refused():
    with pytest.raises(ArgumentError, match="at least one level, got 0"):
        make(levels=0)
    with pytest.raises(ShapeError, match=r"x \(N, T, 3\), got \(2, 5, 4\); axis 2 is input_size"):
        make()(handtorch.randn(2, 5, 4), [5, 5])
    with pytest.raises(ShapeError, match="from 0 to the 5 steps"):
        make()(handtorch.randn(2, 5, 3), [5, 6])
