"""Language models: the probability of the next token, given all tokens before it.

============================  ========================================================================================
``LSTMLanguageModel``         layers of LSTM; its memory is of one size, however much was read
``TransformerLanguageModel``  layers of attention to all tokens before; its memory grows with the text
``LanguageModel``             what every language model can do
============================  ========================================================================================

Every one is called as ``logits, state = model(tokens, state)``::

    logits, state = model(tokens)  # tokens (N, T); logits (N, T, V) of the token after each of them
    logits, state = model(more, state)  # as if it had read tokens and more at once

``state`` is all that the model remembers of what it read; None, the default, is a model that has read nothing. A state
never changes: after the second call the first state is as it was, and can be continued otherwise. It has

* ``select(rows)``: the state of these sequences of the batch, (M) whole numbers, which may repeat or leave out some;
* ``detach()``: the same without its history, for training on a running text window by window (truncated
  backpropagation through time).

:mod:`handtorch.models.generation` writes text with whatever can be called this way.
"""

from handtorch.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "cache": ["KeyValueCache", "TransformerState"],
        "lstm": ["LSTMLanguageModel", "LSTMState"],
        "model": ["LanguageModel"],
        "transformer": ["TransformerLanguageModel"],
    },
)
