"""What Handtorch has not built raises at the line that asks for it, under the name that it has in PyTorch."""

import subprocess
import sys

import pytest


def run(script, folder):
    path = folder / "script.py"
    path.write_text(script)
    return subprocess.run([sys.executable, "-m", "handtorch", str(path)], capture_output=True, text=True, timeout=60)


NAMES = [
    ("torch.no_such_function(1)", "torch.no_such_function"),
    ("torch.nn.functional.no_such_function(1)", "torch.nn.functional.no_such_function"),
    ("F.no_such_function(1)", "torch.nn.functional.no_such_function"),
    ("from torch.nn.functional import no_such_function", "torch.nn.functional.no_such_function"),
    ("torch.nn.NoSuchLayer()", "torch.nn.NoSuchLayer"),
    ("torch.nn.modules.NoSuchLayer()", "torch.nn.NoSuchLayer"),
    ("from torch.nn import NoSuchLayer", "torch.nn.NoSuchLayer"),
    ("from torch.nn.modules.linear import NoSuchLayer", "torch.nn.modules.linear.NoSuchLayer"),
    ("torch.optim.NoSuchOptimizer", "torch.optim.NoSuchOptimizer"),
    ("torch.cuda.no_such_function", "torch.cuda.no_such_function"),
    ("torch.ones(1).no_such_method()", "torch.Tensor.no_such_method"),
    ("torch.Tensor.no_such_method", "torch.Tensor.no_such_method"),
    ("torch.nn.Linear(1, 1).no_such_method()", "torch.nn.Linear.no_such_method"),
    ("torch.Generator().no_such_method()", "torch.Generator.no_such_method"),
    ("torch._dynamo._no_such_function()", "torch._dynamo"),
]

EVERY_LINE = """
import torch
import torch.nn.functional as F
from handtorch.compat import importing

for line in LINES:
    try:
        exec(compile(line, "script.py", "exec"))
    except (AttributeError, ImportError) as error:
        importing.say_what_is_missing(error)
        print(error)
"""


def test_every_missing_name_is_said_in_full(tmp_path):
    done = run(f"LINES = {[line for line, _ in NAMES]!r}\n{EVERY_LINE}", tmp_path)
    assert done.stdout.splitlines() == [f"{name} is not built in Handtorch" for _, name in NAMES], done.stderr


@pytest.mark.parametrize(("line", "name"), [NAMES[1], NAMES[6], NAMES[10]])
def test_a_missing_name_raises_at_its_line(line, name, tmp_path):
    done = run(f"import torch\nimport torch.nn.functional as F\n\n{line}\n", tmp_path)
    assert done.returncode == 1
    assert f'script.py", line 4, in <module>\n    {line}\n' in done.stderr
    assert f"Error: {name} is not built in Handtorch" in done.stderr


@pytest.mark.parametrize("module", ["torch._dynamo", "torch.nn.modules.no_such_file"])
def test_a_missing_module_is_said_in_full_at_its_line(module, tmp_path):
    done = run(f"import torch\n\nimport {module}\n", tmp_path)
    assert "line 3, in <module>" in done.stderr
    assert f"No module named '{module}' in Handtorch: this part of PyTorch is not built" in done.stderr


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("Net().no_such_method()", "'Net' object has no attribute 'no_such_method'"),
        ("[].no_such_method()", "'list' object has no attribute 'no_such_method'"),
        ("import no_such_module", "No module named 'no_such_module'"),
    ],
)
def test_what_is_missing_from_the_users_own_code_is_said_by_python(line, message, tmp_path):
    done = run(f"import torch\nclass Net(torch.nn.Module):\n    pass\n{line}\n", tmp_path)
    assert message in done.stderr and "is not built" not in done.stderr


def test_a_program_can_still_ask_what_there_is(tmp_path):
    done = run(
        "import torch\n"
        "assert not hasattr(torch, 'no_such_function') and not hasattr(torch.ones(1), 'no_such_method')\n"
        "try:\n"
        "    from torch import no_such_function\n"
        "except ImportError:\n"
        "    print('not there')\n",
        tmp_path,
    )
    assert done.stdout == "not there\n", done.stderr
