"""Pictures: what the axes say is where things are."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest

import kapre

pytestmark = pytest.mark.usefixtures("agg")
RATE = 16000


def beep(pitch: float = 2000.0, start: float = 0.5) -> np.ndarray:
    """Return one second of silence with a tone from `start` on, 0.2 s long."""
    t = np.arange(RATE) / RATE
    sounding = (t >= start) & (t < start + 0.2)
    return (np.sin(2 * np.pi * pitch * t) * sounding)[None, :, None].astype("float32")


@pytest.mark.parametrize(
    "settings",
    [dict(), dict(center=True), dict(pad_begin=True, pad_end=True), dict(hop_length=100)],
)
@pytest.mark.parametrize("kind", ["mel", "log", "stft"])
def test_a_tone_lies_at_its_time_and_frequency(kind: str, settings: dict) -> None:
    settings = dict(n_fft=512, power=2.0, **settings)
    if kind == "mel":
        layer = kapre.get_melspectrogram_layer(sample_rate=RATE, n_mels=64, **settings)
    elif kind == "log":
        layer = kapre.get_log_frequency_spectrogram_layer(sample_rate=RATE, log_n_bins=48, log_f_min=400.0, **settings)
    else:
        layer = kapre.get_stft_magnitude_layer(**settings)
    image = kapre.plot.spectrogram(layer(beep()), layer.recipe.replace(sample_rate=RATE))
    axes, shown = image.axes, np.asarray(image.get_array())
    left, right, bottom, top = image.get_extent()
    assert image.origin == "lower"
    loud = shown > 0.1 * shown.max()
    columns, rows = np.flatnonzero(loud.any(axis=0)), np.flatnonzero(loud.any(axis=1))
    seconds = left + (columns + 0.5) / shown.shape[1] * (right - left)
    assert seconds.min() == pytest.approx(0.5, abs=0.02)
    assert seconds.max() == pytest.approx(0.7, abs=0.02)
    place = bottom + (rows.mean() + 0.5) / shown.shape[0] * (top - bottom)
    ticks = {text.get_text(): tick for text, tick in zip(axes.get_yticklabels(), axes.get_yticks(), strict=True)}
    assert place == pytest.approx(ticks["2 kHz"], abs=1.5)
    assert ticks["1 kHz"] < ticks["2 kHz"] < ticks["5 kHz"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("time (s)", "frequency")


@pytest.mark.parametrize(
    ("decibel", "power", "label"), [(True, 2.0, "dB"), (False, 2.0, "power"), (False, 1.0, "magnitude")]
)
def test_the_colour_bar_says_its_unit(decibel: bool, power: float, label: str) -> None:
    layer = kapre.get_stft_magnitude_layer(n_fft=512, return_decibel=decibel, power=power)
    image = kapre.plot.spectrogram(layer(beep()), layer.recipe.replace(sample_rate=RATE))
    assert image.colorbar.ax.get_ylabel() == label
    without = kapre.plot.spectrogram(layer(beep()), layer.recipe.replace(sample_rate=RATE), colorbar=False)
    assert without.colorbar is None


def test_a_narrow_range_has_labels() -> None:
    layer = kapre.get_melspectrogram_layer(n_fft=2048, sample_rate=RATE, n_mels=3, mel_f_min=3000.0, mel_f_max=3200.0)
    axes = kapre.plot.spectrogram(layer(beep()), layer.recipe).axes
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert len(labels) == 2
    assert all(label.startswith("3.") for label in labels)


@pytest.mark.parametrize("seconds", [0.1, 10.0])
def test_a_waveform_is_over_seconds(seconds: float) -> None:
    x = np.sin(2 * np.pi * 5 * np.arange(round(seconds * RATE)) / RATE)
    axes = kapre.plot.waveform(x, RATE)
    assert axes.get_xlim() == pytest.approx((0.0, seconds))
    assert axes.get_ylim() == pytest.approx((-1.05 * np.abs(x).max(), 1.05 * np.abs(x).max()))
    drawn = axes.lines[0].get_xydata() if axes.lines else axes.collections[0].get_paths()[0].vertices
    at_peak = drawn[drawn[:, 1] > 0.999, 0].min()
    assert at_peak == pytest.approx(0.05, abs=0.01)


def test_shapes() -> None:
    layer = kapre.get_stft_magnitude_layer(n_fft=512)
    recipe = layer.recipe.replace(sample_rate=RATE)
    one_frame = layer(beep()[:, :512])
    assert np.asarray(kapre.plot.spectrogram(one_frame, recipe, colorbar=False).get_array()).shape == (257, 1)
    single = np.asarray(one_frame)[0]  # (1, 257, 1): one frame, one channel
    assert np.asarray(kapre.plot.spectrogram(single, recipe, colorbar=False).get_array()).shape == (257, 1)
    with pytest.raises(ValueError, match=r"`features` must be of shape \(frame, 257\).*Draw one item"):
        kapre.plot.spectrogram(np.zeros((2, 5, 257, 1)), recipe)
    with pytest.raises(ValueError, match="Give the recipe that made them"):
        kapre.plot.spectrogram(np.zeros((5, 100)), recipe)
    with pytest.raises(ValueError, match="`samples` must be of shape"):
        kapre.plot.waveform(np.zeros((5, 2)), RATE)
    with pytest.raises(ValueError, match="`sample_rate` must be known"):
        kapre.plot.spectrogram(one_frame, layer.recipe)


LAYOUTS = {
    "whisper": ((80, 3000), "time (s)", "frequency", "normalised"),
    "kaldi_fbank": ((80, 98), "time (s)", "frequency", "ln"),
    "kaldi_mfcc": ((13, 98), "time (s)", "coefficient", "MFCC"),
    "paraformer": ((560, 17), "time (s)", "value (7 frames of 80)", "ln"),
    "vggish": ((64, 96), "time (s)", "frequency", "ln"),
    "yamnet": ((64, 192), "patch (96 frames each, one every 48)", "frequency", "ln"),
    "silero_vad": ((129, 128), "time (s)", "frequency", "magnitude"),
    "nemo": ((80, 101), "time (s)", "frequency", "normalised"),
    "torchaudio_mel": ((128, 81), "time (s)", "frequency", "power"),
    "speecht5": ((80, 63), "time (s)", "frequency", "log10"),
    "speechbrain_fbank": ((40, 101), "time (s)", "frequency", "dB"),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_lies_over_time(name: str) -> None:
    layer = kapre.Frontend.from_preset(name)
    rng = np.random.default_rng(0)
    x = beep()[..., 0] + 1e-3 * rng.standard_normal((1, RATE)).astype("float32")
    y = layer(x)
    image = kapre.plot.spectrogram(y, layer.recipe)
    size, across, up, unit = LAYOUTS[name]
    shown = np.asarray(image.get_array())
    assert shown.shape == size
    assert (image.axes.get_xlabel(), image.axes.get_ylabel()) == (across, up)
    assert image.colorbar.ax.get_ylabel() == unit
    left, right, _, _ = image.get_extent()
    if across == "time (s)" and up == "frequency":
        ticks = {
            text.get_text(): tick
            for text, tick in zip(image.axes.get_yticklabels(), image.axes.get_yticks(), strict=True)
        }
        row = shown[round(ticks["2 kHz"]) - 1 : round(ticks["2 kHz"]) + 2].max(axis=0)
        seconds = left + (np.flatnonzero(row > (row.max() + np.median(row)) / 2) + 0.5) / size[1] * (right - left)
        assert seconds.min() == pytest.approx(0.5, abs=0.04)
        assert seconds.max() == pytest.approx(0.7, abs=0.04)
    if layer.recipe.fixed_samples is not None:
        assert right == pytest.approx(layer.recipe.fixed_samples / layer.recipe.sample_rate, abs=0.01)
    if layer.recipe.patch_hop is not None and y.shape[1] > 1:
        assert (left, right) == (0.0, y.shape[1])
        assert [line.get_xdata()[0] for line in image.axes.lines] == [1.0]


def test_samples_are_drawn_as_a_waveform() -> None:
    layer = kapre.Frontend.from_preset("wav2vec2")
    drawn = kapre.plot.spectrogram(layer(beep()[..., 0]), layer.recipe)
    assert (drawn.axes.get_xlabel(), drawn.axes.get_ylabel()) == ("time (s)", "normalised")
    assert drawn.axes.get_xlim() == pytest.approx((0.0, 1.0))


def test_shapes_that_are_not_the_recipes() -> None:
    patches = kapre.frontends.preset("vggish").recipe
    with pytest.raises(ValueError, match=r"of shape \(patch, frame, 64\)"):
        kapre.plot.spectrogram(np.zeros((96, 64)), patches)
    with pytest.raises(ValueError, match=r"of shape \(80, frame\).*Give the recipe that made them"):
        kapre.plot.spectrogram(np.zeros((90, 100)), kapre.frontends.preset("nemo").recipe)


def test_filters_are_drawn_at_their_frequencies() -> None:
    layer = kapre.SincConv(4, RATE, min_band_hz=300.0)
    before = [edge.copy() for edge in layer.edges]
    layer.set_weights([weight + 0.1 for weight in layer.get_weights()])  # the edges move up by 0.1 of 8 kHz and more
    axes = kapre.plot.filters(layer)
    started, moved = axes.lines[:4], axes.lines[4:]
    for lines, (low, high) in ((started, before), (moved, layer.edges)):
        for line, begin, end in zip(lines, low, high, strict=True):
            frequencies, response = line.get_data()
            above = frequencies[response > 0.5]
            assert above.min() == pytest.approx(begin, abs=60.0)
            assert above.max() == pytest.approx(min(end, RATE / 2.0), abs=60.0)
    assert len(moved) == 4
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("frequency (Hz)", "response")


def test_filters_of_a_bank_and_of_nothing() -> None:
    bank = kapre.Recipe(sample_rate=RATE, n_fft=512, filterbank="mel", n_mels=6)
    for layer in (kapre.Frontend(bank), kapre.ParametricFilterbank(bank), kapre.Leaf(RATE, 6)):
        _, axes = plt.subplots()
        kapre.plot.filters(layer, axes, start=False)
        assert len(axes.lines) == 6
        assert max(line.get_ydata().max() for line in axes.lines) == pytest.approx(1.0)
    with pytest.raises(TypeError, match="`layer` must be a layer with filters"):
        kapre.plot.filters(kapre.PCEN())
    with pytest.raises(ValueError, match="`filterbank` must be a kind of bank"):
        kapre.plot.filters(kapre.Frontend(kapre.Recipe(n_fft=512)))


def test_ticks_of_even_bands_are_multiples_of_one_step() -> None:
    recipe = kapre.Recipe(sample_rate=44100, n_fft=2048, hop_length=512)
    axes = kapre.plot.spectrogram(np.random.default_rng(0).uniform(size=(4, 1025)), recipe).axes
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert labels == ["0 Hz", "5 kHz", "10 kHz", "15 kHz", "20 kHz"]
    assert axes.get_yticks() == pytest.approx(np.arange(5) * 5000 * 2048 / 44100)


def test_long_sounds_have_minutes() -> None:
    _, (above, below) = plt.subplots(2)
    kapre.plot.waveform(np.zeros(150 * 100), 100, above)
    recipe = kapre.Recipe(sample_rate=100, n_fft=100, hop_length=50)
    kapre.plot.spectrogram(np.ones((299, 51)), recipe, below)
    for axes in (above, below):
        ticks = {text.get_text(): place for text, place in zip(axes.get_xticklabels(), axes.get_xticks(), strict=True)}
        assert (ticks["0:30"], ticks["2:00"]) == (30.0, 120.0)
        assert axes.get_xlabel() == "time (min:s)"
    assert kapre.plot.waveform(np.zeros(120 * 100), 100).get_xlabel() == "time (s)"


def test_only_public_names_are_completed() -> None:
    assert dir(kapre.plot) == sorted(kapre.plot.__all__)


def test_a_filter_bank_is_drawn_over_the_frequency() -> None:
    recipe = kapre.Recipe(sample_rate=RATE, n_fft=512, filterbank="mel", n_mels=6)
    layer = kapre.Frontend(recipe, trainable_filterbank=True)
    layer.set_weights([0.5 * weight for weight in layer.get_weights()])
    for of, bank in ((recipe, recipe.bank), (layer, layer.filterbank)):
        _, axes = plt.subplots()
        assert kapre.plot.filterbank(of, axes) is axes
        for line, weights, hz in zip(axes.lines, bank.T, recipe.band_frequencies(), strict=True):
            np.testing.assert_array_equal(line.get_ydata(), weights)
            assert line.get_xdata()[weights.argmax()] == pytest.approx(hz, abs=RATE / 512)
    assert not np.array_equal(recipe.bank, layer.filterbank)
    with pytest.raises(ValueError, match="`recipe` must be one with a filter bank"):
        kapre.plot.filterbank(kapre.Recipe(n_fft=512))
    with pytest.raises(TypeError, match=r"`recipe` must be a kapre\.Recipe or a kapre\.Frontend"):
        kapre.plot.filterbank(np.zeros((5, 5)))


def test_two_features_and_their_difference() -> None:
    recipe = kapre.Recipe(sample_rate=100, n_fft=100, hop_length=50, log="db")
    rng = np.random.default_rng(0)
    a, b = rng.uniform(-30.0, 0.0, (2, 9, 51))
    places = kapre.plot.compare(a, b, recipe)
    images = [axes.images[0] for axes in places]
    for image, values in zip(images, (a, b, b - a), strict=True):
        np.testing.assert_allclose(np.asarray(image.get_array()), values.T)
    assert images[0].get_clim() == images[1].get_clim() == (min(a.min(), b.min()), max(a.max(), b.max()))
    assert images[2].get_clim() == pytest.approx((-np.abs(b - a).max(), np.abs(b - a).max()))
    assert images[2].colorbar.ax.get_ylabel() == "difference (dB)"
    _, given = plt.subplots(3)
    samples = kapre.Recipe(sample_rate=100, power=None)
    assert kapre.plot.compare(a[0], b[0], samples, given) == list(given)
    np.testing.assert_allclose(given[2].lines[0].get_ydata(), b[0] - a[0])
    with pytest.raises(ValueError, match="`b` must be of the shape of a"):
        kapre.plot.compare(a, b[:5], recipe)
    with pytest.raises(ValueError, match="`ax` must be three axes"):
        kapre.plot.compare(a, b, recipe, given[:2])
