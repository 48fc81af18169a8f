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

ROOT = Path(__file__).parents[2]
README = (ROOT / "vectors/README.template.md").read_text("utf-8")


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


@pytest.mark.parametrize("version", ["../../x", "", "v1"])
def test_what_is_not_a_version_is_wrong_use(version: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "vectors.archive", version, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"{version!r} is not a version, such as 0.1.0" in done.stderr
    assert not list(tmp_path.iterdir())


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
    assert 3e6 < len(tar_gz("vectors", files)) < 7.5e6


@pytest.mark.slow
def test_the_index_lists_every_file_and_every_refusal(files: Mapping[str, bytes]) -> None:
    index = json.loads(files["index.json"])
    assert (index["version"], index["package"]) == (open_corpus().version, "9.9.9")
    for golden in index["goldens"]:
        assert golden["content"] == open_corpus().entry(golden["id"]).content
        assert files.keys() > {golden["files"]["json"], golden["files"]["hdf5"]}
        for to in ("onnx", "safetensors", "npz", "c"):
            assert (to in golden["files"]) or (to in golden["refused"])
            for place in golden["files"].get(to, {}).values():
                assert place in files or f"{place}/model.onnx" in files


@pytest.mark.slow
def test_the_sums_are_true(files: Mapping[str, bytes]) -> None:
    lines = files["SHA256SUMS"].decode().splitlines()
    assert {line.split("  ")[1] for line in lines} == files.keys() - {"SHA256SUMS"}
    for line in lines:
        digest, path = line.split("  ")
        assert hashlib.sha256(files[path]).hexdigest() == digest


@pytest.mark.slow
def test_the_page_on_export_has_the_numbers_of_goldens_and_the_sizes(files: Mapping[str, bytes]) -> None:
    page = (ROOT / "docs/export.md").read_text("utf-8").partition("## Release archive")[2].partition("## JSON")[0]
    goldens = json.loads(files["index.json"])["goldens"]
    assert f"{len(goldens)} of {len(open_corpus().entries)}, of every cell" in page
    for to in ("onnx", "safetensors", "npz", "c", "json", "hdf5"):
        count = sum(to in golden["files"] for golden in goldens)
        size = f"{sum(len(content) for path, content in files.items() if path.startswith(f'{to}/')) / 1e6:.1f}"
        row = next(line for line in page.splitlines() if line.startswith("|") and f"`{to}/`" in line)
        assert f" {count}" in row
        assert f" {size}" in row
    packed, unpacked = re.findall(r"size: ([\d.]+) MB, and ([\d.]+) MB unpacked", page)[0]
    assert float(packed) == pytest.approx(len(tar_gz("vectors", files)) / 1e6, abs=0.1)
    assert float(unpacked) == pytest.approx(sum(map(len, files.values())) / 1e6, abs=0.1)


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
@pytest.mark.parametrize(("bias", "code"), [("lstm_plain_bias_hh_l0[row]", 0), ("0", 1)])
def test_the_readmes_check_in_c_works(bias: str, code: int, archive: Path, tmp_path: Path) -> None:
    step = (ROOT / "examples/c/check_lstm.c").read_text("utf-8")
    functions = step[step.index("enum") : step.index("int main")].replace("lstm_plain_bias_hh_l0[row]", bias)
    my_lstm = f"""{functions}
        static void my_lstm(const float *x, const float *w, const float *r, const float *b, const float *d, float *out,
                            float *h, float *c)
        {{
            int n, t, u;
            (void)w, (void)r, (void)b, (void)d;
            for (n = 0; n < B; n++)
                for (t = 0; t < T; t++) {{
                    step(x + (n * T + t) * I, h + n * H, c + n * H);
                    for (u = 0; u < H; u++) out[(n * T + t) * H + u] = h[n * H + u];
                }}
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
