"""Files of SpeechBrain, against speechbrain.lobes.features."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kapre
from tests.conftest import BACKEND
from tests.readers.by_libraries import SENTENCE, by_speechbrain
from tests.readers.configurations import SAMPLES, check, refused, texts

TEXTS = texts("speechbrain")
NO_NUMBERS = {"asr_crdnn_librispeech", "sepformer", "timit_deltas"}


PUBLISHED: dict[str, tuple[str, dict[str, Any] | None, dict[str, Any]]] = {
    "spkrec_ecapa": ("Fbank", SENTENCE, dict(n_mels=80)),
    "spkrec_xvect": ("Fbank", SENTENCE, dict(n_mels=24)),
    "lang_id_voxlingua": ("Fbank", SENTENCE, dict(n_mels=60)),
    "emotion_ecapa": ("Fbank", SENTENCE, dict(n_mels=80)),
    "vad_crdnn": ("Fbank", dict(norm_type="sentence"), dict(n_mels=40)),
    "mfcc_ctc": ("MFCC", None, dict(n_mels=40, n_mfcc=20, context=False)),
}


def test_every_text_is_compared_or_refused() -> None:
    assert set(TEXTS) == {*PUBLISHED, *NO_NUMBERS}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_files(name: str) -> None:
    kind, normalization, options = PUBLISHED[name]
    check(
        kapre.Recipe.from_pretrained(TEXTS[name]),
        lambda x: by_speechbrain(x, kind, normalization, **options),
    )


def test_the_preset_has_the_options_of_the_published_file() -> None:
    found = kapre.Frontend.from_pretrained(TEXTS["spkrec_ecapa"])
    assert found.recipe == kapre.Frontend.from_preset("speechbrain_ecapa").recipe
    assert found.source is not None
    assert found.source.reader == "SpeechBrain (Fbank)"
    assert found.source.honoured["mean_var_norm.std_norm"] is False
    assert "mean_var_norm_emb normalises embeddings, not features" in found.source.notes


def test_statistics_in_a_pickle_are_refused() -> None:
    refused(TEXTS["asr_crdnn_librispeech"], "`norm_type` must be 'sentence'.*Remove normalizer from the file")


def test_deltas_that_are_normalised_are_refused() -> None:
    refused(TEXTS["timit_deltas"], "`deltas` must be false with a normalisation of features")


def test_a_model_of_samples_has_no_front_end() -> None:
    refused(TEXTS["sepformer"], "no front end: no section is of speechbrain.lobes.features.Fbank")


def written(tmp_path: Path, kind: str = "Fbank", before: str = "", after: str = "", **options: Any) -> Path:
    path = tmp_path / "hyperparams.yaml"
    lines = "".join(f"    {name}: {value}\n" for name, value in options.items())
    path.write_text(f"{before}compute_features: !new:speechbrain.lobes.features.{kind}\n{lines}{after}")
    return path


def drawn(seed: int) -> tuple[str, dict[str, Any]]:
    rng = np.random.default_rng(seed)
    kind = ("Fbank", "MFCC")[seed % 2]
    choices: dict[str, tuple[Any, ...]] = dict(
        sample_rate=(8000, 16000, 22050), f_min=(0, 60), f_max=(3800, 4000), n_fft=(600, 1024), n_mels=(23, 40),
        win_length=(20, 25), hop_length=(8, 10, 12.5), deltas=(True, False),
    )  # fmt: skip
    if kind == "MFCC":
        choices |= dict(n_mfcc=(13, 20))
    found = {name: values[int(rng.integers(len(values)))] for name, values in choices.items()}
    kept = {name: value for name, value in found.items() if rng.random() < 0.8 or name == "n_fft"}
    return kind, kept | (dict(context=False) if kind == "MFCC" else {})


@pytest.mark.parametrize("seed", range(20))
def test_random_options(seed: int, tmp_path: Path) -> None:
    """Shapes on every backend; numbers on PyTorch."""
    kind, options = drawn(seed)
    recipe = kapre.Recipe.from_pretrained(written(tmp_path, kind, **options))
    if BACKEND == "torch":
        check(recipe, lambda x: by_speechbrain(x, kind, None, **options))
    width = options.get("n_mels", 40) if kind == "Fbank" else options.get("n_mfcc", 20)
    assert recipe.output_shape(SAMPLES)[1] == width * (3 if options.get("deltas", kind == "MFCC") else 1)


def test_arithmetic_of_references(tmp_path: Path) -> None:
    before = "rate: 16000\nsizes:\n    fft: 512\n"
    path = written(
        tmp_path, before=before, f_max="!ref <rate> // 2 - 100", n_fft="!ref <sizes[fft]>", sample_rate=16000,
        n_mels="!ref 2 ** 3 * 10 % 64 + 4 ** 0.5 ** 2 // 1",
    )  # fmt: skip
    recipe = kapre.Recipe.from_pretrained(path)
    assert (recipe.f_max, recipe.n_fft, recipe.n_mels) == (7900.0, 512, int(2**3 * 10 % 64 + 4**0.5**2 // 1))


NORMALIZATION = "speechbrain.processing.features.InputNormalization"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (dict(planted_gain=2.0), "SpeechBrain \\(Fbank\\) has no field planted_gain=2.0"),
        (dict(context=True), "`context` must be False"),
        (dict(filter_shape="gaussian"), "`filter_shape` must be 'triangular'"),
        (dict(requires_grad=True), "`requires_grad` must be False"),
        (dict(hop_length=0), "`hop_length` must be at least one sample long"),
        (dict(win_length=50), "`win_length` must be at most n_fft=400 samples long"),
        (dict(n_mels="!ref <nothing>"), "is no value, nor a reference to one"),
        (dict(n_mels="!ref <seed> ** 9"), "`n_mels` must be at most 16384"),
        (dict(n_mels="!ref <seed> ** 99"), "is no value, nor a reference to one"),
        (dict(n_mels="!ref 9 ** 64 ** 64"), "is no value, nor a reference to one"),
        (dict(n_mels="!ref (9 ** 64) ** 64"), "is no value, nor a reference to one"),
        (dict(n_mels="!ref (0 - 2) ** 0.5"), "`n_mels` must be a positive integer|is no value, nor a reference"),
        (dict(n_mels="!ref __import__('os').getcwd()"), "is no value, nor a reference to one"),
        (dict(n_mels="!new:os.system [touch hacked]"), "is no value, nor a reference to one"),
        (dict(n_mels="!apply:os.system [touch hacked]"), "is no value, nor a reference to one"),
        (dict(n_mels="!!python/object/apply:os.system ['touch hacked']"), "no YAML"),
        (dict(after=f"norm: !new:{NORMALIZATION}\n    norm_type: batch\n"), "depend on the other clips of its batch"),
        (dict(after=f"norm: !new:{NORMALIZATION}\n    norm_type: speaker\n"), "does not know the speaker of a clip"),
        (
            dict(after=f"norm: !new:{NORMALIZATION}\n    norm_type: utt\n"),
            "SpeechBrain has 'sentence', 'global', 'speaker'",
        ),
        (
            dict(after=f"norm: !new:{NORMALIZATION}\n    norm_type: [a]\n"),
            "SpeechBrain has 'sentence', 'global', 'speaker'",
        ),
        (dict(after=f"norm: !new:{NORMALIZATION}\n    std_norm: False\n"), "takes 'global' where it is left out"),
        (
            dict(after=f"norm: !new:{NORMALIZATION}\n    norm_type: sentence\n    epsilon: 0.5\n"),
            "`epsilon` must be at most 1e-06, below the deviation of any band with sound; received epsilon=0.5",
        ),
        (dict(after=f"norm: !new:{NORMALIZATION}\n    norm_type: sentence\n    gain: 2\n"), "no field gain=2"),
        (dict(after=f"norm: !new:{NORMALIZATION}\nother: !new:{NORMALIZATION}\n"), "several sections normalise"),
    ],
)
def test_what_cannot_be_expressed_is_named(
    options: dict[str, Any], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    refused(written(tmp_path, before="seed: 1234\n", **options), words)
    assert os.listdir(tmp_path) == ["hyperparams.yaml"]


def test_an_epsilon_without_a_deviation_has_no_effect(tmp_path: Path) -> None:
    after = f"norm: !new:{NORMALIZATION}\n    norm_type: sentence\n    std_norm: False\n    epsilon: 0.5\n"
    found = kapre.Frontend.from_pretrained(written(tmp_path, after=after))
    assert found.recipe.normalize == "mean"
    assert found.source is not None
    assert found.source.ignored["norm.epsilon"] == "has no effect without std_norm"


def test_other_features_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "hyperparams.yaml"
    path.write_text("compute_features: !new:speechbrain.lobes.features.Leaf\n    out_channels: 40\n")
    refused(path, "`compute_features` must be .*received '!new:speechbrain.lobes.features.Leaf'")
    path.write_text("compute_features: !new:speechbrain.lobes.features.Fbank [False, True]\n")
    refused(path, "the arguments must be named")


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    with open(tmp_path / "hyperparams.yaml", "wb") as file:
        file.truncate(2**30)
    refused(tmp_path, "1024 MiB, where a configuration file has at most 16")
