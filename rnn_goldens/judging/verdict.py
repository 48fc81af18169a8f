"""What a comparison of an implementation's outputs with a golden found."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from rnn_goldens.judging.as_html import verdict_as_html
from rnn_goldens.judging.differences import Difference, difference
from rnn_goldens.judging.failure_text import failure_text
from rnn_goldens.judging.given import Given, gradients_given, outputs_given

if TYPE_CHECKING:
    from rnn_goldens.golden.data import GoldenData

__all__ = ["Difference", "GoldenMismatch", "Verdict", "compare", "compare_gradients", "verdict_on"]


@dataclass(frozen=True)
class Verdict:
    """A comparison's result.

    Attributes:
        passed: whether every output is right.
        largest_error: over all elements of all outputs, as a fraction of what is allowed: at most 1 if it passed.
            Infinite where nothing is allowed, or a subnormal number, and the error is a normal one.
        differences: what was found in each output, ``out`` first; or in each gradient that was given.
        message: at most 15 lines, the first complete in itself; empty if it passed.
        explained_by: names of deviations that give just these outputs, several if they are alike here; two at once as
            ``a & b``. See ``docs/deviations.md``.
        facts: where nothing explains them, what can be seen in the outputs, and whether it is so.
        not_checked: the names of outputs that were not to be compared, or of gradients that were not given or are not
            stored: they did not pass.
    """

    passed: bool
    largest_error: float
    differences: Mapping[str, Difference]
    message: str
    explained_by: tuple[str, ...] = ()
    facts: Mapping[str, bool | float] = field(default_factory=dict)
    not_checked: tuple[str, ...] = ()

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return verdict_as_html(self.passed, self.largest_error, self.differences.values(), self.message)


class GoldenMismatch(AssertionError):
    """Outputs, or gradients, that differ from a golden.

    Attributes:
        verdict: the whole comparison.
    """

    __module__ = "rnn_goldens"

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.message)
        self.verdict = verdict

    def __reduce__(self) -> tuple[type["GoldenMismatch"], tuple[Verdict]]:
        return type(self), (self.verdict,)


def compare(golden: "GoldenData", out: object, h_n: object = None, c_n: object = None, *, said: str = "") -> Verdict:
    """Compare outputs with a golden.

    Args:
        golden: the golden.
        out: as for ``Golden.compare``.
        h_n: likewise.
        c_n: likewise.
        said: what it means if they differ, where it means more than that they are wrong.
    """
    return verdict_on(outputs_given(golden, out, h_n, c_n), said)


def compare_gradients(golden: "GoldenData", by_name: Mapping[str, object], *, said: str = "") -> Verdict:
    """Compare gradients with those of a golden.

    Args:
        golden: the golden, with gradients.
        by_name: array-likes of any library. What is left out is not checked; nothing at all does not pass.
        said: as for ``compare``.

    Raises:
        WrongUse: the golden was loaded without gradients.
        UnknownName: its gradients cannot be checked in this precision.
    """
    return verdict_on(gradients_given(golden, by_name), said)


@np.errstate(all="ignore")  # whatever np.seterr an implementation leaves behind
def verdict_on(given: Given, said: str = "") -> Verdict:
    """Compare what was given with what is expected; ``said`` as for ``compare``."""
    differences = {name: difference(given, name) for name in given.names}
    passed = bool(differences) and all(found.passed for found in differences.values())
    largest = max((found.largest_error for found in differences.values()), default=float("inf"))
    message = "" if passed else failure_text(given, list(differences.values()), said)
    return Verdict(passed, largest, differences, message, not_checked=given.not_checked)
