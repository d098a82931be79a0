"""Samples at another rate: the recipe field `input_rate`, and the streams of `Resample` and `IIRFilter`."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import scipy.signal
import soundfile as sf
from hypothesis import given, settings
from hypothesis import strategies as st

import kapre
from tests.clips import clip
from tests.conftest import BACKEND, chirp, float64, gradient, quick, relative_error, to_numpy
from tests.streams.drive import check_fixed, check_stream, streamed

EXAMPLES = {"jax": 2, "tensorflow": 8}.get(BACKEND, 25)  # JAX compiles for every shape
RATES = [(44100, 16000), (3, 1), (2, 3), (8000, 11025)]
SMALL: dict[str, Any] = dict(n_fft=20, hop_length=6, power=2.0)
STAGES = [
    SMALL,
    dict(SMALL, preemphasis=0.97, preemphasis_first="first", snip_edges=False),
    dict(SMALL, center=True, pad_mode="reflect", stack=3, stack_hop=2, stack_edges="repeat"),
    dict(SMALL, valid_frames="hops", drop_last=1, patch_frames=3, patch_hop=2, samples_multiple=7),
    dict(power=None, preemphasis=0.9, preemphasis_first="first", samples_multiple=7),
]
LOG_MEL = kapre.Recipe(
    input_rate=44100, sample_rate=16000, n_fft=400, hop_length=160, power=2.0, filterbank="mel", n_mels=40, log="ln",
    amin=1e-5,
)  # fmt: skip


def at_own_rate(recipe: kapre.Recipe, x: np.ndarray) -> np.ndarray:
    """Return the features of samples that SciPy has resampled, by the polyphase filter that is the recipe's kernel."""
    rates = recipe.input_rate or 1, int(recipe.sample_rate or 1)
    old, new = (rate // int(np.gcd(*rates)) for rate in rates)
    cut = 0.99 * min(old, new)
    reach = int(np.ceil(6 * old / cut))
    t = np.arange(-reach * new, reach * new + 1) / (old * new) * cut  # the kernel at each old * new-th of a second
    taps = np.sinc(t) * np.cos(np.pi * np.clip(t / 12, -0.5, 0.5)) ** 2 * cut / old
    y = scipy.signal.resample_poly(x, new, old, axis=1, window=taps / new)
    return to_numpy(quick(kapre.Frontend(recipe.replace(input_rate=None), dtype="float64"))(y))


@pytest.mark.parametrize("rates", RATES)
@settings(max_examples=EXAMPLES, deadline=None, derandomize=True)
@given(data=st.data())
def test_any_rates_in_any_split(rates: tuple[int, int], data: st.DataObject) -> None:
    """The whole clip, any chunks and fixed chunks with a rest are the features of the resampled clip."""
    old, new = rates
    with float64():
        recipe = kapre.Recipe(input_rate=old, sample_rate=new, **data.draw(st.sampled_from(STAGES)))
        frontend = kapre.Frontend(recipe, dtype="float64")
        unit = recipe.chunk_unit
        x = chirp(2, data.draw(st.integers(0, 2 * unit + 40)))[:, :, 0]
        whole = to_numpy(quick(frontend)(x))
        assert whole.shape[1:] == recipe.output_shape(x.shape[1])
        assert relative_error(whole, at_own_rate(recipe, x)) <= 1e-9
        sizes = data.draw(st.lists(st.integers(0, 2 * unit), min_size=1, max_size=4).filter(any))
        check_stream(frontend.stream(), whole, x, sizes, 1e-9)
        fixed = frontend.stream(chunk_samples=unit)
        steps = x.shape[1] // unit * unit
        got = streamed(fixed, x[:, :steps], [unit], quick(fixed.step), x[:, steps:])
        assert relative_error(got, whole) <= 1e-9


@pytest.mark.parametrize("stage", STAGES)
def test_fixed_chunks(stage: dict[str, Any]) -> None:
    recipe = kapre.Recipe(input_rate=3, sample_rate=2, **stage)
    with float64():
        unit = 2 * recipe.chunk_unit
        check_fixed(kapre.Frontend(recipe, dtype="float64"), chirp(2, 7 * unit)[:, :, 0], unit, 1e-9)


@pytest.mark.parametrize("rates", [(11, 4), (3, 1), (2, 3)])
@pytest.mark.parametrize("stage", [STAGES[0], STAGES[2], STAGES[4]])
def test_latency_is_true(stage: dict[str, Any], rates: tuple[int, int]) -> None:
    """Every entry has come after `latency_samples` from its hop on, and some entry has not come one sample before."""
    recipe = kapre.Recipe(input_rate=rates[0], sample_rate=rates[1], **stage)
    stream = kapre.Frontend(recipe).stream()
    assert stream.latency_seconds == stream.latency_samples / rates[0]
    come: list[int] = []
    state = stream.initial_state()
    for received in range(1, 3 * recipe.chunk_unit + stream.latency_samples):
        y, state = stream.step(np.ones((1, 1), "float32"), state)
        come += [received] * y.shape[1]
    hops = np.arange(len(come)) * recipe.entry_hop * rates[0] / rates[1]
    assert int(np.ceil((come - hops).max())) == stream.latency_samples


@pytest.mark.parametrize("fixed", [None, 4410])
def test_in_float32_over_a_floor(fixed: int | None) -> None:
    x = clip("speech", 30000, 44100)[None].astype("float32")
    frontend = kapre.Frontend(LOG_MEL)
    with float64():
        right = to_numpy(kapre.Frontend(LOG_MEL, dtype="float64")(x.astype("float64")))
    assert np.abs(to_numpy(frontend(x)) - right).max() <= 2e-3
    stream = frontend.stream(chunk_samples=fixed, compile=fixed is not None)
    rest = None if fixed is None else x[:, 30000 // fixed * fixed :]
    got = streamed(stream, x if rest is None else x[:, : -rest.shape[1]], [fixed or 1764], rest=rest)
    assert np.abs(got - right).max() <= 2e-3


def test_each_item_ends_at_its_own_length() -> None:
    lengths = [9000, 4410, 1, 0]
    x = np.stack([clip("speech", 9000, 44100)] * 4).astype("float32")
    frontend = kapre.Frontend(LOG_MEL)
    y = to_numpy(frontend(np.where(np.arange(9000) < np.array(lengths)[:, None], x, np.nan), lengths=lengths))
    for row, length in zip(y, lengths, strict=True):
        count = frontend.num_frames(length)
        assert count == LOG_MEL.replace(input_rate=None).num_frames(-(-length * 160 // 441))
        if count:
            np.testing.assert_allclose(row[:count], to_numpy(frontend(x[:1, :length]))[0], atol=1e-4)
        assert not row[count:].any()


def test_gradient_and_a_saved_model(tmp_path: Path) -> None:
    x = clip("speech", 3000, 44100)[None].astype("float32")
    assert np.abs(gradient(kapre.Frontend(LOG_MEL), x)).max() > 0.0
    model = keras.Sequential([keras.Input((None,)), kapre.Frontend(LOG_MEL, trainable_filterbank=True)])
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.layers[0].recipe == LOG_MEL
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))


def test_the_fields() -> None:
    recipe = kapre.Recipe(input_rate=44100.0, sample_rate=16000)  # type: ignore[arg-type]
    assert (recipe.input_rate, recipe.clip_rate, recipe.chunk_unit) == (44100, 44100, 441 * 16)
    assert kapre.Recipe.from_json(recipe.to_json()) == recipe
    plain = kapre.Recipe(sample_rate=16000)
    assert plain.clip_rate == 16000
    assert kapre.Recipe(input_rate=16000, sample_rate=16000, resampling_method="kaiser_best") == plain
    assert kapre.Recipe(sample_rate=16000, resampling_method="kaiser_best") == plain
    assert "input_rate" not in plain.to_json()
    assert "resampling_method" not in plain.to_json()
    assert recipe.replace(fixed_samples=16000).clip_samples == 44100
    assert recipe.replace(fixed_samples=16000).num_frames(7) == plain.num_frames(16000)
    assert recipe.frame_times(2)[1] == pytest.approx(512 / 16000 + 1024 / 16000)
    assert kapre.frontends.preset("whisper").recipe.replace(input_rate=44100).clip_samples == 30 * 44100


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        (dict(input_rate=44100), "must be a whole number of Hz with an input_rate; received sample_rate=None."),
        (dict(input_rate=44100, sample_rate=16000.5), "`sample_rate` must be a whole number of Hz with an input_rate"),
        (dict(input_rate=0, sample_rate=16000), "`input_rate` must be a positive integer"),
        (dict(input_rate=10**400, sample_rate=16000), "`input_rate` must be at most 10000000 Hz"),
        (
            dict(input_rate=9999991, sample_rate=16000),
            "`input_rate` must be a rate whose kernel to 16000 Hz has at most",
        ),
        (dict(input_rate=96001, sample_rate=44100), "`input_rate` must be a rate whose kernel to 44100 Hz has at most"),
        (dict(input_rate=44100, sample_rate=16000, resampling_method="soxr"), "`resampling_method` must be one of"),
    ],
)
def test_wrong_fields(fields: dict[str, Any], text: str) -> None:
    with pytest.raises((TypeError, ValueError), match=re.escape(text)):
        kapre.Recipe(**fields)
    with pytest.raises(TypeError, match="Use input_rate"):
        kapre.Recipe(sample_rate=16000, orig_freq=44100)  # type: ignore[call-arg]


def test_a_remedy_that_works() -> None:
    with pytest.raises(ValueError, match="Resample the samples to") as caught:
        kapre.Recipe(input_rate=96001, sample_rate=44100)
    found = re.search(r"to (\d+) Hz first", str(caught.value))
    assert found is not None
    assert kapre.Recipe(input_rate=int(found[1]), sample_rate=44100).clip_rate == int(found[1])


def test_files_are_read_at_the_input_rate() -> None:
    x, file = clip("speech", 8000, 22050), io.BytesIO()
    sf.write(file, x, 22050, format="WAV", subtype="FLOAT")
    recipe = LOG_MEL.replace(input_rate=22050)
    file.seek(0)
    recording = kapre.audio.load(file, recipe)
    assert recording.sample_rate == 22050
    np.testing.assert_array_equal(recording.samples, x.astype("float32"))


CASCADE = scipy.signal.butter(4, [300.0, 3000.0], "bandpass", fs=16000, output="sos")
LAYERS = {
    "44100 to 16000": lambda **more: kapre.Resample(44100, 16000, **more),
    "11 to 4": lambda **more: kapre.Resample(11, 4, **more),
    "2 to 3": lambda **more: kapre.Resample(2, 3, resampling_method="kaiser_fast", **more),
    "1 to 1": lambda **more: kapre.Resample(7, 7, **more),
    "IIR": lambda **more: kapre.IIRFilter(CASCADE, **more),
    "trained IIR": lambda **more: kapre.IIRFilter(CASCADE, trainable_sos=True, **more),
}


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("name", sorted({*LAYERS} - {"11 to 4"}))
def test_streams_of_layers(name: str, data_format: str) -> None:
    with float64():
        layer = LAYERS[name](data_format=data_format, dtype="float64")
        x = np.concatenate([chirp(2, 1500), chirp(2, 1501)[:, 1:] ** 2], axis=2)
        x = x if data_format == "channels_last" else x.transpose(0, 2, 1)
        axis = 1 if data_format == "channels_last" else 2
        whole = to_numpy(layer(x))
        if name == "trained IIR":
            layer.set_weights([0.01 * np.ones_like(layer.get_weights()[0])])
            assert np.abs(to_numpy(layer(x)) - whole).max() > 1e-3
            whole = to_numpy(layer(x))
        fixed = 440 if name == "2 to 3" else 441
        for chunk, cuts in ((None, [0, 1, 2, 500, 997]), (fixed, [fixed] * 3)):
            stream = layer.stream(chunk_samples=chunk, compile=chunk is not None)
            state, parts, at = stream.initial_state(2, 2), [], 0
            for size in cuts:
                y, state = stream.step(x.take(np.arange(at, at + size), axis), state)
                parts.append(to_numpy(y))
                at += size
            rest = None if chunk is None else x.take(np.arange(at, 1500), axis)
            parts.append(to_numpy(stream.flush(state, rest)))
            got = np.concatenate(parts, axis=axis)
            begun = np.arange(stream.warmup)
            assert not got.take(begun, axis).any()
            assert relative_error(np.delete(got, begun, axis=axis), whole) <= 1e-9


@pytest.mark.parametrize("name", ["11 to 4", "2 to 3", "IIR"])
def test_latency_of_a_layer_is_true(name: str) -> None:
    layer = LAYERS[name]()
    stream = layer.stream()
    old, new = (1, 1) if name == "IIR" else layer._rates
    state, come = stream.initial_state(), []
    for received in range(1, 4 * old + stream.latency_samples):
        y, state = stream.step(np.ones((1, 1, 1), "float32"), state)
        come += [received] * y.shape[1]
    assert int(np.ceil((come - np.arange(len(come)) * old / new).max())) == stream.latency_samples


@pytest.mark.parametrize("samples", [0, 100, 441, 900])
def test_a_clip_shorter_than_the_warmup(samples: int) -> None:
    """The first `warmup` entries belong to no clip, also where the steps returned fewer."""
    x = chirp(1, samples)[:, :, 0].astype("float32")
    frontend = kapre.Frontend(kapre.Recipe(input_rate=441, sample_rate=160, n_fft=64, hop_length=20))
    for layer, clips, unit in (
        (frontend, x, 441),
        (kapre.Resample(441, 160), x[..., None], 441),
        (kapre.STFT(64, hop_length=20, center=True), x[..., None], 20),
    ):
        stream = layer.stream(chunk_samples=unit)
        assert stream.warmup > 0
        steps = samples // unit * unit
        got = streamed(stream, clips[:, :steps], [unit], rest=clips[:, steps:])
        np.testing.assert_allclose(got, to_numpy(layer(clips)), atol=1e-4)


def test_wrong_use_of_a_layers_stream() -> None:
    with pytest.raises(ValueError, match="`chunk_samples` must be a multiple of 441, a period of the resampling"):
        kapre.Resample(44100, 16000).stream(chunk_samples=1000)
    stream = kapre.IIRFilter(CASCADE).stream(chunk_samples=100)
    with pytest.raises(ValueError, match="`chunk` must be of 100 samples"):
        stream.step(np.zeros((1, 99, 1), "float32"), stream.initial_state())
    with pytest.raises(ValueError, match="`state` must be of 2 clips"):
        stream.step(np.zeros((2, 100, 1), "float32"), stream.initial_state())
    with pytest.raises(ValueError, match="`state` must be of this stream"):
        stream.step(np.zeros((1, 100, 1), "float32"), {"kept": np.zeros((1, 1, 3), "float32")})
