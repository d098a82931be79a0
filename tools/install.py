"""Install packages into a virtual environment, with uv if possible, else with pip.

`python tools/install.py .venv -r requirements-dev.txt` creates the environment if necessary. The words after its name
are passed to `uv pip install` or `pip install`. The script needs only Python.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PIP = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile")
"""pip would compile every module, and most are never imported."""
BY_PIP = "requirements-torch.txt"
"""What pip always installs: it finds a wheel for the CPU where the machine has one, and uv would load 3 GB for CUDA."""


def uv(environment: Path) -> str | None:
    """Return the path of uv: on PATH, in an environment, or newly installed by pip. Return None if there is none."""
    places = [environment / "bin", Path(sys.executable).parent, ROOT / ".venv" / "bin"]
    found = next((path for path in map(shutil.which, ["uv", *(str(place / "uv") for place in places)]) if path), None)
    if found is None:
        pinned = ["--only-binary=:all:", "--constraint", str(ROOT / "requirements-dev.txt"), "uv"]
        subprocess.run([environment / "bin" / "python", *PIP, *pinned], capture_output=True, check=False)
        found = shutil.which(environment / "bin" / "uv")
    return found


def by_uv(environment: Path, words: list[str]) -> bool:
    """Install with uv and tell whether that succeeded."""
    tool = uv(environment)
    if tool is None:
        return False
    command = [tool, "pip", "install", "--quiet", "--python", str(environment / "bin" / "python"), *words]
    try:
        result = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    except OSError as error:
        print(f"{tool} does not run ({error.strerror}); installing with pip", file=sys.stderr)
        return False
    if result.returncode:
        print(f"uv failed; installing with pip. uv said: {result.stderr.strip()}", file=sys.stderr)
    return result.returncode == 0


def install(environment: Path, words: list[str]) -> int:
    """Install what the words name and return the exit code."""
    python = environment / "bin" / "python"
    if not (python.exists() and (environment / "bin" / "pip").exists()):  # that of uv has no pip
        result = subprocess.run([sys.executable, "-m", "venv", environment], check=False)
        if result.returncode:
            print(f"{environment} could not be created; on Debian, install python3-venv first", file=sys.stderr)
            return result.returncode
    if not any(Path(word).name == BY_PIP for word in words) and by_uv(environment, words):
        return 0
    return subprocess.run([python, *PIP, *words], check=False).returncode


if __name__ == "__main__":
    sys.exit(install(Path(sys.argv[1]), sys.argv[2:]))
