"""examples/train_keywords.py on sounds that are easy to tell, and the script that lays out a real corpus."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from pathlib import Path

import keras
import matplotlib.image
import numpy as np
import onnxruntime
import pytest
import soundfile

import kapre
from kapre import audio
from tests.conftest import mostly_on
from tests.processes import python

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
COUNTS = {"0": 24, "chirp": 14, "noise": 14}
"""Recordings of each class; one has a name that is a number."""
SMALL = ("--clip-seconds", "0.4", "--epochs", "12", "--f-max", "4000")  # some recordings hold nothing above


def run(program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    env = {"KERAS_BACKEND": keras.backend.backend(), "PYTHONPATH": str(EXAMPLES.parent)}
    return python(EXAMPLES / program, *arguments, **env)


def sound(label: str, seed: int, rate: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    t = np.arange(int(rng.uniform(0.2, 1.0) * rate)) / rate
    noise, pitch = rng.standard_normal(len(t)), rng.uniform(300, 900)
    shapes = {"0": np.sin(2 * np.pi * pitch * t), "chirp": np.sin(2 * np.pi * pitch * (1 + 4 * t) * t), "noise": noise}
    return rng.uniform(0.05, 0.5) * (shapes[label] / 2 + 0.05 * noise)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    for label, count in COUNTS.items():
        for number in range(count):
            path = folder / label / f"speaker {number % 3}" / f"{number}.{('wav', 'flac', 'ogg')[number % 3]}"
            path.parent.mkdir(parents=True, exist_ok=True)
            rate = (16000, 22050, 8000)[number // 3 % 3]
            x = sound(label, number + 100 * len(label), rate)
            soundfile.write(path, np.stack([x, x / 2], axis=1) if number % 4 == 0 else x, rate)
    whole = (folder / "noise" / "speaker 0" / "0.wav").read_bytes()
    (folder / "noise" / "cut short.wav").write_bytes(whole[: len(whole) // 2])
    (folder / "chirp" / "empty.flac").write_bytes(b"")
    (folder / "read me.txt").write_text("It is of no class.")
    (folder / ".cache").mkdir()
    return folder


@pytest.fixture(scope="module")
def trained(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    output = tmp_path_factory.mktemp("out") / "deeper"
    result = run("train_keywords.py", corpus, "--output", output, *SMALL)
    assert result.returncode == 0, result.stderr
    return output, result.stdout


@pytest.mark.thorough
def test_both_variants_learn_the_same(trained: tuple[Path, str]) -> None:
    _, printed = trained
    accuracies = dict(re.findall(r"^(fly|store): accuracy (\d\.\d+), mean of classes", printed, re.MULTILINE))
    assert set(accuracies) == {"fly", "store"}
    assert min(map(float, accuracies.values())) >= 0.8  # the commonest class alone is 5 of 11
    last = printed.splitlines()[-1]
    found = re.fullmatch(r"both: features differ by (\S+) of their range, the answers for (\d+) recordings", last)
    assert found is not None, last
    assert float(found[1]) < 1e-4  # of a logarithm; on JAX 1.2e-5 was seen
    assert int(found[2]) <= 1
    assert len(re.findall(r"^(?:fly|store): epoch \d+ of 12, loss", printed, re.MULTILINE)) == 24


def test_what_is_broken_is_named_and_left_out(trained: tuple[Path, str]) -> None:
    _, printed = trained
    first, *broken, counts = printed.splitlines()[:4]
    assert first == "unreadable files, skipped: 2"
    assert [re.search(r"(cut short\.wav|empty\.flac): ", line) is not None for line in broken] == [True, True]
    assert re.fullmatch(r"3 classes; 41 recordings to train with \(\d+ clips\), 11 held out", counts)


def test_the_store_carries_labels_and_parts(trained: tuple[Path, str]) -> None:
    output, _ = trained
    store = kapre.corpus.read(output / "features")
    parts = {clip.path: (clip.carried["label"], clip.carried["split"]) for clip in store}
    assert {path: Path(path).parents[1].name for path in parts} == {path: label for path, (label, _) in parts.items()}
    held_out = [label for label, part in parts.values() if part == "held out"]
    assert {label: held_out.count(label) for label in COUNTS} == {"0": 5, "chirp": 3, "noise": 3}
    assert len(store) > len(parts) == sum(COUNTS.values())  # some have several clips, all of them in one part


@pytest.mark.parametrize("variant", ["fly", "store"])
def test_the_exported_file_answers_as_keras_does(trained: tuple[Path, str], variant: str) -> None:
    output, printed = trained
    line = re.search(rf"^{variant}\.onnx: (.+) is (\w+) \((\S+)\), off Keras by (\S+)$", printed, re.MULTILINE)
    assert line is not None
    path, label, probability = Path(line[1]), line[2], float(line[3])
    assert float(line[4]) < 1e-4
    samples = audio.read(path, 16000).samples.mean(axis=1)
    clips = [samples[None, first : first + 6400] for first in range(0, len(samples), 6400)]
    weights = [clip.shape[1] for clip in clips]
    clips[-1] = np.pad(clips[-1], ((0, 0), (0, 6400 - weights[-1])))
    session = onnxruntime.InferenceSession(str(output / f"{variant}.onnx"), providers=["CPUExecutionProvider"])
    model = keras.saving.load_model(output / f"{variant}.keras", compile=False)
    answers = []
    for clip in clips:
        (found,) = session.run(None, {"samples": clip})
        np.testing.assert_allclose(found, model.predict(clip, verbose=0), atol=1e-4)
        answers.append(found[0])
    names = kapre.deploy.read_metadata(output / f"{variant}.onnx")["class_names"]
    assert names == sorted(COUNTS)
    answer = np.average(answers, axis=0, weights=weights)
    assert names[answer.argmax()] == label
    assert abs(answer.max() - probability) < 2e-4


def test_the_picture_shows_something(trained: tuple[Path, str]) -> None:
    picture = matplotlib.image.imread(trained[0] / "confusion.png")
    height, width, _ = picture.shape
    assert width > 1.5 * height > 450  # two matrices side by side
    assert len(np.unique(picture.reshape(-1, picture.shape[2]), axis=0)) > 20


@mostly_on("torch")
def test_augmented_and_judged_in_noise(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "sounds").mkdir()
    soundfile.write(tmp_path / "sounds" / "hum.wav", 0.3 * np.sin(np.arange(40000) / 20), 16000)
    given = ("--epochs", "8", "--variant", "fly", "--augment", "--noise", tmp_path / "sounds", "--snr-db", "5")
    result = run("train_keywords.py", corpus, "--output", tmp_path / "out", *SMALL, *given)
    assert result.returncode == 0, result.stderr
    clean = re.search(r"^fly: accuracy (\d\.\d+), mean of classes", result.stdout, re.MULTILINE)
    noisy = re.search(r"^fly: accuracy (\d\.\d+) with sounds of .* at 5 dB$", result.stdout, re.MULTILINE)
    assert clean is not None
    assert noisy is not None
    assert min(float(clean[1]), float(noisy[1])) > 0.5  # the commonest class alone is 5 of 11
    off = re.search(r"off Keras by (\S+)$", result.stdout, re.MULTILINE)  # the file changes nothing at random
    assert off is not None
    assert float(off[1]) < 1e-4


def test_a_store_cannot_be_augmented(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["train_keywords.py", "nowhere", "--output", "nowhere", "--augment"])
    with pytest.raises(SystemExit):
        runpy.run_path(str(EXAMPLES / "train_keywords.py"), run_name="__main__")
    assert "which a store does not hold: add --variant fly" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "nowhere"),
        (["{corpus}/chirp"], "speaker 2 has 4 recordings that can be read. A class takes 5."),
        (["{corpus}/noise/speaker 0"], "has 0 folders. Give it one for each class"),
        (["{corpus}", "--preset", "kaldi"], "Use 'kaldi_mfcc' or 'kaldi_fbank'"),
        (["{corpus}", "--recording", "{corpus}/noise/cut short.wav"], "cut short"),
        (["{corpus}", "--output", "{corpus}/out"], "would be a class"),
        (["{corpus}", "--f-max", "10"], "f_max"),
        (["{corpus}", "--recording", "nowhere.wav"], "nowhere.wav: no such file"),
        (["{corpus}", "--noise", "nowhere"], "`folder` must be a folder with recordings"),
    ],
)
def test_says_what_is_wrong(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    words = [word.format(corpus=corpus) for word in arguments]
    monkeypatch.setattr(sys, "argv", ["train_keywords.py", "--output", str(tmp_path), *words])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(EXAMPLES / "train_keywords.py"), run_name="__main__")
    assert str(ended.value.code).startswith("train_keywords.py: ")
    assert said in str(ended.value.code)
    assert not (corpus / "out").exists()
    assert not list(tmp_path.iterdir())


def test_languages_are_laid_out(tmp_path: Path) -> None:
    sounds = tmp_path / "share" / "asterisk" / "sounds"
    names = {"en": "en_US_f_Allison", "es": "es_MX_f_Allison", "fr": "fr_CA_f_June", "it": "it_IT_m_Carlo"}
    for code, name in {**names, "ru": "ru_RU_f_IvrvoiceRU"}.items():
        for inside in ("hello.wav", "digits/1.wav", "silence/1.wav", "beep.wav", "tt-monkeys.wav", "notes.txt"):
            path = sounds / name / inside
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(f"{name} {inside}".encode())
        licence = tmp_path / "share" / "doc" / f"asterisk-core-sounds-{code}-wav" / "copyright"
        licence.parent.mkdir(parents=True)
        licence.write_text(f"licence of {code}")
    result = run("lay_out_languages.py", tmp_path / "out", "--from", sounds)
    assert result.returncode == 0, result.stderr
    assert "english: 2 recordings" in result.stdout
    found = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.wav")}
    languages = ("english", "french", "italian", "russian", "spanish")
    assert found == {f"{name}/{inside}" for name in languages for inside in ("hello.wav", "digits/1.wav")}
    assert (tmp_path / "out" / "russian" / "hello.wav").read_bytes() == b"ru_RU_f_IvrvoiceRU hello.wav"
    assert (tmp_path / "out" / "copyright-french").read_text() == "licence of fr"

    result = run("lay_out_languages.py", tmp_path / "none", "--from", tmp_path)
    assert result.returncode == 1
    assert result.stderr.startswith("lay_out_languages.py: english is not there: ")
    assert "Traceback" not in result.stderr
