"""The Transformer: stacks of layers that encode a sequence, and that decode another from it."""

from __future__ import annotations

import copy
import math
import warnings
from typing import Any

from handtorch.autograd.mode import is_grad_enabled
from handtorch.errors import ShapeError
from handtorch.factories import full
from handtorch.nn import functional, init
from handtorch.nn.activation import GELU, ReLU
from handtorch.nn.containers import ModuleList
from handtorch.nn.functional.multi_head import hiding
from handtorch.nn.module import Module
from handtorch.nn.normalization import LayerNorm
from handtorch.nn.transformer_layers import Activation, TransformerDecoderLayer, TransformerEncoderLayer


class TransformerEncoder(Module):
    """Layers one after another.

    Args:
        encoder_layer: is copied with its parameters, so that all layers begin with the same numbers.
        num_layers: how many.
        norm: a normalisation of the result, or None.
        enable_nested_tensor: whether padded places may be skipped. In evaluation PyTorch then leaves zeros there, where
            the layers are of the kind that it can skip places in; so does this.
        mask_check: whether they are only skipped where all padding is at the end.
    """

    def __init__(
        self,
        encoder_layer: Module,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        super().__init__()
        self.layers = clones(encoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm
        self.enable_nested_tensor = self.use_nested_tensor = enable_nested_tensor
        self.mask_check = mask_check
        reason = _why_nothing_is_skipped(encoder_layer)
        if enable_nested_tensor and reason:
            warnings.warn(
                f"enable_nested_tensor is True, but self.use_nested_tensor is False because encoder_layer{reason}",
                stacklevel=2,
            )
            self.use_nested_tensor = False

    def forward(
        self, src: Any, mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool | None = None
    ) -> Any:
        """All layers.

        Args:
            src: (S, N, E), (N, S, E) if the layers are ``batch_first``, or (S, E).
            mask: (S, S) or (N · H, S, S): true where a place must not see another, or numbers that are added.
            src_key_padding_mask: (N, S) or (S): true for places that are padding, or numbers that are added.
            is_causal: a promise that ``mask`` hides what comes after each place and nothing else; None to find out.

        Returns:
            of the shape of ``src``.
        """
        padding = hiding(src_key_padding_mask, "src_key_padding_mask", mask, "mask")
        mask = hiding(mask, "mask")
        is_causal = _is_causal(mask, is_causal, src, self.layers[0])
        x = src
        for layer in self.layers:
            x = layer(x, src_mask=mask, is_causal=is_causal, src_key_padding_mask=padding)
        if padding is not None and mask is None and self._skips(src, padding):
            x = x.masked_fill(_hidden(padding).unsqueeze(-1), 0.0)
        return x if self.norm is None else self.norm(x)

    def _skips(self, src: Any, padding: Any) -> bool:
        """Whether PyTorch would compute nothing for the padded places."""
        first = self.layers[0]
        if not self.use_nested_tensor or first.training or src.ndim != 3:
            return False
        if is_grad_enabled() and (src.requires_grad or any(p.requires_grad for p in first.parameters())):
            return False
        hidden = _hidden(padding).array
        return not self.mask_check or bool((hidden[:, 1:] >= hidden[:, :-1]).all())


class TransformerDecoder(Module):
    """Layers one after another, all of which see the same memory.

    Args:
        decoder_layer: is copied with its parameters, so that all layers begin with the same numbers.
        num_layers: how many.
        norm: a normalisation of the result, or None.
    """

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        super().__init__()
        self.layers = clones(decoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm

    def forward(
        self,
        tgt: Any,
        memory: Any,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Any:
        """All layers, with the arguments of :class:`TransformerDecoderLayer`; ``tgt_is_causal`` None to find out."""
        tgt_is_causal = _is_causal(tgt_mask, tgt_is_causal, tgt, self.layers[0])
        x = tgt
        for layer in self.layers:
            x = layer(
                x,
                memory,
                tgt_mask=tgt_mask,
                memory_mask=memory_mask,
                tgt_key_padding_mask=tgt_key_padding_mask,
                memory_key_padding_mask=memory_key_padding_mask,
                tgt_is_causal=tgt_is_causal,
                memory_is_causal=memory_is_causal,
            )
        return x if self.norm is None else self.norm(x)


class Transformer(Module):
    """An encoder of one sequence, and a decoder of another that sees what the encoder makes. (Vaswani et al. 2017)

    Args:
        d_model: E, the features of a place.
        nhead: H, the heads of attention.
        num_encoder_layers, num_decoder_layers: how many layers.
        dim_feedforward, dropout, activation: as for :class:`TransformerEncoderLayer`.
        custom_encoder, custom_decoder: modules that take the places of the encoder and the decoder.
        layer_norm_eps, batch_first, norm_first, bias: as for :class:`TransformerEncoderLayer`.

    All weights are Glorot uniform at first.
    """

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = functional.relu,
        custom_encoder: Any = None,
        custom_decoder: Any = None,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        settings = (dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias)

        def norm() -> LayerNorm:
            return LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)

        if custom_encoder is None:
            layer: Module = TransformerEncoderLayer(d_model, nhead, *settings, dtype=dtype)
            custom_encoder = TransformerEncoder(layer, num_encoder_layers, norm())
        self.encoder = custom_encoder
        if custom_decoder is None:
            layer = TransformerDecoderLayer(d_model, nhead, *settings, dtype=dtype)
            custom_decoder = TransformerDecoder(layer, num_decoder_layers, norm())
        self.decoder = custom_decoder
        self._reset_parameters()
        self.d_model = d_model
        self.nhead = nhead
        self.batch_first = batch_first

    def _reset_parameters(self) -> None:
        for parameter in self.parameters():
            if parameter.ndim > 1:
                init.xavier_uniform_(parameter)

    def forward(
        self,
        src: Any,
        tgt: Any,
        src_mask: Any = None,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        src_key_padding_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Any:
        """Encode ``src`` and decode ``tgt``.

        Args:
            src: (S, N, E), (N, S, E) with ``batch_first``, or (S, E).
            tgt: (T, N, E), (N, T, E) or (T, E).
            src_mask, src_key_padding_mask, src_is_causal: as for :class:`TransformerEncoder`.
            tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask, tgt_is_causal, memory_is_causal: as
                for :class:`TransformerDecoder`.

        Returns:
            of the shape of ``tgt``.

        Raises:
            ShapeError: numbers of sequences or of features differ.
        """
        batch = 0 if self.batch_first else 1
        if src.ndim == 3 and src.shape[batch] != tgt.shape[batch]:
            raise ShapeError(
                f"the batch number of src and tgt must be equal, got {src.shape[batch]} and {tgt.shape[batch]}"
            )
        if src.shape[-1] != self.d_model or tgt.shape[-1] != self.d_model:
            raise ShapeError(
                f"the feature number of src and tgt must be equal to d_model, {self.d_model}, "
                f"got {src.shape[-1]} and {tgt.shape[-1]}"
            )
        memory = self.encoder(src, mask=src_mask, src_key_padding_mask=src_key_padding_mask, is_causal=src_is_causal)
        return self.decoder(
            tgt,
            memory,
            tgt_mask=tgt_mask,
            memory_mask=memory_mask,
            tgt_key_padding_mask=tgt_key_padding_mask,
            memory_key_padding_mask=memory_key_padding_mask,
            tgt_is_causal=tgt_is_causal,
            memory_is_causal=memory_is_causal,
        )

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device: Any = None, dtype: Any = None) -> Any:
        """A mask (sz, sz) that hides what comes after each place: -Inf there, else 0."""
        return full((sz, sz), -math.inf, dtype=dtype).triu(1)


def clones(module: Module, count: int) -> ModuleList:
    """Copies of a module, each with parameters of its own."""
    return ModuleList([copy.deepcopy(module) for _ in range(count)])


def _hidden(padding: Any) -> Any:
    """Where a mask of truth values or of numbers says padding."""
    return padding != 0 if padding.is_floating_point() else padding


def _is_causal(mask: Any, told: bool | None, x: Any, layer: Any) -> bool:
    """Whether the mask hides what comes after each place and nothing else, where the caller does not say."""
    if told is not None or mask is None:
        return bool(told)
    size = x.shape[0] if x.ndim == 2 or not layer.self_attn.batch_first else x.shape[1]
    if tuple(mask.shape) != (size, size):
        return False
    later = Transformer.generate_square_subsequent_mask(size, dtype=mask.dtype)
    return bool((mask == later).all())


def _why_nothing_is_skipped(layer: Any) -> str:
    """Why PyTorch has no way to skip padded places in such a layer; empty if it has."""
    if not isinstance(layer, TransformerEncoderLayer):
        return " was not TransformerEncoderLayer"
    if layer.norm_first:
        return ".norm_first was True"
    if not layer.self_attn.batch_first:
        return ".self_attn.batch_first was not True(use batch_first for better inference performance)"
    if layer.self_attn.in_proj_bias is None:
        return ".self_attn was passed bias=False"
    known = (functional.relu, functional.gelu)
    if layer.activation not in known and not isinstance(layer.activation, (ReLU, GELU)):
        return ".activation_relu_or_gelu was not True"
    if layer.norm1.eps != layer.norm2.eps:
        return ".norm1.eps was not equal to encoder_layer.norm2.eps"
    if layer.self_attn.num_heads % 2:
        return ".self_attn.num_heads is odd"
    return ""
