"""A badge as shields.io takes it: in words first, and in a colour that says no more."""

import pytest

from rnn_goldens.pages.content import Checked
from rnn_goldens.report.badge import badge
from rnn_goldens.report.conformance import Found
from rnn_goldens.result import Result


def found(*outcomes: str) -> Found:
    results: list[Result] = [
        {"golden": f"gru/{n}", "dtype": "float32", "test": f"test_it[{n}]", "outcome": outcome}
        for n, outcome in enumerate(outcomes)
    ]
    return Found(Checked("mine", results=results))


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
def test_it_says_how_one_implementation_fares(outcomes: tuple[str, ...], message: str, colour: str) -> None:
    made = badge([found(*outcomes)])
    assert made == {"schemaVersion": 1, "label": "rnn-goldens", "message": message, "color": colour}


def test_it_says_how_many_of_several_agree() -> None:
    right, known = found("passed", "refused"), found("passed", "known-failure")
    assert badge([right, right])["message"] == "2 of 2 implementations agree"
    assert badge([right, known])["color"] == "yellow"
    assert badge([right, found("refused")])["message"] == "1 of 2 implementations agree"


def test_one_that_could_not_be_checked_does_not_agree() -> None:
    made = badge([found("passed")], unchecked=1)
    assert (made["message"], made["color"]) == ("1 of 2 implementations agree", "red")
