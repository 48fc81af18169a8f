"""The diagnosis of wrong gradients in a run whose outputs are correct."""

import json
from typing import Any

import pytest

from rnn_goldens.schema import problems

PREAMBLE = """
import numpy as np
import pytest
from rnn_goldens.cells import Backward, Network, case_of
from rnn_goldens.cells.cell import with_equations
from rnn_goldens.deviations import deviation

EQUATIONS = deviation("gru_reset_before_product").wrong.equations["gru"]

class WrongEquations(Backward):
    def cell(self, case):
        return with_equations(super().cell(case), EQUATIONS)

def gradients_of_wrong_equations(golden):
    return WrongEquations().gradients(case_of(golden, np.float64), golden.cotangents)

def adds_d_c_n_to_d_h(golden):
    d = golden.cotangents
    wrong = {**d, "d_h_n": d["d_h_n"] + d["d_c_n"], "d_c_n": 0 * d["d_c_n"]}
    return Backward().gradients(case_of(golden, np.float64), wrong)

def outputs(golden):
    return Network().run(case_of(golden, np.float64))

IDS = ["gru/plain", "gru/with-state", "gru/one-step"]
GRADIENTS = pytest.mark.rnn_goldens(ids=IDS, gradients=True)
OUTPUTS = pytest.mark.rnn_goldens(ids=IDS)
"""

ONLY_GRADIENTS = """
@GRADIENTS
def test_backward(rnn_golden):
    rnn_golden.check_gradients(gradients_of_wrong_equations(rnn_golden))
"""

IN_ONE_TEST = """
@GRADIENTS
def test_both(rnn_golden):
    rnn_golden.check(*outputs(rnn_golden))
    rnn_golden.check_gradients(gradients_of_wrong_equations(rnn_golden))
"""

ONLY_OUT = IN_ONE_TEST.replace("outputs(rnn_golden))", "outputs(rnn_golden)[:1], outputs=['out'])", 1)

IN_AN_EARLIER_TEST = f"""
@OUTPUTS
def test_forward(rnn_golden):
    rnn_golden.check(*outputs(rnn_golden))
{ONLY_GRADIENTS}"""

IN_A_LATER_TEST = f"""{ONLY_GRADIENTS}
@OUTPUTS
def test_forward(rnn_golden):
    rnn_golden.check(*outputs(rnn_golden))
"""

IN_A_CALL = """
@GRADIENTS
def test_calls(rnn_golden):
    rnn_golden.check_gradient_calls(gradients_of_wrong_equations, outputs)
"""

FORWARD_DEVIATION = "gru_reset_before_product"


def report(pytester: pytest.Pytester, body: str, *options: str) -> tuple[dict[str, Any], str]:
    """Run tests; return their results file and output."""
    pytester.makepyfile(test_it=PREAMBLE + body)
    result = pytester.runpytest_inprocess("--rnn-goldens-report=report.json", "--tb=short", *options)
    document = json.loads((pytester.path / "report.json").read_text("utf-8"))
    assert problems(document, "results") == []
    return document, result.stdout.str()


@pytest.mark.slow
@pytest.mark.parametrize("body", [IN_ONE_TEST, IN_A_CALL])
def test_a_deviation_of_outputs_is_not_a_cause_if_the_outputs_are_correct(pytester: pytest.Pytester, body: str) -> None:
    document, text = report(pytester, body)
    assert FORWARD_DEVIATION not in text
    assert [cause["certainty"] for cause in document["causes"]] == ["not recognised"]


@pytest.mark.slow
def test_outputs_that_passed_in_an_earlier_test_count_as_correct(pytester: pytest.Pytester) -> None:
    _, text = report(pytester, IN_AN_EARLIER_TEST)
    assert FORWARD_DEVIATION not in text


@pytest.mark.slow
@pytest.mark.parametrize("options", [["-n2"], []])
def test_outputs_that_pass_in_a_later_test_count_as_correct_at_the_end_of_the_run(
    pytester: pytest.Pytester, options: list[str]
) -> None:
    document, _ = report(pytester, IN_A_LATER_TEST, *options)
    assert [cause["certainty"] for cause in document["causes"]] == ["not recognised"]
    assert [entry for entry in document["results"] if "explained_by" in entry] == []


@pytest.mark.slow
@pytest.mark.parametrize("body", [ONLY_GRADIENTS, ONLY_OUT])
def test_a_deviation_of_outputs_may_be_a_cause_unless_all_outputs_passed(pytester: pytest.Pytester, body: str) -> None:
    document, _ = report(pytester, body)
    (cause,) = document["causes"]
    assert [candidate["deviations"] for candidate in cause["candidates"]] == [[FORWARD_DEVIATION]]


@pytest.mark.slow
def test_d_c_n_added_to_d_h_is_identified(pytester: pytest.Pytester) -> None:
    body = IN_ONE_TEST.replace("gradients_of_wrong_equations(", "adds_d_c_n_to_d_h(").replace(
        "@GRADIENTS", "@pytest.mark.rnn_goldens(cell='lstm', without=['multilayer', 'lengths'], gradients=True)"
    )
    document, text = report(pytester, body)
    (cause,) = document["causes"]
    assert [candidate["deviations"] for candidate in cause["candidates"]] == [["d_c_n_added_to_h"]]
    assert "c_n_is_h_n" not in text


@pytest.mark.slow
def test_a_gradient_that_accumulates_over_calls_is_reported_for_the_whole_run(pytester: pytest.Pytester) -> None:
    body = """
sums = {}

def accumulates(golden):
    gradients = Backward().gradients(case_of(golden, np.float64), golden.cotangents)
    for name in gradients:
        if name.startswith("bias_hh"):
            sums[golden.id, name] = sums.get((golden.id, name), 0) + gradients[name]
    return {name: sums.get((golden.id, name), array) for name, array in gradients.items()}

@pytest.mark.rnn_goldens(cell="gru", gradients=True, features=["bias"])
def test_calls(rnn_golden):
    rnn_golden.check_gradient_calls(accumulates)
"""
    document, text = report(pytester, body)
    summary = " ".join(text.partition("rnn-goldens: what is wrong")[2].split())
    assert "the second call returns the sum of both: gradients accumulate over calls and are not cleared" in summary
    assert "only the gradient of bias_hh is wrong" in summary
    (cause,) = document["causes"]
    assert cause["candidates"] == []
    assert cause["facts"]["gradients_add_up"]["value"] is True


@pytest.mark.slow
@pytest.mark.parametrize(
    ("deviation", "cell", "features", "forward"),
    [
        ("d_h_n_of_reverse_at_its_start", "rnn_tanh", "bidirectional", "h_n_of_reverse_from_wrong_end"),
        ("lengths_one_short_on_the_way_back", "gru", "lengths", "lengths_one_too_short"),
    ],
)
def test_a_backward_bug_is_identified_although_a_forward_bug_has_the_same_gradients(
    pytester: pytest.Pytester, deviation: str, cell: str, features: str, forward: str
) -> None:
    body = f"""
from rnn_goldens.deviations import deviation

@pytest.mark.rnn_goldens(cell="{cell}", features=["{features}"], without=["multilayer"], gradients=True)
def test_it(rnn_golden):
    case = case_of(rnn_golden, np.float64)
    rnn_golden.check(*outputs(rnn_golden))
    rnn_golden.check_gradients(deviation("{deviation}").gradients(case, rnn_golden.cotangents))
"""
    document, text = report(pytester, body)
    (cause,) = document["causes"]
    assert cause["certainty"] == "explained"
    assert [candidate["deviations"] for candidate in cause["candidates"]] == [[deviation]]
    assert forward not in text


@pytest.mark.slow
def test_a_deviation_of_the_backward_pass_stays_the_cause_if_outputs_pass_later(pytester: pytest.Pytester) -> None:
    body = IN_A_LATER_TEST.replace("gradients_of_wrong_equations(rnn_golden)", "halved(rnn_golden)")
    halved = """
def halved(golden):
    gradients = Backward().gradients(case_of(golden, np.float64), golden.cotangents)
    return {name: array / 2 if name.startswith("bias") else array for name, array in gradients.items()}
"""
    document, _ = report(pytester, halved + body)
    failed = [entry for entry in document["results"] if entry["outcome"] == "failed"]
    assert [entry["explained_by"] for entry in failed] == [["biases_halved"]] * 3
