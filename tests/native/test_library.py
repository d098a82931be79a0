"""The compiled library by itself: any description and batch against NumPy in float64, and what it refuses."""

import ctypes
import sys
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kapre import _native
from kapre.ops.filterbanks import groups
from kapre.ops.kernels import _native_plan as native
from kapre.ops.kernels._blocks import Edges, Stages
from tests.native.cases import CANARY, HERE
from tests.processes import python

LOADED = _native.library()
NO_EDGES = Edges()
PEAK = 1e-6  # the largest error, relative to the largest power


def _smooth(n):
    for factor in (2, 3, 5, 7):
        while n % factor == 0:
            n //= factor
    return n == 1


SIZES = [2 * n for n in range(1, 520) if _smooth(n)]
LONG = [2048, 4096, 16384, 32768, 1920, 2400, 2646, 7350]


def stages(**fields):
    plain = dict(size=400, hop=160, n_fft=512, window=None, power=2.0, groups=None, log=None, amin=1e-10)
    plain |= dict(amin_by="max", ref_value=1.0, reference=0.0)
    found = {**plain, **fields}
    if found["window"] is None:
        width = min(found["size"], found["n_fft"])
        found["window"] = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(width) + 0.5) / width)
    return Stages(**found)


def compute(plan, x, count, edges=NO_EDGES, threads=1, lengths=None):
    """Run a plan into memory with NaN in it and with numbers around it that must stay."""
    items, time = x.shape
    around = 7
    y = np.full(around + items * count * plan.values + around, np.nan, "float32")
    energy = np.full(around + items * count + around, np.nan, "float32")
    for array in (y, energy):
        array[:around] = array[len(array) - around :] = CANARY
    own = None if lengths is None else np.asarray(lengths, "int64")
    stride = x.strides[0] // 4
    plan.run(
        x.ctypes.data,
        (items, time),
        stride,
        count,
        y[around:].ctypes.data,
        energy[around:].ctypes.data,
        None if own is None else own.ctypes.data,
        edges,
        threads,
    )
    for array in (y, energy):
        assert (array[:around] == CANARY).all()
        assert (array[len(array) - around :] == CANARY).all()
    shape = items, count
    features = y[around : len(y) - around].reshape(*shape, plan.values)
    return features, energy[around : len(energy) - around].reshape(*shape, 1) if plan.energy else None


def expected(about, x, count, edges=NO_EDGES, lengths=None):
    """Compute the same in float64, without the logarithms, with NumPy."""
    rows, energies = [], []
    for item, samples in enumerate(x):
        own = len(samples) if lengths is None else min(max(int(lengths[item]), 0), len(samples))
        samples = samples[:own].astype("float64")
        mode = edges.mode if own else "constant"
        padded = np.pad(samples, (edges.left, edges.right), mode)
        if not own:
            padded = np.zeros_like(padded)
        needed = count * about.hop + about.size
        padded = np.concatenate([padded, np.zeros(needed)])
        framed = np.stack([padded[f * about.hop : f * about.hop + about.size] for f in range(count)])
        if about.remove_dc:
            framed = framed - framed.mean(-1, keepdims=True)
        energies.append((framed**2).sum(-1, keepdims=True))
        if about.preemphasis:
            first = framed[:, :1] if about.preemphasis_first == "first" else 0.0 * framed[:, :1]
            framed = framed - about.preemphasis * np.concatenate([first, framed[:, :-1]], -1)
        framed = framed[:, : len(about.window)] * about.window
        power = np.abs(np.fft.rfft(framed, about.n_fft)) ** 2
        if about.power == 1.0:
            power = np.sqrt(power + about.magnitude_epsilon)
        if about.groups is not None:
            power = np.concatenate([power[:, low:high] @ matrix for low, high, matrix in about.groups], -1)
        rows.append(power)
    return np.stack(rows), np.stack(energies)


def linear(about, y):
    """Undo the logarithm, without its floor."""
    y = y.astype("float64")
    if about.log is None:
        return y
    scale = {"ln": 1.0, "log10": np.log(10.0), "db": np.log(10.0) / 10.0}[about.log]
    offset = about.reference if about.log == "db" else 0.0
    return np.exp((y + offset) * scale)


@st.composite
def calls(draw):
    n_fft = draw(st.sampled_from(SIZES) | st.sampled_from(LONG))
    size = draw(st.integers(1, n_fft) | st.integers(n_fft, n_fft + 40))
    hop = draw(st.integers(1, 2 * size))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    bank = None
    if draw(st.booleans()):
        matrix = rng.random((n_fft // 2 + 1, draw(st.integers(1, 30))))
        matrix[rng.random(matrix.shape) < draw(st.sampled_from([0.0, 0.5, 0.95, 1.0]))] = 0.0
        bank = groups(matrix.astype("float32"))
    power = draw(st.sampled_from([1.0, 2.0]))
    log = draw(st.sampled_from([None, "ln", "log10", "db"]))
    about = stages(
        size=size,
        hop=hop,
        n_fft=n_fft,
        window=rng.random(min(size, n_fft)).astype("float32").astype("float64"),
        power=power,
        groups=bank,
        log=log,
        amin=draw(st.sampled_from([1e-10, 1e-5, 1e-2])),
        amin_by=draw(st.sampled_from(["max", "add"])),
        reference=draw(st.sampled_from([0.0, 3.5])),
        remove_dc=draw(st.booleans()),
        preemphasis=draw(st.sampled_from([0.0, 0.97])),
        preemphasis_first=draw(st.sampled_from(["keep", "first"])),
        magnitude_epsilon=draw(st.sampled_from([0.0, 1e-6])) if power == 1.0 else 0.0,
        least_energy=draw(st.sampled_from([None, 1e-7])),
    )
    items = draw(st.integers(1, 4))
    time = draw(st.integers(0, 3 * hop + size) if n_fft < 4000 else st.integers(0, size + 10))
    scale = draw(st.sampled_from([1.0, 1.0, 1e4, 1e-3]))
    x = (scale * rng.standard_normal((items, time + draw(st.integers(0, 5))))).astype("float32")
    edges = Edges(draw(st.integers(0, 2 * size)), draw(st.integers(0, size)), draw(st.sampled_from(native.PADDINGS)))
    lengths = draw(st.none() | st.lists(st.integers(-1, time + 3), min_size=items, max_size=items))
    count = draw(st.integers(1, 6))
    return about, x[:, :time], edges, lengths, count


@pytest.mark.parametrize("instructions", HERE)
@settings(max_examples=60, deadline=None, derandomize=True)
@given(calls())
def test_any_description_and_batch(instructions, call):
    about, x, edges, lengths, count = call
    plan = native.Plan(LOADED, about, instructions)
    y, energy = compute(plan, x, count, edges, 1, lengths)
    wanted, energies = expected(about, x, count, edges, lengths)
    peak = max(wanted.max(initial=0.0), 1e-30)
    error = (PEAK if about.power == 2.0 else 4 * PEAK) * peak
    if about.remove_dc or about.preemphasis:  # of samples that are almost equal, little is left but their roundings
        lost = 2.0**-22 * float(np.abs(x).max(initial=0.0)) * np.abs(about.window).sum()
        error += lost if about.power == 1.0 else lost * (2.0 * np.sqrt(peak) + lost)
    found = linear(about, y)
    if about.log is not None:
        wanted = wanted + about.amin if about.amin_by == "add" else np.maximum(wanted, about.amin)
    # The logarithm has 24 bits too, which are 1e-5 of a value.
    np.testing.assert_allclose(found, wanted, rtol=0.0 if about.log is None else 2e-5, atol=error)
    if about.least_energy is not None:
        least = np.log(np.maximum(energies, about.least_energy))
        size = np.log(max(float(np.square(x, dtype="float64").max(initial=0.0)), 1e-7))
        np.testing.assert_allclose(energy, least, rtol=0, atol=2e-5 + 1e-6 * abs(size))


@pytest.mark.parametrize("instructions", HERE)
@pytest.mark.parametrize("n_fft", [2, 4, 6, 10, 14, 320, 400, 480, 640, 800, 960, 1000, 1024, 1200, 1600, 4096, 32768])
def test_each_size_of_frames_that_are_published(instructions, n_fft):
    rng = np.random.default_rng(n_fft)
    about = stages(size=n_fft, hop=max(1, n_fft // 4), n_fft=n_fft, window=np.ones(n_fft))
    x = rng.uniform(-1.0, 1.0, (2, 3 * n_fft)).astype("float32")
    y, _ = compute(native.Plan(LOADED, about, instructions), x, 9)
    wanted, _ = expected(about, x, 9)
    assert np.abs(y - wanted).max() <= PEAK * wanted.max()


@pytest.mark.parametrize("n_fft", [3, 511, 22, 2 * 11 * 16, 65536, 0, -2])
def test_other_sizes_are_for_the_framework(n_fft):
    about = stages(size=16, n_fft=n_fft, window=np.ones(2))
    with pytest.raises(NotImplementedError, match="n_fft"):
        native.Plan(LOADED, about)
    assert native.plan(about) is None


@pytest.mark.parametrize("instructions", HERE)
def test_any_number_of_threads_and_any_neighbours_give_the_same_bits(instructions):
    rng = np.random.default_rng(1)
    about = stages(groups=groups(rng.random((257, 80)).astype("float32")), log="db", least_energy=1e-7)
    plan = native.Plan(LOADED, about, instructions)
    x = rng.standard_normal((5, 80000)).astype("float32")
    edges = Edges(200, 200, "reflect")
    one, energy = compute(plan, x, 501, edges)
    for threads in (2, 3, 7):
        many, energies = compute(plan, x, 501, edges, threads)
        np.testing.assert_array_equal(many, one)
        np.testing.assert_array_equal(energies, energy)
    whole, _ = compute(plan, x, 480)
    for item, start in ((0, 0), (3, 100), (4, 333)):
        part, _ = compute(plan, x[item : item + 1, start * 160 :], 3)
        np.testing.assert_array_equal(part[0], whole[item, start : start + 3])
        alone, _ = compute(plan, np.ascontiguousarray(x[item : item + 1]), 501, edges)
        np.testing.assert_array_equal(alone[0], one[item])


@pytest.mark.parametrize("instructions", HERE)
def test_frames_with_nan_infinity_denormals_and_silence(instructions):
    about = stages(size=512, n_fft=512, hop=512, window=np.ones(512), log="ln", amin=1e-30)
    plan = native.Plan(LOADED, about, instructions)
    x = np.zeros((1, 20 * 512), "float32")
    x[0, 512] = np.nan
    x[0, 1024] = np.inf
    x[0, 1536:2048] = 1e-40
    x[0, 2048] = 1.0
    x[0, 2560] = 3e38
    y, _ = compute(plan, x, 20)
    floor = np.log(np.float32(1e-30))
    np.testing.assert_allclose(y[0, [0, 3, 6, 7]], floor, rtol=1e-6)
    assert np.isnan(y[0, 1]).all()
    assert not np.isfinite(y[0, 2]).any()
    np.testing.assert_allclose(y[0, 4], 0.0, atol=1e-6)
    assert (y[0, 5] == np.inf).all()
    np.testing.assert_allclose(y[0, 6:], floor, rtol=1e-6)


@pytest.mark.parametrize("instructions", HERE)
def test_logarithms_are_those_of_numpy(instructions):
    """Frames of one sample: the power is the square of the sample, so that every float passes through the logarithm."""
    rng = np.random.default_rng(0)
    about = stages(size=1, hop=1, n_fft=2, window=np.ones(1), power=1.0, log="ln", amin=1e-45)
    x = np.exp(rng.uniform(-87.0, 88.0, 200_000)).astype("float32")
    x = np.sort(np.abs(np.concatenate([x, [1.0, np.float32(1.0) + 2**-23, 1.0 - 2**-24, 2.0, 0.5, 1.1754944e-38]])))
    x = x.astype("float32")
    x = x[(x > 1e-18) & (x < 1e18)]  # the square of others is no float
    y, _ = compute(native.Plan(LOADED, about, instructions), x[None], len(x))
    wanted = np.log(x.astype("float64"))
    assert np.abs(y[0, :, 0] - wanted).max() <= 2 * np.spacing(np.float32(np.abs(wanted).max()))
    near = np.abs(wanted) < 0.3
    assert (np.abs(y[0, :, 0] - wanted)[near] <= 3 * np.spacing(np.abs(wanted[near]).astype("float32")) + 2e-8).all()


def test_many_threads_share_a_plan():
    rng = np.random.default_rng(2)
    plan = native.Plan(LOADED, stages(log="db"))
    x = rng.standard_normal((8, 20000)).astype("float32")
    wanted = [compute(plan, x[i : i + 1], 120)[0] for i in range(8)]
    failed = []

    def work(i):
        same = [np.array_equal(compute(plan, x[i : i + 1], 120)[0], wanted[i]) for _ in range(30)]
        failed.extend([i] * same.count(False))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (dict(hop=0), "hop_length"),
        (dict(size=0, window=np.ones(0)), "frame_length"),
        (dict(size=4, window=np.ones(5)), "window_length"),
        (dict(groups=((250, 258, np.ones((8, 1), "float32")),)), "within the bins"),
    ],
)
def test_wrong_descriptions(fields, words):
    with pytest.raises(ValueError, match=words):
        native.Plan(LOADED, stages(**fields))


@pytest.mark.parametrize("edges", [Edges(-1, 0), Edges(0, -1)])
def test_wrong_calls(edges):
    plan = native.Plan(LOADED, stages())
    with pytest.raises(RuntimeError, match="padding must be at least 0"):
        compute(plan, np.zeros((1, 1000), "float32"), 2, edges)


def test_no_frame_and_no_item_write_nothing():
    plan = native.Plan(LOADED, stages())
    assert compute(plan, np.zeros((1, 10), "float32"), 0)[0].shape == (1, 0, 257)
    assert compute(plan, np.zeros((0, 1000), "float32"), 3)[0].shape == (0, 3, 257)


@pytest.fixture
def loads_again():
    for loader in (_native.state, _native.library):
        loader.cache_clear()
    yield
    for loader in (_native.state, _native.library):
        loader.cache_clear()


SHOWN = """
import keras, kapre
from kapre.ops.kernels import active
print(type(active).__name__, kapre.Frontend.from_preset("kaldi_fbank")(keras.ops.zeros((1, 1600))).shape)
"""


def test_a_broken_library_is_one_warning_and_the_other_kernel(tmp_path):
    broken = tmp_path / "libkapre_native.so"
    broken.write_bytes(b"not a library")
    done = python("-c", SHOWN, KERAS_BACKEND="torch", KAPRE_NATIVE=str(broken))
    assert done.stdout == "TorchKernel torch.Size([1, 8, 80])\n", done.stderr
    assert done.stderr.count("kapre-native does not work: ") == 1
    assert "`pip install -U 'kapre[native]'`, or set KAPRE_NATIVE=0." in done.stderr


@pytest.mark.usefixtures("loads_again")
def test_another_version_of_the_interface_is_one_warning(monkeypatch):
    monkeypatch.setattr(_native, "ABI", _native.ABI + 1)
    words = f"it has version {_native.ABI - 1} of the interface, and this Kapre needs {_native.ABI}"
    with pytest.warns(RuntimeWarning, match=words):
        assert _native.library() is None
    assert _native.library() is None  # without a second warning, which would be an error


@pytest.mark.usefixtures("loads_again")
def test_the_switch_turns_it_off_in_silence(monkeypatch):
    monkeypatch.setenv(_native.SWITCH, "0")
    assert _native.library() is None
    assert _native.state().words == "turned off (KAPRE_NATIVE=0)"


@pytest.mark.usefixtures("loads_again")
def test_the_switch_at_1_is_the_default(monkeypatch):
    monkeypatch.setenv(_native.SWITCH, "1")
    assert _native.library() is not None


@pytest.mark.usefixtures("loads_again")
def test_without_the_package_there_is_none(monkeypatch):
    monkeypatch.delenv(_native.SWITCH, raising=False)
    monkeypatch.setitem(sys.modules, "kapre_native", None)
    assert _native.library() is None
    assert _native.state().words == "not installed"


def test_the_message_fits_any_buffer():
    """A caller may give no place for a message, or a short one."""
    import kapre_native

    loaded = ctypes.CDLL(str(kapre_native.library_path()))
    for size in (0, 1, 5):
        text = ctypes.create_string_buffer(b"x" * 8, 8)
        assert loaded.kapre_plan_run(None, ctypes.c_size_t(0), None, text, ctypes.c_size_t(size)) == 2
        assert text.raw[size:] == b"x" * (8 - size)
    assert loaded.kapre_plan_run(None, ctypes.c_size_t(0), None, None, ctypes.c_size_t(0)) == 2


def test_memory_that_is_no_plan():
    plan = native.Plan(LOADED, stages())
    plan.memory[0] += 1
    with pytest.raises(RuntimeError, match="a plan of this version"):
        compute(plan, np.zeros((1, 1000), "float32"), 2)


def test_a_plan_may_be_copied():
    """It holds no pointer: it can be a constant of a graph, and kept in a file."""
    x = np.random.default_rng(0).standard_normal((1, 4000)).astype("float32")
    plan, other = (native.Plan(LOADED, stages(log="db")) for _ in range(2))
    assert np.array_equal(plan.memory, other.memory)
    right, _ = compute(plan, x, 5)
    moved = np.concatenate([np.zeros(3, "int64"), plan.memory])[3:]
    plan._plan = moved.ctypes.data, plan._plan[1]
    np.testing.assert_array_equal(compute(plan, x, 5)[0], right)


def inverted(plan, z, time, cut=(0, 0), normalise=False, threads=1, counts=None):
    """Invert spectra into memory with NaN in it and with numbers around it that must stay."""
    items, frames, _ = z.shape
    around = 7
    x = np.full(around + items * time + around, np.nan, "float32")
    x[:around] = x[len(x) - around :] = CANARY
    own = None if counts is None else np.asarray(counts, "int64")
    z = np.ascontiguousarray(z, "complex64")
    place = None if own is None else own.ctypes.data
    plan.invert(z.ctypes.data, (items, frames), place, cut, time, normalise, threads, x[around:].ctypes.data)
    assert (x[:around] == CANARY).all()
    assert (x[len(x) - around :] == CANARY).all()
    return x[around : len(x) - around].reshape(items, time)


def expected_samples(about, z, time, cut, counts=None):
    """Compute the same in float64 with NumPy, and the sums of squared windows."""
    items, frames, _ = z.shape
    left, right = cut
    x, envelope = np.zeros((2, items, time))
    for item in range(items):
        count = frames if counts is None else min(max(int(counts[item]), 0), frames)
        total = max(0, (count - 1) * about.hop + about.size) if count else 0
        sums, squares = np.zeros((2, total + left + time))
        for f in range(count):
            part = np.fft.irfft(z[item, f].astype("complex128"), about.n_fft)[: len(about.window)] * about.window
            sums[f * about.hop : f * about.hop + len(part)] += part
            squares[f * about.hop : f * about.hop + len(part)] += about.window**2
        kept = min(time, max(0, total - left - right))
        x[item, :kept] = sums[left : left + kept]
        envelope[item, :kept] = squares[left : left + kept]
    return x, envelope


@st.composite
def inversions(draw):
    n_fft = draw(st.sampled_from(SIZES + LONG))
    size = draw(st.integers(1, n_fft))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    window = rng.random(size).astype("float32").astype("float64")
    about = stages(size=size, hop=draw(st.integers(1, size + 5)), n_fft=n_fft, window=window, is_inverse=True)
    items, frames = draw(st.integers(1, 3)), draw(st.integers(0, 40) if n_fft < 4000 else st.integers(0, 3))
    z = rng.standard_normal((items, frames, n_fft // 2 + 1, 2)).astype("float32").view("complex64")[..., 0]
    cut = draw(st.integers(0, size)), draw(st.integers(0, size))
    time = draw(st.integers(0, frames * about.hop + size + 3))
    counts = draw(st.none() | st.lists(st.integers(-1, frames + 2), min_size=items, max_size=items))
    return about, z, time, cut, counts


@pytest.mark.parametrize("instructions", HERE)
@settings(max_examples=60, deadline=None, derandomize=True)
@given(inversions(), st.booleans())
def test_any_inversion(instructions, call, normalise):
    about, z, time, cut, counts = call
    plan = native.Plan(LOADED, about, instructions)
    x = inverted(plan, z, time, cut, normalise, 1, counts)
    wanted, envelope = expected_samples(about, z, time, cut, counts)
    error = 1e-6 * max(np.abs(wanted).max(initial=0.0), 1e-3)
    if normalise:
        assert (x[envelope < 1e-38] == 0.0).all()
        x = x * envelope  # where windows are almost 0, little is left but the rounding
    np.testing.assert_allclose(x, wanted, rtol=0, atol=error)


@pytest.mark.parametrize("instructions", HERE)
@pytest.mark.parametrize("normalise", [False, True])
def test_samples_have_the_same_bits_for_any_number_of_threads(instructions, normalise):
    rng = np.random.default_rng(4)
    about = stages(size=512, n_fft=512, is_inverse=True)
    plan = native.Plan(LOADED, about, instructions)
    z = rng.standard_normal((3, 301, 257, 2)).astype("float32").view("complex64")[..., 0]
    counts, time = [301, 40, 150], 301 * 160
    one = inverted(plan, z, time, (256, 256), normalise, 1, counts)
    for threads in (2, 3, 7):
        np.testing.assert_array_equal(inverted(plan, z, time, (256, 256), normalise, threads, counts), one)
    alone = inverted(plan, z[1:2, :40], 40 * 160, (256, 256), normalise)
    np.testing.assert_array_equal(alone[0], one[1, : 40 * 160])


@pytest.mark.parametrize(("size", "hop"), [(64, 16), (64, 7), (64, 64), (64, 70), (5, 1), (90, 20)])
@pytest.mark.parametrize("frames", [1, 2, 3, 4, 5, 9, 12])
@pytest.mark.parametrize("shorter", [0, 3])
def test_edges_are_divided_by_the_windows_that_are_there(size, hop, frames, shorter):
    rng = np.random.default_rng(size + hop)
    width = min(size, 64) - shorter
    about = stages(size=size, n_fft=64, hop=hop, window=0.1 + rng.random(width), is_inverse=True)
    z = rng.standard_normal((3, frames, 33, 2)).astype("float32").view("complex64")[..., 0]
    counts, time = [frames, max(0, frames - 2), frames], frames * hop + size + 2
    x = inverted(native.Plan(LOADED, about), z, time, (0, 0), True, 1, counts)
    wanted, envelope = expected_samples(about, z, time, (0, 0), counts)
    wanted = np.divide(wanted, envelope, out=np.zeros_like(wanted), where=envelope > 0)
    np.testing.assert_allclose(x, wanted, rtol=0, atol=1e-6 * np.abs(wanted).max())


def test_samples_of_frames_that_are_not_there_and_of_nan():
    plan = native.Plan(LOADED, stages(size=512, n_fft=512, hop=512, window=np.ones(512), is_inverse=True))
    z = np.ones((1, 4, 257), "complex64")
    z[0, 1, 5] = np.nan
    z[0, 3] = np.nan
    x = inverted(plan, z, 4 * 512, counts=[3])
    assert np.isnan(x[0, 512:1024]).all()
    x[0, 512:1024] = 0.0
    assert np.isfinite(x).all()
    assert (x[0, 3 * 512 :] == 0.0).all()


def test_a_plan_runs_one_way():
    forward, back = native.Plan(LOADED, stages()), native.Plan(LOADED, stages(is_inverse=True))
    with pytest.raises(RuntimeError, match="does not invert"):
        inverted(forward, np.zeros((1, 2, 257), "complex64"), 100)
    with pytest.raises(RuntimeError, match="inverts a spectrum"):
        compute(back, np.zeros((1, 1000), "float32"), 2)
    with pytest.raises(RuntimeError, match="must be at least 0"):
        inverted(back, np.zeros((1, 2, 257), "complex64"), 100, (-1, 0))
    with pytest.raises(ValueError, match="an inverse undoes"):
        native.Plan(LOADED, stages(is_inverse=True, remove_dc=True))
