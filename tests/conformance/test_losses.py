"""Losses against PyTorch where its database does not look: adaptive softmax, half precision, errors, warnings."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as theirs  # noqa: E402

import handtorch  # noqa: E402
import handtorch.nn.functional as ours  # noqa: E402
from handtorch import nn  # noqa: E402

RNG = np.random.default_rng(0)
LOGITS = RNG.standard_normal((6, 5)).astype(np.float32)
PROBABILITIES = RNG.uniform(0.05, 0.95, (6, 5)).astype(np.float32)
CLASSES = RNG.integers(0, 5, 6)
SIGNS = np.where(RNG.uniform(size=(6, 5)) < 0.5, -1, 1).astype(np.float32)


def both(name: str, *arrays: Any, **options: Any) -> tuple[Any, Any]:
    """A loss and the gradient of its first argument, from Handtorch and from PyTorch."""
    results = []
    for library, functions in ((handtorch, ours), (torch, theirs)):
        xs = [library.from_numpy(np.array(a)) if isinstance(a, np.ndarray) else a for a in arrays]
        xs[0].requires_grad_()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loss = getattr(functions, name)(*xs, **options)
        loss.sum().backward()
        results.append((loss.detach().numpy(), xs[0].grad.numpy()))
    return results[0], results[1]


CALLS = [
    ("cross_entropy", (LOGITS, CLASSES), {"label_smoothing": 0.2}),
    ("cross_entropy", (LOGITS, PROBABILITIES), {}),
    ("nll_loss", (LOGITS, CLASSES), {}),
    ("binary_cross_entropy", (PROBABILITIES, PROBABILITIES[::-1].copy()), {}),
    ("binary_cross_entropy_with_logits", (LOGITS, PROBABILITIES), {}),
    ("mse_loss", (LOGITS, PROBABILITIES), {}),
    ("l1_loss", (LOGITS, PROBABILITIES), {"reduction": "sum"}),
    ("smooth_l1_loss", (LOGITS, PROBABILITIES), {"beta": 0.5}),
    ("huber_loss", (LOGITS, PROBABILITIES), {"delta": 0.5, "reduction": "none"}),
    ("kl_div", (LOGITS, PROBABILITIES), {"reduction": "batchmean"}),
    ("soft_margin_loss", (LOGITS, SIGNS), {}),
    ("hinge_embedding_loss", (LOGITS, SIGNS), {}),
    ("multi_margin_loss", (LOGITS, CLASSES), {"p": 2, "margin": 0.5}),
    ("poisson_nll_loss", (LOGITS, PROBABILITIES), {"full": True}),
]


@pytest.mark.parametrize(("name", "arrays", "options"), [c for c in CALLS if c[0] != "multi_margin_loss"])  # not there
@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_half_precision_agrees(name: str, arrays: Any, options: Any, reduction: str) -> None:
    half = [a.astype(np.float16) if a.dtype == np.float32 else a for a in arrays]
    mine, other = both(name, *half, **{"reduction": reduction, **options})
    for got, expected in zip(mine, other, strict=True):
        assert got.dtype == expected.dtype
        np.testing.assert_allclose(got, expected, rtol=5e-3, atol=2e-3)


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "smooth_l1_loss", "kl_div", "poisson_nll_loss"])
@pytest.mark.parametrize("kinds", [(np.float32, np.float64), (np.float64, np.float32)])
def test_types_that_differ_meet_as_in_pytorch(name: str, kinds: Any) -> None:
    mine, other = both(name, LOGITS.astype(kinds[0]), PROBABILITIES.astype(kinds[1]))
    for got, expected in zip(mine, other, strict=True):
        assert got.dtype == expected.dtype
        np.testing.assert_allclose(got, expected, rtol=1e-5)


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"])
def test_targets_that_are_broadcast_agree(name: str) -> None:
    mine, other = both(name, LOGITS[:, :1].copy(), PROBABILITIES[0])
    for got, expected in zip(mine, other, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-5)


def integers(*shape: int) -> np.ndarray:
    return np.zeros(shape, np.int64)


BAD = [
    ("nll_loss", (LOGITS, CLASSES[:5]), {}),
    ("nll_loss", (LOGITS, CLASSES + 1), {}),
    ("nll_loss", (LOGITS, CLASSES.astype(np.int32)), {}),
    ("nll_loss", (LOGITS, CLASSES.astype(np.float32)), {}),
    ("nll_loss", (LOGITS, CLASSES, LOGITS[0, :4]), {}),
    ("nll_loss", (LOGITS, CLASSES, LOGITS[0].astype(np.float64)), {}),
    ("nll_loss", (LOGITS, CLASSES), {"reduction": "middle"}),
    ("nll_loss", (np.ones((2, 3, 4, 5), np.float32), integers(2, 4, 6)), {}),
    ("nll_loss", (np.ones((2, 3, 4), np.float32), integers(2, 5)), {}),
    ("nll_loss", (np.ones((), np.float32), integers()), {}),
    ("nll_loss", (LOGITS[0], integers(2)), {}),
    ("cross_entropy", (LOGITS, CLASSES + 1), {}),
    ("cross_entropy", (LOGITS, CLASSES[None]), {}),
    ("cross_entropy", (LOGITS, CLASSES, LOGITS[0, :4]), {}),
    ("cross_entropy", (LOGITS, PROBABILITIES, LOGITS[0, :4]), {}),
    ("cross_entropy", (LOGITS, PROBABILITIES[:, :4]), {}),
    ("cross_entropy", (LOGITS, PROBABILITIES[:4]), {}),
    ("cross_entropy", (LOGITS, PROBABILITIES), {"ignore_index": 1}),
    ("cross_entropy", (LOGITS, CLASSES), {"label_smoothing": 2.0}),
    ("binary_cross_entropy", (PROBABILITIES * 2, PROBABILITIES), {}),
    ("binary_cross_entropy", (PROBABILITIES, PROBABILITIES * 2), {}),
    ("binary_cross_entropy", (PROBABILITIES, PROBABILITIES[:, :1]), {}),
    ("binary_cross_entropy", (PROBABILITIES, integers(6, 5)), {}),
    ("binary_cross_entropy_with_logits", (LOGITS, integers(6, 5)), {}),
    ("binary_cross_entropy_with_logits", (LOGITS, PROBABILITIES[0]), {}),
    ("mse_loss", (LOGITS, PROBABILITIES[:, :4]), {}),
    ("mse_loss", (LOGITS, PROBABILITIES), {"reduction": "middle"}),
    ("l1_loss", (LOGITS, PROBABILITIES), {"weight": torch.ones(5)}),
    ("smooth_l1_loss", (LOGITS, PROBABILITIES), {"beta": -1.0}),
    ("huber_loss", (LOGITS, PROBABILITIES), {"delta": 0.0}),
    ("kl_div", (LOGITS, integers(6, 5)), {}),
    ("multi_margin_loss", (LOGITS, CLASSES[:5]), {}),
    ("multi_margin_loss", (LOGITS, CLASSES + 1), {}),
    ("multilabel_margin_loss", (LOGITS, integers(5, 5)), {}),
    ("multilabel_margin_loss", (LOGITS, integers(6, 5) + 7), {}),
    ("multilabel_margin_loss", (LOGITS, PROBABILITIES), {}),
    ("cosine_embedding_loss", (LOGITS, LOGITS, np.float32(1) * np.ones((), np.float32)), {}),
    ("cosine_embedding_loss", (LOGITS, LOGITS, SIGNS[:5, 0]), {}),
    ("triplet_margin_loss", (LOGITS, LOGITS, LOGITS), {"margin": 0.0}),
    ("gaussian_nll_loss", (LOGITS, LOGITS, PROBABILITIES[:5]), {}),
]


@pytest.mark.parametrize(("name", "arrays", "options"), BAD)
def test_what_pytorch_refuses_is_refused_with_an_error_of_that_class(name: str, arrays: Any, options: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(Exception) as expected:
            getattr(theirs, name)(*(torch.from_numpy(np.array(a)) for a in arrays), **options)
        mine = {k: handtorch.from_numpy(v.numpy()) if isinstance(v, torch.Tensor) else v for k, v in options.items()}
        with pytest.raises(type(expected.value)):
            getattr(ours, name)(*(handtorch.from_numpy(np.array(a)) for a in arrays), **mine)


def test_adaptive_softmax_agrees() -> None:
    settings = {"in_features": 16, "n_classes": 30, "cutoffs": [4, 9, 20], "div_value": 2.0, "head_bias": True}
    mine, other = nn.AdaptiveLogSoftmaxWithLoss(**settings), torch.nn.AdaptiveLogSoftmaxWithLoss(**settings)
    mine.load_state_dict({k: handtorch.from_numpy(v.numpy()) for k, v in other.state_dict().items()})
    x, t = RNG.standard_normal((40, 16)).astype(np.float32), RNG.integers(0, 30, 40)
    got, expected = (
        mine(handtorch.from_numpy(x), handtorch.from_numpy(t)),
        other(torch.from_numpy(x), torch.from_numpy(t)),
    )
    np.testing.assert_allclose(got.output.detach().numpy(), expected.output.detach().numpy(), rtol=1e-4)
    np.testing.assert_allclose(got.loss.item(), expected.loss.item(), rtol=1e-5)
    got.loss.backward()
    expected.loss.backward()
    for (name, p), q in zip(mine.named_parameters(), other.parameters(), strict=True):
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=1e-3, atol=1e-6, err_msg=name)
    log_probs = other.log_prob(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(mine.log_prob(handtorch.from_numpy(x)).detach().numpy(), log_probs, rtol=1e-4)
    np.testing.assert_array_equal(
        mine.predict(handtorch.from_numpy(x)).numpy(), other.predict(torch.from_numpy(x)).numpy()
    )


def test_adaptive_softmax_starts_from_the_same_numbers() -> None:
    handtorch.manual_seed(3)
    torch.manual_seed(3)
    mine, other = nn.AdaptiveLogSoftmaxWithLoss(16, 30, [4, 9]), torch.nn.AdaptiveLogSoftmaxWithLoss(16, 30, [4, 9])
    for (name, p), q in zip(mine.named_parameters(), other.parameters(), strict=True):
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=1e-6, err_msg=name)


@pytest.mark.parametrize(
    "name", [n for n in torch.nn.modules.loss.__all__ if n not in ("LinearCrossEntropyLoss", "NLLLoss2d")]
)
def test_losses_print_alike_and_have_the_same_settings(name: str) -> None:
    mine, other = getattr(nn, name)(), getattr(torch.nn, name)()
    public = {k: v for k, v in vars(other).items() if not k.startswith("_") and isinstance(v, (int, float, str))}
    assert {k: getattr(mine, k) for k in public} == public
    if name != "TripletMarginWithDistanceLoss":  # its distance is a module there
        assert repr(mine) == repr(other)


@pytest.mark.parametrize(("name", "arrays", "options"), [c for c in CALLS if c[2].get("reduction") is None])
def test_a_sum_of_many_numbers_is_as_exact_as_pytorchs(name: str, arrays: Any, options: Any) -> None:
    """The twins: each loss on enough rows to use one."""
    many = [np.concatenate([a] * 5000) for a in arrays]
    mine, other = both(name, *many, **{"reduction": "sum", **options})
    exact, _ = both(
        name, *(a.astype(np.float64) if a.dtype == np.float32 else a for a in many), reduction="sum", **options
    )
    scale = abs(exact[0])
    assert abs(mine[0] - exact[0]) <= abs(other[0] - exact[0]) + 1e-6 * scale
    np.testing.assert_allclose(mine[1], other[1], rtol=2e-5, atol=2e-6)
