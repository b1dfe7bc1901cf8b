"""A deep autoencoder with weight initialisation by apply, and gradient clipping."""

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset


class Curves(Dataset):
    """Sine waves of random phase and frequency."""

    def __init__(self, size, points=32):
        self.phase = torch.rand(size, 1) * 6.28
        self.frequency = 1 + 2 * torch.rand(size, 1)
        self.t = torch.linspace(0, 6.28, points)

    def __len__(self):
        return len(self.phase)

    def __getitem__(self, idx):
        return torch.sin(self.frequency[idx] * self.t + self.phase[idx])


class Autoencoder(nn.Module):
    def __init__(self, n_in, bottleneck):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(n_in, 24), nn.ReLU(True), nn.Linear(24, bottleneck))
        self.decoder = nn.Sequential(nn.Linear(bottleneck, 24), nn.ReLU(inplace=True), nn.Linear(24, n_in), nn.Tanh())

    def forward(self, x):
        code = self.encoder(x)
        return self.decoder(code), code


def init_weights(m):
    if isinstance(m, nn.Linear):
        nn.init.xavier_uniform_(m.weight, gain=nn.init.calculate_gain("relu"))
        m.bias.data.fill_(0.01)


if __name__ == "__main__":
    torch.manual_seed(42)
    dataset = Curves(256)
    loader = DataLoader(dataset, batch_size=32, shuffle=True, drop_last=True)
    model = Autoencoder(32, 4)
    model.apply(init_weights)
    print("number of parameters", sum(p.numel() for p in model.parameters() if p.requires_grad))
    criterion = nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3, weight_decay=1e-5)
    for epoch in range(8):
        total = 0.0
        for batch in loader:
            reconstruction, _ = model(batch)
            loss = criterion(reconstruction, batch)
            optimizer.zero_grad()
            loss.backward()
            norm = torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=0.5)
            optimizer.step()
            total += loss.item()
        print("epoch", epoch, "loss", total / len(loader), "norm", norm.item())
    with torch.no_grad():
        _, codes = model(torch.stack([dataset[i] for i in range(16)]))
    print("codes", codes.abs().mean().item(), codes.std(dim=0).tolist())
