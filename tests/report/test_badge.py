"""Badges in the format of shields.io: the message has all information, and the colour summarizes it."""

import pytest

from rnn_goldens.golden_result import Result
from rnn_goldens.pages import Checked
from rnn_goldens.report.conformance import badge


def results_of(*outcomes: str) -> Checked:
    results: list[Result] = [
        {"golden": f"gru/{n}", "dtype": "float32", "test": f"test_it[{n}]", "outcome": outcome}
        for n, outcome in enumerate(outcomes)
    ]
    return Checked("mine", results=results)


@pytest.mark.parametrize(
    ("outcomes", "message", "colour"),
    [
        (("passed", "passed"), "2 passed", "brightgreen"),
        (("passed", "refused"), "1 passed, 1 refused", "brightgreen"),
        (("passed", "known-failure"), "1 passed, 1 known to be wrong", "yellow"),
        (("passed", "known-failure", "failed"), "1 passed, 1 wrong, 1 known to be wrong", "red"),
        (("refused",), "1 refused", "lightgrey"),
        ((), "nothing was checked", "lightgrey"),
    ],
)
def test_a_badge_shows_the_results_of_one_implementation(outcomes: tuple[str, ...], message: str, colour: str) -> None:
    result = badge([results_of(*outcomes)])
    assert result == {"schemaVersion": 1, "label": "rnn-goldens", "message": message, "color": colour}


def test_a_badge_shows_how_many_implementations_agree() -> None:
    right, known = results_of("passed", "refused"), results_of("passed", "known-failure")
    assert badge([right, right])["message"] == "2 of 2 implementations agree"
    assert badge([right, known])["color"] == "yellow"
    assert badge([right, results_of("refused")])["message"] == "1 of 2 implementations agree"


def test_an_unchecked_implementation_does_not_agree() -> None:
    result = badge([results_of("passed")], unchecked=1)
    assert (result["message"], result["color"]) == ("1 of 2 implementations agree", "red")
