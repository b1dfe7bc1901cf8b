"""Stochastic weight averaging and an exponential moving average beside it."""

import torch
from torch import nn
from torch.optim.swa_utils import SWALR, AveragedModel, update_bn
from torch.utils.data import DataLoader, TensorDataset


class EMA:
    def __init__(self, model, decay):
        self.model, self.decay, self.shadow, self.backup = model, decay, {}, {}
        for name, param in model.named_parameters():
            if param.requires_grad:
                self.shadow[name] = param.data.clone()

    def update(self):
        for name, param in self.model.named_parameters():
            if param.requires_grad:
                self.shadow[name] = (1.0 - self.decay) * param.data + self.decay * self.shadow[name].clone()

    def apply_shadow(self):
        for name, param in self.model.named_parameters():
            self.backup[name] = param.data
            param.data = self.shadow[name]

    def restore(self):
        for name, param in self.model.named_parameters():
            param.data = self.backup[name]


torch.manual_seed(5)
x = torch.linspace(-3, 3, 200).unsqueeze(1)
y = x.sin() + 0.2 * torch.randn_like(x)
loader = DataLoader(TensorDataset(x, y), batch_size=40, shuffle=True)
model = nn.Sequential(nn.Linear(1, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 1))
loss_fn = nn.SmoothL1Loss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
swa_model = AveragedModel(model)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10)
swa_scheduler = SWALR(optimizer, anneal_strategy="linear", anneal_epochs=2, swa_lr=0.05)
ema = EMA(model, 0.95)
for epoch in range(12):
    for bx, by in loader:
        optimizer.zero_grad()
        loss_fn(model(bx), by).backward()
        optimizer.step()
        ema.update()
    if epoch >= 7:
        swa_model.update_parameters(model)
        swa_scheduler.step()
    else:
        scheduler.step()
update_bn(loader, swa_model)
with torch.no_grad():
    model.eval()
    swa_model.eval()
    print("plain", loss_fn(model(x), y).item())
    print("swa", loss_fn(swa_model(x), y).item(), "models", swa_model.n_averaged.item())
    ema.apply_shadow()
    print("ema", loss_fn(model(x), y).item())
    ema.restore()
    print("restored", loss_fn(model(x), y).item())
print("lr", optimizer.param_groups[0]["lr"])
