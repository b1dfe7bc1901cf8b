"""A run that is killed, at any moment and any number of times, ends with the same numbers as one that never was."""

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import handtorch
from handtorch import nn, optim, training
from handtorch.errors import ArgumentError, FormatError
from handtorch.utils.data import DataLoader, TensorDataset

SCRIPT = Path(__file__).with_name("resumable.py")
pytestmark = pytest.mark.skipif(os.name == "nt", reason="SIGKILL is what a process cannot catch on POSIX")


def start(folder, *arguments, seed=0, workers=0):
    environment = os.environ | {
        "RESUMABLE_SEED": str(seed),
        "RESUMABLE_WORKERS": str(workers),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    command = [sys.executable, str(SCRIPT), str(folder), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def finish(process):
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return json.loads(out.splitlines()[-1])


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    result = finish(start(tmp_path_factory.mktemp("whole") / "run"))
    assert len(result["rows"]) == 5
    return result


def test_a_run_killed_at_random_moments_ends_with_the_same_bits(tmp_path, uninterrupted):
    moments, kills = random.Random(11), 0
    for attempt in range(40):
        process = start(tmp_path / "run", seed=0 if attempt == 0 else 1000 + attempt)
        assert process.stdout.readline() == "started\n", process.stderr.read()
        time.sleep(moments.uniform(0.0, 0.25))
        process.kill()
        out, _ = process.communicate(timeout=60)
        if out.strip():  # it was through before the blow fell
            assert json.loads(out.splitlines()[-1]) == uninterrupted
            break
        kills += 1
        if kills == 6:
            assert finish(start(tmp_path / "run", seed=77)) == uninterrupted
            break
    assert kills >= 3


@pytest.mark.parametrize(
    "event, number",
    [
        ("replace", 1),  # before the very first checkpoint exists
        ("fsync", 2),  # in the middle of writing one
        ("replace", 9),
        ("replaced", 8),  # between the best weights and the checkpoint of an epoch
        ("replaced", 9),
        ("step", 25),  # after the last step of an epoch, before its validation
        ("step", 58),
    ],
)
def test_a_run_killed_at_a_chosen_point_ends_with_the_same_bits(tmp_path, uninterrupted, event, number):
    process = start(tmp_path / "run", event, number)
    process.communicate(timeout=60)
    assert process.returncode == -9
    # Killed before anything was written, there is nothing to continue: the same script starts again from its seed.
    began = (tmp_path / "run" / "last.safetensors").exists()
    assert finish(start(tmp_path / "run", seed=5 if began else 0)) == uninterrupted
    assert not list((tmp_path / "run").glob(".*.part"))


def test_workers_that_load_ahead_do_not_disturb_a_resume(tmp_path):
    whole = finish(start(tmp_path / "whole", workers=1))
    process = start(tmp_path / "run", "step", 31, workers=1)
    process.communicate(timeout=60)
    assert finish(start(tmp_path / "run", seed=5, workers=1)) == whole


def test_the_log_of_a_killed_run_tells_every_step_once(tmp_path, uninterrupted):
    for number in (14, 30, 22):
        start(tmp_path / "run", "step", number).communicate(timeout=60)
    finish(start(tmp_path / "run"))
    events = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [e["step"] for e in events if e["event"] == "step"] == list(range(10, 126, 10))
    assert [e["epoch"] for e in events if e["event"] == "epoch"] == [1, 2, 3, 4, 5]
    assert sum(e["event"] == "resume" for e in events) == 3
    losses = [e["valid_loss"] for e in events if e["event"] == "epoch"]
    assert losses == [row["valid_loss"] for row in uninterrupted["rows"]]


def parts():
    """Model, loss, optimizer and loader of a small regression, always the same."""
    handtorch.manual_seed(0)
    x = handtorch.randn(40, 4)
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
    loader = DataLoader(TensorDataset(x, x[:, :1] * 2), batch_size=8, shuffle=True)
    return model, nn.MSELoss(), optim.SGD(model.parameters(), lr=0.05, momentum=0.9), loader


def weights(model):
    return [parameter.detach().numpy().copy() for parameter in model.parameters()]


def same(one, two):
    return all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))


def test_more_epochs_later_equal_all_epochs_at_once(tmp_path):
    once, *rest = parts()
    training.fit(once, *rest, epochs=6, run=tmp_path / "once", progress="off")
    training.fit(*parts(), epochs=2, run=tmp_path / "twice", progress="off")
    twice, *rest = parts()
    handtorch.manual_seed(9)
    history = training.fit(twice, *rest, epochs=6, run=tmp_path / "twice", resume=True, progress="off")
    assert history["epoch"] == [1, 2, 3, 4, 5, 6]
    assert same(weights(once), weights(twice))


def test_a_finished_run_that_is_resumed_trains_no_further(tmp_path):
    model, *rest = parts()
    first = training.fit(model, *rest, epochs=2, run=tmp_path / "run", progress="off")
    trained = weights(model)
    again, *rest = parts()
    assert training.fit(again, *rest, epochs=2, run=tmp_path / "run", resume=True, progress="off").rows == first.rows
    assert same(weights(again), trained)


def test_a_folder_that_holds_a_run_is_not_overwritten(tmp_path):
    training.fit(*parts(), epochs=1, run=tmp_path / "run", progress="off")
    with pytest.raises(ArgumentError, match=r"already holds a run \(1 epochs done\).*resume=True"):
        training.fit(*parts(), epochs=1, run=tmp_path / "run", progress="off")


def test_resuming_with_another_optimizer_state_or_scheduler_is_refused(tmp_path):
    training.fit(*parts(), epochs=1, run=tmp_path / "run", progress="off")
    model, loss, optimizer, loader = parts()
    scheduler = optim.lr_scheduler.StepLR(optimizer, 1)
    with pytest.raises(ArgumentError, match="expected a run with model, optimizer"):
        training.fit(model, loss, optimizer, loader, epochs=2, scheduler=scheduler, run=tmp_path / "run", resume=True)


def test_a_damaged_checkpoint_is_named_not_silently_restarted(tmp_path):
    training.fit(*parts(), epochs=1, run=tmp_path / "run", progress="off")
    path = tmp_path / "run" / "last.safetensors"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(FormatError, match=r"last\.safetensors"):
        training.fit(*parts(), epochs=2, run=tmp_path / "run", resume=True, progress="off")


def test_a_checkpoint_can_be_read_by_the_safetensors_package_and_holds_no_pickle(tmp_path):
    oracle = pytest.importorskip("safetensors.numpy")
    model, *rest = parts()
    training.fit(model, *rest, epochs=2, run=tmp_path / "run", progress="off")
    tensors = oracle.load_file(tmp_path / "run" / "last.safetensors")
    assert np.array_equal(tensors["parts/model/0.weight"], model[0].weight.detach().numpy())
    best = oracle.load_file(tmp_path / "run" / "best.safetensors")
    assert sorted(best) == ["0.bias", "0.weight", "2.bias", "2.weight"]


class GetWorse(training.Callback):
    """Keep every epoch's weights, and from the third epoch on climb instead of descending."""

    def __init__(self):
        self.weights = {}

    def on_epoch_end(self, run):
        self.weights[run.epoch] = weights(run.model)
        if run.epoch == 2:
            run.optimizer.param_groups[0]["lr"] = -0.01


def test_best_holds_the_weights_of_the_best_epoch(tmp_path):
    model, loss, optimizer, loader = parts()
    kept = GetWorse()
    history = training.fit(
        model, loss, optimizer, loader, loader, epochs=4, callbacks=[kept], run=tmp_path / "run", progress="off"
    )
    assert history.best()["epoch"] == 2
    fresh, *_ = parts()
    fresh.load_state_dict(handtorch.load(tmp_path / "run" / "best.safetensors"))
    assert same(weights(fresh), kept.weights[2])
    assert not same(weights(fresh), kept.weights[4])
