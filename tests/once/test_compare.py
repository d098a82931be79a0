"""`kapre compare`: a mistake planted in features, most of them made without Kapre, is named; equal ones are equal."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import librosa
import numpy as np
import pytest
import soundfile
import soxr

import kapre
from kapre.frontends import preset
from kapre_cli.compare import _AtRates
from tests.command import run

RATE = 16000
SECONDS = 2
SPEECH = Path(__file__).parents[2] / "examples" / "audio" / "speech.flac"


def speech(rate: int = RATE, seconds: float = SECONDS) -> np.ndarray:
    """Return voiced sound that comes and goes over a -50 dBFS noise floor, with a small offset, float32."""
    rng = np.random.default_rng(1)
    n = round(rate * seconds)
    t = np.arange(n) / rate
    loudness = np.repeat(rng.uniform(0.0, 1.0, 8 * round(seconds) + 8), rate // 8)[:n]
    voice = sum(np.sin(2 * np.pi * 140 * k * t + 3 * np.sin(4 * np.pi * t)) / k for k in range(1, 30))
    x = 0.05 * loudness * voice + 0.02 * loudness * rng.standard_normal(n)
    return np.asarray(x + 0.0032 * rng.standard_normal(n) + 0.003, dtype=np.float32)


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    soundfile.write(tmp_path / "speech.wav", speech(), RATE, subtype="FLOAT")
    return tmp_path / "speech.wav"


def periodic(values: Callable[[int], np.ndarray], length: int) -> np.ndarray:
    return values(length + 1)[:-1]


def mel_matrix(bands: int, low: float, high: float, in_mel: bool, n_fft: int = 512, rate: int = RATE) -> np.ndarray:
    """Return HTK's triangles without normalisation, straight in mel or in Hz, (bins, bands)."""

    def mel(hz: Any) -> Any:
        return 1127.0 * np.log1p(np.asarray(hz) / 700.0)

    corners = np.linspace(mel(low), mel(high), bands + 2)
    bins = np.arange(n_fft // 2 + 1) * rate / n_fft
    if not in_mel:
        corners = 700.0 * np.expm1(corners / 1127.0)
    x = mel(bins) if in_mel else bins
    rising = (x[:, None] - corners[:-2]) / (corners[1:-1] - corners[:-2])
    falling = (corners[2:] - x[:, None]) / (corners[2:] - corners[1:-1])
    return np.maximum(0.0, np.minimum(rising, falling))


def framed(x: np.ndarray, length: int = 400, hop: int = 160) -> np.ndarray:
    return np.lib.stride_tricks.sliding_window_view(x, length)[::hop].copy()


def kaldi(
    scale: float = 32768.0,
    window: np.ndarray | None = None,
    in_mel: bool = True,
    remove_dc: bool = True,
    over_signal: bool = False,
    amount: float = 0.97,
    start: int = 0,
    high: float = 8000.0,
    floor: float = 2.0**-23,
) -> np.ndarray:
    """Return Kaldi's log mel bands in float64."""
    x = speech().astype(np.float64)[start:] * scale
    if over_signal:
        x = x - amount * np.append(x[0], x[:-1])
    frames = framed(x)
    if remove_dc:
        frames -= frames.mean(axis=1, keepdims=True)
    if not over_signal:
        frames -= amount * np.concatenate([frames[:, :1], frames[:, :-1]], axis=1)
    window = np.hanning(400) ** 0.85 if window is None else window
    power = np.abs(np.fft.rfft(frames * window, 512)) ** 2
    return np.log(np.maximum(power @ mel_matrix(80, 20.0, high, in_mel), floor))


def librosas(
    n_fft: int, window: np.ndarray, htk: bool = False, pad: str = "reflect", seconds: float = 30
) -> np.ndarray:
    """Return mel powers of the clip padded with zeros to 30 s, by librosa in float64."""
    x = np.pad(speech().astype(np.float64), (0, round(seconds * RATE) - SECONDS * RATE)) if seconds else speech()
    return librosa.feature.melspectrogram(
        y=x.astype(np.float64), sr=RATE, n_fft=n_fft, win_length=len(window), hop_length=160, window=window, n_mels=80,
        htk=htk, pad_mode=pad,
    )  # fmt: skip


def whisper(window: np.ndarray | None = None, **options: Any) -> np.ndarray:
    power = librosas(400, periodic(np.hanning, 400) if window is None else window, **options)[:, :-1]
    log = np.log10(np.maximum(power, 1e-10))
    return (np.maximum(log, log.max() - 8.0) + 4.0) / 4.0


def nemo(window: np.ndarray | None = None, pad: str = "constant", every_frame: bool = False) -> np.ndarray:
    x = speech().astype(np.float64)
    x = np.append(x[0], x[1:] - 0.97 * x[:-1])
    window = np.hanning(400) if window is None else window
    power = librosa.feature.melspectrogram(
        y=x, sr=RATE, n_fft=512, win_length=400, hop_length=160, window=window, n_mels=80, pad_mode=pad
    )
    log = np.log(power + 2.0**-24)
    valid = log.shape[1] if every_frame else len(x) // 160
    mean, std = log[:, :valid].mean(axis=1, keepdims=True), log[:, :valid].std(axis=1, ddof=1, keepdims=True)
    y = (log - mean) / (std + 1e-5)
    y[:, valid:] = 0.0
    return y


def vggish(window: np.ndarray | None = None) -> np.ndarray:
    window = periodic(np.hanning, 400) if window is None else window
    magnitude = np.abs(np.fft.rfft(framed(speech().astype(np.float64)) * window, 512))
    log = np.log(magnitude @ mel_matrix(64, 125.0, 7500.0, in_mel=True) + 0.01)
    return np.stack([log[96 * i : 96 * (i + 1)] for i in range(len(log) // 96)])


def by_kapre(name: str, **changes: Any) -> Callable[[], np.ndarray]:
    def make() -> np.ndarray:
        layer = kapre.Frontend(preset(name).recipe.replace(**changes))
        return np.asarray(keras.ops.convert_to_numpy(layer(speech(round(layer.recipe.sample_rate))[None])))

    return make


HAMMING, HANN = np.hamming(400), np.hanning(400)
RIGHT = {"kaldi_fbank": kaldi, "whisper": whisper, "nemo": nemo, "vggish": vggish}
MISTAKES: dict[str, tuple[str, Callable[[], np.ndarray], dict[str, Any], str]] = {
    "Kaldi Hz instead of mel triangles": (
        "kaldi_fbank", lambda: kaldi(in_mel=False), dict(triangles="hz"), "straight in Hz"),
    "NeMo frame count": ("nemo", lambda: nemo(every_frame=True), dict(valid_frames="all"), "every frame"),
    "Whisper symmetric hann": (
        "whisper", lambda: whisper(HANN), dict(window_periodic=False), "a symmetric hann window"),
    "VGGish symmetric hann": ("vggish", lambda: vggish(HANN), dict(window_periodic=False), "a symmetric hann window"),
    "NeMo periodic hann": (
        "nemo", lambda: nemo(periodic(np.hanning, 400)), dict(window_periodic=True), "a periodic hann window"),
    "Whisper zero pad": ("whisper", lambda: whisper(pad="constant"), dict(pad_mode="constant"), "padded with zeros"),
    "Whisper without 30 s": (
        "whisper", lambda: whisper(seconds=0), dict(fixed_samples=None), "not padded to a fixed length"),
    "Kaldi without the scale": ("kaldi_fbank", lambda: kaldi(scale=1.0), dict(input_scale=1.0), "not scaled by 32768"),
    "Whisper htk": ("whisper", lambda: whisper(htk=True), dict(htk=True), "HTK's mel scale"),
    "Kaldi periodic povey": (
        "kaldi_fbank", lambda: kaldi(window=periodic(np.hanning, 400) ** 0.85), dict(window_periodic=True),
        "a periodic povey window"),
    "Kaldi hann": ("kaldi_fbank", lambda: kaldi(window=HANN), dict(window_exponent=1.0), "a symmetric hann window"),
    "Kaldi hamming": (
        "kaldi_fbank", lambda: kaldi(window=HAMMING), dict(window_name="hamming_window", window_exponent=1.0),
        "a symmetric hamming window"),
    "NeMo reflect pad": ("nemo", lambda: nemo(pad="reflect"), dict(pad_mode="reflect"), "a reflection"),
    "Kaldi no DC removal": ("kaldi_fbank", lambda: kaldi(remove_dc=False), dict(remove_dc=False), "not subtracted"),
    "Kaldi preemphasis on the whole signal": (
        "kaldi_fbank", lambda: kaldi(over_signal=True), dict(preemphasis_over="signal"), "over the whole signal"),
    "Kaldi no preemphasis": ("kaldi_fbank", lambda: kaldi(amount=0.0), dict(preemphasis=0.0), "no preemphasis"),
    "Kaldi to 7600 Hz": ("kaldi_fbank", lambda: kaldi(high=7600.0), dict(f_max=7600.0), "up to 7600 Hz"),
    "Kaldi another floor": ("kaldi_fbank", lambda: kaldi(scale=1.0, floor=1e-3), dict(input_scale=1.0, amin=1e-3), ""),
    "Kaldi half a hop later": ("kaldi_fbank", lambda: kaldi(start=80), {}, "80 samples later (half a hop)"),
    "Kaldi a window's placement": ("kaldi_fbank", lambda: kaldi(start=56), {}, "56 samples later"),
    "Kaldi frames lost": ("kaldi_fbank", lambda: kaldi()[3:], {}, "the first 3 frames left out"),
    "Kaldi in log10": ("kaldi_fbank", lambda: kaldi() / np.log(10), dict(log="log10"), "a logarithm to base 10"),
    "PCEN in place of the logarithm": (
        "kaldi_fbank", lambda: librosa.pcen(np.exp(kaldi()).T, sr=RATE, hop_length=160).T,
        dict(log=None, pcen=True), "PCEN with librosa's values"),
    "Kaldi with an offset": ("kaldi_fbank", lambda: kaldi() + 1.5, dict(feature_shift=1.5), "1.5 higher all over"),
    "Kaldi transposed": ("kaldi_fbank", lambda: kaldi().T, dict(layout="band_first"), "the other layout"),
    "two mistakes": (
        "kaldi_fbank", lambda: kaldi(window=HANN, remove_dc=False), dict(remove_dc=False, window_exponent=1.0),
        "not subtracted"),
    "another preset": ("whisper", nemo, {}, "the preset 'nemo'"),
    "SpeechBrain true triangles": (
        "speechbrain_fbank", by_kapre("speechbrain_fbank", triangles="hz"), dict(triangles="hz"), "straight in Hz"),
    "wav2vec not normalised": ("wav2vec2", lambda: speech(), dict(normalize_samples=False), "not normalised"),
}  # fmt: skip


MEL = kapre.Recipe(
    sample_rate=RATE,
    n_fft=512,
    hop_length=160,
    center=True,
    power=2.0,
    filterbank="mel",
    n_mels=40,
    layout="band_first",
)


def mel(x: np.ndarray | None = None, rate: int = RATE) -> np.ndarray:
    x = speech().astype(np.float64) if x is None else x
    bank = librosa.filters.mel(sr=rate, n_fft=512, n_mels=40, fmax=8000.0, dtype=np.float64)
    spectrum = librosa.stft(x, n_fft=512, hop_length=160, dtype=np.complex128, pad_mode="constant")
    return bank @ np.abs(spectrum) ** 2


def with_deltas(edges: str) -> np.ndarray:
    ln = np.log(np.maximum(mel(), 1e-5))
    return np.concatenate([ln, librosa.feature.delta(ln, width=9, mode=edges)])


def emphasized() -> np.ndarray:
    x = speech().astype(np.float64)
    return np.log(np.maximum(mel(x - 0.97 * np.append(0.0, x[:-1])), 1e-5))


LN = MEL.replace(log="ln", amin=1e-5)
OF_RECIPES: dict[str, tuple[kapre.Recipe, Callable[[], np.ndarray], dict[str, Any], str]] = {
    "deltas at the edges": (
        LN.replace(deltas=1, delta_window=9), lambda: with_deltas("interp"), dict(delta_edges="interp"),
        "librosa's edges"),
    "deltas left out": (
        LN.replace(deltas=1, delta_window=9, amin=1e-10), lambda: np.log(np.maximum(mel(), 1e-10)), dict(deltas=0),
        "no deltas"),
    "a bank of another rate": (
        LN, lambda: np.log(np.maximum(mel(rate=22050), 1e-5)), dict(bank_rate=22050.0, f_max=8000.0),
        "a bank for samples at 22050"),
    "a bank of the samples' own rate": (
        LN.replace(bank_rate=22050, f_max=8000.0), lambda: np.log(np.maximum(mel(), 1e-5)), dict(bank_rate=None),
        "a bank for the rate of the samples"),
    "the first sample of preemphasis kept": (
        LN.replace(preemphasis=0.97, preemphasis_first="drop"), emphasized, dict(preemphasis_first="keep"),
        "the first sample kept"),
    "decibels below the maximum": (
        MEL.replace(log="db", amin=1e-10, dynamic_range=80.0), lambda: librosa.power_to_db(mel(), ref=np.max),
        dict(ref_value="max"), "relative to the clip's own maximum"),
    "padded only where needed": (
        preset("neucodec").recipe, by_kapre("neucodec", samples_multiple_strict=False),
        dict(samples_multiple_strict=False), "only if they are not one already"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", [*MISTAKES, *OF_RECIPES])
def test_a_planted_mistake_is_named(mistake: str, wav: Path, tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    name: Any
    if mistake in MISTAKES:
        name, make, changes, words = MISTAKES[mistake]
    else:
        recipe, make, changes, words = OF_RECIPES[mistake]
        name = tmp_path / "recipe.json"
        name.write_text(recipe.to_json(), encoding="utf-8")
    np.save(tmp_path / "theirs.npy", make().astype(np.float32))
    assert run("compare", name, tmp_path / "theirs.npy", "--audio", wav, "--json", "--seconds", 600) == 1
    out, err = capfd.readouterr()
    assert err == ""
    report = json.loads(out)
    assert not report["equal"]
    assert report["found"], report["cause"]
    assert words in report["cause"]["words"]
    found = report["cause"]["changes"]
    assert set(found) == set(changes)
    for key, value in changes.items():
        assert found[key] == (pytest.approx(value, abs=2e-3) if type(value) is float else value), key
    assert report["cause"]["difference"]["maximum"] <= report["difference"]["tolerance"]


def librosa_cases() -> list[dict[str, Any]]:
    """Return random parameters of librosa's mel spectrogram, as many of each kind."""
    rng = np.random.default_rng(20)
    cases = []
    for number, log in enumerate(("db", "db", "max", "max", "ln", "power", "db", "db")):
        n_fft = int(rng.choice([512, 1024, 2048, 4096]))
        cases.append(
            dict(
                rate=(8000, 16000, 22050, 44100)[number % 4],
                n_fft=n_fft,
                hop=int(rng.choice([n_fft // 2, n_fft // 4, n_fft // 5, round(0.4 * n_fft)])),
                bands=int(rng.integers(24, 41 if n_fft == 512 else 81)),
                log=log,
                transposed=number == 6,
                known=("librosa_mel", "whisper")[number // 7],
            )
        )
    return cases


@pytest.mark.parametrize("case", librosa_cases(), ids=lambda case: "-".join(map(str, case.values())))
def test_another_dft_hop_bands_and_rate_are_found(case: dict[str, Any]) -> None:
    x, recipe = speech(case["rate"], 3), preset(case["known"]).recipe
    power = librosa.feature.melspectrogram(
        y=x, sr=case["rate"], n_fft=case["n_fft"], hop_length=case["hop"], n_mels=case["bands"]
    )
    theirs = {
        "db": lambda: librosa.power_to_db(power),
        "max": lambda: librosa.power_to_db(power, ref=np.max),
        "ln": lambda: np.log(np.maximum(power, 1e-10)),
        "power": lambda: power,
    }[case["log"]]()
    rate = int(recipe.sample_rate or 0)
    ours = x if rate == case["rate"] else soxr.resample(x, case["rate"], rate)
    theirs = theirs.T if case["transposed"] else theirs
    report = kapre.compare.recipe(recipe, ours, theirs, seconds=600.0, at_rates={case["rate"]: x})
    assert report.found, report
    assert report.cause is not None
    made = recipe.replace(**report.cause.changes)
    found = (made.sample_rate, made.n_fft, made.hop_length, made.n_mels)
    assert found == (case["rate"], case["n_fft"], case["hop"], case["bands"])
    own = np.asarray(keras.ops.convert_to_numpy(kapre.Frontend(made)(x[None])))[0]
    np.testing.assert_allclose(own, theirs, atol=1e-4 * power.max() if case["log"] == "power" else 0.01)


def test_the_command_reads_the_file_at_the_rate_that_it_finds(
    wav: Path, tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    power = librosa.feature.melspectrogram(y=speech(), sr=RATE, n_fft=1024, hop_length=256, n_mels=64)
    np.save(tmp_path / "theirs.npy", librosa.power_to_db(power))
    assert run("compare", "librosa_mel", tmp_path / "theirs.npy", "--audio", wav) == 1
    out, err = capfd.readouterr()
    assert err == ""
    assert "64 mel bands in decibels, centred frames of 1024 samples every 256 at 16000 Hz" in out
    assert "replace(" in out


@pytest.mark.parametrize("name", RIGHT)
def test_the_right_features_are_equal(name: str, wav: Path, tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    np.save(tmp_path / "theirs.npy", RIGHT[name]()[None].astype(np.float32))
    assert run("compare", name, tmp_path / "theirs.npy", "--audio", wav) == 0
    out, err = capfd.readouterr()
    assert err == ""
    assert "they are equal" in out
    assert "cause" not in out


def test_a_person_is_told_in_words(wav: Path, tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    np.save(tmp_path / "theirs.npy", kaldi(window=HANN))
    (tmp_path / "mine.json").write_text(preset("kaldi_fbank").recipe.to_json(indent=2))
    assert run("compare", tmp_path / "mine.json", tmp_path / "theirs.npy", "--audio", wav, "--seconds", 600) == 1
    out, err = capfd.readouterr()
    assert err == ""
    assert "the features were made with a symmetric hann window\n" in out
    assert "replace(window_exponent=1.0)\n" in out
    assert "not equal" in out


def test_what_no_recipe_explains_is_said_so(wav: Path, tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    np.save(tmp_path / "theirs.npy", np.random.default_rng(0).normal(size=kaldi().shape))
    assert run("compare", "kaldi_fbank", tmp_path / "theirs.npy", "--audio", wav, "--seconds", 600) == 1
    assert "not found: no recipe next to this one gives these features" in capfd.readouterr().out
    assert run("compare", "kaldi_fbank", tmp_path / "theirs.npy", "--audio", wav, "--seconds", 0.1) == 1
    assert "the time was up before all was tried" in capfd.readouterr().out


def test_audio_of_another_rate_and_two_channels(tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    stereo = np.stack([speech(32000), np.zeros(SECONDS * 32000, np.float32)], axis=1)
    soundfile.write(tmp_path / "s.wav", stereo, 32000, subtype="FLOAT")
    assert run("show", tmp_path / "s.wav", "--preset", "nemo", "--features", tmp_path / "f.npz") == 0
    assert run("compare", "nemo", tmp_path / "f.npz", "--audio", tmp_path / "s.wav") == 0
    out, _ = capfd.readouterr()
    assert out.count("resampled from 32000 to 16000 Hz") == 2
    assert out.count("2 channels mixed to one (their mean)") == 2


def test_a_long_clip_is_searched_on_a_part_and_judged_whole() -> None:
    x = np.tile(speech(), 6)
    recipe = preset("kaldi_fbank").recipe
    theirs = keras.ops.convert_to_numpy(kapre.Frontend(recipe.replace(remove_dc=False))(x[None]))[0]
    report = kapre.compare.recipe(recipe, x, theirs, seconds=600.0)
    assert report.cause is not None
    assert (report.found, report.cause.changes) == (True, {"remove_dc": False})
    spoiled = theirs.copy()
    spoiled[-1, 0] += 1.0
    report = kapre.compare.recipe(recipe.replace(remove_dc=False), x, spoiled, seconds=0.0)
    assert not report.found
    assert report.before.maximum == pytest.approx(1.0, abs=1e-3)
    assert report.before.where == (len(theirs) - 1, 0)


A = np.random.default_rng(3).normal(size=(98, 80))
PAIRS: dict[str, tuple[np.ndarray, bool, str]] = {
    "the same": (A, True, ""),
    "rounding": (A.astype(np.float32), True, ""),
    "batch": (A[None], True, "axes of length 1 dropped"),
    "channel": (A[..., None], True, "axes of length 1 dropped"),
    "transposed": (A.T, False, "its last two axes are swapped"),
    "transposed batch": (A.T[None], False, "its last two axes are swapped"),
    "fewer frames": (A[:95], False, "axis 0 holds 98 and 95 entries: the first 95 are compared"),
    "fewer frames, transposed": (A[:95].T, False, "axis 0 holds 98 and 95 entries"),
}


@pytest.mark.parametrize("pair", PAIRS)
def test_two_files(pair: str, tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    other, equal, note = PAIRS[pair]
    np.save(tmp_path / "a.npy", A)
    np.savez(tmp_path / "b.npz", anything=other)
    assert run("compare", tmp_path / "a.npy", tmp_path / "b.npz") == (0 if equal else 1)
    assert note in capfd.readouterr().out
    assert run("compare", tmp_path / "a.npy", tmp_path / "b.npz", "--json") == (0 if equal else 1)
    report = json.loads(capfd.readouterr().out)
    assert report["equal"] is equal
    assert report["maximum"] < 1e-6


def test_where_they_differ_and_what_their_recipes_say(wav: Path, tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    for name in ("nemo", "nemo_v1"):
        assert run("show", wav, "--preset", name, "--features", tmp_path / f"{name}.npz") == 0
    capfd.readouterr()
    assert run("compare", tmp_path / "nemo.npz", tmp_path / "nemo_v1.npz") == 1
    out, _ = capfd.readouterr()
    assert "pad_mode: 'constant' and 'reflect'" in out
    assert "valid_frames: 'hops' and 'all'" in out
    changed = A.copy()
    changed[40, 7] += 0.5
    changed[3, 3] = np.nan
    found = kapre.compare.features(A, changed)
    assert (found.where, found.non_finite, found.equal) == ((40, 7), 1, False)
    assert found.maximum == pytest.approx(0.5)
    assert found.relative == pytest.approx(0.5 / np.abs(A).max())
    assert found.mean == pytest.approx(0.5 / (A.size - 1))
    assert kapre.compare.features(A, A + 1e-3).equal
    assert not kapre.compare.features(A, A + 1e-3, tolerance=1e-4).equal
    assert kapre.compare.features(A, np.zeros((5, 7))).compared == ()


def test_tolerances_follow_the_unit() -> None:
    for name, expected in (("kaldi_fbank", 2e-3), ("panns", 8.7e-3), ("whisper", 2.2e-4), ("librosa_mel", 5e-3)):
        recipe = preset(name).recipe
        assert kapre.compare.default_tolerance(recipe, 50.0) == pytest.approx(expected, rel=0.02), name


BAD: list[tuple[list[str], int, str]] = [
    (["{a}", "{a}", "--audio", "{wav}"], 2, "--audio goes with a recipe"),
    (["whisper", "{a}"], 2, "needs audio"),
    (["whsper", "{a}", "--audio", "{wav}"], 2, "Use 'whisper'"),
    (["{folder}/none.json", "{a}", "--audio", "{wav}"], 2, "No such file"),
    (["{text}", "{a}", "--audio", "{wav}"], 1, "no recipe"),
    (["{short}", "{a}", "--audio", "{wav}"], 1, "sample_rate"),
    (["whisper", "{folder}/none.npy", "--audio", "{wav}"], 2, "no such file"),
    (["whisper", "{a}", "--audio", "{folder}/none.wav"], 2, "no such file"),
    (["whisper", "{wav}", "--audio", "{wav}"], 2, "must be in a .npy or .npz file"),
    (["{a}", "{broken}"], 1, "cannot be read"),
    (["{a}", "{several}"], 1, "It holds x, y"),
    (["{a}", "{words}"], 1, "real numbers"),
    (["{a}", "{a}", "--tolerance", "-1"], 2, "--tolerance must be"),
    (["vggish", "{a}", "--audio", "{wav}"], 1, "of 3 axes"),
    (["{a}"], 2, "B"),
]


@pytest.mark.parametrize(("arguments", "code", "text"), BAD, ids=[" ".join(a) for a, _, _ in BAD])
def test_errors_are_one_line(
    arguments: list[str], code: int, text: str, wav: Path, tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    np.save(tmp_path / "a.npy", A)
    np.savez(tmp_path / "several.npz", x=A, y=A)
    np.save(tmp_path / "words.npy", np.array(["a", "b"]))
    (tmp_path / "broken.npz").write_bytes(b"PK\x03\x04 nothing")
    (tmp_path / "text.json").write_text("not json")
    (tmp_path / "short.json").write_text(kapre.Recipe(n_fft=512).to_json())
    files = {"a": "a.npy", "several": "several.npz", "words": "words.npy", "broken": "broken.npz"}
    files |= {"text": "text.json", "short": "short.json"}
    names = {key: tmp_path / name for key, name in files.items()}
    assert run("compare", *(word.format(wav=wav, folder=tmp_path, **names) for word in arguments)) == code
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert text in err


@pytest.mark.parametrize("own", [1, 100, 187, 16000, 5_000_000])
def test_a_recording_is_read_at_rates_that_it_can_be_resampled_to(own: int, tmp_path: Path) -> None:
    file = tmp_path / "low.wav"
    soundfile.write(file, np.sin(np.arange(60)), own)
    rates = _AtRates(file, own)
    assert next(iter(rates)) == own
    assert (44100 in rates) == (own >= 187)
    for rate in rates:
        assert np.isfinite(rates[rate]).all()
