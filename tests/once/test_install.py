"""tools/install.py: uv where it works, else pip, and an environment without pip is repaired."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import ROOT, python

TOOL = ROOT / "tools" / "install.py"
NOTES = 'echo "$(basename "$0") $*" >> "{}"\n'


def script(path: Path, log: Path, more: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n" + NOTES.format(log) + more)
    path.chmod(0o755)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """An environment whose python and pip only note how they were called."""
    for name in ("python", "pip"):
        script(tmp_path / "env" / "bin" / name, tmp_path / "log")
    (tmp_path / "path").mkdir()
    return tmp_path


def install(place: Path, *words: str) -> tuple[list[str], subprocess.CompletedProcess[str]]:
    result = python(TOOL, place / "env", *words, PATH=f"{place / 'path'}:/usr/bin:/bin")
    log = place / "log"
    return log.read_text().splitlines() if log.exists() else [], result


def test_uv_installs(place: Path) -> None:
    script(place / "path" / "uv", place / "log")
    calls, result = install(place, "-r", "requirements-dev.txt")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert calls == [f"uv pip install --quiet --python {place / 'env' / 'bin' / 'python'} -r requirements-dev.txt"]


def test_pip_installs_pytorch(place: Path) -> None:
    script(place / "path" / "uv", place / "log")
    calls, _ = install(place, "-r", "requirements-torch.txt")
    assert len(calls) == 1
    assert calls[0].startswith("python -m pip install")


@pytest.mark.parametrize("uv", ["fails", "is no program"])
def test_pip_installs_where_uv_does_not(place: Path, uv: str) -> None:
    script(place / "path" / "uv", place / "log", "echo no network >&2\nexit 2\n")
    if uv == "is no program":
        (place / "path" / "uv").write_bytes(b"\x7fELF")
    calls, result = install(place, "numpy")
    assert calls[-1].startswith("python -m pip install")
    assert calls[-1].endswith(" numpy")
    assert result.returncode == 0
    assert len(result.stderr.splitlines()) == 1
    assert "installing with pip" in result.stderr


def test_an_environment_without_pip_gets_one(place: Path) -> None:
    folder = place / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    script(place / "path" / "uv", place / "log")
    (place / "env" / "bin" / "pip").unlink()
    (place / "env").rename(place / "gone")
    folder.rename(place / "env")
    _, result = install(place, "numpy")
    assert result.returncode == 0, result.stderr
    assert (place / "env" / "bin" / "pip").exists()
