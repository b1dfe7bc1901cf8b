"""Signal processing: the windows that fade a frame in and out."""

from handtorch.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, {}, submodules=["windows"])
