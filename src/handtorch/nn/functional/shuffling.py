"""Shuffling: channels that change places with each other, or with the pixels of a finer grid."""

from handtorch.ops.shuffling import channel_shuffle, native_channel_shuffle, pixel_shuffle, pixel_unshuffle

__all__ = [
    "channel_shuffle",
    "native_channel_shuffle",
    "pixel_shuffle",
    "pixel_unshuffle",
]
