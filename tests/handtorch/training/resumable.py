"""A small training run that can be told to kill itself; `test_resume.py` starts it as a process of its own.

Usage: resumable.py FOLDER [KILL [NUMBER]]: KILL is "replace" or "replaced" (just before or after a file takes its
name), "fsync" (a file is half-way), or "step"; NUMBER says the how-many-th of them, from 1. At the end it prints a
digest of everything that counts.
"""

import hashlib
import json
import os
import random
import signal
import sys
import time

import numpy as np

import handtorch
from handtorch import nn, optim, training
from handtorch.utils.data import DataLoader, Dataset

EPOCHS, BATCH, SAMPLES = 5, 8, 200


class Noisy(Dataset):
    """Samples that draw from every generator there is, each time they are looked at."""

    def __init__(self, samples, own):
        rng = np.random.default_rng(1)
        self.x = rng.standard_normal((samples, 6)).astype(np.float32)
        self.y = (self.x[:, :2].sum(axis=1) > 0).astype(np.int64)
        self.generator = own

    def __len__(self):
        return len(self.x)

    def __getitem__(self, index):
        noise = self.generator.normal(0, 0.1, 6) + np.random.normal(0, 0.1) + random.gauss(0, 0.1)
        x = handtorch.tensor((self.x[index] + noise).astype(np.float32)) + 0.1 * handtorch.randn(6)
        return x, handtorch.tensor(self.y[index])


class Slow(training.Callback):
    """Time to be killed in."""

    def on_fit_start(self, run):
        print("started", flush=True)

    def on_step_end(self, run):
        time.sleep(0.002)


def kill_at(event, number):
    """Let the process kill itself at the `number`-th `event`."""
    left = [number]

    def die_when_due():
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    if event == "step":
        return [type("Killer", (training.Callback,), {"on_step_end": lambda self, run: die_when_due()})()]
    name = "replace" if event.startswith("replace") else event
    real = getattr(os, name)

    def wrapped(*arguments):
        if event != "replaced":
            die_when_due()
        result = real(*arguments)
        if event == "replaced":
            die_when_due()
        return result

    setattr(os, name, wrapped)
    return []


def train(folder, callbacks=(), workers=0):
    model = nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 2))
    optimizer = optim.AdamW(model.parameters(), lr=0.01)
    loader = DataLoader(
        Noisy(SAMPLES, np.random.default_rng(5)),
        batch_size=BATCH,
        shuffle=True,
        num_workers=workers,
        generator=handtorch.Generator().manual_seed(3),
    )
    history = training.fit(
        model,
        nn.CrossEntropyLoss(),
        optimizer,
        loader,
        DataLoader(Noisy(64, np.random.default_rng(6)), batch_size=32),
        epochs=EPOCHS,
        scheduler=optim.lr_scheduler.StepLR(optimizer, 2, gamma=0.5),
        clip_norm=1.0,
        metrics={"accuracy": training.accuracy},
        callbacks=[
            training.Checkpoint(every_steps=4),
            training.EarlyStopping("valid_accuracy", patience=4),
            *callbacks,
        ],
        run=folder,
        resume=True,
    )
    return model, optimizer, history


def digest(model, optimizer, history):
    """All numbers that have to come out the same, to the bit."""
    tensors = {}
    tree = training.state.pack({"model": dict(model.state_dict()), "optimizer": optimizer.state_dict()}, tensors)
    whole = hashlib.sha256(json.dumps(tree, sort_keys=True).encode())
    for name in sorted(tensors):
        whole.update(np.ascontiguousarray(tensors[name].array).tobytes())
    rows = [{k: v for k, v in row.items() if k not in ("seconds", "samples_per_second")} for row in history.rows]
    return {"digest": whole.hexdigest(), "rows": rows, "stopped": history.stopped, "next": handtorch.rand(2).tolist()}


if __name__ == "__main__":
    # The seed differs from process to process: what decides is the checkpoint, from the very start.
    seed = int(os.environ.get("RESUMABLE_SEED", "0"))
    handtorch.manual_seed(seed)
    np.random.seed(seed)
    random.seed(seed)
    killer = kill_at(sys.argv[2], int(sys.argv[3])) if len(sys.argv) > 2 else [Slow()]
    print(json.dumps(digest(*train(sys.argv[1], killer, int(os.environ.get("RESUMABLE_WORKERS", "0"))))))
