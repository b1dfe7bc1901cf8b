"""A training step of a ConvNeXt: 7 x 7 convolutions a channel at a time, layer normalisation, wide matrix products."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.peers import Peer
from benchmarks.workloads import Job, Workload, training


def network(lib: Any, widths: tuple[int, ...], depths: tuple[int, ...], classes: int) -> Any:
    """A ConvNeXt with patches of 4 x 4, written against ``lib`` so that every peer builds the same."""
    nn: Any = lib.nn

    class Permute(nn.Module):
        def __init__(self, *order: int) -> None:
            super().__init__()
            self.order = order

        def forward(self, x: Any) -> Any:
            return x.permute(self.order)

    class Block(nn.Module):
        def __init__(self, width: int) -> None:
            super().__init__()
            self.branch = nn.Sequential(
                nn.Conv2d(width, width, 7, padding=3, groups=width),
                Permute(0, 2, 3, 1),
                nn.LayerNorm(width, eps=1e-6),
                nn.Linear(width, 4 * width),
                nn.GELU(),
                nn.Linear(4 * width, width),
                Permute(0, 3, 1, 2),
            )
            self.scale = nn.Parameter(lib.full((width, 1, 1), 1e-6))

        def forward(self, x: Any) -> Any:
            return x + self.scale * self.branch(x)

    def normalised(width: int) -> list[Any]:
        return [Permute(0, 2, 3, 1), nn.LayerNorm(width, eps=1e-6), Permute(0, 3, 1, 2)]

    layers = [nn.Conv2d(3, widths[0], 4, 4), *normalised(widths[0])]
    for i, (width, depth) in enumerate(zip(widths, depths, strict=True)):
        if i:
            layers += [*normalised(widths[i - 1]), nn.Conv2d(widths[i - 1], width, 2, 2)]
        layers += [Block(width) for _ in range(depth)]
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LayerNorm(widths[-1]), nn.Linear(widths[-1], classes)]
    return nn.Sequential(*layers, *head)


def build(peer: Peer) -> Job:
    """Batch of 32 pictures 3 x 64 x 64, widths 96-192-384 with 2, 2 and 4 blocks, cross-entropy, AdamW."""
    lib = peer.lib
    rng = np.random.default_rng(0)
    pictures = lib.from_numpy(rng.standard_normal((32, 3, 64, 64), dtype=np.float32))
    classes = lib.from_numpy(rng.integers(0, 100, 32))

    lib.manual_seed(0)
    model = network(lib, (96, 192, 384), (2, 2, 4), 100)
    optimizer = lib.optim.AdamW(model.parameters(), lr=1e-3)
    return training(model, lib.nn.CrossEntropyLoss(), optimizer, pictures, classes)


WORKLOAD = Workload(
    title="training step, batch 32, ConvNeXt 96-192-384 on 3 x 64 x 64, AdamW",
    aim=0.8,
    build=build,
    warmup=1,
    samples=7,
    tolerance=0.05,
)
