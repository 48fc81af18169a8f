"""Exported tests of WebNN run in Node: operators written from the API's definition pass, wrong ones fail."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from examples.compilation import lacking

from rnn_goldens import Unsupported, load, select
from rnn_goldens.checkable_golden import Golden
from rnn_goldens.export.exported_golden import encode, files, write

HERE = Path(__file__).parent
GOLDENS = (
    "lstm/plain", "lstm/with-state", "lstm/bidirectional-unbatched", "lstm-reverse/plain", "gru/plain",
    "gru/bidirectional", "gru/no-bias", "gru-reset-before/with-state", "gru-reverse/plain",
)  # fmt: skip


def outcomes(folder: Path, name: str, operators: Path | None = None) -> dict[str, str | None]:
    """Run an exported test file; return the failure of each test by its golden, None if it passed."""
    if shutil.which("node") is None:
        lacking("node is not installed")
    paths = [HERE / "web_platform.mjs", folder / name, *([operators] if operators else [])]
    done = subprocess.run(["node", *map(str, paths)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = map(json.loads, done.stdout.splitlines())
    return {line["name"].partition(":")[0]: line["failure"] for line in lines}


def exported(folder: Path, *ids: str) -> Path:
    write(folder, files("webnn", [encode(load(golden_id, dtype="float32"), "webnn") for golden_id in ids]).all)
    return folder


def test_operators_that_follow_the_definition_pass(tmp_path: Path) -> None:
    folder = exported(tmp_path / "webnn", *GOLDENS)
    operators = {"gru": 5, "lstm": 4, "gru_cell": 3, "lstm_cell": 2}
    names = {f"{name}_goldens.https.any.js" for name in operators}  # web-platform-tests has gru.https.any.js and so on
    assert {path.name for path in folder.iterdir()} == names
    for name, count in operators.items():
        found = outcomes(folder, f"{name}_goldens.https.any.js")
        assert len(found) == count
        assert set(found.values()) == {None}


@pytest.mark.slow
def test_operators_that_follow_the_definition_pass_on_the_whole_corpus(tmp_path: Path) -> None:
    goldens: list[Golden] = []
    for golden in select(cell=("lstm", "gru", "gru_reset_before", "lstm_reverse", "gru_reverse"), dtype="float32"):
        try:
            encode(golden, "webnn")
        except Unsupported:
            continue
        goldens.append(golden)
    assert len(goldens) > 100
    for path in exported(tmp_path / "webnn", *(golden.id for golden in goldens)).iterdir():
        assert set(outcomes(path.parent, path.name).values()) == {None}


@pytest.mark.parametrize(
    ("right", "wrong", "failing"),
    [
        ("gates(layout, hiddenSize, w, x, h)", 'gates("rzn", hiddenSize, w, x, h)', "gru/plain"),
        ("update[unit] * value + (1 - update[unit]) * candidate", "update[unit] * candidate", "gru/plain"),
        ("resetAfter\n    ?", "!resetAfter\n    ?", "gru-reset-before/with-state"),
        ('way === "backward"', "false", "gru-reverse/plain"),
        ("offset ? offset[k] : 0", "0", "gru/plain"),
    ],
)
def test_operators_that_do_not_follow_it_fail(right: str, wrong: str, failing: str, tmp_path: Path) -> None:
    text = (HERE / "webnn_operators.mjs").read_text("utf-8")
    assert right in text
    (tmp_path / "operators.mjs").write_text(text.replace(right, wrong), "utf-8")
    found = outcomes(exported(tmp_path / "webnn", *GOLDENS), "gru_goldens.https.any.js", tmp_path / "operators.mjs")
    assert found[failing] is not None
