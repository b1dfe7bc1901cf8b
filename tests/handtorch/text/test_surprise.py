import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import handtorch
from handtorch import nn
from handtorch.errors import ArgumentError
from handtorch.text import CharacterTokenizer, Perplexity, WordTokenizer
from handtorch.text.surprise import perplexity

V = 5


class LastTwo(nn.Module):
    """Logits out of a table by the last two tokens; the state is the last token of each row."""

    def __init__(self):
        super().__init__()
        self.table = np.random.default_rng(0).normal(size=(V + 1, V, V))
        self.windows = []

    def forward(self, tokens, state=None):
        assert not self.training
        ids = tokens.numpy()
        before = np.full((len(ids), 1), V) if state is None else state
        self.windows.append(ids.shape)
        previous = np.concatenate([before, ids[:, :-1]], axis=1)
        return handtorch.from_numpy(self.table[previous, ids]), ids[:, -1:]

    def nll_by_hand(self, ids, context):
        """Sum over the tokens after the first, each seeing ``context[t]`` tokens before it."""
        total = 0.0
        for place in range(1, len(ids)):
            previous = ids[place - 2] if context(place) >= 2 else V
            logits = self.table[previous, ids[place - 1]]
            total += math.log(np.exp(logits).sum()) - logits[ids[place]]
        return total


IDS = st.lists(st.integers(0, V - 1), min_size=2, max_size=60)


@settings(deadline=None, max_examples=60)
@given(IDS, st.integers(1, 20))
def test_states_carry_over_windows_of_any_length(ids, length):
    model = LastTwo()
    found = perplexity(model, ids, length=length)
    assert found.nll == pytest.approx(model.nll_by_hand(ids, lambda place: place))
    assert found.tokens == len(ids) - 1
    assert found.token == pytest.approx(math.exp(found.nll / found.tokens))
    assert found.nll_per_token == pytest.approx(math.log(found.token))
    assert model.training


@settings(deadline=None, max_examples=60)
@given(IDS, st.integers(1, 9), st.integers(1, 7))
def test_rows_side_by_side_count_every_token_once(ids, length, rows):
    model = LastTwo()
    row_length = math.ceil((len(ids) - 1) / min(rows, len(ids) - 1))
    expected = model.nll_by_hand(ids, lambda place: (place - 1) % row_length + 1)
    assert perplexity(model, ids, length=length, batch_size=rows).nll == pytest.approx(expected)


@settings(deadline=None, max_examples=60)
@given(IDS, st.integers(1, 12), st.integers(1, 12), st.integers(1, 4))
def test_overlapping_windows_count_every_token_once(ids, length, stride, rows):
    stride = min(length, stride)
    model = LastTwo()
    targets = len(ids) - 1
    width = min(length, targets)
    ends = [*range(width, targets, stride), targets]

    def context(place):
        end = next(end for end in ends if end >= place)
        return place - (end - width)

    found = perplexity(model, ids, length=length, stride=stride, batch_size=rows)
    assert found.nll == pytest.approx(model.nll_by_hand(ids, context))
    assert found.tokens == targets
    assert all(shape[0] <= rows and shape[1] == width for shape in model.windows)


def test_a_model_with_an_nll_of_its_own_is_asked_for_it():
    class Halves(nn.Module):
        def nll(self, tokens, targets, state):
            return handtorch.full(targets.shape, math.log(2.0)), None

    found = perplexity(Halves(), [0, 1, 2, 3])
    assert found.token == pytest.approx(2)


def test_words_and_characters_are_those_of_the_text_that_is_foreseen():
    class Uniform(nn.Module):
        def forward(self, tokens, state=None):
            return handtorch.zeros(*tokens.shape, 8), None

    tokenizer = CharacterTokenizer("abc \n", special=["<eos>"])
    text = "ab c\nabc"
    whole = perplexity(Uniform(), text, tokenizer, start=tokenizer.index["<eos>"])
    assert (whole.tokens, whole.words, whole.characters) == (8, 3, 8)
    assert whole.character == pytest.approx(8)
    assert whole.bits_per_character == pytest.approx(3)
    assert whole.word == pytest.approx(8 ** (8 / 3))
    first_unseen = perplexity(Uniform(), text, tokenizer)
    assert (first_unseen.tokens, first_unseen.characters) == (7, 7)
    assert first_unseen.character == pytest.approx(8)
    assert perplexity(Uniform(), text, tokenizer, line_ends=True).words == 4
    assert perplexity(Uniform(), tokenizer.encode(text), tokenizer) == first_unseen

    words = WordTokenizer.train([text], end_of_line="<eos>")
    by_word = perplexity(Uniform(), text, words, start=words.index["<eos>"], line_ends=True)
    assert (by_word.tokens, by_word.words, by_word.characters) == (4, 4, 8)
    assert by_word.token == pytest.approx(by_word.word)
    assert by_word.character == pytest.approx(8 ** (4 / 8))


def test_the_sum_of_two_is_the_perplexity_of_both_texts():
    both = Perplexity(2.0, 4, 2, 8) + Perplexity(1.0, 2, 1, 4)
    assert both == Perplexity(3.0, 6, 3, 12)
    assert (Perplexity(2.0, 4, 2, 8) + Perplexity(1.0, 2)) == Perplexity(3.0, 6)
    assert math.isnan(Perplexity(0.0, 0).token)
    assert math.isnan(Perplexity(1.0, 3).character)
    assert Perplexity(1e6, 1).token == math.inf


def test_a_model_is_put_back_when_it_fails():
    class Broken(nn.Module):
        def forward(self, tokens, state=None):
            raise ValueError("no")

    model = Broken()
    with pytest.raises(ValueError, match="no"):
        perplexity(model, [0, 1, 2])
    assert model.training


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("text", {}, "tokenizer"),
        ([1], {}, "at least one token"),
        ([1, 2], {"length": 4, "stride": 5}, "stride"),
        ([1, 2], {"length": 0}, "length"),
    ],
)
def test_what_cannot_be_measured_is_refused(text, options, message):
    with pytest.raises(ArgumentError, match=message):
        perplexity(LastTwo(), text, **options)
