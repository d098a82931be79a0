"""The command line: parse, run, and say what went wrong in one line.

Nothing heavy is imported here; each command's module is imported when it runs.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal

try:
    from cyclopts import App, CycloptsError, Parameter, Token
except ImportError:
    sys.exit("kapre: the command needs cyclopts and more: run `pip install 'kapre[audio]'`.")

from kapre_cli.errors import DATA, USAGE, CommandError


def _whole(_: object, tokens: Sequence[Token]) -> int:
    """Read a whole number; cyclopts would take 512.5 for 512."""
    return int(tokens[0].value)


Whole = Annotated[int, Parameter(converter=_whole)]
Backend = Literal["jax", "tensorflow", "torch", "numpy"]

app = App(
    name="kapre",
    help="Look at recordings and their features, as a model with Kapre's layers sees them.",
    version=lambda: version("kapre"),
    help_format="plaintext",
)


@app.command
def info(files: Annotated[list[Path], Parameter(name="FILE")], /, *, json: bool = False) -> int:
    """Say what audio files hold: rate, channels, length, format, peak, RMS and any damage.

    Every file is decoded to its end. Exit code 1 if one is damaged or unreadable.

    Parameters
    ----------
    files
        Audio files: wav, flac, ogg, opus, mp3 and what else libsndfile reads.
    json
        One JSON object a line, a file each, instead of a table.
    """
    from kapre_cli.info import run

    return run(files, json)


@app.command
def show(
    file: Annotated[Path, Parameter(name="FILE")],
    /,
    *,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    features: Path | None = None,
    sample_rate: Whole | None = None,
    kind: Literal["mel", "log", "stft"] = "mel",
    n_fft: Whole = 2048,
    hop_length: Whole | None = None,
    n_mels: Whole | None = None,
    f_min: float | None = None,
    f_max: float | None = None,
    decibel: bool = True,
    backend: Backend | None = None,
) -> int:
    """Draw a recording and its spectrogram, computed by Kapre's layers.

    Without --output, a preview is drawn in the terminal.

    Parameters
    ----------
    file
        An audio file.
    output
        The picture to write: .png, .svg, .pdf or .jpg.
    features
        The features to write, .npz: `features` (frame, band, channel), `recipe` and `source` (JSON), `times` in
        seconds, `frequencies` in Hz.
    sample_rate
        Resample to this rate in Hz first (soxr, HQ). Default: the file's own.
    kind
        The frequency axis: mel bands, semitones from C1 (log), or the bins of the transform (stft).
    n_fft
        Length of the transform in samples.
    hop_length
        Samples from one frame to the next. Default: a quarter of n_fft.
    n_mels
        Mel bands. Default: 128.
    f_min
        Lowest frequency in Hz, of mel and log.
    f_max
        Highest frequency in Hz, of mel and log. Default: half the sample rate.
    decibel
        Whether values are decibels (80 dB below the clip's peak at least) or plain power.
    backend
        What computes. Default: KERAS_BACKEND, or what is installed.
    """
    from kapre_cli.show import Settings, run

    settings = Settings(sample_rate, kind, n_fft, hop_length, n_mels, f_min, f_max, decibel)
    return run(file, output, features, settings, backend)


@app.command
def doctor() -> int:
    """Say which versions, backends and audio formats are here, what is missing and how to get it.

    Each backend is tried in a process of its own. Exit code 1 if none works.
    """
    from kapre_cli.doctor import run

    return run()


def main(arguments: list[str] | None = None) -> None:
    """Run the command and exit: 0 done, 1 something is wrong with the data, 2 with how the command was called."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal without UTF-8, a name that is no text: escaped, not fatal
            stream.reconfigure(errors="backslashreplace")
    sys.exit(_code(arguments))


def _drop_output() -> None:
    """Send what is still to be written nowhere: Python would try once more on its way out, and complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _code(arguments: list[str] | None) -> int:
    try:
        result = app(arguments, exit_on_error=False, print_error=False, result_action="return_value")
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except CycloptsError as error:
        # The library's text may span lines and end in a list of choices: one line, and where help is.
        problem = " ".join(str(error).split())
        print(f"kapre: {problem} See `kapre --help`.", file=sys.stderr)
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
    except OSError as error:  # a full disk behind `>`, a name too long
        _drop_output()
        print(f"kapre: {error.filename or 'the output'}: {error.strerror}. Choose another place.", file=sys.stderr)
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
