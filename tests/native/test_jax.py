"""The compiled kernel under JAX: where it takes part, and its numbers and gradients beside the framework's."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kapre
from kapre.executor import run
from kapre.ops.kernels import active, native_jax, overlaid
from kapre.ops.kernels.jax import JaxKernel
from tests.native.cases import COUNTS, INVERSES, KALDI, MEL, RECIPE, TRANSFORMS, complex_noise, noise
from tests.numpy_spectra import spectra
from tests.recipes import any_recipe

TARGET = "kapre_jax_spectrum"


def lowered(fn: object, *values: object) -> str:
    return jax.jit(fn).lower(*values).as_text()


def test_the_kernel_is_this_one() -> None:
    assert type(active).__name__ == "NativeJaxKernel"
    assert TARGET in lowered(lambda x: run(RECIPE, x), jnp.zeros((1, 4000)))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(any_recipe(), st.integers(0, 2**32 - 1), st.data())
def test_any_recipe_is_as_without(recipe: kapre.Recipe, seed: int, data: st.DataObject) -> None:
    lead = data.draw(st.sampled_from([(1,), (3,), (2, 2)]))
    time = data.draw(st.sampled_from([0, 1, recipe.n_fft, 2 * recipe.n_fft + 3]))
    x = noise(*lead, time, seed=seed)
    lengths = data.draw(st.none() | st.lists(st.integers(0, time), min_size=lead[0], max_size=lead[0]))
    lengths = None if lengths is None else np.array(lengths, "int32")
    y = np.asarray(run(recipe, jnp.asarray(x), lengths))
    with overlaid(JaxKernel()):
        right = np.asarray(jax.jit(lambda x: run(recipe, x, lengths))(x))
    assert (y.dtype, y.shape) == (right.dtype, right.shape)
    np.testing.assert_allclose(y, right, rtol=0, atol=2e-3 * (1.0 + np.abs(right).max(initial=0.0)))


@pytest.mark.parametrize("power", [1.0, 2.0])
def test_spectra_are_those_of_numpy(power: float) -> None:
    recipe = kapre.Recipe(**{**MEL, "power": power})
    x = noise(2, 8000)
    right = spectra(recipe, x.astype("float64")).bands
    assert np.abs(np.asarray(run(recipe, jnp.asarray(x))) - right).max() <= 1e-6 * right.max()


@pytest.mark.parametrize("recipe", [RECIPE, KALDI.replace(energy="first"), RECIPE.replace(center=True)])
def test_vmap_gives_what_the_batch_gives(recipe: kapre.Recipe) -> None:
    x, lengths = jnp.asarray(noise(3, 2, 4000)), jnp.asarray([4000, 900, 2500])
    whole = run(recipe, x.reshape(6, 4000))
    by_one = jax.vmap(lambda row: run(recipe, row))(x)
    np.testing.assert_array_equal(by_one.reshape(whole.shape), whole)
    within = jax.vmap(lambda row, own: run(recipe, row, own[None].repeat(2)))(x, lengths)
    np.testing.assert_array_equal(within.reshape(whole.shape), run(recipe, x.reshape(6, 4000), lengths.repeat(2)))
    same = jax.vmap(lambda own: run(recipe, x[:1, 0], own[None]))(lengths)
    right = run(recipe, jnp.broadcast_to(x[0, 0], (3, 4000)), lengths)
    np.testing.assert_array_equal(same.reshape(right.shape), right)
    twice = jax.vmap(jax.vmap(lambda clip: run(recipe, clip[None])[0]))(x)
    np.testing.assert_array_equal(twice.reshape(whole.shape), whole)


@pytest.mark.parametrize("arguments", TRANSFORMS)
def test_complex_spectra(arguments: dict[str, object]) -> None:
    layer = kapre.STFT(**arguments)
    x = noise(3, 4000, 2)
    mask = np.arange(4000) < np.array([4000, 900, 2500])[:, None]
    assert "kapre_jax_transform" in lowered(layer, jnp.asarray(x))
    for words in ({}, {"mask": jnp.asarray(mask)}):
        found = np.asarray(layer(jnp.asarray(x), **words))
        with overlaid(JaxKernel()):
            right = np.asarray(jax.jit(lambda x, words=words: layer(x, **words))(x))
        assert (found.dtype, found.shape) == (np.complex64, right.shape)
        assert np.abs(found - right).max() <= 1e-6 * np.abs(right).max()
    np.testing.assert_array_equal(jax.vmap(lambda row: layer(row[None])[0])(x), layer(jnp.asarray(x)))

    def slope(x: jax.Array) -> jax.Array:
        return jax.grad(lambda x: (jnp.abs(layer(x)) ** 2).sum())(x)

    found = slope(jnp.asarray(x))
    with overlaid(JaxKernel()):
        right = slope(jnp.asarray(x))
    assert np.abs(found - right).max() <= 1e-5 * np.abs(right).max()


@pytest.mark.parametrize("arguments", INVERSES)
def test_inverses(arguments: dict[str, object]) -> None:
    layer = kapre.InverseSTFT(**arguments)
    z = jnp.asarray(complex_noise(arguments))
    mask = jnp.arange(13) < jnp.array(COUNTS)[:, None]
    assert "kapre_jax_inverse" in lowered(layer, z)
    for words in ({}, {"mask": mask}):
        found = np.asarray(layer(z, **words))
        with overlaid(JaxKernel()):
            right = np.asarray(jax.jit(lambda z, words=words: layer(z, **words))(z))
        assert (found.dtype, found.shape) == (np.float32, right.shape)
        assert np.abs(found - right).max() <= 1e-6 * np.abs(right).max()


def test_inverses_under_transformations() -> None:
    layer = kapre.InverseSTFT(**INVERSES[0])
    z = jnp.asarray(complex_noise(INVERSES[0]))
    np.testing.assert_array_equal(jax.vmap(lambda row: layer(row[None])[0])(z), layer(z))
    masks = jnp.arange(13) < jnp.array([[13, 0, 7], [1, 2, 3]])[..., None]
    both = jax.vmap(lambda mask: layer(z, mask=mask))(masks)
    for one, mask in zip(both, masks, strict=True):
        np.testing.assert_array_equal(one, layer(z, mask=mask))

    def slope(z: jax.Array) -> jax.Array:
        return jax.grad(lambda z: (layer(z) ** 2).sum())(z)

    found = slope(z)
    with overlaid(JaxKernel()):
        right = slope(z)
    assert np.abs(found - right).max() <= 1e-5 * np.abs(right).max()
    exported = jax.export.export(jax.jit(layer))(jax.ShapeDtypeStruct(z.shape, z.dtype))
    assert "kapre_jax" not in exported.mlir_module()
    np.testing.assert_allclose(exported.call(z), layer(z), atol=1e-6)
    (frames,) = jax.export.symbolic_shape("f", constraints=["f >= 4"])
    exported = jax.export.export(jax.jit(layer))(jax.ShapeDtypeStruct((1, frames, 257, 2), z.dtype))
    np.testing.assert_allclose(exported.call(z[:1]), layer(z[:1]), atol=1e-6)


def test_gradients_are_those_of_the_operations() -> None:
    x, tangent = jnp.asarray(noise(2, 3000)), jnp.asarray(noise(2, 3000, seed=1))

    def loss(x: jax.Array) -> jax.Array:
        return (run(RECIPE, x) ** 2).sum()

    def every() -> list[jax.Array]:
        forward = jax.jvp(lambda v: run(RECIPE, v), (x,), (tangent,))[1]
        by_item = jax.vmap(jax.grad(lambda v: loss(v[None])))(x)
        return [
            jax.grad(loss)(x),
            jax.jit(jax.grad(loss))(x),
            forward,
            by_item,
            jax.grad(lambda v: jax.grad(loss)(v).sum())(x),
        ]

    found = every()
    with overlaid(JaxKernel()):
        right = every()
    for one, other in zip(found, right, strict=True):
        assert jnp.isfinite(one).all()
        assert jnp.abs(one - other).max() <= 1e-4 * jnp.abs(other).max()
    assert TARGET not in lowered(jax.grad(loss), x)


def test_an_exported_function_has_no_call_of_the_library() -> None:
    exported = jax.export.export(jax.jit(lambda x: run(RECIPE, x)))(jax.ShapeDtypeStruct((2, 4000), jnp.float32))
    assert TARGET not in exported.mlir_module()
    x = noise(2, 4000)
    again = jax.export.deserialize(exported.serialize())
    np.testing.assert_allclose(again.call(x), run(RECIPE, jnp.asarray(x)), atol=1e-2)


def test_a_program_for_another_platform_has_none() -> None:
    traced = jax.jit(lambda x: run(RECIPE, x)).trace(jnp.zeros((1, 4000)))
    assert TARGET not in traced.lower(lowering_platforms=("cuda",)).as_text()


def test_jit_turned_off() -> None:
    x = jnp.asarray(noise(1, 2000))
    with jax.disable_jit():
        y, z = run(RECIPE, x), kapre.STFT(n_fft=512, hop_length=160)(x[..., None])
    np.testing.assert_allclose(y, run(RECIPE, x), atol=1e-2)
    np.testing.assert_allclose(z, kapre.STFT(n_fft=512, hop_length=160)(x[..., None]), atol=1e-4)


def test_calls_without_jit_compile_once() -> None:
    x = jnp.asarray(noise(2, 4000))
    native_jax._compiled.cache_clear()
    first, second = (run(KALDI, x, compiled=False) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert native_jax._compiled.cache_info().misses == 1
    np.testing.assert_array_equal(first, run(KALDI, x))


def test_a_shape_that_is_not_known_is_left_to_the_framework() -> None:
    (time,) = jax.export.symbolic_shape("t", constraints=["t >= 1000"])
    exported = jax.export.export(jax.jit(lambda x: run(RECIPE, x)))(jax.ShapeDtypeStruct((1, time), jnp.float32))
    x = noise(1, 5000)
    np.testing.assert_allclose(exported.call(x), run(RECIPE, jnp.asarray(x)), atol=1e-2)


def test_float64_and_other_sizes_are_left_to_the_framework() -> None:
    assert TARGET not in lowered(lambda x: run(kapre.Recipe(n_fft=514, hop_length=100), x), jnp.zeros((1, 4000)))
    with jax.enable_x64(True):
        assert TARGET not in lowered(lambda x: run(RECIPE, x), jnp.zeros((1, 4000), "float64"))


def test_one_thread_where_xla_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert native_jax._threads() >= 1
    monkeypatch.setenv("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
    assert native_jax._threads() == 1
