"""Gradients on the command line: list, show, validate and diff."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Run = Callable[..., "CompletedProcess[str]"]
FINDING = 1
ID = "lstm/lengths"


def test_list_marks_goldens_that_have_gradients(run: Run, corpus_with_gradients: Path, small_corpus: Path) -> None:
    lines = run("list", "--corpus", corpus_with_gradients).stdout.splitlines()
    assert lines[0].split() == ["id", "cell", "features", "dtype", "gradients"]
    marked = [line.split()[0] for line in lines if line.rstrip().endswith("yes")]
    assert marked == ["documented/single-sequence", "documented/mini-batch", ID]
    assert "gradients" not in run("list", "--corpus", small_corpus).stdout


def test_list_as_json_contains_gradients_files(run: Run, corpus_with_gradients: Path) -> None:
    listed = {e["id"]: e for e in json.loads(run("list", "--json", "--corpus", corpus_with_gradients).stdout)}
    assert Path(listed[ID]["gradients"]["files"]["json"]) == corpus_with_gradients / f"{ID}.gradients.json"
    assert listed[ID]["gradients"]["precisions"][0] == "float64"
    assert "gradients" not in listed["documented/mini-batch-ascending"]


def test_show_shows_cotangents_and_gradients(run: Run, corpus_with_gradients: Path) -> None:
    shown = run("show", ID, "--corpus", corpus_with_gradients).stdout
    assert "gradients     Integer cotangents of every output, for a test. In float64," in shown
    assert "lengths.gradients.h5" in shown
    assert "\ncotangents\n  d_out (3, 4, 3)\n" in shown
    assert "\ngradients\n  x (3, 4, 4)\n" in shown
    assert "cotangents" not in run("show", "documented/mini-batch-ascending", "--corpus", corpus_with_gradients).stdout


@pytest.mark.slow
def test_validate_supports_gradients_files(run: Run, gradients_copy: Path) -> None:
    assert " valid, 0 invalid" in run("validate", gradients_copy).stdout
    (gradients_copy / "index.json").unlink()
    assert " valid, 0 invalid" in run("validate", gradients_copy).stdout
    path = gradients_copy / f"{ID}.gradients.json"
    path.write_text(path.read_text().replace('"kind": "gradients"', '"kind": "gradient"'))
    assert "lengths.gradients.json: is a file of kind 'gradient', not" in run("validate", path, code=FINDING).stdout


def test_diff_compares_gradients(run: Run, gradients_copy: Path, corpus_with_gradients: Path) -> None:
    other = gradients_copy / f"{ID}.gradients.json"
    document = json.loads(other.read_bytes())
    document["expected"]["x"]["data"][0] = 7.0
    other.write_text(json.dumps(document))
    same = corpus_with_gradients / f"{ID}.gradients.h5"
    output = run("diff", same, other, code=FINDING).stdout
    assert output.startswith("gradients/expected/x: 1 of 48 elements differ, first at (0, 0, 0):")
    shutil.copy(same, gradients_copy / f"{ID}.gradients.h5")
    assert "equal in content" in run("diff", same, gradients_copy / f"{ID}.gradients.h5").stdout
