"""Other people's programs: run with a time limit, and with an error of ours when they fail."""

from __future__ import annotations

import subprocess

from handtorch.audio.corpus.errors import SynthesisError

_SECONDS_ALLOWED = 120


def run(*command: str, accepted: tuple[int, ...] = (0,)) -> str:
    """Run a program and return what it printed on both its outputs.

    Args:
        command: program and arguments; no shell looks at them.
        accepted: exit statuses that count as success.

    Raises:
        SynthesisError: it failed, or took longer than two minutes.
    """
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS_ALLOWED, check=False)
    except subprocess.TimeoutExpired as error:
        raise SynthesisError(f"{command[0]} did not finish within {_SECONDS_ALLOWED} s") from error
    if done.returncode not in accepted:
        raise SynthesisError(f"{command[0]} failed (status {done.returncode}): {done.stderr.strip()[-500:]}")
    return done.stdout + done.stderr
