"""Finds the deviations that explain all failures of a search; a single small failure has too many explanations."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rnn_goldens.checkable_golden import Golden
from rnn_goldens.comparison.actual import actual_outputs
from rnn_goldens.comparison.verdict import Verdict
from rnn_goldens.diagnosis import TOGETHER, Evidence
from rnn_goldens.diagnosis.explanations import diagnosed
from rnn_goldens.diagnosis.run_diagnosis import diagnose_run, reexamine
from rnn_goldens.diagnosis.search import CandidateSearch
from rnn_goldens.diagnosis.summary import summary

MAX_FAILED = 8
"""The largest number of diagnosed failures. They are evenly spaced from the least to the most complex."""


@dataclass(frozen=True, eq=False)
class ComparedGolden:
    """A golden that was compared.

    Attributes:
        golden: the golden.
        outputs: the actual outputs.
        verdict: the comparison.
    """

    golden: Golden
    outputs: Sequence[Any]
    verdict: Verdict


def complexity(golden: Golden) -> int:
    """Return the sum of: layers · directions, steps, rows, units, inputs, and the count of numbers that are not 0."""
    config, stored = golden.network, golden.stored
    rows = golden.batch_shape[0] if golden.batch_shape else 1
    arrays = [*stored.weights.values(), *stored.states.values(), stored.x]
    sizes = (len(config.suffixes), stored.x.shape[-2], rows, config.hidden_size, config.input_size)
    return sum(sizes) + sum(int((array != 0).sum()) for array in arrays)


def causes(failed: Sequence[ComparedGolden], passed: Iterable[ComparedGolden] = ()) -> Iterator[str]:
    """Yield the causes, in lines of at most 80 columns; nothing if there is nothing to add to the verdicts.

    Args:
        failed: the failures, in the order of the comparisons.
        passed: passed goldens. A deviation that would fail one of them is not a cause.
    """
    last_first = list(reversed(failed))  # of equally complex goldens, the one that the search ends with comes first
    wrong = sorted(last_first, key=lambda one: complexity(one.golden))
    if not wrong:
        return
    compared = [*_spread(wrong), *passed]
    goldens = {(one.golden.id, one.golden.dtype): one.golden for one in compared}

    def load(golden: str, dtype: str) -> Golden | None:
        return goldens.get((golden, dtype))

    search = CandidateSearch()
    examined = reexamine([_evidence(one, search) for one in compared], search.failures, load)
    diagnoses = diagnose_run(examined.evidence, load, examined.cut_short)
    if len(compared) > 1 or any(diagnosis.candidates for diagnosis in diagnoses):  # else the verdict has the cause
        yield from summary(diagnoses)


def _spread(wrong: Sequence[ComparedGolden]) -> list[ComparedGolden]:
    """Return the first, the last and evenly spaced failures between them."""
    step = max(1, -(-len(wrong) // (MAX_FAILED - 1)))
    return list(dict.fromkeys([*wrong[::step], wrong[-1]]))


def _evidence(compared: ComparedGolden, search: CandidateSearch) -> Evidence:
    golden, verdict = compared.golden, compared.verdict
    if not verdict.passed:
        verdict = diagnosed(actual_outputs(golden, *compared.outputs), verdict, search)
    return Evidence(
        golden=golden.id,
        dtype=golden.dtype,
        cell=golden.cell,
        features=golden.features,
        passed=verdict.passed,
        explained_by=tuple(tuple(names.split(TOGETHER)) for names in verdict.explained_by),
        facts=verdict.facts,
    )
