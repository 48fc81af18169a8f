"""The diagnosis of wrong gradients in a run whose outputs are correct."""

import json
from typing import Any

import pytest

from rnn_goldens.schema import problems

pytestmark = pytest.mark.slow

PREAMBLE = """
import numpy as np
import pytest
from rnn_goldens.cells import Backward, Network, case_of
from rnn_goldens.cells.step_program import with_equations
from rnn_goldens.deviations import deviation

EQUATIONS = deviation("gru_reset_before_product").wrong.equations["gru"]

class WrongEquations(Backward):
    def cell(self, case):
        return with_equations(super().cell(case), EQUATIONS)

def gradients_of_wrong_equations(golden):
    return WrongEquations().gradients(case_of(golden, np.float64), golden.cotangents)

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


@pytest.mark.parametrize(
    ("body", "options", "may_be_the_cause"),
    [
        (IN_ONE_TEST, [], False),
        (IN_A_CALL, [], False),
        (IN_AN_EARLIER_TEST, [], False),
        (IN_A_LATER_TEST, [], False),
        (IN_A_LATER_TEST, ["-n2"], False),
        (ONLY_GRADIENTS, [], True),
        (ONLY_OUT, [], True),
    ],
    ids=["one test", "a call", "an earlier test", "a later test", "a later test of a worker", "no outputs", "only out"],
)
def test_a_deviation_of_outputs_is_a_cause_unless_all_outputs_passed(
    pytester: pytest.Pytester, body: str, options: list[str], *, may_be_the_cause: bool
) -> None:
    document, _ = report(pytester, body, *options)
    (cause,) = document["causes"]
    assert cause["certainty"] == ("explained" if may_be_the_cause else "not recognised")
    named = [candidate["deviations"] for candidate in cause["candidates"]]
    assert named == ([[FORWARD_DEVIATION]] if may_be_the_cause else [])
    assert any("explained_by" in entry for entry in document["results"]) == may_be_the_cause


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
