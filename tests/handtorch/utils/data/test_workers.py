"""Worker processes: what they are told, how their errors come back, and that none of them stays behind."""

import gc
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

from handtorch import random as generators
from handtorch.factories import from_numpy
from handtorch.kernels.threads import get_num_threads
from handtorch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset, get_worker_info

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="these datasets are not pickled")


class Calling(Dataset):
    """Sample ``i`` is what a function makes of ``i``."""

    def __init__(self, function, length=4):
        self.function = function
        self.length = length

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        return self.function(index)


def load(function, length=4, **options):
    return DataLoader(Calling(function, length), batch_size=None, num_workers=options.pop("num_workers", 2), **options)


def workers_left():
    gc.collect()  # the traceback of an error that a test has caught may hold the loop that raised it
    return multiprocessing.active_children()


# -- what a worker knows ----------------------------------------------------------------------------------------------


def test_a_worker_knows_which_one_it_is_and_the_main_process_is_none():
    def describe(index):
        info = get_worker_info()
        return info.id, info.num_workers, info.seed, info.dataset.length, os.getpid()

    infos = list(load(describe))
    assert [info[:2] for info in infos] == [[0, 2], [1, 2], [0, 2], [1, 2]]
    assert infos[1][2] == infos[0][2] + 1
    assert infos[0][3] == 4
    assert len({info[4] for info in infos} | {os.getpid()}) == 3
    assert get_worker_info() is None


def test_workers_draw_the_random_numbers_that_pytorchs_workers_draw():
    def draw(index):
        return index, random.random(), float(np.random.rand()), float(generators.uniform((), dtype=np.float32))

    generators.manual_seed(123)
    loader = DataLoader(Calling(draw, 6), batch_size=3, shuffle=True, num_workers=2)
    recorded = [  # from PyTorch 2.13.0 after torch.manual_seed(123)
        [
            [0, 3, 2],
            [0.8428418282953501, 0.4909744405923605, 0.13641940716655876],
            [0.47913561059325305, 0.9756360467001853, 0.03259491582381435],
            [0.7682660222053528, 0.8738318085670471, 0.14502310752868652],
        ],
        [
            [5, 4, 1],
            [0.7961171973391208, 0.04383173373322413, 0.6681860978894294],
            [0.12598337315019237, 0.044238442760282326, 0.39511719277359647],
            [0.914722204208374, 0.9823511242866516, 0.18732893466949463],
        ],
    ]
    assert [[column.tolist() for column in batch] for batch in loader] == recorded


def test_the_init_function_is_called_with_the_workers_number_after_seeding():
    def begin(worker_id):
        dataset = get_worker_info().dataset
        dataset.function = lambda index: (worker_id, random.Random(get_worker_info().seed).random() == first_number)
        first_number = random.random()

    assert list(load(None, worker_init_fn=begin)) == [[0, True], [1, True], [0, True], [1, True]]


def test_a_worker_uses_one_thread():
    assert list(load(lambda index: get_num_threads(), 1)) == [1]


def test_persistent_workers_are_the_same_processes_in_every_pass():
    loader = load(lambda index: os.getpid(), persistent_workers=True)
    first = list(loader)
    assert list(loader) == first
    assert sorted(set(first)) == sorted(child.pid for child in multiprocessing.active_children())
    del loader
    assert workers_left() == []


def test_a_pass_that_was_left_early_does_not_show_in_the_next():
    loader = load(lambda index: index, 50, persistent_workers=True, prefetch_factor=10)
    for _ in range(3):
        iterator = iter(loader)
        assert [next(iterator), next(iterator)] == [0, 1]
    assert list(loader) == list(range(50))


def test_what_is_left_of_a_pass_is_not_made_any_more():
    loader = load(lambda index: time.sleep(0.1), 100, num_workers=1, persistent_workers=True, prefetch_factor=30)
    iter(loader)
    begin = time.monotonic()
    next(iter(loader))
    assert time.monotonic() - begin < 1.5


def test_workers_make_batches_ahead():
    made = multiprocessing.get_context("fork").Value("i", 0)

    def count(index):
        with made.get_lock():
            made.value += 1
        return index

    iterator = iter(load(count, 100, prefetch_factor=3))
    deadline = time.monotonic() + 5
    while made.value < 6 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.1)
    assert made.value == 6
    assert next(iterator) == 0


# -- what comes over --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 1000, 200_000])
@pytest.mark.parametrize("dtype", ["float32", "bool", "complex128", "int8"])
def test_arrays_of_every_size_arrive_equal_and_writable(size, dtype):
    sample = (np.arange(size) % 3).astype(dtype).reshape(-1, 1)
    (arrived,) = load(lambda index: sample, 1)
    np.testing.assert_array_equal(arrived.numpy(), sample)
    assert arrived.numpy().dtype == dtype
    arrived.array[...] = 1
    assert arrived.numpy().all()


def test_text_and_other_objects_arrive():
    sample = {"name": "a" * 100_000, "list": list(range(50_000)), "none": None}
    assert list(load(lambda index: sample, 3)) == [sample] * 3


def test_batches_larger_than_a_pipe_do_not_block_each_other():
    # Many long lists of indices one way and many long lists of text the other way would fill both pipes.
    loader = DataLoader(
        Calling(lambda index: str(index) * 100, 40_000),
        batch_size=2_000,
        num_workers=2,
        prefetch_factor=10,
        timeout=20,
    )
    assert sum(len(batch) for batch in loader) == 40_000


def test_batches_kept_by_the_thousand_do_not_use_up_file_descriptors():
    before = open_files()
    kept = list(load(lambda index: np.full(10_000, index), 600))
    assert open_files() - before < 200
    assert all((sample.numpy() == index).all() for index, sample in enumerate(kept))
    del kept
    assert open_files() <= before


def open_files():
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir()))


def test_keeping_the_labels_of_a_batch_does_not_keep_its_images():
    images, labels = np.ones((64, 100_000), np.float32), np.arange(64)
    loader = DataLoader(TensorDataset(from_numpy(images), from_numpy(labels)), batch_size=16, num_workers=1)
    before = mapped_batches()
    kept = [label for _, label in loader]
    gc.collect()
    assert mapped_batches() - before <= 1  # the loop's last
    assert np.concatenate([label.numpy() for label in kept]).tolist() == labels.tolist()


def mapped_batches():
    return Path("/proc/self/maps").read_text().count("handtorch-batch")


# -- what goes wrong --------------------------------------------------------------------------------------------------


class Unusual(Exception):
    def __init__(self, one, two):
        super().__init__(one, two)


def raising(error):
    def function(index):
        if index == 1:
            raise error
        return index

    return function


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ValueError("the sample is bad"), ValueError),
        (KeyError("the sample is bad"), KeyError),
        (Unusual("the sample is bad", 2), RuntimeError),
        (StopIteration("the sample is bad"), RuntimeError),
        (type("Local", (Exception,), {})("the sample is bad"), RuntimeError),
    ],
)
def test_an_error_in_a_worker_is_raised_here_with_the_workers_traceback(error, kind):
    iterator = iter(load(raising(error)))
    assert next(iterator) == 0
    with pytest.raises(kind) as caught:
        next(iterator)
    message = str(caught.value)
    assert "in DataLoader worker process 1.\nOriginal Traceback (most recent call last):\n" in message
    assert "raise error" in message
    assert "the sample is bad" in message


def test_after_an_error_the_other_batches_still_come():
    iterator = iter(load(raising(ValueError())))
    seen = []
    for _ in range(4):
        try:
            seen.append(next(iterator))
        except ValueError:
            seen.append("error")
    assert seen == [0, "error", 2, 3]
    assert list(iterator) == []


def test_an_error_in_the_init_function_comes_with_the_first_batch():
    def fail(worker_id):
        raise OSError("no such disk")

    with pytest.raises(OSError, match="no such disk"):
        next(iter(load(lambda index: index, worker_init_fn=fail)))


def test_a_batch_that_cannot_be_pickled_is_an_error_and_not_silence():
    with pytest.raises((AttributeError, RuntimeError, TypeError), match="in DataLoader worker process 0"):
        next(iter(load(lambda index: (x for x in []))))


@pytest.mark.parametrize(
    ("die", "reason"),
    [
        (lambda: os.kill(os.getpid(), signal.SIGKILL), r"is killed by signal: Killed \(9\)"),
        (lambda: os.kill(os.getpid(), signal.SIGTERM), r"is killed by signal: Terminated \(15\)"),
        (lambda: os._exit(7), "exited unexpectedly with exit code 7"),
    ],
)
def test_a_worker_that_dies_is_named_with_its_pid_and_the_reason(die, reason):
    def function(index):
        if index == 2:
            die()
        return os.getpid()

    loader = load(function, 10)
    iterator = iter(loader)
    begin = time.monotonic()
    pids = [next(iterator), next(iterator)]
    with pytest.raises(RuntimeError, match=rf"DataLoader worker \(pid {pids[0]}\) {reason}"):
        list(iterator)
    assert time.monotonic() - begin < 3
    with pytest.raises(RuntimeError, match="DataLoader worker"):  # and the rest is not silently missing
        next(iterator)
    assert workers_left() == []


def test_a_worker_that_dies_is_noticed_even_when_a_child_of_its_own_holds_its_pipe():
    def function(index):
        if os.fork() == 0:
            time.sleep(6)
            os._exit(0)
        os._exit(3)

    begin = time.monotonic()
    with pytest.raises(RuntimeError, match="exited unexpectedly with exit code 3"):
        list(load(function, num_workers=1))
    assert time.monotonic() - begin < 5


def test_persistent_workers_are_started_anew_after_one_has_died():
    flag = multiprocessing.get_context("fork").Value("b", True)

    def function(index):
        if flag.value:
            os._exit(1)
        return index

    loader = load(function, persistent_workers=True)
    with pytest.raises(RuntimeError, match="exit code 1"):
        list(loader)
    flag.value = False
    assert list(loader) == [0, 1, 2, 3]


def test_a_worker_that_takes_too_long_is_named_and_not_waited_for():
    iterator = iter(load(lambda index: time.sleep(60), timeout=0.2))
    begin = time.monotonic()
    with pytest.raises(RuntimeError, match=r"DataLoader timed out after 0.2 seconds: worker \(pid \d+\)"):
        next(iterator)
    assert time.monotonic() - begin < 3
    assert workers_left() == []


def test_signal_handlers_of_the_parent_are_not_the_workers():
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        handlers = list(load(lambda index: signal.getsignal(signal.SIGTERM) is signal.SIG_DFL, 1))
    finally:
        signal.signal(signal.SIGTERM, before)
    assert handlers == [True]


def test_ctrl_c_is_the_parents_to_handle():
    def interrupted(index):
        os.kill(os.getpid(), signal.SIGINT)
        return index

    assert list(load(interrupted)) == [0, 1, 2, 3]


# -- what stays behind: nothing ---------------------------------------------------------------------------------------


def test_the_workers_of_a_pass_end_with_it():
    iterator = iter(load(lambda index: index))
    assert list(iterator) == [0, 1, 2, 3]
    assert workers_left() == []
    assert list(iterator) == []


def test_workers_that_do_not_end_by_themselves_are_waited_for_together(monkeypatch):
    monkeypatch.setattr("handtorch.utils.data.parallel._PATIENCE", 2.0)
    iterator = iter(load(lambda index: time.sleep(60)))
    begin = time.monotonic()
    del iterator
    assert workers_left() == []
    assert 1.9 < time.monotonic() - begin < 3.8  # one after the other they would take 4


@pytest.mark.parametrize("how", ["to the end", "left early", "never begun", "with an error"])
def test_no_process_and_no_open_file_stays_behind(how):
    gc.collect()
    before = open_files()
    iterator = iter(load(raising(ValueError()) if how == "with an error" else lambda index: np.ones(50_000), 20))
    if how == "to the end":
        list(iterator)
    elif how == "left early":
        next(iterator)
    elif how == "with an error":
        with pytest.raises(ValueError, match="Caught"):
            list(iterator)
    del iterator
    assert workers_left() == []
    assert open_files() <= before


def run(script, *arguments, **options):
    return subprocess.Popen(
        [sys.executable, str(script), *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


@pytest.fixture
def script(tmp_path):
    def write(text):
        path = tmp_path / "script.py"
        path.write_text(textwrap.dedent(text))
        return path

    return write


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_workers_can_be_started_without_a_fork(script, method):
    path = script(
        """
        import sys
        import numpy as np
        from handtorch.utils.data import DataLoader, Dataset, get_worker_info

        class Numbers(Dataset):
            def __len__(self):
                return 4

            def __getitem__(self, index):
                if index == 3:
                    raise ValueError("bad sample")
                return np.full(20_000, index), get_worker_info().id

        if __name__ == "__main__":
            loader = DataLoader(Numbers(), batch_size=None, num_workers=2, multiprocessing_context=sys.argv[1])
            iterator = iter(loader)
            for _ in range(3):
                numbers, worker = next(iterator)
                print(worker, numbers.numpy().min(), numbers.numpy().max())
            try:
                next(iterator)
            except ValueError as error:
                print("bad sample" in str(error))
        """
    )
    out, errors = run(path, method).communicate(timeout=60)
    assert out.split("\n") == ["0 0 0", "1 1 1", "0 2 2", "True", ""], errors
    assert not any(word in errors for word in ("Traceback", "Exception ignored", "leaked"))


def test_what_cannot_be_pickled_for_a_spawned_worker_says_what_to_do():
    with pytest.raises((AttributeError, TypeError)) as caught:
        iter(load(lambda index: index, multiprocessing_context="spawn"))
    assert "define them at the top of a module" in caught.value.__notes__[0]
    assert workers_left() == []


ENDLESS = """
    import itertools, os, sys, time
    from handtorch.utils.data import DataLoader, IterableDataset

    class Endless(IterableDataset):
        def __iter__(self):
            return itertools.repeat(os.getpid())

    loader = DataLoader(Endless(), batch_size=None, num_workers=2, persistent_workers=True)
    iterator = iter(loader)
    print(next(iterator), next(iterator), flush=True)
    {then}
"""


def alive(pid):
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False


@pytest.mark.parametrize(
    ("then", "by"),
    [
        ("time.sleep(60)", signal.SIGKILL),
        ("time.sleep(60)", signal.SIGINT),
        ("raise SystemExit(3)", None),
        ("raise ValueError", None),
    ],
)
def test_workers_end_with_their_parent_however_it_ends(script, then, by):
    parent = run(script(ENDLESS.format(then=then)))
    pids = [int(pid) for pid in parent.stdout.readline().split()]
    assert len(pids) == 2
    if by is not None:
        os.kill(parent.pid, by)
    _, errors = parent.communicate(timeout=30)
    deadline = time.monotonic() + 10
    while any(map(alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(alive, pids))
    assert "Exception ignored" not in errors
    assert errors.count("Traceback") == (1 if "ValueError" in then or by is signal.SIGINT else 0)


def test_a_forked_child_leaves_its_parents_workers_alone():
    class Forever(IterableDataset):
        def __iter__(self):
            return iter(range(10**9))

    iterator = iter(DataLoader(Forever(), batch_size=None, num_workers=1))
    assert next(iterator) == 0
    child = os.fork()
    if child == 0:
        try:
            del iterator
            gc.collect()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert [next(iterator) for _ in range(20)] == list(range(1, 21))
