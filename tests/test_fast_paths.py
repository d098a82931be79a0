"""Every fast path against the plain one: frames all at once, the whole bank, one stage after another."""

from __future__ import annotations

import gc
import weakref
from functools import partial
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

import kapre
from kapre import executor, stages
from kapre.ops import filterbanks, fourier, frames
from kapre.ops.kernels import active as kernel
from kapre.ops.kernels._constants import Constants
from kapre.stages import spectrum
from kapre.stages.cepstrum import Cepstrum
from kapre.stages.energy import Energy
from tests.conftest import BACKEND, chirp, compiled, float64, gradient, quick, to_numpy

SPEECH = kapre.Recipe(
    n_fft=512, win_length=400, hop_length=160, filterbank="mel", sample_rate=16000, n_mels=80, power=2.0
)
MUSIC = kapre.Recipe(n_fft=2048, hop_length=64, filterbank="mel", sample_rate=22050, n_mels=128, power=2.0)
KALDI = kapre.frontends.preset("kaldi_fbank").recipe.replace(log=None)
RECIPES = {
    "speech": SPEECH,
    "music": MUSIC,
    "magnitude": SPEECH.replace(power=1.0),
    "epsilon": SPEECH.replace(power=1.0, magnitude_epsilon=1e-6),
    "log_frequency": kapre.Recipe(n_fft=2048, hop_length=64, filterbank="log", sample_rate=22050),
    "no_bank": kapre.Recipe(n_fft=512, win_length=400, hop_length=160, power=2.0),
    "no_bank_magnitude": kapre.Recipe(n_fft=512, win_length=400, hop_length=160),
    "one_band": SPEECH.replace(n_mels=1),
    "centred": SPEECH.replace(center=True, pad_mode="reflect"),
    "pad_end": SPEECH.replace(pad_end=True),
    "long_window": SPEECH.replace(n_fft=256, win_length=400, frame_length=400),
    "odd": kapre.Recipe(n_fft=511, win_length=301, hop_length=97, power=2.0),
    "odd_magnitude": kapre.Recipe(n_fft=511, win_length=301, hop_length=97),
    "kaldi": KALDI,
    "kaldi_energy": KALDI.replace(energy="first", log="ln"),
    "apart": SPEECH.replace(hop_length=700),
    "drop_last": SPEECH.replace(center=True, drop_last=1),
}
LARGE = {
    "speech": (3, 500_000),
    "music": (3, 50_000),
    "kaldi": (3, 600_000),
    "kaldi_energy": (3, 600_000),
    "magnitude": (5, 300_001),
    "apart": (3, 2_000_000),
}
"""Batches that are worked through in blocks on every backend."""


def samples(batch: int, time: int) -> np.ndarray:
    rng = np.random.default_rng(time)
    return (chirp(batch, time)[..., 0] + 1e-3 * rng.standard_normal((batch, time))).astype(np.float32)


def plain(recipe: kapre.Recipe, x: Any, lengths: Any = None) -> Any:
    """Frame, window, transform and apply the whole bank, each at once."""
    call = stages.Call(lengths=lengths)
    x = stages.run(recipe, x, call, (*stages.OF_SAMPLES, stages.FRAMING))
    framed = spectrum.cut(recipe, frames.at_edges(x, call.edges))
    bank = None if recipe.bank is None else ops.convert_to_tensor(recipe.bank, dtype=framed.dtype)
    bands, call.energy = spectrum.of_frames(recipe, framed, bank=bank)
    rest = [stage for stage in stages.OF_FRAMES if isinstance(stage, Cepstrum | Energy)]
    return stages.run(recipe, bands, call, tuple(rest))


def check_run(recipe: kapre.Recipe, x: np.ndarray, numbers: bool = True) -> None:
    """Compare with the plain way; a logarithm in float64, since in float32 quiet bands are of the order of sums.

    JAX compiles for every shape: without `numbers`, there the shapes are compared.
    """
    dtype = "float32" if recipe.log is None else "float64"
    with float64():
        if BACKEND == "jax" and not numbers:
            import jax

            x = x.astype(dtype)
            got, expected = (jax.eval_shape(of, x) for of in (partial(executor.run, recipe), partial(plain, recipe)))
            assert (got.shape, got.dtype) == (expected.shape, expected.dtype) == (expected.shape, dtype)
            return
        v = ops.convert_to_tensor(x, dtype=dtype)
        assert_same(quick(partial(executor.run, recipe))(v), quick(partial(plain, recipe))(v), dtype)


def assert_same(got: Any, expected: Any, dtype: str = "float32") -> None:
    got, expected = to_numpy(got), to_numpy(expected)
    assert got.shape == expected.shape
    assert got.dtype == expected.dtype == dtype
    if expected.size:
        np.testing.assert_allclose(
            got, expected, rtol=0.0, atol=(2e-6 if dtype == "float32" else 1e-13) * np.abs(expected).max()
        )


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("time", [0, 1, 300, 399, 400, 401, 511, 512, 513, 4001])
def test_short_clips(name: str, time: int) -> None:
    check_run(RECIPES[name], samples(2, time), numbers=time in (0, 400, 4001))


@pytest.mark.parametrize("residue", range(0, 160, 13))
def test_every_residue_of_the_hop(residue: int) -> None:
    check_run(SPEECH, samples(2, 1600 + residue), numbers=residue in (13, 78, 156))


@pytest.mark.parametrize("name", LARGE)
def test_blocks(name: str) -> None:
    recipe = RECIPES[name]
    x = ops.convert_to_tensor(samples(*LARGE[name]))
    got, expected = executor.run(recipe, x), quick(lambda v: plain(recipe, v))(x)
    if recipe.log is not None:  # of natural logarithms: what they are of is compared
        got, expected = ops.exp(got), ops.exp(expected)
    assert_same(got, expected)


@pytest.mark.parametrize("name", ["speech", "kaldi_energy"])
def test_blocks_in_float64(name: str) -> None:
    recipe = RECIPES[name]
    with float64():
        x = ops.convert_to_tensor(samples(*LARGE[name]).astype("float64"), dtype="float64")
        assert_same(executor.run(recipe, x), quick(lambda v: plain(recipe, v))(x), "float64")


def test_blocks_of_one_long_clip_and_of_many_axes() -> None:
    one = samples(1, 1_500_000)
    expected = to_numpy(quick(lambda v: plain(SPEECH, v))(ops.convert_to_tensor(one)))
    assert_same(executor.run(SPEECH, ops.convert_to_tensor(one)), expected)
    folded = one.reshape(1, 3, 500_000)
    got = to_numpy(executor.run(SPEECH, ops.convert_to_tensor(folded)))
    assert_same(got, quick(lambda v: plain(SPEECH, v))(ops.convert_to_tensor(folded)))


def test_blocks_longer_than_the_clip() -> None:
    recipe = kapre.Recipe(n_fft=1 << 17, win_length=400, hop_length=1, pad_end=True)
    x = ops.convert_to_tensor(samples(1, 40))
    assert_same(executor.run(recipe, x), quick(lambda v: plain(recipe, v))(x))


@pytest.mark.parametrize("residue", [1, 57, 159])
def test_blocks_of_any_length(residue: int) -> None:
    x = ops.convert_to_tensor(samples(3, 480_000 + residue))
    assert_same(executor.run(SPEECH, x), quick(lambda v: plain(SPEECH, v))(x))


def test_blocks_of_ragged_lengths() -> None:
    x = samples(3, 500_000)
    lengths = np.array([500_000, 300, 250_123], "int32")
    front_end = kapre.Frontend(SPEECH.replace(center=True, pad_mode="reflect"))
    got = to_numpy(front_end(x, lengths=lengths))
    for item, length in enumerate(lengths):
        alone = to_numpy(front_end(x[item : item + 1, :length]))[0]
        assert_same(got[item, : len(alone)], alone)
        assert not got[item, len(alone) :].any()


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("channels", [1, 2])
def test_helpers_equal_their_layers_one_by_one(channels: int, data_format: str) -> None:
    helper = kapre.get_melspectrogram_layer(
        n_fft=2048,
        hop_length=64,
        sample_rate=22050,
        n_mels=128,
        input_data_format=data_format,
        output_data_format=data_format,
    )
    x = chirp(2, 48_000, channels)
    x = x if data_format == "channels_last" else np.swapaxes(x, 1, 2)
    y: Any = x
    for layer in helper.layers:
        y = layer(y)
    assert_same(helper(x), y)


@pytest.mark.parametrize("name", ["speech", "kaldi"])
def test_unknown_dimensions(name: str) -> None:
    """A model traced with neither batch nor time known gives what the layer gives for known ones."""
    layer = kapre.Frontend(RECIPES[name])
    inputs = keras.Input((None,))
    model = keras.Model(inputs, layer(inputs))
    for shape in ((1, 400), LARGE[name]):
        x = samples(*shape)
        expected = to_numpy(layer(x))
        assert_same(model.predict(x, verbose=0), expected)
        assert_same(compiled(model)(ops.convert_to_tensor(x)), expected)


@pytest.mark.parametrize("name", ["speech", "kaldi", "apart"])
def test_gradient_of_blocks(name: str) -> None:
    recipe = RECIPES[name]
    x = samples(*LARGE[name])
    expected = gradient(quick(lambda v: plain(recipe, v)), x)
    runs = [lambda v: executor.run(recipe, v)]
    if BACKEND == "tensorflow":
        runs.append(compiled(runs[0]))  # there the blocks are a loop of the graph
    for run in runs:
        np.testing.assert_allclose(gradient(run, x), expected, rtol=0.0, atol=1e-5 * np.abs(expected).max())


LOGARITHMS = {
    "none": {},
    "ln": {"log": "ln", "amin": 1e-6},
    "log10_add": {"log": "log10", "amin": 1e-6, "amin_by": "add"},
    "db": {"log": "db", "amin": 1e-6, "ref_value": 3.0},
}


OF_SLOPES = ["speech", "magnitude", "no_bank", "no_bank_magnitude", "odd", "odd_magnitude", "long_window", "kaldi"]
# JAX derives the slopes itself, and compiles for each: there, every front end once, every logarithm with both powers.
ON_JAX = list(zip(OF_SLOPES, ["none", "ln", "log10_add", "db", "db", "log10_add", "ln", "ln"], strict=True))


@pytest.mark.parametrize(
    ("name", "logarithm"),
    ON_JAX if BACKEND == "jax" else [(name, each) for name in OF_SLOPES for each in LOGARITHMS],
)
def test_gradient_of_short_clips(name: str, logarithm: str) -> None:
    """The last clip is silent: its slope is 0 below `amin`, and finite anywhere."""
    recipe = RECIPES[name].replace(**LOGARITHMS[logarithm])
    with float64():
        x = samples(3, 1001).astype("float64")
        x[2] = 0.0

        def of(run: Any) -> np.ndarray:
            return gradient(lambda v: ops.square(run(v)), x)

        expected = of(quick(lambda v: plain(recipe, v)))
        got = of(lambda v: executor.run(recipe, v))
        assert np.isfinite(got).all()
        np.testing.assert_allclose(got, expected, rtol=0.0, atol=1e-11 * np.abs(expected).max())


def test_gradients_of_weights_over_blocks() -> None:
    """The bank and the window learn from every block."""
    layer = kapre.Frontend(SPEECH, trainable_filterbank=True, trainable_window=True)
    x = samples(3, 500_000)
    assert_same(layer(x), kapre.Frontend(SPEECH)(x))
    bank = np.asarray(SPEECH.bank, "float32")

    def of_bank(run: Any) -> np.ndarray:
        return gradient(lambda weights: run(ops.convert_to_tensor(x), weights), bank)

    def whole(v: Any, weights: Any) -> Any:
        padded = stages.FRAMING.run(SPEECH, v, stages.Call())
        return spectrum.of_frames(SPEECH, spectrum.cut(SPEECH, padded), bank=weights)[0]

    expected = of_bank(quick(whole))
    got = of_bank(lambda v, weights: executor.run(SPEECH, v, bank=weights))
    np.testing.assert_allclose(got, expected, rtol=0.0, atol=2e-5 * np.abs(expected).max())
    v = ops.convert_to_tensor(x)
    window = np.asarray(SPEECH.analysis_window, "float32")
    framed = spectrum.cut(SPEECH, v)
    expected = gradient(quick(lambda weights: spectrum.of_frames(SPEECH, framed, window=weights)[0]), window)
    got = gradient(lambda weights: executor.run(SPEECH, v, window=weights), window)
    np.testing.assert_allclose(got, expected, rtol=0.0, atol=2e-5 * np.abs(expected).max())


def test_an_energy_needs_no_gradient_of_the_bank() -> None:
    """It depends on neither weight: beside bands that do, on long clips too."""
    bank = np.asarray(KALDI.bank, "float32")
    recipe = RECIPES["kaldi_energy"]
    for shape in ((1, 4000), LARGE["kaldi_energy"]):
        x = ops.convert_to_tensor(samples(*shape))
        slope = gradient(lambda weights, x=x: executor.run(recipe, x, bank=weights), bank)
        assert np.isfinite(slope).all()
        assert np.abs(slope).max() > 0.0


def test_frames_are_the_layer_s_own() -> None:
    x = ops.convert_to_tensor(np.arange(16, dtype="float32").reshape(1, 16, 1))
    frames = kapre.Frame(4, 2)(x)
    if BACKEND == "torch":
        frames += 1.0  # in place
        np.testing.assert_array_equal(x[0, :, 0], np.arange(16))
    frames = to_numpy(frames)[0, ..., 0] - (BACKEND == "torch")
    np.testing.assert_array_equal(frames[1], [2, 3, 4, 5])


if BACKEND == "jax":

    @pytest.mark.parametrize("name", ["speech", "kaldi"])
    def test_a_free_batch_of_known_length_exports(name: str) -> None:
        import jax

        recipe = RECIPES[name]
        (b,) = jax.export.symbolic_shape("b")
        exported = jax.export.export(jax.jit(lambda v: executor.run(recipe, v)))(
            jax.ShapeDtypeStruct((b, 16_000), "float32")
        )
        x = samples(3, 16_000)
        assert_same(exported.call(x), executor.run(recipe, ops.convert_to_tensor(x)))


def test_a_sample_that_is_no_number_spoils_its_own_frames_alone() -> None:
    x = samples(3, 500_000)
    clean = to_numpy(executor.run(SPEECH, ops.convert_to_tensor(x)))
    x[1, 250_000] = np.nan
    got = to_numpy(executor.run(SPEECH, ops.convert_to_tensor(x)))
    spoilt = np.isnan(got).any(axis=2)
    starts = 160 * np.arange(got.shape[1])
    inside = (starts <= 250_000) & (starts + 512 > 250_000)  # the DFT's length: a frame may be cut with its zeros
    assert not spoilt[[0, 2]].any()
    assert not spoilt[1, ~inside].any()
    assert spoilt[1, (starts <= 250_000) & (starts + 400 > 250_000)].all()
    np.testing.assert_array_equal(got[~spoilt], clean[~spoilt])


def test_groups_are_the_bank() -> None:
    rng = np.random.default_rng(0)
    banks = {
        "mel": SPEECH.bank,
        "dense": rng.random((257, 40)),
        "one": rng.random((257, 1)),
        "zero": np.zeros((257, 9)),
    }
    sparse = np.array(MUSIC.bank)
    sparse[:, 3:40] = 0.0
    banks["holes"] = sparse
    for name, bank in banks.items():
        assert bank is not None
        groups = filterbanks.groups(bank)
        assert (len(groups) == 1) == (name in ("dense", "one")), name
        x = rng.random((2, 5, bank.shape[0])).astype("float32")
        got = to_numpy(fourier.in_bands(ops.convert_to_tensor(x), groups))
        np.testing.assert_allclose(got, x @ bank.astype("float32"), rtol=2e-6, atol=1e-5)
        doubled = np.repeat(0.5 * x, 2, axis=-1)
        got = to_numpy(kernel.in_bands(ops.convert_to_tensor(doubled), groups, repeat=2))
        np.testing.assert_allclose(got, x @ bank.astype("float32"), rtol=2e-6, atol=1e-5)


def test_constants_are_made_once_and_die_with_their_array() -> None:
    made: list[str] = []

    def make(values: np.ndarray, dtype: str, place: Any, repeat: int) -> np.ndarray:
        made.append(dtype)
        return values.astype(dtype)

    constants = Constants(make)
    values = np.ones(3)
    assert constants(values, "float32") is not constants(values, "float32")  # it may still change
    values.setflags(write=False)
    first = constants(values, "float32")
    assert constants(values, "float32") is first
    assert constants(values, "float64") is not first
    assert constants(values, "float32", "elsewhere") is not first
    assert made == ["float32", "float32", "float32", "float64", "float32"]
    alive = weakref.ref(values)
    del values
    gc.collect()
    assert alive() is None
    assert not constants._made


def test_a_recipe_s_constants_cannot_change() -> None:
    recipe = SPEECH.replace(n_mels=35)
    for array in (recipe.analysis_window, recipe.dft_window, recipe.synthesis_window, recipe.bank):
        assert array is not None
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1.0


def test_constants_outlive_the_trace_that_made_them() -> None:
    """A recipe first met in a trace is met again outside of it, in other traces and in float64."""
    recipe = SPEECH.replace(n_mels=33)
    x = samples(2, 2000)
    first = to_numpy(compiled(lambda v: executor.run(recipe, v))(ops.convert_to_tensor(x)))
    np.testing.assert_allclose(to_numpy(executor.run(recipe, ops.convert_to_tensor(x))), first, rtol=1e-4, atol=1e-6)
    again = to_numpy(compiled(lambda v: 2.0 * executor.run(recipe, v))(ops.convert_to_tensor(x)))
    np.testing.assert_allclose(again, 2.0 * first, rtol=1e-4, atol=1e-6)
    assert np.isfinite(gradient(lambda v: executor.run(recipe, v), x)).all()
    with float64():
        wide = ops.convert_to_tensor(x.astype("float64"), dtype="float64")
        assert_same(executor.run(recipe, wide), plain(recipe, wide), "float64")


if BACKEND == "torch":

    def test_torch_constants_made_in_inference_mode_serve_training() -> None:
        import torch

        recipe = SPEECH.replace(n_mels=34)
        x = torch.from_numpy(samples(2, 2000))
        with torch.inference_mode():
            executor.run(recipe, x)
        y = executor.run(recipe, x.clone().requires_grad_())
        y.sum().backward()

    @pytest.mark.parametrize("name", ["speech", "kaldi"])
    def test_torch_exports_a_free_batch_of_known_length(name: str) -> None:
        import torch

        class Model(torch.nn.Module):
            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return executor.run(RECIPES[name], x)

        x = torch.from_numpy(samples(3, 16_000))
        batch = torch.export.Dim("batch", min=2, max=64)
        exported = torch.export.export(Model(), (x,), dynamic_shapes=({0: batch},), strict=False)
        other = torch.from_numpy(samples(7, 16_000))
        assert_same(exported.module()(other), executor.run(RECIPES[name], other))

    @pytest.mark.filterwarnings("ignore")  # a trace warns of every size it fixes
    def test_torch_trace_of_few_frames_serves_many() -> None:
        import torch

        traced = torch.jit.trace(lambda v: executor.run(SPEECH, v), torch.zeros(1, 800), check_trace=False)
        x = torch.from_numpy(samples(1, 800))
        assert_same(traced(x), executor.run(SPEECH, x))

    def test_torch_autocast_rounds_no_power() -> None:
        import torch

        x = torch.from_numpy(samples(2, 100_000)).requires_grad_()
        recipe = KALDI.replace(log="ln")
        expected = executor.run(recipe, x)
        (slope,) = torch.autograd.grad(expected.sum(), x)
        with torch.autocast("cpu", torch.float16):
            got = executor.run(recipe, x)
        assert_same(got.detach(), expected.detach())
        assert_same(torch.autograd.grad(got.sum(), x)[0], slope)

    @pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")  # by torch's own forward mode
    def test_torch_forward_mode_is_finite_on_silence() -> None:
        import torch

        recipe = RECIPES["magnitude"]
        silence = torch.zeros(1, 60_000)
        _, slope = torch.func.jvp(lambda v: executor.run(recipe, v), (silence[:, :2000],), (silence[:, :2000] + 1.0,))
        assert torch.isfinite(slope).all()
        with torch.autograd.forward_ad.dual_level():
            dual = torch.autograd.forward_ad.make_dual(silence.clone().requires_grad_(), silence + 1.0)
            tangent = torch.autograd.forward_ad.unpack_dual(executor.run(recipe, dual)).tangent
        assert torch.isfinite(tangent).all()

    def test_torch_constants_first_met_in_a_transform_are_not_kept() -> None:
        import torch

        recipe = SPEECH.replace(n_mels=36)
        x = torch.from_numpy(samples(1, 2000))
        torch.func.grad(lambda v: executor.run(recipe, v).sum())(x)
        wrapped = torch._C._functorch.is_functorch_wrapped_tensor
        from kapre.ops.kernels.torch import _constants

        assert not any(map(wrapped, _constants._made.values()))
        executor.run(recipe, x)

    def test_torch_gradient_of_the_gradient_of_blocks() -> None:
        import torch

        x = torch.from_numpy(samples(2, 60_000))
        bank = torch.tensor(SPEECH.bank, dtype=torch.float32)

        def slopes(run: Any) -> list[torch.Tensor]:
            v, weights = x.clone().requires_grad_(), bank.clone().requires_grad_()
            (slope,) = torch.autograd.grad(run(v, weights).square().sum(), v, create_graph=True)
            return list(torch.autograd.grad(slope.square().sum(), (v, weights)))

        got = slopes(lambda v, weights: executor.run(SPEECH, v, bank=weights))
        expected = slopes(lambda v, weights: spectrum.of_frames(SPEECH, spectrum.cut(SPEECH, v), bank=weights)[0])
        for one, other in zip(got, expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=0.0, atol=1e-5 * float(other.abs().max()))

    @pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")  # by torch's own forward mode
    def test_torch_transforms() -> None:
        import torch

        x = torch.from_numpy(samples(6, 120_000).reshape(2, 3, 120_000))
        expected = torch.stack([executor.run(SPEECH, part) for part in x])
        assert_same(torch.func.vmap(lambda v: executor.run(SPEECH, v))(x), expected)
        short = x[0, :, :2000]
        slope = torch.func.grad(lambda v: executor.run(SPEECH, v).sum())(short)
        assert_same(slope, torch.func.grad(lambda v: plain(SPEECH, v).sum())(short))
        _, tangent = torch.func.jvp(lambda v: executor.run(SPEECH, v), (short,), (short,))
        assert_same(tangent, 2.0 * executor.run(SPEECH, short))


@pytest.mark.parametrize("name", ["speech", "kaldi", "magnitude"])
def test_shapes_are_known_without_numbers(name: str) -> None:
    """Keras calls a layer that does not say its output's shape with tensors that have none (PyTorch: on "meta")."""

    class Around(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            return 2.0 * executor.run(RECIPES[name], x)

    for time in (2000, 200_000):
        assert Around()(keras.Input((time,))).shape == (None, *RECIPES[name].output_shape(time))


def test_squares_add_up_to_the_power() -> None:
    framed = samples(4, 512)
    got = to_numpy(kernel.squares(ops.convert_to_tensor(framed), 512))
    power = np.abs(np.fft.rfft(framed.astype("float64"))) ** 2
    assert got.shape == (4, 257 * kernel.squares_per_bin)
    np.testing.assert_allclose(got.reshape(4, 257, -1).sum(-1), power, rtol=0.0, atol=1e-6 * power.max())


if BACKEND == "torch":
    import threading

    import torch

    @pytest.mark.parametrize("name", ["speech", "magnitude", "kaldi"])
    def test_gradient_of_the_gradient(name: str) -> None:
        recipe = RECIPES[name].replace(log="ln", amin=1e-6)

        def second(run: Any) -> torch.Tensor:
            x = torch.tensor(samples(2, 2000).astype("float64"), requires_grad=True)
            (first,) = torch.autograd.grad(run(x).square().sum(), x, create_graph=True)
            return torch.autograd.grad(first.square().sum(), x)[0]

        with float64():
            expected = second(lambda v: plain(recipe, v))
            got = second(lambda v: executor.run(recipe, v))
        np.testing.assert_allclose(got, expected, rtol=0.0, atol=1e-10 * float(expected.abs().max()))

    def test_gradients_of_many_slopes_at_once() -> None:
        x = torch.tensor(samples(1, 1200), requires_grad=True)
        y = executor.run(SPEECH, x)[0, :, 3]
        rows = torch.eye(len(y))
        (got,) = torch.autograd.grad(y, x, rows, is_grads_batched=True, retain_graph=True)
        for row, slope in zip(rows, got, strict=True):
            assert_same(slope, torch.autograd.grad(y, x, row, retain_graph=True)[0])

    @pytest.mark.parametrize("scale", [1e-43, 1e-41, 1e-22])
    def test_slopes_of_a_magnitude_are_finite_however_faint(scale: float) -> None:
        x = torch.tensor(scale * samples(2, 2000), requires_grad=True)
        (1e6 * executor.run(RECIPES["magnitude"], x)).sum().backward()
        assert torch.isfinite(x.grad).all()

    def test_features_may_be_written_to_before_the_gradient() -> None:
        x = torch.tensor(samples(2, 2000), requires_grad=True)
        expected = torch.autograd.grad(executor.run(SPEECH, x).sum(), x)[0]
        y = executor.run(SPEECH, x)
        y += 1.0
        assert_same(torch.autograd.grad(y.sum(), x)[0], expected)

    def test_memory_of_a_call_is_not_that_of_its_result() -> None:
        """Blocks share memory with those of later calls, of other recipes, modes and threads; results with nothing."""
        clips = [torch.from_numpy(samples(2, 4000 + 160 * i)) for i in range(7)]
        recipes = [SPEECH, RECIPES["magnitude"], RECIPES["kaldi"], RECIPES["no_bank_magnitude"]]
        work = [(recipe, x) for x in clips for recipe in recipes]
        expected = [to_numpy(plain(recipe, x)) for recipe, x in work]
        with torch.inference_mode():
            first = [executor.run(recipe, x) for recipe, x in work]
        again = [executor.run(recipe, x) for recipe, x in work]
        found: list[Any] = [None] * 4
        slopes: list[Any] = [None] * 4

        def run(place: int) -> None:
            found[place] = [executor.run(recipe, x) for recipe, x in work]
            slopes[place] = [
                gradient(lambda v, recipe=recipe: executor.run(recipe, v), x.numpy()) for recipe, x in work
            ]

        threads = [threading.Thread(target=run, args=(place,)) for place in range(len(found))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for results in (first, again, *found):
            for got, right in zip(results, expected, strict=True):
                assert_same(got, right)
        for results in slopes:
            for got, right in zip(results, slopes[0], strict=True):
                np.testing.assert_array_equal(got, right)
