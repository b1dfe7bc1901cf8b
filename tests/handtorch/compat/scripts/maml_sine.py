"""Model-agnostic meta-learning of sine waves: gradients through gradient steps."""

from collections import OrderedDict

import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            OrderedDict(
                [("l1", nn.Linear(1, 20)), ("relu1", nn.Tanh()), ("l2", nn.Linear(20, 20)), ("relu2", nn.Tanh())]
                + [("l3", nn.Linear(20, 1))]
            )
        )

    def argforward(self, x, weights):
        x = torch.tanh(F.linear(x, weights[0], weights[1]))
        x = torch.tanh(F.linear(x, weights[2], weights[3]))
        return F.linear(x, weights[4], weights[5])


class Task:
    def __init__(self):
        self.amplitude = torch.empty(1).uniform_(0.5, 2.0).item()
        self.phase = torch.empty(1).uniform_(0, 3.14).item()

    def sample(self, k):
        x = torch.rand((k, 1)) * 10 - 5
        return x, self.amplitude * torch.sin(x + self.phase)


torch.manual_seed(11)
model = Net()
weights = list(model.parameters())
meta_optimiser = torch.optim.Adam(weights, 1e-2)
criterion = nn.MSELoss()


def inner_loop(task, inner_lr=0.05, steps=2, k=10):
    temp = [w.clone() for w in weights]
    for _ in range(steps):
        X, y = task.sample(k)
        loss = criterion(model.argforward(X, temp), y)
        grad = torch.autograd.grad(loss, temp, create_graph=True)
        temp = [w - inner_lr * g for w, g in zip(temp, grad)]
    X, y = task.sample(k)
    return criterion(model.argforward(X, temp), y)


for iteration in range(15):
    meta_loss = sum(inner_loop(Task()) for _ in range(4)) / 4
    meta_grads = torch.autograd.grad(meta_loss, weights)
    for w, g in zip(weights, meta_grads):
        w.grad = g
    meta_optimiser.step()
    if iteration % 5 == 4:
        print(f"{iteration}: meta loss {meta_loss.item():.5f}")
print("norm of the weights", sum(w.detach().square().sum().item() for w in weights))
