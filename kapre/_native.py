"""The shared library of the package `kapre-native`, found and loaded with ctypes, or not."""

from __future__ import annotations

import ctypes
import functools
import os
import warnings
from pathlib import Path
from typing import Any, NamedTuple

ABI = 4
"""The version of the C interface that Kapre calls; `KAPRE_NATIVE_ABI` in `kapre_native.h`."""
SWITCH = "KAPRE_NATIVE"
"""The environment variable that turns the library off if it is 0, or names the file to load. 1 is the default."""

_int, _pointer, _text, _size = ctypes.c_int32, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t


class Library:
    """The functions of the library at a path."""

    def __init__(self, path: os.PathLike[str] | str) -> None:
        loaded = ctypes.CDLL(os.fspath(path))
        loaded.kapre_native_abi.restype = _int
        found = loaded.kapre_native_abi()
        if found != ABI:
            raise ImportError(f"it has version {found} of the interface, and this Kapre needs {ABI}")
        loaded.kapre_native_instructions.restype = _text
        self._loaded = loaded
        beside = Path(path).with_name(f"{Path(path).stem}_tensorflow{Path(path).suffix}")
        self.tensorflow_path: Path | None = beside if beside.exists() else None
        """The library of TensorFlow's operation, which only some builds have."""
        self.instructions: str = loaded.kapre_native_instructions().decode()
        self.size, self.write = loaded.kapre_plan_size, loaded.kapre_plan_write
        self.values, self.run = loaded.kapre_plan_values, loaded.kapre_plan_run
        self.invert, self.convolve = loaded.kapre_plan_invert, loaded.kapre_plan_convolve
        self.filter, self.mix, self.select = loaded.kapre_filter, loaded.kapre_mix, loaded.kapre_select
        self.size.argtypes, self.size.restype = (_pointer, _pointer, _text, _size), _int
        self.write.argtypes, self.write.restype = (_pointer, _pointer, _size, _text, _size), _int
        self.values.argtypes, self.values.restype = (_pointer, _size), _int
        for call in (self.run, self.invert, self.convolve):
            call.argtypes, call.restype = (_pointer, _size, _pointer, _text, _size), _int
        for call in (self.filter, self.mix, self.select):
            call.argtypes, call.restype = (_pointer, _text, _size), _int

    def function(self, name: str) -> Any:
        """Return a function that only some builds have, or None."""
        return getattr(self._loaded, name, None)


class State(NamedTuple):
    """What became of the library: it, or None, and why in words."""

    library: Library | None
    words: str
    is_broken: bool = False


@functools.cache
def state() -> State:
    """Load the library once, and say how that went."""
    switch = os.environ.get(SWITCH, "")
    if switch == "0":
        return State(None, f"turned off ({SWITCH}=0)")
    try:
        if switch not in ("", "1"):
            path = switch
        else:
            from kapre_native import library_path

            path = os.fspath(library_path())
    except ImportError:
        return State(None, "not installed")
    try:
        found = Library(path)
    except (OSError, AttributeError, ImportError) as error:
        return State(None, str(error), is_broken=True)
    return State(found, f"with {found.instructions} instructions")


@functools.cache
def library() -> Library | None:
    """Return the library, or None if it is not installed, turned off, broken or of another version."""
    found = state()
    if found.is_broken:
        warnings.warn(
            f"kapre-native does not work: {found.words}. Kapre computes without it, which takes longer. Install the "
            f"version that belongs to this Kapre with `pip install -U 'kapre[native]'`, or set {SWITCH}=0.",
            RuntimeWarning,
            stacklevel=2,
        )
    return found.library
