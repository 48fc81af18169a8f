"""What a page shows, whoever has it: a run of pytest, or a report of many implementations."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rnn_goldens.result import FAILED, KNOWN, NOT_JUDGED, PASSED, REFUSED, SKIPPED, Drawn, Result

OUTCOMES = (PASSED, FAILED, KNOWN, REFUSED, SKIPPED, NOT_JUDGED)
"""A page counts them in this order."""


@dataclass(frozen=True)
class About:
    """A golden, as far as one filters by it."""

    cell: str
    features: tuple[str, ...]


@dataclass(frozen=True)
class Checked:
    """An implementation, and what became of it.

    Attributes:
        name: as the command line has it; "" of a project's own tests.
        versions: of what it is made of.
        results: golden by golden, from simple to hard.
        causes: what explains the failures, as ``results-1.schema.json`` has it.
        drawn: by test, what is shown of wrong results.
        command: what runs the golden of a result again, alone; "" if that is not known.
        why: the run has not judged all that was asked; "" if it has.
    """

    name: str
    versions: Mapping[str, str] = field(default_factory=dict)
    results: Sequence[Result] = ()
    causes: Sequence[Mapping[str, Any]] = ()
    drawn: Mapping[str, Drawn] = field(default_factory=dict)
    command: Callable[[Result], str] = lambda _: ""
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
