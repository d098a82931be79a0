"""Single layers in eager calls on JAX: one program for each type and config, few lengths, and the exact numbers."""

from __future__ import annotations

import gc
import inspect
import weakref
from typing import Any

import keras
import numpy as np
import pytest

import kapre
from kapre.ops import buckets
from tests.compilations import compilations
from tests.conftest import BACKEND, float64, relative_error, to_numpy
from tests.layer_cases import BINS, CASES, MEL, STFT_ARGUMENTS

SINGLE = [name for name, case in CASES.items() if not (case.random or case.composed)]
MASKED = [name for name in SINGLE if "mask" in inspect.signature(getattr(kapre, CASES[name].layer).call).parameters]
OTHERS = (50, 51, 66, 67)  # samples or frames; this many are compiled as they are


def mel() -> Any:
    return kapre.get_melspectrogram_layer(**STFT_ARGUMENTS, sample_rate=16000, n_mels=8)


def exact(layer: Any, x: np.ndarray, mask: Any = None) -> np.ndarray:
    """Return what a trace computes, which nothing pads."""
    import jax

    options = {} if mask is None else {"mask": mask}
    return to_numpy(jax.jit(lambda x: layer(x, **options))(x))


if BACKEND == "jax":
    import jax

    def in_bucket(layer: Any, x: np.ndarray, **options: Any) -> Any:
        """Return what the layer gives where lengths before this one have been so many that it pads this one.

        Those are not called: each would be compiled, for every layer, and `test_few_compilations` does it.
        """
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(buckets, "FEW", 0)
            return layer(x, **options)

    @pytest.mark.parametrize(
        ("name", "data_format", "length"),
        [(name, *(("channels_last", 70 + i), ("channels_first", 200 + 7 * i))[i % 2]) for i, name in enumerate(SINGLE)],
    )
    def test_any_length_is_exact(name: str, data_format: str, length: int) -> None:
        case = CASES[name]
        with float64():
            keras.config.set_dtype_policy("float64")
            layer = case.make(data_format)
            x = case.input(data_format, length=length)
            y = in_bucket(layer, x)
            assert str(y.dtype) == keras.backend.standardize_dtype(layer.compute_output_spec(spec(x)).dtype)
            assert relative_error(y, exact(layer, x)) <= 1e-12

    @pytest.mark.parametrize("name", MASKED)
    def test_a_mask_of_any_length(name: str) -> None:
        case = CASES[name]
        layer = case.make("channels_last")
        x = case.single("channels_last", length=199)
        mask = np.arange(199) < np.array([[199], [70]])
        assert relative_error(in_bucket(layer, x, mask=mask), exact(layer, x, mask)) <= 2e-6

    def spec(x: np.ndarray) -> keras.KerasTensor:
        return keras.KerasTensor(x.shape, dtype=str(x.dtype))

    @pytest.mark.parametrize("name", [name for name in SINGLE if CASES[name].exemplary])
    def test_few_compilations(name: str) -> None:
        case = CASES[name]
        layer = case.make("channels_last", name="own")
        x = case.single("channels_last", length=3000)
        with compilations() as first:
            for length in range(2000, 2004):
                layer(x[:, :length])
        assert len(first) <= 6  # one program for each length, and constants; none where another test had them
        with compilations() as found:
            for length in range(2004, 3000, 17):
                layer(x[:, :length])
            case.make("channels_last", name="other")(x[:, :2500])
        assert len(found) <= 3

    @pytest.mark.parametrize(
        "make", [mel, lambda: kapre.STFT(**STFT_ARGUMENTS), lambda: kapre.Energy(16000, 0.1, 20, 7)]
    )
    def test_masks_are_made_without_compiling(make: Any) -> None:
        layer = make()
        masks = [np.arange(time) < np.array([[time], [time // 2]]) for time in range(300, 400, 9)]
        held = [keras.ops.convert_to_tensor(mask) for mask in masks]
        with compilations() as found:
            results = [layer.compute_mask(None, mask) for mask in held]
        assert not found
        wanted = jax.jit(lambda mask: layer.compute_mask(None, mask))
        for mask, result in zip(held[::5], results[::5], strict=True):
            assert keras.ops.is_tensor(result)
            np.testing.assert_array_equal(to_numpy(result), to_numpy(wanted(mask)))

    def test_a_changed_argument_is_seen() -> None:
        layer, x = kapre.Magnitude(), np.full((1, 9, 9, 1), 3.0, "complex64")
        assert float(layer(x).max()) == 3.0
        layer.power = 2.0
        assert float(layer(x).max()) == 9.0
        layer.power = 1.0
        assert float(layer(x).max()) == 3.0

    def test_a_changed_layer_changes_no_other() -> None:
        """What `call` reads decides, not the config: a constructor derives from its arguments, a change does not."""
        x = np.random.default_rng(0).uniform(-1, 1, (1, 2000, 1)).astype("float32")
        changed = kapre.STFT(n_fft=256, hop_length=128)
        changed.hop_length = 64
        assert changed(x).shape == changed.compute_output_shape(x.shape)
        other = kapre.STFT(n_fft=256, hop_length=64)
        assert other(x).shape == other.compute_output_shape(x.shape) != changed(x).shape
        bank = dict(sample_rate=16000, n_freq=129, n_mels=20)
        first = kapre.ApplyFilterbank("mel", bank)
        first.filterbank_kwargs["f_min"] = 1000.0
        first(np.ones((1, 5, 129, 1), "float32"))
        second = kapre.ApplyFilterbank("mel", {**bank, "f_min": 1000.0})
        expected = second._bank.sum(axis=0)
        np.testing.assert_allclose(
            to_numpy(second(np.ones((1, 5, 129, 1), "float32")))[0, 0, :, 0], expected, rtol=1e-5
        )

    def test_a_called_layer_is_not_kept() -> None:
        entry = keras.Input((None, 1))
        model = keras.Model(entry, keras.layers.Dense(7)(kapre.Magnitude()(kapre.STFT(n_fft=64, hop_length=33)(entry))))
        alive = weakref.ref(model.layers[-1])
        for time in range(2000, 2006):
            model(np.ones((1, time, 1), "float32"))
        del model, entry
        keras.backend.clear_session()
        gc.collect()
        assert alive() is None

    def test_a_length_past_the_last_frame() -> None:
        framing = dict(n_fft=512, hop_length=128, center=True)
        inverse = kapre.InverseSTFT(**framing, exact_edges=True, length=8000)
        x = np.random.default_rng(0).uniform(-1, 1, (1, 8000, 1)).astype("float32")
        spectrum = to_numpy(kapre.STFT(**framing)(x))
        for count in (20, 21, 22, 23):
            inverse(spectrum[:, :count])
        assert relative_error(inverse(spectrum), x) <= 1e-5

    def test_what_does_not_fit_is_refused_as_ever() -> None:
        x = np.random.default_rng(0).uniform(0, 1, (1, 70, BINS, 1)).astype("float32")
        for layer, wrong in (
            (kapre.ApplyFilterbank("mel", MEL), (1, 70, BINS)),
            (kapre.SqueezeChannels(), (1, 70)),
            (kapre.Delta(), (1, 70, 3)),
        ):
            for length in OTHERS:
                layer(x[:, :length])
            with pytest.raises(ValueError, match=rf"received shape \({', '.join(map(str, wrong))}\)"):
                layer.call(keras.ops.convert_to_tensor(np.ones(wrong, "float32")))
        stft = kapre.STFT(**STFT_ARGUMENTS)
        y = np.random.default_rng(0).uniform(-1, 1, (1, 700, 1)).astype("float32")
        mask = keras.ops.convert_to_tensor(np.ones((1, 100), bool))
        results = [stft(y[:, :length], mask=mask).shape for length in range(500, 506)]
        assert len(results) == 6

    def test_a_layer_that_drops_masks() -> None:
        class Dropping(kapre.Magnitude):
            def output_mask(self, mask: Any) -> Any:
                return None

        assert Dropping().compute_mask(None, keras.ops.convert_to_tensor(np.ones((1, 3), bool))) is None
        assert keras.ops.is_tensor(kapre.STFT(**STFT_ARGUMENTS).compute_mask(None, np.ones((1, 300), bool)))

    def test_layers_of_one_config_share_and_of_another_do_not() -> None:
        x = np.random.default_rng(0).uniform(-1, 1, (1, 400, 1)).astype("float32")
        one, two = (kapre.STFT(**STFT_ARGUMENTS, window_name=name) for name in ("hann_window", "hamming_window"))
        for layer in (one, two):
            assert relative_error(layer(x), exact(layer, x)) <= 2e-6
        assert relative_error(one(x), to_numpy(two(x))) > 0.01

    def test_a_subclass_computes_what_it_says() -> None:
        class Louder(kapre.Magnitude):
            gain = 2.0

            def call(self, inputs: Any) -> Any:
                return self.gain * super().call(inputs)

        layer, x = Louder(), np.full((1, 9, 9, 1), 3.0, "complex64")
        assert float(layer(x).max()) == 6.0
        layer.gain = 3.0
        assert float(layer(x).max()) == 9.0

    def test_transformations_go_through() -> None:
        layer = kapre.STFT(**STFT_ARGUMENTS)
        x = np.random.default_rng(0).uniform(-1, 1, (3, 700, 1)).astype("float32")
        for length in range(690, 700):
            layer(x[:, :length])
        y = to_numpy(layer(x))
        held = keras.ops.convert_to_tensor(x)
        assert relative_error(jax.jit(lambda: layer(held))(), y) <= 2e-6  # its input is no tracer
        assert relative_error(jax.vmap(lambda x: layer(x[None])[0])(held), y) <= 2e-6
        gradient = jax.grad(lambda x: keras.ops.sum(keras.ops.abs(layer(x)) ** 2))(held)
        assert np.isfinite(np.asarray(gradient)).all()
        with jax.disable_jit():
            assert relative_error(layer(held), y) <= 2e-6

else:

    def test_nothing_changes_elsewhere() -> None:
        assert not hasattr(kapre.STFT.call, "__wrapped__")
