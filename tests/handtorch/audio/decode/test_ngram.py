"""N-gram models, against the formulas of the papers written out over counts of strings, and against KenLM's figures."""

import gzip
import itertools
import math
import random
from collections import Counter

import numpy as np
import pytest

import handtorch
from handtorch.audio.decode import NGram
from handtorch.errors import ArgumentError, FormatError, MissingFileError

# By hand, with a back-off, a pruned trigram's suffix and no particular order.
SMALL = """
some tools write a line of their own here

\\data\\
ngram 1=5
ngram 2=4
ngram 3=2

\\1-grams:
-1.5\t<unk>
-99\t<s>\t-0.5
-0.7 </s>
-0.4\tb\t-0.25
-0.3\ta\t-0.125

\\2-grams:
-0.6\ta </s>
-0.2\t<s> a\t-0.0625
-0.45\tb a
-0.15\ta b\t-0.3

\\3-grams:
-0.1\t<s> a b
-0.35\ta b a

\\end\\
"""

# What kenlm 0.3.0 says of SMALL: log10 P(sentence).
BY_KENLM = {
    "a b a": -1.25,
    "": -1.2,
    "b b": -2.5,
    "a a a b": -2.5125,
    "q a": -2.9,
    "b a b a a": -2.875,
}


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small.arpa"
    path.write_text(SMALL)
    return path


def sentences(seed=0, n=80):
    rng = random.Random(seed)
    return [rng.choices("abcd", weights=(8, 4, 2, 1), k=rng.randrange(8)) for _ in range(n)]


def counted(texts, order):
    """Counts of all n-grams up to an order, by n-gram."""
    padded = [("<s>", *text, "</s>") for text in texts]
    return Counter(text[i : i + n] for n in range(1, order + 1) for text in padded for i in range(len(text) - n + 1))


def witten_bell(counts, order, words):
    def p(word, history):
        if len(history) >= order:
            return p(word, history[1:])
        shorter = p(word, history[1:]) if history else 1 / len(words)
        seen = {w: counts[*history, w] for w in words if counts[*history, w]}
        total = sum(seen.values())
        return (counts[*history, word] + len(seen) * shorter) / (total + len(seen)) if seen else shorter

    return p


def kneser_ney(counts, order, words):
    """Chen and Goodman (1998), equations 20, 21 and 26, with the discounts given up where too few n-grams are seen."""
    grams = [g for g in counts if g != ("<s>",)]

    def a(gram):
        if len(gram) == order or gram[0] == "<s>":
            return counts[gram]
        return sum(1 for longer in grams if len(longer) == len(gram) + 1 and longer[1:] == gram)

    adjusted = {gram: a(gram) for gram in grams}
    discounts = {}
    for n in range(1, order + 1):
        t = Counter(c for gram, c in adjusted.items() if len(gram) == n)
        if all(t[k] for k in (1, 2, 3)):
            y = t[1] / (t[1] + 2 * t[2])
            discounts[n] = [0, 1 - 2 * y * t[2] / t[1], 2 - 3 * y * t[3] / t[2], 3 - 4 * y * t[4] / t[3]]
        if n not in discounts or min(discounts[n][1:]) <= 0:
            discounts[n] = [0, 0.5, 1, 1.5]

    def p(word, history):
        if len(history) >= order:
            return p(word, history[1:])
        shorter = p(word, history[1:]) if history else 1 / len(words)
        seen = {w: adjusted[*history, w] for w in words if adjusted.get((*history, w))}
        total = sum(seen.values())
        if not total:
            return shorter
        discount = discounts[len(history) + 1]
        left = sum(discount[min(c, 3)] for c in seen.values())
        own = seen.get(word, 0)
        return (own - discount[min(own, 3)] + left * shorter) / total

    return p


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize(("smoothing", "formula"), [("kneser-ney", kneser_ney), ("witten-bell", witten_bell)])
def test_every_probability_is_that_of_the_formula(smoothing, formula, order):
    texts = sentences()
    model = NGram.train(texts, order, smoothing=smoothing, vocabulary="z")
    words = [word for word in model.words if word != "<s>"]
    expected = formula(counted(texts, order), order, words)
    for history in itertools.chain.from_iterable(itertools.product("abdz", repeat=n) for n in range(4)):
        state = model.start()
        for word in history:
            state = model.advance(state, word)
        for word in words:
            assert math.isclose(math.exp(model.log_prob(state, word)), expected(word, ("<s>", *history)), rel_tol=1e-9)


def test_discounts_come_from_the_counts_where_these_suffice_and_are_constants_where_not():
    texts = [list(f"{x:03d}") for x in np.random.default_rng(0).zipf(1.4, 300) % 1000]
    counts = counted(texts, 3)
    t = Counter(c for gram, c in counts.items() if len(gram) == 3)
    assert all(t[k] for k in (1, 2, 3))  # else this test shows nothing
    words = [*"0123456789", "</s>", "<unk>"]
    expected = kneser_ney(counts, 3, words)
    model = NGram.train(texts, 3)
    for x, y, z in itertools.product("019", repeat=3):
        state = model.advance(model.advance(0, x), y)
        assert math.isclose(math.exp(model.log_prob(state, z)), expected(z, (x, y)), rel_tol=1e-9)


@pytest.mark.parametrize("unknown", [True, False])
@pytest.mark.parametrize("smoothing", ["kneser-ney", "witten-bell"])
def test_probabilities_of_all_words_sum_to_one_after_every_history(smoothing, unknown):
    for order, seed in itertools.product((1, 2, 3, 5), range(3)):
        model = NGram.train(sentences(seed, 30), order, smoothing=smoothing, unknown=unknown)
        for state in range(model.longest if order > 1 else 1):
            log_probs = model.all_log_probs(state)
            assert math.isclose(np.exp(log_probs).sum(), 1.0, rel_tol=1e-9)
            np.testing.assert_allclose(log_probs, [model.log_prob(state, word) for word in model.words], rtol=1e-12)


def test_scores_are_those_of_kenlm(small):
    model = NGram.from_arpa(small)
    assert (model.order, len(model)) == (3, 11)
    for text, expected in BY_KENLM.items():
        assert math.isclose(model.log_probs(text.split()).sum() / math.log(10), expected, abs_tol=1e-5)


def test_a_model_written_and_read_again_says_the_same(tmp_path, small):
    trained = NGram.train(sentences(), 4)
    trained.to_arpa(tmp_path / "trained.arpa")
    read = NGram.from_arpa(tmp_path / "trained.arpa")
    for text in sentences(1, 20):
        np.testing.assert_allclose(read.log_probs(text), trained.log_probs(text), rtol=1e-5)
    read.to_arpa(tmp_path / "again.arpa")
    assert (tmp_path / "again.arpa").read_text() == (tmp_path / "trained.arpa").read_text()


def test_a_compressed_file_is_read(tmp_path, small):
    with gzip.open(tmp_path / "small.arpa.gz", "wb") as file:
        file.write(small.read_bytes())
    assert len(NGram.from_arpa(tmp_path / "small.arpa.gz")) == 11


def test_words_are_read_in_any_script_and_whatever_looks_like_a_space(tmp_path, small):
    small.write_text(SMALL.replace("b", "é\u00a0床"), encoding="utf-8")
    assert "é\u00a0床" in NGram.from_arpa(small)


def test_an_unknown_word_is_unk_and_impossible_without_unk(tmp_path, small):
    model = NGram.from_arpa(small)
    assert model.log_prob(model.start(), "q") == model.log_prob(model.start(), "<unk>")
    small.write_text(SMALL.replace("<unk>", "<UNK>"))
    assert NGram.from_arpa(small).log_prob(0, "q") == -1.5 * math.log(10)
    small.write_text(SMALL.replace("<unk>", "c"))
    model = NGram.from_arpa(small)
    assert model.log_prob(model.start(), "q") == -math.inf
    assert model.advance(model.start(), "q") == 0


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("\\data\\", "data", r"expected a line \\data\\"),
        ("ngram 1=5\nngram 2=4\nngram 3=2\n", "", "expected a line such as 'ngram 1=1000'"),
        ("ngram 2=4", "ngram 3=4", "line 6: expected the number of 2-grams"),
        ("ngram 2=4", "ngram 2=5", "as one of 5 2-grams; got '.3-grams:'"),
        ("ngram 2=4", "ngram 2=3", "expected .3-grams:, got '-0.15"),
        ("\\2-grams:", "\\4-grams:", "line 16: expected .2-grams:"),
        ("\\end\\", "", "is cut short"),
        ("-0.45\tb a", "-0.45\tb", "expected a number, 2 words"),
        ("-0.45\tb a", "-0.45\tb a -0.1 -0.2", "expected a number, 2 words"),
        ("-0.45\tb a", "x\tb a", "line 19: expected a number, got 'x'"),
        ("-0.45\tb a", "nan\tb a", "expected a number below infinity"),
        ("-0.45\tb a", "0.45\tb a", "expected the logarithm of a probability, at most 0, got 0.45"),
        ("-0.45\tb a", "-0.45\tq a", "the word 'q' is none of the 1-grams"),
        ("-0.45\tb a", "-0.45\ta b", "the 2-gram 'a b', which stands there twice"),
        ("-0.4\tb", "-0.4\ta", "line 14: the word 'a' stands here a second time"),
        ("-0.2\t<s> a\t-0.0625", "-0.2\tb b", "the 3-gram '<s> a b', whose beginning"),
        ("<s>", "<S>", "lacking <s>"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused_and_the_message_says_where(small, old, new, message):
    assert old in SMALL
    small.write_text(SMALL.replace(old, new) if old == "<s>" else SMALL.replace(old, new, 1))
    with pytest.raises(FormatError, match=message) as raised:
        NGram.from_arpa(small)
    assert str(small) in str(raised.value)


def test_a_damaged_or_missing_file_is_refused(tmp_path, small):
    for name, content in {
        "a.gz": gzip.compress(SMALL.encode())[:-12],
        "b.gz": b"text",
        "c": b"",
        "d": b"\xff\n",
    }.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(FormatError, match=name):
            NGram.from_arpa(tmp_path / name)
    (tmp_path / "latin.arpa").write_text(SMALL.replace("b", "ñ"), encoding="latin-1")
    with pytest.raises(FormatError, match="UTF-8"):
        NGram.from_arpa(tmp_path / "latin.arpa")
    with pytest.raises(MissingFileError):
        NGram.from_arpa(tmp_path / "nowhere")


def test_a_uniform_model_is_undecided_among_all_words_and_the_end():
    model = NGram.train([], 3, vocabulary="abc", unknown=False)
    assert math.isclose(model.perplexity([list("abca"), []]), 4)


def test_perplexity_of_what_was_seen_falls_with_the_order():
    texts = sentences()
    values = [NGram.train(texts, order, smoothing="witten-bell").perplexity(texts) for order in (1, 2, 3, 4)]
    assert values == sorted(values, reverse=True)
    with pytest.raises(ArgumentError, match="at least one"):
        NGram.train(texts).perplexity([])


def test_class_indices_are_as_good_as_names():
    arrays = NGram.train([np.array([3, 1, 2]), [3, 1]], 2)
    tensors = NGram.train([handtorch.tensor([3, 1, 2]), ["3", "1"]], 2)
    np.testing.assert_array_equal(arrays.log_probs([3, 1]), tensors.log_probs(handtorch.tensor([3, 1])))


def test_over_symbols_gives_their_log_probs_in_their_order(small):
    model = NGram.from_arpa(small)
    over = model.over(["<blank>", "b", "a", "q"])
    state = over.advance(over.start(), 2)
    assert state == model.advance(model.start(), "a")
    expected = [model.log_prob(state, word) for word in ("<blank>", "b", "a", "q")]
    np.testing.assert_allclose(over.next(state), expected)
    assert over.end(state) == model.log_prob(state, "</s>")


def test_what_cannot_be_trained_or_written_is_refused(tmp_path):
    with pytest.raises(ArgumentError, match="order >= 1"):
        NGram.train(["ab"], 0)
    with pytest.raises(ArgumentError, match="'kneser-ney' or 'witten-bell', got 'katz'"):
        NGram.train(["ab"], 2, smoothing="katz")
    with pytest.raises(ArgumentError, match="</s>"):
        NGram.train([["a", "</s>"]], 2)
    with pytest.raises(ArgumentError, match=r"white space.*' '"):
        NGram.train(["a b"], 2).to_arpa(tmp_path / "spaces.arpa")
    assert not (tmp_path / "spaces.arpa").exists()
