"""No call of the library prints. What an export prints is dropped; what other threads print meanwhile is not."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile

import kapre
from kapre import corpus
from kapre.deploy._quiet import quiet
from tests.conftest import chirp
from tests.layer_cases import CASES


@pytest.mark.filterwarnings("ignore:.*filter bank bands hold no")
def test_no_call_prints(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Layers, front ends, streams, files, the search for a recipe and a store."""
    for case in CASES.values():
        case.make("channels_last")(case.single("channels_last"))
    x = chirp(1, 16000)[:, :, 0].astype("float32")
    front = kapre.Frontend.from_preset("kaldi_fbank")
    features = np.asarray(front(x, lengths=[9000]))
    stream = front.stream(320)
    stream.flush(stream.step(x[:, :320], stream.initial_state())[1])
    assert kapre.compare.recipe(front.recipe, x[0, :9000], features[0, : front.num_frames(9000)] + 1.0, seconds=1).tried
    soundfile.write(tmp_path / "clip.wav", x[0], 16000)
    (tmp_path / "bad.wav").write_bytes(b"RIFF")
    assert corpus.extract(tmp_path, tmp_path / "store", "kaldi_fbank").failed == 1
    assert capfd.readouterr() == ("", "")


def test_nothing_of_the_calling_thread_is_printed(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threading, "active_count", lambda: 1)  # other tests may have left threads behind
    before = sys.stdout, sys.stderr
    with quiet():
        print("by Python")
        sys.stderr.writelines(["by", "lines"])
        with quiet():
            os.write(1, b"by C")
            os.write(2, b"by C")
        print("again")
    assert (sys.stdout, sys.stderr) == before
    print("after")
    assert capfd.readouterr() == ("after\n", "")


def test_other_threads_print_meanwhile(capfd: pytest.CaptureFixture[str]) -> None:
    inside, printed, entered = threading.Event(), threading.Event(), threading.Event()
    before = sys.stdout, sys.stderr

    def others() -> None:
        inside.wait(10)
        print("by Python")
        os.write(1, b"by C\n")
        with quiet():  # ends after the first
            entered.set()
            printed.wait(10)
            print("dropped")
        print("after both")

    thread = threading.Thread(target=others)
    thread.start()
    with quiet():
        inside.set()
        assert entered.wait(10)
        print("dropped too")
    print("after one")
    printed.set()
    thread.join()
    assert (sys.stdout, sys.stderr) == before
    out = capfd.readouterr().out
    assert sorted(out.split("\n")[:-1]) == ["after both", "after one", "by C", "by Python"]


def test_a_stream_put_there_meanwhile_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    mine = io.StringIO()
    monkeypatch.setattr(sys, "stdout", sys.stdout)
    with quiet():
        sys.stdout = mine
    assert sys.stdout is mine
