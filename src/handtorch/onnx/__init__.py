"""ONNX: networks in the file format that other programs run.

==========  ==================================================================
``export``  writes what a network computes as an ONNX file
==========  ==================================================================

The ops that can be exported are listed in :mod:`handtorch.onnx.converters`, one function for each.
"""

from handtorch.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, {"export": ["export"]})
