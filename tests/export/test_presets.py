"""Published front ends as ONNX files, in onnxruntime, against the packages that published them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import kapre
from tests.clips import bound, clip
from tests.conftest import BACKEND
from tests.export.models import runner
from tests.frontends.agreement import one, twelve
from tests.references import REFERENCES

NAMES = ["whisper", "kaldi_fbank", "nemo", "vggish", "librosa_mel"]


# The numbers are those of the program: where PyTorch writes it, of one preset.
OFTEN = NAMES if BACKEND == "tensorflow" else ["whisper"]
PARAMS = [name if name in OFTEN else pytest.param(name, marks=pytest.mark.thorough) for name in NAMES]


@pytest.fixture(scope="module", params=PARAMS)
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    path = tmp_path_factory.mktemp("presets") / f"{request.param}.onnx"
    report = kapre.export(kapre.Frontend.from_preset(request.param), path)
    assert report.max_error is not None
    assert report.max_error <= 5e-4  # and all but one value in a thousand 1e-4, or there were no file
    return request.param, path


@pytest.mark.parametrize("kind", ["speech", "full_scale", "silence"])
def test_as_published(exported: tuple[str, Path], kind: str) -> None:
    """Lengths that frames are counted wrongly at, from a whole frame on, one clip and a batch of two."""
    name, path = exported
    reference, run = REFERENCES[name], runner(path)
    recipe = kapre.frontends.preset(name).recipe
    seen = 0
    for n in twelve(recipe)[2::3]:
        if n < max(reference.shortest, recipe.least_samples()):
            continue
        samples = clip(kind, n, reference.sample_rate)
        batch = np.stack([samples, samples[::-1]]).astype("float32")
        got = run(batch)
        errors = one(name, reference, kind, samples, got[0], reference.compute(samples))
        assert errors.max(initial=0.0) <= bound(kind), n
        assert np.array_equal(run(batch[:1])[0], got[0]) or np.abs(run(batch[:1])[0] - got[0]).max() <= 1e-4
        seen += 1
    assert seen >= 3
