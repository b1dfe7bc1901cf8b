"""VAE: a network that learns to draw clothes by packing pictures into a few numbers (Kingma and Welling 2014).

python examples/vae.py --root /usr/share/datasets/fashion-mnist
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from pictures import batches, clothes, save_grid
from program import run

import handtorch
from handtorch import nn, optim
from handtorch.nn import functional as F


class VAE(nn.Module):
    """An encoder from a picture to a normal distribution over codes, and a decoder from a code to a picture.

    Args:
        width: how many numbers a code has.
    """

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 16, 4, 2, 1),  # 28 -> 14
            nn.ReLU(),
            nn.Conv2d(16, 32, 4, 2, 1),  # 14 -> 7
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(32 * 7 * 7, 128),
            nn.ReLU(),
            nn.Linear(128, 2 * width),
        )
        self.decoder = nn.Sequential(
            nn.Linear(width, 128),
            nn.ReLU(),
            nn.Linear(128, 32 * 7 * 7),
            nn.ReLU(),
            nn.Unflatten(1, (32, 7, 7)),
            nn.ConvTranspose2d(32, 16, 4, 2, 1),  # 7 -> 14
            nn.ReLU(),
            nn.ConvTranspose2d(16, 1, 4, 2, 1),  # 14 -> 28
        )

    def forward(self, x: Any) -> tuple[Any, Any, Any]:
        """Pictures (N, 1, 28, 28) to logits of pixels of the same shape, and μ and ln σ² (N, width) of their codes."""
        mean, log_variance = self.encoder(x).chunk(2, 1)
        # A random number has no gradient. Written as μ + σ ε, with ε drawn apart, a code has one by μ and by σ: the
        # reparametrisation trick. The logarithm of σ² may have any sign, so nothing has to keep it positive.
        code = mean + (0.5 * log_variance).exp() * handtorch.randn_like(mean)
        return self.decoder(code), mean, log_variance


def loss_of(logits: Any, x: Any, mean: Any, log_variance: Any) -> tuple[Any, Any]:
    """What a picture costs, in nats, in two parts: pixels given the code, and the code itself.

    Their sum bounds -ln p(x) from above (the negative ELBO). The first is the cross-entropy of each pixel, taken for
    the probability of white. The second, KL(N(μ, σ²) || N(0, 1)) = ½ Σ (μ² + σ² - ln σ² - 1), keeps codes where later
    new ones are drawn: without it every picture would get a place of its own, and between the places there is nothing.
    """
    pixels = F.binary_cross_entropy_with_logits(logits, (x + 1) / 2, reduction="sum") / len(x)
    divergence = 0.5 * (mean.square() + log_variance.exp() - log_variance - 1).sum() / len(x)
    return pixels, divergence


def train(root: str | None, epochs: int, batch_size: int, seed: int, out: Path) -> VAE:
    """Train, and write pictures into a folder: given above drawn again, and new ones."""
    handtorch.manual_seed(seed)
    pictures, _ = clothes(root, train=True)
    examples = clothes(root, train=False)[0][:10]
    model = VAE()
    optimizer = optim.Adam(model.parameters(), lr=1e-3)
    began = time.perf_counter()
    for epoch in range(1, epochs + 1):
        totals = [0.0, 0.0]
        for chosen in batches(len(pictures), batch_size):
            x = pictures[chosen]
            logits, mean, log_variance = model(x)
            parts = loss_of(logits, x, mean, log_variance)
            optimizer.zero_grad()
            (parts[0] + parts[1]).backward()
            optimizer.step()
            totals = [total + part.item() for total, part in zip(totals, parts, strict=True)]
        pixels, divergence = (total / (len(pictures) // batch_size) for total in totals)
        seconds = time.perf_counter() - began
        print(f"epoch {epoch}: pixels {pixels:.1f} + code {divergence:.1f} nats, {seconds:.0f} s", flush=True)
    with handtorch.no_grad():
        again = model(examples)[0].sigmoid() * 2 - 1
        new = model.decoder(handtorch.randn(60, 16)).sigmoid() * 2 - 1
    save_grid(handtorch.cat([examples, again]), out / "vae-again.png", columns=10)
    save_grid(new, out / "vae-new.png", columns=10)
    return model


if __name__ == "__main__":
    run(__doc__, train, root="the files of Fashion-MNIST", epochs=6, batch_size=128, out="runs/vae")
