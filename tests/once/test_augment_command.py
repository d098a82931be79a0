"""`kapre augment`: what it writes, that draws repeat, and what it refuses."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import soundfile
from PIL import Image

from kapre import augmentation as aug
from kapre_cli.settings import of_words
from tests.command import run

RATE = 8000


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    return written(tmp_path / "tone.wav", 1)


def written(path: Path, channels: int, seconds: float = 0.5, rate: int = RATE, level: float = 0.4) -> Path:
    path.parent.mkdir(exist_ok=True)
    t = np.arange(round(seconds * rate))[:, None] / rate
    rng = np.random.default_rng(channels)
    x = level * np.sin(2 * np.pi * 440.0 * np.arange(1, channels + 1) * t) + 0.01 * rng.standard_normal((len(t), 1))
    soundfile.write(path, x, rate, subtype="FLOAT")
    return path


def samples(path: Path) -> np.ndarray:
    return soundfile.read(path, dtype="float32", always_2d=True)[0]


def copies(folder: Path) -> list[np.ndarray]:
    return [samples(path) for path in sorted(folder.iterdir())]


def is_drawn(path: Path) -> bool:
    with Image.open(path) as image:
        return len(image.convert("RGB").getcolors(10**6) or []) > 200


GAIN = {"min_gain_db": -6, "max_gain_db": -3}
FORMS: dict[str, Any] = {
    "short": {"RandomGain": GAIN},
    "list": [{"RandomGain": GAIN}],
    "names": [{"RandomGain": GAIN}, "PolarityInversion"],
    "several": {"RandomGain": GAIN, "PolarityInversion": {"p": 1.0}, "BitCrush": None},
    "keras": keras.saving.serialize_keras_object(aug.RandomGain(**GAIN, data_format="channels_first")),
    "config": aug.RandomGain(**GAIN, name="random_gain_12").get_config(),
    "chain": keras.saving.serialize_keras_object(aug.Chain([aug.RandomGain(**GAIN), aug.Fade()], seed=3)),
    "one of": {"OneOf": {"layers": [{"RandomGain": GAIN}, "SoftClip"], "weights": [2, 1]}},
    "list in it": {"SomeOf": [{"RandomGain": GAIN}, {"Chain": ["SoftClip", "TimeInversion"]}]},
}


@pytest.mark.parametrize("form", FORMS)
def test_a_setting_in_each_form(form: str, wav: Path, tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    (tmp_path / "s.json").write_text(json.dumps(FORMS[form]))
    words = ["augment", wav, "--recipe", tmp_path / "s.json", "--copies", 3, "--seed", 1, "-o", tmp_path / "out"]
    assert run(*words, "--parameters", tmp_path / "p.json") == 0
    out, err = capfd.readouterr()
    assert err == ""
    log = json.loads((tmp_path / "p.json").read_text())
    (file,) = log["files"]
    assert len(file["setting"]) == len(file["parameters"])
    made = copies(tmp_path / "out")
    assert [y.shape for y in made] == [(RATE // 2, 1)] * 3
    assert max(np.abs(y - samples(wav)).max() for y in made) > 0.01
    for copy in file["copies"]:
        assert f"{copy['file']}  {'; '.join(copy['drawn'])}" in out
    if "gain_db" in file["parameters"][0]:
        gains = np.ravel(file["parameters"][0]["gain_db"])
        assert ((gains >= -6) & (gains <= -3)).all()


def test_words_are_json_or_text() -> None:
    text = 'AddNoise:bank=my noises/a, p=0.5,per_channel=True,x=[1, "a,b"],y="c,d",z=None,w=3.wavs'
    wanted = of_words(text)
    assert wanted.name == "AddNoise"
    values = {"bank": "my noises/a", "p": 0.5, "per_channel": True, "x": [1, "a,b"], "y": "c,d", "z": None}
    assert wanted.arguments == {**values, "w": "3.wavs"}
    assert of_words("SoftClip").arguments == of_words("SoftClip:").arguments == {}


def test_seeds_and_replay(wav: Path, tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    other = written(tmp_path / "second.wav", 2, rate=11025)
    words = ["augment", wav, other, "--with", "RandomGain:max_gain_db=0", "--with", "AddColoredNoise", "--copies", 2]
    words += ["--with", "RandomFilter"]  # whose setting has the rate of each file
    for folder, seed in (("a", 5), ("b", 5), ("c", 6)):
        assert run(*words, "--seed", seed, "-o", tmp_path / folder, "--parameters", tmp_path / f"{folder}.json") == 0
    names = ["second.1.wav", "second.2.wav", "tone.1.wav", "tone.2.wav"]
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == names
    same, again, others = (copies(tmp_path / folder) for folder in "abc")
    for x, y, z in zip(same, again, others, strict=True):
        np.testing.assert_array_equal(x, y)
        assert np.abs(x - z).max() > 1e-3
    gains = [file["parameters"][0]["gain_db"] for file in json.loads((tmp_path / "a.json").read_text())["files"]]
    assert gains[0] != gains[1]
    assert run("augment", wav, other, "--replay", tmp_path / "a.json", "-o", tmp_path / "r") == 0
    for x, y in zip(same, copies(tmp_path / "r"), strict=True):
        np.testing.assert_array_equal(x, y)
    capfd.readouterr()
    assert run(*words, "--parameters", tmp_path / "d.json") == 0
    told = [int(seed) for seed in re.findall(r", seed (\d+), on ", capfd.readouterr().out)]
    assert [file["seed"] for file in json.loads((tmp_path / "d.json").read_text())["files"]] == told
    assert told[1] == told[0] + 1


@pytest.mark.parametrize(("channels", "rate", "seconds"), [(3, 8000, 0.3), (1, 44100, 0.2), (2, 8000, 1 / 8000)])
def test_channels_rates_and_short_files(channels: int, rate: int, seconds: float, tmp_path: Path) -> None:
    wav = written(tmp_path / "x.wav", channels, seconds, rate)
    words = ["augment", wav, "--with", "RandomGain:min_gain_db=-6,max_gain_db=-6", "--with", "ChannelSwap"]
    words += ["--with", "SpeedPerturbation", "--with", "RandomFilter", "--copies", 2]
    assert (
        run(*words, "-o", tmp_path / "out", "--picture", tmp_path / "x.png", "--parameters", tmp_path / "p.json") == 0
    )
    made = copies(tmp_path / "out")
    assert [y.shape for y in made] == [(round(seconds * rate), channels)] * 2
    assert soundfile.info(tmp_path / "out" / "x.1.wav").samplerate == rate
    assert is_drawn(tmp_path / "x.png")
    setting = json.loads((tmp_path / "p.json").read_text())["files"][0]["setting"]
    assert setting[3]["RandomFilter"]["sample_rate"] == rate


def test_a_file_is_resampled(wav: Path, tmp_path: Path) -> None:
    words = ["augment", wav, "--with", "Telephone:p=1", "--sample-rate", 16000, "--copies", 1, "-o", tmp_path / "out"]
    assert run(*words) == 0
    assert soundfile.info(tmp_path / "out" / "tone.1.wav").samplerate == 16000
    assert samples(tmp_path / "out" / "tone.1.wav").shape == (RATE, 1)


def test_what_does_not_fit_in_a_file(wav: Path, tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    words = ["augment", wav, "--with", "RandomGain:min_gain_db=900,max_gain_db=900", "--copies", 2]
    assert run(*words, "-o", tmp_path / "out") == 1
    assert "tone.wav: its copies overflow" in capfd.readouterr().err
    assert run(*words[:-1], 500, "--picture", tmp_path / "x.png") == 2
    assert "--picture shows at most 100 channels of copies; received 500 copies of 1" in capfd.readouterr().err
    setting = tmp_path / "s.json"
    setting.write_text('["SoftClip"]')
    assert run("augment", wav, "--recipe", setting, "--parameters", setting) == 2
    assert "--parameters would replace the setting" in capfd.readouterr().err
    assert setting.read_text() == '["SoftClip"]'
    assert sorted(tmp_path.iterdir()) == [setting, wav]


def test_a_layer_that_cuts(wav: Path, tmp_path: Path) -> None:
    words = ["augment", wav, "--with", "RandomCrop:length=1000", "--copies", 1, "--parameters", tmp_path / "p.json"]
    assert run(*words, "-o", tmp_path / "out", "--picture", tmp_path / "x.png") == 0
    start = json.loads((tmp_path / "p.json").read_text())["files"][0]["parameters"][0]["start"][0][0]
    np.testing.assert_array_equal(samples(tmp_path / "out" / "tone.1.wav"), samples(wav)[start : start + 1000])
    assert is_drawn(tmp_path / "x.png")


def test_samples_above_full_scale_are_kept_and_told(wav: Path, tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    words = ["augment", wav, "--with", "RandomGain:min_gain_db=20,max_gain_db=20", "--copies", 1, "-o", tmp_path / "o"]
    assert run(*words) == 0
    np.testing.assert_allclose(samples(tmp_path / "o" / "tone.1.wav"), 10 * samples(wav), rtol=1e-5)
    out = capfd.readouterr().out
    assert f"gain 20.0 dB (peak {10 * np.abs(samples(wav)).max():.2f})" in out
    assert "above full scale" in out
    assert run(*words[:3], "RandomGain:max_gain_db=-10", *words[4:]) == 0
    assert "full scale" not in capfd.readouterr().out


def test_spectrograms_are_drawn_and_not_heard(wav: Path, tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    masks = ["--with", "SpecAugment:freq_mask_param=8,time_mask_param=20,mask_value=min"]
    for name, more in (("a", []), ("b", masks)):
        words = ["augment", wav, "--with", "RandomGain:max_gain_db=0", *more, "--copies", 1, "--seed", 2]
        assert run(*words, "-o", tmp_path / name, "--picture", tmp_path / f"{name}.png") == 0
    assert "SpecAugment changes spectrograms: it is in the picture, and not in the sound" in capfd.readouterr().out
    np.testing.assert_array_equal(copies(tmp_path / "a")[0], copies(tmp_path / "b")[0])
    assert (tmp_path / "a.png").read_bytes() != (tmp_path / "b.png").read_bytes()
    assert run("augment", wav, *masks, "-o", tmp_path / "c") == 2
    assert "--output is for sound, and SpecAugment changes spectrograms" in capfd.readouterr().err
    assert (
        run(
            "augment",
            wav,
            "--with",
            "SpecAugment:freq_mask_param=8,time_mask_param=20",
            "--picture",
            tmp_path / "d.png",
        )
        == 0
    )
    assert "note: spec_augment" in capfd.readouterr().out  # mask_value=0.0


def test_a_preset_and_several_pictures(wav: Path, tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    other = written(tmp_path / "other.wav", 1, 0.3)
    words = ["augment", wav, other, "--with", "FreqMixStyle:p=1", "--copies", 2, "--picture", tmp_path / "g.png"]
    assert run(*words, "--preset", "kaldi_fbank", "--sample-rate", 16000) == 0
    assert is_drawn(tmp_path / "g.tone.png")
    assert is_drawn(tmp_path / "g.other.png")
    assert not (tmp_path / "g.png").exists()
    assert "% own, " in capfd.readouterr().out
    assert run(*words, "--preset", "kaldi_fbank") == 2
    assert "tone.wav: 8000 Hz, where kaldi_fbank takes 16000 Hz. Add --sample-rate 16000." in capfd.readouterr().err


def test_banks(wav: Path, tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    noises = written(tmp_path / "noises" / "n.wav", 1, 0.2).parent
    noise = f"AddNoise:min_snr_db=10,max_snr_db=10,bank={noises}"
    words = ["augment", wav, "--copies", 1, "--seed", 1, "--parameters", tmp_path / "p.json"]
    assert run(*words, "--with", noise, "-o", tmp_path / "a") == 0
    bare = noise.split(",bank")[0]
    assert run(*words, "--with", bare, "--with", "SoftClip:p=0", "--bank", noises, "-o", tmp_path / "b") == 0
    np.testing.assert_array_equal(copies(tmp_path / "a")[0], copies(tmp_path / "b")[0])
    assert run("augment", wav, "--replay", tmp_path / "p.json", "-o", tmp_path / "r") == 0
    np.testing.assert_array_equal(copies(tmp_path / "a")[0], copies(tmp_path / "r")[0])
    x, y = samples(wav), copies(tmp_path / "a")[0]
    assert 10 * np.log10(np.mean(x**2) / np.mean((y - x) ** 2)) == pytest.approx(10, abs=0.01)
    # A layer's config has the shape and the hash of its recordings: --bank says where they are.
    layer = aug.AddNoise(aug.bank(noises, RATE), 10.0, 10.0)
    (tmp_path / "s.json").write_text(json.dumps(keras.saving.serialize_keras_object(layer)))
    capfd.readouterr()
    assert run(*words, "--recipe", tmp_path / "s.json", "--bank", noises, "-o", tmp_path / "c") == 0
    np.testing.assert_array_equal(copies(tmp_path / "a")[0], copies(tmp_path / "c")[0])
    assert "note" not in capfd.readouterr().out
    written(noises / "m.wav", 1, 0.2)
    assert run(*words, "--recipe", tmp_path / "s.json", "--bank", noises, "-o", tmp_path / "c") == 0
    assert "are not those of the setting" in capfd.readouterr().out
    assert run(*words, "--with", bare) == 2
    assert "AddNoise needs recordings; received bank=null. Use --bank FOLDER" in capfd.readouterr().err
    for layers in (["SoftClip"], ["AddNoise", "Reverb"]):
        assert run(*words, *(word for name in layers for word in ("--with", name)), "--bank", noises) == 2
        assert "--bank goes with one layer that adds recordings" in capfd.readouterr().err
    (tmp_path / "empty").mkdir()
    assert run(*words, "--with", f"Reverb:bank={tmp_path / 'empty'}") == 2
    assert "`folder` must be a folder with recordings" in capfd.readouterr().err


REFUSED = [
    ("randomgain", "kapre.augmentation has no layer 'randomgain'. Use RandomGain."),
    ("random_gan", "Use RandomGain"),
    ("Zebra", "Use one of AddColoredNoise, AddNoise"),
    ("RandomLayer", "has no layer 'RandomLayer'"),
    ("bank", "has no layer 'bank'"),
    ("MixUp", "MixUp mixes the labels of a batch, and a recording has none"),
    ("RandomGain:min_gain=3", "RandomGain has no argument 'min_gain'. Use min_gain_db"),
    ("RandomGain:zebra=3", "It has min_gain_db, max_gain_db, p, per_channel, seed."),
    ("RandomGain:min_gain_db=low", "RandomGain: `min_gain_db` must be a finite number; received min_gain_db='low'"),
    ("RandomGain:p=2", "`p` must be a probability in [0, 1]"),
    ("SpecAugment", "missing"),
    ("Chain", "`layers` must be a list"),
    ("Reverb:sample_rate=16000", "that of the recording, 8000 Hz; received sample_rate=16000. Leave it out, or read"),
    ("Reverb:sample_rate=fast", "received sample_rate='fast'. Leave it out."),
    ("FreqMixStyle", "FreqMixStyle mixes recordings, and there is one. Give two files or more."),
    ('SomeOf:layers=["VTLP",{"FreqMixStyle":{}}]', "FreqMixStyle mixes recordings, and there is one"),
    ('Chain:layers=["SoftClip","VTLP"]', "Put the layers of waveforms before the layers of spectrograms"),
]


@pytest.mark.parametrize(("word", "text"), REFUSED, ids=[word for word, _ in REFUSED])
def test_a_layer_that_is_refused(word: str, text: str, wav: Path, tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    assert run("augment", wav, "--with", word, "--picture", tmp_path / "x.png") == 2
    out, err = capfd.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert text in err
    assert sorted(tmp_path.iterdir()) == [wav]


BAD_FILES = [
    ("{", "no JSON", 1),
    ("3", "no setting of augmentations; received 3", 1),
    ("[]", "there is no augmentation", 2),
    ('{"RandomGain": 3}', "the arguments of RandomGain must be names and values; received 3", 1),
    ('{"class_name": "Lambda", "module": "keras.layers", "config": {}}', "has no layer 'Lambda'", 2),
    (
        '{"class_name": "Offset", "registered_name": "mine>Offset", "module": "os", "config": {}}',
        "only layers of kapre.augmentation can be used here; received mine>Offset",
        1,
    ),
    ('{"class_name": "Chain", "config": {"layers": [{"class_name": "Dense", "config": {}}]}}', "no layer 'Dense'", 2),
    ('{"name": "mine", "dtype": "float32", "trainable": true}', "a config by itself does not name its class", 2),
]


@pytest.mark.parametrize(("content", "text", "code"), BAD_FILES, ids=[text for _, text, _ in BAD_FILES])
def test_a_setting_that_is_refused(
    content: str, text: str, code: int, wav: Path, tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    setting = tmp_path / "s.json"
    setting.write_text(content)
    assert run("augment", wav, "--recipe", setting, "-o", tmp_path / "out") == code
    out, err = capfd.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert text in err
    assert sorted(tmp_path.iterdir()) == [setting, wav]


def test_no_object_is_made_by_the_name_of_a_module(wav: Path, tmp_path: Path) -> None:
    policy = {"module": "os", "class_name": "system", "config": {"command": f"touch {tmp_path}/harm"}}
    setting = keras.saving.serialize_keras_object(aug.RandomGain(**GAIN))
    setting["config"] |= {"dtype": policy, "activity_regularizer": policy}
    setting |= {"module": "os", "build_config": policy}
    (tmp_path / "s.json").write_text(json.dumps(setting))
    assert run("augment", wav, "--recipe", tmp_path / "s.json", "-o", tmp_path / "out", "--copies", 1) == 0
    assert not (tmp_path / "harm").exists()
    assert len(copies(tmp_path / "out")) == 1


def test_bad_recordings(wav: Path, tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    words = ["--with", "SoftClip", "-o", tmp_path / "out"]
    (tmp_path / "empty.wav").touch()
    assert run("augment", tmp_path / "empty.wav", *words) == 1
    assert "an empty file (0 bytes)" in capfd.readouterr().err
    none = written(tmp_path / "none.wav", 1, 0.0)
    assert run("augment", none, *words) == 1
    assert "no samples" in capfd.readouterr().err
    (tmp_path / "more").mkdir()
    twice = written(tmp_path / "more" / "tone.wav", 1)
    assert run("augment", wav, twice, *words) == 2
    assert "two files are called tone" in capfd.readouterr().err
    named = written(tmp_path / "tone.1.wav", 1)
    before = named.read_bytes()
    assert run("augment", wav, named, "--with", "SoftClip", "-o", tmp_path) == 2
    assert "tone.1.wav: is also an input. Choose another --output." in capfd.readouterr().err
    assert named.read_bytes() == before


def test_a_replay_that_does_not_fit(wav: Path, tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    log = tmp_path / "p.json"
    assert run("augment", wav, "--with", "RandomGain", "--parameters", log) == 0
    stereo = written(tmp_path / "stereo.wav", 2)
    for files, text in (
        ([stereo], "8000 Hz and 2 channels, where"),
        ([wav, stereo], "drawn for 1 files; received 2"),
        ([wav, "--seed", 0], "--seed cannot go with --replay"),
    ):
        assert run("augment", *files, "--replay", log, "-o", tmp_path / "out") == 2
        assert text in capfd.readouterr().err
    broken = json.loads(log.read_text())
    broken["files"][0]["parameters"][0]["gain_db"] = [["x"]]
    log.write_text(json.dumps(broken))
    assert run("augment", wav, "--replay", log, "-o", tmp_path / "out") == 1
    assert "cannot be computed of it" in capfd.readouterr().err
    log.write_text('{"files": [{}]}')
    assert run("augment", wav, "--replay", log, "-o", tmp_path / "out") == 1
    assert "not what --parameters wrote" in capfd.readouterr().err
    assert not (tmp_path / "out").exists()


def test_an_output_that_cannot_be_written(wav: Path, tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    words = ["augment", wav, "--with", "SoftClip", "--copies", 1]
    for place, text in (("/proc/x", "cannot be"), (tmp_path / "tone.wav" / "x", "is a file, not a folder")):
        assert run(*words, "-o", place) == 2
        assert text in capfd.readouterr().err
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "tone.1.wav").mkdir()
    assert run(*words, "-o", tmp_path / "out", "--picture", tmp_path / "x.png") == 2
    assert capfd.readouterr().err.count("\n") == 1
    assert not (tmp_path / "x.png").exists()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["tone.1.wav"]


def test_the_help_has_an_example(capfd: pytest.CaptureFixture) -> None:
    assert run("augment", "--help") == 0
    out = " ".join(capfd.readouterr().out.split())
    assert "Example: kapre augment speech.wav --with RandomGain:min_gain_db=-6,max_gain_db=6" in out
