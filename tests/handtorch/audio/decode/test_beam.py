"""Prefix beam search, against the sum over all paths; the compiled search against the plain one."""

from __future__ import annotations

import itertools
import math
import threading
from collections import defaultdict

import numpy as np
import pytest

import handtorch
from handtorch import kernels
from handtorch.audio.decode import Automaton, BeamSearch, align, compiled
from handtorch.audio.decode.frames import as_log_probs
from handtorch.errors import ArgumentError, DtypeError, ShapeError
from handtorch.kernels import beam as beam_kernel
from tests.handtorch.audio.decode.paths import by_brute_force, log_softmax, random_log_probs

EVERYTHING = {"width": 5000, "n_best": 5000}


@pytest.fixture(params=["reference", "fast"])
def either_search(request):
    with kernels.use(request.param):
        yield


def assert_is_brute_force(found, expected):
    assert {one.symbols for one in found} == set(expected)
    for one in found:
        log_prob, times = expected[one.symbols]
        assert one.score == one.log_prob == pytest.approx(log_prob, rel=1e-10, abs=1e-10)
        assert one.times == times
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)


@pytest.mark.usefixtures("either_search")
@pytest.mark.parametrize(("T", "C", "blank"), [(6, 3, 0), (6, 3, 2), (5, 4, 1), (1, 4, 0), (8, 2, 1), (4, 1, 0)])
def test_without_pruning_every_sequence_has_the_probability_and_the_times_of_brute_force(T, C, blank):
    log_probs = random_log_probs(T * C, T, C)
    assert_is_brute_force(BeamSearch(blank=blank, **EVERYTHING)(log_probs), by_brute_force(log_probs, blank))


@pytest.mark.usefixtures("either_search")
def test_symbols_that_a_frame_rules_out_are_on_no_path():
    log_probs = random_log_probs(1, 6, 3)
    log_probs[np.random.default_rng(2).random((6, 3)) < 0.4] = -np.inf
    assert_is_brute_force(BeamSearch(**EVERYTHING)(log_probs), by_brute_force(log_probs))


@pytest.mark.usefixtures("either_search")
def test_a_blank_a_is_two_symbols_and_a_a_is_one():
    certain = np.log(np.maximum(np.eye(3), 1e-12))
    for path, symbols in {"aba": (1, 2, 1), "a-a": (1, 1), "aa": (1,), "a--aa-b": (1, 1, 2), "--": ()}.items():
        (found,) = BeamSearch(10)(log_softmax(certain[["-ab".index(symbol) for symbol in path]]))
        assert found.symbols == symbols


@pytest.mark.usefixtures("either_search")
def test_paths_that_say_the_same_are_summed_where_the_likeliest_path_says_something_else():
    # Blank is the likeliest path at 0.36, a has 0.16 + 0.24 + 0.24.
    (found,) = BeamSearch()(np.log([[0.6, 0.4], [0.6, 0.4]]))
    assert found.symbols == (1,)
    assert found.score == pytest.approx(math.log(0.64))


@pytest.mark.usefixtures("either_search")
def test_no_frames_say_nothing_and_impossible_frames_have_no_hypothesis():
    (nothing,) = BeamSearch()(np.zeros((0, 3)))
    assert (nothing.symbols, nothing.times, nothing.score) == ((), (), 0.0)
    impossible = random_log_probs(0, 4, 3)
    impossible[2] = -np.inf
    assert BeamSearch()(impossible) == []


def textbook(log_probs, width):
    """Prefix beam search as Hannun et al. (2014) write it, in probabilities: symbols -> probability."""
    beam = {(): (1.0, 0.0)}
    for frame in np.exp(log_probs):
        after = defaultdict(lambda: [0.0, 0.0])
        for prefix, (blank, label) in beam.items():
            after[prefix][0] += (blank + label) * frame[0]
            for symbol in range(1, len(frame)):
                if prefix[-1:] == (symbol,):
                    after[prefix][1] += label * frame[symbol]
                    after[*prefix, symbol][1] += blank * frame[symbol]
                else:
                    after[*prefix, symbol][1] += (blank + label) * frame[symbol]
        beam = dict(sorted(after.items(), key=lambda one: -sum(one[1]))[:width])
    return {prefix: sum(both) for prefix, both in beam.items() if sum(both) > 0}


@pytest.mark.usefixtures("either_search")
@pytest.mark.parametrize(("width", "C", "sharpness"), list(itertools.product((1, 2, 7, 30), (2, 3, 12), (0.5, 3.0))))
def test_a_narrow_beam_keeps_what_the_textbook_search_keeps(width, C, sharpness):
    log_probs = random_log_probs(width * C, 40, C, sharpness=sharpness)
    found = BeamSearch(width, n_best=width)(log_probs)
    expected = textbook(log_probs, width)
    assert {one.symbols for one in found} == set(expected)
    np.testing.assert_allclose([math.exp(one.score) for one in found], [expected[one.symbols] for one in found])


def test_the_compiled_search_answers_what_the_plain_one_does_to_the_last_bit():
    random = np.random.default_rng(0)
    for seed in range(60):
        T, C = random.integers(0, 25), random.integers(1, 7)
        # whole numbers make ties, which both break in the same way
        logits = random.standard_normal((T, C)) * random.choice([0.0, 1.0, 4.0])
        log_probs = log_softmax(np.round(logits) if seed % 2 else logits)
        log_probs[random.random((T, C)) < random.choice([0.0, 0.3])] = -np.inf
        width = int(random.choice([1, 3, 20]))
        search = BeamSearch(
            width,
            n_best=width,
            blank=int(random.integers(C)),
            insertion_bonus=float(random.choice([0.0, 0.5, -0.5])),
            beam_min_logp=float(random.choice([-np.inf, -3.0, 0.0])),
            token_min_logp=float(random.choice([-np.inf, -2.0])),
        )
        with kernels.use("reference"):
            expected = search(log_probs)
        assert search(log_probs) == expected


@pytest.mark.usefixtures("either_search")
def test_times_are_those_of_forced_alignment():
    for seed in range(5):
        log_probs = random_log_probs(seed, 80, 8, sharpness=4.0)
        for found in BeamSearch(200, n_best=5, blank=2)(log_probs):
            assert found.times == align(log_probs, found.symbols, blank=2).times


def test_token_pruning_forbids_unlikely_symbols_but_never_the_likeliest():
    log_probs = random_log_probs(4, 30, 10, sharpness=1.0)
    for least in (-1.0, -2.0):
        allowed = (log_probs >= least) | (log_probs == log_probs.max(axis=1, keepdims=True))
        masked = np.where(allowed, log_probs, -np.inf)
        assert (masked > -np.inf).sum() < log_probs.size
        assert BeamSearch(8, n_best=8, token_min_logp=least)(log_probs) == BeamSearch(8, n_best=8)(masked)


def test_beam_pruning_keeps_prefixes_near_the_best_alone():
    log_probs = random_log_probs(5, 12, 6, sharpness=1.0)
    near = BeamSearch(500, n_best=500, beam_min_logp=-2.0)(log_probs)
    assert 1 < len(near) < 500
    assert near[-1].score >= near[0].score - 2.0
    assert BeamSearch(500, beam_min_logp=-0.0)(log_probs) == BeamSearch(1)(log_probs)


def test_the_n_best_are_the_first_of_all():
    log_probs = random_log_probs(6, 20, 5)
    assert BeamSearch(20, n_best=3)(log_probs) == BeamSearch(20, n_best=20)(log_probs)[:3]
    assert len(BeamSearch(20)(log_probs)) == 1


@pytest.mark.usefixtures("either_search")
def test_a_batch_decodes_like_its_sequences_without_what_pads_them():
    log_probs = random_log_probs(7, 9, 12, 4)
    lengths = np.array([12, 0, 1, 7, 12, 3, 3, 11, 5])
    search = BeamSearch(4, n_best=2, blank=1)
    before = handtorch.get_num_threads()
    handtorch.set_num_threads(2)
    try:
        found = search(handtorch.tensor(log_probs, requires_grad=True), lengths)
    finally:
        handtorch.set_num_threads(before)
    assert found == [search(one[:length]) for one, length in zip(log_probs, lengths, strict=True)]
    assert search(log_probs) == [search(one) for one in log_probs]
    assert search(log_probs[3], [7]) == found[3]
    log_probs[np.arange(12) >= lengths[:, None]] = 0.0
    assert search(log_probs, lengths) == found


def test_a_batch_is_searched_by_all_threads_at_once(monkeypatch):
    together = threading.Barrier(2, timeout=20)

    def meet(*_):
        together.wait()
        return []

    monkeypatch.setattr(compiled, "search", meet)
    before = handtorch.get_num_threads()
    handtorch.set_num_threads(2)
    try:
        assert BeamSearch()(random_log_probs(0, 2, 3, 4)) == [[], []]
    finally:
        handtorch.set_num_threads(before)


def test_a_long_recording_keeps_its_scores_finite_and_its_times_in_order():
    log_probs = random_log_probs(8, 20_000, 12, sharpness=4.0)
    (found,) = BeamSearch(5)(log_probs)
    with kernels.use("reference"):
        assert BeamSearch(5)(log_probs[:2000]) == BeamSearch(5)(log_probs[None], [2000])[0]
    assert np.isfinite(found.score)
    times = np.array(found.times)
    assert len(times) == len(found.symbols)
    assert np.all(times[:, 0] < times[:, 1])
    assert np.all(times[1:, 0] >= times[:-1, 1])


def test_the_memory_of_a_search_is_that_of_its_answer_however_long_it_looked():
    silence = np.tile(np.log([1 - 2e-6, 1e-6, 1e-6]), (50_000, 1))
    guide = Automaton.free(3)
    _, nodes, spans = beam_kernel.search(
        silence, guide.offsets, guide.symbols, guide.scores, guide.targets, 0, 20, -math.inf
    )
    assert len(nodes) + len(spans) < 500


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"width": 0}, "expected width >= 1 prefixes, got 0"),
        ({"n_best": 51}, "expected n_best from 1 to width, 50 here, got 51"),
        ({"n_best": 0}, "got 0"),
        ({"beam_min_logp": 3.0}, "expected beam_min_logp <= 0.*got 3.0"),
        ({"beam_min_logp": math.nan}, "got nan"),
        ({"token_min_logp": math.nan}, "expected token_min_logp.*got nan"),
        ({"guide": Automaton.free(3), "insertion_bonus": 1.0}, "expected a guide or a language model.*got both"),
    ],
)
def test_settings_outside_their_range_are_refused(settings, says):
    with pytest.raises(ArgumentError, match=says):
        BeamSearch(**settings)


def test_what_is_no_log_probability_is_refused():
    with pytest.raises(ShapeError, match=r"expected log_probs \(T, C\)"):
        BeamSearch()(np.zeros(3))
    with pytest.raises(DtypeError):
        BeamSearch()(np.zeros((3, 3), complex))
    with pytest.raises(ArgumentError, match="apply log_softmax"):
        BeamSearch()(np.random.default_rng(0).standard_normal((3, 3)) + 5)
    with pytest.raises(ShapeError, match="one length for each of 2"):
        BeamSearch()(random_log_probs(0, 2, 3, 4), [1, 2, 3])


def test_the_frames_of_the_caller_are_left_as_they_were():
    log_probs = random_log_probs(9, 5, 4)
    before = log_probs.copy()
    BeamSearch(3, token_min_logp=-1.0)(log_probs)
    np.testing.assert_array_equal(as_log_probs(log_probs, 0), before)
