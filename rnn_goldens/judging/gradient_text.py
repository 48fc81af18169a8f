"""The text of a gradient mismatch: at most 15 lines; the first says which are right, and which wrong.

Which are right narrows it down by itself: a gradient is made of those that a backward pass has before it.
"""

import textwrap
from collections.abc import Iterator, Sequence
from math import isfinite
from typing import TYPE_CHECKING

from rnn_goldens.counted import counted
from rnn_goldens.judging.differences import Difference, Element
from rnn_goldens.judging.failure_text import time_steps, to_see, values_as_text
from rnn_goldens.visible import visible

if TYPE_CHECKING:
    from rnn_goldens.golden.data import GoldenData

WIDTH = 80
_MOST_LINES = 15
_LEAST_ROOM = 30
"""Letters of the first line after the golden's name, however long that is."""

NOTHING = "no gradient was given: nothing was checked"


def gradient_text(
    golden: "GoldenData",
    found: Sequence[Difference],
    not_checked: Sequence[str],
    said: str = "",
    *,
    like: str = "",
    known: Sequence[str] = (),
) -> str:
    """Describe the differences of gradients that failed.

    Args:
        golden: the golden, with gradients.
        found: how each gradient that was given differs, or does not.
        not_checked: the names of the others.
        said: what it means that there are differences.
        like: the name of what gives just these gradients.
        known: lines of what else is known of them.
    """
    place, said = f"{golden.id} in {golden.dtype}", f": {said}: " if said else ": "
    right, wrong = ([d.output for d in found if d.passed is good] for good in (True, False))
    first, fits = _first_line(right, wrong, max(_LEAST_ROOM, WIDTH - len(f"{place}{said}")))
    lines = [f"{place}{f', like {like}' if like else ''}{said}{first}"]
    if not fits:
        for word, names in (("right", right), ("wrong", wrong)):
            lines += _wrapped(f"{word}: {', '.join(names)}", 2) if names else []
    lines += known
    ending = [*_wrapped(f"not checked: {', '.join(not_checked)}", 2)] if not_checked else []
    ending += _wrapped(f"purpose: {golden.gradients.purpose}", 2) if golden.gradients is not None else []
    ending += [to_see(golden, golden.corpus)] if golden.corpus is not None else []
    room = _MOST_LINES - len(lines) - len(ending)
    details = [_wrapped(f"{d.output}: {line}", 3) for d in found if not d.passed for line in _details(golden, d)]
    lines += _as_many_as_fit(details, room)
    return visible("\n".join([*lines, *ending]))


def right_and_wrong(right: Sequence[str], wrong: Sequence[str]) -> str:
    """``x, h0 right; weight_hh_l0 wrong``."""
    parts = [f"{', '.join(names)} {word}" for names, word in ((right, "right"), (wrong, "wrong")) if names]
    return "; ".join(parts)


def _first_line(right: list[str], wrong: list[str], room: int) -> tuple[str, bool]:
    """What the first line says, in so many letters if that can be, and whether all names stand in it."""
    if not right and not wrong:
        return NOTHING, True
    if len(whole := right_and_wrong(right, wrong)) <= room:
        return whole, True
    good = f"{len(right)} right; " if right else ""
    if not right and len(wrong) > 1:
        return f"all {len(wrong)} wrong", False
    kept = len(wrong)
    while kept > 1 and len(good) + len(_some(wrong, kept)) > room:
        kept -= 1
    return f"{good}{_some(wrong, kept)}", False


def _some(names: list[str], kept: int) -> str:
    more = f" and {len(names) - kept} more" if kept < len(names) else ""
    return f"{', '.join(names[:kept])}{more} wrong"


def _as_many_as_fit(blocks: list[list[str]], room: int) -> list[str]:
    lines: list[str] = []
    for number, block in enumerate(blocks):
        is_last = number == len(blocks) - 1
        if len(lines) + len(block) > room - (0 if is_last else 1):
            return [*lines, f"  … and {counted(len(blocks) - number, 'gradient')} more"]
        lines += block
    return lines


def _details(golden: "GoldenData", d: Difference) -> Iterator[str]:
    """One line a wrong gradient."""
    if d.problem is not None or d.largest is None or d.first is None:
        yield str(d.problem)
        return
    count = f"{d.wrong:,} of {counted(d.size, 'element')} wrong"
    if d.time_steps:
        count += f" at {time_steps(d, golden.stored.out.shape[-2])}"
    finite = ", ".join(f"{n} {name}" for n, name in ((d.nan, "NaN"), (d.infinite, "infinite")) if n)
    count += f", among them {finite}" if finite else ""
    count += f", all {d.coat} numbers: computed in {d.coat}?" if d.coat else ""
    shown = d.largest if isfinite(d.largest.got) else d.first
    yield f"{count}; {_element(golden, d, shown)}"


def _element(golden: "GoldenData", d: Difference, element: Element) -> str:
    got, want = values_as_text(golden, d, element)
    allowed = f", ± {element.allowed:.3g} allowed" if element.allowed else ", exactly"
    return f"at {element.place}: got {got}, want {want}{allowed}"


def _wrapped(text: str, most: int) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent="  ",
        subsequent_indent="    ",
        max_lines=most,
        placeholder=" …",
        break_on_hyphens=False,
    )
