"""Plans of the compiled library, made from `Stages`, and calls of them. The structures are those of its header."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
from typing import Any

import numpy as np

from kapre._native import Library, library
from kapre.ops.kernels._blocks import Edges, Stages

PADDINGS = ("constant", "reflect", "symmetric", "edge")
_SPECTRA = {1.0: 1, 2.0: 2, None: 3}
_INVERSE = 4
_LOGS = (None, "ln", "log10", "db")
_UNSUPPORTED, _NO_MEMORY = 1, 3
_MESSAGE = 256

_int, _long, _float, _pointer = ctypes.c_int32, ctypes.c_int64, ctypes.c_float, ctypes.c_void_p


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Description(ctypes.Structure):
    _fields_ = (
        ("frame_length", _int),
        ("hop_length", _int),
        ("n_fft", _int),
        ("remove_dc", _int),
        ("energy", _int),
        ("least_energy", _float),
        ("preemphasis", _float),
        ("preemphasis_first", _int),
        ("window_length", _int),
        ("window", _pointer),
        ("spectrum", _int),
        ("magnitude_epsilon", _float),
        ("bands", _int),
        ("band_first", _pointer),
        ("band_size", _pointer),
        ("weights", _pointer),
        ("log", _int),
        ("amin_is_added", _int),
        ("amin", _float),
        ("reference", _float),
    )


class _Call(ctypes.Structure):
    _fields_ = (
        ("samples", _pointer),
        ("items", _long),
        ("item_stride", _long),
        ("time", _long),
        ("lengths", _pointer),
        ("left", _long),
        ("right", _long),
        ("padding", _int),
        ("threads", _int),
        ("frames", _long),
        ("features", _pointer),
        ("energies", _pointer),
        ("instructions", ctypes.c_char_p),
    )


class _Inversion(ctypes.Structure):
    _fields_ = (
        ("spectra", _pointer),
        ("items", _long),
        ("frames", _long),
        ("counts", _pointer),
        ("left", _long),
        ("right", _long),
        ("time", _long),
        ("normalise", _int),
        ("threads", _int),
        ("samples", _pointer),
        ("instructions", ctypes.c_char_p),
    )


class Plan:
    """A plan of the library: a block of memory, which many threads may run.

    Args:
        library: The library.
        stages: What the plan computes. A `NotImplementedError` says what the library cannot do.
        instructions: The instruction set to use, or None for the best of this machine.
    """

    def __init__(self, library: Library, stages: Stages, instructions: str | None = None) -> None:
        if stages.magnitude_epsilon and stages.magnitude_epsilon_by != "add":
            raise NotImplementedError("the library adds the epsilon under the root of the magnitude")
        self._library = library
        self._instructions = None if instructions is None else instructions.encode()
        window = np.ascontiguousarray(stages.window, "float32")
        firsts, sizes, weights = _bands(stages)
        energy = stages.least_energy is not None
        description = _Description(
            frame_length=stages.size,
            hop_length=stages.hop,
            n_fft=stages.n_fft,
            remove_dc=stages.remove_dc,
            energy=energy,
            least_energy=stages.least_energy or 0.0,
            preemphasis=stages.preemphasis,
            preemphasis_first=stages.preemphasis_first == "first",
            window_length=len(window),
            window=window.ctypes.data,
            spectrum=_INVERSE if stages.is_inverse else _SPECTRA[stages.power],
            magnitude_epsilon=stages.magnitude_epsilon,
            bands=len(firsts),
            band_first=firsts.ctypes.data,
            band_size=sizes.ctypes.data,
            weights=weights.ctypes.data,
            log=_LOGS.index(stages.log),
            amin_is_added=stages.amin_by == "add",
            amin=stages.amin,
            reference=stages.reference,
        )
        message = ctypes.create_string_buffer(_MESSAGE)
        size = ctypes.c_size_t()
        code = library.size(ctypes.byref(description), ctypes.byref(size), message, _MESSAGE)
        if not code:
            self.memory = np.zeros(size.value // 8, "int64")
            address = self.memory.ctypes.data
            code = library.write(ctypes.byref(description), address, size.value, message, _MESSAGE)
        if code:
            error = NotImplementedError if code == _UNSUPPORTED else ValueError
            raise error(message.value.decode())
        self._plan = address, size.value
        self.energy = energy
        self.is_complex = stages.power is None
        self.values: int = library.values(*self._plan)
        """The floats of a frame."""
        self.size = self.values // 2 if self.is_complex else self.values
        """The numbers of a frame, which may be complex."""

    @functools.cached_property
    def digest(self) -> str:
        """A hash of what the plan computes."""
        return hashlib.sha256(self.memory.tobytes()).hexdigest()[:32]

    def run(
        self,
        samples: int,
        shape: tuple[int, int],
        stride: int,
        frames: int,
        features: int,
        energies: int | None,
        lengths: int | None,
        edges: Edges,
        threads: int,
    ) -> None:
        """Compute `frames` frames of each item of float32 samples `(items, time)`. Arrays are given by their address.

        `stride` is the number of samples from one item to the next, `features` `(items, frames, values)` and
        `energies` `(items, frames)` in float32, `lengths` `(items,)` in int64, in place of those of `edges`. Other
        threads of Python run meanwhile.
        """
        items, time = shape
        mode = PADDINGS.index(edges.mode)
        call = _Call(
            samples,
            items,
            stride,
            time,
            lengths,
            edges.left,
            edges.right,
            mode,
            threads,
            frames,
            features,
            energies,
            self._instructions,
        )
        self._call(self._library.run, call, "features")

    def invert(
        self,
        spectra: int,
        shape: tuple[int, int],
        counts: int | None,
        cut: tuple[int, int],
        time: int,
        normalise: bool,
        threads: int,
        samples: int,
    ) -> None:
        """Add up the frames of complex64 spectra `(items, frames, bins)`. Arrays are given by their address.

        `counts` is `(items,)` in int64, the valid frames of each item, `cut` how many samples are left out at both
        ends, and `samples` `(items, time)` in float32.
        """
        items, frames = shape
        left, right = cut
        call = _Inversion(
            spectra, items, frames, counts, left, right, time, normalise, threads, samples, self._instructions
        )
        self._call(self._library.invert, call, "samples")

    def _call(self, function: Any, call: ctypes.Structure, what: str) -> None:
        message = ctypes.create_string_buffer(_MESSAGE)
        code = function(*self._plan, ctypes.byref(call), message, _MESSAGE)
        if code:
            error = MemoryError if code == _NO_MEMORY else RuntimeError
            raise error(f"kapre-native could not compute the {what}: {message.value.decode()}")


def _bands(stages: Stages) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the first bin and the number of bins of each band, and the weights of these bins, band by band."""
    firsts: list[int] = []
    parts: list[np.ndarray] = []
    for low, _, matrix in stages.groups or ():
        for weights in matrix.T:
            inside = np.nonzero(weights)[0]
            first, last = (inside[0], inside[-1] + 1) if len(inside) else (0, 0)
            firsts.append(low + first)
            parts.append(weights[first:last])
    weights = np.concatenate([*parts, np.zeros(0)]).astype("float32")
    return np.array(firsts, "int32"), np.array([len(part) for part in parts], "int32"), weights


class _Same:
    """Compare by identity: the arrays of `Stages` cannot be hashed, and those of a recipe are made once."""

    def __init__(self, stages: Stages) -> None:
        self.stages = stages

    def __hash__(self) -> int:
        return id(self.stages)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.stages is other.stages


@functools.lru_cache(maxsize=64)
def _plan(same: _Same, logarithm: bool) -> Plan | None:
    loaded = library()
    stages = same.stages if logarithm else same.stages._replace(log=None)
    if loaded is None or stages.chunk_pad is not None:
        return None
    try:
        return Plan(loaded, stages)
    except NotImplementedError:
        return None


def plan(stages: Stages, logarithm: bool = True) -> Plan | None:
    """Return the plan for stages, with or without their logarithm. None if the library has none for them."""
    return _plan(_Same(stages), logarithm)
