"""Converters: for each kind of op the function that writes it as ONNX nodes, one family a file.

=================  ================================================================
``elementwise``    arithmetic, comparison, functions of one number
``activation``     what stands between layers
``attention``      scaled dot products, causal or with a mask
``linear``         matrix products, embeddings
``convolution``    convolution and its transpose
``pooling``        maxima and means of windows, interpolation
``normalization``  over the batch, the features, groups of channels
``recurrent``      recurrent layers and cells
``reduction``      sums, means, extremes along axes
``shape``          other shapes and orders, parts, joins, borders
=================  ================================================================

A converter gets a :class:`~handtorch.onnx.graph.Site` and a name for each input of the op, and returns the name of
the result, or of each result::

    @converts(Square)
    def square(site, x):
        return site.node("Mul", x, x)
"""

from handtorch.onnx.converters import (
    activation,
    attention,
    convolution,
    elementwise,
    linear,
    normalization,
    pooling,
    recurrent,
    reduction,
    shape,
)
from handtorch.onnx.converters.registry import converts, registered

__all__ = ["converts", "registered"]
