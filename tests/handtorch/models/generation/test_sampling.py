import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from handtorch import Generator
from handtorch.errors import ArgumentError
from handtorch.models.generation import Sampling, penalise_repetition, top_k, top_p
from handtorch.models.generation.sampling import likeliest, log_probabilities

LOGITS = st.lists(st.integers(-40, 40).map(lambda x: x / 8), min_size=2, max_size=9)


def probabilities(logits):
    weights = [np.exp(x) for x in logits]
    return [w / sum(weights) for w in weights]


@given(LOGITS, st.integers(1, 9))
def test_top_k_keeps_a_token_if_fewer_than_k_are_likelier(logits, k):
    kept = top_k(np.array([logits]), k)[0]
    for i, x in enumerate(logits):
        assert kept[i] == (x if sum(y > x for y in logits) < k else -np.inf)


@given(LOGITS, st.floats(0.01, 0.99))
def test_top_p_keeps_the_fewest_likeliest_tokens_that_reach_p(logits, p):
    kept = top_p(np.array([logits]), p)[0] > -np.inf
    probs = np.array(probabilities(logits))
    assert kept.any()
    assert probs[kept].sum() > p - 1e-9
    assert probs[kept].sum() - probs[kept].min() < p + 1e-9
    assert probs[kept].min() >= probs[~kept].max(initial=0)


def test_top_p_looks_at_each_row_and_leaves_out_what_was_left_out():
    logits = np.log([[0.5, 0.3, 0.15, 0.05], [0.25, 0.25, 0.25, 0.25]])
    logits[1, 0] = -np.inf
    kept = top_p(logits, 0.7) > -np.inf
    assert kept.tolist() == [[True, True, False, False], [False, True, True, True]]


def test_repetition_penalty_makes_seen_tokens_less_likely_whatever_their_sign():
    logits = np.array([[2.0, -2.0, 2.0, -2.0]])
    seen = np.array([[True, True, False, False]])
    np.testing.assert_array_equal(penalise_repetition(logits, seen, 1.25), [[1.6, -2.5, 2.0, -2.0]])


def test_filters_come_after_temperature():
    """At temperature 2 the first two tokens have 0.62 together, and a third is needed for 0.7; at 1 they have 0.8."""
    logits = np.log([[0.6, 0.2, 0.1, 0.1]])
    assert (Sampling(temperature=1, top_p=0.7).filtered(logits) > -np.inf).sum() == 2
    assert (Sampling(temperature=2, top_p=0.7).filtered(logits) > -np.inf).sum() == 3
    both = Sampling(temperature=2, top_k=2, top_p=0.7).filtered(logits)
    np.testing.assert_allclose(both, [[*np.log([0.6, 0.2]) / 2, -np.inf, -np.inf]])


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(),
        Sampling(temperature=0.6),
        Sampling(top_k=3),
        Sampling(top_p=0.8),
        Sampling(1.7, 4, 0.9, 1.3),
    ],
)
def test_tokens_are_drawn_in_proportion_to_their_probabilities(sampling):
    rng = np.random.default_rng(0)
    logits, seen = rng.standard_normal((1, 6)) * 1.5, rng.random((1, 6)) < 0.5
    wanted = np.exp(log_probabilities(sampling.filtered(logits, seen)))[0]
    many = 20_000
    tokens = sampling.draw(np.repeat(logits, many, 0), np.repeat(seen, many, 0), Generator().manual_seed(1))
    counts = np.bincount(tokens, minlength=6)
    assert not counts[wanted == 0].any()
    assert chisquare(counts[wanted > 0], wanted[wanted > 0] * many).pvalue > 0.01


def test_every_row_has_a_draw_of_its_own():
    tokens = Sampling().draw(np.zeros((4000, 2)), None, Generator().manual_seed(0))
    pairs = np.bincount(tokens[::2] * 2 + tokens[1::2], minlength=4)
    assert chisquare(pairs).pvalue > 0.01


def test_temperature_zero_takes_the_likeliest_after_the_penalty():
    logits = np.array([[1.0, 3.0, 2.0], [5.0, 5.0, 1.0]])
    assert Sampling(temperature=0, top_k=1).draw(logits).tolist() == [1, 0]
    seen = np.array([[False, True, False], [True, False, False]])
    assert Sampling(temperature=0, repetition_penalty=2).draw(logits, seen).tolist() == [2, 1]


def test_the_same_seed_draws_the_same_tokens():
    logits = np.random.default_rng(0).standard_normal((50, 9)).astype(np.float32)
    first, again, other = (Sampling().draw(logits, None, Generator().manual_seed(n)).tolist() for n in (3, 3, 4))
    assert first == again != other


def test_log_probabilities_and_the_likeliest():
    log_probs = log_probabilities(np.array([[0.0, 900.0, 899.0], [1.0, 1.0, -np.inf]]))
    np.testing.assert_allclose(np.exp(log_probs), [[0, 0.731059, 0.268941], [0.5, 0.5, 0]], rtol=1e-5)
    first, second = likeliest(log_probs, 2)
    assert [token for token, _ in first] == [1, 2]
    assert {token for token, _ in second} == {0, 1}
    assert len(likeliest(log_probs, 9)[0]) == 3


@pytest.mark.parametrize(
    "wrong",
    [{"temperature": -1}, {"top_k": 0}, {"top_p": 0}, {"top_p": 1.1}, {"repetition_penalty": 0}],
)
def test_settings_outside_their_range_are_refused(wrong):
    with pytest.raises(ArgumentError, match=f"expected .*{next(iter(wrong))}"):
        Sampling(**wrong)


@pytest.mark.parametrize("logits", [[0.0, np.nan], [-np.inf, -np.inf], [0.0, np.inf]])
def test_logits_that_are_no_distribution_are_refused(logits):
    with pytest.raises(ArgumentError, match="finite"):
        Sampling().draw(np.array([logits]))
