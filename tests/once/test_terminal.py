"""What the command writes only in a terminal: a line of progress that goes away, and colours without NO_COLOR."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time

import numpy as np
import pytest
from rich.console import Console

import kapre
from kapre_cli import preview, progress
from tests.processes import ROOT

CLEAR = "\r\x1b[K"
BLOCK = """
import sys
from kapre_cli import progress
from kapre_cli.errors import quiet
progress._LEAST, progress._AFTER = 0.0, {after}
with progress.working("counting"), quiet(), progress.working("inner"):
    {block}
print("done")
"""


def in_a_terminal(words: list[str], until: str = "", **env: str) -> tuple[str, str]:
    """Run Python with a terminal as standard error. Once that has a text, end the input; return both outputs."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, *words],
        **dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=theirs, cwd=ROOT, text=True),
        env={**os.environ, "TERM": "xterm", **env},
    )
    os.close(theirs)
    text = b""
    assert process.stdin is not None
    assert process.stdout is not None
    deadline = time.monotonic() + 60
    while True:
        if until and until.encode() in text and not process.stdin.closed:
            process.stdin.close()
        if not select.select([ours], [], [], max(0.0, deadline - time.monotonic()))[0]:
            process.kill()
            raise AssertionError(f"{text!r} is all that was written in a minute")
        try:
            more = os.read(ours, 4096)
        except OSError:  # nobody writes any more
            break
        if not more:
            break
        text += more
    os.close(ours)
    process.stdin.close()
    out = process.stdout.read()
    process.stdout.close()
    assert process.wait() in (0, 2)
    return out, text.decode()


def test_a_line_of_progress_says_what_is_done_and_goes_away() -> None:
    code = BLOCK.format(after=0.0, block="sys.stdin.read()")
    out, text = in_a_terminal(["-c", code], until="counting … ")
    assert out == "done\n"
    assert re.match(re.escape(CLEAR) + r"counting … \d+ s", text)
    assert text.endswith(CLEAR)
    assert "inner" not in text
    assert "\n" not in text


@pytest.mark.parametrize("term", ["xterm", "dumb"])
def test_short_work_and_a_terminal_that_cannot_clear_a_line_show_nothing(term: str) -> None:
    code = BLOCK.format(after=0.0 if term == "dumb" else 3600.0, block="assert progress._is_working == {}")
    assert in_a_terminal(["-c", code.format(term != "dumb")], TERM=term) == ("done\n", "")


def test_nothing_is_shown_where_standard_error_is_no_terminal() -> None:
    code = BLOCK.format(after=0.0, block="assert not progress._is_working")
    words = [sys.executable, "-c", code]
    result = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert (result.returncode, result.stdout, result.stderr) == (0, "done\n", "")


def test_a_line_fits_the_terminal() -> None:
    assert progress._cut("decoding a.wav", 8) == "decoding"
    assert progress._cut("녹음.wav", 5) == "녹음."
    assert progress._cut("a\nb\x1bc", 10) == "a?b?c"
    assert progress._cut("a", 0) == ""


def test_errors_have_no_colours() -> None:
    out, text = in_a_terminal(["-m", "kapre_cli", "show", "none.wav"])
    assert (out, text) == ("", "kapre: none.wav: no such file. Check the path.\r\n")


@pytest.mark.parametrize("no_color", [False, True])
def test_no_color_draws_shades(no_color: bool, capfd: pytest.CaptureFixture) -> None:
    recipe = kapre.Recipe(n_fft=64, filterbank="mel", sample_rate=8000, n_mels=10, log="db")
    features = np.random.default_rng(0).random((50, 10))
    console = Console(
        force_terminal=True,
        color_system="truecolor",
        width=60,
        highlight=False,
        no_color=no_color,
        legacy_windows=False,
    )
    preview.preview(features, recipe, console)
    picture = capfd.readouterr().out
    assert ("\x1b[" in picture) is not no_color
    assert ("▀" in picture) is not no_color
    assert ("@" in picture) is no_color
    line = preview.line_of(features[0], (0.0, 1.0), 0.5, console)
    assert bool(line.spans) is not no_color
