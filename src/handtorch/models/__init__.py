"""Whole networks, ready to be trained.

==========  ==========================================================
``MLP``     fully connected layers with batch normalisation and dropout
==========  ==========================================================
"""

from handtorch.models.mlp import MLP

__all__ = ["MLP"]
