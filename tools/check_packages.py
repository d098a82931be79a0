"""Build the wheel and the sdist, and install each extra into an empty environment, where its commands must run.

The last line is `N passed, N failed`.
"""

from __future__ import annotations

import os
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
    """Check that both hold the packages, the type marker and the licence, and the wheel nothing else."""
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if "dist-info" not in name} == {"kapre", "kapre_cli"}, names
    assert "kapre/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    with tarfile.open(sdist) as archive:
        inside = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    assert {"kapre/ops/frames.py", "tests/conftest.py", "Makefile", "LICENSE", "README.md"} <= inside


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
    assert "1.0.0" in env.kapre("--version")
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
    assert env.kapre("extract", AUDIO, "-o", "features", "--preset", "kaldi_fbank", "-j", "2") == "1 ok\n"
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
