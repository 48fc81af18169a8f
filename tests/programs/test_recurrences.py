"""A program of a recurrence: it states its cells in protocol 2, and receives inputs and states by name."""

import json
import shlex
import sys
from pathlib import Path

import pytest
from programs.conftest import Check

from rnn_goldens import schema
from rnn_goldens.corpus import open_corpus
from rnn_goldens.errors import ProgramFailed, Unsupported
from rnn_goldens.golden.recurrences import RECURRENCES
from rnn_goldens.implementations import outputs_of
from rnn_goldens.programs import messages
from rnn_goldens.programs.command import find_command
from rnn_goldens.programs.misbehaviour import Misbehaviour
from rnn_goldens.programs.program import Program

CORPUS = open_corpus()
TINY = (sys.executable, str(Path(__file__).with_name("tiny_recurrence.py")))
ONE = "gated-delta/several-steps"


def started(*options: str) -> Program:
    return Program(find_command(f"-- {shlex.join((*TINY, *options))}", Path.cwd()))


def test_a_right_program_passes_and_is_not_asked_for_what_it_lacks(check: Check) -> None:
    checked = check("--cell=gated_delta", "--dtype=float64,float32,float16", "--calls=twice,rows,chunks", command=TINY)
    assert (set(checked.outcomes), checked.code) == ({"passed", "refused"}, 0)
    assert checked.outcomes.count("passed") > 30
    assert {result["reason"] for result in checked.results if result["outcome"] == "refused"} == {"a decay by key"}
    for lacking in ("grouped", "grouped-values", "one-beta", "packed"):
        assert f"tiny_recurrence does not support {lacking}\n" in checked.shown


@pytest.mark.slow
def test_a_wrong_program_fails_and_its_mistake_is_named(check: Check) -> None:
    checked = check("--cell=gated_delta", "-k", "several", command=(*TINY, "wrong"))
    assert (checked.outcomes, checked.code) == (["failed"], 1)
    assert "like decay_after_update: o is first wrong at time step 0" in checked.shown


def test_a_program_is_only_asked_for_recurrences_that_it_lists() -> None:
    program = started()
    for golden_id, reason in (("delta-rule/several-steps", "delta_rule"), ("gru/plain", "gru")):
        with pytest.raises(Unsupported, match=f"^tiny_recurrence does not support {reason}$"):
            program(CORPUS.load(golden_id, "float32"))
    program.close()


def test_an_answer_with_other_names_is_a_failure() -> None:
    with pytest.raises(ProgramFailed, match="answered out, h_n without o, S_n: outputs of gated_delta are o, S_n\n"):
        started("other_names")(CORPUS.load(ONE, "float32"))


def test_a_program_without_the_feature_gradients_is_refused() -> None:
    program = started()
    with pytest.raises(Unsupported, match=r"^tiny_recurrence does not support gradients$"):
        program.gradients(CORPUS.load(ONE, "float32", gradients=True).for_implementation())
    program.close()


@pytest.mark.parametrize("cell", RECURRENCES)
def test_messages_of_each_recurrence_are_valid_and_read_back(cell: str) -> None:
    for entry in CORPUS.select(cell=cell):
        golden = CORPUS.load(entry.id, "float64")
        message = json.loads(messages.to_line(messages.request(golden.for_implementation(), 1)))
        assert schema.problems(message, "protocol-request") == []
        assert schema.problems(message, "protocol-request", 1)
        assert {*golden.inputs, *golden.given_states} <= message["inputs"].keys()
        answer = messages.read(messages.to_line(messages.correct_outputs(golden, 1)), 2)
        assert isinstance(answer, messages.Arrays)
        golden.check(*outputs_of(tuple(answer.rounded(golden).values()), golden))


def test_requests_and_answers_of_gradients_are_valid() -> None:
    golden = CORPUS.load(ONE, "float32", gradients=True)
    message = json.loads(messages.to_line(messages.request(golden.for_implementation(), 2, back=True)))
    assert schema.problems(message, "protocol-request") == []
    assert list(message["cotangents"]) == ["d_o", "d_S_n"]
    answer = messages.read(messages.to_line(messages.correct_gradients(golden, 2)), 2)
    assert isinstance(answer, messages.Arrays)
    golden.check_gradients(answer.rounded(golden))


def test_a_request_of_a_recurrence_has_no_network_s_arrays() -> None:
    message = messages.request(CORPUS.load(ONE, "float32").for_implementation(), 1)
    wrong = {**message, "config": {**message["config"], "hidden_size": 3}}
    assert schema.problems(json.loads(messages.to_line(wrong)), "protocol-request") == [
        "config: Additional properties are not allowed ('hidden_size' was unexpected)"
    ]


def test_the_hello_of_protocol_1_has_no_recurrences() -> None:
    hello = messages.correct_hello(1, ["gated_delta"])
    with pytest.raises(Misbehaviour, match=r"is not an answer of protocol 1 \(cells/4: 'gated_delta' is not one of "):
        messages.read(messages.to_line(hello))
    read = messages.read(messages.to_line(messages.correct_hello(2, ["gated_delta"])))
    assert isinstance(read, messages.Hello)
    assert read.lacks(CORPUS.load("gated-delta/packed", "float32")) is None


def test_last_states_that_are_not_compared_may_be_in_an_answer() -> None:
    golden = CORPUS.load("slstm/several-steps", "float64")
    message = messages.correct_outputs(golden, 1)
    answer = messages.read(messages.to_line(message | dict.fromkeys(("c_n", "n_n", "m_n"), message["h_n"])), 2)
    assert isinstance(answer, messages.Arrays)
    assert len(answer.rounded(golden)) == 2
