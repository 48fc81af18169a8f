"""Compares goldens with other criteria on the same deviations: ONNX's cases, a relative error, and assert_close."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from benchmarks import page
from benchmarks.recurrences import close_elements, relative_error
from benchmarks.recurrences.goldens import Condition
from benchmarks.recurrences.kernels.contracts import INSIDE
from benchmarks.recurrences.onnx_cases import CONVOLUTION, LEFT_OUT, OnnxCase, onnx_cases
from benchmarks.recurrences.wrong_implementations import Margins, Pair
from rnn_goldens.cells.recurrence import RecurrenceCase, run
from rnn_goldens.deviations import Deviation
from rnn_goldens.deviations.recurrences import RECURRENCE_DEVIATIONS
from rnn_goldens.deviations.recurrences.chunks import ChunkKernel
from rnn_goldens.deviations.recurrences.edits import ATTENTION

Question = OnnxCase | relative_error.Question | close_elements.Question

CRITERIA: Mapping[str, Callable[[], Sequence[Question]]] = {
    "ONNX's backend cases": onnx_cases,
    "relative error": relative_error.questions,
    "assert_close": close_elements.questions,
}
ONNX, RELATIVE, CLOSE = CRITERIA

WORDS = {ONNX: "ONNX's backend cases", RELATIVE: "relative error < 0.005", CLOSE: "torch.testing.assert_close"}
"""The names of criteria in the figure."""

COLUMNS = (
    "criterion", "cases", "deviations", "that pass", "pairs", "pairs that pass", "without effect", "right ones rejected"
)  # fmt: skip

WIDTH = 30
"""The length of the longest bar of the figure."""


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


def of_right() -> dict[str, list[bool]]:
    """Return, by criterion, which runs of correct kernels it accepts, step by step and in chunks."""
    return {
        name: [
            question.accepts(found)
            for question in questions()
            if question.case.cell != CONVOLUTION and question.case.offsets is None
            for found in (run(question.case), ChunkKernel(question.case).run())
        ]
        for name, questions in CRITERIA.items()
    }


def rejected_right(accepted: Mapping[str, Sequence[bool]]) -> list[str]:
    """Return the criteria that reject a correct kernel, but should not: assert_close does."""
    return [f"{name} rejects a correct kernel" for name, of in accepted.items() if name != CLOSE and not all(of)]


def figure(passed: Mapping[str, tuple[int, int]], pairs: int) -> str:
    """Return bars: by criterion, wrong kernels that pass, and right ones that fail."""
    most = max(wrong for wrong, _ in passed.values())
    lines = [f"wrong kernels that pass, of {pairs}; right ones that fail"]
    for name, (wrong, right) in passed.items():
        bar = "█" * round(WIDTH * wrong / most)
        lines.append(f"{name:<27}{wrong:>4} {bar}{f'; {right} right ones fail' if right else ''}".rstrip())
    return "```text\n" + "\n".join(lines) + "\n```\n"


def report(results: Results, margins: Margins, right: Mapping[str, Sequence[bool]]) -> str:
    """Return the section of the page.

    Args:
        results: of the other criteria.
        margins: those of the goldens, by contract.
        right: which runs of correct kernels each criterion accepts.
    """
    of_float32 = margins[Condition("float32", INSIDE)]
    attention, convolution = (
        frozenset(pair for pair in of_float32 if pair[1] in cells) for cells in (ATTENTION, (CONVOLUTION,))
    )
    detected = frozenset(pair for pair, best in of_float32.items() if best.is_detected)
    asked = {name: sum(one.case.cell != CONVOLUTION for one in questions()) for name, questions in CRITERIA.items()}
    rows: list[tuple[object, ...]] = [
        ("goldens", "", *_counts(attention - detected, attention), "", ""),
        *(
            (
                name,
                asked[name],
                *_counts(of.pairs, attention),
                len(of.without_effect & attention),
                _rejected(right[name]),
            )
            for name, of in results.items()
        ),
    ]
    bars = {"goldens": (len(attention - detected), 0)} | {
        WORDS[name]: (len(of.pairs & attention), right[name].count(False)) for name, of in results.items()
    }
    return "\n".join(
        [
            "## The same wrong implementations by other criteria\n\n"
            f"The deviations of the attention rules ran in float32 on ONNX's {asked[ONNX]} backend cases of "
            f"`LinearAttention` and on {asked[RELATIVE]} inputs that are drawn as in flash-linear-attention's tests. A "
            "pair of a deviation and a rule passes if no case of the rule rejects it; a deviation passes if it passes "
            "with each of its rules. *Without effect*: pairs whose outputs are right on these inputs, so that no "
            "tolerance can detect them.\n",
            page.table(COLUMNS, rows),
            figure(bars, len(attention)),
            "- ONNX's cases: outputs by ONNX's own test runner, rtol 1e-3, atol 1e-7. They have at most "
            f"{max(one.case.time for one in onnx_cases() if one.case.cell in ATTENTION)} time steps and d_k = d_v.\n"
            f"- Relative error: √mean(error²) / √mean(right²) < {relative_error.RATIO} for each output, as "
            "`assert_close` of flash-linear-attention; at most 100 steps, two heads and d_k = d_v = 32, packed "
            "sequences included.\n"
            f"- assert_close: each element within {close_elements.RTOL} of the right one, relatively, or "
            f"{close_elements.ATOL}, the defaults of torch.testing.assert_close for float32, on the same inputs.\n"
            "- *Right ones*: correct kernels, step by step and in chunks, in float32.\n\n"
            "Pairs that have an effect and pass a criterion; *all* rules of the deviation:\n",
            page.table(("deviation", *CRITERIA, "detected by goldens"), _by_name(results, detected)),
            f"ONNX has {len(onnx_cases()) - asked[ONNX]} backend cases of `CausalConvWithState`, besides `{LEFT_OUT}`, "
            f"whose state is empty: {len(results[ONNX].pairs & convolution)} of {len(convolution)} deviations pass all "
            f"of them, {len(results[ONNX].without_effect & convolution)} without effect. The goldens detect "
            f"{len(detected & convolution)}.\n",
        ]
    )


def _rejected(accepted: Sequence[bool]) -> str:
    return f"{accepted.count(False)} of {len(accepted)}"


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
