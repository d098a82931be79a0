"""Recipes as the files of transformers' feature extractors."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

import kapre
from tests.clips import clip
from tests.conftest import to_numpy
from tests.references._registry import transformers

EXPRESSIBLE = {
    "ast": dict(n_mels=64, fixed_frames=500, feature_shift=0.0, feature_scale=1.0),
    "clap_fused": dict(n_mels=32, f_max=12000.0, hop_length=320),
    "clap_unfused": dict(fixed_by="zeros", fixed_samples=96000),
    "clvp": dict(n_mels=40),
    "cohere_asr": dict(preemphasis=0.9),
    "dac": dict(samples_multiple=320),
    "dots3_note": dict(n_mels=80),
    "fun_asr_nano": dict(stack=5, stack_hop=3),
    "gemma3n": dict(n_mels=64, amin=1e-3),
    "granite_speech": dict(n_mels=64),
    "inkling": dict(n_mels=40),
    "kaldi_fbank": dict(n_mels=40),
    "medasr": dict(n_mels=80, win_length=320),
    "mert": dict(normalize_samples=False),
    "musicgen_melody": dict(hop_length=2048),
    "nemotron_streaming": dict(hop_length=200),
    "phi4_multimodal": dict(f_min=20.0),
    "seamless_m4t": dict(n_mels=40),
    "speech2text": dict(normalize="mean"),
    "speecht5": dict(f_min=40.0),
    "univnet": dict(n_mels=80, f_max=8000.0),
    "vibevoice": dict(target_dbfs=-20.0),
    "voxtral_realtime": dict(range_top=2.0),
    "wav2vec2": dict(sample_rate=8000),
    "whisper": dict(n_mels=64, fixed_samples=80000, hop_length=200),
}


@pytest.mark.parametrize("name", EXPRESSIBLE)
def test_a_preset_and_a_changed_one_are_read_back(name: str) -> None:
    plain = kapre.frontends.preset(name).recipe
    for recipe in (plain, plain.replace(**EXPRESSIBLE[name])):
        config = recipe.to_transformers()
        found = kapre.Recipe.from_pretrained(json.loads(json.dumps(config)))
        for field in dataclasses.fields(kapre.Recipe):
            got, wanted = getattr(found, field.name), getattr(recipe, field.name)
            same = got == wanted if not isinstance(wanted, float) else got == pytest.approx(wanted, rel=1e-12)
            assert same, field.name


@pytest.mark.parametrize("name", ["ast", "clap_unfused", "granite_speech", "medasr", "speecht5", "univnet", "whisper"])
def test_transformers_makes_the_extractor_of_the_file(name: str, tmp_path: Path) -> None:
    recipe = kapre.frontends.preset(name).recipe.replace(**EXPRESSIBLE[name])
    config = recipe.to_transformers()
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(config), encoding="utf-8")
    made = transformers().AutoFeatureExtractor.from_pretrained(tmp_path)
    assert type(made).__name__ == config["feature_extractor_type"]
    rate = int(recipe.sample_rate or 0)
    x = clip("speech", 2 * rate, rate)
    source = dict(audio_target=x) if name == "speecht5" else dict(raw_speech=x)
    options = {} if name == "granite_speech" else dict(sampling_rate=rate, return_tensors="np")
    found = made(x, **options) if name == "granite_speech" else made(*source.values(), **options)
    if name == "speecht5":
        found = made(audio_target=x, **options)
    wanted = np.asarray(next(iter(found.values()))[0])
    wanted = wanted[0] if name == "clap_unfused" else wanted
    got = to_numpy(kapre.Frontend(recipe)(x[None].astype("float32")))[0]
    assert got.shape == wanted.shape
    assert np.abs(got - wanted).max() <= 2e-3 * max(1.0, np.abs(wanted).max())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("wespeaker", "FunAsrNanoFeatureExtractor, the nearest, cannot express input_scale=32768.0, normalize='mean'"),
        ("panns", "ClapFeatureExtractor, the nearest, cannot express fixed_samples=None"),
        ("nemo", "ParakeetFeatureExtractor, the nearest, cannot express layout='band_first'"),
    ],
)
def test_what_no_extractor_expresses_is_named(name: str, text: str) -> None:
    with pytest.raises(ValueError, match="no feature extractor of transformers has the numbers") as error:
        kapre.frontends.preset(name).recipe.to_transformers()
    assert text in str(error.value)
