"""A variational autoencoder with torch.distributions."""

import torch
from torch import nn, optim
from torch.distributions import Bernoulli, Independent, Normal, kl_divergence
from torch.nn import functional as F


class VAE(nn.Module):
    def __init__(self, n_in=16, n_hidden=32, n_latent=2):
        super().__init__()
        self.fc1 = nn.Linear(n_in, n_hidden)
        self.fc21 = nn.Linear(n_hidden, n_latent)
        self.fc22 = nn.Linear(n_hidden, n_latent)
        self.fc3 = nn.Linear(n_latent, n_hidden)
        self.fc4 = nn.Linear(n_hidden, n_in)

    def encode(self, x):
        h = F.relu(self.fc1(x))
        return Normal(self.fc21(h), F.softplus(self.fc22(h)) + 1e-3)

    def decode(self, z):
        return Independent(Bernoulli(logits=self.fc4(F.relu(self.fc3(z)))), 1)

    def forward(self, x):
        posterior = self.encode(x)
        z = posterior.rsample()
        return self.decode(z), posterior


def elbo(likelihood, posterior, x):
    prior = Normal(torch.zeros_like(posterior.mean), torch.ones_like(posterior.stddev))
    return likelihood.log_prob(x) - kl_divergence(posterior, prior).sum(dim=-1)


torch.manual_seed(3)
patterns = torch.bernoulli(torch.full((4, 16), 0.5))
data = patterns[torch.randint(4, (256,))]
flip = torch.rand_like(data) < 0.05
data = torch.where(flip, 1 - data, data)

model = VAE()
optimizer = optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(10):
    order = torch.randperm(len(data))
    total = 0
    for chunk in order.split(64):
        x = data[chunk]
        loss = -elbo(*model(x), x).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(x)
    print(f"====> Epoch: {epoch} Average loss: {total / len(data):.4f}")
with torch.no_grad():
    sample = model.decode(torch.randn(64, 2)).mean
print("mean of samples", sample.mean().item())
print("final", total / len(data))
