"""Programs that were written for PyTorch run by ``python -m handtorch``."""

import subprocess
import sys
import textwrap

import pytest

import handtorch


def run(*arguments, code=None, folder=None, script=None):
    if script is not None:
        path = folder / "script.py"
        path.write_text(textwrap.dedent(script))
        arguments = (str(path), *arguments)
    if code is not None:
        arguments = ("-c", textwrap.dedent(code))
    return subprocess.run(
        [sys.executable, "-m", "handtorch", *arguments], capture_output=True, text=True, cwd=folder, timeout=60
    )


def test_a_training_script_runs_with_its_arguments(tmp_path):
    done = run(
        "--steps",
        "60",
        folder=tmp_path,
        script="""
        import argparse

        import torch
        import torch.nn as nn
        import torch.nn.functional as F
        import torch.optim as optim
        from torch.optim.lr_scheduler import StepLR
        from torch.utils.data import DataLoader, TensorDataset

        parser = argparse.ArgumentParser()
        parser.add_argument("--steps", type=int)
        args = parser.parse_args()


        class Net(nn.Module):
            def __init__(self):
                super(Net, self).__init__()
                self.first = nn.Linear(2, 16)
                self.second = nn.Linear(16, 2)

            def forward(self, x):
                return self.second(F.relu(self.first(x)))


        if __name__ == "__main__":
            torch.manual_seed(0)
            device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
            x = torch.randn(256, 2)
            y = (x[:, 0] > x[:, 1]).long()
            loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
            model = torch.compile(Net().to(device))
            optimizer = optim.SGD(model.parameters(), lr=0.5)
            scheduler = StepLR(optimizer, step_size=5, gamma=0.9)
            for epoch in range(args.steps // 8):
                for data, target in loader:
                    data, target = data.to(device), target.to(device)
                    optimizer.zero_grad()
                    loss = F.cross_entropy(model(data), target)
                    loss.backward()
                    optimizer.step()
                scheduler.step()
            with torch.no_grad():
                accuracy = (model(x).argmax(1) == y).float().mean().item()
            torch.save(model.state_dict(), "model.pt")
            model.load_state_dict(torch.load("model.pt"))
            print(f"accuracy {accuracy:.2f} {x.dtype} {args.steps}")
        """,
    )
    assert done.returncode == 0, done.stderr
    word, accuracy, dtype, steps = done.stdout.split()
    assert word == "accuracy" and float(accuracy) > 0.9
    assert (dtype, steps) == ("torch.float32", "60")


def test_what_is_missing_raises_at_its_line_with_its_full_name(tmp_path):
    done = run(folder=tmp_path, script="import torch\nx = torch.ones(2)\ntorch.no_such_function(x)\n")
    assert done.returncode == 1
    assert "line 3" in done.stderr
    assert "torch.no_such_function is not built in Handtorch" in done.stderr
    done = run(folder=tmp_path, script="import torch\nimport torch.no_such_module\n")
    assert "line 2" in done.stderr
    assert "No module named 'torch.no_such_module' in Handtorch" in done.stderr


def test_classes_are_the_same_under_every_name():
    done = run(
        code="""
        import torch, handtorch
        import torch.nn.modules as modules
        from torch.nn.modules.module import Module
        from torch.nn.parameter import Parameter
        from torch.autograd import Variable
        assert torch.Tensor is handtorch.Tensor
        assert modules.Linear is torch.nn.Linear and Module is torch.nn.Module
        assert Parameter is torch.nn.Parameter
        assert isinstance(torch.ones(1), Variable) and Variable(torch.ones(1), requires_grad=True).requires_grad
        print("same")
        """
    )
    assert done.stdout == "same\n", done.stderr


def test_devices_behave_as_without_a_gpu():
    done = run(
        code="""
        import torch
        assert not torch.cuda.is_available() and torch.cuda.device_count() == 0
        assert not torch.backends.mps.is_available() and not torch.accelerator.is_available()
        import torch.backends.cudnn as cudnn
        from torch.backends import cuda
        cudnn.benchmark = True
        assert torch.backends.cudnn is cudnn and torch.backends.cudnn.benchmark and not cudnn.is_available()
        cuda.enable_flash_sdp(False)
        assert not cuda.flash_sdp_enabled() and cuda.math_sdp_enabled() and torch.backends.mha.get_fastpath_enabled()
        with cuda.sdp_kernel(enable_flash=False):
            pass
        with torch.autocast("cpu"), torch.cuda.amp.autocast(enabled=False):
            pass
        scaler = torch.amp.GradScaler()
        f = torch.jit.script(lambda x: x)
        assert torch.compile(f) is f and f(1) == 1
        try:
            torch.ones(1).to("cuda")
        except RuntimeError as error:
            print("refused:", error)
        """
    )
    assert done.stdout.startswith("refused: "), done.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "text"),
    [
        ([], 2, "usage:"),
        (["--help"], 0, "examples:"),
        (["no_such_file.py"], 2, "there is no file 'no_such_file.py'"),
        (["-c"], 2, "-c needs an argument"),
    ],
)
def test_wrong_calls_are_explained(arguments, status, text):
    done = run(*arguments)
    assert done.returncode == status
    assert text in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_the_exit_status_and_traceback_are_the_scripts_own(tmp_path):
    done = run(folder=tmp_path, script="import sys\nsys.exit(7)\n")
    assert done.returncode == 7


def test_the_name_can_be_given_back(tmp_path):
    done = run(
        folder=tmp_path,
        script="""
        import sys, handtorch, torch
        from handtorch.compat import importing
        assert torch is handtorch and repr(torch.float32) == "torch.float32"
        importing.uninstall()
        assert "torch" not in sys.modules and repr(handtorch.float32) == "handtorch.float32"
        print("given back")
        """,
    )
    assert done.stdout == "given back\n", done.stderr


def test_summary_writer_writes_what_tensorboard_reads(tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    from handtorch.compat.tensorboard import SummaryWriter

    with SummaryWriter(tmp_path) as writer:
        for step in range(3):
            writer.add_scalar("loss", handtorch.tensor(1.0 / (step + 1)), step)
        writer.add_scalars("acc", {"train": 0.5, "test": 0.25}, 2)
        writer.add_histogram("w", handtorch.randn(100), 0)
        writer.add_image("picture", handtorch.rand(3, 4, 5), 0)
        writer.add_text("note", "hello")
    found = accumulator.EventAccumulator(str(tmp_path), {"histograms": 0, "images": 0, "scalars": 0, "tensors": 0})
    found.Reload()
    assert [event.value for event in found.Scalars("loss")] == pytest.approx([1, 1 / 2, 1 / 3])
    assert found.Scalars("acc/test")[0].value == 0.25
    assert found.Histograms("w")[0].histogram_value.num == 100
    assert (found.Images("picture")[0].width, found.Images("picture")[0].height) == (5, 4)


def test_a_program_that_could_use_several_processes_finds_out_that_it_is_alone(tmp_path):
    done = run(
        folder=tmp_path,
        script="""
        import torch.distributed as dist
        from torch.compiler import disable, is_compiling
        from torch.cuda.amp import autocast
        from torch.distributed import nn as distributed_functions
        from torch.distributed.optim import ZeroRedundancyOptimizer
        from torch.utils import _pytree
        from torch.utils.hooks import RemovableHandle
        print(dist.is_available() and dist.is_initialized(), autocast.__name__, disable(len)("abc"), is_compiling())
        """,
    )
    assert done.stdout.split() == ["False", "autocast", "3", "False"]


def test_distributions_are_found_under_pytorchs_module_names():
    done = run(
        code="""
        import torch
        import torch.distributions as D
        import torch.distributions.constraints
        from torch.distributions import Categorical, Normal, kl_divergence
        from torch.distributions.kl import register_kl
        from torch.distributions.normal import Normal as same
        from torch.distributions.studentT import StudentT
        from torch.distributions.transforms import TanhTransform
        from torch.distributions.utils import broadcast_all

        assert same is Normal is D.normal.Normal is torch.distributions.Normal
        assert D.studentT.StudentT is StudentT
        print(Categorical(torch.ones(1)).sample().item())
        """
    )
    assert done.stdout == "0\n", done.stderr


def test_the_files_of_torch_nn_modules_are_modules_and_attributes():
    done = run(
        code="""
        import torch.nn as nn
        from torch.nn.modules.module import Module, register_module_forward_hook
        assert nn.modules.container.Sequential is nn.Sequential and Module is nn.Module
        register_module_forward_hook(lambda module, inputs, output: print(type(module).__name__))
        nn.Sequential(nn.Identity())(1)
        """,
    )
    assert done.stdout.split() == ["Identity", "Sequential"], done.stderr
