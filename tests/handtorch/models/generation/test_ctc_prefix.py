"""CTC's next tokens against adding up all paths."""

import itertools

import numpy as np
import pytest

import handtorch
from handtorch.errors import ArgumentError, ShapeError
from handtorch.models.generation.beam import beam_search
from handtorch.models.generation.ctc_prefix import CTCPrefixScorer
from handtorch.nn import functional as F

BLANK, END, V = 0, 1, 4


def collapsed(path):
    kept = [symbol for symbol, _ in itertools.groupby(path)]
    return tuple(symbol for symbol in kept if symbol != BLANK)


def tables(seed=0, number=2, steps=5):
    logits = np.random.default_rng(seed).normal(size=(number, steps, V)) * 2
    logits[:, :, END] = -np.inf
    return logits - np.logaddexp.reduce(logits, axis=2, keepdims=True)


def texts_of(table):
    """The probability of each text: the sum over its paths."""
    found = {}
    for path in itertools.product([BLANK, 2, 3], repeat=len(table)):
        p = np.exp(sum(table[t, symbol] for t, symbol in enumerate(path)))
        found[collapsed(path)] = found.get(collapsed(path), 0.0) + p
    return found


def test_every_next_token_has_the_share_of_all_paths_that_begin_so():
    log_probs = tables()
    lengths = np.array([5, 3])
    scorer = CTCPrefixScorer(log_probs, lengths, blank=BLANK, end=END)
    for row, length in enumerate(lengths):
        texts = texts_of(log_probs[row, :length])
        for text in [(), (2,), (2, 2), (3, 2), (2, 3, 2)]:
            begun = sum(p for other, p in texts.items() if other[: len(text)] == text)
            if begun == 0:
                continue
            state = scorer.start().select(np.array([row]))
            result = scorer(handtorch.tensor([[BLANK, *text]]), state)[0].numpy()[0, 0]
            expected = {
                token: sum(p for other, p in texts.items() if other[: len(text) + 1] == (*text, token)) / begun
                for token in (2, 3)
            } | {END: texts.get(text, 0.0) / begun, BLANK: 0.0}
            np.testing.assert_allclose(np.exp(result), [expected[token] for token in range(V)], rtol=1e-9, atol=1e-13)


def test_a_text_token_by_token_has_the_probability_of_ctc_loss():
    log_probs = tables(1, number=1, steps=7)
    scorer = CTCPrefixScorer(log_probs, [7], blank=BLANK, end=END)
    state, total = scorer.start(), 0.0
    text = [2, 2, 3]
    for before, token in zip([BLANK, *text], [*text, END], strict=True):
        logits, state = scorer(handtorch.tensor([[before]]), state)
        total += float(logits[0, 0, token])
    finite = np.where(np.isfinite(log_probs), log_probs, -1e4)
    tensors = handtorch.tensor(finite).transpose(0, 1), handtorch.tensor([text])
    loss = F.ctc_loss(*tensors, handtorch.tensor([7]), handtorch.tensor([3]), BLANK, reduction="sum")
    np.testing.assert_allclose(total, -float(loss), rtol=1e-9)


def test_a_search_by_ctc_alone_finds_the_likeliest_text():
    for seed in range(5):
        log_probs = tables(seed, number=3)
        lengths = np.array([5, 4, 2])
        scorer = CTCPrefixScorer(log_probs, lengths, blank=BLANK, end=END)
        results = beam_search(scorer, [[BLANK]] * 3, beams=1000, max_tokens=7, stop=END, state=scorer.start(), n_best=4)
        for row, found in enumerate(results):
            texts = texts_of(log_probs[row, : lengths[row]])
            expected = sorted(texts, key=lambda text: -texts[text])[:4]
            assert [each.tokens for each in found] == expected
            np.testing.assert_allclose([each.score for each in found], np.log([texts[text] for text in expected]))


def test_what_the_end_token_has_been_given_is_shared_among_the_others():
    log_probs = tables(3)
    given = log_probs + np.log(0.9)
    given[:, :, END] = np.log(0.1)
    one, other = (CTCPrefixScorer(table, [5, 4], blank=BLANK, end=END) for table in (log_probs, given))
    tokens = handtorch.tensor([[2], [3]])
    np.testing.assert_allclose(other(tokens, other.start())[0].numpy(), one(tokens, one.start())[0].numpy())


def test_wrong_arguments_are_told():
    with pytest.raises(ArgumentError, match="blank and end"):
        CTCPrefixScorer(tables(), [5, 5], blank=1, end=1)
    with pytest.raises(ShapeError, match="lengths"):
        CTCPrefixScorer(tables(), [5], blank=0, end=1)
