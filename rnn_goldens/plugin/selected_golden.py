"""A golden in a precision that a test was parametrized with, before it is loaded."""

from dataclasses import dataclass
from typing import Any

import pytest

from rnn_goldens.golden.rounding_profile import DEFAULT, Profile
from rnn_goldens.golden_result import UNCHECKED, Result
from rnn_goldens.plugin.known_failures import ListEntry


@dataclass(frozen=True)
class SelectedGolden:
    """A golden in a precision, not loaded yet.

    Attributes:
        id: the golden's id.
        dtype: the precision.
        calls: call patterns to check in addition to a single call.
        gradients: whether to check gradients.
        corpus: the corpora that a marker names, by absolute paths and versions; "" for the corpora of the settings.
        outputs: the only outputs to compare; () for all.
        profile: which rounding errors are allowed.
        sizes: larger sizes, by name, in which the golden is embedded if it has them.
        known: the entry of the list of known failures that matches the golden.
        skip: the entry of the skip list that matches it.
    """

    id: str
    dtype: str
    calls: tuple[str, ...] = ()
    gradients: bool = False
    corpus: str = ""
    outputs: tuple[str, ...] = ()
    profile: Profile = DEFAULT
    sizes: tuple[tuple[str, int], ...] = ()
    known: ListEntry | None = None
    skip: ListEntry | None = None

    def entry(self, test: str) -> Result:
        """Return the entry of a test in the results file before the test has run."""
        entry: Result = {"golden": self.id, "dtype": self.dtype, "test": test, "outcome": UNCHECKED}
        if self.corpus:
            entry["corpus"] = self.corpus
        if self.profile.parts:
            entry["profile"] = list(self.profile.parts)
        if self.sizes:
            entry["embed"] = dict(self.sizes)
        return entry


def selected_of(item: pytest.Item) -> SelectedGolden | None:
    """Return the golden that a test was parametrized with; None if there is none."""
    callspec: Any = getattr(item, "callspec", None)  # of a parametrized function; its type is private to pytest
    selected = callspec.params.get("rnn_golden") if callspec is not None else None
    return selected if isinstance(selected, SelectedGolden) else None
