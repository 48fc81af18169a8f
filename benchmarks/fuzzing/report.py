"""The page: what was found by family, what was not and why, and that correct implementations pass."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from benchmarks import page
from benchmarks.fuzzing.correct import Asked
from benchmarks.fuzzing.drawing import Drawing
from benchmarks.fuzzing.searching import EXAMPLES, SEED, Sought
from rnn_goldens.counted import counted
from rnn_goldens.golden.precision import PRECISIONS

PAGE, EACH = "fuzzing.md", "fuzzing.csv"
SOON = 100

SHARE_SOON = 0.9
NOT_STRUCTURAL = ("activations", "numerics")
"""Families whose deviations are off by little, or in a part of the range."""


def report(found: Sequence[Sought], correct: Sequence[Asked], cost: Sequence[Drawing]) -> str:
    """All of it."""
    families = list(dict.fromkeys(one.family for one in found))
    rows = [_row(family, [one for one in found if one.family == family]) for family in families]
    header = ("family", "networks", "in 10", f"in {SOON}", f"in {EXAMPLES:,}", "not", "layers·directions", *_PARTS)
    parts = [
        "# What drawn goldens find",
        "<!-- Made by `python -m benchmarks.fuzzing --write`; do not edit. -->",
        _introduction(found),
        page.table(header, [*rows, _row("together", found)]),
        _most_left(found),
        _late(found),
        _unfound(found),
        _correct(correct),
        _cost(cost),
        page.versions("numpy", "hypothesis", "python-flint", "torch", "onnxruntime", "keras", "flax", "jax"),
    ]
    return "\n\n".join(part.rstrip() for part in parts if part) + "\n"


def each(found: Sequence[Sought]) -> str:
    """A line for each network: which golden shows it first, 0 if none does, and what is left."""
    header = ("family", "deviation", "cell", "precision", "first", "layers_directions", *_PARTS)
    rows = ((one.family, one.name, one.cell, one.precision, one.first, *(one.left or NOTHING_LEFT)) for one in found)
    return "".join(",".join(map(str, row)) + "\n" for row in (header, *rows))


def short_of(found: Sequence[Sought]) -> Iterator[str]:
    """What the search should do and does not."""
    soon = sum(0 < one.first <= SOON for one in found)
    if soon < SHARE_SOON * len(found):
        yield f"{soon} of {len(found)} are found in {SOON} goldens, and {SHARE_SOON:.0%} should be"
    for one in found:
        if not one.first and one.family not in NOT_STRUCTURAL:
            yield f"{one.name}, {one.cell} is not found in {EXAMPLES:,} goldens"


NOTHING_LEFT = ("",) * 6

_PARTS = ("steps", "rows", "units", "inputs", "numbers")


def _introduction(found: Sequence[Sought]) -> str:
    in_float64 = sum(one.precision == "float64" for one in found)
    return (
        "Every deviation of the catalogue, in every cell it can befall, as an implementation: the definition in NumPy, "
        "wrong by a few lines.\nEach is asked what `rnn_goldens.hypothesis.goldens(cell=…)` draws by default, with "
        f"seed {SEED}, in float32; the {in_float64} that no golden can show in float32\n"
        "([why](../deviations.md#what-no-golden-exposes)) are asked in float64. What is found is made smaller then, as "
        "`rnn-goldens fuzz` does.\n\n"
        f"**in {SOON}**: how many are found in so many goldens. The columns after **not** are the medians of what is "
        "left when nothing can be made smaller:\n**numbers** are those of the weights, inputs and states that are not "
        f"zero.\n[{EACH}]({EACH}) has a line for each of them: the number of the first golden that shows it, and what "
        "is left. All is of one seed: another finds some sooner, and others later."
    )


def _row(name: str, found: Sequence[Sought]) -> list[object]:
    shown = [one for one in found if one.first]
    counts = [sum(one.first <= most for one in shown) for most in (10, SOON, EXAMPLES)]
    middles = [sorted(one.left[place] for one in shown)[len(shown) // 2] for place in range(6)] if shown else [""] * 6
    return [name, len(found), *counts, len(found) - len(shown), *middles]


def _most_left(found: Sequence[Sought]) -> str:
    """What is larger than one or two of everything, for the reader who wonders how bad it gets."""
    shown = [one for one in found if one.first]
    ones = sum(one.left[:5] == (1,) * 5 for one in shown)
    twos = sum(max(one.left[:5]) <= 2 for one in shown)  # noqa: PLR2004 - two of each
    seconds = sorted(one.seconds for one in shown)
    large = sorted((one for one in shown if max(one.left[:5]) > 2), key=lambda one: -max(one.left[:5]))  # noqa: PLR2004
    lines = "\n".join(f"- {one.name}, {one.cell}: {_spelled(one)}" for one in large)
    return (
        f"Of {len(shown):,} that are found {ones:,} end in one unit, step, row and input of one layer, in one direction"
        f", {twos:,} in at most two of each.\nFinding one and making it small takes "
        f"{seconds[len(seconds) // 2]:.1f} s in the median, the longest {seconds[-1]:.0f} s, with two at a time on two "
        f"cores that others used, too.\n\n## Larger than that\n\n{lines}"
    )


def _spelled(one: Sought) -> str:
    words = ("layer·direction", "step", "row", "unit", "input")
    return ", ".join(map(counted, one.left[:5], words))


def _late(found: Iterable[Sought]) -> str:
    late = [one for one in found if one.first > SOON]
    lines = "\n".join(f"- {one.name}, {one.cell}: by the {one.first}th" for one in late)
    return f"## Found after more than {SOON}\n\n{lines}" if late else ""


def _unfound(found: Iterable[Sought]) -> str:
    missing = "\n".join(f"- {one.name}, {one.cell}" for one in found if not one.first)
    return f"## Not found in {EXAMPLES:,}\n\n{missing or 'None.'}"


def _cost(cost: Sequence[Drawing]) -> str:
    rows = [(one.cell, len(one.each), *(f"{milliseconds:.1f}" for milliseconds in _spread(one.each))) for one in cost]
    header = ("cell", "drawn", "median", "mean", "99 of 100 below", "longest")
    return (
        "## What drawing costs\n\nMilliseconds of one core for each golden, in float32: drawn by Hypothesis, certified "
        "by ball arithmetic, its tolerance derived.\n\n" + page.table(header, rows)
    )


def _spread(each: Sequence[float]) -> tuple[float, float, float, float]:
    """Median, mean, 99th of 100 and largest of sorted numbers."""
    return each[len(each) // 2], sum(each) / len(each), each[len(each) * 99 // 100], each[-1]


def _correct(correct: Sequence[Asked]) -> str:
    each = Counter(one.asked for one in correct)
    said = ", ".join(f"{counted(many, 'implementation')} {asked:,} each" for asked, many in each.most_common())
    rows = [
        (one.implementation, one.asked, one.passed, one.refused, one.known, len(one.failed), f"{one.largest:.3f}")
        for one in correct
    ]
    failed = "".join(f"- {one.implementation}: {said}\n" for one in correct for said in one.failed)
    header = ("implementation", "asked", "passed", "refused", "known wrong", "FAILED", "largest error")
    return (
        "## Correct implementations\n\nThe same as in [false-alarms.md](false-alarms.md), asked goldens of all cells, "
        f"a quarter in each of {', '.join(PRECISIONS)}:\n{said}.\nWhat a library is “known wrong” at is listed in "
        "[known-failures](../known-failures) with the evidence. “Largest error” is a fraction of what is allowed.\n\n"
        f"{page.table(header, rows)}\n{failed}"
    )
