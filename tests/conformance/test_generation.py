"""Sampling, generation and positions against Hugging Face's transformers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import handtorch
from handtorch.models.generation import Sampling, generate
from handtorch.models.language import TransformerLanguageModel
from handtorch.nn.positions import RelativePositions, RotaryPositions

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")


@pytest.mark.parametrize(
    "settings",
    [
        {"temperature": 0.7},
        {"top_k": 5},
        {"top_p": 0.6},
        {"repetition_penalty": 1.3},
        {"temperature": 1.9, "top_k": 11, "top_p": 0.85, "repetition_penalty": 1.2},
    ],
    ids=str,
)
def test_filters_leave_what_the_processors_of_transformers_leave(settings: dict[str, Any]) -> None:
    from transformers.generation import logits_process as peer

    processors = {
        "repetition_penalty": peer.RepetitionPenaltyLogitsProcessor,
        "temperature": peer.TemperatureLogitsWarper,
        "top_k": peer.TopKLogitsWarper,
        "top_p": peer.TopPLogitsWarper,
    }
    rng = np.random.default_rng(0)
    logits, tokens = rng.standard_normal((6, 40), dtype=np.float32) * 3, rng.integers(0, 40, (6, 7))
    want = torch.from_numpy(logits.copy())
    for name, processor in processors.items():
        if name in settings:
            want = processor(settings[name])(torch.from_numpy(tokens), want)
    seen = np.zeros(logits.shape, bool)
    np.put_along_axis(seen, tokens, True, -1)
    np.testing.assert_allclose(Sampling(**settings).filtered(logits, seen), want.numpy(), rtol=1e-6)


def gpt2(seed: int) -> tuple[Any, Any]:
    """The same small GPT-2, ours and theirs."""
    config = transformers.GPT2Config(vocab_size=60, n_positions=50, n_embd=32, n_layer=3, n_head=4)
    torch.manual_seed(seed)
    theirs = transformers.GPT2LMHeadModel(config).eval()
    for parameter in theirs.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    ours = TransformerLanguageModel(
        60, 32, 4, 3, max_length=50, positions="learned", activation="gelu_tanh", dropout=0.0
    ).eval()
    names = {
        "wte": "embedding",
        "wpe": "positions",
        "ln_f": "norm",
        "h": "layers",
        "ln_1": "norm_attention",
        "attn": "attention",
        "c_attn": "into",
        "c_proj": "out",
        "ln_2": "norm_feed",
        "c_fc": "expand",
    }
    state = {}
    for key, value in theirs.transformer.state_dict().items():
        own = ".".join(names.get(part, part) for part in key.split(".")).replace("mlp.out", "contract")
        numbers = value.numpy().T if value.ndim == 2 and not key.startswith("w") else value.numpy()
        state[own.replace("mlp.", "")] = handtorch.from_numpy(numbers.copy())
    state["output.weight"] = state["embedding.weight"]
    ours.load_state_dict(state)
    return ours, theirs


def test_logits_are_those_of_gpt2() -> None:
    ours, theirs = gpt2(0)
    tokens = np.random.default_rng(0).integers(0, 60, (2, 17))
    with torch.no_grad():
        want = theirs(torch.from_numpy(tokens)).logits.numpy()
    np.testing.assert_allclose(ours(handtorch.from_numpy(tokens))[0].detach().numpy(), want, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("penalty", [1.0, 1.3])
def test_greedy_generation_with_the_cache_is_that_of_gpt2(penalty: float) -> None:
    ours, theirs = gpt2(1)
    tokens = np.random.default_rng(1).integers(0, 60, (3, 5))
    with torch.no_grad():
        want = theirs.generate(
            torch.from_numpy(tokens),
            max_new_tokens=40,
            do_sample=False,
            use_cache=True,
            repetition_penalty=penalty,
            eos_token_id=None,
            pad_token_id=0,
        )
    found = generate(ours, tokens, max_tokens=40, temperature=0, repetition_penalty=penalty)
    assert found.tokens == want[:, 5:].tolist()


def test_rotary_positions_are_those_of_llama() -> None:
    from transformers.models.llama import modeling_llama as peer

    config = transformers.LlamaConfig(
        hidden_size=32, num_attention_heads=4, rope_parameters={"rope_type": "default", "rope_theta": 500.0}
    )
    q, k = (np.random.default_rng(i).standard_normal((2, 4, 9, 8), dtype=np.float32) for i in range(2))
    cos, sin = peer.LlamaRotaryEmbedding(config)(torch.from_numpy(q), torch.arange(3, 12)[None])
    want = peer.apply_rotary_pos_emb(torch.from_numpy(q), torch.from_numpy(k), cos, sin)
    rotary = RotaryPositions(base=500.0)
    for x, y in zip((q, k), want, strict=True):
        np.testing.assert_allclose(rotary(handtorch.from_numpy(x), 3).numpy(), y.numpy(), atol=1e-5)


@pytest.mark.parametrize("bidirectional", [True, False])
def test_buckets_of_distances_are_those_of_t5(bidirectional: bool) -> None:
    from transformers.models.t5.modeling_t5 import T5Attention

    distances = np.arange(-300, 301)
    want = T5Attention._relative_position_bucket(torch.from_numpy(-distances), bidirectional, 32, 128).numpy()
    relative = RelativePositions(1, max_distance=128, buckets=32, bidirectional=bidirectional)
    np.testing.assert_array_equal(relative.bucket(distances), want)
