"""Streams: chunk by chunk the numbers of the whole clip. Every preset and any split: frontends/test_stream.py."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import kapre
from tests.conftest import BACKEND, chirp, compiled, float64, quick, relative_error, to_numpy
from tests.streams.drive import check_fixed, check_stream, streamable, streamed, there_and_back


@pytest.mark.parametrize("name", ["icefall", "voxtral_realtime", "paraformer", "silero_vad", "nemo", "gemma4"])
def test_streamed_is_offline(name: str) -> None:
    with float64():
        frontend = kapre.Frontend(streamable(name), dtype="float64")
        x = chirp(2, 1637)[:, :, 0]
        check_stream(frontend.stream(), to_numpy(quick(frontend)(x)), x, [0, 37, 500, 1100], 1e-9)


@pytest.mark.parametrize("name", ["voxtral_realtime", "paraformer", "wespeaker"])
def test_fixed_chunks(name: str) -> None:
    with float64():
        recipe = streamable(name)
        frontend = kapre.Frontend(recipe, dtype="float64")
        chunk = recipe.hop_length * recipe.stack_hop * 2
        check_fixed(frontend, chirp(2, 3 * chunk)[:, :, 0], chunk, 1e-9)


def test_fixed_chunks_of_stacks_that_lie_apart() -> None:
    recipe = kapre.Recipe(n_fft=17, hop_length=4, pad_end=True, samples_multiple=7, stack=2, stack_hop=3)
    for chunks in range(1, 5):
        check_fixed(kapre.Frontend(recipe), chirp(1, 12 * chunks)[:, :, 0].astype("float32"), 12, 1e-5)


def test_fixed_chunks_of_patches() -> None:
    with float64():
        frontend = kapre.Frontend.from_preset("vggish", patch_frames=5, patch_hop=2, dtype="float64")
        check_fixed(frontend, chirp(1, 3200)[:, :, 0], 640, 1e-9)


@pytest.mark.parametrize("name", ["icefall", "paraformer"])
@pytest.mark.parametrize("time", [0, 150, 399])
def test_clips_too_short_to_begin(name: str, time: int) -> None:
    with float64():  # in float32 the logarithms of one frame differ with the processor
        frontend = kapre.Frontend(streamable(name), dtype="float64")
        x = chirp(1, time)[:, :, 0]
        check_stream(frontend.stream(), to_numpy(quick(frontend)(x)), x, [100], 1e-9)


def test_a_step_compiles_and_its_state_can_be_stored() -> None:
    frontend = kapre.Frontend.from_preset("voxtral_realtime")
    x = chirp(1, 1600)[:, :, 0].astype("float32")
    stream = frontend.stream(chunk_samples=320)
    step = compiled(stream.step)

    def stored(chunk: Any, state: Any) -> Any:
        y, state = step(keras.ops.convert_to_tensor(chunk), state)
        arrays = keras.tree.map_structure(lambda leaf: to_numpy(leaf).copy(), state)
        return y, keras.tree.map_structure(keras.ops.convert_to_tensor, arrays)

    assert relative_error(streamed(stream, x, [320], stored), to_numpy(quick(frontend)(x))) <= 1e-5


@pytest.mark.parametrize(
    ("name", "fixed"),
    [("kaldi_fbank", False), ("paraformer", True)]
    + ([("kaldi_fbank", True), ("paraformer", False)] if BACKEND != "jax" else []),  # it compiles each operation
)
def test_a_state_may_be_arrays_of_numpy(name: str, fixed: bool) -> None:
    """So it comes back from a store, before every step and before the end."""
    frontend = kapre.Frontend.from_preset(name)
    size = 2 * frontend.recipe.entry_hop
    x = chirp(1, 4 * size)[:, :, 0].astype("float32")
    stream = frontend.stream(size if fixed else None)
    results = []
    for store in (lambda leaf: leaf, to_numpy):
        state, parts = stream.initial_state(), []
        for start in range(0, 3 * size, size):
            y, state = stream.step(x[:, start : start + size], keras.tree.map_structure(store, state))
            parts.append(to_numpy(y))
        parts.append(to_numpy(stream.flush(keras.tree.map_structure(store, state), x[:, 3 * size : -7])))
        results.append(np.concatenate(parts, axis=1))
    np.testing.assert_allclose(results[1], results[0], atol=1e-5)


def test_a_state_of_a_transform_may_be_arrays_of_numpy() -> None:
    layer, inverse = kapre.get_perfectly_reconstructing_stft_istft(n_fft=64, hop_length=16)
    stream, back = layer.stream(), inverse.stream()
    x = chirp(1, 640).astype("float32")
    state, undone = (keras.tree.map_structure(to_numpy, each.initial_state()) for each in (stream, back))
    z, state = stream.step(x, state)
    last = stream.flush(keras.tree.map_structure(to_numpy, state))
    y, undone = back.step(np.concatenate([to_numpy(z), to_numpy(last)], axis=1), undone)
    y = np.concatenate([to_numpy(y), to_numpy(back.flush(keras.tree.map_structure(to_numpy, undone)))], axis=1)
    expected = to_numpy(inverse(layer(x)))
    np.testing.assert_allclose(y, expected[:, : y.shape[1]], atol=1e-5)
    assert y.shape[1] >= 640


def vmapped(fn: Any) -> Any:
    """Return the backend's map over a new first axis."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        return lambda *values: tf.vectorized_map(lambda each: fn(*each), values)
    if BACKEND == "jax":
        import jax

        return jax.vmap(fn)
    import torch

    return torch.func.vmap(fn)


def test_vmapped_over_streams() -> None:
    frontend = kapre.Frontend.from_preset("kaldi_fbank")
    stream = frontend.stream(chunk_samples=320)
    x = chirp(3, 320)[:, :, 0].astype("float32")[:, None, :]
    state = keras.tree.map_structure(lambda leaf: keras.ops.stack([leaf] * 3), stream.initial_state(1))
    y, _ = vmapped(stream.step)(keras.ops.convert_to_tensor(x), state)
    alone, _ = stream.step(x[1], stream.initial_state(1))
    np.testing.assert_allclose(to_numpy(y)[1], to_numpy(alone), rtol=1e-4, atol=1e-4)


def test_what_needs_the_whole_clip_is_refused() -> None:
    with pytest.raises(ValueError, match="of 'whisper' cannot be streamed") as caught:
        kapre.Frontend.from_preset("whisper").stream()
    text = str(caught.value)
    assert "fixed_samples=480000" in text
    assert "dynamic_range=8 below the clip's own maximum" in text
    assert "such as 'voxtral_realtime'" in text
    with pytest.raises(ValueError, match=re.escape("recipe.replace(normalize_over='running')")):
        kapre.Frontend.from_preset("nemo").stream()
    for name in kapre.list_presets():
        kapre.Frontend(streamable(name)).stream()


SAMPLES = kapre.Frontend(kapre.Recipe(sample_rate=16000, power=None, feature_scale=2.0))
"""A front end without frames."""


def test_samples_in_fixed_chunks() -> None:
    x = chirp(1, 1000)[:, :, 0].astype("float32")
    got = streamed(SAMPLES.stream(400), x[:, :800], [400], rest=x[:, 800:])
    np.testing.assert_array_equal(got, 2.0 * x)


def step_with(stream: Any, state: Any, clips: int = 1, size: int = 320) -> Any:
    return stream.step(np.zeros((clips, size), "float32"), state)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda f: step_with(f.stream(), kapre.Frontend.from_preset("voxtral_realtime").stream().initial_state()),
            "`state` must be of this stream, which holds last, samples.kept, samples.seen; received state='last, samp",
        ),
        (
            lambda f: step_with(f.stream(320), f.stream().initial_state()),
            "which holds last, samples.last, samples.seen",
        ),
        (lambda f: step_with(f.stream(), f.stream(320).initial_state()), "which holds last, samples.kept"),
        (lambda f: f.stream().step(np.zeros(320, "float32"), f.stream().initial_state()), "add the batch: x[None]"),
        (
            lambda f: (
                kapre.STFT(**PAIR)
                .stream()
                .step(np.zeros((320, 1), "float32"), kapre.STFT(**PAIR).stream().initial_state())
            ),
            "For one item, add the batch: x[None]",
        ),
        (lambda f: step_with(f.stream(), None), "received state=None. Start with stream.initial_state(batch_size)."),
        (lambda f: step_with(f.stream(), f.stream().initial_state(), 2), "initial_state(batch_size=2)"),
        (lambda f: f.stream().initial_state(-1), "`batch_size` must be an integer, 0 or above; received batch_size=-1"),
        (lambda f: f.stream().flush({}), "`state` must be of this stream"),
        (
            lambda f: kapre.STFT(**PAIR).stream().step(np.zeros((1, 320, 1), "float32"), f.stream().initial_state()),
            "which holds kept, seen",
        ),
        (
            lambda f: (
                kapre.STFT(**PAIR)
                .stream()
                .step(np.zeros((2, 64, 1), "float32"), kapre.STFT(**PAIR).stream().initial_state())
            ),
            "`state` must be of 2 clips, as the chunk is; received state=1.",
        ),
        (lambda f: kapre.InverseSTFT(**PAIR).stream().flush({}), "which holds seen, skip, sum"),
        (lambda f: f.stream(chunk_samples=100), "`chunk_samples` must be a multiple of 160"),
        (lambda f: f.stream(chunk_samples=-1), "`chunk_samples` must be a positive integer"),
        (lambda f: SAMPLES.stream(chunk_samples=-5), "`chunk_samples` must be a positive integer"),
        (
            lambda f: SAMPLES.stream(320).step(np.zeros((1, 160), "float32"), SAMPLES.stream(320).initial_state()),
            "`chunk` must be of 320 samples, as chunk_samples says; received chunk=160",
        ),
        (lambda f: f.stream(320).step(np.zeros((1, 160), "float32"), f.stream(320).initial_state()), "of 320 samples"),
        (lambda f: f.stream().step(np.zeros((1, 9, 1), "float32"), f.stream().initial_state()), "(batch, time)"),
    ],
)
def test_wrong_use(call: Any, text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        call(kapre.Frontend.from_preset("kaldi_fbank"))


def test_latency_is_true() -> None:
    """A frame comes with the sample that `latency_samples` names, and not before."""
    for name, latency in (("voxtral_realtime", 200), ("icefall", 280), ("paraformer", 880)):
        stream = kapre.Frontend.from_preset(name).stream()
        assert stream.latency_samples == latency
        assert stream.latency_seconds == latency / 16000
        for missing in (1, 0):
            state = stream.initial_state()
            y, _ = stream.step(np.ones((1, 2 * 160 * 6 + latency - missing), "float32"), state)
            entry = 12 // stream.recipe.stack_hop  # the one whose hop begins at that sample
            assert y.shape[stream.recipe.time_axis(3)] == entry + 1 - missing


PAIR = dict(n_fft=64, hop_length=16)


@pytest.mark.parametrize("framing", [PAIR, dict(n_fft=64, hop_length=80), dict(n_fft=64, hop_length=16, center=True)])
def test_latency_of_a_transform_is_true(framing: dict) -> None:
    stream = kapre.STFT(**framing).stream()
    for missing in (1, 0):
        samples = np.ones((1, 3 * framing["hop_length"] + stream.latency_samples - missing, 1), "float32")
        z, _ = stream.step(samples, stream.initial_state())
        assert z.shape[1] == 4 - missing


@pytest.mark.parametrize(
    ("settings", "exact_edges"),
    [
        (dict(center=True, pad_mode="reflect", win_length=48), True),
        (dict(), False),
        (dict(pad_begin=True, pad_end=True), True),
        (dict(center=True, hop_length=40), True),
    ],
)
def test_stft_and_its_inverse(settings: dict, exact_edges: bool) -> None:
    x = chirp(2, 500, 2).astype("float32")
    forward = kapre.STFT(**{**PAIR, **settings})
    backward = {key: value for key, value in {**PAIR, **settings}.items() if not key.startswith("pad_")}
    inverse = kapre.InverseSTFT(**backward, exact_edges=exact_edges)
    spectrum, samples = there_and_back(forward.stream(), inverse.stream(), x, [0, 30, 170, 300])
    offline = forward(x)
    assert relative_error(spectrum, to_numpy(offline)) <= 1e-6
    # The compiled library inverts a whole clip, and the framework a step: little is under the windows at the ends.
    assert relative_error(samples, to_numpy(inverse(offline))) <= 3e-6


def fixed_pair() -> tuple[Any, Any]:
    """Return a stream of 64 samples at a time and its inverse."""
    settings = dict(n_fft=64, hop_length=16, center=True)
    ahead = kapre.STFT(**settings).stream(chunk_samples=64)
    return ahead, kapre.InverseSTFT(**settings, exact_edges=True).stream(warmup_frames=ahead.warmup)


def steps(ahead: Any, back: Any, x: np.ndarray) -> Iterator[tuple[Any, Any, Any]]:
    """Yield the samples that come back for each chunk, and both states after it."""
    first, second = ahead.initial_state(), back.initial_state()
    for start in range(0, x.shape[1], 64):
        z, first = ahead.step(x[:, start : start + 64], first)
        y, second = back.step(z, second)
        yield to_numpy(y).copy(), first, second  # the next step may write over it


def test_what_goes_in_comes_out() -> None:
    """Stream in, stream out, fixed shapes: the samples themselves, `latency_samples` late."""
    x = chirp(1, 640).astype("float32")
    ahead, back = fixed_pair()
    parts, firsts, seconds = zip(*steps(ahead, back, x), strict=True)
    assert all(part.shape[1] == 64 for part in parts)
    first, second = firsts[-1], seconds[-1]
    out = np.concatenate(parts, axis=1)[:, back.warmup :]
    assert back.latency_samples == 63
    assert np.abs(out - x[:, : out.shape[1]]).max() <= 1e-6
    assert out.shape[1] >= 640 - 64 - back.latency_samples - 16
    y, second = back.step(ahead.flush(first), second)
    rest = np.concatenate([out, to_numpy(y), to_numpy(back.flush(second))], axis=1)
    assert np.abs(rest[:, :640] - x).max() <= 1e-6


def test_streams_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="`length` must be None in a stream; received length=9"):
        kapre.InverseSTFT(**PAIR, length=9).stream()
    with pytest.raises(ValueError, match="`hop_length` must be at most the frame's 64 samples"):
        kapre.InverseSTFT(n_fft=64, hop_length=80).stream()
    with pytest.raises(ValueError, match=r"`chunk_samples` must be a multiple of hop_length=16; received.*Use 96"):
        kapre.STFT(**PAIR).stream(chunk_samples=100)


def test_the_last_samples_need_not_fill_a_chunk() -> None:
    x = chirp(1, 1500)[:, :, 0].astype("float32")
    frontend = kapre.Frontend.from_preset("voxtral_realtime")
    got = streamed(frontend.stream(chunk_samples=640), x[:, :1280], [640], rest=x[:, 1280:])
    assert relative_error(got, to_numpy(frontend(x))) <= 1e-5
    layer = kapre.STFT(**PAIR, center=True)
    got = streamed(layer.stream(chunk_samples=64), x[:, :64, None], [64], rest=x[:, 64:100, None])
    assert relative_error(got, to_numpy(layer(x[:, :100, None]))) <= 1e-6


def test_a_stream_of_days() -> None:
    """The count of samples, of 32 bits, starts again before it is full, and nothing shows it."""
    frontend = kapre.Frontend.from_preset("nemo", normalize=None)
    x = chirp(1, 800)[:, :, 0].astype("float32")
    outputs = []
    for late in (False, True):
        stream = frontend.stream(chunk_samples=160)
        state = stream.initial_state()
        for start in range(0, 480, 160):
            _, state = stream.step(x[:, start : start + 160], state)
        if late:
            seen = 160 * ((2**30 - 1) // 160)
            state["samples"] = {**state["samples"], "seen": keras.ops.convert_to_tensor(seen, dtype="int32")}
        y, state = stream.step(x[:, 480:640], state)
        assert int(state["samples"]["seen"]) < 2**30
        outputs += [to_numpy(y), to_numpy(stream.flush(state, x[:, 640:]))]
    np.testing.assert_array_equal(outputs[0], outputs[2])
    np.testing.assert_allclose(outputs[1], outputs[3], rtol=1e-6, atol=1e-6)


def test_an_inverse_of_weeks() -> None:
    """Its count of frames goes no further than it has to, and so never over."""
    ahead, back = fixed_pair()
    parts, _, states = zip(*steps(ahead, back, chirp(1, 640).astype("float32")), strict=True)
    assert all(int(state["seen"]) <= ahead.warmup for state in states)
    assert np.abs(parts[-1]).max() > 0.1


def test_running_statistics_of_days() -> None:
    """float32 counts to 2**24: before that all is halved, and the statistics stay."""
    recipe = kapre.Recipe(n_fft=16, hop_length=16, normalize="mean_std", normalize_over="running")
    stream = kapre.Frontend(recipe).stream()
    rng = np.random.default_rng(0)
    _, state = stream.step(rng.uniform(-1, 1, (1, 1600)).astype("float32"), stream.initial_state())
    grown = {name: state["running"][name] * 2.0**17 for name in ("count", "sum", "squares")}
    state = {**state, "running": {**state["running"], **grown}}
    one, x = state, rng.uniform(-1, 1, (1, 16)).astype("float32")
    before, _ = stream.step(x, one)
    for _ in range(3):
        y, state = stream.step(x, state)
        assert float(to_numpy(state["running"]["count"]).max()) < 2**23
        np.testing.assert_allclose(to_numpy(y), to_numpy(before), rtol=1e-4, atol=1e-4)


def exported(fn: Any, x: np.ndarray, state: Any, folder: Path) -> Any:
    """Write a function of samples and state to a file with the backend's own means, and read it back."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        module = tf.Module()
        module.step = tf.function(fn)
        module.step.get_concrete_function(x, state)
        tf.saved_model.save(module, folder)
        return tf.saved_model.load(folder).step
    if BACKEND == "jax":
        import jax
        import jax.export

        data = jax.export.export(jax.jit(fn))(x, state).serialize()
        return jax.export.deserialize(data).call
    import torch

    class Step(torch.nn.Module):
        def forward(self, x: torch.Tensor, state: Any) -> Any:
            return fn(x, state)

    torch.export.save(torch.export.export(Step(), (x, state)), folder / "step.pt2")
    return torch.export.load(folder / "step.pt2").module()


@pytest.mark.parametrize("name", ["voxtral_realtime", "kaldi_fbank", "paraformer"])
def test_a_fixed_step_exports(name: str, tmp_path: Path) -> None:
    frontend = kapre.Frontend.from_preset(name)
    size = 2 * frontend.recipe.entry_hop
    x = chirp(1, 6 * size)[:, :, 0].astype("float32")
    stream = frontend.stream(chunk_samples=size)
    state = other = stream.initial_state()
    again = exported(stream.step, keras.ops.convert_to_tensor(x[:, :size]), state, tmp_path)
    for start in range(0, x.shape[1], size):
        chunk = keras.ops.convert_to_tensor(x[:, start : start + size])
        y, state = stream.step(chunk, state)
        z, other = again(chunk, other)
        np.testing.assert_allclose(to_numpy(z), to_numpy(y), rtol=1e-4, atol=1e-4)
