"""Filter banks and windows that training changes: they learn, stay what they are, and are never NaN."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kapre
from kapre import executor
from tests.conftest import BACKEND, chirp, float64, to_numpy

EXAMPLES = {"torch": 30, "tensorflow": 6, "jax": 2}.get(BACKEND, 6)
DEV0 = Path(__file__).parent / "fixtures" / "trainable_1.0.0.dev0.keras"
WITH_BANK = [name for name in kapre.list_presets() if kapre.frontends.preset(name).recipe.bank is not None]
CHANGES: dict[str, st.SearchStrategy[Any]] = {
    "window_name": st.sampled_from(["hamming_window", "kaiser_window", "vorbis_window"]),
    "f_min": st.sampled_from([0.0, 55.0, 300.0]),
    "norm": st.sampled_from([None, "slaney", 1.0]),
    "n_mels": st.sampled_from([80, 40]),
    "htk": st.booleans(),
    "amin": st.sampled_from([1e-10, 1e-5]),
    "amin_by": st.sampled_from(["add", "max"]),
}


def short(name: str) -> kapre.Recipe:
    recipe = kapre.frontends.preset(name).recipe
    sizes = {"fixed_samples": 4000, "fixed_frames": 20, "patch_frames": 4}
    return recipe.replace(**{key: size for key, size in sizes.items() if getattr(recipe, key) is not None})


def sounds() -> tuple[np.ndarray, np.ndarray]:
    """Return noise (0) and tones (1) of one loudness; among them silence and what is far too loud."""
    rng = np.random.default_rng(0)
    x = 0.3 * rng.standard_normal((8, 4000))
    x[1::2] = 0.4 * np.sin(0.3 * np.arange(4000))
    x[0], x[1] = 0.0, 1e4 * x[1]
    return x.astype("float32"), (np.arange(8) % 2).astype("float32")


def model_of(frontend: kapre.Frontend, optimizer: Any) -> keras.Model:
    layers = [keras.layers.Flatten(), keras.layers.Dense(1, kernel_initializer="zeros", dtype="float32")]
    model = keras.Sequential([keras.Input((4000,)), frontend, *layers])
    model.compile(optimizer, keras.losses.BinaryCrossentropy(from_logits=True), jit_compile=False)
    return model


@settings(max_examples=EXAMPLES, deadline=None, derandomize=True)
@given(
    st.sampled_from(WITH_BANK),
    st.fixed_dictionaries({}, optional=CHANGES),
    st.sampled_from(["float32", "mixed_float16", "mixed_bfloat16"]),
    st.sampled_from([True, "all"]),
    st.sampled_from([("SGD", 1.0), ("Adam", 1e-3), ("Adam", 1e-1)]),
)
@pytest.mark.filterwarnings("ignore:.*filter bank bands hold no DFT bin")
def test_training_keeps_a_bank_a_bank(name: str, changes: dict, policy: str, reach: Any, how: Any) -> None:
    recipe = short(name)
    if recipe.log is None:
        changes = {key: value for key, value in changes.items() if not key.startswith("amin")}
    if changes.get("window_name", "hamming_window") != "hamming_window":
        changes["window_periodic"] = None
    recipe = recipe.replace(**changes)
    frontend = kapre.Frontend(recipe, trainable_filterbank=reach, trainable_window=reach, dtype=policy)
    bank, window = frontend.filterbank, frontend.window
    assert bank.dtype == window.dtype == np.float32
    x, y = sounds()
    model = model_of(frontend, getattr(keras.optimizers, how[0])(how[1]))
    for _ in range(3):
        model.train_on_batch(x, y)
    for before, after in ((bank, frontend.filterbank), (window, frontend.window)):
        assert np.isfinite(after).all()
        assert (after >= 0.0).all()
        np.testing.assert_array_equal(after > 0.0, before > 0.0)
    if frontend.compute_dtype == "float32":
        assert np.isfinite(to_numpy(frontend(x))).all()


@pytest.mark.parametrize("name", ["nemo", "whisper"])
def test_it_learns_with_a_usual_learning_rate(name: str) -> None:
    frontend = kapre.Frontend(short(name), trainable_filterbank=True, trainable_window=True)
    fixed = kapre.Frontend(short(name))
    before = frontend.filterbank
    np.testing.assert_allclose(before, fixed.filterbank, rtol=1e-6)
    np.testing.assert_allclose(frontend.window, fixed.window, rtol=1e-6)
    x, y = sounds()
    off = np.abs(to_numpy(frontend(x)) - to_numpy(fixed(x)))
    assert np.quantile(off, 0.9) <= 2e-4
    assert off.max() <= 0.2  # NeMo's quietest bands are of the order of roundings, and the two may round otherwise
    model = model_of(frontend, keras.optimizers.Adam(1e-3))
    losses = [float(model.train_on_batch(x, y)) for _ in range(12)]
    assert np.isfinite(losses).all()
    assert losses[-1] < 0.9 * losses[0]
    assert np.abs(frontend.filterbank / np.where(before > 0.0, before, 1.0) - (before > 0.0)).max() > 1e-3


def test_half_precision_does_not_round_the_weights() -> None:
    """The bank of a trained layer under mixed_float16 is in float32: only the result is cast."""
    x = chirp(2, 4000)[..., 0].astype("float32")
    right = to_numpy(kapre.Frontend.from_preset("nemo")(x))
    layer = kapre.Frontend.from_preset("nemo", trainable_filterbank=True, trainable_window=True, dtype="mixed_float16")
    np.testing.assert_allclose(to_numpy(layer(x)), right, rtol=2e-3, atol=2e-3)
    with float64():
        layer = kapre.Frontend.from_preset("nemo", trainable_filterbank=True, dtype="float64")
        np.testing.assert_allclose(layer.filterbank, layer.recipe.bank, rtol=1e-14)


def test_all_of_a_bank_changes_features_by_little_at_the_start() -> None:
    """What the documentation says in numbers, of noise."""
    x = 0.1 * np.random.default_rng(0).standard_normal((1, 16000)).astype("float32")
    layer = kapre.Frontend.from_preset("kaldi_fbank", trainable_filterbank="all")
    assert (layer.filterbank > 0.0).all()
    difference = to_numpy(layer(x)) - to_numpy(kapre.Frontend.from_preset("kaldi_fbank")(x))
    assert 0.0 < np.percentile(difference, 99) < 0.02  # nats
    assert difference.max() < 0.3


def test_a_file_of_the_first_release_loads(tmp_path: Path) -> None:
    """It holds the bank and the window themselves, some of them negative, some where the recipe's are 0."""
    with zipfile.ZipFile(DEV0) as archive:
        archive.extract("model.weights.h5", tmp_path)
    import h5py

    with h5py.File(tmp_path / "model.weights.h5") as file:
        bank, window = (np.asarray(file[f"layers/frontend/vars/{key}"]) for key in "01")
    with pytest.warns(UserWarning, match="below 0 and become 0, and .* becomes 'all'"):
        model = keras.saving.load_model(DEV0)
    frontend = model.get_layer("front")
    assert (frontend.trainable_filterbank, frontend.trainable_window) == ("all", "all")
    bank, window = np.maximum(bank, 0.0), np.maximum(window, 0.0)
    np.testing.assert_allclose(frontend.filterbank, bank, rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(frontend.window, window, rtol=1e-5, atol=1e-9)
    x = keras.ops.convert_to_tensor(chirp(2, 1000, sample_rate=8000.0)[..., 0].astype("float32"))
    right = to_numpy(executor.run(frontend.recipe, x, bank=bank, window=window))
    np.testing.assert_allclose(to_numpy(model(x)), right, rtol=1e-5, atol=1e-5)
    model.save(tmp_path / "again.keras")
    again = keras.saving.load_model(tmp_path / "again.keras")
    assert again.get_layer("front").trainable_filterbank == "all"
    for ours, theirs in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    model.save_weights(tmp_path / "only.weights.h5")
    again.load_weights(tmp_path / "only.weights.h5")
    np.testing.assert_array_equal(to_numpy(again(x)), to_numpy(model(x)))


def test_reach_is_checked() -> None:
    with pytest.raises(ValueError, match="`trainable_filterbank` must be True, False or 'all'"):
        kapre.Frontend.from_preset("nemo", trainable_filterbank="some")
