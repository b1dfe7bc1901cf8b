"""The pictures show the numbers they are given."""

import struct

import numpy as np
import pytest

from handtorch import training
from handtorch.errors import ArgumentError, ShapeError
from handtorch.training import plots
from handtorch.training.history import History

pytest.importorskip("matplotlib")


@pytest.fixture
def drawn(monkeypatch):
    """The matplotlib figure of the last picture."""
    figures, write = [], plots._write

    def keep(figure, path):
        figures.append(figure)
        return write(figure, path)

    monkeypatch.setattr(plots, "_write", keep)
    return figures


def png_size(path):
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", data[16:24])


def history():
    rows = [
        {"epoch": e, "train_loss": 3 / e, "train_accuracy": 1 - 1 / e, "valid_loss": v, "valid_accuracy": 0.5,
         "lr": 0.1 / e, "grad_norm": 1.0 * e}
        for e, v in enumerate([3.0, 2.0, 1.5, 1.8], start=1)
    ]  # fmt: skip
    return History(rows)


def test_learning_curves_have_both_curves_names_and_the_best_epoch(tmp_path, drawn):
    path = plots.learning_curves(history(), tmp_path / "curves.png", title="a run")
    assert min(png_size(path)) > 600
    axes = drawn[0].axes
    assert [axis.get_ylabel() for axis in axes] == [
        "loss",
        "accuracy",
        "learning rate",
        "gradient 2-norm, mean of epoch",
    ]
    assert all(axis.get_xlabel() == "epoch" for axis in axes)
    lines = {line.get_label(): list(line.get_ydata()) for line in axes[0].lines}
    assert lines["training"] == [3.0, 1.5, 1.0, 0.75]
    assert lines["validation"] == [3.0, 2.0, 1.5, 1.8]
    assert "at best epoch 3: 1.5" in lines
    with pytest.raises(ArgumentError, match="at least one epoch"):
        plots.learning_curves(History(), tmp_path / "none.png")


def test_a_confusion_matrix_shows_shares_of_the_true_class(tmp_path, drawn):
    counts = np.array([[8, 2, 0], [1, 3, 0], [0, 0, 0]])
    path = plots.confusion_matrix(counts, ["a", "b", "c"], tmp_path / "m.png", title="frames")
    assert min(png_size(path)) > 400
    axis = drawn[0].axes[0]
    assert np.array_equal(axis.images[0].get_array(), [[80, 20, 0], [25, 75, 0], [0, 0, 0]])
    assert axis.get_title() == "frames - 78.6 % of 14 right"
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("predicted class", "true class")
    assert sorted(text.get_text() for text in axis.texts) == ["20", "25", "75", "80"]
    with pytest.raises(ShapeError, match=r"expected counts \(2, 2\) for 2 labels, got \(3, 3\)"):
        plots.confusion_matrix(counts, ["a", "b"], tmp_path / "n.png")


def test_an_ablation_has_a_panel_for_every_setting_that_varies(tmp_path, drawn):
    rows = [
        {"lr": lr, "norm": norm, "seed": 0, "valid_loss": lr + (norm is None)}
        for lr in (0.1, 0.01)
        for norm in (None, "b")
    ]  # fmt: skip
    rows.append({"lr": 9.0, "norm": None, "seed": 0, "valid_loss": None})
    plots.ablation(rows, ["lr", "norm", "seed"], "valid_loss", tmp_path / "a.png")
    axes = drawn[0].axes
    assert [axis.get_xlabel() for axis in axes] == ["lr", "norm"]
    assert [label.get_text() for label in axes[0].get_xticklabels()] == ["0.01", "0.1"]
    assert sorted(label.get_text() for label in axes[1].get_xticklabels()) == ["None", "b"]
    assert drawn[0].get_suptitle() == "best valid_loss 0.01: lr=0.01, norm=b"
    with pytest.raises(ArgumentError, match="at least one run with a finite 'valid_loss'"):
        plots.ablation(rows[-1:], ["lr"], "valid_loss", tmp_path / "b.png")


def test_the_callback_draws_at_the_end_and_after_an_error(tmp_path):
    from handtorch import nn, optim, zeros

    model = nn.Linear(1, 1)

    class Stop(training.Callback):
        def on_epoch_end(self, run):
            if run.epoch == 2:
                raise RuntimeError

    arguments = model, nn.MSELoss(), optim.SGD(model.parameters(), lr=0.1), [(zeros(2, 1), zeros(2, 1))]
    curves = training.LearningCurves(every_seconds=1e9)
    training.fit(*arguments, epochs=1, run=tmp_path / "a", callbacks=[curves], progress="off")
    assert (tmp_path / "a" / "curves.png").exists()
    with pytest.raises(RuntimeError):
        training.fit(*arguments, epochs=3, run=tmp_path / "b", callbacks=[curves, Stop()], progress="off")
    assert (tmp_path / "b" / "curves.png").exists()
