"""The networks for pictures, held to torchvision 0.29.2, whose numbers are written down here."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

import handtorch
from handtorch import models, nn
from handtorch.errors import ArgumentError

from .filling import fill, picture

# Parameters, entries of the state dict, and the first digits of the SHA-256 of "name shape" in lines.
LAYOUTS = {
    "vgg11": (132863336, 22, "cb3dc23f2a13e182"),
    "vgg11_bn": (132868840, 62, "8b6717e727c0ecf9"),
    "vgg13": (133047848, 26, "67c1dc8b57fde74b"),
    "vgg13_bn": (133053736, 76, "f6b0597d18a7e4d2"),
    "vgg16": (138357544, 32, "35c4623e0cd4a39d"),
    "vgg16_bn": (138365992, 97, "347371586a8ea365"),
    "vgg19": (143667240, 38, "4723255af8f6c485"),
    "vgg19_bn": (143678248, 118, "fc3ff6fab2b5cc09"),
    "resnet18": (11689512, 122, "84fb10d9c6905a1c"),
    "resnet34": (21797672, 218, "28f9096d51307499"),
    "resnet50": (25557032, 320, "d7e4f8bb0a536344"),
    "mobilenet_v2": (3504872, 314, "37bbbce8932fd0c4"),
    "convnext_tiny": (28589128, 182, "2bc10f3450aaa086"),
    "convnext_small": (50223688, 344, "92e28edd02cca7d0"),
    "convnext_base": (88591464, 344, "7a4c459fd822b7d1"),
}

# What torchvision's networks make of the picture in float64, with num_classes=3 and the weights of fill.
LOGITS = {
    "resnet18": [[-11.6975, -4.185863, 3.53829], [-10.69675, -4.191343, 3.950219]],
    "resnet50": [[21.95839, 15.76308, -25.56412], [21.86252, 15.34698, -25.84805]],
    "mobilenet_v2": [[-0.1913401, 0.06581249, 0.5727923], [-0.4017083, -0.04763787, 0.4305748]],
    "convnext_tiny": [[-1.418931, -1.022441, -0.3432341], [-2.400623, 0.2590658, -0.4463744]],
    "vgg11_bn": [[1.261471, -1.134531, -0.7453061], [0.9379805, -1.043571, -0.7214525]],
}

# The first three numbers of weights after manual_seed(0), with num_classes=3.
DRAWN = {
    "resnet18": {
        "conv1.weight": [-0.00100726238, -0.00526499283, 0.0177495591],
        "fc.weight": [-0.0203154963, 0.0186778661, 0.0375562198],
    },
    "mobilenet_v2": {
        "features.0.0.weight": [0.0478622429, 0.0160102043, -0.0390226319],
        "classifier.1.weight": [-0.0062673185, 0.00934042688, 0.0132199014],
    },
    "convnext_tiny": {
        "features.0.0.weight": [-0.0158411823, -0.00305841537, 0.0243126657],
        "classifier.2.weight": [0.00954779703, -0.00307048042, -0.000979489763],
    },
}


@pytest.fixture
def without_drawing(monkeypatch):
    """Weights stay as the memory was: only names and shapes count, and the pages are never touched."""
    for name in ("uniform_", "normal_", "trunc_normal_", "kaiming_normal_", "kaiming_uniform_"):
        monkeypatch.setattr(nn.init, name, lambda tensor, *args, **options: tensor)


@pytest.mark.parametrize("name", LAYOUTS)
def test_state_dict_has_the_names_and_shapes_of_torchvision(name, without_drawing):
    model = getattr(models, name)()
    state = model.state_dict()
    lines = "\n".join(f"{key} {tuple(tensor.shape)}" for key, tensor in state.items())
    digest = hashlib.sha256(lines.encode()).hexdigest()[:16]
    assert (sum(p.numel() for p in model.parameters()), len(state), digest) == LAYOUTS[name]


@pytest.mark.parametrize("name", LOGITS)
def test_logits_are_those_of_torchvision(name):
    model = getattr(models, name)(num_classes=3).eval()
    model.load_state_dict({key: handtorch.from_numpy(array) for key, array in fill(model.state_dict()).items()})
    with handtorch.no_grad():
        logits = model(handtorch.from_numpy(picture())).numpy()
    np.testing.assert_allclose(logits, LOGITS[name], rtol=1e-4, atol=1e-5 * np.abs(logits).max())


@pytest.mark.parametrize("name", DRAWN)
def test_first_weights_for_a_seed_are_those_of_torchvision(name):
    handtorch.manual_seed(0)
    state = getattr(models, name)(num_classes=3).state_dict()
    for key, numbers in DRAWN[name].items():
        np.testing.assert_array_equal(state[key].numpy().reshape(-1)[:3], np.float32(numbers))


def test_a_checkpoint_of_torchvisions_resnet18_is_read(tmp_path):
    lines = Path(__file__).with_name("resnet18_of_torchvision.txt").read_text().splitlines()
    shapes = {key: tuple(map(int, shape)) for key, *shape in map(str.split, lines)}
    rng = np.random.default_rng(0)
    checkpoint = {
        key: handtorch.from_numpy(
            np.array(7) if key.endswith("tracked") else rng.standard_normal(shape, dtype=np.float32)
        )
        for key, shape in shapes.items()
    }
    handtorch.save(checkpoint, tmp_path / "resnet18.pt")
    model = models.resnet18()
    assert str(model.load_state_dict(handtorch.load(tmp_path / "resnet18.pt"))) == "<All keys matched successfully>"
    for key, tensor in model.state_dict().items():
        np.testing.assert_array_equal(tensor.numpy(), checkpoint[key].numpy())


@pytest.mark.parametrize("name", LAYOUTS)
def test_weights_by_name_are_refused_because_nothing_is_downloaded(name):
    with pytest.raises(ArgumentError, match=rf"{name}: expected weights=None.*load_state_dict"):
        getattr(models, name)(weights="IMAGENET1K_V1")
    with pytest.raises(ArgumentError, match="expected weights=None, got True"):
        getattr(models, name)(pretrained=True)


@pytest.mark.parametrize(("stride", "size"), [(4, 8), (2, 16), (1, 32)])
def test_first_stage_of_a_resnet_is_smaller_by_its_stem_stride(stride, size):
    model = models.resnet18(num_classes=3, stem_stride=stride)
    seen = []
    model.layer1.register_forward_pre_hook(lambda module, args: seen.append(tuple(args[0].shape)))
    with handtorch.no_grad():
        model.eval()(handtorch.zeros(1, 3, 32, 32))
    assert seen == [(1, 64, size, size)]


def test_a_stage_of_a_resnet_keeps_its_size_where_it_is_dilated():
    kept = models.resnet50(num_classes=3, replace_stride_with_dilation=[False, True, True])
    assert [kept.layer3[0].conv2.dilation, kept.layer3[1].conv2.dilation] == [(1, 1), (2, 2)]
    assert [kept.layer4[0].conv2.dilation, kept.layer4[1].conv2.dilation] == [(2, 2), (4, 4)]
    assert kept.layer3[0].downsample[0].stride == kept.layer4[0].downsample[0].stride == (1, 1)


def test_residual_blocks_begin_as_the_identity_with_zero_init_residual():
    model = models.resnet18(num_classes=3, zero_init_residual=True).eval()
    x = handtorch.rand(1, 64, 8, 8)
    np.testing.assert_array_equal(model.layer1(x).detach().numpy(), x.numpy())


def test_convnext_cuts_the_picture_into_patches_of_the_given_side():
    for patch in (4, 2):
        model = models.convnext_atto(num_classes=3, patch_size=patch)
        assert model.features[0](handtorch.zeros(1, 3, 64, 64)).shape == (1, 40, 64 // patch, 64 // patch)
    assert round(sum(p.numel() for p in models.convnext_atto().parameters()) / 1e6, 1) == 3.7


def test_stochastic_depth_drops_rows_and_keeps_the_mean():
    handtorch.manual_seed(0)
    layer = models.blocks.StochasticDepth(0.25, "row")
    y = layer(handtorch.ones(4000, 2, 1)).numpy()
    assert set(np.unique(y)) == {0, np.float32(1 / 0.75)}
    np.testing.assert_array_equal(y[:, 0], y[:, 1])
    assert abs(y.mean() - 1) < 0.03
    assert layer.eval()(handtorch.ones(3, 2)).numpy().min() == 1
    whole = models.blocks.StochasticDepth(0.5, "batch")(handtorch.ones(50, 2)).numpy()
    assert whole.min() == whole.max()
    assert (models.blocks.StochasticDepth(1.0, "row")(handtorch.ones(3, 2)).numpy() == 0).all()


def test_blocks_are_dropped_more_often_the_deeper_they_are():
    model = models.convnext_tiny(num_classes=3)
    probabilities = [m.p for m in model.modules() if isinstance(m, models.blocks.StochasticDepth)]
    np.testing.assert_allclose(probabilities, np.linspace(0, 0.1, 18))


def test_lenet_has_the_layers_of_the_paper():
    model = models.LeNet()
    assert sum(p.numel() for p in model.parameters()) == 61_706  # the paper's 60,000 and C3 with all pairs of maps
    assert model(handtorch.zeros(2, 1, 28, 28)).shape == (2, 10)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: models.ResNet(models.BasicBlock, [1] * 4, groups=2), "BasicBlock only supports"),
        (lambda: models.resnet18(replace_stride_with_dilation=[True]), "3 truth values"),
        (lambda: models.resnet18(stem_stride=3), "stem_stride 1, 2 or 4"),
        (lambda: models.InvertedResidual(3, 3, 3, 1), "stride should be 1 or 2"),
        (lambda: models.mobilenet_v2(inverted_residual_setting=[[1, 2]]), "expected .t, c, n, s."),
        (lambda: models.ConvNeXt([]), "at least one CNBlockConfig"),
        (lambda: models.blocks.StochasticDepth(2, "row"), "between 0 and 1"),
        (lambda: models.blocks.StochasticDepth(0.5, "column"), "'batch' or 'row'"),
    ],
)
def test_settings_that_make_no_network_are_refused(make, why):
    with pytest.raises(ArgumentError, match=why):
        make()
