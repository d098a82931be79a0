"""The filter bank."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from kapre._checks import message
from kapre.ops import filterbanks
from kapre.stages._stage import Mistake, Stage, Values, one_of

if TYPE_CHECKING:
    from kapre.recipe import Recipe

OF_KIND = {
    None: (),
    "mel": ("n_mels", "f_min", "f_max", "htk", "norm", "triangles"),
    "log": ("n_bins", "bins_per_octave", "f_min", "spread"),
}
"""The fields that each kind of bank uses."""
_SCALES = {True: "HTK's mel scale", False: "Slaney's mel scale"}
_SIDES = {"hz": "straight in Hz", "mel": "straight in mel", "symmetric": "symmetric in Hz"}


@dataclass(frozen=True, kw_only=True)
class Fields:
    """The fields of the filter bank."""

    filterbank: Literal["mel", "log"] | None = None
    n_mels: int = 128
    n_bins: int = 84
    bins_per_octave: int = 12
    f_min: float | None = None
    f_max: float | None = None
    htk: bool = False
    norm: str | float | None = "slaney"
    triangles: Literal["hz", "mel", "symmetric"] = "hz"
    spread: float = 0.125


def check_even(n_fft: int) -> None:
    """Refuse an odd DFT length for a filter bank, whose top bin must be Nyquist."""
    if n_fft % 2:
        raise ValueError(message("n_fft", "even with a filter bank", n_fft, f"Use {n_fft + 1}."))


def bands_of(f: Mapping[str, Any]) -> int:
    """Return the number of bands, or of bins without a bank."""
    return int({None: f["n_fft"] // 2 + 1, "mel": f["n_mels"], "log": f["n_bins"]}[f["filterbank"]])


class Bank(Stage):
    """Describe the filter bank, by which the spectrum is multiplied."""

    Fields = Fields
    checks: ClassVar = {"filterbank": one_of((None, "mel", "log"), "None keeps the bins of the DFT.")}

    def idle_fields(self, f: Mapping[str, Any]) -> dict[str, str]:
        used = OF_KIND[f["filterbank"]]
        return {
            name: f"filterbank={kind!r}"
            for kind, names in reversed(OF_KIND.items())
            for name in names
            if name not in used
        }

    def check(self, f: Values, defaults: Mapping[str, Any]) -> None:
        f.update((name, defaults[name]) for name in self.idle_fields(f))
        if f["filterbank"] is None:
            return
        if f["sample_rate"] is None:
            raise ValueError(message("sample_rate", "given with a filter bank", None, "Give it in Hz."))
        check_even(f["n_fft"])
        check = filterbanks.check_mel if f["filterbank"] == "mel" else filterbanks.check_log
        f.update(check(f["sample_rate"], **{name: f[name] for name in OF_KIND[f["filterbank"]]}))

    def is_on(self, recipe: Recipe) -> bool:
        return False  # a part of the spectrum

    def matrix(self, recipe: Recipe, dtype: str) -> np.ndarray | None:
        """Return the bank as a matrix `(n_freq, bands)` for features in "float32" or "float64", or None."""
        rate: Any = recipe.sample_rate
        low: Any = recipe.f_min
        if recipe.filterbank == "mel":
            shape = recipe.n_mels, low, recipe.f_max, recipe.htk, recipe.norm, recipe.triangles
            return filterbanks.mel(rate, recipe.n_freq, *shape, dtype)
        if recipe.filterbank == "log":
            octaves = recipe.n_bins, recipe.bins_per_octave, low, recipe.spread
            return filterbanks.log_frequency(rate, recipe.n_freq, *octaves, dtype)
        return None

    def centres(self, recipe: Recipe) -> np.ndarray:
        """Return the centre of each band or bin in Hz."""
        low: Any = recipe.f_min
        if recipe.filterbank == "mel":
            high: Any = recipe.f_max
            return filterbanks.mel_points(recipe.n_mels, low, high, recipe.htk)[1:-1]
        if recipe.filterbank == "log":
            return filterbanks.log_centres(recipe.n_bins, recipe.bins_per_octave, low)
        rate: Any = recipe.sample_rate
        return np.arange(recipe.n_freq) * rate / recipe.n_fft

    def mistakes(self, recipe: Recipe, peak: float) -> Iterator[Mistake]:
        if recipe.filterbank != "mel" or recipe.sample_rate is None:
            return
        for htk, scale in _SCALES.items():
            for norm, area in (("slaney", "triangles of equal area"), (None, "triangles of equal height")):
                for triangles, sides in _SIDES.items():
                    parts = []
                    if htk != recipe.htk:
                        parts.append(scale)
                    if norm != recipe.norm:
                        parts.append(f"{area} (norm={norm!r})")
                    if triangles != recipe.triangles:
                        parts.append(f"triangles {sides}")
                    yield ", ".join(parts), dict(htk=htk, norm=norm, triangles=triangles)
        for hz in (0.0, 20.0, 50.0, 60.0, 80.0, 125.0):
            yield f"bands from {hz:g} Hz", dict(f_min=hz)
        nyquist = recipe.sample_rate / 2.0
        for hz in dict.fromkeys((nyquist, 7500.0, 7600.0, 7690.0, 8000.0, nyquist - 400.0)):
            if hz <= nyquist:
                yield f"bands up to {hz:g} Hz", dict(f_max=hz)
