"""CTC loss: what lengths, padding and impossible labels mean, and that its digits hold over long sequences."""

import numpy as np
import pytest

import handtorch
import handtorch.nn.functional as F
from handtorch import kernels, nn
from handtorch.autograd import gradcheck
from handtorch.errors import DimensionError, DtypeError, RangeError, ShapeError
from handtorch.kernels import threads
from handtorch.ops.ctc import CtcLoss
from tests.handtorch.ops.formulas.ctc import loss_of_all_alignments, loss_of_merged_prefixes


@pytest.fixture(params=["reference", "fast"])
def either_kernel(request, monkeypatch):
    monkeypatch.setattr(CtcLoss, "twin_from", 0)
    with kernels.use(request.param):
        yield


def random_log_probs(*shape, scale=1.0, dtype=np.float64):
    logits = handtorch.from_numpy(scale * np.random.default_rng(shape).standard_normal(shape))
    return logits.log_softmax(-1).to(handtorch.tensor(np.zeros(0, dtype)).dtype)


def loss_and_gradient(log_probs, *args, **options):
    x = log_probs.detach().clone().requires_grad_()
    losses = F.ctc_loss(x, *args, reduction="none", **options)
    losses.sum().backward()
    return losses.numpy(force=True), x.grad.numpy()


@pytest.mark.usefixtures("either_kernel")
@pytest.mark.parametrize("labels", [[], [1], [2, 2], [1, 2], [1, 1, 1], [1, 2, 1, 2], [2, 2, 2, 2, 2]])
def test_loss_is_the_sum_over_every_alignment_there_is(labels):
    log_probs = random_log_probs(6, 3)
    loss = F.ctc_loss(log_probs, handtorch.tensor(labels, dtype=handtorch.int64), (6,), (len(labels),), reduction="sum")
    assert loss.item() == pytest.approx(loss_of_all_alignments(log_probs.numpy(), labels, 0), rel=1e-12)


@pytest.mark.usefixtures("either_kernel")
def test_padding_joined_targets_and_kinds_of_lengths_change_nothing():
    log_probs, lengths, counts = random_log_probs(9, 3, 5), [9, 7, 4], [3, 1, 0]
    padded = handtorch.tensor([[1, 2, 2], [3, 4, 4], [1, 1, 1]])
    want = loss_and_gradient(log_probs, padded, lengths, counts)
    joined = handtorch.tensor([1, 2, 2, 3])
    other = log_probs.clone()
    other[7:, 1] = 99.0
    other[4:, 2] = float("nan")
    for got in (
        loss_and_gradient(log_probs, joined, handtorch.tensor(lengths), handtorch.tensor(counts)),
        loss_and_gradient(log_probs, padded.int(), tuple(lengths), handtorch.tensor(counts).int()),
        loss_and_gradient(other, padded, lengths, counts),
    ):
        np.testing.assert_allclose(got[0], want[0], rtol=1e-14)
        np.testing.assert_allclose(got[1], want[1], rtol=1e-12, atol=1e-15)
    assert not want[1][7:, 1].any() and not want[1][4:, 2].any()
    alone = loss_and_gradient(log_probs[:7, 1], padded[1, :1], (7,), (1,))
    np.testing.assert_allclose(alone[0], want[0][1], rtol=1e-14)
    np.testing.assert_allclose(alone[1], want[1][:7, 1], rtol=1e-12, atol=1e-15)


@pytest.mark.usefixtures("either_kernel")
@pytest.mark.parametrize(("labels", "frames"), [([1, 2, 1], 2), ([1, 1], 2), ([1], 0), ([2, 2, 2], 4)])
def test_labels_that_do_not_fit_cost_infinity_or_nothing(labels, frames):
    args = random_log_probs(5, 1, 3), handtorch.tensor([labels]), (frames,), (len(labels),)
    loss, gradient = loss_and_gradient(*args)
    assert loss == np.inf
    assert np.isnan(gradient[:frames]).all() and not gradient[frames:].any()
    loss, gradient = loss_and_gradient(*args, zero_infinity=True)
    assert loss == 0 and not gradient.any()


@pytest.mark.usefixtures("either_kernel")
def test_mean_divides_by_target_lengths_and_an_empty_target_counts_as_one_label():
    args = random_log_probs(5, 3, 3), handtorch.tensor([[1, 2], [1, 0], [0, 0]]), (5, 5, 5), (2, 1, 0)
    losses = F.ctc_loss(*args, reduction="none").numpy()
    assert F.ctc_loss(*args).item() == pytest.approx((losses[0] / 2 + losses[1] + losses[2]) / 3)
    assert nn.CTCLoss(reduction="sum")(*args).item() == pytest.approx(losses.sum())


@pytest.mark.usefixtures("either_kernel")
def test_a_symbol_that_is_ruled_out_has_no_gradient_and_disturbs_no_other():
    log_probs = random_log_probs(6, 1, 4)
    log_probs[:, 0, 3] = -np.inf
    got = loss_and_gradient(log_probs, handtorch.tensor([[1, 2]]), (6,), (2,))
    want = loss_and_gradient(log_probs[:, :, :3], handtorch.tensor([[1, 2]]), (6,), (2,))
    np.testing.assert_allclose(got[0], want[0])
    np.testing.assert_allclose(got[1][:, :, :3], want[1], atol=1e-15)
    assert not got[1][:, :, 3].any()
    assert loss_and_gradient(log_probs, handtorch.tensor([[1, 3]]), (6,), (2,))[0] == np.inf


@pytest.mark.parametrize("scale", [1, 30, 300])
def test_twin_in_float32_keeps_its_digits_over_5000_frames(scale):
    labels = handtorch.from_numpy(np.random.default_rng(0).integers(1, 11, (1, 20)))
    log_probs = random_log_probs(5000, 1, 11, scale=scale, dtype=np.float32)
    with kernels.use("reference"):
        truth, slope = loss_and_gradient(log_probs.double(), labels, (5000,), (20,))
    loss, gradient = loss_and_gradient(log_probs, labels, (5000,), (20,))
    assert loss.dtype == gradient.dtype == np.float32
    np.testing.assert_allclose(loss, truth, rtol=1e-6)
    np.testing.assert_allclose(gradient, slope, atol=2e-4)


def test_loss_of_5000_frames_is_that_of_a_count_by_prefixes():
    log_probs, labels = random_log_probs(5000, 4), [1, 2, 2, 3]
    loss = F.ctc_loss(log_probs, handtorch.tensor(labels), (5000,), (4,), reduction="sum")
    assert loss.item() == pytest.approx(loss_of_merged_prefixes(log_probs.numpy(), labels, 0), rel=1e-12)


@pytest.mark.usefixtures("either_kernel")
def test_gradient_is_softmax_minus_posterior_and_sums_to_nothing():
    log_probs = random_log_probs(20, 2, 6)
    _, gradient = loss_and_gradient(log_probs, handtorch.tensor([[1, 2, 2], [5, 4, 3]]), (20, 15), (3, 3))
    np.testing.assert_allclose(gradient.sum(-1), 0, atol=1e-13)
    posterior = np.exp(log_probs.numpy()) - gradient
    assert (posterior[:15] > -1e-13).all() and (posterior[:15, 0, 3:] < 1e-13).all()


def test_modules_and_functions_differentiate_logits_and_nothing_else():
    labels = handtorch.tensor([[1.0, 2.0]], requires_grad=True)
    logits = handtorch.from_numpy(np.random.default_rng(0).standard_normal((5, 1, 3))).requires_grad_()
    assert gradcheck(lambda x: nn.CTCLoss()(x.log_softmax(2), labels, (5,), (2,)), [logits])
    nn.CTCLoss()(logits.log_softmax(2), labels, (5,), (2,)).backward()
    assert labels.grad is None


def test_threads_share_a_batch_and_give_the_same_numbers(monkeypatch):
    args = (
        random_log_probs(50, 9, 12, dtype=np.float32),
        handtorch.from_numpy(np.random.default_rng(0).integers(1, 12, (9, 14))),
        (50, 40, 50, 30, 50, 50, 20, 50, 50),
        (14,) * 9,
    )
    one = loss_and_gradient(*args)
    before = threads.get_num_threads()
    try:
        threads.set_num_threads(3)
        several = loss_and_gradient(*args)
    finally:
        threads.set_num_threads(before)
    np.testing.assert_array_equal(one[0], several[0])
    np.testing.assert_array_equal(one[1], several[1])


def test_axes_in_any_order_in_memory_are_taken():
    x = handtorch.from_numpy(np.random.default_rng(0).standard_normal((4, 60, 8)))
    args = handtorch.tensor([[1, 2, 3]] * 4), (60,) * 4, (3,) * 4
    turned = x.log_softmax(2).transpose(0, 1)
    for got, want in zip(loss_and_gradient(turned, *args), loss_and_gradient(turned.contiguous(), *args), strict=True):
        np.testing.assert_array_equal(got, want)


X = random_log_probs(6, 2, 4)
T = handtorch.tensor([[1, 2, 3], [2, 2, 1]])


@pytest.mark.parametrize(
    ("args", "options", "error", "says"),
    [
        ((X.int(), T, (6, 6), (3, 3)), {}, DtypeError, "float32 or float64"),
        ((X.half(), T, (6, 6), (3, 3)), {}, DtypeError, "float16"),
        ((X[None], T, (6, 6), (3, 3)), {}, ShapeError, r"\(T, N, C\)"),
        ((X[:0], T, (0, 0), (3, 3)), {}, ShapeError, "none of them 0"),
        ((X, T, (6,), (3, 3)), {}, ShapeError, "input_lengths must be of size batch_size"),
        ((X, T, (6, 6), (3,)), {}, ShapeError, "target_lengths must be of size batch_size"),
        ((X, T, (7, 6), (3, 3)), {}, RangeError, "6, the frames of log_probs"),
        ((X, T, (6, 6), (-1, 3)), {}, RangeError, "at least 0"),
        ((X, T, handtorch.tensor([6.0, 6.0]), (3, 3)), {}, DtypeError, "input_lengths must be integral"),
        ((X, T, (6, 6), (4, 3)), {}, ShapeError, "4 or more"),
        ((X, T[:1], (6, 6), (3, 3)), {}, ShapeError, r"\(2, 3 or more\)"),
        ((X, T[0], (6, 6), (3, 3)), {}, ShapeError, r"expected targets \(6,\)"),
        ((X, T[None], (6, 6), (3, 3)), {}, ShapeError, r"targets \(N, S\)"),
        ((X, T + 1, (6, 6), (3, 3)), {}, DimensionError, "got 4 as label 2 of sequence 0"),
        ((X, T, (6, 6), (3, 3)), {"blank": 4}, RangeError, "from 0 to 3, got 4"),
        ((X, T, (6, 6), (3, 3)), {"reduction": "average"}, ValueError, "average is not a valid value"),
    ],
)
def test_arguments_that_do_not_fit_are_named(args, options, error, says):
    with pytest.raises(error, match=says):
        F.ctc_loss(*args, **options)
