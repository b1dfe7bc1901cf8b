"""What 11-785 asks about WikiText, and the files in which it takes the answers.

::

    fixtures/prediction.npz         inp (M, T): texts; out (M,): the word after each
    fixtures/prediction_test.npz    inp (M, T) alone
    fixtures/generation.npy         (M, T): texts to be written on
    fixtures/generation_test.npy    (M, T)
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import handtorch
from handtorch.errors import FormatError
from handtorch.io.atomic import atomic_write
from handtorch.models.generation import generate
from handtorch.text import TextModel

WORDS_WRITTEN = 10
"""After each text of generation*.npy, as the course's notebooks ask."""
_BATCH = 32

Ids = npt.NDArray[np.int64]


@dataclass
class Questions:
    """Texts as token ids; of those that the folder does not have, none."""

    dev: tuple[Ids, Ids] | None = None
    """(M, T) texts and (M,) the word after each."""
    test: Ids | None = None
    """(M, T)."""
    write: dict[str, Ids] | None = None
    """File to answer in -> texts (M, T)."""


def questions(root: Path, number: Ids) -> Questions | None:
    """The questions in a folder or its folder ``fixtures``; None where there are none.

    Args:
        root: the folder.
        number: (V,) the id that each of the folder's ids has here.

    Raises:
        FormatError: a file holds something else.
    """
    found: dict[str, Any] = {}
    for name in ("prediction.npz", "prediction_test.npz", "generation.npy", "generation_test.npy"):
        path = next((place / name for place in (root / "fixtures", root) if (place / name).is_file()), None)
        if path is not None:
            found[name] = _read(path, number)
    if not found:
        return None
    dev, test = found.get("prediction.npz"), found.get("prediction_test.npz")
    if dev is not None and "out" not in dev:
        raise FormatError(f"expected inp and out in {root}'s prediction.npz, got {', '.join(dev)}")
    write = {"generated.txt": found.get("generation.npy"), "generated_test.txt": found.get("generation_test.npy")}
    return Questions(
        dev=None if dev is None else (dev["inp"], dev["out"]),
        test=None if test is None else test["inp"],
        write={name: texts["inp"] for name, texts in write.items() if texts is not None},
    )


def _read(path: Path, number: Ids) -> dict[str, Ids]:
    try:
        content = np.load(path, allow_pickle=False)
        arrays = {name: content[name] for name in content.files} if path.suffix == ".npz" else {"inp": content}
    except (ValueError, OSError, EOFError) as error:
        raise FormatError(f"cannot read {path}: {error}") from None
    wrong = next((name for name, array in arrays.items() if array.dtype.kind not in "iu"), None)
    if wrong is not None or "inp" not in arrays or arrays["inp"].ndim != 2:
        raise FormatError(f"expected texts inp (M, T) of word numbers in {path}")
    for array in arrays.values():
        if array.size and not 0 <= array.min() <= array.max() < len(number):
            raise FormatError(f"expected word numbers from 0 to {len(number) - 1} in {path}, got {array.max()}")
    return {name: number[array] for name, array in arrays.items()}


def answer(model: TextModel, asked: Questions, number: Ids, folder: Path, seed: int) -> dict[str, Any]:
    """Write ``predictions.npy`` and the generated texts; return what can be said of them.

    Args:
        model: what is asked.
        asked: the questions.
        number: (V,) the id that each of the course's ids has here.
        folder: where the files go.
        seed: of the drawing.
    """
    told: dict[str, Any] = {}
    if asked.dev is not None:
        texts, following = asked.dev
        told["prediction_nll"] = round(
            float(-log_probs_after(model, texts)[np.arange(len(texts)), following].mean()), 4
        )
    if asked.test is not None:
        with atomic_write(folder / "predictions.npy") as file:
            # Column i is the course's word i again.
            np.save(file, log_probs_after(model, asked.test)[:, number])
    for name, texts in (asked.write or {}).items():
        written = _written(model, texts, seed)
        with atomic_write(folder / name, "w") as file:
            for place, (before, after) in enumerate(zip(texts, written, strict=True)):
                words = (model.tokenizer.vocabulary[token] for token in before)
                more = (model.tokenizer.vocabulary[token] for token in after)
                file.write(f"Input | Output #{place}: {' '.join(words)} | {' '.join(more)}\n")
    return told


def log_probs_after(model: TextModel, texts: Ids) -> npt.NDArray[np.float32]:
    """ln p (M, V) of every token after texts (M, T)."""
    rows = []
    with handtorch.no_grad():
        for start in range(0, len(texts), _BATCH):
            batch = handtorch.from_numpy(texts[start : start + _BATCH])
            _, state = model.network(batch[:, :-1]) if texts.shape[1] > 1 else (None, None)
            rows.append(model.network.log_probs(batch[:, -1:], state)[0].numpy()[:, 0])
    return np.concatenate(rows)


def _written(model: TextModel, texts: Ids, seed: int) -> list[list[int]]:
    """WORDS_WRITTEN likely words after each text: of what is likeliest, as the course lets a model judge them."""
    generator = handtorch.Generator().manual_seed(seed)
    with handtorch.no_grad():
        found = generate(model.network, texts.tolist(), max_tokens=WORDS_WRITTEN, temperature=0.0, generator=generator)
    return found.tokens
