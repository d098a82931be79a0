"""The architecture: which module may import which, what `import kapre` loads, which backend it takes."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import kapre
from kapre.deploy import FORMATS
from tests.clips import lay_out_recordings
from tests.layer_cases import CASES
from tests.processes import python

ROOT = Path(__file__).resolve().parents[2]

# A module may import what has its own rank or a lower one.
RANKS = {
    "kapre._version": 0,
    "kapre._select_backend": 0,
    "kapre._arguments": 0,
    "kapre._checks": 0,
    "kapre._lazy": 0,
    "kapre._hints": 0,
    "kapre._shown": 0,
    "kapre._native": 0,
    "kapre.ops": 1,
    "kapre.stages": 2,
    "kapre.recipe": 2,
    "kapre.executor": 3,
    "kapre._one_piece": 4,
    "kapre._layer": 4,
    "kapre._lengths": 4,
    "kapre._stft_stream": 5,
    "kapre._filter_stream": 5,
    "kapre.backend": 5,
    "kapre.functional": 5,
    "kapre.filters": 5,
    "kapre.levels": 5,
    "kapre.separation": 5,
    "kapre._removed": 0,
    "kapre.filterbank": 1,
    "kapre.utils": 1,
    "kapre.signal": 5,
    "kapre.time_frequency": 5,
    "kapre.inversion": 5,
    "kapre.time_frequency_tflite": 6,
    "kapre.augmentation": 5,
    "kapre._models": 6,
    "kapre.composed": 7,
    "kapre.frontends": 7,
    "kapre._difference": 1,
    "kapre._causes": 3,
    "kapre._estimates": 4,
    "kapre._common_mistakes": 3,
    "kapre._plot_layout": 3,
    "kapre.descriptors": 8,
    "kapre.learned": 8,
    "kapre.losses": 8,
    "kapre.metrics": 9,
    "kapre._recipe_search": 8,
    "kapre.compare": 8,
    "kapre._augmented": 7,
    "kapre.plot": 7,
    "kapre.deploy": 8,
    "kapre.integrations": 8,
    "kapre.audio": 8,
    "kapre.corpus": 9,
    "kapre": 10,
    "kapre_cli": 11,
}
BACKENDS = ("tensorflow", "jax", "torch")


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def rank(module: str) -> int:
    if module in ("kapre", "kapre.__init__"):
        return RANKS["kapre"]
    return max((name, value) for name, value in RANKS.items() if f"{module}.".startswith(f"{name}."))[1]


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imported(path: Path, for_types: bool = True) -> set[str]:
    """Return the modules that a file imports, functions' own imports too, and what only a type checker reads."""
    found: set[str] = set()
    tree = parsed(path)
    checked = [
        node for node in ast.walk(tree) if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    left_out = (
        set() if for_types else {id(node) for branch in checked for part in branch.body for node in ast.walk(part)}
    )
    for node in ast.walk(tree):
        if id(node) in left_out:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            base = node.module or ""
            for alias in node.names:
                below = ROOT / Path(*base.split("."), alias.name)
                is_module = below.is_dir() or below.with_suffix(".py").exists()
                found.add(f"{base}.{alias.name}" if is_module else base)
    return found


MAY_NAME_BACKENDS = (ROOT / "kapre" / "ops" / "kernels", ROOT / "kapre" / "deploy" / "formats")


def may_name_backends(path: Path) -> bool:
    return any(path.is_relative_to(folder) for folder in MAY_NAME_BACKENDS)


SOURCES = sorted([*(ROOT / "kapre").rglob("*.py"), *(ROOT / "kapre_cli").rglob("*.py")])
LIBRARY = [path for path in SOURCES if path.is_relative_to(ROOT / "kapre")]


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_imports_run_one_way(path: Path) -> None:
    own = module_name(path)
    for module in imported(path):
        if module.split(".")[0] in ("kapre", "kapre_cli"):
            assert rank(module) <= rank(own), f"{own} imports {module}"


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_only_kernels_and_writers_of_files_name_a_backend(path: Path) -> None:
    if may_name_backends(path):
        return
    assert not {module.split(".")[0] for module in imported(path)} & set(BACKENDS), path


def strings(path: Path) -> list[str]:
    """Return the strings of a file, docstrings and parts of f-strings too."""
    tree = parsed(path)
    return [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]


# What sets a process up before its backend starts cannot ask the kernel.
BEFORE_A_BACKEND = ("kapre/_select_backend.py", "kapre/corpus/_local.py")
LOGGERS = "kapre/deploy/_quiet.py"


@pytest.mark.parametrize("path", LIBRARY, ids=module_name)
def test_only_kernels_and_writers_of_files_ask_for_a_backend_by_name(path: Path) -> None:
    known = (*BEFORE_A_BACKEND, LOGGERS)
    if not (may_name_backends(path) or str(path.relative_to(ROOT)) in known):
        named = [text for text in strings(path) if re.fullmatch(rf"({'|'.join(BACKENDS)})(\.\w+)*", text)]
        assert not named, f"{path}: {named}"


OF_EXPORT = [path for path in SOURCES if path.is_relative_to(ROOT / "kapre" / "deploy") and not may_name_backends(path)]


@pytest.mark.parametrize("path", OF_EXPORT, ids=module_name)
def test_only_the_file_of_a_format_asks_for_it_by_name(path: Path) -> None:
    suffixes = {suffix for entry in FORMATS.values() for suffix in entry.suffixes}
    assert len(suffixes) == len(FORMATS) - 1
    assert not set(strings(path)) & {*FORMATS, *suffixes}, path


def test_one_module_of_the_export_walks_over_layers_within_layers() -> None:
    assert [path.stem for path in OF_EXPORT if "_layers" in strings(path)] == ["_inventory"]


@pytest.mark.parametrize("path", LIBRARY, ids=module_name)
def test_the_library_names_no_flag_of_the_command(path: Path) -> None:
    for text in strings(path):
        found = re.findall(r"(?<![\w-])--[a-z][a-z-]*", text.replace("--xla_", "").replace("ray start --head", ""))
        assert not found, f"{path}: {found}"


@pytest.mark.parametrize("path", [path for path in LIBRARY if path.name != "_layer.py"], ids=module_name)
def test_only_the_base_of_layers_asks_for_a_data_format(path: Path) -> None:
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Compare):
            asked = re.search(r"\b(\w*data_format|_CH_\w+_STR|channels_first|channels_last)\b", ast.unparse(node))
            assert not asked, f"{path}:{node.lineno}: {ast.unparse(node)}"


PRINTING = {"print", "pprint.pprint", "sys.stdout", "sys.stderr", "sys.__stdout__", "sys.__stderr__", "os.write"}
MAY_PRINT = {
    "kapre/deploy/_child.py": {"print"},  # a program: its report is its output
    LOGGERS: {"sys.stdout", "sys.stderr", "sys.__stdout__", "sys.__stderr__"},  # drops what others print
}


@pytest.mark.parametrize("path", LIBRARY, ids=module_name)
def test_the_library_never_prints(path: Path) -> None:
    """Nor does it log; test_quiet.py makes calls."""
    tree = parsed(path)
    used = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Name | ast.Attribute)}
    assert not used & PRINTING - MAY_PRINT.get(str(path.relative_to(ROOT)), set()), path
    levels = "debug|info|warning|error|exception|critical"
    assert not [text for text in used if re.fullmatch(rf"_?log\w*\.({levels})", text)], path


def test_no_module_is_in_a_circle_of_imports() -> None:
    names = {module_name(path): path for path in SOURCES}
    needs = {
        name: {module for module in imported(path, for_types=False) if module in names} - {name}
        for name, path in names.items()
    }
    while needs:
        free = {name for name, wanted in needs.items() if not wanted}
        assert free, f"in circles, or behind one: {sorted(needs)}"
        needs = {name: wanted - free for name, wanted in needs.items() if name not in free}


def test_pages_name_no_private_module() -> None:
    for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        lines = path.read_text(encoding="utf-8").splitlines()
        text = "\n".join(line for line in lines if not line.startswith(":::"))  # where a public class is defined
        found = re.findall(r"\bkapre(?:_cli)?[./](?:\w+[./])*_[a-z]\w*", text)
        assert not found, f"{path}: {found}"


def test_windows_and_banks_are_free_of_keras() -> None:
    for name in ("windows", "filterbanks"):
        assert not any(m.split(".")[0] == "keras" for m in imported(ROOT / "kapre" / "ops" / f"{name}.py"))


def run(code: str, **env: str | None) -> subprocess.CompletedProcess[str]:
    return python("-c", code, **env)


@pytest.mark.parametrize("backend", os.environ.get("KAPRE_TEST_BACKENDS", "jax").split())
def test_import_loads_nothing_heavy(backend: str) -> None:
    code = "import sys, json, keras\nbefore = set(sys.modules)\nimport kapre\n"
    code += "print(json.dumps(sorted(set(sys.modules) - before)))"
    result = run(code, KERAS_BACKEND=backend)
    assert result.returncode == 0, result.stderr
    extra = json.loads(result.stdout.splitlines()[-1])
    assert "kapre.composed" in extra
    found = {name.split(".")[0] for name in extra}
    if backend == "tensorflow":  # it names the module of a library's operations with a hash of their functions
        found = {name for name in found if not re.fullmatch("[0-9a-f]{40}", name)}
    assert found <= {"kapre", "kapre_native", backend} | sys.stdlib_module_names


ABSENT = """
import sys, importlib.util
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *a: None if name in {absent} else find(name, *a)
"""


def test_named_backend_that_is_absent_says_how_to_get_it() -> None:
    result = run(ABSENT.format(absent=("torch",)) + "import kapre", KERAS_BACKEND="torch")
    assert result.returncode == 1
    last = result.stderr.strip().splitlines()[-1]
    assert "KERAS_BACKEND names 'torch'" in last
    assert "pip install 'kapre[torch]'" in last


def test_no_backend_at_all_says_how_to_get_one() -> None:
    result = run(ABSENT.format(absent=BACKENDS) + "import kapre", KERAS_BACKEND=None)
    assert result.returncode == 1
    last = result.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: Kapre needs a Keras backend and finds none")
    assert all(f"`pip install 'kapre[{name}]'`" in last for name in BACKENDS)
    assert "For a CPU, run the command that PyTorch's install page gives" in last


def test_numpy_without_what_keras_needs_for_it() -> None:
    result = run(ABSENT.format(absent=("jax",)) + "import kapre", KERAS_BACKEND="numpy")
    assert "names 'numpy', for which Keras needs jax: run `pip install jax`" in result.stderr.strip().splitlines()[-1]


def test_a_name_that_is_no_backend() -> None:
    result = run("import kapre", KERAS_BACKEND="theano")
    assert (
        "'theano', which Kapre does not run on: use jax, tensorflow or torch" in result.stderr.strip().splitlines()[-1]
    )


def test_the_readme_runs_where_only_jax_is(tmp_path: Path) -> None:
    lay_out_recordings(tmp_path)
    hidden = "import sys\nclass Hidden:\n    def find_spec(self, name, *_):\n"
    hidden += "        if name.split('.')[0] in ('tensorflow', 'torch'):\n            raise ModuleNotFoundError(name)\n"
    hidden += "sys.meta_path.insert(0, Hidden())\n"
    block = (ROOT / "README.md").read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    block = block.split("print(kapre.export")[0]
    there = f"import os\nos.chdir({str(tmp_path)!r})\n"
    code = hidden + ABSENT.format(absent=("tensorflow", "torch")) + there + block
    result = run(code, KERAS_BACKEND=None, KERAS_HOME=None)
    assert result.returncode == 0, result.stderr
    assert float(result.stdout.split("accuracy")[1].split()[0]) >= 0.8


def test_contributing_names_every_python_declared() -> None:
    declared = re.findall(r"Python :: (3\.\d+)", (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    versions = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("## Versions")[1].split("## ")[0]
    assert declared
    assert all(version in versions for version in declared)


@pytest.mark.parametrize("config", [None, '{"backend": "tensorflow"}', "not json"])
def test_the_one_installed_backend_is_taken(config: str | None, tmp_path: Path) -> None:
    if config is not None:
        (tmp_path / "keras.json").write_text(config)
    code = ABSENT.format(absent=("tensorflow", "torch"))
    # The module by itself: it asks nothing of the package, which would load Keras too.
    code += f"import os, runpy\nrunpy.run_path({str(ROOT / 'kapre' / '_select_backend.py')!r})\n"
    code += "print(os.environ['KERAS_BACKEND'])"
    result = run(code, KERAS_BACKEND=None, KERAS_HOME=str(tmp_path))
    assert result.stdout.split()[-1] == "jax", result.stderr


def test_keras_own_file_is_heeded(tmp_path: Path) -> None:
    (tmp_path / "keras.json").write_text('{"backend": "torch"}')
    result = run(ABSENT.format(absent=("torch",)) + "import kapre", KERAS_BACKEND=None, KERAS_HOME=str(tmp_path))
    assert "keras.json names 'torch', which is not installed" in result.stderr.strip().splitlines()[-1]


def test_an_unknown_attribute_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'kapre' has no attribute 'nothing'"):
        kapre.nothing  # noqa: B018


def test_export_list_is_sorted_and_whole() -> None:
    assert [name for name in kapre.__all__ if not hasattr(kapre, name)] == []
    tree = ast.parse((ROOT / "kapre" / "__init__.py").read_text(encoding="utf-8"))
    (names,) = (n.value for n in tree.body if isinstance(n, ast.Assign) and n.targets[0].id == "__all__")  # type: ignore[attr-defined]
    listed = ast.literal_eval(names)
    assert len(listed) == len(set(listed))
    assert listed == sorted(listed, key=lambda n: (not n.isupper(), n[0].islower() or n[0] == "_", n))


def test_sources_name_no_registry_and_no_machine() -> None:
    """No address of a package registry and no path of a machine, in any committed file."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    hosts = ["".join(parts) for parts in (("py", "pi.org"), ("python", "hosted.org"), ("registry.", "npmjs"))]
    for name in listed.decode().split("\0"):
        path = ROOT / name
        if name and path.suffix in (".py", ".md", ".toml", ".txt", ".yml", ".yaml", ".json", "") and path.is_file():
            text = path.read_text(encoding="utf-8", errors="ignore")
            assert not any(host in text for host in hosts), name
            assert str(ROOT) not in text, name


TESTS = sorted((ROOT / "tests").rglob("*.py"))


def test_no_test_module_is_imported() -> None:
    """What two test modules share stands in a module that holds no tests."""
    for path in TESTS:
        assert not [module for module in imported(path) if module.rpartition(".")[2].startswith("test_")], path


def test_no_test_asks_for_a_case_by_name() -> None:
    """A field of `Case` says what a test asks for."""
    for path in TESTS:
        if "tests.layer_cases" in imported(path):
            assert not set(strings(path)) & set(CASES), path


def helpers(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the names and the bodies of a file's functions that are no tests; those of one line are left out."""
    for node in parsed(path).body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("test_"):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            text = "\n".join(map(ast.unparse, body))
            if "\n" in text:
                yield node.name, text


def test_no_helper_is_written_twice() -> None:
    found: dict[str, list[str]] = {}
    for path in TESTS:
        for name, text in helpers(path):
            found.setdefault(text, []).append(f"{module_name(path)}.{name}")
    assert len(found) > 100
    assert not [places for places in found.values() if len(places) > 1]
