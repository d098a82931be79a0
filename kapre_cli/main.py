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
    help="Inspect recordings and their features, compare and export front ends, and extract features from corpora.",
    version=lambda: version("kapre"),
    help_format="plaintext",
)
if hasattr(app, "register_install_completion_command"):  # not in cyclopts 4.0
    app.register_install_completion_command(help="Let the shell (bash, zsh or fish) complete commands and options.")


@app.command
def info(files: Annotated[list[str], Parameter(name="FILE")], /, *, json: bool = False) -> int:
    """Describe audio files: rate, channels, length, format, peak, RMS and damage. Also describe models and stores.

    Every audio file is decoded to its end. Exit code 1 if one is damaged or unreadable.

    Example: kapre info recording.flac model.tflite features/

    Parameters
    ----------
    files
        Audio files (wav, flac, ogg, opus, mp3 and the other formats of libsndfile; m4a and AAC with PyAV), files and
        folders written by `kapre export`, and stores written by `kapre extract`.
    json
        Print one JSON object per file, each on its own line, instead of a table.
    """
    from kapre_cli.info import run

    return run(files, json)


@app.command
def show(
    files: Annotated[list[str], Parameter(name="FILE")],
    /,
    *,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    features: Path | None = None,
    listen: Path | None = None,
    sample_rate: Whole | None = None,
    preset: str | None = None,
    recipe: Path | None = None,
    from_: Annotated[str | None, Parameter(name="--from", negative="")] = None,
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
    """Draw recordings and their spectrograms, computed by Kapre's layers, or the features of a published front end.

    Without --output, a preview is drawn in the terminal. Several files are drawn below one another.

    Example: kapre show recording.flac another.flac --preset whisper -o picture.png

    Parameters
    ----------
    files
        One to eight audio files, or with --row a store of `kapre extract`. With several files, --features and --listen
        write one file for each, and insert its name before the suffix.
    output
        The picture to write: .png, .svg, .pdf or .jpg.
    features
        The file of features to write, .npz: `features` (frame, band, channel; with a preset or recipe, in its layout),
        `recipe` and `source` (JSON), `times` in seconds, `frequencies` in Hz.
    listen
        The sound to write, .wav: what a model hears. It is a waveform estimated from the features alone, as loud as the
        recording. The command also prints what the features do not hold.
    preset
        A published front end, such as whisper, instead of the options below; `kapre presets` lists them. The channels
        are mixed to one, and the samples are resampled to the preset's rate.
    recipe
        A recipe as JSON instead of a preset. `kapre presets NAME > FILE` or kapre.Recipe.to_json writes one.
    from_
        A published model instead of a preset: its folder, its configuration file, or its name on the Hub.
    sample_rate
        Resample to this rate in Hz first (soxr, HQ). Default: the file's own rate.
    kind
        The frequency axis: mel bands, semitones from C1 (log), or the bins of the transform (stft). Default: mel.
    n_fft
        Length of the transform in samples. Default: 2048.
    hop_length
        Samples from one frame to the next. Default: a quarter of n_fft.
    n_mels
        Mel bands. Default: 128.
    f_min
        Lowest frequency in Hz, for mel and log.
    f_max
        Highest frequency in Hz, for mel and log. Default: half the sample rate.
    decibel
        Draw decibels, at most 80 dB below the clip's peak, or plain power. Default: decibels.
    row
        The row of a store to draw, counted from 0 among the rows that have features.
    backend
        The Keras backend that computes. Default: KERAS_BACKEND, or an installed backend.
    """
    from kapre_cli.recipes import Wanted

    chosen: dict[str, object] = dict(sample_rate=sample_rate, kind=kind, n_fft=n_fft, hop_length=hop_length)
    chosen |= dict(n_mels=n_mels, f_min=f_min, f_max=f_max, decibel=decibel)
    given = {name: value for name, value in chosen.items() if value is not None}
    if row is not None:
        from kapre_cli import row as of_store
        from kapre_cli.store import is_store

        others = [
            *given,
            *(
                name
                for name, value in (
                    *(("preset", preset), ("recipe", recipe), ("from", from_)),
                    *(("features", features), ("listen", listen)),
                )
                if value
            ),
        ]
        file = files[0]
        if len(files) > 1 or not is_store(file) or others:
            rule = f"{file} is none" if not is_store(file) else f"{len(files)} paths are given"
            if others and is_store(file):
                rule = f"the store decides --{others[0].replace('_', '-')}"
            raise CommandError(f"--row goes with a store of `kapre extract`, alone: {rule}. Leave one out.", USAGE)
        return of_store.run(file, row, output, backend)
    from kapre_cli.show import run

    return run(files, output, features, listen, given, Wanted(preset, recipe, from_), backend)


@app.command
def augment(
    files: Annotated[list[str], Parameter(name="FILE")],
    /,
    *,
    recipe: Path | None = None,
    with_: Annotated[list[str] | None, Parameter(name="--with", negative="")] = None,
    copies: Whole | None = None,
    seed: Whole | None = None,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    picture: Path | None = None,
    parameters: Path | None = None,
    replay: Path | None = None,
    bank: str | None = None,
    sample_rate: Whole | None = None,
    preset: str | None = None,
    backend: Backend | None = None,
) -> int:
    """Apply layers of kapre.augmentation to copies of recordings, to hear and see what their settings do.

    Layers are applied one after the other: first waveform layers, then spectrogram layers, which change only the
    picture. At least one of --output, --picture and --parameters is needed.

    Example: kapre augment speech.wav --with RandomGain:min_gain_db=-6,max_gain_db=6 --with Reverb -o copies/

    Parameters
    ----------
    files
        Audio files. Channels, rate and length are kept.
    recipe
        A JSON file of settings: {"RandomGain": {"min_gain_db": -6}}, or a list of such layers, or what
        keras.saving.serialize_keras_object(layer) returns. Only layers of kapre.augmentation are accepted.
    with_
        A layer to apply after those of --recipe: NAME or NAME:argument=value,argument=value. Values are JSON or text.
        Repeat the option for more layers. Layers that take a sample_rate get that of the file.
    copies
        The number of copies of each file. Default: 4.
    seed
        Makes the draws repeatable, on the same backend. The second file takes the next seed, and so on. Default: a new
        seed each time, which is printed.
    output
        The folder for the copies, NAME.1.wav and so on, as 32-bit float WAV, which keeps samples above full scale.
    picture
        The picture to write: .png, .svg, .pdf or .jpg. Columns are the recording and its copies, rows are waveforms and
        spectrograms. With several files, their names are inserted before the suffix.
    parameters
        The JSON file to write with what was drawn for each copy.
    replay
        A file that --parameters wrote. Its settings and draws are repeated, on any backend.
    bank
        The folder of recordings for AddNoise or Reverb. In the settings of a layer, write AddNoise:bank=FOLDER.
    sample_rate
        Resample to this rate in Hz first (soxr, HQ). Default: the file's own rate.
    preset
        A published front end for the spectrograms of the picture. Default: a mel spectrogram in decibels.
    backend
        The Keras backend that computes. Default: KERAS_BACKEND, or an installed backend.
    """
    from kapre_cli.augment import Options, run

    layers = tuple(with_ or ())
    options = Options(
        recipe, layers, replay, copies, seed, output, picture, parameters, bank, sample_rate, preset, backend
    )
    return run(files, options)


@app.command
def presets(
    name: Annotated[str | None, Parameter(name="NAME")] = None,
    /,
    *,
    from_: Annotated[str | None, Parameter(name="--from", negative="")] = None,
    from_call: str | None = None,
    json: bool = False,
) -> int:
    """List the published front ends, or print the recipe of a preset, a published model or code.

    Example: kapre presets --from openai/whisper-tiny

    Parameters
    ----------
    name
        A preset. The command prints its recipe as JSON, which `--recipe` and kapre.Recipe.from_json read.
    from_
        A published model: its folder, its configuration file, or its name on the Hub. The command prints the recipe,
        and then on stderr the differences from the nearest preset and the fields of the file that it ignored.
    from_call
        Code that calls librosa or torchaudio, such as "librosa.feature.melspectrogram(y=y, sr=16000, n_fft=512)". It is
        read and never run. The command prints the recipe that gives the same numbers, as --from does.
    json
        Print the list as JSON instead of a table. With --from or --from-call, print all that is known as one object.
    """
    from kapre_cli.presets import run, run_from
    from kapre_cli.recipes import of_call, of_source

    ways = (("", name), ("--from ", from_), ("--from-call ", from_call))
    given = [flag + value for flag, value in ways if value is not None]
    if len(given) > 1:
        raise CommandError(f"{' and '.join(given)} each say what to print. Give one.", USAGE)
    if from_ is not None:
        return run_from(of_source(from_), json)
    return run(name, json) if from_call is None else run_from(of_call(from_call), json)


@app.command
def compare(
    a: Annotated[str, Parameter(name="A")],
    b: Annotated[Path | None, Parameter(name="B")] = None,
    /,
    *,
    from_: Annotated[str | None, Parameter(name="--from", negative="")] = None,
    audio: Path | None = None,
    tolerance: Number | None = None,
    seconds: Number = 20.0,
    json: bool = False,
    backend: Backend | None = None,
) -> int:
    """Compare two files of features, or find out how a recipe differs from the recipe of given features.

    With a recipe, the command tries similar recipes (other windows, padding, scales, logarithms and so on) until one
    gives the features. The exit code is 0 if the two are equal within the tolerance, and 1 if they are not.

    Example: kapre compare whisper theirs.npy --audio recording.flac

    Parameters
    ----------
    a
        A file of features (.npy or .npz), the name of a preset, or the .json file of a recipe.
    b
        A file of features (.npy or .npz). `kapre show --features` writes one.
    from_
        A published model in place of A: its folder, its configuration file, or its name on the Hub. The features are
        then the only argument.
    audio
        The recording from which the features were computed. Required with a recipe.
    tolerance
        The largest difference that counts as equal, in the unit of the features. Default: 2e-3 of a natural logarithm
        (8.7e-4 of log10, 8.7e-3 dB), 1e-4 of the peak without a logarithm. One value in a thousand may differ by up to
        five times as much.
    seconds
        The longest time that the search may take.
    json
        Print one JSON object instead of lines.
    backend
        The Keras backend that computes. Default: KERAS_BACKEND, or an installed backend.
    """
    from kapre_cli.compare import run

    if (b is None) == (from_ is None):
        raise CommandError("give A and B to compare, or --from DIR and the features.", USAGE)
    if b is None:
        return run(f"--from {from_}", Path(a), audio, tolerance, seconds, json, backend, from_)
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
    from_: Annotated[str | None, Parameter(name="--from", negative="")] = None,
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
    """Write a model as a file for another runtime, and check the file in that runtime.

    Give a .keras file and the file to write, or --preset NAME (or --recipe, or --from) and -o FILE for a front end
    alone. The exit code is 1, and no file is kept, if the numbers differ from those of Keras or the runtime is missing.

    Example: kapre export model.keras model.onnx

    Parameters
    ----------
    model
        A model saved by Keras, .keras or .h5.
    path
        The file to write. The suffix selects the format: .onnx, .tflite, .xml (OpenVINO), .pt2, .stablehlo or .pte
        (ExecuTorch). Without a suffix, a SavedModel folder is written.
    output
        The file to write, as an option.
    preset
        A published front end instead of a model; `kapre presets` lists them.
    recipe
        A recipe as JSON instead of a model.
    from_
        The front end of a published model: its folder, its configuration file, or its name on the Hub.
    format
        tf_saved_model, litert, onnx, openvino, torch, stablehlo or executorch, if the suffix does not determine the
        format.
    check
        Run the file and compare its numbers. With --no-check, they are not compared.
    tolerance
        The largest difference from Keras, as a fraction of the output's range. Default: 1e-4.
    quantize
        Store the weights behind the front end in fewer bits. For LiteRT only.
    max_samples
        Samples of the longest clip. For ExecuTorch only. Default: 30 seconds.
    largest_direct
        The longest DFT that is computed with one matrix. Longer DFTs use two stages, which make a smaller file.
        Default: 512. Use 128 for a microcontroller.
    class_names
        Names of the model's classes, separated by commas, for the metadata of the file.
    overwrite
        Replace an existing file.
    json
        Print the report as one JSON object instead of a table.
    backend
        The Keras backend that writes the file. Default: KERAS_BACKEND, or an installed backend. If it cannot write the
        format, another installed backend does.
    """
    from kapre_cli.export import run
    from kapre_cli.recipes import Wanted

    options: dict[str, object] = dict(format=format, check=check, overwrite=overwrite, quantize=quantize)
    options["max_samples"] = max_samples
    options |= {
        name: value
        for name, value in (("tolerance", tolerance), ("largest_direct", largest_direct))
        if value is not None
    }
    if class_names is not None:
        options["class_names"] = [name.strip() for name in class_names.split(",")]
    return run(model, path, output, Wanted(preset, recipe, from_), options, json, backend)


@app.command
def extract(
    inputs: Annotated[list[str], Parameter(name="INPUT")],
    /,
    *,
    output: Annotated[str, Parameter(name=["--output", "-o"])],
    preset: str | None = None,
    recipe: Path | None = None,
    from_: Annotated[str | None, Parameter(name="--from", negative="")] = None,
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
    """Compute the features of many recordings with the layer of the model, and store them in shards.

    A damaged file becomes a row with the reason, and a line in errors.csv. --resume continues a run that was killed.
    The exit code is 1 if a file failed.

    Example: kapre extract recordings/ -o features/ --preset whisper -j 4

    Parameters
    ----------
    inputs
        Files, folders, manifests (.csv, .jsonl, .json, .parquet with a column `path`, and optional `start`, `duration`
        and `channel`; other columns are carried along), URIs such as s3://bucket/folder, or - to read paths from
        standard input.
    output
        The store: a new folder, or a URI such as s3://bucket/features.
    preset
        A published front end, such as whisper; `kapre presets` lists them.
    recipe
        A recipe as JSON instead of a preset.
    from_
        A published model instead of a preset: its folder, its configuration file, or its name on the Hub.
    glob
        A pattern for the files of folders, such as "**/*.flac". Default: all audio files.
    dtype
        The type of the stored features. f16 takes half the space and has 11 bits of precision.
    segment
        The length of a segment in seconds. Each segment becomes a row. Default: the recipe's fixed length, or whole
        files.
    channel
        "mix" for the mean of all channels, or the number of a channel, counted from 0.
    workers
        The number of processes. Default: one; on a cluster, one for each processor.
    shard_size
        The number of files in a shard. A shard is written whole or not at all. Default: a sixteenth of all files, at
        least 16 and at most 512.
    format
        The file format of the shards.
    engine
        local for this machine, or ray for a cluster with Ray Data.
    address
        The address of a Ray cluster, such as auto or 10.0.0.1:6379. Default: RAY_ADDRESS, or a new cluster on this
        machine for the duration of the run.
    on_error
        Skip a file that failed, or fail and end the run.
    resume
        Continue a store that was begun with the same files and settings.
    overwrite
        Replace a store.
    dry_run
        Print what would be done, and do nothing.
    json
        Print the result as one JSON object instead of a line.
    backend
        The Keras backend that computes. Default: KERAS_BACKEND, or an installed backend.
    """
    from kapre_cli.extract import run
    from kapre_cli.recipes import Wanted

    options: dict[str, object] = dict(dtype=dtype, segment=segment, channel=channel, glob=glob, workers=workers)
    options |= dict(format=format, engine=engine, address=address)
    options |= dict(shard_size=shard_size, on_error=on_error, resume=resume, overwrite=overwrite)
    return run(inputs, output, Wanted(preset, recipe, from_), options, dry_run, json, backend)


@app.command
def listen(
    *,
    preset: str | None = None,
    recipe: Path | None = None,
    from_: Annotated[str | None, Parameter(name="--from", negative="")] = None,
    seconds: Number | None = None,
    device: str | None = None,
    backend: Backend | None = None,
) -> int:
    """Draw the features of the microphone while it is heard, one line of the terminal at a time. Ctrl-C stops.

    This needs sounddevice: pip install 'kapre[mic]'.

    Example: kapre listen --preset kaldi_fbank --seconds 10

    Parameters
    ----------
    preset
        A published front end that runs chunk by chunk. Default: kaldi_fbank.
    recipe
        A recipe as JSON instead of a preset.
    from_
        A published model instead of a preset: its folder, its configuration file, or its name on the Hub.
    seconds
        How long to listen. Default: until Ctrl-C.
    device
        The number or a part of the name of an input. Default: the system's input.
    backend
        The Keras backend. Default: that of KERAS_BACKEND, or an installed one.
    """
    from kapre_cli.microphone import run
    from kapre_cli.recipes import Wanted

    named = preset is not None or recipe is not None or from_ is not None
    return run(Wanted(preset if named else "kaldi_fbank", recipe, from_), seconds, device, backend)


@app.command
def doctor(*, run: Annotated[bool, Parameter(negative="")] = False) -> int:
    """List the installed versions, backends, export runtimes and audio formats, and how to install the missing ones.

    The exit code is 1 if there is no backend.

    Example: kapre doctor --run

    Parameters
    ----------
    run
        Also run a layer on each backend, each in its own process. This takes about ten seconds. The exit code is 1 if
        no backend works.
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
        command = f"kapre {arguments[0]}" if arguments and arguments[0] in app else "kapre"
        print(f"kapre: {_problem(error)} See `{command} --help`.", file=sys.stderr)
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
