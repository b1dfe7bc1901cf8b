"""What is being said in every frame, against the sum over all paths."""

from __future__ import annotations

import math

import numpy as np
import pytest

import handtorch
from handtorch.audio.decode import BeamSearch, Hypothesis, posteriors
from handtorch.errors import ArgumentError, ShapeError
from tests.handtorch.audio.decode.paths import every_path, random_log_probs, say


def by_brute_force(log_probs, hypotheses, blank):
    weights = np.exp([one.score for one in hypotheses])
    result = np.zeros(log_probs.shape)
    for one, weight in zip(hypotheses, weights / weights.sum(), strict=True):
        counts = np.zeros(log_probs.shape)
        for path, log_prob in every_path(log_probs):
            if say(path, blank) == one.symbols:
                counts[np.arange(len(path)), path] += math.exp(log_prob)
        result += weight * counts / counts[0].sum()
    return result


@pytest.mark.parametrize(("blank", "n_best"), [(0, 1), (2, 1), (0, 4), (1, 4)])
def test_posteriors_are_the_shares_of_the_paths_that_say_the_hypotheses(blank, n_best):
    log_probs = random_log_probs(blank, 6, 3)
    found = BeamSearch(50, n_best=n_best, blank=blank, insertion_bonus=0.5)(log_probs)
    with handtorch.no_grad():
        result = posteriors(handtorch.tensor(log_probs), found, blank=blank)
    np.testing.assert_allclose(result, by_brute_force(log_probs, found, blank), atol=1e-12)


def test_posteriors_of_all_that_can_be_said_are_the_networks_own():
    log_probs = random_log_probs(3, 6, 3)
    log_probs[2] = [-np.inf, math.log(0.5), math.log(0.5)]
    everything = BeamSearch(5000, n_best=5000)(log_probs)
    np.testing.assert_allclose(posteriors(log_probs, everything), np.exp(log_probs), atol=1e-12)


def test_no_frames_have_no_posteriors():
    nothing = np.zeros((0, 3))
    assert posteriors(nothing, BeamSearch()(nothing)).shape == (0, 3)


def test_what_cannot_have_been_said_is_refused():
    log_probs = random_log_probs(4, 3, 3)
    too_long = Hypothesis((1, 1, 1), 0.0, 0.0, ())
    with pytest.raises(ArgumentError, match="got one that no path through them says: hypothesis 1, with 3 symbols"):
        posteriors(log_probs, [*BeamSearch()(log_probs), too_long])
    with pytest.raises(ArgumentError, match="at least one hypothesis"):
        posteriors(log_probs, [])
    with pytest.raises(ShapeError, match="of one utterance"):
        posteriors(log_probs[None], BeamSearch()(log_probs))
