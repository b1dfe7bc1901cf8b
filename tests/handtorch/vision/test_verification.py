"""Figures of verification are scikit-learn's, or what counting says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from handtorch.errors import ArgumentError, ShapeError
from handtorch.random import Generator
from handtorch.vision import verification as V


@st.composite
def scored(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    count = draw(st.integers(2, 60))
    rng = np.random.default_rng(draw(st.integers(0, 1 << 30)))
    same = rng.random(count) < draw(st.floats(0.1, 0.9))
    same[:2] = [True, False]
    scores = rng.normal(size=count) + draw(st.floats(0, 3)) * same
    return (np.round(scores) if draw(st.booleans()) else scores), same


@settings(max_examples=100, deadline=None)
@given(scored())
def test_the_curve_and_its_area_are_scikit_learns(case: tuple[np.ndarray, np.ndarray]) -> None:
    scores, same = case
    far, tar, thresholds = metrics.roc_curve(same, scores, drop_intermediate=False)
    ours = V.roc(scores, same)
    np.testing.assert_allclose(ours.far, far)
    np.testing.assert_allclose(ours.tar, tar)
    np.testing.assert_allclose(ours.thresholds, thresholds)
    assert V.auc(scores, same) == pytest.approx(metrics.roc_auc_score(same, scores))


@settings(max_examples=100, deadline=None)
@given(scored())
def test_thresholds_are_what_counting_says(case: tuple[np.ndarray, np.ndarray]) -> None:
    scores, same = case
    candidates = np.append(np.unique(scores), np.inf)
    rights = [np.mean((scores >= t) == same) for t in candidates]
    threshold, right = V.best_threshold(scores, same)
    assert right == pytest.approx(max(rights))
    assert V.accuracy(scores, same, threshold) == pytest.approx(right)
    assert metrics.accuracy_score(same, scores >= threshold) == pytest.approx(right)
    for far in (0.0, 0.05, 0.3, 1.0):
        allowed = [np.mean(scores[same] >= t) for t in candidates if np.mean(scores[~same] >= t) <= far]
        assert V.tar_at_far(scores, same, far) == pytest.approx(max(allowed))


@settings(max_examples=100, deadline=None)
@given(scored())
def test_the_equal_error_rate_lies_where_the_curve_crosses_the_diagonal(case: tuple[np.ndarray, np.ndarray]) -> None:
    scores, same = case
    rate, _ = V.equal_error_rate(scores, same)
    curve = V.roc(scores, same)
    np.testing.assert_allclose(np.interp(rate, *_without_steps(curve.far, curve.tar, rate)), 1 - rate, atol=1e-9)
    assert rate <= 1


def _without_steps(far: np.ndarray, tar: np.ndarray, at: float) -> tuple[np.ndarray, np.ndarray]:
    """At a vertical step of the curve, the point of it at height ``1 - at``."""
    on_step = np.isclose(far, at)
    if on_step.any() and tar[on_step].min() <= 1 - at <= tar[on_step].max():
        return np.array([at]), np.array([1 - at])
    return far, tar


def test_perfect_and_useless_scores_have_the_figures_that_everybody_knows() -> None:
    same = np.array([1, 1, 0, 0])
    assert V.verify([0.9, 0.8, 0.2, 0.1], same) == V.Verification(
        pairs=4, eer=0.0, auc=1.0, accuracy=1.0, threshold=0.8, tar_at_far={0.1: 1.0, 0.01: 1.0, 0.001: 1.0}
    )
    flat = V.verify([0.5] * 4, same)
    assert (flat.auc, flat.eer) == (0.5, 0.5)
    normal = np.random.default_rng(0).normal(size=200_000)
    scores, answers = normal + 2 * (np.arange(200_000) % 2), np.arange(200_000) % 2
    rate, threshold = V.equal_error_rate(scores, answers)
    assert rate == pytest.approx(0.15866, abs=2e-3) and threshold == pytest.approx(1, abs=0.02)  # Φ(-1)


def test_pairs_are_half_alike_never_of_a_picture_with_itself_and_evenly_spread() -> None:
    targets = np.array([0, 0, 0, 1, 1, 2, 3, 3, 3, 3])
    first, second, same = V.draw_pairs(targets, 20_001, Generator().manual_seed(0))
    assert len(first) == 20_001 and same.sum() == 10_000
    assert ((targets[first] == targets[second]) == same).all() and (first != second).all()
    assert 5 not in first[same]
    # The first picture is any of the ten, the second any of those of other people.
    others = targets[:, None] != targets
    expected = 10_001 * (others / others.sum(axis=1, keepdims=True)).mean(axis=0)
    np.testing.assert_allclose(np.bincount(second[~same], minlength=10), expected, rtol=0.1)
    again = V.draw_pairs(targets, 20_001, Generator().manual_seed(0))
    assert (again[0] == first).all() and (again[1] == second).all()


def test_what_has_no_answer_is_refused() -> None:
    with pytest.raises(ArgumentError, match="one kind only"):
        V.auc([0.1, 0.2], [1, 1])
    with pytest.raises(ArgumentError, match="untold"):  # what VerificationPairs gives where a file tells no answer
        V.auc([0.1, 0.2, 0.3], [0, 1, -1])
    with pytest.raises(ArgumentError, match="finite"):
        V.auc([0.1, np.nan], [1, 0])
    with pytest.raises(ShapeError):
        V.auc([0.1, 0.2, 0.3], [1, 0])
    with pytest.raises(ArgumentError, match="far from 0 to 1"):
        V.tar_at_far([0.1, 0.2], [1, 0], 1.1)
    with pytest.raises(ArgumentError, match="two people"):
        V.draw_pairs([0, 0, 0], 4)
