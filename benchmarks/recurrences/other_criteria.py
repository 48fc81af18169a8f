"""Compares goldens with two other criteria on the same deviations: ONNX's backend cases, and a relative error."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from benchmarks import page
from benchmarks.recurrences import relative_error
from benchmarks.recurrences.goldens import Condition
from benchmarks.recurrences.kernels.contracts import INSIDE
from benchmarks.recurrences.onnx_cases import CONVOLUTION, LEFT_OUT, OnnxCase, onnx_cases
from benchmarks.recurrences.wrong_implementations import Margins, Pair
from rnn_goldens.cells.recurrence import RecurrenceCase, run
from rnn_goldens.deviations import Deviation
from rnn_goldens.deviations.recurrences import RECURRENCE_DEVIATIONS
from rnn_goldens.deviations.recurrences.chunks import ChunkKernel
from rnn_goldens.deviations.recurrences.edits import ATTENTION

Question = OnnxCase | relative_error.Question

CRITERIA: Mapping[str, Callable[[], Sequence[Question]]] = {
    "ONNX's backend cases": onnx_cases,
    "relative error": relative_error.questions,
}
ONNX, RELATIVE = CRITERIA


class Passed(NamedTuple):
    """The pairs that pass all questions of a criterion.

    Attributes:
        pairs: all of them.
        without_effect: those whose outputs are right on all questions.
    """

    pairs: frozenset[Pair]
    without_effect: frozenset[Pair]


Results = Mapping[str, Passed]
"""By criterion."""


def measured(deviations: Iterable[Deviation] = RECURRENCE_DEVIATIONS) -> Results:
    """Put deviations through each criterion. They run in float32."""
    chosen, found = list(deviations), {}
    for name, questions in CRITERIA.items():
        passed, without = set[Pair](), set[Pair]()
        for cell in dict.fromkeys(question.case.cell for question in questions()):
            of_cell = [question for question in questions() if question.case.cell == cell]
            for deviation in chosen:
                if deviation.applies_to(cell) and _passes(deviation, of_cell):
                    passed.add((deviation.name, cell))
                    if not any(_has_effect(deviation, question.case) for question in of_cell):
                        without.add((deviation.name, cell))
        found[name] = Passed(frozenset(passed), frozenset(without))
    return found


def _passes(deviation: Deviation, questions: Sequence[Question]) -> bool:
    """Return whether a deviation passes all questions. It has no effect on a question without what it needs."""
    affected = [question for question in questions if deviation.has_needs(question.case)]
    return all(question.accepts(deviation.outputs(question.case)) for question in affected)


def _has_effect(deviation: Deviation, case: RecurrenceCase) -> bool:
    """Return whether outputs in float64 differ from the right ones by more than rounding errors."""
    if not deviation.has_needs(case):
        return False
    case = case.astype(np.float64)
    wrong, right = deviation.outputs(case), run(case)
    return any(not np.allclose(wrong[name], array, rtol=1e-9, atol=1e-12) for name, array in right.items())


def rejected_right() -> list[str]:
    """Return the criteria that reject a correct kernel; there should be none."""
    return [
        f"{name}: {form} of {question.case.cell}"
        for name, questions in CRITERIA.items()
        for question in questions()
        if question.case.cell != CONVOLUTION and question.case.offsets is None
        for form, found in (("steps", run(question.case)), ("chunks", ChunkKernel(question.case).run()))
        if not question.accepts(found)
    ]


def report(results: Results, margins: Margins) -> str:
    """Return the section of the page; the margins are those of the goldens, by contract."""
    of_float32 = margins[Condition("float32", INSIDE)]
    attention, convolution = (
        frozenset(pair for pair in of_float32 if pair[1] in cells) for cells in (ATTENTION, (CONVOLUTION,))
    )
    detected = frozenset(pair for pair, best in of_float32.items() if best.is_detected)
    asked = {name: sum(one.case.cell != CONVOLUTION for one in questions()) for name, questions in CRITERIA.items()}
    rows = [
        ("goldens", "", *_counts(attention - detected, attention), ""),
        *(
            (name, asked[name], *_counts(of.pairs, attention), len(of.without_effect & attention))
            for name, of in results.items()
        ),
    ]
    return "\n".join(
        [
            "## The same wrong implementations by other criteria\n\n"
            f"The deviations of the attention rules ran in float32 on ONNX's {asked[ONNX]} backend cases of "
            f"`LinearAttention` and on {asked[RELATIVE]} inputs that are drawn as in flash-linear-attention's tests. A "
            "pair of a deviation and a rule passes if no case of the rule rejects it; a deviation passes if it passes "
            "with each of its rules. *Without effect*: pairs whose outputs are right on these inputs, so that no "
            "tolerance can detect them.\n",
            page.table(
                ("criterion", "cases", "deviations", "that pass", "pairs", "pairs that pass", "without effect"), rows
            ),
            "- ONNX's cases: outputs by ONNX's own test runner, rtol 1e-3, atol 1e-7. They have at most "
            f"{max(one.case.time for one in onnx_cases() if one.case.cell in ATTENTION)} time steps and d_k = d_v.\n"
            f"- Relative error: √mean(error²) / √mean(right²) < {relative_error.RATIO} for each output, as "
            "`assert_close` of flash-linear-attention; at most 100 steps, two heads and d_k = d_v = 32, packed "
            "sequences included.\n"
            "- Correct kernels, step by step and in chunks, pass both.\n\n"
            "Pairs that have an effect and pass ONNX's cases or a relative error; *all* rules of the deviation:\n",
            page.table(("deviation", *CRITERIA, "detected by goldens"), _by_name(results, detected)),
            f"ONNX has {len(onnx_cases()) - asked[ONNX]} backend cases of `CausalConvWithState`, besides `{LEFT_OUT}`, "
            f"whose state is empty: {len(results[ONNX].pairs & convolution)} of {len(convolution)} deviations pass all "
            f"of them, {len(results[ONNX].without_effect & convolution)} without effect. The goldens detect "
            f"{len(detected & convolution)}.\n",
        ]
    )


def _counts(passed: frozenset[Pair], pairs: frozenset[Pair]) -> tuple[int, int, int, int]:
    """Return the number of deviations, of those that pass with each rule, of pairs, and of those that pass."""
    names = {name for name, _ in pairs}
    return len(names), len(names - {name for name, _ in pairs - passed}), len(pairs), len(pairs & passed)


def _by_name(results: Results, detected: frozenset[Pair]) -> Iterator[tuple[object, ...]]:
    for deviation in RECURRENCE_DEVIATIONS:
        pairs: list[Pair] = [(deviation.name, cell) for cell in deviation.cells if cell in ATTENTION]
        listed = [_listed([p for p in pairs if p in of.pairs - of.without_effect], pairs) for of in results.values()]
        if pairs and any(listed):
            yield f"`{deviation.name}`", *listed, f"{len(detected.intersection(pairs))} of {len(pairs)}"


def _listed(pairs: Sequence[Pair], every: Sequence[Pair]) -> str:
    return "all" if pairs == every else ", ".join(cell for _, cell in pairs)
