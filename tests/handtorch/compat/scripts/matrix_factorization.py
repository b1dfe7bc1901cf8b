"""Recommend films by factorising a table of ratings: embeddings and biases, with gradient accumulation."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


class MatrixFactorization(nn.Module):
    def __init__(self, n_users, n_items, n_factors=6):
        super().__init__()
        self.user_factors = nn.Embedding(n_users, n_factors)
        self.item_factors = nn.Embedding(n_items, n_factors)
        self.user_biases = nn.Embedding(n_users, 1)
        self.item_biases = nn.Embedding(n_items, 1)
        for emb in (self.user_factors, self.item_factors):
            nn.init.normal_(emb.weight, std=0.1)
        for emb in (self.user_biases, self.item_biases):
            emb.weight.data.zero_()

    def forward(self, user, item):
        pred = self.user_biases(user) + self.item_biases(item)
        pred += (self.user_factors(user) * self.item_factors(item)).sum(dim=1, keepdim=True)
        return pred.squeeze(1)


torch.manual_seed(7)
n_users, n_items = 40, 30
true = torch.randn(n_users, 3) @ torch.randn(3, n_items)
observed = torch.rand(n_users, n_items) < 0.5
users, items = torch.nonzero(observed, as_tuple=True)
ratings = true[users, items] + 0.1 * torch.randn(len(users))
dataset = TensorDataset(users, items, ratings)
n_train = int(0.8 * len(dataset))
train_set, val_set = random_split(
    dataset, [n_train, len(dataset) - n_train], generator=torch.Generator().manual_seed(1)
)
loader = DataLoader(train_set, batch_size=32, shuffle=True)

model = MatrixFactorization(n_users, n_items)
optimizer = torch.optim.Adagrad(model.parameters(), lr=0.2, weight_decay=1e-5)
loss_func = nn.MSELoss()
accumulation_steps = 2
for epoch in range(6):
    model.train()
    optimizer.zero_grad()
    for i, (u, v, r) in enumerate(loader):
        loss = loss_func(model(u, v), r) / accumulation_steps
        loss.backward()
        if (i + 1) % accumulation_steps == 0 or (i + 1) == len(loader):
            optimizer.step()
            optimizer.zero_grad()
model.eval()
with torch.inference_mode():
    u, v, r = (torch.stack(column) for column in zip(*[val_set[i] for i in range(len(val_set))]))
    rmse = loss_func(model(u, v), r).sqrt()
print("observed", int(observed.sum()))
print("rmse", rmse.item())
best = torch.topk(model(torch.zeros(n_items, dtype=torch.long), torch.arange(n_items)), k=5)
print("top scores", *best.values.tolist())
