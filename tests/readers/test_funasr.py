"""Files of FunASR, against torchaudio's Kaldi, and NumPy for stacks and statistics."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kapre
from tests.conftest import BACKEND
from tests.readers.by_libraries import by_funasr
from tests.readers.configurations import SAMPLES, check, check_hostile, refused, statistics, texts

TEXTS = texts("funasr")


def mvn(mean: np.ndarray, deviation: np.ndarray) -> str:
    """Return the text of `am.mvn`."""
    size = len(mean)
    shift, scale = (" ".join(f"{value:.9g}" for value in each) for each in (-mean, 1.0 / deviation))
    return (
        f"<Nnet> \n<Splice> {size} {size} \n[ 0 ]\n"
        f"<AddShift> {size} {size} \n<LearnRateCoef> 0 [ {shift} ]\n"
        f"<Rescale> {size} {size} \n<LearnRateCoef> 0 [ {scale} ]\n</Nnet> \n"
    )


PUBLISHED: dict[str, dict[str, Any]] = {
    "paraformer_zh": dict(lfr_m=7, lfr_n=6),
    "sensevoice_small": dict(lfr_m=7, lfr_n=6),
    "fsmn_vad": dict(lfr_m=5, lfr_n=1),
    "paraformer_online": dict(lfr_m=7, lfr_n=6),
    "uniasr_8k": dict(lfr_m=7, lfr_n=6, fs=8000),
    "campplus": dict(window="povey", snip_edges=False, upsacle_samples=False),
}


def test_every_text_is_compared_or_refused() -> None:
    assert set(TEXTS) == {*PUBLISHED, "whisper"}


@pytest.mark.parametrize("with_statistics", [False, True], ids=["alone", "am.mvn"])
@pytest.mark.parametrize("name", PUBLISHED)
def test_published_files(name: str, with_statistics: bool, tmp_path: Path) -> None:
    fields = PUBLISHED[name]
    (tmp_path / "config.yaml").write_text(TEXTS[name].read_text(encoding="utf-8"), encoding="utf-8")
    moments = statistics(80 * fields.get("lfr_m", 1)) if with_statistics else None
    if moments is not None:
        (tmp_path / "am.mvn").write_text(mvn(*moments), encoding="utf-8")
    check(kapre.Recipe.from_pretrained(tmp_path), lambda x: by_funasr(x, moments, **fields))
    source = kapre.Frontend.from_pretrained(tmp_path).source
    assert source is not None
    words = "the shift and scale are those of am.mvn" if with_statistics else "there is no am.mvn"
    assert any(words in note for note in source.notes)


def test_the_preset_has_the_fields_of_the_published_file() -> None:
    found = kapre.Recipe.from_pretrained(TEXTS["paraformer_online"])
    assert found == kapre.Frontend.from_preset("paraformer").recipe


def test_another_front_end_is_refused_by_name() -> None:
    refused(
        TEXTS["whisper"], "`frontend` must be WavFrontend or WavFrontendOnline; received frontend='WhisperFrontend'"
    )


def drawn(seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    choices: dict[str, tuple[Any, ...]] = dict(
        fs=(8000, 16000), window=("hamming", "hanning", "povey", "rectangular"), n_mels=(23, 40, 80),
        frame_length=(20, 25, 32), frame_shift=(8, 10, 12.5), snip_edges=(True, False), upsacle_samples=(True, False),
    )  # fmt: skip
    found = {name: values[int(rng.integers(len(values)))] for name, values in choices.items()}
    size = int(rng.integers(1, 9))
    found |= dict(lfr_m=size, lfr_n=int(rng.integers(1, size + 1)))
    return {name: value for name, value in found.items() if rng.random() < 0.8 or name.startswith("lfr")}


@pytest.mark.parametrize("seed", range(20))
def test_random_fields(seed: int) -> None:
    """Shapes on every backend; numbers on PyTorch."""
    fields = drawn(seed)
    recipe = kapre.Recipe.from_pretrained({"frontend": "WavFrontend", "frontend_conf": fields})
    if BACKEND == "torch":
        check(recipe, lambda x: by_funasr(x, **fields))
    assert recipe.output_shape(SAMPLES)[1] == fields.get("n_mels", 80) * fields["lfr_m"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (dict(planted_gain=2.0), "FunASR \\(WavFrontend\\) has no field planted_gain=2.0"),
        (dict(window="kaiser"), "`window` must be"),
        (dict(lfr_m=1, lfr_n=6), "`lfr_n` must be 1 with lfr_m=1"),
        (dict(lfr_m=3, lfr_n=6), "`lfr_n` must be at most"),
        (dict(frame_shift=0), "`frame_shift` must be at least one sample long"),
        (dict(fs="16k"), "`fs` must be a positive integer"),
        (dict(cmvn_file="other.mvn"), "`cmvn_file` names the file 'other.mvn', which is not there"),
        (dict(cmvn_file="/etc/passwd"), "`cmvn_file` names the file '/etc/passwd', which is not there"),
        (dict(cmvn_file="../../etc/passwd"), "which is not there"),
        (dict(cmvn_file=3), "`cmvn_file` must be the name of a file"),
    ],
)
def test_what_cannot_be_expressed_is_named(fields: dict[str, Any], words: str) -> None:
    refused({"frontend": "WavFrontend", "frontend_conf": fields}, words)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (pickle.dumps([1.0]), "a pickle, which is never opened"),
        (b"", "an empty file without <AddShift> and <Rescale>"),
        (b"<Nnet>\n<AddShift> 2 2\n<LearnRateCoef> 0 [ 1 2 ]\n</Nnet>", "without <AddShift> and <Rescale>"),
        (mvn(*statistics(80)).encode(), "80 numbers, where a frame has 560 values"),
        (mvn(*statistics(560)).replace("[ -", "[ x", 1).encode(), "no number, but 'x"),
        (mvn(*statistics(560)).replace("[ -", "[ nan -", 1).encode(), "561 numbers"),
        (mvn(*statistics(560)).replace("<Splice>", "<AffineTransform>").encode(), "no shift and scale, but <Affine"),
    ],
)
def test_statistics_that_are_wrong(data: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(TEXTS["paraformer_zh"].read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "am.mvn").write_bytes(data)
    refused(tmp_path, words)


def test_hostile_files(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    python = "frontend: WavFrontend\nfrontend_conf: !!python/object/apply:os.system ['touch hacked']\n"
    new = "frontend: WavFrontend\nfrontend_conf: {n_mels: !new:os.system [touch hacked]}\n"
    check_hostile(path, python, new, "`n_mels` must be a positive integer")
    path.write_text(TEXTS["paraformer_zh"].read_text(encoding="utf-8"), encoding="utf-8")
    with open(tmp_path / "am.mvn", "wb") as file:
        file.truncate(2**30)
    refused(tmp_path, "1024 MiB")
