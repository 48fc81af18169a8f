"""Each bug of integer LSTMs is detected and named on every golden that it changes; the three definitions differ."""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest
from factories.for_each import for_each

from rnn_goldens.cells import golden_case
from rnn_goldens.cells.integer_lstm import (
    DEFINITIONS,
    TABLE,
    Int64,
    IntegerLstm,
    Tflm,
    half_away,
    half_up,
    run,
    sigmoid_by_table,
    tanh_by_table,
)
from rnn_goldens.cells.recurrence import recurrence_case
from rnn_goldens.corpus import open_corpus
from rnn_goldens.deviations import deviation
from rnn_goldens.deviations.integer_lstms import DEVIATIONS, detected_by
from rnn_goldens.generator.coverage.coverage_gate import require_integers_detected
from rnn_goldens.generator.scenario import Refused
from rnn_goldens.golden.recurrences import INTEGER_LSTMS

CORPUS = open_corpus()
GOLDENS = [CORPUS.load(entry.id) for entry in CORPUS.select(cell=tuple(INTEGER_LSTMS))]


@for_each([golden.id for golden in GOLDENS], every=29)
def test_each_bug_is_named_on_each_golden_that_detects_it(golden_id: str) -> None:
    golden = CORPUS.load(golden_id)
    case = golden_case(golden, np.float64)
    for name in detected_by(golden):
        wrong = deviation(name).outputs(case)
        if not any(part.any() for part in wrong.values()):  # all outputs are 0: no deviation is named
            continue
        verdict = golden.compare(wrong)
        assert not verdict.passed
        assert name in verdict.explained_by


def test_the_corpus_detects_each_bug_in_each_definition() -> None:
    require_integers_detected(GOLDENS)
    with pytest.raises(Refused, match="lstm_int8_cmsis: no golden detects multiplier_rounds_twice"):
        require_integers_detected(golden for golden in GOLDENS if "rounding" not in golden.config)


def test_no_bug_has_the_name_of_another() -> None:
    names = [one.name for one in DEVIATIONS]
    assert len({*names}) == len(names) == 67


@pytest.mark.parametrize("cell", INTEGER_LSTMS)
def test_each_definition_is_right_and_the_others_are_wrong(cell: str) -> None:
    goldens = [golden for golden in GOLDENS if golden.cell == cell]
    for definition in {*DEFINITIONS.values()}:
        found = [run(recurrence_case(golden, np.float64), definition) for golden in goldens]
        right = [golden.compare(one).passed for golden, one in zip(goldens, found, strict=True)]
        assert all(right) == (definition is DEFINITIONS[cell])


@pytest.mark.parametrize("cell", ["lstm_int8_tflm", "lstm_16x8_tflm"])
def test_cmsis_differs_from_tflm_where_the_product_of_h_saturates(cell: str) -> None:
    case = recurrence_case(CORPUS.load(f"{cell.replace('_', '-')}/recurrent-saturation"), np.float64)
    tflm, cmsis = (run(case, definition)["out"] for definition in (Tflm, IntegerLstm))
    assert (tflm != cmsis).any()


Round = Callable[[Int64, int], Int64]


def down(x: Int64, n: int) -> Int64:
    """Return x / 2^n, rounded to nearest, ties towards negative infinity."""
    return -half_up(-x, n)


def even(x: Int64, n: int) -> Int64:
    """Return x / 2^n, rounded to nearest, ties to even."""
    found: Int64 = np.rint(x / 2**n).astype(np.int64)
    return found


def rounding_at(place: str, base: type[IntegerLstm], first: Round, second: Round) -> type[IntegerLstm]:
    """Return a definition with other roundings of a multiplier in one of its methods."""

    class Rounding(base):  # type: ignore[valid-type, misc]
        at = ""

        def scaled(self, x: Int64, m: int, s: int) -> Int64:
            if self.at != place or "rounding" in self.config:
                return cast("Int64", super().scaled(x, m, s))
            return second(first((x << max(s, 0)) * m, 31), max(-s, 0))

    def method(name: str) -> Callable[..., Int64]:
        def within(lstm: Any, *arguments: Any) -> Int64:
            lstm.at = name
            found = getattr(super(Rounding, lstm), name)(*arguments)
            lstm.at = ""
            return cast("Int64", found)

        return within

    for name in PLACES:
        setattr(Rounding, name, method(name))
    return Rounding


PLACES = ("of_input", "of_state", "kept", "added", "hidden")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("first", "second"),
    [
        (half_away, half_away),
        (down, half_away),
        (even, half_away),
        (half_up, half_up),
        (half_up, down),
        (half_up, even),
    ],
)
@pytest.mark.parametrize("cell", ["lstm_int8_tflm", "lstm_int8_cmsis"])
def test_each_rounding_of_each_multiplier_has_ties(place: str, first: Round, second: Round, cell: str) -> None:
    wrong = rounding_at(place, DEFINITIONS[cell], first, second)
    goldens = [golden for golden in GOLDENS if golden.cell == cell and "rounding" not in golden.config]
    assert any(not golden.compare(run(recurrence_case(golden, np.float64), wrong)).passed for golden in goldens)


@pytest.mark.parametrize("cell", ["lstm_int8_cmsis", "lstm_16x8_tflm"])
@pytest.mark.parametrize("entry", range(0, 256, 17))
def test_each_entry_of_the_table_is_read(cell: str, entry: int) -> None:
    table = TABLE.copy()
    table[entry] -= 16
    wrong = type(
        "Wrong",
        (DEFINITIONS[cell],),
        {
            "sigmoid": lambda _, q: sigmoid_by_table(q, table),
            "tanh": lambda _, q, power: tanh_by_table(q, power, table),
        },
    )
    golden = CORPUS.load(f"{cell.replace('_', '-')}/tables")
    assert not golden.compare(run(recurrence_case(golden, np.float64), wrong)).passed
