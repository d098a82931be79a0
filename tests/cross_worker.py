"""Write every case's model and output under one backend, or load those of another and report the differences.

`python -m tests.cross_worker write DIR` · `python -m tests.cross_worker read DIR...` (prints JSON: for each folder
case → largest difference, as a fraction of the peak and of what the case allows).
tests/once/test_cross_backend.py runs it under each backend.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import keras
import numpy as np

from tests.conftest import to_numpy
from tests.layer_cases import CASES, Case


def write(path: Path, case: Case, data_format: str) -> None:
    x = case.single(data_format)
    inputs = keras.Input(case.dynamic_shape(data_format), dtype=str(x.dtype))
    model = keras.Model(inputs, case.make(data_format)(inputs))
    model.save(path.with_suffix(".keras"))
    np.save(path.with_suffix(".npy"), to_numpy(model(x)))


def difference(path: Path, case: Case, data_format: str) -> float:
    model = keras.saving.load_model(path.with_suffix(".keras"))
    expected = np.load(path.with_suffix(".npy"))
    got = to_numpy(model(case.single(data_format)))
    assert got.shape == expected.shape
    assert got.dtype == expected.dtype
    error = np.abs(got - expected)
    if case.angles:
        error = np.minimum(error, np.abs(2 * np.pi - error))
    return float(error.max() / np.abs(expected).max()) / case.rounding


def main(action: str, folders: list[Path]) -> None:
    found = []
    for folder in folders:
        differences: dict[str, float] = {}
        for index, (name, case) in enumerate(CASES.items()):
            # The formats in turn: what a file says of them is one word, which every layer reads the same way.
            data_format = ("channels_last", "channels_first")[index % 2]
            path = folder / f"{index:02d}-{data_format}"
            if action == "write":
                write(path, case, data_format)
            else:
                differences[f"{name}, {data_format}"] = difference(path, case, data_format)
        found.append(differences)
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], [Path(folder) for folder in sys.argv[2:]])
