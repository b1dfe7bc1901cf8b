"""From one sequence to another: an encoder that listens or reads, and a decoder that attends and spells.

========================  ==============================================================================
``ListenAttendSpell``     convolutions and LSTM listen, an LSTM with attention spells
``Listener``              the encoder, for features and for tokens
``LSTMSpeller``           the decoder with an LSTM
``EncoderDecoder``        what all such models share: training with a CTC head beside, scheduled sampling
========================  ==============================================================================
"""

from handtorch.models.encoder_decoder.attention import DotAttention
from handtorch.models.encoder_decoder.base import Encoded, EncoderDecoder, Losses
from handtorch.models.encoder_decoder.las import ListenAttendSpell
from handtorch.models.encoder_decoder.listener import Listener
from handtorch.models.encoder_decoder.speller import LSTMSpeller

__all__ = ["DotAttention", "Encoded", "EncoderDecoder", "LSTMSpeller", "ListenAttendSpell", "Listener", "Losses"]
