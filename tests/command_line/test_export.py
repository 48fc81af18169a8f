"""``export`` writes files, prints a summary, and writes nothing if it fails."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rnn_goldens.corpus import find, open_corpus
from rnn_goldens.corpus.differences import golden_differences, load_any

Run = Callable[..., "subprocess.CompletedProcess[str]"]
FINDING, WRONG_USE = 1, 2


def written(folder: Path) -> list[str]:
    """Return the relative paths of all files below a folder, including hidden files."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


DATA = [f"test_data_set_0/{name}.pb" for name in ("input_0", "output_0", "output_1", "tolerance_0", "tolerance_1")]
ONNX = ["config.txt", "data.json", "model.onnx", *DATA]
SONNX = ["spec/informal/gru/gru_acc.md", "spec/tests/gru/test_gru.py"]


@pytest.mark.parametrize(
    ("to", "files", "others"),
    [
        ("onnx", [f"test_gru_plain/{name}" for name in ONNX], []),
        ("npz", ["gru/plain.npz"], []),
        ("safetensors", ["gru/plain.safetensors"], []),
        ("c", ["gru_plain.h"], ["rnn_goldens.h"]),
        ("sonnx", [f"spec/tests/gru/cases/gru_plain/{name}" for name in ("golden.json", "model.onnx", *DATA)], SONNX),
    ],
)
def test_each_format_has_its_files(to: str, files: list[str], others: list[str], run: Run, tmp_path: Path) -> None:
    output = run("export", "gru/plain", "--to", to, "out/here").stdout
    new = "".join(f"new        {name}\n" for name in ["gru/plain", *others])
    assert output == f"{new}1 golden to out/here: 1 written, 0 unchanged\n"
    assert written(tmp_path / "out/here") == sorted([*files, *others])
    assert "0 written, 1 unchanged" in run("export", "gru/plain", "--to", to, "out/here").stdout


def test_hdf5_is_the_files_of_the_corpus_for_all_precisions(run: Run, tmp_path: Path) -> None:
    ids = ["documented/mini-batch", "lstm/large-c"]  # lstm/large-c has no gradients
    output = run("export", *ids, "--to", "hdf5", "out").stdout
    names = [*ids, "documented/mini-batch.gradients.h5"]
    assert output == "".join(f"new        {n}\n" for n in names) + "2 goldens to out: 2 written, 0 unchanged\n"
    files = written(tmp_path / "out")
    assert len(files) == 3
    for file in files:
        exported, stored = (load_any(str(folder / file), open_corpus()) for folder in (tmp_path / "out", find()))
        assert golden_differences(exported, stored) == []
        assert exported.provenance == stored.provenance
    wrong = run("export", *ids, "--to", "hdf5", "--dtype=float32", "out", code=WRONG_USE).stderr
    assert "--to hdf5 writes the files of the corpus: leave out --dtype and --embed" in wrong


def test_webnn_has_a_file_per_operator(run: Run, tmp_path: Path) -> None:
    output = run("export", "gru/plain", "gru/two-layers", "--to", "webnn", "out").stdout
    assert output.splitlines() == [
        "new        gru_goldens.https.any.js",
        "new        gru_cell_goldens.https.any.js",
        "refused    gru/two-layers: WebNN's operators have one layer",
        "2 goldens to out: 2 files written, 0 unchanged, 1 refused",
    ]
    assert written(tmp_path / "out") == ["gru_cell_goldens.https.any.js", "gru_goldens.https.any.js"]


def test_another_export_to_webnn_replaces_the_whole_file_if_asked(run: Run, tmp_path: Path) -> None:
    run("export", "gru/plain", "--to", "webnn", "out")
    other = ("export", "gru/no-bias", "--to", "webnn", "out")
    assert run(*other, code=WRONG_USE).stderr == (
        "Error: out already has other content in gru_goldens.https.any.js, gru_cell_goldens.https.any.js: "
        "name another folder, or replace these 2 as a whole with --replace\n"
    )
    run(*other, "--replace")
    text = (tmp_path / "out/gru_goldens.https.any.js").read_text("utf-8")
    assert "gru/no-bias:" in text
    assert "gru/plain:" not in text
    shown = " ".join(run("export", "--help").stdout.split())
    assert "Replace existing files and folders, each as a whole." in shown
    assert "a file per operator with all goldens of this export" in shown


def test_an_unknown_format_is_an_error_that_lists_formats(run: Run) -> None:
    output = run("export", "gru/plain", "--to", "pickle", "out", code=WRONG_USE).stderr
    formats = "'onnx', 'onnx-weights-as-inputs', 'npz', 'safetensors', 'hdf5', 'c', 'tflite', 'sonnx', 'webnn'"
    assert f"'pickle' is not one of {formats}." in " ".join(output.split())


def test_patterns_select_goldens_and_dtype_selects_their_precision(run: Run, tmp_path: Path) -> None:
    output = run("export", "documented/mini-*", "gru/one-unit", "--to", "npz", "--dtype", "float16", "out").stdout
    assert output.endswith("3 goldens to out: 3 written, 0 unchanged\n")
    with np.load(tmp_path / "out/documented/mini-batch.npz") as file:
        assert file["inputs/x"].dtype == np.float16
        assert json.loads(str(file["golden"]))["precision"] == "float16"


def test_the_default_precision_is_the_widest_that_readers_support(run: Run, tmp_path: Path) -> None:
    for to in ("npz", "c", "onnx"):
        run("export", "gru/plain", "--to", to, "out")
    with np.load(tmp_path / "out/gru/plain.npz") as file:
        assert json.loads(str(file["golden"]))["precision"] == "float64"
    assert (tmp_path / "out/gru_plain.h").read_text("utf-8").split()[3].rstrip(",") == "float64"
    onnx = json.loads((tmp_path / "out/test_gru_plain/data.json").read_text("utf-8"))
    assert onnx["golden"]["precision"] == "float32"


def test_refused_goldens_are_listed_and_the_others_written(run: Run, tmp_path: Path) -> None:
    output = run("export", "gru/chaotic", "gru/plain", "--to", "onnx", "out").stdout
    assert output.splitlines() == [
        "new        gru/plain",
        "refused    gru/chaotic: its only precision is float64, which ONNX Runtime does not support for this operator: "
        "use --dtype=float64 for other runtimes",
        "2 goldens to out: 1 written, 0 unchanged, 1 refused",
    ]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["test_gru_plain"]
    assert "1 written" in run("export", "gru/chaotic", "--to", "onnx", "--dtype=float64", "out").stdout


def test_a_golden_without_the_larger_sizes_is_refused(run: Run, tmp_path: Path) -> None:
    mixed = ("export", "lstm/plain", "gated-delta/square", "--to", "npz", "--embed=d_k=16", "out")
    assert run(*mixed).stdout.splitlines() == [
        "new        gated-delta/square",
        "refused    lstm/plain: it has no d_k that could grow",
        "2 goldens to out: 1 written, 0 unchanged, 1 refused",
    ]
    with np.load(tmp_path / "out/gated-delta/square.npz") as file:
        assert file["inputs/k"].shape[-1] == 16


def test_goldens_that_are_refused_for_one_reason_share_a_paragraph(run: Run) -> None:
    output = run("export", "lstm-clip/*", "lstm/plain", "lstm/two-layers", "--to", "webnn", "out").stdout
    assert output.splitlines()[2:] == [
        "refused    lstm/two-layers: WebNN's operators have one layer",
        "refused    5 goldens: WebNN has no operator for lstm_clip: lstm-clip/plain,",
        "           lstm-clip/with-state, lstm-clip/large-c and 2 more",
        "7 goldens to out: 2 files written, 0 unchanged, 6 refused",
    ]


def test_an_error_names_each_reason_once(run: Run) -> None:
    output = run("export", "rnn-softsign/*", "lstm/two-layers", "--to", "webnn", "out", code=WRONG_USE).stderr
    assert output.splitlines() == [
        "Error: lstm/two-layers cannot be exported to webnn: WebNN's operators have one layer",
        "3 goldens cannot be exported to webnn: WebNN has no operator for rnn_softsign: rnn-softsign/plain, "
        "rnn-softsign/with-state, rnn-softsign/hidden-17-batch-17-no-state",
    ]


def test_refusing_every_golden_is_an_error_and_writes_nothing(run: Run, tmp_path: Path) -> None:
    output = run("export", "gru/chaotic", "--to", "c", "--dtype", "float32", "out", code=WRONG_USE).stderr
    assert output == "Error: gru/chaotic cannot be exported to c: it cannot be checked in float32, only in float64\n"
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_repeating_writes_nothing_and_another_precision_needs_replace(run: Run) -> None:
    run("export", "gru/plain", "--to", "c", "out")
    assert "1 golden to out: 0 written, 1 unchanged" in run("export", "gru/plain", "--to", "c", "out").stdout
    other = ("export", "gru/plain", "--to", "c", "--dtype=float32", "out")
    output = run(*other, code=WRONG_USE).stderr
    assert output == (
        "Error: out already has other content in gru_plain.h: "
        "name another folder, or replace it as a whole with --replace\n"
    )
    assert run(*other, "--replace").stdout.startswith("replaced   gru/plain\n")


WRONG_USES = [
    (["lstm/plane", "--to", "c", "out"], "no golden 'lstm/plane'. Did you mean 'lstm/plain'?"),
    (["lstm/plain", "nothing/*", "--to", "c", "out"], "no golden 'nothing/*'."),
    (["lstm/plain", "--to", "c", "--dtype=float8", "out"], "no precision 'float8'. Did you mean 'float64'?"),
    (["lstm/plain", "--to", "c", "--corpus=v9", "out"], "no corpus 'v9'"),
    (["lstm/plain", "--to", "c"], "the folder to write is missing: rnn-goldens export lstm/plain --to"),
    (["lstm/plain", "gru/plain", "--to", "c"], "the folder to write is missing"),
    (["lstm/plain", "out"], "Missing option '--to'"),
    (["lstm/plain", "--to", "c", "users_nets.py"], "Directory 'users_nets.py' is a file."),
    (["lstm/plain", "--to", "c", "users_nets.py/out"], "Error: users_nets.py/out: Not a directory"),
    (["lstm/plain", "--to", "c", "/proc/out"], "Error: /proc/out: No such file or directory"),
]


def test_wrong_use_is_one_error_and_writes_nothing(run: Run, tmp_path: Path, subtests: pytest.Subtests) -> None:
    for arguments, message in WRONG_USES:
        with subtests.test(message):
            done = run("export", *arguments, code=WRONG_USE)
            assert message in done.stderr
            assert done.stdout == ""
            assert written(tmp_path) == ["users_nets.py"]


@pytest.mark.parametrize(("to", "package"), [("onnx", "onnx"), ("safetensors", "safetensors")])
def test_a_missing_package_is_one_error_that_says_what_to_install(to: str, package: str, tmp_path: Path) -> None:
    program = (
        f"import sys; sys.modules['{package}'] = None; sys.argv[1:] = ['export', 'lstm/plain', '--to', '{to}', 'out']; "
        "from rnn_goldens.command_line import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    remedy = f"pip install 'rnn-goldens[{package}]'"
    assert done.stderr == f"Error: --to {to} needs {package}, which is not installed: {remedy}\n"
    assert done.returncode == WRONG_USE
    assert list(tmp_path.iterdir()) == []


def test_a_corpus_in_a_folder_can_be_exported_and_nothing_is_written_if_it_is_damaged(
    run: Run, corpus_copy: Path, tmp_path: Path
) -> None:
    only = ("export", "documented/*", "--to", "npz", f"--corpus={corpus_copy}")
    assert "4 goldens to out: 4 written" in run(*only, "out").stdout
    (corpus_copy / "documented/mini-batch.json").write_bytes(b"damaged")
    output = run(*only, "other", code=FINDING).stderr
    assert f"{corpus_copy}/documented/mini-batch.json: SHA-256 is " in output
    assert not (tmp_path / "other").exists()
