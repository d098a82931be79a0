"""The compiled kernel under PyTorch: where it takes part, and its numbers and gradients beside the framework's."""

from __future__ import annotations

import copy
import pickle
import threading

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import kapre
from kapre.executor import run
from kapre.ops.kernels import active, native_torch, overlaid
from kapre.ops.kernels.torch import TorchKernel
from kapre.stages.spectrum import _Operations
from tests.native import cases
from tests.native.cases import COUNTS, INVERSES, KALDI, MEL, RECIPE, TRANSFORMS
from tests.recipes import any_recipe
from tests.streams.drive import streamed

OP = "kapre.spectrum"


def features(x: torch.Tensor) -> torch.Tensor:
    return run(RECIPE, x)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count the calls that the library answers."""
    from kapre.ops.kernels import _native_plan

    found: list[int] = []
    for name in ("run", "invert"):
        whole = getattr(_native_plan.Plan, name)
        monkeypatch.setattr(_native_plan.Plan, name, lambda *words, whole=whole: (found.append(1), whole(*words))[1])
    return found


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(cases.noise(*shape, seed=seed))


def test_the_kernel_is_this_one() -> None:
    assert type(active).__name__ == "NativeTorchKernel"


@settings(max_examples=150, deadline=None, derandomize=True)
@given(any_recipe(), st.integers(0, 2**32 - 1), st.data())
def test_any_recipe_is_as_without(recipe: kapre.Recipe, seed: int, data: st.DataObject) -> None:
    lead = data.draw(st.sampled_from([(1,), (3,), (2, 2)]))
    time = data.draw(st.integers(0, 3 * recipe.n_fft + 2 * recipe.hop_length))
    x = noise(*lead, time, seed=seed)
    lengths = data.draw(st.none() | st.lists(st.integers(0, time), min_size=lead[0], max_size=lead[0]))
    lengths = None if lengths is None else torch.tensor(lengths)
    y = run(recipe, x, lengths)
    with overlaid(TorchKernel()):
        right = run(recipe, x, lengths)
        exact = run(recipe, x.double(), lengths)
    assert (y.dtype, y.shape) == (right.dtype, right.shape)
    lost = (right - exact).abs().max() if exact.numel() else 0.0  # what float32 loses there
    peak = exact.abs().max() if exact.numel() else 0.0
    np.testing.assert_allclose(y, exact, rtol=0, atol=float(4 * lost + 1e-5 * (1.0 + peak)))


@pytest.mark.parametrize("log", [None, "ln", "log10", "db"])
@pytest.mark.parametrize("power", [1.0, 2.0])
@pytest.mark.parametrize("more", [{}, dict(center=True, pad_mode="reflect"), dict(remove_dc=True, snip_edges=False)])
def test_gradients_are_as_without(log: str | None, power: float, more: dict[str, object]) -> None:
    recipe = kapre.Recipe(**{**MEL, "power": power}, **more, **({} if log is None else dict(log=log, amin=1e-6)))
    weights = noise(2, recipe.num_frames(4000), 80, seed=1)

    def slope(x: torch.Tensor) -> torch.Tensor:
        x = x.clone().requires_grad_()
        (run(recipe, x) * weights.to(x.dtype)).sum().backward()
        return x.grad

    x = noise(2, 4000)
    x[1, 1000:2500] = 0.0
    found, exact = slope(x), slope(x.double())
    with overlaid(TorchKernel()):
        right = slope(x)
    assert torch.isfinite(found).all()
    scale = float(exact.abs().max())
    assert (found - exact).abs().max() <= max(1e-5 * scale, 2 * float((right - exact).abs().max()))


def test_the_gradient_of_the_gradient() -> None:
    x = noise(1, 3000).requires_grad_()
    (first,) = torch.autograd.grad(run(RECIPE, x).sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(first.square().sum(), x)
    with overlaid(TorchKernel()):
        (first,) = torch.autograd.grad(run(RECIPE, x).sum(), x, create_graph=True)
        (right,) = torch.autograd.grad(first.square().sum(), x)
    assert (second - right).abs().max() <= 1e-3 * right.abs().max()


def test_batched_gradients() -> None:
    """`is_grads_batched` gives a batch of slopes, as the Jacobian of torch.autograd.functional does."""
    x = noise(1, 1000).requires_grad_()
    y = run(RECIPE, x)
    slopes = torch.eye(4).repeat(1, 80 * 5)[:, : y.numel()].reshape(4, *y.shape)
    (many,) = torch.autograd.grad(y, x, slopes, is_grads_batched=True, retain_graph=True)
    each = [torch.autograd.grad(y, x, slope, retain_graph=True)[0] for slope in slopes]
    torch.testing.assert_close(many, torch.stack(each), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("arguments", TRANSFORMS)
def test_complex_spectra(arguments: dict[str, object], calls: list[int]) -> None:
    layer, exact = kapre.STFT(**arguments), kapre.STFT(**arguments, dtype="float64")
    x = noise(3, 4000, 2)
    x[1, 1000:] = torch.nan  # only the frames that reach there
    mask = torch.arange(4000) < torch.tensor([4000, 900, 2500])[:, None]
    for words in ({}, {"mask": mask}):
        found, right = layer(x, **words), exact(x.double(), **words)
        assert (found.dtype, found.shape) == (torch.complex64, right.shape)
        peak = float(right.abs().nan_to_num().max())
        torch.testing.assert_close(found, right.to(found.dtype), rtol=0, atol=1e-6 * peak, equal_nan=True)
    assert len(calls) == 2
    x = noise(2, 4000, 1).requires_grad_()
    layer(x).abs().sum().backward()
    assert len(calls) == 2  # a gradient takes the framework's


def test_complex_spectra_in_a_program() -> None:
    torch._dynamo.reset()
    layer = kapre.STFT(n_fft=512, hop_length=160)
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(noise(2, 4000, 1)), layer(noise(2, 4000, 1)), rtol=0, atol=0)
    slopes = []
    for fn in (compiled, layer):
        x = noise(2, 4000, 1).requires_grad_()
        fn(x).abs().square().sum().backward()
        slopes.append(x.grad)
    assert (slopes[0] - slopes[1]).abs().max() <= 1e-5 * slopes[1].abs().max()


@pytest.mark.parametrize("arguments", INVERSES)
def test_inverses(arguments: dict[str, object], calls: list[int]) -> None:
    layer, exact = kapre.InverseSTFT(**arguments), kapre.InverseSTFT(**arguments, dtype="float64")
    z = torch.from_numpy(cases.complex_noise(arguments))
    mask = torch.arange(13) < torch.tensor(COUNTS)[:, None]
    z[2, 9] = torch.nan
    z[0, 0] = torch.nan
    for words in ({}, {"mask": mask}):
        found, right = layer(z, **words), exact(z.to(torch.complex128), **words)
        assert (found.dtype, found.shape) == (torch.float32, right.shape)
        peak = float(right.abs().nan_to_num().max())
        torch.testing.assert_close(found, right.float(), rtol=0, atol=1e-6 * peak, equal_nan=True)
    assert len(calls) == 2
    conjugate = layer(z.conj())
    assert len(calls) == 3
    torch.testing.assert_close(conjugate, layer(z.conj().resolve_conj()), rtol=0, atol=0, equal_nan=True)
    torch.testing.assert_close(layer(z[:, ::2]), layer(z[:, ::2].contiguous()), rtol=0, atol=0, equal_nan=True)
    z = torch.from_numpy(cases.complex_noise(arguments)).requires_grad_()
    before = len(calls)
    layer(z).square().sum().backward()
    assert len(calls) == before  # a gradient takes the framework's
    assert z.grad.abs().max() > 0


def test_an_inverse_refuses_other_bins() -> None:
    """Keras checks a shape in the first call alone; the library would read past the tensor."""
    layer = kapre.InverseSTFT(n_fft=2048, hop_length=512)
    layer(torch.zeros(1, 4, 1025, 1, dtype=torch.complex64))
    for bins in (16, 1, 1026):
        with pytest.raises(ValueError, match="must have 1025 frequency bins"):
            layer(torch.zeros(1, 40, bins, 1, dtype=torch.complex64))


def test_inverses_with_exact_edges_are_compiled() -> None:
    torch._dynamo.reset()
    layer = kapre.InverseSTFT(n_fft=64, hop_length=16, exact_edges=True, center=True)
    z = torch.from_numpy(cases.complex_noise(dict(n_fft=64))).requires_grad_()
    compiled = torch.compile(layer, backend="aot_eager")
    torch.testing.assert_close(compiled(z), layer(z), rtol=1e-5, atol=1e-6)


def test_lengths_beside_a_default_device() -> None:
    layer = kapre.InverseSTFT(n_fft=64, hop_length=16)
    z = torch.from_numpy(cases.complex_noise(dict(n_fft=64)))
    mask = torch.arange(13) < torch.tensor(COUNTS)[:, None]
    right = layer(z, mask=mask)
    with torch.device("meta"):
        torch.testing.assert_close(layer(z, mask=mask), right, rtol=0, atol=0)


def test_inverses_in_a_program(calls: list[int]) -> None:
    torch._dynamo.reset()
    layer = kapre.InverseSTFT(n_fft=512, hop_length=160)
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager", dynamic=True)
    for frames in (13, 6):
        z = torch.from_numpy(cases.complex_noise(dict(n_fft=512)))[:, :frames]
        before = len(calls)
        torch.testing.assert_close(compiled(z), layer(z), rtol=0, atol=0)
        assert len(calls) == before + 2
    z.requires_grad_()
    slopes = [torch.autograd.grad(fn(z).square().sum(), z)[0] for fn in (compiled, layer)]
    assert (slopes[0] - slopes[1]).abs().max() <= 1e-5 * slopes[1].abs().max()
    exported = torch.export.export(layer, (z.detach(),))
    assert not any("kapre" in str(node.target) for node in exported.graph.nodes)


def test_layouts_of_memory(calls: list[int]) -> None:
    x = noise(4, 3, 8000)
    right = run(RECIPE, x)
    layouts = {
        "a view with a step": noise(4, 3, 16000)[..., ::2].copy_(x),
        "axes in another order": x.permute(2, 0, 1).contiguous().permute(1, 2, 0),
        "a part of a longer tensor": torch.nn.functional.pad(x, (3, 5))[..., 3:8003],
        "items in reverse": x.flip(0).flip(0),
    }
    for words, y in layouts.items():
        torch.testing.assert_close(run(RECIPE, y), right, rtol=0, atol=0, msg=words)
    one = noise(1, 8000)
    torch.testing.assert_close(run(RECIPE, one.expand(5, 8000)), run(RECIPE, one).expand(5, -1, -1), rtol=0, atol=0)
    assert len(calls) == len(layouts) + 3


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")  # forward mode calls it
def test_what_it_leaves_to_the_framework(calls: list[int]) -> None:
    x = noise(2, 4000)
    run(RECIPE, x.double())
    run(kapre.Recipe(n_fft=514, hop_length=100), x)  # 257 is prime
    run(RECIPE, torch.zeros(0, 4000))
    run(RECIPE, torch.zeros(2, 100))  # no frame
    torch.func.vmap(lambda row: run(RECIPE, row[None])[0])(x)
    torch.func.jvp(lambda v: run(RECIPE, v), (x,), (x,))
    assert torch.export.export(_Module(), (x,)) is not None
    assert calls == []
    run(RECIPE, x)
    assert calls == [1]


class _Module(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return run(RECIPE, x)


def test_one_length_is_that_of_all_and_another_number_is_refused() -> None:
    x = noise(3, 4000)
    all_of_them = run(RECIPE, x, torch.tensor([900] * 3))
    torch.testing.assert_close(run(RECIPE, x, torch.tensor([900])), all_of_them, rtol=0, atol=0)
    with pytest.raises(RuntimeError, match="size"):
        run(RECIPE, x, torch.tensor([900, 900]))


def test_inference_mode_and_what_outlives_it() -> None:
    x = noise(2, 4000)
    with torch.inference_mode():
        y = run(RECIPE, x)
        assert y.is_inference()
    x.requires_grad_()
    run(RECIPE, x).sum().backward()
    assert torch.isfinite(x.grad).all()


def test_defaults_of_torch_do_not_matter() -> None:
    x = noise(2, 4000)
    right = run(RECIPE, x)
    try:
        torch.set_default_dtype(torch.float64)
        with torch.device("meta"):
            found = run(RECIPE, x)
    finally:
        torch.set_default_dtype(torch.float32)
    torch.testing.assert_close(found, right, rtol=0, atol=0)


def test_a_call_does_not_write_into_its_input_or_an_earlier_result() -> None:
    x = noise(2, 4000)
    kept, first = x.clone(), run(RECIPE, x)
    again = first.clone()
    run(RECIPE, noise(2, 4000, seed=5))
    torch.testing.assert_close(x, kept, rtol=0, atol=0)
    torch.testing.assert_close(first, again, rtol=0, atol=0)


def test_threads_and_any_number_of_them_give_the_same() -> None:
    x = noise(6, 60000)
    kept = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = run(RECIPE, x)
        torch.set_num_threads(3)
        torch.testing.assert_close(run(RECIPE, x), one, rtol=0, atol=0)
    finally:
        torch.set_num_threads(kept)
    results: list[torch.Tensor] = []
    threads = [threading.Thread(target=lambda: results.append(run(RECIPE, x))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 6
    for found in results:
        torch.testing.assert_close(found, one, rtol=0, atol=0)


@pytest.mark.parametrize("name", ["kaldi_fbank", "paraformer"])
def test_a_stream_gives_the_bits_of_the_whole_clip(name: str) -> None:
    frontend = kapre.Frontend.from_preset(name)
    x = noise(1, 20000)
    found = streamed(frontend.stream(), x, [1, 1234, 399])
    np.testing.assert_array_equal(found, frontend(x).numpy())


def test_layers_are_copied_and_pickled() -> None:
    frontend = kapre.Frontend.from_preset("kaldi_fbank")
    x = noise(1, 4000)
    y = frontend(x)
    for other in (copy.deepcopy(frontend), pickle.loads(pickle.dumps(frontend))):
        torch.testing.assert_close(other(x), y, rtol=0, atol=0)


@pytest.mark.parametrize("recipe", [RECIPE, KALDI.replace(energy="first"), RECIPE.replace(center=True)])
def test_compiled_programs_contain_it(recipe: kapre.Recipe) -> None:
    x, lengths = noise(3, 8000), torch.tensor([8000, 900, 4000])
    programs: list[torch.fx.GraphModule] = []

    def keep(program: torch.fx.GraphModule, _: object) -> object:
        programs.append(program)
        return program.forward

    for args in ((x,), (x, lengths)):
        torch._dynamo.reset()
        compiled = torch.compile(lambda *args: run(recipe, *args), fullgraph=True, backend=keep)
        torch.testing.assert_close(compiled(*args), run(recipe, *args), rtol=0, atol=0)
        assert OP in str(programs[-1].graph)


def test_a_compiled_layer_and_its_gradient() -> None:
    torch._dynamo.reset()
    frontend = kapre.Frontend.from_preset("kaldi_fbank")
    compiled = torch.compile(frontend, fullgraph=True, backend="aot_eager")
    slopes = []
    for layer in (compiled, frontend):
        x = noise(2, 8000).requires_grad_()
        y = layer(x)
        y.square().sum().backward()
        slopes.append(x.grad)
        torch.testing.assert_close(y, frontend(noise(2, 8000)), rtol=1e-6, atol=1e-6)
    assert (slopes[0] - slopes[1]).abs().max() <= 1e-4 * slopes[1].abs().max()


@pytest.mark.parametrize("recipe", [RECIPE, KALDI, RECIPE.replace(center=True), RECIPE.replace(pad_end=True)])
def test_a_compiled_program_for_any_length(recipe: kapre.Recipe) -> None:
    torch._dynamo.reset()
    compiled = torch.compile(lambda x: run(recipe, x), fullgraph=True, backend="aot_eager", dynamic=True)
    for items, time in ((2, 8000), (3, 9000), (5, 4321)):
        x = noise(items, time)
        torch.testing.assert_close(compiled(x), run(recipe, x), rtol=1e-6, atol=1e-6)


def test_a_compiled_program_for_no_items() -> None:
    torch._dynamo.reset()
    compiled = torch.compile(lambda x, lengths: run(RECIPE, x, lengths), backend="aot_eager", dynamic=True)
    x, lengths = noise(3, 8000), torch.tensor([8000, 900, 400])
    compiled(x, lengths)
    assert compiled(x[:0], lengths[:0]).shape == (0, *run(RECIPE, x).shape[1:])


def test_the_gradient_of_the_gradient_of_a_compiled_program() -> None:
    torch._dynamo.reset()

    def second(fn: object) -> torch.Tensor:
        x = noise(1, 3000).requires_grad_()
        (first,) = torch.autograd.grad(fn(x).square().mean(), x, create_graph=True)
        (1e6 * first.square().sum() + x.square().sum()).backward()
        return x.grad

    right = second(lambda x: run(RECIPE, x))
    found = second(torch.compile(lambda x: run(RECIPE, x), backend="eager"))
    assert (found - right).abs().max() <= 1e-3 * right.abs().max()


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")  # forward mode calls it
def test_a_compiled_program_in_forward_mode() -> None:
    torch._dynamo.reset()
    x = noise(1, 3000)
    compiled = torch.compile(lambda x: run(RECIPE, x), backend="eager")
    compiled(x)
    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(x, x)
        found, right = (torch.autograd.forward_ad.unpack_dual(fn(dual)).tangent for fn in (compiled, features))
    torch.testing.assert_close(found, right, rtol=1e-3, atol=1e-3)


def test_a_program_of_another_process_says_what_to_do() -> None:
    with pytest.raises(RuntimeError, match="Compile the function in this process"):
        native_torch._spectrum(noise(1, 4000), None, "of another", 5)


def test_a_compiled_vmap_is_left_to_the_framework() -> None:
    x = noise(2, 4000)
    torch._dynamo.reset()
    compiled = torch.compile(torch.func.vmap(lambda row: run(RECIPE, row[None])[0]), backend="aot_eager")
    torch.testing.assert_close(compiled(x), run(RECIPE, x), rtol=1e-3, atol=1e-3)


def test_the_operation_is_one_of_pytorch() -> None:
    x = noise(2, 4000).requires_grad_()
    recipe = KALDI.replace(energy="first")
    parts = recipe, True, False
    key = native_torch._key(_Operations, *parts)
    torch.library.opcheck(native_torch._spectrum, (x, None, key, recipe.num_frames(4000)))


def test_exported_programs_do_not_contain_it() -> None:
    assert OP not in str(torch.export.export(_Module(), (noise(2, 4000),)).graph)
