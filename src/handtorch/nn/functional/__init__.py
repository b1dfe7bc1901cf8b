"""Layers and losses as functions, with PyTorch's names and arguments: a family a file."""

from handtorch.nn.functional import (
    activations,
    attention,
    convolutions,
    distances,
    dropouts,
    embeddings,
    grids,
    interpolation,
    linears,
    losses_of_classes,
    losses_of_probabilities,
    losses_of_regression,
    losses_of_sequences,
    losses_with_margins,
    multi_head,
    normalizations,
    padding,
    pooling,
    shuffling,
)
from handtorch.nn.functional.activations import *  # noqa: F403
from handtorch.nn.functional.attention import *  # noqa: F403
from handtorch.nn.functional.convolutions import *  # noqa: F403
from handtorch.nn.functional.distances import *  # noqa: F403
from handtorch.nn.functional.dropouts import *  # noqa: F403
from handtorch.nn.functional.embeddings import *  # noqa: F403
from handtorch.nn.functional.grids import *  # noqa: F403
from handtorch.nn.functional.interpolation import *  # noqa: F403
from handtorch.nn.functional.linears import *  # noqa: F403
from handtorch.nn.functional.losses_of_classes import *  # noqa: F403
from handtorch.nn.functional.losses_of_probabilities import *  # noqa: F403
from handtorch.nn.functional.losses_of_regression import *  # noqa: F403
from handtorch.nn.functional.losses_of_sequences import *  # noqa: F403
from handtorch.nn.functional.losses_with_margins import *  # noqa: F403
from handtorch.nn.functional.multi_head import *  # noqa: F403
from handtorch.nn.functional.normalizations import *  # noqa: F403
from handtorch.nn.functional.padding import *  # noqa: F403
from handtorch.nn.functional.pooling import *  # noqa: F403
from handtorch.nn.functional.shuffling import *  # noqa: F403

__all__: list[str] = []
__all__ += activations.__all__
__all__ += attention.__all__
__all__ += distances.__all__
__all__ += convolutions.__all__
__all__ += dropouts.__all__
__all__ += embeddings.__all__
__all__ += grids.__all__
__all__ += interpolation.__all__
__all__ += linears.__all__
__all__ += losses_of_classes.__all__
__all__ += losses_of_probabilities.__all__
__all__ += losses_of_regression.__all__
__all__ += losses_of_sequences.__all__
__all__ += losses_with_margins.__all__
__all__ += multi_head.__all__
__all__ += normalizations.__all__
__all__ += padding.__all__
__all__ += pooling.__all__
__all__ += shuffling.__all__
