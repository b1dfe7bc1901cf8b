import itertools
import json
import tracemalloc

import numpy as np
import pytest
from typer.testing import CliRunner

from handtorch.audio import log_mel, read, write
from handtorch.audio.commands import app
from handtorch.audio.decode import BeamSearch, greedy
from handtorch.audio.hearing import LogMel
from handtorch.audio.recognizer import Recognizer, cut_at_blanks
from handtorch.audio.symbols import Symbols, phones_of_11785
from handtorch.errors import ArgumentError, FormatError, HandtorchError
from handtorch.models import CTCNetwork

RATE = 16_000
SYMBOLS = Symbols(["[SIL]", "IY", "AA"])


def tone(hz, seconds):
    return 0.3 * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE)) / RATE).astype(np.float32)


def recording(rng, events, seconds):
    """Soft noise with tones of 0.1 s: high ones are IY, low ones AA."""
    waveform = (1e-3 * rng.standard_normal(round(seconds * RATE))).astype(np.float32)
    for phone, start in events:
        at = round(start * RATE)
        waveform[at : at + RATE // 10] += tone(3000 if phone == "IY" else 400, 0.1)
    return waveform


@pytest.fixture(scope="module")
def recognizer():
    """A network, set by hand, that writes a symbol where its band is loud and a blank elsewhere."""
    features = LogMel()
    model = CTCNetwork(40, len(SYMBOLS), channels=(4,), kernel_size=1, stride=2, hidden_size=2, num_layers=1, dropout=0)
    for parameter in model.parameters():
        parameter.array[...] = 0
    for channel, hz in enumerate((3000, 400)):
        band = int(log_mel(tone(hz, 0.5), RATE, n_mels=40, n_fft=400, hop_length=160).mean(axis=0).argmax())
        model.front.convolutions[0].weight.array[channel, band, 0] = 1
    for norm in model.front.norms:
        for parameter in norm.parameters():
            parameter.array[...] = 0
        norm.weight.array[...] = 1
    lstm = model.layers[0]
    # Gates in the order i f g o, of which i and o are open, f is shut, and g says which band is loud.
    for name in ("l0", "l0_reverse"):
        getattr(lstm, f"bias_ih_{name}").array[...] = np.repeat([20, -20, -3, 20], 2)
        getattr(lstm, f"weight_ih_{name}").array[4:6, :2] = 3 * np.eye(2)
    model.output.weight.array[2, [0, 2]] = 20
    model.output.weight.array[3, [1, 3]] = 20
    model.eval()
    return Recognizer(model, SYMBOLS, features)


def heard(segments):
    return [segment.phone for segment in segments if segment.phone != "[SIL]"]


EVENTS = [("IY", 0.5), ("AA", 0.8), ("AA", 1.4), ("IY", 1.6)]


def test_phones_come_in_order_with_times_that_cover_the_recording(recognizer):
    waveform = recording(np.random.default_rng(0), EVENTS, 2.5)
    segments = recognizer.transcribe(waveform, RATE)
    assert heard(segments) == ["IY", "AA", "AA", "IY"]
    assert segments[0].start == 0 and segments[-1].end == pytest.approx(2.5)
    assert all(a.end == b.start for a, b in itertools.pairwise(segments))
    said = [segment for segment in segments if segment.phone != "[SIL]"]
    for (_, start), segment in zip(EVENTS, said, strict=True):
        assert segment.start < start + 0.05 < segment.end


def test_a_file_of_another_rate_is_heard_as_its_waveform(recognizer, tmp_path):
    waveform = recording(np.random.default_rng(0), EVENTS, 2.5)
    write(tmp_path / "said.wav", waveform, RATE)
    of_file = recognizer.transcribe(tmp_path / "said.wav")
    assert heard(of_file) == heard(recognizer.transcribe(waveform, RATE)) == ["IY", "AA", "AA", "IY"]
    times = np.arange(round(2.5 * 22_050)) * RATE / 22_050
    write(tmp_path / "slow.wav", np.interp(times, np.arange(len(waveform)), waveform), 22_050)
    assert heard(recognizer.transcribe(str(tmp_path / "slow.wav"))) == ["IY", "AA", "AA", "IY"]


def test_where_blocks_end_changes_nothing(recognizer):
    rng = np.random.default_rng(1)
    starts = np.arange(0.3, 149, 0.37)
    events = [(("IY", "AA")[int(rng.integers(2))], start) for start in starts]
    waveform = recording(rng, events, 150)
    whole = recognizer.log_probs(recognizer.features.normalise(recognizer.features(waveform)))
    expected = SYMBOLS.decode(greedy(whole).symbols)
    assert len(expected) == len(starts)
    pieces = np.array_split(waveform, 37)
    assert tuple(heard(recognizer.transcribe_stream(pieces))) == expected
    assert tuple(heard(recognizer.transcribe_stream(pieces, search=BeamSearch(4)))) == expected


def test_memory_does_not_grow_with_the_length_of_a_recording(recognizer):
    minute = recording(np.random.default_rng(2), [("IY", start) for start in range(1, 59)], 60)

    def peak(minutes):
        tracemalloc.start()
        try:
            recognizer.transcribe_stream(minute for _ in range(minutes))
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(3)
    assert peak(12) < 1.1 * peak(4)


def test_stretches_are_cut_behind_the_surest_blank():
    log_probs = np.log(np.full((10, 3), [0.2, 0.4, 0.4]))
    log_probs[6] = np.log([0.98, 0.01, 0.01])
    parts = list(cut_at_blanks([log_probs[:3], log_probs[3:]], 8))
    assert [(first, len(part)) for first, part in parts] == [(0, 7), (7, 3)]
    np.testing.assert_array_equal(np.concatenate([part for _, part in parts]), log_probs)
    assert list(cut_at_blanks([], 8)) == []


def test_nothing_is_heard_in_nothing(recognizer):
    assert recognizer.transcribe_stream([]) == []
    assert recognizer.log_probs(np.zeros((0, 40), np.float32)).shape == (0, 4)


def test_a_saved_recognizer_hears_the_same(recognizer, tmp_path):
    recognizer.save(tmp_path / "r.safetensors")
    loaded = Recognizer.load(tmp_path / "r.safetensors")
    waveform = recording(np.random.default_rng(0), EVENTS, 2.5)
    assert loaded.symbols == SYMBOLS
    assert loaded.transcribe(waveform, RATE) == recognizer.transcribe(waveform, RATE)


def test_mistakes_are_told(recognizer, tmp_path):
    with pytest.raises(ArgumentError, match="expected the sample_rate of a waveform"):
        recognizer.transcribe(np.zeros(100, np.float32))
    with pytest.raises(ArgumentError, match="expected a model with 41 classes"):
        Recognizer(recognizer.model, phones_of_11785())
    with pytest.raises(ArgumentError, match="trained on ready-made features"):
        Recognizer(recognizer.model, SYMBOLS).transcribe(np.zeros(100, np.float32), RATE)
    with pytest.raises(HandtorchError, match="run: make train LAB=hw3p2"):
        Recognizer.load(tmp_path / "none.safetensors")
    (tmp_path / "x.safetensors").write_bytes(b"no")
    with pytest.raises(FormatError, match="no trained network"):
        Recognizer.load(tmp_path / "x.safetensors")


# ---- the command -----------------------------------------------------------------------------------------------------


@pytest.fixture
def place(recognizer, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    recognizer.save(tmp_path / "runs/hw3p2/recognizer.safetensors")
    write(tmp_path / "said.flac", recording(np.random.default_rng(0), EVENTS, 2.5), RATE)
    return tmp_path


def command(*arguments):
    return CliRunner().invoke(app, ["transcribe", *arguments])


def test_the_command_prints_phones_and_times(place):
    done = command("said.flac")
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[-1] == "[SIL] IY AA [SIL] AA IY [SIL]"
    start, end, phone = lines[1].split()
    assert phone == "IY" and float(start) < 0.55 < float(end)
    assert not list(place.glob("*.png"))


def test_the_command_prints_json_and_draws_where_wanted(place):
    done = command("said.flac", "--beam", "3", "--json", "--out", "said.png")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    phones = [segment["phone"] for segment in found["segments"]]
    assert [phone for phone in phones if phone != "[SIL]"] == ["IY", "AA", "AA", "IY"]
    assert found["seconds"] == 2.5 and found["pictures"] == ["said.png"] and (place / "said.png").exists()
    assert read(place / "said.flac")[1] == RATE


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nowhere.wav"], "expected a recording at nowhere.wav, found no file"),
        (["said.flac", "--model", "other.safetensors"], "run: make train LAB=hw3p2"),
        (["said.flac", "--json", "--csv"], "choose one of --json and --csv"),
        (["said.flac", "--beam", "-1"], "--beam"),
    ],
)
def test_a_mistake_at_the_command_line_is_one_sentence(place, arguments, told):
    done = command(*arguments)
    assert done.exit_code in (1, 2) and told in done.stderr and "Traceback" not in done.stderr
