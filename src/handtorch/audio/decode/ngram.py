"""N-gram models: how likely a symbol or a word is after the few before it.

An n-gram is a short sequence. The model keeps log probabilities of those that it has seen, and falls back for the
others on a shorter history h' (h without its first word), at a price that is also kept, the back-off of h (Katz 1987):

    P(w | h) = the kept P(w | h)            if the n-gram h w is known
             = backoff(h) · P(w | h')       if not

All n-grams stand in one tree, the root being the empty history and each node a history followed by a word. Nodes are
numbered level by level, within a level by parent and then by word; so ``parent · V + word``, with V words, grows with
the number of the node, and a binary search in these keys finds any child. The links from each node to the longest known
end of its history (its suffix) make the tree an automaton whose states are histories.
"""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterable, Sequence
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt

from handtorch.audio.decode.frames import Doubles, Integers
from handtorch.audio.edit_distance import as_symbols
from handtorch.errors import ArgumentError

START, END, UNKNOWN = "<s>", "</s>", "<unk>"

# What all remembered answers of a model together may take.
_REMEMBERED_BYTES = 64 << 20


class NGram:
    """A back-off n-gram model, made by :meth:`train` or :meth:`from_arpa`.

    Symbols and words are named by their ``str``, so that class indices are as good as names. A history is a state,
    which is a whole number: ``model.advance(model.start(), "the")``.

    Args:
        words: V names, ``<s>`` and ``</s>`` among them; node 1 + i is the history that is word i alone.
        order: words in the longest n-gram.
        keys: (nodes - 1,) for each node but the root ``parent · V + word``, in rising order.
        log_probs: (nodes,) natural logarithm of P(last word | words before).
        backoffs: (nodes,) natural logarithm of the back-off of each node as a history.
        suffixes: (nodes,) the node of the longest known end of each history.
        longest: the first node of the last level.
    """

    def __init__(
        self,
        words: Sequence[str],
        order: int,
        keys: Integers,
        log_probs: Doubles,
        backoffs: Doubles,
        suffixes: Integers,
        longest: int,
    ) -> None:
        self.words, self.order = tuple(words), order
        self.keys, self.log_prob_of, self.backoff_of, self.suffix_of = keys, log_probs, backoffs, suffixes
        self.longest = longest
        self._index = {word: number for number, word in enumerate(self.words)}
        self._unknown = self._index.get(UNKNOWN, self._index.get(UNKNOWN.upper(), -1))
        self._first_child = np.searchsorted(keys, np.arange(len(log_probs) + 1) * len(self.words)) + 1

    @classmethod
    def train(
        cls,
        sequences: Iterable[Iterable[Hashable]],
        order: int = 3,
        *,
        smoothing: Literal["kneser-ney", "witten-bell"] = "kneser-ney",
        vocabulary: Iterable[Hashable] = (),
        unknown: bool = True,
    ) -> NGram:
        """Estimate a model from sequences of symbols, or of words.

        Args:
            sequences: each is a sentence, to be put between ``<s>`` and ``</s>``; of a string, its characters.
            order: words in the longest n-gram, at least 1.
            smoothing: how probability is put aside for what was not seen; see :mod:`~.ngram_training`.
            vocabulary: further words to know, although they may not occur.
            unknown: whether to keep some probability for ``<unk>``, which stands for all words that are not known.

        Raises:
            ArgumentError: the order is below 1, the smoothing has another name, or a word is ``<s>`` or ``</s>``.
        """
        from handtorch.audio.decode.ngram_training import train

        return train(sequences, order, smoothing, vocabulary, unknown)

    @classmethod
    def from_arpa(cls, path: str | os.PathLike[str]) -> NGram:
        """Read a model in ARPA's text format, as KenLM, SRILM and others write it; also compressed, ending in ``.gz``.

        Raises:
            MissingFileError: there is no such file.
            FormatError: the file is no such model, is cut short or contradicts itself; the message names the line.
        """
        from handtorch.audio.decode.arpa import read_arpa

        return read_arpa(path)

    def to_arpa(self, path: str | os.PathLike[str]) -> None:
        """Write the model in ARPA's text format; the file appears whole or not at all.

        Raises:
            ArgumentError: a word is empty or holds white space, which parts words there.
        """
        from handtorch.audio.decode.arpa import write_arpa

        write_arpa(self, path)

    def __len__(self) -> int:
        """How many n-grams are kept, of all lengths."""
        return len(self.keys)

    def __contains__(self, word: Hashable) -> bool:
        return str(word) in self._index

    def index(self, word: Hashable) -> int:
        """The number of a word, that of ``<unk>`` for one that is not known, and -1 where there is no ``<unk>``."""
        return self._index.get(str(word), self._unknown)

    def start(self) -> int:
        """The state at the start of a sentence."""
        return self.advance(0, START)

    def advance(self, state: int, word: Hashable) -> int:
        """The state after one more word: the longest known history, of at most ``order - 1`` words."""
        return self._after(state, self.index(word))

    def log_prob(self, state: int, word: Hashable) -> float:
        """ln P(word | state); -inf for an unknown word of a model without ``<unk>``."""
        number, backed_off = self.index(word), 0.0
        while True:
            child = self._child(state, number)
            if child:
                return backed_off + float(self.log_prob_of[child])
            if state == 0:
                return -np.inf
            backed_off += float(self.backoff_of[state])
            state = int(self.suffix_of[state])

    def all_log_probs(self, state: int) -> Doubles:
        """(V,) ln P(word | state) of all words, in the order of ``words``."""
        histories = [state]
        while histories[-1]:
            histories.append(int(self.suffix_of[histories[-1]]))
        result = np.full(len(self.words), -np.inf)
        for history in reversed(histories):  # what is known of a longer one replaces what the shorter one says
            if history:
                result += self.backoff_of[history]
            children = slice(self._first_child[history], self._first_child[history + 1])
            result[self.keys[children.start - 1 : children.stop - 1] % len(self.words)] = self.log_prob_of[children]
        return result

    def log_probs(self, sequence: Iterable[Hashable]) -> Doubles:
        """(N + 1,) ln P of each of the N words of a sentence after those before it, and of its end."""
        state, scores = self.start(), []
        for word in (*as_symbols(sequence), END):
            scores.append(self.log_prob(state, word))
            state = self.advance(state, word)
        return np.array(scores)

    def perplexity(self, sequences: Iterable[Iterable[Hashable]]) -> float:
        """``exp(-mean ln P)`` over all words and ends of sentences: among so many the model is undecided, as it were.

        Raises:
            ArgumentError: there are no sequences.
        """
        scores = [self.log_probs(sequence) for sequence in sequences]
        if not scores:
            raise ArgumentError("expected at least one sequence, got none")
        return float(np.exp(-np.concatenate(scores).mean()))

    def over(self, symbols: Iterable[Hashable]) -> NGramOver:
        """The model as the decoders ask for one: over the symbols, or words, of a recognizer, in their order."""
        return NGramOver(self, symbols)

    def _child(self, node: int, number: int) -> int:
        """The node that follows by a word; 0 where there is none."""
        key = node * len(self.words) + number
        place = int(np.searchsorted(self.keys, key))
        return place + 1 if number >= 0 and place < len(self.keys) and self.keys[place] == key else 0

    def _after(self, state: int, number: int) -> int:
        while not (child := self._child(state, number)):
            if state == 0:
                return 0
            state = int(self.suffix_of[state])
        # An n-gram of full length is no history: there is none longer that could begin with it.
        return int(self.suffix_of[child]) if child >= self.longest else child


class NGramOver:
    """An n-gram model as a :class:`~handtorch.audio.decode.guide.LanguageModel` over given symbols.

    A state's log probabilities are computed when first asked for, and remembered.

    Args:
        model: the model.
        symbols: C names or class indices, in the order of ``log_probs``. One that the model does not know counts as
            ``<unk>``. The blank has to have its place among them; what the model says of it is not used.
    """

    def __init__(self, model: NGram, symbols: Iterable[Hashable]) -> None:
        self.model = model
        self.numbers = np.array([model.index(symbol) for symbol in symbols], dtype=np.int64)
        self._end = model.index(END)
        limit = max(64, _REMEMBERED_BYTES // (8 * max(1, len(self.numbers))))
        self._answer = lru_cache(maxsize=limit)(self._compute)

    def start(self) -> int:
        return self.model.start()

    def next(self, state: int) -> Doubles:
        return self._answer(state)[0]

    def advance(self, state: int, symbol: int) -> int:
        return self.model._after(state, int(self.numbers[symbol]))

    def end(self, state: int) -> float:
        return self._answer(state)[1]

    def _compute(self, state: int) -> tuple[Doubles, float]:
        # one more, which is no word: what -1 stands for
        every = np.append(self.model.all_log_probs(state), -np.inf)
        answer: npt.NDArray[np.float64] = every[self.numbers]
        answer.flags.writeable = False
        return answer, float(every[self._end])
