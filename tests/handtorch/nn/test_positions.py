import math

import numpy as np
import pytest

import handtorch
from handtorch.autograd import gradcheck
from handtorch.errors import ArgumentError, ShapeError
from handtorch.nn.positions import (
    LearnedPositions,
    RelativePositions,
    RelativeScores,
    RotaryPositions,
    SinusoidalPositions,
)


def array(x):
    return x.detach().numpy()


def test_sinusoids_are_those_of_the_formula():
    y = array(SinusoidalPositions(6)(handtorch.zeros(1, 300, 6)))[0]
    for t in (0, 1, 17, 299):
        for i in range(3):
            angle = t / 10_000 ** (2 * i / 6)
            np.testing.assert_allclose(y[t, 2 * i : 2 * i + 2], [math.sin(angle), math.cos(angle)], atol=1e-6)


@pytest.mark.parametrize("layer", [SinusoidalPositions(5), LearnedPositions(900, 5), RotaryPositions()])
def test_a_sequence_in_pieces_has_the_positions_of_the_whole(layer):
    x = handtorch.randn(2, 900, 4 if isinstance(layer, RotaryPositions) else 5)
    pieces = handtorch.cat([layer(x[:, :250]), layer(x[:, 250:251], 250), layer(x[:, 251:], 251)], 1)
    np.testing.assert_array_equal(array(pieces), array(layer(x)))


def test_only_rows_that_were_used_get_a_gradient():
    layer = LearnedPositions(6, 3)
    layer(handtorch.zeros(4, 2, 3), 1).sum().backward()
    np.testing.assert_array_equal(array(layer.weight.grad), [[0] * 3, [4] * 3, [4] * 3, [0] * 3, [0] * 3, [0] * 3])


def test_more_steps_than_learned_positions_are_refused():
    with pytest.raises(ShapeError, match=r"at most 6 steps, .* got 7"):
        LearnedPositions(6, 3)(handtorch.zeros(1, 2, 3), 5)


def test_rotary_scores_depend_on_distance_only():
    rotary = RotaryPositions()
    q, k = handtorch.randn(16), handtorch.randn(16)
    everywhere = (40, 16)
    scores = array(rotary(q.expand(everywhere)) @ rotary(k.expand(everywhere)).mT)
    for distance in (-5, 0, 9):
        np.testing.assert_allclose(np.diagonal(scores, distance), np.diagonal(scores, distance)[0], atol=1e-5)
    assert np.ptp(scores[0]) > 0.1


def test_rotary_keeps_lengths_and_refuses_odd_ones():
    x = handtorch.randn(3, 7, 8)
    np.testing.assert_allclose(array(RotaryPositions()(x, 11).norm(dim=-1)), array(x.norm(dim=-1)), rtol=1e-5)
    with pytest.raises(ShapeError, match="even"):
        RotaryPositions()(handtorch.zeros(3, 7))


def test_each_distance_has_its_own_number_up_to_the_largest():
    relative = RelativePositions(2, max_distance=3)
    with handtorch.no_grad():
        relative.weight.copy_(handtorch.arange(14.0).reshape(7, 2))
    bias = array(relative(6, 6))
    assert bias.shape == (2, 6, 6)
    for i in range(6):
        for j in range(6):
            np.testing.assert_array_equal(bias[:, i, j], relative.weight[min(max(i - j, -3), 3) + 3].tolist())


def test_the_last_query_stands_at_the_last_key():
    relative = RelativePositions(2, max_distance=8, bidirectional=False)
    with handtorch.no_grad():
        relative.weight.copy_(handtorch.randn(9, 2))
    np.testing.assert_array_equal(array(relative(2, 6)), array(relative(6, 6))[:, 4:])


def test_buckets_hold_small_distances_alone_and_large_ones_together():
    causal = RelativePositions(1, max_distance=128, buckets=8, bidirectional=False)
    distances = np.array([-4, 0, 1, 3, 4, 9, 10, 22, 23, 53, 54, 1000])
    # 4, 4 · 32^(1/4) = 9.5, 4 · 32^(2/4) = 22.6 and 4 · 32^(3/4) = 53.8 are where the four wide buckets begin
    np.testing.assert_array_equal(causal.bucket(distances), [0, 0, 1, 3, 4, 4, 5, 5, 6, 6, 7, 7])
    both = RelativePositions(1, max_distance=128, buckets=16)
    np.testing.assert_array_equal(both.bucket(np.array([9, -9, 0, -1])), [4, 12, 0, 9])


def test_relative_scores_are_those_of_transformer_xl():
    handtorch.manual_seed(0)
    relative = RelativeScores(6, heads=2, head_dim=4).double()
    for parameter in (relative.content, relative.distance):
        handtorch.nn.init.normal_(parameter)
    q, k = handtorch.randn(3, 2, 4, 4).double(), handtorch.randn(3, 2, 7, 4).double()
    moved, bias = relative(q, 7)
    scores = array(moved @ k.mT) / 2 + array(bias)
    u, v, w = array(relative.content), array(relative.distance), array(relative.project.weight).reshape(2, 4, 6)
    for h in range(2):
        for i in range(4):
            for j in range(7):
                distance = 3 + i - j
                speeds = 10_000.0 ** (-np.arange(0, 6, 2) / 6)
                wave = np.stack([np.sin(distance * speeds), np.cos(distance * speeds)], -1).ravel()
                query = array(q)[:, h, i]
                want = ((query + u[h]) @ array(k)[:, h, j].T).diagonal() + (query + v[h]) @ w[h] @ wave
                np.testing.assert_allclose(scores[:, h, i, j], want / 2, atol=1e-12)


def test_gradients_of_relative_scores_agree_with_difference_quotients():
    relative = RelativeScores(4, heads=2).double()
    gradcheck(lambda q: relative(q, 4)[1], [handtorch.randn(1, 2, 3, 2).double().requires_grad_()])
    alone, whole = relative(handtorch.ones(1, 2, 1, 2).double(), 4), relative(handtorch.ones(1, 2, 3, 2).double(), 4)
    np.testing.assert_allclose(array(alone[1])[:, :, 0], array(whole[1])[:, :, 2], atol=1e-12)


@pytest.mark.parametrize(
    "make",
    [
        lambda: SinusoidalPositions(0),
        lambda: LearnedPositions(0, 3),
        lambda: RelativePositions(0),
        lambda: RelativePositions(2, buckets=3),
        lambda: RelativePositions(2, max_distance=4, buckets=16),
        lambda: RelativeScores(7, 2),
    ],
)
def test_sizes_that_make_no_sense_are_refused(make):
    with pytest.raises(ArgumentError, match="expected"):
        make()


def test_relative_scores_refuse_queries_that_do_not_fit():
    with pytest.raises(ShapeError, match=r"expected q \(N, 2, L, 3\)"):
        RelativeScores(6, 2)(handtorch.zeros(1, 2, 4, 5), 7)
