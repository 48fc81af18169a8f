"""What explains a single output of failures that nothing explains as a whole: out alone, h_n alone, c_n alone."""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rnn_goldens.diagnosis.asked import Asked, Cause, Parts

if TYPE_CHECKING:
    from rnn_goldens.diagnosis.causes import Evidence


def parts_of(failed: "Sequence[Evidence]", asked: "Callable[[Evidence], Asked | None]", until: float) -> Parts:
    """The deviations that give an output of every failure in which it is wrong, output by output.

    Args:
        failed: failures of a cell, the simplest first, that nothing explains.
        asked: a failure with what came, if that was kept.
        until: the time of the processor at which it is given up.
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
                found[name] = [cause for cause in found[name] if alone.fitted_by(cause)]
            else:
                found[name] = list(alone.explaining(alone.befalling(), until))
        if time.process_time() > until:  # of all failures, or not at all
            return {}
        if found and not any(found.values()):
            break
    return {name: tuple(causes) for name, causes in found.items() if causes}
