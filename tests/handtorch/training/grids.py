"""Functions that `test_ablate.py` runs in processes of their own."""

import os
import signal
import time

from handtorch import training


def parabola(folder, x, y):
    print("called with", x, y)
    with open(folder.parent / "calls.txt", "a") as calls:
        calls.write(f"{x} {y}\n")
    return {"loss": (x - 2) ** 2 + y, "threads": int(os.environ["OMP_NUM_THREADS"])}


def fails_somehow(folder, how):
    if how == "raise" and not (folder.parent / "repaired").exists():
        raise ValueError("no such thing")
    if how == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "leave":
        os._exit(3)
    return 0.5 if how != "text" else "half"


def meets_another(folder, number):
    """Ends well only when another one runs at the same time."""
    (folder.parent / f"here-{number}").touch()
    for _ in range(200):
        if len(list(folder.parent.glob("here-*"))) >= 2:
            return 1.0
        time.sleep(0.05)
    raise TimeoutError("alone")


def history(folder, lr):
    rows = [{"epoch": 1, "valid_loss": lr}, {"epoch": 2, "valid_loss": lr / 2}, {"epoch": 3, "valid_loss": lr}]
    return training.History(rows)


def sleeps(folder, seconds):
    (folder / "pid").write_text(str(os.getpid()))
    time.sleep(seconds)
    return 1.0
