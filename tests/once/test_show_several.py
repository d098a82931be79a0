"""`kapre show` of several files: one picture, and of each file what the command makes of it alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from kapre_cli import pictures
from tests.command import run

RATE = 8000
SECONDS = (1.0, 2.5, 0.5)


def noise(folder: Path, name: str, seconds: float, channels: int = 1, gain: float = 0.1) -> Path:
    x = gain * np.random.default_rng(list(name.encode())).standard_normal((round(seconds * RATE), channels))
    soundfile.write(folder / name, x, RATE, subtype="FLOAT")
    return folder / name


@pytest.fixture
def three(tmp_path: Path) -> list[Path]:
    return [noise(tmp_path, f"{name}.wav", seconds) for name, seconds in zip("abc", SECONDS, strict=True)]


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Collects the pictures that are written."""
    kept: list[Any] = []
    save = pictures.save_picture

    def keep(figure: Any, path: Path) -> None:
        kept.append(figure)
        save(figure, path)

    monkeypatch.setattr(pictures, "save_picture", keep)
    return kept


def test_one_picture_has_one_time_axis_and_one_range_of_colours(
    three: list[Path], tmp_path: Path, figures: list[Any], capfd: pytest.CaptureFixture
) -> None:
    louder = noise(tmp_path, "louder.wav", 1.0, 2, gain=0.9)
    assert run("show", *three, louder, "-o", tmp_path / "out.png", "--n-fft", 512) == 0
    out, err = capfd.readouterr()
    assert err == ""
    assert [line.split(":")[0] for line in out.splitlines()[:-1]] == ["a.wav", "b.wav", "c.wav", "louder.wav"]
    assert out.splitlines()[-1] == f"4 files → {tmp_path / 'out.png'}"
    assert (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG")
    (figure,) = figures
    panels = [axes for axes in figure.axes if axes.get_title()]
    assert [axes.get_title() for axes in panels] == [
        *("a.wav", "b.wav", "c.wav"),
        *("louder.wav, channel 1 of 2", "louder.wav, channel 2 of 2"),
    ]
    (limits,) = {axes.get_xlim() for axes in panels}
    assert limits[1] == pytest.approx(2.5, abs=512 / RATE)
    images = [axes.images[0] for axes in panels]
    values = [np.asarray(image.get_array()) for image in images]
    assert {image.get_clim() for image in images} == {(min(v.min() for v in values), max(v.max() for v in values))}
    for image, seconds in zip(images, (*SECONDS, 1.0, 1.0), strict=True):
        assert image.get_extent()[1] == pytest.approx(seconds, abs=512 / RATE)


@pytest.mark.parametrize("words", [["--kind", "stft", "--no-decibel"], ["--preset", "kaldi_fbank"]])
def test_each_file_has_the_features_that_it_has_alone(words: list[str], three: list[Path], tmp_path: Path) -> None:
    assert run("show", *three, "--features", tmp_path / "all.npz", *words) == 0
    for file in three:
        assert run("show", file, "--features", tmp_path / "one.npz", *words) == 0
        with np.load(tmp_path / f"all.{file.stem}.npz") as several, np.load(tmp_path / "one.npz") as alone:
            assert set(several) == set(alone)
            for name in set(alone):
                np.testing.assert_array_equal(several[name], alone[name])


def test_a_preset_is_in_the_titles_and_each_sound_is_written(
    three: list[Path], tmp_path: Path, figures: list[Any], capfd: pytest.CaptureFixture
) -> None:
    words = ["--preset", "kaldi_fbank", "-o", tmp_path / "out.svg", "--listen", tmp_path / "heard.wav"]
    assert run("show", *three[:2], *words) == 0
    out = capfd.readouterr().out
    assert "note: a.wav: resampled from 8000 to 16000 Hz" in out
    assert "a.wav, kaldi_fbank" in [axes.get_title() for axes in figures[0].axes]
    for name, seconds in zip("ab", SECONDS, strict=False):
        assert soundfile.info(tmp_path / f"heard.{name}.wav").duration == pytest.approx(seconds)
        assert f"heard.{name}.wav" in out


def test_files_of_one_name_are_told_apart_by_their_folders(
    three: list[Path], tmp_path: Path, figures: list[Any]
) -> None:
    (tmp_path / "other").mkdir()
    other = noise(tmp_path / "other", three[0].name, 0.5)
    assert run("show", three[0], other, "-o", tmp_path / "out.png") == 0
    assert [axes.get_title() for axes in figures[0].axes if axes.get_title()] == [str(three[0]), str(other)]


def test_the_terminal_shows_one_after_another(three: list[Path], capfd: pytest.CaptureFixture) -> None:
    assert run("show", *three) == 0
    lines = capfd.readouterr().out.splitlines()
    assert len(lines) == 3 * 20
    assert [lines[20 * index + 19].split(":")[0] for index in range(3)] == ["a.wav", "b.wav", "c.wav"]


def test_damage_is_told_of_the_file_that_has_it(
    three: list[Path], tmp_path: Path, figures: list[Any], capfd: pytest.CaptureFixture
) -> None:
    data = three[1].read_bytes()
    three[1].write_bytes(data[: len(data) // 2])
    assert run("show", *three, "-o", tmp_path / "out.png") == 1
    err = capfd.readouterr().err
    assert err.startswith(f"kapre: {three[1]}: cut short")
    assert err.count("\n") == 1
    assert "a.wav" not in err
    titles = [axes.get_title() for axes in figures[0].axes if axes.get_title()]
    assert [" DAMAGED: cut short" in title for title in titles] == [False, True, False]


WRONG = [
    (["{a}"] * 9, 2, "one call shows at most 8 files; received 9"),
    (["{a}", "{folder}/none.wav"], 2, "none.wav: no such file"),
    (["{a}", "{folder}"], 2, "a folder, not a file"),
    (["https://example.com/a.wav"], 2, "Addresses are not read here: download the file first"),
    (["{array}"], 2, "an array, not sound"),
    (["{a}", "{a}", "--features", "{folder}/f.npz"], 2, "two files are called a, so that both would write"),
    (["{a}", "{a}", "--listen", "{folder}/f.wav"], 2, "two files are called a, so that both would write"),
    (["{a}", "{wide}", "{wide}", "-o", "{folder}/f.png"], 2, "at most 16 channels of several files; received 17"),
    (["{a}", "{b}", "--row", "0"], 2, "--row goes with a store of `kapre extract`, alone"),
    (["{a}", "{short}", "-o", "{folder}/f.png"], 1, "short.wav: too short"),
]


@pytest.mark.parametrize(("words", "code", "text"), WRONG, ids=[text for _, _, text in WRONG])
def test_what_cannot_be_shown_is_one_line_and_leaves_nothing(
    words: list[str], code: int, text: str, three: list[Path], tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    places = {"a": three[0], "b": three[1], "folder": tmp_path}
    places |= {"wide": noise(tmp_path, "wide.wav", 0.5, 8), "short": noise(tmp_path, "short.wav", 0.01)}
    places["array"] = tmp_path / "features.npz"
    np.savez(places["array"], features=np.zeros((3, 4)))
    before = sorted(tmp_path.iterdir())
    assert run("show", *(word.format(**places) for word in words)) == code
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert text in err
    assert sorted(tmp_path.iterdir()) == before
