"""Cases and accuracy pages for SONNX: ONNX Runtime passes the cases, damage fails, and the pages state true numbers."""

import json
import re
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
from rnn_goldens.export.folder import write
from rnn_goldens.export.formats import encode, files
from rnn_goldens.export.sonnx import accuracy
from rnn_goldens.export.sonnx.accuracy import page

TEMPLATE = Path(accuracy.__file__).with_name("accuracy.md").read_text("utf-8")

GOLDENS = ("lstm/plain", "lstm/lengths", "lstm-peephole/plain", "gru/bidirectional-unbatched", "rnn-tanh/no-bias")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sonnx")
    write(folder, files("sonnx", [encode(load(golden_id, dtype="float32"), "sonnx") for golden_id in GOLDENS]))
    return folder


def run_cases(folder: Path, operator: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"test_{operator}.py"]
    return subprocess.run(command, cwd=folder / f"spec/tests/{operator}", capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("operator", "count"), [("lstm", 3), ("gru", 1), ("rnn", 1)])
def test_onnx_runtime_passes_the_cases(operator: str, count: int, folder: Path) -> None:
    done = run_cases(folder, operator)
    assert done.returncode == 0, done.stdout
    assert f"{count} passed" in done.stdout


def test_a_wrong_element_fails_its_case(tmp_path: Path) -> None:
    write(tmp_path, files("sonnx", [encode(load("gru/plain", dtype="float32"), "sonnx")]))
    path = tmp_path / "spec/tests/gru/cases/gru_plain/test_data_set_0/output_0.pb"
    want = numpy_helper.to_array(onnx.load_tensor(str(path))).copy()
    want[1, 0, 1, 0] += 1e-5
    path.write_bytes(numpy_helper.from_array(want, "Y").SerializeToString())
    done = run_cases(tmp_path, "gru")
    assert done.returncode == 1
    assert "Y exceeds its bound at [1, 0, 1, 0]" in done.stdout


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


@pytest.mark.parametrize("operator", ["lstm", "gru", "rnn"])
def test_a_page_has_no_placeholder_left(operator: str) -> None:
    placeholders = set(re.findall(r"\{([a-z_]{4,})\}", TEMPLATE)) - {"propag", "intro"}
    assert "elements" in placeholders
    text = page(operator)
    assert [name for name in placeholders if f"{{{name}}}" in text and f"\\textit{{{name}}}" not in text] == []


@pytest.mark.parametrize(
    ("golden_id", "reason"),
    [
        ("lstm/two-layers", "a case has one operator, and the golden several layers"),
        ("lstm-hard-sigmoid/plain", "the profile restricts the activations to Sigmoid, Tanh and Relu"),
        ("lstm-projection/plain", "ONNX has no operator RNN, GRU or LSTM for lstm_projection"),
        ("gated-delta/one-step", "ONNX has no operator RNN, GRU or LSTM for gated_delta"),
    ],
)
def test_what_the_profile_does_not_have_is_refused(golden_id: str, reason: str) -> None:
    with pytest.raises(Unsupported, match=reason):
        encode(load(golden_id, dtype="float32"), "sonnx")


def test_a_case_names_its_golden(folder: Path) -> None:
    about = json.loads((folder / "spec/tests/gru/cases/gru_bidirectional_unbatched/golden.json").read_text("utf-8"))
    assert about["id"] == "gru/bidirectional-unbatched"
