"""The process that exports with another backend: `python -m kapre.deploy._child JOB`; see `_elsewhere`."""

from __future__ import annotations

import json
import sys

import keras

from kapre.deploy._elsewhere import MARK
from kapre.deploy._errors import ExportError, words
from kapre.deploy._export import export


def main() -> None:
    """Run the job given on the command line, and print the report."""
    job = json.loads(sys.argv[1])
    try:
        model, options = keras.saving.load_model(job["model"], compile=False), job["options"]
        chunk_samples = options.pop("chunk_samples", None)
        if chunk_samples is not None:
            model = model.layers[-1].stream(chunk_samples)
        report = export(model, job["path"], job["format"], overwrite=True, **options)
        answer = report.to_dict()
    except Exception as error:
        text = " ".join(str(error).split()).removeprefix(f"{job['path']}: ").removesuffix(" Nothing was kept.")
        answer = {"error": text if isinstance(error, ExportError) else f"{words(error)}."}
    print(MARK + json.dumps(answer))


if __name__ == "__main__":
    main()
