"""The process that speaks: ``python -m handtorch.audio.corpus.worker RECIPE FOLDER``, driven by ``synthesis.py``.

RECIPE is JSON. Each line on standard input, such as ``train 7``, asks for chunk 7 of a split. Its utterances go into a
folder of their own within FOLDER, and a line of JSON says so, or what went wrong. A chunk is the same whichever process
makes it, and whatever that process made before. The process ends with its input.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from handtorch.audio.checks import Floats
from handtorch.audio.corpus.disturb import add_silence, disturb
from handtorch.audio.corpus.espeak import speak
from handtorch.audio.corpus.labels import Phone, phones_of
from handtorch.audio.corpus.recipe import Job, Recipe, chunk_of, plan
from handtorch.audio.corpus.store import SAMPLE_RATE, Recording, Utterance, label_recording, write_split
from handtorch.audio.resampling import resample
from handtorch.errors import HandtorchError


def make_chunk(recipe: Recipe, split: str, chunk: int) -> Iterator[Utterance]:
    """Speak, disturb and label the utterances of one chunk."""
    jobs = chunk_of(plan(recipe, split), chunk)
    clean = [_speak_cleanly(job) for job in jobs]
    waveforms = [waveform for waveform, _ in clean]
    for number, (job, (waveform, phones)) in enumerate(zip(jobs, clean, strict=True)):
        others = waveforms[:number] + waveforms[number + 1 :]
        heard = disturb(waveform, job.disturbance, others)
        recording = Recording(job.id, f"espeak-{job.voicing.voice}", job.voicing.text, heard, phones)
        yield label_recording(recording, recipe.n_mels)


def _speak_cleanly(job: Job) -> tuple[Floats, list[Phone]]:
    """The utterance at 16 kHz with silence around it, and its phones in samples of that rate."""
    speech = speak(job.voicing)
    waveform = speech.samples.astype(np.float32) / np.float32(32768)
    # The stretch is folded into the change of rate. One term of the ratio is kept small, so that few filters serve all.
    rate = round(speech.sample_rate / job.disturbance.stretch / 50)
    slower = resample(waveform, rate, SAMPLE_RATE // 50)
    ratio = SAMPLE_RATE / 50 / rate
    phones = [Phone(label, round(start * ratio), round(end * ratio)) for label, start, end in phones_of(speech)]
    return add_silence(slower, phones, job.disturbance)


def main() -> None:
    """Serve until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then closes our input
    recipe, folder = Recipe(**json.loads(sys.argv[1])), Path(sys.argv[2])
    for line in sys.stdin:
        split, chunk = line.split()
        try:
            write_split(folder / f"{split}-{chunk}", make_chunk(recipe, split, int(chunk)))
            answer = {}
        except HandtorchError as error:
            answer = {"error": str(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
