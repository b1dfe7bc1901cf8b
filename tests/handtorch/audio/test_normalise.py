"""Normalisation agrees with scikit-learn, with brute force over windows, and however a corpus is cut up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import StandardScaler

from handtorch import audio
from handtorch.errors import ArgumentError, ShapeError


@pytest.fixture(scope="module")
def features() -> np.ndarray:
    rng = np.random.default_rng(0)
    return (rng.standard_normal((200, 5)) * [1, 5, 0.1, 2, 3] + [0, 100, -3, 1e4, 2]).astype(np.float32)


def test_an_utterance_is_normalised_as_scikit_learn_does(features: np.ndarray) -> None:
    np.testing.assert_allclose(
        audio.mean_variance_normalise(features), StandardScaler().fit_transform(features.astype("f8")), atol=2e-3
    )
    centred = StandardScaler(with_std=False).fit_transform(features.astype("f8"))
    np.testing.assert_allclose(audio.mean_variance_normalise(features, variance=False), centred, atol=2e-3)


def test_a_constant_column_becomes_zero_not_infinite() -> None:
    assert not audio.mean_variance_normalise(np.full((10, 2), 7.0)).any()
    assert not audio.sliding_normalise(np.full((10, 2), 7.0), variance=True).any()


@pytest.mark.parametrize("window", [1, 2, 7, 50, 199, 300])
@pytest.mark.parametrize("variance", [False, True])
def test_a_sliding_window_is_centred_and_moves_inwards_at_the_ends(
    features: np.ndarray, window: int, variance: bool
) -> None:
    x = features.astype(np.float64)
    expected = np.empty_like(x)
    for t in range(len(x)):
        begin = min(max(t - window // 2, 0), max(len(x) - window, 0))
        part = x[begin : begin + window]
        expected[t] = x[t] - part.mean(0)
        if variance:
            expected[t] /= np.maximum(part.std(0), 1e-5)
    ours = audio.sliding_normalise(features, window, variance=variance)
    np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-5)


@settings(max_examples=25, deadline=None)
@given(cuts=st.lists(st.integers(0, 200), max_size=8), merge_at=st.integers(0, 8))
def test_running_statistics_do_not_depend_on_how_the_corpus_is_cut(cuts: list[int], merge_at: int) -> None:
    x = np.random.default_rng(1).standard_normal((200, 3)) * 3 + 1e3
    parts = np.split(x, sorted(cuts))
    first = audio.RunningStatistics.of(parts[:merge_at])
    first.merge(audio.RunningStatistics.of(parts[merge_at:]))
    assert first.count == 200
    np.testing.assert_allclose(first.mean, x.astype("f4").mean(0, dtype="f8"), rtol=1e-12)
    np.testing.assert_allclose(first.variance, x.astype("f4").var(0, dtype="f8"), rtol=1e-9)


def test_corpus_statistics_normalise_each_utterance_alike(features: np.ndarray) -> None:
    statistics = audio.RunningStatistics.of([features[:50], features[50:]])
    scaler = StandardScaler().fit(features.astype("f8"))
    np.testing.assert_allclose(statistics.normalise(features[:7]), scaler.transform(features[:7]), atol=2e-3)


def test_statistics_survive_being_saved(features: np.ndarray) -> None:
    whole = audio.RunningStatistics.of([features])
    resumed = audio.RunningStatistics()
    resumed.load_state_dict(audio.RunningStatistics.of([features[:80]]).state_dict())
    resumed.update(features[80:])
    np.testing.assert_allclose(resumed.variance, whole.variance, rtol=1e-12)
    np.testing.assert_allclose(resumed.mean, whole.mean, rtol=1e-12)


def test_bad_arguments_say_what_was_expected(features: np.ndarray) -> None:
    statistics = audio.RunningStatistics()
    with pytest.raises(ArgumentError, match="call update"):
        statistics.normalise(features)
    statistics.update(features)
    with pytest.raises(ShapeError, match="width 5 as before, got width 4"):
        statistics.update(features[:, :4])
    with pytest.raises(ShapeError, match="width 5, got 4"):
        statistics.normalise(features[:, :4])
    with pytest.raises(ShapeError, match="at least one frame"):
        audio.mean_variance_normalise(features[:0])
    assert audio.sliding_normalise(features[:0]).shape == (0, 5)
