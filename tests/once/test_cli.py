"""The command: what it prints, writes and returns, on good files and on every kind of bad one."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import keras
import librosa
import numpy as np
import pytest
import soundfile
import soxr
from rich.console import Console

import kapre
from kapre.frontends import preset
from kapre_cli import preview as preview_module
from tests.command import run
from tests.containers import encoded

ROOT = Path(__file__).resolve().parents[2]
BACKENDS = os.environ.get("KAPRE_TEST_BACKENDS", "jax").split()
RATE = 16000


def tone(seconds: float = 1.0, channels: int = 1, rate: int = RATE) -> np.ndarray:
    t = np.arange(round(seconds * rate)) / rate
    pitch = 440.0 * (1 + np.arange(channels))
    rng = np.random.default_rng(0)
    return 0.5 * np.sin(2 * np.pi * pitch * t[:, None]) + 0.01 * rng.standard_normal((len(t), channels))


def loaded(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as archive:
        return dict(archive)


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    path = tmp_path / "tone.wav"
    soundfile.write(path, tone(), RATE, subtype="FLOAT")
    return path


FORMATS = [
    ("wav", "WAV", "PCM_16", 8000, 1),
    ("wav", "WAV", "PCM_24", 192000, 2),
    ("wav", "WAV", "FLOAT", 44100, 8),
    ("wav", "WAV", "PCM_U8", 22050, 3),
    ("flac", "FLAC", "PCM_16", 96000, 2),
    ("flac", "FLAC", "PCM_24", 48000, 8),
    ("ogg", "OGG", "VORBIS", 44100, 2),
    ("opus", "OGG", "OPUS", 48000, 1),
    ("mp3", "MP3", "MPEG_LAYER_III", 44100, 2),
    ("mp3", "MP3", "MPEG_LAYER_III", 16000, 1),
]


@pytest.mark.parametrize(("ending", "container", "subtype", "rate", "channels"), FORMATS)
def test_show_draws_and_saves_every_format(
    ending: str, container: str, subtype: str, rate: int, channels: int, tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    path = tmp_path / f"tone.{ending}"
    soundfile.write(path, tone(1.0, channels, rate), rate, format=container, subtype=subtype)
    picture, features = tmp_path / "out.png", tmp_path / "out.npz"
    assert run("show", path, "-o", picture, "--features", features) == 0
    out, err = capfd.readouterr()
    assert err == ""
    line = out.strip().splitlines()[-1]
    stored = loaded(features)
    frames, bands, count = stored["features"].shape
    assert (bands, count) == (128, channels)
    assert f"tone.{ending}: {frames} frames × 128 bands" in line
    assert "× real time" in line
    assert keras.backend.backend() in line
    assert picture.read_bytes().startswith(b"\x89PNG")
    # The loudest band of each channel lies at its tone.
    loudest = stored["frequencies"][stored["features"].mean(axis=0).argmax(axis=0)]
    np.testing.assert_allclose(loudest, 440.0 * (1 + np.arange(channels)), rtol=0.015, atol=rate / 2048 * 1.5)
    assert json.loads(str(stored["source"]))["sample_rate"] == rate
    assert kapre.Recipe.from_json(str(stored["recipe"])).sample_rate == rate
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(["out.npz", "out.png", path.name])


def test_m4a_is_shown_and_its_damage_told(tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    content = encoded(tone(1.0, 2, 44100), 44100, "aac", "ipod", {"movflags": "+faststart"})
    (tmp_path / "tone.m4a").write_bytes(content)
    (tmp_path / "cut.m4a").write_bytes(content[: len(content) // 2])
    assert run("info", "--json", tmp_path / "tone.m4a") == 0
    found = json.loads(capfd.readouterr().out)
    assert (found["format"], found["subtype"], found["n_samples"], found["channels"]) == ("MP4", "AAC", 44100, 2)
    assert run("show", tmp_path / "tone.m4a", "-o", tmp_path / "out.png") == 0
    assert (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG")
    capfd.readouterr()
    assert run("info", tmp_path / "cut.m4a") == 1
    assert "cut short: the header promises 1.000 s" in capfd.readouterr().out


def test_features_are_librosas(wav: Path, tmp_path: Path) -> None:
    options = ["--n-fft", 512, "--hop-length", 160, "--n-mels", 40, "--f-min", 50, "--f-max", 7000]
    assert run("show", wav, "--features", tmp_path / "f.npz", *options) == 0
    x = tone()[:, 0].astype("float32")
    power = librosa.feature.melspectrogram(
        y=x, sr=RATE, n_fft=512, hop_length=160, n_mels=40, fmin=50, fmax=7000, center=False
    )
    stored = loaded(tmp_path / "f.npz")
    np.testing.assert_allclose(stored["features"][..., 0].T, librosa.power_to_db(power), atol=2e-3)
    np.testing.assert_allclose(stored["times"], (np.arange(power.shape[1]) * 160 + 256) / RATE)
    assert run("show", wav, "--features", tmp_path / "p.npz", "--no-decibel", *options) == 0
    np.testing.assert_allclose(loaded(tmp_path / "p.npz")["features"][..., 0].T, power, atol=2e-6 * power.max())


def test_resamples_when_asked(wav: Path, tmp_path: Path) -> None:
    assert run("show", wav, "--features", tmp_path / "f.npz", "--sample-rate", 8000, "--n-fft", 512) == 0
    x = soxr.resample(tone()[:, 0].astype("float32"), RATE, 8000, quality="HQ")
    power = librosa.feature.melspectrogram(y=x, sr=8000, n_fft=512, n_mels=128, hop_length=128, center=False)
    got = loaded(tmp_path / "f.npz")["features"][..., 0].T
    np.testing.assert_allclose(got, librosa.power_to_db(power), atol=2e-3)


@pytest.mark.parametrize(("kind", "bands"), [("mel", 128), ("log", 95), ("stft", 1025)])
def test_kinds(kind: str, bands: int, wav: Path, tmp_path: Path) -> None:
    assert run("show", wav, "--kind", kind, "--features", tmp_path / "f.npz", "-o", tmp_path / "p.svg") == 0
    stored = loaded(tmp_path / "f.npz")
    assert stored["features"].shape == (28, bands, 1)
    peak = stored["frequencies"][stored["features"][..., 0].mean(axis=0).argmax()]
    assert peak == pytest.approx(440.0, rel=0.03)


def test_log_keeps_within_its_limits(wav: Path, tmp_path: Path) -> None:
    options = ["--kind", "log", "--f-min", 110, "--f-max", 880]
    assert run("show", wav, "--features", tmp_path / "f.npz", *options) == 0
    frequencies = loaded(tmp_path / "f.npz")["frequencies"]
    np.testing.assert_allclose(frequencies[[0, 12, 24, -1]], [110, 220, 440, 880 / 2 ** (1 / 12)], rtol=1e-9)


def test_preview_without_output(wav: Path, capfd: pytest.CaptureFixture) -> None:
    assert run("show", wav) == 0
    lines = capfd.readouterr().out.rstrip().splitlines()
    assert len(lines) == 20
    assert lines[-2].split()[0:2] == ["0", "s"]
    assert "dB" in lines[-2]
    brightest = max(lines[:18], key=lambda line: line.count("@"))
    assert "200 Hz" in brightest or "500 Hz" in brightest or brightest in lines[14:18]  # the tone is low


def test_preview_in_colour(capfd: pytest.CaptureFixture) -> None:
    recipe = kapre.Recipe(n_fft=64, filterbank="mel", sample_rate=8000, n_mels=10, log="db")
    console = Console(force_terminal=True, color_system="truecolor", width=60, highlight=False)
    preview_module.preview(np.random.default_rng(0).random((50, 10)), recipe, console)
    out = capfd.readouterr().out
    assert out.count("▀") == 18 * (60 - 8)
    assert "\x1b[38;2;" in out


def kind_of(name: str) -> tuple[object, ...]:
    """Return what decides how a preset's features are drawn and what is stored beside them."""
    recipe = preset(name).recipe
    axes = len(recipe.output_shape(int(recipe.sample_rate or 0)))
    values = (recipe.power, recipe.log, recipe.n_mfcc is None, recipe.normalize)
    return recipe.layout, axes, recipe.stack, *values


OF_EACH_KIND = list({kind_of(name): name for name in reversed(kapre.list_presets())}.values())


@pytest.mark.parametrize("name", OF_EACH_KIND)
def test_show_draws_and_saves_a_preset_of_each_kind(name: str, tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    recipe = preset(name).recipe
    rate = int(recipe.sample_rate or 0)
    x = tone(1.5, 1, rate).astype("float32")
    soundfile.write(tmp_path / "x.wav", x, rate, subtype="FLOAT")
    assert (
        run("show", tmp_path / "x.wav", "--preset", name, "-o", tmp_path / "x.png", "--features", tmp_path / "x.npz")
        == 0
    )
    out, err = capfd.readouterr()
    assert err == ""
    stored = loaded(tmp_path / "x.npz")
    want = keras.ops.convert_to_numpy(kapre.Frontend(recipe)(x[None, :, 0]))[0]
    np.testing.assert_allclose(stored["features"], want, atol=1e-5)
    assert kapre.Recipe.from_json(str(stored["recipe"])) == recipe
    assert len(stored["times"]) in stored["features"].shape
    of_bands = recipe.power is not None and recipe.transform == "dft" and recipe.n_mfcc is None and recipe.stack == 1
    assert ("frequencies" in stored) is of_bands
    assert " × ".join(map(str, stored["features"].shape)) in out
    assert run("show", tmp_path / "x.wav", "--preset", name) == 0
    lines = capfd.readouterr().out.splitlines()
    assert len(lines) == 20
    assert lines[-2].split()[:2] in (["0", "s"], ["patch", "0"])


def test_a_recipe_from_presets_draws_the_same(tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    soundfile.write(tmp_path / "x.wav", tone(1.0, 2, 44100), 44100, subtype="FLOAT")
    assert run("presets", "nemo") == 0
    text = capfd.readouterr().out
    assert kapre.Recipe.from_json(text) == preset("nemo").recipe
    (tmp_path / "nemo.json").write_text(text)
    assert run("show", tmp_path / "x.wav", "--preset", "nemo", "--features", tmp_path / "a.npz") == 0
    out = capfd.readouterr().out
    assert "note: resampled from 44100 to 16000 Hz" in out
    assert "note: 2 channels mixed to one (their mean)" in out
    assert run("show", tmp_path / "x.wav", "--recipe", tmp_path / "nemo.json", "--features", tmp_path / "b.npz") == 0
    a, b = loaded(tmp_path / "a.npz")["features"], loaded(tmp_path / "b.npz")["features"]
    np.testing.assert_array_equal(a, b)
    x = soxr.resample(tone(1.0, 2, 44100).astype("float32"), 44100, 16000, quality="HQ").mean(axis=1)
    np.testing.assert_allclose(
        a, keras.ops.convert_to_numpy(kapre.Frontend(preset("nemo").recipe)(x[None]))[0], atol=1e-3
    )


def test_presets_are_listed(capfd: pytest.CaptureFixture) -> None:
    assert run("presets") == 0
    rows = capfd.readouterr().out.splitlines()
    assert [row.split()[0] for row in rows[1:]] == kapre.list_presets()
    assert any(row.startswith("kaldi_fbank ") and "16000  (98, 80)" in row for row in rows)
    assert run("presets", "--json") == 0
    listed = {row["name"]: row for row in json.loads(capfd.readouterr().out)}
    assert listed["whisper"]["shape_of_one_second"] == [80, 3000]
    assert listed["whisper"]["sample_rate"] == 16000


def test_a_recipe_that_cannot_take_the_file(tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    soundfile.write(tmp_path / "x.wav", tone(0.5), RATE)
    assert run("show", tmp_path / "x.wav", "--preset", "vggish") == 1
    assert "too short: 8000 samples at 16000 Hz, where vggish needs 15600." in capfd.readouterr().err
    for text, problem in (
        (kapre.Recipe(n_fft=512).to_json(), "must have a whole sample_rate to read audio at; it has None"),
        ("[1]", "`kapre_recipe` must be version"),
        ("nothing", "no recipe"),
        (preset("nemo").recipe.to_json().replace('"hop_length": 160', '"hop_length": "x"'), "`hop_length` must be"),
    ):
        (tmp_path / "r.json").write_text(text)
        assert run("show", tmp_path / "x.wav", "--recipe", tmp_path / "r.json") == 1
        out, err = capfd.readouterr()
        assert out == ""
        assert err.count("\n") == 1
        assert problem in err


def cut(path: Path, keep: float) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: int(keep * len(data))])


def bad_files() -> dict[str, tuple[Callable[[Path], Path], int, str]]:
    """Name → how to make it in a folder, the exit code, what the line says."""

    def written(folder: Path, name: str, samples: np.ndarray, **options: str) -> Path:
        soundfile.write(folder / name, samples, RATE, **options)
        return folder / name

    def shortened(name: str, keep: float, **options: str) -> Callable[[Path], Path]:
        def make(folder: Path) -> Path:
            path = written(folder, name, tone(3.0), **options)
            cut(path, keep)
            return path

        return make

    def of_bytes(name: str, data: bytes) -> Callable[[Path], Path]:
        def make(folder: Path) -> Path:
            (folder / name).write_bytes(data)
            return folder / name

        return make

    def folder_itself(folder: Path) -> Path:
        (folder / "songs").mkdir()
        return folder / "songs"

    nan = tone()
    nan[100] = np.nan
    return {
        "missing": (lambda folder: folder / "nothing.wav", 2, "no such file. Check the path"),
        "folder": (folder_itself, 2, "a folder, not a file. Give the path of one audio file"),
        "empty": (of_bytes("empty.wav", b""), 1, "an empty file (0 bytes). Copy it again"),
        "text": (of_bytes("text.wav", b"this is not audio\n" * 100), 1, "not audio that can be read"),
        "cut header": (shortened("header.wav", 20 / 96044), 1, "Copy it again"),
        "no samples": (lambda folder: written(folder, "zero.wav", tone(0.0)), 1, "no samples"),
        "NaN": (lambda folder: written(folder, "nan.wav", nan, subtype="FLOAT"), 1, "1 samples are not finite"),
        "cut wav": (shortened("cut.wav", 0.5), 1, "cut short: the header promises 3.000 s, 1.499 s are there"),
        "cut flac": (shortened("cut.flac", 0.5), 1, "cut short"),
        "cut ogg": (shortened("cut.ogg", 0.5), 1, "cut short"),
        "cut opus": (shortened("cut.opus", 0.5, format="OGG", subtype="OPUS"), 1, "cut short"),
        "cut mp3": (shortened("cut.mp3", 0.5), 1, "cut short"),
        "too short": (lambda folder: written(folder, "blip.wav", tone(0.1)), 1, "Use --n-fft 1024 or less"),
    }


@pytest.mark.parametrize("name", list(bad_files()))
def test_bad_file_is_one_line_and_leaves_nothing(name: str, tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    make, code, text = bad_files()[name]
    path = make(tmp_path)
    before = sorted(tmp_path.iterdir())
    assert run("show", path, "-o", tmp_path / "out.png", "--features", tmp_path / "out.npz") == code
    out, err = capfd.readouterr()
    assert err.count("\n") == 1
    assert err.startswith(f"kapre: {path}: ")
    assert text in err
    assert "Traceback" not in err
    if name in ("NaN", "cut wav", "cut flac", "cut ogg", "cut opus", "cut mp3"):  # some sound is left, and drawn
        assert "Only what can be decoded is shown" in err
        assert "out.png" in out
        assert np.isfinite(np.load(tmp_path / "out.npz")["features"]).all()
        for file in ("out.png", "out.npz"):
            (tmp_path / file).unlink()
    else:
        assert out == ""
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("name", [name for name in bad_files() if name != "too short"])
def test_info_reports_it_too(name: str, tmp_path: Path, wav: Path, capfd: pytest.CaptureFixture) -> None:
    make, code, _ = bad_files()[name]
    path = make(tmp_path)
    assert run("info", path) == code
    out, err = capfd.readouterr()
    assert err.count("\n") == 1
    assert str(path) in out + err
    assert run("info", path, wav, "--json") == code
    first, second = (json.loads(line) for line in capfd.readouterr().out.splitlines())
    assert first["path"] == str(path)
    assert first.get("error") or first["damage"]
    assert second["error"] is None
    assert second["damage"] == []


def test_info_prints_the_facts(wav: Path, capfd: pytest.CaptureFixture) -> None:
    assert run("info", wav) == 0
    out = capfd.readouterr().out
    x = tone().astype("float32")
    for text in ("WAV, FLOAT", "16000 Hz", "1.000 s, 16000 samples", "none found", f"{np.abs(x).max():.4f}"):
        assert text in out
    assert f"{20 * np.log10(np.sqrt((x**2).mean())):.1f} dBFS" in out


def test_channels_that_cancel_each_other_are_a_warning(tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    soundfile.write(tmp_path / "opposite.wav", tone() * np.array([[1.0, -1.0]]), RATE)
    assert run("info", tmp_path / "opposite.wav") == 0
    assert "warning  its channels cancel each other out" in capfd.readouterr().out


def test_info_of_several_goes_on_after_a_bad_one(wav: Path, tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    assert run("info", tmp_path / "none.wav", wav) == 2
    out, err = capfd.readouterr()
    assert "none.wav\n  error    no such file" in out
    assert "16000 Hz" in out
    assert err.count("\n") == 1


USAGE = [
    (["show"], "FILE"),
    (["show", "{wav}", "--kind", "bark"], "bark"),
    (["show", "{wav}", "--n-fft", "many"], "many"),
    (["show", "{wav}", "--n-fft", "0"], "--n-fft must lie between 1 and 4194304; received 0"),
    (["show", "{wav}", "--hop-length", "-1"], "`--hop-length` must be"),
    (["show", "{wav}", "--n-mels", "0"], "`--n-mels` must be"),
    (["show", "{wav}", "--f-min", "9000"], "`--f-max` must be"),
    (["show", "{wav}", "--sample-rate", "0"], "--sample-rate must lie between 1 and 1000000; received 0"),
    (["show", "{wav}", "--n-fft", "512.5"], "--n-fft: a whole number is needed; received '512.5'."),
    (["show", "{wav}", "--n-fft", "inf"], "--n-fft: a whole number is needed"),
    (["show", "{wav}", "--f-min", "low"], "--f-min: a number is needed; received 'low'."),
    (["extract", "{wav}", "-o", "{folder}/s", "-j", "1.5"], "-j: a whole number is needed"),
    (["extract", "{wav}", "-o", "{folder}/s", "--segment", "ten"], "--segment: a number is needed"),
    (["show", "{wav}", "--sr", "16000"], "there is no option --sr. Use --sample-rate."),
    (["show", "{wav}", "--nfft=512"], "there is no option --nfft. Use --n-fft."),
    (["show", "{wav}", "--hop-size", "160"], "Use --hop-length."),
    (["show", "{wav}", "--num-mel-bins", "80"], "Use --n-mels."),
    (["show", "{wav}", "--fmax", "80"], "Use --f-max."),
    (["show", "{wav}", "--zebra", "80"], "there is no option --zebra. See"),
    (["extract", "{wav}", "-o", "{folder}/s", "--num-workers", "2"], "Use --workers."),
    (["presets", "nemo", "whisper"], "too many arguments: whisper."),
    (["show", "{wav}", "--n-fft", "999999999999"], "received 999999999999"),
    (["show", "{wav}", "--kind", "log", "--f-min", "0"], "--f-min must lie above 0"),
    (["show", "{wav}", "-o", "{wav}/out.png"], "is a file, not a folder"),
    (["show", "{folder}/" + 300 * "x"], "no such file"),
    (["info", "{folder}/" + 300 * "x"], "name too long"),
    (["show", "{wav}", "--kind", "stft", "--n-mels", "40"], "--n-mels goes with --kind mel"),
    (["show", "{wav}", "--kind", "stft", "--f-max", "40"], "--f-max goes with --kind mel or log"),
    (
        ["show", "{wav}", "--kind", "log", "--f-min", "5000", "--f-max", "4000"],
        "--f-min must lie above 0 and a semitone or more below --f-max, 4000 Hz",
    ),
    (["show", "{wav}", "--n-fft", "511"], "`--n-fft` must be even"),
    (["show", "{wav}", "-o", "{folder}/out.bmp"], "must end in .png"),
    (["show", "{wav}", "-o", "{folder}/none/out.png"], "there is no folder"),
    (["show", "{wav}", "-o", "/proc/out.png"], "cannot be written"),
    (["show", "{wav}", "--features", "{folder}/out.csv"], "must end in .npz"),
    (["show", "{wav}", "--features", "/proc/out.npz"], "cannot be written"),
    (["show", "{wav}", "--preset", "whsper"], "Use 'whisper'"),
    (
        ["show", "{wav}", "--preset", "nemo", "--n-fft", "512", "--decibel"],
        "--n-fft, --decibel cannot go with --preset",
    ),
    (["show", "{wav}", "--preset", "nemo", "--recipe", "x.json"], "Give one."),
    (["show", "{wav}", "--recipe", "{folder}/none.json"], "No such file"),
    (["presets", "whsper"], "Use 'whisper' or"),
    (["augment"], "FILE"),
    (["augment", "{wav}", "--with", "SoftClip"], "there is nothing to write. Give --output FOLDER"),
    (["augment", "{wav}", "-o", "{folder}/out"], "there is no augmentation. Use --with RandomGain"),
    (["augment", "{wav}", "-o", "{folder}/out", "--with", "SoftClip:3"], "name=value is needed at '3'"),
    (["augment", "{wav}", "-o", "{folder}/out", "--with", "SoftClip", "--copies", "0"], "--copies must lie between"),
    (["augment", "{wav}", "-o", "{folder}/out", "--with", "SoftClip", "--seed", "-1"], "--seed must lie between"),
    (["augment", "{wav}", "-o", "{folder}/out", "--with", "SoftClip", "--sr", "8000"], "Use --sample-rate."),
    (["augment", "{wav}", "-o", "{folder}/out", "--with", "SoftClip", "--preset", "nemo"], "is for the picture"),
    (["augment", "{wav}", "--picture", "{folder}/x.png", "--with", "SoftClip", "--preset", "nmo"], "Use 'nemo'"),
    (["augment", "{wav}", "-o", "{wav}/out", "--with", "SoftClip"], "is a file, not a folder"),
    (["augment", "{folder}/none.wav", "-o", "{folder}/out", "--with", "SoftClip"], "no such file"),
    (["augment", "{folder}", "-o", "{folder}/out", "--with", "SoftClip"], "a folder, not a file"),
    (["augment", "{wav}", "-o", "{folder}/out", "--recipe", "{folder}/none.json"], "No such file"),
    (["augment", "{wav}", "-o", "{folder}/out", "--replay", "{folder}/none.json"], "No such file"),
    (["augment", "{wav}", "-o", "{folder}/out", "--replay", "x.json", "--with", "A"], "--with cannot go with --replay"),
    (["augment", "{wav}", "--picture", "{folder}/x.bmp", "--with", "SoftClip"], "--picture must end in .png"),
    (["augment", "{wav}", "--parameters", "{folder}/x.txt", "--with", "SoftClip"], "--parameters must end in .json"),
    (["draw", "{wav}"], "draw"),
    (["info"], "FILE"),
]


@pytest.mark.parametrize(("arguments", "text"), USAGE, ids=[" ".join(a) for a, _ in USAGE])
def test_bad_usage_is_one_line(
    arguments: list[str], text: str, wav: Path, tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    filled = [argument.format(wav=wav, folder=tmp_path) for argument in arguments]
    assert run(*filled) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert text in err
    assert sorted(tmp_path.iterdir()) == [wav]


def test_an_output_that_is_a_folder(wav: Path, tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    (tmp_path / "x.png").mkdir()
    assert run("show", wav, "-o", tmp_path / "x.png") == 2
    assert "--output is a folder" in capfd.readouterr().err


def test_an_old_output_is_replaced_and_has_usual_permissions(wav: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.png"
    target.write_bytes(b"old")
    assert run("show", wav, "-o", target) == 0
    assert target.read_bytes().startswith(b"\x89PNG")
    assert target.stat().st_mode & 0o777 == 0o666 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_empty_bands_are_noted(wav: Path, tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    assert run("show", wav, "--n-fft", 256, "--n-mels", 128, "-o", tmp_path / "out.png") == 0
    out = capfd.readouterr().out
    assert out.startswith("note: ")
    assert "hold no DFT bin" in out


def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/t\xff.wav"
    with open(name, "wb") as file:
        soundfile.write(file, tone(), RATE, format="WAV", subtype="FLOAT")
    for words in (["info"], ["info", "--json"], ["show", "-o", tmp_path / "out.png", "--features", tmp_path / "o.npz"]):
        result = command(*words, os.fsdecode(name))
        assert (result.returncode, result.stderr) == (0, ""), words
        assert "t\\xff.wav" in result.stdout or "t\\udcff.wav" in result.stdout


def test_a_terminal_without_utf8(wav: Path) -> None:
    result = command("show", wav, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert (result.returncode, result.stderr) == (0, "")
    assert "frames \\xd7 128 bands" in result.stdout


def test_closed_standard_error(wav: Path) -> None:
    words = f"{sys.executable} -m kapre_cli show {wav} 2>&-"
    env = {**os.environ, **LIGHT}
    result = subprocess.run(["sh", "-c", words], capture_output=True, text=True, env=env, check=False)
    assert result.returncode == 0
    assert "128 bands" in result.stdout


def test_output_that_takes_nothing(wav: Path) -> None:
    for words in (f"info {wav}", f"show {wav}"):
        line = f"{sys.executable} -m kapre_cli {words} > /dev/full"
        env = {**os.environ, **LIGHT}
        result = subprocess.run(["sh", "-c", line], capture_output=True, text=True, env=env, check=False)
        assert result.returncode == 2
        assert result.stderr.splitlines() == ["kapre: standard output: No space left on device. Choose another place."]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy warns of infinity
def test_features_that_overflow(tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    soundfile.write(tmp_path / "huge.wav", tone() * 1e30, RATE, subtype="FLOAT")
    assert run("show", tmp_path / "huge.wav", "-o", tmp_path / "out.png") == 1
    assert "its features overflow: the peak is" in capfd.readouterr().err
    assert not (tmp_path / "out.png").exists()


def test_a_name_that_the_font_lacks(tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    soundfile.write(tmp_path / "録音.wav", tone(), RATE)
    assert run("show", tmp_path / "録音.wav", "-o", tmp_path / "out.png") == 0
    assert capfd.readouterr().err == ""


def test_doctor_notices_a_backend_that_does_not_work() -> None:
    result = command("doctor", KERAS_BACKEND="theano")
    assert result.returncode == 1
    assert "KERAS_BACKEND names 'theano', which does not work here. Set it to one of: " in result.stderr


def test_more_memory_than_there_is(wav: Path, capfd: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr("kapre_cli.show._front_end", fails)
    assert run("show", wav) == 2
    assert capfd.readouterr().err.splitlines() == [
        "kapre: this needs more memory than there is. Lower --n-fft or --n-mels, or cut the file."
    ]


LIGHT = {"KERAS_BACKEND": "numpy"}
"""For a process that need not compute on a certain backend: the one that loads fastest."""


def command(*arguments: object, **env: str) -> subprocess.CompletedProcess[str]:
    whole = {**os.environ, **LIGHT, **env}
    words = [sys.executable, "-m", "kapre_cli", *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, env=whole, check=False)


@pytest.mark.parametrize("backend", [BACKENDS[0], "numpy"])  # in this process, tests/test_command.py shows on each
def test_each_backend_gives_the_same(backend: str, wav: Path, tmp_path: Path) -> None:
    result = command("show", wav, "--features", tmp_path / "f.npz", "--backend", backend, "--no-decibel")
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    assert f"on {backend}," in result.stdout
    power = librosa.feature.melspectrogram(y=tone()[:, 0].astype("float32"), sr=RATE, hop_length=512, center=False)
    got = loaded(tmp_path / "f.npz")["features"][..., 0].T
    np.testing.assert_allclose(got, power, atol=2e-6 * power.max())


def test_absent_backend_is_one_line(wav: Path) -> None:
    code = "import sys, importlib.util as u\nfind = u.find_spec\n"
    code += "u.find_spec = lambda name, *a: None if name == 'torch' else find(name, *a)\n"
    code += f"from kapre_cli.main import main; main(['show', {str(wav)!r}, '--backend', 'torch'])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert "pip install 'kapre[torch]'" in result.stderr


def test_help_and_version_load_nothing_heavy() -> None:
    code = "import sys\nfrom kapre_cli.main import main\ntry:\n    main(['{}'])\nexcept SystemExit:\n    pass\n"
    code += "print(sorted({{'keras', 'kapre', 'numpy', 'soundfile', 'matplotlib'}} & set(sys.modules)))"
    for word, text in (("--help", "show"), ("--version", "1.0.0")):
        result = subprocess.run([sys.executable, "-c", code.format(word)], capture_output=True, text=True, check=True)
        assert text in result.stdout
        assert result.stdout.splitlines()[-1] == "[]"


WITHOUT_A_BACKEND = """
import contextlib, io, json, os, sys
kept = os.dup(1)  # the command closes its output at some errors
tried = []
class Absent:
    def find_spec(self, name, *_):
        if name.split(".")[0] in ("keras", "tensorflow", "jax", "torch"):
            tried.append(name)
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
from kapre_cli.main import main
said = []
for words in json.load(sys.stdin):
    out, err, code = io.StringIO(), io.StringIO(), 0
    tried.clear()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(words)
        except SystemExit as end:
            code = end.code
    said.append([code, out.getvalue(), err.getvalue(), list(tried)])
os.write(kept, json.dumps(said).encode())
"""


def test_what_computes_nothing_needs_no_backend(wav: Path, tmp_path: Path) -> None:
    kapre.corpus.extract(wav, tmp_path / "store", "kaldi_fbank")
    (tmp_path / "m.stablehlo").touch()
    (tmp_path / "m.stablehlo.kapre.json").write_text('{"kapre": "1", "sample_rate": 16000}')
    np.save(tmp_path / "a.npy", np.ones((9, 4)))
    right: dict[str, list[object]] = {
        "whisper_large_v3": ["presets"],
        '"used_by"': ["presets", "--json"],
        '"n_mels": 80': ["presets", "nemo"],
        "1.000 s, 16000 samples": ["info", wav],
        '"sample_rate": 16000': ["info", "--json", wav],
        "1 with features": ["info", tmp_path / "store"],
        "rate     16000 Hz": ["info", tmp_path / "m.stablehlo"],
        "they are equal": ["compare", tmp_path / "a.npy", tmp_path / "a.npy"],
    }
    listed = [(words, text) for words, text in USAGE if "/proc/" not in " ".join(words)]  # root finds out in writing
    wrong = [([word.format(wav=wav, folder=tmp_path) for word in words], text) for words, text in listed + UNREAD]
    words = [*([str(word) for word in words] for words in right.values()), *(words for words, _ in wrong)]
    result = subprocess.run(
        [sys.executable, "-c", WITHOUT_A_BACKEND], input=json.dumps(words), capture_output=True, text=True, check=True
    )
    said = json.loads(result.stdout)
    for (code, out, err, tried), (text, line) in zip(said, right.items(), strict=False):
        assert (code, err, tried) == (0, "", []), line
        assert text in out, line
    for (code, out, err, tried), (line, text) in zip(said[len(right) :], wrong, strict=True):
        assert (code, out, tried) == (2, "", []), (line, err)
        assert text in err, line
        assert err.count("\n") == 1, line


UNREAD = [
    (["extract", "{folder}/none", "-o", "{folder}/s", "--preset", "nemo"], "none: no such file or folder"),
    (["extract", "{wav}", "-o", "{folder}/s", "--preset", "nmo"], "Use 'nemo'"),
    (["export", "{folder}/none.keras", "{folder}/m.onnx"], "none.keras: no such file"),
    (["export", "--preset", "whsper", "-o", "{folder}/m.onnx"], "Use 'whisper'"),
    (["export", "--preset", "whisper", "-o", "{folder}/m.onxx"], "one whose suffix says the format"),
    (["compare", "whsper", "{folder}/a.npy", "--audio", "{wav}"], "Use 'whisper'"),
    (["compare", "nemo", "{folder}/b.npy", "--audio", "{wav}"], "b.npy: no such file"),
    (["compare", "nemo", "{folder}/a.npy", "--audio", "{folder}/none.wav"], "none.wav: no such file"),
]


def test_another_name_of_a_preset_says_which(capfd: pytest.CaptureFixture) -> None:
    assert run("presets", "f5_tts") == 0
    out, err = capfd.readouterr()
    assert kapre.Recipe.from_json(out) == kapre.frontends.preset("vocos").recipe
    assert err == "f5_tts takes the front end of the preset vocos\n"


@pytest.mark.parametrize(
    "name", ["info", "show", "augment", "presets", "compare", "export", "extract", "listen", "doctor"]
)
def test_help_has_an_example(name: str, capfd: pytest.CaptureFixture) -> None:
    assert run(name, "--help") == 0
    said = " ".join(capfd.readouterr().out.split())
    assert f"Example: kapre {name} " in said


def test_completion_of_the_shell(tmp_path: Path) -> None:
    result = command("--install-completion", HOME=str(tmp_path), SHELL="/bin/bash")
    assert (result.returncode, result.stderr) == (0, "")
    (script,) = tmp_path.rglob("completions/kapre")
    text = script.read_text(encoding="utf-8")
    assert all(word in text for word in ("extract", "--preset", "--hop-length"))


def test_doctor_names_every_package_of_every_extra() -> None:
    result = command("doctor", KERAS_BACKEND="")
    assert (result.returncode, result.stderr) == (0, "")
    named = {line.split()[0] for line in result.stdout.splitlines() if line.startswith("  ")}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for requirements in project["optional-dependencies"].values():
        for requirement in requirements:
            name = re.split(r"[\[>=]", requirement)[0]
            assert name in named | {"kapre"}, requirement
    for extra in re.findall(r"'kapre\[(.*?)\]'", (ROOT / "kapre_cli" / "doctor.py").read_text(encoding="utf-8")):
        assert extra in {"{extra}", "{name}", *project["optional-dependencies"]}
    for name in ("wav", "flac", "ogg", "opus", "mp3", "m4a"):
        assert any(line.split() == [name, "readable"] for line in result.stdout.splitlines())


def test_doctor_runs_what_is_here() -> None:
    result = command("doctor", "--run")
    assert result.returncode == 0, result.stderr
    for backend in BACKENDS:
        assert any(line.split()[:1] == [backend] and "works" in line for line in result.stdout.splitlines())


def test_info_in_a_closed_pipe_is_quiet(wav: Path) -> None:
    words = f"{sys.executable} -m kapre_cli info {' '.join([str(wav)] * 50)} | head -1"
    result = subprocess.run(["sh", "-c", words], capture_output=True, text=True, check=False)
    assert "Traceback" not in result.stderr
    assert result.stdout == f"{wav}\n"
