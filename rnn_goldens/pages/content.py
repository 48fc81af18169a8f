"""What a page shows, whoever has it: a run of pytest, or a report of many implementations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

PASSED, REFUSED, FAILED, KNOWN = "passed", "refused", "failed", "known-failure"
OUTCOMES = (PASSED, FAILED, KNOWN, REFUSED, "skipped", "not-judged")
"""As the results file has them; a page counts them in this order."""

WRONG = (FAILED, KNOWN)
"""Those that are listed one by one."""


@dataclass(frozen=True)
class About:
    """A golden, as far as one filters by it."""

    cell: str
    features: tuple[str, ...]


@dataclass(frozen=True)
class Judged:
    """What became of one golden in one precision.

    Attributes:
        golden, dtype: which.
        outcome: one of ``OUTCOMES``.
        judged_by: what it was told from, as the results file has it.
        reason: the first line of why it did not pass.
        message: all of it, where there is more.
        command: runs it again, alone.
        explained_by: names of deviations that give just what came; two at once as ``a & b``.
        known: why it is known to fail.
        picture: the fields of a ``judging.picture.Picture``, or None.
        gradients: names of those that were ``right``, ``wrong`` and ``not_checked``, where gradients were compared.
        rows: the fields of ``judging.gradient_rows.GradientRow``, of gradients of which one is wrong.
    """

    golden: str
    dtype: str
    outcome: str
    judged_by: str = ""
    reason: str = ""
    message: str = ""
    command: str = ""
    explained_by: tuple[str, ...] = ()
    known: str = ""
    picture: Mapping[str, Any] | None = None
    gradients: Mapping[str, Sequence[str]] = field(default_factory=dict)
    rows: Sequence[Mapping[str, str]] = ()


@dataclass(frozen=True)
class Checked:
    """An implementation, and what became of it.

    Attributes:
        name: as the command line has it; "" of a project's own tests.
        versions: of what it is made of.
        judged: golden by golden, from simple to hard.
        causes: what explains the failures, as ``results-1.schema.json`` has it.
        why: the run has not judged all that was asked; "" if it has.
    """

    name: str
    versions: Mapping[str, str] = field(default_factory=dict)
    judged: Sequence[Judged] = ()
    causes: Sequence[Mapping[str, Any]] = ()
    why: str = ""


@dataclass(frozen=True)
class Moved:
    """What became better or worse since an earlier report: ``better``, ``worse`` or ``other``, where, and how."""

    direction: str
    where: str
    said: str


@dataclass(frozen=True)
class Content:
    """All of a page.

    Attributes:
        title: its heading.
        checked: the implementations.
        about: the goldens, by id.
        made_with: versions, by name.
        since: what the page is compared with; "" if with nothing.
        moved: what is otherwise since.
    """

    title: str
    checked: Sequence[Checked]
    about: Mapping[str, About]
    made_with: Mapping[str, str] = field(default_factory=dict)
    since: str = ""
    moved: Sequence[Moved] = ()
