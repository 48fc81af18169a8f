"""The file of known failures as a run finds it: what holds stays, what passes again goes, what is new comes in."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rnn_goldens.corpus import Entry
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.plugin.known_failures import Listed

UNEXPLAINED = "not looked at yet: "
"""How the reason of a new entry begins, which a person is to replace."""

_Goldens = Sequence[tuple[Entry, str]]
"""Goldens, each in a precision."""

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
    known_to_fail = {(c.entry.id, c.dtype) for c in failed}
    gone, narrowed = list[Listed](), list[Listed]()
    lines = text.removeprefix("\ufeff").splitlines()
    for one in listed:
        covered = [(e, dtype) for e in entries for dtype in e.precisions if one.matches(e, dtype)]
        passing = [(e, dtype) for e, dtype in covered if (e.id, dtype) in passed]
        if not passing:
            continue
        failing = [(e, dtype) for e, dtype in covered if (e.id, dtype) in known_to_fail]
        lines[one.line - 1] = "\n".join(_narrowed(one, covered, passing, failing)) or _GOES
        (gone if len(passing) == len(covered) else narrowed).append(one)
    new = [c for c in failed if not any(one.matches(c.entry, c.dtype) for one in listed)]
    reasons = {c.entry.id: f"{UNEXPLAINED}{_short(c)}" for c in reversed(new)}
    lines += _lines([(c.entry, c.dtype) for c in new], reasons)
    kept = [line for line in lines if line != _GOES]
    return Renewed("".join(f"{line}\n" for line in kept), gone, narrowed, new)


def _narrowed(one: Listed, covered: _Goldens, passing: _Goldens, failing: _Goldens) -> list[str]:
    """What is left of a line: the line without what passes; or what fails, where all of it ran and that is shorter."""
    keeps, excepted, named = list[str](), list[tuple[Entry, str]](), list[tuple[Entry, str]]()
    for dtype in PRECISIONS:
        of, passes, fails = (_in(dtype, goldens) for goldens in (covered, passing, failing))
        if len(fails) + len(passes) == len(of) and len(fails) <= len(passes):
            named += fails
        else:
            keeps.append(dtype)
            excepted += passes
    kept = [(entry, dtype) for entry, dtype in covered if dtype in keeps]
    before = [f"{_with(one, kept, covered, excepted)}  # {one.reason}"] if keeps else []
    return before + _lines(named, dict.fromkeys((entry.id for entry, _ in named), one.reason))


def _in(dtype: str, goldens: _Goldens) -> _Goldens:
    return [golden for golden in goldens if golden[1] == dtype]


def _with(one: Listed, kept: _Goldens, covered: _Goldens, excepted: _Goldens) -> str:
    """The text of a line in the precisions that it keeps, with exceptions."""
    words = one.text.split()
    if len(kept) != len(covered):
        precisions = [dtype for dtype in PRECISIONS if _in(dtype, kept)]
        words = [word for word in words if not word.startswith("dtype=")] + [f"dtype={','.join(precisions)}"]
    if not excepted:
        return " ".join(words)
    of_each = {entry.id: [d for e, d in kept if e.id == entry.id] for entry, _ in excepted}
    out = {golden_id: [d for e, d in excepted if e.id == golden_id] for golden_id in of_each}
    names = [name for i, of in of_each.items() for name in ([i] if out[i] == of else [f"{i}-{d}" for d in out[i]])]
    there = next((word for word in words if word.startswith("except=")), "")
    return " ".join([*(word for word in words if word != there), ",".join([there or f"except={names.pop(0)}", *names])])


def _lines(goldens: _Goldens, reasons: Mapping[str, str]) -> list[str]:
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
