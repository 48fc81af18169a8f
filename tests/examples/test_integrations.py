"""The tests for other projects have the right lines and lists; that for ONNX Runtime Web passes, and can fail."""

import ast
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from examples.compilation import EXAMPLES, Need, lacking

from rnn_goldens.corpus import open_corpus
from vectors.archive import is_in_archive

ROOT = EXAMPLES.parent
INTEGRATIONS = EXAMPLES / "integrations"
PAGE = (INTEGRATIONS / "README.md").read_text("utf-8")
FILES = sorted(path for path in INTEGRATIONS.glob("*/*") if path.suffix in {".cpp", ".mjs", ".py", ".rs"})
IN_PYTHON, IN_RUST = (INTEGRATIONS / "tract" / name for name in ("rnn_goldens_test.py", "rnn_goldens.rs"))
FOR_WEB = INTEGRATIONS / "onnxruntime-web" / "rnn-goldens.test.mjs"
ARCHIVED = [entry for entry in open_corpus().entries if is_in_archive(entry)]


def lines_of_code(path: Path) -> int:
    comment = "#" if path.suffix == ".py" else "//"
    lines = [line.strip() for line in path.read_text("utf-8").splitlines()]
    return sum(bool(line) and not line.startswith(comment) for line in lines)


def test_the_page_lists_every_file_with_its_lines_of_code() -> None:
    listed = re.findall(r"\]\(([\w/.-]+)\) \| `[\w/-]+` \| (\d+) \|", PAGE)
    assert {str(path.relative_to(INTEGRATIONS)): lines_of_code(path) for path in FILES} == {
        path: int(lines) for path, lines in listed
    }


@pytest.mark.parametrize("path", [path for path in FILES if path.suffix == ".py"], ids=lambda path: path.parent.name)
def test_a_python_file_compiles(path: Path) -> None:
    compile(path.read_text("utf-8"), path, "exec")


def test_the_javascript_file_can_be_parsed(need: Need) -> None:
    need("node")
    subprocess.run(["node", "--check", FOR_WEB], check=True)


def test_candle_has_every_golden_of_the_archive_that_it_supports() -> None:
    supported = [
        entry.id
        for entry in ARCHIVED
        if entry.cell in {"lstm", "gru"}
        and "float32" in entry.precisions
        and not {"multilayer", "bidirectional", "lengths"} & set(entry.features)
    ]
    text = (INTEGRATIONS / "candle" / "rnn_goldens.rs").read_text("utf-8")
    assert sorted(re.findall(r'\w+ = "([\w/-]+)",', text)) == sorted(supported)


def listed_in_python(name: str) -> Any:
    """Return the value of a constant of tract's Python file, which cannot be imported without tract."""
    for node in ast.parse(IN_PYTHON.read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            return ast.literal_eval(node.value)
    raise KeyError(name)


def test_what_tract_lists_is_in_the_archive() -> None:
    assert listed_in_python("NO_OPERATOR") | listed_in_python("KNOWN_ATTRIBUTES") <= {entry.cell for entry in ARCHIVED}
    assert {*listed_in_python("KNOWN_FAILURES"), *listed_in_python("SATURATING")} <= {entry.id for entry in ARCHIVED}


@pytest.mark.parametrize("name", ["KNOWN_ATTRIBUTES", "KNOWN_FAILURES", "SATURATING"])
def test_both_files_of_tract_have_the_same_lists(name: str) -> None:
    in_rust = IN_RUST.read_text("utf-8").partition(f"const {name}")[2].partition("];")[0]
    assert set(re.findall(r'"([\w/-]+)"', in_rust)) == set(listed_in_python(name))


@pytest.fixture(scope="module")
def vectors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The release archive, unpacked."""
    folder = tmp_path_factory.mktemp("vectors")
    subprocess.run([sys.executable, "-m", "vectors.archive", "0", folder], cwd=ROOT, check=True, capture_output=True)
    shutil.unpack_archive(folder / "rnn-goldens-vectors-0.tar.gz", folder, filter="data")
    return folder / "rnn-goldens-vectors-0"


def run_for_web(folder: Path, vectors: Path, need: Need) -> subprocess.CompletedProcess[str]:
    """Run the test for ONNX Runtime Web with the npm packages of ``javascript``."""
    need("node")
    packages = ROOT / "javascript" / "node_modules"
    if not (packages / "onnxruntime-web").exists():
        lacking("npm ci was not run in javascript")
    shutil.copy(FOR_WEB, folder)
    (folder / "node_modules").symlink_to(packages)
    command = ["node", "--test", "--test-reporter=tap", FOR_WEB.name]
    environment = {"PATH": str(Path(shutil.which("node") or "").parent), "RNN_GOLDENS_VECTORS": str(vectors)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.xdist_group("vectors")  # so that the archive is built once
def test_onnx_runtime_web_passes(vectors: Path, tmp_path: Path, need: Need) -> None:
    done = run_for_web(tmp_path, vectors, need)
    assert done.returncode == 0, done.stdout
    assert int(re.findall(r"^# pass (\d+)", done.stdout, re.MULTILINE)[0]) >= 137


@pytest.mark.slow
@pytest.mark.xdist_group("vectors")
def test_a_wrong_output_and_a_listed_golden_that_passes_fail(vectors: Path, tmp_path: Path, need: Need) -> None:
    index = json.loads((vectors / "index.json").read_text("utf-8"))
    files = {golden["id"]: golden["files"] for golden in index["goldens"]}
    exchanged = {"lstm/with-state": "lstm-clip/with-state", "lstm-clip/with-state": "lstm/with-state"}
    goldens = [{"id": golden, "files": files[other]} for golden, other in exchanged.items()]
    (tmp_path / "onnx").symlink_to(vectors / "onnx")
    (tmp_path / "index.json").write_text(json.dumps({"goldens": goldens}), "utf-8")
    done = run_for_web(tmp_path, tmp_path, need)
    assert "# fail 2" in done.stdout
    assert "is wrong at element 28" in done.stdout
    assert "remove it from KNOWN_FAILURES" in done.stdout
