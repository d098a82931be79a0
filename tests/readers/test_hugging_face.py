"""Files of Hugging Face: each extractor of transformers with random fields, and real files' other fields."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kapre
from kapre.frontends import SourceError
from kapre.frontends.readers.hugging_face import EXTRACTORS as READ
from tests.clips import clip
from tests.conftest import BACKEND, to_numpy
from tests.frontends.agreement import LN
from tests.readers.extractors import EXTRACTORS, compute, draw, make
from tests.references._registry import transformers

pytestmark = pytest.mark.filterwarnings("ignore:.*filter bank bands hold no")
SAMPLES = 30011
SEEDS = range(20)
NOT_HERE = {"Pop2PianoFeatureExtractor"}
"""Those that need packages which are not installed."""


NOT_OF_SOUND = {"AutoFeatureExtractor", "SequenceFeatureExtractor", "MarkupLMFeatureExtractor"}


def test_every_extractor_of_sound_is_read() -> None:
    there = {name for name in dir(transformers()) if name.endswith("FeatureExtractor")}
    assert there - NOT_OF_SOUND == set(READ) == {*EXTRACTORS, *NOT_HERE}


@functools.cache
def case(name: str, seed: int) -> tuple[dict[str, Any], np.ndarray, np.ndarray]:
    """Return the fields that an extractor writes, a clip, and its features."""
    given = draw(name, seed)
    made = make(name, given)
    written = {**made.to_dict(), **{key: given[key] for key in EXTRACTORS[name].lost if key in given}}
    x = clip("speech", SAMPLES, made.sampling_rate)
    return written, x, compute(name, made, x)


@pytest.mark.parametrize("name", EXTRACTORS)
def test_random_fields(name: str) -> None:
    """Shapes on every backend; numbers on PyTorch."""
    how = EXTRACTORS[name]
    for seed in SEEDS:
        fields, x, expected = case(name, seed)
        recipe = kapre.Recipe.from_pretrained(fields)
        assert recipe.output_shape(SAMPLES) == expected.shape, (seed, fields)
        if BACKEND != "torch":
            continue
        y = to_numpy(kapre.Frontend(recipe)(x[None].astype("float32")))[0]
        inner = slice(0, len(y) - how.masked)
        error = np.abs(y - expected)[inner].max() * LN[how.unit] / np.max(np.abs(recipe.feature_scale))
        assert error <= 2e-3, (seed, error, fields)


@pytest.mark.parametrize("name", EXTRACTORS)
def test_one_on_every_backend(name: str) -> None:
    how = EXTRACTORS[name]
    fields, x, expected = case(name, 0)
    y = to_numpy(kapre.Frontend.from_pretrained(fields)(x[None].astype("float32")))[0]
    assert y.shape == expected.shape
    scale = np.max(np.abs(kapre.Recipe.from_pretrained(fields).feature_scale))
    assert np.abs(y - expected)[: len(y) - how.masked].max() * LN[how.unit] / scale <= 2e-3


@pytest.mark.parametrize("name", READ)
def test_a_planted_field_is_refused_by_name(name: str) -> None:
    with pytest.raises(SourceError, match=f"Hugging Face \\({name}\\) has no field planted_gain=2.0"):
        kapre.Recipe.from_pretrained({"feature_extractor_type": name, **needed(name), "planted_gain": 2.0})


def needed(name: str) -> dict[str, Any]:
    """Return fields whose defaults no recipe can express."""
    return {"end_on_pause": False} if name == "PocketTTSFeatureExtractor" else {}


@pytest.mark.parametrize("name", READ)
def test_every_field_is_taken_or_ignored_for_a_reason(name: str) -> None:
    source = kapre.Frontend.from_pretrained({"feature_extractor_type": name, **needed(name)}).source
    assert source is not None
    assert source.honoured
    assert all(source.ignored.values())
    assert source.reader == f"Hugging Face ({name})"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"feature_extractor_type": "WhisperFeatureExtractor", "hop_length": 0}, "`hop_length` must be a positive"),
        ({"feature_extractor_type": "WhisperFeatureExtractor", "hop_length": "x"}, "received hop_length='x'"),
        ({"feature_extractor_type": "WhisperFeatureExtractor", "hop_length": True}, "received hop_length=True"),
        ({"feature_extractor_type": "WhisperFeatureExtractor", "padding_side": "left"}, "must be 'right'"),
        ({"feature_extractor_type": "WhisperFeatureExtractor", "padding_value": 1.0}, "must be 0.0"),
        ({"feature_extractor_type": "WhisperFeatureExtractr"}, "Is it WhisperFeatureExtractor"),
        ({"feature_extractor_type": "ClapFeatureExtractor", "padding": "repeat"}, "'repeatpad' or 'pad'"),
        ({"feature_extractor_type": "ClapFeatureExtractor", "frequency_min": -1}, "`frequency_min` must be"),
        ({"feature_extractor_type": "Speech2TextFeatureExtractor", "normalize_means": False}, "normalize_vars"),
        ({"feature_extractor_type": "UnivNetFeatureExtractor", "center": True}, "`center` must be False"),
        ({"feature_extractor_type": "UnivNetFeatureExtractor", "win_length": 512}, "filter_length=1024"),
        ({"feature_extractor_type": "UnivNetFeatureExtractor", "compression_factor": 2.0}, "compression_factor"),
        ({"feature_extractor_type": "Gemma3nAudioFeatureExtractor", "preemphasis_htk_flavor": False}, "htk_flavor"),
        ({"feature_extractor_type": "Gemma3nAudioFeatureExtractor", "per_bin_mean": 3}, "a list of numbers"),
        ({"feature_extractor_type": "Gemma3nAudioFeatureExtractor", "per_bin_mean": [1.0, 2.0]}, "128"),
        ({"feature_extractor_type": "SeamlessM4TFeatureExtractor", "stride": 3}, "`stride` must be 1 or 2"),
        ({"feature_extractor_type": "NemotronAsrStreamingFeatureExtractor", "mel_filters_dtype": "bfloat16"}, "dtype"),
        ({"feature_extractor_type": "PocketTTSFeatureExtractor"}, "`end_on_pause` must be False"),
        ({"feature_extractor_type": "EncodecFeatureExtractor", "chunk_length_s": 1.0}, "chunk_length_s"),
        ({"feature_extractor_type": "EncodecFeatureExtractor", "feature_size": 2}, "takes one channel"),
        ({"feature_extractor_type": "GraniteSpeechFeatureExtractor", "melspec_kwargs": {"power": 1}}, "power=1"),
    ],
)  # fmt: skip
def test_what_cannot_be_expressed_is_named(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(SourceError, match=words) as raised:
        kapre.Recipe.from_pretrained(fields)
    assert "\n" not in str(raised.value)


WHISPER = {"feature_extractor_type": "WhisperFeatureExtractor", "feature_size": 128}


def test_a_processor_nests_it(tmp_path: Path) -> None:
    """transformers reads the processor's file first, if both are there."""
    (tmp_path / "preprocessor_config.json").write_text(json.dumps({**WHISPER, "feature_size": 40}))
    assert kapre.Recipe.from_pretrained(tmp_path).n_mels == 40
    (tmp_path / "processor_config.json").write_text(json.dumps({"processor_class": "WhisperProcessor"}))
    assert kapre.Recipe.from_pretrained(tmp_path).n_mels == 40
    (tmp_path / "processor_config.json").write_text(json.dumps({"feature_extractor": WHISPER, "processor_class": "X"}))
    assert kapre.Recipe.from_pretrained(tmp_path).n_mels == 128
    assert transformers().WhisperFeatureExtractor.from_pretrained(tmp_path).feature_size == 128
    assert kapre.Recipe.from_pretrained(tmp_path / "preprocessor_config.json").n_mels == 40


def test_what_is_computed_is_ignored_with_both_values() -> None:
    """Files of Whisper hold the bank and lengths, which transformers computes again whatever they are."""
    old = {**WHISPER, "mel_filters": [[0.0] * 128] * 201, "n_samples": 5, "nb_max_frames": 3000}
    source = kapre.Frontend.from_pretrained(old).source
    assert source is not None
    assert source.ignored["nb_max_frames"] == "computed from n_samples and hop_length"
    assert source.ignored["n_samples"] == "480000 is computed from chunk_length and sampling_rate instead"
    assert transformers().WhisperFeatureExtractor.from_dict(old).n_samples == 480000


def test_fields_of_an_image_processor_belong_to_it() -> None:
    fields = {"feature_extractor_type": "Gemma3nAudioFeatureExtractor", "image_mean": [0.5], "size": {"height": 768}}
    with pytest.raises(SourceError, match="image_mean"):
        kapre.Recipe.from_pretrained(fields)
    found = kapre.Frontend.from_pretrained({**fields, "image_processor_type": "SiglipImageProcessorFast"})
    assert found.recipe == kapre.Frontend.from_preset("gemma3n").recipe


def test_dither_is_honoured_with_a_note() -> None:
    found = kapre.Frontend.from_pretrained({**WHISPER, "dither": 1e-4})
    assert found.recipe.dither == 1e-4
    assert found.source is not None
    assert any("dither" in note for note in found.source.notes)


def test_lengths_in_milliseconds_become_samples() -> None:
    """Gemma's extractors take milliseconds and write samples."""
    fields = {"feature_extractor_type": "Gemma3nAudioFeatureExtractor", "frame_length": 320}
    assert kapre.Recipe.from_pretrained(fields).win_length == 320


def test_the_features_of_pop2piano() -> None:
    """Its extractor needs Essentia; its spectrum is that of transformers.audio_utils."""
    utils = transformers().audio_utils
    x = clip("music", SAMPLES, 22050)
    bank = utils.mel_filter_bank(2049, 512, 10.0, 11025.0, 22050, norm=None, mel_scale="htk")
    expected = utils.spectrogram(
        x, utils.window_function(4096, "hann"), 4096, 1024, power=2.0, pad_mode="reflect", mel_filters=bank
    )
    expected = np.log(np.clip(expected, 1e-6, None)).T
    found = kapre.Frontend.from_pretrained({"feature_extractor_type": "Pop2PianoFeatureExtractor"})
    assert np.abs(to_numpy(found(x[None].astype("float32")))[0] - expected).max() <= 2e-3


def test_an_odd_dft_with_bands_is_refused() -> None:
    with pytest.raises(SourceError, match="`n_fft` must be even; received n_fft=401"):
        kapre.Recipe.from_pretrained({"feature_extractor_type": "WhisperFeatureExtractor", "n_fft": 401})
