"""Configuration files as they are published, against the references of each format.

The first lines of a file name its repository, its path and its commit. Sections that describe no features are left out
of long files; what a reader steps over stays.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import kapre
from tests.readers.by_libraries import (
    SENTENCE,
    by_espnet,
    by_funasr,
    by_knf,
    by_nemo,
    by_speechbrain,
    by_wenet,
    by_wespeaker,
    cmvn,
    low_frame_rate,
    options_of,
)  # fmt: skip
from tests.readers.configurations import check, notes, refused, statistics

FOLDER = Path(__file__).parents[1] / "fixtures" / "published"
SOURCE = re.compile(
    r"# [\w.-]+/[\w.-]+: \S+\.(yaml|conf)\n# Commit [0-9a-f]{40}\.( Sections of other parts are left out\.)?\n"
)


def of(reader: str) -> dict[str, Path]:
    return {path.stem: path for path in sorted((FOLDER / reader).iterdir())}


def text(reader: str, name: str) -> str:
    return of(reader)[name].read_text(encoding="utf-8")


NEMO: dict[str, dict[str, Any]] = {
    "citrinet_512": dict(window_size=0.025, n_fft=512, features=80, pad_to=16),
    "titanet_large": dict(window_size=0.025, n_fft=512, features=80, pad_to=16),
    "streaming_sortformer_v2": dict(window_size=0.025, n_fft=512, features=128, pad_to=16),
    "speakernet": dict(window_size=0.02, n_fft=512, features=64, pad_to=16),
    "jasper_config": dict(window_size=0.02, n_fft=512, features=64, pad_to=16),
    "fastconformer_streaming": dict(window_size=0.025, n_fft=512, features=80, normalize=None),
    "marblenet_20ms": dict(window_size=0.025, n_fft=512, features=80, normalize=None, pad_to=2),
    "fastpitch_align": dict(
        sample_rate=22050, window_size=1024.5 / 22050, window_stride=256.5 / 22050, n_fft=1024, features=80,
        highfreq=8000, normalize=None, preemph=None, mag_power=1.0, log_zero_guard_value=1e-5,
    ),
    "conformer_ssl_22050": dict(
        sample_rate=22050, window_size=1024.5 / 22050, window_stride=256.5 / 22050, n_fft=1024, features=80,
        highfreq=8000, preemph=None, mag_power=1.0, log_zero_guard_value=1e-5, pad_to=16,
    ),
}  # fmt: skip
"""What the files say, in the words of the reference."""
SPEECHBRAIN: dict[str, tuple[dict[str, Any], dict[str, Any] | None]] = {
    "gsc_xvect": (dict(n_mels=24), SENTENCE),
    "voxceleb_verification_ecapa": (dict(n_mels=80), SENTENCE),
    "voxceleb_verification_plda": (dict(n_mels=24), SENTENCE),
    "voxceleb_verification_resnet": (dict(n_mels=80), SENTENCE),
    "commonlanguage_ecapa": (dict(n_mels=80), SENTENCE),
}
PICKLED = {"aishell_crdnn": 40, "libriparty_vad": 80, "best_rq_base": 80}
"""Files that normalise by statistics of training, with their bands."""
FUNASR: dict[str, dict[str, Any]] = {
    "aishell_paraformer": {},
    "llm_asr_nar": {},
    "cnceleb_resnet34": dict(window="povey"),
    "fsmn_kws": dict(n_mels=40, lfr_m=9, lfr_n=3),
    "fsmn_vad_runtime": dict(lfr_m=5, lfr_n=1),
    "fsmn_vad_streaming": dict(lfr_m=5, lfr_n=1),
    "monotonic_aligner": dict(lfr_m=7, lfr_n=6),
}
BANDS = dict(num_mel_bins=80)
WENET: dict[str, tuple[str, bool, dict[str, Any]]] = {
    "aishell_u2pp_conformer": ("fbank", True, BANDS),
    "gigaspeech_u2pp_conformer": ("fbank", True, BANDS),
    "timit_transformer": ("fbank", False, BANDS),
    "librispeech_w2v_pretrain": ("fbank", False, BANDS),
    "openasr2021_mfcc": ("mfcc", False, dict(num_mel_bins=40, num_ceps=40, low_freq=20, high_freq=-400)),
    "aishell_whisper_large_v3": ("log_mel_spectrogram", False, dict(num_mel_bins=128)),
}
"""The features of a file, whether it names statistics, and its fields."""
ESPNET: dict[str, dict[str, Any]] = {
    "aihub_conformer8": dict(n_fft=512, hop_length=256),
    "respin_conformer6": dict(n_fft=400, hop_length=160),
    "all_base": dict(n_fft=512, win_length=400, hop_length=160),
    "librispeech_transducer": dict(n_fft=512, hop_length=160),
    "librispeech_conformer6": dict(n_fft=512, hop_length=128),
    "owsm_v3.1": dict(n_fft=512, win_length=400, hop_length=160),
}
WESPEAKER: dict[str, dict[str, Any]] = {
    "voxceleb_resnet": BANDS,
    "voxceleb_resnet_uio": BANDS,
    "voxceleb_dino_ecapa": BANDS,
    "voxceleb_xi_vector": BANDS,
    "sre_campplus": BANDS,
    "voxceleb_redimnet": dict(num_mel_bins=72),
    "sre_resnet_8k": dict(num_mel_bins=64, rate=8000),
}
REFUSED = {
    ("nemo", "hifigan_44100"): "`exact_pad` must be false for NeMo 2.3 or later.*Add the nemo_version",
    ("nemo", "glow_tts"): "`stft_conv` must be False",
    ("nemo", "wav2vec"): "`_target_` must be one of .*received _target_='ConvFeatureEncoder'",
    ("kaldi", "aspire_fbank_bp"): "no field num-fft-bins=512",
    ("kaldi", "purewav2mxfeats_fbank"): "no field htk-mode='false'",
    ("kaldi", "aspire_pitch"): "the options of compute-kaldi-pitch-feats, which a recipe cannot express",
    ("kaldi", "swbd_s3_plp"): "the options of compute-plp-feats, which a recipe cannot express",
    ("speechbrain", "audiomnist_lfb"): "received '!new:speechbrain.lobes.features.LFB'",
    ("speechbrain", "timit_ligru_2020"): "a YAML file of no known format",
    ("funasr", "whisper"): "`frontend` must be WavFrontend",
    ("funasr", "alimeeting_sa_asr"): "received frontend='multichannelfrontend'",
    ("funasr", "paraformer_triton"): "a YAML file of no known format",
    ("wenet", "aishell_paraformer"): "`lfr_conf` must be given with input_layer: paraformer_dummy",
    ("wenet", "wekws_fsmn_ctc"): "no fields? .*context_expansion=True.*frame_skip=3",
    ("wenet", "wekws_mdtc"): "no fields? .*feature_extraction_conf",
    ("wenet", "aishell_s1_torchaudio"): "a YAML file of no known format",
    ("wespeaker", "voxceleb_wavlm_frozen"): "`frontend` must be 'fbank'; received frontend='s3prl'",
    ("wespeaker", "voxceleb_redimnet2"): "`frontend` must be 'fbank'; received frontend='tfmel'",
    ("wespeaker", "voxlingua_wavlm"): "`raw_wav` must be False.*The model takes samples",
    ("wespeaker", "voxceleb_deprecated_resnet"): "a YAML file of no known format",
    ("wespeaker", "cnceleb_resnet_uio"): "WeNet has no field train_scp=.*, musan_scp=",
    ("espnet", "french_s3prl"): "`frontend` must be 'default'; received frontend='default_s3prl'",
    ("espnet", "aishell_whisper"): "a YAML file of no known format",
}
KALDI = [name for name in of("kaldi") if ("kaldi", name) not in REFUSED]


def test_every_file_is_compared_or_refused_and_says_where_it_is_from() -> None:
    compared = {
        "nemo": {*NEMO, "matchboxnet"},
        "kaldi": set(KALDI),
        "speechbrain": {*SPEECHBRAIN, *PICKLED},
        "funasr": set(FUNASR),
        "wenet": {*WENET, "aishell_sensevoice_small"},
        "espnet": set(ESPNET),
        "wespeaker": set(WESPEAKER),
    }
    for reader, names in compared.items():
        assert len(names) >= 6
        assert set(of(reader)) == names | {name for other, name in REFUSED if other == reader}
    assert all(SOURCE.match(path.read_text(encoding="utf-8")) for path in FOLDER.rglob("*.*"))


@pytest.mark.parametrize(("reader", "name"), REFUSED)
def test_what_is_refused(reader: str, name: str) -> None:
    refused(of(reader)[name], REFUSED[reader, name])


@pytest.mark.parametrize("name", KALDI)
def test_kaldi(name: str) -> None:
    kind, options = "mfcc" if "mfcc" in name else "fbank", options_of(text("kaldi", name))
    check(kapre.Recipe.from_pretrained(of("kaldi")[name]), lambda x: by_knf(x, kind, options))


def of_version(path: Path, folder: Path, version: str) -> Path:
    """Write a file of NeMo as a model of some version has it."""
    made = folder / "model_config.yaml"
    made.write_text(f"{path.read_text(encoding='utf-8')}nemo_version: {version}\n", encoding="utf-8")
    return made


@pytest.mark.parametrize("name", NEMO)
def test_nemo_since_2_3_and_before(name: str, tmp_path: Path) -> None:
    path = of("nemo")[name]
    check(kapre.Recipe.from_pretrained(path), lambda x: by_nemo(x, False, **NEMO[name]), 2e-3)
    old = kapre.Recipe.from_pretrained(of_version(path, tmp_path, "1.23.0"))
    check(old, lambda x: by_nemo(x, True, **NEMO[name]), 2e-3)


def test_a_vocoder_of_nemo(tmp_path: Path) -> None:
    fields = dict(
        sample_rate=44100, window_size=2048.5 / 44100, window_stride=512.5 / 44100, n_fft=2048, features=80,
        normalize=None, preemph=None, mag_power=1.0, log_zero_guard_type="clamp", log_zero_guard_value=1e-5,
        exact_pad=True,
    )  # fmt: skip
    recipe = kapre.Recipe.from_pretrained(of_version(of("nemo")["hifigan_44100"], tmp_path, "1.10.0"))
    check(recipe, lambda x: by_nemo(x, True, **fields), 2e-3)


def test_mfcc_of_nemo() -> None:
    import torch

    from tests.references._registry import double, torchaudio

    def by_torchaudio(x: np.ndarray) -> np.ndarray:
        kwargs = dict(n_fft=512, win_length=400, hop_length=160, n_mels=64)
        with double():
            made = torchaudio().transforms.MFCC(16000, n_mfcc=64, log_mels=True, melkwargs=kwargs)
            return made(torch.tensor(x)).numpy()

    check(kapre.Recipe.from_pretrained(of("nemo")["matchboxnet"]), by_torchaudio, 2e-3)


@pytest.mark.parametrize("name", SPEECHBRAIN)
def test_speechbrain(name: str) -> None:
    options, normalization = SPEECHBRAIN[name]
    recipe = kapre.Recipe.from_pretrained(of("speechbrain")[name])
    check(recipe, lambda x: by_speechbrain(x, "Fbank", normalization, **options))


@pytest.mark.parametrize("name", PICKLED)
def test_speechbrain_after_the_remedy(name: str, tmp_path: Path) -> None:
    refused(of("speechbrain")[name], "`norm_type` must be 'sentence'.*Remove .* from the file, and give feature_shift")
    path, bands = tmp_path / "hyperparams.yaml", PICKLED[name]
    section = r"(?m)^\w+: !new:speechbrain\.processing\.features\.InputNormalization\n( .*\n)*"
    path.write_text(re.sub(section, "", text("speechbrain", name)), encoding="utf-8")
    means, deviations = statistics(bands)
    recipe = kapre.Frontend.from_pretrained(
        path, feature_shift=tuple(-means), feature_scale=tuple(1.0 / deviations)
    ).recipe
    check(recipe, lambda x: (by_speechbrain(x, "Fbank", None, n_mels=bands) - means) / deviations)


@pytest.mark.parametrize("name", FUNASR)
def test_funasr(name: str) -> None:
    path = of("funasr")[name]
    check(kapre.Recipe.from_pretrained(path), lambda x: by_funasr(x, **FUNASR[name]))
    assert "there is no am.mvn" in notes(path)


def with_statistics(path: Path, folder: Path, width: int) -> tuple[Path, tuple[np.ndarray, np.ndarray]]:
    """Copy a file of WeNet beside statistics of its features."""
    moments = statistics(width)
    (folder / "global_cmvn").write_text(cmvn(*moments), encoding="utf-8")
    return Path(shutil.copy(path, folder / "train.yaml")), moments


@pytest.mark.parametrize("name", WENET)
def test_wenet(name: str, tmp_path: Path) -> None:
    kind, names_statistics, fields = WENET[name]
    path, moments = of("wenet")[name], None
    if names_statistics:
        refused(path, "`cmvn_file` names the file .*, which is not there")
        path, moments = with_statistics(path, tmp_path, fields["num_mel_bins"])
    check(kapre.Recipe.from_pretrained(path), lambda x: by_wenet(x, kind, moments, **fields))


def test_stacks_of_wenet(tmp_path: Path) -> None:
    """SenseVoice and Paraformer take stacks of frames, which another section than that of the data describes."""
    path, moments = with_statistics(of("wenet")["aishell_sensevoice_small"], tmp_path, 560)

    def stacked(x: np.ndarray) -> np.ndarray:
        y = low_frame_rate(by_wenet(x, "fbank", window_type="hamming", **BANDS), 7, 6)
        return (y - moments[0]) / moments[1]

    check(kapre.Recipe.from_pretrained(path), stacked)
    assert "the stacks of lfr_conf are those of FunASR" in notes(path)
    data = {**yaml.safe_load(path.read_text(encoding="utf-8")), "cmvn": None}
    refused({**data, "lfr_conf": [7, 6]}, "`lfr_conf` must be a section")
    refused({**data, "lfr_conf": {"lfr_m": 7}}, "`lfr_conf.lfr_n` must be given")
    refused({**data, "lfr_conf": {"lfr_m": 7, "lfr_n": 6, "mode": "x"}}, "no field lfr_conf.mode='x'")


@pytest.mark.parametrize("name", WESPEAKER)
def test_wespeaker(name: str) -> None:
    path = of("wespeaker")[name]
    check(kapre.Recipe.from_pretrained(path), lambda x: by_wespeaker(x, **WESPEAKER[name]))
    assert ("no field resample_rate: 16000 is taken" in notes(path)) == (name == "voxceleb_resnet_uio")


@pytest.mark.parametrize("name", ESPNET)
@pytest.mark.filterwarnings("ignore:.*filter bank bands hold no", "ignore:Empty filters")
def test_espnet(name: str, tmp_path: Path) -> None:
    text = of("espnet")[name].read_text(encoding="utf-8")
    refused(of("espnet")[name], "This is a file of training: .*, or add `normalize: utterance_mvn`")
    path = tmp_path / "config.yaml"
    path.write_text(f"{text}\nnormalize: utterance_mvn\n", encoding="utf-8")
    check(kapre.Recipe.from_pretrained(path), lambda x: by_espnet(x, moments="mean", **ESPNET[name]))
    found = notes(path)
    for words in ("no field frontend: default is", "no field fs: 16000 is"):
        assert words in found
