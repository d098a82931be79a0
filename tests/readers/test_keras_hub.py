"""Files of KerasHub's audio converters, against the feature extractors of transformers with the same fields.

KerasHub is not installed. Its documentation gives the fields and computations of Whisper's and Gemma 3n's converters,
which are those of transformers.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kapre
from tests.clips import clip
from tests.conftest import BACKEND
from tests.readers.configurations import features, refused, texts
from tests.readers.extractors import compute, draw, make

TEXTS = texts("keras_hub")
WHISPER = dict(num_mels=80, num_fft_bins=400, stride=160, sampling_rate=16000, max_audio_length=30)
GEMMA = "Gemma3nAudioFeatureExtractor"
SAMPLES = 30011
X = clip("speech", SAMPLES, 16000)


def file_of(converter: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Return what Keras writes for a converter of KerasHub."""
    dtype = {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}, "registered_name": None}
    config = {"name": "converter", "trainable": True, "dtype": dtype, **fields}
    registered = f"keras_hub>{converter}"
    return {"module": "keras_hub.src", "class_name": converter, "config": config, "registered_name": registered}


def of_gemma(fields: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Return an extractor of transformers, and its fields by the names of KerasHub's converter."""
    made = make(GEMMA, fields)
    kept = {name: value for name, value in made.to_dict().items() if name not in ("feature_extractor_type", "_")}
    lengths = {f"{name}_ms": 1000.0 * kept.pop(name) / made.sampling_rate for name in ("frame_length", "hop_length")}
    del kept["fft_length"]
    return made, {**kept, **lengths, "fft_overdrive": made.fft_length >= 2 * 512}


def by_whisper(given: dict[str, Any], x: np.ndarray) -> np.ndarray:
    """Return transformers' Whisper features with a frame in each row."""
    names = dict(num_mels="feature_size", num_fft_bins="n_fft", stride="hop_length", max_audio_length="chunk_length")
    fields = {names.get(name, name): value for name, value in given.items()}
    return compute("WhisperFeatureExtractor", make("WhisperFeatureExtractor", fields), x).T


def test_the_published_file_of_whisper(tmp_path: Path) -> None:
    (tmp_path / "audio_converter.json").write_text(TEXTS["whisper_tiny_multi"].read_text(encoding="utf-8"))
    (tmp_path / "config.json").write_text(json.dumps({"class_name": "WhisperBackbone", "config": {"num_mels": 80}}))
    found = kapre.Frontend.from_pretrained(tmp_path)
    assert found.source is not None
    assert found.source.reader == "KerasHub (WhisperAudioConverter)"
    assert found.recipe == kapre.frontends.preset("whisper").recipe.replace(layout="time_first")
    expected = by_whisper(WHISPER, X)
    y = features(found.recipe, X)
    assert y.shape == expected.shape == (3000, 80)
    assert np.abs(y - expected).max() <= 1e-3


@pytest.mark.parametrize("name", ["moonshine_base_en", "moonshine_tiny_en"])
def test_the_published_files_of_moonshine(name: str) -> None:
    found = kapre.Frontend.from_pretrained(TEXTS[name])
    assert found.recipe == kapre.Recipe(power=None, sample_rate=16000)
    np.testing.assert_array_equal(features(found.recipe, X), X.astype("float32"))
    assert found.source is not None
    assert "an axis of one channel" in " ".join(found.source.notes)


def drawn(seed: int) -> dict[str, Any]:
    """Return random legal arguments of WhisperAudioConverter."""
    rng = np.random.default_rng(seed)
    choices = dict(
        num_mels=(40, 80, 128), num_fft_bins=(320, 400, 512, 640), stride=(100, 160, 200), sampling_rate=(16000,),
        max_audio_length=(1, 2, 5),
    )  # fmt: skip
    found = {name: values[int(rng.integers(len(values)))] for name, values in choices.items()}
    return {name: value for name, value in found.items() if rng.random() < 0.8 or name == "max_audio_length"}


@pytest.mark.parametrize("seed", range(12))
def test_random_fields_of_whisper(seed: int) -> None:
    """Shapes on every backend; numbers on PyTorch."""
    given = drawn(seed)
    recipe = kapre.Recipe.from_pretrained(file_of("WhisperAudioConverter", given))
    expected = by_whisper(given, X)
    assert recipe.output_shape(SAMPLES) == expected.shape
    if BACKEND == "torch":
        assert np.abs(features(recipe, X) - expected).max() <= 1e-3, given


@pytest.mark.parametrize("seed", range(6))
def test_random_fields_of_gemma(seed: int) -> None:
    """Shapes on every backend; numbers on PyTorch."""
    made, fields = of_gemma(draw(GEMMA, seed))
    recipe = kapre.Recipe.from_pretrained(file_of("Gemma3nAudioConverter", fields))
    x = clip("speech", SAMPLES, made.sampling_rate)
    expected = compute(GEMMA, made, x)
    assert recipe.output_shape(SAMPLES) == expected.shape, fields
    if BACKEND == "torch":
        error = np.abs(features(recipe, x) - expected)[:-1].max() / np.max(np.abs(recipe.feature_scale))
        assert error <= 2e-3, fields


GEMMA_FIELDS = of_gemma({})[1]


@pytest.mark.parametrize(
    ("converter", "fields", "words"),
    [
        ("WhisperAudioConverter", {**WHISPER, "planted_gain": 2.0}, r"\(WhisperAudioConverter\) has no field planted_"),
        ("MoonshineAudioConverter", {"planted_gain": 2.0}, r"\(MoonshineAudioConverter\) has no field planted_gain"),
        ("Gemma3nAudioConverter", {**GEMMA_FIELDS, "planted_gain": 2.0}, r"Converter\) has no field planted_gain=2.0"),
        ("Gemma3nAudioConverter", {**GEMMA_FIELDS, "hop_length": 100}, "`hop_length` must be left out"),
        ("Gemma3nAudioConverter", {"feature_size": 128}, "`sampling_rate` must be given"),
        ("WhisperAudioConverter", {"num_fft_bins": 401}, "`num_fft_bins` must be even"),
        ("WhisperAudioConverter", {"sampling_rate": 8000}, "`sampling_rate` must be 16000"),
        ("WhisperAudioConverter", {"stride": 0}, "`stride` must be a positive integer"),
        ("WhisperAudioConverter", {"max_audio_length": 0.5}, "`max_audio_length` must be a positive integer"),
        ("WhisperAudioConverter", {"num_fft_bins": 10**8}, "`num_fft_bins` must be at most 1048576"),
        ("MoonshineAudioConverter", {"do_normalize": True}, "`do_normalize` must be False"),
        ("Gemma4AudioConverter", {"num_mels": 128}, "`class_name` must be 'WhisperAudioConverter' or"),
    ],
)
def test_what_cannot_be_expressed_is_named(converter: str, fields: dict[str, Any], words: str) -> None:
    refused(file_of(converter, fields), words)


def test_a_field_beside_the_config_is_refused() -> None:
    refused({**file_of("WhisperAudioConverter", WHISPER), "planted": 1}, "has no field planted=1")


def test_other_layers_are_of_no_known_format() -> None:
    refused(file_of("WhisperBackbone", WHISPER), "is of no known format")
    refused({"class_name": "WhisperAudioConverter", "config": [1]}, "is of no known format")


def test_hostile_files(tmp_path: Path) -> None:
    path = tmp_path / "audio_converter.json"
    for data, words in ((b"[" * 100_000, "nested too deep"), (b"\x80\x04\x95", "a pickle, which is never opened")):
        path.write_bytes(data)
        refused(tmp_path, words)
    path.write_text(json.dumps(file_of("WhisperAudioConverter", {**WHISPER, "num_mels": float("inf")})))
    refused(tmp_path, "`num_mels` must be a positive integer")
    with open(path, "wb") as file:
        file.truncate(2**30)
    refused(tmp_path, "1024 MiB")
