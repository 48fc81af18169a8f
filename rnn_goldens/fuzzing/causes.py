"""Which deviations explain what failed in a search, all that was asked considered: the smallest alone tells little."""

from collections.abc import Iterator, Sequence

from rnn_goldens.checkable.golden import Golden
from rnn_goldens.diagnosis.asked import TOGETHER
from rnn_goldens.diagnosis.causes import Evidence
from rnn_goldens.diagnosis.explanations import diagnosed
from rnn_goldens.diagnosis.run import asked_again, diagnosed_run
from rnn_goldens.diagnosis.summary import summary
from rnn_goldens.diagnosis.suspects import Suspects
from rnn_goldens.fuzzing.search import Judged, Search, how_much

MOST_FAILED, MOST_PASSED = 8, 100
"""So many are considered: from the smallest to the first that was drawn, and of what passed the last before it."""


def causes(found: Search) -> Iterator[str]:
    """What is wrong, in lines of at most 80 columns; nothing if no outputs came."""
    wrong = sorted((j for j in reversed(found.failed) if j.crash is None), key=lambda judged: how_much(judged.golden))
    if not wrong:
        return
    judged = [*_spread(wrong), *found.passed[-MOST_PASSED:]]
    goldens = {(j.golden.id, j.golden.dtype): j.golden for j in judged}

    def load(golden: str, dtype: str) -> Golden | None:
        return goldens.get((golden, dtype))

    suspects = Suspects()
    again = asked_again([_evidence(one, suspects) for one in judged], suspects.failures, load)
    yield from summary(diagnosed_run(again.evidence, load, again.cut_short))


def _spread(wrong: Sequence[Judged]) -> list[Judged]:
    """The first and the last of several, and some between them."""
    apart = max(1, -(-len(wrong) // (MOST_FAILED - 1)))
    return list(dict.fromkeys([*wrong[::apart], wrong[-1]]))


def _evidence(judged: Judged, suspects: Suspects) -> Evidence:
    golden, verdict = judged.golden, judged.verdict
    assert verdict is not None
    if not verdict.passed:
        out, h_n, c_n = (*judged.outputs, None)[:3]
        verdict = diagnosed(golden, verdict, out, h_n, c_n, suspects)
    return Evidence(
        golden=golden.id,
        dtype=golden.dtype,
        cell=golden.cell,
        features=golden.features,
        passed=verdict.passed,
        explained_by=tuple(tuple(said.split(TOGETHER)) for said in verdict.explained_by),
        facts=verdict.facts,
    )
