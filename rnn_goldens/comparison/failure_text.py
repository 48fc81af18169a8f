"""The text of a failure: at most 15 lines, of which the first can be understood alone.

For outputs, the first line reports the first wrong element, and details of each output follow. For gradients, the first
line lists the right and the wrong ones, and a line on each wrong gradient follows. The right gradients narrow down the
cause, because each gradient is computed from earlier results of the backward pass.
"""

import shlex
import textwrap
from collections.abc import Iterator, Sequence
from math import isfinite

import numpy as np

from rnn_goldens.comparison.actual import Actual
from rnn_goldens.comparison.differences import Difference, Element
from rnn_goldens.control_characters import visible
from rnn_goldens.golden.data import GoldenData
from rnn_goldens.golden.expected import GRADIENTS, OUTPUTS
from rnn_goldens.golden.precision import NUMBER_TYPES
from rnn_goldens.golden.rounding_profile import DEFAULT
from rnn_goldens.plurals import counted

MAX_LINES = 15

_WIDTH = {OUTPUTS: 110, GRADIENTS: 80}
_MANY_STEPS = 12
_MANY_STATES = 3
_LONGEST_PURPOSE = 3
_MIN_ROOM = 30
"""Minimum width for the text of the first line after the golden's id, however long the id is."""


def failure_text(
    actual: Actual,
    found: Sequence[Difference],
    meaning: str = "",
    *,
    like: str = "",
    known: Sequence[tuple[str, int]] = (),
) -> str:
    """Describe the differences of a comparison that failed; ``meaning`` is what they mean besides wrong values.

    ``like`` names the cause that gives exactly these arrays; ``known`` has more sentences, each with its most lines.
    """
    profile = "" if actual.golden.profile == DEFAULT else f" by the profile {actual.golden.profile}"
    embedded = "" if actual.golden.embedding is None else f" with {actual.golden.embedding}"
    place = f"{actual.golden.id} in {actual.golden.dtype}{profile}{embedded}"
    middle = f": {meaning}: " if meaning else ": "
    more = [line for sentence, most in known for line in wrapped(sentence, most, _WIDTH[actual.of])]
    if actual.of == OUTPUTS:
        first, *others = _of_outputs(actual, found, more)
    else:
        first, *others = _of_gradients(actual, found, more, max(_MIN_ROOM, _WIDTH[GRADIENTS] - len(place + middle)))
    return visible("\n".join([f"{place}{f', like {like}' if like else ''}{middle}{first}", *others]))


def _of_outputs(actual: Actual, found: Sequence[Difference], more: Sequence[str]) -> Iterator[str]:
    golden = actual.golden
    details = [f"  {d.output}: {line}" for d in found if d.output in actual.names for line in _details(golden, d)]
    details += _of_states(golden, [d for d in found if d.output not in actual.names])
    end = [to_see(golden, golden.corpus)] if golden.corpus is not None else []
    if golden.embedding is not None:
        details += wrapped(golden.embedding.in_words, 2, _WIDTH[OUTPUTS])
    room = MAX_LINES - 1 - len(more) - len(details) - len(end)
    yield _headline(golden, next(d for d in found if not d.passed))
    yield from (*more, *details)
    if room > 0:
        yield from wrapped(f"purpose: {golden.purpose}", min(_LONGEST_PURPOSE, room), _WIDTH[OUTPUTS])
    yield from end


def _of_states(golden: GoldenData, states: Sequence[Difference]) -> Iterator[str]:
    """Yield lines on the first states after single steps that are wrong, and on how many others are wrong or right."""
    wrong, room = [d for d in states if not d.passed], _MANY_STATES
    for d in wrong[:room]:
        yield f"  {d.output}: {next(_details(golden, d))}"
    others = {"wrong": len(wrong[room:]), "right": len(states) - len(wrong)}
    if any(others.values()):
        text = ", ".join(f"{count:,} {word}" for word, count in others.items() if count)
        yield f"  {'other states' if wrong else 'states'} after single steps: {text}"


def _of_gradients(actual: Actual, found: Sequence[Difference], more: Sequence[str], room: int) -> Iterator[str]:
    """Yield the lines on gradients, of which the first has at most ``room`` characters."""
    golden, width = actual.golden, _WIDTH[GRADIENTS]
    right, wrong = ([d.output for d in found if d.passed is good] for good in (True, False))
    first, fits = _right_and_wrong(right, wrong, room)
    lines = [first]
    if not fits:
        for word, names in (("right", right), ("wrong", wrong)):
            lines += wrapped(f"{word}: {', '.join(names)}", 2, width) if names else []
    lines += more
    end = [f"not checked: {', '.join(actual.not_checked)}"] if actual.not_checked else []
    end += [golden.embedding.in_words] if golden.embedding is not None else []
    end += [f"purpose: {golden.gradients.purpose}"] if golden.gradients is not None else []
    ending = [line for text in end for line in wrapped(text, 2, width)]
    ending += [to_see(golden, golden.corpus)] if golden.corpus is not None else []
    details = [wrapped(f"{d.output}: {_gradient_line(golden, d)}", 3, width) for d in found if not d.passed]
    yield from (*lines, *_as_many_as_fit(details, MAX_LINES - len(lines) - len(ending)), *ending)


def to_see(golden: GoldenData, corpus: str) -> str:
    """Return the line with the command that shows a golden; ``corpus`` is "" for the default corpus."""
    option = f" --corpus {shlex.quote(corpus)}" if corpus else ""
    return f"  to see the golden: rnn-goldens show {golden.id}{option}"


def _headline(golden: GoldenData, d: Difference) -> str:
    if d.first is None:
        return f"{d.output} {d.problem}"
    got, want = _values(golden, d, d.first)
    return f"{d.output} is first wrong at {d.first.place}: got {got}, want {want} ({_wrong(d)})"


def _details(golden: GoldenData, d: Difference) -> Iterator[str]:
    if d.problem is not None:
        yield d.problem
        return
    if d.largest is None:
        yield f"all {d.size:,} elements right" if d.size > 1 else "its one element is right"
        return
    yield f"{_wrong(d)}{_at_steps(golden, d)}{_not_finite(d)}"
    if (lower := d.computed_in) is not None:
        yield f"every value is a {lower} number: computed in {lower}, not in the declared {golden.dtype}?"
    if isfinite(d.largest.got):
        error = abs(d.largest.got - d.largest.want)
        got, want = _values(golden, d, d.largest)
        allowed = f"allowed is {d.largest.allowed:.3g}" if d.largest.allowed else "none is allowed"
        yield f"largest error {error:.6g} ({allowed}) at {d.largest.place}: got {got}, want {want}"


def _gradient_line(golden: GoldenData, d: Difference) -> str:
    if d.problem is not None or d.largest is None or d.first is None:
        return str(d.problem)
    computed_in = f", all {d.computed_in} numbers: computed in {d.computed_in}?" if d.computed_in else ""
    shown = d.largest if isfinite(d.largest.got) else d.first
    got, want = _values(golden, d, shown)
    allowed = f", ± {shown.allowed:.3g} allowed" if shown.allowed else ", exactly"
    element = f"at {shown.place}: got {got}, want {want}{allowed}"
    return f"{_wrong(d)}{_at_steps(golden, d)}{_not_finite(d)}{computed_in}; {element}"


def _wrong(d: Difference) -> str:
    return f"{d.wrong:,} of {counted(d.size, 'element')} wrong"


def _not_finite(d: Difference) -> str:
    counts = ", ".join(f"{n} {name}" for n, name in ((d.nan, "NaN"), (d.infinite, "infinite")) if n)
    return f", among them {counts}" if counts else ""


def _at_steps(golden: GoldenData, d: Difference) -> str:
    steps, last = d.time_steps, golden.time - 1
    if not steps:
        return ""
    if len(steps) == 1:
        return f" at time step {steps[0]} of 0 to {last}"
    if steps == tuple(range(steps[0], steps[-1] + 1)):
        return f" at time steps {steps[0]} to {steps[-1]} of 0 to {last}"
    listed = ", ".join(map(str, steps[:_MANY_STEPS])) + (" …" if len(steps) > _MANY_STEPS else "")
    return f" at {len(steps)} time steps ({listed}) of 0 to {last}"


def _values(golden: GoldenData, d: Difference, element: Element) -> tuple[str, str]:
    """Return both values with the digits of their precision, or with all digits if these digits are equal."""
    got_type = NUMBER_TYPES[d.dtype].carrier if d.dtype in NUMBER_TYPES else np.float64
    got = str(np.asarray(element.got).astype(got_type))
    want = str(NUMBER_TYPES[golden.dtype].round(np.asarray(element.want)))
    if golden.is_integer:
        got, want = f"{element.got + 0:g}", f"{element.want:g}"  # -0 is 0
    return (repr(element.got), repr(element.want)) if got == want else (got, want)


def _right_and_wrong(right: list[str], wrong: list[str], room: int) -> tuple[str, bool]:
    """Return ``x, h0 right; weight_hh_l0 wrong``, shortened to ``room`` characters, and whether no name is omitted."""
    if not right and not wrong:
        return "no gradient was given: nothing was checked", True
    full = "; ".join(f"{', '.join(names)} {word}" for names, word in ((right, "right"), (wrong, "wrong")) if names)
    if len(full) <= room:
        return full, True
    good = f"{len(right)} right; " if right else ""
    if not right and len(wrong) > 1:
        return f"all {len(wrong)} wrong", False
    shown = len(wrong)
    while shown > 1 and len(good) + len(_some(wrong, shown)) > room:
        shown -= 1
    return f"{good}{_some(wrong, shown)}", False


def _some(names: list[str], shown: int) -> str:
    more = f" and {len(names) - shown} more" if shown < len(names) else ""
    return f"{', '.join(names[:shown])}{more} wrong"


def _as_many_as_fit(blocks: list[list[str]], room: int) -> list[str]:
    lines: list[str] = []
    for number, block in enumerate(blocks):
        is_last = number == len(blocks) - 1
        if len(lines) + len(block) > room - (0 if is_last else 1):
            return [*lines, f"  … and {counted(len(blocks) - number, 'gradient')} more"]
        lines += block
    return lines


def wrapped(text: str, most: int, width: int = _WIDTH[OUTPUTS]) -> list[str]:
    """Return an indented text in at most so many lines."""
    return textwrap.wrap(
        text,
        width,
        initial_indent="  ",
        subsequent_indent="    ",
        max_lines=most,
        placeholder=" …",
        break_on_hyphens=False,
    )
