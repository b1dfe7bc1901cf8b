"""From text to whole numbers and back.

==================  ==================================================================================================
``tokenizer``       ``Tokenizer``: what all have: ``encode``, ``decode``, ``vocabulary``, ``settings``, ``save``
``characters``      ``CharacterTokenizer``: every character is a token
``words``           ``WordTokenizer``: words that are frequent enough are tokens
``byte_pairs``      ``BytePairTokenizer``: pieces of words, on bytes or characters; reads GPT-2's files
==================  ==================================================================================================
"""

from handtorch.text.tokenizers.byte_pairs import BytePairTokenizer
from handtorch.text.tokenizers.characters import CharacterTokenizer
from handtorch.text.tokenizers.tokenizer import Tokenizer
from handtorch.text.tokenizers.words import WordTokenizer

__all__ = ["BytePairTokenizer", "CharacterTokenizer", "Tokenizer", "WordTokenizer"]
