"""DCGAN: two networks play against each other until one of them draws clothes (Radford, Metz and Chintala 2016).

The generator makes pictures of random numbers, the discriminator tells them from real ones, and each learns from what
the other does. Nothing that is measured goes down steadily in this game, and it can fall out of balance; the tricks
that keep it going are explained where they stand.

python examples/dcgan.py --root /usr/share/datasets/fashion-mnist
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

NOISE = 64  # how many random numbers a picture is made of


def generator() -> nn.Module:
    """Noise (N, NOISE) to pictures (N, 1, 28, 28)."""
    return nn.Sequential(
        nn.Linear(NOISE, 64 * 7 * 7, bias=False),
        nn.Unflatten(1, (64, 7, 7)),
        # Normalisation over the batch keeps all pictures from becoming one: a batch without variety is scaled up
        # until its little differences count. In the last layer it would only wash out what is black and white.
        nn.BatchNorm2d(64),
        nn.ReLU(),
        # A kernel that is a multiple of the stride covers every pixel equally often: no chequered patterns.
        nn.ConvTranspose2d(64, 32, 4, 2, 1, bias=False),  # 7 -> 14
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.ConvTranspose2d(32, 1, 4, 2, 1),  # 14 -> 28
        nn.Tanh(),  # as real pictures, from -1 to 1: another range would give the generator away at once
    )


def discriminator() -> nn.Module:
    """Pictures (N, 1, 28, 28) to logits (N,), positive for real."""
    return nn.Sequential(
        # Strides instead of maxima, and leaky activations: both let a gradient pass for every pixel, and those
        # gradients are all that the generator learns from.
        nn.Conv2d(1, 32, 4, 2, 1),  # 28 -> 14
        nn.LeakyReLU(0.2),
        nn.Conv2d(32, 64, 4, 2, 1, bias=False),  # 14 -> 7
        nn.BatchNorm2d(64),
        nn.LeakyReLU(0.2),
        nn.Flatten(),
        nn.Linear(64 * 7 * 7, 1),
        nn.Flatten(0),
    )


def draw_weights(module: nn.Module) -> None:
    """The paper's first weights: small ones, so that neither player begins with a strong opinion."""
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
        nn.init.normal_(module.weight, 0, 0.02)


def says(logits: Any, truth: float) -> Any:
    """The cross-entropy of the discriminator's logits, if the probability of "real" should be ``truth``."""
    return F.binary_cross_entropy_with_logits(logits, handtorch.full_like(logits, truth))


class Game:
    """Both players, and how each makes a move."""

    def __init__(self) -> None:
        self.generator, self.discriminator = generator().apply(draw_weights), discriminator().apply(draw_weights)
        # Momentum of 0.9, as usual, would keep a player running in a direction after the other has moved on. The rate
        # is five times that of the paper, whose networks are much larger: with its rate 1,400 steps left blurs here,
        # with this one they leave clothes. A discriminator at a fifth of the generator's rate let worse pictures pass.
        self.optimizers = [
            optim.Adam(player.parameters(), lr=1e-3, betas=(0.5, 0.999))
            for player in (self.generator, self.discriminator)
        ]
        # The generator circles around what it looks for. The mean of its weights over the last steps is nearer to it
        # than any of them, so it draws the pictures that are looked at.
        self.steady = optim.swa_utils.AveragedModel(
            self.generator, multi_avg_fn=optim.swa_utils.get_ema_multi_avg_fn(0.998), use_buffers=True
        )

    def step(self, real: Any) -> tuple[float, float]:
        """A move of each; returns the discriminator's loss and the generator's."""
        by_generator, by_discriminator = self.optimizers
        drawn = self.generator(handtorch.randn(len(real), NOISE))

        # Real and drawn pictures go in as two batches: in one, batch normalisation would let each see the other.
        # Real ones count as 0.9 real only. A discriminator that may be sure of itself makes its logits ever larger,
        # and the sigmoid of a large logit has no slope. And detach(): this move is not the generator's.
        lost = says(self.discriminator(real), 0.9) + says(self.discriminator(drawn.detach()), 0.0)
        by_discriminator.zero_grad()
        lost.backward()
        by_discriminator.step()

        # The generator maximises ln D(G(z)) instead of minimising ln(1 - D(G(z))): the same goal, but a steep slope
        # where it loses, which is where it begins.
        wanted = says(self.discriminator(drawn), 1.0)
        by_generator.zero_grad()
        wanted.backward()
        by_generator.step()
        self.steady.update_parameters(self.generator)
        return lost.item(), wanted.item()

    def draw(self, noise: Any) -> Any:
        """Pictures of noise (N, NOISE)."""
        self.steady.eval()
        with handtorch.no_grad():
            return self.steady(noise)


def train(root: str | None, epochs: int, batch_size: int, seed: int, out: Path) -> Game:
    """Play, and write the pictures of the same noise into a folder after every epoch."""
    handtorch.manual_seed(seed)
    pictures, _ = clothes(root, train=True)
    noise = handtorch.randn(80, NOISE)
    game = Game()
    began = time.perf_counter()
    for epoch in range(1, epochs + 1):
        lost = [game.step(pictures[chosen]) for chosen in batches(len(pictures), batch_size)]
        means = [sum(losses) / len(losses) for losses in zip(*lost, strict=True)]
        # Balance is 2 ln 2 = 1.39 and ln 2 = 0.69; a discriminator at 0.3 has won, and nobody learns any more.
        seconds = time.perf_counter() - began
        print(f"epoch {epoch}: discriminator {means[0]:.2f}, generator {means[1]:.2f}, {seconds:.0f} s", flush=True)
        save_grid(game.draw(noise), out / f"dcgan-{epoch:02d}.png", columns=10)
    return game


if __name__ == "__main__":
    run(__doc__, train, root="the files of Fashion-MNIST", epochs=5, batch_size=64, out="runs/dcgan")
