"""`kapre doctor`."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from kapre_cli.errors import BACKENDS, DATA, CommandError, load_audio

_OPTIONAL = {
    "soundfile": ("reads audio", "audio"),
    "soxr": ("resamples", "audio"),
    "pyarrow": ("keeps features of corpora", "audio"),
    "matplotlib": ("draws pictures", "audio"),
    "rich": ("draws in the terminal", "audio"),
    "ray": ("runs on clusters", "ray"),
    "array-record": ("keeps features as ArrayRecord", "array_record"),
}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _row(name: str, state: str) -> None:
    print(f"  {name:<14}{state}")


def _backend_version(name: str) -> str:
    for package in (name, f"{name}-cpu"):
        found = _version(package)
        if found:
            return found
    return ""


def _try_backends() -> dict[str, str]:
    """Return what importing Kapre on each installed backend says: "" if it works, else the reason."""
    env = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    code = "import kapre, numpy; kapre.STFT(8)(numpy.zeros((1, 16, 1), 'float32'))"
    running = {
        name: subprocess.Popen(
            [sys.executable, "-c", code],
            env={**env, "KERAS_BACKEND": name},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in BACKENDS
        if find_spec(name)
    }
    reasons = {}
    for name, process in running.items():
        _, errors = process.communicate()
        lines = [line for line in errors.strip().splitlines() if line.strip()]
        reasons[name] = "" if process.returncode == 0 else (lines[-1] if lines else f"exit code {process.returncode}")
    return reasons


def run() -> int:
    """Print what is here and what is missing; return the exit code."""
    print("versions")
    _row("python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    for package in ("kapre", "keras", "numpy"):
        _row(package, _version(package) or "missing")
    for package, (purpose, extra) in _OPTIONAL.items():
        found = _version(package)
        _row(package, found or f"missing: it {purpose}. Run `pip install 'kapre[{extra}]'`")

    print("backends")
    reasons = _try_backends()
    for name in BACKENDS:
        if name not in reasons:
            _row(name, f"missing. Run `pip install 'kapre[{name}]'`")
        elif reasons[name]:
            _row(name, f"{_backend_version(name)} is broken: {reasons[name]}")
        else:
            _row(name, f"{_backend_version(name)} works")
    named = os.environ.get("KERAS_BACKEND")
    if named:
        _row("in use", f"{named} (KERAS_BACKEND)")

    print("audio formats")
    try:
        formats = load_audio().readable_formats()
    except ImportError as error:
        _row("none", str(error))
    else:
        for name, readable in formats.items():
            too_old = "this libsndfile is too old. Upgrade soundfile"
            remedy = "it needs PyAV. Run `pip install 'kapre[av]'`" if name == "m4a" else too_old
            _row(name, "readable" if readable else f"not readable: {remedy}")

    if not any(reason == "" for reason in reasons.values()):
        raise CommandError("no backend works: models cannot run. Run `pip install 'kapre[jax]'`.", DATA)
    if named and reasons.get(named) != "":
        working = ", ".join(name for name, reason in reasons.items() if reason == "")
        raise CommandError(
            f"KERAS_BACKEND names {named!r}, which does not work here. Set it to one of: {working}.", DATA
        )
    return 0
