"""The page: how many mutants of each module are killed, and why nothing is wrong with those that survive."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence

from benchmarks import page, page_check
from benchmarks.mutants.judging import Judged
from benchmarks.mutants.reasons import Reason
from benchmarks.mutants.worker import FAILED_TO_BEGIN, TOO_SLOW

PAGE = "mutants.md"
WIDTH = 140

INTRODUCTION = """# Mutants of what decides right from wrong

<!-- Made by `python -m benchmarks.mutants --write`; do not edit. -->

Each module that decides right from wrong is changed in one small place at a time, in every way that Cosmic Ray knows
(another operator, another comparison, a number one more or less, a condition turned round, a decorator, an exception or
a loop gone), and its tests are asked: those that run the changed function. Left as it is: what only type checkers read,
and what Python itself refuses or warns of when it compiles it.

Of the plugin's modules that say what passed, `outcomes.py`, `golden_under_test.py` and `guard.py` are left as they are,
364 mutants: most of their tests run pytest in processes of their own, and one that survives is asked all of
`tests/plugin`, two minutes. Of the first 62 of `outcomes.py` 27 survived the tests that run it in the process that
tests, and were not asked the others. Every branch of the three is run by a test:
`python -m benchmarks.mutants.branches --plugin`.

- **killed**: by a test that fails.
- **not run**: the package can not be imported any more, or the tests not collected.
- **too slow**: no answer in minutes: a loop that does not end.
- **survive**: no test tells it from the right one. The reason why it is as right is below; without one, this fails.
- **score**: all but those that survive, of all, in percent."""

COLUMNS: page_check.Columns = {
    **dict.fromkeys(("mutants", "killed", "not run", "too slow", "survive"), page_check.FIXED),
    "score": page_check.Column(everywhere=True, by=0.1),
}
"""How the page is held against what was measured."""

TOTAL = "all"


def page_of(found: Mapping[str, Sequence[Judged]], written: Sequence[Reason]) -> str:
    """The page."""
    together = [judged for of_one in found.values() for judged in of_one]
    rows = [_row(f"`{module}`", of_one) for module, of_one in found.items()] + [_row(TOTAL, together)]
    parts = [INTRODUCTION, page.table(("module", *COLUMNS), rows).rstrip(), "## What survives, and why it is right"]
    parts += [text for module in found for text in _survivors(module, written)]
    return "\n\n".join([*parts, page.versions("cosmic-ray", "numpy", "pytest") + "."]) + "\n"


def _row(name: str, found: Sequence[Judged]) -> list[str]:
    killers = [judged.killer for judged in found]
    not_run, too_slow, survive = (killers.count(how) for how in (FAILED_TO_BEGIN, TOO_SLOW, ""))
    killed = len(found) - not_run - too_slow - survive
    score = 100 * (len(found) - survive) / len(found)
    return [name, *map(str, (len(found), killed, not_run, too_slow, survive)), f"{score:.1f}"]


def _survivors(module: str, written: Sequence[Reason]) -> Iterator[str]:
    of_module = [reason for reason in written if reason.module == module]
    if of_module:
        yield f"### `{module}`"
    for reason in of_module:
        lines = [f"    - {reason.line}", *(f"    + … {new} …" for new in reason.instead)]
        yield "\n".join([textwrap.fill(reason.reason, WIDTH), "", *lines])
