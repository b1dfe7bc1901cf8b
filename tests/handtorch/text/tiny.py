"""Models so small that their answers are known."""

import contextlib
import threading

import handtorch
from handtorch import nn
from handtorch.models.language import LanguageModel, LSTMLanguageModel, TransformerLanguageModel
from handtorch.text import BytePairTokenizer, CharacterTokenizer, TextModel
from handtorch.text.server import Server, listening

# Seconds after which something that should have happened has not; a busy machine takes its time.
PATIENCE = 300

LETTERS = "abcdefghijklmnopqrstuvwxyz"


class State:
    """Nothing is remembered."""

    def select(self, rows):
        return self


class NextLetter(LanguageModel):
    """Says that the letter after the last one comes next, almost surely; a comes after z."""

    def __init__(self, vocabulary=26, first=0, sure=20.0, on_step=lambda: None):
        super().__init__()
        self.settings = {"vocabulary": vocabulary}
        self.first, self.sure, self.on_step = first, sure, on_step
        self.output = nn.Linear(vocabulary, vocabulary, bias=False)
        nn.init.zeros_(self.output.weight)
        for i in range(26):
            self.output.weight.array[first + (i + 1) % 26, first + i] = sure

    def read(self, tokens, state=None):
        self.on_step()
        return nn.functional.one_hot(tokens, self.vocabulary).float(), State()


def next_letter(**options):
    return TextModel(NextLetter(**options), CharacterTokenizer(LETTERS))


def random_lstm(tokenizer=None, seed=0):
    """Weights so large that some texts are much likelier than others."""
    handtorch.manual_seed(seed)
    tokenizer = tokenizer or CharacterTokenizer(LETTERS + " .\n")
    network = LSTMLanguageModel(len(tokenizer), 12, 16, 1)
    return TextModel(_loud(network), tokenizer)


def random_transformer(tokenizer=None, seed=0, **settings):
    handtorch.manual_seed(seed)
    tokenizer = tokenizer or CharacterTokenizer(LETTERS + " .\n")
    given = {"max_length": 32, "positions": "learned"} | settings
    return TextModel(_loud(TransformerLanguageModel(len(tokenizer), 16, 2, 2, **given)), tokenizer)


def byte_pairs():
    return BytePairTokenizer.train(["the cat and the hat and the bat"] * 3, 265, ["<|endoftext|>"])


def _loud(network):
    for parameter in network.parameters():
        parameter.array[...] = handtorch.randn(parameter.shape).array * 0.7
    return network.eval()


@contextlib.contextmanager
def serving(model, limits=None, name="tiny"):
    """The address of a server that answers for as long as the block lasts."""
    socket = listening("127.0.0.1", 0)
    server = Server(model, name, limits)
    thread = threading.Thread(target=server.run, args=([socket],))
    thread.start()
    try:
        yield f"http://127.0.0.1:{socket.getsockname()[1]}/v1"
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
        assert not thread.is_alive()
