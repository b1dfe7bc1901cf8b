"""Labelled speech that needs no download: sentences spoken by installed engines, with the phone in every 10 ms.

==================  ============================================================================================
``phoneme_corpus``  the corpus: ``train``, ``dev``, ``test`` and ``shifted_sets()``
``Recipe``          how much of what it holds
``Split``           a sequence of ``Utterance``: waveform, features, frame labels, phones with times
==================  ============================================================================================

On the way there: ``text`` writes sentences, ``voices`` says who may speak where, ``recipe`` plans every utterance,
``espeak`` speaks, ``labels`` finds the phones, ``disturb`` adds noise and echo, ``worker`` and ``synthesis`` do that in
several processes, ``store`` puts it on disk. ``shifted`` does the same with ``flite``,
``festival`` and the recordings of ``asterisk``.
"""

from handtorch.audio.corpus.errors import MissingDataError, SynthesisError
from handtorch.audio.corpus.front import PhonemeCorpus, phoneme_corpus
from handtorch.audio.corpus.recipe import Recipe
from handtorch.audio.corpus.store import Split, Utterance
from handtorch.io.cache import CacheError

__all__ = [
    "CacheError",
    "MissingDataError",
    "PhonemeCorpus",
    "Recipe",
    "Split",
    "SynthesisError",
    "Utterance",
    "phoneme_corpus",
]
