"""`Recipe`: a front end as one frozen, framework-free description."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from kapre._checks import choice, flag, message, number, positive_int
from kapre.ops import filterbanks
from kapre.ops.fourier import placed_window, synthesis_window
from kapre.ops.frames import PAD_MODES, at_least_0, num_frames
from kapre.ops.windows import resolve_name

_JSON_VERSION = 1
_BANK_FIELDS = {
    "mel": ("n_mels", "f_min", "f_max", "htk", "norm"),
    "log": ("n_bins", "bins_per_octave", "f_min", "spread"),
}
_UNSET: Any = None  # resolved in __post_init__: a made recipe holds numbers


def check_decibel(ref_value: Any, amin: Any, dynamic_range: Any) -> tuple[float, float, float]:
    """Return the three arguments of a decibel scale as floats, or raise."""
    return (
        number("ref_value", ref_value, "Use 1.0.", above=0.0, rule="a positive number"),
        number("amin", amin, "Use 1e-5 for magnitudes, 1e-10 for power.", above=0.0, rule="a positive number"),
        number("dynamic_range", dynamic_range, "Use 80.0.", above=0.0, rule="a positive number of dB"),
    )


def check_even(n_fft: int) -> None:
    """Refuse an odd DFT length for a filter bank, whose top bin is Nyquist."""
    if n_fft % 2:
        raise ValueError(message("n_fft", "even with a filter bank", n_fft, f"Use {n_fft + 1}."))


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Describe a front end: framing, window, DFT, magnitude or power, filter bank, decibel.

    The chain is: pad, cut into frames, window, real DFT, `|z| ** power`, optionally a mel or log-frequency bank, and
    optionally decibel. A recipe holds no tensor and no framework: it compares, hashes and goes to and from JSON, and
    `kapre.executor.run` computes it on any backend.

    Args:
        n_fft: DFT length in samples, ≥ 1. Longer gives finer bins, `sample_rate / n_fft` Hz apart.
        win_length: Window length in samples; `None` means `n_fft`. A shorter window lies at the frame's start.
        hop_length: Samples from one frame to the next; `None` means `win_length // 4`.
        window_name: A window of `kapre.backend.get_window_fn`; `None` means hann.
        pad_begin: Whether to put `n_fft - hop_length` zeros in front, so that the first hop is covered fully.
        pad_end: Whether to keep frames that reach past the end, padded with zeros: `ceil(time / hop_length)` frames.
        center: Whether frame i is centred on sample `i * hop_length`, as in librosa and torch: `n_fft // 2` samples
            are padded on both sides and a short window lies in the middle of its frame.
        pad_mode: How `center` pads: "constant" (zeros), "reflect", "symmetric" or "edge", as in `numpy.pad`.
        power: 1.0 for the magnitude, 2.0 for the power.
        filterbank: `None`, "mel" or "log".
        sample_rate: Hz. Needed by a filter bank and by pictures.
        n_mels: Bands of the mel bank.
        n_bins: Bands of the log bank.
        bins_per_octave: Bands of the log bank in an octave.
        f_min: Lowest frequency in Hz; `None` means 0 for mel and C1 (32.703 Hz) for log.
        f_max: Highest frequency of the mel bank in Hz; `None` means Nyquist.
        htk: Whether the mel scale is HTK's (else Slaney's).
        norm: Mel band normalisation: "slaney", `None`, or p of a p-norm.
        spread: Width of the log bank's windows as a fraction of a band.
        decibel: Whether the output is `10 log10` of what comes before it.
        ref_value: What is 0 dB.
        amin: Smallest value before the logarithm.
        dynamic_range: How many dB below the item's own maximum are kept.

    Raises:
        ValueError: If a value is out of range, or options exclude one another.
        TypeError: If a value has the wrong type.
        NotImplementedError: If the window's name is unknown.

    Example:
        ```python
        import kapre

        recipe = kapre.Recipe(n_fft=512, hop_length=160, filterbank="mel", sample_rate=16000, n_mels=40)
        assert recipe.num_frames(16000) == 97
        assert kapre.Recipe.from_json(recipe.to_json()) == recipe
        ```
    """

    n_fft: int = 2048
    win_length: int = _UNSET
    hop_length: int = _UNSET
    window_name: str = _UNSET
    pad_begin: bool = False
    pad_end: bool = False
    center: bool = False
    pad_mode: str = "constant"
    power: float = 1.0
    filterbank: Literal["mel", "log"] | None = None
    sample_rate: float | None = None
    n_mels: int = 128
    n_bins: int = 84
    bins_per_octave: int = 12
    f_min: float | None = None
    f_max: float | None = None
    htk: bool = False
    norm: str | float | None = "slaney"
    spread: float = 0.125
    decibel: bool = False
    ref_value: float = 1.0
    amin: float = 1e-5
    dynamic_range: float = 80.0

    if TYPE_CHECKING:
        analysis_window: ClassVar[np.ndarray]
        """The window as it lies in a frame, float64, shape `(frame_length,)`."""
        synthesis_window: ClassVar[np.ndarray]
        """What undoes it under overlap-add, same shape."""
        bank: ClassVar[np.ndarray | None]
        """The filter bank, float64, shape `(n_freq, bands)`, or None."""

    def __post_init__(self) -> None:
        def fix(name: str, value: Any) -> None:
            object.__setattr__(self, name, value)

        fix("n_fft", positive_int("n_fft", self.n_fft, "2048 samples are 93 ms at 22050 Hz."))
        if self.win_length is None:
            fix("win_length", self.n_fft)
        fix("win_length", positive_int("win_length", self.win_length, f"Use None for n_fft={self.n_fft}."))
        quarter = max(1, self.win_length // 4)
        hop_length = quarter if self.hop_length is None else self.hop_length
        fix("hop_length", positive_int("hop_length", hop_length, f"Use {quarter} for 75 % overlap."))
        fix("window_name", resolve_name(self.window_name))
        for name in ("pad_begin", "pad_end", "center", "htk", "decibel"):
            fix(name, flag(name, getattr(self, name)))
        choice("pad_mode", self.pad_mode, PAD_MODES, "librosa pads with 'constant', torch with 'reflect'.")
        self._check_padding()
        fix("power", float(choice("power", self.power, (1.0, 2.0), "1.0 is the magnitude, 2.0 the power.")))
        choice("filterbank", self.filterbank, (None, "mel", "log"), "None keeps the bins of the DFT.")
        scale = check_decibel(self.ref_value, self.amin, self.dynamic_range)
        for name, value in zip(("ref_value", "amin", "dynamic_range"), scale, strict=True):
            fix(name, value)
        if self.sample_rate is not None:
            rate = number("sample_rate", self.sample_rate, "Give it in Hz.", above=0.0, rule="a positive number of Hz")
            fix("sample_rate", rate)
        if self.filterbank is not None:
            if self.sample_rate is None:
                raise ValueError(message("sample_rate", "given with a filter bank", None, "Give it in Hz."))
            check_even(self.n_fft)
        self._fix_bank(fix)
        # Made once, and read by traced code as plain attributes; they are no fields, so they don't compare or hash.
        fix("analysis_window", placed_window(self.window_name, self.win_length, self.n_fft, self.center))
        fix("synthesis_window", synthesis_window(self.analysis_window, self.hop_length))
        fix("bank", self._make_bank())

    def _fix_bank(self, fix: Callable[[str, Any], None]) -> None:
        """Give the bank's fields their one form, and those that another bank or none would read their defaults."""
        used = set(_BANK_FIELDS.get(self.filterbank or "", ()))
        idle = {name for names in _BANK_FIELDS.values() for name in names} - used
        if not self.decibel:
            idle |= {"ref_value", "amin", "dynamic_range"}
        for field in dataclasses.fields(self):
            if field.name in idle:
                fix(field.name, field.default)
        if self.filterbank is None:
            return
        check = filterbanks.check_mel if self.filterbank == "mel" else filterbanks.check_log
        rate: Any = self.sample_rate
        for name, value in check(rate, **{name: getattr(self, name) for name in used}).items():
            fix(name, value)

    def __reduce__(self) -> Any:
        return _remade, (dataclasses.asdict(self),)  # the arrays are made again: a mel bank alone is a megabyte

    def _check_padding(self) -> None:
        if self.center:
            for name in ("pad_begin", "pad_end"):
                if getattr(self, name):
                    raise ValueError(message(name, "False with center=True", True, "Choose one way to pad."))
            if self.win_length > self.n_fft:
                raise ValueError(
                    message("win_length", f"at most n_fft={self.n_fft} with center=True", self.win_length, "Lower it.")
                )
        if self.pad_begin and self.hop_length > self.n_fft:
            raise ValueError(
                message("hop_length", f"at most n_fft={self.n_fft} with pad_begin=True", self.hop_length, "Lower it.")
            )

    @property
    def n_freq(self) -> int:
        """Bins of the DFT: `n_fft // 2 + 1`."""
        return self.n_fft // 2 + 1

    @property
    def bands(self) -> int:
        """Values in an output frame: bands of the filter bank, or bins of the DFT."""
        return {None: self.n_freq, "mel": self.n_mels, "log": self.n_bins}[self.filterbank]

    @property
    def frame_length(self) -> int:
        """Samples that a frame covers: `win_length`, or `n_fft` when centred."""
        return self.n_fft if self.center else self.win_length

    @property
    def padding(self) -> tuple[int, int]:
        """Samples put before and behind the clip (`pad_end` aside, which depends on the clip)."""
        if self.center:
            return self.n_fft // 2, self.n_fft // 2
        return (self.n_fft - self.hop_length if self.pad_begin else 0), 0

    def num_frames(self, n_samples: Any) -> Any:
        """Count the frames of a clip: an int, or None (unknown), or an integer tensor."""
        padded = None if n_samples is None else n_samples + sum(self.padding)
        return num_frames(padded, self.frame_length, self.hop_length, self.pad_end)

    def num_samples(self, count: Any) -> Any:
        """Return the samples that overlap-add of `count` frames gives: an int, None (unknown) or an integer tensor."""
        if count is None:
            return None
        padded = (count - 1) * self.hop_length + self.frame_length
        return at_least_0(padded - sum(self.padding))

    def _make_bank(self) -> np.ndarray | None:
        if self.filterbank is None:
            return None
        rate: Any = self.sample_rate
        low: Any = self.f_min
        if self.filterbank == "mel":
            return filterbanks.mel(rate, self.n_freq, self.n_mels, low, self.f_max, self.htk, self.norm)
        return filterbanks.log_frequency(rate, self.n_freq, self.n_bins, self.bins_per_octave, low, self.spread)

    def band_frequencies(self) -> np.ndarray:
        """Return the centre of each band in Hz, shape `(bands,)`; needs `sample_rate`."""
        if self.sample_rate is None:
            raise ValueError(message("sample_rate", "known to place bands in Hz", None, "Use replace(sample_rate=…)."))
        low: Any = self.f_min
        if self.filterbank == "mel":
            high: Any = self.f_max
            return filterbanks.mel_points(self.n_mels, low, high, self.htk)[1:-1]
        if self.filterbank == "log":
            return filterbanks.log_centres(self.n_bins, self.bins_per_octave, low)
        return np.arange(self.n_freq) * self.sample_rate / self.n_fft

    def frame_times(self, count: int) -> np.ndarray:
        """Return the time in seconds of the middle of each of `count` frames' windows; needs `sample_rate`."""
        if self.sample_rate is None:
            raise ValueError(
                message("sample_rate", "known to place frames in time", None, "Use replace(sample_rate=…).")
            )
        middle = self.frame_length / 2.0 - self.padding[0]
        return (np.arange(count) * self.hop_length + middle) / self.sample_rate

    def replace(self, **changes: Any) -> Recipe:
        """Return a new recipe with some fields changed."""
        return dataclasses.replace(self, **changes)

    def to_json(self) -> str:
        """Return the recipe as JSON, with the version of its format."""
        fields = dataclasses.asdict(self)
        if fields["norm"] == float("inf"):  # JSON has no infinity
            fields["norm"] = "inf"
        return json.dumps({"kapre_recipe": _JSON_VERSION, **fields}, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Recipe:
        """Read `to_json`'s output, also as `numpy.load` returns it; an unknown version or field is refused by name."""
        fields = json.loads(str(text) if isinstance(text, np.ndarray) else text)
        version = fields.pop("kapre_recipe", None) if isinstance(fields, dict) else None
        if version != _JSON_VERSION:
            raise ValueError(
                message("kapre_recipe", f"version {_JSON_VERSION}", version, "Write it with Recipe.to_json.")
            )
        unknown = sorted(set(fields) - {field.name for field in dataclasses.fields(cls)})
        if unknown:
            raise ValueError(
                message("fields", "fields of kapre.Recipe", unknown, "Remove them, or use the Kapre that wrote them.")
            )
        if fields.get("norm") == "inf":
            fields["norm"] = float("inf")
        return cls(**fields)


def _remade(fields: dict[str, Any]) -> Recipe:
    return Recipe(**fields)


def framing(**fields: Any) -> Recipe:
    """Return the recipe of an STFT from arguments that may be None for their defaults."""
    return Recipe(**fields)
