"""Build kapre-native and install it into a virtual environment, if the machine has a C++ compiler.

`python tools/native.py .venv` prints one line and succeeds where it cannot be built. With `--demand` it fails there.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from install import ROOT, install

WITHOUT = "Kapre works without it, but takes longer on a CPU."


def _headers_of_jax(environment: Path) -> str:
    """Return the folder of jaxlib's headers in the environment, with which the library serves JAX, or ""."""
    code = "import importlib.util as u; s = u.find_spec('jaxlib'); print(s.submodule_search_locations[0] if s else '')"
    result = subprocess.run([environment / "bin" / "python", "-c", code], capture_output=True, text=True, check=False)
    found = result.stdout.strip()
    return str(Path(found) / "include") if found else ""


def main() -> int:
    """Build and install, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("environment", type=Path, help="the virtual environment")
    parser.add_argument("--demand", action="store_true", help="fail if it cannot be built")
    arguments = parser.parse_args()
    compilers = [os.environ.get("CXX", "").split(" ")[0], "c++", "g++", "clang++"]
    if not any(shutil.which(name) for name in compilers if name):
        print(f"kapre-native is not built, because no C++ compiler is found. {WITHOUT}")
        return int(arguments.demand)
    os.environ.setdefault("KAPRE_XLA_INCLUDE", _headers_of_jax(arguments.environment))
    code = install(arguments.environment, ["--force-reinstall", "--no-deps", str(ROOT / "native")])
    if code:
        print(f"kapre-native could not be built. {WITHOUT} It was built with GCC 12.")
        return int(arguments.demand)
    loads = "import ctypes, kapre_native; ctypes.CDLL(str(kapre_native.library_path()))"
    return subprocess.run([arguments.environment / "bin" / "python", "-c", loads], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
