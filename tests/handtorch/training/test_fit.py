"""fit is the loop one would write by hand, and its numbers are the ones one would compute by hand."""

import csv
import io
import json
import math
import subprocess
import sys

import numpy as np
import pytest

import handtorch
from handtorch import nn, optim, training
from handtorch.errors import ArgumentError
from handtorch.utils.data import DataLoader, TensorDataset


def data(samples=70, classes=3):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((samples, 5)).astype(np.float32)
    y = (x[:, 0] > 0).astype(np.int64) + (x[:, 1] > 0)
    return handtorch.from_numpy(x), handtorch.from_numpy(y % classes)


def network(seed=0):
    handtorch.manual_seed(seed)
    return nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 3))


def fit(model, optimizer, loader, valid=None, **options):
    return training.fit(
        model, nn.CrossEntropyLoss(), optimizer, loader, valid, **({"epochs": 3, "progress": "off"} | options)
    )


def test_fit_gives_the_parameters_of_the_loop_written_by_hand():
    x, y = data()
    loader = DataLoader(TensorDataset(x, y), batch_size=16)
    by_hand, by_fit, loss = network(), network(), nn.CrossEntropyLoss()
    optimizer = optim.SGD(by_hand.parameters(), lr=0.5, momentum=0.9)
    scheduler = optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)
    for _ in range(3):
        for inputs, targets in loader:
            optimizer.zero_grad()
            loss(by_hand(inputs), targets).backward()
            nn.utils.clip_grad_norm_(by_hand.parameters(), 0.3)
            optimizer.step()
        scheduler.step()
    optimizer = optim.SGD(by_fit.parameters(), lr=0.5, momentum=0.9)
    history = fit(
        by_fit, optimizer, loader, clip_norm=0.3, scheduler=optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)
    )
    for one, two in zip(by_hand.parameters(), by_fit.parameters(), strict=True):
        assert np.array_equal(one.detach().numpy(), two.detach().numpy())
    assert history["lr"] == [0.5, 0.25, 0.125]


def test_the_last_batch_counts_by_its_size():
    x, y = data(70)  # batches of 16, 16, 16, 16 and 6
    model = network()
    measured = training.evaluate(
        model,
        nn.CrossEntropyLoss(),
        DataLoader(TensorDataset(x, y), batch_size=16),
        metrics={"accuracy": training.accuracy, "mean": lambda outputs, targets: targets.float().mean().item()},
    )
    scores = model(x).detach().numpy().astype(np.float64)
    log_probs = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    assert measured["loss"] == pytest.approx(-log_probs[np.arange(70), y.numpy()].mean(), rel=1e-6)
    assert measured["accuracy"] == np.mean(scores.argmax(axis=1) == y.numpy())
    assert measured["mean"] == pytest.approx(y.numpy().mean(), rel=1e-6)


def test_validation_runs_in_evaluation_mode_without_a_graph_and_leaves_frozen_parts_alone():
    x, y = data()
    model = nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3))
    model[1].eval()
    seen = []

    def step(model, loss, batch):
        output = training.supervised_step(model, loss, batch)
        seen.append((model.training, output.loss.requires_grad))
        return output

    training.evaluate(model, nn.CrossEntropyLoss(), DataLoader(TensorDataset(x, y), batch_size=70), step=step)
    assert seen == [(False, False)]
    assert [module.training for module in model] == [True, False, True, True]


def test_history_has_a_column_for_everything_measured():
    x, y = data()
    loader = DataLoader(TensorDataset(x, y), batch_size=16)
    model = network()
    history = fit(model, optim.Adam(model.parameters()), loader, loader, metrics={"accuracy": training.accuracy})
    assert history.columns == [
        "epoch", "step", "train_loss", "train_accuracy", "valid_loss", "valid_accuracy",
        "lr", "grad_norm", "seconds", "samples_per_second",
    ]  # fmt: skip
    assert history["step"] == [5, 10, 15]
    assert all(value > 0 for value in history["grad_norm"])
    with pytest.raises(ArgumentError, match=r"no column 'wer'.*valid_accuracy"):
        history["wer"]


def test_a_scheduler_of_steps_moves_at_every_step():
    x, y = data()
    model, seen = network(), []
    optimizer = optim.SGD(model.parameters(), lr=1.0)
    scheduler = optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)
    watch = type("Watch", (training.Callback,), {"on_gradients": lambda self, run: seen.append(run.lr)})()
    loader = DataLoader(TensorDataset(x, y), batch_size=35)
    fit(model, optimizer, loader, epochs=2, scheduler=scheduler, scheduler_every="step", callbacks=[watch])
    assert seen == [1.0, 0.5, 0.25, 0.125]


def test_a_plateau_scheduler_is_given_the_validation_loss():
    x, y = data()
    model, given = network(), []

    class Plateau:
        def step(self, metrics, epoch=None):
            given.append(metrics)

    loader = DataLoader(TensorDataset(x, y), batch_size=35)
    history = fit(model, optim.SGD(model.parameters(), lr=0.1), loader, loader, scheduler=Plateau())
    assert given == history["valid_loss"]


def test_a_step_of_your_own_serves_batches_of_any_form():
    x, y = data()
    model = network()

    def step(model, loss, batch):
        outputs = model(batch["x"])
        return training.StepOutput(loss(outputs, batch["y"]), outputs, batch["y"], len(batch["y"]))

    batches = [{"x": x[i : i + 10], "y": y[i : i + 10]} for i in range(0, 70, 10)]
    history = fit(model, optim.SGD(model.parameters(), lr=0.5), batches, batches, step=step)
    assert history["valid_loss"][-1] < history["valid_loss"][0]
    with pytest.raises(ArgumentError, match=r"expected batches .inputs, targets., got a dict of 2; try: fit"):
        fit(model, optim.SGD(model.parameters(), lr=0.5), batches)


def test_a_loss_with_parameters_is_trained_and_kept_too(tmp_path):
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(handtorch.ones(1))

        def forward(self, outputs, targets):
            return nn.functional.cross_entropy(outputs * self.scale, targets)

    x, y = data()
    batches = [(x, y)]

    def train(epochs):
        model, loss = network(), Scaled()
        optimizer = optim.SGD([*model.parameters(), *loss.parameters()], lr=0.5)
        training.fit(model, loss, optimizer, batches, epochs=epochs, run=tmp_path, resume=True, progress="off")
        return loss.scale.item()

    assert train(3) != 1.0
    assert train(3) == train(3) != 1.0


@pytest.mark.parametrize(
    "options, message",
    [
        ({"epochs": 0}, "epochs of at least 1, got 0"),
        ({"clip_norm": 0.0}, "clip_norm above 0, got 0.0"),
        ({"scheduler_every": "batch"}, "'epoch' or 'step', got 'batch'"),
        ({"callbacks": [training.Checkpoint()]}, "Checkpoint writes into the run's folder.*try: fit.*run="),
        ({"callbacks": [training.RunLog()]}, "RunLog writes into the run's folder"),
        ({"progress": "dots"}, "progress 'auto', 'bars', 'lines', 'off', got 'dots'"),
    ],
)
def test_arguments_that_cannot_be_meant_are_refused(options, message):
    model = network()
    with pytest.raises(ArgumentError, match=message):
        fit(model, optim.SGD(model.parameters(), lr=0.1), [data()], **options)


def test_a_loader_without_batches_is_named():
    model = network()
    with pytest.raises(ArgumentError, match="train_loader gave no batch"):
        fit(model, optim.SGD(model.parameters(), lr=0.1), [])
    with pytest.raises(ArgumentError, match="gave no batch to measure on"):
        training.evaluate(model, nn.CrossEntropyLoss(), [])


def test_callbacks_are_called_at_their_moments_in_their_order():
    calls = []

    def record(name, order_of):
        def remember(moment):
            return lambda self, run, *rest: calls.append((name, moment))

        moments = {m: remember(m) for m in vars(training.Callback) if m.startswith("on_") or m == "close"}
        return type(name, (training.Callback,), {**moments, "order": order_of})()

    x, y = data(20)
    model = network()
    fit(
        model, optim.SGD(model.parameters(), lr=0.1), [(x, y)], [(x, y)], epochs=1,
        callbacks=[record("Late", 5), record("Early", -5)],
    )  # fmt: skip
    moments = [
        "on_fit_start", "on_epoch_start", "on_loss", "on_gradients", "on_step_end", "on_validation_start",
        "on_epoch_end", "on_fit_end", "close",
    ]  # fmt: skip
    assert calls == [(name, moment) for moment in moments for name in ("Early", "Late")]


def test_an_error_reaches_the_user_even_when_a_callback_fails_on_it():
    class Fails(training.Callback):
        def on_step_end(self, run):
            raise KeyError("the real one")

        def on_error(self, run, error):
            raise RuntimeError("a second one")

    closed = []
    last = type("Last", (training.Callback,), {"order": 1, "close": lambda self, run: closed.append(True)})()
    model = network()
    with pytest.warns(UserWarning, match="Fails.on_error failed: a second one"), pytest.raises(KeyError):
        fit(model, optim.SGD(model.parameters(), lr=0.1), [data()], callbacks=[Fails(), last])
    assert closed == [True]


def test_the_run_log_tells_settings_steps_epochs_and_the_end(tmp_path):
    x, y = data()
    model = network()
    loader = DataLoader(TensorDataset(x, y), batch_size=7)
    history = fit(
        model, optim.SGD(model.parameters(), lr=0.1), loader, epochs=2, run=tmp_path / "a",
        config={"lr": 0.1, "m": model}, callbacks=[training.RunLog(every_steps=4)],
    )  # fmt: skip
    events = [json.loads(line) for line in (tmp_path / "a" / "log.jsonl").read_text().splitlines()]
    assert [event["event"] for event in events] == [
        "start", "step", "step", "epoch", "step", "step", "step", "epoch", "end",
    ]  # fmt: skip
    assert events[0]["config"]["lr"] == 0.1
    assert events[0]["parameters"] == 5 * 8 + 8 + 8 * 3 + 3
    assert [event["step"] for event in events if event["event"] == "step"] == [4, 8, 12, 16, 20]
    with open(tmp_path / "a" / "log.csv", newline="") as file:
        rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    assert rows == history.rows  # every digit


def test_the_log_of_an_error_is_strict_json(tmp_path):
    model = network()
    _, y = data()
    broken = handtorch.from_numpy(np.full((70, 5), np.nan, dtype=np.float32))
    with pytest.raises(training.DivergenceError):
        fit(model, optim.SGD(model.parameters(), lr=0.1), [(broken, y)], run=tmp_path, config={"x": math.inf})

    def refuse(name):
        raise AssertionError(f"{name} is not JSON")

    events = [json.loads(line, parse_constant=refuse) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert events[-1]["event"] == "error"
    assert events[-1]["error"] == "DivergenceError"


def test_without_a_terminal_there_is_one_line_an_epoch(capsys):
    model = network()
    x, y = data()
    fit(model, optim.SGD(model.parameters(), lr=0.1), [(x, y)], [(x, y)], epochs=2, progress="auto")
    out, err = capsys.readouterr()
    assert out == ""
    assert [line.split("  ")[0] for line in err.splitlines()] == ["epoch 1/2", "epoch 2/2"]
    assert "valid_loss" in err and "samples/s" in err


def test_ctrl_c_ends_the_run_and_says_how_to_go_on(capsys, tmp_path):
    class Press(training.Callback):
        def on_step_end(self, run):
            if run.step == 3:
                raise KeyboardInterrupt

    model = network()
    with pytest.raises(KeyboardInterrupt):
        fit(
            model, optim.SGD(model.parameters(), lr=0.1), [data()] * 2, run=tmp_path / "run", progress="lines",
            callbacks=[Press()],
        )  # fmt: skip
    assert "interrupted in epoch 2, step 1; resume=True continues" in capsys.readouterr().err
    assert len(fit(model, optim.SGD(model.parameters(), lr=0.1), [data()] * 2, run=tmp_path / "run", resume=True)) == 3


def test_bars_show_epochs_steps_loss_and_time_to_go():
    pytest.importorskip("rich")
    model = network()
    x, y = data()
    bars = training.Progress("bars")
    console = bars._bars._display.console
    console.file, console._force_terminal, console.width = io.StringIO(), True, 140
    frames = []

    class Look(training.Callback):
        order = 60

        def on_step_end(self, run):
            if run.step == 3:
                bars._bars._drawn_at = 0.0
                bars.on_step_end(run)
                with console.capture() as capture:
                    console.print(bars._bars._display.get_renderable())
                frames.append(capture.get())

    loader = DataLoader(TensorDataset(x, y), batch_size=16)
    fit(model, optim.SGD(model.parameters(), lr=0.1), loader, epochs=2, callbacks=[bars, Look()], progress="bars")
    assert "epochs" in frames[0] and "0/2" in frames[0]
    assert "3/5" in frames[0] and "loss" in frames[0] and "samples/s" in frames[0]
    assert "epoch 2/2" in console.file.getvalue()


def test_training_is_imported_without_any_optional_package():
    heavy = ("matplotlib", "rich", "slack_sdk", "tensorboard", "wandb", "numba", "scipy")
    code = f"import sys, handtorch.training; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
