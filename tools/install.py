"""Install packages into a virtual environment, with uv where it is to be had, else with pip.

`python tools/install.py .venv -r requirements-dev.txt` makes the environment if it is absent. What follows its name is
for `uv pip install` or `pip install`. The script needs nothing but Python.
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
"""What pip installs in any case: it finds a wheel for the CPU where the machine has one, uv takes 3 GB for CUDA."""


def uv(environment: Path) -> str | None:
    """Return a uv: that on the PATH, that of an environment, or one that pip installs; else none."""
    places = [environment / "bin", Path(sys.executable).parent, ROOT / ".venv" / "bin"]
    found = next((path for path in map(shutil.which, ["uv", *(str(place / "uv") for place in places)]) if path), None)
    if found is None:
        pinned = ["--only-binary=:all:", "--constraint", str(ROOT / "requirements-dev.txt"), "uv"]
        subprocess.run([environment / "bin" / "python", *PIP, *pinned], capture_output=True, check=False)
        found = shutil.which(environment / "bin" / "uv")
    return found


def install(environment: Path, words: list[str]) -> int:
    """Install what the words ask for and return the exit code."""
    python = environment / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    if not any(Path(word).name == BY_PIP for word in words):
        tool = uv(environment)
        if tool and not subprocess.run([tool, "pip", "install", "--quiet", "--python", python, *words]).returncode:
            return 0
    return subprocess.run([python, *PIP, *words]).returncode


if __name__ == "__main__":
    sys.exit(install(Path(sys.argv[1]), sys.argv[2:]))
