"""Check an installed kapre-native without Kapre: the power of a sine."""

from __future__ import annotations

import ctypes
import math

import kapre_native

SIZE, BIN = 512, 20


class Description(ctypes.Structure):
    """The structure of `kapre_native.h`."""

    _fields_ = (
        *((name, ctypes.c_int32) for name in ("frame_length", "hop_length", "n_fft", "remove_dc", "energy")),
        *((name, ctypes.c_float) for name in ("least_energy", "preemphasis")),
        *((name, ctypes.c_int32) for name in ("preemphasis_first", "window_length")),
        ("window", ctypes.c_void_p),
        ("spectrum", ctypes.c_int32),
        ("magnitude_epsilon", ctypes.c_float),
        ("bands", ctypes.c_int32),
        *((name, ctypes.c_void_p) for name in ("band_first", "band_size", "weights")),
        *((name, ctypes.c_int32) for name in ("log", "amin_is_added")),
        *((name, ctypes.c_float) for name in ("amin", "reference")),
    )


class Call(ctypes.Structure):
    """The structure of `kapre_native.h`."""

    _fields_ = (
        ("samples", ctypes.c_void_p),
        *((name, ctypes.c_int64) for name in ("items", "item_stride", "time")),
        ("lengths", ctypes.c_void_p),
        *((name, ctypes.c_int64) for name in ("left", "right")),
        *((name, ctypes.c_int32) for name in ("padding", "threads")),
        ("frames", ctypes.c_int64),
        *((name, ctypes.c_void_p) for name in ("features", "energies", "instructions")),
    )


def main() -> None:
    """Compute 40 frames of a sine, whose power is in one bin."""
    library = ctypes.CDLL(str(kapre_native.library_path()))
    library.kapre_native_instructions.restype = ctypes.c_char_p
    window = (ctypes.c_float * SIZE)(*[1.0] * SIZE)
    samples = (ctypes.c_float * (40 * SIZE))(*(math.cos(2 * math.pi * BIN * n / SIZE) for n in range(40 * SIZE)))
    features = (ctypes.c_float * (40 * (SIZE // 2 + 1)))()
    about = Description(frame_length=SIZE, hop_length=SIZE, n_fft=SIZE, window_length=SIZE, spectrum=2)
    about.window = ctypes.addressof(window)
    call = Call(items=1, item_stride=40 * SIZE, time=40 * SIZE, frames=40, threads=2)
    call.samples, call.features = ctypes.addressof(samples), ctypes.addressof(features)
    text, size = ctypes.create_string_buffer(256), ctypes.c_size_t()
    message = text, ctypes.c_size_t(256)
    assert not library.kapre_plan_size(ctypes.byref(about), ctypes.byref(size), *message), text.value
    plan = (ctypes.c_int64 * (size.value // 8))()
    assert not library.kapre_plan_write(ctypes.byref(about), plan, size, *message), text.value
    assert not library.kapre_plan_run(plan, size, ctypes.byref(call), *message), text.value
    for frame in range(40):
        row = features[frame * (SIZE // 2 + 1) : (frame + 1) * (SIZE // 2 + 1)]
        assert abs(row[BIN] / (SIZE / 2) ** 2 - 1.0) < 1e-5, row[BIN]
        assert max(row[:BIN] + row[BIN + 1 :]) < 1e-6 * row[BIN]
    print("works with", library.kapre_native_instructions().decode(), "instructions")


if __name__ == "__main__":
    main()
