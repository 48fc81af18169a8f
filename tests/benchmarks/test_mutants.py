"""Mutants of what decides right from wrong: how they are made, and what is said of those that survive."""

from pathlib import Path

import pytest

from benchmarks.mutants import making
from benchmarks.mutants.judging import Judged
from benchmarks.mutants.making import Mutant, mutants
from benchmarks.mutants.modules import TESTS, TOP
from benchmarks.mutants.reasons import Reason, complaints, reasons
from benchmarks.mutants.report import page_of
from benchmarks.mutants.worker import FAILED_TO_BEGIN, TOO_SLOW

MODULE = """
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os

LIMIT: int | None = 3


def inside(x: int | None) -> bool:
    if x is None:
        return False
    return x < LIMIT
"""


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Mutant]:
    (tmp_path / "module.py").write_text(MODULE)
    monkeypatch.setattr(making, "TOP", tmp_path)
    return list(mutants("module.py"))


def test_each_mutant_has_one_line_changed_and_annotations_are_left_as_they_are(made: list[Mutant]) -> None:
    changed = {(mutant.before, mutant.after) for mutant in made}
    assert ("return x < LIMIT", "return x <= LIMIT") in changed
    assert ("LIMIT: int | None = 3", "LIMIT: int | None = 4") in changed
    assert ("if x is None:", "if not x is None:") in changed
    assert {before for before, _ in changed} == {
        "LIMIT: int | None = 3",
        "if x is None:",
        "return False",
        "return x < LIMIT",
    }
    assert all(mutant.source.count("\n") == MODULE.count("\n") for mutant in made)


def test_a_mutant_knows_the_function_whose_tests_are_asked(made: list[Mutant]) -> None:
    assert {mutant.function for mutant in made if mutant.line == 7} == {None}
    assert {mutant.function for mutant in made if mutant.line > 7} == {(11, 13)}


def mutant(after: str) -> Mutant:
    return Mutant("m.py", "Operator", 1, None, "return x < LIMIT", after, "")


REASON = Reason("m.py", "return x < LIMIT", ("x <= LIMIT",), "x is never LIMIT.")


def test_a_survivor_needs_a_reason_and_a_reason_a_survivor() -> None:
    survivor, other = Judged(mutant("return x <= LIMIT"), ""), Judged(mutant("return x != LIMIT"), "")
    assert list(complaints([survivor], [REASON])) == []
    assert [said.partition(":")[0] for said in complaints([survivor, other], [REASON])] == [
        "survives, without a reason"
    ]
    killed = Judged(survivor.mutant, "tests/test_it.py::test_it")
    assert [said.partition(":")[0] for said in complaints([killed], [REASON])] == ["a reason without a survivor"]


def test_the_page_counts_what_became_of_each_and_gives_the_reasons() -> None:
    killers = ["test", "test", FAILED_TO_BEGIN, TOO_SLOW, "", "test", "test", "test"]
    page = page_of({"m.py": [Judged(mutant("return x <= LIMIT"), killer) for killer in killers]}, [REASON])
    assert "| `m.py` |       8 |      5 |       1 |        1 |       1 |  87.5 |\n" in page
    assert "x is never LIMIT.\n\n    - return x < LIMIT\n    + … x <= LIMIT …\n" in page


def test_what_is_mutated_its_tests_and_what_is_written_of_it_are_there() -> None:
    assert all((TOP / path).exists() for module, tests in TESTS.items() for path in (module, *tests))
    for reason in reasons():
        lines = [" ".join(line.split()) for line in (TOP / reason.module).read_text("utf-8").splitlines()]
        assert reason.line in lines, reason
