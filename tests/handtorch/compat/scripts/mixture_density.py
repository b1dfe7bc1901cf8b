"""A mixture density network (Bishop 1994) for a function that is not one."""

import math

import torch
import torch.nn as nn
import torch.optim as optim

ONEOVERSQRT2PI = 1.0 / math.sqrt(2 * math.pi)


class MDN(nn.Module):
    """Maps an input to the parameters of a mixture of Gaussians."""

    def __init__(self, in_features, out_features, num_gaussians):
        super().__init__()
        self.in_features, self.out_features, self.num_gaussians = in_features, out_features, num_gaussians
        self.pi = nn.Sequential(nn.Linear(in_features, num_gaussians), nn.Softmax(dim=1))
        self.sigma = nn.Linear(in_features, out_features * num_gaussians)
        self.mu = nn.Linear(in_features, out_features * num_gaussians)

    def forward(self, minibatch):
        pi = self.pi(minibatch)
        sigma = torch.exp(self.sigma(minibatch)).view(-1, self.num_gaussians, self.out_features)
        mu = self.mu(minibatch).view(-1, self.num_gaussians, self.out_features)
        return pi, sigma, mu


def gaussian_probability(sigma, mu, target):
    target = target.unsqueeze(1).expand_as(sigma)
    ret = ONEOVERSQRT2PI * torch.exp(-0.5 * ((target - mu) / sigma) ** 2) / sigma
    return torch.prod(ret, 2)


def mdn_loss(pi, sigma, mu, target):
    prob = pi * gaussian_probability(sigma, mu, target)
    return torch.mean(-torch.log(torch.sum(prob, dim=1) + 1e-8))


def sample(pi, mu):
    picks = torch.multinomial(pi, 1).squeeze(1)
    return mu[torch.arange(len(picks)), picks]


torch.manual_seed(2)
y = torch.rand(300, 1) * 20 - 10
x = (torch.sin(0.75 * y) * 7.0 + y * 0.5 + torch.randn(300, 1)) / 10
model = nn.Sequential(nn.Linear(1, 20), nn.Tanh(), MDN(20, 1, 5))
optimizer = optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(60):
    model.zero_grad()
    pi, sigma, mu = model(x)
    loss = mdn_loss(pi, sigma, mu, y / 10)
    loss.backward()
    optimizer.step()
print("loss", loss.item())
pi, sigma, mu = model(x)
log_likelihood = torch.logsumexp(
    pi.log() + torch.distributions.Normal(mu, sigma).log_prob(y[:, None] / 10).sum(2), dim=1
)
print("log likelihood", log_likelihood.mean().item())
print("samples", sample(pi, mu).mean().item())
