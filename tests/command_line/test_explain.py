"""``explain`` shows a deviation beside the correct code, and a golden step by step beside the user's numbers."""

import json
import os
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rnn_goldens
from rnn_goldens import Golden
from rnn_goldens.cells import case_of
from rnn_goldens.command_line import main
from rnn_goldens.corpus import open_corpus
from rnn_goldens.corpus.kill_matrix import detections
from rnn_goldens.deviations import DEVIATIONS, deviation
from rnn_goldens.deviations.backward import BACKWARD_DEVIATIONS
from rnn_goldens.explain.code_text import pieces
from rnn_goldens.explain.deviation_text import SCREEN, deviation_text
from rnn_goldens.explain.difference_text import other_equations
from rnn_goldens.explain.reader_outputs import ReaderOutputs

Explain = Callable[..., str]
GOOD, FINDING, WRONG_USE = 0, 1, 2
WIDTH = 80

USERS = """
import numpy as np
import rnn_goldens
from rnn_goldens.cells import case_of
from rnn_goldens.deviations import deviation

def onnx_order(golden):
    return deviation("lstm_gates_iofg").outputs(case_of(golden, np.float64))

def right(golden):
    from rnn_goldens.implementations import numpy_cells
    return numpy_cells.run(golden)

def unable(golden):
    raise rnn_goldens.Unsupported("no recurrent layers")

def flat(golden):
    out, h_n, c_n = onnx_order(golden).values()
    return out[0], h_n, c_n
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Explain:
    """A function that runs the command in this process, checks its exit code and returns its output."""
    (tmp_path / "explain_users.py").write_text(USERS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))

    def run(*arguments: object, code: int = GOOD) -> str:
        monkeypatch.setattr("sys.argv", ["rnn-goldens", "explain", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        assert (ended.value.code or 0) == code, printed
        return printed.out or printed.err

    return run


def wrong_outputs(golden: Golden, name: str) -> dict[str, Any]:
    return dict(deviation(name).outputs(case_of(golden, np.float64)))


def as_json(path: Path, outputs: dict[str, Any]) -> Path:
    path.write_text(json.dumps({name: np.asarray(array).tolist() for name, array in outputs.items()}))
    return path


def rows_of(text: str, name: str) -> list[list[str]]:
    return [line[10:].split() for line in text.splitlines() if line.startswith(f"  {name:<8}")]


# Deviations.


def test_a_deviation_shows_the_wrong_line_beside_the_correct_one(run: Explain) -> None:
    text = run("lstm_output_without_tanh")
    assert "    c' = f * c + i * g\n  - h' = o * tanh(c')\n  + h' = o * c'\n" in text
    assert "wrong: new_h, rnn_goldens/deviations/gates.py\n    lambda o, new_c: o * new_c\n" in text
    assert "rnn_goldens/deviations/gates.py" in text


def test_all_deviations_are_listed_with_the_url_of_their_pages(run: Explain) -> None:
    listed = run("--list")
    assert "\ngates\n" in listed
    assert "  lstm_gates_iofg: " in listed
    names = [*(d.name for d in DEVIATIONS), *(d.name for d in BACKWARD_DEVIATIONS)]
    assert all(f"  {name}: " in listed for name in names)
    assert all(len(line) <= WIDTH for line in listed.splitlines())
    assert "https://github.com/rnn-goldens/rnn-goldens/blob/main/docs/deviations.md" in listed.splitlines()[-1]


def test_an_unknown_name_is_an_error_that_refers_to_the_list(run: Explain) -> None:
    assert "rnn-goldens explain --list the deviations" in run("lstm_gates_iofx", code=WRONG_USE)
    with pytest.raises(rnn_goldens.UnknownName, match="rnn-goldens explain --list shows all"):
        deviation("lstm_gates_iofx")


def test_a_deviation_has_symptoms_reported_bugs_and_goldens_that_detect_it(run: Explain) -> None:
    text = run("gru_reset_before_product")
    assert "onnxscript#2852" in text
    assert "out is first wrong at time step" in text
    (first, margin), *_ = detections(open_corpus())["gru_reset_before_product"].best("float32", 3)
    assert margin >= 2
    assert f"  {first} " in text


def test_a_changed_network_step_is_shown_on_a_small_network(run: Explain) -> None:
    text = run("directions_joined_in_wrong_order")
    assert "\n  - out = h1 r1 | h2 r2\n  + out = r1 h1 | r2 h2\n" in text
    assert "\n    lambda right, outs, layer, case: right.join(outs[::-1], layer, case)\n" in text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("lstm_cell_clipped_at_5", "limit = 5"),
        ("relu_clipped_at_20", "np.clip(…, a_min=0, a_max=20)"),
        ("tanh_off_from_1_to_3_over_2", "OFF = 0.0001, function = np.tanh, low = 1, high = 1.5"),
        ("reverse_not_flipped_back", "directions = ('reverse',)"),
    ],
)
def test_values_captured_by_the_code_are_shown(run: Explain, name: str, text: str) -> None:
    assert text in run(name)


def test_precisions_without_detection_are_listed_with_the_reason(run: Explain) -> None:
    assert "not detected in bfloat16: the tolerance of a cell beyond 4 exceeds 0.1" in run("lstm_cell_clipped_at_5")
    assert "no error in float16: a float16 implementation stores the same" in run("float16_arithmetic")


@pytest.mark.slow
@pytest.mark.parametrize("half", [0, 1])
def test_every_deviation_has_a_picture_and_its_explanation_fits_on_one_screen(half: int) -> None:
    corpus = open_corpus()
    known = detections(corpus)
    for wrong in DEVIATIONS[half::2]:
        text = deviation_text(wrong, corpus, known[wrong.name])
        assert text.startswith(f"{wrong.name}: ")
        assert any(shown in text for shown in ("wrong: ", "not shown: ", "\n  + ")), wrong.name
        _, _, picture, *_ = text.split("\n\n")
        assert re.search(r"^ *([-+]|wrong) ", picture, re.MULTILINE), wrong.name
        lines = text.splitlines()
        assert len(lines) <= SCREEN, wrong.name
        assert max(map(len, lines)) <= WIDTH, wrong.name


@pytest.mark.slow
def test_no_two_deviations_have_the_same_code() -> None:
    """Two deviations with the same code and values would be the same deviation."""
    names_by_code: dict[object, list[str]] = {}
    for wrong in DEVIATIONS:
        code = tuple((piece.text, tuple(piece.values.items())) for piece in pieces(wrong.wrong, wrong.cells[0]))
        key = code, tuple(other_equations(wrong, longest=10_000))
        names_by_code.setdefault(key, []).append(wrong.name)
    assert [names for names in names_by_code.values() if len(names) > 1] == []


def test_a_corpus_without_a_kill_matrix_is_reported(small_corpus: Path, run: Explain) -> None:
    assert "the corpus has no kill-matrix.json" in run("lstm_output_without_tanh", "--corpus", small_corpus)


# Goldens.


def test_a_golden_is_shown_step_by_step(run: Explain) -> None:
    text = run("lstm/plain")
    golden = rnn_goldens.load("lstm/plain", dtype="float64")
    steps = golden.steps()
    for number, row in enumerate(rows_of(text, "f sum")):
        assert np.allclose(np.array(row, float), steps[number].preactivations["f"][0], rtol=1e-7)
    assert np.allclose(np.array(rows_of(text, "h"), float)[1], golden.out[0, 1], rtol=1e-7)
    assert "not shown: 2 of 4 time steps (--step 0 to 3); 1 of 2 rows (--row 0 to 1)" in text
    assert max(map(len, text.splitlines())) <= WIDTH


def test_step_row_unit_layer_and_direction_can_be_selected(run: Explain) -> None:
    options = ("--step", 2, "--row", 1, "--unit", 2, "--layer", 1, "--reverse", "--dtype", "float64")
    text = run("lstm/bidirectional-two-layers", *options)
    assert "layer 1, reverse direction, row 1, time step 2\n" in text
    step = next(
        s
        for s in rnn_goldens.load("lstm/bidirectional-two-layers").steps()
        if (s.layer, s.direction, s.time) == (1, "reverse", 2)
    )
    ((value,),) = rows_of(text, "o")
    assert float(value) == pytest.approx(step.gates["o"][1, 2], rel=1e-9)


@pytest.mark.parametrize("golden_id", ["sizes-lstm/hidden-64", "gru/unbatched", "rnn-tanh/saturated", "gru/lengths"])
def test_the_lines_of_a_golden_fit_a_terminal(golden_id: str, run: Explain) -> None:
    for dtype in open_corpus().entry(golden_id).precisions:
        assert max(map(len, run(golden_id, "--dtype", dtype).splitlines())) <= WIDTH


def test_the_first_difference_of_a_wrong_implementation_is_marked_and_explained(run: Explain) -> None:
    text = run("lstm/plain", "--implementation", "explain_users:onnx_order", code=FINDING)
    assert "the first difference is in out, layer 0, time step 0, row 0, unit 0" in text
    assert "looks like lstm_gates_iofg\n  to see what that is: rnn-goldens explain lstm_gates_iofg\n" in text
    marked = next(line for line in text.splitlines() if line.startswith("  wrong"))
    assert marked.split() == ["wrong", "^", "first", "^", "^"]
    assert rows_of(text, "your out")[0][0] == "0.18017941"


def test_a_correct_implementation_has_no_difference(run: Explain) -> None:
    assert "your numbers are right: out, h_n, c_n" in run("lstm/plain", "--implementation", "explain_users:right")


def test_a_program_follows_two_dashes(run: Explain) -> None:
    program = Path(__file__).parents[2] / "examples/programs/my_rnn.py"
    assert "your numbers are right: out, h_n" in run(
        "documented/mini-batch", "--dtype", "float64", "--", "python3", program
    )


@pytest.mark.parametrize(
    ("wrong_number", "location"),
    [
        (("out", (0, 2, 1)), (1, "forward", 2, 0, 1)),
        (("out", (1, 3, 2)), (1, "forward", 3, 1, 2)),
        (("out", (1, 2, 4)), (1, "reverse", 2, 1, 1)),
        (("h_n", (1, 1, 2)), (0, "reverse", 0, 1, 2)),
        (("c_n", (0, 1, 0)), (0, "forward", 3, 1, 0)),
    ],
)
def test_the_first_difference_is_located_at_the_wrong_number(
    wrong_number: tuple[str, tuple[int, ...]], location: tuple[Any, ...]
) -> None:
    golden = rnn_goldens.load("lstm/bidirectional-two-layers")
    outputs = {name: np.array(getattr(golden.stored, name)) for name in ("out", "h_n", "c_n")}
    output, index = wrong_number
    outputs[output][index] += 1
    found = ReaderOutputs(golden, outputs).first_difference(golden.steps())
    assert found is not None
    assert (found.step.layer, found.step.direction, found.step.time, found.row, found.unit) == location
    assert found.output == output


def test_the_reverse_direction_is_compared_from_the_end_of_each_sequence() -> None:
    golden = rnn_goldens.load("lstm/lengths-bidirectional")
    assert golden.lengths is not None
    out = np.array(golden.stored.out)
    row = int(np.argmin(golden.lengths))
    end, hidden = int(golden.lengths[row]) - 1, golden.network.hidden_size
    out[row, : end + 1, hidden:] += 1
    found = ReaderOutputs(golden, {"out": out}).first_difference(golden.steps())
    assert found is not None
    assert (found.step.direction, found.step.time, found.row, found.unit) == ("reverse", end, row, 0)


@pytest.mark.slow
def test_explain_and_the_failure_message_find_the_same_first_difference() -> None:
    for golden_id in ("lstm/lengths-bidirectional", "gru/bidirectional", "rnn-tanh/unbatched"):
        golden = rnn_goldens.load(golden_id)
        for name in ("x_late", "h0_ignored", "reverse_uses_forward_w_hh", "last_step_skipped"):
            wrong = deviation(name)
            if set(wrong.needs) <= set(golden.features):
                outputs = wrong_outputs(golden, name)
                verdict = golden.compare(*outputs.values())
                found = ReaderOutputs(golden, outputs).first_difference(golden.steps())
                assert found is not None
                assert f"time step {found.step.time} (" in verdict.message.splitlines()[0]


@pytest.mark.parametrize("kind", ["json", "npz", "answer"])
def test_outputs_are_read_from_a_file(kind: str, run: Explain, tmp_path: Path) -> None:
    golden = rnn_goldens.load("lstm/plain")
    outputs = wrong_outputs(golden, "lstm_output_without_tanh")
    path = tmp_path / f"mine.{kind.replace('answer', 'json')}"
    if kind == "json":
        as_json(path, outputs)
    elif kind == "npz":
        np.savez(path, **outputs)
    else:
        arrays = {name: {"shape": a.shape, "data": a.ravel().tolist()} for name, a in outputs.items()}
        path.write_text(json.dumps({"answer": "outputs", "id": 1, **arrays}))
    text = run("lstm/plain", "--against", path, code=FINDING)
    assert "looks like lstm_output_without_tanh" in text
    assert len(rows_of(text, "your out")) == 1


@pytest.mark.slow
def test_out_alone_nan_facts_and_padding_are_shown(run: Explain, tmp_path: Path) -> None:
    golden, padded = rnn_goldens.load("gru/plain"), rnn_goldens.load("gru/lengths")
    assert padded.lengths is not None

    def against(golden: Golden, **outputs: Any) -> str:
        code = GOOD if np.array_equal(outputs["out"], golden.out) else FINDING
        return run(golden.id, "--against", as_json(tmp_path / "a.json", outputs), code=code)

    assert "your numbers are right: out" in against(golden, out=golden.out)
    out, row, beyond = np.array(golden.out), int(np.argmin(padded.lengths)), np.array(padded.out)
    out[1, 2, 0] = np.nan
    text = against(golden, out=out)
    assert "layer 0, time step 2, row 1, unit 0: yours is nan" in text.replace("\n", " ")
    assert "layer 0, row 1, time step 2\n" in text
    for outputs in ({"h_n": golden.h_n}, {}):
        text = against(golden, out=3 * golden.out, **outputs)
        assert "out is 3 times the right one" in text
        assert "missing" not in text
    beyond[row, -1] = 7
    text = against(padded, out=beyond)
    assert "the sequence has ended: the state does not change, and out is zero" in text
    assert rows_of(text, "your out") == [["7"] * padded.network.hidden_size]


# Wrong use.


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["lstm_gates_iofh"], "no deviation or golden 'lstm_gates_iofh'. Did you mean 'lstm_gates_iogf'?"),
        (["lstm/plane"], "no deviation or golden 'lstm/plane'. Did you mean 'lstm/plain'?"),
        (["lstm_gates_iofg", "--step", "1"], "--step is for a golden, and lstm_gates_iofg is a deviation"),
        (["lstm/plain", "--step", "4"], "--step 4: lstm/plain has 4 time steps, 0 to 3"),
        (["lstm/plain", "--row", "-1"], "--row -1: lstm/plain has 2 batch rows, 0 to 1"),
        (["lstm/plain", "--unit", "3"], "--unit 3: lstm/plain has 3 units, 0 to 2"),
        (["lstm/plain", "--layer", "1"], "--layer 1: lstm/plain has one layer, 0"),
        (["lstm/plain", "--reverse"], "--reverse: lstm/plain has only the forward direction"),
        (["lstm/plain", "--dtype", "float8"], "no precision 'float8'"),
        (["lstm/plain", "--implementation", "nunpy"], "Did you mean 'numpy'"),
        (["lstm/plain", "--implementation", "numpy", "--against", "a.json"], "give one of them"),
    ],
)
def test_wrong_use_is_one_error(arguments: list[str], message: str, run: Explain) -> None:
    assert message in run(*arguments, code=WRONG_USE)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.json", None, "missing.json: cannot be read: No such file or directory"),
        ("a.txt", "", "a.txt: outputs are read from a .json or .npz file"),
        ("a.json", "out", "a.json: not JSON: Expecting value"),
        ("a.json", f'{{"out": {"[" * 40}1{"]" * 40}}}', "a.json: is nested in more than 32 levels"),
        ("a.json", f'{{"out": [{"1," * 2**20}1]}}', "a.json: holds 1048578 values, the limit for this kind of file is"),
        ("a.json", "[1]", "it is not an object"),
        ("a.json", '{"h_n": [1]}', "a.json: has no 'out'"),
        ("a.json", '{"out": [1], "hn": [1]}', "a.json: has 'hn'; expected only out, h_n, c_n"),
        ("a.json", '{"out": [[1, 2], [3]]}', "a.json: out is a list that NumPy cannot read"),
        ("a.json", '{"out": ["1"]}', "is not a number"),
        ("a.json", '{"out": [[0.5]]}', "a.json: out has shape (1, 1), gru/plain has (2, 4, 3)"),
        ("a.json", '{"out": {"shape": [2, 2], "data": [1]}}', "cannot reshape"),
        ("a.json", '{"out": {"shape": [1]}}', "out is an object whose keys are not shape and data"),
        ("missing.npz", None, "missing.npz: cannot be read: No such file or directory"),
        ("a.npz", "PK", "a.npz: cannot be read as NPZ: not a file that numpy.savez writes"),
    ],
)
def test_a_bad_file_is_one_error(name: str, content: str | None, message: str, run: Explain, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    output = run("gru/plain", "--against", name, code=WRONG_USE)
    assert message in output
    assert len(output.splitlines()) == 1


def test_a_pipe_and_a_large_archive_are_one_error(run: Explain, tmp_path: Path) -> None:
    for name in ("pipe.json", "pipe.npz"):
        os.mkfifo(tmp_path / name)
        assert f"{name}: is a pipe or a device, not a file" in run("gru/plain", "--against", name, code=WRONG_USE)
    np.savez_compressed(tmp_path / "a.npz", out=np.zeros(2**22))
    larger = "a.npz: cannot be read as NPZ: its arrays are larger than 24 MiB, the limit for this kind of file"
    assert larger in run("gru/plain", "--against", "a.npz", code=WRONG_USE)
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (10000000000000,), }".ljust(117) + b"\n"
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("out.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    assert "a.npz: cannot be read as NPZ: " in run("gru/plain", "--against", "a.npz", code=WRONG_USE)


def test_a_cell_state_for_a_cell_without_one_is_an_error(run: Explain, tmp_path: Path) -> None:
    path = as_json(tmp_path / "a.json", {"out": rnn_goldens.load("gru/plain").out, "c_n": [1]})
    message = run("gru/plain", "--against", path, code=WRONG_USE)
    assert "has c_n, but gru/plain is a golden for gru, which has no c_n" in message


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("explain_users:unable", "refuses lstm/plain in float32: no recurrent layers"),
        ("explain_users:flat", "out has shape (4, 3), want (2, 4, 3)"),
    ],
)
def test_outputs_that_cannot_be_compared_are_an_error(name: str, message: str, run: Explain) -> None:
    assert message in run("lstm/plain", "--implementation", name, code=FINDING)
