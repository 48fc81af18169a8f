"""Lists of goldens: those known to fail, and those not to be asked. One entry a line, with its reason.

lstm/long                                       # every precision: URL of the issue
gru/plain-float16                               # one
cell=lstm,gru features=lengths dtype=bfloat16   # by what they are
rnn-*/* without=state                           # both
cell=lstm except=lstm/plain,lstm/long-float32   # but not these
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from rnn_goldens.corpus import Entry
from rnn_goldens.encoding.bounds import OTHER
from rnn_goldens.encoding.file_bytes import read_bytes
from rnn_goldens.errors import InvalidFile, UnknownName, not_readable
from rnn_goldens.golden.features import FEATURES
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.shapes import CELLS

_Names = Mapping[str, Collection[str]]

_CONDITIONS: _Names = {
    "features": FEATURES,
    "without": FEATURES,
    "dtype": tuple(PRECISIONS),
}
"""What an entry may say beside an id and cells, and which names it may say there."""

_EXCEPT = "except"
"""The condition whose names are ids or patterns."""

_PLURALS = {"cell": "cells", "features": "features", "without": "features", "dtype": "precisions"}


@dataclass(frozen=True)
class Listed:
    """One line: goldens, and why they are listed.

    Attributes:
        text: the line's goldens as they were written.
        pattern: ``documented/mini-batch`` in every precision, ``documented/mini-batch-float32`` in one; ``*`` matches.
        conditions: by ``cell``, ``features``, ``without``, ``dtype`` and ``except``, the names that were given.
        reason: why.
    """

    text: str
    reason: str
    path: Path
    line: int
    pattern: str = "*"
    conditions: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """Where it stands."""
        return f"{self.path.name}:{self.line}"

    def matches(self, entry: Entry, dtype: str) -> bool:
        """Whether this line speaks of a golden in a precision."""
        said = self.conditions.get
        return (
            _is_named(entry.id, dtype, self.pattern)
            and not any(_is_named(entry.id, dtype, pattern) for pattern in said(_EXCEPT, ()))
            and entry.cell in said("cell", (entry.cell,))
            and dtype in said("dtype", (dtype,))
            and set(said("features", ())) <= set(entry.features)
            and not set(said("without", ())) & set(entry.features)
        )


def _is_named(golden_id: str, dtype: str, pattern: str) -> bool:
    return fnmatchcase(golden_id, pattern) or fnmatchcase(f"{golden_id}-{dtype}", pattern)


def read_listed(path: Path, entries: Iterable[Entry]) -> list[Listed]:
    """Read such a file; blank lines and lines that begin with # are comments.

    Raises:
        InvalidFile: not readable, or an entry without a reason, or one that is not written as an entry is.
        UnknownName: an entry that matches no golden of the corpora, or names a cell, feature or precision there is not.
    """
    try:
        text = read_bytes(path, OTHER.size).decode("utf-8-sig")  # Windows editors begin a file with a byte-order mark
    except UnicodeDecodeError as error:
        raise not_readable(path, error) from None
    listed, entries = [], list(entries)
    names: _Names = {"cell": dict.fromkeys([*CELLS, *(entry.cell for entry in entries)]), **_CONDITIONS}
    for number, line in enumerate(text.splitlines(), start=1):
        said, _, reason = (part.strip() for part in line.partition("#"))
        if not said:
            continue
        if not reason:
            raise InvalidFile(path, [f"line {number}: {said!r} has no reason; write: {said}  # reason or issue URL"])
        one = _parsed(said, reason, path, number, names)
        for pattern in one.conditions.get(_EXCEPT, ()):
            if not any(_is_named(entry.id, dtype, pattern) for entry in entries for dtype in entry.precisions):
                _refuse(one, pattern, entries)
        if not any(one.matches(entry, dtype) for entry in entries for dtype in entry.precisions):
            _refuse(one, one.pattern, entries)
        listed.append(one)
    return listed


def _parsed(said: str, reason: str, path: Path, line: int, known: _Names) -> Listed:
    conditions = dict[str, tuple[str, ...]]()
    patterns = list[str]()
    for word in said.split():
        name, is_condition, names = word.partition("=")
        if not is_condition:
            patterns.append(word)
            continue
        if name not in (*known, _EXCEPT):
            raise UnknownName(f"condition in line {line} of {path},", name, [*known, _EXCEPT], plural="Conditions")
        if name in conditions:
            raise InvalidFile(path, [f"line {line}: {name} is given twice; write {name}=one,two"])
        conditions[name] = tuple(names.split(","))
        for one in conditions[name]:
            if name != _EXCEPT and one not in known[name]:
                raise UnknownName(f"{name} in line {line} of {path},", one, known[name], plural=_PLURALS[name])
    if len(patterns) > 1:
        raise InvalidFile(path, [f"line {line}: {' '.join(patterns)!r} are several ids; write one a line"])
    return Listed(said, reason, path, line, patterns[0] if patterns else "*", conditions)


def _refuse(one: Listed, pattern: str, entries: Sequence[Entry]) -> None:
    """Raise what says why an entry, or an exception of it, matches nothing."""
    where = f"golden in line {one.line} of {one.path},"
    ids = [entry.id for entry in entries]
    if any(_is_named(golden_id, dtype, pattern) for golden_id in ids for dtype in PRECISIONS):
        raise InvalidFile(one.path, [f"line {one.line}: no golden of the corpus is {one.text!r} altogether"])
    raise UnknownName(where, pattern, ids, plural="Goldens")
