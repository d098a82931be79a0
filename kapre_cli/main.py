"""The command line: parse arguments, run a command, and report errors in one line.

Nothing slow is imported here. The module of each command is imported when it runs.
"""

from __future__ import annotations

import contextlib
import io
import math
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal

try:
    from cyclopts import App, CycloptsError, Parameter, Token, UnknownOptionError, UnusedCliTokensError
except ImportError:
    sys.exit("kapre: the command needs cyclopts and more: run `pip install 'kapre[audio]'`.")

from kapre_cli.errors import DATA, USAGE, CommandError


def _number(_: object, tokens: Sequence[Token]) -> float:
    """Read a number, or raise a plain error if it is not one."""
    try:
        return float(tokens[0].value)
    except ValueError:
        raise ValueError(f"a number is needed; received {tokens[0].value!r}.") from None


def _whole(_: object, tokens: Sequence[Token]) -> int:
    """Read a whole number. cyclopts would accept 512.5 as 512."""
    with contextlib.suppress(ValueError):
        return int(tokens[0].value)
    try:
        value = float(tokens[0].value)
    except ValueError:
        value = math.nan
    if not value.is_integer():  # also excludes infinity
        raise ValueError(f"a whole number is needed; received {tokens[0].value!r}.")
    return int(value)


Whole = Annotated[int, Parameter(converter=_whole)]
Number = Annotated[float, Parameter(converter=_number)]
Backend = Literal["jax", "tensorflow", "torch", "numpy"]

app = App(
    name="kapre",
    help="Look at recordings and their features, as a model with Kapre's layers sees them.",
    version=lambda: version("kapre"),
    help_format="plaintext",
)


@app.command
def info(files: Annotated[list[str], Parameter(name="FILE")], /, *, json: bool = False) -> int:
    """Say what audio files hold: rate, channels, length, format, peak, RMS and any damage; or models and stores.

    Every audio file is decoded to its end. Exit code 1 if one is damaged or unreadable.

    Parameters
    ----------
    files
        Audio files: wav, flac, ogg, opus, mp3 and what else libsndfile reads, m4a and AAC with PyAV; files and folders
        of `kapre export`; stores of `kapre extract`.
    json
        One JSON object a line, a file each, instead of a table.
    """
    from kapre_cli.info import run

    return run(files, json)


@app.command
def show(
    file: Annotated[str, Parameter(name="FILE")],
    /,
    *,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    features: Path | None = None,
    sample_rate: Whole | None = None,
    preset: str | None = None,
    recipe: Path | None = None,
    kind: Literal["mel", "log", "stft"] | None = None,
    n_fft: Whole | None = None,
    hop_length: Whole | None = None,
    n_mels: Whole | None = None,
    f_min: Number | None = None,
    f_max: Number | None = None,
    decibel: bool | None = None,
    row: Whole | None = None,
    backend: Backend | None = None,
) -> int:
    """Draw a recording and its spectrogram, computed by Kapre's layers, or the features of a published front end.

    Without --output, a preview is drawn in the terminal.

    Parameters
    ----------
    file
        An audio file; or a store of `kapre extract`, with --row.
    output
        The picture to write: .png, .svg, .pdf or .jpg.
    features
        The features to write, .npz: `features` (frame, band, channel; with a preset or recipe, in its layout),
        `recipe` and `source` (JSON), `times` in seconds, `frequencies` in Hz.
    preset
        A published front end, such as whisper, in place of the options below; `kapre presets` lists them. Channels are
        mixed to one, and samples resampled to its rate.
    recipe
        A recipe as JSON, in place of a preset: `kapre presets NAME > FILE`, or kapre.Recipe.to_json.
    sample_rate
        Resample to this rate in Hz first (soxr, HQ). Default: the file's own.
    kind
        The frequency axis: mel bands, semitones from C1 (log), or the bins of the transform (stft). Default: mel.
    n_fft
        Length of the transform in samples. Default: 2048.
    hop_length
        Samples from one frame to the next. Default: a quarter of n_fft.
    n_mels
        Mel bands. Default: 128.
    f_min
        Lowest frequency in Hz, of mel and log.
    f_max
        Highest frequency in Hz, of mel and log. Default: half the sample rate.
    decibel
        Whether values are decibels (80 dB below the clip's peak at least) or plain power. Default: decibels.
    row
        The row of a store to draw, from 0 on, of those with features.
    backend
        What computes. Default: KERAS_BACKEND, or what is installed.
    """
    from kapre_cli.show import run

    chosen: dict[str, object] = dict(sample_rate=sample_rate, kind=kind, n_fft=n_fft, hop_length=hop_length)
    chosen |= dict(n_mels=n_mels, f_min=f_min, f_max=f_max, decibel=decibel)
    given = {name: value for name, value in chosen.items() if value is not None}
    if row is not None:
        from kapre_cli.show import show_row
        from kapre_cli.store import is_store

        others = [
            *given,
            *(name for name, value in (("preset", preset), ("recipe", recipe), ("features", features)) if value),
        ]
        if not is_store(file) or others:
            rule = f"{file} is none" if not is_store(file) else f"the store decides --{others[0].replace('_', '-')}"
            raise CommandError(f"--row goes with a store of `kapre extract`, alone: {rule}. Leave one out.", USAGE)
        return show_row(file, row, output, backend)
    return run(Path(file), output, features, given, preset, recipe, backend)


@app.command
def presets(name: Annotated[str | None, Parameter(name="NAME")] = None, /, *, json: bool = False) -> int:
    """List the published front ends, or print one as a recipe.

    Parameters
    ----------
    name
        A preset. Its recipe is printed as JSON, which `--recipe` and kapre.Recipe.from_json read.
    json
        The list as JSON instead of a table.
    """
    from kapre_cli.presets import run

    return run(name, json)


@app.command
def compare(
    a: Annotated[str, Parameter(name="A")],
    b: Annotated[Path, Parameter(name="B")],
    /,
    *,
    audio: Path | None = None,
    tolerance: Number | None = None,
    seconds: Number = 20.0,
    json: bool = False,
    backend: Backend | None = None,
) -> int:
    """Compare two files of features; or a recipe with features, and say what was done otherwise.

    With a recipe, the recipes next to it are tried (windows, padding, scales, logarithms and so on) until one gives the
    features. Exit code 0 if the two are equal within the tolerance, 1 if not.

    Parameters
    ----------
    a
        A file of features, .npy or .npz; or a preset's name, or a recipe's .json file.
    b
        A file of features, .npy or .npz: `kapre show --features` writes one.
    audio
        The recording that the features were made of. Needed with a recipe.
    tolerance
        The largest difference that counts as none, in the features' unit. Default: 2e-3 of a natural logarithm
        (8.7e-4 of log10, 8.7e-3 dB), 1e-4 of the peak without a logarithm. One value in a thousand may be up to five
        times as far apart.
    seconds
        After how many the search ends.
    json
        One JSON object instead of lines.
    backend
        What computes. Default: KERAS_BACKEND, or what is installed.
    """
    from kapre_cli.compare import run

    return run(a, b, audio, tolerance, seconds, json, backend)


@app.command
def export(
    model: Annotated[Path | None, Parameter(name="MODEL")] = None,
    path: Annotated[Path | None, Parameter(name="FILE")] = None,
    /,
    *,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    preset: str | None = None,
    recipe: Path | None = None,
    format: str | None = None,
    check: bool = True,
    tolerance: Number | None = None,
    quantize: Literal["float16", "int8"] | None = None,
    max_samples: Whole | None = None,
    largest_direct: Whole | None = None,
    class_names: str | None = None,
    overwrite: bool = False,
    json: bool = False,
    backend: Backend | None = None,
) -> int:
    """Write a model into a file that another runtime runs on samples, and run it there before it is kept.

    Give a .keras file and the file to write; or --preset NAME (or --recipe) and -o FILE for a front end alone. Exit
    code 1, and no file, if its numbers differ from Keras' or its runtime is missing.

    Parameters
    ----------
    model
        A model that Keras saved, .keras or .h5.
    path
        The file to write. Its suffix says the format: .onnx, .tflite, .xml (OpenVINO), .pt2, .stablehlo, .pte
        (ExecuTorch); none: a SavedModel's folder.
    output
        The same, as an option.
    preset
        A published front end in place of a model; `kapre presets` lists them.
    recipe
        A recipe as JSON in place of a model.
    format
        tf_saved_model, litert, onnx, openvino, torch, stablehlo or executorch, where the suffix does not say it.
    check
        Whether to run the file. --no-check leaves its numbers unknown.
    tolerance
        The largest difference to Keras, as a part of the output's range. Default: 1e-4.
    quantize
        Store the weights behind the front end in fewer bits; of LiteRT alone.
    max_samples
        Samples of the longest clip, for ExecuTorch alone. Default: 30 seconds.
    largest_direct
        Points up to which a DFT is one matrix; longer ones take two stages, which are smaller. Default: 512; use 128
        for a microcontroller.
    class_names
        Names of the model's classes, with commas between them, for the file's metadata.
    overwrite
        Replace what is there.
    json
        The report as one JSON object instead of a table.
    backend
        What writes it. Default: KERAS_BACKEND, or what is installed; another one where that cannot.
    """
    from kapre_cli.export import run

    options: dict[str, object] = dict(format=format, check=check, overwrite=overwrite, quantize=quantize)
    options["max_samples"] = max_samples
    options |= {
        name: value
        for name, value in (("tolerance", tolerance), ("largest_direct", largest_direct))
        if value is not None
    }
    if class_names is not None:
        options["class_names"] = [name.strip() for name in class_names.split(",")]
    return run(model, path, output, preset, recipe, options, json, backend)


@app.command
def extract(
    inputs: Annotated[list[str], Parameter(name="INPUT")],
    /,
    *,
    output: Annotated[str, Parameter(name=["--output", "-o"])],
    preset: str | None = None,
    recipe: Path | None = None,
    glob: str | None = None,
    dtype: Literal["f16", "f32"] = "f32",
    segment: Number | None = None,
    channel: str = "mix",
    workers: Annotated[int | None, Parameter(name=["--workers", "-j"], converter=_whole)] = None,
    shard_size: Whole | None = None,
    format: Literal["parquet", "array_record"] = "parquet",
    engine: Literal["local", "ray"] = "local",
    address: str | None = None,
    on_error: Literal["skip", "fail"] = "skip",
    resume: Annotated[bool, Parameter(negative="")] = False,
    overwrite: Annotated[bool, Parameter(negative="")] = False,
    dry_run: Annotated[bool, Parameter(negative="")] = False,
    json: Annotated[bool, Parameter(negative="")] = False,
    backend: Backend | None = None,
) -> int:
    """Compute the features of many recordings, with the layer that is in the model, into a store of shards.

    A damaged file becomes a row that says why, and a line in errors.csv. A run that was killed goes on with --resume.
    Exit code 1 if a file failed.

    Parameters
    ----------
    inputs
        Files, folders, manifests (.csv, .jsonl, .json, .parquet with a column `path`, and optional `start`, `duration`
        and `channel`; other columns are carried along), URIs such as s3://bucket/folder, or - to read paths from
        standard input.
    output
        The store, a new folder, or a URI such as s3://bucket/features.
    preset
        A published front end, such as whisper; `kapre presets` lists them.
    recipe
        A recipe as JSON, in place of a preset.
    glob
        A pattern for the files of folders, such as "**/*.flac". Default: all audio files.
    dtype
        Of the features. f16 is half the size, with 11 bits.
    segment
        Seconds of a segment, each a row of its own. Default: the recipe's fixed length, or whole files.
    channel
        "mix", the mean of all channels, or a channel's number, from 0 on.
    workers
        Processes. Default: one; on a cluster, as many as it has processors.
    shard_size
        Files in a shard, which is written whole or not at all. Default: a sixteenth of all, but 16 to 512.
    format
        Of the shards.
    engine
        local, this machine; or ray, a cluster, by Ray Data.
    address
        Of a Ray cluster, such as auto or 10.0.0.1:6379. Default: RAY_ADDRESS, or a new one on this machine for as long
        as the run takes.
    on_error
        Whether to go on after a file that failed, or to end.
    resume
        Go on with a store that was begun with the same files and settings.
    overwrite
        Replace a store.
    dry_run
        Say what would be done, and do nothing.
    json
        The result as one JSON object instead of a line.
    backend
        What computes. Default: KERAS_BACKEND, or what is installed.
    """
    from kapre_cli.extract import run

    options: dict[str, object] = dict(dtype=dtype, segment=segment, channel=channel, glob=glob, workers=workers)
    options |= dict(format=format, engine=engine, address=address)
    options |= dict(shard_size=shard_size, on_error=on_error, resume=resume, overwrite=overwrite)
    return run(inputs, output, preset, recipe, options, dry_run, json, backend)


@app.command
def doctor(*, run: Annotated[bool, Parameter(negative="")] = False) -> int:
    """Say which versions, backends, export runtimes and audio formats are here, what is missing and how to get it.

    Exit code 1 if there is no backend.

    Parameters
    ----------
    run
        Also run a layer on each backend, in a process of its own, which takes some ten seconds. Exit code 1 if none
        works.
    """
    from kapre_cli import doctor as command

    return command.run(run)


def main(arguments: list[str] | None = None) -> None:
    """Run the command and exit with 0 (success), 1 (a problem in the data) or 2 (a problem in the call)."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # escape text that the terminal or a file name cannot encode
            stream.reconfigure(errors="backslashreplace")
    sys.exit(_code(arguments))


def _drop_output() -> None:
    """Redirect remaining output to nowhere. Otherwise Python would try to write it again at exit, and complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


_STDIN = "/dev/stdin"
"""Replacement for `-`, which cyclopts treats as an option."""


def _problem(error: CycloptsError) -> str:
    """Return a one-line description of what is wrong with the arguments."""
    if isinstance(error, UnknownOptionError):
        from kapre_cli.errors import light

        light()
        from kapre._hints import nearest

        word = (error.token.keyword or error.token.value).split("=", 1)[0]
        known = [argument for argument in error.argument_collection if argument.parameter.parse is not False]
        names = [name for argument in known for name in argument.names]
        options = {name.removeprefix("--").replace("-", "_"): name for name in names if name.startswith("--")}
        near = nearest(word.lstrip("-"), options)
        return f"there is no option {word}." + (f" Use {' or '.join(options[name] for name in near)}." if near else "")
    if isinstance(error, UnusedCliTokensError):
        return f"too many arguments: {' '.join(error.unused_tokens or ())}. Leave them out."
    return " ".join(str(error).split())  # the text of the library may span several lines


def _code(arguments: list[str] | None) -> int:
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["extract"]:
        arguments = [_STDIN if word == "-" else word for word in arguments]
    try:
        result = app(arguments, exit_on_error=False, print_error=False, result_action="return_value")
        if sys.stdout is not None:  # closed by the caller
            sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except CycloptsError as error:
        print(f"kapre: {_problem(error)} See `kapre --help`.", file=sys.stderr)
        return USAGE
    except CommandError as error:
        print(f"kapre: {error}", file=sys.stderr)
        return error.code
    except ImportError as error:
        print(f"kapre: {error}", file=sys.stderr)
        return USAGE
    except BrokenPipeError:  # `kapre info … | head`
        _drop_output()
        return DATA
    except OSError as error:  # a full disk behind `>`, a name that is too long
        _drop_output()
        print(f"kapre: {error.filename or 'standard output'}: {error.strerror}. Choose another place.", file=sys.stderr)
        return USAGE
    except MemoryError:
        print(
            "kapre: this needs more memory than there is. Lower --n-fft or --n-mels, or cut the file.", file=sys.stderr
        )
        return USAGE
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    main()
