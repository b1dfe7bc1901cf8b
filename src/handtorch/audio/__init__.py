"""Speech: recordings in, features out, and the data sets that come with labels.

===================  =====================================================================================
module               what it holds
===================  =====================================================================================
``files``            ``read`` and ``write`` for wav, flac and ogg; ``read`` also takes NIST SPHERE
``resampling``       ``resample``: windowed-sinc change of the sample rate
``framing``          ``pre_emphasis``, ``frame``, ``frame_times``, ``get_window``
``spectrum``         ``stft``, ``istft``, ``power_spectrum``, ``power_to_db``, ``db_to_power``
``mel``              ``mel_filterbank``, ``mel_spectrogram``, ``log_mel``
``cepstrum``         ``mfcc``, ``mfcc_from_log_mel``, ``deltas``, ``with_deltas``
``normalise``        ``mean_variance_normalise``, ``sliding_normalise``, ``RunningStatistics``
``augment``          ``add_noise``, ``coloured_noise``, ``gain``, ``change_speed``: on waveforms
``specaugment``      ``spec_augment``, ``mask_time``, ``mask_frequency``, ``time_warp``, ``frequency_warp``
``edit_distance``    ``levenshtein``, ``edits``: how a hypothesis differs from its reference
``metrics``          ``per``, ``wer``, ``cer``, ``error_rate``, ``confusions``
``edit_view``        ``edit_lines``, ``edit_page``: the edits in colours, on a terminal and as HTML
``windows``          ``frame_windows``, ``WindowedFrames``: every frame with its neighbours
``decode``           from log probabilities of frames to symbols: greedy, beam search, language models, lexica
``datasets``         readers of the 11-785, LibriSpeech, TIMIT and Tux Paint layouts
``phonemes``         the phones that a recognizer tells apart
``recognizer``       ``Recognizer``: a trained network, from a recording of any length to its phones
``corpus``           the synthesised phoneme corpus
``symbols``          the classes of a recognizer: phones or characters, and the blank
``examples``         ``Examples``: features and target symbols of any data set's recordings
``batching``         ``pad_batch``: utterances of different lengths in one batch
===================  =====================================================================================

A waveform is float32 of shape (S,), S samples within [-1, 1], and travels beside its sample rate in Hz.
Features are float32 of shape (T, F), T frames of F values. A module is imported when one of its names is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from handtorch.lazy import lazy_names

if TYPE_CHECKING:
    from handtorch.audio.augment import add_noise as add_noise
    from handtorch.audio.augment import change_speed as change_speed
    from handtorch.audio.augment import coloured_noise as coloured_noise
    from handtorch.audio.augment import gain as gain
    from handtorch.audio.cepstrum import deltas as deltas
    from handtorch.audio.cepstrum import mfcc as mfcc
    from handtorch.audio.cepstrum import mfcc_from_log_mel as mfcc_from_log_mel
    from handtorch.audio.cepstrum import with_deltas as with_deltas
    from handtorch.audio.edit_distance import edits as edits
    from handtorch.audio.edit_distance import levenshtein as levenshtein
    from handtorch.audio.edit_view import edit_lines as edit_lines
    from handtorch.audio.edit_view import edit_page as edit_page
    from handtorch.audio.files import MissingFileError as MissingFileError
    from handtorch.audio.files import read as read
    from handtorch.audio.files import write as write
    from handtorch.audio.framing import frame as frame
    from handtorch.audio.framing import frame_times as frame_times
    from handtorch.audio.framing import get_window as get_window
    from handtorch.audio.framing import pre_emphasis as pre_emphasis
    from handtorch.audio.mel import hz_to_mel as hz_to_mel
    from handtorch.audio.mel import log_mel as log_mel
    from handtorch.audio.mel import mel_filterbank as mel_filterbank
    from handtorch.audio.mel import mel_spectrogram as mel_spectrogram
    from handtorch.audio.mel import mel_to_hz as mel_to_hz
    from handtorch.audio.metrics import ErrorRate as ErrorRate
    from handtorch.audio.metrics import cer as cer
    from handtorch.audio.metrics import confusions as confusions
    from handtorch.audio.metrics import error_rate as error_rate
    from handtorch.audio.metrics import per as per
    from handtorch.audio.metrics import wer as wer
    from handtorch.audio.normalise import RunningStatistics as RunningStatistics
    from handtorch.audio.normalise import mean_variance_normalise as mean_variance_normalise
    from handtorch.audio.normalise import sliding_normalise as sliding_normalise
    from handtorch.audio.resampling import resample as resample
    from handtorch.audio.specaugment import frequency_warp as frequency_warp
    from handtorch.audio.specaugment import mask_frequency as mask_frequency
    from handtorch.audio.specaugment import mask_time as mask_time
    from handtorch.audio.specaugment import spec_augment as spec_augment
    from handtorch.audio.specaugment import time_warp as time_warp
    from handtorch.audio.spectrum import db_to_power as db_to_power
    from handtorch.audio.spectrum import istft as istft
    from handtorch.audio.spectrum import power_spectrum as power_spectrum
    from handtorch.audio.spectrum import power_to_db as power_to_db
    from handtorch.audio.spectrum import stft as stft
    from handtorch.audio.windows import WindowedFrames as WindowedFrames
    from handtorch.audio.windows import frame_windows as frame_windows

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "augment": ("add_noise", "change_speed", "coloured_noise", "gain"),
        "cepstrum": ("deltas", "mfcc", "mfcc_from_log_mel", "with_deltas"),
        "edit_distance": ("edits", "levenshtein"),
        "edit_view": ("edit_lines", "edit_page"),
        "files": ("MissingFileError", "read", "write"),
        "framing": ("frame", "frame_times", "get_window", "pre_emphasis"),
        "mel": ("hz_to_mel", "log_mel", "mel_filterbank", "mel_spectrogram", "mel_to_hz"),
        "metrics": ("ErrorRate", "cer", "confusions", "error_rate", "per", "wer"),
        "normalise": ("RunningStatistics", "mean_variance_normalise", "sliding_normalise"),
        "resampling": ("resample",),
        "specaugment": ("frequency_warp", "mask_frequency", "mask_time", "spec_augment", "time_warp"),
        "spectrum": ("db_to_power", "istft", "power_spectrum", "power_to_db", "stft"),
        "windows": ("WindowedFrames", "frame_windows"),
    },
    submodules=("batching", "corpus", "datasets", "decode", "examples", "phonemes", "symbols"),
)
