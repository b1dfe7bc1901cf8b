"""A run that diverges stops before the damage is done, and says where it was and what to try."""

import numpy as np
import pytest

import handtorch
from handtorch import nn, optim, training
from handtorch.errors import ArgumentError, HandtorchError
from handtorch.training.divergence import largest_gradient


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        handtorch.manual_seed(0)
        self.encoder = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 8))
        self.head = nn.Linear(8, 1)

    def forward(self, x):
        return self.head(self.encoder(x))


def batches(number=6):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((number, 16, 4)).astype(np.float32)
    return [(handtorch.from_numpy(part), handtorch.from_numpy(part[:, :1].copy())) for part in x]


def diverge(loss=None, lr=0.01, data=None, model=None, **options):
    model = model or Net()
    optimizer = optim.SGD(model.parameters(), lr=lr)
    options = {"epochs": 3, "progress": "off"} | options
    with pytest.raises(training.DivergenceError) as caught:
        training.fit(model, loss or nn.MSELoss(), optimizer, data or batches(), **options)
    return caught.value, model


def test_a_learning_rate_that_is_far_too_high_is_found_and_named():
    error, _ = diverge(lr=50.0)
    assert isinstance(error, HandtorchError)
    assert error.epoch == 1
    assert 1 <= error.step <= 6
    assert error.parameter in dict(Net().named_parameters())
    message = str(error)
    assert f"epoch 1, step {error.step} of 6" in message
    assert "Largest gradient: " in message and error.layer in message
    assert "a learning rate ten times lower (now 50)" in message
    assert "clip_norm=1.0" in message


def test_the_layer_named_is_the_one_whose_gradient_blew_up():
    class Amplified(nn.Module):
        """Identity forwards; backwards the gradient of what came before grows a million times."""

        def forward(self, x):
            return x + (x * 1e6 - (x * 1e6).detach())

    class Deep(Net):
        def __init__(self):
            super().__init__()
            self.encoder.add_module("amplified", Amplified())

    model, calls = Deep(), []

    def loss(outputs, targets):
        calls.append(1)
        value = ((outputs - targets) ** 2).mean() * 1e-9
        return value * float("nan") if len(calls) == 4 else value

    error, _ = diverge(loss, lr=1e-9, model=model)
    assert (error.epoch, error.step) == (1, 4)
    assert error.layer.startswith("encoder.")
    assert np.isfinite(error.gradient_norm)  # of the last healthy step, not of the NaN


def test_the_norm_named_is_that_before_clipping():
    x = handtorch.ones(4, 1)
    model, calls = nn.Linear(1, 1, bias=False), []

    def loss(outputs, targets):
        calls.append(1)
        return outputs.mean() * (3.0 if len(calls) == 1 else float("nan"))  # its gradient is 3

    optimizer = optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(training.DivergenceError, match=r"weight \(norm 3, in the step before\)") as caught:
        training.fit(model, loss, optimizer, [(x, x)] * 3, epochs=1, clip_norm=0.5, progress="off")
    assert caught.value.gradient_norm == pytest.approx(3.0, rel=1e-5)
    assert caught.value.layer == ""


def test_a_loss_that_is_nan_from_the_first_step_still_names_a_layer():
    error, _ = diverge(lambda outputs, targets: outputs.mean() * float("nan"))
    assert (error.epoch, error.step, error.layer) == (1, 1, "head")


def test_a_nan_in_the_data_is_said_first():
    data = batches()
    data[2][0].numpy()[3, 1] = np.nan
    error, _ = diverge(data=data)
    assert (error.epoch, error.step) == (1, 3)
    assert "look at the data: this batch has NaN or Inf in it" in str(error)
    assert "learning rate" not in str(error)


def test_a_gradient_that_is_nan_stops_the_run_before_the_parameters_are_touched():
    class Root(nn.Module):
        """The square root of 0 has no derivative: the loss is finite, the gradient is not."""

        def forward(self, outputs, targets):
            return handtorch.sqrt((outputs * 0.0) ** 2).mean() + 1.0

    model = Net()
    before = [p.detach().numpy().copy() for p in model.parameters()]
    error, model = diverge(Root(), model=model)
    assert error.step == 1
    assert error.layer == "head"  # nearest to the loss
    assert "the norm of the gradient is nan at a loss of 1" in str(error)
    for old, new in zip(before, model.parameters(), strict=True):
        assert np.array_equal(old, new.detach().numpy())


def test_an_explosion_without_nan_is_found_by_its_size_and_tolerated_on_request():
    values = [2.0, 2.0, 2.0, 2.0, 2.0, 5e3]

    def run(**options):
        left = list(values)
        model = Net()

        def loss(outputs, targets):
            return (outputs * 0.0).sum() + left.pop(0)

        return training.fit(
            model, loss, optim.SGD(model.parameters(), lr=0.1), batches(), epochs=1, progress="off", **options
        )

    with pytest.raises(training.DivergenceError, match=r"the loss is 5e\+03, over 1000 times the 2 it began with"):
        run()
    run(callbacks=[training.DivergenceGuard(explosion=None)])
    run(callbacks=[training.DivergenceGuard(explosion=1e4)])
    with pytest.raises(ArgumentError, match="explosion above 1"):
        training.DivergenceGuard(explosion=0.5)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_a_checkpoint_never_holds_a_diverged_state(tmp_path):
    data = batches()
    data[4][0].numpy()[:] = np.inf
    error, _ = diverge(data=data, run=tmp_path, callbacks=[training.Checkpoint(every_steps=1)])
    state = training.read_checkpoint(tmp_path)
    assert error.step == 5
    assert state["step"] == 4
    assert all(np.isfinite(t.numpy()).all() for t in state["parts"]["model"].values())


def test_a_validation_loss_of_nan_counts():
    data = batches(1)
    data[0][0].numpy()[:] = np.nan
    model = Net()
    with pytest.raises(training.DivergenceError, match="epoch 1, step 6 of 6: the validation loss is nan"):
        training.fit(
            model, nn.MSELoss(), optim.SGD(model.parameters(), lr=0.01), batches(), data, epochs=1, progress="off"
        )


def test_largest_gradient_takes_the_last_broken_one_or_the_longest():
    class P:
        def __init__(self, *grad):
            self.grad = None if not grad else handtorch.tensor(list(grad))

    assert largest_gradient([("a", P()), ("b", P(3.0, 4.0)), ("c", P(1.0))]) == ("b", 5.0)
    name, norm = largest_gradient([("a", P(float("nan"))), ("b", P(float("inf"))), ("c", P(1e30))])
    assert name == "b" and norm == float("inf")
    assert largest_gradient([("a", P())])[0] is None
