"""The Conformer block: its parts, and that padding changes nothing."""

import math

import numpy as np
import pytest

import handtorch
from handtorch import nn
from handtorch.errors import ArgumentError
from handtorch.nn import functional as F
from handtorch.nn.sequences import ConformerBlock


def block(**settings):
    handtorch.manual_seed(0)
    made = ConformerBlock(8, heads=2, kernel_size=5, dropout=0.0, **settings)
    for parameter in made.parameters():
        parameter.data += 0.2 * handtorch.randn(parameter.shape)
    return made


def test_padding_of_any_kind_changes_no_result_no_gradient_and_no_running_statistics():
    lengths = [9, 4, 6]
    x = handtorch.randn(3, 9, 8)
    results = []
    for fill, extra in ((0.0, 0), (math.nan, 0), (7.0, 5)):
        made = block()
        padded = handtorch.full((3, 9 + extra, 8), fill)
        for row, length in enumerate(lengths):
            padded[row, :length] = x[row, :length]
        padded.requires_grad_()
        y = made(padded, handtorch.tensor(lengths))
        (y * y).sum().backward()
        rows = [y[row, :length].detach().numpy() for row, length in enumerate(lengths)]
        slopes = [padded.grad[row, :length].numpy() for row, length in enumerate(lengths)]
        assert all((y[row, length:] == 0).all() for row, length in enumerate(lengths))
        results.append(
            [
                *rows,
                *slopes,
                *(p.grad.numpy() for p in made.parameters()),
                made.convolution.batch_norm.running_var.numpy(),
            ]
        )
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-5)


def test_a_sequence_alone_is_as_in_a_batch_in_evaluation():
    made = block().eval()
    x = handtorch.randn(2, 10, 8)
    together = made(x, handtorch.tensor([10, 6])).detach().numpy()
    alone = made(x[1:, :6], handtorch.tensor([6])).detach().numpy()
    np.testing.assert_allclose(together[1, :6], alone[0], rtol=1e-4, atol=1e-5)


def test_the_same_sound_is_the_same_at_any_time():
    """Nothing knows the position, so in a long silence a sound gives what it gives elsewhere, moved."""
    made = block().eval()
    made.attention.out.weight.data *= 0  # attention sees how far the ends are
    sound = handtorch.randn(3, 8)
    results = []
    for start in (10, 17):
        x = handtorch.zeros(1, 30, 8)
        x[0, start : start + 3] = sound
        results.append(made(x, handtorch.tensor([30]))[0, start - 3 : start + 6].detach().numpy())
    np.testing.assert_allclose(*results, rtol=1e-4, atol=1e-5)


def test_the_block_is_its_parts():
    made = block().eval()
    x = handtorch.randn(1, 7, 8)
    lengths = handtorch.tensor([7])
    y = x + 0.5 * made.feed_before(x)
    y = y + attended(made.attention, y)
    y = y + convolved(made.convolution, y)
    y = made.norm(y + 0.5 * made.feed_after(y))
    np.testing.assert_allclose(made(x, lengths).detach().numpy(), y.detach().numpy(), rtol=1e-4, atol=1e-5)


def attended(part, x):
    """Scores by content and by distance (Dai et al. 2019), number by number."""
    h, e = part.heads, 8 // part.heads
    q, k, v = part.into(part.norm(x)).detach().numpy()[0].reshape(7, 3, h, e).transpose(1, 2, 0, 3)
    u, w = part.relative.content.detach().numpy(), part.relative.distance.detach().numpy()
    project = part.relative.project.weight.detach().numpy()
    rows = np.zeros((7, h, e))
    for head in range(h):
        for i in range(7):
            scores = []
            for j in range(7):
                speeds = (i - j) / 10_000 ** (np.arange(0, 8, 2) / 8)
                wave = np.stack([np.sin(speeds), np.cos(speeds)], -1).ravel()
                r = (project @ wave).reshape(h, e)[head]
                scores.append(((q[head, i] + u[head]) @ k[head, j] + (q[head, i] + w[head]) @ r) / math.sqrt(e))
            a = np.exp(scores - np.max(scores))
            rows[i, head] = (a / a.sum()) @ v[head]
    return part.out(handtorch.from_numpy(rows.reshape(1, 7, 8).astype(np.float32)))


def convolved(part, x):
    gates = part.gated(part.norm(x))
    gated = gates[..., :8] * gates[..., 8:].sigmoid()
    mixed = nn.BatchNorm1d.forward(part.batch_norm, part.depthwise(gated.transpose(1, 2)))
    return part.out(F.silu(mixed).transpose(1, 2))


def test_settings_that_make_no_sense_are_refused():
    with pytest.raises(ArgumentError, match="odd kernel_size"):
        ConformerBlock(8, kernel_size=4)
    with pytest.raises(ArgumentError, match="heads"):
        ConformerBlock(8, heads=3)
