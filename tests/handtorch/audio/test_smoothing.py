import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handtorch.audio.smoothing import SmoothPath, runs
from handtorch.errors import ArgumentError


def brute_force(log_probs, penalty):
    def score(path):
        changes = sum(a != b for a, b in itertools.pairwise(path))
        return sum(row[label] for row, label in zip(log_probs, path, strict=True)) - penalty * changes

    return max(itertools.product(range(log_probs.shape[1]), repeat=len(log_probs)), key=score)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10_000), st.integers(1, 7), st.integers(1, 4), st.floats(0, 3), st.integers(0, 7))
def test_the_path_is_the_best_of_all_paths_however_frames_come(seed, frames, classes, penalty, cut):
    log_probs = np.log(np.random.default_rng(seed).dirichlet(np.full(classes, 0.5), frames) + 1e-6).astype(np.float32)
    path = SmoothPath(penalty)
    path.add(log_probs[:cut])
    path.add(log_probs[cut:])
    assert tuple(path.labels().tolist()) == brute_force(log_probs, penalty)


def test_without_penalty_every_frame_has_its_likeliest_label():
    log_probs = np.random.default_rng(0).standard_normal((200, 40)).astype(np.float32)
    path = SmoothPath(0.0)
    path.add(log_probs)
    np.testing.assert_array_equal(path.labels(), log_probs.argmax(axis=1))


def test_hours_of_frames_do_not_wear_out_the_scores():
    frame = np.log(np.array([[0.6, 0.4]], np.float32))
    path = SmoothPath(1.0)
    path.add(np.repeat(frame, 20_000, axis=0))
    path.add(frame[:, ::-1] * 10)
    assert path.labels()[-1] == 1 and not path.labels()[:-1].any()


def test_no_frames_have_no_labels():
    assert len(SmoothPath(1.0).labels()) == 0


def test_a_reward_for_changes_is_refused():
    with pytest.raises(ArgumentError, match="penalty >= 0"):
        SmoothPath(-1.0)


def test_runs_are_stretches_of_equal_labels():
    assert list(runs([3, 3, 1, 3])) == [(3, 0, 2), (1, 2, 3), (3, 3, 4)]
    assert list(runs([])) == []
