"""A custom Dataset of records, with transforms, a sampler for rare classes, collation, and early stopping."""

import math

import torch
from torch import nn
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torch.utils.data import DataLoader, Dataset, Subset, WeightedRandomSampler


class ToTensor(object):
    def __call__(self, sample):
        return {"features": torch.tensor(sample["features"]), "label": torch.tensor(sample["label"])}


class Normalize(object):
    def __init__(self, mean, std):
        self.mean, self.std = mean, std

    def __call__(self, sample):
        return {**sample, "features": (sample["features"] - self.mean) / self.std}


class Compose:
    def __init__(self, transforms):
        self.transforms = transforms

    def __call__(self, sample):
        for t in self.transforms:
            sample = t(sample)
        return sample


class Records(Dataset):
    def __init__(self, size, transform=None):
        self.rows = [[math.sin(i * k) for k in range(1, 7)] for i in range(size)]
        self.labels = [int(row[0] + row[1] > 1.2) for row in self.rows]
        self.transform = transform

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, idx):
        if torch.is_tensor(idx):
            idx = idx.tolist()
        sample = {"features": self.rows[idx], "label": self.labels[idx]}
        return self.transform(sample) if self.transform else sample


class EarlyStopping:
    def __init__(self, patience=3, delta=0.0):
        self.patience, self.delta, self.counter, self.best, self.stop = patience, delta, 0, None, False

    def __call__(self, loss):
        if self.best is None or loss < self.best - self.delta:
            self.best, self.counter = loss, 0
        else:
            self.counter += 1
            self.stop = self.counter >= self.patience


def collate(batch):
    return torch.stack([b["features"] for b in batch]), torch.stack([b["label"] for b in batch]).float().unsqueeze(1)


def worker_init(worker_id):
    torch.manual_seed(worker_id)


torch.manual_seed(9)
dataset = Records(300, transform=Compose([ToTensor(), Normalize(0.0, 0.7)]))
train_set, val_set = Subset(dataset, range(0, 240)), Subset(dataset, range(240, 300))
labels = torch.tensor(dataset.labels[:240])
class_count = torch.bincount(labels)
weights = (1.0 / class_count.float())[labels]
sampler = WeightedRandomSampler(weights, num_samples=len(weights), replacement=True)
train_loader = DataLoader(train_set, batch_size=24, sampler=sampler, collate_fn=collate, worker_init_fn=worker_init)
val_loader = DataLoader(val_set, batch_size=60, shuffle=False, collate_fn=collate)

model = nn.Sequential(nn.Linear(6, 16, bias=False), nn.BatchNorm1d(16), nn.ELU(), nn.Dropout(p=0.2), nn.Linear(16, 1))
criterion = nn.BCEWithLogitsLoss(pos_weight=torch.tensor([1.5]))
optimizer = torch.optim.NAdam(model.parameters(), lr=0.02)
scheduler = ReduceLROnPlateau(optimizer, "min", factor=0.5, patience=1)
stopper = EarlyStopping(patience=4)
for epoch in range(10):
    model.train()
    for features, label in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(features), label)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        features, label = next(iter(val_loader))
        logits = model(features)
        val_loss = criterion(logits, label)
    scheduler.step(val_loss)
    stopper(val_loss.item())
    if stopper.stop:
        break
pred = logits > 0
tp = (pred & (label > 0.5)).sum().item()
print("classes", *class_count.tolist())
print("epochs", epoch + 1, "best", stopper.best, "lr", optimizer.param_groups[0]["lr"])
print("recall", tp / max(int(label.sum()), 1))
