"""The filter bank."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from kapre._checks import message, positive_int
from kapre.ops import auditory_banks, constant_q, filterbanks
from kapre.stages._stage import LARGEST, Mistake, Stage, Values, above_0, one_of

if TYPE_CHECKING:
    from kapre.recipe import Recipe

OF_KIND = {
    None: (),
    "mel": ("n_mels", "f_min", "f_max", "htk", "norm", "triangles"),
    "log": ("n_bins", "bins_per_octave", "f_min", "spread"),
    "linear": ("n_bins", "f_min", "f_max", "norm", "triangles"),
    "bark": ("n_bins", "f_min", "f_max", "norm", "triangles"),
    "gammatone": ("n_bins", "f_min", "f_max"),
    "chroma": ("n_chroma", "tuning"),
}
"""The fields that each kind of bank uses."""
_OF_CQT = {None: ("n_bins", "bins_per_octave", "f_min"), "chroma": ("n_bins", "bins_per_octave", "f_min", "n_chroma")}
"""The fields that each kind of bank uses of the constant-Q transform, and the fields of its bins."""
_CHECKS: dict[str | None, Callable[..., dict[str, Any]]] = {
    "mel": filterbanks.check_mel,
    "log": filterbanks.check_log,
    "linear": filterbanks.check_scale,
    "bark": filterbanks.check_scale,
    "gammatone": auditory_banks.check_gammatone,
    "chroma": auditory_banks.check_chroma,
}
_SCALES = {True: "HTK's mel scale", False: "Slaney's mel scale"}
_SIDES = {
    "hz": "straight in Hz",
    "mel": "straight in mel",
    "symmetric": "symmetric in Hz",
    "bins": "between whole bins",
}


@dataclass(frozen=True, kw_only=True)
class Fields:
    """The fields of the filter bank."""

    filterbank: Literal["mel", "log", "linear", "bark", "gammatone", "chroma"] | None = None
    n_mels: int = 128
    n_bins: int = 84
    bins_per_octave: int = 12
    f_min: float | None = None
    f_max: float | None = None
    htk: bool = False
    norm: str | float | None = "slaney"
    triangles: Literal["hz", "mel", "symmetric", "bins"] = "hz"
    spread: float = 0.125
    n_chroma: int = 12
    tuning: float = 0.0
    bank_rate: float | None = None


def check_even(n_fft: int) -> None:
    """Refuse an odd DFT length for a filter bank, whose top bin must be Nyquist."""
    if n_fft % 2:
        raise ValueError(message("n_fft", "even with a filter bank", n_fft, f"Use {n_fft + 1}."))


def bins_of(f: Mapping[str, Any]) -> int:
    """Return the number of bins of the transform, or of samples in a frame without one."""
    found = {"dft": f["n_fft"] // 2 + 1, "cqt": f["n_bins"], "identity": f["n_fft"]}
    return int(found[f["transform"]])


def used(f: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the fields that the bank of a recipe uses."""
    kinds = _OF_CQT if f["transform"] == "cqt" else OF_KIND
    return kinds.get(f["filterbank"], ())


def bands_of(f: Mapping[str, Any]) -> int:
    """Return the number of bands, or of bins without a bank."""
    found = {None: bins_of(f), "mel": f["n_mels"], "chroma": f["n_chroma"]}
    return int(found.get(f["filterbank"], f["n_bins"]))


def _check_size(f: Mapping[str, Any]) -> None:
    """Refuse a bank with more weights than memory holds."""
    bins, bands = bins_of(f), bands_of(f)
    if bins * bands > LARGEST:
        rule = f"so few that {bins} bins times the bands are at most {LARGEST} weights"
        name = {"mel": "n_mels", "chroma": "n_chroma"}.get(f["filterbank"], "n_bins")
        way = "" if f["transform"] == "cqt" else ", or a shorter n_fft"
        raise ValueError(message(name, rule, bands, f"Use {LARGEST // bins}{way}."))


class Bank(Stage):
    """Describe the filter bank, by which the spectrum is multiplied."""

    Fields = Fields
    checks: ClassVar = {
        "filterbank": one_of(tuple(OF_KIND), "None keeps the bins of the DFT."),
        "bank_rate": lambda name, value: None if value is None else above_0("Give it in Hz, or None.")(name, value),
    }
    added = ("n_chroma", "tuning", "bank_rate")
    idle = (("filterbank", None, ("bank_rate",)),)

    def idle_fields(self, f: Mapping[str, Any]) -> dict[str, str]:
        found = {
            name: f"filterbank={kind!r}"
            for kind, names in reversed(OF_KIND.items())
            for name in names
            if name not in used(f)
        }
        if f["transform"] == "cqt":
            found["bank_rate"] = "transform='dft'"
        return super().idle_fields(f) | found

    def check(self, f: Values, defaults: Mapping[str, Any]) -> None:
        f.update((name, defaults[name]) for name in self.idle_fields(f))
        if f["filterbank"] is None:
            return
        if f["transform"] == "cqt":
            if f["filterbank"] != "chroma":
                rule = "None or 'chroma' with transform='cqt', whose bins are bands"
                raise ValueError(message("filterbank", rule, f["filterbank"], "Use None."))
            f["n_chroma"] = positive_int("n_chroma", f["n_chroma"], "12 gives semitones.")
            _check_size(f)
            return
        if f["sample_rate"] is None:
            raise ValueError(message("sample_rate", "given with a filter bank", None, "Give it in Hz."))
        if f["n_fft"] < 2:
            raise ValueError(message("n_fft", "at least 2 with a filter bank", f["n_fft"], "Raise it."))
        if f["bank_rate"] == f["sample_rate"]:
            f["bank_rate"] = None
        rate = f["sample_rate"] if f["bank_rate"] is None else f["bank_rate"]
        f.update(_CHECKS[f["filterbank"]](rate, **{name: f[name] for name in OF_KIND[f["filterbank"]]}))
        _check_size(f)

    def is_on(self, recipe: Recipe) -> bool:
        return False  # a part of the spectrum

    def matrix(self, recipe: Recipe, dtype: str) -> np.ndarray | None:
        """Return the bank as a matrix `(n_freq, bands)` for features in "float32" or "float64", or None."""
        if recipe.filterbank is None:
            return None
        if recipe.transform == "cqt":
            low: Any = recipe.f_min
            return constant_q.pitch_classes(recipe.n_bins, recipe.bins_per_octave, low, recipe.n_chroma).astype(dtype)
        rate: Any = recipe.sample_rate if recipe.bank_rate is None else recipe.bank_rate
        fields: dict[str, Any] = {name: getattr(recipe, name) for name in OF_KIND[recipe.filterbank]}
        bins: dict[str, Any] = dict(dtype=dtype, odd=recipe.n_fft % 2 == 1)
        if recipe.filterbank == "mel":
            return filterbanks.mel(rate, recipe.n_freq, **fields, **bins)
        if recipe.filterbank == "log":
            return filterbanks.log_frequency(rate, recipe.n_freq, **fields, **bins)
        if recipe.filterbank == "gammatone":
            return auditory_banks.gammatone(rate, recipe.n_freq, **fields, **bins)
        if recipe.filterbank == "chroma":
            return auditory_banks.chroma(rate, recipe.n_freq, **fields, **bins)
        return filterbanks.on_scale(rate, recipe.n_freq, recipe.filterbank, **fields, **bins)

    def centres(self, recipe: Recipe) -> np.ndarray:
        """Return the centre of each band or bin in Hz."""
        rate: Any = recipe.sample_rate
        if recipe.transform == "cqt" and recipe.filterbank is None:
            low: Any = recipe.f_min
            return filterbanks.log_centres(recipe.n_bins, recipe.bins_per_octave, low)
        if recipe.filterbank is None:
            return np.arange(recipe.n_freq) * rate / recipe.n_fft
        found = self._centres(recipe)
        return found if recipe.bank_rate is None else found * (rate / recipe.bank_rate)

    def _centres(self, recipe: Recipe) -> np.ndarray:
        """Return the centre of each band at the rate of the bank."""
        low: Any = recipe.f_min
        high: Any = recipe.f_max
        if recipe.filterbank == "mel":
            return filterbanks.mel_points(recipe.n_mels, low, high, recipe.htk)[1:-1]
        if recipe.filterbank == "log":
            return filterbanks.log_centres(recipe.n_bins, recipe.bins_per_octave, low)
        if recipe.filterbank == "gammatone":
            return auditory_banks.gammatone_centres(recipe.n_bins, low, high)
        if recipe.filterbank == "chroma":
            return auditory_banks.chroma_centres(recipe.n_chroma, recipe.tuning)
        return filterbanks.points(recipe.n_bins, low, high, recipe.filterbank or "linear")[1:-1]

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
        for rate in (8000.0, 16000.0, 22050.0, 24000.0, 44100.0, 48000.0):
            if rate != recipe.sample_rate and recipe.bank_rate is None:
                yield (
                    f"a bank for samples at {rate:g} Hz",
                    dict(bank_rate=rate, f_max=min(recipe.f_max or rate, rate / 2.0)),
                )
        if recipe.bank_rate is not None:
            yield "a bank for the rate of the samples", dict(bank_rate=None)
