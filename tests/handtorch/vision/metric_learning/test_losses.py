"""Losses are their formulas, written once more with NumPy, and their gradients are those of finite differences."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import handtorch
from handtorch.autograd import gradcheck
from handtorch.errors import ArgumentError, BatchError, ShapeError
from handtorch.optim import Adam
from handtorch.vision import metric_learning as M

N, D, C = 7, 5, 4


@pytest.fixture
def batch() -> tuple[Any, Any]:
    handtorch.manual_seed(0)
    return handtorch.randn(N, D, dtype=handtorch.float64), handtorch.tensor([0, 1, 2, 3, 0, 1, 1])


def cross_entropy(logits: np.ndarray, targets: np.ndarray) -> float:
    shifted = logits - logits.max(axis=1, keepdims=True)
    return float((np.log(np.exp(shifted).sum(axis=1)) - shifted[range(len(targets)), targets]).mean())


def angles(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    cosines = (x / np.linalg.norm(x, axis=1, keepdims=True)) @ (w / np.linalg.norm(w, axis=1, keepdims=True)).T
    return np.arccos(np.clip(cosines, -1, 1))


def spread(margin: int, theta: float) -> float:
    k = next(k for k in range(margin) if theta <= (k + 1) * math.pi / margin + 1e-12)
    return (-1) ** k * math.cos(margin * theta) - 2 * k


def loss_by_hand(head: Any, x: np.ndarray, y: np.ndarray) -> float:
    theta = angles(x, head.weight.detach().numpy())
    logits = np.cos(theta)
    for row, target in enumerate(y):
        t = theta[row, target]
        if isinstance(head, M.ArcFace):
            m = head.margin
            logits[row, target] = math.cos(t + m) if t + m < math.pi else math.cos(t) - m * math.sin(m)
        elif isinstance(head, M.CosFace):
            logits[row, target] = math.cos(t) - head.margin
        else:
            blend = max(5, 1000 / 1.1)  # the first batch
            logits[row, target] = (blend * math.cos(t) + spread(head.margin, t)) / (1 + blend)
    scale = np.linalg.norm(x, axis=1, keepdims=True) if isinstance(head, M.SphereFace) else head.scale
    return cross_entropy(scale * logits, y)


HEADS = {
    "arc": lambda: M.ArcFace(D, C, scale=16),
    "arc, a wide margin": lambda: M.ArcFace(D, C, scale=4, margin=2.0),
    "cos": lambda: M.CosFace(D, C, scale=16),
    **{f"sphere {m}": (lambda m=m: M.SphereFace(D, C, margin=m)) for m in (1, 2, 3, 4, 5)},
}


@pytest.mark.parametrize("name", HEADS)
def test_margin_losses_are_their_formulas(name: str, batch: tuple[Any, Any]) -> None:
    head = HEADS[name]().double()
    x, y = batch
    assert float(head(x, y)) == pytest.approx(loss_by_hand(head, x.numpy(), y.numpy()), rel=1e-9)


@pytest.mark.parametrize("name", HEADS)
def test_margin_losses_have_the_gradients_of_their_values(name: str, batch: tuple[Any, Any]) -> None:
    head = HEADS[name]().double().eval()
    x, y = batch
    weight = head.weight.detach().clone().requires_grad_()
    del head.weight

    def loss(x: Any, weight: Any) -> Any:
        head.weight = weight
        return head(x, y)

    assert gradcheck(loss, (x.clone().requires_grad_(), weight))


def test_the_margin_is_there_in_training_and_gone_without_targets(batch: tuple[Any, Any]) -> None:
    head = M.CosFace(D, C, scale=10, margin=0.3).double()
    x, y = batch
    difference = (head.logits(x) - head.logits(x, y)).detach().numpy()
    np.testing.assert_allclose(difference, 3 * np.eye(C)[y.numpy()], atol=1e-12)


def test_spheres_blend_falls_with_each_batch_and_is_saved(batch: tuple[Any, Any]) -> None:
    head = M.SphereFace(D, C).double()
    assert head.present_blend == 1000
    for _ in range(3):
        head(*batch)
    assert head.present_blend == pytest.approx(1000 / 1.3) and int(head.state_dict()["batches"]) == 3
    head.eval()(*batch)
    assert int(head.batches) == 3
    head.batches += 10**6
    assert head.present_blend == 5


@pytest.mark.parametrize("angle", [0.0, math.pi])
def test_arcface_has_a_finite_gradient_where_the_sine_has_none(angle: float) -> None:
    head = M.ArcFace(2, 2, scale=8)
    x = handtorch.tensor([[math.cos(angle), 0.0]]).requires_grad_()
    with handtorch.no_grad():
        head.weight.copy_(handtorch.tensor([[1.0, 0.0], [0.0, 1.0]]))
    head(x, handtorch.tensor([0])).backward()
    assert np.isfinite(x.grad.numpy()).all() and np.isfinite(head.weight.grad.numpy()).all()


@pytest.mark.parametrize("margin", [0.3, None])
def test_the_triplet_loss_takes_the_hardest_of_the_batch(margin: float | None, batch: tuple[Any, Any]) -> None:
    x, y = (t.numpy() for t in batch)
    terms = []
    for a in range(N):
        near = [np.linalg.norm(x[a] - x[n]) for n in range(N) if y[n] != y[a]]
        far = [np.linalg.norm(x[a] - x[p]) for p in range(N) if y[p] == y[a] and p != a]
        if far:
            gap = max(far) - min(near)
            terms.append(max(0, gap + margin) if margin is not None else math.log1p(math.exp(gap)))
    loss = M.BatchHardTripletLoss(margin)
    assert len(terms) == 5
    assert float(loss(*batch)) == pytest.approx(np.mean(terms), rel=1e-9)
    assert gradcheck(lambda x: loss(x, batch[1]), (batch[0].clone().requires_grad_(),))


def test_contrastive_and_centre_losses_are_their_formulas(batch: tuple[Any, Any]) -> None:
    x, y = batch
    other = x.flip(0) * 0.5 + 0.1
    same = handtorch.tensor([1, 0, 0, 1, 0, 1, 0])
    loss = M.ContrastiveLoss(margin=3.0)
    d = np.linalg.norm(x.numpy() - other.numpy(), axis=1)
    expected = np.where(same.numpy() == 1, d**2, np.maximum(0, 3 - d) ** 2).mean() / 2
    assert float(loss(x, other, same)) == pytest.approx(expected, rel=1e-9)
    assert gradcheck(lambda a, b: loss(a, b, same), (x.clone().requires_grad_(), other.clone().requires_grad_()))
    centre = M.CenterLoss(C, D).double()
    centers = centre.centers.detach().numpy()
    expected = ((x.numpy() - centers[y.numpy()]) ** 2).sum(axis=1).mean() / 2
    assert float(centre(x, y)) == pytest.approx(expected, rel=1e-12)
    centre(x, y).backward()
    np.testing.assert_allclose(centre.centers.grad[3].numpy(), (centers[3] - x.numpy()[3]) / N, rtol=1e-9)


def test_equal_embeddings_have_a_finite_gradient() -> None:
    x = handtorch.ones(4, 3).requires_grad_()
    M.BatchHardTripletLoss()(x, handtorch.tensor([0, 0, 1, 1])).backward()
    M.ContrastiveLoss()(x, x.detach(), handtorch.tensor([0, 1, 0, 1])).backward()
    assert np.isfinite(x.grad.numpy()).all()


@pytest.mark.parametrize("name", ["arc", "cos", "sphere 4"])
def test_training_ends_with_every_class_ahead_by_the_margin(name: str) -> None:
    handtorch.manual_seed(0)
    targets = handtorch.arange(C).repeat(6)
    x = handtorch.randn(len(targets), 8).requires_grad_()
    head = {"arc": M.ArcFace(8, C, 16), "cos": M.CosFace(8, C, 16), "sphere 4": M.SphereFace(8, C)}[name]
    optimizer = Adam([x, *head.parameters()], lr=0.05)
    before = float(head(x, targets))
    for _ in range(150):
        optimizer.zero_grad()
        head(x, targets).backward()
        optimizer.step()
    assert float(head(x, targets)) < 0.05 * before
    # Even handicapped, the right class has the largest logit of each.
    assert (head.logits(x, targets).argmax(dim=1) == targets).all()


def test_batches_that_do_not_fit_are_refused(batch: tuple[Any, Any]) -> None:
    x, y = batch
    with pytest.raises(ShapeError, match=r"embeddings \(N, 6\)"):
        M.ArcFace(6, C).double()(x, y)
    with pytest.raises(ShapeError, match=r"targets \(7,\)"):
        M.ArcFace(D, C).double()(x, y[:3])
    with pytest.raises(ArgumentError, match="one of them twice"):
        M.BatchHardTripletLoss()(x[:4], y[:4])
    with pytest.raises(BatchError):
        M.CenterLoss(C, D)(x, y[:3])
    with pytest.raises(ShapeError):
        M.ContrastiveLoss()(x, x[:3], y)
    with pytest.raises(ArgumentError, match="untold"):
        M.ContrastiveLoss()(x, x, handtorch.full_like(y, -1))


@pytest.mark.parametrize("label", [-1, C])
@pytest.mark.parametrize("make", [lambda: M.ArcFace(D, C), lambda: M.CosFace(D, C), lambda: M.CenterLoss(C, D)])
def test_a_label_of_no_class_is_refused(make: Any, label: int, batch: tuple[Any, Any]) -> None:
    x, y = batch
    with pytest.raises(IndexError, match=f"{label}"):
        make().double()(x, handtorch.full_like(y, label))


@pytest.mark.parametrize(
    "make",
    [
        lambda: M.ArcFace(0, 1),
        lambda: M.ArcFace(2, 2, margin=4),
        lambda: M.CosFace(2, 2, scale=0),
        lambda: M.SphereFace(2, 2, margin=6),
        lambda: M.ContrastiveLoss(0),
        lambda: M.BatchHardTripletLoss(-1),
        lambda: M.CenterLoss(0, 2),
    ],
)
def test_settings_that_make_no_sense_are_refused(make: Any) -> None:
    with pytest.raises(ArgumentError):
        make()
