"""Lists of goldens: known failures, and goldens to skip. One entry per line, with its reason.

lstm/long                                       # every precision: URL of the issue
gru/plain-float16                               # one precision
cell=lstm,gru features=lengths dtype=bfloat16   # by cell, features and precision
rnn-*/* without=state                           # by id and features
cell=lstm except=lstm/plain,lstm/long-float32   # with exceptions
gated-delta/* embed=d_k=128                     # in a run that embeds in this size
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from rnn_goldens.corpus import Entry
from rnn_goldens.encoding.untrusted_files import OTHER, read_bytes
from rnn_goldens.errors import InvalidFile, UnknownName, WrongUse, not_readable
from rnn_goldens.golden.embedding import larger_sizes, of_cell, require_known
from rnn_goldens.golden.features import FEATURES
from rnn_goldens.golden.precision import DTYPES
from rnn_goldens.golden.recurrences import BUILT_IN

_Names = Mapping[str, Collection[str]]

_CONDITIONS: _Names = {"features": FEATURES, "without": FEATURES, "dtype": DTYPES}
"""Conditions besides ids and cells, and their valid names."""

_EXCEPT, EMBED = "except", "embed"
"""The conditions whose values are ids or patterns, and sizes."""

_PLURALS = {"cell": "cells", "features": "features", "without": "features", "dtype": "precisions"}


@dataclass(frozen=True)
class ListEntry:
    """One line: the goldens that it matches, and the reason.

    Attributes:
        text: the part of the line before the reason.
        pattern: ``documented/mini-batch`` in all precisions, ``documented/mini-batch-float32`` in one; ``*``: any text.
        conditions: values of ``cell``, ``features``, ``without``, ``dtype``, ``except`` and ``embed``.
        reason: the text after ``#``.
    """

    text: str
    reason: str
    path: Path
    line: int
    pattern: str = "*"
    conditions: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """Return file and line."""
        return f"{self.path.name}:{self.line}"

    @property
    def is_of_larger_sizes(self) -> bool:
        """Whether this line is for goldens embedded in larger sizes only."""
        return EMBED in self.conditions

    def is_for(self, cell: str, sizes: Mapping[str, int]) -> bool:
        """Return whether this line is for a golden that is embedded in these sizes: it names some of them, or none."""
        wanted = dict(of_cell(cell, larger_sizes(self.conditions.get(EMBED, ()))))
        return not self.is_of_larger_sizes or (bool(wanted) and wanted.items() <= sizes.items())

    def matches(self, entry: Entry, dtype: str) -> bool:
        """Return whether this line matches a golden in a precision, embedded or not."""
        values = self.conditions.get
        return (
            _matches(entry.id, dtype, self.pattern)
            and not any(_matches(entry.id, dtype, pattern) for pattern in values(_EXCEPT, ()))
            and entry.cell in values("cell", (entry.cell,))
            and dtype in values("dtype", (dtype,))
            and set(values("features", ())) <= set(entry.features)
            and not set(values("without", ())) & set(entry.features)
        )


def _matches(golden_id: str, dtype: str, pattern: str) -> bool:
    return fnmatchcase(golden_id, pattern) or fnmatchcase(f"{golden_id}-{dtype}", pattern)


def first_matching(listed: Iterable[ListEntry], entry: Entry, dtype: str, sizes: Mapping[str, int]) -> ListEntry | None:
    """Return the first line that matches a golden in a precision, embedded in these sizes."""
    return next((one for one in listed if one.matches(entry, dtype) and one.is_for(entry.cell, sizes)), None)


def read_list(path: Path, entries: Iterable[Entry]) -> list[ListEntry]:
    """Read a list; blank lines and lines that start with # are comments.

    Raises:
        InvalidFile: the file is not readable, an entry has no reason or is malformed, or its conditions match nothing.
        UnknownName: no golden has the id, or an entry contains an unknown condition, cell, feature or precision.
    """
    try:
        text = read_bytes(path, OTHER.size).decode("utf-8-sig")  # Windows editors start a file with a byte-order mark
    except UnicodeDecodeError as error:
        raise not_readable(path, error) from None
    listed, entries = [], list(entries)
    names: _Names = {"cell": dict.fromkeys([*BUILT_IN, *(entry.cell for entry in entries)]), **_CONDITIONS}
    for number, line in enumerate(text.splitlines(), start=1):
        text_before, _, reason = (part.strip() for part in line.partition("#"))
        if not text_before:
            continue
        if not reason:
            raise InvalidFile(
                path, [f"line {number}: {text_before!r} has no reason; write: {text_before}  # reason or issue URL"]
            )
        one = _parsed(text_before, reason, path, number, names)
        for pattern in one.conditions.get(_EXCEPT, ()):
            if not any(_matches(entry.id, dtype, pattern) for entry in entries for dtype in entry.precisions):
                _refuse(one, pattern, entries)
        if not any(one.matches(entry, dtype) for entry in entries for dtype in entry.precisions):
            _refuse(one, one.pattern, entries)
        listed.append(one)
    return listed


def _parsed(text_before: str, reason: str, path: Path, line: int, known: _Names) -> ListEntry:
    conditions = dict[str, tuple[str, ...]]()
    patterns = list[str]()
    for word in text_before.split():
        name, is_condition, names = word.partition("=")
        if not is_condition:
            patterns.append(word)
            continue
        others = (_EXCEPT, EMBED)
        if name not in (*known, *others):
            raise UnknownName(f"condition in line {line} of {path},", name, [*known, *others], plural="Conditions")
        if name in conditions:
            raise InvalidFile(path, [f"line {line}: {name} is given twice; write {name}=one,two"])
        conditions[name] = tuple(names.split(","))
        if name == EMBED:
            try:
                require_known(BUILT_IN, larger_sizes(conditions[name]))
            except (UnknownName, WrongUse) as error:
                raise InvalidFile(path, [f"line {line}: {error}"]) from None
        for one in () if name in others else conditions[name]:
            if one not in known[name]:
                raise UnknownName(f"{name} in line {line} of {path},", one, known[name], plural=_PLURALS[name])
    if len(patterns) > 1:
        raise InvalidFile(path, [f"line {line}: {' '.join(patterns)!r} are several ids; write one per line"])
    return ListEntry(text_before, reason, path, line, patterns[0] if patterns else "*", conditions)


def _refuse(one: ListEntry, pattern: str, entries: Sequence[Entry]) -> None:
    """Raise an error that says why an entry, or one of its exceptions, matches nothing."""
    ids = [entry.id for entry in entries]
    if any(_matches(golden_id, dtype, pattern) for golden_id in ids for dtype in DTYPES):
        raise InvalidFile(one.path, [f"line {one.line}: no golden of the corpus meets all of {one.text!r}"])
    raise UnknownName(f"golden in line {one.line} of {one.path},", pattern, ids, plural="Goldens")
