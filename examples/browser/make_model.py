"""Export a front end for the page beside this file, as a whole and as the step of a stream.

python examples/browser/make_model.py                       # kaldi_fbank
python examples/browser/make_model.py --preset nemo         # drawn from files only: it does not stream
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import kapre

HERE = Path(__file__).resolve().parent
CHUNK_SECONDS = 0.1


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--preset", default="kaldi_fbank", choices=kapre.list_presets())
    parser.add_argument("--out", type=Path, default=HERE / "model")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    frontend = kapre.Frontend.from_preset(asked.preset)
    recipe = frontend.recipe
    print(kapre.export(frontend, asked.out / "front_end.onnx", overwrite=True))
    about = {
        "preset": asked.preset,
        "sample_rate": recipe.sample_rate,
        "layout": recipe.layout,
        "hop_seconds": recipe.entry_hop / recipe.sample_rate,
        "step": None,
    }
    if not kapre.frontends.whole_clip_stages(recipe):
        hops = max(1, round(CHUNK_SECONDS * recipe.sample_rate / recipe.entry_hop))
        stream = frontend.stream(chunk_samples=hops * recipe.entry_hop)
        report = kapre.export(stream, asked.out / "step.onnx", overwrite=True)
        print(report)
        state = {name: shape for name, shape in report.inputs.items() if name != "samples"}
        about["step"] = {"chunk_samples": stream.chunk_samples, "warmup": stream.warmup, "state": state}
    (asked.out / "front_end.json").write_text(json.dumps(about), encoding="utf-8")


if __name__ == "__main__":
    main()
