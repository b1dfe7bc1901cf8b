"""Learning byte pairs: join the most frequent pair of neighbours, again and again (Sennrich et al. 2016; Gage 1994).

The corpus is a table of its distinct words with their counts. Joining a pair changes only the words that have it, so
the counts of pairs are kept up to date instead of counted anew, and a heap gives the most frequent one.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise

Pair = tuple[int, int]


def learn_merges(
    words: Mapping[tuple[int, ...], int],
    first_new: int,
    merges: int,
    min_count: int = 1,
    done: Callable[[], None] = lambda: None,
) -> list[Pair]:
    """Pairs in the order in which they are joined; the result of merge number k has id ``first_new + k``.

    Args:
        words: ids of the characters of each distinct word -> how often it occurs.
        first_new: the id of the first new token.
        merges: how many to learn at most.
        min_count: a pair that occurs less often ends the learning.
        done: called after each merge.

    Of equally frequent pairs the one with the smaller ids is joined, so that the result does not depend on the order of
    the words: the rule of the package ``tokenizers``.
    """
    return list(_Learner(words, first_new).run(merges, min_count, done))


class _Learner:
    def __init__(self, words: Mapping[tuple[int, ...], int], first_new: int) -> None:
        self.words = [list(word) for word in words]
        self.times = list(words.values())
        self.next_id = first_new
        self.counts: Counter[Pair] = Counter()
        self.places: defaultdict[Pair, set[int]] = defaultdict(set)
        """In which words a pair occurs, or has occurred."""
        for number, (word, times) in enumerate(zip(self.words, self.times, strict=True)):
            for pair in pairwise(word):
                self.counts[pair] += times
                self.places[pair].add(number)
        self.heap = [(-count, pair) for pair, count in self.counts.items()]
        heapq.heapify(self.heap)

    def run(self, merges: int, min_count: int, done: Callable[[], None]) -> Iterable[Pair]:
        for _ in range(merges):
            pair = self.most_frequent(max(min_count, 1))
            if pair is None:
                return
            self.join(pair)
            done()
            yield pair

    def most_frequent(self, min_count: int) -> Pair | None:
        """The pair to be joined, out of a heap in which counts may be too high: those are put back corrected."""
        while self.heap:
            count, pair = heapq.heappop(self.heap)
            now = self.counts[pair]
            if now == -count:
                return pair if now >= min_count else None
            if now > 0:
                heapq.heappush(self.heap, (-now, pair))
        return None

    def join(self, pair: Pair) -> None:
        new = self.next_id
        self.next_id += 1
        grown: set[Pair] = set()
        for number in self.places.pop(pair):
            self.join_in_word(pair, new, number, grown)
        del self.counts[pair]
        for other in grown:
            heapq.heappush(self.heap, (-self.counts[other], other))

    def join_in_word(self, pair: Pair, new: int, number: int, grown: set[Pair]) -> None:
        """Join a pair wherever it is in a word, from left to right, and count its neighbours' pairs anew."""
        left, right = pair
        word, times, counts = self.words[number], self.times[number], self.counts
        joined: list[int] = []
        place, last = 0, len(word) - 1
        while place <= last:
            if place < last and word[place] == left and word[place + 1] == right:
                if joined:
                    counts[joined[-1], left] -= times
                    self.count_new((joined[-1], new), number, grown)
                place += 2
                if place <= last:
                    counts[right, word[place]] -= times
                    # The right neighbour may be joined as well; then this pair goes again, as its left one.
                    self.count_new((new, word[place]), number, grown)
                joined.append(new)
            else:
                joined.append(word[place])
                place += 1
        self.words[number] = joined

    def count_new(self, pair: Pair, number: int, grown: set[Pair]) -> None:
        self.counts[pair] += self.times[number]
        self.places[pair].add(number)
        grown.add(pair)
