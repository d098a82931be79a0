"""Extraction of corpus features, with the same layer that the model contains."""

from __future__ import annotations

import json
import math
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from importlib import import_module
from typing import Any, Literal

import keras

from kapre._checks import choice, flag, message, positive_int
from kapre._hints import names_arguments
from kapre.audio._conversion import as_channel
from kapre.audio._errors import one_line
from kapre.audio.loading import rate_of
from kapre.corpus import _folder, _items, _shards
from kapre.corpus._errors import CorpusError
from kapre.corpus._job import Job
from kapre.corpus._place import Place, is_uri
from kapre.frontends import preset
from kapre.recipe import Recipe

ENGINES = ("local", "ray")
DTYPES = {"f16": "float16", "f32": "float32", "float16": "float16", "float32": "float32"}
_SHARD_SIZES = 16, 512
_SHARDS_WANTED = 16


@dataclass(frozen=True)
class Progress:
    """Report the progress of a run.

    Attributes:
        items: Number of files and slices that are done, including those of an earlier run.
        of: Total number of files and slices.
        failed: Number of rows with an error in this run.
        seconds: Seconds of audio processed in this run.
        elapsed: Seconds since this run began to compute.

    Example:
        ```python
        from kapre.corpus import Progress

        assert Progress(items=50, of=100, failed=0, seconds=600.0, elapsed=2.0).times_real_time == 300.0
        ```
    """

    items: int
    of: int
    failed: int
    seconds: float
    elapsed: float

    @property
    def times_real_time(self) -> float:
        """Return the seconds of audio processed per second."""
        return self.seconds / self.elapsed if self.elapsed > 0 else 0.0


@dataclass(frozen=True)
class Summary:
    """Report the result of a run.

    Args:
        path: The store.
        items: Number of files and slices.
        rows: Number of rows. There are more rows than items if files are segmented or are too long for one row.
        ok: Number of rows with features.
        failed: Number of rows with an error. `errors.csv` lists them.
        hours: Hours of audio with features.
        bytes: Size of all shards.
        shards: Number of shards.
        resumed: Number of shards that existed before the run.
        elapsed: Seconds that this run took.
        skipped: Number of files in folders that were not used, by file name ending.
        warned: Number of rows with a warning, such as channels whose mean is silence.

    Example:
        ```python
        import numpy as np, soundfile
        import kapre

        for name in ("a.wav", "b.wav"):
            soundfile.write(name, np.random.default_rng(0).uniform(-0.5, 0.5, 16000), 16000)
        summary = kapre.corpus.extract(["a.wav", "b.wav"], "features", "kaldi_fbank")
        assert (summary.rows, summary.ok, summary.failed) == (2, 2, 0)
        ```
    """

    path: str
    items: int
    rows: int
    ok: int
    failed: int
    hours: float
    bytes: int
    shards: int
    resumed: int
    elapsed: float
    skipped: dict[str, int] = field(default_factory=dict)
    warned: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the summary in a JSON-compatible form."""
        return asdict(self)


@dataclass(frozen=True)
class Plan:
    """Describe what a run would do.

    Args:
        items: Number of files and slices.
        missing: Number of files that do not exist. Files at URIs are not checked.
        hours: Hours of audio, estimated from the headers of about 200 files on this machine. NaN if there are none.
        shards: Number of shards that would be made.
        shard_size: Number of items in a shard.
        skipped: Number of files in folders that would not be used, by file name ending.

    Example:
        ```python
        import numpy as np, soundfile
        from kapre.corpus import plan

        soundfile.write("a.wav", np.zeros(16000), 16000)
        assert plan(["a.wav", "b.wav"]).missing == 1
        ```
    """

    items: int
    missing: int
    hours: float
    shards: int
    shard_size: int
    skipped: dict[str, int] = field(default_factory=dict)


def _shard_size(given: int | None, items: int) -> int:
    if given is not None:
        return positive_int("shard_size", given, "It is the number of files in a shard.")
    least, largest = _SHARD_SIZES
    return min(items, max(least, min(largest, -(-items // _SHARDS_WANTED))))


def plan(inputs: Iterable[str | os.PathLike[str]], glob: str | None = None, shard_size: int | None = None) -> Plan:
    """Return what `extract` would process, without computing anything.

    Args:
        inputs: As in `extract`.
        glob: As in `extract`.
        shard_size: As in `extract`.

    Returns:
        A `Plan` of the run.

    Raises:
        CorpusError: If there are no inputs, or a manifest cannot be read.

    Example:
        ```python
        import numpy as np, soundfile
        from kapre.corpus import plan

        soundfile.write("a.wav", np.zeros(16000), 16000)
        assert plan(["a.wav"]).items == 1
        ```
    """
    from kapre import audio
    from kapre.audio._packages import optional

    optional("soundfile", "Reading audio")
    skipped: Counter[str] = Counter()
    items = _items.collect(_listed(inputs), glob, skipped)
    size = _shard_size(shard_size, len(items))
    looked = items[:: max(1, len(items) // 200)]
    seconds, known = 0.0, 0
    for item in looked:
        if item.duration is None and is_uri(item.path):
            continue
        known += 1
        if item.duration is not None:
            seconds += item.duration
            continue
        try:
            seconds += max(0.0, audio.told_seconds(item.path) - (item.start or 0.0))
        except audio.AudioError:
            continue
    missing = sum(not is_uri(item.path) and not os.path.exists(item.path) for item in items)
    hours = seconds / 3600 * len(items) / known if known else math.nan
    return Plan(len(items), missing, hours, -(-len(items) // size), size, dict(skipped))


def _listed(inputs: Any) -> list[str | os.PathLike[str]]:
    return [inputs] if isinstance(inputs, (str, os.PathLike)) else list(inputs)


@names_arguments
def extract(
    inputs: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    output: str | os.PathLike[str],
    recipe: Recipe | str,
    *,
    dtype: Literal["float16", "float32", "f16", "f32"] = "float32",
    segment: float | None = None,
    channel: int | Literal["mix"] = "mix",
    glob: str | None = None,
    workers: int | None = None,
    shard_size: int | None = None,
    format: Literal["parquet", "array_record"] = "parquet",
    engine: Literal["local", "ray"] = "local",
    address: str | None = None,
    filesystem: Any = None,
    on_error: Literal["skip", "fail"] = "skip",
    resume: bool = False,
    overwrite: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> Summary:
    """Compute the features of recordings with the same layer that the model contains, and store them in shards.

    Each file is decoded as a whole and checked for all damage (`kapre.corpus.audio`). It is then cut, mixed to one
    channel, resampled (soxr HQ) and passed through a compiled `Frontend`. Clips of similar length are computed
    together, and no clip changes the numbers of another. A damaged file gives a row with an `error` and no features,
    never a shortened clip.

    Each shard is written completely or not at all. `resume=True` therefore continues a run that was killed, and every
    file is in the store exactly once.

    Args:
        inputs: Files, folders (all audio files in them, except hidden ones) and manifests (.csv, .jsonl, .json,
            .parquet). A manifest has a column `path`, relative to the folder of the manifest, optional columns `start`
            and `duration` in seconds and `channel`, and other columns that are copied to the store. "-" reads paths or
            JSON objects from standard input. Each input may be a URI of a file system that pyarrow supports, such as
            "s3://bucket/recordings".
        output: The store: a new folder, or a URI such as "s3://bucket/features".
        recipe: A `Recipe` with a sample rate, or the name of a preset.
        dtype: The dtype of the features. float16 has 11 significant bits and half the size.
        segment: Duration of a segment in seconds. Every file gives one row per segment, and the last segment may be
            shorter. With None, a recipe of fixed length (Whisper's 30 s) has segments of that length; for other recipes
            a file is a row. A file of more than 33.5 million samples (35 minutes at 16 kHz, mono) is then computed in
            pieces, with the same numbers as for the whole file, and has one row for each ten minutes.
        channel: "mix" for the mean of all channels, or the number of one channel, starting from 0. A channel in a
            manifest takes precedence.
        glob: A pattern for files in folders, such as "**/*.flac".
        workers: Number of processes. With None, the engine "local" uses one, which is this process, and the engine
            "ray" uses as many as the cluster has processors.
        shard_size: Number of files in a shard. None means a sixteenth of all files, but at least 16 and at most 512.
        format: "parquet", or "array_record", which stores a record for each row and needs the file system of this
            machine.
        engine: "local" for this machine, or "ray" for a cluster, with Ray Data (`pip install 'kapre[ray]'`). The same
            worker makes the same shards on both.
        address: Address of a Ray cluster, such as "auto" or "10.0.0.1:6379". None uses the cluster to which this
            process is connected or that RAY_ADDRESS names. If there is neither, a new one is started on this machine
            for the duration of the run.
        filesystem: A pyarrow file system on which `output` is a path.
        on_error: "skip" continues after an error; "fail" ends the run at the first error.
        resume: Whether to continue a store that was begun with the same files and settings.
        overwrite: Whether to replace an existing store.
        progress: A function that is called with a `Progress` from time to time, by one thread at a time.

    Returns:
        A `Summary` of the run.

    Raises:
        CorpusError: If there are no inputs, the store cannot be used or was begun with other files or settings, a file
            fails with `on_error="fail"`, or a worker cannot continue.
        ValueError: If an argument is out of range.
        ImportError: If soundfile, soxr or pyarrow is missing.

    Example:
        ```python
        import numpy as np, soundfile
        import kapre

        soundfile.write("tone.wav", np.sin(np.arange(32000) / 5), 16000)
        kapre.corpus.extract(["tone.wav", "gone.wav"], "features", "kaldi_fbank")
        (row,) = kapre.corpus.read("features")
        assert row.features.shape == (198, 80)
        assert [error.reason for error in kapre.corpus.read("features").errors()] == ["no such file"]
        ```
    """
    begun = time.perf_counter()
    recipe = _recipe(recipe)
    if dtype not in DTYPES:
        raise ValueError(message("dtype", f"one of {', '.join(DTYPES)}", dtype, "Use float32."))
    choice("on_error", on_error, ("skip", "fail"), 'Use "skip".')
    for name, value in (("resume", resume), ("overwrite", overwrite)):
        flag(name, value)
    if resume and overwrite:
        raise ValueError("resume and overwrite cannot both be True. Use one.")
    if workers is not None:
        workers = positive_int("workers", workers, "It is the number of processes.")
    choice("format", format, _shards.FORMATS, 'Use "parquet".')
    choice("engine", engine, ENGINES, 'Use "local".')
    if address is not None and not address:
        raise ValueError(message("address", "one of a cluster, or None", address, "Leave it out for a new one."))
    if address is not None and engine != "ray":
        raise ValueError(message("address", 'None without engine="ray"', address, 'Use engine="ray".'))
    _check_segment(recipe, segment)
    of_channel = as_channel(channel)
    engine_module, _ = import_module(f"kapre.corpus._{engine}"), _shards.format_module(format).module()
    place = Place.of(output, filesystem)
    if format == "array_record" and not place.is_local:
        remedy = 'Use "parquet", or a folder of this machine.'
        raise ValueError(message("format", '"parquet" on other file systems', format, remedy))
    skipped: Counter[str] = Counter()
    items = _items.collect(_listed(inputs), glob, skipped)
    about = {
        "format": format,
        "recipe": json.loads(recipe.to_json()),
        "dtype": DTYPES[dtype],
        "segment": segment,
        "channel": "mix" if of_channel is None else of_channel,
        "backend": keras.backend.backend(),
        "items": len(items),
        "digest": _items.digest(items),
    }
    carried, size = _shards.carried_schema(items), _shard_size(shard_size, len(items))
    _folder.check_place(place, resume, overwrite)
    try:
        with _shards.locked(place):
            size, run, warns = _folder.begin(place, about, size, shard_size is not None, resume)
            if warns and "warning" in carried.names:
                raise CorpusError("The column `warning` is one that a store has itself. Rename it in the manifest.")
            of_shard = {key: about[key] for key in ("recipe", "dtype", "segment", "channel", "backend")}
            job = Job(
                run=run,
                place=place,
                cwd=os.getcwd(),
                format=format,
                recipe=recipe.to_json(),
                dtype=DTYPES[dtype],
                segment=segment,
                channel=of_channel,
                items=len(items),
                shard_size=size,
                carried=carried,
                fail=on_error == "fail",
                about={**of_shard, "versions": _folder.versions(), "shards": -(-len(items) // size)},
                warns=warns,
            )
            left, done = _left(job)
            told = _Teller(progress, done, len(items))
            engine_module.run(job, items, left, workers, told, address)
            return replace(
                _finish(job, {**about, "warnings": warns}, job.shards - len(left), begun), skipped=dict(skipped)
            )
    except OSError as error:
        reason = error.strerror or one_line(error)
        raise CorpusError(f"{place.name}: storage failed ({reason}). Use resume=True when it is mended.") from error


def _left(job: Job) -> tuple[list[int], int]:
    """Return the shards that must be made, and the number of items in the other shards."""
    names = _shards.shards_of(job.place, job.format)
    there = [number for number in range(job.shards) if job.name(number) in names]
    opened = job.open(there)  # report an unreadable shard before computing
    done = {number for number, shard in zip(there, opened, strict=True) if not shard.about["unfetched"]}
    left = [number for number in range(job.shards) if number not in done]
    return left, sum(job.span(number)[1] - job.span(number)[0] for number in done)


class _Teller:
    """Add up finished work and report progress."""

    def __init__(self, progress: Callable[[Progress], None] | None, done: int, of: int) -> None:
        self.progress, self.items, self.of = progress, done, of
        self.failed, self.seconds = 0, 0.0
        self.begun = time.perf_counter()
        self()

    def __call__(self, items: int = 0, rows: int = 0, failed: int = 0, seconds: float = 0.0) -> None:
        self.items += items
        self.failed += failed
        self.seconds += seconds
        if self.progress is not None:
            elapsed = time.perf_counter() - self.begun
            self.progress(Progress(self.items, self.of, self.failed, self.seconds, elapsed))


def _recipe(recipe: Any) -> Recipe:
    if isinstance(recipe, str):
        recipe = preset(recipe).recipe
    if not isinstance(recipe, Recipe):
        raise TypeError(message("recipe", "a kapre.Recipe or a preset's name", recipe, 'Use "kaldi_fbank", say.'))
    rate_of(recipe)
    if recipe.power is None:
        raise ValueError(message("recipe", "one of spectra", "one of samples (power=None)", "Give it a power of 2.0."))
    return recipe


def _check_segment(recipe: Recipe, segment: float | None) -> None:
    if segment is None:
        return
    rate = recipe.clip_rate or 0.0
    least = recipe.least_samples() / rate
    if isinstance(segment, bool) or not isinstance(segment, (int, float)) or not least <= segment <= 3600.0:
        rule = f"seconds from {least:g}, which hold a frame, to 3600"
        raise ValueError(message("segment", rule, segment, "Use 30, or None."))
    if recipe.clip_samples is not None and round(segment * rate) > recipe.clip_samples:
        longest = recipe.clip_samples / rate
        raise ValueError(
            message(
                "segment", f"no longer than the recipe's clip of {longest:g} s", segment, f"Use {longest:g}, or None."
            )
        )


def _finish(job: Job, about: dict[str, Any], resumed: int, begun: float) -> Summary:
    """Check that every item is present exactly once, write errors.csv, and mark the store as complete."""
    place = job.place
    totals = {"rows": 0, "ok": 0, "failed": 0, "samples": 0, "warned": 0}
    items = 0
    failing = []
    for shard in job.open(range(job.shards)):
        found = shard.about
        items += found["items"]
        failing += [shard] * bool(found["failed"])
        for key in totals:
            totals[key] += found.get(key, 0)  # a shard of 1.0.0.dev0 has no `warned`
    place.remove_unfinished(_shards.SHARDS)  # left by workers that were killed
    sizes = _shards.shards_of(place, job.format)
    others = set(sizes) - {job.name(number) for number in range(job.shards)}
    if others or items != job.items:
        raise CorpusError(
            f"{place.name}: holds shards of another run ({', '.join(sorted(others))}). Use overwrite=True."
        )
    _shards.write_errors(place, failing)
    rate = round(Recipe.from_json(job.recipe).clip_rate or 0)
    _folder.write_about(place, {**about, "shard_size": job.shard_size, "run": job.run, "complete": True, **totals})
    return Summary(
        path=place.name,
        items=items,
        rows=totals["rows"],
        ok=totals["ok"],
        failed=totals["failed"],
        hours=totals["samples"] / rate / 3600,
        bytes=sum(sizes.values()),
        shards=job.shards,
        resumed=resumed,
        elapsed=time.perf_counter() - begun,
        warned=totals["warned"],
    )


__all__ = ["Plan", "Progress", "Summary", "extract", "plan"]
