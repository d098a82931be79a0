"""What an export prints is dropped; what other threads print meanwhile is not."""

from __future__ import annotations

import os
import sys
import threading

import pytest

from kapre.deploy._quiet import quiet


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
