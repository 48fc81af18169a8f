"""Pages with unusual content: hostile texts, and thousands of failures."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pages.conftest import Page

from rnn_goldens.diagnosis import Evidence
from rnn_goldens.diagnosis.causes import diagnose
from rnn_goldens.diagnosis.summary import to_json
from rnn_goldens.golden_result import Drawn, Result
from rnn_goldens.pages import About, Checked, Content
from rnn_goldens.pages.causes import causes_of
from rnn_goldens.pages.rendering import MAX_BYTES, render

HOSTILE = "<script>window.broken = true</script>\"'&</script><!--"
LIMIT = 5_000_000


def result(golden: str, outcome: str, *, judged_by: str = "comparison", reason: str = "") -> Result:
    test = f"tests/test_it.py::test_it[{golden}-float32]-{outcome}"
    return Result(golden=golden, dtype="float32", test=test, outcome=outcome, judged_by=judged_by, reason=reason)


def picture(down: int, across: int) -> dict[str, object]:
    line = [round(0.0012345 * i, 7) for i in range(across if across < 40 else 200)]
    errors = [[1234.5 + i * j for i in range(across)] for j in range(down)]
    place = {"output": "out", "place": "batch 1, reverse direction", "across": "time step", "down": "unit"}
    return place | {
        "in_tolerances": True,
        "errors": errors,
        "block": (3, 4),
        "line": 7,
        "begin": 0,
        "got": line,
        "want": line,
    }


def failing(count: int, size: tuple[int, int]) -> Content:
    goldens = [f"lstm/golden-{number}" for number in range(count)]
    wrong = "out is first wrong at time step 1 (batch 0, unit 0): got 0.5, want 0.6"
    results = [result(golden, "failed", reason=f"{golden} in float32: {wrong}") for golden in goldens]
    message = "a line of the message that is as long as most of them are in the end\n" * 12
    drawn: Drawn = {"message": message, "picture": picture(*size), "gradients": []}
    checked = Checked(
        "",
        results=results,
        drawn={one["test"]: drawn for one in results},
        command=lambda one: f"pytest 'tests/test_it.py::test_it[{one['golden']}-float32]' --rnn-goldens-dtype=float32",
    )
    about = {golden: About("lstm", ("bias", "state", "long")) for golden in goldens}
    return Content("title", [checked], about)


def hostile() -> Content:
    outcomes = ("failed", "known-failure", "refused", "skipped")
    results = [result(HOSTILE, outcome, reason=HOSTILE) for outcome in outcomes]
    for one in results:
        one |= {"explained_by": [HOSTILE], "known": HOSTILE}
    drawn: Drawn = {"message": HOSTILE, "picture": picture(2, 2), "gradients": []}
    cause = {
        "cell": "lstm",
        "certainty": "not recognised",
        "failed": 1,
        "passed": 0,
        "candidates": [],
        "unexplained": [],
    }
    cause |= {
        "facts": {HOSTILE: {"value": True, "shown_by": 1}},
        "features": [{"feature": HOSTILE, "has": True, "others": 1, "same": 0}],
        "sizes": [],
        "contrast": None,
        "few": None,
        "per_output": {HOSTILE: [[HOSTILE]]},
        "cut_short": False,
        "simplest": {"golden": HOSTILE, "dtype": "float32"},
    }
    crashed = result("lstm/plain", "failed", judged_by="test", reason=HOSTILE)
    checked = Checked(
        HOSTILE,
        {HOSTILE: HOSTILE},
        [*results, crashed],
        [cause],
        {one["test"]: drawn for one in results},
        lambda _: HOSTILE,
        HOSTILE,
    )
    return Content(HOSTILE, [checked, checked], {HOSTILE: About("lstm", ("bias",))}, {HOSTILE: HOSTILE}, HOSTILE)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("w_hh_transposed", "Multiplies by the transpose of each gate's W_hh."),
        ("own_without_b_hn", "Leaves out b_hn."),  # derived from the equations of a custom cell
        ("of_another_version", ""),
    ],
)
def test_causes_are_shown_with_their_sentences(name: str, sentence: str) -> None:
    candidate = {"deviations": [name], "explains": ["own/cell"], "against": [], "alike": []}
    data = {"cell": "cells:own", "certainty": "explained", "failed": 1, "passed": 0, "candidates": [candidate]}
    data |= {"unexplained": [], "cut_short": False, "few": None, "simplest": {"golden": "own/cell", "dtype": "float32"}}
    (cause,) = causes_of(0, Checked("", causes=[data]))
    assert [(one.name, one.sentence) for one in cause.deviations] == [(name, sentence)]


def test_text_is_escaped_in_html() -> None:
    html = render(hostile()).decode()
    assert HOSTILE not in html
    assert "<script>window" not in html
    assert html.count("</script>") == 3  # the ends of the scripts: data, library and the page's code


def test_a_page_without_failures_says_that_nothing_failed() -> None:
    right = Checked("", results=[result("lstm/plain", "passed")])
    html = render(Content("title", [right], {"lstm/plain": About("lstm", ())})).decode()
    assert "<p>Nothing failed.</p>" in html
    assert '"pictures":[]' in html


def test_integer_types_are_columns_like_precisions() -> None:
    results = [result("a/b", "passed"), result("c/d", "refused") | {"dtype": "int8"}]
    about = {"a/b": About("lstm", ()), "c/d": About("lstm_int8_tflm", ())}
    html = render(Content("title", [Checked("", results=[*results])], about)).decode()
    assert '"dtypes":["float32","int8"]' in html
    assert "(lstm_int8_tflm; int8)" in html


def test_the_explain_command_is_shown_only_for_built_in_cells() -> None:
    for cell, count in (("lstm", 1), ("my_cells:own", 0)):
        wrong = Evidence("a/b", "float32", cell, explained_by=(("b_hh_missing",),))
        (diagnosis,) = diagnose([wrong], lambda _cause, _evidence: False)
        checked = Checked("", results=[result("a/b", "failed")], causes=[to_json(diagnosis)])
        html = render(Content("title", [checked], {"a/b": About(cell, ())})).decode()
        assert html.count("rnn-goldens explain b_hh_missing") == count


@pytest.mark.usefixtures("errors")
def test_hostile_text_is_inert_in_a_browser(browser: Any, tmp_path: Path) -> None:
    (tmp_path / "report.html").write_bytes(render(hostile()))
    page = Page(browser, tmp_path / "report.html").open(360)
    page.open_failures(10)
    assert page.run("return window.broken") is None
    assert page.run("return document.querySelector('.failure b').textContent") == HOSTILE
    assert page.run("return document.querySelectorAll('canvas').length") == 8
    assert page.run("return document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("size", [(3, 4), (24, 40)], ids=["small", "large"])
def test_a_page_of_a_thousand_failures_lists_them_all(size: tuple[int, int]) -> None:
    html = render(failing(1000, size))
    assert len(html) <= LIMIT
    assert html.count(b'<details class="failure') == 1000
    pictures = html.count(b"data-picture=")
    if size == (3, 4):
        assert pictures == 1000
        assert b"leaves out" not in html
    else:
        assert pictures > 100
        assert f"leaves out the pictures of {1000 - pictures} failures".encode() in html


def test_a_page_of_ten_thousand_failures_says_what_it_leaves_out() -> None:
    html = render(failing(10_000, (3, 4)))
    assert len(html) <= MAX_BYTES <= LIMIT
    listed = html.count(b'<details class="failure')
    assert listed > 500
    assert f"it leaves out {10_000 - listed:,} more failures, which are counted but not listed".encode() in html
    assert b"10000 failed" in html


def test_a_limited_list_shows_each_golden_before_repetitions() -> None:
    content = failing(10_000, (3, 4))
    (checked,) = content.checked
    results: list[Result] = [{**one, "golden": f"lstm/golden-{n // 1000}"} for n, one in enumerate(checked.results)]
    html = render(Content("title", [replace(checked, results=results)], content.about)).decode()
    assert len(set(re.findall(r"<b>(lstm/golden-\d)</b>", html))) == 10


WITHOUT_JINJA = """
import sys
sys.modules["jinja2"] = None
from rnn_goldens.command_line import main
main()
"""


def test_a_report_without_the_extra_says_what_to_install(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WITHOUT_JINJA, "report", "numpy", "--page", "page.html"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == (
        "Error: an HTML page needs jinja2, which is not installed: pip install 'rnn-goldens[html]'\n"
    )
    assert list(tmp_path.iterdir()) == []
