"""Affine coupling layers (RealNVP) on two half moons."""

import math

import torch
from torch import distributions, nn


class Coupling(nn.Module):
    def __init__(self, mask, hidden=24):
        super().__init__()
        self.register_buffer("mask", mask)
        self.s = nn.Sequential(nn.Linear(2, hidden), nn.LeakyReLU(), nn.Linear(hidden, 2), nn.Tanh())
        self.t = nn.Sequential(nn.Linear(2, hidden), nn.LeakyReLU(), nn.Linear(hidden, 2))

    def backward_p(self, x):
        kept = self.mask * x
        s = self.s(kept) * (1 - self.mask)
        t = self.t(kept) * (1 - self.mask)
        return (1 - self.mask) * (x - t) * torch.exp(-s) + kept, -s.sum(dim=1)

    def forward_p(self, z):
        kept = self.mask * z
        s = self.s(kept) * (1 - self.mask)
        t = self.t(kept) * (1 - self.mask)
        return kept + (1 - self.mask) * (z * torch.exp(s) + t)


class RealNVP(nn.Module):
    def __init__(self, n_layers=4):
        super().__init__()
        masks = torch.tensor([[0.0, 1.0], [1.0, 0.0]] * (n_layers // 2))
        self.layers = nn.ModuleList([Coupling(m) for m in masks])
        self.prior = distributions.Independent(distributions.Normal(torch.zeros(2), torch.ones(2)), 1)

    def log_prob(self, x):
        log_det = x.new_zeros(x.shape[0])
        for layer in reversed(self.layers):
            x, ld = layer.backward_p(x)
            log_det += ld
        return self.prior.log_prob(x) + log_det

    def sample(self, n):
        x = self.prior.sample((n,))
        for layer in self.layers:
            x = layer.forward_p(x)
        return x


def moons(n):
    t = torch.rand(n) * math.pi
    upper = torch.rand(n) < 0.5
    x = torch.where(upper, t.cos(), 1 - t.cos())
    y = torch.where(upper, t.sin(), 0.5 - t.sin())
    return torch.stack([x, y], -1) + 0.05 * torch.randn(n, 2)


torch.manual_seed(0)
flow = RealNVP()
trainable = [p for p in flow.parameters() if p.requires_grad]
optimizer = torch.optim.Adam(trainable, lr=5e-3)
for step in range(40):
    loss = -flow.log_prob(moons(128)).mean()
    optimizer.zero_grad()
    loss.backward(retain_graph=True)
    optimizer.step()
    if step % 10 == 9:
        print("iter %s:" % step, "loss = %.4f" % loss.item())
with torch.no_grad():
    samples = flow.sample(200)
print("mean", samples.mean(0).tolist(), "buffers", len(list(flow.buffers())))
