"""From the log probabilities of frames to symbols: greedy, by beam search, guided by language models and lexica.

===============  =============================================================================================
module           what it holds
===============  =============================================================================================
``hypothesis``   ``Hypothesis``: symbols, their score and their times
``greedy``       ``greedy``: the likeliest path
``align``        ``align``: the likeliest path that says given symbols, and so their times
``beam``         ``BeamSearch``: the likeliest symbols, all their paths summed
``fusion``       ``NeuralModel``: networks as language models; ``tabulate``: a guide for the compiled search
``lexicon``      ``Lexicon``: words and how they are spelled; ``LexiconSearch`` hears only these
``ngram``        ``NGram``: how likely a symbol or word is after the few before it; trained, or read from ARPA
``posteriors``   ``posteriors``: what is being said in every frame, after the search
``guide``        what may follow a prefix, and at what score: ``Guide``, ``LanguageModel``, ``Automaton``
===============  =============================================================================================

All of them read ``log_probs`` (T, C): for each of T frames the natural logarithms of the probabilities of C symbols,
one of which is the blank of CTC (connectionist temporal classification, Graves et al. 2006). A path names one symbol a
frame; what it says is left when its runs are merged and then its blanks are dropped: a a - a b b says a a b.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from handtorch.lazy import lazy_names

if TYPE_CHECKING:
    from handtorch.audio.decode.align import align as align
    from handtorch.audio.decode.beam import BeamSearch as BeamSearch
    from handtorch.audio.decode.fusion import NeuralModel as NeuralModel
    from handtorch.audio.decode.fusion import tabulate as tabulate
    from handtorch.audio.decode.greedy import greedy as greedy
    from handtorch.audio.decode.guide import Automaton as Automaton
    from handtorch.audio.decode.guide import Guide as Guide
    from handtorch.audio.decode.guide import LanguageModel as LanguageModel
    from handtorch.audio.decode.guide import ShallowFusion as ShallowFusion
    from handtorch.audio.decode.hypothesis import Hypothesis as Hypothesis
    from handtorch.audio.decode.lexicon import Lexicon as Lexicon
    from handtorch.audio.decode.lexicon_search import LexiconGuide as LexiconGuide
    from handtorch.audio.decode.lexicon_search import LexiconSearch as LexiconSearch
    from handtorch.audio.decode.lexicon_search import Transcript as Transcript
    from handtorch.audio.decode.ngram import NGram as NGram
    from handtorch.audio.decode.posteriors import posteriors as posteriors

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "align": ("align",),
        "beam": ("BeamSearch",),
        "fusion": ("NeuralModel", "tabulate"),
        "greedy": ("greedy",),
        "guide": ("Automaton", "Guide", "LanguageModel", "ShallowFusion"),
        "hypothesis": ("Hypothesis",),
        "lexicon": ("Lexicon",),
        "lexicon_search": ("LexiconGuide", "LexiconSearch", "Transcript"),
        "ngram": ("NGram",),
        "posteriors": ("posteriors",),
    },
)
