"""Twins of the generator's words, and of whole numbers and permutations made of them.

The twist works on the state where NumPy's engine keeps it, so that plain and compiled draws follow each other in one
stream. NumPy makes its 624 words one by one; the loops here have no branch and no dependence within 227 words, and
run in vector registers.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from numpy.random import MT19937
from numpy.typing import NDArray

from handtorch.kernels.compile import exact_kernel

_N, _M = 624, 397
_UPPER, _LOWER, _TWIST = np.uint32(0x80000000), np.uint32(0x7FFFFFFF), np.uint32(0x9908B0DF)
_ZERO, _ONE = np.uint32(0), np.uint32(1)
_HIGH_21 = np.uint32((1 << 21) - 1)
_BLOCK = 4096  # words drawn at once where they turn into something else: they stay in the first-level cache


def memory(engine: MT19937) -> NDArray[np.uint32]:
    """The state of NumPy's engine as it lies in memory, shape (625,): 624 words and the place of the next one.

    It is valid for as long as the engine lives.
    """
    words = (ctypes.c_uint32 * (_N + 1)).from_address(engine.ctypes.state_address)
    return np.ctypeslib.as_array(words)


def _layout_is_known() -> bool:
    engine = MT19937(0)
    state: Any = engine.state["state"]
    return np.array_equal(memory(engine), [*state["key"], state["pos"]])


#: Whether NumPy keeps the state as these kernels expect it; no promise of NumPy's says so.
EXACT = _layout_is_known()


@exact_kernel
def _mixed(word: Any, following: Any) -> Any:
    y = (word & _UPPER) | (following & _LOWER)
    return (y >> _ONE) ^ (_TWIST if y & _ONE else _ZERO)


@exact_kernel
def _twist(state: Any) -> None:
    """The next 624 words of the recurrence x[k + 624] = x[k + 397] ^ mixed(x[k], x[k + 1]), over the last ones."""
    for i in range(_N - _M):
        state[i] = state[i + _M] ^ _mixed(state[i], state[i + 1])
    for i in range(_M - 1):
        state[i + _N - _M] = state[i] ^ _mixed(state[i + _N - _M], state[i + _N - _M + 1])
    state[_N - 1] = state[_M - 1] ^ _mixed(state[_N - 1], state[0])
    state[_N] = 0


@exact_kernel
def _temper(state: Any, out: Any) -> None:
    for i in range(out.size):
        y = state[i]
        y ^= y >> np.uint32(11)
        y ^= (y << np.uint32(7)) & np.uint32(0x9D2C5680)
        y ^= (y << np.uint32(15)) & np.uint32(0xEFC60000)
        out[i] = y ^ (y >> np.uint32(18))


@exact_kernel
def draw(state: Any, out: Any) -> None:
    """Fill ``out`` with words of 32 bits."""
    done = 0
    while done < out.size:
        if state[_N] >= _N:
            _twist(state)
        place = np.int64(state[_N])
        count = min(_N - place, out.size - done)
        _temper(state[place : place + count], out[done : done + count])
        state[_N] = place + count
        done += count


@exact_kernel
def draw_long(state: Any, out: Any) -> None:
    """Fill ``out`` with words of 64 bits, the high half drawn first."""
    halves = np.empty(2 * _BLOCK, np.uint32)
    for start in range(0, out.size, _BLOCK):
        part = out[start : start + _BLOCK]
        draw(state, halves[: 2 * part.size])
        for i in range(part.size):
            part[i] = np.uint64(halves[2 * i]) << np.uint64(32) | np.uint64(halves[2 * i + 1])


@exact_kernel
def _remainder(word: Any, width: Any) -> Any:
    """``word`` modulo ``width``, both at most 2**32.

    Processors divide floats side by side, whole numbers one by one. The quotient of two such numbers is at least
    1 / width below the next whole number, and is rounded by less: its whole part is right.
    """
    word, width = np.float64(word), np.float64(width)
    return np.int64(word - np.floor(word / width) * width)


@exact_kernel
def remainders(words: Any, width: Any, low: Any, out: Any) -> None:
    """``low`` + each word modulo ``width``, as int64."""
    for i in range(words.size):
        out[i] = low + _remainder(words[i], width)


@exact_kernel
def shuffle(words: Any, order: Any) -> None:
    """Swap place i of ``order`` with place i + (word i modulo what is left), for all places but the last."""
    partners = np.empty(_BLOCK, np.int64)
    for start in range(0, words.size, _BLOCK):
        part = words[start : start + _BLOCK]
        for i in range(part.size):
            partners[i] = start + i + _remainder(part[i], order.size - start - i)
        for i in range(part.size):
            j = partners[i]
            order[start + i], order[j] = order[j], order[start + i]


@exact_kernel
def below(state: Any, limit: Any, out: Any) -> None:
    """Whether each of the next numbers of 53 bits, made of two words of which the first is higher, is below ``limit``."""
    words = np.empty(2 * _BLOCK, np.uint32)
    high, low = np.uint32(limit >> np.uint64(32)), np.uint32(limit & np.uint64(0xFFFFFFFF))
    for start in range(0, out.size, _BLOCK):
        part = out[start : start + _BLOCK]
        draw(state, words[: 2 * part.size])
        for i in range(part.size):
            above, under = words[2 * i] & _HIGH_21, words[2 * i + 1]
            part[i] = (above < high) | ((above == high) & (under < low))
