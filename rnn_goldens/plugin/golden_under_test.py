"""The golden a test gets: it remembers whether the test checked anything against it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields

import pytest

from rnn_goldens.calls import Run, compare_calls
from rnn_goldens.errors import GoldenMismatch, RnnGoldensError
from rnn_goldens.golden import Golden
from rnn_goldens.plugin import settings
from rnn_goldens.plugin.selection import Wanted
from rnn_goldens.verdict import Verdict


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class GoldenUnderTest(Golden):
    """A golden, and what was checked so far (shared by its copies in other precisions).

    Attributes:
        calls: the ways of calling that marker or option ask for.
        verdicts: of every ``check`` and every way of ``check_calls``.
        called: the ways that ``check_calls`` was asked for.
        made: those that the golden could be asked.
    """

    calls: tuple[str, ...] = ()
    verdicts: list[Verdict] = field(default_factory=list)
    called: set[str] = field(default_factory=set)
    made: set[str] = field(default_factory=set)

    def check(self, out: object, h_n: object = None, c_n: object = None) -> None:
        """As ``Golden.check``; counts."""
        __tracebackhide__ = True
        verdict = self.compare(out, h_n, c_n)
        self.verdicts.append(verdict)
        if not verdict.passed:
            raise GoldenMismatch(verdict)

    def check_calls(self, run: Run, calls: Sequence[str] | str | None = None) -> None:
        """As ``Golden.check_calls``, by default in the ways that marker or option ask for; counts."""
        __tracebackhide__ = True
        asked = self.calls if calls is None else calls
        self.called.update([asked] if isinstance(asked, str) else asked)
        for name, verdict in compare_calls(self, run, asked):
            self.made.add(name)
            self.verdicts.append(verdict)
            if not verdict.passed:
                raise GoldenMismatch(verdict)


GOLDEN = pytest.StashKey[GoldenUnderTest]()
REFUSED = pytest.StashKey[bool]()
"""Set on a test in which the implementation refused, be it only in a subtest."""
UNCHECKED = pytest.StashKey[bool]()
"""Set on a test that checked nothing: wrong in the test itself, so no xfail excuses it."""


def golden_under_test(request: pytest.FixtureRequest) -> Golden:
    """Load the golden that a test was parametrized with."""
    wanted = getattr(request, "param", None)
    if not isinstance(wanted, Wanted):
        pytest.fail(
            "rnn_golden goes to tests and fixtures that name it as an argument: request.getfixturevalue is too late",
            pytrace=False,
        )
    try:
        golden = settings.corpus(request.config).load(wanted.id, wanted.dtype)
    except RnnGoldensError as error:
        pytest.fail(f"rnn-goldens: {error}", pytrace=False)
    under_test = GoldenUnderTest(**{f.name: getattr(golden, f.name) for f in fields(golden)}, calls=wanted.calls)
    request.node.stash[GOLDEN] = under_test
    return under_test


def fail_if_unchecked(item: pytest.Item) -> None:
    """Fail a test that got a golden and returned without a single ``check``, or without the calls that were asked."""
    golden = item.stash.get(GOLDEN, None)
    if golden is None or item.stash.get(REFUSED, False):
        return
    missing = [name for name in golden.calls if name not in golden.called]
    if not golden.verdicts:
        said = "nothing was checked: the test asked for rnn_golden and never called its check(out, h_n)"
    elif missing:
        said = (
            f"calls={', '.join(missing)} was not made: check(out, h_n) has one call's outputs; check_calls(run) calls"
        )
    else:
        return
    item.stash[UNCHECKED] = True
    pytest.fail(f"{golden.id}: {said}", pytrace=False)
