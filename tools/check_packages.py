"""Build the wheel and the sdist, and install each extra into an empty environment, where its commands must run.

The last line is `N passed, N failed`.
"""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
AUDIO = ROOT / "examples" / "audio" / "arpeggio.flac"
VERSION = runpy.run_path(str(ROOT / "kapre" / "_version.py"))["__version__"]
TWINE = "twine==7.0.0"
LAYER = "import kapre, keras; kapre.STFT(64)(keras.ops.zeros((1, 640, 1))); print(keras.backend.backend())"


def attempt(*command: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command without this environment's choice of backend."""
    env = {key: value for key, value in os.environ.items() if key not in ("KERAS_BACKEND", "PYTHONPATH")}
    words = [str(word) for word in command]
    return subprocess.run(words, capture_output=True, text=True, env=env, cwd=cwd, check=False)


def call(*command: object, cwd: Path | None = None) -> str:
    """Run a command, which must succeed, and return what it printed."""
    result = attempt(*command, cwd=cwd)
    if result.returncode:
        raise RuntimeError(f"{' '.join(result.args)}\n{result.stdout[-2000:]}\n{result.stderr[-2000:]}")
    return result.stdout


class Environment:
    """An empty virtual environment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.python = folder / "bin" / "python"
        self.command = folder / "bin" / "kapre"

    def install(self, *words: object) -> None:
        """Install as `make setup` does."""
        call(sys.executable, ROOT / "tools" / "install.py", self.folder, *words)

    def kapre(self, *words: object) -> str:
        """Run the command that the package installs."""
        return call(self.command, *words, cwd=self.folder)


def check_contents(wheel: Path, sdist: Path) -> None:
    """Check that the wheel holds the packages, their licence and nothing else, and the sdist what its tests need."""
    names = zipfile.ZipFile(wheel).namelist()
    about = f"kapre-{VERSION}.dist-info"
    assert {name.split("/")[0] for name in names} == {"kapre", "kapre_cli", about}, names
    assert {Path(name).suffix for name in names if not name.startswith(about)} == {".py", ".typed"}, names
    assert {"kapre/py.typed", "kapre_cli/py.typed", f"{about}/licenses/LICENSE"} <= set(names)
    with tarfile.open(sdist) as archive:
        inside = {member.name.split("/", 1)[1] for member in archive.getmembers() if member.isfile()}
        assert sdist.name == f"kapre-{VERSION}.tar.gz"
    assert {"kapre/ops/frames.py", "tests/conftest.py", "Makefile", "LICENSE", "README.md", "CITATION.cff"} <= inside
    assert {"native/src/kernel.cpp", "conda/recipe.yaml", ".github/workflows/ci.yml", "requirements-dev.in"} <= inside
    listed = call("git", "ls-files", "-z", cwd=ROOT).split("\0")
    made = inside - set(listed) - {"PKG-INFO"}
    assert not made, f"not in the repository: {sorted(made)[:9]}"


def check_page(folder: Path, wheel: Path, sdist: Path) -> None:
    """Check that the package index renders the description, whose pictures and links have whole addresses."""
    env = Environment(folder)
    env.install(TWINE)
    call(env.python, "-m", "twine", "check", "--strict", wheel, sdist)
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    assert len(targets) > 10
    assert not [target for target in targets if not target.startswith("https://")], targets


def check_alone(folder: Path, wheel: Path) -> None:
    """Check what the wheel says without an extra: which backends there are, and what the command needs."""
    env = Environment(folder)
    env.install(wheel)
    result = attempt(env.python, "-c", "import kapre", cwd=folder)
    last = result.stderr.strip().splitlines()[-1]
    assert (result.returncode, last.split(":")[0]) == (1, "ImportError"), result.stderr
    for extra in ("jax", "tensorflow", "torch"):
        assert f"`pip install 'kapre[{extra}]'`" in last, last
    result = attempt(env.command, "--version", cwd=folder)
    assert result.returncode == 1
    assert result.stderr == "kapre: the command needs cyclopts and more: run `pip install 'kapre[audio]'`.\n"


def check_backend(extra: str) -> Callable[[Path, Path], None]:
    """Return a check that `import kapre` works with one backend installed and nothing set."""

    def check(folder: Path, wheel: Path) -> None:
        env = Environment(folder)
        if extra == "torch":
            env.install("-r", ROOT / "requirements-torch.txt")
        more = {"tensorflow": ",audio,export", "torch": ",audio,executorch"}.get(extra, "")  # whose files these write
        env.install(f"{wheel}[{extra}{more}]")
        assert call(env.python, "-c", LAYER, cwd=folder).split()[-1:] == [extra]
        for name in {"tensorflow": ("fbank.onnx", "fbank.tflite"), "torch": ("fbank.pte",)}.get(extra, ()):
            words = env.kapre("export", "--preset", "kaldi_fbank", "--backend", extra, "-o", name)
            assert f"written by {extra}" in words, words
            assert "16000 Hz" in env.kapre("info", name)

    return check


def check_audio(folder: Path, wheel: Path) -> None:
    """Check that the command, with no backend beside it, reads files, and says in one line which backend to install."""
    env = Environment(folder)
    venv.create(folder, with_pip=True)
    call(env.python, "-m", "pip", "install", "--quiet", "--no-compile", f"{wheel}[audio]")  # pip itself, once
    assert "Usage: kapre" in env.kapre("--help")
    assert env.kapre("--version") == f"{VERSION}\n"
    assert "22050 Hz" in env.kapre("info", AUDIO)
    assert "whisper" in env.kapre("presets")
    for words, code in ((["show", AUDIO], 2), (["doctor"], 1)):
        result = attempt(env.command, *words)
        assert result.returncode == code, (words, result.stdout)
        assert result.stderr.count("\n") == 1, (words, result.stderr)
        assert "pip install 'kapre[jax]'" in result.stderr, (words, result.stderr)


def check_audio_with_jax(folder: Path, sdist: Path) -> None:
    """Check the sdist, with the command on JAX."""
    env = Environment(folder)
    env.install(f"{sdist}[audio,jax]")
    assert "22050 Hz" in env.kapre("info", AUDIO)
    assert "128 bands on jax" in env.kapre("show", AUDIO, "-o", "picture.png", "--features", "features.npz")
    assert (folder / "picture.png").stat().st_size > 10_000
    assert "128 bands on jax" in env.kapre("show", AUDIO)
    assert "works" in env.kapre("doctor", "--run")
    assert env.kapre("extract", AUDIO, "-o", "features", "--preset", "kaldi_fbank", "-j", "2") == "1 ok → features\n"
    assert "1 with features" in env.kapre("info", "features")


def main() -> int:
    """Run every check and return the exit code."""
    passed = failed = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        call(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder / "dist", ROOT)
        (wheel,), (sdist,) = (folder / "dist").glob("*.whl"), (folder / "dist").glob("*.tar.gz")
        checks: dict[str, Callable[[], None]] = {
            "contents": lambda: check_contents(wheel, sdist),
            "page": lambda: check_page(folder / "page", wheel, sdist),
            "alone": lambda: check_alone(folder / "alone", wheel),
            "audio": lambda: check_audio(folder / "audio", wheel),
            "audio,jax from sdist": lambda: check_audio_with_jax(folder / "sdist", sdist),
            **{
                extra: lambda extra=extra: check_backend(extra)(folder / extra, wheel)  # type: ignore[misc]
                for extra in ("jax", "tensorflow", "torch")
            },
        }
        for title, check in checks.items():
            try:
                check()
            except Exception as error:  # counted, and the last line still printed
                failed += 1
                print(f"package {title}: failed\n{type(error).__name__}: {error}", flush=True)
            else:
                passed += 1
                print(f"package {title}: ok", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
