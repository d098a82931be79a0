"""tools/gpu.py without a GPU: it starts, checks and writes its tables; what it measures needs the device."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from benchmarks import gpu_checks
from tools import gpu

ROOT = Path(__file__).resolve().parents[2]


def test_it_starts_and_checks_one_preset(tmp_path: Path) -> None:
    command = [sys.executable, "tools/gpu.py", "--device", "cpu", "--few", "--parts", "", "--backends", "jax"]
    result = subprocess.run(
        [*command, "--folder", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.endswith("1 passed, 0 failed\n")


def test_a_check_that_fails_says_so_and_the_next_one_runs(tmp_path: Path) -> None:
    checks = gpu_checks.Checks(tmp_path / "jax-rest.json")
    checks.run("close: a", lambda: 1e-7, 1e-6)
    checks.run("close: b", lambda: 1e-5, 1e-6)
    checks.run("breaks", lambda: 1 / 0)
    checks.run("close: c", lambda: float("nan"), 1e-6)
    assert [entry["passed"] for entry in json.loads(checks.path.read_text())] == [True, False, False, False]
    assert gpu.report(tmp_path) == 3
    assert "| jax | close | 1 of 3 | 1e-05 | 1e-06 |" in gpu.table_of_checks(tmp_path)


def test_the_page_has_the_best_peer_of_each_row(tmp_path: Path) -> None:
    ms = {"kapre": 2.0, "a": 3.0, "b": 2.5, "kapre, torch.compile": 1.0, "a, torch.compile": 4.0}
    row = {"shape": "a", "about": "speech", "kind": "logmel", "direction": "forward", "errors": {}, "ms": ms}
    row |= {"floor_ms": 0.5, "costs": {"kapre": {"launches": 7, "peak_bytes": 2**20}}}
    (tmp_path / "torch-kinds.json").write_text(json.dumps([{"kind": "copy", "bytes_per_second": 4e12}, row]))
    (tmp_path / "torch-smoke.json").write_text(json.dumps([{"name": "machine", "passed": True, "device": "a GPU"}]))
    page = gpu.page(tmp_path)
    assert "| torch | speech | logmel | forward | 2 | b | 2.5 | 1.25 | 0.5 | 7 | 1 |" in page
    assert (
        "| torch | speech | logmel, torch.compile | forward | 1 | a, torch.compile | 4 | 4.00 | 0.5 | – | – |" in page
    )
    assert "a GPU" in page
    assert "4.00 TB/s" in page
