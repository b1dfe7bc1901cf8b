"""Listen, attend and spell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from handtorch.models.encoder_decoder.base import EncoderDecoder
from handtorch.models.encoder_decoder.listener import Listener
from handtorch.models.encoder_decoder.speller import LSTMSpeller


class ListenAttendSpell(EncoderDecoder):
    """A :class:`Listener`, and an :class:`LSTMSpeller` that attends to it (Chan et al. 2016).

    Args:
        in_features: F, values in a frame; or with ``encoder={"tokens_in": True}`` how many tokens the input has.
        out_features: V tokens.
        encoder: arguments of :class:`Listener`.
        decoder: arguments of :class:`LSTMSpeller`.
        ctc: whether there is a CTC head.
        start_token: what every text begins with, and CTC's blank.
        end_token: what every text ends with.

    Attributes:
        settings: the arguments as a dict that JSON can hold; ``ListenAttendSpell(**model.settings)`` has this shape.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        encoder: Mapping[str, Any] | None = None,
        decoder: Mapping[str, Any] | None = None,
        ctc: bool = True,
        start_token: int = 0,
        end_token: int = 1,
    ) -> None:
        listener = Listener(in_features, **(encoder or {}))
        speller = LSTMSpeller(listener.output_size, out_features, **(decoder or {}))
        super().__init__(listener, speller, out_features, ctc=ctc, start_token=start_token, end_token=end_token)
        self.settings: dict[str, Any] = self._described()
