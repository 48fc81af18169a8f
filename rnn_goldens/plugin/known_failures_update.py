"""The file of known failures as a run finds it: what holds stays, what passes again goes, what is new comes in."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from rnn_goldens.corpus import Entry
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.plugin.known_failures import Listed

UNEXPLAINED = "not looked at yet: "
"""How the reason of a new entry begins, which a person is to replace."""

_LONGEST = 100
_GOES = "\0"


@dataclass(frozen=True)
class Came:
    """What became of one golden in one precision.

    Attributes:
        entry: the golden.
        fails: whether it failed, known to or not; else it passed.
        reason: why, if it failed.
    """

    entry: Entry
    dtype: str
    fails: bool
    reason: str = ""


@dataclass(frozen=True)
class Renewed:
    """The file as it is to be.

    Attributes:
        text: all of it.
        gone: lines of which nothing fails any more.
        narrowed: lines of which some pass, and that name now what they speak of.
        new: the goldens and precisions that had no line.
    """

    text: str
    gone: Sequence[Listed]
    narrowed: Sequence[Listed]
    new: Sequence[Came]


def renewed(text: str, listed: Sequence[Listed], entries: Iterable[Entry], came: Sequence[Came]) -> Renewed:
    """The file after a run, comments and order as they were. What did not run stays listed.

    Args:
        text: the file; "" if there is none.
        listed: its entries.
        entries: all goldens of the corpora.
        came: what became of those that were compared or raised.
    """
    entries = list(entries)
    passed = {(c.entry.id, c.dtype) for c in came if not c.fails}
    failed = [c for c in came if c.fails]
    gone, narrowed = list[Listed](), list[Listed]()
    lines = text.removeprefix("\ufeff").splitlines()
    for one in listed:
        covered = [(e, dtype) for e in entries for dtype in e.precisions if one.matches(e, dtype)]
        left = [(e, dtype) for e, dtype in covered if (e.id, dtype) not in passed]
        if len(left) == len(covered):
            continue
        lines[one.line - 1] = "\n".join(_narrowed(one, left, {c.dtype for c in came})) or _GOES
        (narrowed if left else gone).append(one)
    new = [c for c in failed if not any(one.matches(c.entry, c.dtype) for one in listed)]
    reasons = {c.entry.id: f"{UNEXPLAINED}{_short(c)}" for c in reversed(new)}
    lines += _lines([(c.entry, c.dtype) for c in new], reasons)
    kept = [line for line in lines if line != _GOES]
    return Renewed("".join(f"{line}\n" for line in kept), gone, narrowed, new)


def _narrowed(one: Listed, left: Sequence[tuple[Entry, str]], ran: Collection[str]) -> list[str]:
    """What is left of a line: as it was in the precisions in which nothing ran, golden by golden in the others."""
    unseen = [dtype for dtype in PRECISIONS if dtype not in ran and any(dtype == d for _, d in left)]
    seen = [(entry, dtype) for entry, dtype in left if dtype in ran]
    words = [word for word in one.text.split() if not word.startswith("dtype=")]
    before = [f"{' '.join(words)} dtype={','.join(unseen)}  # {one.reason}"] if unseen else []
    return before + _lines(seen, dict.fromkeys((entry.id for entry, _ in seen), one.reason))


def _lines(goldens: Sequence[tuple[Entry, str]], reasons: Mapping[str, str]) -> list[str]:
    """One entry a golden, with its precisions where it is not in all that it has."""
    precisions: dict[str, list[str]] = {}
    held = {entry.id: entry.precisions for entry, _ in goldens}
    for entry, dtype in goldens:
        precisions.setdefault(entry.id, []).append(dtype)
    said = {
        golden_id: golden_id if set(dtypes) >= set(held[golden_id]) else f"{golden_id} dtype={','.join(dtypes)}"
        for golden_id, dtypes in precisions.items()
    }
    width = max(map(len, said.values()), default=0)
    return [f"{text:<{width}}  # {reasons[golden_id]}" for golden_id, text in said.items()]


def _short(came: Came) -> str:
    line = " ".join(came.reason.removeprefix(f"{came.entry.id} in {came.dtype}: ").split()) or "it failed"
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
