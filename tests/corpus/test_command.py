"""`kapre extract`, and `kapre info` and `kapre show` of its stores: lines, exit codes, no traceback."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import pytest
import soundfile

from tests.command import run
from tests.corpus.recordings import sound, write_bad, write_good

BACKEND = keras.backend.backend()


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    write_good(tmp_path / "recordings", 20)
    return tmp_path / "recordings"


def test_a_folder(recordings: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    store = tmp_path / "store"
    assert run("extract", recordings, "-o", store, "--preset", "kaldi_fbank") == 0
    printed = capfd.readouterr()
    assert (printed.out, printed.err) == (f"20 ok → {store}\n", "")
    assert run("extract", recordings, "-o", store, "--preset", "kaldi_fbank") == 2
    assert "Use --resume to go on with it, or --overwrite" in capfd.readouterr().err
    write_bad(recordings / "bad")
    assert run("extract", recordings, "-o", store, "--preset", "kaldi_fbank", "--overwrite", "--dtype", "f16") == 1
    assert capfd.readouterr().out == f"20 ok, 11 failed → {store / 'errors.csv'}\n"
    assert run("info", store) == 0
    out = capfd.readouterr().out
    assert "20 with features, 11 with an error" in out
    assert "9 decode, 1 " in out
    assert "float16" in out
    assert run("info", "--json", store) == 0
    assert json.loads(capfd.readouterr().out)["rows"] == 20
    assert run("show", store, "--row", 3, "-o", tmp_path / "row.png") == 0
    assert "× 80 float16" in capfd.readouterr().out
    assert (tmp_path / "row.png").stat().st_size > 5000
    assert run("show", store, "--row", 3) == 0
    assert len(capfd.readouterr().out.splitlines()) > 5
    assert run("show", store, "--row", 20) == 2
    assert "the store has rows 0 to 19; received 20" in capfd.readouterr().err
    assert run("show", store) == 2
    assert "--row 0" in capfd.readouterr().err
    assert run("show", store, "--row", 0, "--preset", "nemo") == 2
    assert "the store decides --preset" in capfd.readouterr().err


def test_json_dry_run_and_a_pattern(recordings: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    words = ["extract", recordings, "-o", tmp_path / "store", "--preset", "kaldi_fbank", "--glob", "**/*.flac"]
    assert run(*words, "--dry-run") == 0
    assert capfd.readouterr().out.startswith("4 files, ")
    assert run(*words, "--dry-run", "--json") == 0
    assert json.loads(capfd.readouterr().out)["items"] == 4
    assert not (tmp_path / "store").exists()
    assert run(*words, "--json") == 0
    assert json.loads(capfd.readouterr().out)["ok"] == 4


def test_standard_input(recordings: Path, tmp_path: Path) -> None:
    paths = sorted(recordings.rglob("*.wav"))
    command = [sys.executable, "-m", "kapre_cli", "extract", "-", "-o", str(tmp_path / "store"), "--backend", BACKEND]
    lines = "\n".join([*map(str, paths), json.dumps({"path": str(paths[0]), "duration": 0.1, "text": "first"})])
    result = subprocess.run(
        [*command, "--preset", "kaldi_fbank"], input=lines, capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stdout) == (0, f"{len(paths) + 1} ok → {tmp_path / 'store'}\n"), result.stderr


def test_a_recipe_and_a_fail(recordings: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run("presets", "nemo") == 0
    (tmp_path / "nemo.json").write_text(capfd.readouterr().out, encoding="utf-8")
    (tmp_path / "list.csv").write_text(f"path\n{tmp_path / 'gone.wav'}\n", encoding="utf-8")
    words = ["extract", recordings, tmp_path / "list.csv", "-o", tmp_path / "store", "--recipe", tmp_path / "nemo.json"]
    assert run(*words, "--on-error", "fail") == 1
    assert capfd.readouterr().err == (
        f"kapre: {tmp_path / 'gone.wav'}: open: no such file. Mend it or leave it out, or use --on-error skip.\n"
    )
    assert run(*words, "--resume") == 1
    with open(tmp_path / "store" / "errors.csv", newline="") as file:
        assert list(csv.reader(file)) == [
            ["path", "start", "stage", "reason"],
            [str(tmp_path / "gone.wav"), "0.0", "open", "no such file"],
        ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["in/a.wav", "-o", "s"], "give one of --preset NAME, --recipe FILE and --from DIR"),
        (["in/a.wav", "-o", "s", "--preset", "wisper"], "whisper"),
        (["in/a.wav", "-o", "s", "--preset", "nemo", "--channel", "left"], '"mix" or a number'),
        (["in/a.wav", "-o", "s", "--preset", "nemo", "-j", "0"], "workers"),
        (["in/a.wav", "-o", "s", "--preset", "nemo", "--segment", "0"], "segment"),
        (["none.csv", "-o", "s", "--preset", "nemo"], "none.csv: no such file or folder"),
        (["in/a.wav", "-o", "s", "--preset", "nemo", "--resume", "--overwrite"], "Use one"),
        (["gone", "in/a.wav", "-o", "s", "--preset", "nemo"], "gone: no such file or folder. Check the path."),
        (["gone", "in/a.wav", "-o", "s", "--preset", "nemo", "--dry-run"], "gone: no such file or folder"),
        (["empty", "-o", "s", "--preset", "nemo"], "nothing to extract"),
    ],
)
def test_errors_are_a_line(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.wav").touch()
    assert run("extract", *words) == 2
    err = capfd.readouterr().err
    assert said in err
    assert err.count("\n") == 1
    assert not (tmp_path / "s").exists()


def test_the_bar_in_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from kapre.corpus import Progress
    from kapre_cli import extract

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

        def close(self) -> None:
            pass

    terminal = Terminal()
    monkeypatch.setattr(extract.os, "fdopen", lambda *_, **__: terminal)
    with extract._telling(False) as tell:
        assert tell is not None
        tell(Progress(items=50, of=100, failed=2, seconds=7200.0, elapsed=3.6))
    shown = terminal.getvalue()
    for words in ("50/100", "2.00 h of audio", "2000 × real time", "2 failed"):
        assert words in shown
    lines = extract._Lines(terminal)
    lines.told = 0.0
    lines(Progress(items=50, of=100, failed=0, seconds=60.0, elapsed=3.0))
    assert "50 of 100 files, 60 s of audio, 20 × real time\n" in terminal.getvalue()


def test_ctrl_c(tmp_path: Path) -> None:
    import os
    import signal
    import time

    for number in range(200):
        soundfile.write(tmp_path / f"{number}.wav", sound(160000, 16000, 1, number), 16000)
    command = [sys.executable, "-m", "kapre_cli", "extract", str(tmp_path), "-o", str(tmp_path / "store")]
    command += ["--preset", "kaldi_fbank", "--backend", BACKEND, "-j", "2", "--shard-size", "5"]
    pipes: dict[str, Any] = dict(stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    # Where the tests run behind `&`, Ctrl-C is ignored, and so it would be in what they begin.
    process = subprocess.Popen(command, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL), **pipes)
    while not list((tmp_path / "store" / "shards").glob("shard-*")) and process.poll() is None:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGINT)
    _, err = process.communicate()
    assert process.returncode == 130
    assert "Go on with the same command and --resume" in err
    assert "Traceback" not in err
