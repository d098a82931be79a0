"""What the layers show on the site: the recording, the layer, and how its values are drawn.

tools/overview.py draws the small pictures of the gallery, and tools/reference.py the pictures with axes on the pages of
the layers.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
SPEECH, MUSIC = "speech", "arpeggio"
SECONDS = 3
RATE = 16000
ELSEWHERE = {
    "GCCPHAT": ("microphones.md", "microphones/moving.png"),
    **dict.fromkeys(("SincConv", "Leaf", "ParametricFilterbank"), ("learned.md", "learned/filters.png")),
}
"""Layers whose pictures other pages draw: the page and the picture."""
LINE, BANDS, WAVE = "line", "bands", "wave"
"""A number for each frame, several numbers for each frame, and samples."""


class Picture(NamedTuple):
    """What a picture shows: the layer, the recording, and what makes values of samples `(1, time)`.

    The values are `(1, frames)` or `(1, frames, numbers)`. Of a line with several numbers, each is a line. `beside`
    names a second recording, which `values` reads. `note` says how the picture differs from the result of the layer.
    """

    layer: str
    recording: str
    values: Callable[[Any], Any]
    kind: str = BANDS
    unit: str = "band"
    beside: str = ""
    note: str = ""


NOTES = {
    "MFCC": "Coefficient 0, the level, is left out.",
    "LogmelToMFCC": "Coefficient 0, the level, is left out.",
    "MDCT": "The picture shows the square root of the absolute values.",
    "Tempogram": "The picture shows the square root of lags 1 to 99.",
    "STFT": "The picture shows the magnitude in decibels.",
    "STFTTflite": "The picture shows the magnitude in decibels.",
    "Magnitude": "The picture shows the magnitude to the power of 0.3.",
    "ApplyFilterbank": "The picture shows the bands of the magnitude in decibels.",
    "InverseFilterbank": "The picture shows the bins, estimated from 64 bands, in decibels.",
    "HPSS, harmonic": "The picture shows the harmonic part in decibels.",
    "HPSS, percussive": "The picture shows the percussive part in decibels.",
    "Phase": "The picture shows bins 0 to 119.",
    "ConcatenateFrequencyMap": "The picture shows the added channel.",
    "InstantaneousFrequency": "The picture shows bins 0 to 159, relative to the centre of each bin, within 30 Hz.",
    "GroupDelay": "The picture shows bins 0 to 159, within 30 ms.",
    "YIN": "The picture shows the pitch.",
    "FixedPieces": "The picture shows the second of three pieces of 1 s.",
    "ParallelFrontends": "The picture shows both front ends, one above the other.",
    "Frame": "The picture shows frames from 0.75 s to 1.25 s.",
    "InterchannelPhaseDifference": "The sound moves from the first microphone to the second, with a delay of 6 samples "
    "in the second. The picture shows the cosine in bins 0 to 159.",
    "InterchannelLevelDifference": "The sound moves from the first microphone to the second. The picture shows bins 0 "
    "to 159.",
    "IntensityVector": "The sound moves once around the microphones. The picture shows the component to the left.",
    "MixUp": "The picture shows the mel spectrogram of a mixture.",
    "CutMix": "The picture shows the mel spectrogram of the speech with a part of the music.",
}
"""How a picture differs from the result of the layer."""


@functools.cache
def pictures() -> dict[str, dict[str, Picture]]:
    """Return the pictures by section and title."""
    return {
        section: {title: picture._replace(note=NOTES.get(title, "")) for title, picture in entries.items()}
        for section, entries in _pictures().items()
    }


def _pictures() -> dict[str, dict[str, Picture]]:
    import numpy as np
    from keras import ops

    import kapre

    framing: dict[str, Any] = dict(n_fft=1024, hop_length=256)
    centred: dict[str, Any] = dict(**framing, center=True)
    mel = kapre.MelSpectrogram(RATE, **framing, n_mels=64)
    bins = kapre.Spectrogram(**framing, power=1.0, scale="linear")
    stft, inverse, magnitudes = kapre.STFT(**centred), kapre.InverseSTFT(**centred), kapre.Magnitude()
    linear = kapre.MelSpectrogram(RATE, **framing, n_mels=64, scale="linear", power=1.0)
    decibels = kapre.amplitude_to_decibel

    def plain(layer: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """Return a layer of one channel as a function of values without a channel."""
        return lambda x: layer(x[..., None])[..., 0]

    def made(name: str, *given: Any, of: str = SPEECH, kind: str = BANDS, unit: str = "band", **more: Any) -> Picture:
        """Return the picture of a layer of `(batch, time)`."""
        return Picture(f"kapre.{name}", of, getattr(kapre, name)(*given, **more), kind, unit)

    def line(name: str, *given: Any, of: str = SPEECH, unit: str = "Hz", **more: Any) -> Picture:
        return made(name, *given, of=of, kind=LINE, unit=unit, **more)

    def wave(name: str, *given: Any, **more: Any) -> Picture:
        """Return the picture of a layer that makes a waveform of one."""
        return Picture(f"kapre.{name}", SPEECH, plain(getattr(kapre, name)(*given, **more)), WAVE, "sample")

    def drawn(name: str, values: Callable[[Any], Any], of: str = SPEECH, unit: str = "bin") -> Picture:
        return Picture(f"kapre.{name}", of, values, BANDS, unit)

    def rebuilt(name: str, values: Callable[[Any], Any]) -> Picture:
        return Picture(f"kapre.{name}", SPEECH, values, WAVE, "sample")

    def recipe(of: str = SPEECH, **fields: Any) -> Picture:
        front_end = kapre.Frontend(kapre.Recipe(sample_rate=RATE, **centred, power=2.0, **fields))
        return Picture("kapre.Recipe", of, front_end)

    def moving(name: str, which: int, unit: str) -> Picture:
        """Return the picture of a layer of two microphones for a sound that goes from the first to the second."""
        layer = getattr(kapre, name)(n_fft=1024, hop_length=256)

        def values(x: Any) -> Any:
            place = np.linspace(0.05, 0.95, x.shape[1], dtype="float32")
            return layer(np.stack([x * (1.0 - place), np.roll(x, 6, 1) * place], -1))[..., :160, which]

        return drawn(name, values, unit=unit)

    def combined(name: str, **more: Any) -> Picture:
        """Return the picture of a layer that combines the speech with the music."""
        layer = getattr(kapre.augmentation, name)(**more)

        def values(x: Any) -> Any:
            made, _ = layer((np.concatenate([x, samples(MUSIC)]), np.eye(2, dtype="float32")), training=True)
            return mel(made)

        return Picture(f"kapre.augmentation.{name}", SPEECH, values, beside=MUSIC)

    def around(x: Any) -> Any:
        """Return the direction of a sound that goes once around the microphones."""
        angle = np.linspace(0.0, 2.0 * np.pi, x.shape[1], dtype="float32")
        return direction(np.stack([x, x * np.sin(angle), 0.0 * x, x * np.cos(angle)], -1))[..., 1]

    mdct, mfcc = kapre.MDCT(256), kapre.MFCC(RATE, 20, **framing)
    frequency, tempogram = kapre.InstantaneousFrequency(RATE, **framing), kapre.Tempogram(RATE, **framing)
    delay, direction = kapre.GroupDelay(RATE, **framing), kapre.IntensityVector(sample_rate=RATE, n_mels=64)
    tflite, weighting = kapre.STFTTflite(**centred), kapre.FrequencyWeighting(RATE, "A", scale="db")
    bank: dict[str, Any] = dict(sample_rate=RATE, n_freq=513, n_mels=64)
    banded, unbanded = kapre.ApplyFilterbank("mel", bank), kapre.InverseFilterbank("mel", bank, n_iter=20)
    pitch, cepstrum, to_bands = kapre.YIN(RATE), kapre.LogmelToMFCC(20), kapre.InverseMFCC(64)
    few = kapre.MFCC(RATE, 20, **framing, n_mels=64)
    pairs, harmonic, percussive = kapre.MagnitudeTflite(), kapre.HPSS("harmonic"), kapre.HPSS("percussive")
    lapped, vocoder = kapre.InverseMDCT(256), kapre.GriffinLim(**centred, n_iter=16, seed=0)
    pieces, position = kapre.FixedPieces("kaldi_fbank", RATE), kapre.ConcatenateFrequencyMap()
    levels = kapre.PCEN(start="first", epsilon=1e-3)
    low, high = (
        kapre.Recipe(sample_rate=RATE, **framing, filterbank="mel", n_mels=48, log="db", **edges)
        for edges in (dict(f_max=2000.0), dict(f_min=1000.0))
    )
    both = kapre.ParallelFrontends([low, high])
    pcen: dict[str, Any] = dict(filterbank="mel", n_mels=64, pcen=True, input_scale=2.0**31)
    rest = "coefficient"
    return {
        "Spectrograms": {
            "Spectrogram": made("Spectrogram", **framing, unit="bin"),
            "MelSpectrogram": Picture("kapre.MelSpectrogram", SPEECH, mel),
            "MFCC": drawn("MFCC", lambda x: mfcc(x)[..., 1:], unit=rest),
            "CQT": made("CQT", RATE, n_bins=80, scale="db", of=MUSIC, unit="bin"),
            "VQT": made("VQT", RATE, n_bins=80, scale="db", of=MUSIC, unit="bin"),
            "MDCT": drawn("MDCT", lambda x: ops.abs(mdct(x)) ** 0.5, MUSIC, "coefficient"),
            "get_stft_magnitude_layer": drawn(
                "get_stft_magnitude_layer", plain(kapre.get_stft_magnitude_layer(**centred, return_decibel=True))
            ),
            "get_melspectrogram_layer": drawn(
                "get_melspectrogram_layer",
                plain(kapre.get_melspectrogram_layer(**centred, sample_rate=RATE, n_mels=64, return_decibel=True)),
                unit="band",
            ),
            "get_log_frequency_spectrogram_layer": drawn(
                "get_log_frequency_spectrogram_layer",
                plain(kapre.get_log_frequency_spectrogram_layer(**centred, sample_rate=RATE, return_decibel=True)),
                MUSIC,
                "band",
            ),
        },
        "Steps of a spectrogram": {
            "STFT": drawn("STFT", lambda x: decibels(ops.abs(plain(stft)(x))), unit="bin (dB)"),
            "STFTTflite": drawn("STFTTflite", lambda x: decibels(pairs(tflite(x[..., None]))[..., 0]), unit="bin (dB)"),
            "Magnitude": drawn("Magnitude", lambda x: magnitudes(plain(stft)(x)) ** 0.3, unit="bin"),
            "Phase": drawn("Phase", lambda x: kapre.Phase()(plain(stft)(x))[..., :120]),
            "ApplyFilterbank": drawn("ApplyFilterbank", lambda x: decibels(plain(banded)(bins(x))), unit="band (dB)"),
            "MagnitudeToDecibel": drawn("MagnitudeToDecibel", lambda x: plain(kapre.MagnitudeToDecibel())(bins(x))),
            "FrequencyWeighting": drawn("FrequencyWeighting", lambda x: weighting(decibels(bins(x)))),
            "LogmelToMFCC": drawn("LogmelToMFCC", lambda x: plain(cepstrum)(mel(x))[..., 1:], unit=rest),
            "ConcatenateFrequencyMap": drawn("ConcatenateFrequencyMap", lambda x: position(mel(x)[..., None])[..., 1]),
            "Delta": drawn("Delta", lambda x: plain(kapre.Delta())(mel(x)), unit="band"),
            "HPSS, harmonic": drawn("HPSS", lambda x: decibels(harmonic(bins(x))), MUSIC),
            "HPSS, percussive": drawn("HPSS", lambda x: decibels(percussive(bins(x))), MUSIC),
        },
        "Front ends": {
            "Frontend": drawn("Frontend", kapre.Frontend.from_preset("kaldi_fbank"), unit="band"),
            "ParallelFrontends": drawn(
                "ParallelFrontends", lambda x: np.concatenate(np.moveaxis(np.asarray(both(x)), -1, 0), -1), unit="band"
            ),
            "FixedPieces": drawn(
                "FixedPieces", lambda x: np.concatenate(np.asarray(pieces(x)), 0)[None, 1], unit="band"
            ),
            "PCEN": drawn("PCEN", lambda x: levels(linear(x)), unit="band"),
        },
        "Stages of a recipe": {
            "PCEN in a recipe": recipe(**pcen),
            "Normalised bands": recipe(filterbank="mel", n_mels=64, log="ln", normalize="mean_std"),
            "Gammatone bank": recipe(filterbank="gammatone", n_bins=64, log="db", amin=1e-8),
            "Bark bank": recipe(filterbank="bark", n_bins=24, log="db", amin=1e-8),
            "Pitch classes": recipe(MUSIC, filterbank="chroma", log="db", amin=1e-6),
        },
        "Descriptors": {
            "SpectralCentroid": line("SpectralCentroid", RATE, **framing),
            "SpectralBandwidth": line("SpectralBandwidth", RATE, **framing),
            "SpectralRolloff": line("SpectralRolloff", RATE, **framing),
            "SpectralFlatness": line("SpectralFlatness", unit="flatness", **framing),
            "SpectralContrast": made("SpectralContrast", RATE, unit="octave", **framing),
            "SpectralFlux": line("SpectralFlux", unit="flux", **framing),
            "SpectralDescriptors": line("SpectralDescriptors", RATE, ["centroid", "bandwidth", "rolloff"], **framing),
            "RMS": line("RMS", 1024, 256, unit="level"),
            "Energy": drawn("Energy", plain(kapre.Energy(RATE, frame_length=1024, hop_length=256)))._replace(
                kind=LINE, unit="energy"
            ),
            "ZeroCrossingRate": line("ZeroCrossingRate", 1024, 256, unit="crossings per sample"),
            "OnsetStrength": line("OnsetStrength", RATE, of=MUSIC, unit="strength", **framing),
            "Tempogram": drawn("Tempogram", lambda x: ops.abs(tempogram(x))[..., 1:100] ** 0.5, MUSIC, "lag"),
            "Chroma": made("Chroma", RATE, of=MUSIC, unit="pitch class", **framing),
            "Tonnetz": made("Tonnetz", RATE, of=MUSIC, unit="axis", **framing),
            "YIN": drawn("YIN", lambda x: pitch(x)[..., 0], MUSIC, "pitch, Hz")._replace(kind=LINE),
            "InstantaneousFrequency": drawn(
                "InstantaneousFrequency",
                lambda x: np.clip((np.asarray(frequency(x)) - np.arange(513) * RATE / 1024)[..., :160], -30.0, 30.0),
                MUSIC,
                "bin (distance in Hz)",
            ),
            "GroupDelay": drawn("GroupDelay", lambda x: np.clip(np.asarray(delay(x))[..., :160], -0.03, 0.03)),
        },
        "Batches with labels": {
            "MixUp": combined("MixUp", alpha=50.0, seed=0),
            "CutMix": combined("CutMix", alpha=20.0, seed=0),
        },
        "Several microphones": {
            "InterchannelPhaseDifference": moving("InterchannelPhaseDifference", 0, "bin (cosine)"),
            "InterchannelLevelDifference": moving("InterchannelLevelDifference", 0, "bin (dB)"),
            "IntensityVector": drawn("IntensityVector", around, unit="band (left minus right)"),
        },
        "Waveforms": {
            "Resample": wave("Resample", RATE, 4000),
            "IIRFilter": wave("IIRFilter", kapre.functional.biquad("lowpass", 300.0, RATE)),
            "Convolve": wave("Convolve", np.random.default_rng(0).standard_normal(8000) * 0.999 ** np.arange(8000)),
            "LoudnessNormalization": wave("LoudnessNormalization", RATE, -16.0),
            "RMSNormalization": wave("RMSNormalization", -16.0),
            "PeakNormalization": wave("PeakNormalization"),
            "MuLawEncoding": wave("MuLawEncoding", 256),
            "MuLawDecoding": Picture(
                "kapre.MuLawDecoding",
                SPEECH,
                lambda x: kapre.MuLawDecoding(8)(kapre.MuLawEncoding(8)(x)),
                WAVE,
                "sample",
            ),
            "Frame": drawn(
                "Frame", lambda x: plain(kapre.Frame(400, 160))(x[:, 12000:20000]), unit="sample of the frame"
            ),
        },
        "Inverses": {
            "InverseFilterbank": drawn(
                "InverseFilterbank", lambda x: decibels(plain(unbanded)(plain(banded)(bins(x)))), unit="bin (dB)"
            ),
            "InverseSTFT": rebuilt("InverseSTFT", lambda x: inverse(stft(x[..., None]))[..., 0]),
            "InverseMDCT": rebuilt("InverseMDCT", lambda x: lapped(mdct(x))),
            "GriffinLim": rebuilt("GriffinLim", lambda x: plain(vocoder)(bins(x))),
            "InverseMFCC": drawn("InverseMFCC", lambda x: plain(to_bands)(few(x)), unit="band"),
        },
    }


def augmentations() -> dict[str, tuple[str, str]]:
    """Return the link and the picture of each augmentation with a picture on its page."""
    found = re.findall(
        r"^!\[(\w+)\]\(augmentation/([^)]+)\)", (ROOT / "docs" / "augmentation.md").read_text(), re.MULTILINE
    )
    return {name: (f"augmentation.md#{name.lower()}", f"augmentation/{picture}") for name, picture in found}


def samples(recording: str) -> Any:
    """Return the first seconds of a recording as `(1, time)`."""
    from kapre import audio

    return audio.load(ROOT / "examples" / "audio" / f"{recording}.flac", RATE).samples[None, : SECONDS * RATE]


@functools.cache
def values(picture: Picture) -> Any:
    """Return the values of a picture as an array, `(frames,)` or `(frames, numbers)`."""
    import keras
    import numpy as np

    return np.asarray(keras.ops.convert_to_numpy(picture.values(samples(picture.recording))))[0]


def draw(picture: Picture, path: Path, axes: bool = False) -> None:
    """Write a picture, small and bare or with axes."""
    import matplotlib.pyplot as plt
    import numpy as np

    array = values(picture)
    figure = plt.figure(figsize=(7.2, 2.8) if axes else (3.2, 2.0), dpi=100, layout="constrained" if axes else None)
    axis = figure.add_subplot() if axes else figure.add_axes((0.0, 0.0, 1.0, 1.0))
    if picture.kind == BANDS:
        low, high = np.quantile(array, [0.02, 0.999])
        limits = (0.0, array.shape[0] * 1.0, -0.5, array.shape[1] - 0.5)
        axis.imshow(
            array.T, origin="lower", aspect="auto", cmap="magma", vmin=low, vmax=high, extent=limits, rasterized=True
        )
    else:
        axis.plot(array, linewidth=1.2 if picture.kind == LINE else 0.6)
        axis.margins(x=0.0, y=0.08)
    if axes:
        axis.set(xlabel="sample" if picture.kind == WAVE else "frame", ylabel=picture.unit)
    else:
        axis.set_axis_off()
    figure.savefig(path)
    plt.close(figure)


def shown(picture: Picture) -> str:
    """Return what a picture shows, for its caption."""
    files = [f"`examples/audio/{name}.flac`" for name in (picture.recording, picture.beside) if name]
    return f"The result for the first {SECONDS} seconds of {' and '.join(files)}. {picture.note}".rstrip()


def file_of(title: str) -> str:
    """Return the name of the file of a picture."""
    return f"{re.sub(r'[^a-z]+', '_', title.lower())}.png"
