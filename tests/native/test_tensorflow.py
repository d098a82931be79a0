"""The compiled kernel under TensorFlow: where it takes part, and its numbers and gradients beside the framework's."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

import kapre
from kapre.executor import run
from kapre.ops.kernels import active, native_tensorflow, overlaid
from kapre.ops.kernels._on_host import ALIGNMENT, empty
from kapre.ops.kernels.tensorflow import TensorFlowKernel
from kapre.stages.spectrum import _Operations
from tests.native.cases import COUNTS, INVERSES, KALDI, MEL, RECIPE, TRANSFORMS, complex_noise, noise
from tests.numpy_spectra import spectra
from tests.processes import python
from tests.recipes import any_recipe

OP = "KapreSpectrum"


def features(x: tf.Tensor) -> tf.Tensor:
    return run(RECIPE, x)


def graph(fn: Callable[..., tf.Tensor], **words: object) -> Callable[..., tf.Tensor]:
    return tf.function(fn, autograph=False, **words)


def assert_native(y: tf.Tensor, x: tf.Tensor, recipe: kapre.Recipe = RECIPE) -> None:
    """Check for the library's bits, which are not those of the framework."""
    right = run(recipe, tf.constant(x))
    with overlaid(TensorFlowKernel()):
        other = run(recipe, tf.constant(x))
    assert not np.array_equal(right, other)
    np.testing.assert_array_equal(y, right)


def assert_framework(y: tf.Tensor, x: tf.Tensor) -> None:
    """Check for values close to the library's, and not its bits."""
    right = run(RECIPE, tf.constant(x))
    assert not np.array_equal(y, right)
    np.testing.assert_allclose(y, right, atol=1e-2)


def test_the_kernel_is_this_one() -> None:
    assert type(active).__name__ == "NativeTensorFlowKernel"


@settings(max_examples=60, deadline=None, derandomize=True)
@given(any_recipe(), st.integers(0, 2**32 - 1), st.data())
def test_any_recipe_is_as_without(recipe: kapre.Recipe, seed: int, data: st.DataObject) -> None:
    lead = data.draw(st.sampled_from([(1,), (3,), (2, 2)]))
    time = data.draw(st.integers(0, 3 * recipe.n_fft + 2 * recipe.hop_length))
    x = tf.constant(noise(*lead, time, seed=seed))
    lengths = data.draw(st.none() | st.lists(st.integers(0, time), min_size=lead[0], max_size=lead[0]))
    lengths = None if lengths is None else tf.constant(lengths, data.draw(st.sampled_from(["int32", "int64"])))
    y = run(recipe, x, lengths)
    with overlaid(TensorFlowKernel()):
        right = run(recipe, x, lengths).numpy()
        exact = run(recipe, tf.cast(x, tf.float64), lengths).numpy()
    assert (y.dtype, y.shape) == (right.dtype, right.shape)
    lost = np.abs(right - exact).max(initial=0.0)  # what float32 loses there
    np.testing.assert_allclose(y, exact, rtol=0, atol=4 * lost + 1e-5 * (1.0 + np.abs(exact).max(initial=0.0)))


@settings(max_examples=15, deadline=None, derandomize=True)
@given(any_recipe(), st.booleans(), st.booleans())
def test_a_graph_of_any_recipe_is_as_an_eager_call(recipe: kapre.Recipe, known: bool, ragged: bool) -> None:
    x = tf.constant(noise(3, 2 * recipe.n_fft + 3))
    lengths = (tf.constant([x.shape[1], 5, recipe.n_fft]),) if ragged else ()
    specs = [tf.TensorSpec([3, x.shape[1]] if known else [None, None]), *[tf.TensorSpec([None], tf.int32)] * ragged]
    whole = graph(lambda *args: run(recipe, *args), input_signature=specs)
    eager, found = run(recipe, x, *lengths), whole(x, *lengths)
    assert found.shape == eager.shape
    np.testing.assert_allclose(found, eager, rtol=1e-5, atol=1e-5 * (1.0 + np.abs(eager).max(initial=0.0)))


@pytest.mark.parametrize("power", [1.0, 2.0])
def test_spectra_are_those_of_numpy(power: float) -> None:
    recipe = kapre.Recipe(**{**MEL, "power": power})
    x = noise(2, 8000)
    right = spectra(recipe, x.astype("float64")).bands
    assert np.abs(run(recipe, tf.constant(x)).numpy() - right).max() <= 1e-6 * right.max()


@pytest.mark.parametrize("recipe", [RECIPE, KALDI.replace(energy="first"), RECIPE.replace(center=True)])
def test_in_graphs(recipe: kapre.Recipe) -> None:
    x = noise(4, 8000)
    by_row = lambda row: run(recipe, row[None])[0]  # noqa: E731
    assert_native(graph(lambda x: run(recipe, x))(x), x, recipe)
    any_batch = graph(lambda x: run(recipe, x), input_signature=[tf.TensorSpec([None, 8000])])
    assert_native(any_batch(x), x, recipe)
    assert any_batch(x[:0]).shape == (0, *run(recipe, x).shape[1:])
    any_time = graph(lambda x: run(recipe, x), input_signature=[tf.TensorSpec([None, None])])
    for time in (8000, 4321, 900):
        assert_native(any_time(x[:, :time]), x[:, :time], recipe)
    for time in (0, 1, 150):
        assert any_time(x[:, :time]).shape == run(recipe, tf.constant(x[:, :time])).shape
    assert_native(graph(lambda x: tf.map_fn(by_row, x))(x), x, recipe)
    one_of_two = graph(lambda x: tf.cond(x[0, 0] < 9.0, lambda: run(recipe, x), lambda: run(recipe, 2.0 * x)))
    assert_native(one_of_two(x), x, recipe)
    within = graph(lambda x: run(recipe, x))
    assert_native(graph(lambda x: within(x) + 0.0)(x), x, recipe)


def test_lengths_in_graphs() -> None:
    x, lengths = noise(3, 8000), tf.constant([8000, 900, 3000])
    right = run(RECIPE, tf.constant(x), lengths)
    specs = [tf.TensorSpec([None, None]), tf.TensorSpec([None], tf.int32)]
    found = graph(lambda x, lengths: run(RECIPE, x, lengths), input_signature=specs)(x, lengths)
    np.testing.assert_array_equal(found, right)
    with overlaid(TensorFlowKernel()):
        assert not np.array_equal(right, run(RECIPE, tf.constant(x), lengths))


def test_a_key_serves_all_lengths(monkeypatch: pytest.MonkeyPatch) -> None:
    """TensorFlow keeps a kernel for each value of an attribute, for ever."""
    keys: set[str] = set()
    whole = native_tensorflow._loaded.spectrum

    def keep(args: list[tf.Tensor], **words: object) -> list[tf.Tensor]:
        keys.add(str(words["key"]))
        return whole(args, **words)

    monkeypatch.setattr(native_tensorflow._loaded, "spectrum", keep)
    for time in (4000, 4001, 8000):
        run(RECIPE, tf.constant(noise(1, time)))
    assert len(keys) == 1


def slope(fn: Callable[..., tf.Tensor], x: np.ndarray) -> np.ndarray:
    with tf.GradientTape() as tape:
        given = tf.constant(x)
        tape.watch(given)
        loss = tf.reduce_sum(tf.abs(fn(given)) ** 2)
    return tape.gradient(loss, given).numpy()


@pytest.mark.parametrize("arguments", TRANSFORMS)
def test_complex_spectra(arguments: dict[str, object]) -> None:
    layer, exact = kapre.STFT(**arguments), kapre.STFT(**arguments, dtype="float64")
    x = noise(3, 4000, 2)
    mask = np.arange(4000) < np.array([4000, 900, 2500])[:, None]
    whole = graph(layer, input_signature=[tf.TensorSpec([None, None, 2])])
    for words in ({}, {"mask": tf.constant(mask)}):
        found, right = layer(tf.constant(x), **words).numpy(), exact(tf.constant(x, tf.float64), **words).numpy()
        assert (found.dtype, found.shape) == (np.complex64, right.shape)
        assert np.abs(found - right).max() <= 1e-6 * np.abs(right).max()
        with overlaid(TensorFlowKernel()):
            assert not np.array_equal(found, layer(tf.constant(x), **words))
    np.testing.assert_array_equal(whole(x), layer(tf.constant(x)))

    found = [slope(layer, x), slope(whole, x)]
    with overlaid(TensorFlowKernel()):
        right = slope(layer, x)
    for one in found:
        assert np.abs(one - right).max() <= 1e-5 * np.abs(right).max()


@pytest.mark.parametrize("arguments", INVERSES)
def test_inverses(arguments: dict[str, object]) -> None:
    layer, exact = kapre.InverseSTFT(**arguments), kapre.InverseSTFT(**arguments, dtype="float64")
    z = complex_noise(arguments)
    mask = np.arange(13) < np.array(COUNTS)[:, None]
    bins = z.shape[2]
    signature = [tf.TensorSpec([None, None, bins, 2], tf.complex64)]
    whole = graph(layer, input_signature=signature)
    masked = graph(lambda z, m: layer(z, mask=m), input_signature=[*signature, tf.TensorSpec([None, None], tf.bool)])
    for words, fn in (({}, whole), ({"mask": tf.constant(mask)}, masked)):
        found, right = layer(tf.constant(z), **words).numpy(), exact(tf.constant(z, tf.complex128), **words).numpy()
        assert (found.dtype, found.shape) == (np.float32, right.shape)
        assert np.abs(found - right).max() <= 1e-6 * np.abs(right).max()
        with overlaid(TensorFlowKernel()):
            assert not np.array_equal(found, layer(tf.constant(z), **words))
        np.testing.assert_array_equal(fn(z, *words.values()), found)
    found = [slope(layer, z), slope(whole, z)]
    with overlaid(TensorFlowKernel()):
        right = slope(layer, z)
    for one in found:
        assert np.abs(one - right).max() <= 1e-5 * np.abs(right).max()


def test_an_inverse_in_a_saved_model(tmp_path: Path) -> None:
    layer = kapre.InverseSTFT(**INVERSES[0])
    z = complex_noise(INVERSES[0])
    module = tf.Module()
    module.f = graph(layer, input_signature=[tf.TensorSpec([None, None, 257, 2], tf.complex64)])
    tf.saved_model.save(module, str(tmp_path))
    assert b"KapreSpectrum" not in (tmp_path / "saved_model.pb").read_bytes()
    np.testing.assert_allclose(tf.saved_model.load(str(tmp_path)).f(z), layer(tf.constant(z)), atol=1e-6)
    np.testing.assert_allclose(graph(layer, jit_compile=True)(z), layer(tf.constant(z)), atol=1e-6)


def test_in_a_pipeline() -> None:
    x = noise(6, 8000)
    data = tf.data.Dataset.from_tensor_slices(x).map(lambda row: features(row[None])[0], num_parallel_calls=2)
    assert_native(tf.stack(list(data)), x)
    assert_native(tf.concat(list(tf.data.Dataset.from_tensor_slices(x).batch(2).map(features)), 0), x)


def test_in_a_model() -> None:
    import keras

    x = noise(4, 8000)
    model = keras.Sequential([keras.Input((8000,)), kapre.Frontend(RECIPE)])
    model.compile(jit_compile=False)
    assert_native(model.predict(x, verbose=0), x)


def test_in_replicas() -> None:
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    x = noise(2, 8000)
    assert_native(graph(lambda x: strategy.run(features, (x,)))(x), x)


def test_programs_of_xla_have_the_operations_of_the_framework() -> None:
    x = noise(2, 8000)
    assert_framework(graph(features, jit_compile=True)(x), x)
    traced = graph(features)
    assert_native(traced(x), x)  # first without XLA, then the same function within a program of XLA
    assert_framework(graph(lambda x: traced(x), jit_compile=True)(x), x)


def test_vectorized_map_has_them_too() -> None:
    x = noise(3, 8000)
    assert_framework(graph(lambda x: tf.vectorized_map(lambda row: features(row[None])[0], x))(x), x)


def test_saved_graphs_do_not_need_the_library(tmp_path: Path) -> None:
    x = noise(2, 8000)
    module = tf.Module()
    module.features = tf.function(features, input_signature=[tf.TensorSpec([None, 8000])], autograph=False)
    assert_native(module.features(x), x)  # what is saved has run with the library before
    tf.saved_model.save(module, tmp_path / "model")
    assert OP.encode() not in (tmp_path / "model" / "saved_model.pb").read_bytes()
    np.save(tmp_path / "x.npy", x)
    result = python(
        "-c",
        f"import numpy as np, tensorflow as tf; folder = {str(tmp_path)!r}\n"
        "y = tf.saved_model.load(folder + '/model').features(np.load(folder + '/x.npy'))\n"
        "np.save(folder + '/y.npy', y)",
    )
    assert result.returncode == 0, result.stderr
    assert_framework(np.load(tmp_path / "y.npy"), x)
    converter = tf.lite.TFLiteConverter.from_saved_model(str(tmp_path / "model"))
    assert OP.encode() not in converter.convert()


def _slopes(x: tf.Tensor, tangent: tf.Tensor) -> dict[str, tf.Tensor]:
    def loss(x: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(run(RECIPE, x) ** 2)

    def slope(x: tf.Tensor, loss: Callable[..., tf.Tensor] = loss) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = loss(x)
        return tape.gradient(value, x)

    def forward(fn: Callable[..., tf.Tensor]) -> tf.Tensor:
        with tf.autodiff.ForwardAccumulator(x, tangent) as tangents:
            y = fn(x)
        return tangents.jvp(y)

    with tf.GradientTape() as tape:
        tape.watch(x)
        some = features(x)[:, 3, :4]
    return {
        "eager": slope(x),
        "of a graph": slope(x, graph(loss)),
        "in a graph": graph(slope)(x),
        "by XLA": graph(slope, jit_compile=True)(x),
        "twice": slope(x, lambda x: tf.reduce_sum(slope(x))),
        "twice in a graph": graph(lambda x: slope(x, lambda x: tf.reduce_sum(slope(x))))(x),
        "forward": forward(features),
        "forward in a graph": forward(graph(features)),
        "of lengths": slope(x, lambda x: tf.reduce_sum(run(RECIPE, x, tf.constant([3000, 900])))),
        "jacobian": tape.jacobian(some, x),
    }


def test_gradients_are_those_of_the_operations() -> None:
    x, tangent = tf.constant(noise(2, 3000)), tf.constant(noise(2, 3000, seed=1))
    found = _slopes(x, tangent)
    with overlaid(TensorFlowKernel()):
        right = _slopes(x, tangent)
    for name, value in right.items():
        assert np.isfinite(found[name]).all(), name
        assert np.abs(found[name] - value).max() <= 1e-4 * np.abs(value).max(), name


def test_gradients_of_energies() -> None:
    recipe = KALDI.replace(energy="first")
    x = tf.constant(noise(2, 4000))

    def slope() -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = run(recipe, x)
        return tape.gradient(y, x)

    found = slope()
    with overlaid(TensorFlowKernel()):
        right = slope()
    assert np.abs(found - right).max() <= 1e-4 * np.abs(right).max()


def test_a_model_learns_as_without() -> None:
    import keras

    x, wanted = noise(4, 8000), noise(4, 1, seed=2)

    def change() -> np.ndarray:
        keras.utils.set_random_seed(0)
        parts = [keras.Input((8000,)), kapre.Frontend(RECIPE), keras.layers.Flatten(), keras.layers.Dense(1)]
        model = keras.Sequential(parts)
        model.compile(keras.optimizers.SGD(1e-6), "mse", jit_compile=False)
        before = model.get_weights()[0]
        model.fit(x, wanted, epochs=2, verbose=0)
        return model.get_weights()[0] - before

    found = change()
    with overlaid(TensorFlowKernel()):
        right = change()
    assert np.abs(right).max() > 1e-5
    np.testing.assert_allclose(found, right, atol=1e-3 * np.abs(right).max())


def test_one_length_is_that_of_all_and_another_number_is_refused() -> None:
    x = tf.constant(noise(3, 4000))
    np.testing.assert_array_equal(run(RECIPE, x, tf.constant([900])), run(RECIPE, x, tf.constant([900] * 3)))
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError)):
        run(RECIPE, x, tf.constant([900, 900]))


def test_float64_and_other_sizes_are_left_to_the_framework() -> None:
    x = noise(1, 4000)
    odd = kapre.Recipe(n_fft=514, hop_length=100)  # 257 is prime
    for recipe, values in ((odd, x), (RECIPE, x.astype("float64"))):
        found = run(recipe, tf.constant(values))
        with overlaid(TensorFlowKernel()):
            np.testing.assert_array_equal(found, run(recipe, tf.constant(values)))


def test_threads_give_the_same() -> None:
    x = tf.constant(noise(6, 60000))
    right, function = features(x), graph(features)
    results: list[tf.Tensor] = []
    threads = [threading.Thread(target=lambda f=fn: results.append(f(x))) for fn in [features, function] * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 8
    for found in results:
        np.testing.assert_array_equal(found, right)


def test_a_key_of_no_plan_is_an_error() -> None:
    spectrum = native_tensorflow._loaded.spectrum
    run(RECIPE, tf.zeros((1, 4000)))
    digest = native_tensorflow._kept(native_tensorflow.native.plan(_Operations(RECIPE, True, None).stages("float32")))
    wrong = [
        "-1_0_0_1_1_0",
        "0_0_4_1_1_0",
        "0_0_0_0_1_0",
        "0_0_0_1_0_0",
        "99999999999999_0_0_1_1_0",
        "0_0_0_1_1_0_0",
        "5",
    ]
    for key in ("", "abc_0_0_0_5_1_0", "abc", "_1_2_3_4_5_6", *(f"{digest}_{numbers}" for numbers in wrong)):
        with pytest.raises(tf.errors.InvalidArgumentError, match="no plan"):
            spectrum([tf.zeros((1, 4000))], Tout=[tf.float32], key=key)


def test_another_plugin_of_tensorflow_keeps_it_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the folders where TensorFlow looks for plugins when it is imported."""
    folder = tmp_path / "site-packages" / "tensorflow-plugins"
    folder.mkdir(parents=True)
    for change in (
        lambda patch: patch.syspath_prepend(folder.parent),
        lambda patch: patch.setenv("TF_PLUGGABLE_DEVICE_LIBRARY_PATH", str(folder)),
        lambda patch: patch.setenv("TF_PLUGGABLE_DEVICE_LIBRARY_PATH", str(folder / "libother.so")),
        lambda patch: patch.setattr(native_tensorflow.site, "getusersitepackages", lambda: str(folder.parent)),
    ):
        with monkeypatch.context() as patch:
            change(patch)
            (folder / "libother.so").unlink(missing_ok=True)
            assert not native_tensorflow._has_plugins()
            (folder / "libother.so").touch()
            assert native_tensorflow._has_plugins()


def test_a_broken_library_is_one_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "libkapre_native_tensorflow.so"
    broken.write_bytes(b"no library")
    monkeypatch.setattr(native_tensorflow._native.library(), "tensorflow_path", broken)
    with pytest.warns(RuntimeWarning, match="does not work with this TensorFlow"):
        assert not native_tensorflow.register.__wrapped__()


@pytest.mark.parametrize("offset", [0, 4, 16, 32])
@pytest.mark.parametrize("shape", [(3, 1000), (1, 5), (0, 4), (2, 0)])
def test_results_share_memory_only_where_tensorflow_may_read_it(shape: tuple[int, int], offset: int) -> None:
    size = 4 * shape[0] * shape[1]
    memory = empty((size + offset,), "uint8")
    array = memory[offset:].view("float32").reshape(shape)
    array[:] = np.random.default_rng(0).normal(size=shape)
    right = array.copy()
    tensor = active.from_host(array)
    address = np.asarray(memoryview(tensor)).ctypes.data if size else 0
    assert address % ALIGNMENT == 0
    assert (address == array.ctypes.data) == (size > 0 and offset == 0)
    del array, memory
    gc.collect()
    np.testing.assert_array_equal(tensor + tf.reverse(tensor, [1]), right + right[:, ::-1])
