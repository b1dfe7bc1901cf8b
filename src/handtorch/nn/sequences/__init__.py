"""Layers for sequences of different lengths: (x, lengths) in, (y, lengths) out, and padding changes nothing.

====================  ================================================================================================
``LockedDropout``     dropout with one mask for all steps of a sequence
``EmbeddingDropout``  dropout of whole words
``weight_drop``       dropout of the weights that carry a recurrent network from step to step
``PyramidalLSTM``     LSTMs that join pairs of steps, so that each level halves the length
``ConvFrontEnd``      convolutions over time; ``ConvFrontEnd2d``: over time and frequency
``ConformerBlock``    attention for what is far and a convolution for what is near
``SequenceNorm``      batch normalisation over the frames that are there
``run_packed``        a recurrent network on a padded batch
``zero_padding``      a padded batch with zeros after the ends
====================  ================================================================================================

A padded batch x is (N, T, F) with ``lengths`` (N), as :func:`handtorch.audio.batching.pad_batch` makes it: sequence n
ends after ``lengths[n]`` steps, and whatever stands after its end, NaN included, has no influence on results, gradients
or running statistics. None of this is in PyTorch.
"""

from handtorch.nn.sequences.conformer import ConformerBlock
from handtorch.nn.sequences.embedding_dropout import EmbeddingDropout
from handtorch.nn.sequences.front_end import ConvFrontEnd, ConvFrontEnd2d
from handtorch.nn.sequences.locked_dropout import LockedDropout
from handtorch.nn.sequences.norm import SequenceNorm
from handtorch.nn.sequences.packing import run_packed
from handtorch.nn.sequences.padding import frame_mask, zero_padding
from handtorch.nn.sequences.pyramid import PyramidalLSTM, join_pairs
from handtorch.nn.sequences.weight_drop import DropConnect, remove_weight_drop, weight_drop

__all__ = [
    "ConformerBlock",
    "ConvFrontEnd",
    "ConvFrontEnd2d",
    "DropConnect",
    "EmbeddingDropout",
    "LockedDropout",
    "PyramidalLSTM",
    "SequenceNorm",
    "frame_mask",
    "join_pairs",
    "remove_weight_drop",
    "run_packed",
    "weight_drop",
    "zero_padding",
]
