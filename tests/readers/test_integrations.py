"""Feature extractors and audio converters: in pipelines of transformers, in batches, saved, given what is wrong."""

from __future__ import annotations

import copy
import json
import pickle
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import kapre
from kapre.frontends import SourceError
from kapre.integrations import FeatureExtractor, as_audio_converter
from tests.clips import clip
from tests.conftest import BACKEND, mostly_on, relative_error, to_numpy
from tests.references._registry import transformers

RATE = 16000
on_torch = mostly_on("torch")
"""For tests with a model of transformers, which is PyTorch's on every backend."""


@pytest.fixture(autouse=True, scope="module")
def _library() -> Any:
    """Import transformers as the references do."""
    return transformers()


def speech(samples: int) -> np.ndarray:
    return clip("speech", samples, RATE).astype("float32")


def whisper() -> tuple[Any, Any]:
    """Return a small Whisper with random weights, and a tokenizer of bytes."""
    import torch

    library = transformers()
    special = [
        "<|endoftext|>",
        "<|startoftranscript|>",
        "<|en|>",
        "<|transcribe|>",
        "<|translate|>",
        "<|notimestamps|>",
    ]
    tokens = {chr(33 + index): index for index in range(58)}
    tokens |= {name: 58 + index for index, name in enumerate(special)}
    tokenizer = library.WhisperTokenizer(vocab=tokens, merges=[], pad_token=special[0])
    config = library.WhisperConfig(
        vocab_size=64,
        d_model=16,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=16,
        decoder_ffn_dim=16,
        max_source_positions=100,
        max_target_positions=16,
        num_mel_bins=40,
        pad_token_id=58,
        bos_token_id=58,
        eos_token_id=58,
        decoder_start_token_id=59,
        init_std=0.5,
    )
    torch.manual_seed(0)
    return library.WhisperForConditionalGeneration(config).eval(), tokenizer


def pipeline(task: str, **parts: Any) -> Any:
    return transformers().pipeline(task, device="cpu", **parts)


@on_torch
@pytest.mark.filterwarnings("ignore")
def test_speech_recognition_with_a_small_whisper() -> None:
    model, tokenizer = whisper()
    theirs = transformers().WhisperFeatureExtractor(feature_size=40, chunk_length=2)
    recipe = kapre.frontends.preset("whisper").recipe.replace(n_mels=40, fixed_samples=2 * RATE)
    words = dict(max_new_tokens=6, num_beams=1)
    clips = [speech(n) for n in (20011, 2 * RATE)]
    texts = []
    for extractor in (theirs, FeatureExtractor(recipe)):
        made = pipeline("automatic-speech-recognition", model=model, tokenizer=tokenizer, feature_extractor=extractor)
        found = [made(x, generate_kwargs=words) for x in clips]
        found += made(clips, batch_size=2, generate_kwargs=words)
        texts.append([each["text"] for each in found])
    assert texts[0] == texts[1]
    assert any(texts[0])


@on_torch
@pytest.mark.filterwarnings("ignore")
def test_audio_classification_with_a_small_ast() -> None:
    import torch

    library = transformers()
    theirs = library.ASTFeatureExtractor(num_mel_bins=40, max_length=64)
    recipe = kapre.frontends.preset("ast").recipe.replace(n_mels=40, fixed_frames=64)
    config = library.ASTConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_length=64,
        num_mel_bins=40,
        num_labels=4,
        initializer_range=0.5,
    )
    torch.manual_seed(0)
    model = library.ASTForAudioClassification(config).eval()
    clips = [speech(n) for n in (8000, 20000)]
    scores = []
    for extractor in (theirs, FeatureExtractor(recipe, input_name="input_values")):
        made = pipeline("audio-classification", model=model, feature_extractor=extractor)
        found = [*made(clips), *made(clips, batch_size=2)]
        scores.append([{each["label"]: each["score"] for each in one} for one in found])
    for expected, got in zip(*scores, strict=True):
        assert list(got) == list(expected)
        np.testing.assert_allclose(list(got.values()), list(expected.values()), atol=1e-4)


def test_whispers_extractor_and_kapres_return_the_same() -> None:
    theirs = transformers().WhisperFeatureExtractor(chunk_length=2)
    ours = FeatureExtractor(kapre.frontends.preset("whisper").recipe.replace(fixed_samples=2 * RATE))
    assert (ours.sampling_rate, ours.n_samples, ours.chunk_length) == (RATE, theirs.n_samples, 2)
    assert (ours.feature_size, ours.hop_length, ours.padding_value) == (80, 160, 0.0)
    assert ours.model_input_names == theirs.model_input_names
    batch = [speech(n) for n in (16000, 20011, 40000)]
    calls: list[tuple[Any, dict[str, Any]]] = [
        (batch, {}),
        (batch, {"max_length": 24000}),
        (batch[2], {"truncation": False, "padding": "longest"}),
        (batch[1], {"pad_to_multiple_of": 48000}),
    ]
    for given, options in calls:
        options = {"sampling_rate": RATE, "return_tensors": "np", "return_attention_mask": True, **options}
        expected, got = theirs(given, **options), ours(given, **options)
        assert relative_error(got["input_features"], expected["input_features"]) < 1e-4
        np.testing.assert_array_equal(
            abs(got["attention_mask"].sum(1) - np.asarray(expected["attention_mask"]).sum(1)) <= 1, True
        )
        assert got["attention_mask"].shape == np.asarray(expected["attention_mask"]).shape


@pytest.mark.parametrize("name", ["kaldi_fbank", "nemo", "librosa_mel", "wav2vec2", "silero_vad", "ast", "whisper"])
def test_ragged_batches_are_their_clips(name: str) -> None:
    """Random lengths, in a random order: the numbers of the front end, for each clip alone."""
    frontend = kapre.Frontend.from_preset(name)
    extractor = FeatureExtractor(frontend)
    recipe, rate = frontend.recipe, extractor.sampling_rate
    rng = np.random.default_rng(sum(name.encode()))
    for _ in range(1 if BACKEND == "jax" else 3):
        clips = [rng.uniform(-0.5, 0.5, n).astype("float32") for n in rng.integers(1500, 9000, 3)]
        batch = extractor(clips, sampling_rate=rate, return_tensors="np", return_attention_mask=True)
        alone = extractor(clips, sampling_rate=rate, padding=False)
        key = extractor.model_input_names[0]
        assert key == ("input_values" if recipe.power is None else "input_features")
        for item, x in enumerate(clips):
            expected = to_numpy(frontend(x[None]))[0]
            own = batch[key][item][tuple(map(slice, expected.shape))]
            assert relative_error(own, expected) < 2e-4
            if recipe.fixed_samples is None:
                assert relative_error(alone[key][item], expected) < 2e-4
            if recipe.fixed_samples is None and recipe.fixed_frames is None:
                assert batch["attention_mask"][item].sum() == recipe.num_valid_entries(len(x))
                past = np.moveaxis(batch[key][item], recipe.time_axis(batch[key].ndim) - 1, 0)
                assert not past[recipe.num_frames(len(x)) :].any()


def test_lengths_in_samples() -> None:
    extractor = FeatureExtractor("kaldi_fbank")
    clips = [speech(n) for n in (4000, 9000)]
    frames = extractor.recipe.num_frames

    def shape(**options: Any) -> tuple[int, ...]:
        return extractor(clips, sampling_rate=RATE, return_tensors="np", **options)["input_features"].shape[:2]

    assert shape() == (2, frames(9000))
    assert shape(max_length=5000) == (2, frames(9000))
    assert shape(max_length=5000, truncation=True) == (2, frames(5000))
    assert shape(max_length=20000, padding="max_length") == (2, frames(20000))
    assert shape(pad_to_multiple_of=6000) == (2, frames(12000))
    assert shape(max_length=5000, truncation=True, pad_to_multiple_of=6000) == (2, frames(6000))
    np.testing.assert_array_equal(
        extractor(clips, max_length=4000, truncation=True, padding=False)["input_features"][1].shape,
        (frames(4000), 80),
    )


def test_what_clips_may_be() -> None:
    extractor = FeatureExtractor("kaldi_fbank")
    x = speech(6000)
    expected = extractor(x, return_tensors="np")["input_features"]
    assert expected.shape == (1, 36, 80)
    tensor = keras.ops.convert_to_tensor(x)
    for given in (x.tolist(), [x], (x.tolist(),), x[None], tensor, [tensor], x.astype("float64")):
        np.testing.assert_array_equal(extractor(given, return_tensors="np")["input_features"], expected)
    plain = extractor([x, x])
    assert isinstance(plain["input_features"], list)
    assert isinstance(plain, transformers().BatchFeature)
    assert plain["input_features"][1].shape == (36, 80)
    tensors = extractor(x, return_tensors="pt")
    assert type(tensors["input_features"]).__module__ == "torch"
    assert tuple(tensors["attention_mask"].shape) == (1, 36)


def test_features_of_several_calls_are_padded_together() -> None:
    """As a data collator does it."""
    extractor = FeatureExtractor("kaldi_fbank")
    clips = [speech(n) for n in (4000, 9000)]
    items = [{"input_features": extractor(x)["input_features"][0]} for x in clips]
    padded = extractor.pad(items, return_tensors="np")
    together = extractor(clips, return_tensors="np")
    assert relative_error(padded["input_features"], together["input_features"]) < 1e-4
    np.testing.assert_array_equal(padded["attention_mask"], together["attention_mask"])


def test_saved_and_loaded(tmp_path: Path) -> None:
    recipe = kapre.frontends.preset("clap_unfused").recipe.replace(n_mels=40, feature_shift=(0.5,) * 40)
    extractor = FeatureExtractor(recipe, input_name="input_values", return_attention_mask=True)
    extractor.save_pretrained(tmp_path)
    fields = json.loads((tmp_path / "preprocessor_config.json").read_text(encoding="utf-8"))
    assert fields == json.loads(extractor.to_json_string())
    assert fields["feature_extractor_type"] == "KapreFeatureExtractor"
    assert kapre.Recipe.from_pretrained(tmp_path) == recipe
    file = tmp_path / "preprocessor_config.json"
    made = [FeatureExtractor.from_pretrained(tmp_path), FeatureExtractor.from_json_file(file)]
    made += [FeatureExtractor.from_dict(fields), pickle.loads(pickle.dumps(extractor)), copy.deepcopy(extractor)]
    for again in made:
        assert isinstance(again, transformers().SequenceFeatureExtractor)
        assert again.to_dict() == extractor.to_dict()
    again = FeatureExtractor.from_pretrained(tmp_path, input_name="input_features", return_attention_mask=False)
    assert again.model_input_names == ["input_features"]
    assert FeatureExtractor.from_dict(fields, return_unused_kwargs=True, x=1)[1] == {"x": 1}


def test_the_file_of_a_published_model() -> None:
    theirs = transformers().SeamlessM4TFeatureExtractor()
    extractor = FeatureExtractor.from_pretrained(theirs.to_dict())
    assert extractor.recipe == kapre.Recipe.from_pretrained(theirs.to_dict())
    assert extractor.model_input_names == theirs.model_input_names


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"planted": 1.0}, "has no field planted=1.0"),
        ({"recipe": 3}, "`recipe` must be the fields of a recipe"),
        ({"recipe": {"kapre_recipe": 2, "n_ftt": 3}}, "`fields` must be fields of kapre.Recipe"),
        ({"input_name": "not a name"}, "`input_name` must be the name of an argument"),
    ],
)
def test_a_wrong_file(change: dict[str, Any], error: str) -> None:
    fields = {**FeatureExtractor("kaldi_fbank").to_dict(), **change}
    with pytest.raises(SourceError, match=error):
        FeatureExtractor.from_pretrained(fields)


def test_wrong_calls() -> None:
    extractor, x = FeatureExtractor("kaldi_fbank"), np.zeros(6000, "float32")
    fixed = FeatureExtractor(kapre.frontends.preset("whisper").recipe.replace(fixed_samples=4000))
    whole = np.zeros(6000, "int16")
    calls: list[tuple[FeatureExtractor, Any, dict[str, Any], str]] = [
        (extractor, x, {"sampling_rate": 8000}, "`sampling_rate` must be 16000, the rate of the front end; received"),
        (extractor, np.zeros((6000, 2), "float32"), {}, r"clips of one channel.*\(6000, 2\).*Mix its channels"),
        (extractor, [np.zeros((2, 6000), "float32")], {}, "clips of one channel"),
        (extractor, np.zeros((1, 6000, 2), "float32"), {}, "clips of one channel"),
        (extractor, [], {}, "at least one clip"),
        (extractor, 3.0, {}, "a clip of shape"),
        (extractor, whole, {}, "must be floating point.*pcm_to_float"),
        (extractor, x, {"padding": "all"}, "`padding` must be one of"),
        (extractor, x, {"truncation": True}, "`max_length` must be given with truncation=True"),
        (extractor, x, {"padding": "max_length"}, "`max_length` must be given with padding='max_length'"),
        (extractor, x, {"max_length": 0}, "`max_length` must be a positive integer"),
        (fixed, x, {"truncation": False}, "padding='longest' to keep clips whole"),
    ]
    for made, given, options, error in calls:
        with pytest.raises((ValueError, TypeError), match=error):
            made(given, **options)


def test_front_ends_that_no_extractor_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TypeError, match=r"must be a kapre.Frontend, a kapre.Recipe or the name of a preset"):
        FeatureExtractor(16000)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="without trained parts"):
        FeatureExtractor(kapre.Frontend.from_preset("kaldi_fbank", trainable_filterbank=True))
    with pytest.raises(ValueError, match="whose recipe has a sample_rate"):
        FeatureExtractor(kapre.Recipe(n_fft=512, power=2.0))
    extractor = FeatureExtractor("kaldi_fbank")
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ImportError, match=r"needs transformers: run `pip install 'kapre\[transformers\]'`"):
        extractor(np.zeros(6000, "float32"))


def test_an_audio_converter(tmp_path: Path) -> None:
    frontend = kapre.Frontend.from_preset("kaldi_fbank")
    converter = as_audio_converter(frontend)
    assert converter.sampling_rate == RATE
    assert converter.audio_shape() == (None, 80)
    x = np.stack([speech(6000), speech(6000)[::-1]])
    expected = to_numpy(frontend(x))
    assert relative_error(converter(x), expected) < 1e-6
    for given in (x[0], x[0].tolist(), keras.ops.convert_to_tensor(x[0])):
        assert relative_error(converter(given), expected[0]) < 1e-4
    y = to_numpy(converter(x, lengths=[6000, 4000]))
    assert not y[1, frontend.num_frames(4000) :].any()
    model = keras.Sequential([keras.Input((None,)), converter])
    model.save(tmp_path / "model.keras")
    assert relative_error(keras.saving.load_model(tmp_path / "model.keras")(x), expected) < 1e-6


def test_an_audio_converter_in_tf_data() -> None:
    import tensorflow as tf

    converter = as_audio_converter("kaldi_fbank")
    x = speech(6000)
    (y,) = tf.data.Dataset.from_tensors(x).map(converter)
    assert relative_error(np.asarray(y), to_numpy(converter(x))) < 1e-4


def test_an_audio_converter_keeps_trained_weights() -> None:
    frontend = kapre.Frontend.from_preset("kaldi_fbank", trainable_filterbank=True)
    frontend.set_weights([2.0 * weight for weight in frontend.get_weights()])
    x = speech(6000)[None]
    assert relative_error(as_audio_converter(frontend)(x), to_numpy(frontend(x))) < 1e-6
