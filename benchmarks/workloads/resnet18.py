"""A training step of ResNet-18 on small pictures: 3 x 3 convolutions weigh the most, batch normalisation comes next."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.peers import Peer
from benchmarks.workloads import Job, Workload, training


def network(nn: Any, classes: int) -> Any:
    """ResNet-18 with a 3 x 3 stem, as for CIFAR, written against ``nn`` so that every peer builds the same."""

    class Block(nn.Module):
        def __init__(self, before: int, width: int, stride: int) -> None:
            super().__init__()
            self.branch = nn.Sequential(
                nn.Conv2d(before, width, 3, stride, 1, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(),
                nn.Conv2d(width, width, 3, 1, 1, bias=False),
                nn.BatchNorm2d(width),
            )
            self.shortcut = nn.Identity()
            if stride != 1 or before != width:
                self.shortcut = nn.Sequential(nn.Conv2d(before, width, 1, stride, bias=False), nn.BatchNorm2d(width))
            self.relu = nn.ReLU()

        def forward(self, x: Any) -> Any:
            return self.relu(self.branch(x) + self.shortcut(x))

    stages = [(64, 64, 1), (64, 128, 2), (128, 256, 2), (256, 512, 2)]
    return nn.Sequential(
        nn.Conv2d(3, 64, 3, 1, 1, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        *(block for a, b, stride in stages for block in (Block(a, b, stride), Block(b, b, 1))),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(512, classes),
    )


def build(peer: Peer) -> Job:
    """Batch of 64 pictures 3 x 32 x 32, ResNet-18, cross-entropy, SGD with momentum."""
    lib = peer.lib
    rng = np.random.default_rng(0)
    pictures = lib.from_numpy(rng.standard_normal((64, 3, 32, 32), dtype=np.float32))
    classes = lib.from_numpy(rng.integers(0, 10, 64))

    lib.manual_seed(0)
    model = network(lib.nn, 10)
    optimizer = lib.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    return training(model, lib.nn.CrossEntropyLoss(), optimizer, pictures, classes)


WORKLOAD = Workload(
    title="training step, batch 64, ResNet-18 on 3 x 32 x 32, SGD",
    aim=1.0,
    build=build,
    warmup=1,
    samples=5,
    tolerance=0.05,  # the loss falls fast, and rounding grows with every step
)
