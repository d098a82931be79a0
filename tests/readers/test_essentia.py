"""The JSON files of Essentia's models: texts that follow those of its model zoo, written for the test."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kapre
from tests.clips import clip
from tests.conftest import to_numpy
from tests.readers.configurations import refused
from tests.references import REFERENCES


def model(algorithm: str, shape: list[int], **more: Any) -> dict[str, Any]:
    about = dict(name="a model", type="multi-class classifier", version="1", classes=["a", "b"], author="someone")
    about |= dict(description="what it does", release_date="2022-01-01", framework="tensorflow", link="somewhere")
    schema = dict(inputs=[dict(name="x", type="float", shape=shape)], outputs=[dict(name="y", type="float", shape=[2])])
    inference = dict(sample_rate=16000, algorithm=algorithm)
    return {**about, "schema": schema, "inference": inference, "citation": "someone", **more}


PUBLISHED = {
    "discogs-effnet-bs64-1": (model("TensorflowPredictEffnetDiscogs", [64, 128, 96]), "essentia_musicnn"),
    "msd-musicnn-1": (model("TensorflowPredictMusiCNN", [1, 187, 96]), "essentia_musicnn"),
    "danceability-musicnn-msd-2": (model("TensorflowPredictMusiCNN", [1, 187, 96], dataset={}), "essentia_musicnn"),
    "audioset-vggish-3": (model("TensorflowPredictVGGish", [1, 96, 64]), "essentia_vggish"),
    "mood_happy-audioset-vggish-1": (model("TensorflowPredictVGGish", [1, 96, 64]), "essentia_vggish"),
    "crepe-full-1": (model("TensorflowPredictCREPE", [1, 1024]), "crepe"),
}


def by_essentia(x: np.ndarray, known: str) -> np.ndarray:
    """Return the features in the chain of Essentia's algorithms, which cut frames with the default of FrameCutter."""
    import essentia

    essentia.log.infoActive = essentia.log.warningActive = False
    import essentia.streaming as chain

    size, hop, name = {
        "essentia_musicnn": (512, 256, "TensorflowInputMusiCNN"),
        "essentia_vggish": (400, 160, "TensorflowInputVGGish"),
    }[known]
    sound, cut, bands = chain.VectorInput(x), chain.FrameCutter(frameSize=size, hopSize=hop), getattr(chain, name)()
    pool = essentia.Pool()
    sound.data >> cut.signal
    cut.frame >> bands.frame
    bands.bands >> (pool, "bands")
    essentia.run(sound)
    return np.array(pool["bands"])


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_models_file_is_its_preset(name: str, tmp_path: Path) -> None:
    text, known = PUBLISHED[name]
    (tmp_path / f"{name}.json").write_text(json.dumps(text), encoding="utf-8")
    for source in (tmp_path, tmp_path / f"{name}.json", text):
        recipe = kapre.Recipe.from_pretrained(source)
        as_preset = dict(samples_multiple=1, pad_left=0, pad_right=0) if known != "crepe" else {}
        assert recipe.replace(**as_preset) == kapre.frontends.preset(known).recipe
    frontend = kapre.Frontend.from_pretrained(tmp_path)
    for size in (300, 1280, 1281, 8000):
        x = clip("music", size, 16000).astype("float32")
        got = to_numpy(frontend(x[None]))[0]
        wanted = REFERENCES[known].compute(x.astype("float64")) if known == "crepe" else by_essentia(x, known)
        assert got.shape == wanted.shape
        assert np.abs(got - wanted).max() <= 1e-3 * max(1.0, np.abs(wanted).max())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (model("TensorflowPredictMAEST", [1, 1876, 96]), "`algorithm` must be 'TensorflowPredictMusiCNN' or"),
        (model("TensorflowPredict2D", [64, 1280]), "takes the front end of the model that makes them"),
        (model("TensorflowPredictMusiCNN", [1, 187, 64]), "of 96 values in a frame"),
        (model("TensorflowPredictMusiCNN", [1, 187, 96], mel_bands=96), "Essentia has no field mel_bands=96"),
        (
            model("TensorflowPredictMusiCNN", [1, 187, 96])
            | {"inference": {"algorithm": "TensorflowPredictMusiCNN", "sample_rate": 44100}},
            "`sample_rate` must be 16000",
        ),
        (
            model("TensorflowPredictMusiCNN", [1, 187, 96])
            | {"inference": {"algorithm": "TensorflowPredictMusiCNN", "frame_size": 1024}},
            "no field frame_size=1024",
        ),
    ],
)
def test_anything_else_is_refused(text: dict[str, Any], words: str) -> None:
    refused(text, re.escape(words))


def test_other_json_files_of_a_folder_do_not_matter(tmp_path: Path) -> None:
    (tmp_path / "a_tokenizer.json").write_text("[" * 200 + "]" * 200, encoding="utf-8")
    (tmp_path / "b.json").write_text("not JSON", encoding="utf-8")
    refused(
        tmp_path,
        "none of its files describes a front end: a_tokenizer.json holds a list, no fields; b.json cannot be read",
    )
    (tmp_path / "z.json").write_text(json.dumps(model("TensorflowPredictVGGish", [1, 96, 64])), encoding="utf-8")
    assert kapre.Recipe.from_pretrained(tmp_path).changed_fields().items() >= {"pad_left": 200, "n_mels": 64}.items()
