"""The transform against librosa, SciPy and TensorFlow; its inverse; magnitude and phase."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
import scipy.signal
import tensorflow as tf

from kapre import STFT, InverseSTFT, Magnitude, Phase, get_perfectly_reconstructing_stft_istft
from kapre.ops import windows
from tests.conftest import BACKEND, chirp, float64, gradient, relative_error, to_numpy

FIRST = dict(input_data_format="channels_first", output_data_format="channels_first")


def waveforms(time: int = 5000) -> np.ndarray:
    """Return `(2, 1, time)` in float64."""
    return np.moveaxis(chirp(2, time), -1, 1)


def run(layer: STFT, x: np.ndarray, dtype: str) -> np.ndarray:
    """Return `(batch, freq, frame)`, as librosa has it."""
    return np.swapaxes(to_numpy(layer(x.astype(dtype)))[:, 0], 1, 2)


LIBROSA_CASES = [
    dict(n_fft=512, hop_length=128),
    dict(n_fft=511, hop_length=160),
    dict(n_fft=400, hop_length=161, window_name="hamming_window"),
    dict(n_fft=1023, hop_length=256, window_name="vorbis_window"),
    dict(n_fft=256, hop_length=300, window_name="kaiser_window"),
]


@pytest.mark.parametrize("center", [False, True])
@pytest.mark.parametrize("case", LIBROSA_CASES)
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 2e-6), ("float64", 1e-12)])
def test_equal_to_librosa(case: dict, center: bool, dtype: str, tolerance: float) -> None:
    x = waveforms()
    window = windows.window(case.get("window_name"), case["n_fft"])
    reference = librosa.stft(
        x[:, 0], n_fft=case["n_fft"], hop_length=case["hop_length"], window=window, center=center, dtype=np.complex128
    )
    with float64():
        got = run(STFT(**case, center=center, **FIRST, dtype=dtype), x, dtype)
    assert got.dtype == ("complex64" if dtype == "float32" else "complex128")
    assert relative_error(got, reference) <= tolerance


@pytest.mark.parametrize("pad_mode", ["constant", "reflect", "symmetric", "edge"])
@pytest.mark.parametrize("time", [2, 100, 5000])
def test_short_window_centred_as_librosa(pad_mode: str, time: int) -> None:
    x = waveforms(time)
    settings = dict(n_fft=512, win_length=400, hop_length=160, center=True, pad_mode=pad_mode)
    padded = np.pad(x[:, 0], [(0, 0), (256, 256)], mode=pad_mode)
    window = windows.window(None, 400)
    reference = librosa.stft(
        padded, n_fft=512, win_length=400, hop_length=160, window=window, center=False, dtype=np.complex128
    )
    assert relative_error(run(STFT(**settings, **FIRST), x, "float32"), reference) <= 2e-6


def test_equal_to_scipy() -> None:
    x = waveforms()
    window = windows.window(None, 512)
    transform = scipy.signal.ShortTimeFFT(window, hop=128, fs=1.0, phase_shift=None)
    slices = 1 + (5000 - 512) // 128
    reference = transform.stft(x[:, 0], p0=2, p1=2 + slices)  # SciPy's slice p is centred on sample p * hop
    with float64():
        got = run(STFT(n_fft=512, hop_length=128, **FIRST, dtype="float64"), x, "float64")
    assert relative_error(got, reference) <= 1e-12


@pytest.mark.parametrize("pad_begin", [False, True])
@pytest.mark.parametrize("pad_end", [False, True])
@pytest.mark.parametrize(("n_fft", "win_length", "hop_length"), [(512, 512, 128), (512, 400, 160), (400, 512, 160)])
@pytest.mark.filterwarnings("ignore:win_length=512 is longer")
def test_padding_and_short_windows_as_tensorflow(
    n_fft: int, win_length: int, hop_length: int, pad_begin: bool, pad_end: bool
) -> None:
    x = waveforms()[:, 0].astype("float32")
    padded = np.pad(x, [(0, 0), (n_fft - hop_length, 0)]) if pad_begin else x
    reference = tf.signal.stft(padded, win_length, hop_length, max(n_fft, win_length), pad_end=pad_end).numpy()
    if win_length > n_fft:  # cropped: the DFT of the frame's first n_fft samples
        framed = tf.signal.frame(padded, win_length, hop_length, pad_end=pad_end).numpy()
        reference = np.fft.rfft((framed * windows.window(None, win_length))[..., :n_fft])
    layer = STFT(n_fft, win_length, hop_length, pad_begin=pad_begin, pad_end=pad_end, **FIRST)
    assert relative_error(run(layer, x[:, None], "float32"), np.swapaxes(reference, 1, 2)) <= 2e-6


def test_cropping_is_warned_of() -> None:
    with pytest.warns(UserWarning, match="win_length=512 is longer than n_fft=400"):
        STFT(n_fft=400, win_length=512)


@pytest.mark.parametrize(  # not the short window uncentred: librosa centres it in the frame all the same
    ("center", "n_fft", "win_length", "hop_length"),
    [
        (False, 512, 512, 128),
        (False, 511, 511, 100),
        (True, 512, 512, 128),
        (True, 511, 511, 100),
        (True, 512, 400, 100),
    ],
)
@pytest.mark.parametrize("window_name", ["hann_window", "hamming_window"])
def test_true_edges_invert_as_librosa(
    center: bool, n_fft: int, win_length: int, hop_length: int, window_name: str
) -> None:
    x = waveforms(4000)
    settings = dict(n_fft=n_fft, win_length=win_length, hop_length=hop_length, center=center)
    with float64():
        spectrogram = STFT(**settings, window_name=window_name, **FIRST, dtype="float64")(x)
        inverse = InverseSTFT(**settings, forward_window_name=window_name, exact_edges=True, **FIRST, dtype="float64")
        got = to_numpy(inverse(spectrogram))[:, 0]
        reference = librosa.istft(
            np.swapaxes(to_numpy(spectrogram)[:, 0], 1, 2),
            n_fft=n_fft,
            win_length=win_length,
            hop_length=hop_length,
            window=windows.window(window_name, win_length),
            center=center,
        )
    length = min(got.shape[1], reference.shape[1])
    assert abs(got.shape[1] - reference.shape[1]) <= n_fft % 2  # librosa cuts n_fft // 2 at an odd n_fft's end too
    assert relative_error(got[:, :length], reference[:, :length]) <= 1e-10


@pytest.mark.parametrize("time", [1, 130, 4001])
@pytest.mark.parametrize(
    ("hop_length", "window_name"), [(64, None), (128, "vorbis_window"), (200, None), (200, "hamming_window")]
)
def test_centred_signal_comes_back_everywhere(time: int, hop_length: int, window_name: str | None) -> None:
    x = np.moveaxis(chirp(2, time), -1, 1).astype("float32")
    spectrogram = STFT(512, None, hop_length, window_name, center=True, **FIRST)(x)
    inverse = InverseSTFT(512, None, hop_length, window_name, center=True, exact_edges=True, length=time, **FIRST)
    assert relative_error(inverse(spectrogram), x) <= 1e-6


def test_uncentred_hamming_comes_back_everywhere() -> None:
    """In float64: at the ends hamming's 0.08 magnifies the spectrogram's own rounding, in float32 to 2e-6."""
    x = waveforms(512 + 30 * 128)
    with float64():
        spectrogram = STFT(512, None, 128, "hamming_window", **FIRST, dtype="float64")(x)
        got = InverseSTFT(512, None, 128, "hamming_window", exact_edges=True, **FIRST, dtype="float64")(spectrogram)
    assert relative_error(got, x) <= 1e-12


@pytest.mark.parametrize(
    ("n_fft", "win_length", "hop_length", "window_name"),
    [
        (512, None, 128, None),
        (512, 400, 100, "hamming_window"),
        (512, None, 200, "vorbis_window"),
        (512, 400, 100, "kaiser_bessel_derived_window"),
        (512, None, 200, None),
    ],
)
@pytest.mark.parametrize("time", [1, 511, 4000])
def test_perfect_pair(n_fft: int, win_length: int | None, hop_length: int, window_name: str | None, time: int) -> None:
    x = chirp(2, time).astype("float32")
    forward, inverse = get_perfectly_reconstructing_stft_istft(
        n_fft=n_fft, win_length=win_length, hop_length=hop_length, forward_window_name=window_name
    )
    got = to_numpy(inverse(forward(x)))
    late = n_fft - hop_length
    assert got.shape[1] >= late + time
    assert relative_error(got[:, late : late + time], x) <= 1e-6


@pytest.mark.parametrize("window_name", ["hann_window", "hamming_window", "vorbis_window", "kaiser_window"])
@pytest.mark.parametrize(("n_fft", "win_length", "hop_length"), [(512, 512, 128), (512, 400, 100), (512, 512, 200)])
def test_tapered_edges_are_the_published_ones(window_name: str, n_fft: int, win_length: int, hop_length: int) -> None:
    """Published: each end is weighed by the part of the periodic window sum that is there."""
    x = np.ones((1, 1, win_length + 7 * hop_length), "float32")
    spectrogram = STFT(n_fft, win_length, hop_length, window_name, **FIRST)(x)
    got = to_numpy(InverseSTFT(n_fft, win_length, hop_length, window_name, **FIRST)(spectrogram))[0, 0]
    forward = getattr(tf.signal, window_name)
    synthesis = tf.signal.inverse_stft_window_fn(hop_length, forward_window_fn=forward)
    pair = to_numpy(spectrogram)[0, 0]
    reference = tf.signal.inverse_stft(pair, win_length, hop_length, n_fft, window_fn=synthesis).numpy()
    np.testing.assert_allclose(got, reference, atol=2e-6)
    inner = win_length - hop_length
    np.testing.assert_allclose(got[inner:-inner], 1.0, atol=2e-6)
    assert not np.allclose(got, 1.0, atol=0.1)  # tapered it is


@pytest.mark.parametrize("length", [0, 1, 1000, 5000])
def test_length_cuts_and_pads(length: int) -> None:
    x = waveforms(3000).astype("float32")
    spectrogram = STFT(512, None, 128, center=True, **FIRST)(x)
    whole = to_numpy(InverseSTFT(512, None, 128, center=True, exact_edges=True, length=3000, **FIRST)(spectrogram))
    got = to_numpy(InverseSTFT(512, None, 128, center=True, exact_edges=True, length=length, **FIRST)(spectrogram))
    assert got.shape == (2, 1, length)
    shared = min(length, 3000)
    np.testing.assert_allclose(got[..., :shared], whole[..., :shared], atol=1e-6)


@pytest.mark.parametrize(("hop_length", "window_name"), [(512, None), (511, None), (512, "vorbis_window"), (600, None)])
def test_overlap_that_cannot_be_inverted(hop_length: int, window_name: str | None) -> None:
    with pytest.raises(RuntimeError, match=rf"`hop_length` must be short enough.*received hop_length={hop_length}"):
        get_perfectly_reconstructing_stft_istft(n_fft=512, hop_length=hop_length, forward_window_name=window_name)


def test_perfect_pair_refuses_a_positional_n_fft() -> None:
    with pytest.raises(TypeError, match="`stft_input_shape` must be a tuple or None; received stft_input_shape=1024"):
        get_perfectly_reconstructing_stft_istft(1024, 256)


@pytest.mark.parametrize(
    ("arguments", "kind", "text"),
    [
        (dict(n_fft=0), ValueError, "`n_fft` must be a positive integer; received n_fft=0"),
        (dict(n_fft=512, hop_length=0), ValueError, "`hop_length`.*received hop_length=0. Use 128 for 75 % overlap"),
        (dict(n_fft=512, win_length=-1), ValueError, "`win_length`.*Use None for n_fft=512"),
        (dict(n_fft=512.5), TypeError, "`n_fft`"),
        (dict(n_fft=True), TypeError, "`n_fft`"),
        (dict(window_name="blackman"), NotImplementedError, "`window_name`.*hann_window"),
        (dict(n_fft=511, window_name="kaiser_bessel_derived_window"), ValueError, "even"),
        (dict(center=True, pad_end=True), ValueError, "`pad_end` must be False with center=True"),
        (dict(center=True, pad_begin=True), ValueError, "`pad_begin` must be False with center=True"),
        (dict(center=True, pad_mode="wrap"), ValueError, "`pad_mode` must be one of 'constant', 'reflect'"),
        (dict(n_fft=256, win_length=512, center=True), ValueError, "`win_length` must be at most n_fft=256"),
        (dict(n_fft=256, hop_length=512, pad_begin=True), ValueError, "`hop_length` must be at most n_fft=256"),
        (dict(input_data_format="last"), ValueError, "`input_data_format`"),
    ],
)
def test_bad_arguments(arguments: dict, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        STFT(**arguments)


def test_wrong_rank_names_the_remedy() -> None:
    with pytest.raises(ValueError, match=r"\(batch, time, channel\).*received shape \(2, 5000\).*x\[\.\.\., None\]"):
        STFT(512)(np.zeros((2, 5000), "float32"))


def test_unknown_rank_is_refused() -> None:
    if BACKEND == "tensorflow":
        fn = tf.function(STFT(512).call, input_signature=[tf.TensorSpec(None, tf.float32)])
        with pytest.raises(ValueError, match=r"\(batch, time, channel\).*of unknown rank"):
            fn(tf.zeros((1, 5000, 1)))
    with pytest.raises(ValueError, match="of unknown rank"):
        STFT(512).compute_output_shape(None)


@pytest.mark.parametrize("dtype", ["int16", "int32", "uint8"])
def test_integer_samples_name_the_remedy(dtype: str) -> None:
    with pytest.raises(TypeError, match=r"received dtype u?int.*x / 32768.*kapre\.pcm_to_float"):
        STFT(512)(np.zeros((1, 5000, 1), dtype))


def test_complex_and_real_are_not_confused() -> None:
    with pytest.raises(TypeError, match=r"must be real; received dtype complex64.*kapre\.Magnitude"):
        STFT(512)(np.zeros((1, 5000, 1), "complex64"))
    for layer in (InverseSTFT(512), Phase()):
        with pytest.raises(TypeError, match=r"must be complex; received dtype float32.*kapre\.STFT"):
            layer(np.zeros((1, 4, 257, 1), "float32"))


def test_inverse_refuses_another_n_fft() -> None:
    with pytest.raises(ValueError, match="must have 257 frequency bins for n_fft=512; received 129"):
        InverseSTFT(512)(np.zeros((1, 4, 129, 1), "complex64"))


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_magnitude_power_and_phase(dtype: str) -> None:
    rng = np.random.default_rng(0)
    z = (rng.standard_normal((2, 50, 9, 1)) + 1j * rng.standard_normal((2, 50, 9, 1))).astype(dtype)
    policy, tolerance = ("float32", 1e-6) if dtype == "complex64" else ("float64", 1e-15)
    with float64():
        assert relative_error(Magnitude(dtype=policy)(z), np.abs(z)) <= tolerance
        assert relative_error(Magnitude(power=2.0, dtype=policy)(z), np.abs(z) ** 2) <= tolerance
        assert relative_error(Phase(dtype=policy)(z), np.angle(z)) <= tolerance


def test_magnitude_of_real_values() -> None:
    x = np.array([[-3.0, 2.0]], "float32")
    assert to_numpy(Magnitude()(x)).tolist() == [[3.0, 2.0]]
    assert to_numpy(Magnitude(power=2.0)(x)).tolist() == [[9.0, 4.0]]


@pytest.mark.parametrize("levels", [1, 2, 3, 4, 5, 8, 1000])
def test_approximate_phase_keeps_its_stated_accuracy(levels: int) -> None:
    angles = np.linspace(-np.pi, np.pi, 20001)[1:]
    z = np.exp(1j * angles).reshape(1, 1, -1, 1)
    bound = 0.05 * 0.04 ** (levels - 1)
    with float64():
        exact = to_numpy(Phase(approx_atan_accuracy=levels, dtype="float64")(z)).ravel()
    np.testing.assert_allclose(exact, angles, atol=bound + 1e-14)
    single = to_numpy(Phase(approx_atan_accuracy=levels)(z.astype("complex64"))).ravel()
    np.testing.assert_allclose(single, angles, atol=bound + 1e-6)
    if levels <= 3:  # the bound is not idle
        assert np.abs(exact - angles).max() > bound / 4


@pytest.mark.parametrize("levels", [None, 5])
def test_phase_on_the_axes(levels: int | None) -> None:
    z = np.array([[1, 1j, -1, -1j, 0]], "complex64")
    expected = [[0, np.pi / 2, np.pi, -np.pi / 2, 0]]
    np.testing.assert_allclose(to_numpy(Phase(levels)(z)), expected, atol=1e-6)


@pytest.mark.parametrize("scale", [0.0, 1e-30, 1e-20, 1.0])
def test_gradients_at_and_near_silence_are_finite(scale: float) -> None:
    x = (chirp(1, 1024) * scale).astype("float32")
    for last in (Magnitude(), Magnitude(power=2.0), Phase(), Phase(approx_atan_accuracy=5)):
        result = gradient(lambda v, last=last: last(STFT(512)(v)), x)
        assert np.isfinite(result).all()
        if scale == 1.0:
            assert np.abs(result).max() > 0.0


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda: Magnitude(power=3.0), ValueError),
        (lambda: Phase(approx_atan_accuracy=-1), ValueError),
        (lambda: Phase(approx_atan_accuracy=1.5), TypeError),
        (lambda: InverseSTFT(512, length=-1), ValueError),
        (lambda: InverseSTFT(512, hop_length=0), ValueError),
    ],
)
def test_bad_arguments_of_the_others(make: object, kind: type[Exception]) -> None:
    with pytest.raises(kind, match=r"`(power|approx_atan_accuracy|length|hop_length)` must be"):
        make()  # type: ignore[operator]
