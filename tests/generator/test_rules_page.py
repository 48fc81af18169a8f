"""The page of rules agrees with the rules and the kill matrices."""

import re
from pathlib import Path

import pytest

from rnn_goldens.corpus import find, open_corpus
from rnn_goldens.corpus.kill_matrix import detections
from rnn_goldens.generator.rules import RULES, Rule
from rnn_goldens.generator.rules.rule_coverage import InPrecision, RuleCoverage
from rnn_goldens.generator.rules_page import page
from rnn_goldens.golden.precision import PRECISIONS

DOCS = Path(__file__).parents[2] / "docs"
CORPUS = open_corpus("v1")
MATRIX = detections(CORPUS)
CELL_OF = {entry.id: entry.cell for entry in CORPUS.entries}


@pytest.fixture(scope="module")
def text() -> str:
    return page(find("v1"))


@pytest.fixture(scope="module")
def found() -> dict[Rule, dict[str, InPrecision]]:
    rules = RuleCoverage(CORPUS)
    return {rule: rules.of(rule) for rule in RULES}


def test_the_committed_page_is_up_to_date(text: str) -> None:
    assert text == (DOCS / "rules.md").read_text("utf-8"), "update the page: make generate"


def test_every_rule_has_a_section_and_every_link_has_a_target(text: str) -> None:
    ids = [rule.id.lower() for rule in RULES]
    assert [heading.lower() for heading in re.findall(r"^### (\w+)$", text, re.MULTILINE)] == ids
    assert set(re.findall(r"\]\(#(\w+)\)", text)) <= set(ids)
    for target in set(re.findall(r"\]\(([^#)][^)]*)\)", text)):
        name, _, anchor = target.partition("#")
        linked = (DOCS / name).read_text("utf-8")
        headings = [re.sub(r"[^\w -]", "", line.lstrip("# ")).lower().replace(" ", "-") for line in linked.splitlines()]
        assert not anchor or anchor in headings, target


def test_lines_are_short(text: str) -> None:
    assert [line for line in text.splitlines() if len(line) > 160] == []


def test_the_goldens_of_a_rule_detect_a_deviation_that_breaks_it(
    found: dict[Rule, dict[str, InPrecision]],
) -> None:
    for rule, by_precision in found.items():
        for precision, coverage in by_precision.items():
            for golden_id in coverage.goldens:
                margins = [
                    MATRIX[name].margins[precision].get(golden_id, 0)
                    for name in rule.deviations
                    if CELL_OF[golden_id] in rule.cells_broken_by(name)
                ]
                assert max(margins) >= 2, (rule.id, precision, golden_id)


def test_the_minimal_set_of_goldens_detects_as_much_as_all(found: dict[Rule, dict[str, InPrecision]]) -> None:
    for rule, by_precision in found.items():
        for precision, coverage in by_precision.items():
            everything = set().union(*coverage.by_golden.values())
            assert set().union(*(coverage.by_golden[golden_id] for golden_id in coverage.fewest)) == everything, rule.id
            assert len(coverage.fewest) <= len(everything), (rule.id, precision)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_every_break_of_a_rule_is_detected_or_missed_or_allowed(
    precision: str, found: dict[Rule, dict[str, InPrecision]]
) -> None:
    for rule, by_precision in found.items():
        coverage = by_precision[precision]
        everything = {(name, cell, precision) for name in rule.deviations for cell in rule.cells_broken_by(name)}
        detected = set().union(*coverage.by_golden.values())
        missed = {(m.deviation, m.cell, precision) for m in coverage.missed}
        assert detected | missed | set(coverage.allowed) == everything, rule.id
        assert len(detected) + len(missed) + len(coverage.allowed) == len(everything), rule.id


@pytest.mark.slow
def test_the_page_lists_every_rule_that_no_golden_tests(text: str, found: dict[Rule, dict[str, InPrecision]]) -> None:
    unbroken, _, not_tested = text.partition("\n## Rules that no golden tests in some precision\n")
    assert re.findall(r"^- \[(\w+)\]", unbroken, re.MULTILINE) == [r.id for r in RULES if r.cells_without_deviation]
    expected = [
        (rule.id, precision)
        for rule, by_precision in found.items()
        for precision, coverage in by_precision.items()
        if {m.cell for m in coverage.missed} - {CELL_OF[golden_id] for golden_id in coverage.goldens}
    ]
    assert ("T11", "bfloat16") in expected
    assert re.findall(r"^- \[(\w+)\]\(#\w+\) in (\w+) ", not_tested, re.MULTILINE) == expected


def test_a_rule_has_the_number_of_its_goldens_and_lists_gaps(text: str) -> None:
    assert entry(text, "C2").endswith("No deviation breaks it.")
    assert goldens(text, "T11")[2] == "0"
    assert goldens(text, "G40")[2] == "allowed"
    for number in ("E8", "T6"):
        assert goldens(text, number)[0] == str(len(detecting_in_float64(number)))
    assert re.search(r"Not all in .*bfloat16", entry(text, "T6"))
    assert "Not all" not in entry(text, "E8")


def entry(text: str, number: str) -> str:
    return " ".join(text.partition(f"\n### {number}\n")[2].partition("\n#")[0].split())


def goldens(text: str, number: str) -> list[str]:
    """Return the number of goldens per precision; only one number if it is the same for all precisions."""
    (numbers,) = re.findall(r"Goldens: (.*?)\.", entry(text, number))
    return str(numbers).replace(" each", "").split(", ")


def detecting_in_float64(number: str) -> set[str]:
    """Return the goldens that detect a break of a rule, computed only from the kill matrix."""
    (rule,) = (rule for rule in RULES if rule.id == number)
    return {
        golden_id
        for name in rule.deviations
        for golden_id, margin in MATRIX[name].margins["float64"].items()
        if margin >= 2 and CELL_OF[golden_id] in rule.cells
    }
