"""Mean and variance normalisation: what a microphone, a room or a level adds to features, taken out again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from handtorch.audio.checks import Floats, as_features, check_positive
from handtorch.errors import ArgumentError, ShapeError

# Standard deviations below this one count as this one, so that a column that never changes becomes 0, not infinite.
_SMALLEST_DEVIATION = 1e-5


def mean_variance_normalise(features: npt.ArrayLike, variance: bool = True) -> Floats:
    """Give every column of one utterance mean 0 and, unless told otherwise, variance 1.

    Args:
        features: (T, F).
        variance: ``False`` to take out the mean only.

    Returns:
        (T, F) float32; the variance is the biased one (divided by T).

    Raises:
        ShapeError: there is no frame.
    """
    x = as_features(features)
    if len(x) == 0:
        raise ShapeError("expected at least one frame to take a mean of, got 0")
    centred = x - x.mean(axis=0, dtype=np.float64).astype(np.float32)
    if not variance:
        return centred
    deviation = np.sqrt(np.square(centred).mean(axis=0, dtype=np.float64)).astype(np.float32)
    return centred / np.maximum(deviation, np.float32(_SMALLEST_DEVIATION))


def sliding_normalise(features: npt.ArrayLike, window: int = 300, variance: bool = False) -> Floats:
    """Normalise each frame by the mean, and if wanted the variance, of the frames around it.

    The window is centred on the frame; near an end it is moved inwards, not shortened, and a recording shorter than the
    window is normalised as a whole (as Kaldi's apply-cmvn-sliding does with --center).

    Args:
        features: (T, F).
        window: frames looked at; 300 are 3 s at 10 ms a frame.
        variance: divide by the standard deviation of the window too.

    Returns:
        (T, F) float32.
    """
    check_positive(window=window)
    x = as_features(features)
    if len(x) == 0:
        return x.copy()
    begin = np.clip(np.arange(len(x)) - window // 2, 0, max(len(x) - window, 0))
    end = np.minimum(begin + window, len(x))
    # Sums of float64 about the overall mean: differences of running sums lose digits otherwise.
    y = x - x.mean(axis=0, dtype=np.float64)
    count = (end - begin)[:, None]
    mean = _window_sums(y, begin, end) / count
    centred = y - mean
    if not variance:
        return centred.astype(np.float32)
    deviation = np.sqrt(np.maximum(_window_sums(np.square(y), begin, end) / count - np.square(mean), 0))
    return (centred / np.maximum(deviation, _SMALLEST_DEVIATION)).astype(np.float32)


def _window_sums(
    y: npt.NDArray[np.float64], begin: npt.NDArray[np.intp], end: npt.NDArray[np.intp]
) -> npt.NDArray[np.float64]:
    running = np.concatenate([np.zeros((1, y.shape[1])), np.cumsum(y, axis=0)])
    return np.asarray(running[end] - running[begin])


class RunningStatistics:
    """Mean and variance of every column over a corpus, one utterance at a time (Chan, Golub & LeVeque 1979).

    >>> import numpy as np
    >>> statistics = RunningStatistics.of([np.array([[0.0], [2.0]]), np.array([[4.0]])])
    >>> statistics.count, statistics.mean
    (3, array([2.]))
    """

    def __init__(self) -> None:
        self.count = 0
        """Frames seen."""
        self.mean: npt.NDArray[np.float64] = np.zeros(0)
        """(F,) mean of the frames seen."""
        self._squares: npt.NDArray[np.float64] = np.zeros(0)

    @classmethod
    def of(cls, utterances: Iterable[npt.ArrayLike]) -> RunningStatistics:
        """The statistics of many utterances, each (T, F)."""
        statistics = cls()
        for features in utterances:
            statistics.update(features)
        return statistics

    def update(self, features: npt.ArrayLike) -> None:
        """Take in the frames of one utterance.

        Args:
            features: (T, F).

        Raises:
            ShapeError: F differs from before.
        """
        x = as_features(features)
        if len(x) == 0:
            return
        mean = x.mean(axis=0, dtype=np.float64)
        self._add(len(x), mean, np.square(x - mean).sum(axis=0))

    def merge(self, other: RunningStatistics) -> None:
        """Take in what ``other`` has seen, such as another process's share of the corpus."""
        if other.count:
            self._add(other.count, other.mean, other._squares)

    def _add(self, count: int, mean: npt.NDArray[np.float64], squares: npt.NDArray[np.float64]) -> None:
        if not self.count:
            self.count, self.mean, self._squares = count, mean, squares
            return
        if mean.shape != self.mean.shape:
            raise ShapeError(f"expected features of width {len(self.mean)} as before, got width {len(mean)}")
        total = self.count + count
        shift = mean - self.mean
        # Not in place: the arrays may be shared with the statistics that were merged in.
        self._squares = self._squares + squares + shift**2 * (self.count * count / total)
        self.mean = self.mean + shift * (count / total)
        self.count = total

    @property
    def variance(self) -> npt.NDArray[np.float64]:
        """(F,) biased variance (divided by the number of frames) of the frames seen."""
        return self._squares / max(self.count, 1)

    def normalise(self, features: npt.ArrayLike, variance: bool = True) -> Floats:
        """Take the corpus mean out of one utterance and divide by the corpus deviation.

        Args:
            features: (T, F).
            variance: ``False`` to take out the mean only.

        Returns:
            (T, F) float32.

        Raises:
            ArgumentError: no frame was seen yet.
            ShapeError: F differs from that of the corpus.
        """
        x = as_features(features)
        if not self.count:
            raise ArgumentError("expected statistics of at least one frame; call update() first")
        if x.shape[1] != len(self.mean):
            raise ShapeError(f"expected features of width {len(self.mean)}, got {x.shape[1]}")
        centred = x - self.mean.astype(np.float32)
        if not variance:
            return centred
        deviation = np.sqrt(self.variance).astype(np.float32)
        return np.asarray(centred / np.maximum(deviation, np.float32(_SMALLEST_DEVIATION)))

    def state_dict(self) -> dict[str, npt.NDArray[np.float64]]:
        """``count`` (1,), ``mean`` (F,) and ``variance`` (F,) as float64, for any container of arrays."""
        return {"count": np.array([self.count], np.float64), "mean": self.mean.copy(), "variance": self.variance}

    def load_state_dict(self, state: Mapping[str, npt.ArrayLike]) -> None:
        """Continue from what :meth:`state_dict` gave."""
        self.count = int(np.asarray(state["count"]).reshape(-1)[0])
        self.mean = np.array(state["mean"], np.float64)
        self._squares = np.array(state["variance"], np.float64) * self.count
