"""`kapre info`."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

from kapre_cli.errors import DATA, USAGE, CommandError, audio_error, light, load_audio, quiet, shown
from kapre_cli.progress import working
from kapre_cli.store import is_store, print_store


def _decibel(value: float) -> str:
    return f"{20 * math.log10(value):.1f} dBFS" if value > 0 else "−∞ dBFS"


def _seconds(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.3f} s"
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02d}:{rest:06.3f}" if hours else f"{minutes}:{rest:06.3f}"


def _print(info: Any) -> None:
    print(info.path)
    rows = {
        "format": f"{info.format}, {info.subtype}",
        "rate": f"{info.sample_rate} Hz",
        "channels": str(info.channels),
        "length": f"{_seconds(info.duration_seconds)}, {info.n_samples} samples",
        "peak": f"{info.peak:.4f} ({_decibel(info.peak)})",
        "RMS": f"{info.rms:.4f} ({_decibel(info.rms)})",
        "damage": "; ".join(info.damage) or "none found",
    }
    for name, value in rows.items():
        print(f"  {name:<9}{value}")
    for warning in info.warnings:
        print(f"  warning  {warning}")


_MODELS = (".onnx", ".tflite", ".xml", ".pt2", ".stablehlo", ".pte")


def _print_model(path: Path, as_json: bool) -> None:
    """Print the metadata of an exported model."""
    light()
    from kapre.deploy import read_metadata
    from kapre.recipe import Recipe

    try:
        with quiet():
            found = read_metadata(path)
    except FileNotFoundError as error:
        raise CommandError(str(error), USAGE) from None
    except Exception as error:
        problem = " ".join(str(error).split())[:200]
        raise CommandError(f"{path}: cannot be read as an exported model: {problem}", DATA) from None
    if as_json:
        print(json.dumps({"path": str(path), "metadata": found, "error": None}))
        return
    print(path)
    if found is None:
        print("  metadata none of Kapre's")
        return
    rate = found.get("sample_rate")
    print(f"  kapre    {found['kapre']}")
    print(f"  rate     {'not said' if rate is None else f'{rate:g} Hz'}")
    if found.get("least_samples"):
        print(f"  window   {found['least_samples']} samples; a shorter clip may be refused")
    if found.get("max_samples"):
        print(f"  longest  {found['max_samples']} samples")
    if found.get("class_names"):
        print(f"  classes  {', '.join(found['class_names'])}")
    for fields in found.get("recipes") or ():
        try:
            differing = Recipe.from_json(json.dumps(fields)).changed_fields()
        except (ValueError, TypeError):  # from another version of Kapre: show it unchanged
            differing = fields
        print(f"  recipe   {', '.join(f'{name}={value!r}' for name, value in differing.items())}")
    if found.get("stream"):
        stream = found["stream"]
        print(
            f"  stream   chunks of {stream['chunk_samples']} samples, the first {stream['warmup']} frames to be dropped"
        )


def run(files: list[str], as_json: bool) -> int:
    """Print the properties of each file. Return the exit code."""
    audio = load_audio()
    code = 0
    for name in files:
        if is_store(name):
            print_store(name, as_json)
            continue
        path = Path(name)
        if path.suffix in (".keras", ".h5"):
            raise CommandError(
                f"{path}: a model of Keras', not audio. `kapre export` writes what can be read here.", DATA
            )
        if path.suffix in _MODELS or (path / "saved_model.pb").is_file():
            _print_model(path, as_json)
            continue
        try:
            with working(f"decoding {shown(path.name)}"), quiet():
                info = audio.inspect(path)
        except audio.AudioError as error:
            failure = audio_error(path, error)
            if as_json:
                print(json.dumps({"path": str(path), "error": str(failure)}))
            elif len(files) > 1:
                print(f"{path}\n  error    {str(failure).removeprefix(f'{path}: ')}")
            if len(files) == 1:
                raise failure from None
            code = max(code, failure.code)
            continue
        if as_json:
            print(json.dumps({**dataclasses.asdict(info), "error": None}))
        else:
            _print(info)
        if info.damage:
            code = max(code, DATA)
    if code:
        bad = "a file is" if len(files) == 1 else "some of the files are"
        raise CommandError(f"{bad} damaged or unreadable, as said above. Copy such a file again from its source.", code)
    return 0
