"""Pictures of augmentation: the columns are what the layers make of the recording, and the titles what was drawn."""

from __future__ import annotations

from typing import Any

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest

import kapre
from kapre import augmentation as aug
from kapre.augmentation._words import in_words
from tests.conftest import to_numpy

pytestmark = pytest.mark.usefixtures("agg")
RATE = 8000
BANK = np.random.default_rng(7).standard_normal((3, 500))


def tone(channels: int = 1) -> np.ndarray:
    t = np.arange(RATE // 2) / RATE
    return (0.5 * np.sin(2 * np.pi * 440.0 * np.arange(1, channels + 1) * t[:, None])).astype("float32")


def columns(drawn: Any) -> list[np.ndarray]:
    """Return the waveforms of a picture of one channel."""
    lines = [axes.lines[0] for axes in drawn.axes if axes.get_ylim()[0] < 0 and axes.lines]
    return [line.get_ydata() for line in lines]


def images(drawn: Any) -> list[np.ndarray]:
    return [np.asarray(axes.images[0].get_array()) for axes in drawn.axes if axes.images]


def test_columns_are_the_recording_and_what_the_layer_makes_of_it() -> None:
    layer = aug.RandomGain(-12.0, 0.0)
    x = tone()
    y, drawn = layer(keras.ops.tile(x[None], (3, 1, 1)), training=True, return_parameters=True)
    figure = kapre.plot.augmentations(layer, x, RATE, parameters=drawn)
    waves = columns(figure)
    assert len(waves) == len(images(figure)) == 4
    np.testing.assert_array_equal(waves[0], x[:, 0])
    for wave, expected in zip(waves[1:], to_numpy(y), strict=True):
        np.testing.assert_allclose(wave, expected[:, 0], atol=1e-7)
    titles = [axes.get_title() for axes in figure.axes[:4]]
    gains = to_numpy(drawn["gain_db"])[:, 0]
    assert titles == ["before", *(f"gain {gain:.1f} dB".replace("-", "−") for gain in gains)]
    scales = {axes.get_ylim() for axes in figure.axes[:4]}
    assert len(scales) == 1
    assert len({axes.images[0].get_clim() for axes in figure.axes if axes.images}) == 1
    # The spectrogram of a copy is that of the recording, so many decibels lower.
    apart = images(figure)[1] - images(figure)[0]
    loud = images(figure)[0] > images(figure)[0].max() - 40
    np.testing.assert_allclose(apart[loud], gains[0], atol=0.01)


def test_a_seed_repeats_and_the_layer_keeps_its_state() -> None:
    layer = aug.RandomGain(seed=None)
    state = to_numpy(layer.seed_generator.state.value).copy()
    pictures = [columns(kapre.plot.augmentations(layer, tone(), RATE, seed=seed)) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(pictures[0], pictures[1])
    assert np.abs(pictures[0][1] - pictures[2][1]).max() > 1e-3
    assert np.abs(pictures[0][1] - pictures[0][2]).max() > 1e-3
    np.testing.assert_array_equal(to_numpy(layer.seed_generator.state.value), state)
    assert layer.seed is None


@pytest.mark.parametrize("data_format", ["channels_first", "channels_last"])
def test_channels_and_data_formats(data_format: str) -> None:
    layers = [aug.ChannelSwap(data_format, seed=3), kapre.SpecAugment(4, 0, data_format=data_format, mask_value="min")]
    figure = kapre.plot.augmentations(layers, tone(2), RATE, copies=5)
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert len(titles) == 6
    assert {title.split("\n")[0] for title in titles} <= {"before", "unchanged", "channels 1, 2", "channels 2, 1"}
    assert len(images(figure)) == 12
    labels = {axes.get_ylabel() for axes in figure.axes}
    assert {"amplitude 1", "amplitude 2", "frequency", "dB"} <= labels


def test_tensors_and_a_preset_whose_bands_come_first() -> None:
    recipe = kapre.frontends.preset("nemo").recipe
    x = keras.ops.convert_to_tensor(np.random.default_rng(0).standard_normal((1, 16000, 1)).astype("float32"))
    figure = kapre.plot.augmentations(kapre.SpecAugment(0, 60, mask_value=9.0, seed=0), x, 16000, 2, recipe=recipe)
    assert figure.axes[1].get_title().startswith("no bins, frames ")
    before, first, _ = images(figure)
    assert before.shape == first.shape == (80, 101)
    masked = (first == 9.0).all(axis=0)
    assert 0 < masked.sum() <= 60
    np.testing.assert_array_equal(first[:, ~masked], before[:, ~masked])


def test_a_recipe_that_resamples() -> None:
    recipe = kapre.frontends.preset("kaldi_fbank").recipe.replace(input_rate=RATE)
    figure = kapre.plot.augmentations(aug.RandomGain(seed=0), tone(), RATE, 1, recipe=recipe)
    assert images(figure)[0].shape == (80, 48)
    assert figure.axes[0].get_xlim() == pytest.approx((0.0, 0.5))


def test_other_recordings_are_mixed_in() -> None:
    noise = 0.01 * np.random.default_rng(0).standard_normal(1000)
    layer = aug.FreqMixStyle(p=1.0, seed=1)
    figure = kapre.plot.augmentations(layer, tone(), RATE, copies=6, others=[noise])
    before, *after = images(figure)
    titles = [axes.get_title() for axes in figure.axes if "example" in axes.get_title()]
    apart = [np.abs(image - before).max() > 0.01 for image in after]
    assert any(apart)
    assert not all(apart)
    for title, is_apart in zip(titles, apart, strict=True):
        if is_apart:
            assert int(title.split("example")[1]) > 6


WRONG = [
    (dict(layer="gain"), TypeError, "`layer` must be a random layer, or a list of random layers; received layer='str'"),
    (dict(layer=[]), TypeError, "`layer` must be a random layer"),
    (dict(layer=[aug.RandomGain(), 3]), TypeError, r"received layer=\['RandomGain', 'int'\]"),
    (dict(layer=[kapre.SpecAugment(1, 1), aug.RandomGain()]), ValueError, "Put the layers of waveforms before"),
    (dict(layer=aug.Chain([aug.RandomGain(), aug.VTLP(RATE)])), ValueError, "received layer='Chain'"),
    (dict(waveform=np.zeros((0, 1))), ValueError, r"`waveform` must be of shape .* received waveform=\(0, 1\)"),
    (dict(waveform=np.zeros((2, 100, 1))), ValueError, "Give one recording at a time"),
    (dict(waveform=np.zeros((1, 100))), ValueError, "its channels last"),
    (dict(waveform=np.zeros(100, "int16")), TypeError, "must be floating point"),
    (dict(sample_rate=0), ValueError, "`sample_rate` must be a positive number of Hz"),
    (dict(copies=0), ValueError, "`copies` must be a positive integer"),
    (dict(recipe="whisper"), TypeError, "`recipe` must be a kapre.Recipe"),
    (dict(recipe=kapre.frontends.preset("whisper").recipe), ValueError, "takes clips of 8000 Hz"),
    (
        dict(layer=kapre.SpecAugment(1, 1), recipe=kapre.frontends.preset("vggish").recipe, sample_rate=16000),
        ValueError,
        "frames of bands, which SpecAugment changes",
    ),
    (dict(parameters=[{}, {}]), ValueError, "`parameters` must be what 1 layers drew"),
    (dict(parameters={"gain_db": np.zeros((2, 1))}), ValueError, "of as many examples for each layer, with 'applied'"),
]


@pytest.mark.parametrize(("changes", "error", "text"), WRONG, ids=[text for *_, text in WRONG])
def test_refused(changes: dict[str, Any], error: type[Exception], text: str) -> None:
    arguments = {"layer": aug.RandomGain(), "waveform": tone(), "sample_rate": RATE, **changes}
    with pytest.raises(error, match=text):
        kapre.plot.augmentations(**arguments)
    assert plt.get_fignums() == []


PHRASES: list[tuple[Any, dict[str, Any], str]] = [
    (aug.RandomGain(), {"gain_db": [-3.21]}, "gain −3.2 dB"),
    (aug.RandomGain(per_channel=True), {"gain_db": [-0.04, 1.0]}, "gain 0.0, 1.0 dB"),
    (aug.PolarityInversion(), {}, "inverted"),
    (aug.TimeInversion(), {}, "reversed"),
    (aug.RandomShift(), {"shift_samples": [-800]}, "shift −100 ms"),
    (aug.RandomShift(), {"shift_samples": [12000]}, "shift 1.50 s"),
    (aug.RandomCrop(50), {"start": [4000]}, "from 500 ms"),
    (aug.Fade(), {"fade_in_samples": [80], "fade_out_samples": [0]}, "in 10 ms, out 0 ms"),
    (aug.AddNoise(BANK), {"snr_db": [12.3], "index": [1], "offset": [4]}, "SNR 12.3 dB, recording 2"),
    (
        aug.AddColoredNoise(),
        {"snr_db": [3.0], "psd_exponent": [-1.96], "key": [[1, 2]]},
        "SNR 3.0 dB, PSD exponent −2.0",
    ),
    (
        aug.RandomFilter(RATE),
        {"kind": [0], "frequency_hz": [440.4], "q": [0.71], "gain_db": [3.0]},
        "lowpass 440 Hz, Q 0.7",
    ),
    (
        aug.RandomFilter(RATE, kinds=["peaking"]),
        {"kind": [0], "frequency_hz": [440.4], "q": [0.71], "gain_db": [-3.0]},
        "peaking 440 Hz, Q 0.7, −3.0 dB",
    ),
    (aug.RandomEqualizer(RATE), {"gain_db": [[-3.4, 2.6, 0.0]]}, "gains −3, 3, 0 dB"),
    (
        aug.Reverb(RATE),
        {"t60_seconds": [0.42], "direct_to_reverberant_db": [5.0], "key": [[1, 2]]},
        "T60 0.42 s, direct 5.0 dB",
    ),
    (aug.Reverb(RATE, BANK), {"index": [2]}, "response 3"),
    (aug.Telephone(RATE), {}, "300–3400 Hz, mu_law"),
    (aug.Telephone(RATE, codec=None), {}, "300–3400 Hz, no codec"),
    (aug.SpeedPerturbation(), {"index": [0]}, "speed 0.9"),
    (aug.TimeStretch(), {"index": [4]}, "rate 1.25"),
    (aug.PitchShift(), {"index": [4]}, "+4 semitones"),
    (aug.PitchShift([-0.5]), {"index": [0]}, "−0.50 semitones"),
    (aug.Clipping(), {"percent": [12.0]}, "12.0 % clipped"),
    (aug.SoftClip(), {"drive_db": [8.0]}, "drive 8.0 dB"),
    (aug.BitCrush(), {"bits": [7]}, "7 bits"),
    (aug.DropChunk(), {"start": [[5, 9, 0]], "chunk_samples": [[800, 400, 0]]}, "2 chunks, 150 ms"),
    (aug.ChannelDrop(), {"kept": [True, False]}, "without channel 2"),
    (aug.ChannelSwap(), {"order": [1, 0]}, "channels 2, 1"),
    (
        kapre.SpecAugment(5, 3, 2),
        {"freq_start": [9, 3], "freq_end": [10, 6], "time_start": [4], "time_end": [4]},
        "bins 3–5, 9, no frames",
    ),
    (
        kapre.SpecAugment(0, 3, 0, time_warp=8),
        {"freq_start": [], "freq_end": [], "time_start": [4], "time_end": [6], "warp_point": [9], "warp_shift": [-2.5]},
        "no bins, frames 4–5, warp −2.5 frames",
    ),
    (aug.FrequencyShift(3), {"shift": [3]}, "shift +3 bins"),
    (aug.VTLP(RATE), {"factor": [0.953]}, "warp factor 0.95"),
    (aug.FilterAugment(), {"boundaries": [[0, 3, 9, 9]], "gain_db": [[-3, 2, 5, 6]]}, "2 bands, −3.0 to 2.0 dB"),
    (
        aug.FilterAugment(kind="linear"),
        {"boundaries": [[0, 3, 9, 9]], "gain_db": [[-3, 2, 5, 6]]},
        "2 bands, −3.0 to 5.0 dB",
    ),
    (aug.FreqMixStyle(), {"share": 0.3, "partner": 4}, "30 % own, 70 % of example 5"),
]


def of_one(drawn: dict[str, Any]) -> dict[str, Any]:
    return {"applied": np.array([True]), **{name: np.array([values]) for name, values in drawn.items()}}


@pytest.mark.parametrize(("layer", "drawn", "phrase"), PHRASES, ids=[phrase for *_, phrase in PHRASES])
def test_phrase(layer: Any, drawn: dict[str, Any], phrase: str) -> None:
    assert in_words(layer, of_one(drawn), 0, RATE) == [phrase]
    assert in_words(layer, {**of_one(drawn), "applied": np.array([False])}, 0, RATE) == ["unchanged"]


def test_every_layer_has_a_phrase() -> None:
    public = {cls for name in aug.__all__ if isinstance(cls := getattr(aug, name), type)}
    layers = {cls for cls in public if issubclass(cls, aug.RandomLayer) and not issubclass(cls, aug.Composition)}
    assert {type(layer) for layer, *_ in PHRASES} == layers - {aug.RandomLayer}


def test_phrases_of_compositions() -> None:
    inner = [aug.RandomGain(), aug.PolarityInversion(), aug.BitCrush()]
    own = {"0": of_one({"gain_db": [1.0]}), "1": {"applied": np.array([False])}, "2": of_one({"bits": [7]})}
    applied = {"applied": np.array([True]), **own}
    assert in_words(aug.Chain(inner), applied, 0, RATE) == ["gain 1.0 dB", "7 bits"]
    assert in_words(aug.OneOf(inner), {**applied, "index": np.array([2])}, 0, RATE) == ["7 bits"]
    assert in_words(aug.Choice(inner), {**applied, "index": np.array([1])}, 0, RATE) == ["unchanged"]
    chosen = {**applied, "chosen": np.array([[True, True, False]])}
    assert in_words(aug.SomeOf(inner), chosen, 0, RATE) == ["gain 1.0 dB"]


def test_a_layer_of_ones_own_has_its_numbers() -> None:
    class Offset(aug.RandomLayer):
        def draw(self, shape: Any, lengths: Any) -> dict[str, Any]:
            return {"offset": self.uniform(self.groups(shape), 0.0, 0.1)}

        def apply(self, x: Any, parameters: dict[str, Any], lengths: Any) -> Any:
            return x + self.beside(parameters["offset"], x)

    figure = kapre.plot.augmentations(Offset(seed=0), tone(), RATE, copies=1)
    before, after = columns(figure)
    assert figure.axes[1].get_title() == f"offset {(after - before).mean():.2f}"
