"""Calls of librosa and torchaudio, as recipes and as the libraries compute them."""

from __future__ import annotations

import ast
import contextlib
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import pytest

import kapre
from kapre.frontends import SourceError
from kapre.frontends.readers.calls import from_call
from tests.clips import clip
from tests.command import run
from tests.conftest import BACKEND, float64, to_numpy
from tests.references._registry import double, torchaudio

Y = clip("music", 20000, 16000)

LIBROSA = [
    "librosa.feature.melspectrogram(y=y, sr=16000, n_fft=512)",
    "librosa.feature.melspectrogram(y=y)",
    "librosa.feature.melspectrogram(y=y, sr=16000, n_fft=1024, hop_length=160, win_length=400, window='hamming', "
    "center=False, power=1, n_mels=40, fmin=20, fmax=7600, htk=True, norm=None)",
    "librosa.power_to_db(librosa.feature.melspectrogram(y=y, sr=16000, pad_mode='reflect'), ref=np.max)",
    "librosa.power_to_db(librosa.feature.melspectrogram(y=y, sr=16000), ref=2.0, amin=1e-6, top_db=None)",
    "librosa.amplitude_to_db(np.abs(librosa.stft(y, n_fft=512)), ref=np.max, top_db=60)",
    "np.abs(librosa.stft(y, n_fft=512, hop_length=128)) ** 2",
    "np.abs(librosa.stft(y, n_fft=321, hop_length=160, window='blackman'))",
    "import librosa as lr\nlr.feature.melspectrogram(y=y, sr=16000).T.T",
    "from librosa.feature import melspectrogram\nmelspectrogram(y=y, sr=16000)",
    "librosa.feature.mfcc(y=y, sr=16000, n_mfcc=13, lifter=22, n_fft=512, hop_length=160, n_mels=40)",
    "librosa.feature.chroma_stft(y=y, sr=16000, norm=None, tuning=0.0, n_chroma=24)",
    "np.log(librosa.feature.melspectrogram(y=y, sr=16000) + 1e-6)",
    "np.log1p(10000 * librosa.feature.melspectrogram(y=y, sr=16000))",
    "np.log10(np.maximum(1e-10, librosa.feature.melspectrogram(y=y, sr=16000)))",
    "mel = librosa.feature.melspectrogram(y=y, sr=16000, hop_length=int(0.01 * 16000))\n"
    "np.log(np.maximum(mel, 1e-5)).T",
]
TORCHAUDIO = [
    "torchaudio.transforms.MelSpectrogram(16000, n_fft=512)(x)",
    "T.MelSpectrogram(sample_rate=24000, n_fft=1024, hop_length=256, n_mels=100, power=1, norm='slaney', "
    "mel_scale='slaney', f_min=30.0, center=True)(x)",
    "T.MelSpectrogram(n_fft=512, win_length=400, hop_length=160, window_fn=torch.hamming_window, normalized=True)(x)",
    "T.MelSpectrogram(n_fft=512, normalized='frame_length', wkwargs={'periodic': False}, pad_mode='constant')(x)",
    "torch.nn.Sequential(T.MelSpectrogram(), T.AmplitudeToDB(top_db=80))(x)",
    "T.AmplitudeToDB('magnitude', 60)(T.Spectrogram(n_fft=512, power=1)(x))",
    "T.Spectrogram(n_fft=400, hop_length=160, center=False)(x)",
    "T.MFCC(16000, 13, melkwargs={'n_fft': 512, 'n_mels': 40, 'hop_length': 160})(x)",
    "T.MFCC(16000, 20, log_mels=True)(x)",
    "T.LFCC(16000, n_lfcc=20, n_filter=60, f_max=7000.0, log_lf=True, speckwargs={'n_fft': 512})(x)",
    "torch.log(torch.clamp(T.MelSpectrogram()(x), min=1e-5))",
    "mel = T.MelSpectrogram(n_mels=64)\n(mel(x) + 1e-6).log()",
    "T.MelSpectrogram(n_mels=64)(x * 2)",
    "T.MelSpectrogram(16000, n_fft=401)(x)",
    "T.MelSpectrogram(11025, n_fft=512, n_mels=40)(x)",
    "T.MelSpectrogram(22051, n_fft=257, f_min=50.0, f_max=9000.0, n_mels=30, norm='slaney', mel_scale='slaney')(x)",
    "T.MFCC(11025, 13, melkwargs={'n_fft': 401, 'n_mels': 30, 'hop_length': 160})(x)",
    "T.LFCC(16000, n_lfcc=20, n_filter=60, speckwargs={'n_fft': 321})(x)",
    "kaldi.fbank(x * (1 << 15), num_mel_bins=80, frame_length=25, frame_shift=10, energy_floor=0.0)",
    "import torchaudio.compliance.kaldi as ta_kaldi\nta_kaldi.fbank(2 ** 15 * x, num_mel_bins=128)",
    "torchaudio.compliance.kaldi.fbank(x, htk_compat=True, use_energy=False, window_type='hanning', num_mel_bins=128)",
    "from torchaudio.compliance import kaldi as k\nk.mfcc(x / 0.5, num_ceps=20, num_mel_bins=40, use_energy=True)",
    "kaldi.fbank(waveform=x * 4.0 * 8192, use_log_fbank=False).clamp(min=1e-3).log()",
    "kaldi.spectrogram(x)",
]


def wanted(code: str) -> np.ndarray:
    """Run the code, in float64."""
    import torch

    with double():
        transforms = torchaudio().transforms
        names: dict[str, Any] = dict(librosa=librosa, np=np, y=Y, torch=torch, T=transforms, torchaudio=torchaudio())
        names["kaldi"] = torchaudio().compliance.kaldi
        names["x"] = torch.tensor(Y)[None]
        *before, last = ast.parse(code).body
        exec(compile(ast.Module(before, []), "code", "exec"), names)
        found = eval(ast.unparse(last), names)
    found = np.asarray(found)
    while found.ndim > 2:
        (found,) = found
    return found


PASTED_RUNS = [
    "sr = 16000\nhop = int(0.01 * sr)\nlibrosa.feature.melspectrogram(y=y, sr=sr, hop_length=hop, n_fft=2 ** 9)",
    "kwargs = {'n_mels': 80}\nlibrosa.feature.melspectrogram(y=y, sr=16000, **kwargs)",
    "librosa.feature.melspectrogram(y=y.astype(np.float64), sr=16000, **{'n_mels': 80}, **dict(power=1.0))",
    "def f(x, sr=16000):\n    'Mel.'\n    mel = librosa.feature.melspectrogram(y=x, sr=sr)\n"
    "    return np.log(mel + 1e-6).T\nf(y)",
    "f = lambda x, n=40: librosa.feature.melspectrogram(y=x, sr=16000, n_mels=n)\nf(y, n=32)[None].squeeze(0)",
    "mel = librosa.feature.melspectrogram(y=y, sr=16000)\nmel += 1e-6\nnp.log(mel).astype(np.float64)[np.newaxis, ...]",
    "np.square(np.abs(librosa.stft(y, n_fft=512))).transpose()",
    "np.expand_dims(np.power(np.abs(librosa.stft(y, n_fft=512)), 2), 0).swapaxes(-1, -2)",
    "T.MelSpectrogram(n_mels=64).to('cpu')(x.unsqueeze(0)).squeeze().detach().cpu().numpy()",
    "from torch import nn\nnn.Sequential(T.MelSpectrogram(n_mels=64), T.AmplitudeToDB(top_db=80)).eval()(x)",
    "to_db = T.AmplitudeToDB()\nmel = T.MelSpectrogram(16000, n_mels=64)\n"
    "with torch.no_grad():\n    found = to_db(mel(x))\nfound.transpose(1, 2)",
    "T.Spectrogram(n_fft=512, power=1)(x).pow(2).double()",
    "kaldi.fbank(x.float().double() * 32768, **dict(num_mel_bins=80), energy_floor=0.0).unsqueeze(0)",
]
"""What people paste and what runs as it stands."""


@pytest.mark.parametrize("code", [*LIBROSA, *TORCHAUDIO, *PASTED_RUNS])
@pytest.mark.filterwarnings("ignore:.*mel filterbank has all zero", "ignore:.*filter bank bands hold no")
def test_code_is_what_it_computes(code: str) -> None:
    recipe = from_call(code).recipe
    expected = wanted(code)
    if BACKEND != "torch":  # numbers on one backend, shapes on all
        assert recipe.output_shape(len(Y)) == expected.shape
        return
    with float64():
        got = to_numpy(kapre.Frontend(recipe, dtype="float64")(Y[None]))[0]
    assert got.shape == expected.shape
    scale = np.abs(expected).max()
    # librosa's filters are float32, and torchaudio's of LFCC too.
    assert np.abs(got - expected).max() <= 2e-5 * max(1.0, scale)


def drawn(seed: int) -> tuple[str, dict[str, Any]]:
    """Return a function of `torchaudio.compliance.kaldi` and random legal arguments of it."""
    rng = np.random.default_rng(seed)
    kind = ("fbank", "mfcc", "spectrogram")[seed % 3]
    choices: dict[str, tuple[Any, ...]] = dict(
        sample_frequency=(8000, 16000.0, 22050.0, 44100), frame_length=(20, 25.0, 32), frame_shift=(8, 10.0, 12.5),
        window_type=("povey", "hamming", "hanning", "rectangular", "blackman"), blackman_coeff=(0.42,),
        preemphasis_coefficient=(0, 0.9, 0.97), remove_dc_offset=(True, False), snip_edges=(True, False),
        round_to_power_of_two=(True, False), energy_floor=(0.0, 1.0), dither=(0.0,), subtract_mean=(True, False),
        raw_energy=(True,), channel=(-1, 0), min_duration=(0.0, 0.1),
    )  # fmt: skip
    if kind != "spectrogram":
        choices |= dict(num_mel_bins=(13, 23, 30), low_freq=(0, 20.0, 64), high_freq=(0.0, -200.0, 3500))
        choices |= dict(vtln_warp=(1.0,), vtln_low=(100.0,), vtln_high=(-500.0,), use_energy=(True, False))
    if kind == "mfcc":
        choices |= dict(num_ceps=(10, 13), cepstral_lifter=(0.0, 22.0), htk_compat=(False,))
    if kind == "fbank":
        choices |= dict(use_log_fbank=(True, False), use_power=(True, False), htk_compat=(True, False))
    found = {name: values[int(rng.integers(len(values)))] for name, values in choices.items()}
    found = {name: value for name, value in found.items() if rng.random() < 0.8}
    if found.get("sample_frequency", 16000) in (22050.0, 44100):  # frames of an odd number of samples
        found["round_to_power_of_two"] = True
    return kind, found


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.filterwarnings("ignore:.*filter bank bands hold no")
def test_random_arguments_of_kaldi(seed: int) -> None:
    """Shapes on every backend; numbers on PyTorch, in natural logarithms."""
    import torch

    kind, given = drawn(seed)
    recipe = kapre.Recipe.from_torchaudio(f"compliance.kaldi.{kind}", **given)
    code = f"torchaudio.compliance.kaldi.{kind}(waveform, {', '.join(f'{k}={v!r}' for k, v in given.items())})"
    assert from_call(code).recipe == recipe
    x = clip("speech", 20011, int(given.get("sample_frequency", 16000)))
    with double():
        expected = getattr(torchaudio().compliance.kaldi, kind)(torch.tensor(x)[None], **given).numpy()
    assert recipe.output_shape(len(x)) == expected.shape
    if BACKEND == "torch":
        y = to_numpy(kapre.Frontend(recipe)(x[None].astype("float32")))[0]
        scale = 1.0 if recipe.log else np.abs(expected).max()
        assert np.abs(y - expected).max() <= 2e-3 * scale, given


def test_an_energy_in_the_first_bin_on_every_backend() -> None:
    """The recipe of a spectrogram of Kaldi, also in a stream of chunks."""
    recipe = kapre.Recipe.from_torchaudio("compliance.kaldi.spectrogram", energy_floor=0.0)
    expected = wanted("kaldi.spectrogram(x, energy_floor=0.0)")
    frontend = kapre.Frontend(recipe)
    y = to_numpy(frontend(Y[None].astype("float32")))[0]
    np.testing.assert_allclose(y, expected, atol=2e-3)
    stream = frontend.stream()
    state, parts = stream.initial_state(), []
    for i in range(0, len(Y), 3001):
        part, state = stream.step(Y[None, i : i + 3001].astype("float32"), state)
        parts.append(to_numpy(part))
    streamed = np.concatenate([*parts, to_numpy(stream.flush(state))], axis=1)[0]
    np.testing.assert_allclose(streamed, y, atol=1e-4)
    batch = np.stack([Y, np.where(np.arange(len(Y)) < 9000, Y, 1.0)]).astype("float32")
    of_lengths = to_numpy(frontend(batch, lengths=np.array([len(Y), 9000])))[1]
    alone = to_numpy(frontend(batch[1:, :9000]))[0]
    np.testing.assert_allclose(of_lengths[: len(alone)], alone, atol=1e-4)
    assert not of_lengths[len(alone) :].any()


def test_functions_of_kaldi_are_not_the_transforms() -> None:
    kaldi = kapre.frontends.preset("kaldi_fbank").recipe
    assert kapre.Recipe.from_torchaudio("fbank", num_mel_bins=80, energy_floor=0.0) == kaldi.replace(input_scale=1.0)
    assert kapre.Recipe.from_torchaudio("mfcc").n_mfcc == 13
    assert kapre.Recipe.from_torchaudio("MFCC").n_mfcc == 40
    source = from_call("kaldi.fbank(wave, dither=1.0, min_duration=0.5)").source
    assert source.reader == "torchaudio (kaldi.fbank)"
    assert "dither" in source.notes[-1] + source.notes[0]
    assert "no frame of a clip shorter than min_duration" in " ".join(source.notes)


def test_arguments_are_those_of_the_code() -> None:
    code = "librosa.feature.melspectrogram(sr=16000, n_fft=512, n_mels=40)"
    assert kapre.Recipe.from_librosa(sr=16000, n_fft=512, n_mels=40) == kapre.Recipe.from_librosa(code)
    code = "torchaudio.transforms.MFCC(n_mfcc=13, melkwargs=dict_)".replace("dict_", "{'n_mels': 40}")
    given = kapre.Recipe.from_torchaudio("MFCC", n_mfcc=13, melkwargs={"n_mels": 40})
    assert given == kapre.Recipe.from_torchaudio(code)
    assert kapre.Recipe.from_librosa() == kapre.frontends.preset("librosa_mel").recipe
    assert kapre.Recipe.from_librosa("feature.mfcc") == kapre.frontends.preset("librosa_mfcc").recipe.replace(
        lifter=0.0
    )
    assert kapre.Recipe.from_torchaudio() == kapre.frontends.preset("torchaudio_mel").recipe


MEL = "librosa.feature.melspectrogram(y=y, sr=16000, n_fft=512)"
_OF_SR = MEL.replace("16000", "sr")
PASTED = {
    "prompt": f">>> import librosa\n>>> S = {MEL}\n>>> S.shape",
    "prompt and output": f">>> {MEL}\narray([[1.0]])",
    "prompt of IPython": f"In [1]: {MEL}\nOut[1]: array([[1.0]])",
    "function in IPython": f"In [12]: def f(y):\n    ...:     return {MEL}",
    "fence": f"```python\n{MEL}\n```",
    "notebook": f"%matplotlib inline\n!pip install librosa\n{MEL}",
    "indented": f"    sr = 16000\n    {_OF_SR}",
    "loaded at a rate": f"y, sr = librosa.load('x.wav', sr=16000)\n{_OF_SR}",
    "loaded by an old librosa": f"import librosa as lr\ny, sr = lr.load('x.wav', 16000)\n{_OF_SR}",
    "made up": f"import numpy as np\ny = np.random.randn(16000).astype('float32')\n{MEL}",
    "shown": f"y, rate = librosa.load('x.wav')\ny = y[:16000]\nmel = {MEL}\nprint(mel.shape)\nplt.imshow(mel)",
    "not read and not used": f"from pathlib import Path\np = Path('x.wav')\ndevice = get_device()\n{MEL}",
    "function": f"def f(y: np.ndarray, sr: int = 16000) -> np.ndarray:\n    return {_OF_SR}",
    "decorator": f"@torch.no_grad()\ndef f(y):\n    return {MEL}",
    "function beside its numbers": f"sr = 16000\ndef f(y, sr):\n    return {_OF_SR}",
    "function that is called": f"def f(y, sr):\n    return {_OF_SR}\nf(audio, sr=16000)",
    "dict": "c = {'sr': 16000, 'n': 512}\nlibrosa.feature.melspectrogram(y=y, sr=c['sr'], n_fft=c['n'])",
    "tuple": "a = [16000, 512]\nsr, n = a\nlibrosa.feature.melspectrogram(y=y, sr=sr, n_fft=n)",
    "alias": "from librosa.feature import melspectrogram as m\nsr: int = 16000\nm(y=y, sr=sr, n_fft=min(512, 600))",
    "module": "from librosa import feature\nfeature.melspectrogram(y=y[0], sr=int(1.6e4), n_fft=+512)",
}
"""What people paste, which is one call."""


@pytest.mark.parametrize("name", PASTED)
def test_what_people_paste_is_the_call_in_it(name: str) -> None:
    assert from_call(PASTED[name]).recipe == from_call(MEL).recipe


NOT_THE_CALL = [
    ("mel = {}\nmel = clean(mel)\nmel", "`clean` of features is not read"),
    ("mel = {}\nmel = clean(3, [mel])", "`clean` is not read"),
    ("y = denoise(y)\n{}", "`y` is what is not read: `denoise` is not read"),
    ("y = librosa.effects.preemphasis(y)\n{}", "`librosa.effects.preemphasis` is not read"),
    ("{}[0]", "a part of features is not read"),
    ("{}[:, ::2]", "a part of features is not read"),
    ("{}.astype(np.float16)", "`.astype` of features is not read"),
    ("{}.astype(int)", "`.astype` of features is not read"),
    ("{}.half()", "`.half` of features is not read"),
    ("{}.to(torch.bfloat16)", "`.to` of features is not read"),
    ("{}.to(dtype)", "`.to` of features is not read"),
    ("{}.reshape(-1)", "`.reshape` of features is not read"),
    ("{}.power(3)", "Pow of features and 3 is not read"),
    ("{}.transpose(0, 2)", "`.transpose` of features is not read"),
    ("librosa.feature.melspectrogram(y=y[::2], sr=16000)", "a part of y is not read"),
    ("librosa.feature.melspectrogram(y=y, sr=16000, n_fft=hparams.n_fft)", "the code gives `hparams.n_fft` no value"),
    (
        "librosa.feature.melspectrogram(y=y, sr=sr, n_fft=int(0.02 * sr))",
        "`int` takes `sr`, and the code gives `sr` no",
    ),
    ("y, sr = librosa.load(f, sr=None)\nlibrosa.feature.melspectrogram(y=y, sr=sr)", "the code gives `sr` no value"),
    ("w, sr = torchaudio.load(f)\nT.MelSpectrogram(sr)(w)", "the call has sample_rate=sr, and the code gives `sr` no"),
    ("librosa.feature.melspectrogram(y=y, **kwargs)", "`**kwargs` is not given. Add a line such as kwargs = dict("),
    ("T.MFCC(16000, melkwargs={{'n_mels': n}})", "the code gives `n` no value. Add a line such as n = "),
    ("mel = {}\nfor m in mel:\n    print(m)", "line 2, `for m in mel:     print(m)`: "),
    ("@normalized\ndef f(y):\n    return {}", "the decorator `normalized` is not read"),
    ("class A:\n    pass", "is not read. Read are imports, assignments"),
    ("def f(x):\n    return f(x)", "`f` calls itself"),
    ("def f(x):\n    y = x", "does not end with `return`"),
    ("def f(x):\n    return g(x)\nf(1, 2)", "with arguments that it does not have"),
    ("f = lambda: f() + f()\nf()", "calls itself, or is called too often"),
    ("{}\nmel = T.MelSpectrogram(16000, n_fft=512, planted=1)", "line 2, `mel = T.MelSpectrogram(16000, n_fft=512"),
]


@pytest.mark.parametrize(("code", "text"), NOT_THE_CALL)
def test_what_changes_numbers_is_never_stepped_over(code: str, text: str) -> None:
    with pytest.raises(SourceError) as error:
        from_call(code.format(MEL))
    assert text in str(error.value)
    assert "\n" not in str(error.value)


def test_pasted_code_is_never_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for code in ("open('hacked', 'w')", "import os\nos.system('touch hacked')", "print(open('hacked', 'w'))"):
        for before, after in (("", f"\n{MEL}"), (f"{MEL}\n", ""), ("def f(x=1):\n    return 1\nz = f() + 1\n", "")):
            with contextlib.suppress(SourceError):
                from_call(f"{before}{code}{after}")
    assert not list(tmp_path.iterdir())


REFUSED = [
    ("librosa.feature.melspectrogram(sr=16000, n_fft=512, stride=3)", "no field stride=3"),
    ("librosa.feature.melspectrogram(sr=sr)", "the call has sr=sr, and the code gives `sr` no value. Add a line such"),
    ("librosa.feature.melspectrogram(sr=16000, power=3)", "`power` must be 1.0 or 2.0"),
    ("librosa.feature.mfcc(sr=16000, dct_type=3)", "`dct_type` must be 2"),
    ("librosa.feature.chroma_stft(y=y, norm=None)", "librosa estimates it from each clip; give tuning=0.0"),
    ("librosa.feature.tonnetz(y=y)", "`librosa.feature.tonnetz` is not read"),
    ("torch.stft(x, 512)", "`torch.stft` is not read"),
    ("T.MelSpectrogram(16000, power=None)", "`power` must be 1.0 or 2.0"),
    ("T.MelSpectrogram(16000, pad=10)", "`pad` must be 0"),
    ("T.MelSpectrogram(n_ffts=512)", "no field n_ffts=512"),
    ("T.MFCC(melkwargs={'n_mel': 40})", "no field n_mel=40"),
    ("np.log(librosa.feature.melspectrogram(y=y))", "without one positive floor"),
    ("librosa.feature.melspectrogram(y=y) / 2", "is not read"),
    ("librosa.feature.melspectrogram(y=y) + 1", "changes the features without a logarithm"),
    ("np.log(librosa.stft(y) + 1)", "Add of features and 1 is not read"),
    ("__import__('os').system('true')", "is not read"),
    ("open('x')", "is not read"),
    ("[x for x in y]", "is not read"),
    ("9 ** 9 ** 9", "is not read"),
    ("librosa.feature.melspectrogram(", "is not Python"),
    ("f(**g)", "`**g` is not given. Add a line such as g = dict("),
    ("16000", "computes no features"),
    ("m = librosa.feature.melspectrogram(y=y, power=1.0)\nnp.log(m ** 2 + 1e-6)", "Pow of features and 2 is not read"),
    ("np.log(np.abs(librosa.stft(y)) + 1e-6) ** 2", "Pow of features and 2 is not read"),
    ("np.log((2 * np.abs(librosa.stft(y))) ** 2 + 1e-2)", "Pow of features and 2 is not read"),
    ("np.abs(librosa.feature.mfcc(y=y))", "`np.abs` of features is not read"),
    ("np.abs(librosa.power_to_db(librosa.feature.melspectrogram(y=y)))", "`np.abs` of features is not read"),
    ("np.log(np.abs(librosa.stft(y) + 1.0))", "is not read"),
    ("from python_speech_features import mfcc\nmfcc(y)", "`python_speech_features.mfcc` is not read"),
    ("mfcc(y)", "`mfcc` is not read"),
    ("T.MFCC()(T.MelSpectrogram()(x))", "is called with features"),
    ("librosa.feature.melspectrogram(y=librosa.feature.mfcc(y=y))", "is called with features"),
    ("librosa.feature.melspectrogram(y=y, sr=16000, sr=8000)", "has an argument twice"),
    ("a = 9 ** 64\nb = a ** 64\nlibrosa.stft(y, n_fft=b)", "too large a number"),
    ("librosa.feature.melspectrogram(sr=int(1e999))", "OverflowError"),
    ("librosa.feature.melspectrogram(y=y, n_fft=20_000_000_000_000)", "`n_fft` must be at most 1048576"),
    ("x" * 20_000, "20000 characters long"),
    ("kaldi.fbank(x, planted_gain=2.0)", "torchaudio (kaldi.fbank) has no field planted_gain=2.0"),
    ("kaldi.mfcc(x, planted_gain=2.0)", "torchaudio (kaldi.mfcc) has no field planted_gain=2.0"),
    ("kaldi.spectrogram(x, num_mel_bins=80)", "torchaudio (kaldi.spectrogram) has no field num_mel_bins=80"),
    ("kaldi.fbank(x, vtln_warp=1.1)", "`vtln_warp` must be 1"),
    ("kaldi.fbank(x, window_type='sine')", "`window_type` must be 'povey'"),
    ("kaldi.fbank(x, window_type='blackman', blackman_coeff=0.3)", "`blackman_coeff` must be 0.42"),
    ("kaldi.fbank(x, use_energy=True, raw_energy=False)", "`raw_energy` must be True"),
    ("kaldi.spectrogram(x, raw_energy=False)", "`raw_energy` must be True"),
    ("kaldi.mfcc(x, htk_compat=True)", "`htk_compat` must be false for MFCC"),
    ("kaldi.mfcc(x, num_ceps=30)", "`num_ceps` must be at most the 23 bands"),
    ("kaldi.fbank(x, high_freq=9000.0)", "`high_freq` must be above low_freq=20 and at most 8000 Hz"),
    ("kaldi.fbank(x, frame_shift=0.01)", "`frame_shift` must be at least one sample long"),
    ("kaldi.fbank(x, sample_frequency=11025, round_to_power_of_two=False)", "`frame_length` must be an even number"),
    ("kaldi.fbank(x, 0.42)", "is given 2 arguments by position"),
    ("kaldi.fbank(x, use_log_fbank=False, use_energy=True).log()", "without one positive floor"),
    ("torch.log(kaldi.fbank(x, use_log_fbank=False, use_energy=True) + 1e-6)", "of features with an energy"),
    ("torch.log(kaldi.fbank(x, use_log_fbank=False, subtract_mean=True) + 1e-6)", "or without their mean"),
    ("kaldi.fbank(x * 0)", "`input_scale` must be"),
    ("kaldi.fbank(x / 0)", "ZeroDivisionError"),
    ("kaldi.fbank(x * (1 << 10 ** 9))", "is not read"),
    ("kaldi.fbank(x, sample_frequency=sr * 2)", "the call has sample_frequency=sr, and the code gives `sr` no"),
    ("kaldi.fbank(x + 1)", "Add of x and 1 is not read"),
    ("fbank(x)", "`fbank` is not read"),
    ("librosa.power_to_db(librosa.feature.melspectrogram(y=y), 1.0, 1e-6, 60)", "is given 4 arguments by position"),
    ("librosa.amplitude_to_db(np.abs(librosa.stft(y)), 1.0)", "is given 2 arguments by position. Name them."),
    ("m = librosa.feature.melspectrogram(y=y)\nlibrosa.power_to_db(m, S=m)", "is given `S` by position and by name"),
    ("librosa.feature.melspectrogram(y, y=y)", "is given `y` by position and by name"),
    ("T.AmplitudeToDB('power', 80, 1)(T.Spectrogram()(x))", "is given 3 arguments by position"),
    ("T.AmplitudeToDB()(T.Spectrogram()(x), 60)", "not called with features alone"),
    ("T.AmplitudeToDB()(T.Spectrogram()(x), top_db=60)", "not called with features alone"),
    ("T.MelSpectrogram(16000)(waveform, 3)", "a transform of sound is called with 2 arguments"),
    ("T.MelSpectrogram(16000)(waveform, n_fft=512)", "a transform of sound is called with 2 arguments"),
    ("torch.nn.Sequential(T.MelSpectrogram(), inplace=True)(x)", "torch.nn.Sequential is given inplace by name"),
    ("np.abs(librosa.stft(y), where=mask)", "`np.abs` of features is not read"),
    ("np.log(np.clip(librosa.feature.melspectrogram(y=y), 1e-5, top))", "`np.clip` of features is not read"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "text"), REFUSED)
def test_anything_else_is_refused_in_one_line(code: str, text: str) -> None:
    with pytest.raises(SourceError) as error:
        from_call(code)
    assert text in str(error.value)
    assert "\n" not in str(error.value)


def test_wrong_use() -> None:
    with pytest.raises(SourceError, match="`function` must be one of feature"):
        kapre.Recipe.from_librosa("cqt")
    with pytest.raises(TypeError, match="`arguments` must be left out with code"):
        kapre.Recipe.from_librosa("librosa.stft(y)", n_fft=512)


def test_command(capfd: pytest.CaptureFixture) -> None:
    code = "librosa.feature.melspectrogram(y=y, sr=16000, n_fft=512)"
    assert run("presets", "--from-call", code) == 0
    printed = capfd.readouterr()
    assert kapre.Recipe.from_json(printed.out) == from_call(code).recipe
    assert "nearest preset" in printed.err
    assert run("presets", "--from-call", "librosa.feature.rms(y=y)") == 2
    assert "`librosa.feature.rms` is not read" in capfd.readouterr().err
    assert run("presets", "whisper", "--from-call", code) == 2
