"""The page of rules says what the rules and the kill matrices say."""

import re
from pathlib import Path

import pytest

from rnn_goldens.corpus import find, open_corpus
from rnn_goldens.corpus.shown import shown
from rnn_goldens.generator.rules import RULES, Rule
from rnn_goldens.generator.rules.shown import InPrecision, ShownRules
from rnn_goldens.generator.rules_page import page
from rnn_goldens.golden.precision import PRECISIONS

DOCS = Path(__file__).parents[2] / "docs"
CORPUS = open_corpus("v1")
MATRIX = shown(CORPUS)
CELL_OF = {entry.id: entry.cell for entry in CORPUS.entries}


@pytest.fixture(scope="module")
def text() -> str:
    return page(find("v1"))


@pytest.fixture(scope="module")
def found() -> dict[Rule, dict[str, InPrecision]]:
    rules = ShownRules(CORPUS)
    return {rule: rules.of(rule) for rule in RULES}


def test_the_committed_page_is_that_of_the_rules_and_the_matrices(text: str) -> None:
    assert text == (DOCS / "rules.md").read_text("utf-8"), "make generate writes it again"


def test_every_rule_has_a_row_and_a_place_and_every_link_leads_somewhere(text: str) -> None:
    ids = [rule.id.lower() for rule in RULES]
    assert [heading.lower() for heading in re.findall(r"^### (\w+)$", text, re.MULTILINE)] == ids
    assert [row.lower() for row in re.findall(r"^\| \[(\w+)\]\(#\w+\) \|", text, re.MULTILINE)] == ids
    assert set(re.findall(r"\]\(#(\w+)\)", text)) == set(ids)
    for target in set(re.findall(r"\]\(([^#)][^)]*)\)", text)):
        name, _, anchor = target.partition("#")
        there = (DOCS / name).read_text("utf-8")
        headings = [re.sub(r"[^\w -]", "", line.lstrip("# ")).lower().replace(" ", "-") for line in there.splitlines()]
        assert not anchor or re.search(rf'<a\s+id="{anchor}"></a>', there) or anchor in headings, target


def test_no_line_has_to_be_scrolled(text: str) -> None:
    assert [line for line in text.splitlines() if len(line) > 160] == []


def test_the_goldens_that_show_a_rule_show_a_deviation_that_breaks_it_by_enough(
    found: dict[Rule, dict[str, InPrecision]],
) -> None:
    for rule, by_precision in found.items():
        for precision, seen in by_precision.items():
            for golden_id in seen.goldens:
                margins = [
                    MATRIX[name].margins[precision].get(golden_id, 0)
                    for name in rule.deviations
                    if CELL_OF[golden_id] in rule.breaks_in(name)
                ]
                assert max(margins) >= 2, (rule.id, precision, golden_id)


def test_the_fewest_goldens_show_all_that_all_show(found: dict[Rule, dict[str, InPrecision]]) -> None:
    for rule, by_precision in found.items():
        for precision, seen in by_precision.items():
            everything = set().union(*seen.by_golden.values())
            assert set().union(*(seen.by_golden[golden_id] for golden_id in seen.fewest)) == everything, rule.id
            assert len(seen.fewest) <= len(everything), (rule.id, precision)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_whatever_breaks_a_rule_is_shown_or_missed_or_no_error(
    precision: str, found: dict[Rule, dict[str, InPrecision]]
) -> None:
    for rule, by_precision in found.items():
        seen = by_precision[precision]
        everything = {(name, cell, precision) for name in rule.deviations for cell in rule.breaks_in(name)}
        exposed = set().union(*seen.by_golden.values())
        missed = {(m.deviation, m.cell, precision) for m in seen.missed}
        assert exposed | missed | set(seen.allowed) == everything, rule.id
        assert len(exposed) + len(missed) + len(seen.allowed) == len(everything), rule.id


@pytest.mark.slow
def test_what_nothing_shows_comes_first_and_is_all_of_it(text: str, found: dict[Rule, dict[str, InPrecision]]) -> None:
    nothing = text.partition("\n## What nothing shows\n")[2].partition("\n## ")[0]
    unbroken, _, no_golden = nothing.partition("\n### Rules that no golden shows in some precision\n")
    assert re.findall(r"^- \[(\w+)\]", unbroken, re.MULTILINE) == [r.id for r in RULES if r.cells_without]
    wanted = [
        (rule.id, precision)
        for rule, by_precision in found.items()
        for precision, seen in by_precision.items()
        if {m.cell for m in seen.missed} - {CELL_OF[golden_id] for golden_id in seen.goldens}
    ]
    assert ("T11", "bfloat16") in wanted
    assert re.findall(r"^- \[(\w+)\]\(#\w+\) in (\w+) ", no_golden, re.MULTILINE) == wanted


def test_a_row_counts_the_goldens_and_says_what_is_not_shown(text: str) -> None:
    assert columns(text, "C2") == ["-"] * 4
    assert columns(text, "T11")[2] == "none"
    assert columns(text, "G40")[2] == "ok"
    for number in ("E8", "T6"):
        assert columns(text, number)[0] == str(len(shown_in_float64(number)))
    assert columns(text, "T6")[2].endswith("*")
    assert not any(column.endswith("*") for column in columns(text, "E8"))


def columns(text: str, number: str) -> list[str]:
    (row,) = re.findall(rf"^\| \[{number}\]\(.*\|$", text, re.MULTILINE)
    return [cell.strip() for cell in row.strip("|").split("|")][-4:]


def shown_in_float64(number: str) -> set[str]:
    """Counted from the matrix alone."""
    (rule,) = (rule for rule in RULES if rule.id == number)
    return {
        golden_id
        for name in rule.deviations
        for golden_id, margin in MATRIX[name].margins["float64"].items()
        if margin >= 2 and CELL_OF[golden_id] in rule.cells
    }


def test_the_equation_of_a_rule_is_the_definitions(text: str) -> None:
    entry = text.partition("\n### E13\n")[2].partition("\n### ")[0]
    assert "```\n  n = tanh(W_in @ x + b_in + r * (W_hn @ h + b_hn))\n  ```" in entry
