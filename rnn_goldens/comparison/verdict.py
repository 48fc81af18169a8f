"""The result of comparing outputs or gradients with a golden."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from rnn_goldens.comparison.actual import Actual, actual_gradients, actual_outputs
from rnn_goldens.comparison.differences import Difference, difference
from rnn_goldens.comparison.failure_text import failure_text
from rnn_goldens.comparison.verdict_table import as_html
from rnn_goldens.golden.data import GoldenData

__all__ = ["Difference", "GoldenMismatch", "Verdict", "Verdicts", "compare", "compare_gradients", "verdict_on"]


@dataclass(frozen=True)
class Verdict:
    """The result of a comparison. It is true if the comparison passed.

    Attributes:
        passed: whether every output is right.
        largest_error: the largest error of any element, as a fraction of the tolerance: at most 1 if ``passed``.
            Infinite where the tolerance is zero or subnormal and the error is a normal number.
        differences: by name of the output, ``out`` first; or by name of the gradient.
        message: at most 15 lines, of which the first can be understood alone; empty if the comparison passed.
        explained_by: names of deviations that give exactly these outputs; several names if they are equivalent on this
            golden. ``a & b`` is two deviations at once. See ``docs/deviations.md``.
        facts: if no deviation explains the outputs, facts by name, each with its number or with whether it holds.
        not_checked: names of outputs that were not selected, or of gradients that were not passed, are not stored,
            or are None where zero is expected. They neither passed nor failed.
    """

    passed: bool
    largest_error: float
    differences: Mapping[str, Difference]
    message: str
    explained_by: tuple[str, ...] = ()
    facts: Mapping[str, bool | float] = field(default_factory=dict)
    not_checked: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Return ``passed``."""
        return self.passed

    def _repr_html_(self) -> str:
        """Return the HTML that a notebook displays."""
        return as_html(self.largest_error, self.differences.values(), self.message)


class Verdicts(list[Verdict]):
    """The verdicts of several calls. They are true if all of them passed."""

    def __bool__(self) -> bool:
        """Return whether all verdicts passed."""
        return all(self)


class GoldenMismatch(AssertionError):
    """Raised for outputs or gradients that differ from a golden.

    Attributes:
        verdict: the result of the comparison.
    """

    __module__ = "rnn_goldens"

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.message)
        self.verdict = verdict

    def __reduce__(self) -> tuple[type["GoldenMismatch"], tuple[Verdict]]:
        return type(self), (self.verdict,)


def compare(
    golden: GoldenData, out: object, h_n: object = None, c_n: object = None, *more: object, meaning: str = ""
) -> Verdict:
    """Compare outputs with a golden, as ``Golden.compare`` does; ``meaning`` is what a difference means besides."""
    return verdict_on(actual_outputs(golden, out, h_n, c_n, *more), meaning)


def compare_gradients(golden: GoldenData, by_name: Mapping[str, object], *, meaning: str = "") -> Verdict:
    """Compare gradients with those of a golden, which must have been loaded with them.

    A missing gradient is not checked. Without any gradient, the result is a failure.
    """
    return verdict_on(actual_gradients(golden, by_name), meaning)


@np.errstate(all="ignore")  # an implementation may have changed np.seterr
def verdict_on(actual: Actual, meaning: str = "") -> Verdict:
    """Compare actual with expected arrays; ``meaning`` as for ``compare``."""
    differences = {name: difference(actual, name) for name in actual.names}
    passed = bool(differences) and all(found.passed for found in differences.values())
    largest = max((found.largest_error for found in differences.values()), default=float("inf"))
    message = "" if passed else failure_text(actual, list(differences.values()), meaning)
    return Verdict(passed, largest, differences, message, not_checked=actual.not_checked)
