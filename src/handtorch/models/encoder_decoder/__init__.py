"""From one sequence to another: an encoder that listens or reads, and a decoder that attends and spells.

=============================  =======================================================================================
``ListenAttendSpell``          convolutions and LSTM listen, an LSTM with attention spells
``EncoderDecoderTransformer``  convolutions and LSTM, Transformer or Conformer listen, a Transformer spells
``EncoderDecoder``             what all such models share: training with a CTC head beside, scheduled sampling, search
``Listener``                   the encoder, for features and for tokens
``LSTMSpeller``                the decoder with an LSTM
``TransformerSpeller``         the decoder with attention alone
``DotAttention``               looks where keys are like the query; ``LocationAttention`` knows where it has looked
=============================  =======================================================================================
"""

from handtorch.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "attention": ["DotAttention", "LocationAttention"],
        "base": ["Encoded", "EncoderDecoder", "Losses"],
        "las": ["ListenAttendSpell"],
        "listener": ["Listener"],
        "speller": ["LSTMSpeller"],
        "transformer": ["EncoderDecoderTransformer", "TransformerSpeller"],
    },
)
