"""Files of ESPnet, against librosa, with NumPy for statistics."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kapre
from kapre.frontends import SourceError
from tests.conftest import BACKEND
from tests.readers.by_libraries import by_espnet
from tests.readers.configurations import SAMPLES, check, check_hostile, refused, statistics, texts

pytestmark = pytest.mark.filterwarnings("ignore:.*filter bank bands hold no", "ignore:Empty filters")
TEXTS = texts("espnet")


OWSM = dict(n_fft=512, win_length=400, hop_length=160)
PUBLISHED: dict[str, dict[str, Any]] = {
    "librispeech_conformer": OWSM,
    "owsm": OWSM,
    "aishell_conformer": {},
    "vctk_tts": dict(synthesis=True, n_fft=2048, hop_length=300, win_length=1200, fs=24000),
    "ljspeech_tts": dict(synthesis=True, fs=22050, moments=None),
    "utterance_mvn": dict(n_fft=400, hop_length=160, htk=True, window="hamming", moments="mean_std"),
    "telephone_8k": dict(n_fft=256, hop_length=80, fs="8k", moments="mean"),
}


def test_every_text_is_compared_or_refused() -> None:
    assert set(TEXTS) == {*PUBLISHED, "s3prl"}


def written(folder: Path, mean: np.ndarray, deviation: np.ndarray, is_new: bool = True) -> None:
    """Write the file of statistics of ESPnet, or of its first versions."""
    count, squares = 1000, (deviation**2 + mean**2) * 1000
    if is_new:
        np.savez(folder / "feats_stats.npz", count=count, sum=mean * count, sum_square=squares)
        return
    both = np.stack([np.append(mean * count, count), np.append(squares, 0.0)])
    with open(folder / "feats_stats.npz", "wb") as file:
        np.save(file, both)


@pytest.mark.parametrize("is_new", [True, False], ids=["npz", "npy"])
@pytest.mark.parametrize("name", PUBLISHED)
def test_published_files(name: str, is_new: bool, tmp_path: Path) -> None:
    fields = dict(PUBLISHED[name])
    (tmp_path / "config.yaml").write_text(TEXTS[name].read_text(encoding="utf-8"), encoding="utf-8")
    if "moments" not in fields:
        refused(tmp_path, "`stats_file` names the file .*, which is not there")
        fields["moments"] = statistics(80)
        written(tmp_path, *fields["moments"], is_new)
    check(kapre.Recipe.from_pretrained(tmp_path), lambda x: by_espnet(x, **fields))


@pytest.mark.parametrize("name", ["exp/stats/feats_stats.npz", "./exp//stats/feats_stats.npz"])
@pytest.mark.parametrize("given", ["", "config.yaml"], ids=["folder", "file"])
def test_a_path_is_looked_up_before_its_last_part(given: str, name: str, tmp_path: Path) -> None:
    conf = f"{{frontend: default, frontend_conf: {{}}, normalize: global_mvn, normalize_conf: {{stats_file: {name}}}}}"
    (tmp_path / "config.yaml").write_text(conf, encoding="utf-8")
    (tmp_path / "exp" / "stats").mkdir(parents=True)
    (means, deviations), others = statistics(80), statistics(80, seed=1)
    written(tmp_path / "exp" / "stats", means, deviations)
    for _ in range(2):  # without and with another file of that name beside the configuration
        recipe = kapre.Recipe.from_pretrained(tmp_path / given)
        np.testing.assert_allclose(recipe.feature_shift, -means)
        written(tmp_path, *others)
    (tmp_path / "exp" / "stats" / "feats_stats.npz").unlink()
    np.testing.assert_allclose(kapre.Recipe.from_pretrained(tmp_path / given).feature_shift, -others[0])


@pytest.mark.parametrize("given", ["", "config.yaml"], ids=["folder", "file"])
def test_a_path_out_of_the_folder_is_not_looked_up(given: str, tmp_path: Path) -> None:
    written(tmp_path, *statistics(80))
    model = tmp_path / "model"
    (model / "exp").mkdir(parents=True)
    for name in ("../feats_stats.npz", "exp/../../feats_stats.npz", str(tmp_path / "feats_stats.npz"), "x" * 5000, "."):
        text = (
            f"{{frontend: default, frontend_conf: {{}}, normalize: global_mvn, normalize_conf: {{stats_file: {name}}}}}"
        )
        (model / "config.yaml").write_text(text, encoding="utf-8")
        with pytest.raises(SourceError, match=r"`stats_file` names the file .*, which is not there"):
            kapre.Recipe.from_pretrained(model / given)


def test_the_preset_has_the_fields_of_the_published_file() -> None:
    data = {"frontend": "default", "frontend_conf": {"fs": "16k"}, "normalize": None}
    assert kapre.Recipe.from_pretrained(data) == kapre.Frontend.from_preset("espnet").recipe


def test_a_file_of_funasr_is_read_by_funasr() -> None:
    for name, path in texts("funasr").items():
        if name == "whisper":
            refused(path, "`frontend` must be WavFrontend")
            continue
        source = kapre.Frontend.from_pretrained(path).source
        assert source is not None
        assert source.reader.startswith("FunASR")


def drawn(seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    n_fft = int(rng.choice([400, 512, 1024]))
    choices: dict[str, tuple[Any, ...]] = dict(
        fs=(16000, "16k", 22050, 24000), n_fft=(n_fft,), win_length=(None, 400), hop_length=(128, 160, 200),
        window=("hann", "hamming", "blackman", "bartlett", None), n_mels=(40, 80), fmin=(None, 60, 80),
        fmax=(None, 7000, 7600), htk=(True, False), center=(True, False), normalized=(True, False),
    )  # fmt: skip
    found = {name: values[int(rng.integers(len(values)))] for name, values in choices.items()}
    return {name: value for name, value in found.items() if rng.random() < 0.8}


@pytest.mark.parametrize("seed", range(20))
def test_random_fields(seed: int) -> None:
    """Shapes on every backend; numbers on PyTorch."""
    fields, synthesis = drawn(seed), seed % 3 == 0
    name = "feats_extract" if synthesis else "frontend"
    data = {name: "fbank" if synthesis else "default", f"{name}_conf": fields, "normalize": None}
    recipe = kapre.Recipe.from_pretrained(data)
    if BACKEND == "torch":
        check(recipe, lambda x: by_espnet(x, synthesis, **fields))
    assert recipe.output_shape(SAMPLES)[1] == fields.get("n_mels", 80)


def test_a_file_of_training_does_not_tell_its_normalisation() -> None:
    source = {"frontend": "default", "frontend_conf": {}}
    refused(source, "`normalize` must be .*; received normalize=None. This is a file of training")
    assert kapre.Recipe.from_pretrained({**source, "normalize": "utterance_mvn"}).normalize == "mean"


def data(normalize: Any = None, conf: Any = None, **fields: Any) -> dict[str, Any]:
    return {"frontend": "default", "frontend_conf": fields, "normalize": normalize, "normalize_conf": conf}


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (data(planted_gain=2.0), "ESPnet \\(default\\) has no field planted_gain=2.0"),
        (data("utterance_mvn", {"planted": 1}), "has no field planted=1"),
        (data("utterance_mvn", [1]), "has no field"),
        (data("utterance_mvn", dict(norm_means=False, norm_vars=True)), "`norm_vars` must be false without norm_means"),
        (data("other"), "`normalize` must be global_mvn, utterance_mvn or null"),
        (data("global_mvn", {}), "`stats_file` must be the name of a file"),
        (data("global_mvn", {"stats_file": "../../x.npz"}), "names the file '../../x.npz', which is not there"),
        (data(fs="fast"), "`fs` must be a number of Hz"),
        (data(fs=True), "`fs` must be a number of Hz"),
        (data(window="kaiser"), "`window` must be"),
        (data(onesided=False), "`onesided` must be True"),
        (data(apply_stft=False), "`apply_stft` must be True"),
        ({"feats_extract": "linear_spectrogram", "feats_extract_conf": {}}, "`feats_extract` must be 'fbank'"),
        (TEXTS["s3prl"], "`frontend` must be 'default'; received frontend='s3prl'"),
    ],
)
def test_what_cannot_be_expressed_is_named(source: Any, words: str) -> None:
    refused(source, words)


def objects(path: Path) -> None:
    np.savez(path, count=np.array([{}], dtype=object), sum=np.ones(80), sum_square=np.ones(80))


def bomb(path: Path) -> None:
    np.savez_compressed(path, count=1, sum=np.zeros(2**22), sum_square=np.ones(80))


def lying(path: Path) -> None:
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }".ljust(117) + b"\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (lambda path: path.write_bytes(pickle.dumps([1.0])), "a pickle, which is never opened, no array of NumPy"),
        (objects, "a pickle, which is never opened"),
        (bomb, "more than 16 MiB"),
        (lying, "an array \\(1000000000000,\\) of float64"),
        (lambda path: path.write_bytes(b"PK\x03\x04" + b"x" * 100), "no array of NumPy|a damaged archive"),
        (
            lambda path: np.savez(path, count=1, sum=np.ones(40), sum_square=np.ones(40)),
            "40 numbers, where a frame has",
        ),
        (lambda path: np.savez(path, other=1), "not finite|no statistics|1 numbers"),
        (lambda path: np.savez(path, count=0, sum=np.ones(80), sum_square=np.ones(80)), "not finite|no statistics"),
    ],
)
def test_statistics_that_are_wrong(write: Any, words: str, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(TEXTS["owsm"].read_text(encoding="utf-8"), encoding="utf-8")
    write(tmp_path / "feats_stats.npz")
    refused(tmp_path, words)


def test_hostile_files(tmp_path: Path) -> None:
    python = "frontend: default\nfrontend_conf: !!python/object/apply:os.system ['touch hacked']\n"
    new = "frontend: default\nnormalize: null\nfrontend_conf: {fs: !new:os.system [touch hacked]}\n"
    check_hostile(tmp_path / "config.yaml", python, new, "`fs` must be a number of Hz")
