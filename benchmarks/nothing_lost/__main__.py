"""Whether anything is lost, torn or left behind by whatever ends a run, fills its disk or runs beside it.

    python -m benchmarks.nothing_lost           # run and print, some three minutes
    python -m benchmarks.nothing_lost --write   # and write docs/results/nothing-lost.md
    python -m benchmarks.nothing_lost --check   # fail if the page says otherwise

Exits with 1 if anything is.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence

from benchmarks import page, page_check
from benchmarks.nothing_lost.row import Row

PAGE = "nothing-lost.md"
SEED = 20_24

TIMES, SWAPS, ROUNDS, SECONDS = 8, 50, 3, 1.0

HEADER = """\
# Nothing is lost

<!-- Written by `python -m benchmarks.nothing_lost --write`; do not edit. -->

Each line is an attack on something that is written, with random moments of one seed ([the code](../../benchmarks/nothing_lost)).
*torn*: how often something stood there that was neither the old nor the new, byte for byte; of a lock, how often two held it. *left behind*:
after the next run, which is to clean up. *errors*: a reader that called something damaged, a message that is none or as long as a page, a
process that ended as none should. *cut short*: how often the signal came before the end, or the disk was full.

This is about processes, disks and what runs at the same time. What a machine without power has not put on its disk is not promised.
"""

COLUMNS: page_check.Columns = {
    "times": None,
    "cut short": None,
    "torn": page_check.FIXED,
    "left behind": page_check.FIXED,
    "errors": page_check.FIXED,
}


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    with_page = parser.add_mutually_exclusive_group()
    with_page.add_argument("--write", action="store_true", help=f"write docs/results/{PAGE}")
    with_page.add_argument("--check", action="store_true", help=f"fail if docs/results/{PAGE} says otherwise")
    arguments = parser.parse_args()
    begin, found = time.monotonic(), []
    for row in _rows():
        print(f"{time.monotonic() - begin:4.0f} s  {row}", file=sys.stderr)
        found.append(row)
    text = _page(found)
    print(text)
    bad = [row for row in found if row.is_bad]
    print(*(row.attack for row in bad), f"{len(bad)} of {len(found)} attacks did harm", sep="\n")
    same = True
    if arguments.write:
        page.write(PAGE, text)
    elif arguments.check:
        same = page_check.check(PAGE, text, COLUMNS)
    sys.exit(bool(bad) or not same)


def _rows() -> Iterator[Row]:
    _import_everything()
    from benchmarks.nothing_lost.at_once import at_once
    from benchmarks.nothing_lost.hostile_folders import hostile_folders
    from benchmarks.nothing_lost.kills import kills
    from benchmarks.nothing_lost.programs import programs

    yield from kills(TIMES, SEED)
    yield from at_once(ROUNDS, SWAPS, SECONDS, SEED)
    yield from hostile_folders()
    yield from programs()


def _import_everything() -> None:
    """What the processes that are forked would each import."""
    from importlib import import_module
    from importlib.util import find_spec

    for name in ("torch", "flint", "h5py", "jsonschema", "rnn_goldens.generator.generate"):
        if find_spec(name):
            import_module(name)


def _page(rows: Sequence[Row]) -> str:
    header = ("attack", *COLUMNS)
    cells = [
        (r.attack, f"{r.times:,}", "" if r.cut_short is None else r.cut_short, r.torn, r.left, r.errors) for r in rows
    ]
    return "\n".join([HEADER, page.table(header, cells), page.versions("numpy") + "."]) + "\n"


if __name__ == "__main__":
    main()
