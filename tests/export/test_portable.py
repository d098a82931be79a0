"""The transforms of an exported file are those of Keras, to rounding: presets of every stage, in float64."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kapre
from kapre import executor
from kapre.ops import kernels
from kapre.ops.kernels import active, current, overlaid
from kapre.ops.kernels.portable import DEFAULT_WAY, PortableKernel, Way
from tests.conftest import BACKEND, float64, quick, to_numpy
from tests.frontends.stages import of_every_stage
from tests.recipes import any_recipe, recipe_of

PRESETS = [name for name in kapre.list_presets() if kapre.frontends.preset(name).recipe.power is not None]
LONG_DFT = dict(n_fft=2048, hop_length=441, sample_rate=22050.0, power=2.0)
MORE = {
    "two stages, no bank": LONG_DFT,
    "two stages, magnitude, short window": {**LONG_DFT, "power": 1.0, "win_length": 1000, "pad_end": True},
    "two stages, energy": {**LONG_DFT, "filterbank": "mel", "n_mels": 40, "remove_dc": True, "energy": "first"},
    "two stages of another hop": {**LONG_DFT, "hop_length": 601, "filterbank": "mel", "n_mels": 40},
    "two stages, cropped window": {**LONG_DFT, "win_length": 3000, "hop_length": 512, "preemphasis": 0.9},
    "a prime number of points": dict(n_fft=1031, hop_length=100),
    "energy": dict(n_fft=256, hop_length=100, remove_dc=True, preemphasis=0.97, energy="last", power=2.0),
    "window longer than the DFT": dict(n_fft=256, win_length=300, hop_length=80),
    "PCEN": dict(n_fft=512, hop_length=160, sample_rate=16000.0, filterbank="mel", n_mels=20, pcen=True),
    "padded in front": dict(n_fft=256, hop_length=80, pad_begin=True, pad_end=True),
}
RECIPES = {**{name: kapre.frontends.preset(name).recipe for name in PRESETS}}
RECIPES |= {name: kapre.Recipe(**fields) for name, fields in MORE.items()}


def in_a_file(recipe: kapre.Recipe, x: Any) -> Any:
    with overlaid(PortableKernel()):
        return executor.run(recipe, x)


OF_EVERY_STAGE = of_every_stage({name: RECIPES[name] for name in PRESETS})
# JAX, which compiles each, often takes only those of other ways to compute a spectrum.
OFTEN = OF_EVERY_STAGE if BACKEND != "jax" else []


@pytest.mark.parametrize(
    "name", [*OFTEN, *MORE, *(pytest.param(each, marks=pytest.mark.thorough) for each in OF_EVERY_STAGE if not OFTEN)]
)
@pytest.mark.filterwarnings("ignore:.*is longer than n_fft")
def test_as_by_fft(name: str) -> None:
    recipe = RECIPES[name]
    rng = np.random.default_rng(0)
    least = recipe.least_samples()
    sizes = {1, least - 1, least, least + 2 * recipe.hop_length + 3} - {0}
    by_fft, as_exported = quick(lambda x: executor.run(recipe, x)), quick(lambda x: in_a_file(recipe, x))
    with float64():
        for n in sizes if BACKEND != "jax" else sorted(sizes)[-1:]:  # it compiles for each
            x = keras.ops.convert_to_tensor(rng.uniform(-1, 1, (2, n)), dtype="float64")
            right, got = to_numpy(by_fft(x)), to_numpy(as_exported(x))
            assert got.shape == right.shape
            assert got.dtype == np.float64
            assert np.abs(got - right).max(initial=0.0) <= 1e-7 * max(1.0, np.abs(right).max(initial=0.0))


NOT_ZERO = dict(window_name="hamming_window")
"""A window at whose ends the first sample's rule shows."""
WAYS = st.sampled_from([DEFAULT_WAY, Way(by_products=True), Way(largest_direct=16)])
OF_FRAMES = st.sampled_from(
    [
        dict(),
        dict(remove_dc=True, energy="first"),
        dict(preemphasis=0.9, preemphasis_over="frame", **NOT_ZERO),
        dict(preemphasis=0.9, preemphasis_over="frame", preemphasis_first="first", remove_dc=True, **NOT_ZERO),
        dict(preemphasis=0.9, preemphasis_over="frame", preemphasis_first="first", win_length=13, **NOT_ZERO),
        dict(win_length=100, drop_last=1),
        dict(chunk_length=60, chunk_context=9, chunk_pad=30),
        dict(chunk_length=96, chunk_pad=7, remove_dc=True, **NOT_ZERO),
        dict(filterbank="mel", n_mels=4, sample_rate=8000, log="db"),
        dict(filterbank="mel", n_mels=4, sample_rate=8000, pcen=True),
    ]
)


@settings(max_examples={"jax": 6, "tensorflow": 60}.get(BACKEND, 150), deadline=None, derandomize=True)
@pytest.mark.filterwarnings("ignore:.*is longer than n_fft")
@given(drawn=any_recipe(st.sampled_from([16, 18, 20, 21, 24, 64, 72, 80])), more=OF_FRAMES, way=WAYS, data=st.data())
def test_any_recipe(drawn: kapre.Recipe, more: dict[str, Any], way: Way, data: st.DataObject) -> None:
    """Every stage, every way to compute a DFT, one channel and several, clips of no frame and of some."""
    epsilon = dict(magnitude_epsilon=1e-3) if drawn.power == 1.0 else {}
    recipe = recipe_of({**more, **epsilon}, drawn)
    lead = data.draw(st.sampled_from([(1,), (2, 1), (1, 3)]))
    samples = data.draw(st.integers(recipe.least_samples(), recipe.least_samples() + 200))
    with float64():
        x = np.random.default_rng(samples).uniform(-1, 1, (*lead, samples)) + 0.3
        x = keras.ops.convert_to_tensor(x, dtype="float64")
        right = to_numpy(executor.run(recipe, x))
        with overlaid(PortableKernel(way)):
            got = to_numpy(executor.run(recipe, x))
    assert got.shape == right.shape
    np.testing.assert_allclose(got, right, rtol=1e-7, atol=1e-9 * max(1.0, np.abs(right).max(initial=0.0)))


WEIGHTED = {
    "whisper": RECIPES["whisper"],
    "kaldi_fbank": RECIPES["kaldi_fbank"],
    "silero_vad": RECIPES["silero_vad"],
    "two stages": kapre.Recipe(**LONG_DFT, filterbank="mel", n_mels=40, log="db"),
    "magnitude, two stages": kapre.Recipe(**{**LONG_DFT, "power": 1.0}, filterbank="mel", n_mels=40),
}


@pytest.mark.parametrize("way", [DEFAULT_WAY, Way(by_products=True)], ids=["convolutions", "products"])
@pytest.mark.parametrize("name", WEIGHTED)
def test_weights_replace_window_and_bank(name: str, way: Way) -> None:
    recipe = WEIGHTED[name]
    rng = np.random.default_rng(1)
    with float64():
        x = keras.ops.convert_to_tensor(rng.uniform(-1, 1, (2, recipe.least_samples() + 3000)), dtype="float64")
        weights = {"window": rng.uniform(0.5, 1.5, recipe.win_length)}
        if recipe.filterbank is not None:
            weights["bank"] = rng.uniform(0.0, 1.0, (recipe.n_freq, recipe.bands // recipe.stack))
        given = {name: keras.ops.convert_to_tensor(value, dtype="float64") for name, value in weights.items()}
        right = to_numpy(executor.run(recipe, x, **given))
        with overlaid(PortableKernel(way)):
            got = to_numpy(executor.run(recipe, x, **given))
            plain = to_numpy(executor.run(recipe, x))
        again = to_numpy(executor.run(recipe, x, **given))
    np.testing.assert_allclose(got, right, atol=1e-7 * np.abs(right).max())
    np.testing.assert_array_equal(again, right)  # the overlay leaves nothing behind, in compiled calls either
    assert np.abs(plain - right).max() > 1e-3 * np.abs(right).max()


class Asked(PortableKernel):
    """Note what an overlay is asked for."""

    def __init__(self, way: Way = DEFAULT_WAY) -> None:
        super().__init__(way)
        self.calls: list[str] = []

    def stft(self, *arguments: Any) -> Any:
        self.calls.append("stft")
        return super().stft(*arguments)

    def over_frames(self, *arguments: Any) -> Any:
        self.calls.append("over_frames")
        return super().over_frames(*arguments)


def ways_to_compute() -> dict[str, Any]:
    """Return functions of samples that have been called before, so that JAX and TensorFlow have compiled them."""
    recipe = kapre.Recipe(n_fft=256, hop_length=128, sample_rate=8000.0, power=2.0)
    frontend = kapre.Frontend(recipe)
    found = {"front end": frontend, "STFTTflite": kapre.STFTTflite(256), "STFT": kapre.STFT(256)}
    for compile in (False, True):
        for name, stream in (
            ("front end", frontend.stream(chunk_samples=512, compile=compile)),
            ("STFT", found["STFT"].stream(chunk_samples=512, compile=compile)),
        ):
            start = stream.initial_state(2)
            found[f"{name}, stream{', compiled' * compile}"] = lambda x, of=stream, state=start: of.step(x, state)[0]
    return found


WAYS_TO_COMPUTE = ways_to_compute()


@pytest.mark.parametrize("name", WAYS_TO_COMPUTE)
def test_an_overlay_is_asked_by_everything_that_computes(name: str) -> None:
    """A compiled step, and convolutions that a layer uses by itself, too: a file has the way of its export."""
    fn = WAYS_TO_COMPUTE[name]
    x = np.random.default_rng(2).uniform(-1, 1, (2, 512)).astype("float32")
    x = keras.ops.convert_to_tensor(x[..., None] if name.startswith("STFT") else x)
    right = to_numpy(fn(x))
    overlay = Asked(Way(largest_direct=128))
    with overlaid(overlay):
        got = to_numpy(fn(x))
    assert overlay.calls == ["stft" if name.startswith("STFT") else "over_frames"]
    np.testing.assert_allclose(got, right, atol=1e-5 * np.abs(right).max())


if BACKEND == "jax":

    @pytest.mark.parametrize("sizes", ["b, 1, t", "b, c, 4000", "b, 2, t"])
    def test_convolutions_of_unknown_sizes(sizes: str) -> None:
        import jax

        layer = kapre.STFTTflite(256, input_data_format="channels_first", output_data_format="channels_first")
        x = np.random.default_rng(3).uniform(-1, 1, (2, 2 if "1," not in sizes else 1, 4000)).astype("float32")
        spec = jax.ShapeDtypeStruct(jax.export.symbolic_shape(sizes), "float32")
        exported = jax.export.export(jax.jit(layer))(spec)
        np.testing.assert_allclose(exported.call(x), layer(x), atol=1e-4)


def test_what_an_overlay_replaces_is_asked_of_it() -> None:
    sources = [path.read_text(encoding="utf-8") for path in Path(kapre.__file__).parent.rglob("*.py")]
    asked = {name for text in sources for name in re.findall(r"\b(?:current\(\)|by)\.(\w+)", text)}
    replaced = {name for name in vars(PortableKernel) if hasattr(kernels.Kernel, name) and not name.startswith("__")}
    assert replaced <= asked


def test_an_overlay_is_that_of_its_thread() -> None:
    """JAX keeps what it compiled for the active kernel, and an overlay takes none of it."""
    seen: list[Any] = []
    overlay = PortableKernel()
    both = kernels.compiled(lambda _, x: (seen.append(current()), x)[1])
    x = keras.ops.ones((3,))
    both("active", x)
    with overlaid(overlay):
        thread = threading.Thread(target=lambda: both("thread", x))
        thread.start()
        thread.join()
        both("active", x)
    assert seen == [active, active, overlay]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("n_fft", [128, 2000])
def test_stft_and_its_inverse(n_fft: int, channels: int) -> None:
    recipe = kapre.Recipe(n_fft=n_fft, hop_length=n_fft // 4, center=True)
    with float64():
        x = keras.ops.convert_to_tensor(np.random.default_rng(0).uniform(-1, 1, (2, channels, 5000)), dtype="float64")
        right = [to_numpy(part) for part in executor.stft(recipe, x)]
        with overlaid(PortableKernel()):
            pair = executor.stft(recipe, x)
            back = to_numpy(executor.istft(recipe, pair, exact_edges=True, length=5000))
    for got, expected in zip(pair, right, strict=True):
        assert np.abs(to_numpy(got) - expected).max() <= 1e-10 * np.abs(expected).max()
    assert np.abs(back - to_numpy(x)).max() <= 1e-10


def test_a_long_dft_is_of_two_factors_next_to_each_other() -> None:
    assert PortableKernel().factors(512) is None
    assert PortableKernel().factors(1024) == (32, 32)
    assert PortableKernel().factors(2048) == (32, 64)
    assert PortableKernel().factors(1200) == (30, 40)
    assert PortableKernel().factors(1031) is None
