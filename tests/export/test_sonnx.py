"""Cases and accuracy pages for SONNX: ONNX Runtime passes the cases, damage fails, and the pages state true numbers."""

import contextlib
import itertools
import json
import math
import re
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from rnn_goldens import Golden, Unsupported, load
from rnn_goldens.cells import Network, case_of
from rnn_goldens.corpus import open_corpus
from rnn_goldens.corpus.kill_matrix import detections, kill_matrix
from rnn_goldens.export.exported_golden import encode, files, write
from rnn_goldens.export.sonnx import accuracy
from rnn_goldens.export.sonnx.accuracy import page

TEMPLATE = Path(accuracy.__file__).with_name("accuracy.md").read_text("utf-8")
PAGES = Path(__file__).parents[2] / "docs/accuracy"
OPERATORS = ("rnn", "gru", "lstm")

GOLDENS = ("lstm/plain", "lstm/lengths", "lstm-peephole/plain", "gru/bidirectional-unbatched", "rnn-tanh/no-bias")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sonnx")
    write(folder, files("sonnx", [encode(load(golden_id, dtype="float32"), "sonnx") for golden_id in GOLDENS]).all)
    return folder


def run_cases(folder: Path, operator: str, *options: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, f"test_{operator}.py"]
    return subprocess.run(command, cwd=folder / f"spec/tests/{operator}", capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("operator", "count"), [("lstm", 3), ("gru", 1), ("rnn", 1)])
def test_onnx_runtime_passes_the_cases(operator: str, count: int, folder: Path) -> None:
    done = run_cases(folder, operator)
    assert done.returncode == 0, done.stdout
    assert f"{count} passed" in done.stdout


def test_a_wrong_element_fails_its_case(tmp_path: Path) -> None:
    write(tmp_path, files("sonnx", [encode(load("gru/plain", dtype="float32"), "sonnx")]).all)
    path = tmp_path / "spec/tests/gru/cases/gru_plain/test_data_set_0/output_0.pb"
    want = numpy_helper.to_array(onnx.load_tensor(str(path))).copy()
    want[1, 0, 1, 0] += 1e-5
    path.write_bytes(numpy_helper.from_array(want, "Y").SerializeToString())
    done = run_cases(tmp_path, "gru")
    assert done.returncode == 1
    assert "Y exceeds its bound at [1, 0, 1, 0]" in done.stdout


def test_cases_in_float64_are_skipped_for_onnx_runtime_with_the_reason(tmp_path: Path) -> None:
    write(tmp_path, files("sonnx", [encode(load("lstm/plain", dtype="float64"), "sonnx")]).all)
    done = run_cases(tmp_path, "lstm", "-rs")
    assert done.returncode == 0, done.stdout
    assert "ONNX Runtime has no LSTM in float64" in done.stdout
    assert "1 skipped" in done.stdout


def test_the_program_names_the_known_failures_of_onnx_runtime(tmp_path: Path) -> None:
    ids = ("lstm-clip/plain", "lstm-clip/large-c")
    write(tmp_path, files("sonnx", [encode(load(golden_id, dtype="float32"), "sonnx") for golden_id in ids]).all)
    done = run_cases(tmp_path, "lstm")
    assert re.findall(r"^FAILED .*\[(\w+)\]", done.stdout, re.MULTILINE) == ["lstm_clip_large_c"]
    program = (tmp_path / "spec/tests/lstm/test_lstm.py").read_text("utf-8")
    assert "fails the cases\nlstm_clip_* where |c| exceeds the attribute clip" in program


def test_every_input_and_attribute_that_the_profile_names_is_explicit(folder: Path) -> None:
    model = onnx.load(str(folder / "spec/tests/lstm/cases/lstm_plain/model.onnx"))
    (node,) = model.graph.node
    assert list(node.input) == ["X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P"]
    assert [value.name for value in model.graph.input] == ["X"]
    attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    assert attributes == {
        "activations": [b"Sigmoid", b"Tanh", b"Tanh"],
        "direction": b"forward",
        "hidden_size": 3,
        "input_forget": 0,
        "layout": 0,
    }
    onnx.checker.check_model(model, full_check=True)


def test_the_page_lists_each_element_with_its_bound_and_amplification(folder: Path) -> None:
    text = (folder / "spec/informal/lstm/lstm_acc.md").read_text("utf-8")
    rows = re.findall(r"^\| \[(\d), 0, 0, (\d)\] \| (\S+) \| (\S+) \| \S+ \| (\S+) \|$", text, re.MULTILINE)
    golden = load("lstm/plain", dtype="float32")
    assert len(rows) == golden.out[0].size
    allowed = golden.expected_of().allowed("out")
    for t, unit, value, bound, amplification in rows:
        place = (0, int(t), int(unit))
        assert float(value) == pytest.approx(golden.stored.out[place], abs=1e-9)
        assert float(bound) == pytest.approx(allowed[place], rel=1e-2)
        assert float(amplification) == pytest.approx(abs(slopes(golden, place)).sum(), abs=1e-3)


def slopes(golden: Golden, place: tuple[int, ...], step: float = 1e-6) -> NDArray[np.float64]:
    """Return the slopes of an element of out by each element of x, by finite differences."""
    case, network = case_of(golden, np.float64), Network()
    found = np.zeros(case.x.shape)
    for index in np.ndindex(case.x.shape):
        moved = [case.x.copy(), case.x.copy()]
        moved[0][index] += step
        moved[1][index] -= step
        above, below = (network.run(replace(case, x=x))[0][place] for x in moved)
        found[index] = (above - below) / (2 * step)
    return found


@pytest.mark.parametrize("operator", OPERATORS)
def test_the_committed_page_is_complete_and_up_to_date_names_its_corpus_and_links_by_address(operator: str) -> None:
    text = page(operator)
    assert text == (PAGES / f"{operator}.md").read_text("utf-8"), "update the page: make generate"
    placeholders = set(re.findall(r"\{([a-z_]{4,})\}", TEMPLATE)) - {"propag", "intro", "array"}
    assert {"elements", "variants", "initial_errors"} < placeholders
    assert [name for name in placeholders if f"{{{name}}}" in text] == []
    assert f"corpus {open_corpus().version} of rnn-goldens" in text
    links = re.findall(r"\]\(([^)]*)\)", text)
    assert links
    assert [link for link in links if not link.startswith("https://")] == []


def test_the_exported_page_is_the_committed_one_and_a_case_names_its_golden(folder: Path) -> None:
    exported = (folder / "spec/informal/lstm/lstm_acc.md").read_text("utf-8")
    assert exported == (PAGES / "lstm.md").read_text("utf-8")
    about = json.loads((folder / "spec/tests/gru/cases/gru_bidirectional_unbatched/golden.json").read_text("utf-8"))
    assert about["id"] == "gru/bidirectional-unbatched"


def test_only_operators_with_gates_mention_a_sigmoid() -> None:
    assert {operator: "sigma" in page(operator) for operator in OPERATORS} == {"rnn": False, "gru": True, "lstm": True}


@pytest.mark.parametrize("x", [0.0, 0.125, 0.5, 1.0, 2.0, 4.0])
def test_the_bound_on_tanh_is_the_largest_first_order_error_of_its_formula(x: float) -> None:
    e, u = math.exp(-2 * x), 2.0**-24
    exponent = next(n for n in range(9) if 2 * x <= 2**n)
    of_exp = (2 + exponent / 2) * 2 * u if 2 * x > 1 else 4 * u
    signs = itertools.product((-1, 1), repeat=4)
    errors = (
        (1 - e * (1 + a * of_exp)) * (1 + b * u) / ((1 + e * (1 + a * of_exp)) * (1 + c * u)) * (1 + d * u)
        for a, b, c, d in signs
    )
    largest = max(abs(value - math.tanh(x)) for value in errors) / u
    (shown,) = re.findall(rf"^\| {x:g} \| \S+ \| (\S+) \|", page("rnn"), re.MULTILINE)
    assert float(shown) == pytest.approx(largest, abs=0.01)


@pytest.mark.parametrize("operator", ["rnn", *(pytest.param(o, marks=pytest.mark.slow) for o in ("gru", "lstm"))])
def test_the_page_counts_the_cases_that_its_command_writes_and_the_bugs_of_outputs_that_they_detect(
    operator: str,
) -> None:
    text = page(operator)
    (command,) = re.findall(r"`rnn-goldens export (.*) --to sonnx FOLDER`", text)
    cases, detected, bugs = map(int, *re.findall(r"These (\d+) cases detect (\d+) of the (\d+) known", text))
    corpus, ours = open_corpus(), set()
    for entry in corpus.select(ids=shlex.split(command)):
        if "float32" in entry.precisions:
            with contextlib.suppress(Unsupported):
                case = encode(load(entry.id, dtype="float32"), "sonnx")
                ours |= {case.golden_id} if case.place.startswith(f"spec/tests/{operator}/") else set()
    assert len(ours) == cases
    matrix, detection = kill_matrix(corpus), detections(corpus)
    assert matrix is not None
    margins = [detection[deviation.name].margins["float32"] for deviation in matrix.deviations]
    found = [any(of.get(golden, 0) >= matrix.enough for golden in ours) for of in margins]
    assert sum(found) == detected
    assert detected < bugs
