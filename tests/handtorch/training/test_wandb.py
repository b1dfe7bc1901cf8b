"""Weights & Biases works offline, reads back what was logged, and cannot stop a run."""

import json
import struct
import time

import pytest

import handtorch
from handtorch import nn, optim, training

wandb = pytest.importorskip("wandb")
wandb_internal_pb2 = pytest.importorskip("wandb.proto.wandb_internal_pb2")


def train(folder, callback, epochs=2):
    handtorch.manual_seed(0)
    model = nn.Linear(2, 1)
    x = handtorch.randn(8, 2)
    batches = [(x, x[:, :1])]
    return training.fit(
        model, nn.MSELoss(), optim.SGD(model.parameters(), lr=0.1), batches, batches, epochs=epochs, run=folder,
        resume=True, config={"width": 7}, callbacks=[callback], progress="off",
    )  # fmt: skip


def records(folder):
    """What is in the files that `wandb sync` would send: a LevelDB log (blocks of 32 KiB) of protocol buffers."""
    for path in sorted(folder.glob("wandb/offline-run-*/*.wandb")):
        data = path.read_bytes()
        assert data[:4] == b":W&B"
        place, whole = 7, b""
        while place + 7 <= len(data):
            if 32768 - place % 32768 < 7:  # no room for a header in this block
                place += 32768 - place % 32768
                continue
            _, length, kind = struct.unpack_from("<IHB", data, place)
            whole += data[place + 7 : place + 7 + length]
            place += 7 + length
            if kind in (1, 4):  # whole, or the last part
                yield wandb_internal_pb2.Record.FromString(whole)
                whole = b""


def finished_records(folder):
    """All records: the process that writes them may still be at it when `finish` returns."""
    for _ in range(200):
        found = list(records(folder))
        if found and found[-1].WhichOneof("record_type") == "exit":
            return found
        time.sleep(0.05)
    raise AssertionError("the run's file never came to its end")


def test_an_offline_run_holds_every_epoch_and_the_settings(tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_ERROR_REPORTING", "false")
    monkeypatch.setenv("WANDB_SILENT", "true")
    history = train(tmp_path / "run", training.WandB("tests"))
    found = finished_records(tmp_path / "run")
    logged = [
        {item.key or item.nested_key[0]: json.loads(item.value_json) for item in record.history.item}
        for record in found
        if record.WhichOneof("record_type") == "history"
    ]
    assert [row["valid_loss"] for row in logged] == pytest.approx(history["valid_loss"])
    run = next(record.run for record in found if record.WhichOneof("record_type") == "run")
    settings = {item.key: json.loads(item.value_json) for item in run.config.update}
    assert (run.project, run.display_name) == ("tests", "run")
    assert settings["width"] == 7 and settings["epochs"] == 2


def test_without_a_key_and_a_mode_it_stays_offline_and_a_resume_keeps_the_id(tmp_path, monkeypatch):
    monkeypatch.delenv("WANDB_MODE", raising=False)
    given = []

    class FakeRun:
        def __init__(self):
            self.id, self.summary = "abc", {}

        def log(self, row, step):
            pass

        def finish(self, exit_code):
            given.append({"exit_code": exit_code})

    fake = type("Api", (), {"api_key": None})
    monkeypatch.setattr(wandb, "api", fake)
    monkeypatch.setattr(wandb, "init", lambda **options: given.append(options) or FakeRun())
    train(tmp_path / "run", training.WandB("tests"), epochs=1)
    fake.api_key = "k"
    train(tmp_path / "run", training.WandB("tests"), epochs=2)
    assert (given[0]["mode"], given[0]["id"], "resume" in given[0]) == ("offline", None, False)
    assert given[1] == {"exit_code": 0}
    assert (given[2]["mode"], given[2]["id"], given[2]["resume"]) == ("online", "abc", "allow")


def test_a_failure_there_is_one_warning(tmp_path, monkeypatch):
    def refuse(**options):
        raise ConnectionError("no route")

    monkeypatch.setattr(wandb, "init", refuse)
    with pytest.warns(UserWarning, match="training goes on.: ConnectionError: no route") as caught:
        history = train(tmp_path / "run", training.WandB("tests", wandb_mode="online"))
    assert len(history) == 2
    assert sum("Weights" in str(warning.message) for warning in caught) == 1
