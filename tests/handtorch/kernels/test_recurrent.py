"""The twins of recurrent layers, against the plain ops, which are held to their formulas elsewhere."""

import numpy as np
import pytest

import handtorch
from handtorch import kernels
from handtorch.autograd import grad
from handtorch.ops import recurrent

EVEN, PACKED, SINGLE = [9] * 5, [9, 9, 4, 3, 1], [1] * 4
CASES = [
    (lambda sizes: recurrent.Rnn(sizes), 1, 1, 0, False),
    (lambda sizes: recurrent.Rnn(sizes, relu=True), 1, 1, 0, False),
    (lambda sizes: recurrent.Gru(sizes), 3, 1, 0, False),
    (lambda sizes: recurrent.Gru(sizes), 3, 1, 0, True),
    (lambda sizes: recurrent.Lstm(sizes), 4, 2, 0, False),
    (lambda sizes: recurrent.Lstm(sizes), 4, 2, 5, False),
]
NAMES = ["rnn", "rnn-relu", "gru", "gru-bias", "lstm", "lstm-projected"]


def inputs_for(case, sizes, directions, size, dtype):
    _, gates, states, projected, bias = case
    rng = np.random.default_rng(0)
    seen, batch = projected or size, sizes[0]
    shapes = [(sum(sizes), directions, gates * size), (directions, batch, seen)]
    shapes += [(directions, batch, size)] * (states - 1) + [(directions, gates * size, seen)]
    shapes += [(directions, seen, size)] * bool(projected) + [(directions, gates * size)] * bias
    return [handtorch.tensor(rng.normal(0, 0.5, shape).astype(dtype), requires_grad=True) for shape in shapes]


def results_of(case, sizes, inputs, choice, only_first=False):
    """All results and all gradients."""
    for x in inputs:
        x.grad = None
    with kernels.use(choice):
        op = case[0](sizes)
        results = op(*inputs)
        sum((r * (k + 1)).cos().sum() for k, r in enumerate(results[:1] if only_first else results)).backward()
    assert type(op).__module__.startswith("handtorch.kernels.") == (choice == "fast")
    return [r.detach().numpy() for r in results] + [x.grad.numpy() for x in inputs]


@pytest.fixture(autouse=True)
def twins_for_small_arrays_too(monkeypatch):
    monkeypatch.setattr(recurrent.Recurrence, "twin_from", 0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("sizes", [EVEN, PACKED, SINGLE], ids=["even", "packed", "single"])
@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_twin_gives_the_results_and_gradients_of_the_plain_op(case, sizes, directions, dtype):
    inputs = inputs_for(case, sizes, directions, 11, dtype)
    fast, plain = (results_of(case, sizes, inputs, choice) for choice in ("fast", "reference"))
    tolerance = 1e-5 if dtype == np.float32 else 1e-13
    for got, want in zip(fast, plain, strict=True):
        assert got.dtype == want.dtype
        np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance * max(1, np.abs(want).max()))


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_states_at_the_end_need_no_gradient(case):
    inputs = inputs_for(case, PACKED, 2, 3, np.float64)
    fast, plain = (results_of(case, PACKED, inputs, choice, only_first=True) for choice in ("fast", "reference"))
    for got, want in zip(fast, plain, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_results_do_not_depend_on_the_number_of_threads(case, directions, monkeypatch):
    monkeypatch.setattr("handtorch.kernels.recurrent._WORTH_A_THREAD", 0)
    before = handtorch.get_num_threads()
    sizes = [33, 33, 20, 2]
    inputs = inputs_for(case, sizes, directions, 11, np.float32)
    results = []
    try:
        for threads in (1, 4):
            handtorch.set_num_threads(threads)
            results.append(results_of(case, sizes, inputs, "fast"))
    finally:
        handtorch.set_num_threads(before)
    for got, want in zip(*results, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_second_derivatives_go_through_the_twin(case):
    inputs = inputs_for(case, [2, 2, 1, 1], 2, 2, np.float64)
    second = []
    for choice in ("fast", "reference"):
        with kernels.use(choice):
            results = case[0]([2, 2, 1, 1])(*inputs)
            first = grad(sum(r.cos().sum() for r in results), inputs, create_graph=True)
            second.append(grad(sum(g.sin().sum() for g in first), inputs))
    for fast, plain in zip(*second, strict=True):
        np.testing.assert_allclose(fast.numpy(), plain.numpy(), rtol=1e-10, atol=1e-12)


def test_a_result_may_be_written_to_before_going_back():
    case, sizes = CASES[0], EVEN
    inputs = inputs_for(case, sizes, 1, 11, np.float64)
    y, _ = case[0](sizes)(*inputs)
    y.mul_(2).sum().backward()
    doubled = inputs[0].grad.numpy().copy()
    inputs[0].grad = None
    y, _ = case[0](sizes)(*inputs)
    (2 * y).sum().backward()
    np.testing.assert_allclose(doubled, inputs[0].grad.numpy())
