"""Tools around training: :mod:`handtorch.utils.data` feeds it, :mod:`handtorch.utils.checkpoint` saves its memory."""

from handtorch.utils import checkpoint, data

__all__ = ["checkpoint", "data"]
