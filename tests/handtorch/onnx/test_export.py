import subprocess
import sys

import numpy as np
import onnx
import pytest

import handtorch
from handtorch import models, nn
from handtorch.errors import ArgumentError
from handtorch.nn import functional as F

from .running import assert_same, run


def normal(*shape, seed=0):
    return np.random.default_rng((seed, *shape)).standard_normal(shape).astype(np.float32)


def exported(model, *arrays, **options):
    return handtorch.onnx.export(model, tuple(map(handtorch.from_numpy, arrays)), **options)


BATCH = {"input": {0: "batch"}}
NETWORKS = {
    "MLP": (lambda: models.MLP(12, [20, 16], 5, dropout=0.3), (12,)),
    "LeNet": (lambda: models.LeNet(), (1, 28, 28)),
    "vgg11": (lambda: small_vgg(batch_norm=False), (3, 32, 32)),
    "vgg16_bn": (lambda: small_vgg(batch_norm=True), (3, 32, 32)),
    "resnet18": (lambda: models.resnet18(num_classes=7), (3, 64, 64)),
    "resnet34": (lambda: models.resnet34(num_classes=7, stem_stride=1), (3, 16, 16)),
    "resnet50": (lambda: models.resnet50(num_classes=7, stem_stride=2), (3, 16, 16)),
    "mobilenet_v2": (lambda: models.mobilenet_v2(num_classes=7), (3, 64, 64)),
    "convnext_atto": (lambda: models.convnext_atto(num_classes=7, patch_size=2), (3, 32, 32)),
    "convnext_tiny": (lambda: models.convnext_tiny(num_classes=7), (3, 32, 32)),
}


def small_vgg(batch_norm):
    """VGG with a narrow classifier: the two wide maps hold nine tenths of its weights."""
    vgg = models.vgg.VGG.__new__(models.vgg.VGG)
    nn.Module.__init__(vgg)
    vgg.features = models.vgg.convolutions(models.vgg.STAGES["D" if batch_norm else "A"], batch_norm)
    vgg.avgpool, vgg.flatten = nn.AdaptiveAvgPool2d((7, 7)), nn.Flatten()
    vgg.classifier = nn.Sequential(nn.Linear(512 * 49, 20), nn.ReLU(), nn.Dropout(), nn.Linear(20, 7))
    return vgg


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_gives_the_same_in_onnxruntime_for_batches_of_any_length(name):
    handtorch.manual_seed(0)
    make, shape = NETWORKS[name]
    model = make()
    for buffer_name, buffer in model.named_buffers():  # statistics as after a training
        if buffer_name.endswith("running_mean"):
            buffer.normal_(0, 0.1)
        elif buffer_name.endswith("running_var"):
            buffer.uniform_(0.5, 1.5)
    proto = exported(model, normal(2, *shape), dynamic_axes=BATCH)
    onnx.checker.check_model(proto, full_check=True)
    assert_same(model, proto, normal(2, *shape, seed=1), tolerance=1e-4)
    assert_same(model, proto, normal(5, *shape, seed=2), tolerance=1e-4)


class Recurrent(nn.Module):
    """Convolution over time, recurrent layers and a classifier of every step, as hearing networks have them."""

    def __init__(self, kind, batch_first, **options):
        super().__init__()
        self.batch_first = batch_first
        self.filter = nn.Conv1d(4, 6, 3, stride=2, padding=1)
        self.rnn = getattr(nn, kind)(6, 5, batch_first=batch_first, **options)
        self.head = nn.Linear(5 * (2 if options.get("bidirectional") else 1), 3)

    def forward(self, x):
        x = self.filter(x).permute((0, 2, 1) if self.batch_first else (2, 0, 1))
        y, ends = self.rnn(x)
        return F.log_softmax(self.head(y), -1), ends


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
@pytest.mark.parametrize("options", [{}, {"bidirectional": True, "num_layers": 2}, {"bias": False}], ids=str)
def test_a_recurrent_network_takes_batches_and_sequences_of_any_length(kind, options, batch_first):
    handtorch.manual_seed(0)
    model = Recurrent(kind, batch_first, **options)
    proto = exported(model, normal(3, 4, 10), dynamic_axes={"input": {0: "batch", 2: "time"}})
    onnx.checker.check_model(proto, full_check=True)
    kinds = [node.op_type for node in proto.graph.node]
    assert kinds.count(kind) == options.get("num_layers", 1)
    assert kinds.count("MatMul") == 1, "only the classifier's product is outside of the recurrent operators"
    for shape in ((1, 4, 1), (3, 4, 10), (5, 4, 33)):
        assert_same(model, proto, normal(*shape, seed=1))


@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
def test_states_to_begin_with_and_cells_are_exported(kind):
    handtorch.manual_seed(0)
    count = 2 if kind == "LSTM" else 1

    class Steps(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn, self.cell = getattr(nn, kind)(4, 5), getattr(nn, f"{kind}Cell")(5, 5)

        def forward(self, x, *states):
            y, ends = self.rnn(x, states if count == 2 else states[0])
            last = tuple(h[0] for h in ends) if count == 2 else ends[0]
            return y, self.cell(y[0], last)

    names = ["x", "h", "c"][: count + 1]
    arrays = normal(7, 3, 4), *(normal(1, 3, 5, seed=i) for i in range(count))
    proto = exported(Steps(), *arrays, input_names=names, dynamic_axes={name: {1: "batch"} for name in names})
    handtorch.manual_seed(0)
    longer = normal(7, 6, 4), *(normal(1, 6, 5, seed=i) for i in range(count))
    assert_same(Steps(), proto, *longer)


def test_parameters_and_buffers_have_their_names_in_the_state_dict():
    model = models.resnet18(num_classes=3)
    proto = exported(model, normal(1, 3, 32, 32))
    found = {entry.name: onnx.numpy_helper.to_array(entry) for entry in proto.graph.initializer}
    for key, tensor in model.state_dict().items():
        if not key.endswith("num_batches_tracked"):
            np.testing.assert_array_equal(found[key], tensor.numpy())


def test_a_file_is_written_and_read_back(tmp_path):
    model = models.MLP(3, [4], 2)
    proto = handtorch.onnx.export(
        model, handtorch.from_numpy(normal(2, 3)), tmp_path / "mlp.onnx", input_names=["x"], output_names=["logits"]
    )
    assert onnx.load(tmp_path / "mlp.onnx") == proto
    assert [entry.name for entry in proto.graph.input] == ["x"]
    assert [entry.name for entry in proto.graph.output] == ["logits"]
    assert proto.opset_import[0].version == 17


def test_height_and_width_may_be_dynamic_too():
    model = models.resnet18(num_classes=3)
    proto = exported(model, normal(1, 3, 32, 32), dynamic_axes={"input": [0, 2, 3]})
    assert_same(model, proto, normal(2, 3, 80, 48), tolerance=1e-4)


@pytest.mark.parametrize("opset", [17, 18, 20, 22])
def test_every_version_of_the_operators_gives_the_same(opset):
    model = models.convnext.ConvNeXt(models.convnext.stages((8, 16), (1, 1)), num_classes=3, layer_scale=1.0)
    proto = exported(model, normal(1, 3, 16, 16), opset_version=opset, dynamic_axes=BATCH)
    assert_same(model, proto, normal(3, 3, 16, 16))


def test_every_op_that_cannot_be_written_is_named_with_the_module_that_ran_it():
    class Strange(nn.Module):
        def forward(self, x):
            return x.erfinv()

    class Part(nn.Module):
        def __init__(self):
            super().__init__()
            self.strange = Strange()

        def forward(self, x):
            y = self.strange(x)
            return F.relu(y).sort(-1)[0] + y[y > 0].sum()

    model = nn.Sequential(nn.Linear(3, 3), Part())
    with pytest.raises(ArgumentError, match=r"Erfinv in 1\.strange; Sort in 1; Index in 1 \(a mask"):
        exported(model, normal(2, 3))


def test_training_mode_is_left_as_it_was():
    model = nn.Sequential(nn.Linear(3, 3), nn.Dropout())
    model[1].eval()
    proto = exported(model, normal(2, 3))
    assert [module.training for module in model.modules()] == [True, True, False]
    assert "Dropout" not in {node.op_type for node in proto.graph.node}


def test_what_does_not_depend_on_the_inputs_is_folded_into_a_constant():
    class Normed(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(handtorch.from_numpy(normal(4, 3)))

        def forward(self, x):
            return F.linear(x, self.weight / self.weight.norm(dim=1, keepdim=True))

    model = Normed()
    proto = exported(model, normal(2, 3))
    assert [node.op_type for node in proto.graph.node] == ["Gemm", "Identity"]
    assert_same(model, proto, normal(2, 3, seed=1))


def test_writes_in_place_of_whole_tensors_are_followed():
    class Writing(nn.Module):
        def forward(self, x):
            y = x * 2
            z = y + 1
            y += x
            F.relu(y, inplace=True)
            return y, z.sigmoid_()

    model = Writing()
    assert_same(model, exported(model, normal(2, 3)), normal(2, 3, seed=1))


def test_a_tensor_of_which_a_part_was_overwritten_is_refused():
    class Writing(nn.Module):
        def forward(self, x):
            y = x * 2
            y[0] = 0
            return y + 1

    with pytest.raises(ArgumentError, match="written to in place"):
        exported(Writing(), normal(2, 3))


class Beside(nn.Module):
    """A network that computes something beside its ops."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (lambda x: x + handtorch.from_numpy(x.numpy().max(keepdims=True)), "a constant that is another one"),
        (lambda x: x * float(x.sum()), "a constant that is another one"),
        (lambda x: x + handtorch.randn(3), "a constant that is another one"),
        (lambda x: F.relu(x) if x.array[0, 0] > 0.2 else x.exp(), "ReLU in Beside for one input is Exp"),
        (lambda x: x.reshape(-1)[: len(x)], "Index in Beside takes a constant that is another one"),
        (lambda x: F.softmax(x, -1 if len(x) == 2 else 0), "Softmax in Beside has other settings"),
        (lambda x: handtorch.from_numpy(x.numpy() + 1), "an output takes a constant"),
        (lambda x: x.exp() if len(x) > 2 else x, "it ran 0 ops for one input and 1"),
    ],
)
def test_what_depends_on_more_than_the_ops_is_refused(function, why):
    x = np.array([[0.25, 1.0, 2.0], [3.0, 4.0, 0.1]], np.float32)
    with pytest.raises(ArgumentError, match=why):
        exported(Beside(function), x, dynamic_axes=BATCH)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"),
        lambda x: F.interpolate(x, size=(3, 5), mode="nearest"),
        lambda x: F.avg_pool2d(x, 3, 2, padding=1),
        lambda x: F.max_pool2d(x, 3, 2, padding=1, ceil_mode=True),
        lambda x: F.adaptive_max_pool2d(x, 2),
        lambda x: F.group_norm(x, 2, handtorch.ones(4) * 2),
        lambda x: F.instance_norm(x),
        lambda x: F.conv2d(x, handtorch.ones(2, 4, 2, 2), padding="same"),
        lambda x: F.conv_transpose2d(x, handtorch.ones(4, 2, 3, 3), stride=2, output_padding=1),
        lambda x: F.pixel_shuffle(x, 2),
        lambda x: x.flatten(1).softmax(-1).unsqueeze(1).squeeze(1),
        lambda x: handtorch.cat([x[:, :2], x[:, 2:].flip(1)], 1).chunk(2, 1),
        lambda x: handtorch.where(x > 0, x, x.mean((2, 3), keepdim=True)).clamp(-1, 0.5),
        lambda x: x.masked_fill(x < 0, 3).amax(1),
        lambda x: (x.argmax(1), x.var(1), x.std((2, 3)), x.norm(dim=1)),
        lambda x: x[:, 0] @ x[:, 1].transpose(1, 2) @ x[:, 0, :, 0:1],
        lambda x: F.pad(x, (1, 2, -1, 0)) ** 2,
    ],
)
def test_functions_are_written_as_what_they_are_made_of(function):
    model = Beside(function)
    proto = exported(model, normal(2, 4, 6, 6), dynamic_axes=BATCH)
    assert_same(model, proto, normal(3, 4, 6, 6, seed=1))


def test_indices_that_are_inputs_stay_inputs():
    class Words(nn.Module):
        def __init__(self):
            super().__init__()
            self.table = nn.Embedding(10, 4)
            self.head = nn.Linear(4, 3)

        def forward(self, words):
            return self.head(self.table(words)).mean(1)

    model = Words()
    proto = exported(model, np.array([[1, 2, 3]]), input_names=["words"], dynamic_axes={"words": {0: "N", 1: "T"}})
    assert_same(model, proto, np.array([[4, 5, 6, 7, 0], [9, 8, 7, 6, 5]]))


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"opset_version": 16}, "opset_version from 17"),
        ({"input_names": ["a", "b"]}, "1 different input_names"),
        ({"output_names": []}, "1 different output_names"),
        ({"dynamic_axes": {"input": {5: "x"}}}, "axes 0 to 1"),
        ({"export_params": False}, "without parameters"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(options, why):
    with pytest.raises(ArgumentError, match=why):
        exported(nn.Linear(3, 2), normal(2, 3), **options)
    with pytest.raises(ArgumentError, match="a Module"):
        handtorch.onnx.export(F.relu, handtorch.zeros(2))


def test_a_call_written_for_pytorch_exports_without_another_import(tmp_path):
    lines = [
        "import handtorch as torch",
        "torch.onnx.export(torch.nn.Linear(3, 2), torch.zeros(1, 3), 'm.onnx', export_params=True, opset_version=17,",
        "                  do_constant_folding=True, dynamo=False, dynamic_axes={'input': {0: 'batch'}})",
    ]
    subprocess.run([sys.executable, "-c", "\n".join(lines)], cwd=tmp_path, check=True)
    assert onnx.load(tmp_path / "m.onnx").graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"


def test_axes_of_a_name_that_is_not_there_are_warned_of():
    with pytest.warns(UserWarning, match="inputs for dynamic axes is not a valid input/output name"):
        exported(nn.Linear(3, 2), normal(2, 3), dynamic_axes={"inputs": {0: "batch"}})


def test_a_file_holds_no_constant_that_nothing_uses():
    proto = exported(nn.BatchNorm2d(4), normal(2, 4, 5, 6))
    used = {name for node in proto.graph.node for name in node.input}
    assert {entry.name for entry in proto.graph.initializer} <= used


def test_numbers_that_are_added_take_the_type_of_the_tensor():
    model = Beside(lambda x: (x + 1) * 2.5 > 3)
    proto = exported(model, np.arange(6).reshape(2, 3))
    np.testing.assert_array_equal(run(proto, np.arange(6).reshape(2, 3))[0], [[False, True, True], [True] * 3])


class Rows(nn.Module):
    """Reads all steps of all sequences as rows, and parts them again."""

    def forward(self, x):
        return F.relu(x.reshape(-1, x.shape[-1])).reshape(x.shape)


def test_two_lengths_that_differ_are_those_of_the_input_that_has_them():
    axes = {"input": {0: "batch", 1: "steps"}}
    proto = exported(Rows(), normal(2, 3, 4), dynamic_axes=axes)
    for shape in ((2, 3, 4), (5, 1, 4), (7, 7, 4)):
        assert_same(Rows(), proto, normal(*shape))
    with pytest.raises(ArgumentError, match="try inputs whose dynamic axes have different lengths"):
        exported(Rows(), normal(3, 3, 4), dynamic_axes=axes)
