"""Types: a checker takes what is right and refuses what is wrong, and an editor is told the names there are."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import typing
from pathlib import Path

import pytest

import kapre
from kapre import _arguments
from kapre.recipe import Recipe

ROOT = Path(__file__).resolve().parents[2]

USES = """
import kapre
from kapre.frontends import Frontend, preset

kapre.STFT(n_fft=512, name="stft", dtype="float32")
kapre.STFT(n_ftt=512)  # wrong
kapre.STFT(n_fft="512")  # wrong
kapre.Magnitude(powr=2.0)  # wrong
kapre.ApplyFilterbank("mel", {}, data_fromat="default")  # wrong
kapre.SpecAugment(5, 10, seeds=3)  # wrong
kapre.MuLawEncoding(256, input_shape=(16000, 1))
kapre.MuLawEncoding(256, quantisation=3)  # wrong
kapre.STFTTflite(n_ftt=512)  # wrong
kapre.get_melspectrogram_layer(n_mels=64, mel_f_max=4000.0)
kapre.get_melspectrogram_layer(n_mel=64)  # wrong
front: Frontend = kapre.Frontend.from_preset("whisper", n_mels=40, trainable_window=True, name="front")
kapre.Frontend.from_preset("whsper")  # wrong
kapre.Frontend.from_preset("f5_tts")
kapre.Frontend.from_preset("whisper", n_mel=40)  # wrong
kapre.Frontend.from_preset("whisper", n_mels="many")  # wrong
kapre.Frontend.from_preset("whisper", pad_mode="reflection")  # wrong
kapre.Frontend(front.recipe, trainable_filterbank=True)
kapre.Frontend(front.recipe, trainable_filter_bank=True)  # wrong
for name in kapre.list_presets():
    kapre.Frontend.from_preset(name)
recipe: kapre.Recipe = preset("any text").recipe.replace(n_mels=40, hop_length=None)
recipe.replace(n_mel=40)  # wrong
kapre.Recipe(n_fft=512, log="db")
kapre.Recipe(n_ftt=512)  # wrong
kapre.Recipe(log="decibel")  # wrong
kapre.compare.recipe(recipe, [0.0], [0.0]).found
kapre.export(front, "front.onnx").size
kapre.corpus.read("store").recipe
kapre.plot.spectrogram
kapre.deploy.FORMATS
extractor = kapre.integrations.FeatureExtractor("whisper", input_name="input_values")
extractor.recipe.n_mels
kapre.integrations.FeatureExtractor("whisper", input_nam="x")  # wrong
kapre.integrations.as_audio_converter(16000)  # wrong
kapre.integrations.nosuch  # wrong
kapre.nosuch  # wrong
kapre.MelSpectogram  # wrong
kapre.augmentation.nosuch  # wrong
kapre.time_frequency.nosuch  # wrong
kapre.frontends.nosuch  # wrong
kapre.corpus.nosuch  # wrong
kapre.deploy.nosuch  # wrong
kapre.compare.nosuch  # wrong
from kapre import nothing  # wrong
from kapre.corpus import nothing  # wrong
"""


def test_mypy_tells_right_from_wrong(tmp_path: Path) -> None:
    path = tmp_path / "uses.py"
    path.write_text(USES, encoding="utf-8")
    # The project's own settings and cache: what `make lint` has checked is not checked again.
    words = [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", "--no-error-summary", str(path)]
    result = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.stderr == ""
    # An error from the cache has the folder of an earlier run.
    said = [line.partition(f"{path.name}:")[2].split(":") for line in result.stdout.splitlines() if ": error:" in line]
    refused = {int(words[0]) for words in said if words[0].isdigit()}
    assert len(said) >= len(refused) > 0, result.stdout
    wrong = {number for number, line in enumerate(USES.splitlines(), 1) if line.endswith("# wrong")}
    assert refused == wrong, result.stdout


def test_the_names_that_checkers_know_are_those_there_are() -> None:
    assert list(typing.get_args(_arguments.PresetName)) == kapre.list_presets()
    assert list(typing.get_args(_arguments.PresetAlias)) == list(kapre.frontends.aliases())
    told = typing.get_type_hints(_arguments.RecipeFields)
    fields = dataclasses.fields(Recipe)
    assert list(told) == [field.name for field in fields]
    own = typing.get_type_hints(Recipe)
    for field in fields:
        assert told[field.name] in (own[field.name], own[field.name] | None), field.name


@pytest.mark.parametrize(
    "module",
    [kapre, kapre.audio, kapre.corpus, kapre.deploy, kapre.frontends, kapre.integrations],
    ids=lambda m: m.__name__,
)
def test_completion_offers_every_name(module: typing.Any) -> None:
    offered = dir(module)
    assert set(module.__all__) <= set(offered)
    if module is kapre:
        assert {"audio", "compare", "corpus", "deploy", "export", "integrations", "plot"} <= set(offered)
    assert all(hasattr(module, name) for name in offered)
    assert (Path(kapre.__file__).parent / "py.typed").is_file()
