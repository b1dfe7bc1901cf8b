"""The engine says the same whatever it said before, and refuses what it would otherwise silently replace."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import pytest

from handtorch.audio.corpus import SynthesisError
from handtorch.audio.corpus.espeak import Voicing, engine_version, speak
from handtorch.errors import MissingExtraError

# Voices with breath, roughness, flutter, echo, and Klatt's synthesis: all that draws random numbers or keeps a state.
_VOICES = ("m3", "f5", "whisper", "klatt4", "Demonic", "sandro", "Reed", "robosoft2")


def _digests(voices: tuple[str, ...]) -> dict[str, str]:
    speeches = {voice: speak(Voicing("The quick vision of joy pleased an old author.", voice)) for voice in voices}
    return {
        voice: hashlib.sha256(speech.samples.tobytes() + repr(speech.events).encode()).hexdigest()
        for voice, speech in speeches.items()
    }


def test_speech_does_not_depend_on_what_was_said_before() -> None:
    first = _digests(_VOICES)
    assert _digests(_VOICES[::-1]) == first
    assert len(set(first.values())) == len(_VOICES)


def test_speech_does_not_depend_on_the_process() -> None:
    voice = "whisper"
    program = (
        "import hashlib; from handtorch.audio.corpus.espeak import *;"
        "s = speak(Voicing('Good morning.', 'f2')); "
        f"s = speak(Voicing('The quick vision of joy pleased an old author.', '{voice}'));"
        "print(hashlib.sha256(s.samples.tobytes() + repr(s.events).encode()).hexdigest())"
    )
    other = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == _digests((voice,))[voice]


def test_rate_and_pitch_are_heard() -> None:
    slow, fast = (speak(Voicing("A long journey northwards.", "m3", words_per_minute=rate)) for rate in (120, 240))
    assert len(slow.samples) > 1.4 * len(fast.samples)
    low, high = (speak(Voicing("A long journey northwards.", "m3", pitch=pitch)) for pitch in (10, 90))
    assert not (low.samples.shape == high.samples.shape and (low.samples == high.samples).all())


def test_unknown_voice_is_refused() -> None:
    with pytest.raises(SynthesisError, match="no voice variant 'nobody'"):
        speak(Voicing("Hello.", "nobody"))


@pytest.mark.parametrize("text", ["", "  ", "?!"])
def test_text_without_words_is_refused(text: str) -> None:
    with pytest.raises(SynthesisError, match="at least one word"):
        speak(Voicing(text, "m3"))


def test_missing_engine_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(MissingExtraError, match=r"handtorch\[speech\]"):
        engine_version()
    with pytest.raises(MissingExtraError, match="espeakng_loader"):
        speak(Voicing("Hello.", "m3"))
