"""Kaldi's frames, bands and energy, which the files of several formats and calls of torchaudio describe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kapre.frontends._source import SourceError
from kapre.frontends.readers._reader import Settings
from kapre.ops.counts import power_of_two

WINDOWS: dict[str, dict[str, Any]] = {
    "povey": dict(window_name="hann_window", window_periodic=False, window_exponent=0.85),
    "rectangular": dict(window_name="rectangular_window", window_periodic=None, window_exponent=1.0),
    **{
        theirs: dict(window_name=f"{ours}_window", window_periodic=False, window_exponent=1.0)
        for theirs, ours in (("hamming", "hamming"), ("hanning", "hann"), ("blackman", "blackman"), ("sine", "sine"))
    },
}
"""The fields of a recipe for each window of Kaldi."""


def frames(rate: float, window: int, hop: int, n_fft: int | None = None) -> dict[str, Any]:
    """Return the fields of frames, with lengths in samples. The DFT has a power of two unless `n_fft` is given."""
    n_fft = power_of_two(window) if n_fft is None else n_fft
    lengths = dict(win_length=window, hop_length=hop, n_fft=n_fft, frame_length=None)
    return dict(lengths, sample_rate=rate, f_max=rate / 2.0)


def stack(settings: Settings, of_size: tuple[str, Any], of_hop: tuple[str, Any]) -> dict[str, Any]:
    """Take the fields of stacks, as FunASR makes them: so many frames, every so many frames. Each has a default."""
    size = settings.integer(*of_size, of="stack")
    hop = settings.integer(*of_hop, of="stack_hop")
    if size == 1 and hop > 1:
        raise settings.error(of_hop[0], f"1 with {of_size[0]}=1", hop, "A recipe does not leave out frames.")
    return dict(stack=size, stack_hop=hop, stack_edges="repeat")


def milliseconds(settings: Settings, rate: float, window: float = 25.0, hop: float = 10.0) -> dict[str, Any]:
    """Take `frame_length` and `frame_shift` in milliseconds, rounded as torchaudio rounds them."""
    found = []
    for name, default in (("frame_length", window), ("frame_shift", hop)):
        given = settings.number(name, default, at_least=0.0)
        found.append(settings.in_samples(name, int(rate * given * 0.001), given))
    return frames(rate, *found)


@dataclass(frozen=True)
class Options:
    """Take the options of Kaldi's features, by the names and with the defaults of a library.

    Args:
        settings: The fields of the file or of the call.
        library: The name of the library.
        separator: What joins the words of an option's name.
        samples: Returns a length in samples for a rate and milliseconds, as the library rounds it.
        windows: The windows that the library has.
        dither: The default of `dither`.
        energy_floor: The default of `energy_floor`.
        cepstra_have_energy: The default of `use_energy` of MFCC.
    """

    settings: Settings
    library: str
    separator: str
    samples: Callable[[float, float], float]
    windows: tuple[str, ...]
    dither: float
    energy_floor: float
    cepstra_have_energy: bool

    def spelled(self, name: str) -> str:
        """Return the library's name of an option."""
        return name.replace("_", self.separator)

    def number(self, name: str, default: float, at_least: float | None = None, of: str = "") -> float:
        return float(self.settings.number(self.spelled(name), default, at_least, of))

    def integer(self, name: str, default: int, of: str) -> int:
        return int(self.settings.integer(self.spelled(name), default, of))

    def flag(self, name: str, default: bool) -> bool:
        return self.settings.flag(self.spelled(name), default)

    def only(self, name: str, value: Any, remedy: str = "") -> None:
        """Take an option of which a recipe can express one value."""
        self.settings.one_of(self.spelled(name), value, (value,), remedy)

    def ignore(self, why: str, *names: str) -> None:
        self.settings.ignore(why, *map(self.spelled, names))

    def error(self, name: str, rule: str, value: Any, remedy: str) -> SourceError:
        return self.settings.error(self.spelled(name), rule, value, remedy)

    def frames(self) -> dict[str, Any]:
        """Take the fields of frames and their windows."""
        rate = self.number("sample_frequency", 16000.0, at_least=1.0, of="sample_rate")
        lengths = []
        for name, default in (("frame_length", 25.0), ("frame_shift", 10.0)):
            given = self.number(name, default, at_least=0.0)
            lengths.append(self.settings.in_samples(self.spelled(name), int(self.samples(rate, given)), given))
        n_fft = None if self.flag("round_to_power_of_two", True) else lengths[0]
        if n_fft is not None and n_fft % 2:
            rule = f"an even number of samples without {self.spelled('round_to_power_of_two')}"
            raise self.error("frame_length", rule, f"{n_fft} samples", f"{self.library} takes no other.")
        window = self.settings.one_of(self.spelled("window_type"), "povey", self.windows)
        if window == "blackman":
            self.only("blackman_coeff", 0.42)
        self.ignore("belongs to another window", "blackman_coeff")
        return dict(
            frames(rate, lengths[0], lengths[1], n_fft),
            **WINDOWS[window],
            dither=self.settings.dither(self.dither, self.library),
            preemphasis=self.number("preemphasis_coefficient", 0.97, of="preemphasis"),
            remove_dc=self.flag("remove_dc_offset", True),
            snip_edges=self.flag("snip_edges", True),
        )

    def bank(self, rate: float) -> dict[str, Any]:
        """Take the fields of the filter bank. A highest frequency of 0 or below counts from Nyquist."""
        low = self.number("low_freq", 20.0, at_least=0.0, of="f_min")
        given = self.number("high_freq", 0.0, of="f_max")
        high = given if given > 0.0 else rate / 2.0 + given
        if not low < high <= rate / 2.0:
            rule = f"above {self.spelled('low_freq')}={low:g} and at most {rate / 2.0:g} Hz"
            raise self.error("high_freq", rule, given, "0 or below counts from there.")
        self.only("vtln_warp", 1, "A recipe does not warp its bank.")
        self.ignore("has no effect without a warp", "vtln_low", "vtln_high")
        return dict(n_mels=self.integer("num_mel_bins", 23, of="n_mels"), f_min=low, f_max=high)

    def energy(self, kind: str) -> dict[str, Any]:
        """Take the fields of the energy: a value more of "fbank", or the first one of "mfcc" and "spectrogram"."""
        floor = self.number("energy_floor", self.energy_floor, at_least=0.0, of="energy_floor")
        uses = kind == "spectrogram" or self.flag("use_energy", kind == "mfcc" and self.cepstra_have_energy)
        last = kind != "spectrogram" and self.flag("htk_compat", False)
        if kind == "mfcc" and last:
            raise self.error("htk_compat", "false for MFCC", True, "A recipe has the energy or C0 first.")
        if not uses:
            self.ignore(f"has no effect without {self.spelled('use_energy')}", "raw_energy")
            return dict(energy=None)
        self.only("raw_energy", True, "A recipe takes the energy before the window.")
        return dict(energy="last" if last else "first" if kind == "fbank" else "c0", energy_floor=floor)

    def features(self, kind: str) -> dict[str, Any]:
        """Take the fields of "fbank", "mfcc" or "spectrogram"."""
        fields = self.frames()
        if kind != "spectrogram":
            fields |= self.bank(fields["sample_rate"])
        fields |= self.energy(kind)
        if kind == "mfcc":
            fields |= dict(
                n_mfcc=self.integer("num_ceps", 13, of="n_mfcc"),
                lifter=self.number("cepstral_lifter", 22.0, at_least=0.0, of="lifter"),
            )
        if kind == "fbank":
            fields["power"] = 2.0 if self.flag("use_power", True) else 1.0
            if not self.flag("use_log_fbank", True):
                fields["log"] = None
        if self.flag("subtract_mean", False):
            fields["normalize"] = "mean"
        return fields
