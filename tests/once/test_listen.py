"""`kapre listen`, with a microphone that plays a tone."""

from __future__ import annotations

import importlib.machinery
import sys
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from kapre_cli.main import main

HZ = 1000.0


class PortAudioError(Exception):
    """As sounddevice raises it."""


def fake(fails: bool = False, is_silent: bool = False) -> types.ModuleType:
    """Return a module like sounddevice, whose input is a tone that is heard at once."""

    class InputStream:
        def __init__(self, samplerate: int, channels: int, dtype: str, device: Any, blocksize: int, callback: Any):
            if fails:
                raise PortAudioError("Invalid sample rate")
            assert (channels, dtype) == (1, "float32")
            self.rate, self.size, self.callback = samplerate, blocksize, callback

        def __enter__(self) -> InputStream:
            t = np.arange(20 * self.size) / self.rate
            tone = (0.5 * np.sin(2 * np.pi * HZ * t)).astype("float32")[:, None]
            for start in range(0, 0 if is_silent else len(tone), self.size):
                self.callback(tone[start : start + self.size], self.size, None, None)
            return self

        def __exit__(self, *_: object) -> None:
            pass

    module = types.ModuleType("sounddevice")
    module.__spec__ = importlib.machinery.ModuleSpec("sounddevice", None)
    module.InputStream, module.PortAudioError = InputStream, PortAudioError  # type: ignore[attr-defined]
    devices = [{"name": "Built-in", "max_input_channels": 1}, {"name": "Speakers", "max_input_channels": 0}]
    module.query_devices = lambda: devices  # type: ignore[attr-defined]
    return module


@pytest.fixture
def listen(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def run(*words: str, module: types.ModuleType | None = None) -> tuple[int, str, str]:
        monkeypatch.setitem(sys.modules, "sounddevice", module or fake())
        with pytest.raises(SystemExit) as ended:
            main(["listen", *words])
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run


def test_a_tone_is_one_column(listen: Any) -> None:
    code, out, err = listen("--seconds", "0.9")
    assert (code, err) == (0, "")
    head, *lines = out.splitlines()
    assert "16000 Hz" in head
    assert 15 <= len(lines) <= 18
    loudest = {line[8:].index("@") for line in lines[2:]}
    assert len(loudest) == 1  # the same band throughout
    assert lines[-1].strip().startswith("0.9 s")


def test_another_front_end_and_rate(listen: Any) -> None:
    code, out, _ = listen("--seconds", "0.5", "--preset", "torchaudio_mel")
    assert code == 0
    assert len(out.splitlines()) > 5


@pytest.mark.parametrize(
    ("words", "module", "code", "said"),
    [
        (("--preset", "whisper"), None, 2, "cannot be streamed"),
        (("--preset", "whisper", "--from", "x"), None, 2, "--preset and --from exclude each other"),
        (("--preset", "wav2vec2"), None, 2, "spectrum"),
        (("--seconds", "0"), None, 2, "--seconds must be a positive number"),
        ((), fake(fails=True), 1, "cannot be opened at 16000 Hz: Invalid sample rate. Inputs here: Built-in."),
    ],
)
def test_problems_take_one_line(listen: Any, words: Any, module: Any, code: int, said: str) -> None:
    found, out, err = listen(*words, module=module)
    assert found == code
    assert said in err
    assert err.count("\n") == 1
    assert out == "" or "Stop with Ctrl-C" in out


def test_a_microphone_that_says_nothing(listen: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kapre_cli.microphone._PATIENCE", 0.05)
    code, _, err = listen(module=fake(is_silent=True))
    assert code == 1
    assert "no sound came" in err


def test_without_portaudio(listen: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    with pytest.raises(SystemExit) as ended:
        main(["listen"])
    assert ended.value.code == 2


def test_without_sounddevice(listen: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kapre_cli.microphone.find_spec", lambda name: None)
    code, _, err = listen()
    assert code == 2
    assert "pip install 'kapre[mic]'" in err
