"""Knowledge distillation: a student learns from a teacher's soft targets; the teacher uses label smoothing."""

import copy
import logging

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

logging.basicConfig(level=logging.INFO, format="%(message)s")
logger = logging.getLogger(__name__)


def make_mlp(sizes, norm=True):
    layers = nn.ModuleList()
    for i, (a, b) in enumerate(zip(sizes[:-1], sizes[1:])):
        layers.append(nn.Linear(a, b))
        if i < len(sizes) - 2:
            if norm:
                layers.append(nn.LayerNorm(b))
            layers.append(nn.GELU())
    return nn.Sequential(*layers)


def loss_fn_kd(outputs, labels, teacher_outputs, alpha=0.9, T=4.0):
    kd = nn.KLDivLoss(reduction="batchmean")(F.log_softmax(outputs / T, dim=1), F.softmax(teacher_outputs / T, dim=1))
    return kd * (alpha * T * T) + F.cross_entropy(outputs, labels) * (1.0 - alpha)


def evaluate(model, loader):
    model.eval()
    correct, total = 0, 0
    with torch.no_grad():
        for x, y in loader:
            correct += (model(x).max(1)[1] == y).sum().item()
            total += y.size(0)
    return 100.0 * correct / total


torch.manual_seed(0)
x = torch.randn(400, 10)
y = (x[:, :3].sum(1) > 0).long() + 2 * (x[:, 3:6].prod(1) > 0).long()
train_loader = DataLoader(TensorDataset(x[:300], y[:300]), batch_size=50, shuffle=True)
test_loader = DataLoader(TensorDataset(x[300:], y[300:]), batch_size=50)

teacher = make_mlp([10, 64, 64, 4])
criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
optimizer = torch.optim.AdamW(teacher.parameters(), lr=5e-3, weight_decay=0.01)
for epoch in range(6):
    teacher.train()
    for bx, by in train_loader:
        optimizer.zero_grad()
        loss = criterion(teacher(bx), by)
        loss.backward()
        optimizer.step()
logger.info("teacher loss %.4f", loss.item())
print("teacher loss", loss.item(), "accuracy", evaluate(teacher, test_loader))

teacher.eval()
for p in teacher.parameters():
    p.requires_grad = False
student = make_mlp([10, 16, 4], norm=False)
optimizer = torch.optim.RMSprop(student.parameters(), lr=1e-3, momentum=0.9)
best = copy.deepcopy(student.state_dict())
best_acc = 0.0
for epoch in range(6):
    student.train()
    for bx, by in train_loader:
        loss = loss_fn_kd(student(bx), by, teacher(bx))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    acc = evaluate(student, test_loader)
    if acc > best_acc:
        best_acc, best = acc, copy.deepcopy(student.state_dict())
student.load_state_dict(best)
print("student loss", loss.item(), "best accuracy", best_acc, evaluate(student, test_loader))
