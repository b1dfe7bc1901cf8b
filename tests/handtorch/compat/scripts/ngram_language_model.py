"""A neural n-gram model of characters (Bengio et al. 2003) with nn.Embedding, and sampling from it."""

import torch
import torch.nn as nn
import torch.nn.functional as F

text = "the quick brown fox jumps over the lazy dog and then the dog chases the quick brown fox over the hill " * 3
chars = sorted(set(text))
stoi = {ch: i for i, ch in enumerate(chars)}
itos = {i: ch for ch, i in stoi.items()}
CONTEXT, EMB, HIDDEN = 4, 8, 48


def encode(s):
    return [stoi[c] for c in s]


class NGram(nn.Module):
    def __init__(self, vocab_size):
        super().__init__()
        self.embeddings = nn.Embedding(vocab_size, EMB)
        self.linear1 = nn.Linear(CONTEXT * EMB, HIDDEN)
        self.linear2 = nn.Linear(HIDDEN, vocab_size)

    def forward(self, inputs):
        embeds = self.embeddings(inputs).view((inputs.shape[0], -1))
        return F.log_softmax(self.linear2(torch.tanh(self.linear1(embeds))), dim=1)


torch.manual_seed(1337)
ids = torch.tensor(encode(text), dtype=torch.long)
windows = ids.unfold(0, CONTEXT + 1, 1)
X, Y = windows[:, :-1], windows[:, -1]
model = NGram(len(chars))
loss_function = nn.NLLLoss()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
for it in range(60):
    batch = torch.randint(0, X.shape[0], (64,))
    loss = loss_function(model(X[batch]), Y[batch])
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
print("train loss", loss.item())

with torch.no_grad():
    print("full loss", loss_function(model(X), Y).item())
    context = torch.tensor([encode("the ")])
    out = []
    for _ in range(20):
        probs = model(context).exp()
        nxt = torch.multinomial(probs, num_samples=1)
        out.append(itos[nxt.item()])
        context = torch.cat([context[:, 1:], nxt], dim=1)
print("sample", "".join(out))
