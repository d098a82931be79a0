"""Functions of waveforms and spectrograms: resampling, filters, speed and pitch.

Every function works on the last axes, `(..., time)` or `(..., frame, bin)`, in float32, or in float64 for float64
input. It takes NumPy arrays and tensors of the active Keras backend, eager or traced, and returns tensors of that
backend. Every size except that of a filter may be unknown when traced.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import keras
import numpy as np
from keras import ops

from kapre._checks import checked_seed, choice, message, number, positive_int
from kapre._hints import names_arguments
from kapre._layer import check_real, is_complex, work_dtype
from kapre.ops import convolution, frames, iir, vocoder, waves
from kapre.ops import griffin_lim as phases
from kapre.ops import resample as resampling
from kapre.ops.convolution import Mode
from kapre.ops.fourier import Pair
from kapre.ops.iir import Kind
from kapre.ops.kernels import active as kernel
from kapre.ops.kernels import tf_data
from kapre.ops.resample import Method
from kapre.recipe import stft_recipe

__all__ = [
    "biquad",
    "deemphasis",
    "fft_convolve",
    "griffin_lim",
    "iir_filter",
    "phase_vocoder",
    "pitch_shift",
    "preemphasis",
    "resample",
    "speed",
    "time_stretch",
]


def _tensor(x: Any) -> Any:
    if tf_data.is_foreign(x):
        tf_data.refuse("kapre.functional")
    return x if ops.is_tensor(x) else ops.convert_to_tensor(x)


def _samples(x: Any) -> tuple[Any, str]:
    """Return `x` in the working dtype, and its own dtype, which is that of the result."""
    x = _tensor(x)
    check_real(x.dtype)
    if not len(x.shape):
        raise ValueError(message("x", "of shape (..., time)", tuple(x.shape), "Give it an axis of time: x[None]."))
    dtype = keras.backend.standardize_dtype(x.dtype)
    return ops.cast(x, work_dtype(dtype)), dtype


@names_arguments
def resample(
    x: Any,
    input_rate: int,
    output_rate: int,
    lowpass_filter_width: int | None = None,
    rolloff: float | None = None,
    resampling_method: Method = "sinc_interp_hann",
    beta: float | None = None,
) -> Any:
    """Convert waveforms to another sample rate with a windowed sinc.

    Output sample p is `Σ_i x[i] k(i / input_rate - p / output_rate)`, with `k(t) = c sinc(c t) w(t)` and the cut-off
    `c = rolloff · min(input_rate, output_rate)`. The window w ends at zero crossing number `lowpass_filter_width` of
    the sinc. Before the first sample and after the last, the signal counts as silence.

    Args:
        x: Samples `(..., time)`, floating point.
        input_rate: int ≥ 1, Hz. The sample rate of `x`.
        output_rate: int ≥ 1, Hz. The sample rate of the result.
        lowpass_filter_width: int ≥ 1 or None (6). Number of zero crossings of the sinc on each side. More of them give
            a steeper filter, and take longer.
        rolloff: float in (0, 1] or None (0.99). The cut-off as a fraction of the lower Nyquist frequency. A lower value
            reduces aliasing and attenuates the highest frequencies.
        resampling_method: The window: "sinc_interp_hann" or "sinc_interp_kaiser". Or "kaiser_best" (64 zero crossings)
            or "kaiser_fast" (16 zero crossings), which set the other three arguments.
        beta: float ≥ 0 or None (14.77). Shape of the Kaiser window.

    Returns:
        A tensor `(..., ceil(time · output_rate / input_rate))` of the dtype of `x`. For equal rates it is `x`.

    Raises:
        ValueError: If an argument is out of range, or the kernel would have more than 2²³ taps, as it would between
            large rates without a common divisor. The message names the closest rate that works.
        TypeError: If a rate is not an integer, or the samples are integers.

    Notes:
        The result matches `torchaudio.functional.resample` with the same arguments to 2e-6 of the peak in float32
        (1e-13 in float64, 5e-8 with Kaiser windows). "kaiser_best" and "kaiser_fast" have the values that torchaudio
        gives for librosa's methods of these names. resampy with these values, and its own rule for the window, differs
        by up to 3e-3. Tones up to 5 kHz, resampled from 44.1 to 16 kHz, differ from the exact result by 5e-3 with the
        default, by 3e-5 with "kaiser_fast", and by 2e-8 with "kaiser_best", in float64.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.sin(2 * np.pi * 440 * np.arange(44100) / 44100)
        y = kapre.functional.resample(x.astype("float32"), 44100, 16000, resampling_method="kaiser_best")
        truth = np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
        assert y.shape == (16000,)
        assert np.abs(np.asarray(y) - truth)[200:-200].max() < 1e-5
        ```

    References:
        Smith, J. O. (2002). Digital Audio Resampling. Center for Computer Research in Music and Acoustics, Stanford.
    """
    sinc = resampling.check_sinc(lowpass_filter_width, rolloff, resampling_method, beta)
    old, new = resampling.check_rates(input_rate, output_rate, sinc)
    x, dtype = _samples(x)
    return ops.cast(resampling.resample(x, old, new, sinc), dtype)


@names_arguments
def speed(x: Any, factor: float) -> Any:
    """Play waveforms faster or slower, which also changes their pitch, as on tape.

    The samples are resampled from a rate of `factor` to a rate of 1. No sample rate is needed.

    Args:
        x: Samples `(..., time)`, floating point.
        factor: float from 0.01 to 100. 1.1 makes a clip a tenth faster and higher. The closest fraction of whole
            numbers up to 1000 is used.

    Returns:
        A tensor `(..., ceil(time / factor))` of the dtype of `x`.

    Raises:
        ValueError: If `factor` is out of range.
        TypeError: If `factor` is not a number, or the samples are integers.

    Notes:
        The result matches `torchaudio.functional.speed` to 1e-13 of the peak in float64, for factors that give a whole
        sample rate there.

    Example:
        ```python
        import numpy as np
        import kapre

        assert kapre.functional.speed(np.zeros(16000, "float32"), 0.9).shape == (17778,)
        ```

    References:
        Ko, T. et al. (2015). Audio Augmentation for Speech Recognition. Interspeech.
    """
    factor = _rate("factor", factor, "Use 0.9 or 1.1.")
    x, dtype = _samples(x)
    return ops.cast(resampling.resample(x, *resampling.speed_ratio(factor), resampling.Sinc()), dtype)


def _rate(name: str, value: Any, remedy: str) -> float:
    rule = "a number from 0.01 to 100"
    found = number(name, value, remedy, at_least=0.01, rule=rule)
    if found > 100.0:
        raise ValueError(message(name, rule, value, remedy))
    return found


@names_arguments
def fft_convolve(x: Any, kernel: Any, mode: Mode = "full") -> Any:
    """Convolve waveforms with an impulse response by FFT: `y[n] = Σ_k kernel[k] x[n - k]`.

    Args:
        x: Samples `(..., time)`, floating point.
        kernel: Impulse response `(..., taps)`, whose other axes broadcast to those of `x`. A NumPy array is transformed
            in float64. The number of taps must be known.
        mode: Which part to return: "full" (`time + taps - 1` samples), "same" (`time` samples from the middle), or
            "valid" (the `max(0, time - taps + 1)` samples to which every tap contributes).

    Returns:
        A tensor of the dtype of `x`.

    Raises:
        ValueError: If `mode` is unknown, or `kernel` is empty or of unknown length.
        TypeError: If the samples or the taps are integers or complex.

    Notes:
        The result matches `scipy.signal.convolve` of float64 to 1e-6 of the peak in float32, and to 1e-13 in float64.
        For a clip that is shorter than the kernel, "valid" returns no samples, whereas SciPy and torchaudio exchange
        the two. Clips of more than 2¹⁸ samples are convolved in blocks.

    Example:
        ```python
        import numpy as np
        import kapre

        y = kapre.functional.fft_convolve(np.array([1.0, 2.0, 3.0]), np.array([1.0, 0.5]))
        assert np.allclose(y, [1.0, 2.5, 4.0, 1.5])
        ```

    References:
        Stockham, T. G. (1966). High-speed convolution and correlation. AFIPS Spring Joint Computer Conference.
    """
    choice("mode", mode, get_args(Mode), "Use 'full' for the whole response.")
    x, dtype = _samples(x)
    taps = kernel if ops.is_tensor(kernel) else np.asarray(kernel)
    check_real(taps.dtype)
    if not len(taps.shape):
        raise ValueError(message("kernel", "of shape (..., taps)", taps, "Use x * kernel for a gain."))
    return ops.cast(convolution.fft_convolve(x, taps, mode), dtype)


@names_arguments
def biquad(kind: Kind, frequency: Any, sample_rate: float, q: Any = 0.707, gain_db: Any = 0.0) -> Any:
    """Design a second-order filter by the formulas of Bristow-Johnson's cookbook.

    Args:
        kind: "lowpass", "highpass", "bandpass" (0 dB at its peak), "bandstop", "allpass", "lowshelf", "highshelf" or
            "peaking".
        frequency: float in (0, sample_rate / 2), Hz, or an array or a tensor of such values. The cut-off, the centre,
            or the middle of the shelf's slope.
        sample_rate: float > 0, Hz.
        q: float > 0, or an array or a tensor. Quality factor: the centre divided by the bandwidth. A higher value makes
            a filter narrower, or gives it a peak at the cut-off. 0.707 gives the steepest filter without a peak.
        gain_db: float in dB, or an array or a tensor. The gain of a shelf or a peak. Other kinds ignore it.

    Returns:
        Coefficients `(..., 1, 6)`: b0, b1, b2, a0 = 1, a1, a2, after the axes that `frequency`, `q` and `gain_db`
        share. A float64 NumPy array if these are numbers or arrays, else a tensor. For a cascade, concatenate several
        along the second-to-last axis.

    Raises:
        ValueError: If `kind` is unknown, or a number is out of range. Tensors are not checked.
        TypeError: If `sample_rate` is not a number.

    Notes:
        Samples filtered with these coefficients match those of torchaudio's functions of this kind (`lowpass_biquad`,
        …) to 1e-12 of the peak in float64. torchaudio also clips the filtered samples to [−1, 1], which Kapre does not.
        As float32 tensors, the coefficients of a filter at a very low frequency have few accurate digits: the response
        at 20 Hz and 48 kHz is off by up to 5e-3, at 100 Hz and 16 kHz by 6e-5. Numbers and arrays have no such loss.

    Example:
        ```python
        import numpy as np
        import kapre

        sos = kapre.functional.biquad("highpass", 100.0, sample_rate=16000)
        y = kapre.functional.iir_filter(np.ones(16000, "float32"), sos)
        assert sos.shape == (1, 6)
        assert abs(y[-1]) < 1e-5  # nothing is left of a constant
        ```

    References:
        Bristow-Johnson, R. (2021). Cookbook formulae for audio equalizer biquad filter coefficients. W3C Group Note.
    """
    choice("kind", kind, get_args(Kind), "Use 'lowpass'.")
    rate = number("sample_rate", sample_rate, "Give it in Hz.", above=0.0, rule="a positive number of Hz")
    nyquist = f"above 0 and below half of sample_rate={rate:g}"
    given: dict[str, Any] = {"frequency": frequency, "q": q, "gain_db": gain_db}
    rules: dict[str, tuple[str, str, Callable[[Any], Any]]] = {
        "frequency": (nyquist, "Give it in Hz.", lambda f: (f > 0.0) & (f < 0.5 * rate)),
        "q": ("positive and finite", "Use 0.707.", lambda q: (q > 0.0) & np.isfinite(q)),
        "gain_db": ("finite", "Give it in dB.", np.isfinite),
    }
    dtype = next((value.dtype for value in given.values() if ops.is_tensor(value)), None)
    for name, (rule, remedy, holds) in rules.items():
        if not ops.is_tensor(given[name]):
            values = np.asarray(given[name], "float64")
            if not np.all(holds(values)):
                raise ValueError(message(name, rule, given[name], remedy))
            given[name] = values if dtype is None else ops.convert_to_tensor(values, dtype=dtype)
    return iir.coefficients(iir.design(kind, given["frequency"], rate, given["q"], given["gain_db"]))[..., None, :]


@names_arguments
def iir_filter(x: Any, sos: Any, decay: int | None = None) -> Any:
    """Filter waveforms with recursive second-order sections, one after another.

    A section computes `a0 y[n] = b0 x[n] + b1 x[n-1] + b2 x[n-2] - a1 y[n-1] - a2 y[n-2]`, starting from silence. The
    spectrum of the clip is multiplied by the response of the filter. This is more precise than the recursion in
    float32, and differentiable in all coefficients. Time and memory grow with the decay time of the filter, even for
    short clips: on a CPU, a narrow filter of low frequency takes far longer than `scipy.signal.sosfilt`. The output is
    not clipped.

    Args:
        x: Samples `(..., time)`, floating point.
        sos: Coefficients `(..., sections, 6)`: b0, b1, b2, a0, a1, a2, as from `biquad` or SciPy's designs with
            `output="sos"`. The leading axes broadcast to the axes of `x` before time: for a batch
            `(batch, channel, time)`, one filter for each item is `(batch, 1, sections, 6)`.
        decay: int ≥ 1, samples, or None. The number of samples after which the impulse response has decayed. A larger
            value takes more time. With a smaller one, the end of the response wraps around to the start. By default it
            is computed from the coefficients. It must be given if they are a tensor.

    Returns:
        A tensor of the shape and dtype of `x`.

    Raises:
        ValueError: If `sos` has the wrong shape, the filter is unstable, or `decay` is missing.
        TypeError: If the samples or the coefficients are integers.

    Notes:
        The result matches `scipy.signal.sosfilt` of float64 to 1e-6 of the peak of the input in float32, with cut-offs
        of 20 Hz or above, and to 1e-10 in float64.

    Example:
        ```python
        import numpy as np
        import kapre

        y = kapre.functional.iir_filter(np.array([1.0, 0.0, 0.0, 0.0]), [[1.0, 0.0, 0.0, 1.0, -0.5, 0.0]])
        assert np.allclose(y, [1.0, 0.5, 0.25, 0.125], atol=1e-6)
        ```
    """
    x, dtype = _samples(x)
    work = keras.backend.standardize_dtype(x.dtype)
    if ops.is_tensor(sos):
        check_real(sos.dtype)
        iir.check_shape(sos)
        if decay is None:
            rule = "given where sos is a tensor"
            raise ValueError(message("decay", rule, decay, "Use 16000, or -14 / log(r) for poles of radius r."))
        sos = ops.cast(sos, work)
    else:
        sos = iir.check_sos(sos)
    decay = iir.check_decay(sos, decay, work)
    return ops.cast(iir.apply(x, iir.sections(sos), decay), dtype)


@names_arguments
def preemphasis(x: Any, coefficient: float = 0.97) -> Any:
    """Raise high frequencies: `y[n] = x[n] - coefficient · x[n - 1]`. The first sample is kept.

    Args:
        x: Samples `(..., time)`, floating point.
        coefficient: float in (−1, 1). 0.97 is usual for speech at 16 kHz. A negative value lowers high frequencies.

    Returns:
        A tensor of the shape and dtype of `x`.

    Raises:
        ValueError: If `coefficient` is out of range.
        TypeError: If `coefficient` is not a number, or the samples are integers.

    Notes:
        The result is that of `torchaudio.functional.preemphasis`, to rounding.

    Example:
        ```python
        import numpy as np
        import kapre

        assert np.allclose(kapre.functional.preemphasis(np.array([1.0, 1.0, 1.0])), [1.0, 0.03, 0.03])
        ```
    """
    coefficient = _coefficient(coefficient)
    x, dtype = _samples(x)
    return ops.cast(waves.preemphasis(x, coefficient), dtype)


@names_arguments
def deemphasis(x: Any, coefficient: float = 0.97) -> Any:
    """Undo `preemphasis`: `y[n] = x[n] + coefficient · y[n - 1]`.

    Args:
        x: Samples `(..., time)`, floating point.
        coefficient: float in (−1, 1), that of the preemphasis.

    Returns:
        A tensor of the shape and dtype of `x`.

    Raises:
        ValueError: If `coefficient` is out of range.
        TypeError: If `coefficient` is not a number, or the samples are integers.

    Notes:
        The result matches `scipy.signal.lfilter` of float64 to 1e-6 of the peak in float32.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.random.default_rng(0).uniform(-1, 1, 1000)
        again = kapre.functional.deemphasis(kapre.functional.preemphasis(x))
        assert np.allclose(again, x, atol=1e-5)
        ```
    """
    coefficient = _coefficient(coefficient)
    x, dtype = _samples(x)
    return ops.cast(waves.deemphasis(x, coefficient), dtype)


def _coefficient(value: Any) -> float:
    rule = "a number above -1 and below 1"
    found = number("coefficient", value, "Use 0.97.", above=-1.0, rule=rule)
    if found >= 1.0:
        raise ValueError(message("coefficient", rule, value, "Use 0.97."))
    return found


@names_arguments
def phase_vocoder(x: Any, rate: float) -> Any:
    """Make a complex spectrogram shorter or longer, and keep its frequencies.

    Frame k of the result has the magnitudes at the position `k · rate`, interpolated between two frames. From each
    frame to the next, the phases advance by the difference between these two frames.

    Args:
        x: A complex spectrogram `(..., frame, bin)`, or a pair of its real and imaginary parts.
        rate: float from 0.01 to 100. 2.0 makes a spectrogram half as long.

    Returns:
        A spectrogram `(..., ceil(frame / rate), bin)`, complex or a pair as `x`.

    Raises:
        ValueError: If `rate` is out of range.
        TypeError: If `rate` is not a number, or the spectrogram is not complex.

    Notes:
        The result matches `librosa.phase_vocoder` and `torchaudio.functional.phase_vocoder`, whose frames are on the
        last axis, to 1e-9 of the peak in float64. In float32, magnitudes match to 1e-6. Phases accumulate the rounding
        of each frame, which is 3e-6 of the peak after 100 frames. Their hop argument has no effect on the result,
        because it changes the phases by multiples of 2π. The gradient of the phase of silence is 0. Transients are
        smeared over a frame.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.random.default_rng(0).uniform(-1, 1, (1, 16000, 1)).astype("float32")
        spectrogram = kapre.STFT(512)(x)[..., 0]
        assert kapre.functional.phase_vocoder(spectrogram, 1.25).shape[1] == np.ceil(spectrogram.shape[1] / 1.25)
        ```

    References:
        Flanagan, J. L. and Golden, R. M. (1966). Phase vocoder. Bell System Technical Journal, 45(9).
    """
    ratio = vocoder.ratio_of(_rate("rate", rate, "Use 0.8 or 1.25."))
    if isinstance(x, tuple):
        real, imag = map(_tensor, x)
    else:
        x = _tensor(x)
        if not is_complex(x.dtype):
            raise TypeError(message("x", "complex, or a pair", x.dtype, "Give it the output of kapre.STFT."))
        real, imag = ops.real(x), ops.imag(x)
    if len(real.shape) < 2:
        raise ValueError(message("x", "of shape (..., frame, bin)", tuple(real.shape), "Give it both axes."))
    pair: Pair = vocoder.phase_vocoder((real, imag), ratio)
    return pair if isinstance(x, tuple) else kernel.to_complex(*pair)


@names_arguments
def griffin_lim(
    x: Any,
    n_fft: int | None = None,
    win_length: int | None = None,
    hop_length: int | None = None,
    window_name: str | None = None,
    center: bool = False,
    pad_mode: frames.PadMode = "constant",
    n_iter: int = 32,
    momentum: float = 0.99,
    seed: int | None = None,
) -> Any:
    """Estimate waveforms from the magnitudes of their short-time Fourier transform; see `kapre.GriffinLim`.

    Args:
        x: Magnitudes `(..., frame, bin)`, floating point, at least 0. The number of bins must be known.
        n_fft: int ≥ 1 or None (`2 * (bins - 1)`), samples. DFT length of the forward transform.
        win_length: int ≥ 1 or None (`n_fft`), samples. Window length of the forward transform.
        hop_length: int ≥ 1 or None (`win_length // 4`), samples. Hop of the forward transform.
        window_name: Window of the forward transform, a name accepted by `kapre.backend.get_window_fn`, or None for
            hann.
        center: bool. Whether the forward transform was centred, as in librosa.
        pad_mode: How the forward transform padded with `center`: "constant", "reflect", "symmetric" or "edge".
        n_iter: int ≥ 0. Number of steps.
        momentum: float from 0 to 1. 0.0 is the algorithm of Griffin and Lim.
        seed: int or None. None starts from phases of 0. An integer starts from random phases.

    Returns:
        A tensor `(..., (frame - 1) * hop_length + win_length)` of the dtype of `x`, without the padding of `center`.

    Raises:
        ValueError: If an argument is out of range, or `n_fft` does not match the number of bins.
        TypeError: If an argument has the wrong type, or `x` is complex or integer.

    Notes:
        With `center=True`, the result matches `librosa.griffinlim(init=None)` to 1e-10 of the peak in float64.

    Example:
        ```python
        import numpy as np
        import kapre

        magnitudes = np.abs(np.fft.rfft(np.ones((10, 256)) * np.hanning(256)))
        y = kapre.functional.griffin_lim(magnitudes, hop_length=64, n_iter=8)
        assert y.shape == (9 * 64 + 256,)
        ```

    References:
        Perraudin, N., Balazs, P. and Søndergaard, P. (2013). A Fast Griffin-Lim Algorithm. IEEE Workshop on
        Applications of Signal Processing to Audio and Acoustics.
    """
    x, dtype = _samples(x)
    bins = x.shape[-1]
    if len(x.shape) < 2 or not isinstance(bins, int):
        raise ValueError(message("x", "of shape (..., frame, bin)", tuple(x.shape), "Give it both axes, and the bins."))
    recipe = stft_recipe(
        n_fft=max(1, 2 * (bins - 1)) if n_fft is None else n_fft,
        win_length=win_length,
        hop_length=hop_length,
        window_name=window_name,
        center=center,
        pad_mode=pad_mode,
    )
    if recipe.n_freq != bins:
        way = f"Use {max(1, 2 * (bins - 1))}, or {2 * bins - 1} if it was odd."
        raise ValueError(message("n_fft", f"the length of a DFT of {bins} bins", n_fft, way))
    n_iter, momentum = phases.check_steps("n_iter", n_iter), phases.check_momentum(momentum)
    y = phases.griffin_lim(x, phases.framing_of(recipe), n_iter, momentum, checked_seed(seed))
    return ops.cast(y, dtype)


@names_arguments
def time_stretch(x: Any, rate: float, n_fft: int = 2048, hop_length: int | None = None) -> Any:
    """Play waveforms faster or slower at the same pitch, with a phase vocoder.

    Args:
        x: Samples `(..., time)`, floating point.
        rate: float from 0.01 to 100. 1.25 makes a clip a fifth shorter.
        n_fft: int ≥ 2, samples. Length of the frames and of their Hann windows. Shorter frames smear attacks less, and
            blur low tones more. 2048 suits music at 22.05 kHz, and 512 speech at 16 kHz.
        hop_length: int from 1 to `n_fft // 2`, or None (`n_fft // 4`), samples.

    Returns:
        A tensor of the dtype of `x` with `time / rate` samples, rounded to the nearest integer.

    Raises:
        ValueError: If an argument is out of range.
        TypeError: If an argument has the wrong type, or the samples are integers.

    Notes:
        The result matches `librosa.effects.time_stretch` of float64 to 3e-6 of the peak in float32, for a clip of a
        second.

    Example:
        ```python
        import numpy as np
        import kapre

        assert kapre.functional.time_stretch(np.zeros(16000, "float32"), 1.25).shape == (12800,)
        ```
    """
    ratio = vocoder.ratio_of(_rate("rate", rate, "Use 0.8 or 1.25."))
    n_fft, hop, window = vocoder.framing(n_fft, hop_length)
    x, dtype = _samples(x)
    return ops.cast(vocoder.time_stretch(x, ratio, window, n_fft, hop), dtype)


@names_arguments
def pitch_shift(
    x: Any, n_steps: float, bins_per_octave: int = 12, n_fft: int = 2048, hop_length: int | None = None
) -> Any:
    """Make waveforms higher or lower at the same length: stretch with a phase vocoder, then resample.

    Args:
        x: Samples `(..., time)`, floating point. No sample rate is needed.
        n_steps: float, steps, at most 4 octaves up or down. 4 makes a voice a third higher.
        bins_per_octave: int ≥ 1. Steps in an octave. 12 gives semitones.
        n_fft: int ≥ 2, samples. Length of the frames; see `time_stretch`.
        hop_length: int from 1 to `n_fft // 2`, or None (`n_fft // 4`), samples.

    Returns:
        A tensor of the shape and dtype of `x`.

    Raises:
        ValueError: If an argument is out of range.
        TypeError: If an argument has the wrong type, or the samples are integers.

    Notes:
        The ratio of the frequencies is a fraction of small integers, within a tenth of a cent of
        `2^(n_steps / bins_per_octave)`. For a semitone, it is 89 / 84. This keeps the resampling kernel small. Other
        implementations use a ratio of large integers, and therefore take seconds for some steps.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.sin(2 * np.pi * 440 * np.arange(16000) / 16000).astype("float32")
        y = np.asarray(kapre.functional.pitch_shift(x, 12))
        assert np.abs(np.fft.rfft(y)).argmax() == 880
        ```
    """
    bins_per_octave = positive_int("bins_per_octave", bins_per_octave, "Use 12 for semitones.")
    most = 4 * bins_per_octave
    rule, remedy = f"a number from {-most} to {most}", "Use 2.0. A sample rate is not needed."
    octaves = number("n_steps", n_steps, remedy, at_least=-most, rule=rule) / bins_per_octave
    if octaves > 4.0:
        raise ValueError(message("n_steps", rule, n_steps, remedy))
    n_fft, hop, window = vocoder.framing(n_fft, hop_length)
    x, dtype = _samples(x)
    shifted = vocoder.pitch_shift(x, vocoder.pitch_ratio(octaves), window, n_fft, hop, resampling.Sinc())
    return ops.cast(shifted, dtype)
