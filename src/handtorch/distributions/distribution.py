"""Distribution: what all distributions have, and the checks of their parameters and samples."""

from __future__ import annotations

import copy
from typing import Any, ClassVar

import handtorch
from handtorch.distributions import constraints
from handtorch.distributions.utils import lazy_property
from handtorch.errors import ArgumentError
from handtorch.tensor import Size, Tensor

__all__ = ["Distribution"]


class Distribution:
    """A probability distribution, or a batch of them.

    A subclass names its parameters in ``arg_constraints``, sets them as attributes, and then calls this constructor.

    Args:
        batch_shape: B, the shape of a batch of such distributions with different parameters.
        event_shape: E, the shape of one sample of one of them: () for numbers.
        validate_args: whether to check parameters and samples; the class's own setting by default (True).

    Raises:
        ArgumentError: a parameter lies outside its set.
    """

    has_rsample: Any = False  # whether samples can have gradients
    has_enumerate_support = False  # whether all values can be counted up
    arg_constraints: ClassVar[dict[str, Any]] = {}  # parameter -> the set in which it has to lie
    support: Any = None  # the set in which the samples lie
    _validate_args: bool = __debug__

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Say whether distributions check their parameters and samples where they are not told."""
        if value not in (True, False):
            raise ArgumentError(f"set_default_validate_args: expected True or False, got {value!r}")
        Distribution._validate_args = value

    def __init__(self, batch_shape: Any = (), event_shape: Any = (), validate_args: bool | None = None) -> None:
        self._batch_shape, self._event_shape = Size(batch_shape), Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            for name, constraint in self.arg_constraints.items():
                waiting = name not in self.__dict__ and isinstance(getattr(type(self), name, None), lazy_property)
                if not constraints.is_dependent(constraint) and not waiting:
                    self._check_parameter(name, constraint)

    def _check_parameter(self, name: str, constraint: Any) -> None:
        value = getattr(self, name)
        if not constraint.check(value).all():
            raise ArgumentError(
                f"Expected parameter {name} ({type(value).__name__} of shape {tuple(value.shape)}) of distribution "
                f"{self!r} to satisfy the constraint {constraint!r}, but found invalid values:\n{value}"
            )

    # -- shapes -----------------------------------------------------------------------------------------------------

    @property
    def batch_shape(self) -> Size:
        """B, the shape of the batch of distributions."""
        return self._batch_shape

    @property
    def event_shape(self) -> Size:
        """E, the shape of one sample of one distribution."""
        return self._event_shape

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        """The same distribution for a larger batch, without copying its parameters.

        Args:
            batch_shape: to which the present one can be broadcast.
            _instance: PyTorch's way of letting a subclass fill an object of its own.
        """
        new = copy.copy(self) if _instance is None else _instance
        old_length = len(self._batch_shape)
        for name in self.arg_constraints:
            if name in self.__dict__:
                value = self.__dict__[name]
                setattr(new, name, value.expand((*batch_shape, *value.shape[old_length:])))
        new._batch_shape, new._event_shape = Size(batch_shape), self._event_shape
        new._validate_args = self._validate_args
        return new

    def _get_checked_instance(self, cls: Any, _instance: Any = None) -> Any:
        """An object to fill, for subclasses that expand themselves in the way of PyTorch's."""
        if _instance is None and type(self).__init__ != cls.__init__:
            raise NotImplementedError(
                f"{type(self).__name__} is a {cls.__name__} with a constructor of its own and needs its own expand()"
            )
        return object.__new__(type(self)) if _instance is None else _instance

    def _extended_shape(self, sample_shape: Any = ()) -> Size:
        """S + B + E, the shape of samples."""
        return Size((*sample_shape, *self._batch_shape, *self._event_shape))

    # -- what a subclass computes -------------------------------------------------------------------------------------

    @property
    def mean(self) -> Any:
        """The expected value, shape B + E."""
        raise self._not_known("mean")

    @property
    def mode(self) -> Any:
        """The most probable value, shape B + E."""
        raise self._not_known("mode")

    @property
    def variance(self) -> Any:
        """The expected squared distance from the mean, shape B + E."""
        raise self._not_known("variance")

    @property
    def stddev(self) -> Any:
        """The square root of the variance, shape B + E."""
        return self.variance.sqrt()

    def sample(self, sample_shape: Any = ()) -> Any:
        """Samples, shape S + B + E, without gradients.

        Args:
            sample_shape: S.
        """
        with handtorch.no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Any = ()) -> Any:
        """Samples, shape S + B + E, with gradients by the parameters: where ``has_rsample`` is True."""
        raise self._not_known("rsample")

    def log_prob(self, value: Any) -> Any:
        """The logarithm of the density, or of the probability, at ``value``.

        Args:
            value: shape S + B + E, or one that broadcasts to it.

        Returns:
            Shape S + B.

        Raises:
            ArgumentError: a value of another shape, or outside ``support``.
        """
        raise self._not_known("log_prob")

    def cdf(self, value: Any) -> Any:
        """The probability of a sample of at most ``value``."""
        raise self._not_known("cdf")

    def icdf(self, value: Any) -> Any:
        """The inverse of :meth:`cdf`: the quantile that belongs to the probability ``value``."""
        raise self._not_known("icdf")

    def entropy(self) -> Any:
        """-E log p, in nats, shape B."""
        raise self._not_known("entropy")

    def perplexity(self) -> Any:
        """e to the power of the entropy, shape B."""
        return self.entropy().exp()

    def enumerate_support(self, expand: bool = True) -> Any:
        """All values that a sample can be, along a new first axis.

        Args:
            expand: whether to repeat them over the batch; else its axes have length 1.
        """
        raise self._not_known("enumerate_support")

    def _not_known(self, what: str) -> NotImplementedError:
        return NotImplementedError(f"{type(self).__name__} does not implement {what}")

    # -- checks -------------------------------------------------------------------------------------------------------

    def _validate_sample(self, value: Any) -> None:
        if not isinstance(value, Tensor):
            raise ArgumentError(f"The value argument to log_prob must be a Tensor, got {type(value).__name__}")
        shape, event = value.shape, self._event_shape
        if shape[len(shape) - len(event) :] != event:
            raise ArgumentError(
                f"The right-most size of value must match event_shape: {tuple(shape)} vs {tuple(event)}."
            )
        expected = self._batch_shape + event
        for mine, theirs in zip(reversed(shape), reversed(expected), strict=False):
            if mine != theirs and mine != 1 and theirs != 1:
                raise ArgumentError(
                    f"Value is not broadcastable with batch_shape+event_shape: {tuple(shape)} vs {tuple(expected)}."
                )
        if self.support is not None and not self.support.check(value).all():
            raise ArgumentError(
                f"Expected value argument ({type(value).__name__} of shape {tuple(shape)}) to be within the support "
                f"({self.support!r}) of the distribution {self!r}, but found invalid values:\n{value}"
            )

    def __repr__(self) -> str:
        values = {name: self.__dict__[name] for name in self.arg_constraints if name in self.__dict__}
        parts = [f"{name}: {value if value.numel() == 1 else value.shape}" for name, value in values.items()]
        return f"{type(self).__name__}({', '.join(parts)})"
