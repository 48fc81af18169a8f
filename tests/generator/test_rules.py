"""The rules speak of all of the definition and of every deviation, and of nothing that is not there."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from rnn_goldens import Golden
from rnn_goldens.cells import DEFINED, Backward, Case, Network, case_of, notation
from rnn_goldens.cells.derivatives import Slopes
from rnn_goldens.corpus import open_corpus
from rnn_goldens.deviations.margins import margin
from rnn_goldens.errors import UnknownName
from rnn_goldens.generator.equations_page import equations
from rnn_goldens.generator.rules import GROUPS, RULES, Rule
from rnn_goldens.generator.rules.rule import BY_NAME
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.shapes import CELLS, LAYOUTS, Config, state_shape, weight_shapes

Step = Callable[..., Any]

INSIDE = {Backward.__init__, Backward.step, Backward.program, Backward.computed}
"""How the way back keeps what the way forth computed: nothing that could be right or wrong by itself."""


def test_every_deviation_breaks_a_rule_in_every_cell_that_it_can_befall() -> None:
    broken = {(name, cell) for rule in RULES for name in rule.deviations for cell in rule.breaks_in(name)}
    everything = {(name, cell) for name, deviation in BY_NAME.items() for cell in deviation.cells}
    assert sorted(everything - broken) == [], "give it to a rule in generator/rules"


def test_what_breaks_a_rule_breaks_it_in_some_of_its_cells() -> None:
    nowhere = [(rule.id, name) for rule in RULES for name in rule.deviations if not rule.breaks_in(name)]
    assert nowhere == []


def test_no_rule_names_a_deviation_twice() -> None:
    named = {rule.id: [name for given in rule.broken_by for name in rule.together[given]] for rule in RULES}
    assert [number for number, names in named.items() if len(set(names)) != len(names)] == []


def test_a_deviation_that_is_not_there_is_an_error_that_names_the_rule() -> None:
    with pytest.raises(UnknownName, match=r"breaks E99.*h0_ignord"):
        _ = Rule("E99", "Nothing.", ("h0_ignord",)).deviations


def test_a_pattern_of_none_is_an_error() -> None:
    with pytest.raises(UnknownName, match="h0_of_nobody_"):
        _ = Rule("E99", "Nothing.", ("h0_of_nobody_*",)).deviations


def test_ids_are_the_letter_of_their_group_and_a_number_that_nobody_else_has() -> None:
    assert [group.letter for group in GROUPS] == list(dict.fromkeys(group.letter for group in GROUPS))
    wrong = [r.id for group in GROUPS for r in group.rules if not re.fullmatch(rf"{group.letter}[1-9]\d*", r.id)]
    assert wrong == []
    assert [found for found, count in Counter(rule.id for rule in RULES).items() if count > 1] == []
    for group in GROUPS:
        numbers = [int(rule.id[1:]) for rule in group.rules]
        assert numbers == sorted(numbers)


def test_a_rule_says_why_if_no_deviation_breaks_it_in_some_cell() -> None:
    assert [rule.id for rule in RULES if bool(rule.unbroken) != bool(rule.cells_without)] == []


@pytest.mark.parametrize("cell", CELLS)
def test_every_line_of_the_equations_has_a_rule_of_the_way_forth_and_one_of_the_way_back(cell: str) -> None:
    lines = [line.partition(" = ")[0] for line in equations(DEFINED[cell])]
    for way in (forth(), back()):
        assert {name for rule in way for name in rule.lines.get(cell, "")} == set(lines)


def test_the_lines_of_a_rule_are_of_its_cells() -> None:
    assert [rule.id for rule in RULES if not set(rule.lines) <= set(rule.cells)] == []


def test_every_step_of_the_network_has_a_rule() -> None:
    assert missing(methods(Network), forth()) == []


def test_every_step_of_the_way_back_has_a_rule() -> None:
    assert missing([step for step in methods(Backward) if step not in INSIDE], back()) == []


def test_every_function_of_the_equations_has_a_rule_and_so_has_its_derivative() -> None:
    assert missing([notation.tanh, notation.relu, notation.sigmoid, notation.mix], forth()) == []
    slopes: list[Step] = [Slopes.tanh_slope, Slopes.sigmoid_slope, Slopes.where_larger, Slopes.difference]
    assert missing(slopes, back()) == []


def forth() -> list[Rule]:
    return [rule for rule in RULES if not rule.id.startswith("G")]


def back() -> list[Rule]:
    return [rule for rule in RULES if rule.id.startswith("G")]


def methods(of: type) -> list[Step]:
    return [function for function in vars(of).values() if callable(function)]


def missing(steps: list[Step], rules: list[Rule]) -> list[str]:
    said = {step for rule in rules for step in rule.said_by}
    return [step.__qualname__ for step in steps if step not in said]


# What is said of rules that no deviation breaks.


def test_goldens_have_no_more_layers_than_is_said() -> None:
    goldens = list(corpus())
    assert max(golden.config.num_layers for golden in goldens) == 9
    assert "nine at most" in rule("Y6").unbroken


def test_goldens_have_finite_numbers_beyond_a_sequences_end_and_no_empty_sequence() -> None:
    ragged = [(golden.x, golden.lengths) for golden in corpus() if golden.lengths is not None]
    assert ragged
    assert all(np.isfinite(x).all() and lengths.min() >= 1 for x, lengths in ragged)
    assert any(x[row, length:].any() for x, lengths in ragged for row, length in enumerate(lengths))
    assert rule("L11").unbroken.startswith("goldens hold other numbers there (L1), and all are finite")


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("filler", [np.nan, np.inf])
def test_in_the_definition_what_stands_beyond_a_sequences_end_counts_for_nothing(cell: str, filler: float) -> None:
    case, lengths = drawn(cell), np.array([2, 4])
    outputs = []
    for beyond in (0.0, filler):
        x = case.x.copy()
        x[0, 2:] = beyond
        with np.errstate(all="ignore"):
            outputs.append(Network().run(Case(case.cell, case.config, case.weights, x, case.state, lengths)))
    for ordinary, odd in zip(*outputs, strict=True):
        np.testing.assert_array_equal(ordinary, odd)


@pytest.mark.parametrize("cell", CELLS)
def test_in_the_definition_a_sequence_of_no_steps_leaves_its_state_as_it_was(cell: str) -> None:
    case = drawn(cell)
    lengths = np.array([0, 4])
    out, *last = Network().run(Case(case.cell, case.config, case.weights, case.x, case.state, lengths))
    assert not out[0].any()
    for before, after in zip(case.state, last, strict=True):
        np.testing.assert_array_equal(before[:, 0], after[:, 0])


@pytest.mark.slow
@pytest.mark.parametrize("precision", PRECISIONS)
def test_no_golden_tells_a_network_that_flushes_subnormal_numbers_to_zero(precision: str) -> None:
    assert "In no precision does a golden tell" in rule("T14").unbroken
    network = flushing(2.0 ** PRECISIONS[precision].min_exponent)
    asked = [golden for golden in corpus() if precision in golden.precisions]
    assert asked
    told = [g.id for g in asked if margin(g, network().run(case_of(g, np.float64)), precision) > 1]
    assert told == []


def corpus() -> Iterator[Golden]:
    opened = open_corpus("v1")
    return (opened.load(entry.id, "float64") for entry in opened.entries)


def rule(number: str) -> Rule:
    (found,) = (rule for rule in RULES if rule.id == number)
    return found


def drawn(cell: str) -> Case:
    """Two sequences of four steps, through two layers in both directions."""
    random, config = np.random.default_rng(0), Config(3, 2, num_layers=2, bidirectional=True)
    weights = {name: random.normal(size=shape) for name, shape in weight_shapes(LAYOUTS[cell], config).items()}
    state = tuple(random.normal(size=state_shape(config, (2,))) for _ in LAYOUTS[cell].states)
    return Case(DEFINED[cell], config, weights, random.normal(size=(2, 4, 3)), state)


def flushing(smallest: float) -> type[Network]:
    """A network whose primitives return zero for what is smaller than the smallest normal number."""

    def flushed(primitive: Callable[..., Any]) -> Callable[..., Any]:
        def computed(*arguments: Any) -> Any:
            result = primitive(*arguments)
            return np.where(np.abs(result) < smallest, 0.0, result)

        return computed

    primitives = ("product", "affine", "sum", "multiply", "mix", "sigmoid", "tanh", "relu")
    return type("Flushing", (Network,), {name: flushed(getattr(Network, name)) for name in primitives})
