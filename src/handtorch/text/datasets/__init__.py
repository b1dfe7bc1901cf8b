"""Readers of texts that people have on disk or can install.

==================  ==================================================================================================
``shakespeare``     ``Shakespeare``: plays and poems, split by play
``wikitext``        ``WikiText``: articles as token ids or as text
``chinese_poems``   ``ChinesePoems``: of the Tang and the Song dynasty, by character
``pronunciations``  ``Pronunciations``: English words and their phones
``verses``          ``Verses``: the Bible in English and Spanish
``text_pairs``      ``TextPairs``: of any file with tabs
``texts``           ``Texts``: what data sets of texts share
==================  ==================================================================================================
"""

from handtorch.text.datasets.chinese_poems import ChinesePoems
from handtorch.text.datasets.pronunciations import Pronunciation, Pronunciations
from handtorch.text.datasets.shakespeare import Shakespeare
from handtorch.text.datasets.text_pairs import TextPair, TextPairs
from handtorch.text.datasets.texts import Texts
from handtorch.text.datasets.verses import Verse, Verses
from handtorch.text.datasets.wikitext import WikiText

__all__ = [
    "ChinesePoems",
    "Pronunciation",
    "Pronunciations",
    "Shakespeare",
    "TextPair",
    "TextPairs",
    "Texts",
    "Verse",
    "Verses",
    "WikiText",
]
