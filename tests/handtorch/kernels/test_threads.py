"""The one pool: every piece runs once, errors come out, nothing deadlocks."""

import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import handtorch
from handtorch.errors import ArgumentError
from handtorch.kernels import threads


@pytest.fixture(autouse=True)
def two_threads():
    before = threads.get_num_threads()
    threads.set_num_threads(2)
    yield
    threads.set_num_threads(before)


@pytest.mark.parametrize("n", [0, 1, 2, 7, 1000])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_every_index_is_visited_once(n, count):
    threads.set_num_threads(count)
    visits = np.zeros(n, int)

    def work(low, high):
        visits[low:high] += 1

    threads.parallel_for(work, n)
    assert (visits == 1).all()


def test_pieces_really_run_at_once():
    barrier = threading.Barrier(2, timeout=5)
    threads.parallel_for(lambda low, high: barrier.wait(), 2)


def test_a_thread_that_is_held_up_leaves_the_other_pieces_to_the_rest():
    done, held_up = set(), threading.Event()

    def work(low, high):
        if low == 0:
            held_up.wait(5)
        done.add(low)
        if len(done) == 7:
            held_up.set()

    threads.parallel_for(work, 8, finer=4)
    assert done == set(range(8))
    assert held_up.is_set()


def test_a_range_too_small_for_two_grains_stays_in_the_calling_thread():
    seen = set()
    threads.parallel_for(lambda low, high: seen.add(threading.get_ident()), 99, grain=50)
    assert seen == {threading.get_ident()}


def test_the_error_of_a_piece_is_raised_after_all_pieces_ended():
    ended = []

    def work(low, high):
        if low == 0:
            raise KeyError("first")
        time.sleep(0.05)
        ended.append(low)

    with pytest.raises(KeyError, match="first"):
        threads.parallel_for(work, 2)
    assert ended == [1]


def test_a_call_from_inside_a_piece_does_not_deadlock():
    total = []
    threads.parallel_for(lambda low, high: threads.parallel_for(lambda a, b: total.append(b - a), 10), 2)
    assert total == [10, 10]


def test_calls_from_several_threads_do_not_disturb_each_other():
    results = {}

    def caller(number):
        out = np.zeros(1000)
        for _ in range(50):
            threads.parallel_for(lambda low, high: out.__setitem__(slice(low, high), number), 1000)
        results[number] = out

    callers = [threading.Thread(target=caller, args=(i,)) for i in range(1, 5)]
    for thread in callers:
        thread.start()
    for thread in callers:
        thread.join(10)
    assert all((out == number).all() for number, out in results.items())
    assert len(results) == 4


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_the_pool_works_again_after_a_fork():
    threads.parallel_for(lambda low, high: None, 2)
    child = os.fork()
    if child == 0:
        out = np.zeros(2)
        threads.parallel_for(lambda low, high: out.__setitem__(slice(low, high), 1), 2)
        os._exit(int(out.sum()))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2


def test_fewer_than_one_thread_is_refused():
    with pytest.raises(ArgumentError, match="at least 1"):
        handtorch.set_num_threads(0)


def test_the_number_of_threads_comes_from_the_environment():
    code = "import handtorch; print(handtorch.get_num_threads())"
    answer = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "OMP_NUM_THREADS": "3"}, capture_output=True, text=True
    )
    assert answer.stdout.strip() == "3"


def test_products_in_blocks_equal_products_in_one_piece():
    rng = np.random.default_rng(0)
    from handtorch.kernels.linalg import product

    for n, k, m in ((700, 300, 50), (50, 300, 700), (1, 1000, 1000), (3000, 40, 41)):
        a, b, bias = rng.standard_normal((n, k)), rng.standard_normal((k, m)), rng.standard_normal(m)
        np.testing.assert_allclose(product(a, b, bias), a @ b + bias, rtol=1e-10, atol=1e-10)
        np.testing.assert_allclose(product(b.T, a.T), (a @ b).T, rtol=1e-10, atol=1e-10)
