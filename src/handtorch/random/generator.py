"""The generator: Mersenne Twister 19937, seeded, drawn from and stored as PyTorch's CPU generator is.

The words come from NumPy's legacy ``RandomState``, whose stream NumPy promises never to change, and which seeds a
state from one 32-bit number by the same recurrence (Matsumoto & Nishimura 1998, initialisation of 2002).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from handtorch.errors import ArgumentError, DtypeError, ShapeError
from handtorch.random.twins import twin

if TYPE_CHECKING:
    from handtorch.tensor import Tensor

STATE_WORDS = 624
DEFAULT_SEED = 67280421310721

# One C struct inside PyTorch; the names in it are historical. 5056 bytes.
STATE_LAYOUT = np.dtype(
    {
        "names": ["seed", "left", "seeded", "next", "words", "spare", "has_spare", "spare32", "has_spare32"],
        "formats": ["<u8", "<i4", "<i4", "<u8", ("<u8", STATE_WORDS), "<f8", "<i4", "<f4", "?"],
        "offsets": [0, 8, 12, 16, 24, 5024, 5040, 5048, 5052],
        "itemsize": 5056,
    }
)

_SHORT = 2048  # below this many words a call is cheaper than the work, and the call with the least overhead wins
_BLOCK = 1 << 16  # words made at once: they stay in the second-level cache while they become something else
_LOW_53 = (1 << 53) - 1


class SamplingError(ArgumentError, RuntimeError):
    """A seed, a state or a distribution's parameter that cannot be used; PyTorch raises RuntimeError for these."""


class Generator:
    """A source of random numbers: for one seed, the same ones as PyTorch's CPU generator.

    Args:
        device: only ``"cpu"``.

    A new generator starts from a fixed seed, as PyTorch's does. Samplers hold ``lock`` while they draw, so that
    threads sharing a generator each get an unbroken stretch of its numbers.
    """

    __slots__ = ("__weakref__", "_bits", "_memory", "_seed", "_twister", "lock", "spare_float", "spare_normal")

    def __init__(self, device: str = "cpu") -> None:
        if str(device).partition(":")[0] != "cpu":
            raise SamplingError(f"Generator: expected device 'cpu', got '{device}'; Handtorch computes on the CPU only")
        self.lock = threading.RLock()
        self._twister: Any = None
        self._bits: Any = None
        self._memory: Any = None
        self.manual_seed(DEFAULT_SEED)

    def __repr__(self) -> str:
        return f"Generator(device='cpu', initial_seed={self._seed})"

    @property
    def device(self) -> str:
        """Where the numbers are made: always ``"cpu"``."""
        return "cpu"

    # --- seeds

    def manual_seed(self, seed: int) -> Generator:
        """Start over from ``seed``, any integer of [-2**63, 2**64); its low 32 bits decide the numbers.

        Returns:
            The generator itself.

        Raises:
            SamplingError: a seed outside that range.
        """
        seed = int(seed)
        if not -(2**63) <= seed < 2**64:
            raise SamplingError(f"manual_seed: expected a seed in [-2**63, 2**64), got {seed}")
        with self.lock:
            self._seed = seed % 2**64
            self.spare_normal: float | None = None
            self.spare_float: float | None = None
            if self._twister is not None:
                self._twister.seed(self._seed & 0xFFFFFFFF)
        return self

    def seed(self) -> int:
        """Start over from a number of the operating system's, of 53 bits, and return it."""
        seed = int.from_bytes(os.urandom(8), "little") >> 11
        self.manual_seed(seed)
        return seed

    def initial_seed(self) -> int:
        """The seed that the present stream started from."""
        return self._seed

    # --- words: the only thing that the samplers ask for (callers hold the lock)

    def words(self, count: int) -> NDArray[np.uint32]:
        """The next ``count`` words of 32 bits."""
        if self._twister is None:
            self._start()
        if count < _SHORT:
            return self._bits.random_raw(count).astype(np.uint32)
        if compiled := twin("generator", count):
            out = np.empty(count, np.uint32)
            compiled.draw(self._state_of(compiled), out)
            return out
        return self._twister.randint(0, 1 << 32, count, dtype=np.uint32)

    def long_words(self, count: int) -> NDArray[np.uint64]:
        """The next ``count`` words of 64 bits, each made of two of 32 bits, the high half drawn first."""
        if self._twister is None:
            self._start()
        if count < _SHORT:
            halves = self._bits.random_raw(2 * count)
            return halves[0::2] << 32 | halves[1::2]
        if compiled := twin("generator", count):
            out = np.empty(count, np.uint64)
            compiled.draw_long(self._state_of(compiled), out)
            return out
        return self._twister.randint(0, 1 << 64, count, dtype=np.uint64)

    def units32(self, count: int) -> NDArray[np.float32]:
        """The next ``count`` float32 numbers of [0, 1): multiples of 2**-24 made of the low bits of one word each."""
        out = np.empty(count, np.float32)
        for part, words in self._pieces(out, self.words):
            words &= 0xFFFFFF
            part[...] = words.view(np.int32)  # signed integers have the faster conversion
            part *= np.float32(2.0**-24)
        return out

    def units64(self, count: int) -> NDArray[np.float64]:
        """The next ``count`` float64 numbers of [0, 1): multiples of 2**-53 made of the low bits of two words each."""
        out = np.empty(count, np.float64)
        for part, words in self._pieces(out, self.long_words):
            words &= _LOW_53
            part[...] = words.view(np.int64)
            part *= 2.0**-53
        return out

    def below(self, limit: int, count: int) -> NDArray[np.bool_]:
        """Whether each of the next ``count`` numbers of 53 bits, the low ones of two words, is below ``limit``."""
        out = np.empty(count, np.bool_)
        if compiled := twin("generator", count):
            if self._twister is None:
                self._start()
            compiled.below(self._state_of(compiled), np.uint64(limit), out)
            return out
        for part, words in self._pieces(out, self.long_words):
            words &= _LOW_53
            np.less(words, np.uint64(limit), out=part)
        return out

    def _pieces(
        self, out: NDArray[Any], draw: Callable[[int], NDArray[Any]]
    ) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
        """``out`` in blocks, each with as many newly drawn words."""
        twin("generator", out.size)  # the request as a whole decides whether Numba is loaded
        for start in range(0, out.size, _BLOCK):
            part = out[start : start + _BLOCK]
            yield part, draw(part.size)

    def skip(self, count: int) -> None:
        """Pass over ``count`` words of 32 bits."""
        if self._twister is None:
            self._start()
        self._bits.random_raw(count, output=False)

    def _start(self) -> None:
        """Make the engine at the first draw: ``numpy.random`` takes longer to import than the rest of this package."""
        from numpy.random import MT19937, RandomState

        self._bits = MT19937(0)
        self._twister = RandomState(self._bits)
        self._twister.seed(self._seed & 0xFFFFFFFF)

    def _state_of(self, compiled: Any) -> NDArray[np.uint32]:
        """The engine's state in memory, from which compiled code draws."""
        if self._memory is None:
            self._memory = compiled.memory(self._bits)
        return self._memory

    # --- states

    def position(self) -> tuple[Any, float | None, float | None]:
        """Where the stream stands, for :meth:`return_to`; cheaper than a state and meaningful here only."""
        if self._twister is None:
            self._start()
        return self._twister.get_state(), self.spare_normal, self.spare_float

    def return_to(self, position: tuple[Any, float | None, float | None]) -> None:
        """Go back to a :meth:`position`."""
        words, self.spare_normal, self.spare_float = position
        self._twister.set_state(words)

    def state_bytes(self) -> NDArray[np.uint8]:
        """The state as PyTorch stores it, shape (5056,)."""
        record = np.zeros((), STATE_LAYOUT)
        with self.lock:
            (_, words, place, *_), spare_normal, spare_float = self.position()
            record["seed"] = self._seed
            record["seeded"] = 1
            record["left"] = STATE_WORDS + 1 - place
            record["next"] = 0 if self._untouched(words, place) else place
            record["words"] = words
            if spare_normal is not None:
                record["spare"], record["has_spare"] = spare_normal, 1
            if spare_float is not None:
                record["spare32"], record["has_spare32"] = spare_float, True
        return np.frombuffer(record.tobytes(), np.uint8).copy()

    def _untouched(self, words: NDArray[np.uint32], place: int) -> bool:
        """Whether no word was drawn since seeding: the first two of the state are still the seed's."""
        first = self._seed & 0xFFFFFFFF
        second = (1812433253 * (first ^ (first >> 30)) + 1) & 0xFFFFFFFF
        return place == STATE_WORDS and int(words[0]) == first and int(words[1]) == second

    def load_state_bytes(self, state: NDArray[np.uint8]) -> None:
        """Continue from a state that :meth:`state_bytes` or PyTorch made.

        Raises:
            DtypeError: the state is not of bytes.
            ShapeError: it has not 5056 of them.
            SamplingError: the bytes are no state of this generator.
        """
        if state.dtype != np.uint8:
            raise DtypeError(f"set_state: expected a state of type uint8, got {state.dtype}")
        if state.size != STATE_LAYOUT.itemsize:
            raise ShapeError(f"set_state: expected a state of {STATE_LAYOUT.itemsize} bytes, got {state.size}")
        record = np.frombuffer(state.tobytes(), STATE_LAYOUT)[0]
        left = int(record["left"])
        if not (record["seeded"] and 0 < left <= STATE_WORDS and record["next"] <= STATE_WORDS):
            raise SamplingError("set_state: expected bytes made by get_state, got bytes that are no mt19937 state")
        with self.lock:
            if self._twister is None:
                self._start()
            self._seed = int(record["seed"])
            spare_normal = float(record["spare"]) if record["has_spare"] else None
            spare_float = float(record["spare32"]) if record["has_spare32"] else None
            words = record["words"].astype(np.uint32)
            self.return_to((("MT19937", words, STATE_WORDS + 1 - left), spare_normal, spare_float))

    def get_state(self) -> Tensor:
        """The state as a uint8 tensor of shape (5056,), which PyTorch's ``set_state`` understands too."""
        from handtorch import from_numpy

        return from_numpy(self.state_bytes())

    def set_state(self, new_state: Tensor) -> None:
        """Continue from ``new_state``, a uint8 tensor of shape (5056,) that :meth:`get_state` made, here or in PyTorch.

        Raises:
            DtypeError, ShapeError, SamplingError: see :meth:`load_state_bytes`.
        """
        self.load_state_bytes(np.asarray(getattr(new_state, "array", new_state)))

    def clone_state(self) -> Generator:
        """A new generator that stands where this one stands."""
        clone = Generator()
        clone.load_state_bytes(self.state_bytes())
        return clone

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self.state_bytes().tobytes(),)


def _restore(state: bytes) -> Generator:
    """A pickled or copied generator back from the bytes of its state."""
    generator = Generator()
    generator.load_state_bytes(np.frombuffer(state, np.uint8))
    return generator


default_generator = Generator()
default_generator.seed()


def resolve(generator: Generator | None) -> Generator:
    """The generator to draw from: the one that was asked for, or the default one."""
    return default_generator if generator is None else generator
