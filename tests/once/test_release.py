"""What a release states in several places agrees: versions, requirements, the changelog, the workflows."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

import kapre
from kapre_cli.errors import BACKENDS

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def loaded(path: Path) -> dict[Any, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def requirements(lines: list[str]) -> dict[str, Requirement]:
    """Return requirements by name. The package itself, with other extras, is left out."""
    found = [Requirement(line) for line in lines]
    return {each.name: each for each in found if each.name != "kapre"}


def pinned(file: str, python: str) -> dict[str, str]:
    """Return the versions in a file of requirements for a version of Python."""
    lines = [line.split(" #")[0].strip() for line in (ROOT / file).read_text(encoding="utf-8").splitlines()]
    found = [Requirement(line) for line in lines if line and not line.startswith(("#", "-"))]
    here = {"python_version": python, "python_full_version": f"{python}.9"}
    return {
        each.name.removesuffix("-cpu"): str(next(iter(each.specifier)).version)
        for each in found
        if each.specifier and (each.marker is None or each.marker.evaluate(here))
    }


def test_the_compiled_kernel_has_the_same_version() -> None:
    text = (ROOT / "native" / "kapre_native" / "__init__.py").read_text(encoding="utf-8")
    assert f'__version__ = "{kapre.__version__}"' in text
    assert EXTRAS["native"] == [f"kapre-native>={kapre.__version__}"]


def test_the_changelog_begins_with_this_version() -> None:
    heads = re.findall(r"^## (.*)$", CHANGELOG, re.MULTILINE)
    assert heads[0] == "[Unreleased]"
    assert re.fullmatch(rf"\[{re.escape(kapre.__version__)}\] - \d{{4}}-\d{{2}}-\d{{2}}", heads[1])
    assert set(re.findall(r"^### (.*)$", CHANGELOG, re.MULTILINE)) <= {
        *("Added", "Changed", "Deprecated"),
        *("Removed", "Fixed", "Security"),
    }
    for head in heads:
        assert re.search(rf"^{re.escape(head.split(' ')[0])}: https://", CHANGELOG, re.MULTILINE), head


def test_the_changelog_names_what_there_is() -> None:
    """Names in code that look like those of a class or a function of the package are there."""
    for name in re.findall(r"`kapre\.([\w.]+)", CHANGELOG):
        found = kapre
        for part in name.split("."):
            assert hasattr(found, part), name
            found = getattr(found, part)
    public = {*kapre.__all__, *kapre.augmentation.__all__, *kapre.losses.__all__, *kapre.metrics.__all__}
    public |= {*kapre.integrations.__all__}
    named = set(re.findall(r"`([A-Z]\w*[a-z]\w*)(?:\.\w+)?(?:\(.*?\))?`", CHANGELOG))
    elsewhere = {"ImportError", "TypeError", "DistributedDataParallel", "Melspectrogram"}
    assert len(named) > 50
    assert named - public <= elsewhere, named - public


NAMES_IN_CONDA = {"matplotlib": "matplotlib-base", "soundfile": "pysoundfile", "soxr": "soxr-python"}


def test_the_recipe_for_conda_agrees_with_the_project() -> None:
    recipe = loaded(ROOT / "conda" / "recipe.yaml")
    assert recipe["context"]["version"] == kapre.__version__
    wanted = requirements([*PROJECT["dependencies"], *EXTRAS["audio"]])
    run = {f"{NAMES_IN_CONDA.get(name, name)} {each.specifier}" for name, each in wanted.items()}
    assert set(recipe["requirements"]["run"]) == {*run, f"python {PROJECT['requires-python']}"}
    build = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]["requires"]
    assert {line.replace(" ", "") for line in recipe["requirements"]["host"]} >= set(build)
    (command,) = recipe["build"]["python"]["entry_points"]
    assert command.replace(" ", "") == "kapre=" + PROJECT["scripts"]["kapre"]
    assert recipe["about"]["license"] == PROJECT["license"]
    assert (ROOT / recipe["about"]["license_file"]).is_file()


PAGE = (ROOT / "docs" / "versions.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.split("| Package |")[1].splitlines()[2:]
    if line.startswith("|")
]


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_the_page_of_versions_agrees_with_the_requirements(row: list[str]) -> None:
    name, declared, oldest, newest, later = row
    name = name.strip("`")
    wanted = requirements([*PROJECT["dependencies"], *(line for extra in EXTRAS.values() for line in extra)])
    assert declared.strip("`") == (str(wanted[name].specifier) or "any")
    torch = pinned("requirements-torch.txt", "3.11")
    assert oldest == {**torch, **pinned("requirements-oldest.txt", "3.11")}[name]
    assert newest == {**torch, **pinned("requirements-dev.txt", "3.11")}[name]
    for python in ("3.12", "3.13"):
        assert later == {**torch, **pinned("requirements-dev.txt", python)}[name], python
    assert Version(oldest) in wanted[name].specifier


def test_the_page_of_versions_has_every_package_that_the_oldest_are_tested_of() -> None:
    wanted = requirements([*PROJECT["dependencies"], *EXTRAS["audio"], *EXTRAS["av"]])
    assert [row[0].strip("`") for row in ROWS] == [*list(wanted)[:2], *BACKENDS, *list(wanted)[2:-1], "av"]


def test_the_pages_of_versions_and_the_workflow_name_every_python_declared() -> None:
    declared = {each.rsplit(" ", 1)[1] for each in PROJECT["classifiers"] if re.search(r"Python :: 3\.\d", each)}
    table = PAGE.split("| Package |")[0]
    assert set(re.findall(r"^\| (3\.\d+) \|", table, re.MULTILINE)) == declared
    jobs = loaded(ROOT / ".github" / "workflows" / "ci.yml")["jobs"]
    suite = jobs["suite"]["strategy"]["matrix"]
    assert {*suite["python"], *(each["python"] for each in suite["include"])} == declared
    elsewhere = jobs["elsewhere"]["strategy"]["matrix"]
    assert elsewhere["os"] == ["macos-latest", "windows-latest"]
    for python in declared:
        (row,) = re.findall(rf"^\| {re.escape(python)} \|.*\| (.*) \|$", table, re.MULTILINE)
        assert ("not tested" not in row) == (python in elsewhere["python"]), python


@pytest.mark.parametrize("path", WORKFLOWS, ids=[path.name for path in WORKFLOWS])
def test_the_files_and_jobs_that_a_workflow_names_are_there(path: Path) -> None:
    jobs = loaded(path)["jobs"]
    for name, job in jobs.items():
        needed = job.get("needs", [])
        assert set([needed] if isinstance(needed, str) else needed) <= set(jobs), name
        if "uses" in job:
            assert (ROOT / job["uses"]).is_file(), name
        for step in job.get("steps", []):
            for file in re.findall(r"\b(?:tests|examples|native|kapre)/[\w/.]+\w", step.get("run", "")):
                assert (ROOT / file).exists(), file
