"""A physics-informed network: u'' + u = 0 with u(0) = 0 and u'(0) = 1, whose solution is the sine."""

import torch
import torch.nn as nn


class PINN(nn.Module):
    def __init__(self, layers):
        super().__init__()
        self.linears = nn.ModuleList([nn.Linear(a, b) for a, b in zip(layers[:-1], layers[1:])])
        for layer in self.linears:
            nn.init.xavier_normal_(layer.weight.data, gain=1.0)
            nn.init.zeros_(layer.bias.data)

    def forward(self, t):
        for layer in self.linears[:-1]:
            t = torch.tanh(layer(t))
        return self.linears[-1](t)


def derivative(y, x):
    return torch.autograd.grad(y, x, grad_outputs=torch.ones_like(y), create_graph=True)[0]


torch.set_default_dtype(torch.float64)
torch.manual_seed(123)
model = PINN([1, 16, 16, 1])
t_physics = torch.linspace(0, 3, 30).view(-1, 1).requires_grad_(True)
t_boundary = torch.tensor(0.0).view(-1, 1).requires_grad_(True)
optimiser = torch.optim.Adam(model.parameters(), lr=5e-3)
for i in range(120):
    optimiser.zero_grad()
    u = model(t_boundary)
    loss1 = (torch.squeeze(u) - 0) ** 2
    loss2 = (torch.squeeze(derivative(u, t_boundary)) - 1) ** 2
    u = model(t_physics)
    dudt = derivative(u, t_physics)
    d2udt2 = derivative(dudt, t_physics)
    loss3 = torch.mean((d2udt2 + u) ** 2)
    loss = loss1 + 1e-1 * loss2 + 1e-1 * loss3
    loss.backward()
    optimiser.step()
print("loss", loss.item())
lbfgs = torch.optim.LBFGS(model.parameters(), max_iter=5)


def closure():
    lbfgs.zero_grad()
    u = model(t_boundary)
    residual = derivative(derivative(v := model(t_physics), t_physics), t_physics) + v
    total = u.square().sum() + (derivative(u, t_boundary) - 1).square().sum() + residual.square().mean()
    total.backward()
    return total


print("before lbfgs", lbfgs.step(closure).item())
print("u(1)", model(torch.ones(1, 1)).item())
