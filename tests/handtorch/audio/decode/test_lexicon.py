"""Search for words, against brute force over all sequences of words and all paths."""

import itertools
import math

import numpy as np
import pytest

import handtorch
from handtorch import kernels
from handtorch.audio.decode import Lexicon, LexiconSearch, NeuralModel, NGram
from handtorch.errors import ArgumentError, FormatError, MissingFileError, ShapeError
from tests.handtorch.audio.decode.paths import by_brute_force, log_softmax, random_log_probs

# Two pronunciations, words that sound alike, that begin or end others, and doubled symbols; 3 is silence.
ENTRIES = [("a", [1]), ("a", [1, 1]), ("ab", [1, 2]), ("aab", [1, 1, 2]), ("b", [2]), ("bee", [2]), ("bb", [2, 2])]
DIFFERENT = [entry for entry in ENTRIES if entry[0] != "bee"]
SILENCE = 3
EVERYTHING = {"width": 4000, "n_best": 4000}
BIGRAMS = NGram.train([["ab", "a"], ["b", "bee"], ["bee", "a"], ["bee", "bb"], []], 2, vocabulary=["a", "aab"])
TRIGRAMS = NGram.train([["ab", "a", "b"], ["b", "bee", "b"], ["bee", "a", "b"]], 3, smoothing="witten-bell")


def by_words(log_probs, extra, separator=None, fillers=(), alike=False):
    """words -> (score, log probability, spans of the words) of their best pronunciation; ``extra`` scores words."""
    heard = by_brute_force(log_probs)
    best = {}
    for symbols, (log_prob, spans) in heard.items():
        for words, places in spoken(symbols, separator, fillers, alike):
            score = log_prob + extra(words)
            if words not in best or score > best[words][0]:
                best[words] = (score, log_prob, tuple((spans[i][0], spans[j - 1][1]) for i, j in places))
    return best


def spoken(symbols, separator, fillers, alike, place=0, after_word=False):
    """All ways to cut symbols into words: (words, (first symbol, the one after the last) of each)."""
    if place == len(symbols):
        yield (), ()
        return
    if after_word and separator is not None:
        if symbols[place] == separator:
            yield from spoken(symbols, separator, fillers, alike, place + 1)
        return
    if symbols[place] in fillers:
        yield from spoken(symbols, separator, fillers, alike, place + 1)
    for word, spelling in ENTRIES if alike else DIFFERENT:
        end = place + len(spelling)
        if symbols[place:end] == tuple(spelling):
            for words, places in spoken(symbols, separator, fillers, alike, end, True):
                yield (word, *words), ((place, end), *places)


def check(found, expected):
    assert {one.words for one in found} == set(expected)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    for one in found:
        score, log_prob, times = expected[one.words]
        assert one.score == pytest.approx(score)
        assert one.log_prob == pytest.approx(log_prob)
        assert one.times == times


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("look_ahead", [False, True])
@pytest.mark.parametrize("model", [None, BIGRAMS, TRIGRAMS])
def test_every_sequence_of_words_scores_frames_language_model_and_bonus(model, look_ahead, compiled):
    def extra(words):
        return 0.2 * len(words) + (0.7 * model.log_probs(words).sum() if model else 0.0)

    log_probs = random_log_probs(0, 6, 4)
    search = LexiconSearch(
        Lexicon(ENTRIES),
        language_model=model,
        lm_weight=0.7,
        word_bonus=0.2,
        look_ahead=look_ahead,
        compiled=compiled,
        **EVERYTHING,
    )
    expected = by_words(log_probs, extra, alike=model is not None)
    check(search(log_probs), expected)
    if compiled:
        with kernels.use("reference"):
            check(search(log_probs), expected)


@pytest.mark.parametrize("compiled", [False, True])
def test_silence_may_stand_between_words_and_counts_to_none(compiled):
    log_probs = random_log_probs(1, 6, 4)
    search = LexiconSearch(Lexicon(ENTRIES), fillers=[SILENCE], compiled=compiled, **EVERYTHING)
    check(search(log_probs), by_words(log_probs, lambda words: 0.0, fillers=[SILENCE]))


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("fillers", [[], [SILENCE]])
def test_a_separator_has_to_stand_between_words(fillers, compiled):
    log_probs = random_log_probs(2, 6, 4)
    search = LexiconSearch(Lexicon(ENTRIES), separator=SILENCE, fillers=fillers, compiled=compiled, **EVERYTHING)
    check(search(log_probs), by_words(log_probs, lambda words: 0.0, separator=SILENCE, fillers=fillers))


def test_a_network_over_words_is_asked_for_all_new_words_together():
    lexicon = Lexicon(ENTRIES)
    rows = random_log_probs(5, len(lexicon) + 1, len(lexicon) + 1)
    calls = []

    def step(symbols, states):
        calls.append(len(symbols))
        return rows[symbols], states

    start = end = len(lexicon)
    model = NeuralModel(step, start=start, end=end, columns=range(len(lexicon)))

    def extra(words):
        steps = [start, *(lexicon.words.index(word) for word in words), end]
        return 0.5 * sum(rows[a, b] for a, b in itertools.pairwise(steps))

    log_probs = random_log_probs(3, 6, 4)
    search = LexiconSearch(lexicon, language_model=model, lm_weight=0.5, **EVERYTHING)
    check(search(log_probs), by_words(log_probs, extra, alike=True))
    assert max(calls) > 1


def test_looking_ahead_lets_a_narrow_beam_keep_the_word_that_the_language_model_wants():
    words = {"ax": [1, 2], "ay": [1, 3], "bz": [4, 2], "bw": [4, 3]}
    log_probs = log_softmax(np.array([[0, 2, 0, 0, 1.6], [3, 0, 0, 0, 0], [0, 0, 1, 1, 0]], float))
    wanted = NGram.train([["bw"]] * 50, 1, vocabulary=words)
    settings = {"language_model": wanted, "width": 2}
    (ahead,) = LexiconSearch(Lexicon(words.items()), **settings)(log_probs)
    (exact,) = LexiconSearch(Lexicon(words.items()), **settings | {"width": 500, "look_ahead": False})(log_probs)
    behind = LexiconSearch(Lexicon(words.items()), **settings, look_ahead=False)(log_probs)
    assert ahead.words == exact.words == ("bw",)
    assert not behind or behind[0].score < exact.score


def test_words_that_sound_alike_are_told_apart_by_the_language_model():
    log_probs = log_softmax(np.array([[0, 0, 9, 0]], float))
    for wanted in ("b", "bee"):
        model = NGram.train([[wanted]] * 3, 2, vocabulary=["a"])
        best = LexiconSearch(Lexicon(ENTRIES), language_model=model)(log_probs)[0]
        assert (best.words, str(best), best.times) == ((wanted,), wanted, ((0, 1),))


def test_a_batch_gives_what_each_sequence_gives_alone_also_of_tensors():
    batch = random_log_probs(6, 3, 7, 4)
    search = LexiconSearch(Lexicon(ENTRIES), 20, n_best=3)
    expected = [search(batch[0]), search(batch[1][:4]), search(batch[2][:0])]
    assert search(batch, [7, 4, 0]) == expected
    assert search(handtorch.tensor(batch), [7, 4, 0]) == expected
    assert search(handtorch.tensor(batch[0])) == expected[0]
    assert expected[2][0].words == ()


def test_where_no_whole_word_fits_there_is_no_transcript():
    log_probs = log_softmax(np.array([[0, 0, 0, 0, 90.0]]))
    lexicon = Lexicon([("long", [4, 4, 4])])
    assert LexiconSearch(lexicon, 1)(log_probs) == []
    (found,) = LexiconSearch(lexicon, 1, unfinished=-100.0)(log_probs)
    assert (found.words, found.symbols, found.score) == ((), (4,), found.log_prob - 100)


@pytest.mark.parametrize("look_ahead", [False, True])
def test_a_word_that_is_not_finished_counts_for_nothing_but_its_price(look_ahead):
    log_probs = random_log_probs(9, 4, 3)
    search = LexiconSearch(
        Lexicon([("a", [1]), ("bba", [2, 2, 1])]),
        language_model=BIGRAMS,
        word_bonus=0.3,
        look_ahead=look_ahead,
        unfinished=-2.0,
        **EVERYTHING,
    )
    heard = by_brute_force(log_probs)
    found = {one.symbols: one for one in search.search(log_probs)}
    for symbols, words in {(2,): [], (1, 2): ["a"], (2, 2): [], (1,): ["a"]}.items():
        price = -2.0 if symbols[-1] == 2 else 0.0
        expected = heard[symbols][0] + BIGRAMS.log_probs(words).sum() + 0.3 * len(words) + price
        assert found[symbols].score == pytest.approx(expected)


def test_a_large_lexicon_leads_through_all_its_spellings():
    rng = np.random.default_rng(7)
    entries = {(f"w{i % 300}", tuple(rng.integers(1, 9, rng.integers(1, 6)).tolist())) for i in range(900)}
    lexicon = Lexicon(entries)
    found, nodes = [], [(lexicon.root, ())]
    while nodes:
        node, begun = nodes.pop()
        branches = lexicon.branches(node)
        for symbol, word, low, high in zip(*branches, strict=True):
            if word >= 0:
                found.append((lexicon.words[word], (*begun, int(symbol))))
            else:
                nodes.append((type(node)(int(low), int(high), node.depth + 1), (*begun, int(symbol))))
    assert sorted(found) == sorted(entries)
    assert len(lexicon) == 300


def test_words_of_characters_and_dictionaries_are_read(tmp_path):
    assert Lexicon.of_characters(["ab", "b"], "-ab").spellings.tolist() == [[1, 2, -1], [2, -1, -1]]
    path = tmp_path / "words.dict"
    path.write_text(";;; remark\n\nHI  HH AY1\nTOMATO  T AH # fruit\nTOMATO(2)  T AY0\n#HASH  HH\n", encoding="utf-8")
    lexicon = Lexicon.read(path, ["<blank>", "AH", "AY", "HH", "T"])
    assert lexicon.words == ("HI", "TOMATO", "#HASH")
    assert [
        (lexicon.words[word], *row) for word, row in zip(lexicon.word_of, lexicon.spellings.tolist(), strict=True)
    ] == [
        ("#HASH", 3, -1, -1),
        ("HI", 3, 2, -1),
        ("TOMATO", 4, 1, -1),
        ("TOMATO", 4, 2, -1),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"HI  HH AY1\nHO  HH OW\n", "line 2: expected symbols that spell 'HO', got 'OW'"),
        (b"HI\n", "line 1: expected symbols that spell 'HI', got nothing"),
        (b";;; nothing\n", "found none"),
        (b"\xff HH\n", "UTF-8"),
    ],
)
def test_a_dictionary_that_does_not_fit_is_refused(tmp_path, content, message):
    path = tmp_path / "words.dict"
    path.write_bytes(content)
    with pytest.raises(FormatError, match=message):
        Lexicon.read(path, ["<blank>", "HH", "AY"])
    with pytest.raises(MissingFileError):
        Lexicon.read(tmp_path / "nowhere", [])


def test_what_does_not_fit_together_is_refused():
    with pytest.raises(ArgumentError, match="at least one word"):
        Lexicon([])
    with pytest.raises(ArgumentError, match="that spell 'x'"):
        Lexicon([("x", [])])
    with pytest.raises(ArgumentError, match="got 'c' in 'abc'"):
        Lexicon.of_characters(["abc"], "-ab")
    with pytest.raises(ArgumentError, match="without the blank"):
        LexiconSearch(Lexicon(ENTRIES), blank=1)
    with pytest.raises(ArgumentError, match="without the blank"):
        LexiconSearch(Lexicon(ENTRIES), fillers=[0])
    with pytest.raises(ArgumentError, match="n_best from 1 to width"):
        LexiconSearch(Lexicon(ENTRIES), 5, n_best=6)
    with pytest.raises(ArgumentError, match="at least 0, got -1"):
        LexiconSearch(Lexicon(ENTRIES), lm_weight=-1)
    with pytest.raises(ArgumentError, match="more than 2 symbols"):
        LexiconSearch(Lexicon(ENTRIES))(random_log_probs(8, 3, 2))
    with pytest.raises(ShapeError, match="give 6 log probabilities"):
        LexiconSearch(Lexicon(ENTRIES), language_model=BIGRAMS.over(["a"]))(random_log_probs(8, 3, 4))
    assert math.isfinite(LexiconSearch(Lexicon(ENTRIES))(random_log_probs(8, 3, 4))[0].score)
