"""Which deviations explain what failed in a search, all that was asked considered: the smallest alone tells little."""

from collections.abc import Iterable, Iterator, Sequence

from rnn_goldens.checkable.golden import Golden
from rnn_goldens.diagnosis.asked import TOGETHER
from rnn_goldens.diagnosis.causes import Evidence
from rnn_goldens.diagnosis.explanations import diagnosed
from rnn_goldens.diagnosis.run import asked_again, diagnosed_run
from rnn_goldens.diagnosis.summary import summary
from rnn_goldens.diagnosis.suspects import Suspects
from rnn_goldens.fuzzing.judged import Judged, how_much
from rnn_goldens.judging.given import outputs_given

MOST_FAILED = 8
"""So many are considered, from the smallest to the first that was drawn."""


def causes(failed: Sequence[Judged], passed: Iterable[Judged] = ()) -> Iterator[str]:
    """What is wrong, in lines of at most 80 columns; nothing if none failed.

    Args:
        failed: the first first.
        passed: goldens that no cause may fail.
    """
    last_first = list(reversed(failed))  # of two with as much to look at, the golden that a search ends with
    wrong = sorted(last_first, key=lambda one: how_much(one.golden))
    if not wrong:
        return
    judged = [*_spread(wrong), *passed]
    goldens = {(j.golden.id, j.golden.dtype): j.golden for j in judged}

    def load(golden: str, dtype: str) -> Golden | None:
        return goldens.get((golden, dtype))

    suspects = Suspects()
    again = asked_again([_evidence(one, suspects) for one in judged], suspects.failures, load)
    found = diagnosed_run(again.evidence, load, again.cut_short)
    if len(judged) > 1 or any(diagnosis.suspects for diagnosis in found):  # else the verdict has said what it tells
        yield from summary(found)


def _spread(wrong: Sequence[Judged]) -> list[Judged]:
    """The first and the last of several, and some between them."""
    apart = max(1, -(-len(wrong) // (MOST_FAILED - 1)))
    return list(dict.fromkeys([*wrong[::apart], wrong[-1]]))


def _evidence(judged: Judged, suspects: Suspects) -> Evidence:
    golden, verdict = judged.golden, judged.verdict
    if not verdict.passed:
        verdict = diagnosed(outputs_given(golden, *judged.outputs), verdict, suspects)
    return Evidence(
        golden=golden.id,
        dtype=golden.dtype,
        cell=golden.cell,
        features=golden.features,
        passed=verdict.passed,
        explained_by=tuple(tuple(said.split(TOGETHER)) for said in verdict.explained_by),
        facts=verdict.facts,
    )
