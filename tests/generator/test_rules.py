"""The rules cover the whole definition and every deviation, and the page of rules agrees with them."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnn_goldens import Golden
from rnn_goldens.cells import BUILT_IN_CELLS, Backward, Case, Network, case_of, notation
from rnn_goldens.cells.numpy_primitives import Slopes
from rnn_goldens.corpus import find, open_corpus
from rnn_goldens.corpus.kill_matrix import detections
from rnn_goldens.deviations.margins import margin
from rnn_goldens.errors import UnknownName
from rnn_goldens.generator.deviation_page import Detected
from rnn_goldens.generator.equations_page import equations
from rnn_goldens.generator.kill_matrix import smallest_cover
from rnn_goldens.generator.rules import BY_NAME, GROUPS, RULES, Rule
from rnn_goldens.generator.rules_page import InPrecision, page, rule_coverage
from rnn_goldens.golden.built_in_cells import CELLS, LAYOUTS
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.recurrences import RECURRENCES
from rnn_goldens.golden.shapes import Config, state_shapes, weight_shapes

Step = Callable[..., Any]

INSIDE = {Backward.__init__, Backward.step, Backward.program, Backward.computed}
"""Methods that store values of the forward pass for the backward pass; no rule is about them."""


def test_every_deviation_breaks_a_rule_in_every_cell_it_applies_to() -> None:
    broken = {(name, cell) for rule in RULES for name in rule.deviations for cell in rule.cells_broken_by(name)}
    everything = {(name, cell) for name, deviation in BY_NAME.items() for cell in deviation.cells if cell in CELLS}
    assert sorted(everything - broken) == [], "add these deviations to a rule in generator/rules/rules.toml"


def test_every_deviation_of_a_rule_breaks_it_in_some_cell_and_is_named_once() -> None:
    nowhere = [(rule.id, name) for rule in RULES for name in rule.deviations if not rule.cells_broken_by(name)]
    assert nowhere == []
    named = {rule.id: [name for pattern in rule.broken_by for name in rule.matches[pattern]] for rule in RULES}
    assert [number for number, names in named.items() if len(set(names)) != len(names)] == []


def test_an_unknown_deviation_or_a_pattern_that_matches_nothing_is_an_error() -> None:
    with pytest.raises(UnknownName, match=r"breaks E99.*h0_ignord"):
        _ = Rule("E99", "Nothing.", ("h0_ignord",)).deviations
    with pytest.raises(UnknownName, match="h0_of_nobody_"):
        _ = Rule("E99", "Nothing.", ("h0_of_nobody_*",)).deviations


def test_ids_are_the_letter_of_the_group_and_a_unique_number() -> None:
    assert [group.letter for group in GROUPS] == list(dict.fromkeys(group.letter for group in GROUPS))
    wrong = [r.id for group in GROUPS for r in group.rules if not re.fullmatch(rf"{group.letter}[1-9]\d*", r.id)]
    assert wrong == []
    assert [found for found, count in Counter(rule.id for rule in RULES).items() if count > 1] == []
    for group in GROUPS:
        numbers = [int(rule.id[1:]) for rule in group.rules]
        assert numbers == sorted(numbers)


def test_a_rule_has_a_reason_for_cells_without_deviation_and_lines_for_its_cells_only() -> None:
    assert [rule.id for rule in RULES if bool(rule.why_unbroken) != bool(rule.cells_without_deviation)] == []
    assert [rule.id for rule in RULES if not set(rule.lines) <= set(rule.cells)] == []


@pytest.mark.parametrize("cell", CELLS)
def test_every_line_of_the_equations_has_a_rule_for_each_pass(cell: str) -> None:
    lines = [line.partition(" = ")[0] for line in equations(BUILT_IN_CELLS[cell])]
    for rules in (forward_rules(), backward_rules()):
        assert {name for rule in rules for name in rule.lines.get(cell, "")} == set(lines)


def test_every_step_of_both_passes_and_every_function_has_a_rule() -> None:
    assert missing(methods(Network), forward_rules()) == []
    assert missing([step for step in methods(Backward) if step not in INSIDE], backward_rules()) == []
    assert missing([notation.tanh, notation.relu, notation.sigmoid, notation.mix], forward_rules()) == []
    slopes: list[Step] = [Slopes.tanh_slope, Slopes.sigmoid_slope, Slopes.where_larger, Slopes.difference]
    assert missing(slopes, backward_rules()) == []


def forward_rules() -> list[Rule]:
    return [rule for rule in RULES if not rule.id.startswith("G")]


def backward_rules() -> list[Rule]:
    return [rule for rule in RULES if rule.id.startswith("G")]


def methods(of: type) -> list[Step]:
    return [function for function in vars(of).values() if callable(function)]


def missing(steps: list[Step], rules: list[Rule]) -> list[str]:
    covered = {step for rule in rules for step in rule.implemented_by}
    return [step.__qualname__ for step in steps if step not in covered]


# The stated reasons why no deviation breaks a rule are true.


def test_goldens_have_at_most_nine_layers() -> None:
    goldens = list(corpus())
    assert max(golden.network.num_layers for golden in goldens if golden.is_network) == 9
    assert "at most nine layers" in rule("Y6").why_unbroken


def test_goldens_have_finite_numbers_in_padding_and_no_empty_sequence() -> None:
    ragged = [(golden.x, golden.lengths) for golden in corpus() if golden.lengths is not None]
    assert ragged
    assert all(np.isfinite(x).all() and lengths.min() >= 1 for x, lengths in ragged)
    assert any(x[row, length:].any() for x, lengths in ragged for row, length in enumerate(lengths))
    assert rule("L11").why_unbroken.startswith("goldens have finite numbers there")


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("filler", [np.nan, np.inf])
def test_the_definition_ignores_values_beyond_the_end_of_a_sequence(cell: str, filler: float) -> None:
    case, lengths = drawn(cell), np.array([2, 4])
    outputs = []
    for beyond in (0.0, filler):
        x = case.x.copy()
        x[0, 2:] = beyond
        with np.errstate(all="ignore"):
            outputs.append(Network().run(Case(case.cell, case.config, case.weights, x, case.state, lengths)))
    for ordinary, filled in zip(*outputs, strict=True):
        np.testing.assert_array_equal(ordinary, filled)


@pytest.mark.parametrize("cell", CELLS)
def test_the_definition_leaves_the_state_of_an_empty_sequence_unchanged(cell: str) -> None:
    case = drawn(cell)
    lengths = np.array([0, 4])
    out, *last = Network().run(Case(case.cell, case.config, case.weights, case.x, case.state, lengths))
    assert not out[0].any()
    for before, after in zip(case.state, last, strict=True):
        np.testing.assert_array_equal(before[:, 0], after[:, 0])


@pytest.mark.slow
@pytest.mark.parametrize("precision", PRECISIONS)
def test_no_golden_detects_flushing_of_subnormal_numbers(precision: str) -> None:
    assert "no golden detects a network that flushes" in rule("T14").why_unbroken
    network = flushing(2.0 ** PRECISIONS[precision].min_exponent)
    goldens = [golden for golden in corpus() if precision in golden.precisions]
    assert goldens
    detecting = [g.id for g in goldens if margin(g, network().run(case_of(g, np.float64)), precision) > 1]
    assert detecting == []


def corpus() -> Iterator[Golden]:
    opened = open_corpus()
    return (opened.load(entry.id, "float64") for entry in opened.entries if entry.cell not in RECURRENCES)


def rule(number: str) -> Rule:
    (found,) = (rule for rule in RULES if rule.id == number)
    return found


def drawn(cell: str) -> Case:
    """Return a random case of two sequences of four steps, for two layers in both directions."""
    random, config = np.random.default_rng(0), Config(3, 2, num_layers=2, bidirectional=True)
    weights = {name: random.normal(size=shape) for name, shape in weight_shapes(LAYOUTS[cell], config).items()}
    state = tuple(random.normal(size=shape) for shape in state_shapes(LAYOUTS[cell], config, (2,)).values())
    return Case(BUILT_IN_CELLS[cell], config, weights, random.normal(size=(2, 4, 3)), state)


def flushing(smallest: float) -> type[Network]:
    """Return a network whose primitives flush subnormal numbers to zero."""

    def flushed(primitive: Callable[..., Any]) -> Callable[..., Any]:
        def computed(*arguments: Any) -> Any:
            result = primitive(*arguments)
            return np.where(np.abs(result) < smallest, 0.0, result)

        return computed

    primitives = ("product", "affine", "sum", "multiply", "mix", "sigmoid", "tanh", "relu")
    return type("Flushing", (Network,), {name: flushed(getattr(Network, name)) for name in primitives})


DOCS = Path(__file__).parents[2] / "docs"
CORPUS = open_corpus()
MATRIX = detections(CORPUS)
CELL_OF = {entry.id: entry.cell for entry in CORPUS.entries}


@pytest.fixture(scope="module")
def text() -> str:
    return page(find())


@pytest.fixture(scope="module")
def found() -> dict[Rule, dict[str, InPrecision]]:
    detected = Detected(CORPUS)
    return {rule: rule_coverage(rule, detected) for rule in RULES}


def test_the_page_is_up_to_date_and_every_link_has_a_target(text: str) -> None:
    assert text == (DOCS / "rules.md").read_text("utf-8"), "update the page: make generate"
    ids = [rule.id.lower() for rule in RULES]
    assert [heading.lower() for heading in re.findall(r"^### (\w+)$", text, re.MULTILINE)] == ids
    assert set(re.findall(r"\]\(#(\w+)\)", text)) <= set(ids)
    for target in set(re.findall(r"\]\(([^#)][^)]*)\)", text)):
        name, _, anchor = target.partition("#")
        linked = (DOCS / name).read_text("utf-8")
        headings = [re.sub(r"[^\w -]", "", line.lstrip("# ")).lower().replace(" ", "-") for line in linked.splitlines()]
        assert not anchor or anchor in headings, target


def test_the_goldens_of_a_rule_detect_a_deviation_that_breaks_it(found: dict[Rule, dict[str, InPrecision]]) -> None:
    for rule, by_precision in found.items():
        for precision, coverage in by_precision.items():
            for golden_id in coverage.by_golden:
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
            fewest = smallest_cover(coverage.by_golden) if everything else []
            assert set().union(*(coverage.by_golden[golden_id] for golden_id in fewest)) == everything, rule.id
            assert len(fewest) <= len(everything), (rule.id, precision)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_every_break_of_a_rule_is_detected_or_missed_or_allowed(
    precision: str, found: dict[Rule, dict[str, InPrecision]]
) -> None:
    for rule, by_precision in found.items():
        coverage = by_precision[precision]
        everything = {(name, cell, precision) for name in rule.deviations for cell in rule.cells_broken_by(name)}
        detected = set().union(*coverage.by_golden.values())
        missed = {(name, cell, precision) for name, cell in coverage.missed}
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
        if {cell for _, cell in coverage.missed} - {CELL_OF[golden_id] for golden_id in coverage.by_golden}
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
