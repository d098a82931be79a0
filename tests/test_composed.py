"""The composed helpers: fused, chained, changed, nested, in every precision."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import keras
import librosa
import numpy as np
import pytest

import kapre
from kapre.composed import ComposedSequential
from tests.conftest import chirp, float64, relative_error, to_numpy

pytestmark = pytest.mark.filterwarnings("ignore:.*filter bank bands hold no")

HELPERS = {
    "magnitude": lambda **k: kapre.get_stft_magnitude_layer(n_fft=512, hop_length=160, **k),
    "mel": lambda **k: kapre.get_melspectrogram_layer(n_fft=512, hop_length=160, sample_rate=16000, n_mels=40, **k),
    "log": lambda **k: kapre.get_log_frequency_spectrogram_layer(
        n_fft=512, hop_length=160, sample_rate=16000, log_n_bins=30, log_f_min=200.0, **k
    ),
}
helpers = pytest.mark.parametrize("name", list(HELPERS))


def chained(model: keras.Sequential, x: Any) -> np.ndarray:
    for layer in model.layers:
        x = layer(x)
    return to_numpy(x)


FORMATS = [
    dict(),
    dict(input_data_format="channels_first"),
    dict(output_data_format="channels_first"),
    dict(input_data_format="channels_first", output_data_format="channels_first"),
]
PADDINGS = [dict(), dict(pad_begin=True, pad_end=True), dict(center=True, pad_mode="reflect")]
VALUES = list(itertools.product((1.0, 2.0), (False, True)))
# Every helper, padding and format, each pair of values of any two arguments among them.
FUSED = [
    (name, *VALUES[(i + j + k) % 4], formats, padding)
    for i, name in enumerate(HELPERS)
    for j, padding in enumerate(PADDINGS)
    for k, formats in enumerate(FORMATS)
]


@pytest.mark.parametrize(("name", "power", "return_decibel", "formats", "padding"), FUSED)
def test_fused_is_chained(name: str, power: float, return_decibel: bool, formats: dict, padding: dict) -> None:
    model = HELPERS[name](power=power, return_decibel=return_decibel, **formats, **padding)
    x = chirp(2, 4000, 2).astype("float32")
    if formats.get("input_data_format") == "channels_first":
        x = np.moveaxis(x, -1, 1)
    assert model.recipe is not None
    # kapre-native rounds otherwise than the layers, which decibels show in the quietest bins.
    assert relative_error(model(x), chained(model, x)) <= (3e-4 if return_decibel else 1e-6)


@pytest.mark.parametrize("center", [False, True])
@pytest.mark.parametrize("power", [1.0, 2.0])
def test_mel_is_librosas(center: bool, power: float) -> None:
    x = chirp(1, 8000)
    reference = librosa.feature.melspectrogram(
        y=x[0, :, 0], sr=16000, n_fft=512, hop_length=160, n_mels=40, center=center, power=power
    )
    model = HELPERS["mel"](center=center, power=power)
    assert relative_error(to_numpy(model(x.astype("float32")))[0, :, :, 0], reference.T) <= 2e-6
    in_decibel = HELPERS["mel"](center=center, power=power, return_decibel=True, db_amin=1e-10)
    expected = librosa.power_to_db(reference)
    np.testing.assert_allclose(to_numpy(in_decibel(x.astype("float32")))[0, :, :, 0], expected.T, atol=2e-3)


def test_layers_show() -> None:
    model = HELPERS["mel"](return_decibel=True, input_shape=(None, 1))
    kinds = [type(layer).__name__ for layer in model.layers]
    assert kinds == ["STFT", "Magnitude", "ApplyFilterbank", "MagnitudeToDecibel"]
    assert model.name == "melspectrogram"
    assert isinstance(model, keras.Sequential)
    assert model.output_shape == (None, None, 40, 1)
    rebuilt = keras.Sequential([keras.Input((None, 1)), *model.layers])
    x = chirp(1, 4000).astype("float32")
    assert relative_error(rebuilt(x), to_numpy(model(x))) <= 1e-6


def test_published_defaults() -> None:
    """The numbers that the contract names, as every helper's recipe has them."""
    assert kapre.get_stft_magnitude_layer().recipe == kapre.Recipe(n_fft=2048, hop_length=512)
    mel = kapre.get_melspectrogram_layer(return_decibel=True).recipe
    assert mel == kapre.Recipe(
        n_fft=2048,
        hop_length=512,
        filterbank="mel",
        sample_rate=22050,
        n_mels=128,
        f_min=0.0,
        f_max=None,
        htk=False,
        norm="slaney",
        log="db",
        ref_value=1.0,
        amin=1e-5,
        dynamic_range=80.0,
    )
    log = kapre.get_log_frequency_spectrogram_layer().recipe
    assert log == kapre.Recipe(filterbank="log", sample_rate=22050, n_bins=84, bins_per_octave=12, spread=0.125)
    names = [helper().name for helper in (kapre.get_stft_magnitude_layer, kapre.get_melspectrogram_layer)]
    assert names == ["stft_magnitude", "melspectrogram"]
    assert kapre.get_log_frequency_spectrogram_layer().name == "log_frequency_spectrogram"


def test_add_and_pop_are_followed() -> None:
    x = chirp(1, 4000).astype("float32")
    model = HELPERS["mel"](return_decibel=True)
    decibel = to_numpy(model(x))
    last = model.pop()
    assert model.recipe is not None
    assert model.recipe.log is None
    assert relative_error(model(x), to_numpy(HELPERS["mel"]()(x))) <= 1e-6
    model.add(last)
    np.testing.assert_array_equal(to_numpy(model(x)), decibel)
    model.add(keras.layers.Rescaling(2.0))
    assert model.recipe is None
    np.testing.assert_allclose(to_numpy(model(x)), 2.0 * decibel, atol=1e-4)


def test_a_layer_with_weights_may_follow_a_call() -> None:
    x = chirp(1, 4000).astype("float32")
    model = HELPERS["mel"]()
    before = to_numpy(model(x))
    model.add(keras.layers.Dense(3))
    kernel, bias = (to_numpy(weight) for weight in (model(x), model.layers[-1])[1].get_weights())
    np.testing.assert_allclose(to_numpy(model(x)), before @ kernel + bias, rtol=1e-4, atol=1e-4)


@helpers
def test_a_clone_gives_the_same(name: str) -> None:
    x = chirp(1, 4000).astype("float32")
    model = HELPERS[name](return_decibel=True, input_shape=(None, 1))
    clone = keras.models.clone_model(model)
    np.testing.assert_allclose(to_numpy(clone(x)), to_numpy(model(x)), atol=1e-3)
    again = type(model).from_config(model.get_config())
    assert again.recipe == model.recipe is not None
    np.testing.assert_array_equal(to_numpy(again(x)), to_numpy(model(x)))


def test_a_subclassed_layer_is_not_fused() -> None:
    class Doubled(kapre.Magnitude):
        def call(self, inputs: Any) -> Any:
            return 2.0 * super().call(inputs)

    x = chirp(1, 4000).astype("float32")
    model = ComposedSequential([kapre.STFT(512), Doubled()])
    assert model.recipe is None
    plain = ComposedSequential([kapre.STFT(512), kapre.Magnitude()])
    assert plain.recipe is not None
    assert relative_error(model(x), 2.0 * to_numpy(plain(x))) <= 1e-6


@pytest.mark.parametrize(
    "layers",
    [
        lambda: [kapre.STFT(512), kapre.Magnitude(dtype="float16")],
        lambda: [kapre.STFT(512), kapre.Phase()],
        lambda: [
            kapre.STFT(64, output_data_format="channels_first"),
            kapre.Magnitude(),
            kapre.ApplyFilterbank("mel", dict(sample_rate=8000, n_freq=33, n_mels=4), data_format="channels_last"),
        ],
        lambda: [kapre.Magnitude()],
        lambda: [kapre.STFT(512)],
        lambda: [
            kapre.STFT(511),
            kapre.Magnitude(),
            kapre.ApplyFilterbank("mel", dict(sample_rate=8000, n_freq=256, n_mels=4)),
        ],
    ],
)
def test_chains_without_a_recipe(layers: Any) -> None:
    assert ComposedSequential(layers()).recipe is None


def test_a_refused_call_leaves_the_helper_usable() -> None:
    model = HELPERS["mel"]()
    with pytest.raises(ValueError, match=r"received shape \(2, 4000\).*x\[\.\.\., None\].*x\[None\]"):
        model(np.zeros((2, 4000), "float32"))
    assert to_numpy(model(np.zeros((2, 4000, 1), "float32"))).shape == (2, 22, 40, 1)


def test_a_length_too_short_for_a_frame_is_noticed_when_the_model_is_made() -> None:
    with pytest.warns(UserWarning, match=r"shape \(None, 300, 1\) is shorter than one frame"):
        HELPERS["mel"](input_shape=(300, 1))


def test_any_length_after_the_first() -> None:
    model = HELPERS["mel"]()
    assert to_numpy(model(np.zeros((1, 4000, 1), "float32"))).shape == (1, 22, 40, 1)
    assert to_numpy(model(np.zeros((3, 700, 2), "float32"))).shape == (3, 2, 40, 2)
    assert to_numpy(model(np.zeros((1, 10, 1), "float32"))).shape == (1, 0, 40, 1)


def loud_over_quiet() -> np.ndarray:
    """Make a full-scale tone over noise at −70 dB: what float16 samples cannot hold."""
    rng = np.random.default_rng(0)
    t = np.arange(8000) / 16000
    x = np.sin(2 * np.pi * 440 * t) + 10 ** (-70 / 20) * rng.standard_normal(8000)
    return x[None, :, None].astype("float32")


class Outer(keras.Model):
    def __init__(self, inner: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.inner = inner

    def call(self, x: Any) -> Any:
        return self.inner(x)


POLICIES = ("mixed_float16", "mixed_bfloat16", "float16", "bfloat16")
NESTINGS = ("", "functional", "sequential", "sequential without Input", "subclassed")
# Every policy in every nesting, and each helper with every one of either.
HALVES = [
    (list(HELPERS)[(i + j) % 3], policy, nested)
    for i, policy in enumerate(POLICIES)
    for j, nested in enumerate(NESTINGS)
]


@pytest.mark.parametrize(("name", "policy", "nested"), HALVES)
def test_half_precision_rounds_once_at_the_end(name: str, policy: str, nested: str) -> None:
    x = loud_over_quiet()
    exact = to_numpy(HELPERS[name](return_decibel=True)(x))
    keras.config.set_dtype_policy(policy)
    model: Any = HELPERS[name](return_decibel=True, input_shape=(None, 1))
    fused_by = model
    if nested == "functional":
        inputs = keras.Input((None, 1), dtype="float32")
        model = keras.Model(inputs, model(inputs))
    elif nested == "sequential":
        model = keras.Sequential([keras.Input((None, 1), dtype="float32"), model])
    elif nested == "sequential without Input":
        model = keras.Sequential([model])
    elif nested:
        model = Outer(model, autocast=False)
    got = model(x)
    compute = policy.removeprefix("mixed_")
    assert compute in str(got.dtype)
    assert fused_by.recipe is not None
    unit = 2.0**-5 if compute == "float16" else 2.0**-2  # the last place of numbers up to 64
    assert np.abs(to_numpy(keras.ops.cast(got, "float32")) - exact).max() <= unit
    by_layer = chained(fused_by, x)
    rounded = to_numpy(keras.ops.cast(got, "float32"))
    assert np.quantile(np.abs(rounded - by_layer), 0.99) <= unit
    np.testing.assert_allclose(rounded, by_layer, atol=4 * unit)  # the quietest bins are of the order of roundings


def test_float64_end_to_end() -> None:
    x = chirp(1, 8000)
    reference = librosa.feature.melspectrogram(
        y=x[0, :, 0], sr=16000, n_fft=512, hop_length=160, n_mels=40, center=False, dtype=np.float64
    )
    with float64():
        keras.config.set_dtype_policy("float64")
        model = HELPERS["mel"](power=2.0, input_shape=(None, 1))
        got = to_numpy(model(x))
        assert got.dtype == np.float64
        assert relative_error(got[0, :, :, 0], reference.T) <= 2e-7  # librosa's bank is float32
        model.add(keras.layers.Identity(dtype="float64"))
        assert model.recipe is None
        assert relative_error(to_numpy(model(x)), got) <= 1e-12


def test_dtype_policy_is_saved(tmp_path: Path) -> None:
    keras.config.set_dtype_policy("mixed_float16")
    model = HELPERS["mel"](input_shape=(None, 1))
    model.save(tmp_path / "mel.keras")
    keras.config.set_dtype_policy("float32")
    again = keras.saving.load_model(tmp_path / "mel.keras")
    assert isinstance(again, ComposedSequential)
    assert again.dtype_policy.name == "mixed_float16"
    assert again.recipe == model.recipe
    x = loud_over_quiet()
    np.testing.assert_array_equal(to_numpy(again(x)), to_numpy(model(x)))


def test_h5_round_trip(tmp_path: Path) -> None:
    model = keras.Sequential([HELPERS["mel"](input_shape=(None, 1)), keras.layers.GlobalAveragePooling2D()])
    x = chirp(1, 4000).astype("float32")
    expected = to_numpy(model(x))
    model.save(tmp_path / "mel.h5")
    np.testing.assert_array_equal(to_numpy(keras.saving.load_model(tmp_path / "mel.h5", compile=False)(x)), expected)


@pytest.mark.parametrize(
    ("make", "kind", "text"),
    [
        (lambda: kapre.get_melspectrogram_layer(n_fft=511), ValueError, "`n_fft` must be even.*received n_fft=511"),
        (lambda: kapre.get_log_frequency_spectrogram_layer(n_fft=511), ValueError, "`n_fft` must be even"),
        (lambda: kapre.get_melspectrogram_layer(hop_length=0), ValueError, "`hop_length` must be a positive integer"),
        (lambda: kapre.get_melspectrogram_layer(return_decibel=True, db_amin=0), ValueError, "`db_amin` must be"),
        (lambda: kapre.get_melspectrogram_layer(power=3), ValueError, "`power` must be one of 1.0, 2.0"),
        (lambda: kapre.get_melspectrogram_layer(mel_norm="peak"), ValueError, "`mel_norm` must be"),
        (lambda: kapre.get_melspectrogram_layer(n_mels=0), ValueError, "`n_mels` must be"),
        (
            lambda: kapre.get_stft_magnitude_layer(input_data_format="last"),
            ValueError,
            "`input_data_format` must be one of.*received input_data_format='last'",
        ),
        (
            lambda: kapre.get_perfectly_reconstructing_stft_istft(forward_window_name="box"),
            NotImplementedError,
            "`forward_window_name` must be",
        ),
        (lambda: kapre.get_log_frequency_spectrogram_layer(sample_rate=8000), RuntimeError, "Use log_n_bins="),
        (lambda: kapre.get_stft_magnitude_layer(window_name="box"), NotImplementedError, "`window_name`"),
    ],
)
def test_bad_arguments(make: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        make()


@pytest.mark.parametrize(
    "make",
    [
        kapre.get_stft_magnitude_layer,
        kapre.get_melspectrogram_layer,
        kapre.get_log_frequency_spectrogram_layer,
        lambda **options: kapre.get_stft_mag_phase((None, 1), **options),
        lambda name=None: kapre.get_perfectly_reconstructing_stft_istft(**({"stft_name": name} if name else {}))[0],
    ],
)
def test_two_helpers_in_one_model(make: Any) -> None:
    """Their default names are numbered as Keras' are, from the second on; a name that is given stays."""
    keras.utils.clear_session()
    inputs = keras.Input((None, 1))
    helpers = [make(), make(), make(name="mine")]
    first = helpers[0].name
    model = keras.Model(inputs, [helper(inputs) for helper in helpers])
    assert [helper.name for helper in helpers] == [first, f"{first}_1", "mine"]
    x = chirp(1, 4000).astype("float32")
    again = keras.models.clone_model(model)
    for y, expected in zip(again(x), model(x), strict=True):
        np.testing.assert_array_equal(to_numpy(y), to_numpy(expected))
    with pytest.raises(ValueError, match="unique"):
        keras.Model(inputs, [make(name="mine")(inputs) for _ in range(2)])


def test_two_convolutions_in_one_sequential() -> None:
    keras.utils.clear_session()
    make = lambda: kapre.get_frequency_aware_conv2d("channels_last", filters=2, kernel_size=3)  # noqa: E731
    model = keras.Sequential([keras.Input((10, 33, 1)), make(), make()])
    assert [layer.name for layer in model.layers] == ["frequency_aware_conv2d", "frequency_aware_conv2d_1"]


def test_a_mask_of_another_length_is_refused() -> None:
    helper = kapre.get_melspectrogram_layer(n_fft=64, sample_rate=16000, n_mels=8)
    with pytest.raises(ValueError, match=r"`mask` must be over the samples, of shape \(2, 400\); received"):
        helper(np.zeros((2, 400, 1), "float32"), mask=keras.ops.ones((2, 10), dtype="bool"))
