"""The known-failures file: one ``ID-pattern  # reason or issue URL`` a line."""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from rnn_goldens.encoding.bounds import OTHER
from rnn_goldens.encoding.file_bytes import read_bytes
from rnn_goldens.errors import InvalidFile, UnknownName, not_readable
from rnn_goldens.golden.precision import PRECISIONS


@dataclass(frozen=True)
class KnownFailure:
    """One line: goldens that are known to fail, and why.

    Attributes:
        pattern: ``documented/mini-batch`` in every precision, ``documented/mini-batch-float32`` in one; ``*`` matches.
    """

    pattern: str
    reason: str
    path: Path
    line: int

    def matches(self, golden_id: str, dtype: str) -> bool:
        """Whether this line speaks of a golden in a precision."""
        return fnmatchcase(golden_id, self.pattern) or fnmatchcase(f"{golden_id}-{dtype}", self.pattern)


def read_known_failures(path: Path, ids: Iterable[str]) -> list[KnownFailure]:
    """Read the file; blank lines and lines that begin with # are comments.

    Raises:
        InvalidFile: not readable, or an entry without a reason.
        UnknownName: an entry that matches no golden of the corpus.
    """
    try:
        text = read_bytes(path, OTHER.size).decode("utf-8-sig")  # Windows editors begin a file with a byte-order mark
    except UnicodeDecodeError as error:
        raise not_readable(path, error) from None
    entries, ids = [], list(ids)
    for number, line in enumerate(text.splitlines(), start=1):
        pattern, _, reason = (part.strip() for part in line.partition("#"))
        if not pattern:
            continue
        if not reason:
            raise InvalidFile(
                path, [f"line {number}: {pattern!r} has no reason; write: {pattern}  # reason or issue URL"]
            )
        entry = KnownFailure(pattern, reason, path, number)
        if not any(entry.matches(golden_id, dtype) for golden_id in ids for dtype in PRECISIONS):
            raise UnknownName(f"golden that matches line {number} of {path},", pattern, ids, plural="Goldens")
        entries.append(entry)
    return entries
