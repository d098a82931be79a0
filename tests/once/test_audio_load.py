"""Audio as a recipe takes it: all that read a file get the same samples, first mixed and then resampled."""

import io
import sys

import numpy as np
import pytest
import soundfile as sf
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

import kapre
import kapre.corpus.audio
from kapre import audio
from kapre.audio import AudioError
from kapre.corpus._clips import Reader
from kapre.corpus._items import Item
from kapre_cli.compare import _AtRates
from kapre_cli.recipes import read_clip
from tests.processes import python

RATE = 16000


def noise(samples, channels, seed=0):
    return np.random.default_rng(seed).uniform(-0.5, 0.5, (samples, channels)).astype("float32")


def by_hand(x, rate, to, channel=None):
    """Mix in float64, resample in float64: the same in exact arithmetic for any order, and no code of Kapre."""
    mono = x.mean(axis=1, dtype="float64") if channel is None else x[:, channel].astype("float64")
    return mono if rate == to else soxr.resample(mono, rate, to, quality="HQ")


@settings(max_examples=15, deadline=None)
@given(
    rate=st.sampled_from([8000, 16000, 22050, 44100, 48000]),
    to=st.sampled_from([8000, 16000, 22050]),
    samples=st.integers(3000, 12000),
    channels=st.integers(1, 3),
    chosen=st.integers(0, 2) | st.none(),
    chunk=st.none() | st.floats(0.002, 0.3),
)
def test_all_readers_give_the_same_samples(rate, to, samples, channels, chosen, chunk, tmp_path_factory):
    path, x = tmp_path_factory.getbasetemp() / "any.wav", noise(samples, channels, samples)
    sf.write(path, x, rate, subtype="FLOAT")
    channel = None if chosen is None else min(chosen, channels - 1)
    recipe = kapre.Recipe(n_fft=256, sample_rate=to)
    clip = audio.load(path, recipe, "mix" if channel is None else channel)
    right = by_hand(x, rate, to, channel)
    assert (clip.sample_rate, clip.info.sample_rate, clip.info.channels) == (to, rate, channels)
    assert clip.samples.dtype == np.float32
    assert clip.samples.shape == right.shape
    assert np.abs(clip.samples - right).max() <= 1e-6

    (of_corpus,) = Reader(to, None, channel, 256, []).clips([Item(str(path))])
    (of_slice,) = Reader(to, None, None, 256, []).clips([Item(str(path), 0.0, samples / rate, channel)])
    for found in (of_corpus, of_slice):
        np.testing.assert_array_equal(found.samples, clip.samples)
    if channel is None:
        np.testing.assert_array_equal(read_clip(path, recipe, "it").samples, clip.samples)
        np.testing.assert_array_equal(_AtRates(path, rate)[16000], audio.load(path, RATE).samples)

    pieces = list(audio.stream(path, recipe, "mix" if channel is None else channel, chunk))
    assert pieces[-1][1] == samples / rate
    joined = np.concatenate([piece for piece, _ in pieces])
    assert abs(len(joined) - len(right)) <= 1
    both = min(len(joined), len(right))
    assert np.abs(joined[:both] - right[:both]).max() <= 2e-6
    if chunk is not None and rate == to:
        assert [len(piece) for piece, _ in pieces[:-1]] == [max(1, round(chunk * rate))] * (len(pieces) - 1)


def test_channels_that_cancel_each_other_leave_nothing_to_resample():
    """Mixed first, the sum of these is exactly 0; resampled first, each channel leaves its rounding."""
    a, b = np.random.default_rng(0).integers(-256, 256, (2, 4410)) / 1024
    x = np.stack([a, b, -a - b], axis=1).astype("float32")
    assert soxr.resample(x, 44100, RATE, quality="HQ").mean(axis=1).any()
    file = io.BytesIO()
    sf.write(file, x, 44100, subtype="FLOAT", format="WAV")
    clip = audio.load(file, RATE)
    np.testing.assert_array_equal(clip.samples, np.zeros(1600, "float32"))
    assert "cancel each other out" in clip.info.warnings[0]


def test_damage_is_raised_or_kept(save):
    file = io.BytesIO()
    sf.write(file, noise(9000, 2), 22050, subtype="PCM_16", format="WAV")
    cut = save(file.getvalue()[:20044], "cut.wav")
    with pytest.raises(AudioError, match=r"cut\.wav: cut short: "):
        audio.load(cut, "whisper")
    with pytest.raises(AudioError, match=r"cut\.wav: cut short: "):
        list(audio.stream(cut, "whisper"))
    kept = audio.load(cut, "whisper", on_damage="keep")
    assert len(kept.samples) == len(by_hand(np.zeros((5000, 1)), 22050, RATE))
    assert kept.info.damage[0].startswith("cut short")
    empty = audio.load(save(file.getvalue()[:44]), "whisper", on_damage="keep")
    assert empty.samples.shape == (0,)


def test_what_no_recipe_can_take_is_said(save):
    file = io.BytesIO()
    sf.write(file, noise(400, 2), 8000, format="WAV")
    path = save(file.getvalue(), "two.wav")
    low = save(file.getvalue().replace((8000).to_bytes(4, "little"), (1).to_bytes(4, "little"), 1), "low.wav")
    for read in (audio.load, lambda *arguments: next(audio.stream(*arguments))):
        with pytest.raises(AudioError) as error:
            read(path, RATE, 2)
        assert str(error.value) == (
            f'{path}: there is no channel 2: the file has 2, counted from 0. Use one of them, or "mix".'
        )
        with pytest.raises(AudioError, match=r"low\.wav: 1 Hz cannot be resampled to 16000 Hz: more than 256 times"):
            read(low, RATE)
        for recipe, kind in ((None, TypeError), (16000.5, TypeError), (0, ValueError), ([1], TypeError)):
            with pytest.raises(kind, match=r"`recipe` must be a kapre\.Recipe, a preset's name or a rate in whole Hz"):
                read(path, recipe)
        for rate in (None, 16000.5):
            with pytest.raises(ValueError, match="`recipe` must be one with a whole sample_rate"):
                read(path, kapre.Recipe(n_fft=256, sample_rate=rate))
        with pytest.raises(ValueError, match="`channel` must be"):
            read(path, RATE, -1)
    for seconds in (0, -1, float("nan")):
        with pytest.raises(ValueError, match="`chunk_seconds` must be seconds above 0, or None"):
            audio.stream(path, RATE, chunk_seconds=seconds)
    with pytest.raises(ValueError, match="`on_damage` must be one of 'raise', 'keep'"):
        audio.load(path, RATE, on_damage="ignore")
    with pytest.raises(TypeError, match=r"load has no argument 'sr'\. Use recipe\."):
        audio.load(path, sr=RATE)


def test_the_old_address_has_the_same_names():
    for name in kapre.corpus.audio.__all__:
        if name != "optional":
            assert getattr(kapre.corpus.audio, name) is getattr(audio, name)
    assert kapre.corpus.audio.optional("sys", "It") is sys
    assert kapre.corpus.AudioError is audio.AudioError


def test_loading_takes_no_keras(save):
    file = io.BytesIO()
    sf.write(file, noise(800, 2), 8000, format="WAV")
    code = "import sys\nfrom kapre_cli.errors import load_audio\n"
    code += f"print(load_audio().load({str(save(file.getvalue()))!r}, 'whisper').samples.shape)\n"
    code += "print([name for name in ('keras', 'jax', 'torch', 'tensorflow', 'pyarrow') if name in sys.modules])"
    result = python("-c", code)
    assert result.stdout.splitlines() == ["(1600,)", "[]"], result.stderr
