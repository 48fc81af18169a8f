"""What a run says of wrong gradients where it knows that the outputs are right."""

import json
from typing import Any

import pytest

from rnn_goldens.schema import problems

SLIPS = """
import numpy as np
import pytest
from rnn_goldens.cells import Backward, Network, case_of
from rnn_goldens.cells.cell import with_equations
from rnn_goldens.deviations import deviation

EQUATIONS = deviation("gru_reset_before_product").wrong.equations["gru"]

class Differentiated(Backward):
    def cell(self, case):
        return with_equations(super().cell(case), EQUATIONS)

def differentiated(golden):
    return Differentiated().gradients(case_of(golden, np.float64), golden.cotangents)

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

GRADIENTS_ALONE = """
@GRADIENTS
def test_back(rnn_golden):
    rnn_golden.check_gradients(differentiated(rnn_golden))
"""

IN_ONE_TEST = """
@GRADIENTS
def test_both(rnn_golden):
    rnn_golden.check(*outputs(rnn_golden))
    rnn_golden.check_gradients(differentiated(rnn_golden))
"""

OUT_ALONE = IN_ONE_TEST.replace("outputs(rnn_golden))", "outputs(rnn_golden)[:1], outputs=['out'])", 1)

IN_ANOTHER_TEST = f"""
@OUTPUTS
def test_forward(rnn_golden):
    rnn_golden.check(*outputs(rnn_golden))
{GRADIENTS_ALONE}"""

IN_A_TEST_AFTER = f"""{GRADIENTS_ALONE}
@OUTPUTS
def test_forward(rnn_golden):
    rnn_golden.check(*outputs(rnn_golden))
"""

IN_A_CALL = """
@GRADIENTS
def test_calls(rnn_golden):
    rnn_golden.check_gradient_calls(differentiated, outputs)
"""

NAMED = "gru_reset_before_product"


def report(pytester: pytest.Pytester, body: str, *options: str) -> tuple[dict[str, Any], str]:
    """The results file of a run, and its text."""
    pytester.makepyfile(test_it=SLIPS + body)
    result = pytester.runpytest_subprocess("--rnn-goldens-report=report.json", "--tb=short", *options)
    document = json.loads((pytester.path / "report.json").read_text("utf-8"))
    assert problems(document, "results") == []
    return document, result.stdout.str()


@pytest.mark.slow
@pytest.mark.parametrize("body", [IN_ONE_TEST, IN_A_CALL])
def test_where_the_outputs_are_right_no_deviation_of_theirs_is_named(pytester: pytest.Pytester, body: str) -> None:
    document, text = report(pytester, body)
    assert NAMED not in text
    assert [cause["certainty"] for cause in document["causes"]] == ["not recognised"]


@pytest.mark.slow
def test_outputs_that_a_test_before_found_right_are_right(pytester: pytest.Pytester) -> None:
    _, text = report(pytester, IN_ANOTHER_TEST)
    assert NAMED not in text


@pytest.mark.slow
@pytest.mark.parametrize("options", [["-n2"], []])
def test_outputs_that_another_test_of_the_run_found_right_are_right_at_its_end(
    pytester: pytest.Pytester, options: list[str]
) -> None:
    document, _ = report(pytester, IN_A_TEST_AFTER, *options)
    assert [cause["certainty"] for cause in document["causes"]] == ["not recognised"]
    assert [entry for entry in document["results"] if "explained_by" in entry] == []


@pytest.mark.slow
@pytest.mark.parametrize("body", [GRADIENTS_ALONE, OUT_ALONE])
def test_where_nothing_shows_that_all_outputs_are_right_a_deviation_of_theirs_is_named(
    pytester: pytest.Pytester, body: str
) -> None:
    document, _ = report(pytester, body)
    (cause,) = document["causes"]
    assert [suspect["deviations"] for suspect in cause["suspects"]] == [[NAMED]]


@pytest.mark.slow
def test_d_c_n_added_to_d_h_is_named_as_that(pytester: pytest.Pytester) -> None:
    body = IN_ONE_TEST.replace("differentiated(", "adds_d_c_n_to_d_h(").replace(
        "@GRADIENTS", "@pytest.mark.rnn_goldens(cell='lstm', without=['multilayer', 'lengths'], gradients=True)"
    )
    document, text = report(pytester, body)
    (cause,) = document["causes"]
    assert [suspect["deviations"] for suspect in cause["suspects"]] == [["d_c_n_added_to_h"]]
    assert "c_n_is_h_n" not in text


@pytest.mark.slow
def test_a_gradient_that_adds_up_over_calls_is_told_of_the_whole_run(pytester: pytest.Pytester) -> None:
    body = """
kept = {}

def adds_up(golden):
    found = Backward().gradients(case_of(golden, np.float64), golden.cotangents)
    for name in found:
        if name.startswith("bias_hh"):
            kept[golden.id, name] = kept.get((golden.id, name), 0) + found[name]
    return {name: kept.get((golden.id, name), array) for name, array in found.items()}

@pytest.mark.rnn_goldens(cell="gru", gradients=True, features=["bias"])
def test_calls(rnn_golden):
    rnn_golden.check_gradient_calls(adds_up)
"""
    document, text = report(pytester, body)
    summary = " ".join(text.partition("rnn-goldens: what is wrong")[2].split())
    assert "the second call gives the sum of both: gradients add up over calls, and are not cleared" in summary
    assert "the gradient of bias_hh alone is wrong" in summary
    (cause,) = document["causes"]
    assert cause["suspects"] == []
    assert cause["facts"]["gradients_add_up"]["value"] is True


@pytest.mark.slow
@pytest.mark.parametrize(
    ("slip", "cell", "features", "forward"),
    [
        ("d_h_n_of_reverse_at_its_start", "rnn_tanh", "bidirectional", "h_n_of_reverse_from_wrong_end"),
        ("lengths_one_short_on_the_way_back", "gru", "lengths", "lengths_one_too_short"),
    ],
)
def test_a_slip_whose_gradients_are_those_of_wrong_outputs_is_named_as_one_of_the_way_back(
    pytester: pytest.Pytester, slip: str, cell: str, features: str, forward: str
) -> None:
    body = f"""
from rnn_goldens.deviations import deviation

@pytest.mark.rnn_goldens(cell="{cell}", features=["{features}"], without=["multilayer"], gradients=True)
def test_it(rnn_golden):
    case = case_of(rnn_golden, np.float64)
    rnn_golden.check(*outputs(rnn_golden))
    rnn_golden.check_gradients(deviation("{slip}").gradients(case, rnn_golden.cotangents))
"""
    document, text = report(pytester, body)
    (cause,) = document["causes"]
    assert cause["certainty"] == "explained"
    assert [suspect["deviations"] for suspect in cause["suspects"]] == [[slip]]
    assert forward not in text


@pytest.mark.slow
def test_a_deviation_of_the_way_back_stays_named_where_outputs_are_found_right_later(pytester: pytest.Pytester) -> None:
    body = IN_A_TEST_AFTER.replace("differentiated(rnn_golden)", "halved(rnn_golden)")
    halved = """
def halved(golden):
    found = Backward().gradients(case_of(golden, np.float64), golden.cotangents)
    return {name: array / 2 if name.startswith("bias") else array for name, array in found.items()}
"""
    document, _ = report(pytester, halved + body)
    failed = [entry for entry in document["results"] if entry["outcome"] == "failed"]
    assert [entry["explained_by"] for entry in failed] == [["biases_halved"]] * 3
