"""Files of statistics beside a configuration file: the shift and scale of features, as plain numbers.

Nothing of such a file makes an object. Arrays of NumPy are read without pickles.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kapre.frontends._source import SourceError
from kapre.frontends.readers._files import LARGEST, load_json, text_of, what_is
from kapre.frontends.readers._reader import Document

Vectors = dict[str, tuple[float, ...]]
"""`feature_shift` and `feature_scale`."""

_MOST = 2**20
"""The largest number of values in an array."""
_NNET = ("<Nnet>", "</Nnet>", "<Splice>", "<AddShift>", "<Rescale>", "<LearnRateCoef>", "<!EndOfComponent>")


def beside(document: Document, field: str, name: str) -> Path:
    """Return the path of a file that a field names: below the folder of the configuration file, or beside that file.

    Of a path that is not there, or that leads out of the folder, only the last part is looked up.

    Raises:
        SourceError: If there is no such file.
    """
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
    inside = not name.startswith(("/", "\\")) and ".." not in parts and ":" not in name
    for found in dict.fromkeys([*(["/".join(parts)] if inside and parts else []), *parts[-1:]]):
        path = None if found == ".." else document.beside(found)
        if path is not None:
            return path
    last = parts[-1] if parts else name
    remedy = f"Place {last[:100]!r} beside it, or remove the field for features without its shift and scale."
    raise SourceError(f"{document.place}: `{field}` names the file {name[:100]!r}, which is not there. {remedy}")


def vectors(path: Path, shift: Iterable[float], scale: Iterable[float], width: int) -> Vectors:
    """Return the fields of shift and scale, if both have a finite number for each value of a frame."""
    found: Vectors = {}
    for name, values in (("feature_shift", shift), ("feature_scale", scale)):
        found[name] = tuple(float(value) for value in values)
        if len(found[name]) != width:
            raise _error(path, f"{len(found[name])} numbers, where a frame has {width} values")
        if not all(map(math.isfinite, found[name])):
            raise _error(path, "a number that is not finite")
    return found


def _error(path: Path, what: str) -> SourceError:
    return SourceError(f"{path}: {what}. Give the file of the model's statistics.")


def of_moments(path: Path, count: Any, total: Any, squares: Any, width: int, least: float) -> Vectors:
    """Return shift and scale from a count, sums and sums of squares, with a variance of at least `least`."""
    try:
        number = float(np.asarray(count, "float64").reshape(-1)[-1])
        with np.errstate(all="ignore"):  # a value that is not finite is refused below
            mean = np.asarray(total, "float64").reshape(-1) / number
            variance = np.asarray(squares, "float64").reshape(-1) / number - mean * mean
            scale = 1.0 / np.sqrt(np.maximum(variance, least))
    except (TypeError, ValueError, IndexError, ZeroDivisionError, OverflowError):
        raise _error(path, "no statistics: a count, sums and sums of squares") from None
    return vectors(path, -mean, scale, width)


def nnet(path: Path, width: int) -> Vectors:
    """Return shift and scale of a network of Kaldi as text, such as `am.mvn`: AddShift and Rescale."""
    words = text_of(path).replace("[", " [ ").replace("]", " ] ").split()
    found: dict[str, list[float]] = {}
    part, inside = "", False
    for word in words:
        if word.startswith("<"):
            if word not in _NNET or inside:
                raise _error(path, f"no shift and scale, but {word[:40]}")
            part = part if word == "<LearnRateCoef>" else word
        elif word in "[]":
            inside = word == "["
            if inside and part in ("<AddShift>", "<Rescale>"):
                found[part] = []
        elif inside and part in found:
            try:
                found[part].append(float(word))
            except ValueError:
                raise _error(path, f"no number, but {word[:40]!r}") from None
    if set(found) != {"<AddShift>", "<Rescale>"} or inside:
        raise _error(path, f"{what_is(path)} without <AddShift> and <Rescale>")
    return vectors(path, found["<AddShift>"], found["<Rescale>"], width)


def json_cmvn(path: Path, width: int) -> Vectors:
    """Return shift and scale of `global_cmvn`, JSON with `mean_stat`, `var_stat` and `frame_num`."""
    data = load_json(text_of(path), str(path))
    names = ("frame_num", "mean_stat", "var_stat")
    if not isinstance(data, Mapping) or not all(name in data for name in names):
        raise _error(path, f"no JSON with {', '.join(names)}")
    count, total, squares = (data[name] for name in names)
    return of_moments(path, count, total, squares, width, 1e-20)


def arrays(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of an `.npz` file, or that of an `.npy` file under the name "". A pickle is refused."""
    try:
        if path.stat().st_size > LARGEST:
            raise _error(path, f"more than {LARGEST // 2**20} MiB")
        if not zipfile.is_zipfile(path):
            return {"": _array(path, path.read_bytes())}
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if sum(entry.file_size for entry in entries) > LARGEST:
                raise _error(path, f"more than {LARGEST // 2**20} MiB")
            return {entry.filename.removesuffix(".npy"): _array(path, archive.read(entry)) for entry in entries}
    except OSError as error:
        raise _error(path, error.strerror or "a damaged file") from None
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise _error(path, f"a damaged archive ({error})") from None


def _array(path: Path, data: bytes) -> np.ndarray:
    """Return an array of NumPy's format, if it holds plain numbers."""
    try:
        file = io.BytesIO(data)
        version = np.lib.format.read_magic(file)
        header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        shape, _, dtype = header[version](file)
        if dtype.hasobject:
            raise _error(path, "a pickle, which is never opened")
        if math.prod(shape) > _MOST or dtype.kind not in "iuf":
            raise _error(path, f"an array {shape} of {dtype}")
        file.seek(0)
        return np.lib.format.read_array(file, allow_pickle=False)
    except (ValueError, KeyError, TypeError, EOFError) as error:
        if isinstance(error, SourceError):
            raise
        raise _error(path, f"{what_is(path)}, no array of NumPy") from None
