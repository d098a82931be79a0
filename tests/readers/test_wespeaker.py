"""Files of WeSpeaker, against kaldi-native-fbank with NumPy for the mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kapre
from tests.conftest import BACKEND
from tests.readers.by_libraries import by_wespeaker
from tests.readers.configurations import SAMPLES, check, check_hostile, refused

FBANK = dict(num_mel_bins=80, frame_shift=10, frame_length=25, dither=1.0)


def data(fbank: Any = FBANK, **changes: Any) -> dict[str, Any]:
    """Return the contents of a file, with some fields of its data set changed."""
    return {"dataset_args": {"resample_rate": 16000, "fbank_args": fbank, **changes}}


def test_the_preset_has_the_fields_of_the_published_files() -> None:
    found = kapre.Recipe.from_pretrained(data())
    assert found.replace(dither=0.0) == kapre.Frontend.from_preset("wespeaker").recipe
    assert found.dither == 1.0


def test_both_names_of_a_file_and_what_is_ignored(tmp_path: Path) -> None:
    text = "dataset_args:\n  shuffle: True\n  s3prl_args: {layer: -1}\n  fbank_args: {num_mel_bins: 64, "
    for name in ("config.yaml", "train.yaml"):
        (tmp_path / name).write_text(f"{text}frame_shift: 10, frame_length: 25}}\n", encoding="utf-8")
        frontend = kapre.Frontend.from_pretrained(tmp_path)
        assert frontend.recipe.n_mels == 64
        assert frontend.recipe.dither == 1.0
        assert frontend.source is not None
        assert frontend.source.ignored["shuffle"] == "changes training only"
        assert frontend.source.ignored["s3prl_args"] == "belongs to another front end"
        assert frontend.source.honoured["fbank_args.num_mel_bins"] == 64
        (tmp_path / name).unlink()


def drawn(seed: int) -> tuple[int, dict[str, Any], dict[str, Any], bool]:
    """Return a rate, the fields of the bank, those of the statistics, and whether the mean is subtracted."""
    rng = np.random.default_rng(seed)
    choices: dict[str, tuple[Any, ...]] = dict(num_mel_bins=(23, 40, 64), frame_length=(20, 25, 32))
    choices |= dict(frame_shift=(8, 10, 12.5), dither=(0.0, 1.0))
    fbank = {name: values[int(rng.integers(len(values)))] for name, values in choices.items()}
    if rng.random() < 0.5:
        del fbank["dither"]
    moments, mean = (
        ({}, True),
        ({"cmvn": False, "cmvn_args": {"norm_var": True}}, False),
        ({"cmvn": True, "cmvn_args": {"norm_mean": False}}, False),
        ({"cmvn": True, "cmvn_args": {"norm_mean": True, "norm_var": False}}, True),
    )[seed % 4]
    return (8000, 16000)[int(rng.integers(2))], fbank, moments, mean


@pytest.mark.parametrize("seed", range(12))
def test_random_fields(seed: int) -> None:
    """Shapes on every backend; numbers on PyTorch."""
    rate, fbank, moments, mean = drawn(seed)
    recipe = kapre.Recipe.from_pretrained(data(fbank, resample_rate=rate, **moments))
    if BACKEND == "torch":
        check(recipe, lambda x: by_wespeaker(x, mean, rate, **fbank))
    assert recipe.output_shape(SAMPLES)[1] == fbank["num_mel_bins"]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (data({**FBANK, "planted_gain": 2.0}), "dataset_args: fbank_args: .*has no field planted_gain=2.0"),
        (data(planted_gain=2.0), "WeSpeaker \\(fbank\\) has no field planted_gain=2.0"),
        (data(cmvn_args={"planted": 1}), "cmvn_args: .*has no field planted=1"),
        (data(cmvn_args={"norm_var": True}), "`norm_var` must be False.*give normalize='mean_std'"),
        (data(cmvn_args=[1]), "`cmvn_args` must be a section"),
        (data(cmvn="yes"), "`cmvn` must be True or False"),
        (data(frontend="whisper_encoder"), "`frontend` must be 'fbank'; received frontend='whisper_encoder'"),
        (data(raw_wav=True), "`raw_wav` must be False"),
        (data([80]), "`fbank_args` must be a section"),
        (data({"num_mel_bins": 80}), "`frame_length` must be given"),
        (data({**FBANK, "frame_shift": 0.01}), "`frame_shift` must be at least one sample long"),
        (data({**FBANK, "num_mel_bins": 0}), "`num_mel_bins` must be a positive integer"),
        (data(resample_rate="16k"), "`resample_rate` must be a positive integer"),
        ({"dataset_args": {"cmvn": True}}, "`fbank_args` must be given"),
    ],
)
def test_what_cannot_be_expressed_is_named(source: dict[str, Any], words: str) -> None:
    refused(source, words)


def test_hostile_files(tmp_path: Path) -> None:
    python = "dataset_args: !!python/object/apply:os.system ['touch hacked']\n"
    new = "dataset_args: {fbank_args: !new:os.system {command: touch hacked}}\n"
    check_hostile(tmp_path / "config.yaml", python, new, "`fbank_args` must be a section")
