"""Losses: worked examples, what they warn of, and what they say about wrong input."""

import math
import warnings

import numpy as np
import pytest

import handtorch
import handtorch.nn.functional as F
from handtorch import nn, tensor
from handtorch.autograd import gradcheck
from handtorch.errors import (
    ArgumentError,
    BatchError,
    DimensionError,
    DtypeError,
    RangeError,
    ShapeError,
)


def numbers(*shape, seed=0):
    return handtorch.from_numpy(np.random.default_rng((seed, *shape)).standard_normal(shape))


X, CLASSES = numbers(3, 4), tensor([0, 3, 1])


# -- errors name the argument and the axis --------------------------------------------------------------------------


@pytest.mark.parametrize("loss", [F.nll_loss, F.cross_entropy])
def test_a_target_that_is_no_class_is_named_with_its_place(loss):
    with pytest.raises(
        DimensionError, match=r"Target 7 is out of bounds: .* 0 to 3 .* target\[1\]; axis 1 .* 4 classes"
    ):
        loss(X, tensor([0, 7, 1]))
    with pytest.raises(DimensionError, match=r"Target -1 is out of bounds: .* target\[1, 2\]"):
        loss(numbers(2, 4, 3), tensor([[0, 1, 2], [3, 0, -1]]))


@pytest.mark.parametrize("loss", [F.nll_loss, F.cross_entropy])
@pytest.mark.parametrize("dtype", [handtorch.float32, handtorch.int32, handtorch.bool])
def test_a_target_of_another_type_than_class_numbers_is_told_to_become_one(loss, dtype):
    with pytest.raises(DtypeError, match=r"target dtype to be Long or Byte .* target\.long\(\)"):
        loss(X, CLASSES.to(dtype))


@pytest.mark.parametrize("loss", [F.nll_loss, F.cross_entropy])
def test_a_target_of_another_shape_is_explained(loss):
    with pytest.raises(BatchError, match=r"input batch_size \(3\) .* target batch_size \(2\)"):
        loss(X, tensor([0, 1]))
    with pytest.raises(ShapeError, match=r"expected target \(2, 5, 6\) for input \(2, 4, 5, 6\), got \(2, 5, 7\)"):
        loss(numbers(2, 4, 5, 6), handtorch.zeros(2, 5, 7, dtype=handtorch.int64))
    with pytest.raises(BatchError, match=r"expected target \(\) or \(1,\), got \(2,\)"):
        loss(numbers(4), tensor([0, 1]))


@pytest.mark.parametrize("loss", [F.nll_loss, F.cross_entropy])
def test_a_weight_that_does_not_fit_the_classes_is_named(loss):
    with pytest.raises(ShapeError, match=r"weight .* all 4 classes .* \[3\]"):
        loss(X, CLASSES, numbers(3))
    with pytest.raises(
        DtypeError, match=r"expected weight in the input's element type handtorch.float64, got handtorch.float32"
    ):
        loss(X, CLASSES, numbers(4).float())


def test_whole_number_logits_are_told_to_become_floating_point():
    with pytest.raises(
        DtypeError, match=r"expected input to be floating point, got handtorch.int64; convert it with input.float"
    ):
        F.cross_entropy(handtorch.zeros(3, 4, dtype=handtorch.int64), CLASSES)


def test_the_name_of_the_module_stands_before_the_error():
    with pytest.raises(DimensionError, match=r"^CrossEntropyLoss: Target 9 is out of bounds"):
        nn.CrossEntropyLoss()(X, tensor([0, 9, 1]))


def test_probabilities_outside_0_to_1_are_pointed_to_the_loss_of_logits():
    with pytest.raises(RangeError, match=r"elements of input .* -1\.5 to 2; apply a sigmoid .*with_logits"):
        F.binary_cross_entropy(tensor([2.0, -1.5]), tensor([1.0, 0.0]))
    with pytest.raises(RangeError, match=r"elements of target"):
        F.binary_cross_entropy(tensor([0.2, 0.5]), tensor([1.0, 3.0]))


@pytest.mark.parametrize("loss", [F.binary_cross_entropy, F.binary_cross_entropy_with_logits])
def test_binary_losses_refuse_another_shape_and_whole_number_targets(loss):
    with pytest.raises(BatchError, match=r"expected target of the input's shape \(3, 4\), got \(3,\)"):
        loss(X.sigmoid(), numbers(3).sigmoid())
    with pytest.raises(DtypeError, match="target"):
        loss(X.sigmoid(), handtorch.ones(3, 4, dtype=handtorch.int64))


@pytest.mark.parametrize("loss", [F.mse_loss, F.smooth_l1_loss, F.huber_loss, F.l1_loss])
def test_losses_of_whole_numbers_alone_have_no_mean(loss):
    with pytest.raises(DtypeError):
        loss(tensor([1, 2]), tensor([3, 4]))
    assert loss(tensor([1.0, 2.0]), tensor([3, 4])).dtype == handtorch.float32


def test_settings_outside_their_range_are_refused():
    x = numbers(4)
    with pytest.raises(RangeError, match="beta, got -1"):
        F.smooth_l1_loss(x, x, beta=-1)
    with pytest.raises(RangeError, match="delta, got 0"):
        F.huber_loss(x, x, delta=0)
    with pytest.raises(RangeError, match="label_smoothing"):
        F.cross_entropy(X, CLASSES, label_smoothing=1.5)
    with pytest.raises(ArgumentError, match="negative"):
        F.gaussian_nll_loss(x, x, -1.0)
    with pytest.raises(ArgumentError, match=r"expected \(3, 4\), or that with one axis of length 1, got \(4,\)"):
        F.gaussian_nll_loss(X, X, handtorch.ones(4))
    with pytest.raises(ArgumentError, match="p == 1 and p == 2"):
        F.multi_margin_loss(X, CLASSES, p=3)
    with pytest.raises(ArgumentError, match="margin must be greater than 0"):
        F.triplet_margin_loss(X, X, X, margin=0)
    with pytest.raises(ArgumentError, match="reduction"):
        F.l1_loss(x, x, reduction="average")


def test_margin_losses_name_a_target_that_is_no_class():
    with pytest.raises(DimensionError, match=r"target\[1\] is 4, expected 0 to 3"):
        F.multi_margin_loss(X, tensor([0, 4, 1]))
    with pytest.raises(DimensionError, match=r"target\[0, 1\] is -2, expected -1 to 3"):
        F.multilabel_margin_loss(numbers(1, 4), tensor([[0, -2, -1, -1]]))


# -- warnings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", [F.mse_loss, F.l1_loss, F.smooth_l1_loss, F.huber_loss])
def test_a_target_that_would_be_broadcast_is_warned_of_at_the_callers_line(loss):
    with pytest.warns(UserWarning, match=r"Using a target size .* different to the input size") as caught:
        loss(numbers(8, 1), numbers(8))
    assert caught[0].filename == __file__


def test_kl_div_warns_that_its_mean_is_not_the_divergence():
    x, t = numbers(2, 3).log_softmax(1), numbers(2, 3, seed=1).softmax(1)
    with pytest.warns(UserWarning, match="batchmean"):
        mean = F.kl_div(x, t)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        divergence = F.kl_div(x, t, reduction="batchmean")
    np.testing.assert_allclose(divergence.item(), 3 * mean.item())


@pytest.mark.parametrize(
    ("flags", "name"),
    [({"size_average": True}, "mean"), ({"size_average": False}, "sum"), ({"reduce": False}, "none")],
)
def test_the_old_flags_mean_a_reduction_and_warn_at_the_callers_line(flags, name):
    x, t = numbers(3, seed=1), numbers(3, seed=2)
    with pytest.warns(UserWarning, match=f"use reduction='{name}'") as caught:
        old = F.mse_loss(x, t, **flags)
    assert caught[0].filename == __file__
    np.testing.assert_array_equal(old.array, F.mse_loss(x, t, reduction=name).array)
    with pytest.warns(UserWarning, match=f"use reduction='{name}'"):
        assert nn.MSELoss(**flags).reduction == name


def test_the_former_name_of_the_mean_still_works():
    with pytest.warns(UserWarning, match="elementwise_mean"):
        assert F.l1_loss(tensor([1.0, 5.0]), tensor([0.0, 2.0]), reduction="elementwise_mean") == 2


# -- values worked out by hand --------------------------------------------------------------------------------------


def test_rows_whose_target_is_ignored_have_no_loss_and_no_gradient():
    x = numbers(3, 4).requires_grad_()
    loss = F.cross_entropy(x, tensor([0, 2, 1]), ignore_index=2)
    loss.backward()
    kept = x.detach().array[[0, 2]]
    want = np.mean(np.log(np.exp(kept).sum(1)) - kept[[0, 1], [0, 1]])
    np.testing.assert_allclose(loss.item(), want)
    assert not x.grad.array[1].any()
    assert x.grad.array[[0, 2]].all()


@pytest.mark.parametrize("loss", [F.nll_loss, F.cross_entropy])
def test_the_mean_over_no_target_that_counts_is_nan_and_the_sum_is_0(loss):
    nothing = tensor([-100, -100, -100])
    assert math.isnan(loss(X, nothing).item())
    assert loss(X, nothing, reduction="sum").item() == 0


def test_cross_entropy_of_certain_probabilities_is_that_of_classes():
    certain = F.one_hot(CLASSES, 4).double()
    for smoothing in (0.0, 0.3):
        soft = F.cross_entropy(X, certain, label_smoothing=smoothing)
        np.testing.assert_allclose(soft.item(), F.cross_entropy(X, CLASSES, label_smoothing=smoothing).item())


def test_cross_entropy_is_nll_of_log_softmax_for_images():
    x, t = numbers(2, 4, 3, 5), handtorch.from_numpy(np.random.default_rng(0).integers(0, 4, (2, 3, 5)))
    weight = numbers(4).abs()
    for reduction in ("mean", "sum", "none"):
        fused = F.cross_entropy(x, t, weight, reduction=reduction)
        steps = F.nll_loss(F.log_softmax(x, 1), t, weight, reduction=reduction)
        np.testing.assert_allclose(fused.array, steps.array)


def test_huge_logits_do_not_overflow():
    x = tensor([1e4, -1e4, 0.0])
    assert F.binary_cross_entropy_with_logits(x, tensor([1.0, 0.0, 1.0]), reduction="none").tolist() == pytest.approx(
        [0, 0, math.log(2)]
    )
    assert F.soft_margin_loss(tensor([-1e3]), tensor([1.0])) == 1e3
    assert F.cross_entropy(tensor([[1e4, 0.0]]), tensor([1])) == 1e4


def test_binary_cross_entropy_of_a_wrong_certainty_is_100():
    assert F.binary_cross_entropy(tensor([0.0, 1.0]), tensor([1.0, 1.0]), reduction="none").tolist() == [100, 0]


def test_pos_weight_multiplies_the_loss_of_positive_examples():
    x, t = tensor([0.3, -2.0, 1.5]), tensor([1.0, 0.0, 1.0])
    plain = F.binary_cross_entropy_with_logits(x, t, reduction="none").array
    weighted = F.binary_cross_entropy_with_logits(x, t, reduction="none", pos_weight=tensor([3.0])).array
    np.testing.assert_allclose(weighted, plain * [3, 1, 3], rtol=1e-6)


def test_multi_margin_counts_only_wrong_classes_within_the_margin():
    x = tensor([[0.1, 0.2, 0.4, 0.8]])
    assert F.multi_margin_loss(x, tensor([3])).item() == pytest.approx((0.3 + 0.4 + 0.6) / 4)
    assert F.multi_margin_loss(x, tensor([3]), p=2).item() == pytest.approx((0.09 + 0.16 + 0.36) / 4)


def test_multilabel_margin_stops_at_the_first_minus_one():
    x = tensor([[0.1, 0.2, 0.4, 0.8]])
    right_3_and_0 = (1 - (0.1 - 0.2)) + (1 - (0.1 - 0.4)) + (1 - (0.8 - 0.2)) + (1 - (0.8 - 0.4))
    assert F.multilabel_margin_loss(x, tensor([[3, 0, -1, 1]])).item() == pytest.approx(right_3_and_0 / 4)


def test_gaussian_nll_is_the_log_density_and_passes_gradients_through_raised_variances():
    x, t = numbers(5, seed=1), numbers(5, seed=2)
    var = numbers(5, seed=3).abs() + 0.1
    density = np.exp(-((x.array - t.array) ** 2) / (2 * var.array)) / np.sqrt(2 * np.pi * var.array)
    got = F.gaussian_nll_loss(x, t, var, full=True, reduction="none")
    np.testing.assert_allclose(got.array, -np.log(density))
    small = handtorch.zeros(5, dtype=handtorch.float64).requires_grad_()
    F.gaussian_nll_loss(x, t, small, eps=0.5, reduction="sum").backward()
    np.testing.assert_allclose(small.grad.array, 0.5 * (1 / 0.5 - (x.array - t.array) ** 2 / 0.25))


def test_triplets_use_the_nearer_of_two_negatives_when_swapped():
    anchor, positive, negative = tensor([[0.0, 0.0]]), tensor([[3.0, 0.0]]), tensor([[4.0, 0.0]])
    assert F.triplet_margin_loss(anchor, positive, negative, margin=2.0).item() == pytest.approx(1, abs=1e-5)
    assert F.triplet_margin_loss(anchor, positive, negative, margin=2.0, swap=True).item() == pytest.approx(4, abs=1e-5)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_working_in_pieces_changes_nothing(reduction):
    x, w, b = numbers(7, 3).requires_grad_(), numbers(5, 3).requires_grad_(), numbers(5).requires_grad_()
    t = tensor([0, 4, 1, -100, 2, 2, 3])

    def gradients(options):
        loss = F.linear_cross_entropy(x, w, t, linear_bias=b, reduction=reduction, options=options)
        return loss, handtorch.autograd.grad(loss.square().sum(), (x, w, b))

    whole, whole_gradients = gradients(None)
    for options in (nn.LinearCrossEntropyOptions(batch_chunk_size=2), nn.LinearCrossEntropyOptions()):
        pieces, piece_gradients = gradients(options)
        np.testing.assert_allclose(pieces.array, whole.array)
        for mine, theirs in zip(piece_gradients, whole_gradients, strict=True):
            np.testing.assert_allclose(mine.array, theirs.array, atol=1e-12)


def test_pieces_are_as_large_as_the_input_and_options_that_disagree_are_refused():
    assert nn.LinearCrossEntropyOptions(chunking_method="aspect_ratio").rows(1000, 64, 6400) == 16
    assert nn.LinearCrossEntropyOptions(chunking_method="aspect_ratio:4").rows(1000, 64, 6400) == 4
    assert nn.LinearCrossEntropyOptions().rows(1000, 64, 6400) == 8
    assert nn.LinearCrossEntropyOptions(batch_chunk_size=300).rows(200, 64, 6400) == 200
    with pytest.raises(ArgumentError, match="disagree"):
        nn.LinearCrossEntropyOptions(batch_chunk_size=3, chunking_method="aspect_ratio").rows(1000, 64, 6400)
    for wrong in ({"batch_chunk_size": 0}, {"chunking_method": "halves"}, {"acc_policy": "x"}, {"acc_dtype": 3}):
        with pytest.raises(ArgumentError):
            nn.LinearCrossEntropyOptions(**wrong)


def test_options_that_cannot_be_used_are_warned_of_and_change_nothing():
    x, w, t = numbers(4, 3), numbers(5, 3), tensor([0, 4, 1, 2])
    options = nn.LinearCrossEntropyOptions(batch_chunk_size=2)
    with pytest.warns(UserWarning, match="options ignored"):
        smoothed = F.linear_cross_entropy(x, w, t, label_smoothing=0.1, options=options)
    np.testing.assert_array_equal(smoothed.array, F.linear_cross_entropy(x, w, t, label_smoothing=0.1).array)


# -- modules --------------------------------------------------------------------------------------------------------


def test_weights_are_buffers_that_follow_the_module_and_its_state():
    loss = nn.BCEWithLogitsLoss(weight=handtorch.ones(4), pos_weight=handtorch.full((4,), 2.0)).double()
    assert set(loss.state_dict()) == {"weight", "pos_weight"}
    assert loss.pos_weight.dtype == handtorch.float64


def test_modules_refuse_settings_that_their_functions_would():
    with pytest.raises(ArgumentError, match="margin"):
        nn.TripletMarginLoss(margin=-1)
    with pytest.raises(ArgumentError, match="p == 1"):
        nn.MultiMarginLoss(p=3)
    with pytest.raises(TypeError, match="delta"):
        nn.HuberLoss(delta="1")
    with pytest.raises(ShapeError, match="weight"):
        nn.LinearCrossEntropyLoss(3, 4, weight=handtorch.ones(3))
    with pytest.warns(FutureWarning, match="NLLLoss"):
        nn.NLLLoss2d()


def small_softmax():
    handtorch.manual_seed(0)
    return nn.AdaptiveLogSoftmaxWithLoss(8, 12, [3, 7], div_value=2.0, head_bias=True).double()


def test_adaptive_softmax_is_a_distribution_whose_parts_agree():
    model, x, t = small_softmax(), numbers(5, 8), tensor([0, 5, 11, 2, 7])
    log_probs = model.log_prob(x)
    np.testing.assert_allclose(np.exp(log_probs.array).sum(1), 1)
    output, loss = model(x, t)
    np.testing.assert_allclose(output.array, log_probs.array[np.arange(5), t.array])
    np.testing.assert_allclose(loss.item(), -output.array.mean())
    np.testing.assert_array_equal(model.predict(x).array, log_probs.array.argmax(1))
    one, _ = model(x[1], t[1])
    assert one.shape == () and one.item() == pytest.approx(output[1].item())


def test_adaptive_softmax_differentiates_through_head_and_tails():
    model, t = small_softmax(), tensor([0, 5, 11, 2, 7])
    assert gradcheck(lambda x: model(x, t).output, (numbers(5, 8).requires_grad_(),))


def test_adaptive_softmax_refuses_cutoffs_and_targets_that_make_no_sense():
    for cutoffs in ([], [7, 3], [0, 3], [3, 12], [3, 3], [2.5]):
        with pytest.raises(ArgumentError, match="cutoffs"):
            nn.AdaptiveLogSoftmaxWithLoss(8, 12, cutoffs)
    model, x = small_softmax(), numbers(5, 8)
    with pytest.raises(DimensionError, match=r"\[0, 11\].*\[0, 12\]"):
        model(x, tensor([0, 1, 2, 3, 12]))
    with pytest.raises(BatchError, match="batch"):
        model(x, tensor([0, 1]))
    with pytest.raises(ShapeError, match="1D target tensor expects 2D"):
        model(x[0], tensor([0]))
