"""Banks of recordings: how they are read, and layers that use one without saving it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from keras import ops

from kapre._checks import message, number, positive_int
from kapre.augmentation._base import RandomLayer
from kapre.augmentation._known_banks import known
from kapre.ops.kernels import active as kernel

_REMEDY = "Use an array of shape (recordings, samples), such as kapre.augmentation.bank(folder, sample_rate)."


def bank(folder: str | os.PathLike[str], sample_rate: int, seconds: float | None = None) -> np.ndarray:
    """Read the recordings in a folder as one array, for `AddNoise` and other layers that use recordings.

    `kapre.audio.load` decodes each file, mixes its channels to one and resamples it. Files in subfolders are read too,
    in the order of their paths. A recording longer than `seconds` becomes several rows, and the remainder at its end is
    dropped. A shorter one is repeated to fill a row.

    Args:
        folder: The folder of recordings.
        sample_rate: int > 0, Hz. The rate of the array. It must equal the rate of the layer's input.
        seconds: float > 0 or None, seconds. The duration of a row. None means the duration of the longest recording.

    Returns:
        The samples as float32 of shape (rows, samples).

    Raises:
        ValueError: If the folder has no recordings with samples, or an argument is out of range.
        kapre.audio.AudioError: If a file is damaged.
        ImportError: If soundfile or soxr is not installed.

    Example:
        ```python
        import numpy as np, pathlib, soundfile
        import kapre

        pathlib.Path("noises").mkdir()
        for name in ("fan", "street"):
            soundfile.write(f"noises/{name}.wav", np.random.default_rng(0).uniform(-0.1, 0.1, 80000), 16000)
        noises = kapre.augmentation.bank("noises", sample_rate=16000, seconds=2.0)
        assert noises.shape == (4, 32000)
        layer = kapre.augmentation.AddNoise(noises)
        ```
    """
    rate = positive_int("sample_rate", sample_rate, "Use 16000.")
    if seconds is not None:
        seconds = number("seconds", seconds, "Use 4.0, or None.", above=0.0, rule="seconds above 0, or None")
    if not Path(folder).is_dir():
        remedy = "There is no such folder: check the path."
        raise ValueError(message("folder", "a folder with recordings", os.fspath(folder), remedy))
    audio = import_module("kapre.audio")  # which is above this package, and imports packages that training lacks
    endings = tuple(f".{ending}" for ending, is_read in audio.readable_formats().items() if is_read)
    paths = sorted(path for path in Path(folder).rglob("*") if path.suffix.lower() in endings)
    clips = [audio.load(path, rate).samples for path in paths]
    clips = [clip for clip in clips if len(clip)]
    if not clips:
        remedy = f"Use a folder of recordings that end in {', '.join(endings)}."
        raise ValueError(message("folder", "a folder with recordings", os.fspath(folder), remedy))
    size = max(map(len, clips)) if seconds is None else max(1, round(seconds * rate))
    rows = []
    for clip in clips:
        if len(clip) < size:
            rows.append(np.resize(clip, size))
        else:
            rows += [clip[start : start + size] for start in range(0, len(clip) - size + 1, size)]
    return np.stack(rows).astype("float32")


class _Description(NamedTuple):
    """What the config of a layer holds of its bank."""

    shape: tuple[int, ...]
    sha256: str

    @classmethod
    def of(cls, values: np.ndarray) -> _Description:
        return cls(values.shape, hashlib.sha256(np.ascontiguousarray(values, "<f4").tobytes()).hexdigest())


def _as_bank(given: Any) -> np.ndarray:
    """Return a bank as a float32 array that nobody can write to."""
    values = np.array(given, dtype="float32", order="C")
    if values.ndim != 2 or 0 in values.shape or values.size > 2**31 - 1:
        rule = "an array of shape (recordings, samples) with fewer than 2 ** 31 numbers"
        raise ValueError(message("bank", rule, f"shape {values.shape}", _REMEDY))
    if not np.isfinite(values).all():
        raise ValueError(message("bank", "an array of finite numbers", "an array with NaN or infinity", _REMEDY))
    values.flags.writeable = False
    return values


class BankLayer(RandomLayer):
    """Keep a bank of recordings that neither the config nor a saved file contains.

    The config has the shape of the bank and its SHA-256. A layer that is made from a config finds the bank if a layer
    in the same process uses it. Else `layer.bank = array` sets it. Training without it is refused.
    """

    _bank: np.ndarray | None = None
    _described: _Description

    @property
    def bank(self) -> Any:
        """The recordings as a read-only float32 array `(recordings, samples)`, or None if they are not set."""
        return self._bank

    @bank.setter
    def bank(self, given: Any) -> None:
        self.accept(given)

    def accept(self, given: Any) -> None:
        """Set the bank. TensorFlow does not call the setter of a property with the value that it has, such as None."""
        if isinstance(given, Mapping):  # of a config
            self._described = _Description(tuple(given["shape"]), str(given["sha256"]))
            self._bank = known.get(self._described.sha256)
            return
        if given is None or isinstance(given, str):
            raise TypeError(message("bank", "an array", given, _REMEDY))
        values = _as_bank(given)
        described, wanted = _Description.of(values), getattr(self, "_described", None)
        if wanted is not None and described != wanted:
            rule = f"the one of the config, of shape {wanted.shape} and SHA-256 {wanted.sha256[:12]}…"
            got = f"shape {described.shape} and SHA-256 {described.sha256[:12]}…"
            raise ValueError(message("bank", rule, got, "Make a new layer for another bank."))
        self._described = described
        self._bank = known.setdefault(described.sha256, values)

    @property
    def bank_hash(self) -> str:
        """The SHA-256 of the bank."""
        return self._described.sha256

    def _argument(self, cls: type, name: str) -> Any:
        if name != "bank":
            return super()._argument(cls, name)
        return {"shape": list(self._described.shape), "sha256": self._described.sha256}

    def needed_bank(self) -> np.ndarray:
        """Return the bank. Raise if it is not set."""
        if self._bank is None:
            rule = "set before training, because configs and saved files do not contain it"
            remedy = f"Set layer.bank of {self.name!r} to the array of shape {self._described.shape} that it had."
            raise ValueError(message("bank", rule, None, remedy))
        return self._bank

    def bank_beside(self, x: Any) -> Any:
        """Return the bank as a tensor of the dtype of `x`."""
        return ops.cast(kernel.held(self.needed_bank(), "float32", x), x.dtype)
