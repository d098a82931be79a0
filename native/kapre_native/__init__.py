"""The compiled kernel of Kapre: a shared library with a C interface, which `kapre` loads with ctypes.

Example:
    ```python
    import kapre_native

    assert kapre_native.library_path().exists()
    ```
"""

from __future__ import annotations

from pathlib import Path

__version__ = "1.0.0rc1"

_NAMES = ("libkapre_native.so", "libkapre_native.dylib", "kapre_native.dll")


def library_path() -> Path:
    """Return the path of the shared library."""
    folder = Path(__file__).parent
    return next((folder / name for name in _NAMES if (folder / name).exists()), folder / _NAMES[0])
