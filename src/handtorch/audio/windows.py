"""Every frame together with its neighbours: the input of a classifier that labels frames one by one."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, overload

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import as_strided

from handtorch.audio.checks import Floats, as_features
from handtorch.errors import ArgumentError, ShapeError

Integers = npt.NDArray[np.int64]


def frame_windows(features: npt.ArrayLike, context: int) -> Floats:
    """Put the ``context`` frames before and after each frame beside it; zeros stand in beyond the ends.

    Args:
        features: (T, F).
        context: c, frames on each side.

    Returns:
        (T, (2 c + 1) F) float32, oldest frame first; a read-only view of one padded copy, so it takes the memory of
        (T + 2 c, F). Index it, or call ``.copy()``, to own the numbers.
    """
    x = as_features(features)
    return _windows(np.pad(x, ((_checked(context), context), (0, 0))), context)


class WindowedFrames:
    """Frames of many utterances, each seen with its neighbours; a data set of as many items as there are frames.

    The utterances lie behind one another in one array with c rows of zeros between, so a window is a run of memory that
    is copied out when asked for; all windows at once would take 2 c + 1 times as much. No window reaches into another
    utterance.

    An index gives ``window``, or ``(window, label)`` when there are labels; a list, array or slice of indices gives a
    whole batch at once, which is how a loader should ask:
    ``DataLoader(frames, sampler=BatchSampler(...), batch_size=None)``.

    Args:
        features: utterances, each (T_n, F). Give a generator to keep no second copy of the corpus alive.
        labels: for each utterance (T_n,) whole numbers, the class of every frame.
        context: c, frames on each side.
        dtype: element type that is kept: float32, or float16 to halve the memory (batches come out as float32).

    Raises:
        ShapeError: utterances of different width, or labels that do not fit their frames.
        ArgumentError: no utterance at all, or a negative context.
    """

    def __init__(
        self,
        features: Iterable[npt.ArrayLike],
        labels: Iterable[npt.ArrayLike] | None = None,
        *,
        context: int,
        dtype: npt.DTypeLike = np.float32,
    ) -> None:
        self.context = _checked(context)
        pending = deque(_as_type(x, dtype) for x in features)
        if not pending:
            raise ArgumentError("expected at least one utterance, got none")
        self.n_features = pending[0].shape[1]
        """F, values in a frame; a window has (2 c + 1) F."""
        self.lengths: Integers = np.array([len(x) for x in pending], np.int64)
        """(N,) frames in each utterance."""
        self.offsets: Integers = np.concatenate([[0], np.cumsum(self.lengths)])
        """(N + 1,) index of the first frame of each utterance, and the number of frames."""
        self.labels = None if labels is None else _join_labels(labels, self.lengths)
        """(total frames,) int64, or None."""
        self._windows = _windows(_lay_out(pending, self.n_features, self.lengths, context), context)
        self._rows = np.arange(len(self)) + np.repeat(np.arange(len(self.lengths)) * context, self.lengths)

    def __len__(self) -> int:
        """Frames of all utterances."""
        return int(self.offsets[-1])

    @property
    def width(self) -> int:
        """Values in a window, (2 c + 1) F: the ``in_features`` of the first layer."""
        return (2 * self.context + 1) * self.n_features

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: Sequence[int] | npt.NDArray[np.integer[Any]] | slice) -> Any: ...
    def __getitem__(self, index: Any) -> Any:
        windows = self.windows(index)
        return windows if self.labels is None else (windows, self.labels[index])

    def windows(self, index: Any) -> Floats:
        """The windows of one frame, ((2 c + 1) F,), or of several, (B, (2 c + 1) F), as float32 of their own."""
        rows = self._rows[index]
        # An array as index copies the windows out; a single number would give a view of the corpus.
        copied = self._windows[np.atleast_1d(rows)].astype(np.float32, copy=False)
        return copied.reshape(*np.shape(rows), self.width)

    def batches(
        self, batch_size: int, rng: np.random.Generator | None = None, drop_last: bool = False
    ) -> Iterator[Any]:
        """Go once over all frames.

        Args:
            batch_size: frames in a batch.
            rng: when given, frames come in random order; else in their own.
            drop_last: leave out a last batch that is smaller.

        Yields:
            what ``self[indices]`` gives.
        """
        if batch_size < 1:
            raise ArgumentError(f"expected batch_size >= 1, got {batch_size}")
        order = np.arange(len(self)) if rng is None else rng.permutation(len(self))
        stop = len(self) - len(self) % batch_size if drop_last else len(self)
        for start in range(0, stop, batch_size):
            yield self[order[start : min(start + batch_size, stop)]]

    def split(self, values: npt.ArrayLike) -> list[npt.NDArray[Any]]:
        """Cut something that was computed for every frame, (total frames, ...), back into one array an utterance."""
        array = np.asarray(values)
        if len(array) != len(self):
            raise ShapeError(f"expected one value for each of {len(self)} frames, got {len(array)}")
        return np.split(array, self.offsets[1:-1])


def _checked(context: int) -> int:
    if context < 0:
        raise ArgumentError(f"expected context >= 0 frames, got {context}")
    return context


def _as_type(features: npt.ArrayLike, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    return as_features(features).astype(dtype, copy=False)


def _windows(padded: npt.NDArray[Any], context: int) -> npt.NDArray[Any]:
    """All runs of 2 c + 1 rows of a contiguous array, each as one long row, without copying."""
    count, width = len(padded) - 2 * context, padded.shape[1]
    item = padded.itemsize
    return as_strided(padded, (count, (2 * context + 1) * width), (width * item, item), writeable=False)


def _lay_out(pending: deque[npt.NDArray[Any]], width: int, lengths: Integers, context: int) -> npt.NDArray[Any]:
    """Copy utterances into one array with ``context`` rows of zeros before, between and after, letting go of each."""
    padded = np.zeros((int(lengths.sum()) + (len(lengths) + 1) * context, width), pending[0].dtype)
    row = context
    while pending:
        x = pending.popleft()
        if x.shape[1] != width:
            raise ShapeError(f"expected features of width {width} in every utterance, got {x.shape[1]}")
        padded[row : row + len(x)] = x
        row += len(x) + context
    return padded


def _join_labels(labels: Iterable[npt.ArrayLike], lengths: Integers) -> Integers:
    parts = [np.asarray(part) for part in labels]
    if len(parts) != len(lengths):
        raise ShapeError(f"expected labels for {len(lengths)} utterances, got {len(parts)}")
    for number, (part, length) in enumerate(zip(parts, lengths, strict=True)):
        if part.shape != (length,):
            raise ShapeError(f"expected labels of shape ({length},) for utterance {number}, got {part.shape}")
        if part.dtype.kind not in "iu":
            raise ShapeError(f"expected whole numbers as labels of utterance {number}, got {part.dtype}")
    return np.concatenate(parts).astype(np.int64)
