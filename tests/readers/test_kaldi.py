"""Files of options of Kaldi, against kaldi-native-fbank and torchaudio."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kapre
from tests.conftest import BACKEND
from tests.readers.by_libraries import by_knf, options_of
from tests.readers.configurations import SAMPLES, SCALE, by_torchaudio, check, refused, texts

TEXTS = texts("kaldi")


@pytest.mark.parametrize("name", TEXTS)
def test_published_files(name: str) -> None:
    text = TEXTS[name].read_text(encoding="utf-8")
    recipe = kapre.Recipe.from_pretrained(TEXTS[name])
    kind = "mfcc" if "mfcc" in name else "fbank"
    check(recipe, lambda x: by_knf(x, kind, options_of(text)))


def drawn(seed: int) -> tuple[str, dict[str, str]]:
    """Return random legal options of a kind of features."""
    rng = np.random.default_rng(seed)
    kind = ("fbank", "mfcc")[seed % 2]
    choices: dict[str, tuple[Any, ...]] = {
        "sample-frequency": (8000, 16000, 22050, 44100),
        "frame-length": (20, 25, 32),
        "frame-shift": (8, 10, 12.5),
        "window-type": ("povey", "hamming", "hanning", "rectangular", "blackman"),
        "preemphasis-coefficient": (0, 0.9, 0.97),
        "remove-dc-offset": ("true", "false"),
        "snip-edges": ("true", "false"),
        "num-mel-bins": (13, 23, 30),
        "low-freq": (0, 20, 64),
        "high-freq": (0, -200, 3500),
        "use-energy": ("true", "false"),
        "energy-floor": (0, 1),
    }
    if kind == "mfcc":
        choices |= {"num-ceps": (10, 13), "cepstral-lifter": (0, 22)}
    else:
        choices |= {"use-log-fbank": ("true", "false"), "use-power": ("true", "false"), "htk-compat": ("true", "false")}
    found = {name: str(values[int(rng.integers(len(values)))]) for name, values in choices.items()}
    return kind, {name: value for name, value in found.items() if rng.random() < 0.8}


@pytest.mark.parametrize("seed", range(20))
def test_random_options(seed: int, tmp_path: Path) -> None:
    """Shapes on every backend; numbers on PyTorch."""
    kind, options = drawn(seed)
    path = tmp_path / f"{kind}.conf"
    path.write_text("".join(f"--{name}={value}\n" for name, value in options.items()), encoding="utf-8")
    recipe = kapre.Recipe.from_pretrained(path)
    if BACKEND == "torch":
        check(recipe, lambda x: by_knf(x, kind, options))
    width = int(options.get("num-ceps", 13)) if kind == "mfcc" else int(options.get("num-mel-bins", 23))
    width += kind == "fbank" and options.get("use-energy") == "true"
    assert recipe.output_shape(SAMPLES)[1] == width


@pytest.mark.parametrize("options", [dict(round_to_power_of_two=False), dict(subtract_mean=True, window_type="sine")])
def test_options_that_kaldi_native_fbank_lacks(options: dict[str, Any]) -> None:
    given = {name.replace("_", "-"): value for name, value in options.items()}
    recipe = kapre.Recipe.from_pretrained({"num-mel-bins": 23, "use-power": True, **given})
    if options.get("window_type") == "sine":
        assert recipe.window_name == "sine_window"
        recipe = recipe.replace(window_name="hamming_window")
        options = {**options, "window_type": "hamming"}
    check(recipe, lambda x: by_torchaudio(SCALE * x, "fbank", num_mel_bins=23, **options))


def test_the_presets_have_the_options_of_their_files() -> None:
    found = kapre.Recipe.from_pretrained(TEXTS["librispeech_mfcc_hires"])
    assert found.replace(dither=0.0) == kapre.Frontend.from_preset("kaldi_mfcc_hires").recipe
    found = kapre.Recipe.from_pretrained(TEXTS["icefall_fbank"])
    assert found.replace(input_scale=1.0) == kapre.Frontend.from_preset("icefall").recipe


def test_a_model_folder_of_vosk(tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "ivector").mkdir()
    (tmp_path / "conf" / "mfcc.conf").write_text(TEXTS["vosk_small_en_mfcc"].read_text(encoding="utf-8"))
    (tmp_path / "conf" / "model.conf").write_text("--min-active=200\n--max-active=3000\n--beam=10.0\n")
    (tmp_path / "ivector" / "final.ie").write_bytes(b"\0B")
    found = kapre.Frontend.from_pretrained(tmp_path)
    assert found.recipe == kapre.Recipe.from_pretrained(TEXTS["vosk_small_en_mfcc"])
    assert found.source is not None
    assert found.source.reader == "Kaldi (mfcc)"
    assert any("ivector/final.ie" in note for note in found.source.notes)
    assert found.source.ignored["allow-downsample"]
    (tmp_path / "conf" / "online_cmvn.conf").write_text("--norm-vars=false\n")
    source = kapre.Frontend.from_pretrained(tmp_path).source
    assert source is not None
    assert any("conf/online_cmvn.conf" in note for note in source.notes)


def test_a_file_of_another_name(tmp_path: Path) -> None:
    path = tmp_path / "features_80.conf"
    path.write_text("--num-mel-bins=80\n--use_log_fbank=true\n")
    assert kapre.Recipe.from_pretrained(path).n_mels == 80
    path.write_text("--num-mel-bins=80\n")
    refused(path, "compute-fbank-feats or of compute-mfcc-feats. Name the file fbank.conf or mfcc.conf")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--planted-gain=2.0", "Kaldi \\(fbank\\) has no field planted-gain=2.0"),
        ("--num-ceps=13", "has no field num-ceps=13"),
        ("--num-mel-bins=x", "`num-mel-bins` must be a positive integer"),
        ("--window-type=kaiser", "`window-type` must be 'povey'"),
        ("--frame-shift=0", "`frame-shift` must be at least one sample long"),
        ("--high-freq=9000", "`high-freq` must be"),
        ("--vtln-warp=1.1", "`vtln-warp` must be 1"),
        ("--use-energy=maybe", "`use-energy` must be True or False"),
        ("--use-energy=true\n--raw-energy=false", "`raw-energy` must be True"),
        ("--window-type=blackman\n--blackman-coeff=0.5", "`blackman-coeff` must be 0.42"),
        ("--dither=nan", "`dither` must be a number, 0 or above"),
        ("num-mel-bins 40", "line 1: 'num-mel-bins 40' is no option of Kaldi"),
        ("--config=other.conf", "has no field config='other.conf'"),
        ("--sample-frequency=" + "9" * 5000, "sample-frequency"),
    ],
)
def test_what_cannot_be_expressed_is_named(line: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "fbank.conf"
    path.write_text(f"{line}\n", encoding="utf-8")
    refused(path, words)


def test_features_of_mfcc_that_have_the_energy_last() -> None:
    refused({"num-ceps": 13, "htk-compat": True}, "`htk-compat` must be false for MFCC")


def test_hostile_files(tmp_path: Path) -> None:
    path = tmp_path / "fbank.conf"
    path.write_bytes(b"\x80\x04\x95")
    refused(path, "a pickle, which is never opened")
    with open(path, "wb") as file:
        file.truncate(2**30)
    refused(path, "1024 MiB, where a configuration file has at most 16")
    path = tmp_path / "decode.conf"
    path.write_text("beam=13.0\n")
    refused(path, "a CONF file of no known format")
