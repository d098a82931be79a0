"""`kapre doctor`."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from kapre_cli.errors import BACKENDS, DATA, CommandError, light, load_audio
from kapre_cli.progress import working

_OPTIONAL = {
    "soundfile": ("reads audio", "audio"),
    "soxr": ("resamples", "audio"),
    "pyarrow": ("keeps features of corpora", "audio"),
    "matplotlib": ("draws pictures", "audio"),
    "cyclopts": ("reads this command's options", "audio"),
    "rich": ("draws in the terminal", "audio"),
    "av": ("reads m4a and AAC", "av"),
    "sounddevice": ("hears the microphone", "mic"),
    "ray": ("runs on clusters", "ray"),
    "array-record": ("keeps features as ArrayRecord", "arrayrecord"),
    "huggingface-hub": ("fetches models' configuration files", "hub"),
    "pyyaml": ("reads configuration files", "hub"),
    "transformers": ("takes front ends as feature extractors", "transformers"),
    "kapre-native": ("computes spectra on a CPU in less time", "native"),
}
_EXPORT = {
    "ai-edge-litert": ("runs LiteRT", "litert"),
    "ai-edge-quantizer": ("quantizes for LiteRT", "litert"),
    "onnx": ("writes ONNX", "onnx"),
    "onnxruntime": ("runs ONNX", "onnx"),
    "tf2onnx": ("writes ONNX with TensorFlow", "onnx"),
    "onnxscript": ("writes ONNX with PyTorch", "onnx"),
    "jax2onnx": ("writes ONNX with JAX", "onnx"),
    "openvino": ("writes and runs OpenVINO", "openvino"),
    "executorch": ("writes and runs ExecuTorch", "executorch"),
}
"""The packages of every extra except the backends', with their purposes and extras."""


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _row(name: str, state: str) -> None:
    print(f"  {name:<19}{state}")


def _optional(packages: dict[str, tuple[str, str]]) -> None:
    for package, (purpose, extra) in packages.items():
        _row(package, _version(package) or f"missing: it {purpose}. Run `pip install 'kapre[{extra}]'`")


def _backend_version(name: str) -> str:
    for package in (name, f"{name}-cpu"):
        found = _version(package)
        if found:
            return found
    return ""


def _try_backends(names: list[str]) -> dict[str, str]:
    """Run a layer on each installed backend. Return "" if it works, else the reason."""
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
        for name in names
    }
    reasons = {}
    for name, process in running.items():
        _, errors = process.communicate()
        lines = [line for line in errors.strip().splitlines() if line.strip()]
        reasons[name] = "" if process.returncode == 0 else (lines[-1] if lines else f"exit code {process.returncode}")
    return reasons


def _state(name: str, reasons: dict[str, str] | None) -> str:
    """Return the state of an installed backend. `reasons` is None if no backend was run."""
    found = _backend_version(name)
    if reasons is None:
        return found
    return f"{found} is broken: {reasons[name]}" if reasons[name] else f"{found} works"


def _compiled_kernel() -> str:
    """Return what kapre-native does here."""
    light()
    from kapre import _native

    found = _native.state()
    if found.library is not None:
        serves = ["PyTorch"]
        serves += ["JAX"] if found.library.function("kapre_jax_spectrum") else []
        serves += ["TensorFlow"] if found.library.tensorflow_path else []
        return f"{found.words}, for {', '.join(serves)}, on as many threads as the backend uses"
    return f"broken: {found.words}. Run `pip install -U 'kapre[native]'`" if found.is_broken else found.words


def run(try_backends: bool) -> int:
    """Print what is installed and what is missing. Return the exit code."""
    print("versions")
    _row("python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    for package in ("kapre", "keras", "numpy"):
        _row(package, _version(package) or "missing")
    _optional(_OPTIONAL)

    print("backends")
    installed = [name for name in BACKENDS if find_spec(name)]
    with working("running a layer on each backend"):
        reasons = _try_backends(installed) if try_backends else None
    for name in BACKENDS:
        _row(name, _state(name, reasons) if name in installed else f"missing. Run `pip install 'kapre[{name}]'`")
    _row("compiled kernel", _compiled_kernel())
    named = os.environ.get("KERAS_BACKEND")
    if named:
        _row("in use", f"{named} (KERAS_BACKEND)")
    if installed and not try_backends:
        _row("", "Not run: `kapre doctor --run` runs a layer on each.")

    print("export")
    _optional(_EXPORT)

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

    usable = [name for name in installed if reasons is None or not reasons[name]]
    if not usable:
        none = "no backend works" if installed else "no backend is installed"
        raise CommandError(f"{none}: models cannot run. Run `pip install 'kapre[jax]'`.", DATA)
    if named and named not in usable and not (named == "numpy" and "jax" in usable):
        remedy = f"Set it to one of: {', '.join(usable)}."
        raise CommandError(f"KERAS_BACKEND names {named!r}, which does not work here. {remedy}", DATA)
    return 0
