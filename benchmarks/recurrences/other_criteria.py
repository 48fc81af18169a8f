"""Compares goldens with two other criteria on the same deviations: ONNX's backend cases, and a relative error."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from benchmarks import page
from benchmarks.recurrences import relative_error
from benchmarks.recurrences.goldens import CONDITIONS
from benchmarks.recurrences.onnx_cases import CONVOLUTION, LEFT_OUT, onnx_cases
from benchmarks.recurrences.relative_error import RATIO, questions
from benchmarks.recurrences.wrong_implementations import Margins, Pair
from rnn_goldens.cells import Array
from rnn_goldens.cells.recurrence import RecurrenceCase, run
from rnn_goldens.deviations.recurrences import RECURRENCE_DEVIATIONS, RecurrenceDeviation
from rnn_goldens.deviations.recurrences.chunk_kernel import ChunkKernel
from rnn_goldens.deviations.recurrences.deviation import ATTENTION
from rnn_goldens.deviations.recurrences.step_kernel import StepKernel

ONNX, FLOAT32, BFLOAT16 = "ONNX's backend cases", "relative error, float32", "relative error, bfloat16"


class Question(Protocol):
    """Inputs with a criterion for outputs."""

    @property
    def case(self) -> RecurrenceCase:
        """The inputs."""

    def accepts(self, outputs: Mapping[str, Array]) -> bool:
        """Return whether outputs pass."""


@dataclass(frozen=True)
class Passed:
    """The pairs that pass all questions of a criterion.

    Attributes:
        pairs: all of them.
        without_effect: those whose outputs are right on all questions.
        questions: the number of questions.
    """

    pairs: frozenset[Pair]
    without_effect: frozenset[Pair]
    questions: int


Results = Mapping[str, Passed]
"""By criterion."""


def criteria() -> dict[str, Sequence[Question]]:
    """Return the questions of each criterion."""
    return {
        ONNX: onnx_cases(),
        **dict(zip((FLOAT32, BFLOAT16), map(questions, relative_error.PRECISIONS), strict=True)),
    }


def measured(deviations: Iterable[RecurrenceDeviation] = RECURRENCE_DEVIATIONS) -> Results:
    """Put deviations through each criterion. They run in float32."""
    chosen, found = list(deviations), {}
    for name, asked in criteria().items():
        passed, without = set[Pair](), set[Pair]()
        for cell in dict.fromkeys(question.case.cell for question in asked):
            of_cell = [question for question in asked if question.case.cell == cell]
            for deviation in chosen:
                if deviation.applies_to(cell) and _passes(deviation, of_cell):
                    passed.add((deviation.name, cell))
                    if not any(_has_effect(deviation, question.case) for question in of_cell):
                        without.add((deviation.name, cell))
        found[name] = Passed(frozenset(passed), frozenset(without), len(asked))
    return found


def _passes(deviation: RecurrenceDeviation, asked: Sequence[Question]) -> bool:
    """Return whether a deviation passes all questions. It has no effect on a question without what it needs."""
    affected = [question for question in asked if deviation.has_needs(question.case)]
    return all(question.accepts(deviation.run(question.case)) for question in affected)


def _has_effect(deviation: RecurrenceDeviation, case: RecurrenceCase) -> bool:
    """Return whether outputs in float64 differ from the right ones by more than rounding errors."""
    if not deviation.has_needs(case):
        return False
    case = case.astype(np.float64)
    wrong, right = deviation.run(case), run(case)
    return any(not np.allclose(wrong[name], array, rtol=1e-9, atol=1e-12) for name, array in right.items())


def rejected_right() -> list[str]:
    """Return the criteria that reject a correct kernel; there should be none."""
    forms: Mapping[str, Callable[[RecurrenceCase], Mapping[str, Array]]] = {
        "step": lambda case: StepKernel(case).run(),
        "chunk": lambda case: ChunkKernel(case).run(),
    }
    return [
        f"{name}: {form} of {question.case.cell}"
        for name, asked in criteria().items()
        for question in asked
        if question.case.cell != CONVOLUTION and question.case.offsets is None
        for form, kernel in forms.items()
        if not question.accepts(kernel(question.case))
    ]


def report(results: Results, margins: Margins) -> str:
    """Return the section of the page; the margins are those of the goldens, with the tolerance for any algorithm."""
    attention = _pairs(margins, ATTENTION)
    convolution = _pairs(margins, (CONVOLUTION,))
    of_attention = [question for question in onnx_cases() if question.case.cell in ATTENTION]
    of_convolution = len(onnx_cases()) - len(of_attention)
    by_onnx, by_error = (_names_passing(results[name].pairs, attention) for name in (ONNX, FLOAT32))
    return "\n".join(
        [
            "## The same wrong implementations by other criteria\n\n"
            f"{len({name for name, _ in attention})} deviations of the attention rules, {len(attention)} pairs with a "
            f"rule, ran on ONNX's {len(of_attention)} backend cases of `LinearAttention` and on inputs that are drawn "
            f"as in flash-linear-attention's tests: {len(by_onnx)} deviations pass all of ONNX's cases, and "
            f"{len(by_error)} pass a relative error of {RATIO} in float32.\n\n"
            "A pair passes if no case of its rule rejects it; a deviation passes if it passes with each of its rules. "
            "*Without effect*: pairs whose outputs are right on these inputs, so that no tolerance can detect them.\n",
            page.table(
                ("criterion", "cases", "deviations", "that pass", "pairs", "pairs that pass", "without effect"),
                [*_of_goldens(margins, attention), *_of_criteria(results, attention)],
            ),
            "- ONNX's cases: outputs by ONNX's own test runner, rtol 1e-3, atol 1e-7. They have at most "
            f"{max(question.case.time for question in of_attention)} time steps and d_k = d_v.\n"
            f"- Relative error: √mean(error²) / √mean(right²) < {RATIO} for each output, as `assert_close` of "
            "flash-linear-attention; at most 100 steps, two heads and d_k = d_v = 32, packed sequences included. In "
            "bfloat16, queries, keys, values, beta and outputs are rounded, and the rest is float32.\n"
            "- Correct kernels, step by step and in chunks, pass both.\n\n"
            f"ONNX's cases are passed by {_in_words(by_onnx)}.\n\n"
            f"The relative error in float32 is passed by {_in_words(by_error)}.\n",
            "Pairs that have an effect and pass ONNX's cases or a relative error; *all* rules of the deviation:\n",
            page.table(
                ("deviation", ONNX, FLOAT32, BFLOAT16, "detected by goldens, float32"), _by_name(results, margins)
            ),
            f"ONNX has {of_convolution} backend cases of `CausalConvWithState`, besides `{LEFT_OUT}`, whose state is "
            f"empty: {len(results[ONNX].pairs & convolution)} of {len(convolution)} deviations pass all of them, "
            f"{len(results[ONNX].without_effect & convolution)} without effect. The goldens in float32 detect "
            f"{len(_detected(margins) & convolution)}.\n",
        ]
    )


def _pairs(margins: Margins, cells: Sequence[str]) -> frozenset[Pair]:
    return frozenset(pair for pair in next(iter(margins.values())) if pair[1] in cells)


def _detected(margins: Margins) -> frozenset[Pair]:
    in_float32 = margins[CONDITIONS[1]]
    return frozenset(pair for pair, best in in_float32.items() if best.is_detected)


def _names_passing(passed: Iterable[Pair], pairs: Iterable[Pair]) -> set[str]:
    """Return the deviations that pass with each of their recurrences."""
    return {name for name, _ in pairs} - {name for name, _ in set(pairs) - set(passed)}


def _in_words(names: set[str]) -> str:
    return ", ".join(f"`{deviation.name}`" for deviation in RECURRENCE_DEVIATIONS if deviation.name in names)


def _of_goldens(margins: Margins, pairs: frozenset[Pair]) -> Iterator[tuple[object, ...]]:
    names = len({name for name, _ in pairs})
    for condition in CONDITIONS[1:]:
        of = margins[condition]
        passed = {pair for pair in pairs if not of[pair].is_detected}
        yield f"goldens, {condition}", "", names, len(_names_passing(passed, pairs)), len(pairs), len(passed), ""


def _of_criteria(results: Results, pairs: frozenset[Pair]) -> Iterator[tuple[object, ...]]:
    names = len({name for name, _ in pairs})
    for name, passed in results.items():
        asked = sum(question.case.cell != CONVOLUTION for question in criteria()[name])
        of = passed.pairs & pairs
        without = len(passed.without_effect & pairs)
        yield name, asked, names, len(_names_passing(of, pairs)), len(pairs), len(of), without


def _by_name(results: Results, margins: Margins) -> Iterator[tuple[object, ...]]:
    for deviation in RECURRENCE_DEVIATIONS:
        cells = [cell for cell in deviation.cells if cell in ATTENTION]
        pairs = [(deviation.name, cell) for cell in cells]
        listed = [_listed([p for p in pairs if p in of.pairs - of.without_effect], pairs) for of in results.values()]
        if pairs and any(listed):
            detected = [pair for pair in pairs if pair in _detected(margins)]
            yield f"`{deviation.name}`", *listed, f"{len(detected)} of {len(pairs)}"


def _listed(pairs: Sequence[Pair], every: Sequence[Pair]) -> str:
    return "all" if pairs == every else ", ".join(cell for _, cell in pairs)
