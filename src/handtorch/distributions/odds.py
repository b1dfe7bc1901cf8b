"""What distributions share that are given by probabilities or by log-odds, whichever the user has."""

from __future__ import annotations

from typing import Any, ClassVar

from handtorch.distributions import constraints
from handtorch.distributions.distribution import Distribution
from handtorch.distributions.utils import broadcast_all, lazy_property, logits_to_probs, probs_to_logits
from handtorch.errors import ArgumentError
from handtorch.tensor import Size

__all__ = ["Odds"]


class Odds(Distribution):
    """A distribution of yes and no: ``probs`` p, or ``logits`` log p / (1 - p); the other is computed when needed."""

    arg_constraints: ClassVar[dict[str, Any]] = {"probs": constraints.unit_interval, "logits": constraints.real}
    _binary = True

    def _choose(self, probs: Any, logits: Any) -> None:
        """Keep the one that is given.

        Raises:
            ArgumentError: both are, or neither is.
        """
        if (probs is None) == (logits is None):
            raise ArgumentError("Either `probs` or `logits` must be specified, but not both.")
        if probs is not None:
            (self.probs,) = broadcast_all(probs)
        else:
            (self.logits,) = broadcast_all(logits)

    @property
    def _param(self) -> Any:
        """The one that was given, or either of them."""
        given = self.__dict__.get("probs")
        return self.logits if given is None else given

    @property
    def param_shape(self) -> Size:
        """The shape of ``probs`` and ``logits``."""
        return self._param.shape  # type: ignore[no-any-return]

    @lazy_property
    def logits(self) -> Any:
        """log p / (1 - p); or log p, over categories."""
        return probs_to_logits(self.probs, self._binary)

    @lazy_property
    def probs(self) -> Any:
        """Probabilities."""
        return logits_to_probs(self.logits, self._binary)
