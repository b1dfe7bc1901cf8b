"""Early stopping ends the run in the epoch where patience ends, resumed or not."""

import pytest

import handtorch
from handtorch import nn, optim, training
from handtorch.errors import ArgumentError
from handtorch.training.history import History
from handtorch.training.monitor import best_index, direction

LOSSES = [5.0, 4.0, 4.0, 4.5, 3.99, 4.2, 4.1, 4.0, 1.0]


def run(tmp_path=None, epochs=9, **options):
    """Train with validation losses from a list: the n-th epoch validates to the n-th of them."""
    model = nn.Linear(1, 1)
    batch = (handtorch.zeros(2, 1), handtorch.zeros(2, 1))

    def step(model, loss, batch):
        output = training.supervised_step(model, loss, batch)
        return output._replace(loss=output.loss * 0.0 + LOSSES[step.epoch - 1])

    class Count(training.Callback):
        def on_epoch_start(self, run):
            step.epoch = run.epoch

    return training.fit(
        model, nn.MSELoss(), optim.SGD(model.parameters(), lr=0.0), [batch], [batch], epochs=epochs, step=step,
        callbacks=[Count(), training.EarlyStopping("valid_loss", **options)], run=tmp_path, resume=True, progress="off",
    )  # fmt: skip


def test_the_run_ends_when_patience_does():
    history = run(patience=2)
    assert len(history) == 4
    assert history.stopped == "valid_loss has not improved for 2 epochs"
    assert len(run(patience=3)) == 8
    assert len(run(patience=4)) == 9


def test_an_improvement_below_min_delta_does_not_count():
    assert len(run(patience=4, min_delta=0.1)) == 6


def test_a_stopped_run_stays_stopped_when_resumed_and_goes_on_with_more_patience(tmp_path):
    assert len(run(tmp_path, patience=2)) == 4
    assert len(run(tmp_path, patience=2)) == 4
    assert len(run(tmp_path, patience=4)) == 9


def test_patience_counts_the_epochs_before_a_resume(tmp_path):
    run(tmp_path, epochs=7, patience=3)
    assert len(run(tmp_path, epochs=9, patience=3)) == 8


@pytest.mark.parametrize(
    "options, message",
    [
        ({"patience": 0}, "patience of at least 1"),
        ({"min_delta": -1.0}, "min_delta of at least 0"),
        ({"monitor": "valid_blue"}, "whether a low or a high 'valid_blue' is good; try: mode="),
        ({"mode": "up"}, "'min' or 'max', got 'up'"),
    ],
)
def test_settings_that_make_no_sense_are_refused(options, message):
    with pytest.raises(ArgumentError, match=message):
        training.EarlyStopping(**({"monitor": "valid_loss"} | options))


def test_names_tell_which_way_is_up():
    assert direction("valid_loss") == direction("test_per") == direction("word-error") == "min"
    assert direction("valid_accuracy") == direction("dev_f1") == "max"
    assert direction("valid_loss", "max") == "max"


def test_nan_is_never_the_best_and_the_earlier_of_equals_is():
    nan = float("nan")
    assert best_index([nan, 3.0, nan, 3.0, 4.0], "min") == 1
    assert best_index([nan, nan], "max") is None
    assert best_index([], "min") is None
    history = History([{"epoch": 1, "valid_loss": nan}, {"epoch": 2, "valid_loss": 1.0}])
    assert history.best()["epoch"] == 2
