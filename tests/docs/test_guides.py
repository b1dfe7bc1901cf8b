"""The guides' Python runs as it is printed."""

import re
from pathlib import Path

import pytest

GUIDES = Path(__file__).parents[2] / "docs"
BLOCKS = [
    (guide.name, number, code)
    for guide in sorted(GUIDES.glob("coming-from-pytorch.md"))
    for number, code in enumerate(re.findall(r"```python\n(.*?)```", guide.read_text(encoding="utf-8"), re.DOTALL))
]


@pytest.mark.parametrize(("guide", "number", "code"), BLOCKS, ids=[f"{guide}-{n}" for guide, n, _ in BLOCKS])
def test_the_guides_code_runs(guide, number, code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(code, f"{guide}[{number}]", "exec"), {"__name__": "guide"})
