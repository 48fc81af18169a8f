"""A misbehaving program fails only the current golden, with a description; it is restarted and the run continues.

In one run of ``rnn-goldens check`` a program misbehaves in every way, with correct answers in between.
"""

import re

import pytest
from programs.checking import TINY_RNN, Checked, check_program

pytestmark = pytest.mark.slow

LIMIT = 1.5
NO_ANSWER = f"printed no answer within {LIMIT} s"
PASSED = ("passed", "")
CORRECT = (None, *PASSED)


def fails(how: str, reason: str) -> tuple[str, str, str]:
    return how, "failed", f"tiny_rnn {reason}"


def is_no_answer(how: str, problem: str) -> tuple[str, str, str]:
    return fails(how, f"printed JSON that is not an answer of protocol 1 ({problem}")


# The misbehaviour at each request, and the outcome and reason of its golden; * matches any text.
SCHEDULE: list[tuple[str | None, str, str]] = [
    CORRECT,
    fails("exits", "exited with code 3 before its answer"),
    CORRECT,
    fails("segfaults", "was killed by signal SIGSEGV before its answer"),
    fails("exits_but_its_child_does_not", "exited with code 3 before its answer"),
    fails("exits_in_the_middle_of_a_line", "exited with code 4 before its answer"),
    CORRECT,
    fails("hangs", NO_ANSWER),
    fails("hangs_with_a_child", NO_ANSWER),
    CORRECT,
    fails("forgets_the_newline", f"{NO_ANSWER}, but * bytes without the newline that ends an answer"),
    fails("prints_an_empty_line", f"{NO_ANSWER}, but 1 empty line"),
    fails("closes_stdout", "closed its stdout but did not exit"),
    CORRECT,
    fails("prints_rubbish", "printed a line that is not JSON (Expecting value: *): 'Epoch 1: loss 0.25'"),
    fails("prints_no_utf_8", "printed a line that is not JSON (JSON is UTF-8, byte 12 is not): *"),
    fails("prints_a_deep_nest", "printed JSON that is nested too deep, in more than 16 levels: '[[[*"),
    fails("prints_a_nest_of_940", "printed JSON that is nested too deep, in more than 16 levels: *"),
    CORRECT,
    is_no_answer("prints_no_object", "holds a list, *): '[1, 2]'"),
    is_no_answer("leaves_out_h_n", "*'h_n' is a required property): *"),
    is_no_answer("nests_its_data", "out: [[1.0]] is not of type 'object'): *"),
    is_no_answer("prints_too_few_numbers", "out: data holds 1 number, *"),
    is_no_answer("prints_text_for_numbers", 'h_n/data/0: "1.0" is not *'),
    CORRECT,
    fails("answers_another_id", "answered id 999 to request id *"),
    CORRECT,
    fails("answers_the_id_before", "answered twice: id * (*) again, instead of id *"),
    fails("answers_hello", "answered hello to another request"),
    fails("answers_twice", "answered twice: after its answer to id * (*) it printed *"),
    CORRECT,
    fails("prints_without_end", "printed more than 10*,* bytes without ending the line"),
    fails("prints_lines_without_end", "printed a line that is not JSON (Expecting value: *): 'Epoch 1'"),
    fails("floods_stderr", "wrote more than 10,000,000 bytes to stderr"),
    fails("floods_stderr_and_answers", "wrote more than 10,000,000 bytes to stderr"),
    CORRECT,
    # Valid answers:
    ("writes_a_megabyte_to_stderr", *PASSED),
    ("writes_blank_lines", *PASSED),
    ("answers_nan", "failed", "out is first wrong at *got nan, want *"),
    ("answers_another_shape", "failed", "out has shape *"),
    ("says_unsupported", "refused", "not today"),
    CORRECT,
]

REPEATED = ("answers_nan", "answers_another_shape")
"""Unexplained wrong answers: their requests are repeated once to detect flakiness."""


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Checked:
    instructions, request_id = [], 0
    for how, *_ in SCHEDULE:
        request_id += 1
        if how:
            instructions.append(f"{request_id}={how}")
        if how in REPEATED:
            request_id += 1
    options = (
        f"--rnn-goldens-time-limit={LIMIT}",
        "--rnn-goldens-dtype=float64,float32,bfloat16,float16",
        *("-k", "documented or one-step or no-bias or plain or activations"),
    )
    return check_program(tmp_path_factory.mktemp("checked"), options, (*TINY_RNN, *instructions))


@pytest.mark.parametrize("index", range(len(SCHEDULE)), ids=[how or "answers" for how, *_ in SCHEDULE])
def test_each_golden_has_the_outcome_and_reason_of_the_misbehaviour(checked: Checked, index: int) -> None:
    _, outcome, reason = SCHEDULE[index]
    result = checked.results[index]
    where = f"{result['golden']} in {result['dtype']}: " if outcome == "failed" else ""
    expected = "(.*)".join(map(re.escape, f"{where}{reason}".split("*")))
    assert result["outcome"] == outcome
    assert re.fullmatch(expected, result.get("reason", "")), result.get("reason")


def test_the_run_continues_to_its_end(checked: Checked) -> None:
    assert set(checked.outcomes[len(SCHEDULE) :]) == {"passed"}
    assert f"{checked.outcomes.count('failed')} failed" in checked.shown
    assert checked.code == 1


def test_the_program_is_restarted_only_after_a_failure(checked: Checked) -> None:
    failures = sum("tiny_rnn" in reason for _, _, reason in SCHEDULE)
    children = sum("child" in how for how, *_ in SCHEDULE if how)
    assert len(checked.processes) == 1 + failures + children
