"""Every row of docs/migration.md, run as it stands there: the other library's expression against Kapre's."""

from __future__ import annotations

import inspect
import json
import math
import operator
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import keras
import librosa
import numpy as np
import pytest
import scipy.fft
import tensorflow as tf
import torch
from keras import ops

import kapre
from tests.conftest import BACKEND, chirp, to_numpy
from tests.references._registry import torchaudio

PAGE = (Path(__file__).parents[1] / "docs" / "migration.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    """Return a chapter of the page, with the chapters inside it."""
    level, rest = title.split(" ")[0], PAGE.split(f"\n{title}\n")[1]
    return re.split(rf"\n#{{2,{len(level)}}} ", rest)[0]


def table(text: str) -> list[list[str]]:
    """Return the cells of the rows that begin with code."""
    return [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| `")]


def code(cell: str) -> str:
    return re.findall(r"`([^`]+)`", cell)[0]


ROWS = {code(cells[0]): cells for cells in table(section("## The same numbers from elsewhere"))}


class Check(NamedTuple):
    """How far apart the two may be, as the page says it, and what brings theirs into Kapre's layout."""

    within: str
    layout: Callable[[np.ndarray], np.ndarray] = np.asarray


def frequency_first(x: np.ndarray) -> np.ndarray:
    return np.swapaxes(x, -1, -2)


def htk_scaled(x: np.ndarray) -> np.ndarray:
    """Make of an orthonormal DCT, coefficients first, what Kapre's MFCCs are."""
    x = np.swapaxes(x, -1, -2).copy()
    x[..., 0] *= math.sqrt(2.0)
    return x


CHECKS = {
    "librosa-stft": Check("2e-6", frequency_first),
    "librosa-stft-short-window": Check("2e-6", frequency_first),
    "librosa-stft-not-centred": Check("2e-6", frequency_first),
    "librosa-istft": Check("2e-6"),
    "librosa-power-spectrogram": Check("1e-2 dB", frequency_first),
    "librosa-log-mel": Check("1e-3 dB", frequency_first),
    "librosa-mfcc-of-samples": Check("1e-5", frequency_first),
    "librosa-mel": Check("2e-6", frequency_first),
    "librosa-mel-magnitude": Check("2e-6", frequency_first),
    "librosa-mel-bank": Check("2e-7", frequency_first),
    "librosa-power-to-db": Check("1e-4 dB", frequency_first),
    "librosa-power-to-db-layer": Check("1e-4 dB", frequency_first),
    "librosa-amplitude-to-db": Check("1e-4 dB", frequency_first),
    "librosa-mfcc": Check("2e-6", htk_scaled),
    "librosa-pcen": Check("1e-5", frequency_first),
    "librosa-delta-mirror": Check("2e-6", frequency_first),
    "librosa-delta-constant": Check("2e-6", frequency_first),
    "librosa-delta-nearest": Check("2e-6", frequency_first),
    "librosa-mu-compress": Check("0 codes"),
    "librosa-mu-expand": Check("2e-6"),
    "librosa-frame": Check("0", frequency_first),
    "tf-stft": Check("2e-6"),
    "tf-stft-short-window": Check("2e-6"),
    "tf-stft-odd-window": Check("2e-6"),
    "tf-stft-pad-end": Check("2e-6"),
    "tf-stft-hamming": Check("2e-6"),
    "tf-istft": Check("2e-6"),
    "tf-mel": Check("2e-6"),
    "tf-mfcc": Check("2e-6"),
    "tf-frame": Check("0"),
    "tf-frame-pad-end": Check("0"),
    "keras-stft": Check("2e-6"),
    "keras-stft-short-window": Check("2e-6"),
    "keras-stft-not-centred": Check("2e-6"),
    "keras-istft": Check("2e-6"),
    "keras-spectrogram": Check("5e-5"),
    "keras-spectrogram-short-window": Check("5e-5"),
    "keras-spectrogram-odd-window": Check("5e-5"),
    "keras-mel": Check("1e-5", frequency_first),
    "keras-mel-db": Check("1e-2 dB", frequency_first),
    "torch-stft": Check("2e-6", frequency_first),
    "torch-stft-short-window": Check("2e-6", frequency_first),
    "torch-istft": Check("2e-6"),
    "torchaudio-spectrogram": Check("2e-6", frequency_first),
    "torchaudio-spectrogram-magnitude": Check("2e-6", frequency_first),
    "torchaudio-mel": Check("2e-6", frequency_first),
    "torchaudio-mel-slaney": Check("2e-6", frequency_first),
    "torchaudio-db-power": Check("1e-4 dB", frequency_first),
    "torchaudio-db-amplitude": Check("1e-4 dB", frequency_first),
    "torchaudio-mfcc": Check("1e-5", htk_scaled),
    "torchaudio-mu-law": Check("0 codes"),
    "torchaudio-mu-law-decoding": Check("2e-6"),
    "torchaudio-deltas": Check("2e-6", frequency_first),
    "torchaudio-deltas-reflect": Check("2e-6", frequency_first),
    "torchaudio-deltas-constant": Check("2e-6", frequency_first),
}


# torchaudio as its documentation defines it (2.x: names, defaults and formulas), on torch.stft, librosa and SciPy.


def Spectrogram(
    n_fft: int = 400, win_length: int | None = None, hop_length: int | None = None, power: float = 2.0
) -> Callable[[torch.Tensor], np.ndarray]:
    win_length = win_length or n_fft
    hop_length = hop_length or win_length // 2

    def transform(waveform: torch.Tensor) -> np.ndarray:
        window = torch.hann_window(win_length)
        spectrum = torch.stft(
            waveform, n_fft, hop_length, win_length, window, center=True, pad_mode="reflect", return_complex=True
        )
        return spectrum.abs().pow(power).numpy()

    return transform


def MelSpectrogram(
    sample_rate: int = 16000, n_mels: int = 128, norm: str | None = None, mel_scale: str = "htk", **kwargs: Any
) -> Callable[[torch.Tensor], np.ndarray]:
    # Its tutorial compares the bank with librosa's: equal, htk=True for "htk".
    def transform(waveform: torch.Tensor) -> np.ndarray:
        spectrum = Spectrogram(**kwargs)(waveform)
        n_fft = 2 * (spectrum.shape[-2] - 1)
        return (
            librosa.filters.mel(sr=sample_rate, n_fft=n_fft, n_mels=n_mels, htk=mel_scale == "htk", norm=norm)
            @ spectrum
        )

    return transform


def amplitude_to_DB(
    x: np.ndarray, multiplier: float, amin: float, db_multiplier: float, top_db: float | None = None
) -> np.ndarray:
    decibel = multiplier * np.log10(np.maximum(x, amin)) - multiplier * db_multiplier
    return decibel if top_db is None else np.maximum(decibel, decibel.max() - top_db)


def MFCC(
    sample_rate: int = 16000, n_mfcc: int = 40, melkwargs: dict[str, Any] | None = None
) -> Callable[[torch.Tensor], np.ndarray]:
    def transform(waveform: torch.Tensor) -> np.ndarray:
        mel = MelSpectrogram(sample_rate, **(melkwargs or {}))(waveform)
        return scipy.fft.dct(amplitude_to_DB(mel, 10.0, 1e-10, 0.0, 80.0), axis=-2, norm="ortho")[..., :n_mfcc, :]

    return transform


def MuLawEncoding(quantization_channels: int = 256) -> Callable[[np.ndarray], np.ndarray]:
    mu = quantization_channels - 1.0
    return lambda x: np.round((np.sign(x) * np.log1p(mu * np.abs(x)) / np.log1p(mu) + 1.0) / 2.0 * mu)


def MuLawDecoding(quantization_channels: int = 256) -> Callable[[np.ndarray], np.ndarray]:
    mu = quantization_channels - 1.0

    def transform(codes: np.ndarray) -> np.ndarray:
        x = 2.0 * codes / mu - 1.0
        return np.sign(x) * (np.exp(np.abs(x) * np.log1p(mu)) - 1.0) / mu

    return transform


def ComputeDeltas(win_length: int = 5, mode: str = "replicate") -> Callable[[np.ndarray], np.ndarray]:
    reach = (win_length - 1) // 2

    def transform(specgram: np.ndarray) -> np.ndarray:
        padded = torch.nn.functional.pad(torch.tensor(specgram)[None], (reach, reach), mode=mode)[0].numpy()
        count = specgram.shape[-1]
        steps = range(1, reach + 1)
        slopes = sum(n * (padded[:, reach + n :][:, :count] - padded[:, reach - n :][:, :count]) for n in steps)
        return slopes / (2 * sum(n * n for n in steps))

    return transform


@cache
def names() -> dict[str, Any]:
    """Return what the expressions of the page are about."""
    y = chirp(2, 8000)[..., 0].astype("float32")
    y[:, 6000:] *= 1e-3  # quiet enough that the smallest power matters
    magnitude = np.abs(librosa.stft(y[0], n_fft=512)).T
    magnitude *= 10.0 ** np.linspace(0, -7, len(magnitude))[:, None]  # quiet enough that the range and amin matter
    u = np.linspace(-1, 1, 1001)
    place = (np.sign(u) * np.log1p(255 * np.abs(u)) / np.log1p(255) + 1) / 2 * 255 + 0.5
    u = u[np.abs(place - np.round(place)) > 1e-3]  # not where float32 decides between two codes
    return {
        **dict(keras=keras, librosa=librosa, np=np, ops=ops, tf=tf, torch=torch, kapre=kapre),
        **dict(Spectrogram=Spectrogram, MelSpectrogram=MelSpectrogram, amplitude_to_DB=amplitude_to_DB, MFCC=MFCC),
        **dict(MuLawEncoding=MuLawEncoding, MuLawDecoding=MuLawDecoding, ComputeDeltas=ComputeDeltas),
        "y": y,
        "x": y[..., None],
        "t": torch.tensor(y),
        "S": magnitude.astype("float32"),
        "P": magnitude.astype("float32").T ** 2,
        "L": np.random.default_rng(0).standard_normal((30, 40)).astype("float32"),
        "u": u.astype("float32"),
        "codes": np.arange(256),
        "Z": tf.signal.stft(y, 512, 128).numpy(),
        "bank": tf.signal.linear_to_mel_weight_matrix(40, 257, 16000, 125.0, 3800.0).numpy(),
        "bank20": tf.signal.linear_to_mel_weight_matrix(40, 257, 16000, 20.0, 8000.0).numpy(),
    }


def evaluate(expression: str) -> np.ndarray:
    result = eval(expression, dict(names()))
    if isinstance(result, tuple):  # keras.ops.stft
        real, imag = result
        return to_numpy(real) + 1j * to_numpy(imag)
    if isinstance(result, torch.Tensor):
        return result.detach().numpy()
    return result.numpy() if isinstance(result, tf.Tensor) else to_numpy(result)


def without_unit_axes(x: np.ndarray) -> np.ndarray:
    """Drop the channel, and the batch of one."""
    return x.reshape([n for n in x.shape if n != 1])


def test_every_row_of_the_page_has_a_test() -> None:
    assert list(ROWS) == list(CHECKS)
    rows = [cells for cells in table(section("## The same numbers from elsewhere")) if len(cells) != 4]
    assert not rows


@pytest.mark.parametrize("row", list(ROWS))
def test_row_gives_the_same_numbers(row: str) -> None:
    _, theirs, ours, within = ROWS[row]
    check = CHECKS[row]
    assert within == check.within, "the page and its test must state the same bound"
    expected = without_unit_axes(check.layout(evaluate(code(theirs))))
    got = without_unit_axes(evaluate(code(ours)))
    assert got.shape == expected.shape
    if row == "keras-istft" and BACKEND == "tensorflow":  # Keras 3.15 leaves its ends tapered, as the page says
        assert np.abs(expected - names()["y"])[:, :128].max() > 1e-3
        expected, got = expected[:, 512:-512], got[:, 512:-512]
    bound, _, unit = within.partition(" ")
    scale = 1.0 if unit else float(np.abs(expected).max())
    assert np.abs(got - expected).max() <= float(bound) * scale


def mel(center: bool = True, **kwargs: Any) -> np.ndarray:
    layer = kapre.get_melspectrogram_layer(
        n_fft=512, sample_rate=16000, n_mels=40, mel_htk=True, mel_norm=None, center=center, **kwargs
    )
    return to_numpy(layer(names()["x"]))[..., 0]


def test_where_the_page_says_that_no_setting_is_the_same() -> None:
    y, x, bands = (names()[name] for name in ("y", "x", "L"))
    tensorflows = np.abs(names()["Z"]) @ names()["bank"]
    apart = np.abs(mel(center=False, mel_f_min=125.0, mel_f_max=3800.0) - tensorflows).max() / tensorflows.max()
    assert 1e-4 < apart <= 1e-2

    settings = dict(hop_length=160, mel_f_min=20.0, power=2.0, pad_mode="reflect")
    kerases = frequency_first(to_numpy(keras.layers.MelSpectrogram(512, 160, num_mel_bins=40, power_to_db=False)(y)))
    assert 1e-4 < np.abs(mel(**settings) - kerases).max() / kerases.max() <= 1e-2
    for item in range(2):
        alone = keras.layers.MelSpectrogram(512, 160, num_mel_bins=40)(y[item : item + 1])
        decibel = mel(**settings, return_decibel=True, db_amin=1e-10)[item]
        assert 1e-3 < np.abs(decibel - to_numpy(alone)[0].T).max() <= 0.5
    quiet = np.stack([y[0], 1e-3 * y[1]])
    layer = keras.layers.MelSpectrogram(512, 160, num_mel_bins=40, top_db=30)
    assert to_numpy(layer(quiet))[1].min() > to_numpy(layer(quiet[1:]))[0].min() + 10.0

    short = keras.ops.stft(y, 400, 160, 512, center=False)[0]
    assert short.shape[1] == 1 + (8000 - 512) // 160 != kapre.STFT(512, 400, 160)(x).shape[1]

    centred = librosa.stft(y, n_fft=512, win_length=400, hop_length=160, center=False)
    assert centred.shape[-1] == short.shape[1]

    slopes = to_numpy(kapre.Delta(9)(bands[None, :, :, None]))[0, :, :, 0]
    lines = librosa.feature.delta(bands.T).T
    np.testing.assert_allclose(slopes[4:-4], lines[4:-4], atol=1e-6)
    assert np.abs(slopes[:4] - lines[:4]).max() > 1e-2
    repeated = ComputeDeltas(9)(bands.T).T
    np.testing.assert_allclose(slopes[3:-3], repeated[3:-3], atol=1e-6)
    assert min(np.abs(slopes - repeated).max(axis=1)[[0, 1, 2, -3, -2, -1]]) > 1e-3

    samples = names()["u"]
    signed = librosa.mu_compress(samples, mu=255, quantize=True)
    assert set(np.unique(to_numpy(kapre.MuLawEncoding(256)(samples)) - signed)) == {127, 128}

    undone = tf.signal.inverse_stft(names()["Z"], 512, 128).numpy()[:, 512:7000]
    assert np.abs(undone - y[:, 512:7000]).max() > 0.1

    theirs = keras.layers.STFTSpectrogram("psd", 512, 128, periodic=True, scaling=None)(x)
    power = to_numpy(kapre.get_stft_magnitude_layer(n_fft=512, power=2.0)(x))[..., 0]
    power[..., 1:-1] *= 2.0
    assert np.abs(to_numpy(theirs) - power).max() <= 1e-4 * power.max()


def test_the_other_parts_of_torchaudio_have_the_counterparts_that_the_page_names() -> None:
    library, rows = torchaudio(), PAGE.split("\n#### Other parts of torchaudio\n")[1].splitlines()
    cells = [row.strip("| ").split(" | ") for row in rows if row.startswith("| ")][1:]
    assert len(cells) > 15
    for _, theirs, ours in cells:
        for name in re.findall(r"`([\w.]+)`", theirs):
            if not name.startswith("prototype."):  # torchaudio no longer has it
                assert operator.attrgetter(name if name[0].islower() else f"transforms.{name}")(library) is not None
        named = re.findall(r"`kapre\.([\w.]+)`", ours)
        assert named or "of a recipe" in ours
        for name in named:
            assert callable(operator.attrgetter(name)(kapre)), name


def test_every_public_name_is_on_the_page() -> None:
    text = section("### Every name")
    modules = {name for name in kapre.__all__ if inspect.ismodule(getattr(kapre, name))}
    public = {*kapre.__all__, *kapre.backend.__all__} - modules
    absent = [
        name for name in sorted(public) if not name.startswith("_") and name != "VERSION" and f"`{name}`" not in text
    ]
    assert not absent


def test_new_arguments_are_as_the_page_says() -> None:
    for cells in table(section("### Every name")):
        new = [argument.split("=") for argument in re.findall(r"`(\w+=[^`]+)`", cells[1])]
        for name in re.findall(r"`(\w+)`", cells[0]):
            parameters = inspect.signature(getattr(kapre, name, None) or getattr(kapre.backend, name)).parameters
            for argument, default in new:
                assert parameters[argument].default == eval(default), (name, argument)
            places = [*parameters]
            last_of_old = max((i for i, p in enumerate(places) if p not in dict(new) and p != "kwargs"), default=-1)
            for argument, _ in new:
                keyword_only = parameters[argument].kind is inspect.Parameter.KEYWORD_ONLY
                assert keyword_only or places.index(argument) > last_of_old, (name, argument)


def test_a_positional_n_fft_is_refused() -> None:
    with pytest.raises(TypeError, match="Pass n_fft and hop_length by keyword"):
        kapre.get_perfectly_reconstructing_stft_istft(512, 128, "channels_last", "channels_last")


@pytest.mark.parametrize("name", ["Spectrogram", "Melspectrogram", "Filterbank", "Normalization2D", "AdditiveNoise"])
def test_old_names_are_on_the_page_and_say_todays(name: str) -> None:
    assert f"`{name}(" in section("## From Kapre 0.1 and 0.2")
    with pytest.raises(ImportError, match="was removed from Kapre: use"):
        getattr(kapre.time_frequency, name)
    if name == "Spectrogram":  # a layer of another kind today
        with pytest.raises(TypeError, match="Spectrogram has no argument 'n_dft'"):
            kapre.Spectrogram(n_dft=512)  # type: ignore[call-arg]


@pytest.mark.parametrize("mode", ["CONSTANT", "Symmetric", "REFLECT"])
def test_delta_takes_its_mode_in_any_case(mode: str) -> None:
    """As files of 0.4.1 hold it; the config has the one form."""
    config = {**kapre.Delta(win_length=5).get_config(), "mode": mode}
    layer = kapre.Delta.from_config(config)
    assert layer.get_config()["mode"] == mode.lower()
    x = np.random.default_rng(0).standard_normal((1, 9, 3, 1)).astype("float32")
    padded = np.pad(x, [(0, 0), (2, 2), (0, 0), (0, 0)], mode.lower())
    slopes = sum(n * (padded[:, 2 + n : 11 + n] - padded[:, 2 - n : 11 - n]) for n in (1, 2)) / 10.0
    np.testing.assert_allclose(np.asarray(keras.ops.convert_to_numpy(layer(x))), slopes, atol=1e-6)


MEL = dict(sample_rate=16000, n_freq=33, n_mels=8)
FRAMING = dict(n_fft=64, hop_length=32)
# A layer's config, what a file of 0.4.1 may hold in it, and what that means: found by trying the published layers.
SPELLINGS: list[tuple[type, dict[str, Any], dict[str, Any]]] = [
    *(
        (kapre.STFT, {**FRAMING, name: value}, {**FRAMING, name: bool(value)})
        for name in ("pad_begin", "pad_end")
        for value in (None, 0, 1, 1.0)
    ),
    (kapre.STFT, dict(n_fft=64.0, hop_length=32.0, win_length=40.0), dict(n_fft=64, hop_length=32, win_length=40)),
    *(
        (kapre.Frame, dict(frame_length=64, hop_length=32, **{name: None}), dict(frame_length=64, hop_length=32))
        for name in ("pad_end", "pad_value")
    ),
    (kapre.Energy, dict(frame_length=64.0, hop_length=32, pad_end=None), dict(frame_length=64, hop_length=32)),
    (kapre.Delta, dict(mode="CONSTANT", win_length=5.0), dict(mode="constant")),
    (kapre.Phase, dict(approx_atan_accuracy=0), {}),
    (kapre.MagnitudeToDecibel, dict(dynamic_range=1), dict(dynamic_range=1.0)),
    (kapre.LogmelToMFCC, dict(n_mfccs=5.0), dict(n_mfccs=5)),
    (kapre.MuLawEncoding, dict(quantization_channels=256.0), dict(quantization_channels=256)),
    *(
        (
            kapre.ApplyFilterbank,
            dict(type="mel", filterbank_kwargs={**MEL, **held}),
            dict(type="mel", filterbank_kwargs={**MEL, **meant}),
        )
        for held, meant in (
            ({"htk": None}, {}),
            ({"htk": 1.0}, {"htk": True}),
            ({"n_mels": 8.0}, {}),
            ({"norm": 1}, {"norm": 1.0}),
        )
    ),
]


@pytest.mark.parametrize(("cls", "held", "meant"), SPELLINGS)
def test_what_a_file_of_the_published_package_may_hold(cls: type, held: dict[str, Any], meant: dict[str, Any]) -> None:
    spectrogram = np.random.default_rng(0).uniform(0.1, 1.0, (1, 9, 33, 1)).astype("float32")
    wave = chirp(1, 300).astype("float32")
    x = wave if cls in (kapre.STFT, kapre.Frame, kapre.Energy, kapre.MuLawEncoding) else spectrogram
    x = x.astype("complex64") if cls is kapre.Phase else x
    config = json.loads(json.dumps({**cls(**meant).get_config(), **held}))  # type: ignore[attr-defined]
    layer, plain = cls.from_config(config), cls(**meant)  # type: ignore[attr-defined]
    np.testing.assert_array_equal(to_numpy(layer(x)), to_numpy(plain(x)))
    own = {"name": "", "filterbank_kwargs": None}  # the latter stays as it is given
    assert {**layer.get_config(), **own} == {**plain.get_config(), **own}


def test_a_range_without_end_keeps_all() -> None:
    """0.4.1 takes it, and JSON as Python writes it holds it."""
    x = np.array([[1e-4, 1.0, 100.0]], "float32")
    layer = kapre.MagnitudeToDecibel.from_config(json.loads('{"dynamic_range": Infinity}'))
    np.testing.assert_allclose(to_numpy(layer(x)), [[-40.0, 0.0, 20.0]], atol=1e-4)
    assert math.isinf(json.loads(json.dumps(layer.get_config()))["dynamic_range"])
    helper = keras.Sequential([kapre.STFT(**FRAMING), kapre.Magnitude(), layer])
    fused = kapre.composed.ComposedSequential([kapre.STFT(**FRAMING), kapre.Magnitude(), layer])
    assert fused.recipe is not None
    assert fused.recipe.dynamic_range is None
    quiet = 1e-3 * chirp(1, 300).astype("float32")
    np.testing.assert_allclose(to_numpy(fused(quiet)), to_numpy(helper(quiet)), atol=1e-3)


def test_a_norm_of_the_smallest_weight_is_librosas() -> None:
    ours = kapre.backend.filterbank_mel(16000, 257, 20, norm=-math.inf)
    np.testing.assert_array_equal(to_numpy(ours), librosa.filters.mel(sr=16000, n_fft=512, n_mels=20, norm=-math.inf).T)
