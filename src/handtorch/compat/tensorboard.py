"""torch.utils.tensorboard: SummaryWriter, over TensorBoard's own event files."""

from __future__ import annotations

import io
import os
import socket
import time
from typing import Any

import numpy as np

from handtorch.errors import ArgumentError, require
from handtorch.tensor import Tensor

__all__ = ["SummaryWriter"]


class SummaryWriter:
    """Writes scalars, histograms, pictures and text for ``tensorboard --logdir``.

    Args:
        log_dir: the folder; by default ``runs/<date>_<host><comment>``.
        comment: an ending for the default folder's name.

    Raises:
        MissingExtraError: ``tensorboard`` is not installed (extra ``log``).
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str] | None = None,
        comment: str = "",
        purge_step: int | None = None,
        max_queue: int = 10,
        flush_secs: int = 120,
        filename_suffix: str = "",
    ) -> None:
        if log_dir is None:
            log_dir = os.path.join("runs", f"{time.strftime('%b%d_%H-%M-%S')}_{socket.gethostname()}{comment}")
        self.log_dir = os.fspath(log_dir)
        writer = require("tensorboard.summary.writer.event_file_writer", extra="log")
        self._event = require("tensorboard.compat.proto.event_pb2", extra="log")
        self._summary = require("tensorboard.compat.proto.summary_pb2", extra="log")
        self._tensor = require("tensorboard.compat.proto.tensor_pb2", extra="log")
        self._writer = writer.EventFileWriter(self.log_dir, max_queue, flush_secs, filename_suffix)
        if purge_step is not None:
            log = self._event.SessionLog(status=self._event.SessionLog.START)
            self._writer.add_event(self._event.Event(wall_time=time.time(), step=purge_step, session_log=log))

    def get_logdir(self) -> str:
        """The folder."""
        return self.log_dir

    def _add(self, value: Any, step: Any, walltime: float | None) -> None:
        summary = self._summary.Summary(value=[value])
        self._writer.add_event(
            self._event.Event(
                wall_time=time.time() if walltime is None else walltime,
                step=0 if step is None else int(step),
                summary=summary,
            )
        )

    def add_scalar(
        self,
        tag: str,
        scalar_value: Any,
        global_step: Any = None,
        walltime: float | None = None,
        new_style: bool = False,
        double_precision: bool = False,
    ) -> None:
        """One number."""
        self._add(self._summary.Summary.Value(tag=tag, simple_value=float(scalar_value)), global_step, walltime)

    def add_scalars(
        self, main_tag: str, tag_scalar_dict: dict[str, Any], global_step: Any = None, walltime: float | None = None
    ) -> None:
        """Several numbers under one heading."""
        for tag, value in tag_scalar_dict.items():
            self.add_scalar(f"{main_tag}/{tag}", value, global_step, walltime)

    def add_histogram(
        self,
        tag: str,
        values: Any,
        global_step: Any = None,
        bins: Any = "auto",
        walltime: float | None = None,
        max_bins: int | None = None,
    ) -> None:
        """How values are spread."""
        array = _array(values).ravel().astype(np.float64)
        array = array[np.isfinite(array)]
        if not array.size:
            raise ArgumentError(f"expected at least one finite value for the histogram {tag!r}")
        counts, edges = np.histogram(array, bins=64 if bins in ("auto", "tensorflow") else bins)
        histogram = self._summary.HistogramProto(
            min=array.min(),
            max=array.max(),
            num=array.size,
            sum=array.sum(),
            sum_squares=array @ array,
            bucket_limit=edges[1:].tolist(),
            bucket=counts.tolist(),
        )
        self._add(self._summary.Summary.Value(tag=tag, histo=histogram), global_step, walltime)

    def add_image(
        self,
        tag: str,
        img_tensor: Any,
        global_step: Any = None,
        walltime: float | None = None,
        dataformats: str = "CHW",
    ) -> None:
        """A picture: whole numbers from 0 to 255, or floating point from 0 to 1.

        Args:
            dataformats: the order of the axes: ``CHW``, ``HWC`` or ``HW``.
        """
        array = _array(img_tensor)
        if array.ndim != len(dataformats):
            raise ArgumentError(f"expected an image with axes {dataformats}, got shape {array.shape}")
        if dataformats == "CHW":
            array = array.transpose(1, 2, 0)
        if array.dtype.kind == "f":
            array = (array * 255).clip(0, 255)
        array = array.astype(np.uint8)
        image = require("PIL.Image", extra="vision")
        buffer = io.BytesIO()
        image.fromarray(array[..., 0] if array.ndim == 3 and array.shape[2] == 1 else array).save(buffer, "PNG")
        picture = self._summary.Summary.Image(
            height=array.shape[0],
            width=array.shape[1],
            colorspace=array.shape[2] if array.ndim == 3 else 1,
            encoded_image_string=buffer.getvalue(),
        )
        self._add(self._summary.Summary.Value(tag=tag, image=picture), global_step, walltime)

    def add_figure(
        self, tag: str, figure: Any, global_step: Any = None, close: bool = True, walltime: float | None = None
    ) -> None:
        """A figure of matplotlib."""
        figure.canvas.draw()
        self.add_image(tag, np.asarray(figure.canvas.buffer_rgba())[..., :3], global_step, walltime, "HWC")
        if close:
            require("matplotlib.pyplot", extra="viz").close(figure)

    def add_text(self, tag: str, text_string: str, global_step: Any = None, walltime: float | None = None) -> None:
        """A text, which may be Markdown."""
        metadata = self._summary.SummaryMetadata(
            plugin_data=self._summary.SummaryMetadata.PluginData(plugin_name="text")
        )
        tensor = self._tensor.TensorProto(dtype="DT_STRING", string_val=[text_string.encode()])
        value = self._summary.Summary.Value(tag=f"{tag}/text_summary", metadata=metadata, tensor=tensor)
        self._add(value, global_step, walltime)

    def add_hparams(self, hparam_dict: dict[str, Any], metric_dict: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        """Settings and what they led to: the metrics as numbers, the settings as a text."""
        self.add_text("hparams", "\n".join(f"- {name}: {value}" for name, value in hparam_dict.items()))
        for name, value in metric_dict.items():
            self.add_scalar(name, value)

    def add_graph(self, model: Any, input_to_model: Any = None, *args: Any, **kwargs: Any) -> None:
        """The network as its printed text; see ``handtorch.autograd.draw`` for a picture of the graph."""
        self.add_text("graph", f"```\n{model!r}\n```")

    def flush(self) -> None:
        """Everything so far onto the disk."""
        self._writer.flush()

    def close(self) -> None:
        """Close the file."""
        self._writer.close()

    def __enter__(self) -> SummaryWriter:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _array(values: Any) -> np.ndarray:
    return values.detach().array if isinstance(values, Tensor) else np.asarray(values)
