"""Metrics agree with scikit-learn."""

import numpy as np
import pytest
from sklearn import metrics as oracle

import handtorch
from handtorch import training
from handtorch.errors import ArgumentError, ShapeError


def test_accuracy_is_that_of_scikit_learn_and_leaves_padding_out():
    rng = np.random.default_rng(0)
    scores = rng.standard_normal((6, 4, 9)).astype(np.float32)
    targets = rng.integers(0, 4, (6, 9))
    targets[rng.random((6, 9)) < 0.3] = -100
    correct, counted = training.accuracy(handtorch.from_numpy(scores), handtorch.from_numpy(targets))
    kept = targets != -100
    assert counted == kept.sum()
    assert correct / counted == oracle.accuracy_score(targets[kept], scores.argmax(1)[kept])
    with pytest.raises(ShapeError, match=r"expected outputs \(N, C, ...\).*got \(6, 4, 9\) and \(6, 4\)"):
        training.accuracy(scores, np.zeros((6, 4)))


def test_confusion_counts_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    true, predicted = rng.integers(0, 5, 300), rng.integers(0, 4, 300)
    counts = training.confusion_counts(predicted, true, 5)
    assert np.array_equal(counts, oracle.confusion_matrix(true, predicted, labels=range(5)))
    true[:50] = -100
    assert training.confusion_counts(predicted, true, 5).sum() == 250
    with pytest.raises(ArgumentError, match=r"targets in 0 .. 2, got values from 0 to 4"):
        training.confusion_counts(predicted[50:] % 3, true[50:], 3)
    with pytest.raises(ShapeError, match="as many predictions as targets"):
        training.confusion_counts(predicted, true[:10], 5)
