"""Logistic regression, fitted with LBFGS and a closure."""

import torch
from torch import nn

torch.manual_seed(0)
torch.set_default_dtype(torch.float64)

n, d = 200, 5
X = torch.randn(n, d)
true_w = torch.tensor([1.5, -2.0, 0.5, 0.0, 1.0])
y = (torch.sigmoid(X @ true_w + 0.3) > torch.rand(n)).to(X.dtype).unsqueeze(1)

model = nn.Linear(d, 1)
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.LBFGS(model.parameters(), lr=1, max_iter=20, history_size=10, line_search_fn="strong_wolfe")


def closure():
    optimizer.zero_grad()
    loss = criterion(model(X), y) + 1e-3 * model.weight.pow(2).sum()
    loss.backward()
    return loss


for _ in range(5):
    loss = optimizer.step(closure)

with torch.no_grad():
    probabilities = torch.sigmoid(model(X))
    accuracy = ((probabilities > 0.5) == (y > 0.5)).double().mean()
print("loss", closure().item())
print("accuracy", accuracy.item())
print("weights", *model.weight.detach().flatten().tolist())
print("bias", model.bias.item())
print("gradient norm is small", bool(model.weight.grad.norm() < 1e-4))
