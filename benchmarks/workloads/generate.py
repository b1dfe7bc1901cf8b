"""A Transformer that writes: token after token, with the keys and values of those before in a cache."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.peers import Peer
from benchmarks.workloads import Job, Workload

VOCABULARY, WIDTH, HEADS, LAYERS = 8_000, 256, 4, 4
PROMPT, TOKENS = 16, 256


def plain_model(lib: Any) -> Any:
    """The language model out of PyTorch's modules, called with tokens (1, T), the cache, and how many it holds."""
    nn, F = lib.nn, lib.nn.functional

    class Layer(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.norm_attention, self.norm_feed = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
            self.into, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
            self.expand, self.contract = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

        def forward(self, x: Any, cache: Any, start: int) -> Any:
            steps = x.shape[1]
            qkv = self.into(self.norm_attention(x)).view(1, steps, 3, HEADS, WIDTH // HEADS)
            q, k, v = qkv.permute(2, 0, 3, 1, 4)
            cache[0, :, :, start : start + steps] = k
            cache[1, :, :, start : start + steps] = v
            keys, values = cache[:, :, :, : start + steps]
            y = F.scaled_dot_product_attention(q, keys, values, is_causal=steps > 1)
            x = x + self.out(y.transpose(1, 2).reshape(1, steps, WIDTH))
            return x + self.contract(F.gelu(self.expand(self.norm_feed(x))))

    class Model(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(VOCABULARY, WIDTH)
            self.positions = nn.Embedding(PROMPT + TOKENS, WIDTH)
            self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
            self.norm = nn.LayerNorm(WIDTH)

        def forward(self, tokens: Any, cache: Any, start: int) -> Any:
            x = self.embedding(tokens) + self.positions.weight[start : start + tokens.shape[1]]
            for layer, own in zip(self.layers, cache, strict=True):
                x = layer(x, own, start)
            return F.linear(self.norm(x), self.embedding.weight)

    return Model().eval()


def weights(state: dict[str, Any]) -> dict[str, Any]:
    """Weights for a state dict: the same for the same name, and large enough that the likeliest token is so by far."""
    filled = {}
    for key in sorted(state):
        rng = np.random.default_rng(
            sum(map(ord, key.replace("attention.into", "into").replace("attention.out", "out")))
        )
        drawn = rng.standard_normal(tuple(state[key].shape), dtype=np.float32)
        filled[key] = 1 + 0.1 * drawn if "norm" in key and key.endswith("weight") else 0.1 * drawn
    return filled


def build(peer: Peer) -> Job:
    """Write 256 tokens after a prompt of 16, always the likeliest."""
    lib = peer.lib
    prompt = np.random.default_rng(0).integers(0, VOCABULARY, (1, PROMPT))
    written: list[int] = []

    if peer.name == "handtorch":
        from handtorch.models.generation import generate
        from handtorch.models.language import TransformerLanguageModel

        model: Any = TransformerLanguageModel(
            VOCABULARY, WIDTH, HEADS, LAYERS, max_length=PROMPT + TOKENS, positions="learned"
        ).eval()

        def step() -> None:
            written[:] = generate(model, prompt, max_tokens=TOKENS, temperature=0).tokens[0]

        def logits(tokens: Any) -> Any:
            return model(tokens)[0]
    else:
        model = plain_model(lib)
        cache = lib.zeros(LAYERS, 2, 1, HEADS, PROMPT + TOKENS, WIDTH // HEADS)

        def step() -> None:
            tokens = lib.from_numpy(prompt)
            written.clear()
            with lib.inference_mode():
                for start in (0, *range(PROMPT, PROMPT + TOKENS - 1)):
                    tokens = model(tokens, cache, start)[:, -1:].argmax(-1)
                    written.append(tokens.item())

        def logits(tokens: Any) -> Any:
            return model(tokens, cache, 0)

    state = model.state_dict()
    filled = {key: lib.from_numpy(numbers) for key, numbers in weights(state).items()}
    if "output.weight" in filled:
        filled["output.weight"] = filled["embedding.weight"]
    model.load_state_dict(filled)

    def outcome() -> float:
        """The mean log probability of what was written, all at once and without a cache."""
        text = lib.from_numpy(np.array([[*prompt[0], *written]]))
        with lib.no_grad():
            log_probs = logits(text[:, :-1]).log_softmax(-1)[0, PROMPT - 1 :]
        return float(log_probs.gather(1, text[0, PROMPT:, None]).mean().item())

    return Job(step, outcome)


WORKLOAD = Workload(
    title="write 256 tokens after 16, Transformer of 4 layers, d 256, 8,000 tokens, with a cache",
    aim=0.9,
    build=build,
    warmup=2,
    samples=10,
)
