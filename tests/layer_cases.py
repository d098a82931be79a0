"""One or more cases for every registered layer, for the contract test and the files exchanged between backends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

import kapre
from kapre import augmentation, composed
from tests.augmentations import AUGMENTATIONS
from tests.conftest import chirp

BINS = 33  # of n_fft = 64, so that the tests stay quick


@dataclass(frozen=True)
class Case:
    """How to make a layer, what it takes, and the properties by which tests select cases; no test asks for a name."""

    layer: str
    make: Callable[..., Any]  # data_format -> layer
    takes: Literal["waveform", "complex", "spectrogram", "parts"]
    reach: int = 1  # the shortest input that gives a frame
    hop: int = 1
    gives_parts: bool = False  # a trailing axis of 2 behind the channels
    gives_rows: bool = False  # (batch, frame, channel * band) in either data format
    channels_apart: bool = True  # no channel of the output depends on another's input
    integer: bool = False  # the output is of integers: it has no gradient and no NaN
    takes_integers: bool = False  # integers are not refused: codes, or samples that an Input casts
    random: bool = False  # a call draws anew
    time_is_known: bool = True  # the static shape has the time that it has outside training
    angles: bool = False  # the output is of angles, of which −π and π are the same
    flat: bool = False  # its gradient is 0
    decibels: bool = False  # the item's maximum over all channels bounds the output from below
    rounding: float = 1e-5  # how far two backends may lie apart, as a fraction of the peak
    subtracts: bool = False  # the result keeps the rounding of values much larger than itself
    traces_apart: bool = True  # no other case traces in the same way; slow tests of traces use these cases
    exemplary: bool = False  # one of the few cases that slow tests use

    @property
    def composed(self) -> bool:
        """Whether it is a model of several layers."""
        return self.layer.startswith("Composed")

    @property
    def dtype(self) -> str:
        """The dtype of its input in single precision."""
        return "complex64" if self.takes == "complex" else "float32"

    def fits(self, static: tuple[int | None, ...], shape: tuple[int, ...]) -> bool:
        """Tell whether a static shape is that of a result. Only a time that is not known may be open."""
        static, shape = tuple(static), tuple(shape)
        if self.time_is_known:
            return static == shape
        fits = len(static) == len(shape) and all(
            given in (None, size) for given, size in zip(static, shape, strict=True)
        )
        return fits and static.count(None) <= 1

    def channel_axis(self, data_format: str, of_output: bool = False) -> int:
        """Return the axis of the channels."""
        if of_output and self.gives_rows:
            return -1
        trailing = self.gives_parts if of_output else self.takes == "parts"
        return 1 if data_format == "channels_first" else -1 - trailing

    def input(self, data_format: str, batch: int = 2, length: int | None = None, channels: int = 2) -> np.ndarray:
        """Make an input of `length` samples or frames, in float64 or complex128."""
        length = (self.reach + 3 * self.hop + 1) if length is None else length
        if self.takes == "waveform":
            x = chirp(batch, length, channels)
        else:
            rng = np.random.default_rng(length)
            x = rng.uniform(0.01, 1.0, (batch, length, BINS, channels))
            if self.takes == "complex":
                x = x * np.exp(1j * rng.uniform(-3, 3, x.shape))
            if self.takes == "parts":
                x = np.stack([x, rng.uniform(-1.0, 1.0, x.shape)], axis=-1)
        return x if data_format == "channels_last" else np.moveaxis(x, self.channel_axis("channels_last"), 1)

    def single(self, data_format: str, batch: int = 2, length: int | None = None, channels: int = 2) -> np.ndarray:
        """Make the same input in single precision."""
        return self.input(data_format, batch, length, channels).astype(self.dtype)

    def dynamic_shape(self, data_format: str, channels: int = 2) -> tuple[int | None, ...]:
        """Return the input's shape without the batch, its time unknown."""
        inner = (None,) if self.takes == "waveform" else (None, BINS)
        shape = (*inner, channels) if data_format == "channels_last" else (channels, *inner)
        return (*shape, 2) if self.takes == "parts" else shape


def _both(data_format: str) -> dict[str, str]:
    return dict(input_data_format=data_format, output_data_format=data_format)


STFT_ARGUMENTS = dict(n_fft=64, win_length=50, hop_length=16)
MEL = dict(sample_rate=16000, n_freq=BINS, n_mels=8)
LOG = dict(sample_rate=16000, n_freq=BINS, n_bins=6, bins_per_octave=2, f_min=500.0, spread=0.5)

TAPS = (0.5, -0.25, 1.0, 0.125)
SOS = ((1.0, 0.5, 0.0, 1.0, -0.5, 0.0), (0.5, 0.0, 0.5, 2.0, -1.0, 1.0))

SHORT = dict(n_fft=64, win_length=50, hop_length=16)
OCTAVES = dict(hop_length=16, f_min=1500.0, n_bins=8, bins_per_octave=4)
CASES: dict[str, Case] = {
    "Spectrogram": Case(
        "Spectrogram", lambda df, **k: kapre.Spectrogram(**SHORT, data_format=df, **k), "waveform", 64, 16
    ),
    "MelSpectrogram": Case(
        "MelSpectrogram",
        lambda df, **k: kapre.MelSpectrogram(16000, **SHORT, n_mels=8, scale="log", data_format=df, **k),
        "waveform",
        64,
        16,
    ),
    "MelSpectrogram, below the maximum": Case(
        "MelSpectrogram",
        lambda df, **k: kapre.MelSpectrogram(
            16000, **SHORT, n_mels=8, power=1.0, center=False, dynamic_range=60.0, data_format=df, **k
        ),
        "waveform",
        64,
        16,
        decibels=True,
        traces_apart=False,
    ),
    "CQT": Case("CQT", lambda df, **k: kapre.CQT(16000, **OCTAVES, data_format=df, **k), "waveform", 64, 16),
    "CQT, complex": Case(
        "CQT", lambda df, **k: kapre.CQT(16000, **OCTAVES, power=None, data_format=df, **k), "waveform", 64, 16
    ),
    "VQT": Case(
        "VQT",
        lambda df, **k: kapre.VQT(16000, **OCTAVES, gamma=300.0, center=False, data_format=df, **k),
        "waveform",
        30,
        16,
        traces_apart=False,
    ),
    "InterchannelPhaseDifference": Case(
        "InterchannelPhaseDifference",
        lambda df, **k: kapre.InterchannelPhaseDifference(**SHORT, data_format=df, **k),
        *("waveform", 1, 16),
        channels_apart=False,
        rounding=1e-3,
    ),
    "InterchannelLevelDifference": Case(
        "InterchannelLevelDifference",
        lambda df, **k: kapre.InterchannelLevelDifference([(1, 0)], 1e-3, **SHORT, data_format=df, **k),
        *("waveform", 1, 16),
        channels_apart=False,
    ),
    "GCCPHAT": Case(
        "GCCPHAT",
        lambda df, **k: kapre.GCCPHAT(4, **SHORT, center=False, data_format=df, **k),
        *("waveform", 64, 16),
        channels_apart=False,
        rounding=1e-3,
    ),
    "InstantaneousFrequency": Case(
        "InstantaneousFrequency",
        lambda df, **k: kapre.InstantaneousFrequency(1.0, **SHORT, data_format=df, **k),
        *("waveform", 1, 16),
        rounding=1e-3,
    ),
    "GroupDelay": Case(
        "GroupDelay",
        lambda df, **k: kapre.GroupDelay(16000, **SHORT, center=False, data_format=df, **k),
        *("waveform", 64, 16),
        rounding=1e-3,
        traces_apart=False,
    ),
    "MFCC": Case(
        "MFCC", lambda df, **k: kapre.MFCC(16000, 5, **SHORT, n_mels=8, data_format=df, **k), "waveform", 64, 16
    ),
    **{
        name.__name__: Case(
            name.__name__,
            lambda df, name=name, first=first, **k: name(*first, **SHORT, data_format=df, **k),
            "waveform",
            1,
            16,
            flat=name is kapre.SpectralRolloff,
            traces_apart=name is kapre.SpectralCentroid,
        )
        for name, first in {
            kapre.SpectralCentroid: (16000,),
            kapre.SpectralBandwidth: (16000,),
            kapre.SpectralRolloff: (16000,),
            kapre.SpectralFlatness: (),
            kapre.SpectralFlux: (),
        }.items()
    },
    "SpectralContrast": Case(
        "SpectralContrast",
        lambda df, **k: kapre.SpectralContrast(16000, 3, 1000.0, 0.2, **SHORT, data_format=df, **k),
        "waveform",
        1,
        16,
        channels_apart=False,
    ),
    "LoudnessNormalization": Case(
        "LoudnessNormalization",
        lambda df, **k: kapre.LoudnessNormalization(16000, -20.0, data_format=df, **k),
        "waveform",
        channels_apart=False,
    ),
    "RMSNormalization": Case(
        "RMSNormalization",
        lambda df, **k: kapre.RMSNormalization(-20.0, data_format=df, **k),
        "waveform",
        channels_apart=False,
        traces_apart=False,
    ),
    "PeakNormalization": Case(
        "PeakNormalization",
        lambda df, **k: kapre.PeakNormalization(max_gain_db=40.0, data_format=df, **k),
        "waveform",
        channels_apart=False,
        traces_apart=False,
    ),
    "RMS": Case("RMS", lambda df, **k: kapre.RMS(20, 7, data_format=df, **k), "waveform", 1, 7),
    "ZeroCrossingRate": Case(
        "ZeroCrossingRate",
        lambda df, **k: kapre.ZeroCrossingRate(20, 7, data_format=df, **k),
        "waveform",
        1,
        7,
        flat=True,
    ),
    "OnsetStrength": Case(
        "OnsetStrength",
        lambda df, **k: kapre.OnsetStrength(16000, 8, **SHORT, data_format=df, **k),
        "waveform",
        1,
        16,
        channels_apart=False,
    ),
    "Tempogram": Case(
        "Tempogram",
        lambda df, **k: kapre.Tempogram(16000, 7, n_mels=8, dynamic_range=None, **SHORT, data_format=df, **k),
        "waveform",
        150,  # with fewer frames, only one of the envelope is not 0
        16,
    ),
    "Chroma": Case("Chroma", lambda df, **k: kapre.Chroma(16000, **SHORT, data_format=df, **k), "waveform", 1, 16),
    "Tonnetz": Case(
        "Tonnetz",
        lambda df, **k: kapre.Tonnetz(16000, **SHORT, data_format=df, **k),
        "waveform",
        1,
        16,
        subtracts=True,
        traces_apart=False,
    ),
    "HPSS": Case(
        "HPSS",
        lambda df, **k: kapre.HPSS(kernel_size=(5, 7), data_format=df, **k),
        "spectrogram",
    ),
    "HPSS, mask": Case(
        "HPSS",
        lambda df, **k: kapre.HPSS("percussive", 3, 1.0, (1.5, 2.0), mask=True, data_format=df, **k),
        "spectrogram",
        traces_apart=False,
    ),
    "MDCT": Case("MDCT", lambda df, **k: kapre.MDCT(32, data_format=df, **k), "waveform", 1, 16),
    "InverseMDCT": Case(
        "InverseMDCT",
        lambda df, **k: kapre.InverseMDCT(2 * BINS, "cosine_window", "ortho", data_format=df, **k),
        "spectrogram",
    ),
    "FrequencyWeighting": Case(
        "FrequencyWeighting",
        lambda df, **k: kapre.FrequencyWeighting(16000, data_format=df, **k),
        "spectrogram",
    ),
    "SpectralDescriptors": Case(
        "SpectralDescriptors",
        lambda df, **k: kapre.SpectralDescriptors(16000, **SHORT, data_format=df, **k),
        "waveform",
        1,
        16,
    ),
    "Frame": Case("Frame", lambda df, **k: kapre.Frame(20, 7, data_format=df, **k), "waveform", 20, 7),
    "Frame, padded": Case(
        "Frame",
        lambda df, **k: kapre.Frame(20, 7, pad_end=True, pad_value=0.5, data_format=df, **k),
        "waveform",
        1,
        7,
        traces_apart=False,
    ),
    "STFT": Case("STFT", lambda df, **k: kapre.STFT(**STFT_ARGUMENTS, **_both(df), **k), "waveform", 50, 16),
    "STFT, padded": Case(
        "STFT",
        lambda df, **k: kapre.STFT(**STFT_ARGUMENTS, pad_begin=True, pad_end=True, **_both(df), **k),
        "waveform",
        1,
        16,
        traces_apart=False,
    ),
    "STFT, centred": Case(
        "STFT",
        lambda df, **k: kapre.STFT(
            **STFT_ARGUMENTS, window_name="vorbis_window", center=True, pad_mode="reflect", **_both(df), **k
        ),
        "waveform",
        1,
        16,
        exemplary=True,
    ),
    "InverseSTFT": Case(
        "InverseSTFT",
        lambda df, **k: kapre.InverseSTFT(**STFT_ARGUMENTS, **_both(df), **k),
        "complex",
        exemplary=True,
    ),
    "InverseSTFT, exact": Case(
        "InverseSTFT",
        lambda df, **k: kapre.InverseSTFT(**STFT_ARGUMENTS, center=True, exact_edges=True, length=77, **_both(df), **k),
        "complex",
    ),
    "GriffinLim": Case(
        "GriffinLim",
        lambda df, **k: kapre.GriffinLim(**STFT_ARGUMENTS, center=True, n_iter=2, **_both(df), **k),
        "spectrogram",
        rounding=1e-4,  # each step magnifies the rounding of small values of the spectrum
    ),
    "GriffinLim, random": Case(
        "GriffinLim",
        lambda df, **k: kapre.GriffinLim(
            **STFT_ARGUMENTS, pad_begin=True, n_iter=1, power=2.0, seed=2, length=77, **_both(df), **k
        ),
        "spectrogram",
        rounding=1e-4,
        traces_apart=False,
    ),
    "Magnitude": Case("Magnitude", lambda df, **k: kapre.Magnitude(**k), "complex"),
    "Magnitude, power": Case(
        "Magnitude", lambda df, **k: kapre.Magnitude(power=2.0, **k), "complex", traces_apart=False
    ),
    "Phase": Case("Phase", lambda df, **k: kapre.Phase(**k), "complex", angles=True, exemplary=True),
    "Phase, approximate": Case(
        "Phase", lambda df, **k: kapre.Phase(approx_atan_accuracy=5, **k), "complex", angles=True
    ),
    "MagnitudeToDecibel": Case(
        "MagnitudeToDecibel",
        lambda df, **k: kapre.MagnitudeToDecibel(0.5, 1e-4, 30.0, data_format=df, **k),
        "spectrogram",
        decibels=True,
    ),
    "Energy": Case(
        "Energy",
        lambda df, **k: kapre.Energy(16000, 0.1, 20, 7, pad_end=True, pad_value=0.1, data_format=df, **k),
        "waveform",
        1,
        7,
        exemplary=True,
    ),
    "MuLawEncoding": Case("MuLawEncoding", lambda df, **k: kapre.MuLawEncoding(256, **k), "waveform", integer=True),
    "MuLawDecoding": Case(
        "MuLawDecoding", lambda df, **k: kapre.MuLawDecoding(256, **k), "waveform", takes_integers=True
    ),
    "Resample": Case("Resample", lambda df, **k: kapre.Resample(300, 200, data_format=df, **k), "waveform", 1, 3),
    "Resample, up": Case(
        "Resample",
        lambda df, **k: kapre.Resample(8000, 16000, 4, 0.9, "sinc_interp_kaiser", 8.0, data_format=df, **k),
        "waveform",
        traces_apart=False,
    ),
    "Convolve": Case("Convolve", lambda df, **k: kapre.Convolve(TAPS, data_format=df, **k), "waveform"),
    "Convolve, same": Case(
        "Convolve", lambda df, **k: kapre.Convolve(TAPS, "same", data_format=df, **k), "waveform", traces_apart=False
    ),
    "Convolve, valid": Case(
        "Convolve", lambda df, **k: kapre.Convolve(TAPS, "valid", data_format=df, **k), "waveform", len(TAPS)
    ),
    "IIRFilter": Case("IIRFilter", lambda df, **k: kapre.IIRFilter(SOS, data_format=df, **k), "waveform"),
    "LogmelToMFCC": Case("LogmelToMFCC", lambda df, **k: kapre.LogmelToMFCC(13, data_format=df, **k), "spectrogram"),
    "Delta": Case("Delta", lambda df, **k: kapre.Delta(data_format=df, **k), "spectrogram", exemplary=True),
    "Delta, reflect": Case(
        "Delta", lambda df, **k: kapre.Delta(3, "reflect", data_format=df, **k), "spectrogram", traces_apart=False
    ),
    "ConcatenateFrequencyMap": Case(
        "ConcatenateFrequencyMap",
        lambda df, **k: kapre.ConcatenateFrequencyMap(data_format=df, **k),
        "spectrogram",
        channels_apart=False,
    ),
    "SqueezeChannels": Case(
        "SqueezeChannels",
        lambda df, **k: kapre.SqueezeChannels(data_format=df, **k),
        "spectrogram",
        gives_rows=True,
    ),
    "STFTTflite": Case(
        "STFTTflite",
        lambda df, **k: kapre.STFTTflite(**STFT_ARGUMENTS, **_both(df), **k),
        "waveform",
        50,
        16,
        gives_parts=True,
    ),
    "STFTTflite, padded": Case(
        "STFTTflite",
        lambda df, **k: kapre.STFTTflite(**STFT_ARGUMENTS, pad_begin=True, pad_end=True, **_both(df), **k),
        "waveform",
        1,
        16,
        gives_parts=True,
        traces_apart=False,
    ),
    "MagnitudeTflite": Case("MagnitudeTflite", lambda df, **k: kapre.MagnitudeTflite(**k), "parts"),
    "PhaseTflite": Case("PhaseTflite", lambda df, **k: kapre.PhaseTflite(**k), "parts", angles=True),
    "PhaseTflite, approximate": Case(
        "PhaseTflite", lambda df, **k: kapre.PhaseTflite(5, **k), "parts", angles=True, traces_apart=False
    ),
    **{
        name: Case(
            name.split(",")[0],
            lambda df, row=row, **k: row.make(data_format=df, seed=3, **k),
            row.takes,
            random=True,
            time_is_known=row.keeps_time,
            traces_apart=name == "SpecAugment",  # outside training, all of them are the identity
        )
        for name, row in AUGMENTATIONS.items()
    },
    **{
        kind.__name__: Case(
            kind.__name__,
            lambda df, kind=kind, **k: kind(
                [augmentation.RandomGain(data_format=df), augmentation.PolarityInversion(data_format=df)],
                data_format=df,
                seed=3,
                **k,
            ),
            "waveform",
            random=True,
        )
        for kind in (augmentation.Chain, augmentation.OneOf, augmentation.SomeOf, augmentation.Choice)
    },
    "SpeedPerturbation": Case(
        "SpeedPerturbation",
        lambda df, **k: augmentation.SpeedPerturbation(data_format=df, seed=3, **k),
        "waveform",
        random=True,
    ),
    "TimeStretch": Case(
        "TimeStretch",
        lambda df, **k: augmentation.TimeStretch(n_fft=32, data_format=df, seed=3, **k),
        "waveform",
        random=True,
    ),
    "magnitude and phase": Case(
        "ComposedModel",
        lambda df, **k: kapre.get_stft_mag_phase(
            (None, 2) if df == "channels_last" else (2, None), **STFT_ARGUMENTS, **_both(df)
        ),
        "waveform",
        50,
        16,
        channels_apart=False,
        takes_integers=True,
    ),
    "ApplyFilterbank, mel": Case(
        "ApplyFilterbank",
        lambda df, **k: kapre.ApplyFilterbank("mel", MEL, data_format=df, **k),
        "spectrogram",
        exemplary=True,
    ),
    "ApplyFilterbank, log": Case(
        "ApplyFilterbank",
        lambda df, **k: kapre.ApplyFilterbank("log", LOG, data_format=df, **k),
        "spectrogram",
        traces_apart=False,
    ),
    "InverseFilterbank": Case(
        "InverseFilterbank",
        lambda df, **k: kapre.InverseFilterbank(
            "mel", dict(sample_rate=16000, n_freq=64, n_mels=BINS, f_max=7000.0), data_format=df, n_iter=3, **k
        ),
        "spectrogram",
    ),
    "InverseMFCC": Case(
        "InverseMFCC", lambda df, **k: kapre.InverseMFCC(40, lifter=50.0, data_format=df, **k), "spectrogram"
    ),
    "magnitude helper": Case(
        "ComposedSequential",
        lambda df, **k: kapre.get_stft_magnitude_layer(**STFT_ARGUMENTS, return_decibel=True, **_both(df)),
        "waveform",
        50,
        16,
        decibels=True,
        traces_apart=False,
    ),
    "mel helper": Case(
        "ComposedSequential",
        lambda df, **k: kapre.get_melspectrogram_layer(
            **STFT_ARGUMENTS, sample_rate=16000, n_mels=8, return_decibel=True, power=2.0, **_both(df)
        ),
        "waveform",
        50,
        16,
        decibels=True,
        exemplary=True,
    ),
    "log helper": Case(
        "ComposedSequential",
        lambda df, **k: kapre.get_log_frequency_spectrogram_layer(
            **STFT_ARGUMENTS,
            sample_rate=16000,
            log_n_bins=6,
            log_bins_per_octave=2,
            log_f_min=500.0,
            log_spread=0.5,
            pad_end=True,
            **_both(df),
        ),
        "waveform",
        1,
        16,
        traces_apart=False,
    ),
    "chain that is not fused": Case(
        "ComposedSequential",
        lambda df, **k: composed.ComposedSequential(
            [kapre.STFT(**STFT_ARGUMENTS, **_both(df)), kapre.Phase()], name="chained"
        ),
        "waveform",
        50,
        16,
        angles=True,
        rounding=1e-3,  # the phase magnifies the rounding of small values of the spectrum
        traces_apart=False,  # Keras' own call of a model, as of the one above
    ),
}
