"""Skip-gram with negative sampling (Mikolov et al. 2013)."""

from collections import Counter

import torch
import torch.nn as nn
import torch.nn.functional as F

corpus = (
    "the king rules the land . the queen rules the land . the man walks the dog . the woman walks the dog . "
    "the king is a man . the queen is a woman . the dog and the cat sleep ."
).split() * 4
counts = Counter(corpus)
vocab = sorted(counts, key=counts.get, reverse=True)
word2idx = {w: i for i, w in enumerate(vocab)}


class SkipGram(nn.Module):
    def __init__(self, emb_size, emb_dimension):
        super(SkipGram, self).__init__()
        self.u_embeddings = nn.Embedding(emb_size, emb_dimension)
        self.v_embeddings = nn.Embedding(emb_size, emb_dimension)
        initrange = 1.0 / emb_dimension
        nn.init.uniform_(self.u_embeddings.weight.data, -initrange, initrange)
        nn.init.constant_(self.v_embeddings.weight.data, 0)

    def forward(self, pos_u, pos_v, neg_v):
        emb_u = self.u_embeddings(pos_u)
        emb_v = self.v_embeddings(pos_v)
        emb_neg_v = self.v_embeddings(neg_v)
        score = torch.sum(torch.mul(emb_u, emb_v), dim=1)
        score = torch.clamp(score, max=10, min=-10)
        score = -F.logsigmoid(score)
        neg_score = torch.bmm(emb_neg_v, emb_u.unsqueeze(2)).squeeze()
        neg_score = torch.clamp(neg_score, max=10, min=-10)
        neg_score = -torch.sum(F.logsigmoid(-neg_score), dim=1)
        return torch.mean(score + neg_score)


torch.manual_seed(0)
ids = [word2idx[w] for w in corpus]
pairs = [(ids[i], ids[j]) for i in range(len(ids)) for j in range(max(i - 2, 0), min(i + 3, len(ids))) if i != j]
pairs = torch.LongTensor(pairs)
weights = torch.tensor([counts[w] for w in vocab], dtype=torch.float).pow(0.75)
model = SkipGram(len(vocab), 10)
optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
for epoch in range(3):
    for batch in torch.split(pairs[torch.randperm(len(pairs))], 64):
        negatives = torch.multinomial(weights, len(batch) * 5, replacement=True).view(len(batch), 5)
        optimizer.zero_grad()
        loss = model(batch[:, 0], batch[:, 1], negatives)
        loss.backward()
        optimizer.step()
    scheduler.step()
print("loss", loss.item())
embeddings = F.normalize(model.u_embeddings.weight.detach(), dim=1)
similarity = F.cosine_similarity(embeddings[word2idx["king"]], embeddings[word2idx["queen"]], dim=0)
print("king and queen", similarity.item())
