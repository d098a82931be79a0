"""The page in `examples/browser`, in a headless Chromium: its features are Python's, and a bad file has a message.

`make test-browser` sets up what it needs: Debian's chromium and chromium-driver, onnxruntime-web from npm.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from selenium import webdriver
from selenium.webdriver.common.by import By

import kapre
from examples.browser import make_model, serve
from tests.clips import clip
from tests.conftest import to_numpy

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "examples" / "browser"
PRESETS = ["whisper", "nemo", "vggish", "librosa_mel", "kaldi_fbank"]  # the last one serves the other tests too
SCREENSHOT = os.environ.get("KAPRE_SCREENSHOT")


made: list[str] = []


def make(preset: str) -> None:
    """Export a front end for the page, where it is not the one there; the first as a user does, the others here."""
    words = [str(PAGE / "make_model.py"), "--preset", preset]
    if not made:
        subprocess.run([sys.executable, *words], check=True, capture_output=True)
    elif made[-1] != preset:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", words)
            make_model.main()
    made.append(preset)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serve.server() as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}/"
        running.shutdown()


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = os.environ.get("KAPRE_CHROMIUM", "/usr/bin/chromium")
    for word in (
        "headless",
        "no-sandbox",
        "disable-gpu",
        "disable-quic",
        "no-first-run",
        "disable-background-networking",
        "disable-component-update",
        "disable-sync",
        "use-fake-ui-for-media-stream",
        "use-fake-device-for-media-stream",
        "window-size=1000,760",
        f"user-data-dir={tmp_path_factory.mktemp('chromium')}",
    ):
        options.add_argument(f"--{word}")
    service = webdriver.ChromeService(os.environ.get("KAPRE_CHROMEDRIVER", "/usr/bin/chromedriver"))
    found = webdriver.Chrome(options=options, service=service)
    yield found
    found.quit()


def until(driver: webdriver.Chrome, done: Callable[[], Any], seconds: float = 60.0) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = done()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"nothing in {seconds:g} s; the page says {text(driver)!r} and {driver.get_log('browser')}")


def text(driver: webdriver.Chrome) -> str:
    return driver.find_element(By.TAG_NAME, "main").text


def opened(driver: webdriver.Chrome, address: str) -> None:
    driver.get(address)
    until(driver, lambda: driver.execute_script("return globalThis.kapre?.ready"))


def dropped(driver: webdriver.Chrome, path: Path) -> None:
    driver.execute_script("globalThis.kapre.features = null")
    driver.find_element(By.ID, "file").send_keys(str(path))


def features(driver: webdriver.Chrome) -> np.ndarray:
    until(driver, lambda: driver.execute_script("return globalThis.kapre.features !== null"))
    dims = driver.execute_script("return Array.from(globalThis.kapre.dims)")
    return np.array(driver.execute_script("return Array.from(globalThis.kapre.features)")).reshape(dims)


@pytest.mark.parametrize("preset", PRESETS)
def test_features_are_pythons(driver: webdriver.Chrome, address: str, preset: str, tmp_path: Path) -> None:
    make(preset)
    opened(driver, address)
    frontend = kapre.Frontend.from_preset(preset)
    rate = int(frontend.recipe.sample_rate or 0)
    samples = clip("speech", round(1.3 * rate), rate).astype("float32")
    soundfile.write(tmp_path / "speech.wav", samples, rate, subtype="FLOAT")
    dropped(driver, tmp_path / "speech.wav")
    got, right = features(driver), to_numpy(frontend(samples[None]))
    assert got.shape == right.shape
    assert np.abs(got - right).max() <= 1e-4 * np.ptp(right)
    said = text(driver)
    assert f"at {rate} Hz, as it is" in said
    assert "ms for each second of audio" in said
    assert not driver.find_element(By.ID, "message").is_displayed()
    data = "document.getElementById('picture').getContext('2d').getImageData(0, 0, 960, 240).data"
    assert driver.execute_script(f"return new Set({data}).size") > 50  # it is drawn
    if SCREENSHOT and preset == "kaldi_fbank":
        driver.save_screenshot(SCREENSHOT)


def test_bad_and_other_files(driver: webdriver.Chrome, address: str, tmp_path: Path) -> None:
    make("kaldi_fbank")
    opened(driver, address)
    (tmp_path / "notes.txt").write_text("no sound in here")
    dropped(driver, tmp_path / "notes.txt")
    message = until(driver, lambda: driver.find_element(By.ID, "message").text)
    assert "notes.txt: this browser cannot read it as audio" in message
    assert driver.find_element(By.ID, "drop").is_displayed()
    soundfile.write(tmp_path / "short.wav", np.zeros(100, "float32"), 16000)
    dropped(driver, tmp_path / "short.wav")
    until(driver, lambda: "too short for a frame" in driver.find_element(By.ID, "message").text)
    stereo = np.stack([clip("speech", 44100, 44100), clip("music", 44100, 44100)], axis=1)
    soundfile.write(tmp_path / "stereo.flac", stereo, 44100)
    dropped(driver, tmp_path / "stereo.flac")
    assert features(driver).shape == (1, 98, 80)
    assert "resampled by the browser" in text(driver)
    assert "2 channels mixed to one" in text(driver)
    assert not driver.find_element(By.ID, "message").is_displayed()


def test_microphone(driver: webdriver.Chrome, address: str) -> None:
    make("kaldi_fbank")
    opened(driver, address)
    button = driver.find_element(By.ID, "microphone")
    button.click()
    until(driver, lambda: driver.execute_script("return globalThis.kapre.frames") >= 50)
    assert button.text == "Stop"
    assert "Microphone:" in text(driver)
    button.click()
    until(driver, lambda: button.text == "Listen to the microphone")


def test_without_a_model_the_page_says_what_to_run(driver: webdriver.Chrome, address: str) -> None:
    about = PAGE / "model" / "front_end.json"
    kept = about.read_text(encoding="utf-8")
    about.unlink()
    try:
        driver.get(address)
        message = until(driver, lambda: driver.find_element(By.ID, "message").text)
        assert "make_model.py" in message
    finally:
        about.write_text(kept, encoding="utf-8")
