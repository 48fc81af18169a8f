"""The wheel contains every file of the package under one name, and builds are reproducible."""

import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from hashlib import sha256
from pathlib import Path

import pytest

from rnn_goldens.encoding.files import not_in_wheel

pytestmark = pytest.mark.xdist_group("packages")  # one worker builds them

ROOT = Path(__file__).parents[1]
LINKED = ("fixtures", "generator", "schema")
"""Folders beside ``rnn_goldens`` in a checkout, to which ``rnn_goldens`` has links."""

PARTS = (
    "c", "changes", "conformance", "rnn_goldens", "generator", "schema", "fixtures/v2/documented",
    "fixtures/v2/min-gru", "fixtures/kernels/kernels/delta-rule", "kernels", "docs", "examples",
)  # fmt: skip
"""Folders that the tests pack. The corpus is the largest folder, so only a few of its goldens are packed."""


FOR_PAGES = (
    r"rnn_goldens/(defects/page|generator/(\w+_page|rules/\w+|readme_figures))"
    r"\.(py|toml)$"
)
"""What writes pages of the repository: the wheel does not have it."""

LEFT_OUT = (
    r"rnn_goldens/fixtures/(v2/(?!documented/)|kernels/kernels/delta-rule/(?!gradients-64-by-32\.h5)).+\.h5$"
    r"|rnn_goldens/fixtures/v2/documented/.+\.gradients\.h5$"
)
"""HDF5 files that the wheel does not have."""


def source_tree(folder: Path, umask: int, when: int) -> Path:
    """Copy the sources with the given umask and modification time."""
    left_out = shutil.ignore_patterns("__pycache__", "node_modules")
    for name in PARTS:
        shutil.copytree(ROOT / name, folder / name, symlinks=True, ignore=left_out)
    for name in ("__init__.py", "v2/index.json", "kernels/index.json"):
        shutil.copy(ROOT / "fixtures" / name, folder / "fixtures" / name)
    for path in ROOT.iterdir():
        if path.suffix in (".toml", ".md", ".cff") or path.name in ("LICENSE", ".gitignore", "hatch_build.py"):
            shutil.copy(path, folder / path.name)
    for path in folder.rglob("*"):
        if not path.is_symlink():
            path.chmod((0o777 if path.is_dir() else 0o666) & ~umask)
            os.utime(path, (when, when))
    return folder


def built(folder: Path, umask: int, when: int) -> dict[str, bytes]:
    """Return the content of the sdist and of the wheel built from the sdist, by file name.

    An ignored folder has a link to a package, which must be packed nevertheless.
    """
    tree, into = source_tree(folder / "tree", umask, when), folder / "dist"
    (tree / "build").mkdir()
    (tree / "build" / "cells").symlink_to(tree / "rnn_goldens/cells")
    environment = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(into)]
    subprocess.run(command, cwd=tree, env=environment, umask=umask, check=True, capture_output=True)
    return {path.name: path.read_bytes() for path in into.iterdir()}


@dataclass(frozen=True)
class Packed:
    tree: Path
    files: dict[str, bytes]

    def ending(self, suffix: str) -> bytes:
        (content,) = (content for name, content in self.files.items() if name.endswith(suffix))
        return content


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Packed:
    """The sources and what is built from them, with a strict umask."""
    folder = tmp_path_factory.mktemp("packed")
    return Packed(folder / "tree", built(folder, 0o077, 1_600_000_000))


def names_of_wheel(content: bytes) -> set[str]:
    with zipfile.ZipFile(io.BytesIO(content)) as wheel:
        return {name for name in wheel.namelist() if ".dist-info/" not in name}


def test_the_citation_has_the_repository_and_the_licence_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    citation = (ROOT / "CITATION.cff").read_text("utf-8").splitlines()
    assert f"repository-code: {project['urls']['Repository']}" in citation
    assert f"license: {project['license']}" in citation


@pytest.mark.slow
def test_a_wheel_contains_the_package_without_pages_and_most_hdf5_files_which_it_lists(
    packed: Packed, tmp_path: Path
) -> None:
    tree, wheel = packed.tree, packed.ending(".whl")
    own = {path.relative_to(tree) for path in (tree / "rnn_goldens").rglob("*") if path.is_file()}
    linked = {path.relative_to(tree) for name in LINKED for path in (tree / name).rglob("*") if path.is_file()}
    assert len(own) > 200
    assert len(linked) > 100
    package = {path.as_posix() for path in own} | {f"rnn_goldens/{path.as_posix()}" for path in linked}
    for_pages = {name for name in package if re.match(FOR_PAGES, name)}
    assert len(for_pages) > 5
    left_out = {name for name in package if re.match(LEFT_OUT, name)}
    assert len(left_out) > 5
    lists = {f"rnn_goldens/fixtures/{corpus}/not-in-wheel.txt" for corpus in ("v2", "kernels")}
    assert names_of_wheel(wheel) == package - for_pages - left_out | lists
    with zipfile.ZipFile(io.BytesIO(wheel)) as opened:
        for name in lists:
            folder = name.removesuffix("not-in-wheel.txt")
            of_corpus = {path.removeprefix(folder) for path in left_out if path.startswith(folder)}
            assert of_corpus
            (tmp_path / "not-in-wheel.txt").write_bytes(opened.read(name))
            every = [path.removeprefix(folder) for path in package if path.startswith(folder)]
            assert not_in_wheel(tmp_path, every) == of_corpus


@pytest.mark.slow
def test_the_wheel_of_kernels_has_every_golden_of_its_corpus(packed: Packed, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(tmp_path), "kernels"]
    subprocess.run(command, cwd=packed.tree, check=True, capture_output=True)
    (wheel,) = tmp_path.iterdir()
    corpus = packed.tree / "fixtures/kernels"
    goldens = {f"rnn_goldens_kernels/{path.relative_to(corpus).as_posix()}" for path in corpus.rglob("*.h5")}
    own = {"rnn_goldens_kernels/__init__.py", "rnn_goldens_kernels/index.json"}
    assert names_of_wheel(wheel.read_bytes()) == goldens | own


@pytest.mark.slow
def test_an_sdist_contains_every_file_of_the_corpus(packed: Packed) -> None:
    with tarfile.open(fileobj=io.BytesIO(packed.ending(".gz"))) as sdist:
        found = {name.partition("/rnn_goldens/")[2] for name in sdist.getnames() if "/fixtures/v2/" in name}
    corpus = {path.relative_to(packed.tree).as_posix() for path in (packed.tree / "fixtures/v2").rglob("*.*")}
    assert len(corpus) > 20
    assert found == corpus


@pytest.mark.slow
def test_a_wheel_built_from_a_checkout_equals_the_one_built_from_the_sdist(packed: Packed, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(tmp_path)]
    subprocess.run(command, cwd=packed.tree, check=True, capture_output=True)
    (wheel,) = tmp_path.iterdir()
    assert wheel.read_bytes() == packed.files[wheel.name]


EDITABLE = """
import site, sys
site.addsitedir(sys.argv[1])
sys.path += sys.argv[2:]
import rnn_goldens.fixtures, rnn_goldens.generator, rnn_goldens.schema
print(*(part.__file__ for part in (rnn_goldens.fixtures, rnn_goldens.generator, rnn_goldens.schema)), sep="\\n")
"""


@pytest.mark.slow
def test_an_editable_install_finds_the_folders_that_are_links(tmp_path: Path) -> None:
    tree, into = source_tree(tmp_path / "tree", 0o022, 1_600_000_000), tmp_path / "dist"
    into.mkdir()
    build = f"from hatchling.build import build_editable; build_editable({str(into)!r})"
    subprocess.run([sys.executable, "-c", build], cwd=tree, check=True)
    (wheel,) = into.iterdir()
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    needed = [folder for folder in sys.path if folder.endswith("site-packages")]
    command = [sys.executable, "-I", "-S", "-c", EDITABLE, str(tmp_path / "site"), *needed]
    done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert done.stdout.splitlines() == [str(tree / "rnn_goldens" / name / "__init__.py") for name in LINKED]


@pytest.mark.slow
def test_builds_are_reproducible(packed: Packed, tmp_path: Path) -> None:
    again = built(tmp_path / "some" / "where else", 0o022, 1_700_000_000)
    assert sorted(Path(name).suffix for name in again) == [".gz", ".whl"]
    assert {name: sha256(content).hexdigest() for name, content in again.items()} == {
        name: sha256(content).hexdigest() for name, content in packed.files.items()
    }


@pytest.mark.slow
def test_files_are_readable_by_all_even_if_built_with_a_strict_umask(packed: Packed) -> None:
    for name, content in packed.files.items():
        if name.endswith(".whl"):
            with zipfile.ZipFile(io.BytesIO(content)) as wheel:
                modes = {info.external_attr >> 16 & 0o777 for info in wheel.infolist()}
        else:
            with tarfile.open(fileobj=io.BytesIO(content)) as sdist:
                modes = {info.mode for info in sdist}
                assert {(info.uid, info.gid, info.uname, info.gname) for info in sdist} == {(0, 0, "", "")}
        assert modes <= {0o644, 0o755}


@pytest.mark.slow
def test_links_in_the_description_lead_to_this_version_in_the_repository(packed: Packed) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    repository = project["urls"]["Repository"]
    described = [metadata(name, content) for name, content in packed.files.items()]
    assert described[0].get_payload() == described[1].get_payload()
    for message in described:
        assert message["Description-Content-Type"] == "text/markdown"
        text = str(message.get_payload())
        links = re.findall(
            r"\]\(([^)\s]+)\)", re.sub(r"^```.*?^```|`[^`\n]+`", "", text, flags=re.DOTALL | re.MULTILINE)
        )
        assert len(links) > 20
        assert [link for link in links if not link.startswith(f"{repository}/")] == []
        kinds = [link.removeprefix(f"{repository}/").partition("#")[0].split("/", 2) for link in links]
        assert {revision for _, revision, _ in kinds} == {f"v{project['version']}"}
        assert {kind for kind, _, _ in kinds} == {"blob"}  # the host redirects folders to their page
        assert [path for _, _, path in kinds if not (ROOT / path).exists()] == []
        assert '**rnn_golden.weights_as("textbook"))' in text  # code is unchanged


def metadata(name: str, content: bytes) -> Message:
    """Return the metadata of a wheel or an sdist."""
    if name.endswith(".whl"):
        with zipfile.ZipFile(io.BytesIO(content)) as wheel:
            (path,) = (path for path in wheel.namelist() if path.endswith(".dist-info/METADATA"))
            return message_from_bytes(wheel.read(path))
    with tarfile.open(fileobj=io.BytesIO(content)) as sdist:
        file = sdist.extractfile(f"{name.removesuffix('.tar.gz')}/PKG-INFO")
        assert file is not None
        return message_from_bytes(file.read())


def steps_of(target: str, folder: Path) -> str:
    """Return the commands that make would run in a folder with the Makefile and an empty pyproject.toml."""
    (folder / "Makefile").write_bytes((ROOT / "Makefile").read_bytes())
    (folder / "pyproject.toml").touch()
    run_by_make = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")  # the options of the make that runs the tests
    environment = {name: value for name, value in os.environ.items() if name not in run_by_make}
    command = ["make", "-n", target]
    return subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, text=True).stdout


def test_the_demo_installs_its_requirements_and_torch_for_the_cpu(tmp_path: Path) -> None:
    steps = steps_of("demo", tmp_path)
    assert ".[generate,torch]" in steps
    assert ".[dev]" not in steps
    assert "whl/cpu" in steps


def test_the_demo_uses_the_environment_of_the_tests_if_it_exists(tmp_path: Path) -> None:
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv/.ready").touch()
    os.utime(tmp_path / ".venv/.ready", (2e9, 2e9))
    assert steps_of("demo", tmp_path) == ".venv/bin/python examples/demo.py\n"
