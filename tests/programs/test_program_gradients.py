"""Gradients of a program: requested in protocol 2 if its hello lists the feature ``gradients``, refused otherwise."""

import json
import shlex
import sys
from pathlib import Path

import pytest
from factories.gradients import with_gradients
from programs.conftest import Check

from rnn_goldens import Unsupported, schema
from rnn_goldens.errors import ProgramFailed
from rnn_goldens.programs import messages
from rnn_goldens.programs.command import find_command
from rnn_goldens.programs.misbehaviour import Misbehaviour
from rnn_goldens.programs.program import Program

NUMPY_RNN = (sys.executable, str(Path(__file__).with_name("numpy_rnn.py")))
BACK = (*NUMPY_RNN, "back")
GRADIENTS = "--rnn-goldens-gradients"
ONE = "documented/single-sequence"


def started(*command: str) -> Program:
    return Program(find_command(f"-- {shlex.join(command)}", Path.cwd()))


def answering(folder: Path, *answered: object) -> Program:
    """Return a program that prints fixed answers to any requests."""
    lines = [json.dumps(answer) for answer in answered]
    (folder / "says.py").write_text(f"for line in {lines!r}: input(); print(line, flush=True)\n", "utf-8")
    return Program(find_command(f"-- {sys.executable} says.py", folder))


@pytest.mark.slow
def test_a_correct_program_passes_every_golden_with_gradients(check: Check) -> None:
    checked = check(GRADIENTS, "--rnn-goldens-dtype=float64,float16", command=BACK)
    assert set(checked.outcomes) == {"passed"}
    assert len(checked.outcomes) > 200
    assert {name for result in checked.results for name in result["gradients"]["not_checked"]} == set()
    assert checked.code == 0


@pytest.mark.parametrize("golden_id", [ONE, "lstm/lengths", "gru/unbatched"])
def test_a_request_for_gradients_is_valid_and_has_every_cotangent(golden_id: str) -> None:
    golden = with_gradients(golden_id, "bfloat16", only=("d_out",))
    message = json.loads(messages.to_line(messages.request(golden.for_implementation(), 3, back=True)))
    assert schema.problems(message, "protocol-request") == []
    assert list(message["cotangents"]) == list(golden.cotangents)
    assert not any(message["cotangents"]["d_h_n"]["data"])
    assert "cotangents" not in messages.request(golden.for_implementation(), 3)


def test_the_example_answer_with_gradients_is_correct() -> None:
    golden = with_gradients("lstm/lengths", "float16")
    message = messages.correct_gradients(golden, 5)
    assert schema.problems(message, "protocol-answer") == []
    answer = messages.read(json.dumps(message).encode(), 2)
    assert isinstance(answer, messages.Arrays)
    assert golden.compare_gradients(answer.rounded(golden)).not_checked == ()
    assert schema.problems(messages.correct_hello(2), "protocol-answer") == []


@pytest.mark.slow
def test_a_program_of_protocol_1_receives_no_gradient_request(check: Check) -> None:
    checked = check(GRADIENTS, "-k", ONE)
    assert checked.code == 1
    assert "tiny_rnn speaks protocol 1, which has no gradients" in checked.shown
    assert "nothing was checked" in checked.shown


def test_unsupported_goldens_are_refused_for_gradients_too() -> None:
    program = started(*BACK)
    with pytest.raises(Unsupported, match=r"^numpy_rnn does not support bfloat16$"):
        program.gradients(with_gradients(ONE, "bfloat16").for_implementation())
    program.close()


FAILS = [
    ("answers_outputs", "numpy_rnn answered outputs to a request for gradients"),
    ("gives_null", "(gradients/x: null is not an array; leave out what is not computed)"),
    ("gives_a_list", "not an answer of protocol 2 (gradients/x: [1.0] is not of type 'object')"),
    ("gives_too_few_numbers", "(gradients/x: data holds 1 number, shape (1, 3, 5) needs 15)"),
    ("leaves_gradients_out", "(top level: 'gradients' is a required property)"),
]


def test_an_invalid_gradients_answer_fails_with_the_command_to_reproduce_it() -> None:
    golden = with_gradients(ONE)
    program = started(*BACK, *(f"{request}={how}" for request, (how, _) in enumerate(FAILS, 1)))
    for _, message in FAILS:
        with pytest.raises(ProgramFailed) as caught:
            program.gradients(golden.for_implementation())
        assert message in str(caught.value)
        assert f"rnn-goldens protocol {ONE} --dtype=float32 --gradients --requests | " in str(caught.value)
    golden.check_gradients(program.gradients(golden.for_implementation()))
    program.close()


@pytest.mark.slow
def test_wrong_gradients_of_a_program_fail_and_missing_ones_are_not_checked(check: Check) -> None:
    wrong = check(GRADIENTS, "-k", ONE, command=(*BACK, "1=halves_x"))
    assert wrong.outcomes == ["failed"]
    assert "weight_ih_l0, weight_hh_l0 right; x wrong" in wrong.shown
    missing = check(GRADIENTS, "-k", ONE, command=(*BACK, "1=gives_only_x", "2=gives_only_x"))
    assert missing.outcomes == ["passed"]
    (result,) = missing.results
    assert result["gradients"] == {"right": ["x"], "wrong": [], "not_checked": ["weight_ih_l0", "weight_hh_l0"]}
    assert "not checked: weight_ih_l0, in 1 golden" in missing.shown


def test_an_answer_may_contain_outputs_and_gradients() -> None:
    program, golden = started(*BACK, "1=gives_outputs_beside"), with_gradients(ONE)
    golden.check_gradients(program.gradients(golden.for_implementation()))
    golden.check(*program(golden.for_implementation()))
    program.close()


def test_unrequested_gradients_fail(tmp_path: Path) -> None:
    program = answering(tmp_path, messages.correct_hello(2), {"answer": "gradients", "id": 1, "gradients": {}})
    with pytest.raises(ProgramFailed, match="my_rnn answered gradients to a request for outputs"):
        program(with_gradients(ONE).for_implementation())


def test_gradients_are_not_an_answer_of_protocol_1() -> None:
    message = {"answer": "gradients", "id": 1, "gradients": {}}
    with pytest.raises(Misbehaviour, match="not an answer of protocol 1"):
        messages.read(json.dumps(message).encode())
    assert isinstance(messages.read(json.dumps(message).encode(), 2), messages.Arrays)
