"""Tools around training: :mod:`handtorch.utils.data` feeds it."""

from handtorch.utils import data

__all__ = ["data"]
