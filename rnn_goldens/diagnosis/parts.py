"""What explains a single output of failures that nothing explains as a whole: out alone, h_n alone, c_n alone."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rnn_goldens.diagnosis.asked import Asked, Cause, Parts
from rnn_goldens.diagnosis.budget import Budget

if TYPE_CHECKING:
    from rnn_goldens.diagnosis.causes import Evidence


def parts_of(failed: "Sequence[Evidence]", asked: "Callable[[Evidence], Asked | None]", budget: Budget) -> Parts:
    """The deviations that give an output of every failure in which it is wrong, output by output.

    Args:
        failed: failures of a cell, the simplest first, that nothing explains.
        asked: a failure with what came, if that was kept.
        budget: what may be compared; {} if it does not suffice, for what holds of some failures says nothing of all.
    """
    found: dict[str, list[Cause]] = {}
    for one in failed:
        if (whole := asked(one)) is None:
            continue
        for name in whole.got:
            alone = whole.alone(name)
            if found.get(name) == [] or alone.is_right():
                continue
            if name in found:
                found[name] = [c for c in found[name] if budget.take(alone.cost) and alone.fitted_by(c)]
            else:
                found[name] = list(alone.explaining(alone.befalling(), budget))
        if budget.is_spent:
            return {}
        if found and not any(found.values()):
            break
    return {name: tuple(causes) for name, causes in found.items() if causes}
