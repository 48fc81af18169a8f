"""Each bug of integer LSTMs is detected and named on every golden that it changes; the three definitions differ."""

import numpy as np
import pytest
from factories.for_each import for_each

from rnn_goldens.cells import golden_case
from rnn_goldens.cells.integer_lstm import DEFINITIONS, IntegerLstm, Tflm, run
from rnn_goldens.cells.recurrence import recurrence_case
from rnn_goldens.corpus import open_corpus
from rnn_goldens.deviations import deviation
from rnn_goldens.deviations.integer_lstms import DEVIATIONS, detected_by
from rnn_goldens.generator.integer_coverage import require_integers_detected
from rnn_goldens.generator.scenario import Refused
from rnn_goldens.golden.recurrences import INTEGER_LSTMS

CORPUS = open_corpus()
GOLDENS = [CORPUS.load(entry.id) for entry in CORPUS.select(cell=tuple(INTEGER_LSTMS))]


@for_each([golden.id for golden in GOLDENS], every=26)
def test_each_bug_is_named_on_each_golden_that_detects_it(golden_id: str) -> None:
    golden = CORPUS.load(golden_id)
    case = golden_case(golden, np.float64)
    for name in detected_by(golden):
        verdict = golden.compare(deviation(name).outputs(case))
        assert not verdict.passed
        assert name in verdict.explained_by


def test_the_corpus_detects_each_bug_in_each_definition() -> None:
    require_integers_detected(GOLDENS)
    with pytest.raises(Refused, match="no golden detects:\n  multiplier_rounds_twice, lstm_int8_cmsis"):
        require_integers_detected(golden for golden in GOLDENS if "rounding" not in golden.config)


def test_no_bug_has_the_name_of_another() -> None:
    names = [one.name for one in DEVIATIONS]
    assert len({*names}) == len(names) == 44


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
