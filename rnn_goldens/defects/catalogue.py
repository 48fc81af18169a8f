"""Reads the lists of known defects and reports, and says what is wrong in them."""

import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from rnn_goldens.corpus import Corpus, open_corpus
from rnn_goldens.deviations import deviation
from rnn_goldens.deviations.families import members
from rnn_goldens.diagnosis.facts import facts_about
from rnn_goldens.errors import InvalidFile, UnknownName, WrongUse, not_readable
from rnn_goldens.golden.expected import GRADIENTS, OUTPUTS
from rnn_goldens.implementations import check_name
from rnn_goldens.programs.command import is_command

DEFECTS = Path(__file__).with_name("defects.toml")
"""The list of measured defects."""


class Defect(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A defect that was measured, and a golden that shows it.

    The golden fails for the reason that ``deviation``, ``fact`` or ``reason`` says; each that is given must agree.

    Attributes:
        engine: the package on PyPI that has the defect.
        implementation: the argument of ``rnn-goldens check`` that runs the engine.
        versions: the versions of the engine that have the defect, as for pip: ``>=1.17,<1.24``.
        issue: the address of a report; "" if none is known.
        gradients: whether the gradients of the golden show the defect, instead of its outputs.
        deviation: the name of a deviation with exactly these outputs or gradients; "" for none.
        fact: a fact of a results file that holds: ``right_to_float32``; "" for none.
        reason: a part of the reason that a run gives; "" for none.
        environment: environment variables that the engine needs to show the defect.
    """

    id: str
    engine: str
    implementation: str
    versions: str
    golden: str
    dtype: str
    effect: str
    issue: str = ""
    gradients: bool = False
    deviation: str = ""
    fact: str = ""
    reason: str = ""
    environment: dict[str, str] = {}

    @property
    def place(self) -> str:
        """Return the golden, its precision, and whether its gradients are meant."""
        return f"{self.golden} in {self.dtype}{', gradients' if self.gradients else ''}"

    def covers(self, version: str) -> bool:
        """Return whether a version of the engine is said to have the defect."""
        return SpecifierSet(self.versions).contains(version, prereleases=True)


class _Defects(msgspec.Struct, forbid_unknown_fields=True):
    defect: list[Defect]


class _Reports(msgspec.Struct, forbid_unknown_fields=True):
    report: dict[str, str]
    unexpressed: dict[str, str]


def read_defects(path: Path = DEFECTS) -> list[Defect]:
    """Read a list of defects.

    Raises InvalidFile if it is none, or if a defect names something that cannot exist, such as a golden or a version.
    """
    defects: list[Defect] = _read(path, _Defects).defect
    corpus, ids = open_corpus(), Counter(defect.id for defect in defects)
    repeated = [f"{name}: occurs {count} times" for name, count in ids.items() if count > 1]
    if problems := [*repeated, *(f"{d.id}: {wrong}" for d in defects for wrong in _problems(d, corpus))]:
        raise InvalidFile(path, problems)
    return defects


def read_reports() -> dict[str, str]:
    """Read the defects that were reported in public trackers: what is wrong, by ``repository#number``."""
    reports: dict[str, str] = _read(DEFECTS.with_name("reports.toml"), _Reports).report
    return reports


def deviations_of() -> dict[str, list[str]]:
    """Return the names of the deviations that stand for each report, by ``repository#number``."""
    found: dict[str, list[str]] = {}
    for one in members():
        for issue in one.stands_for:
            found.setdefault(issue, []).append(one.name)
    return found


def _read(path: Path, kind: type[Any]) -> Any:  # noqa: ANN401 - an instance of that type
    try:
        return msgspec.convert(tomllib.loads(path.read_text("utf-8")), kind)
    except OSError as error:
        raise not_readable(path, error) from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise InvalidFile(path, [str(error)]) from None


def _problems(defect: Defect, corpus: Corpus) -> Iterator[str]:
    """Yield what is wrong with a defect, without running it."""
    try:
        SpecifierSet(defect.versions)
    except InvalidSpecifier:
        yield f"versions = {defect.versions!r} is not a range such as '>=1.17,<1.24'"
    try:
        if not is_command(defect.implementation):  # a program may be missing here, as an adapter may
            check_name(defect.implementation)
    except (UnknownName, WrongUse) as error:
        yield str(error)
    if not (defect.deviation or defect.fact or defect.reason):
        yield "needs a deviation, a fact or a reason, or any failure of the golden would show it"
    facts = facts_about(GRADIENTS if defect.gradients else OUTPUTS)
    if defect.fact and defect.fact not in facts:
        yield f"no fact {defect.fact!r}; facts: {', '.join(facts)}"
    try:
        entry = corpus.entry(defect.golden)
        if defect.dtype not in (entry.gradient_precisions if defect.gradients else entry.precisions):
            yield f"{defect.golden} has no {'gradients' if defect.gradients else 'outputs'} in {defect.dtype}"
        if defect.deviation and entry.cell not in deviation(defect.deviation).cells:
            yield f"the deviation {defect.deviation} does not apply to {entry.cell}"
    except UnknownName as error:
        yield str(error)
