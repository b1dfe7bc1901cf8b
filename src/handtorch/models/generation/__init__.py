"""Writing with an autoregressive model: token after token, each of them drawn from what the model gives for the next.

==================  ==================================================================================================
``generate``        continue one or many prompts
``stream``          continue a prompt, a token at a time as it comes
``draws``           continue many prompts, step by step: what the other two are made of
``beam_search``     the likeliest continuations, with second opinions (``Scorer``) such as ``CTCPrefixScorer``
``Sampling``        how a token is drawn: temperature, top-k, top-p, repetition penalty
==================  ==================================================================================================

All take a ``step``, a function ``(tokens (N, T), state) -> (logits (N, T, V), state)``, whose states have
``select(rows)``: a language model of :mod:`handtorch.models.language`, or the ``decode`` of an encoder-decoder, with
the state that its ``start`` made.
"""

from handtorch.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "beam": ["Hypothesis", "Scorer", "beam_search"],
        "ctc_prefix": ["CTCPrefixScorer"],
        "generating": ["Drawn", "Generated", "draws", "generate", "stream"],
        "sampling": ["Sampling", "penalise_repetition", "top_k", "top_p"],
    },
)
