"""Pictures of attention show the weights they are given, with their labels."""

import numpy as np
import pytest

import handtorch
from handtorch import nn
from handtorch.errors import ArgumentError, ShapeError
from handtorch.training import attention_plots, fit
from handtorch.training.attention_plots import AttentionPlot, attention_forming, attention_picture, diagonality

pytest.importorskip("matplotlib")


@pytest.fixture
def drawn(monkeypatch):
    """The figures that were written."""
    figures, write = [], attention_plots._write

    def keep(figure, path):
        figures.append(figure)
        return write(figure, path)

    monkeypatch.setattr(attention_plots, "_write", keep)
    return figures


def even(rows, columns):
    return np.full((rows, columns), 1 / columns)


def test_a_straight_line_is_diagonal_and_nothing_else_is_as_much():
    assert diagonality(np.eye(40)) == pytest.approx(1)
    assert diagonality(np.eye(20).repeat(3, axis=1) / 3) > 0.98
    assert 0.2 < diagonality(even(30, 50)) < 0.3
    assert diagonality(np.eye(40)[::-1]) < 0.2
    halfway = (np.eye(40) + even(40, 40)) / 2
    assert diagonality(even(40, 40)) < diagonality(halfway) < 1


def test_the_most_diagonal_head_counts():
    assert diagonality(np.stack([even(9, 9), np.eye(9), even(9, 9)])) == diagonality(np.eye(9))


def test_the_picture_shows_the_weights_of_each_head_with_labels_on_both_axes(tmp_path, drawn):
    weights = np.random.default_rng(0).dirichlet(np.ones(7), (2, 4))
    path = attention_picture(
        weights, tmp_path / "a.png", rows=["H", "I", " ", "end"], columns=list("abcdefg"), title="hi"
    )
    assert path.read_bytes()[:4] == b"\x89PNG"
    for head, panel in enumerate(drawn[0].axes):
        np.testing.assert_array_equal(panel.images[0].get_array(), weights[head])
        if head == 0:  # they are the same for the others
            assert [label.get_text() for label in panel.get_yticklabels()] == ["H", "I", "␣", "end"]
        assert [label.get_text() for label in panel.get_xticklabels()] == list("abcdefg")
        assert panel.get_title() == f"head {head + 1}"


def test_of_many_labels_some_are_written_at_their_places(tmp_path, drawn):
    names = [f"{place}" for place in range(200)]
    attention_picture(even(3, 200), tmp_path / "a.svg", columns=names)
    axis = drawn[0].axes[0].xaxis
    written = {label.get_text(): place for label, place in zip(axis.get_ticklabels(), axis.get_ticklocs(), strict=True)}
    assert 30 <= len(written) <= 60
    assert all(names[int(place)] == text for text, place in written.items())


def test_forming_shows_the_first_and_the_last_epoch_and_how_diagonal_each_was(tmp_path, drawn):
    steps = [(1 - share) * even(12, 12) + share * np.eye(12) for share in np.linspace(0, 1, 20)]
    attention_forming(steps, tmp_path / "f.png", rows=["x"] * 12)
    *panels, curve = drawn[0].axes
    assert panels[0].get_title() == "epoch 1" and panels[-1].get_title() == "epoch 20" and len(panels) <= 6
    np.testing.assert_allclose(panels[-1].images[0].get_array(), np.eye(12))
    np.testing.assert_allclose(curve.lines[0].get_ydata(), [diagonality(each) for each in steps])


def test_what_does_not_fit_is_told(tmp_path):
    with pytest.raises(ShapeError, match="5 labels of rows"):
        attention_picture(even(5, 3), tmp_path / "a.png", rows=["a"])
    with pytest.raises(ShapeError, match="U, T"):
        diagonality(np.zeros(3))
    with pytest.raises(ArgumentError, match="at least one epoch"):
        attention_forming([], tmp_path / "a.png")
    with pytest.raises(ShapeError, match="one shape"):
        attention_forming([even(2, 3), even(3, 3)], tmp_path / "a.png")


class Looking(nn.Module):
    """Looks more straight ahead the more often it was trained; in training mode it must not be looked at."""

    def __init__(self):
        super().__init__()
        self.straight = nn.Parameter(handtorch.zeros(1))

    def forward(self, x):
        return x * self.straight

    def looks(self):
        assert not self.training and not handtorch.is_grad_enabled()
        return (self.straight * handtorch.eye(8) * 10).softmax(-1)


def test_after_each_epoch_the_same_is_looked_at_and_a_resumed_run_remembers_all(tmp_path):
    from handtorch.optim import SGD
    from handtorch.training import Checkpoint

    def trained(epochs, resume=False):
        model = Looking()
        data = [(handtorch.ones(2, 1), handtorch.ones(2, 1))] * 3
        plot = AttentionPlot(Looking.looks, rows=list("abcdefgh"))
        history = fit(
            model, nn.MSELoss(), SGD(model.parameters(), 0.1), data, epochs=epochs, run=tmp_path / "run",
            callbacks=[plot, Checkpoint()], resume=resume,
        )  # fmt: skip
        assert model.training
        return plot, history

    trained(2)
    plot, history = trained(4, resume=True)
    assert (tmp_path / "run/attention.png").exists() and (tmp_path / "run/forming.png").exists()
    assert len(plot.weights) == 4
    found = history["attention_diagonal"]
    assert found == [diagonality(each) for each in plot.weights]
    assert found == sorted(found) and found[0] < found[-1]
