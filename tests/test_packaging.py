"""What is in the checkout is in the wheel: no package and no kind of file is silently left out."""

import io
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email import message_from_bytes
from email.message import Message
from hashlib import sha256
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SETUPTOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
OUTSIDE = {"generator", "schema"}
"""Packages that stand beside ``rnn_goldens`` in a checkout; ``fixtures`` is one without a file of Python."""

PARTS = ("changes", "distribution", "rnn_goldens", "generator", "schema", "fixtures/v1/documented", "docs", "examples")
"""What the tests build, of which the corpus is the largest: a little of it is enough."""


def test_every_package_is_listed() -> None:
    tops = [ROOT / "rnn_goldens", *(ROOT / name for name in OUTSIDE)]
    folders = {file.parent.relative_to(ROOT) for top in tops for file in top.rglob("*.py")}
    packages = {".".join(folder.parts) for folder in folders}
    inside = {name if name.partition(".")[0] == "rnn_goldens" else f"rnn_goldens.{name}" for name in packages}
    assert set(SETUPTOOLS["packages"]) == inside | {"rnn_goldens.fixtures"}


def test_every_file_that_is_no_python_is_package_data() -> None:
    homes = {name: Path(folder) for name, folder in SETUPTOOLS["package-dir"].items()}
    for top in ("rnn_goldens", *OUTSIDE, "fixtures"):
        for file in (ROOT / top).rglob("*"):
            if not file.is_file() or file.suffix in (".py", ".pyc"):
                continue
            matching = [
                package
                for package, patterns in SETUPTOOLS["package-data"].items()
                for pattern in patterns
                if file in (ROOT / homes.get(package, Path(*package.split(".")))).glob(pattern)
            ]
            assert matching, f"{file.relative_to(ROOT)} would not be in the wheel"


def a_tree(folder: Path, umask: int, when: int) -> Path:
    """What is built, as somebody with an umask and another clock has it."""
    before = os.umask(umask)
    try:
        for name in PARTS:
            for path in sorted((ROOT / name).rglob("*")):
                if path.is_file() and path.suffix != ".pyc" and "node_modules" not in path.parts:
                    copy = folder / path.relative_to(ROOT)
                    copy.parent.mkdir(parents=True, exist_ok=True)
                    copy.write_bytes(path.read_bytes())
                    os.utime(copy, (when, when))
        for path in (
            path
            for path in ROOT.iterdir()
            if path.suffix in (".toml", ".md", ".in", ".cff", ".py") or path.stem == "LICENSE"
        ):
            (folder / path.name).write_bytes(path.read_bytes())
    finally:
        os.umask(before)
    return folder


BUILD = """
import os, sys
_, into, umask = sys.argv  # which setuptools replaces
os.umask(int(umask, 8))
sys.path.insert(0, "distribution")
import same_bytes
same_bytes.build_sdist(into)
same_bytes.build_wheel(into)
"""


def built(folder: Path, umask: int, when: int) -> dict[str, bytes]:
    tree, into = a_tree(folder / "tree", umask, when), folder / "dist"
    into.mkdir()
    environment = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", BUILD, str(into), f"{umask:o}"],
        cwd=tree,
        env=environment,
        check=True,
        capture_output=True,
    )
    return {path.name: path.read_bytes() for path in into.iterdir()}


def test_whoever_cites_it_is_told_the_version_and_the_home_that_it_has() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    citation = (ROOT / "CITATION.cff").read_text("utf-8").splitlines()
    assert f"version: {project['version']}" in citation
    assert f"repository-code: {project['urls']['Repository']}" in citation
    assert f"license: {project['license']}" in citation


@pytest.mark.slow
def test_who_builds_it_when_and_where_does_not_show_in_its_bytes(tmp_path: Path) -> None:
    here = built(tmp_path / "here", 0o022, 1_600_000_000)
    there = built(tmp_path / "some" / "where else", 0o077, 1_700_000_000)
    assert sorted(Path(name).suffix for name in here) == [".gz", ".whl"]
    assert {name: sha256(content).hexdigest() for name, content in here.items()} == {
        name: sha256(content).hexdigest() for name, content in there.items()
    }


@pytest.mark.slow
def test_everybody_may_read_what_was_built_by_somebody_who_shares_nothing(tmp_path: Path) -> None:
    for name, content in built(tmp_path, 0o077, 1_600_000_000).items():
        if name.endswith(".whl"):
            with zipfile.ZipFile(io.BytesIO(content)) as wheel:
                modes = {info.external_attr >> 16 & 0o777 for info in wheel.infolist()}
        else:
            with tarfile.open(fileobj=io.BytesIO(content)) as sdist:
                modes = {info.mode for info in sdist}
                assert {(info.uid, info.gid, info.uname, info.gname) for info in sdist} == {(0, 0, "", "")}
        assert modes <= {0o644, 0o755}


@pytest.mark.slow
def test_its_description_has_links_that_lead_to_this_version_in_the_repository(tmp_path: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    repository = project["urls"]["Repository"]
    described = [metadata(name, content) for name, content in built(tmp_path, 0o022, 1_600_000_000).items()]
    assert described[0].get_payload() == described[1].get_payload()
    for message in described:
        assert message["Description-Content-Type"] == "text/markdown"
        text = str(message.get_payload())
        links = re.findall(
            r"\]\(([^)\s]+)\)", re.sub(r"^```.*?^```|`[^`\n]+`", "", text, flags=re.DOTALL | re.MULTILINE)
        )
        assert len(links) > 30
        assert [link for link in links if not link.startswith(f"{repository}/")] == []
        kinds = [link.removeprefix(f"{repository}/").partition("#")[0].split("/", 2) for link in links]
        assert {revision for _, revision, _ in kinds} == {f"v{project['version']}"}
        assert [path for kind, _, path in kinds if (ROOT / path).is_dir() != (kind == "tree")] == []
        assert [path for _, _, path in kinds if not (ROOT / path).exists()] == []
        assert '**rnn_golden.weights_as("textbook"))' in text  # code stays as it is


def metadata(name: str, content: bytes) -> Message:
    """What a wheel or an sdist says of itself."""
    if name.endswith(".whl"):
        with zipfile.ZipFile(io.BytesIO(content)) as wheel:
            (path,) = (path for path in wheel.namelist() if path.endswith(".dist-info/METADATA"))
            return message_from_bytes(wheel.read(path))
    with tarfile.open(fileobj=io.BytesIO(content)) as sdist:
        file = sdist.extractfile(f"{name.removesuffix('.tar.gz')}/PKG-INFO")
        assert file is not None
        return message_from_bytes(file.read())


def steps_of(target: str, folder: Path) -> str:
    """What make would run in a folder that has the Makefile alone, and what was set up there."""
    (folder / "Makefile").write_bytes((ROOT / "Makefile").read_bytes())
    (folder / "pyproject.toml").touch()
    run_by_make = (
        "MAKEFLAGS",
        "MAKELEVEL",
        "MFLAGS",
    )  # of the make that runs the tests: its options would be taken over
    environment = {name: value for name, value in os.environ.items() if name not in run_by_make}
    command = ["make", "-n", target]
    return subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, text=True).stdout


def test_the_demo_installs_what_it_needs_and_torch_for_the_cpu_alone(tmp_path: Path) -> None:
    steps = steps_of("demo", tmp_path)
    assert ".[generate,torch]" in steps
    assert ".[dev]" not in steps
    assert "whl/cpu" in steps


def test_the_demo_runs_in_the_environment_of_the_tests_where_that_is_set_up(tmp_path: Path) -> None:
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv/.ready").touch()
    os.utime(tmp_path / ".venv/.ready", (2e9, 2e9))
    assert steps_of("demo", tmp_path) == ".venv/bin/python examples/demo.py\n"
