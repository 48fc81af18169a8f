"""The release archive: reproducible bytes, true sums, and the README's checks work as typed."""

import hashlib
import io
import json
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from rnn_goldens.corpus import open_corpus
from vectors.archive import contents, is_in_archive, tar_gz

README = (Path(__file__).parents[2] / "vectors/README.md").read_text("utf-8")


def test_a_packed_folder_has_no_date_and_no_owner() -> None:
    files = {"b.txt": b"two", "a/one.bin": bytes(range(256))}
    packed = tar_gz("name-1", files)
    assert packed == tar_gz("name-1", files)
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        members = {member.name: member for member in tar.getmembers()}
        assert {name: tar.extractfile(member).read() for name, member in members.items()} == {  # type: ignore[union-attr]
            f"name-1/{path}": content for path, content in files.items()
        }
    assert {(m.mtime, m.uid, m.gid, m.uname, m.mode) for m in members.values()} == {(0, 0, 0, "", 0o644)}


def test_the_archive_has_the_core_goldens_of_every_cell_and_simple_ones() -> None:
    entries = open_corpus().entries
    chosen = [entry for entry in entries if is_in_archive(entry)]
    assert {entry.cell for entry in chosen} == {entry.cell for entry in entries}
    assert {entry.id for entry in entries if "core" in entry.features} < {entry.id for entry in chosen}
    assert "lstm/plain" in {entry.id for entry in chosen}


@pytest.fixture(scope="module")
def files() -> Mapping[str, bytes]:
    return contents("9.9.9")


@pytest.fixture(scope="module")
def archive(files: Mapping[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive")
    with tarfile.open(fileobj=io.BytesIO(tar_gz("vectors", files))) as tar:
        tar.extractall(folder, filter="data")
    return folder / "vectors"


@pytest.mark.slow
def test_the_same_bytes_are_built_twice(files: Mapping[str, bytes]) -> None:
    assert tar_gz("vectors", files) == tar_gz("vectors", contents("9.9.9"))
    assert 3e6 < len(tar_gz("vectors", files)) < 6e6


@pytest.mark.slow
def test_the_index_lists_every_file_and_every_refusal(files: Mapping[str, bytes]) -> None:
    index = json.loads(files["index.json"])
    assert (index["version"], index["package"]) == (open_corpus().version, "9.9.9")
    for golden in index["goldens"]:
        assert golden["files"]["json"] in files
        for to in ("onnx", "safetensors", "npz", "c"):
            assert (to in golden["files"]) != (to in golden["refused"]) or to == "onnx"
            for place in golden["files"].get(to, {}).values():
                assert place in files or f"{place}/model.onnx" in files


@pytest.mark.slow
def test_the_sums_are_true(files: Mapping[str, bytes]) -> None:
    lines = files["SHA256SUMS"].decode().splitlines()
    assert {line.split("  ")[1] for line in lines} == files.keys() - {"SHA256SUMS"}
    for line in lines:
        digest, path = line.split("  ")
        assert hashlib.sha256(files[path]).hexdigest() == digest


def snippet(heading: str, language: str) -> str:
    section = README.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return str(re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)[0])


@pytest.mark.slow
def test_the_readmes_check_of_onnx_folders_works(archive: Path) -> None:
    (archive / "check.py").write_text(snippet("ONNX", "python"), "utf-8")
    done = subprocess.run([sys.executable, "check.py"], cwd=archive, capture_output=True, text=True, check=True)
    wrong = {line.split()[0].rpartition("/")[2] for line in done.stdout.splitlines() if line.endswith(" wrong")}
    assert done.stdout.count(" right") > 300
    assert all(case.startswith("test_lstm_clip") for case in wrong)  # ONNX Runtime does not clip c


@pytest.mark.slow
def test_the_readmes_check_of_safetensors_works(archive: Path) -> None:
    right = "def my_lstm(golden, config):\n    return {n: golden[f'expected/{n}'] for n in ('out', 'h_n', 'c_n')}\n"
    for change, word in (("", "right"), ("\n    return {'out': golden['expected/out'] + 1}", "wrong")):
        function = right if not change else "def my_lstm(golden, config):" + change + "\n"
        (archive / "check.py").write_text(function + snippet("safetensors and npz", "python"), "utf-8")
        done = subprocess.run([sys.executable, "check.py"], cwd=archive, capture_output=True, text=True, check=True)
        assert done.stdout
        assert all(line.endswith(f" {word}") for line in done.stdout.splitlines())


@pytest.mark.slow
@pytest.mark.parametrize(("by", "code"), [("0", 0), ("1e-3f", 1)])
def test_the_readmes_check_in_c_works(by: str, code: int, archive: Path, tmp_path: Path) -> None:
    my_lstm = f"""
        static void my_lstm(const float *x, const float *w, const float *r, float *out, float *h_n, float *c_n)
        {{
            int k;
            (void)x, (void)w, (void)r;
            for (k = 0; k < 24; k++) out[k] = (float)lstm_plain_out[k];
            for (k = 0; k < 6; k++) h_n[k] = (float)lstm_plain_h_n[k] + {by}, c_n[k] = (float)lstm_plain_c_n[k];
        }}
        int main(void)"""
    text = snippet("C", "c").replace("int main(void)", my_lstm)
    (tmp_path / "my_lstm.c").write_text(text, "utf-8")
    flags = ["-std=c99", "-Wall", "-Wextra", "-Werror", f"-I{archive}/c", f"-I{archive}/c/float32"]
    subprocess.run(["cc", *flags, "my_lstm.c", "-o", "my_lstm", "-lm"], cwd=tmp_path, check=True)
    done = subprocess.run(["./my_lstm"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert ("h_n: 6 of 6 elements are wrong" in done.stdout) == bool(code)


@pytest.mark.slow
@pytest.mark.parametrize(("by", "word"), [("0", "right"), ("1e-3", "wrong")])
def test_the_readmes_check_in_javascript_works(by: str, word: str, archive: Path) -> None:
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    before = (
        'const fs = require("fs");\nconst got = Object.fromEntries(Object.entries(JSON.parse(fs.readFileSync('
        f'"json/lstm/plain.json")).expected).map(([name, {{ data }}]) => [name, data.map((y) => y + {by})]));\n'
    )
    (archive / "check.js").write_text(before + snippet("JSON", "js"), "utf-8")
    done = subprocess.run(["node", "check.js"], cwd=archive, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"lstm/plain {name} {word}" for name in ("out", "h_n", "c_n")]
