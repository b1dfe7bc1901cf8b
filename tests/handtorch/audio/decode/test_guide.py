"""Search with a guide: language models, automata, and symbols offered twice; against brute force."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from handtorch import kernels
from handtorch.audio.decode import Automaton, BeamSearch, ShallowFusion
from handtorch.errors import ArgumentError, ShapeError
from tests.handtorch.audio.decode.paths import by_brute_force, random_log_probs

C = 4
EVERYTHING = {"width": 5000, "n_best": 5000}


class Bigrams:
    """A language model that knows the symbol before; the last column is the end."""

    def __init__(self):
        self.log_probs = random_log_probs(11, C, C + 1)

    def start(self):
        return 0  # the blank, which is never said, stands for the beginning

    def next(self, state):
        return self.log_probs[state, :C]

    def advance(self, state, symbol):
        return symbol

    def end(self, state):
        return self.log_probs[state, C]

    def score(self, symbols):
        steps = sum(self.log_probs[a, b] for a, b in itertools.pairwise((0, *symbols)))
        return steps + self.log_probs[symbols[-1] if symbols else 0, C]

    def as_automaton(self, weight, bonus):
        arcs = [(a, b) for a in range(C) for b in range(1, C)]
        return Automaton(
            offsets=np.arange(C + 1) * (C - 1),
            symbols=np.array([b for _, b in arcs]),
            scores=np.array([weight * self.log_probs[a, b] + bonus for a, b in arcs]),
            targets=np.array([b for _, b in arcs]),
            ends=weight * self.log_probs[:, C],
        )


def test_fusion_adds_weight_times_the_language_model_and_a_bonus_for_each_symbol():
    log_probs, model = random_log_probs(0, 6, C), Bigrams()
    found = BeamSearch(language_model=model, lm_weight=0.7, insertion_bonus=0.4, **EVERYTHING)(log_probs)
    heard = by_brute_force(log_probs)
    assert {one.symbols for one in found} == set(heard)
    for one in found:
        log_prob, times = heard[one.symbols]
        assert one.log_prob == pytest.approx(log_prob)
        assert one.score == pytest.approx(log_prob + 0.7 * model.score(one.symbols) + 0.4 * len(one.symbols))
        assert one.times == times
        assert one.states == one.symbols


def test_a_language_model_without_weight_forbids_nothing():
    class Silent(Bigrams):
        def next(self, state):
            return np.full(C, -np.inf)

        def end(self, state):
            return -np.inf

    log_probs = random_log_probs(1, 8, C)
    assert [one.symbols for one in BeamSearch(6, n_best=6, language_model=Silent(), lm_weight=0.0)(log_probs)] == [
        one.symbols for one in BeamSearch(6, n_best=6)(log_probs)
    ]
    (only,) = BeamSearch(6, n_best=6, language_model=Silent(), lm_weight=0.0, insertion_bonus=-50.0)(log_probs)[:1]
    assert only.symbols == ()
    assert BeamSearch(6, language_model=Silent())(log_probs) == []


@pytest.mark.parametrize("width", [1, 5, 5000])
def test_a_language_model_written_out_as_an_automaton_gives_the_same(width):
    log_probs, model = random_log_probs(2, 7, C), Bigrams()
    plain = BeamSearch(width, n_best=width, guide=ShallowFusion(model, C, weight=0.5, bonus=0.1))(log_probs)
    table = BeamSearch(width, n_best=width, guide=model.as_automaton(0.5, 0.1))
    assert table(log_probs) == plain
    with kernels.use("reference"):
        assert table(log_probs) == plain


WORDS = {"in": (1, 2), "i": (1,), "nn": (2, 2), "inn": (1, 2, 2), "in again": (1, 2)}  # two words sound the same


class Lexicon:
    """Words one after the other, each for a score of its own: states are (words so far, symbols of the word so far)."""

    score = {word: -0.3 * place - 0.2 for place, word in enumerate(WORDS)}  # noqa: RUF012

    def start(self):
        return ((), ())

    def _choices(self, state):
        words, begun = state
        for word, spelling in WORDS.items():
            if spelling[: len(begun)] == begun and len(spelling) > len(begun):
                symbol = spelling[len(begun)]
                if len(spelling) == len(begun) + 1:
                    yield symbol, self.score[word], ((*words, word), ())
                yield symbol, 0.0, (words, (*begun, symbol))

    def _distinct(self, state):
        return list(dict.fromkeys(self._choices(state)))

    def choices(self, states):
        lists = [self._distinct(state) for state in states]
        return [(np.array([c[0] for c in one], int), np.array([c[1] for c in one])) for one in lists]

    def advance(self, state, choice):
        return self._distinct(state)[choice][2]

    def end(self, state):
        return -math.inf if state[1] else 0.0


def test_a_guide_that_offers_a_symbol_twice_finds_all_words_that_sound_the_same():
    log_probs = random_log_probs(3, 6, 3)
    expected = {}
    heard = by_brute_force(log_probs)
    for count in range(7):
        for words in itertools.product(WORDS, repeat=count):
            symbols = sum((WORDS[word] for word in words), ())
            if symbols in heard:
                expected[words] = heard[symbols][0] + sum(Lexicon.score[word] for word in words)
    found = BeamSearch(guide=Lexicon(), **EVERYTHING)(log_probs)
    scores = {(one.states[-1][0] if one.states else ()): one.score for one in found}
    assert len(found) == len(scores)
    assert scores == pytest.approx(expected)


@pytest.mark.parametrize("choice", ["reference", "fast"])
def test_an_automaton_that_allows_no_end_leaves_no_hypothesis(choice):
    # 1 then 2 then nothing, and only then may it end
    chain = Automaton(
        offsets=[0, 1, 2, 2], symbols=[1, 2], scores=[0.0, 0.0], targets=[1, 2], ends=[-np.inf, -np.inf, 0.0]
    )
    with kernels.use(choice):
        (found,) = BeamSearch(guide=chain)(random_log_probs(4, 3, 3))
        assert (found.symbols, found.states) == ((1, 2), (1, 2))
        assert BeamSearch(guide=chain)(random_log_probs(4, 1, 3)) == []


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"ends": []}, ShapeError, "at least one state"),
        ({"scores": [0.0]}, ShapeError, r"'scores': \(1,\)"),
        ({"offsets": [0, 3, 2]}, ArgumentError, "expected offsets that rise from 0 to 2"),
        ({"offsets": [1, 2, 2]}, ArgumentError, "expected offsets that rise from 0 to 2"),
        ({"targets": [0, 2]}, ArgumentError, "expected targets from 0 to 1, got 0 to 2"),
        ({"scores": [0.0, np.nan]}, ArgumentError, "got NaN or infinity"),
        ({"ends": [0.0, np.inf]}, ArgumentError, "got NaN or infinity"),
    ],
)
def test_a_table_that_is_no_automaton_is_refused(change, error, says):
    table = {"offsets": [0, 1, 2], "symbols": [1, 2], "scores": [0.0, 0.0], "targets": [0, 1], "ends": [0.0, 0.0]}
    Automaton(**table)
    with pytest.raises(error, match=says):
        Automaton(**table | change)


def test_a_guide_or_a_model_over_other_symbols_is_refused():
    log_probs = random_log_probs(5, 4, 3)
    with pytest.raises(ArgumentError, match="expected a guide over 3 symbols and never the blank 0, got 3"):
        BeamSearch(guide=Automaton.free(4))(log_probs)
    with pytest.raises(ArgumentError, match="never the blank 1, got 1"):
        BeamSearch(guide=Automaton.free(3), blank=1)(log_probs)
    with pytest.raises(ShapeError, match=r"expected the language model to give 3 log probabilities.*got shape \(4,\)"):
        BeamSearch(language_model=Bigrams())(log_probs)


def test_a_language_model_that_gives_nan_is_refused():
    class Broken(Bigrams):
        def next(self, state):
            return np.full(C, np.nan)

    with pytest.raises(ArgumentError, match="log probabilities of the language model, got NaN"):
        BeamSearch(language_model=Broken())(random_log_probs(6, 3, C))
