import itertools
import tracemalloc

import numpy as np
import pytest
import safetensors.numpy

import handtorch
from handtorch.audio import MissingFileError, WindowedFrames, frame_windows, resample, write
from handtorch.audio.blocks import read_blocks
from handtorch.audio.frame_classifier import FrameClassifier
from handtorch.audio.hearing import LogMel
from handtorch.audio.phonemes import PHONEMES
from handtorch.errors import ArgumentError, FormatError
from handtorch.models import MLP

FEATURES = LogMel()


def untrained(context=3, features=FEATURES, hidden=(16,)):
    handtorch.manual_seed(1)
    model = MLP(40 * (2 * context + 1), hidden, len(PHONEMES)).eval()
    # Weights as large as after training, so that labels change every few frames.
    model.layers[-1].weight.array[...] *= 20
    return FrameClassifier(model, PHONEMES, context, features)


def murmur(seconds, rate=16_000, seed=0):
    """Noise whose colour and loudness wander, so that features do."""
    rng = np.random.default_rng(seed)
    loudness = np.repeat(10 ** rng.uniform(-3, -0.5, int(seconds * 8) + 1), rate // 8)[: int(seconds * rate)]
    noise = rng.standard_normal(int(seconds * rate)) * loudness
    return np.clip(noise + np.roll(noise, 1) * np.sin(np.arange(len(noise)) / 9000), -1, 1).astype(np.float32)


def test_what_was_saved_is_loaded_to_the_bit(tmp_path):
    classifier = untrained()
    classifier.save(tmp_path / "c.safetensors")
    again = FrameClassifier.load(tmp_path / "c.safetensors")
    assert (again.symbols, again.context, again.features) == (PHONEMES, 3, LogMel())
    features = np.random.default_rng(0).standard_normal((50, 40))
    np.testing.assert_array_equal(again.log_probs(features), classifier.log_probs(features))


def test_the_file_is_one_that_safetensors_reads(tmp_path):
    untrained().save(tmp_path / "c.safetensors")
    assert safetensors.numpy.load_file(tmp_path / "c.safetensors")["layers.0.weight"].shape == (16, 280)


def test_log_probs_are_the_networks_scores_of_each_window_normalised():
    classifier = untrained()
    features = np.random.default_rng(0).standard_normal((9000, 40)).astype(np.float32)
    scores = classifier.model(handtorch.from_numpy(frame_windows(features, 3).copy())).detach().numpy().astype(float)
    expected = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(classifier.log_probs(features), expected, atol=1e-3)


def test_predictions_of_many_utterances_are_those_of_each():
    classifier = untrained()
    rng = np.random.default_rng(0)
    utterances = [rng.standard_normal((length, 40)).astype(np.float32) for length in (30, 1, 5000)]
    together = classifier.predict(WindowedFrames(utterances, context=3))
    alone = [classifier.log_probs(x).argmax(axis=1) for x in utterances]
    np.testing.assert_array_equal(together, np.concatenate(alone))


def test_a_classifier_in_training_mode_predicts_as_in_evaluation_mode():
    classifier = untrained()
    features = np.random.default_rng(0).standard_normal((20, 40))
    expected = classifier.log_probs(features)
    classifier.model.train()
    np.testing.assert_array_equal(classifier.log_probs(features), expected)


@pytest.mark.parametrize("seconds", [0.05, 3.0, 150.0])
def test_segments_cover_the_recording_without_gaps(seconds):
    segments = untrained().label(murmur(seconds), 16_000)
    assert segments[0].start == 0.0
    assert segments[-1].end == pytest.approx(seconds)
    assert all(a.end == b.start and a.phone != b.phone for a, b in itertools.pairwise(segments))
    assert all(segment.end > segment.start for segment in segments)


def test_where_blocks_end_changes_nothing(monkeypatch):
    classifier, waveform = untrained(), murmur(150.0)
    in_blocks = classifier.label(waveform, 16_000)
    monkeypatch.setattr("handtorch.audio.frame_classifier._BLOCK_FRAMES", 10**6)
    at_once = classifier.label(waveform, 16_000)
    assert len(at_once) > 300
    assert in_blocks == at_once


def test_a_loud_stretch_is_found_where_it_is():
    model = MLP(40, [], len(PHONEMES))
    model.layers[0].weight.array[...] = 0
    model.layers[0].weight.array[PHONEMES.index("AA")] = 1
    model.layers[0].bias.array[...] = 0
    waveform = np.random.default_rng(0).standard_normal(32_000).astype(np.float32) * 1e-3
    waveform[8000:20_000] *= 300
    segments = FrameClassifier(model, PHONEMES, 0, LogMel()).label(waveform, 16_000)
    assert [segment.phone for segment in segments if segment.phone == "AA"] == ["AA"]
    found = next(segment for segment in segments if segment.phone == "AA")
    assert (found.start, found.end) == (pytest.approx(0.5, abs=0.02), pytest.approx(1.25, abs=0.02))


def test_other_sample_rates_are_changed_to_that_of_training():
    classifier, waveform = untrained(), murmur(4.0, 8000)
    assert classifier.label(waveform, 8000) == classifier.label(resample(waveform, 8000, 16_000), 16_000)


def test_no_samples_have_no_segments():
    assert untrained().label(np.zeros(0, np.float32), 16_000) == []


def test_a_long_file_is_labelled_in_the_memory_of_a_short_one(tmp_path):
    classifier = untrained()

    def peak(seconds):
        path = tmp_path / f"{seconds}.wav"
        write(path, np.tile(murmur(60.0), seconds // 60), 16_000)
        tracemalloc.start()
        segments = classifier.label_stream(read_blocks(path, classifier.sample_rate))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert segments[-1].end == pytest.approx(seconds)
        return most

    # Of the 13 minutes between them, as float32 samples alone would be, 50 MB.
    assert peak(900) - peak(120) < 8e6


def test_files_that_are_no_classifier_are_told_apart(tmp_path):
    with pytest.raises(MissingFileError, match="make train"):
        FrameClassifier.load(tmp_path / "c.safetensors")
    handtorch.save({"weight": handtorch.ones(2)}, tmp_path / "weights.safetensors")
    with pytest.raises(FormatError, match=r"got 'weights alone'.*classifier\.safetensors"):
        FrameClassifier.load(tmp_path / "weights.safetensors")
    (tmp_path / "text").write_text("hello, this is no classifier", "utf-8")
    with pytest.raises(FormatError):
        FrameClassifier.load(tmp_path / "text")


def test_a_file_with_settings_of_another_network_is_damaged(tmp_path):
    classifier = untrained()
    classifier.model.settings["hidden"] = [8]
    classifier.save(tmp_path / "c.safetensors")
    with pytest.raises(FormatError, match="damaged frame classifier"):
        FrameClassifier.load(tmp_path / "c.safetensors")


def test_a_network_of_other_widths_is_refused():
    with pytest.raises(ArgumentError, match="a multiple of 5 frames to 40 symbols, got one from 41 values to 40"):
        FrameClassifier(MLP(41, [], 40), PHONEMES, 2)


def test_a_classifier_of_ready_made_features_labels_features_only():
    classifier = untrained(features=None)
    assert classifier.log_probs(np.zeros((5, 40))).shape == (5, 40)
    with pytest.raises(ArgumentError, match="ready-made features"):
        classifier.label(np.zeros(16_000, np.float32), 16_000)
