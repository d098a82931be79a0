"""Values of files that a recipe does not express: an error, never other numbers."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

import pytest

import kapre
from kapre.frontends import SourceError
from kapre.frontends.readers._reader import Settings

X = "FeatureExtractor"
REFUSED: list[tuple[dict[str, Any], str]] = [
    (
        {"feature_extractor_type": f"FunAsrNano{X}", "num_frames_lfr": 1},
        "`stride_lfr`.*num_frames_lfr=1.*received stride_lfr=6",
    ),
    ({"feature_extractor_type": f"Gemma3nAudio{X}", "padding_value": 1.0}, "`padding_value`.*received padding_value=1"),
]


@pytest.mark.parametrize(("config", "words"), REFUSED)
def test_fields_of_transformers(config: dict[str, Any], words: str) -> None:
    with pytest.raises(SourceError, match=f"(?s){words}"):
        kapre.Recipe.from_pretrained(config)


def test_the_bands_of_musicgen_are_those_of_num_chroma() -> None:
    config = {"feature_extractor_type": f"MusicgenMelody{X}", "feature_size": 24}
    assert kapre.Recipe.from_pretrained(config).n_chroma == 12
    assert kapre.Recipe.from_pretrained({**config, "num_chroma": 10}).n_chroma == 10


@pytest.mark.parametrize("field", ["n_fft: 401", "sample_rate: 11025\n    n_fft: 512"])
def test_odd_numbers_of_speechbrain(field: str, tmp_path: Path) -> None:
    path = tmp_path / "hyperparams.yaml"
    path.write_text(f"compute_features: !new:speechbrain.lobes.features.Fbank\n    {field}\n", encoding="utf-8")
    with pytest.raises(SourceError, match="must be even"):
        kapre.Recipe.from_pretrained(path)


def test_an_archive_with_two_configurations(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "model.nemo", "w") as archive:
        for bands in (64, 80):
            text = f"preprocessor:\n  features: {bands}\n".encode()
            entry = tarfile.TarInfo("model_config.yaml")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text))
    with pytest.raises(SourceError, match=r"holds model_config\.yaml twice"):
        kapre.Recipe.from_pretrained(tmp_path / "model.nemo")


def test_a_field_without_effect_in_a_recipe() -> None:
    """A reader that hands a value of the file to a field that is idle there would drop it in silence."""
    settings = Settings({"bands": 40}, "A reader", "file.json")
    bands = settings.integer("bands", of="n_mels")
    with pytest.raises(SourceError, match=r"`bands` must be left out.*filterbank='mel'.*received bands=40"):
        settings.finish(kapre.Recipe(), n_mels=bands)
