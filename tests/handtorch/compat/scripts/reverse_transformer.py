"""Sequences turned round by nn.Transformer: padding, a causal mask, teacher forcing, greedy decoding, attention shown."""

import math

import torch
from torch import Tensor, nn
from torch.nn import Transformer
from torch.nn.modules.transformer import TransformerDecoder, TransformerDecoderLayer

PAD, BOS, EOS = 0, 1, 2
torch.manual_seed(0)


class PositionalEncoding(nn.Module):
    def __init__(self, emb_size: int, dropout: float, maxlen: int = 64):
        super().__init__()
        den = torch.exp(-torch.arange(0, emb_size, 2) * math.log(10000) / emb_size)
        pos = torch.arange(0, maxlen).reshape(maxlen, 1)
        embedding = torch.zeros((maxlen, emb_size))
        embedding[:, 0::2] = torch.sin(pos * den)
        embedding[:, 1::2] = torch.cos(pos * den)
        self.dropout = nn.Dropout(dropout)
        self.register_buffer("embedding", embedding.unsqueeze(-2))

    def forward(self, tokens: Tensor):
        return self.dropout(tokens + self.embedding[: tokens.size(0), :])


class Seq2Seq(nn.Module):
    def __init__(self, size=32, heads=4, layers=2, vocab=12, dropout=0.1):
        super().__init__()
        self.transformer = Transformer(
            d_model=size,
            nhead=heads,
            num_encoder_layers=layers,
            num_decoder_layers=layers,
            dim_feedforward=64,
            dropout=dropout,
        )
        self.tokens = nn.Embedding(vocab, size, padding_idx=PAD)
        self.positions = PositionalEncoding(size, dropout)
        self.generator = nn.Linear(size, vocab)
        for p in self.parameters():
            if p.dim() > 1:
                nn.init.xavier_uniform_(p)

    def embed(self, tokens):
        return self.positions(self.tokens(tokens.long()) * math.sqrt(self.tokens.embedding_dim))

    def forward(self, src, tgt):
        tgt_mask = Transformer.generate_square_subsequent_mask(tgt.shape[0])
        src_mask = torch.zeros((src.shape[0], src.shape[0])).type(torch.bool)
        src_pad, tgt_pad = (src == PAD).transpose(0, 1), (tgt == PAD).transpose(0, 1)
        out = self.transformer(self.embed(src), self.embed(tgt), src_mask, tgt_mask, None, src_pad, tgt_pad, src_pad)
        return self.generator(out)


def batch(size):
    sources, targets = [], []
    for n in torch.randint(2, 8, (size,)).tolist():
        row = torch.randint(3, 12, (n,))
        sources.append(row)
        targets.append(torch.cat((torch.tensor([BOS]), row.flip(0), torch.tensor([EOS]))))
    pad = nn.utils.rnn.pad_sequence
    return pad(sources, padding_value=PAD), pad(targets, padding_value=PAD)


def decode(model, src, length):
    memory = model.transformer.encoder(model.embed(src))
    ys = torch.ones(1, src.shape[1], dtype=torch.long).fill_(BOS)
    for _ in range(length):
        mask = Transformer.generate_square_subsequent_mask(ys.size(0)).type(torch.bool)
        out = model.transformer.decoder(model.embed(ys), memory, mask)
        _, next_word = torch.max(model.generator(out[-1]), dim=1)
        ys = torch.cat([ys, next_word.unsqueeze(0)], dim=0)
    return ys


model = Seq2Seq()
criterion = nn.CrossEntropyLoss(ignore_index=PAD, label_smoothing=0.05)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, betas=(0.9, 0.98), eps=1e-9)
model.train()
for step in range(60):
    src, tgt = batch(16)
    logits = model(src, tgt[:-1])
    loss = criterion(logits.reshape(-1, logits.shape[-1]), tgt[1:].reshape(-1))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 15 == 14:
        print(f"step {step + 1} loss {loss.item():.4f}")

model.eval()
with torch.no_grad():
    src, _ = batch(1)
    print(src.flatten().tolist(), "->", decode(model, src, src.shape[0] + 1).flatten().tolist())
    x = model.embed(src)
    layer = model.transformer.encoder.layers[0]
    _, weights = layer.self_attn(x, x, x)
    print("attention", [round(w, 3) for w in weights[0, 0].tolist()])
    _, weights = layer.self_attn(x, x, x, average_attn_weights=False)
    print("heads", tuple(weights.shape), [round(w, 3) for w in weights[0, :, 0, 0].tolist()])

decoder = TransformerDecoder(TransformerDecoderLayer(d_model=16, nhead=2, dim_feedforward=8, batch_first=True), 3)
memory, tgt = torch.rand(2, 5, 16), torch.rand(2, 3, 16)
out = decoder(tgt, memory, tgt_mask=nn.Transformer.generate_square_subsequent_mask(3), tgt_is_causal=True)
print("decoder", tuple(out.shape), f"{out.abs().sum().item():.4f}")
