"""What is stored is what the layer gives: segments, slices, channels, files too long to be held; on every backend."""

from __future__ import annotations

import re
from pathlib import Path

import keras
import numpy as np
import pytest
import soundfile

import kapre
from kapre import audio, corpus
from kapre.corpus._compute import Computer
from tests.conftest import mostly_on, to_numpy
from tests.corpus.recordings import mono, sound, table, write_good

PRESET = "kaldi_fbank"
NOT_ON_JAX = mostly_on("tensorflow", "torch")
"""For what is the same code on every backend: JAX compiles for each recipe and length."""


@pytest.mark.parametrize(
    "name",
    ["kaldi_fbank", *(pytest.param(name, marks=NOT_ON_JAX) for name in ("whisper", "nemo", "vggish", "clap_unfused"))],
)
def test_clips_side_by_side(name: str) -> None:
    """Of any lengths, the shortest that holds a frame and equal ones among them."""
    recipe = kapre.frontends.preset(name).recipe
    rate, least = round(recipe.sample_rate or 0), recipe.least_samples()
    lengths = [least, least + 1, rate, rate, rate // 2 + least, 3 * rate + 7, rate + 1, rate, 2 * rate]
    clips = [sound(length, rate, 1, seed)[:, 0].astype("float32") for seed, length in enumerate(lengths)]
    computer = Computer(recipe)
    for clip, got in zip(clips, computer.features(clips), strict=True):
        right = to_numpy(computer.frontend(clip[None]))[0]
        assert got.shape == right.shape
        assert np.quantile(np.abs(got - right), 0.999) <= 5e-4 * max(1.0, np.ptp(right))
    assert computer.features([]) == []


def test_segments_of_a_recipe_of_fixed_length(tmp_path: Path) -> None:
    """Whisper's 30 s: a row for each, none trimmed, and the sound of all of them is the file's."""
    rate = 16000
    x = sound(round(75.5 * rate), rate, 1, 3)[:, 0].astype("float32")
    soundfile.write(tmp_path / "long.wav", x, rate, subtype="FLOAT")
    corpus.extract(tmp_path / "long.wav", tmp_path / "store", "whisper")
    rows = list(corpus.read(tmp_path / "store"))
    assert [(row.start, row.duration) for row in rows] == [(0.0, 30.0), (30.0, 30.0), (60.0, 15.5)]
    frontend = kapre.Frontend.from_preset("whisper")
    for row in rows:
        first = round(row.start * rate)
        right = to_numpy(frontend(x[None, first : first + row.n_samples]))[0]
        assert np.abs(row.features - right).max() <= 1e-4
    corpus.extract(tmp_path / "long.wav", tmp_path / "ten", PRESET, segment=10)
    assert [row.start for row in corpus.read(tmp_path / "ten")] == [10.0 * n for n in range(8)]
    for segment, words in ((40, "no longer than the recipe's clip of 30 s"), (0, "seconds from"), (True, "seconds")):
        with pytest.raises(ValueError, match=words):
            corpus.extract(tmp_path / "long.wav", tmp_path / "none", "whisper", segment=segment)


@pytest.fixture
def held_less(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a file of more than 5 s be one that is not held, and a piece of it 2 s long."""
    from kapre.corpus import _clips, _compute

    monkeypatch.setattr(_clips, "LIMIT", 80000)
    monkeypatch.setattr(_clips, "PIECE_SECONDS", 2.0)
    monkeypatch.setattr(_compute, "STREAM_SECONDS", 0.5)


@pytest.mark.usefixtures("held_less")
@pytest.mark.parametrize(
    ("name", "rate"),
    [
        ("kaldi_fbank", 44100),
        ("paraformer", 16000),
        *(pytest.param(name, rate, marks=NOT_ON_JAX) for name, rate in (("librosa_mel", 16000), ("vggish", 44100))),
    ],
)
def test_a_file_too_long_to_be_held(name: str, rate: int, tmp_path: Path) -> None:
    """It goes through a stream, and its rows put together are the whole clip's features."""
    soundfile.write(tmp_path / "long.wav", sound(11 * rate + 77, rate, 2, 5), rate, subtype="FLOAT")
    corpus.extract(tmp_path / "long.wav", tmp_path / "store", name)
    rows = list(corpus.read(tmp_path / "store"))
    assert [row.start for row in rows] == [2.0 * n for n in range(6)]
    recipe = kapre.frontends.preset(name).recipe
    samples = mono(tmp_path / "long.wav", round(recipe.sample_rate or 0))
    right = to_numpy(kapre.Frontend(recipe)(samples[None]))[0]
    axis = recipe.time_axis(right.ndim + 1) - 1
    got = np.concatenate([row.features for row in rows], axis=axis)
    assert got.shape == right.shape
    assert np.quantile(np.abs(got - right), 0.999) <= 1e-4 * np.ptp(right)
    assert abs(sum(row.n_samples for row in rows) - len(samples)) <= 1


@pytest.mark.usefixtures("held_less")
def test_long_files_of_recipes_that_need_the_whole_clip(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "long.wav", sound(176000, 16000, 1, 5), 16000, subtype="FLOAT")
    corpus.extract(tmp_path / "long.wav", tmp_path / "store", "nemo")
    (error,) = corpus.read(tmp_path / "store").errors()
    assert error.stage == "memory"
    assert "segment=SECONDS" in error.reason
    assert "normalize" in error.reason
    corpus.extract(tmp_path / "long.wav", tmp_path / "segments", "nemo", segment=4)
    frontend = kapre.Frontend.from_preset("nemo")
    x = audio.read(tmp_path / "long.wav").samples[:, 0]
    for row in corpus.read(tmp_path / "segments"):
        first = round(row.start * 16000)
        right = to_numpy(frontend(x[None, first : first + row.n_samples]))[0]
        assert np.abs(row.features - right).max() <= 1e-3
    assert len(corpus.read(tmp_path / "segments")) == 3
    cut = (tmp_path / "long.wav").read_bytes()
    (tmp_path / "cut.wav").write_bytes(cut[:-5000])
    corpus.extract(tmp_path / "cut.wav", tmp_path / "cut", PRESET)
    assert [error.stage for error in corpus.read(tmp_path / "cut").errors()] == ["decode"]
    assert len(corpus.read(tmp_path / "cut")) == 0


@pytest.mark.parametrize("long", [False, True])
def test_slices_channels_and_what_they_carry(long: bool, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if long:
        request.getfixturevalue("held_less")
    rate = 16000
    x = sound(10 * rate, rate, 2, 9).astype("float32")
    x[:, 1] *= 0.1
    soundfile.write(tmp_path / "two.wav", x, rate, subtype="FLOAT")
    lines = [
        '{"path": "two.wav", "start": 6.0, "duration": 1.5, "channel": 1, "text": "later"}',
        '{"path": "two.wav", "start": 0.5, "duration": 2.0, "text": "sooner"}',
        '{"path": "two.wav", "start": 9.0, "channel": 0, "text": "to the end"}',
        '{"path": "two.wav", "start": 9.0, "duration": 1.5, "text": "too long"}',
        '{"path": "two.wav", "start": 11, "text": "behind the end"}',
        '{"path": "two.wav", "start": 1, "duration": 1, "channel": 2, "text": "no such channel"}',
        '{"path": "two.wav", "duration": 10.0004, "channel": 0, "text": "rounded"}',
    ]
    lines = lines[:-1] if long else lines  # as long as the file is not to be held
    (tmp_path / "slices.jsonl").write_text("\n".join(lines) + "\n")
    corpus.extract(tmp_path / "slices.jsonl", tmp_path / "store", PRESET)
    found = {row.carried["text"]: row for row in corpus.read(tmp_path / "store")}
    frontend = kapre.Frontend.from_preset(PRESET)
    expected = {
        "later": x[6 * rate : round(7.5 * rate), 1],
        "sooner": x[rate // 2 : round(2.5 * rate)].mean(axis=1),
        "to the end": x[9 * rate :, 0],
        **({} if long else {"rounded": x[:, 0]}),
    }
    assert set(found) == set(expected)
    for text, samples in expected.items():
        right = to_numpy(frontend(samples[None]))[0]
        assert found[text].features.shape == right.shape
        assert np.abs(found[text].features - right).max() <= 1e-3
    assert found["later"].start == 6.0
    errors = corpus.read(tmp_path / "store").errors()
    assert sorted(error.stage for error in errors) == ["channel", "slice", "slice"]
    rows = table(tmp_path / "store").to_pylist()
    texts = [row["text"] for row in rows]
    assert len(texts) == len(set(texts)) == len(lines)


def test_one_channel_of_all(tmp_path: Path) -> None:
    x = sound(8000, 16000, 2, 9).astype("float32")
    soundfile.write(tmp_path / "two.wav", x, 16000, subtype="FLOAT")
    frontend = kapre.Frontend.from_preset(PRESET)
    for channel, samples in ((1, x[:, 1]), ("mix", x.mean(axis=1))):
        corpus.extract(tmp_path / "two.wav", tmp_path / f"store{channel}", PRESET, channel=channel)
        (row,) = corpus.read(tmp_path / f"store{channel}")
        assert np.abs(row.features - to_numpy(frontend(samples[None]))[0]).max() <= 1e-3
    with pytest.raises(ValueError, match='"mix" or a number'):
        corpus.extract(tmp_path / "two.wav", tmp_path / "none", PRESET, channel="left")


def test_half_precision_and_what_does_not_fit_it(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "tone.wav", sound(16000, 16000, 1, 2), 16000)
    corpus.extract(tmp_path / "tone.wav", tmp_path / "half", PRESET, dtype="f16")
    corpus.extract(tmp_path / "tone.wav", tmp_path / "full", PRESET)
    half, full = corpus.read(tmp_path / "half")[0].features, corpus.read(tmp_path / "full")[0].features
    assert (half.dtype, full.dtype) == (np.float16, np.float32)
    assert np.array_equal(half, full.astype("float16"))
    loud = kapre.frontends.preset(PRESET).recipe.replace(log=None)
    corpus.extract(tmp_path / "tone.wav", tmp_path / "power", loud, dtype="f16")
    (error,) = corpus.read(tmp_path / "power").errors()
    assert re.search(r"values up to \S+ do not fit float16; use dtype='float32'", error.reason)
    corpus.extract(tmp_path / "tone.wav", tmp_path / "segments", loud, dtype="f16", segment=0.25)
    assert [each.start for each in corpus.read(tmp_path / "segments").errors()] == [0.0, 0.25, 0.5, 0.75]


@pytest.mark.thorough
def test_a_cluster_computes_with_the_same_backend(tmp_path: Path) -> None:
    """Actors take the backend of the process that asks, and give its numbers."""
    paths = write_good(tmp_path / "recordings", 20)
    corpus.extract(paths, tmp_path / "local", "whisper", shard_size=5)
    corpus.extract(paths, tmp_path / "ray", "whisper", shard_size=5, engine="ray", workers=2)
    one, other = corpus.read(tmp_path / "local"), corpus.read(tmp_path / "ray")
    assert other.about["backend"] == keras.backend.backend()
    assert len(one) == len(other) == 20
    for a, b in zip(one, other, strict=True):
        assert (a.path, a.n_samples) == (b.path, b.n_samples)
        assert np.abs(a.features - b.features).max() <= 1e-5
