"""Beam search against trying everything."""

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from handtorch.errors import ArgumentError
from handtorch.models.generation.beam import Scorer, beam_search
from handtorch.tensor import Tensor

V, END, START = 4, 1, 0


@dataclass(frozen=True)
class Read:
    """All that was read, and where attention has looked at each token of it."""

    texts: Any
    watched: Any

    def select(self, rows):
        rows = rows.numpy()
        return Read(self.texts[rows], Tensor.of(self.watched.numpy()[rows]))


class Whole:
    """A model whose next token depends on the whole text before it: a table drawn by chance for each text."""

    def __init__(self, seed=0, spread=1.5, memory=3):
        self.seed, self.spread, self.memory = seed, spread, memory

    def logits(self, text):
        return np.random.default_rng([self.seed, *text]).normal(size=V) * self.spread

    def looks(self, text):
        weights = np.random.default_rng([7, self.seed, *text]).exponential(size=(2, self.memory)) ** 3
        return weights / weights.sum(axis=1, keepdims=True)

    def start(self, number):
        return Read(np.zeros((number, 0), np.int64), Tensor.of(np.zeros((number, 2, 0, self.memory))))

    def __call__(self, tokens, state):
        texts = np.concatenate([state.texts, tokens.numpy()], 1)
        ends = range(state.texts.shape[1] + 1, texts.shape[1] + 1)
        logits = np.array([[self.logits(text[:end].tolist()) for end in ends] for text in texts])
        looks = np.array([[self.looks(text[:end].tolist()) for end in ends] for text in texts])
        watched = np.concatenate([state.watched.numpy(), looks.transpose(0, 2, 1, 3)], 2)
        return Tensor.of(logits), Read(texts, Tensor.of(watched))


def log_softmax(x):
    return x - np.log(np.exp(x).sum())


def brute_force(models, prompt, most, *, least=0, penalty=0.0, bonus=0.0, coverage=0.0, seen=0.5):
    """All texts that stop, with their scores, best first; models are (weight, model)."""
    found = []
    inner = [token for token in range(V) if token != END]
    for length in range(least, most):
        for text in itertools.product(inner, repeat=length):
            total, looked = 0.0, 0.0
            for place, token in enumerate([*text, END]):
                before = [*prompt, *text[:place]]
                total += sum(weight * log_softmax(model.logits(before))[token] for weight, model in models)
            model = models[0][1]
            looked = sum(model.looks(list([*prompt, *text])[:end]) for end in range(1, len(prompt) + length + 1))
            covered = (looked.mean(axis=0) > seen).sum()
            found.append((total / (length + 1) ** penalty + bonus * (length + 1) + coverage * covered, text))
    return sorted(found, reverse=True)


RULES = [
    {},
    {"penalty": 1.0},
    {"penalty": 0.6, "bonus": 0.4},
    {"bonus": 1.5},
    {"bonus": -0.7},
    {"coverage": 0.8},
    {"penalty": 0.5, "coverage": 0.5, "seen": 0.9, "bonus": 0.2},
    {"least": 2},
]


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_with_enough_beams_it_finds_what_trying_everything_finds(rules, seed):
    model = Whole(seed)
    names = {"penalty": "length_penalty", "bonus": "length_bonus", "least": "min_tokens"}
    given = {names.get(name, name): value for name, value in rules.items()}
    found = beam_search(model, [[START]], beams=V**5, max_tokens=5, stop=END, state=model.start(1), n_best=7, **given)[
        0
    ]
    expected = brute_force([(1.0, model)], [START], 5, **rules)[:7]
    assert [each.tokens for each in found] == [text for _, text in expected]
    np.testing.assert_allclose([each.score for each in found], [score for score, _ in expected], rtol=1e-12)
    assert all(each.ended for each in found)


def test_second_opinions_count_with_their_weights():
    models = [(0.7, Whole(3)), (0.4, Whole(4)), (0.2, Whole(5))]
    (weight, model), *others = models
    found = beam_search(
        model, [[START, 2]], beams=V**5, max_tokens=5, stop=END, state=model.start(1), weight=weight, n_best=5,
        scorers=[Scorer(other, share, other.start(1)) for share, other in others],
    )[0]  # fmt: skip
    expected = brute_force(models, [START, 2], 5)[:5]
    assert [each.tokens for each in found] == [text for _, text in expected]
    np.testing.assert_allclose([each.score for each in found], [score for score, _ in expected])
    alone = dict((text, score) for score, text in brute_force([(1.0, model)], [START, 2], 5))
    np.testing.assert_allclose([each.log_prob for each in found], [alone[each.tokens] for each in found])


def test_prompts_of_different_lengths_are_searched_as_each_alone():
    model = Whole(6)
    prompts = [[START, 2, 3], [START], [START, 3, 2], [2]]
    limits = [5, 3, 2, 4]
    rules = {"beams": 3, "stop": END, "n_best": 3, "length_penalty": 0.7}
    together = beam_search(model, prompts, max_tokens=limits, state=model.start(4), **rules)
    for prompt, limit, found in zip(prompts, limits, together, strict=True):
        assert found == beam_search(model, [prompt], max_tokens=limit, state=model.start(1), **rules)[0]


def test_one_beam_is_greedy():
    model = Whole(8)
    text = []
    while len(text) < 6 and (not text or text[-1] != END):
        text.append(int(model.logits([START, *text]).argmax()))
    if text[-1] == END:
        text.pop()
    found = beam_search(model, [[START]], beams=1, max_tokens=6, state=model.start(1))[0][0]
    assert list(found.tokens[: len(text)]) == text and not found.ended


def test_more_beams_never_find_less():
    for seed in range(10):
        model = Whole(20 + seed)
        scores = [
            beam_search(model, [[START]], beams=beams, max_tokens=5, stop=END, state=model.start(1))[0][0].score
            for beams in (1, V**5)
        ]
        assert scores[0] <= scores[1] + 1e-12


def test_what_does_not_stop_in_time_comes_last():
    model = Whole(9)
    found = beam_search(model, [[START]], beams=50, max_tokens=2, stop=END, state=model.start(1), n_best=20)[0]
    assert [each.ended for each in found] == [True] * 4 + [False] * 9
    for part in (found[:4], found[4:]):
        assert [each.score for each in part] == sorted((each.score for each in part), reverse=True)


def test_it_ends_when_nothing_better_can_come():
    asked = []

    class Sure(Whole):
        def logits(self, text):
            asked.append(len(text))
            return np.array([0.0, 9.0, 0.0, 0.0])

    model = Sure()
    beam_search(model, [[START]], beams=3, max_tokens=50, stop=END, state=model.start(1))
    assert max(asked) == 1
    asked.clear()
    beam_search(model, [[START]], beams=3, max_tokens=50, stop=END, state=model.start(1), length_bonus=1.0, end_gap=5.0)
    assert max(asked) == 4  # as a bonus of 50 tokens might still win, only the gap can end it: after three lengths


def test_impossible_tokens_are_never_chosen():
    class Narrow(Whole):
        def logits(self, text):
            return np.array([-math.inf, 0.0, 1.0, -math.inf])

    model = Narrow()
    found = beam_search(model, [[START]], beams=5, max_tokens=4, stop=END, state=model.start(1), n_best=10)[0]
    assert {token for each in found for token in each.tokens} == {2}


@pytest.mark.parametrize(
    "wrong",
    [{"beams": 0}, {"n_best": 0}, {"weight": -1.0}, {"weight": 0.0}, {"length_penalty": -1.0}, {"prompt": [[]]}],
)
def test_settings_that_make_no_sense_are_refused(wrong):
    model = Whole()
    given = {"prompt": [[START]], "state": model.start(1), "max_tokens": 3} | wrong
    with pytest.raises(ArgumentError, match="expected"):
        beam_search(model, **given)


def test_coverage_asks_for_a_state_that_watches():
    class Blind:
        def select(self, rows):
            return self

    with pytest.raises(ArgumentError, match="watch=True"):
        beam_search(lambda tokens, state: (Tensor.of(np.zeros((1, 1, V))), state), [[0]], state=Blind(), coverage=1.0)
