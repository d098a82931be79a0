"""Write every case's model and output under one backend, or load those of another and report the differences.

`python -m tests.cross_worker write DIR` · `python -m tests.cross_worker read DIR` (prints JSON: case → largest
difference as a fraction of the peak). tests/house/test_cross_backend.py runs it under each backend.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import keras
import numpy as np

from tests.conftest import to_numpy
from tests.layer_cases import CASES


def stem(index: int, data_format: str) -> str:
    return f"{index:02d}-{data_format}"


def main(action: str, folder: Path) -> None:
    differences: dict[str, float] = {}
    for index, (name, case) in enumerate(CASES.items()):
        for data_format in ("channels_last", "channels_first"):
            x = case.input(data_format)
            x = x.astype("complex64" if case.takes == "complex" else "float32")
            path = folder / stem(index, data_format)
            if action == "write":
                inputs = keras.Input(case.dynamic_shape(data_format), dtype=str(x.dtype))
                model = keras.Model(inputs, case.make(data_format)(inputs))
                model.save(path.with_suffix(".keras"))
                np.save(path.with_suffix(".npy"), to_numpy(model(x)))
            else:
                model = keras.saving.load_model(path.with_suffix(".keras"))
                expected = np.load(path.with_suffix(".npy"))
                got = to_numpy(model(x))
                assert got.shape == expected.shape
                assert got.dtype == expected.dtype
                error = np.abs(got - expected)
                if "Phase" in name or name == "chain that is not fused":
                    error = np.minimum(error, np.abs(2 * np.pi - error))  # −π is π
                differences[f"{name}, {data_format}"] = float(error.max() / np.abs(expected).max())
    print(json.dumps(differences))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
