"""Files of Coqui TTS, VITS and HiFi-GAN, against librosa, SciPy and torch.stft with the published formulas."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.signal

import kapre
from tests.conftest import BACKEND
from tests.readers.configurations import check, notes, refused, texts

# The flat files of HiFi-GAN have no room for a source. That of hificodec_24k is coqui-ai/TTS,
# TTS/tts/layers/naturalspeech2/hificodec/config_24k_320d.json.
COQUI, VITS, HIFIGAN = (texts(name) for name in ("coqui", "vits", "hifigan"))
AUDIO = dict(
    fft_size=1024, win_length=1024, hop_length=256, sample_rate=22050, preemphasis=0.0, ref_level_db=20,
    min_level_db=-100, num_mels=80, mel_fmin=0.0, mel_fmax=None, spec_gain=20.0, signal_norm=True,
    symmetric_norm=True, max_norm=4.0, clip_norm=True, log_func="np.log10", stft_pad_mode="reflect",
    do_sound_norm=False, do_rms_norm=False, db_level=None,
)  # fmt: skip


def by_coqui(x: np.ndarray, given: dict[str, Any], floor: float = 1e-5) -> np.ndarray:
    """Return the mel of Coqui's AudioProcessor as its documentation defines it, without the upper end of clip_norm."""
    import librosa

    f = {**AUDIO, **given}
    if "fft_size" not in given and "num_freq" in given:
        f["fft_size"] = 2 * (given["num_freq"] - 1)
    if f["do_sound_norm"]:
        x = x / np.abs(x).max() * 0.95
    if f["do_rms_norm"]:
        x = x * np.sqrt(len(x) * 10 ** (f["db_level"] / 10) / (x**2).sum())
    hop, win = f["hop_length"], f["win_length"]
    if given.get("frame_shift_ms"):
        hop = int(given["frame_shift_ms"] / 1000 * f["sample_rate"])
        win = hop * round(given["frame_length_ms"] / given["frame_shift_ms"])
    x = scipy.signal.lfilter([1.0, -f["preemphasis"]], [1.0], x)
    z = librosa.stft(x, n_fft=f["fft_size"], hop_length=hop, win_length=win, pad_mode=f["stft_pad_mode"])
    bank = librosa.filters.mel(
        sr=f["sample_rate"], n_fft=f["fft_size"], n_mels=f["num_mels"], fmin=f["mel_fmin"], fmax=f["mel_fmax"],
        dtype=np.float64,
    )  # fmt: skip
    log = np.log if f["log_func"] == "np.log" else np.log10
    y = f["spec_gain"] * log(np.maximum(floor, bank @ np.abs(z)))
    if not f["signal_norm"]:
        return y
    y = (y - f["ref_level_db"] - f["min_level_db"]) / -f["min_level_db"]
    low = -f["max_norm"] if f["symmetric_norm"] else 0.0
    y = (f["max_norm"] - low) * y + low
    return np.maximum(y, low) if f["clip_norm"] else y


def by_vocoder(x: np.ndarray, n_fft: int, hop: int, win: int, epsilon: float, mel: tuple[Any, ...] = ()) -> np.ndarray:
    """Return the magnitude of a reflected clip, or the logarithm of its mel for (rate, bands, low, high)."""
    import librosa
    import torch

    pad = (n_fft - hop) // 2
    wave = torch.tensor(np.pad(x, pad, mode="reflect"))
    z = torch.stft(
        wave, n_fft, hop, win, torch.hann_window(win, dtype=torch.float64), center=False, return_complex=True
    )
    y = np.sqrt(np.abs(z.numpy()) ** 2 + epsilon)
    if not mel:
        return y
    rate, bands, low, high = mel
    bank = librosa.filters.mel(sr=rate, n_fft=n_fft, n_mels=bands, fmin=low, fmax=high, dtype=np.float64)
    return np.log(np.maximum(bank @ y, 1e-5))


@pytest.mark.parametrize("name", [name for name in COQUI if name != "hifigan_ljspeech"])
def test_published_files_of_coqui(name: str, tmp_path: Path) -> None:
    text = COQUI[name].read_text(encoding="utf-8")
    (tmp_path / "config.json").write_text(text, encoding="utf-8")
    start = text.index("{", text.index('"audio"'))
    given = json.JSONDecoder().raw_decode(text[start:].replace('  // "sizes" in samples, http://', ""))[0]
    check(kapre.Recipe.from_pretrained(tmp_path), lambda x: by_coqui(x, given))


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (dict(signal_norm=False), "amin=1e-08"),
        (dict(log_func="np.log", spec_gain=1.0, signal_norm=False), "amin=1e-08"),
        (dict(min_level_db=-140, clip_norm=True), "amin=1e-06"),  # the lower end of clip_norm
    ],
)
def test_the_floor_of_another_version_is_noted(given: dict[str, Any], field: str) -> None:
    audio = {**AUDIO, **given, "do_trim_silence": False}
    source = {"model": "glow_tts", "audio": audio}
    assert f"that of earlier versions of Coqui, 1e-05; current versions have 1e-08: change it to {field}" in notes(
        source
    )
    name, value = field.split("=")
    recipe = kapre.Recipe.from_pretrained(source).replace(input_scale=1e-3)
    assert recipe.amin == 1e-5
    with pytest.raises(AssertionError):  # the clip has bands below the floor
        check(recipe, lambda x: by_coqui(1e-3 * x, audio, 1e-8), 2e-3)
    check(recipe.replace(**{name: float(value)}), lambda x: by_coqui(1e-3 * x, audio, 1e-8), 2e-3)


def test_a_floor_that_no_version_changes_is_not_noted() -> None:
    assert "earlier versions" not in notes({"model": "glow_tts", "audio": AUDIO})


def test_a_speaker_encoder_without_torchaudio_is_read() -> None:
    source = {"model": "speaker_encoder", "audio": AUDIO}
    without = {**source, "model_params": {"model_name": "lstm", "use_torch_spec": False}}
    assert kapre.Recipe.from_pretrained(without) == kapre.Recipe.from_pretrained(source)


def test_pickled_statistics_are_refused() -> None:
    refused(COQUI["hifigan_ljspeech"], r"`stats_path` must be null: a pickle is never opened")


if BACKEND == "torch":  # the recipes are the same on all backends, and others test their numbers

    @pytest.mark.parametrize("seed", range(20))
    def test_random_fields_of_coqui(seed: int) -> None:
        rng = np.random.default_rng(seed)

        def one(*values: Any) -> Any:
            return values[rng.integers(len(values))]

        rate = one(16000, 22050, 24000, 44100)
        given = dict(
            sample_rate=rate, fft_size=one(512, 1024, 2048), num_mels=one(40, 80, 100), mel_fmin=one(0.0, 50.0, 95.0),
            mel_fmax=one(None, 7600.0, 8000), preemphasis=one(0.0, 0.97, 0.98), spec_gain=one(1, 1.0, 20.0),
            log_func=one("np.log", "np.log10"), ref_level_db=one(0, 20), min_level_db=one(-100, -80.0),
            symmetric_norm=one(True, False), max_norm=one(1.0, 4.0), clip_norm=one(True, False),
            signal_norm=one(True, True, False), stft_pad_mode=one("reflect", "constant"), do_trim_silence=False,
        )  # fmt: skip
        given |= dict(hop_length=int(rng.integers(100, 400)), win_length=int(rng.integers(300, given["fft_size"])))
        if one(True, False):
            given |= dict(hop_length=None, win_length=None, frame_shift_ms=12.5, frame_length_ms=one(12.5, 25.0, 50.0))
            given["fft_size"] = 4096
        level = one({}, {"do_sound_norm": True}, {"do_rms_norm": True, "db_level": -27.0})
        given |= level
        recipe = kapre.Recipe.from_pretrained({"model": "glow_tts", "audio": given})
        check(recipe, lambda x: by_coqui(x, given), 2e-3)


def test_vits_of_coqui_takes_a_linear_spectrogram() -> None:
    audio = dict(
        fft_size=1024, win_length=1024, hop_length=256, sample_rate=22050, num_mels=80, mel_fmin=0, mel_fmax=None
    )
    found = kapre.Recipe.from_pretrained({"model": "vits", "audio": audio})
    assert found == kapre.frontends.preset("vits").recipe


@pytest.mark.parametrize("name", VITS)
def test_published_files_of_vits(name: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(VITS[name].read_text(encoding="utf-8"), encoding="utf-8")
    f = json.loads(VITS[name].read_text(encoding="utf-8"))["data"]
    sizes = f["filter_length"], f["hop_length"], f["win_length"]
    check(kapre.Recipe.from_pretrained(tmp_path), lambda x: by_vocoder(x, *sizes, 1e-6))
    assert "change it to magnitude_epsilon=1e-8 for its current models" in notes(tmp_path)


def test_a_posterior_encoder_of_mel_takes_mel() -> None:
    data = json.loads(VITS["ljs_base"].read_text(encoding="utf-8"))
    mel = (22050, 80, 0.0, None)
    for changed in (
        {"model": {"use_mel_posterior_encoder": True}},
        {"data": {**data["data"], "use_mel_spec_posterior": True}},
        {"data": {**data["data"], "use_mel_posterior_encoder": True}},
    ):
        recipe = kapre.Recipe.from_pretrained({**data, **changed})
        check(recipe, lambda x: by_vocoder(x, 1024, 256, 1024, 1e-6, mel))


def test_fields_that_leave_the_linear_spectrogram() -> None:
    data = json.loads(VITS["ljs_base"].read_text(encoding="utf-8"))
    plain = kapre.Recipe.from_pretrained(data)
    for more in (dict(use_mel_posterior_encoder=False), dict(unit_interpolate_mode="nearest")):
        found = kapre.Frontend.from_pretrained({**data, "data": {**data["data"], **more}})
        assert found.recipe == plain
        assert found.source is not None
        assert {*found.source.honoured, *found.source.ignored} >= {*more}
    for wrong in (dict(use_mel_posterior_encoder="yes"), dict(unit_interpolate_gain=2.0)):
        refused({**data, "data": {**data["data"], **wrong}}, next(iter(wrong)))


def test_samples_of_another_scale() -> None:
    data = json.loads(VITS["ljs_base"].read_text(encoding="utf-8"))
    data["data"]["max_wav_value"] = 1.0
    recipe = kapre.Recipe.from_pretrained(data)
    check(recipe, lambda x: by_vocoder(32768.0 * x, 1024, 256, 1024, 1e-6))


def test_glow_tts_takes_the_mel_of_tacotron() -> None:
    data = json.loads(VITS["ljs_base"].read_text(encoding="utf-8"))
    data["data"] |= dict(load_mel_from_disk=False, add_noise=True, cmudict_path="cmu", add_space=False, mel_fmax=8000.0)
    assert kapre.Recipe.from_pretrained(data) == kapre.frontends.preset("tacotron2").recipe
    assert "adds noise" in " ".join(kapre.Frontend.from_pretrained(data).source.notes)


@pytest.mark.parametrize("name", HIFIGAN)
def test_published_files_of_hifigan(name: str, tmp_path: Path) -> None:
    (tmp_path / "config_v1.json").write_text(HIFIGAN[name].read_text(encoding="utf-8"), encoding="utf-8")
    f = json.loads(HIFIGAN[name].read_text(encoding="utf-8"))
    mel = f["sampling_rate"], f["num_mels"], f["fmin"], f["fmax"]
    sizes = f["n_fft"], f["hop_size"], f["win_size"]
    check(kapre.Recipe.from_pretrained(tmp_path), lambda x: by_vocoder(x, *sizes, 1e-9, mel))


@pytest.mark.parametrize("seed", range(6))
def test_windows_shorter_than_the_dft_are_in_its_middle(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n_fft, hop = 2 ** int(rng.integers(9, 12)), int(rng.integers(100, 300))
    win = int(rng.integers(hop, n_fft))
    sizes = n_fft, hop, win
    hifigan = dict(n_fft=n_fft, hop_size=hop, win_size=win, num_mels=80, fmin=0, fmax=8000, sampling_rate=22050)
    check(kapre.Recipe.from_pretrained(hifigan), lambda x: by_vocoder(x, *sizes, 1e-9, (22050, 80, 0.0, 8000.0)))
    data = json.loads(VITS["ljs_base"].read_text(encoding="utf-8"))
    data["data"] |= dict(filter_length=n_fft, hop_length=hop, win_length=win)
    check(kapre.Recipe.from_pretrained(data), lambda x: by_vocoder(x, *sizes, 1e-6))
    audio = {**AUDIO, "fft_size": n_fft, "hop_length": hop, "win_length": win}
    check(kapre.Recipe.from_pretrained({"model": "vits", "audio": audio}), lambda x: by_vocoder(x, *sizes, 1e-6))


VOCODERS = ["hifigan", "bigvgan_24k_100band", "univnet", "cosyvoice2", "vits"]


@pytest.mark.parametrize("name", VOCODERS)
@pytest.mark.parametrize("sizes", [(1024, 256, 800), (1024, 300, 1024), (2048, 512, 1200), (1024, 240, 601)])
def test_a_preset_with_other_sizes_is_framed_as_the_code_of_vocoders(name: str, sizes: tuple[int, int, int]) -> None:
    n_fft, hop, win = sizes
    changed = dict(n_fft=n_fft, hop_length=hop, win_length=win)
    recipe = kapre.Frontend.from_preset(name, **changed).recipe
    mel = None if name == "vits" else (recipe.sample_rate, recipe.n_mels, recipe.f_min, recipe.f_max)
    alike = dict(feature_shift=0.0, feature_scale=1.0, amin=1e-5) if mel else {}
    check(recipe.replace(layout="band_first", **alike), lambda x: by_vocoder(x, *sizes, recipe.magnitude_epsilon, mel))
    own = kapre.Frontend.from_preset(name, **changed, window_placement="start", pad_left=7, pad_right=7).recipe
    assert (own.pad_left, own.pad_right, own.window_placement) == (7, 7, "start")


def test_other_presets_keep_their_framing() -> None:
    for name, changes in (
        ("inkling", dict(hop_length=400)),
        ("mt3", dict(win_length=1024)),
        ("whisper", dict(n_fft=512)),
    ):
        base = kapre.frontends.preset(name).recipe
        assert kapre.Frontend.from_preset(name, **changes).recipe == base.replace(**changes)
    base = kapre.frontends.preset("hifigan").recipe
    assert kapre.Frontend.from_preset("hifigan", n_mels=100).recipe == base.replace(n_mels=100)


IN_MS = dict(hop_length=None, frame_shift_ms=10, frame_length_ms=25)
SIZES = dict(n_fft=1024, hop_size=256, win_size=1024, sampling_rate=22050, num_mels=80)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"model": "glow_tts", "audio": {**AUDIO, "spectral_tilt": 2}}, "no field spectral_tilt=2"),
        ({"model": "glow_tts", "audio": {**AUDIO, "do_amp_to_db_mel": False}}, "`do_amp_to_db_mel` must be True"),
        ({"model": "glow_tts", "audio": {**AUDIO, "do_sound_norm": True, "do_rms_norm": True}}, "`do_rms_norm`"),
        ({"model": "glow_tts", "audio": {**AUDIO, "max_norm": 0}}, "`max_norm` must be a positive number"),
        ({"model": "xtts", "audio": {"sample_rate": 22050, "num_mels": 80}}, "`model` must be one of"),
        (
            {"model": "speaker_encoder", "model_params": {"use_torch_spec": True}, "audio": AUDIO},
            "`model_params.use_torch_spec` must be false; received .*torch.hamming_window",
        ),
        ({"model": "vits", "audio": {**AUDIO, "preemphasis": 0.97}}, "`preemphasis` must be 0.0"),
        ({"model": "glow_tts", "audio": {**AUDIO, **IN_MS}}, "`frame_length_ms` must be a multiple"),
        ({"data": dict(filter_length=1024, hop_length=256, sampling_rate=22050, tilt=1)}, "no field tilt=1"),
        ({**SIZES, "warp": 0.9}, "no field warp=0.9"),
        ({"audio": {"sample_rate": 16000, "num_mels": 80, "num_freq": 0.5, "signal_norm": True}}, "`num_freq` must be"),
    ],
)
def test_what_could_change_numbers_is_refused(source: dict[str, Any], words: str) -> None:
    refused(source, words)


def test_the_settings_of_a_hugging_face_folder_come_first(tmp_path: Path) -> None:
    whisper = {"feature_extractor_type": "WhisperFeatureExtractor", "feature_size": 128}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(whisper))
    (tmp_path / "config.json").write_text(COQUI["wavernn"].read_text(encoding="utf-8"))
    assert kapre.Recipe.from_pretrained(tmp_path).n_mels == 128


def test_comments_of_json(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    text = COQUI["wavernn"].read_text(encoding="utf-8")
    assert "//" in text
    path.write_text(text.replace('"batch_size"', '"url": "http://a//b", // "quoted"\n"batch_size"'), encoding="utf-8")
    assert kapre.Recipe.from_pretrained(path) == kapre.Recipe.from_pretrained(COQUI["wavernn"])
    path.write_text('{"audio": // nothing\n}', encoding="utf-8")
    refused(path, "no JSON")
