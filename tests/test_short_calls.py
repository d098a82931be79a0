"""Calls that go past Keras: the same result, and nothing of what Keras does left out where it does something."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

import kapre
from tests.conftest import BACKEND, chirp, to_numpy

RECIPE = kapre.Recipe(n_fft=512, win_length=400, hop_length=160, filterbank="mel", sample_rate=16000, n_mels=40)
SHORT = BACKEND in ("torch", "jax")


def mel(**options: Any) -> Any:
    return kapre.get_melspectrogram_layer(n_fft=512, hop_length=160, sample_rate=16000, n_mels=40, **options)


LAYERS = {
    "frontend": (lambda: kapre.Frontend(RECIPE), lambda: chirp(2, 4000)[..., 0]),
    "helper": (mel, lambda: chirp(2, 4000)),
    "half": (lambda: mel_of_policy("mixed_float16"), lambda: chirp(2, 4000)),
    "mu_law": (lambda: kapre.MuLawEncoding(256), lambda: chirp(2, 4000)),
    "magnitude": (kapre.Magnitude, lambda: (1 + 1j) * chirp(2, 400)[..., None]),
}


def mel_of_policy(policy: str) -> Any:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        return mel()
    finally:
        keras.config.set_dtype_policy(before)


@pytest.mark.parametrize("name", LAYERS)
def test_the_second_call_gives_what_the_first_gave(name: str) -> None:
    make, samples = LAYERS[name]
    layer, x = make(), ops.convert_to_tensor(samples())
    first, second = layer(x), layer(x)
    assert layer._skips_keras((x,), {}) == SHORT  # or this would test nothing
    assert keras.backend.standardize_dtype(first.dtype) == keras.backend.standardize_dtype(second.dtype)
    np.testing.assert_array_equal(to_numpy(first), to_numpy(second))


def test_other_inputs_and_arguments_go_the_long_way() -> None:
    layer = kapre.Frontend(RECIPE)
    x = ops.convert_to_tensor(chirp(2, 4000)[..., 0])
    layer(x)
    assert not layer._skips_keras((x[:, :3000],), {})
    assert not layer._skips_keras((to_numpy(x),), {})
    assert not layer._skips_keras((x,), {"training": True})
    with pytest.raises(ValueError, match="must have shape"):
        layer(x[..., None])
    with pytest.raises(TypeError, match="floating point"):
        layer(ops.cast(x, "int32"))
    half = layer(x, lengths=[4000, 2000])
    assert not to_numpy(half)[1, RECIPE.num_frames(2000) :].any()


def test_a_mask_goes_the_long_way() -> None:
    layer = kapre.Frontend(RECIPE)
    x = ops.convert_to_tensor(chirp(2, 4000)[..., 0])
    whole = to_numpy(layer(x))
    masked = keras.layers.Masking(mask_value=9.0)(ops.concatenate([x[..., None], ops.full((2, 1000, 1), 9.0)], axis=1))
    x = ops.convert_to_tensor(to_numpy(masked)[..., 0])
    layer(x)
    if BACKEND != "tensorflow":
        x._keras_mask = masked._keras_mask
        y = layer(x)
        assert y._keras_mask is not None
        np.testing.assert_allclose(to_numpy(y)[:, : whole.shape[1]], whole, rtol=0.0, atol=2e-6 * np.abs(whole).max())


@pytest.mark.parametrize("option", ["dither", "trainable_filterbank", "trainable_window", "regularizer"])
def test_what_keras_has_to_do_with_goes_the_long_way(option: str) -> None:
    recipe = RECIPE.replace(dither=0.1) if option == "dither" else RECIPE
    options = {option: True} if option.startswith("trainable") else {}
    if option == "regularizer":
        options["activity_regularizer"] = "l2"
    layer = kapre.Frontend(recipe, **options)
    x = ops.convert_to_tensor(chirp(2, 4000)[..., 0])
    layer(x)
    layer(x)
    assert not layer._skips_keras((x,), {})
    assert len(layer.losses) == (option == "regularizer")


def test_a_subclass_goes_the_long_way() -> None:
    class Louder(kapre.Magnitude):
        def call(self, inputs: Any, training: bool | None = None) -> Any:
            return super().call(inputs) * (2.0 if training else 1.0)

    layer = Louder()
    x = ops.convert_to_tensor((chirp(2, 400) + 0j)[..., None].astype("complex64"))
    y = to_numpy(layer(x))
    assert not layer._skips_keras((x,), {})
    np.testing.assert_array_equal(to_numpy(layer(x, training=True)), 2.0 * y)


def test_a_chain_that_changes_is_computed_anew() -> None:
    helper = mel()
    x = ops.convert_to_tensor(chirp(2, 4000))
    before = to_numpy(helper(x))
    helper.add(kapre.MagnitudeToDecibel())
    after = to_numpy(helper(x))
    assert after.min() < -1.0 < before.min()
    helper.pop()
    np.testing.assert_array_equal(to_numpy(helper(x)), before)


if BACKEND == "torch":
    import torch

    def test_what_is_compiled_stays_compiled() -> None:
        layer = kapre.Frontend(RECIPE)
        x = torch.from_numpy(chirp(2, 4000)[..., 0].copy())
        layer(x)
        seen = []
        layer._compiled_call_impl = lambda *args: seen.append(args)  # what `layer.compile()` leaves, without a compiler
        layer(x)
        assert len(seen) == 1

    def test_a_layer_of_a_remat_scope_goes_the_long_way() -> None:
        with keras.RematScope("full"):
            layer = kapre.Frontend(RECIPE)
        x = torch.from_numpy(chirp(2, 4000)[..., 0].copy())
        layer(x)
        assert not layer._skips_keras((x,), {})

    def test_hooks_of_the_module_run() -> None:
        layer = kapre.Frontend(RECIPE)
        x = torch.from_numpy(chirp(2, 4000)[..., 0].copy())
        y = layer(x)
        assert layer._skips_keras((x,), {})
        seen = []
        handle = layer.register_forward_hook(lambda module, inputs, output: seen.append(output.shape))
        layer(x)
        handle.remove()
        layer(x)
        assert seen == [y.shape]
