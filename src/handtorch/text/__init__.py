"""Text: tokenizers, batches for language models, perplexity, and data sets.

===================  =================================================================================================
module               what it holds
===================  =================================================================================================
``tokenizers``       ``CharacterTokenizer``, ``WordTokenizer``, ``BytePairTokenizer``: text to whole numbers and back
``model``            ``TextModel``: a language model and its tokenizer, in one file
``judge``            ``Judge``: how surprising texts are to somebody else's language model
``server``           ``serve``: a language model behind the OpenAI completions API
``windows``          ``RunningWindows``, ``ShuffledWindows``: batches out of one long text
``pairs``            ``EncodedPairs``, ``pad_pairs``: two texts each, for encoder-decoders
``surprise``         ``perplexity``, ``Perplexity``: how well a model foresees a text, by token, word and character
``datasets``         ``Shakespeare``, ``WikiText``, ``ChinesePoems``, ``Pronunciations``, ``Verses``
===================  =================================================================================================

A module is imported when one of its names is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from handtorch.lazy import lazy_names

if TYPE_CHECKING:
    from handtorch.text.judge import Judge as Judge
    from handtorch.text.judge import JudgeError as JudgeError
    from handtorch.text.model import TextModel as TextModel
    from handtorch.text.pairs import EncodedPairs as EncodedPairs
    from handtorch.text.pairs import Pair as Pair
    from handtorch.text.pairs import PairBatch as PairBatch
    from handtorch.text.pairs import pad_pairs as pad_pairs
    from handtorch.text.surprise import Perplexity as Perplexity
    from handtorch.text.surprise import perplexity as perplexity
    from handtorch.text.tokenizers import BytePairTokenizer as BytePairTokenizer
    from handtorch.text.tokenizers import CharacterTokenizer as CharacterTokenizer
    from handtorch.text.tokenizers import Tokenizer as Tokenizer
    from handtorch.text.tokenizers import WordTokenizer as WordTokenizer
    from handtorch.text.windows import RunningWindows as RunningWindows
    from handtorch.text.windows import ShuffledWindows as ShuffledWindows
    from handtorch.text.windows import running_text as running_text

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "judge": ("Judge", "JudgeError"),
        "model": ("TextModel",),
        "pairs": ("EncodedPairs", "Pair", "PairBatch", "pad_pairs"),
        "surprise": ("Perplexity", "perplexity"),
        "tokenizers": ("BytePairTokenizer", "CharacterTokenizer", "Tokenizer", "WordTokenizer"),
        "windows": ("RunningWindows", "ShuffledWindows", "running_text"),
    },
    submodules=("datasets",),
)
