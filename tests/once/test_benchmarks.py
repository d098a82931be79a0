"""`make bench`: a candidate with wrong numbers is refused, the driver writes its rows, the page says what they say."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import re
from pathlib import Path

import librosa
import numpy as np
import pytest

from benchmarks import (
    analysis,
    augmentation,
    augmentation_effects,
    growth,
    processes,
    results,
    run,
    shapes,
    streaming,
    table,
    targets,
)
from benchmarks.candidate import Candidate, WrongNumbersError, check
from benchmarks.shapes import OURS, SHAPES, framed_as_keras, framed_in_the_middle, signal
from benchmarks.timing import interleaved

RUNTIMES = [name for name in ("jax", "tensorflow", "torch") if importlib.util.find_spec(name)]
TINY = SHAPES["t"]
KINDS = ("logmel", "mel_magnitude", "stft_magnitude", "stft", "inverse_stft", "training_model", "fft_floor")
ALONE = {"fft_floor": False, "parts": True}
"""Kinds with one side alone, and whether that is ours."""
EVIDENCE = {"jax": [], "tensorflow": ["framings"], "torch": ["parts"]}
"""Kinds of one runtime alone."""


def row(shape: str, name: str, median: float, **about: object) -> results.Row:
    common = {"runtime": "torch", "threads": "1", "kind": "logmel", "mode": "no grad", "ours": name == "kapre Frontend"}
    times = {"median_ms": median, "min_ms": median, "cpu_ms": median, "rounds": 9}
    return {**common, "shape": shape, "name": name, **times, **about}


ROWS = [
    row("a", "kapre Frontend", 2.0),
    row("a", "torchaudio", 6.0),
    row("a", "torch.stft", 5.0),
    row("b", "kapre Frontend", 10.0),
    row("b", "torchaudio", 40.0),
    row("b", "torch.stft", 50.0),
]


OFTEN = RUNTIMES[-1]
"""The runtime that is measured often: one process of the driver is like another."""


@pytest.fixture(
    scope="module", params=[pytest.param(name, marks=[pytest.mark.thorough] * (name != OFTEN)) for name in RUNTIMES]
)
def runtime(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def measured(runtime: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bench") / "benchmarks"
    words = f"--runtimes {runtime} --shapes t --threads 1 --budget 0 --what times --strict"
    kinds = ["--kinds", *KINDS, "parts", "framings"]
    assert run.main([*words.split(), *kinds, "--out", str(folder)]) == 0, results.read(folder, "errors")
    return folder


def test_driver_writes_a_row_for_each_candidate(measured: Path, runtime: str) -> None:
    rows = results.read(measured, "times")
    assert {row["kind"] for row in rows} == {*KINDS, *EVIDENCE[runtime]}
    assert {(row["runtime"], row["threads"], row["shape"]) for row in rows} == {(runtime, "1", "t")}
    assert all(row["rounds"] >= 1 and 0 < row["min_ms"] <= row["median_ms"] for row in rows)
    for kind in {row["kind"] for row in rows}:
        sides = {row["ours"] for row in rows if row["kind"] == kind}
        assert sides == ({ALONE[kind]} if kind in ALONE else {True, False}), f"{kind} has no peer, or none of ours"
    assert results.read(measured, "errors") == []


def test_facts_and_page_stand_beside_the_rows(measured: Path, runtime: str) -> None:
    facts = results.load_facts(measured)
    assert facts["machine"]["cores"] >= 1
    assert facts["runtimes"][runtime]["versions"]["keras"]
    page = measured.with_suffix(".md").read_text(encoding="utf-8")
    assert table.TITLES[runtime] in page
    assert "kapre Frontend" in page


@pytest.mark.parametrize("kind", ["logmel", "mel_magnitude", "stft_magnitude", "stft"])
def test_wrong_numbers_are_refused(kind: str) -> None:
    x = signal(TINY)
    frames = np.arange(TINY.frames)
    right = np.stack([shapes.features(kind, TINY, clip, OURS, frames) for clip in x])
    check(Candidate("right", lambda: right, np.asarray), kind, TINY, x)
    late = right.copy()
    late[-1, -1] = right[-1, 0]
    for wrong in (right * 1.1, right[:, :-1], np.full_like(right, np.nan), late):
        with pytest.raises(WrongNumbersError, match=f"wrong, {kind} of shape t"):
            check(Candidate("wrong", lambda wrong=wrong: wrong, np.asarray), kind, TINY, x)


def test_wrong_samples_are_refused() -> None:
    x = signal(TINY)
    check(Candidate("right", lambda: x[:, :-5], np.asarray), "inverse_stft", TINY, x)
    for wrong in (1.1 * x, np.roll(x, 1, axis=-1), np.full_like(x, np.nan)):
        with pytest.raises(WrongNumbersError, match="wrong, inverse_stft of shape t"):
            check(Candidate("wrong", lambda wrong=wrong: wrong, np.asarray), "inverse_stft", TINY, x)


def test_wrong_gradients_are_refused() -> None:
    x = signal(TINY)
    right = np.stack([shapes.gradient(TINY, clip, OURS, slice(0, TINY.samples)) for clip in x])
    check(Candidate("right", lambda: right, np.asarray), "training", TINY, x)
    for wrong in (right * 1.1, np.full_like(right, np.nan), np.where(np.arange(TINY.samples) > 3900, np.nan, right)):
        with pytest.raises(WrongNumbersError, match="wrong, training of shape t"):
            check(Candidate("wrong", lambda wrong=wrong: wrong, np.asarray), "training", TINY, x)


@pytest.mark.parametrize("key", "abc")
def test_mel_matrix_is_librosas(key: str) -> None:
    shape = SHAPES[key]
    right = librosa.filters.mel(sr=shape.rate, n_fft=shape.n_fft, n_mels=shape.mels, dtype=np.float64).T
    np.testing.assert_allclose(shapes.mel_matrix(shape), right, atol=1e-12)


@pytest.mark.parametrize("framing", [OURS, framed_in_the_middle(TINY), framed_as_keras(TINY)])
def test_gradient_is_that_of_finite_differences(framing: shapes.Framing) -> None:
    clip = signal(TINY)[0].astype(np.float64)
    clip += 0.1 * np.random.default_rng(1).standard_normal(len(clip))
    frames = np.arange(shapes.num_frames(TINY, framing))
    part = slice(1000, 1010)
    found = shapes.gradient(TINY, clip, framing, part)
    for offset, at in enumerate(range(part.start, part.stop)):
        step = np.zeros_like(clip)
        step[at] = 1e-6
        up, down = (shapes.features("logmel", TINY, clip + s, framing, frames).sum() for s in (step, -step))
        assert found[offset] == pytest.approx((up - down) / 2e-6, rel=1e-4, abs=1e-3)


def test_rounds_take_turns() -> None:
    calls: list[str] = []
    found = interleaved({name: lambda name=name: calls.append(name) for name in "xyz"}, 0.01)
    rounds = found["x"].rounds
    assert rounds >= 3
    assert calls[:3] == list("xyz")  # once each before the clock runs
    assert all(set(calls[i : i + 3]) == set("xyz") for i in range(3, len(calls), 3))
    assert len(calls) == 3 * (rounds + 1)


def test_page_says_what_the_rows_say(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# By hand\n\n{table.MARKER}\n\nof yesterday\n", encoding="utf-8")
    results.write(tmp_path, "times", ROWS)
    table.write(tmp_path, page)
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"# By hand\n\n{table.MARKER}\n")
    assert "of yesterday" not in text
    assert "| **kapre Frontend, no grad** | 2 | 10 |" in text
    assert "| best peer / best of ours | **2.5** | **4** |" in text
    assert "| 2.50 ≥ 2.3 | **4.00** < 4.5 | ? ≥ 2.3 |" in text
    assert "1 of 4 targets" in text
    table.write(tmp_path, page)
    assert page.read_text(encoding="utf-8") == text


def test_only_the_very_error_that_is_known_is_let_pass() -> None:
    about = {"runtime": "jax", "shape": "e", "kind": "training", "name": "keras MelSpectrogram"}
    nan = "WrongNumbersError: keras MelSpectrogram, training of shape e: not all its numbers are finite"
    assert run.known({**about, "error": nan})
    others = [{"name": "kapre Frontend"}, {"runtime": "torch"}, {"shape": "a"}, {"kind": "logmel"}]
    assert not any(run.known({**about, "error": nan, **other}) for other in others)
    assert not run.known({**about, "error": "MemoryError"})
    assert not run.known({"runtime": "jax", "threads": "1", "error": "ended with -11"})


def test_page_warns_of_a_machine_that_was_not_quiet(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    for busy in (False, True):
        results.write(tmp_path, "times", [{**r, "cpu_ms": r["median_ms"] / (2 if busy else 1)} for r in ROWS])
        table.write(tmp_path, page)
        assert ("The machine was not quiet" in page.read_text(encoding="utf-8")) == busy


def test_growth_goes_on_without_the_peer_that_broke(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken_beyond_a_minute(runtime: str, threads: str, job: results.Row) -> list[results.Row]:
        found = []
        for value, _ in job["steps"]:
            if value > 60 and "torch.stft, no grad" in job["labels"]:
                return [*found, {"runtime": runtime, "threads": threads, "error": "MemoryError"}]
            found += [{"runtime": runtime, "along": job["along"], "value": value, "name": n} for n in job["labels"]]
        return found

    monkeypatch.setattr(processes, "run", broken_beyond_a_minute)
    rows = [row for row in growth.measure("torch", 1.0) if row["along"] == "length"]
    ours, peer = growth.LABELS["torch"]
    assert [row["value"] for row in rows if row["name"] == ours and "error" not in row] == list(growth.SECONDS)
    assert [row["value"] for row in rows if row["name"] == peer and "error" not in row] == [1, 10, 60]
    assert [row["name"] for row in rows if "error" in row] == [peer]


def test_a_process_that_breaks_leaves_what_it_has_and_says_why() -> None:
    rows = processes.run("nowhere", "1", {"what": "times", "shapes": "t", "budget": 0})
    assert len(rows) == 1
    assert "candidates_nowhere" in rows[0]["error"]


def test_target_takes_one_thread_and_the_best_peer() -> None:
    target = targets.TIMES[0]
    other = [row("a", "torch.stft", 1.0, threads="all"), row("a", "torch.stft", 1.0, mode="predict")]
    assert target.measured([*ROWS, *other], "a") == 2.5
    assert target.measured(ROWS, "c") is None


def test_new_rows_take_the_place_of_old_ones(tmp_path: Path) -> None:
    by = ("runtime", "threads", "shape", "kind")
    results.write(tmp_path, "times", ROWS)
    results.replace(tmp_path, "times", [row("a", "kapre Frontend", 1.5), {**row("c", "x", 1.0), "error": "broke"}], by)
    rows = results.read(tmp_path, "times")
    assert [(r["shape"], r["median_ms"]) for r in rows if r["ours"]] == [("b", 10.0), ("a", 1.5)]
    assert len(rows) == 4  # the old peers of shape a are gone with it
    assert [r["error"] for r in results.read(tmp_path, "errors")] == ["broke"]


def test_another_machine_starts_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results.write(tmp_path, "times", ROWS)
    results.save_facts(tmp_path, "torch", {"torch": "2"}, {"budget_s": 1.0})
    results.clear_if_elsewhere(tmp_path)
    assert len(results.read(tmp_path, "times")) == len(ROWS)
    here = results.machine()
    monkeypatch.setattr(results, "machine", lambda: {**here, "cores": 999})
    results.clear_if_elsewhere(tmp_path)
    assert results.read(tmp_path, "times") == []


def test_a_part_that_is_measured_apart_has_its_own_line(tmp_path: Path) -> None:
    results.save_facts(tmp_path, "torch", {"torch": "2"}, {"budget_s": 6.0})
    results.save_facts(tmp_path, "torch", {"torch": "3"}, {"budget_s": 0.5}, "stft")
    results.save_facts(tmp_path, "torch", {}, {"budget_s": 0.0}, "memory")
    found = results.load_facts(tmp_path)["runtimes"]["torch"]
    assert (found["versions"], found["budget_s"], list(found["apart"])) == ({"torch": "2"}, 6.0, ["stft", "memory"])
    page = table.machine_section(results.load_facts(tmp_path))
    assert "| PyTorch, stft | the same |" in page
    assert page.endswith("| – |")
    results.save_facts(tmp_path, "torch", {"torch": "3"}, {"budget_s": 6.0})
    assert "apart" not in results.load_facts(tmp_path)["runtimes"]["torch"]


def test_every_target_names_a_known_shape_and_kind() -> None:
    for target in (*targets.TIMES, *targets.MEMORY):
        assert set(target.least) <= set(SHAPES)
        assert target.kind in table.KINDS
        assert dataclasses.astuple(target)[0] in table.TITLES


def test_streams_are_measured_and_their_page_keeps_its_prose(tmp_path: Path) -> None:
    found = streaming.run(RUNTIMES[-1], "compiled, fixed chunks", 3)
    assert found["steps"] == 3
    assert 0.0 < found["median_ms"] <= found["late_ms"]
    page = tmp_path / "page.md"
    page.write_text(f"Before.\n\n{streaming.BEGIN}\nold\n{streaming.END}\n\nAfter.\n", encoding="utf-8")
    for median in (1.5, 2.5):
        streaming.write(page, streaming.text([{**found, "median_ms": median}]))
    words = page.read_text(encoding="utf-8")
    assert words.startswith("Before.")
    assert words.endswith("After.\n")
    assert words.count(streaming.BEGIN) == words.count(streaming.END) == words.count("compiled, fixed chunks") == 1
    assert "| 2.5 |" in words
    assert "old" not in words
    assert streaming.BEGIN in streaming.PAGE.read_text(encoding="utf-8")


def test_a_percentile_is_one_of_the_values() -> None:
    assert streaming.quantile(range(1, 101), 0.99) == 99
    assert streaming.quantile([3.0, 1.0, 2.0], 0.99) == 3.0


EFFECTS = ["gain", "white_noise", "reverb", "equalizer", "time_mask"]


def test_augmentations_are_timed_beside_their_peers(tmp_path: Path) -> None:
    words = ["--runtimes", OFTEN, "--threads", "1", "--budget", "0", "--size", "2", "8000", "--out", str(tmp_path)]
    assert augmentation.main([*words, "--effects", *EFFECTS]) == 0
    rows, facts = augmentation.read(tmp_path)
    assert facts["errors"] == []
    assert {row["effect"] for row in rows} == set(EFFECTS)
    for effect in EFFECTS:
        assert {row["ours"] for row in rows if row["effect"] == effect} == {True, False}
    text = (tmp_path / "augmentation.md").read_text(encoding="utf-8")
    assert text == augmentation.page(rows, facts)
    assert facts["runtimes"][OFTEN]["versions"]["audiomentations"] in text


def test_an_output_without_the_effect_is_refused() -> None:
    x = augmentation_effects.signal(2, 8000)
    for effect in augmentation_effects.EFFECTS:
        for wrong in (x[:, 1:], np.full_like(x, np.nan)):
            with pytest.raises(augmentation_effects.WrongEffectError):
                augmentation_effects.check(effect, x, wrong)
    for effect in ("chain", "polarity", "reverse", "white_noise", "lowpass", "highpass", "equalizer", "time_mask"):
        with pytest.raises(augmentation_effects.WrongEffectError):
            augmentation_effects.check(effect, x, x)


def test_analysis_writes_times_and_a_page(tmp_path: Path) -> None:
    words = ["--runtimes", RUNTIMES[0], "--tasks", "rms", "loudness", "--budget", "0", "--size", "1", "8820"]
    assert analysis.main([*words, "--out", str(tmp_path)]) == 0
    compiled = RUNTIMES[0] != "torch"
    facts = json.loads((tmp_path / "analysis.json").read_text(encoding="utf-8"))
    ours = {"Kapre eager", "Kapre compiled"} if compiled else {"Kapre"}
    assert {row["label"] for row in facts["rows"] if row["task"] == "loudness"} == {*ours, "pyloudnorm"}
    page = (tmp_path / "analysis.md").read_text(encoding="utf-8")
    assert re.search(r"^\| RMS and zero crossings \| \d+\.\d\d \|$", page, re.MULTILINE)
    assert "| Griffin-Lim, 32 steps | – |" in page
