"""A failed verdict, with what is known of the ways of being wrong that would explain its outputs."""

import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rnn_goldens.diagnosis.asked import TOGETHER, Cause
from rnn_goldens.diagnosis.asked_gradients import accumulated, is_of_outputs
from rnn_goldens.diagnosis.facts import facts
from rnn_goldens.diagnosis.gradient_facts import EVERY_FACT, OF_SECOND_CALL, gradient_facts
from rnn_goldens.diagnosis.likeness import readable
from rnn_goldens.diagnosis.suspects import Suspects
from rnn_goldens.judging.gradient_text import WIDTH as GRADIENT_WIDTH
from rnn_goldens.judging.gradient_text import gradient_text

if TYPE_CHECKING:
    from rnn_goldens.golden.data import GoldenData
    from rnn_goldens.judging.verdict import Verdict

LONGEST_MESSAGE = 15
"""Lines of a verdict's message."""

_LISTED = 3
_MOST_FACTS = 1
_MOST_LINES = 2
_WIDTH = 110


def diagnosed(
    golden: "GoldenData",
    verdict: "Verdict",
    out: object,
    h_n: object,
    c_n: object,
    suspects: Suspects | None = None,
    ask_again: Callable[[], Sequence[Any]] | None = None,
) -> "Verdict":
    """The same verdict; if it did not pass, it says which deviations would explain the outputs.

    Args:
        golden: what was asked.
        verdict: what became of it.
        out: as for ``GoldenData.compare``, as are the others.
        h_n: likewise.
        c_n: likewise.
        suspects: what explained other failures of a run; without it, every single deviation is asked.
        ask_again: asks the implementation the same once more, if that can be done; some failures of a run are.
    """
    if verdict.passed:
        return verdict
    suspects = suspects or Suspects(pairs=False)
    found = suspects.explain(golden, out, h_n, c_n)
    can_be_seen = {} if found else facts(golden, out, h_n, c_n)
    if not found and ask_again is not None:
        kept = {name: values.copy() for name, values in readable(golden, out, h_n, c_n).items()}
        can_be_seen = {**suspects.repeats.facts(golden, kept, ask_again), **can_be_seen}
    first, *others = verdict.message.splitlines()
    if len(found) == 1:
        place = f"{golden.id} in {golden.dtype}"
        first = first.replace(place, f"{place}, like {TOGETHER.join(found[0])}", 1)
    room = min(_MOST_LINES, LONGEST_MESSAGE - 1 - len(others))
    lines = _lines(found, room) if found else [*_not_compared(golden), *_seen(can_be_seen, room)]
    return replace(
        verdict,
        message="\n".join([first, *lines, *others]),
        explained_by=tuple(TOGETHER.join(cause) for cause in found),
        facts=can_be_seen,
    )


def diagnosed_gradients(
    golden: "GoldenData",
    verdict: "Verdict",
    given: Mapping[str, object],
    suspects: Suspects | None = None,
    *,
    said: str = "",
    outputs: "Verdict | None" = None,
    outputs_right: bool = False,
) -> "Verdict":
    """The same verdict on gradients; if it did not pass, it says which deviations would explain them.

    Args:
        golden: what was asked, with gradients.
        verdict: what became of it.
        given: the gradients, by name.
        suspects: as for ``diagnosed``.
        said: what it means that they differ, as ``compare_gradients`` was told.
        outputs: what became of the outputs that they are of, diagnosed, if those were asked: where they are wrong, that
            is what is to be mended first, and what explains them explains all.
        outputs_right: whether they are known to be right without that: then no deviation of theirs is named.
    """
    if verdict.passed or not verdict.differences:
        return verdict
    seen_in_calls = {OF_SECOND_CALL[said]: True} if said in OF_SECOND_CALL else {}
    if outputs is not None and not outputs.passed:
        found, can_be_seen = [tuple(cause.split(TOGETHER)) for cause in outputs.explained_by], outputs.facts
        said = "the outputs are wrong, and gradients with them"
        known = [f"  {outputs.message.splitlines()[0].partition(': ')[2]}"]
    else:
        if seen_in_calls:  # the first call was right, and so is the way back
            found = accumulated(golden, given)
        else:
            outputs_right = outputs_right or (outputs is not None and not outputs.not_checked)
            suspects = suspects or Suspects(pairs=False)
            found = suspects.explain_gradients(golden, given, outputs_right=outputs_right)
        can_be_seen, known = {} if found else gradient_facts(golden, given), []
        if found and all(map(is_of_outputs, found)):
            known = ["  these are the gradients of wrong outputs, which check(out, h_n) compares:"]
    if found:
        known += _lines(found, _MOST_LINES + 1, GRADIENT_WIDTH)
    else:
        known += [*_not_compared(golden), *_seen(can_be_seen, _MOST_LINES, GRADIENT_WIDTH)]
    like = TOGETHER.join(found[0]) if len(found) == 1 else ""
    differences = list(verdict.differences.values())
    return replace(
        verdict,
        message=gradient_text(golden, differences, verdict.not_checked, said, like=like, known=known),
        explained_by=tuple(TOGETHER.join(cause) for cause in found),
        facts={} if found else {**seen_in_calls, **can_be_seen},
    )


def _not_compared(golden: "GoldenData") -> list[str]:
    """Why no deviation was asked, if it is for want of the cell's equations."""
    from rnn_goldens.cells import no_equations

    why = no_equations(golden)
    return _wrapped(f"compared with no deviation: {why}", _MOST_LINES) if why else []


def _seen(can_be_seen: Mapping[str, bool | float], most: int, width: int = _WIDTH) -> list[str]:
    """What is so of the outputs, where no deviation gives them."""
    true = [EVERY_FACT[code].said(value) for code, value in can_be_seen.items() if value]
    return [line for sentence in true[: min(most, _MOST_FACTS)] for line in _wrapped(sentence, _MOST_LINES, width)]


def _lines(found: list[Cause], most: int, width: int = _WIDTH) -> list[str]:
    """So many lines of a failure's message, at the most."""
    from rnn_goldens.deviations import deviation

    if len(found) == 1 and len(found[0]) == 1:
        text = f"looks like {found[0][0]}: {deviation(found[0][0]).sentence}"
    elif len(found) == 1:
        text = f"looks like {' and '.join(found[0])}, both at once"
    else:
        more = f" and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
        names = ", ".join(TOGETHER.join(cause) for cause in found[:_LISTED])
        text = f"looks like one of {len(found)} deviations, which are alike here: {names}{more}"
    return _wrapped(text, most, width)


def _wrapped(text: str, most: int, width: int = _WIDTH) -> list[str]:
    return textwrap.wrap(text, width, initial_indent="  ", subsequent_indent="    ", max_lines=most, placeholder=" …")
