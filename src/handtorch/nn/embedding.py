"""Tables of embeddings as layers."""

from __future__ import annotations

from typing import Any

from handtorch.autograd.mode import no_grad
from handtorch.errors import ArgumentError
from handtorch.factories import empty
from handtorch.nn import functional as F
from handtorch.nn import init
from handtorch.nn.functional.embeddings import row_of_padding
from handtorch.nn.module import Module
from handtorch.nn.parameter import Parameter


class _Table(Module):
    """A table of V rows, one for each word, class or thing, of D learned numbers.

    Args:
        num_embeddings: V.
        embedding_dim: D.
        padding_idx: the row that gets no gradient and is 0 at first.
        max_norm, norm_type, scale_grad_by_freq, sparse: as for :func:`handtorch.nn.functional.embedding`.
        _weight: the table (V, D) to begin with, whose memory is shared.

    Attributes:
        weight: the table (V, D), standard normal at first.

    Raises:
        ArgumentError: the padding is no row, or ``_weight`` has another shape.
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None,
        max_norm: float | None,
        norm_type: float,
        scale_grad_by_freq: bool,
        sparse: bool,
        _weight: Any,
        dtype: Any,
    ) -> None:
        super().__init__()
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.padding_idx = None if padding_idx is None else row_of_padding(padding_idx, num_embeddings)
        self.max_norm, self.norm_type = max_norm, norm_type
        self.scale_grad_by_freq, self.sparse = scale_grad_by_freq, sparse
        if _weight is None:
            self.weight = Parameter(empty(num_embeddings, embedding_dim, dtype=dtype))
            self.reset_parameters()
            return
        if tuple(_weight.shape) != (num_embeddings, embedding_dim):
            raise ArgumentError(
                f"Shape of weight does not match num_embeddings and embedding_dim: expected "
                f"({num_embeddings}, {embedding_dim}), got {tuple(_weight.shape)}"
            )
        self.weight = Parameter(_weight)

    def reset_parameters(self) -> None:
        """Draw the table anew."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx].fill_(0)


class Embedding(_Table):
    """Rows of a table of V rows of D numbers, by number: (*) to (*, D).

    Args:
        num_embeddings: V.
        embedding_dim: D.
        padding_idx: the row that gets no gradient and is 0 at first.
        max_norm, norm_type, scale_grad_by_freq, sparse: as for :func:`handtorch.nn.functional.embedding`.
        _weight: the table (V, D) to begin with, whose memory is shared.
        _freeze: keep the table as it is in training.

    Attributes:
        weight: the table (V, D), standard normal at first.
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Any = None,
        _freeze: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            num_embeddings,
            embedding_dim,
            padding_idx,
            max_norm,
            norm_type,
            scale_grad_by_freq,
            sparse,
            _weight,
            dtype,
        )
        self.weight.requires_grad_(not _freeze)

    def forward(self, input: Any) -> Any:
        """Whole numbers (*) to rows (*, D)."""
        return F.embedding(
            input,
            self.weight,
            self.padding_idx,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.sparse,
        )

    def extra_repr(self) -> str:
        """The settings, as printed."""
        settings = [f"{self.num_embeddings}, {self.embedding_dim}"]
        settings += [f"padding_idx={self.padding_idx}"] if self.padding_idx is not None else []
        settings += [f"max_norm={self.max_norm}"] if self.max_norm is not None else []
        settings += [f"norm_type={self.norm_type}"] if self.norm_type != 2 else []
        settings += [f"scale_grad_by_freq={self.scale_grad_by_freq}"] if self.scale_grad_by_freq else []
        settings += ["sparse=True"] if self.sparse else []
        return ", ".join(settings)

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Any,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Any:
        """A layer on a table (V, D) that was learned elsewhere.

        Args:
            embeddings: the table, whose memory is shared.
            freeze: keep it as it is in training.
            padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse: as for the layer.
        """
        return cls(
            *_lengths(embeddings),
            _weight=embeddings,
            _freeze=freeze,
            padding_idx=padding_idx,
            max_norm=max_norm,
            norm_type=norm_type,
            scale_grad_by_freq=scale_grad_by_freq,
            sparse=sparse,
        )


class EmbeddingBag(_Table):
    """Rows of a table of V rows of D numbers, reduced in bags: (B, L), or (n) with offsets (B), to (B, D).

    Args:
        num_embeddings: V.
        embedding_dim: D.
        mode: "sum", "mean" or "max".
        include_last_offset: the last offset is the end of the last bag, and begins none.
        padding_idx: the row that counts for nothing and is 0 at first.
        max_norm, norm_type, scale_grad_by_freq, sparse: as for :func:`handtorch.nn.functional.embedding`.
        _weight: the table (V, D) to begin with, whose memory is shared.

    Attributes:
        weight: the table (V, D), standard normal at first.
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        _weight: Any = None,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            num_embeddings,
            embedding_dim,
            padding_idx,
            max_norm,
            norm_type,
            scale_grad_by_freq,
            sparse,
            _weight,
            dtype,
        )
        self.mode, self.include_last_offset = mode, include_last_offset

    def forward(self, input: Any, offsets: Any = None, per_sample_weights: Any = None) -> Any:
        """Bags (B, L), or (n) with offsets (B), to (B, D)."""
        return F.embedding_bag(
            input,
            self.weight,
            offsets,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.mode,
            self.sparse,
            per_sample_weights,
            self.include_last_offset,
            self.padding_idx,
        )

    def extra_repr(self) -> str:
        """The settings, as printed."""
        settings = [f"{self.num_embeddings}, {self.embedding_dim}"]
        settings += [f"max_norm={self.max_norm}"] if self.max_norm is not None else []
        settings += [f"norm_type={self.norm_type}"] if self.norm_type != 2 else []
        settings += [f"scale_grad_by_freq={self.scale_grad_by_freq}"] if self.scale_grad_by_freq else []
        settings += [f"mode={self.mode!r}"]
        settings += [f"padding_idx={self.padding_idx}"] if self.padding_idx is not None else []
        return ", ".join(settings)

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Any,
        freeze: bool = True,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
    ) -> Any:
        """A layer on a table (V, D) that was learned elsewhere.

        Args:
            embeddings: the table, whose memory is shared.
            freeze: keep it as it is in training.
            max_norm, norm_type, scale_grad_by_freq, mode, sparse, include_last_offset, padding_idx: as for the layer.
        """
        made = cls(
            *_lengths(embeddings),
            _weight=embeddings,
            max_norm=max_norm,
            norm_type=norm_type,
            scale_grad_by_freq=scale_grad_by_freq,
            mode=mode,
            sparse=sparse,
            include_last_offset=include_last_offset,
            padding_idx=padding_idx,
        )
        made.weight.requires_grad_(not freeze)
        return made


def _lengths(embeddings: Any) -> tuple[int, int]:
    if embeddings.dim() != 2:
        raise ArgumentError(f"Embeddings parameter is expected to be 2-dimensional, got {embeddings.dim()} axes")
    return tuple(embeddings.shape)  # type: ignore[return-value]
