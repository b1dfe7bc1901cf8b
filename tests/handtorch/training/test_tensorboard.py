"""TensorBoard reads back what was written, and once after a resume."""

import pytest

import handtorch
from handtorch import nn, optim, training

accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")


def train(folder, epochs, callbacks=(), every_steps=1):
    handtorch.manual_seed(0)
    model = nn.Linear(2, 1)
    x = handtorch.randn(4, 8, 2)
    batches = [(part, part[:, :1]) for part in x]
    return training.fit(
        model, nn.MSELoss(), optim.SGD(model.parameters(), lr=0.1), batches, batches, epochs=epochs, run=folder,
        resume=True, progress="off", callbacks=[training.TensorBoard(every_steps=every_steps), *callbacks],
    )  # fmt: skip


def read(folder):
    events = accumulator.EventAccumulator(str(folder / "tensorboard"), size_guidance={"scalars": 0})
    events.Reload()
    return {tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def test_the_scalars_are_those_of_the_history(tmp_path):
    history = train(tmp_path, 3)
    scalars = read(tmp_path)
    for tag, column in (("loss/train", "train_loss"), ("loss/valid", "valid_loss"), ("lr", "lr"), ("epoch", "epoch")):
        assert [step for step, _ in scalars[tag]] == history["step"]
        assert [value for _, value in scalars[tag]] == pytest.approx(history[column], rel=1e-6)
    assert [step for step, _ in scalars["step/loss"]] == list(range(1, 13))


def test_steps_that_a_resumed_run_repeats_are_there_once(tmp_path):
    class Crash(training.Callback):
        order = 200

        def on_step_end(self, run):
            if run.step == 7:
                raise RuntimeError

    whole = train(tmp_path / "whole", 3)
    with pytest.raises(RuntimeError):
        train(tmp_path / "run", 3, [Crash()])
    resumed = train(tmp_path / "run", 3)
    scalars = read(tmp_path / "run")
    assert [step for step, _ in scalars["step/loss"]] == list(range(1, 13))
    assert scalars["step/loss"] == read(tmp_path / "whole")["step/loss"]
    assert resumed["valid_loss"] == whole["valid_loss"]


def test_what_a_checkpoint_counts_as_done_is_on_the_disk_by_then(tmp_path):
    seen = {}

    class Look(training.Callback):
        order = 200  # after the checkpoint was written, as if the process were killed here

        def on_step_end(self, run):
            seen[run.step] = [step for step, _ in read(run.folder).get("step/loss", [])]

    train(tmp_path, 2, [training.Checkpoint(every_steps=3), Look()])
    assert seen[3] == [1, 2, 3]
    assert seen[6] == [1, 2, 3, 4, 5, 6]


def test_a_folder_is_needed_from_somewhere():
    model = nn.Linear(1, 1)
    with pytest.raises(handtorch.errors.ArgumentError, match="try: TensorBoard"):
        training.fit(
            model, nn.MSELoss(), optim.SGD(model.parameters(), lr=0.1), [], epochs=1, progress="off",
            callbacks=[training.TensorBoard()],
        )  # fmt: skip
