"""Reading and writing between brackets, held to PyTorch: fixed cases that are easily got wrong, and random ones."""

import numpy as np
import pytest
import torch

import handtorch

SHAPE = (2, 3, 4)


def pair(shape=SHAPE, dtype="float32", requires_grad=False):
    array = np.arange(int(np.prod(shape))).reshape(shape).astype(dtype)
    return (
        torch.from_numpy(array.copy()).requires_grad_(requires_grad),
        handtorch.from_numpy(array.copy()).requires_grad_(requires_grad),
    )


def translated(index):
    """An index with Handtorch's tensors in place of PyTorch's."""
    if isinstance(index, torch.Tensor):
        return handtorch.from_numpy(index.numpy().copy())
    if isinstance(index, (tuple, list)):
        return type(index)(translated(part) for part in index)
    return index


def same(theirs, ours):
    assert tuple(theirs.shape) == tuple(ours.shape)
    assert str(theirs.dtype).split(".")[-1] == str(ours.dtype).split(".")[-1]
    np.testing.assert_array_equal(theirs.detach().numpy(), ours.detach().array)


def outcome(call):
    try:
        return call()
    except Exception as error:
        return error


def same_outcome(theirs, ours, what):
    if isinstance(theirs, Exception):
        assert isinstance(ours, Exception), f"{what}: expected {theirs!r}, got {ours!r}"
        kind = next(k for k in (IndexError, TypeError, ValueError, RuntimeError) if isinstance(theirs, k))
        assert isinstance(ours, kind), f"{what}: expected {theirs!r}, got {ours!r}"
    else:
        assert not isinstance(ours, Exception), f"{what}: {ours!r}"
        same(theirs, ours)


LONG, BYTE, FLAG = torch.tensor([1, 0, 1]), torch.tensor([1, 0], dtype=torch.uint8), torch.tensor([True, False])
CASES = [
    0, -1, 5, (0, 1), (0, 0, 0), (0, 0, 0, 0), (), None, ..., (None, ..., None), (..., ...), (0, ..., ...), True, False,
    (True, 0), (..., True), slice(None, None, -1), slice(0, 2, 2), (slice(1, None), None, -1), slice(5, 9), 1.5, "a",
    {1}, range(2), [0, 1], [[0, 1], [1, 0]], [slice(0, 1), 0], [None], [[0]], [], [True, False], [True, False, True],
    (0, slice(None), [0, 1]), (torch.tensor(0), slice(None), [0, 1]), ([0, 1], 0, [2, 3]),
    ([0, 1], slice(None), [2, 3]),
    (slice(None), [0, 1], None, [0, 1]), ([0, 1], [0, 1, 2]), (0, [0, 2]), (0, [0, 2], 1), (slice(None), 1, [3, 3]),
    LONG, BYTE, FLAG, LONG.int(), LONG.to(torch.int8), LONG.float(), torch.tensor(1), torch.tensor(True),
    torch.tensor(1, dtype=torch.uint8), (FLAG, 1), (FLAG, torch.tensor([2])), torch.ones(2, 3, dtype=torch.bool),
    (torch.ones(2, 3, dtype=torch.bool), 1), (1, torch.ones(3, dtype=torch.bool)), torch.tensor([5]),
    torch.tensor([-2]),
    torch.tensor([], dtype=torch.long), torch.tensor([]), (slice(None), torch.tensor([[0, 1], [2, 2]])),
    (torch.tensor([[0], [1]]), torch.tensor([0, 2])), (torch.tensor([[0], [1]]), ..., torch.tensor([0, 2])),
    np.int64(1), np.array(1), np.array([0, 1]), np.array([[0, 1], [1, 0]]), np.array([True, False]), np.bool_(True),
    ((0, 1),), (None, LONG, None), (LONG, None, 0), (True, LONG), (LONG, True, slice(None)), torch.Size([0, 1]),
]  # fmt: skip


@pytest.mark.parametrize("index", CASES, ids=repr)
def test_reading_gives_what_pytorch_gives_and_refuses_what_it_refuses(index):
    theirs, ours = pair()
    same_outcome(outcome(lambda: theirs[index]), outcome(lambda: ours[translated(index)]), index)


@pytest.mark.parametrize("index", CASES, ids=repr)
def test_writing_a_number_and_reading_its_gradient(index):
    def written(x, key):
        y = x * 1
        y[key] = 7
        (y * y).sum().backward()
        return x.grad

    if index is BYTE:  # a mask of the time before there was a boolean type: PyTorch still reads with it
        return
    theirs, ours = pair(requires_grad=True)
    same_outcome(outcome(lambda: written(theirs, index)), outcome(lambda: written(ours, translated(index))), index)


def random_index(rng):
    """A random index for SHAPE."""
    axis, parts = 0, []
    while axis < 3:
        n = SHAPE[axis]
        kind = rng.integers(9)
        if kind == 0:
            parts.append(int(rng.integers(-n, n)))
        elif kind == 1:
            start, stop = rng.integers(-n - 1, n + 2, 2)
            parts.append(slice(int(start), int(stop), int(rng.integers(1, 3))))
        elif kind == 2:
            parts.append(None)
            continue
        elif kind == 3:
            parts.append(torch.tensor(rng.integers(-n, n, 2)))
        elif kind == 4:
            parts.append(torch.tensor(rng.integers(-n, n, (3, 1))))
        elif kind == 5:
            parts.append(rng.integers(-n, n, 2).tolist())
        elif kind == 6:
            mask = np.zeros(n, bool)
            mask[rng.permutation(n)[:2]] = True
            parts.append(torch.tensor(mask))
        elif kind == 7:
            parts.append(torch.tensor(int(rng.integers(-n, n))))
        else:
            parts.append(slice(None))
        axis += 1
    cut = int(rng.integers(1, len(parts) + 1))
    parts = parts[:cut]
    if rng.random() < 0.2:
        parts.append(...)
    return tuple(parts)


@pytest.mark.parametrize("seed", range(200))
def test_random_indices_read_write_and_differentiate_alike(seed):
    rng = np.random.default_rng(seed)
    index = random_index(rng)
    theirs, ours = pair(dtype="float64", requires_grad=True)
    key = translated(index)
    same(theirs[index], ours[key])
    weights = rng.standard_normal(tuple(theirs[index].shape))
    (theirs[index] * torch.tensor(weights)).sum().backward()
    (ours[key] * handtorch.tensor(weights)).sum().backward()
    np.testing.assert_allclose(theirs.grad.numpy(), ours.grad.array)

    if np.unique(ours.detach()[key].array).size < weights.size:
        return  # PyTorch does not say which of several values for one place is kept
    results = []
    for x, k, framework in ((theirs, index, torch), (ours, key, handtorch)):
        x.grad = None
        v = framework.tensor(weights).requires_grad_()
        y = x * 2
        y[k] = v * 3
        (y * y).sum().backward()
        results.append((y, x.grad, v.grad))
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a.detach().numpy(), b.detach().array)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "int64", "float16", "float32", "complex64"])
@pytest.mark.parametrize(
    "value",
    [1, -1, 300, 2.7, True, float("nan"), 2**40, 1j, np.float64(3), torch.tensor(2.5), torch.ones(1, 1, 4),
     torch.ones(5), torch.tensor(1 + 2j), "a", None],
    ids=repr,
)  # fmt: skip
def test_what_is_written_is_cast_and_broadcast(dtype, value):
    def written(x, v):
        x[0] = v
        return x

    theirs, ours = pair((2, 3, 4), dtype)
    same_outcome(
        outcome(lambda: written(theirs, value)), outcome(lambda: written(ours, translated(value))), (dtype, value)
    )
