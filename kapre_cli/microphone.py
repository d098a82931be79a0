"""`kapre listen`: the features of a microphone while it is heard, one line of the terminal at a time."""

from __future__ import annotations

import contextlib
import math
import queue
import time
from collections import deque
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from kapre_cli.errors import DATA, USAGE, CommandError, load_kapre
from kapre_cli.recipes import Wanted

_LINE_SECONDS = 0.05
"""How much sound a line shows at least."""
_PATIENCE = 5.0
"""After how many seconds without a sample the microphone counts as silent for good."""
_REMEMBERED = 200
"""The number of lines from whose loudest values the colours follow."""


def run(wanted: Wanted, seconds: float | None, device: str | None, backend: str | None) -> int:
    """Draw until the time is over or the user stops it, and return the exit code."""
    if find_spec("sounddevice") is None:
        raise CommandError("the microphone needs sounddevice: run `pip install 'kapre[mic]'`.", USAGE)
    if seconds is not None and not (math.isfinite(seconds) and seconds > 0.0):
        raise CommandError(f"--seconds must be a positive number; received {seconds}.", USAGE)
    given = wanted.given()
    if len(given) > 1:
        raise CommandError(f"{' and '.join(name for name, _ in given)} exclude each other. Leave one out.", USAGE)
    recipe = wanted.found()
    kapre = load_kapre(backend)
    frontend = kapre.Frontend(recipe)
    rate = frontend.recipe.clip_rate
    if rate is None or frontend.recipe.power is None:
        raise CommandError("--recipe must have a sample_rate and a spectrum. Use --preset kaldi_fbank.", USAGE)
    try:
        stream = frontend.stream()
    except ValueError as error:
        raise CommandError(f"{error} Without a preset, kaldi_fbank is drawn.", USAGE) from None
    with contextlib.suppress(KeyboardInterrupt):
        _draw(frontend, stream, _heard(int(rate), seconds, device))
    return 0


def _heard(rate: int, seconds: float | None, device: str | None) -> Iterator[Any]:
    """Yield blocks of samples `(time,)` of the microphone."""
    try:
        import sounddevice
    except OSError as error:  # without the library that it calls
        text = f"sounddevice finds no PortAudio: {error}. Install it, such as libportaudio2 on Debian."
        raise CommandError(text, USAGE) from None
    blocks: queue.SimpleQueue[Any] = queue.SimpleQueue()
    chosen: Any = int(device) if device is not None and device.lstrip("-").isdigit() else device
    left = None if seconds is None else round(seconds * rate)
    try:
        with sounddevice.InputStream(
            samplerate=rate,
            channels=1,
            dtype="float32",
            device=chosen,
            blocksize=round(_LINE_SECONDS * rate),
            callback=lambda samples, *_: blocks.put(samples[:, 0].copy()),
        ):
            while left is None or left > 0:
                try:
                    block = blocks.get(timeout=_PATIENCE)
                except queue.Empty:
                    text = f"no sound came within {_PATIENCE:g} seconds. Choose another --device."
                    raise CommandError(text, DATA) from None
                yield block if left is None else block[:left]
                left = None if left is None else left - len(block)
    except (sounddevice.PortAudioError, ValueError, OSError) as error:
        devices = [each["name"] for each in sounddevice.query_devices() if each["max_input_channels"] > 0]
        there = f"Inputs here: {', '.join(devices)}." if devices else "There is no input here."
        raise CommandError(f"the microphone cannot be opened at {rate} Hz: {error}. {there}", DATA) from None


def _draw(frontend: Any, stream: Any, blocks: Iterator[Any]) -> None:
    import numpy as np
    from rich.console import Console

    from kapre._plot_layout import colour_range
    from kapre_cli.preview import line_of

    recipe = frontend.recipe
    console = Console(highlight=False)
    state, seen = stream.initial_state(), 0
    shown: deque[Any] = deque(maxlen=_REMEMBERED)
    began = time.strftime("%H:%M:%S")
    console.print(f"{began}, low frequencies on the left, {recipe.clip_rate:g} Hz. Stop with Ctrl-C.")
    for block in blocks:
        seen += len(block)
        y, state = stream.step(block[None], state)
        y = np.asarray(y)[0]
        y = np.swapaxes(y, -1, -2) if recipe.layout == "band_first" else y
        if not y.size:
            continue
        row = y.reshape(-1, y.shape[-1]).max(axis=0)
        shown.append(row)
        console.print(line_of(row, colour_range(np.array(shown), recipe), seen / recipe.clip_rate, console))
