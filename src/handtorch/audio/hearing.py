"""What all trained listeners share: the features that they hear by, and one file that holds all of a listener."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self

import numpy.typing as npt

from handtorch.audio.checks import Floats
from handtorch.audio.mel import log_mel
from handtorch.audio.normalise import sliding_normalise
from handtorch.errors import ArgumentError
from handtorch.io import trained


@dataclass(frozen=True, slots=True)
class LogMel:
    """How a waveform becomes the features that a network was trained on; lengths in samples at ``sample_rate`` Hz."""

    sample_rate: int = 16_000
    """Hz."""
    n_mels: int = 40
    n_fft: int = 400
    hop_length: int = 160
    normalised_over: int = 600
    """Frames around each over which mean and variance are taken out; a shorter recording is normalised as a whole."""

    def __call__(self, waveform: Floats) -> Floats:
        """(S,) samples at ``sample_rate`` to (T, n_mels) float32, ``T = 1 + S // hop_length``, not yet normalised."""
        return log_mel(waveform, self.sample_rate, n_mels=self.n_mels, n_fft=self.n_fft, hop_length=self.hop_length)

    def normalise(self, features: npt.ArrayLike) -> Floats:
        """(T, n_mels) to the same shape: mean 0 and variance 1 in every band, over the frames around each frame."""
        return sliding_normalise(features, self.normalised_over, variance=True)


class Listener:
    """A trained network, and how a recording becomes what it takes.

    A subclass says what its file is (``kind``), which network it holds (``network``), what else the file has to tell
    (:meth:`state`), and how a listener is made of that again (:meth:`from_state`).

    Args:
        model: the network; its ``settings`` give one of the same shape.
        features: how a waveform becomes features; None when the network was trained on features that came ready-made,
            and can therefore hear features only.
    """

    kind: ClassVar[trained.Kind]
    network: ClassVar[Any]

    def __init__(self, model: Any, features: LogMel | None) -> None:
        self.model, self.features = model, features

    def state(self) -> dict[str, Any]:
        """What belongs to the network, features aside, for JSON."""
        raise NotImplementedError(f"{type(self).__name__} does not say what belongs to its network")

    @classmethod
    def from_state(cls, model: Any, state: dict[str, Any], features: LogMel | None) -> Self:
        """The listener of a network and what :meth:`state` said."""
        raise NotImplementedError(f"{cls.__name__} does not say how it is made of its state")

    # -- on disk --------------------------------------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write one safetensors file: the weights, and the rest as JSON in its metadata."""
        features = None if self.features is None else asdict(self.features)
        settings = {"model": self.model.settings, **self.state(), "features": features}
        trained.save(path, self.kind, self.model, settings)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read what :meth:`save` wrote; the model is in evaluation mode.

        Raises:
            MissingFileError: there is no such file.
            FormatError: the file is damaged, or holds something else.
        """

        def restore(settings: dict[str, Any], weights: Any) -> Any:
            model = cls.network(**settings["model"])
            model.load_state_dict(weights)
            model.eval()
            features = None if settings["features"] is None else LogMel(**settings["features"])
            return cls.from_state(model, settings, features)

        return trained.load(path, cls.kind, restore)

    # -- recordings -----------------------------------------------------------------------------------------------

    @property
    def sample_rate(self) -> int:
        """Hz, of the recordings that it was trained on; others are changed to it."""
        return self.heard_with.sample_rate

    @property
    def heard_with(self) -> LogMel:
        """The features, where there are any.

        Raises:
            ArgumentError: it was trained on ready-made features.
        """
        if self.features is None:
            name = self.kind.name.split()[-1]
            raise ArgumentError(
                f"this {name} was trained on ready-made features, so how to make them of a recording is unknown; "
                f"try: log_probs(features), or a {name} trained without --data"
            )
        return self.features
