"""Stages of one work, shared by the threads that are there."""

import threading

import numpy as np
import pytest

import handtorch
from handtorch.kernels.compile import kernel
from handtorch.kernels.sharing import join_in, put_down, take, wait
from handtorch.kernels.threads import get_num_threads, parallel_for
from handtorch.models.generation import generate
from handtorch.models.language import TransformerLanguageModel


@pytest.fixture(params=[1, 2, 4])
def threads(request):
    before = get_num_threads()
    handtorch.set_num_threads(request.param)
    yield request.param
    handtorch.set_num_threads(before)


@kernel
def turned_around(x, y, done, counters):
    """Each stage reverses what the one before made, a piece at a time: y is x reversed, x is y reversed, and so on."""
    pieces = x.size // 10
    for stage in range(20):
        source, target = (x, y) if stage % 2 == 0 else (y, x)
        piece = take(counters, stage)
        while piece < pieces:
            for i in range(10 * piece, 10 * piece + 10):
                target[i] = source[x.size - 1 - i] + 1
            done[stage, piece] += 1
            put_down(counters, stage)
            piece = take(counters, stage)
        wait(counters, stage, pieces)


def run(size=400):
    x, y, done = np.arange(size), np.empty(size, np.int64), np.zeros((20, size // 10), np.int64)
    join_in(lambda counters: turned_around(x, y, done, counters), 4, 20)
    return x, done


def test_a_stage_sees_all_of_the_one_before_and_every_piece_is_done_once(threads):
    for _ in range(30):
        x, done = run()
        np.testing.assert_array_equal(x, np.arange(400) + 20)
        assert (done == 1).all()


def test_several_works_at_once_and_works_inside_of_pieces_come_to_an_end(threads):
    results = []
    callers = [threading.Thread(target=lambda: results.append(run()[0])) for _ in range(6)]
    for caller in callers:
        caller.start()
    parallel_for(lambda low, high: results.append(run()[0]), 4)
    for caller in callers:
        caller.join(timeout=20)
    assert len(results) >= 7
    assert all((x == np.arange(400) + 20).all() for x in results)


def test_what_is_written_does_not_depend_on_the_number_of_threads(threads):
    handtorch.manual_seed(0)
    model = TransformerLanguageModel(3000, 192, 4, 2, dropout=0.0).eval()  # enough weights for several threads
    for parameter in model.parameters():
        handtorch.nn.init.normal_(parameter, std=0.1)
    found = generate(model, [[5, 7, 9]], max_tokens=20, temperature=0)
    text = handtorch.tensor([[5, 7, 9, *found.tokens[0]]])
    cost, _ = model.nll(text[:, :-1], text[:, 1:])
    np.testing.assert_allclose(found.log_probs[0], -cost[0, 2:].detach().numpy(), atol=1e-4)
