"""Parts of augmentations by the compiled library, on NumPy arrays in float32."""

from __future__ import annotations

import ctypes
import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from kapre._native import Library
from kapre.ops.kernels import _on_host
from kapre.ops.kernels._blocks import Stages
from kapre.ops.kernels._native_plan import Plan

_LARGEST = 32768
_MOST_PLACES = 100
_NO_MEMORY, _MESSAGE = 3, 256
_int, _long, _pointer, _text = ctypes.c_int32, ctypes.c_int64, ctypes.c_void_p, ctypes.c_char_p


class _Cascade(ctypes.Structure):
    _fields_ = (
        ("samples", _pointer),
        ("rows", _long),
        ("time", _long),
        ("sections", _pointer),
        ("count", _int),
        ("threads", _int),
        ("filtered", _pointer),
        ("instructions", _text),
    )


class _Mixture(ctypes.Structure):
    _fields_ = (
        ("samples", _pointer),
        ("rows", _long),
        ("channels", _long),
        ("time", _long),
        ("keys", _pointer),
        ("noise", _pointer),
        ("noise_channels", _long),
        ("ratios", _pointer),
        ("lengths", _pointer),
        ("adds", _int),
        ("threads", _int),
        ("mixed", _pointer),
        ("instructions", _text),
    )


class _Convolution(ctypes.Structure):
    _fields_ = (
        ("samples", _pointer),
        ("rows", _long),
        ("time", _long),
        ("responses", _pointer),
        ("count", _long),
        ("taps", _long),
        ("which", _pointer),
        ("starts", _pointer),
        ("size", _long),
        ("threads", _int),
        ("convolved", _pointer),
        ("instructions", _text),
    )


class _Selection(ctypes.Structure):
    _fields_ = (
        ("samples", _pointer),
        ("rows", _long),
        ("time", _long),
        ("places", _pointer),
        ("count", _int),
        ("threads", _int),
        ("found", _pointer),
        ("after", _pointer),
    )


def _address(array: np.ndarray | None) -> int | None:
    return None if array is None else array.ctypes.data


def _fresh(shape: tuple[int, ...]) -> np.ndarray:
    """Return memory for a result, of which every number is to be written."""
    return _on_host.empty(shape, "float32")


def _rows(array: np.ndarray, lead: tuple[int, ...], dtype: str, axes: int = 1) -> np.ndarray:
    """Return an array, which broadcasts over the first axes, as contiguous rows of its last axes."""
    trailing = array.shape[array.ndim - axes :]
    whole = np.broadcast_to(array, (*lead, *trailing))
    return np.ascontiguousarray(whole, dtype).reshape(math.prod(lead), *trailing)


class Effects:
    """The functions of the library on arrays. None of them writes to its arguments, unless it says so.

    Args:
        library: The library.
        threads: A function that returns how many threads a call may use.
        instructions: The instruction set to use, or None for the best of this machine.
    """

    def __init__(self, library: Library, threads: Callable[[], int], instructions: str | None = None) -> None:
        self._library = library
        self._threads = threads
        self._instructions = None if instructions is None else instructions.encode()

    def white(self, keys: np.ndarray, size: int) -> np.ndarray:
        """Return the noise of `kapre.ops.noise.white` for int32 keys: `(..., 2)` to `(..., size)`."""
        own = _rows(keys, keys.shape[:-1], "int32")
        noise = _fresh((len(own), size))
        self._mix(_Mixture(rows=len(own), channels=1, time=size, keys=_address(own)), noise)
        return noise.reshape(*keys.shape[:-1], size)

    def mixed(
        self,
        x: np.ndarray,
        noise: np.ndarray | None,
        keys: np.ndarray | None,
        ratio: np.ndarray,
        lengths: np.ndarray | None,
        per_channel: bool,
        adds: bool,
        reuses: bool,
    ) -> np.ndarray:
        """Return noise scaled to the level of a signal, and added to it or not; see `Kernel.mixed`.

        With `reuses`, the result may be written to the memory of the noise.
        """
        batch, channels, time = x.shape
        lead = (batch, channels) if per_channel else (batch, 1)
        rows, of_row = math.prod(lead), 1 if per_channel else channels
        samples = np.ascontiguousarray(x)
        call = _Mixture(rows=rows, channels=of_row, time=time, adds=adds, samples=_address(samples))
        held: list[np.ndarray] = [_rows(ratio, lead, "float32", axes=0)]
        call.ratios = _address(held[0])
        result = None
        if keys is not None:
            held.append(_rows(keys, lead, "int32"))
            call.keys = _address(held[-1])
        elif noise is not None:
            call.noise_channels = 1 if per_channel else noise.shape[1]
            shape = (batch, channels if per_channel else noise.shape[1], time)
            same = noise if noise.shape == shape else np.broadcast_to(noise, shape)  # which cannot be written to
            held.append(np.ascontiguousarray(same))
            call.noise = _address(held[-1])
            fits = reuses and held[-1].shape == x.shape and held[-1].flags.writeable
            result = held[-1] if fits else None
        if lengths is not None:
            held.append(_rows(np.reshape(lengths, (-1, 1)), lead, "int64", axes=0))
            call.lengths = _address(held[-1])
        result = _fresh(x.shape) if result is None else result
        self._mix(call, result)
        return result

    def _mix(self, call: _Mixture, mixed: np.ndarray) -> None:
        call.threads, call.mixed, call.instructions = self._threads(), _address(mixed), self._instructions
        _check(self._library.mix, call)

    def filtered(self, x: np.ndarray, sums: np.ndarray) -> np.ndarray:
        """Filter `(batch, channel, time)` by sections `(batch, channel or 1, sections, 2, 3)` of each item."""
        samples = np.ascontiguousarray(x)
        sections = _rows(sums, x.shape[:-1], "float32", axes=3)
        y = _fresh(x.shape)
        rows, count = sections.shape[:2]
        call = _Cascade(
            _address(samples),
            rows,
            x.shape[-1],
            _address(sections),
            count,
            self._threads(),
            _address(y),
            self._instructions,
        )
        _check(self._library.filter, call)
        return y

    def convolved(
        self, x: np.ndarray, taps: np.ndarray, which: np.ndarray, starts: np.ndarray, size: int
    ) -> np.ndarray | None:
        """Return `size` samples of convolutions from `starts` on, or None if the responses are too long.

        Args:
            x: Samples `(..., time)`.
            taps: Responses `(n, taps)`.
            which: The response of each row, which broadcasts to `(...)`.
            starts: The first sample of each row's result, which broadcasts to `(...)`.
            size: Number of samples.
        """
        lead, time = x.shape[:-1], x.shape[-1]
        plan = _plan(self._library, size, taps.shape[-1])
        if plan is None:
            return None
        samples, responses = np.ascontiguousarray(x), np.ascontiguousarray(taps)
        own, first = (_rows(numbers, lead, "int64", axes=0) for numbers in (which, starts))
        y = _fresh((*lead, size))
        call = _Convolution(
            _address(samples),
            len(own),
            time,
            _address(responses),
            *responses.shape,
            _address(own),
            _address(first),
            size,
            self._threads(),
            _address(y),
            self._instructions,
        )
        _check(functools.partial(self._library.convolve, plan.memory.ctypes.data, plan.memory.nbytes), call)
        return y

    def order_statistics(self, x: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
        """Return entries of the sorted last axis; see `Kernel.order_statistics`. None if there are too many places."""
        if not 0 < places.shape[-1] <= _MOST_PLACES or x.shape[-1] >= 2**31 - 1:
            return None
        samples, own = np.ascontiguousarray(x), _rows(places, x.shape[:-1], "int32")
        found = _fresh((2, *own.shape))
        call = _Selection(
            _address(samples),
            len(own),
            x.shape[-1],
            _address(own),
            own.shape[-1],
            self._threads(),
            _address(found[0]),
            _address(found[1]),
        )
        _check(self._library.select, call)
        below, after = found.reshape(2, *x.shape[:-1], own.shape[-1])
        return below, after


def _check(function: Callable[..., int], call: ctypes.Structure) -> None:
    message = ctypes.create_string_buffer(_MESSAGE)
    code = function(ctypes.byref(call), message, _MESSAGE)
    if code:
        error = MemoryError if code == _NO_MEMORY else RuntimeError
        raise error(f"kapre-native could not compute this: {message.value.decode()}")


_SIZES = sorted(factor << power for factor in (1, 3, 5) for power in range(6, 16) if factor << power <= _LARGEST)


def block_size(size: int, taps: int) -> int | None:
    """Return the points of the DFT that takes the least time for `size` samples, or None if no DFT is long enough.

    A DFT of n points gives `n - taps + 1` samples. One that gives fewer than `n / 8` would take more time than the
    framework's. The size does not depend on the batch, and neither do the results.
    """

    def cost(points: int) -> float:
        blocks: int = -(-max(1, size) // (points - taps + 1))
        return blocks * points * math.log2(points)

    return min((points for points in _SIZES if points - taps + 1 >= points // 8), key=cost, default=None)


@functools.lru_cache(maxsize=64)
def _plan(library: Library, size: int, taps: int) -> Plan | None:
    points = block_size(size, taps)
    return None if points is None else _plan_of(library, points)


@functools.lru_cache(maxsize=32)
def _plan_of(library: Library, points: int) -> Plan:
    one: dict[str, Any] = dict(size=1, hop=1, window=np.ones(1), n_fft=points, power=None, groups=None, log=None)
    return Plan(library, Stages(**one, amin=0.0, amin_by="max", ref_value=1.0, reference=0.0, is_inverse=True))
