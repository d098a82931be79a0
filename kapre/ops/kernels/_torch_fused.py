"""PyTorch: from samples to the logarithm of bands, in blocks of frames that share memory, with the gradient."""

from __future__ import annotations

import contextlib
import math
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from kapre.ops.kernels._blocks import Stages
from kapre.ops.kernels._prepare import prepared

BLOCK = 3 << 17
"""Number of frame samples in a block, 1.5 MiB of float32. With spectrum and power, this fits in a core's cache."""
FEWEST = 4
"""Number of rows from which MKL sums a product in the same order for any number of rows."""
_SLOPES = {"ln": 1.0, "log10": 1.0 / math.log(10.0), "db": 10.0 / math.log(10.0)}
_Group = tuple[slice, slice, torch.Tensor]


def _parts(total: int, most: int, apart: bool) -> list[slice]:
    """Return slices of equal size, at most `most`. The last overlaps the one before or, with `apart`, is smaller.

    Every slice lies within the total, and together they cover it.
    """
    number = -(-total // most)
    size = -(-total // number)
    ends = [min(total, first + size) for first in range(0, total, size)]
    return [slice(size * i if apart else end - size, end) for i, end in enumerate(ends)]


class _Plan:
    """Hold the blocks for a number of frames and items, and the memory that the blocks share.

    A plan is kept for the next call, because allocating memory takes longer than filling it.
    """

    def __init__(self, key: Any, stages: Stages, like: torch.Tensor, count: int, kernel: Any) -> None:
        self.key, self.stages, self.kernel = key, stages, kernel
        self.dtype = like.dtype
        self.items, self.count = items, count = len(like), count
        self.window = self._constant(stages.window, like)
        self.width = len(stages.window)
        self.bins = stages.n_fft // 2 + 1
        self.doubled = stages.power == 2.0 and stages.groups is not None
        self.groups = self._groups(like, 2 if self.doubled else 1)
        self.widths = [weights.shape[1] for *_, weights in self.groups]
        self.bands = self.groups[-1][1].stop if self.groups else self.bins
        frames = max(2 * FEWEST, BLOCK // stages.n_fft)
        self.most = max(1, frames // count), frames
        self.blocks = self._blocks(apart=False)
        rows = min(self.most[0], items) * min(frames, count)
        with torch.inference_mode(False):  # the tensor outlives inference mode
            self.frames = torch.zeros(rows, stages.n_fft, dtype=like.dtype, device="cpu")
        self.windowed: dict[tuple[int, int], tuple[torch.Tensor, torch.Tensor]] = {}
        self.power: torch.Tensor | None = None

    def _constant(self, values: np.ndarray, like: torch.Tensor, repeat: int = 1) -> torch.Tensor:
        found: torch.Tensor = self.kernel.constant(values, str(self.dtype).removeprefix("torch."), like, repeat)
        return found

    def _groups(self, like: torch.Tensor, repeat: int) -> list[_Group]:
        """Return the bins, the bands and the weights of each group, with each bin repeated `repeat` times."""
        found, band = [], 0
        for low, high, weights in self.stages.groups or ():
            bands = slice(band, band + weights.shape[1])
            found.append((slice(repeat * low, repeat * high), bands, self._constant(weights, like, repeat)))
            band = bands.stop
        return found

    def _blocks(self, apart: bool) -> list[tuple[slice, slice]]:
        """Return the items and frames of each block: several items with all frames, or some frames of one item."""
        parts = _parts(self.count, self.most[1], apart)
        return [(items, frames) for items in _parts(self.items, self.most[0], apart) for frames in parts]

    def _power(self, rows: int) -> torch.Tensor:
        if self.power is None:
            with torch.inference_mode(False):
                self.power = torch.empty(len(self.frames), self.bins, dtype=self.dtype, device="cpu")
        return self.power[:rows]

    def _cut(self, x: torch.Tensor, items: slice, frames: slice) -> torch.Tensor:
        """Return a view of exactly these frames, `(items, frames, size)`."""
        size, hop = self.stages.size, self.stages.hop
        cut = x[items, frames.start * hop : (frames.stop - 1) * hop + size].unfold(1, size, hop)
        assert cut.shape[:2] == (items.stop - items.start, frames.stop - frames.start)
        return cut

    def _spectrum(self, values: torch.Tensor) -> torch.Tensor:
        """Return the spectra of prepared frames, `(rows, bins)`, in newly allocated memory."""
        items, number, size = values.shape
        if (items, number) not in self.windowed:
            rows = self.frames[: items * number]
            self.windowed[items, number] = rows, rows.view(items, number, -1)[..., : self.width]
        rows, target = self.windowed[items, number]
        torch.mul(values if size == self.width else values[..., : self.width], self.window, out=target)
        return torch.fft.rfft(rows)  # with `out`, rfft would copy its result

    def features(self, x: torch.Tensor, logarithm: bool = True) -> torch.Tensor:
        """Return the features, `(items, count, bands)`.

        The blocks write them into newly allocated memory and cover it completely. Each `out` must have the shape of the
        result. Otherwise it would be resized, and the result would be stored elsewhere.
        """
        stages = self.stages
        y = torch.empty(self.items, self.count, self.bands, dtype=self.dtype, device="cpu")
        for items, frames in self.blocks:
            values = self._cut(x, items, frames)
            if stages.prepares_frames:
                values = prepared(self.kernel, values, stages)
            rows = y[items, frames].view(math.prod(values.shape[:2]), self.bands)
            parts = torch.view_as_real(self._spectrum(values)).square_()
            if self.doubled:  # a bank with each row repeated adds the squares of both parts
                power = parts.flatten(1)
            else:
                power = self._power(len(rows)) if self.groups else rows
                torch.add(parts[..., 0], parts[..., 1], out=power)
                if stages.power == 1.0:
                    power.sqrt_()
            if self.groups:
                parts_of_bands = rows.split(self.widths, 1)
                for (bins, _, weights), bands in zip(self.groups, parts_of_bands, strict=True):
                    torch.mm(power[:, bins], weights, out=bands)
            if logarithm:
                to_logarithm(rows, stages)
        return y

    def slope(self, x: torch.Tensor, bands: torch.Tensor | None, slope: torch.Tensor) -> torch.Tensor:
        """Return the gradient by the samples from that by the features.

        The features are the logarithm of `bands`, or, if `bands` is None, the bands themselves.
        """
        stages = self.stages
        found = torch.zeros_like(x)
        groups = self._groups(x, 1)
        # irfft adds each inner bin and its mirror. This is the slope of |z|², and twice that of |z|. The ends have no
        # mirror and are therefore doubled.
        window = self.window if stages.power == 2.0 else 0.5 * self.window
        for items, frames in self._blocks(apart=True):
            values = leaf = self._cut(x, items, frames)
            if stages.prepares_frames:
                with torch.enable_grad():
                    leaf = leaf.detach().requires_grad_()
                    values = prepared(self.kernel, leaf, stages)
            z = self._spectrum(values.detach())
            by_bin = slope[items, frames].flatten(0, 1)
            if bands is not None:
                by_bin = _slope_of_bands(by_bin, bands[items, frames].flatten(0, 1), stages)
            if groups:
                by_band, by_bin = by_bin, self._power(len(z)).zero_()
                for bins, columns, weights in groups:
                    by_bin[:, bins].addmm_(by_band[:, columns], weights.t())
            parts = torch.view_as_real(z)
            if stages.power == 1.0:
                size = parts.square().sum(-1).sqrt_()
                by_bin = torch.where(size == 0.0, 0.0, by_bin / size)
            parts.mul_(by_bin.unsqueeze(-1))
            z[:, 0].mul_(2.0)
            if stages.n_fft % 2 == 0:
                z[:, -1].mul_(2.0)
            by_sample = torch.fft.irfft(z, n=stages.n_fft, norm="forward")[:, : self.width].mul_(window)
            by_sample = by_sample.unflatten(0, values.shape[:2])
            if stages.prepares_frames:
                by_sample = torch.nn.functional.pad(by_sample, (0, stages.size - self.width))
                (by_sample,) = torch.autograd.grad(values, leaf, by_sample)
            add_frames(found[items, frames.start * stages.hop :], by_sample, stages.hop)
        return found


class _Plans:
    """Keep the most recent plans. A plan in use is removed meanwhile, so that no two threads share its memory.

    This is not a `threading.local`. A TensorFlow thread that calls Python ends as a Python thread after each call, and
    a tensor that is freed with it crashes the process.
    """

    most = 4
    """Largest number of recipes and shapes, and of plans for each, which threads may run at the same time."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Any, deque[_Plan]] = OrderedDict()

    def take(self, x: torch.Tensor, count: int, stages: Stages, kernel: Any) -> _Plan:
        """Return a plan that no other thread uses."""
        key = (id(stages), len(x), count, x.dtype)  # the plan keeps the stages alive, and thus their id
        with contextlib.suppress(KeyError, IndexError):
            return self._kept[key].pop()
        return _Plan(key, stages, x, count, kernel)

    def give(self, plan: _Plan) -> None:
        """Take a plan back, unless its DFT is so long that it holds more than a block."""
        if plan.frames.numel() > 2 * BLOCK:
            return
        self._kept.setdefault(plan.key, deque(maxlen=self.most)).append(plan)
        with contextlib.suppress(KeyError):  # another thread may have removed it
            self._kept.move_to_end(plan.key)
            if len(self._kept) > self.most:
                self._kept.popitem(last=False)


_plans = _Plans()


def to_logarithm(y: torch.Tensor, stages: Stages) -> None:
    """Replace bands by their logarithm, in place."""
    if stages.log is None:
        return
    if stages.amin_by == "max":
        y.clamp_min_(stages.amin)
    else:
        y.add_(stages.amin)
    if stages.log == "ln":
        y.log_()
        return
    y.log10_()
    if stages.log == "db":
        y.mul_(10.0)
        if stages.reference:
            y.sub_(stages.reference)


def _slope_of_bands(slope: torch.Tensor, bands: torch.Tensor, stages: Stages) -> torch.Tensor:
    """Return the gradient by the bands from that by their logarithm."""
    assert stages.log is not None
    if stages.amin_by == "add":
        return (slope / (bands + stages.amin)).mul_(_SLOPES[stages.log])
    found = (slope / bands.clamp_min(stages.amin)).mul_(_SLOPES[stages.log])
    return found.masked_fill_(bands < stages.amin, 0.0)


def add_frames(x: torch.Tensor, framed: torch.Tensor, hop: int) -> None:
    """Add frames `(items, frames, size)` to the samples from which they were cut, one hop of all frames at a time."""
    number, size = framed.shape[1:]
    assert len(x) == len(framed)
    assert x.shape[1] >= (number - 1) * hop + size  # the views below do not check bounds
    for start in range(0, size, hop):
        width = min(hop, size - start)
        places = x[:, start:].as_strided((len(x), number, width), (x.stride(0), hop, 1))
        places += framed[..., start : start + width]


def is_batched(slope: torch.Tensor) -> bool:
    """Tell whether the slope is a batch of slopes (`is_grads_batched`; PyTorch 2.13 has no public name for that)."""
    ask = getattr(getattr(torch._C, "_functorch", None), "is_legacy_batchedtensor", None)
    return bool(ask is not None and ask(slope))


class _Features(torch.autograd.Function):
    """Compute features whose gradient recomputes each block, so that no frames and no spectra are kept."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, count: int, stages: Stages, kernel: Any, plain: Any) -> torch.Tensor:
        plan = _plans.take(x, count, stages, kernel)
        bands = plan.features(x, logarithm=False)
        _plans.give(plan)
        ctx.save_for_backward(x, None if stages.log is None else bands)
        ctx.about, ctx.plain = (count, stages, kernel), plain
        if stages.log is None:
            return bands
        y = bands.clone()
        to_logarithm(y, stages)
        return y

    @staticmethod
    def backward(ctx: Any, slope: torch.Tensor) -> Any:
        x, bands = ctx.saved_tensors
        again = torch.is_grad_enabled()  # the gradient itself needs a gradient
        if again or is_batched(slope):
            with torch.enable_grad():
                y = ctx.plain(x)
            found = torch.autograd.grad(y, x, slope, create_graph=again)[0]
        else:
            plan = _plans.take(x, *ctx.about)
            found = plan.slope(x, bands, slope)
            _plans.give(plan)
        return found, None, None, None, None


def _cropped(x: torch.Tensor, count: int, stages: Stages) -> torch.Tensor:
    """Cut samples to those of `count` frames, or zero-pad them at the end."""
    length = (count - 1) * stages.hop + stages.size
    missing = length - x.shape[1]
    return torch.nn.functional.pad(x, (0, missing)) if missing > 0 else x[:, :length]


def slope(
    x: torch.Tensor, count: int, stages: Stages, kernel: Any, bands: torch.Tensor | None, slope: torch.Tensor
) -> torch.Tensor:
    """Return the gradient by the samples `(items, time)` from that by `count` features of each; see `_Plan.slope`."""
    used = _cropped(x, count, stages)
    plan = _plans.take(used, count, stages, kernel)
    bands = None if bands is None else bands.reshape(slope.shape)
    found = plan.slope(used, bands, slope)
    _plans.give(plan)
    return torch.nn.functional.pad(found, (0, x.shape[1] - used.shape[1]))  # a negative number crops


def features(
    x: torch.Tensor, count: int, stages: Stages, kernel: Any, plain: Callable[[torch.Tensor], torch.Tensor]
) -> torch.Tensor:
    """Return `(items, count, bands)` of contiguous CPU samples `(items, time)`. `plain` computes the same slowly."""
    x = _cropped(x, count, stages)
    if x.requires_grad and torch.is_grad_enabled():
        found: torch.Tensor = _Features.apply(x, count, stages, kernel, plain)
        return found
    plan = _plans.take(x, count, stages, kernel)
    y = plan.features(x)
    _plans.give(plan)
    return y
