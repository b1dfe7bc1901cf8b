"""Readers of texts that people have on disk or can install.

==================  ==================================================================================================
``shakespeare``     ``Shakespeare``: plays and poems, split by play
``wikitext``        ``WikiText``: articles as token ids or as text
``texts``           ``Texts``: what data sets of texts share
==================  ==================================================================================================
"""

from handtorch.text.datasets.shakespeare import Shakespeare
from handtorch.text.datasets.texts import Texts
from handtorch.text.datasets.wikitext import WikiText

__all__ = ["Shakespeare", "Texts", "WikiText"]
