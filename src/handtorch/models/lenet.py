"""LeNet-5: the convolutional network that read handwritten digits (LeCun, Bottou, Bengio and Haffner 1998)."""

from __future__ import annotations

from typing import Any

from handtorch import nn


class LeNet(nn.Module):
    """Two convolutions, each followed by averages over 2 x 2 places, then three linear maps.

    The paper's network in the terms of today: all pairs of feature maps are connected, the averages have no weights
    of their own, and the last layer is linear instead of distances to drawn digits.

    ===============  =====================  ==================
    layer            for 28 x 28            result
    ===============  =====================  ==================
    ``conv1``        6 of 5 x 5, padding 2  (N, 6, 28, 28)
    averages                                (N, 6, 14, 14)
    ``conv2``        16 of 5 x 5            (N, 16, 10, 10)
    averages                                (N, 16, 5, 5)
    ``fc1``-``fc3``  120, 84, num_classes   (N, num_classes)
    ===============  =====================  ==================

    Args:
        num_classes: C, how many classes there are.
        in_channels: colours of a picture: 1 or 3.
    """

    def __init__(self, num_classes: int = 10, in_channels: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.pool = nn.AvgPool2d(2)
        self.tanh = nn.Tanh()
        self.flatten = nn.Flatten()
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, num_classes)

    def forward(self, x: Any) -> Any:
        """Pictures (N, in_channels, 28, 28) to logits (N, C)."""
        x = self.pool(self.tanh(self.conv1(x)))
        x = self.pool(self.tanh(self.conv2(x)))
        x = self.tanh(self.fc1(self.flatten(x)))
        x = self.tanh(self.fc2(x))
        return self.fc3(x)
