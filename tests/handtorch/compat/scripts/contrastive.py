"""Contrastive learning of embeddings: NT-Xent (SimCLR) on pairs, then a triplet loss, then a linear probe."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class Encoder(nn.Module):
    def __init__(self, d_in=12, d_out=8):
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(d_in, 32), nn.SiLU(), nn.Linear(32, 16))
        self.projection = nn.Linear(16, d_out, bias=False)
        self._init_weights()

    def _init_weights(self):
        for m in self.modules():
            if isinstance(m, nn.Linear):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
                if m.bias is not None:
                    nn.init.zeros_(m.bias)

    def forward(self, x):
        h = self.backbone(x)
        return h, F.normalize(self.projection(h), p=2, dim=-1)


def nt_xent(z1, z2, temperature=0.5):
    n = z1.size(0)
    z = torch.cat([z1, z2], dim=0)
    similarity = torch.matmul(z, z.t()) / temperature
    mask = torch.eye(2 * n, dtype=torch.bool)
    similarity = similarity.masked_fill(mask, float("-inf"))
    targets = torch.cat([torch.arange(n, 2 * n), torch.arange(0, n)])
    return F.cross_entropy(similarity, targets)


def augment(x):
    keep = (torch.rand_like(x) > 0.2).float()
    return x * keep + 0.1 * torch.randn_like(x)


torch.manual_seed(4)
centers = 2 * torch.randn(3, 12)
labels = torch.arange(3).repeat_interleave(40)
data = centers[labels] + torch.randn(120, 12)
encoder = Encoder()
optimizer = torch.optim.Adam(encoder.parameters(), lr=1e-2)
for step in range(25):
    batch = data[torch.randperm(120)[:48]]
    loss = nt_xent(encoder(augment(batch))[1], encoder(augment(batch))[1])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print("contrastive loss", loss.item())

triplet = nn.TripletMarginLoss(margin=0.5, p=2)
for step in range(10):
    anchor = torch.randint(0, 120, (32,))
    positive = labels[anchor] * 40 + torch.randint(0, 40, (32,))
    negative = ((labels[anchor] + 1) % 3) * 40 + torch.randint(0, 40, (32,))
    loss = triplet(*(encoder(data[i])[1] for i in (anchor, positive, negative)))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print("triplet loss", loss.item())

with torch.no_grad():
    features, z = encoder(data)
    distances = torch.cdist(z, z)
    nearest = distances.fill_diagonal_(float("inf")).argmin(dim=1)
print("nearest neighbour", (labels[nearest] == labels).float().mean().item())
probe = nn.Linear(16, 3)
optimizer = torch.optim.SGD(probe.parameters(), lr=0.5)
for step in range(20):
    loss = F.cross_entropy(probe(features), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print("probe loss", loss.item())
