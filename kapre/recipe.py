"""`Recipe`: a frozen, framework-free description of a front end."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar, Unpack  # noqa: F401  (the fields' types name Literal)

import numpy as np

from kapre import _shown, stages
from kapre._arguments import RecipeFields
from kapre._checks import message
from kapre._hints import nearest, remedy
from kapre.ops import constant_q, filterbanks, windows
from kapre.ops.counts import at_least_0, num_frames
from kapre.stages import (
    affine,
    cepstrum,
    chunks,
    count,
    deltas,
    energy,
    filter_bank,
    framing,
    layout,
    length,
    logarithm,
    microfrontend,
    multiple,
    normalization,
    one_hot,
    patches,
    pcen,
    preemphasis,
    rate,
    samples,
    spectrum,
    stack,
    window,
)

_JSON_VERSION = 2

_Made = TypeVar("_Made", bound=type)


def _check_names(fields: Iterable[str]) -> None:
    """Refuse unknown field names, and suggest Kapre's name for another library's name."""
    unknown = sorted(set(fields) - set(_DEFAULTS))
    if unknown:
        way = remedy(unknown[0], _DEFAULTS, "See help(kapre.Recipe).")
        raise TypeError(message("changes", "fields of kapre.Recipe", ", ".join(unknown), way))


def _naming_fields(cls: _Made) -> _Made:
    """Make a dataclass refuse an unknown argument and suggest the intended name."""
    made: Any = cls.__init__  # type: ignore[misc]

    @functools.wraps(made)
    def init(self: Any, *args: Any, **fields: Any) -> None:
        _check_names(fields)
        made(self, *args, **fields)

    cls.__init__ = init  # type: ignore[misc]
    return cls


@_naming_fields
@dataclass(frozen=True, kw_only=True)
class Recipe(
    # In reverse, because a dataclass begins with the fields of its last base.
    layout.Fields,
    patches.Fields,
    multiple.Fields,
    affine.Fields,
    stack.Fields,
    deltas.Fields,
    count.Fields,
    one_hot.Fields,
    normalization.Fields,
    energy.Fields,
    cepstrum.Fields,
    microfrontend.Fields,
    pcen.Fields,
    logarithm.Fields,
    filter_bank.Fields,
    spectrum.Fields,
    window.Fields,
    chunks.Fields,
    framing.Fields,
    length.Fields,
    preemphasis.Fields,
    samples.Fields,
    rate.Fields,
):
    """Describe a front end, from samples to features, with the options that published front ends need.

    The stages of a recipe run in the order of its fields: the whole waveform (`input_rate` … `zeros_after`), padding
    and framing (`n_fft` … `drop_last`), each frame by itself (`remove_dc`, `preemphasis`, the window), the DFT to a
    power, the filter bank, the logarithm and its range, PCEN or the microfrontend, the cepstrum, the statistics over
    time, deltas, stacking, `(x + feature_shift) * feature_scale`, a multiple of frames, patches and the layout.

    A field that has no effect in a recipe is reset to its default, so that recipes with the same meaning are equal. A
    recipe holds no tensor and no framework object. It can be compared and hashed, it can be written to and read from
    JSON, and `replace` makes a changed copy. `kapre.Frontend(recipe)` computes it on any backend.

    Args:
        input_rate: Sampling rate in Hz of the input samples, a whole number, if they are first resampled to
            `sample_rate`. `None` means that they are already at `sample_rate`. Lengths in samples, such as `n_fft` and
            `fixed_samples`, count samples at `sample_rate`.
        resampling_method: How to resample from `input_rate`, as in `kapre.Resample`: "sinc_interp_hann" (torchaudio's
            default), "sinc_interp_kaiser", "kaiser_best" or "kaiser_fast" (resampy's filters).
        sample_rate: Sampling rate in Hz, an int if it is a whole number. Required for filter banks and plots.
        input_scale: Factor applied to samples in [-1, 1]. 32768.0 is Kaldi's scale.
        normalize_samples: Whether to replace the waveform by `(x - mean) / sqrt(variance + samples_epsilon)` (wav2vec
            2.0). "rms" and "peak" multiply it so that its root mean square or its peak is `target_dbfs`.
        samples_epsilon: The number added to the variance there, or to the current level.
        target_dbfs: The level that "rms" and "peak" set, in dB relative to an amplitude of 1.
        only_raise: Whether to leave clips that are louder than `target_dbfs` as they are (Resemblyzer).
        peak_limit: The peak above which a clip is divided down to it after "rms" (VibeVoice: 1.0). `None` for no limit.
        fixed_samples: The length in samples to which every clip is padded or trimmed.
        fixed_by: How to pad to `fixed_samples`: "zeros", or "tile" to repeat the clip as many whole times as fit, then
            pad with zeros (CLAP).
        samples_at_least: Clips are padded with zeros to `samples_at_least + k * samples_multiple` samples.
        samples_multiple: See there.
        samples_multiple_strict: Whether a clip that already has such a length is padded to the next one.
        multiple_by: How to pad to a multiple: "zeros", or "reflect" to mirror the end of the clip (PE Audio).
        zeros_after: Number of zeros appended to every clip after that. They count as part of the clip.
        dither: Standard deviation of the noise added to the scaled samples during training only.
        preemphasis: The coefficient a of `y[n] = x[n] - a x[n - 1]`. 0.0 for none.
        preemphasis_over: What preemphasis is applied to: the "signal" (NeMo) or each "frame" (Kaldi).
        preemphasis_first: The value assumed before the first sample: "keep" (0, so that the first sample is unchanged),
            "first" (the first sample itself, Kaldi's rule), "reflect" (the second sample), or "drop" to leave out the
            first result, so that the clip is one sample shorter.
        n_fft: DFT length in samples, ≥ 1. A longer DFT gives finer bins, `sample_rate / n_fft` Hz apart.
        win_length: Window length in samples. `None` means `n_fft`.
        hop_length: Number of samples from one frame to the next. `None` means `win_length // 4`.
        frame_length: Number of samples that a frame requires. `None` means `win_length`, or `n_fft` around a centred
            window.
        pad_begin: Whether to pad the start with `n_fft - hop_length` zeros, so that the first hop is fully covered.
        pad_end: Whether to keep frames that extend past the end, padded with zeros. This gives
            `ceil(time / hop_length)` frames.
        center: Whether to centre frame i on sample `i * hop_length`, as in librosa and torch. Both sides are padded by
            `frame_length // 2` samples.
        snip_edges: False selects Kaldi's way of centring frames: frame i is centred on sample `(i + ½) * hop_length`,
            the clip is mirrored at both ends, and there are `(time + hop_length // 2) // hop_length` frames.
        pad_left: Number of samples padded at the start, if no option above sets it. It also applies without a spectrum.
        pad_right: Number of samples padded at the end, if no option above sets it. It also applies without a spectrum.
        pad_mode: How `center`, `pad_left` and `pad_right` pad: "constant" (zeros), "reflect", "symmetric" or "edge", as
            in `numpy.pad`.
        window_placement: Position of a window shorter than `n_fft`: "center" (torch, librosa) or "start" (Kaldi,
            TensorFlow). `None` means "center" with `center`, else "start".
        drop_last: Number of frames removed at the end.
        chunk_length: Number of samples in a chunk. Each chunk is transformed by itself (Silero VAD), and the layout has
            one more axis.
        chunk_context: Number of samples of the previous chunk that are placed before each chunk.
        chunk_pad: Number of samples added by reflection at the end of each chunk.
        remove_dc: Whether to subtract the mean of each frame.
        normalize_frames: Whether to subtract the mean of each frame and divide by its standard deviation, with `ddof=1`
            and at least 1e-10 (CREPE).
        window_name: A window of `kapre.backend.get_window_fn`. `None` means hann.
        window_periodic: Whether hann, hamming, blackman, bartlett and sine windows are periodic. `None` means periodic
            for an even length, as in TensorFlow.
        window_exponent: The power to which the window is raised. A symmetric hann raised to 0.85 is Kaldi's povey.
        power: 1.0 for the magnitude, 2.0 for the power, `None` for the samples themselves.
        magnitude_epsilon: Number added to the power before the square root that gives the magnitude.
        magnitude_epsilon_by: How it is applied: "add", or "max" for `sqrt(max(power, magnitude_epsilon))`.
        transform: The transform of a windowed frame: "dft", "cqt" for the constant-Q transform (see `kapre.CQT`), or
            "identity" for the samples themselves, so that a frame holds `n_fft` samples. With "cqt", a frame is as long
            as the longest kernel, `hop_length=None` means 512, and the window is that of each kernel.
        cqt_gamma: Number of Hz added to the bandwidth of each bin of the constant-Q transform: 0.0 for a constant Q.
        cqt_filter_scale: Factor applied to all kernel lengths. Values below 1 give finer time and coarser frequency
            resolution.
        filterbank: `None`, "mel", "log", "linear" (triangles equally far apart in Hz, as for LFCC), "bark" (triangles
            on Traunmüller's scale), "gammatone" (the magnitudes of Slaney's filters of fourth order, 1 at their
            centres) or "chroma" (pitch classes from C, as `librosa.filters.chroma`).
        n_mels: Number of bands of the mel bank.
        n_bins: Number of bands of the log, linear, Bark and gammatone banks, and of bins of the constant-Q transform.
        bins_per_octave: Number of bands per octave of the log bank and of the constant-Q transform.
        f_min: Lowest frequency in Hz. `None` means 0, but C1 (32.703 Hz) for log and "cqt", and 50 for gammatone.
        f_max: Highest frequency of the bank in Hz, if it has one. `None` means Nyquist.
        htk: Whether to use HTK's mel scale, which Kaldi and TensorFlow also use, instead of Slaney's.
        norm: Normalisation of triangular bands: "slaney", `None`, or p for a p-norm.
        triangles: Whether the sides of a band are straight in "hz" (librosa, torchaudio) or in "mel" (Kaldi,
            TensorFlow, on the bank's own scale), the band is "symmetric" in Hz (SpeechBrain), or the corners are
            rounded down to whole "bins" (python_speech_features). Bins at a corner have weight 0. With corners at
            0 Hz and Nyquist, these two bins therefore belong to no band, which is also the rule of Kaldi and
            TensorFlow.
        spread: Width of the log bank's windows as a fraction of a band.
        n_chroma: Number of pitch classes of the chroma bank.
        tuning: Deviation of A4 from 440 Hz, as a fraction of a class. librosa estimates it from each clip by default.
        bank_rate: The sampling rate in Hz that the filter bank assumes, if it differs from that of the samples, as in
            StyleTTS 2. `None` means `sample_rate`.
        log: `None`, "ln", "log10" or "db" (10 log10).
        amin: The floor under the logarithm.
        amin_by: How the floor is applied: "max" gives `log(max(x, amin))`, "add" gives `log(x + amin)`.
        ref_value: The value that maps to 0 dB, or "max" for the maximum of each clip, which cannot stream.
        dynamic_range: The range of values kept below the top, in the unit of the logarithm. `None` keeps all values.
        range_top: The top of `dynamic_range`. `None` means the maximum of the clip, which cannot stream.
        pcen: Whether to apply per-channel energy normalization to the bands, in place of a logarithm:
            `(x / (epsilon + M) ** gain + bias) ** power - bias ** power` with the smoothed level
            `M[t] = (1 - s) M[t - 1] + s x[t]`. librosa expects samples scaled to 32-bit integers for it:
            `input_scale=2.0**31`. LEAF's values are a gain of 0.96, a smoothing of 0.04, an epsilon of 1e-12 and a
            start from the first frame.
        pcen_gain: The exponent of the level.
        pcen_bias: The number added before the compression: 0.0, or at least 1e-6.
        pcen_power: The exponent of the compression, the reciprocal of LEAF's root.
        pcen_time_constant: Time constant of the level in seconds, which needs `sample_rate`.
        pcen_smoothing: The coefficient s, above 0 and at most 1. `None` means that of `pcen_time_constant`.
        pcen_epsilon: The number added to the level, at least 1e-30.
        pcen_start: The level before the first frame: "unit" for 1 (librosa), or "first" for the first frame (LEAF).
        microfrontend: Whether to apply TensorFlow Lite's noise reduction, gain control and logarithm to the root of the
            bands, in place of a logarithm: with the noise `n[t] = s x[t] + (1 - s) n[t - 1]`,
            `q = max(x - n, noise_floor x) / (n + pcan_offset) ** pcan_strength`, and 64 times the natural logarithm of
            `512 (q² / 4 if q < 2 else q - 1)`, at least 0. It takes samples scaled by 32768.
        noise_even: The coefficient s of the bands 0, 2, 4, ….
        noise_odd: The coefficient s of the bands 1, 3, 5, ….
        noise_floor: The smallest fraction of a value that remains.
        pcan_strength: The exponent of the gain control, 0.0 for none.
        pcan_offset: The number added to the noise there.
        n_mfcc: Number of coefficients of an orthonormal DCT-II over the bands. `None` for none.
        lifter: The L of the lifter `1 + L / 2 sin(π i / L)` that weights coefficient i. 0.0 for none.
        lifter_start: The i of the first coefficient: 0 (Kaldi, HTK) or 1 (librosa). With 1 and a lifter of 22, the
            first coefficient is 2.57 times as large as with 0.
        energy: Position of a frame's log energy `ln(Σ x²)` (after `remove_dc`, before `preemphasis`): "first" or "last"
            puts it before or after the bands, and "c0" in place of the first coefficient, or of the first bin without a
            bank.
        energy_floor: The smallest energy. It is at least float32's epsilon, as in Kaldi.
        normalize: How to normalise each band over time: "mean" subtracts its mean, "mean_std" then also divides by its
            standard deviation.
        normalize_over: The frames used for the statistics: "utterance" for all frames, or "running" for the frames up
            to the current one, which can stream. "sliding" takes the last `normalize_window` frames and the current one
            (Kaldi).
        normalize_ddof: 1 divides the variance by the number of frames minus one, 0 by the number of frames.
        normalize_epsilon: Number added to the "variance" or to the "deviation".
        normalize_epsilon_in: See there.
        normalize_window: See there.
        normalize_min_frames: The number of frames at the start from which the statistics of the first frames are
            computed. A recipe with 1 can stream.
        normalize_center: Whether to take `normalize_window` frames around the current one, which cannot stream.
        one_hot: Whether to replace the largest value of each frame by 1 and the others by 0 (MusicGen Melody).
        valid_frames: The frames that are valid: "all", "hops" (the first `time // hop_length`: NeMo) or "whole" (those
            that lie within the clip: Gemma 4). The other frames are set to 0 and excluded from all statistics.
        fixed_frames: The number of frames to which features are padded with zeros or trimmed.
        deltas: The highest order of deltas that are appended to the values of a frame: 0, 1 or 2.
        delta_window: Number of frames to which a line is fitted, odd.
        delta_edges: How to treat the edges: "nearest" repeats the first and the last frame, and the second order is the
            deltas of the deltas (Kaldi, torchaudio). "interp" takes the value of the nearest whole window, and the
            second order is the second derivative of a fitted parabola (librosa), which cannot stream.
        stack: Number of frames joined into one.
        stack_hop: Number of frames from one stack to the next. `None` means `stack`.
        stack_edges: How to treat the edges: "drop" removes an incomplete stack, "zeros" fills it, and "repeat" repeats
            the first frame `(stack - 1) // 2` times at the start and the last frame at the end (low frame rate).
        feature_shift: Number added to the features, or one number for each value of a frame.
        feature_scale: Factor applied to the features after the shift: a number, or one for each value of a frame.
        frames_multiple: Frames of zeros are appended up to a multiple of this number of frames, after the shift and
            scale.
        patch_frames: Number of frames in a patch. An incomplete patch is removed. `None` for no patches.
        patch_hop: Number of frames from one patch to the next. `None` means `patch_frames`.
        layout: "time_first" for `(frames, bands)`, or "band_first" for `(bands, frames)`.

    Raises:
        ValueError: If a value is out of range, or options exclude one another. Upper limits keep a faulty file from
            filling the memory: 2 ** 22 samples of a frame and its hop, 2 ** 26 samples of a clip and its padding,
            2 ** 20 frames, 2 ** 12 frames joined into one or fitted by a delta, and 10 MHz.
        TypeError: If a value has the wrong type.
        NotImplementedError: If the window name is unknown.

    Example:
        ```python
        import kapre

        recipe = kapre.Recipe(n_fft=512, hop_length=160, filterbank="mel", sample_rate=16000, n_mels=40)
        assert recipe.num_frames(16000) == 97
        assert kapre.Recipe.from_json(recipe.to_json()) == recipe
        assert recipe.replace(n_mels=80).bands == 80
        ```
    """

    if TYPE_CHECKING:
        analysis_window: ClassVar[np.ndarray]
        """The window at its position in a frame, float64, shape `(frame_length,)`."""
        dft_window: ClassVar[np.ndarray]
        """The analysis window, zero-padded at the end or cropped to shape `(n_fft,)`."""
        synthesis_window: ClassVar[np.ndarray]
        """The window that inverts it under overlap-add, with the shape of `analysis_window`."""
        kernels: ClassVar[tuple[constant_q.Octave, ...]]
        """The kernels of the constant-Q transform, or ()."""
        active_stages: ClassVar[tuple[stages.Stage, ...]]
        """The stages that compute something, in order."""
        bank: ClassVar[np.ndarray | None]
        """The filter bank, float64, shape `(n_freq, bands)`, or None."""
        _banks: ClassVar[dict[str, tuple[np.ndarray | None, filterbanks.Groups | None]]]

    def __post_init__(self) -> None:
        fields = stages.canonical(_values(self), _DEFAULTS)
        # Computed once and read by traced code as plain attributes. They are not fields, so they are not compared or
        # hashed.
        for name, value in fields.items():
            object.__setattr__(self, name, value)
        analysis = np.pad(windows.window(**self.window_arguments), self.window_margins)
        arrays = {
            "analysis_window": analysis,
            "synthesis_window": windows.synthesis_window(analysis, fields["hop_length"]),
            "dft_window": np.pad(analysis, (0, max(0, fields["n_fft"] - len(analysis))))[: fields["n_fft"]],
        }
        object.__setattr__(self, "kernels", self._kernels() if fields["transform"] == "cqt" else ())
        for name, value in arrays.items():
            object.__setattr__(self, name, value)
            value.setflags(write=False)  # a constant of a kernel, which makes one tensor of each
        banks = {dtype: self._bank_and_groups(dtype) for dtype in ("float32", "float64")}
        object.__setattr__(self, "_banks", banks)
        object.__setattr__(self, "bank", banks["float64"][0])
        object.__setattr__(self, "active_stages", stages.active(self))

    def _kernels(self) -> tuple[constant_q.Octave, ...]:
        of_bins = (self.n_bins, self.bins_per_octave, self.f_min, self.cqt_gamma, self.cqt_filter_scale)
        of_window = (self.window_name, self.window_periodic, self.window_exponent)
        return constant_q.octaves(self.sample_rate, self.hop_length, *of_bins, *of_window)

    def __reduce__(self) -> Any:
        # The arrays are recomputed: a mel bank alone takes a megabyte.
        return _remade, ({name: value for name, value in _values(self).items() if value != _DEFAULTS[name]},)

    def __repr__(self) -> str:
        """Return code that makes the same recipe, with the fields that differ from the defaults."""
        return _shown.call("Recipe", _needed(self))

    def _repr_html_(self) -> str:
        """Return a table of the fields that differ from the defaults, and the stages in order, for a notebook."""
        rows = [(name, _shown.code(value)) for name, value in _needed(self).items()]
        return _shown.table("Recipe", rows, " → ".join(stages.in_words(self)))

    @property
    def window_arguments(self) -> dict[str, Any]:
        """Return the arguments with which `kapre.ops.windows.window` makes the window of `win_length` samples."""
        names = {"window_name": "window_name", "length": "win_length", "periodic": "window_periodic"}
        return {key: getattr(self, name) for key, name in {**names, "exponent": "window_exponent"}.items()}

    @property
    def window_margins(self) -> tuple[int, int]:
        """Return the numbers of samples of a frame before and after the window, where the window is 0."""
        return windows.margins(self.win_length, self.frame_length, self.window_placement == "center")

    @property
    def n_freq(self) -> int:
        """Return the number of DFT bins, `n_fft // 2 + 1`, or of samples in a frame without a DFT."""
        return filter_bank.bins_of(vars(self))

    @property
    def bands(self) -> int:
        """Return the number of values in an output frame: bands, coefficients or bins, plus energy, times `stack`."""
        return affine.width(vars(self))[1]

    @property
    def padding(self) -> tuple[int, int]:
        """Return the padding before and after the clip in samples, without `pad_end`, which depends on the clip."""
        if self.center:
            return self.frame_length // 2, self.frame_length // 2
        if not self.snip_edges:
            before = self.frame_length // 2 - self.hop_length // 2
            return before, self.frame_length - before - (self.hop_length - self.hop_length // 2)
        if self.pad_begin:
            return self.n_fft - self.hop_length, 0
        return self.pad_left + self.chunk_context, self.pad_right

    @property
    def padded_by(self) -> str:
        """Return how the clip is padded: a mode of `numpy.pad`."""
        return self.pad_mode if self.snip_edges else "symmetric"

    @property
    def cut(self) -> tuple[int, int]:
        """Return the length and hop in samples of the pieces of a clip: frames, or chunks with their context."""
        if self.chunk_length is None:
            return self.frame_length, self.hop_length
        return self.chunk_context + self.chunk_length, self.chunk_length

    @property
    def entry_hop(self) -> int:
        """Return the number of samples from one entry along time (a frame, stack, patch or chunk) to the next."""
        return 1 if self.power is None else self.cut[1] * self.stack_hop * (self.patch_hop or 1)

    @property
    def clip_rate(self) -> float | None:
        """Return the sampling rate in Hz of the clips that a front end takes: `input_rate`, or else `sample_rate`."""
        return self.sample_rate if self.input_rate is None else self.input_rate

    @property
    def clip_samples(self) -> int | None:
        """Return the length in samples, at `clip_rate`, of a clip that fills `fixed_samples`. None without it."""
        old, new = stages.RATE.ratio(self)
        return None if self.fixed_samples is None else self.fixed_samples * old // new

    @property
    def chunk_unit(self) -> int:
        """Return the number of clip samples that the size of fixed chunks in a stream must be a multiple of."""
        old, new = stages.RATE.ratio(self)
        return old * (self.entry_hop // math.gcd(self.entry_hop, new))

    def time_axis(self, rank: int) -> int:
        """Return the time axis of features with `rank` axes, where the first axis is the batch."""
        return 2 if self.layout == "band_first" and rank == 3 else 1

    def num_samples_used(self, n_samples: Any) -> Any:
        """Return the length of a clip at `sample_rate`, after `fixed_samples` or padding to `samples_multiple`."""
        return stages.LENGTH.used(self, self._prepared(n_samples))

    def _prepared(self, n_samples: Any) -> Any:
        """Return the length of a clip at `sample_rate`, after preemphasis."""
        return stages.PREEMPHASIS.count(self, stages.RATE.count(self, n_samples))

    def num_spectra(self, n_samples: Any) -> Any:
        """Return the number of frames (or chunks) cut from a clip, before stacking, padding and patching."""
        used = self.num_samples_used(n_samples)
        padded = stages.FRAMING.padded(self, used)
        found = num_frames(padded, *self.cut, self.pad_end)
        return found if not self.drop_last or found is None else at_least_0(found - self.drop_last)

    def num_valid(self, n_samples: Any) -> Any:
        """Return how many of the frames counted by `num_spectra` are valid according to `valid_frames`."""
        return stages.COUNT.valid(self, self.num_spectra(n_samples), self._prepared(n_samples))

    def num_stacks(self, count: Any) -> Any:
        """Return the number of stacks in a number of frames."""
        return stages.STACK.count(self, count)

    def num_frames(self, n_samples: Any) -> Any:
        """Return the number of entries along time: frames, stacks, patches or chunks, or samples without a DFT.

        Args:
            n_samples: An int, None (unknown), or an integer tensor.

        Returns:
            The number in the same form: an int if the recipe alone determines it, None if it is unknown.
        """
        if self.power is None:
            return stages.FRAMING.padded(self, self.num_samples_used(n_samples))
        return self._entries(self.num_spectra(n_samples) if self.fixed_frames is None else self.fixed_frames)

    def least_samples(self, valid: bool = False) -> int:
        """Return the length in samples of the shortest clip that gives an entry along time, or 1 if no clip does.

        Args:
            valid: Whether an entry must hold a valid frame.
        """
        count = self.num_valid_entries if valid else self.num_frames
        if count(None) == 0:
            return 1
        low, high = 0, 1
        while not count(high):
            low, high = high, 2 * high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if count(middle) else (middle, high)
        return high

    def num_valid_entries(self, n_samples: Any) -> Any:
        """Return how many of the `num_frames` entries hold a valid frame and are therefore True in the output mask."""
        every = self.valid_frames == "all" and self.frames_multiple == 1
        if self.power is None or self.fixed_frames is not None or every:
            return self.num_frames(n_samples)
        return stages.PATCHES.count(self, self.num_stacks(self.num_valid(n_samples)))

    def _entries(self, count: Any) -> Any:
        return stages.PATCHES.count(self, stages.MULTIPLE.count(self, self.num_stacks(count)))

    def output_shape(self, n_samples: Any) -> tuple[int | None, ...]:
        """Return the shape of the features of one clip, with None where it depends on an unknown length."""
        count = self.num_frames(n_samples)
        if self.power is None:
            return (count,)
        lead: tuple[Any, ...] = (count,)
        if self.patch_frames is not None:
            lead = (count, self.patch_frames)
        elif self.chunk_length is not None:
            lead = (count, chunks.frames_in_chunk(self))
        return (*lead, self.bands) if self.layout == "time_first" else (*lead[:-1], self.bands, lead[-1])

    def num_samples(self, count: Any) -> Any:
        """Return the number of samples that overlap-add of `count` frames gives: an int, None or an integer tensor."""
        if count is None:
            return None
        padded = (count - 1) * self.hop_length + self.frame_length
        return at_least_0(padded - sum(self.padding))

    def bank_in(self, dtype: str) -> np.ndarray | None:
        """Return the filter bank in "float32" or "float64", as used to compute features."""
        return self._banks[dtype][0]

    def bank_groups(self, dtype: str) -> filterbanks.Groups | None:
        """Return the filter bank as groups of bands, without the bins that are 0 in the whole group."""
        return self._banks[dtype][1]

    def _bank_and_groups(self, dtype: str) -> tuple[np.ndarray | None, filterbanks.Groups | None]:
        bank = stages.BANK.matrix(self, dtype)
        groups = None if bank is None else filterbanks.groups(bank)
        for *_, weights in groups or ():
            weights.setflags(write=False)
        return bank, groups

    def band_frequencies(self) -> np.ndarray:
        """Return the centre of each band in Hz, as an array of shape `(bands,)`.

        This needs `sample_rate`, and values that are bands of the filter bank.

        Raises:
            ValueError: If there is no sample rate, or if a frame holds cepstral or stacked values or an energy.
        """
        if self.sample_rate is None:
            raise ValueError(message("sample_rate", "known to place bands in Hz", None, "Use replace(sample_rate=…)."))
        name = self._not_of_bands
        if name is not None:
            rule, way = "such that values are bands in Hz", "Number them instead: range(bands)."
            raise ValueError(message(name, rule, getattr(self, name), way))
        return stages.BANK.centres(self)

    @property
    def has_bands(self) -> bool:
        """Tell whether the values in a frame are bands with frequencies, which `band_frequencies` then returns."""
        return self._not_of_bands is None

    @property
    def _not_of_bands(self) -> str | None:
        """Return the first field by which the values in a frame are no bands, or None if they are."""
        if self.power is None:
            return "power"
        if self.transform == "identity":
            return "transform"
        plain = {"n_mfcc": None, "energy": None, "deltas": 0, "stack": 1}
        return next((name for name, value in plain.items() if getattr(self, name) != value), None)

    def frame_times(self, count: int) -> np.ndarray:
        """Return the time in seconds of the middle of each of `count` entries (frames, stacks, patches).

        This needs `sample_rate`.
        """
        if self.sample_rate is None:
            raise ValueError(
                message("sample_rate", "known to place frames in time", None, "Use replace(sample_rate=…).")
            )
        if self.power is None:
            return np.arange(count) / self.sample_rate
        length, hop = self.cut
        middle = length / 2.0 - self.padding[0]
        if self.stack > 1:
            middle += hop * ((self.stack - 1) / 2.0 - stages.STACK.front(self))
            hop *= self.stack_hop
        if self.patch_frames is not None:
            middle, hop = middle + hop * (self.patch_frames - 1) / 2.0, hop * (self.patch_hop or 1)
        return (np.arange(count) * hop + middle) / self.sample_rate

    def replace(self, **changes: Unpack[RecipeFields]) -> Recipe:
        """Return a new recipe with some fields changed.

        The other fields keep their values, including `win_length` and `hop_length`. Only a value that was derived from
        a changed field is derived again, such as `f_max` from the sample rate (its Nyquist frequency) and
        `window_placement` from the centring. A periodic window stays periodic, even with an odd `win_length`.

        Raises:
            TypeError: If a field does not exist.
        """
        _check_names(changes)
        fields = {**_values(self), **changes}
        # A value derived from another field is derived again, unless it is also given.
        for name, of in _DERIVED.items():
            if name not in changes and any(source in changes for source in of) and self._is_derived(name):
                fields[name] = _DEFAULTS[name]
        return Recipe(**fields)

    def _is_derived(self, name: str) -> bool:
        if name == "window_periodic" and self.window_periodic:  # the default would be symmetric for an odd length
            return False
        return bool(getattr(Recipe(**{**_values(self), name: _DEFAULTS[name]}), name) == getattr(self, name))

    def changed_fields(self) -> dict[str, Any]:
        """Return the fields that distinguish this recipe: those that differ from their defaults."""
        spectral = self.power is not None
        plain = _values(Recipe(n_fft=self.n_fft, win_length=self.win_length) if spectral else Recipe(power=None))
        always = ("sample_rate", "n_fft", "win_length", "hop_length") if spectral else ("sample_rate", "power")
        return {name: value for name, value in _values(self).items() if name in always or value != plain[name]}

    def to_json(self, indent: int | None = None) -> str:
        """Return the recipe as JSON, with the version of the format.

        Args:
            indent: Number of spaces for indentation. None writes one line.
        """
        fields = _values(self)
        if fields["sample_rate"] is not None:
            fields["sample_rate"] = float(fields["sample_rate"])  # files and hashes of 1.0.0.dev0 have 16000.0
        for stage in stages.STAGES:  # files of 1.0.0.dev0 do not have these fields
            for name in stage.added:
                if fields[name] == _DEFAULTS[name]:
                    del fields[name]
        if fields["norm"] == math.inf:  # JSON has no infinity
            fields["norm"] = "inf"
        return json.dumps({"kapre_recipe": _JSON_VERSION, **fields}, allow_nan=False, indent=indent)

    @classmethod
    def from_json(cls, text: str) -> Recipe:
        """Read the output of `to_json`, also from `numpy.load`. Refuse an unknown version or field by name."""
        try:
            fields = json.loads(str(text) if isinstance(text, np.ndarray) else text)
        except json.JSONDecodeError as error:
            given = str(text)[:40]
            raise ValueError(message("text", f"JSON ({error.msg})", given, "Write it with Recipe.to_json.")) from None
        version = fields.pop("kapre_recipe", None) if isinstance(fields, dict) else None
        if version != _JSON_VERSION:
            raise ValueError(
                message(
                    "kapre_recipe", f"version {_JSON_VERSION}", version, "Write it with this Kapre's Recipe.to_json."
                )
            )
        unknown = sorted(set(fields) - set(_DEFAULTS))
        if unknown:
            near = nearest(unknown[0], _DEFAULTS)
            way = f"Is {unknown[0]} {' or '.join(near)}? Else remove" if near else "Remove"
            way += " them, or use the Kapre that wrote them."
            raise ValueError(message("fields", "fields of kapre.Recipe", unknown, way))
        if fields.get("norm") == "inf":
            fields["norm"] = math.inf
        return cls(**fields)

    @staticmethod
    def from_pretrained(source: str | os.PathLike[str] | Mapping[str, Any], /) -> Recipe:
        """Return the recipe of a published model, read from the model's own configuration file.

        Args:
            source: The model's folder, its configuration file, the contents of that file as a mapping, or the name of a
                model on the Hub; see `kapre.Frontend.from_pretrained`.

        Raises:
            ValueError: If no reader knows the file, or a field of it cannot be expressed.
            TypeError: If `source` is of the wrong type.

        Example:
            ```python
            import kapre

            config = {"feature_extractor_type": "WhisperFeatureExtractor", "chunk_length": 10}
            assert kapre.Recipe.from_pretrained(config).fixed_samples == 160000
            ```
        """
        recipe: Recipe = import_module("kapre.frontends.readers").read(source).recipe
        return recipe

    def to_transformers(self) -> dict[str, Any]:
        """Return the fields of the transformers feature extractor that gives the same numbers.

        Written as `preprocessor_config.json`, they let `transformers.AutoFeatureExtractor.from_pretrained` make it, and
        `from_pretrained` read it back.

        Raises:
            ValueError: If no extractor gives these numbers. The message names the nearest one and the fields that it
                cannot express.

        Example:
            ```python
            import kapre

            recipe = kapre.frontends.preset("whisper").recipe.replace(n_mels=64, fixed_samples=80000)
            config = recipe.to_transformers()
            assert config["feature_extractor_type"] == "WhisperFeatureExtractor" and config["chunk_length"] == 5
            assert kapre.Recipe.from_pretrained(config) == recipe
            ```
        """
        config: dict[str, Any] = import_module("kapre.frontends.readers.to_hugging_face").config_of(self)
        return config

    @staticmethod
    def from_librosa(function: str = "feature.melspectrogram", /, **arguments: Any) -> Recipe:
        """Return the recipe of a function of librosa, with librosa's names and defaults.

        Args:
            function: "feature.melspectrogram", "feature.mfcc", "feature.chroma_stft" or "stft" (its magnitude), or
                pasted code that calls them. In code, `power_to_db`, `amplitude_to_db` and logarithms such as
                `np.log(mel + 1e-6)` are read, too. The code is never run.
            **arguments: The arguments of the function, except the sound.

        Raises:
            ValueError: If a recipe cannot express an argument, or the code does anything else.

        Notes:
            The recipe keeps librosa's layout, (bands, frames). `replace(layout="time_first")` transposes it.

        Example:
            ```python
            import kapre

            recipe = kapre.Recipe.from_librosa(sr=16000, n_fft=512, hop_length=160, n_mels=40)
            assert recipe.n_mels == 40 and recipe.center
            code = "librosa.power_to_db(librosa.feature.melspectrogram(y=y, sr=16000), ref=np.max)"
            assert kapre.Recipe.from_librosa(code).ref_value == "max"
            ```
        """
        return _of_library("librosa", function, arguments)

    @staticmethod
    def from_torchaudio(function: str = "transforms.MelSpectrogram", /, **arguments: Any) -> Recipe:
        """Return the recipe of a transform or function of torchaudio, with torchaudio's names and defaults.

        Args:
            function: "transforms.MelSpectrogram", "transforms.Spectrogram", "transforms.MFCC", "transforms.LFCC",
                "compliance.kaldi.fbank", "compliance.kaldi.mfcc" or "compliance.kaldi.spectrogram", or pasted code that
                calls them. In code, `AmplitudeToDB`, `torch.nn.Sequential`, a factor of the samples, and logarithms
                such as `mel(x).clamp(min=1e-5).log()` are read, too. The code is never run.
            **arguments: The arguments of the function. A window is given by its name, such as "hamming".

        Raises:
            ValueError: If a recipe cannot express an argument, or the code does anything else.

        Example:
            ```python
            import kapre

            recipe = kapre.Recipe.from_torchaudio("transforms.MFCC", n_mfcc=13, melkwargs={"n_mels": 40})
            assert (recipe.n_mfcc, recipe.n_mels) == (13, 40)
            code = "nn.Sequential(T.MelSpectrogram(16000, n_fft=512), T.AmplitudeToDB(top_db=80))"
            assert kapre.Recipe.from_torchaudio(code).dynamic_range == 80.0
            code = "torchaudio.compliance.kaldi.fbank(waveform * 32768, num_mel_bins=80, energy_floor=0.0)"
            assert kapre.Recipe.from_torchaudio(code) == kapre.frontends.preset("kaldi_fbank").recipe
            ```
        """
        return _of_library("torchaudio", function, arguments)


def _of_library(library: str, function: str, arguments: dict[str, Any]) -> Recipe:
    """Return the recipe of a function's name and arguments, or of pasted code."""
    calls = import_module("kapre.frontends.readers.calls")
    if "(" not in function:
        recipe: Recipe = calls.from_arguments(library, function, arguments).recipe
        return recipe
    if arguments:
        way = "Write them in the code."
        raise TypeError(message("arguments", "left out with code", ", ".join(arguments), way))
    recipe = calls.from_call(function).recipe
    return recipe


_DEFAULTS: dict[str, Any] = {field.name: field.default for field in dataclasses.fields(Recipe)}
_DERIVED = {
    "frame_length": ("win_length", "n_fft", "center", "window_placement"),
    "window_placement": ("center",),
    "window_periodic": ("win_length", "n_fft", "window_name"),
    "f_min": ("filterbank", "transform"),
    "f_max": ("sample_rate", "bank_rate"),
    "stack_hop": ("stack",),
    "patch_hop": ("patch_frames",),
}


def _values(recipe: Recipe) -> dict[str, Any]:
    return {name: getattr(recipe, name) for name in _DEFAULTS}


def _needed(recipe: Recipe) -> dict[str, Any]:
    """Return the fewest fields that make the same recipe: those whose values follow from others are left out."""
    values = _values(recipe)
    needed = {name: value for name, value in values.items() if value != _DEFAULTS[name]}
    for name in [name for name in needed if _DEFAULTS[name] is None or name in _DERIVED]:
        fewer = {key: value for key, value in needed.items() if key != name}
        with contextlib.suppress(TypeError, ValueError):  # a field without which the others make no recipe
            if stages.canonical({**_DEFAULTS, **fewer}, _DEFAULTS) == values:
                needed = fewer
    return needed


def _remade(fields: dict[str, Any]) -> Recipe:
    return Recipe(**fields)


def stft_recipe(**fields: Any) -> Recipe:
    """Return the recipe of an STFT from arguments that may be None, with every field resolved to a value."""
    return Recipe(**fields)
