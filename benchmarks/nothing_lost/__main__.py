"""Whether anything is lost, torn or left behind by whatever ends a run, fills its disk or runs beside it.

    python -m benchmarks.nothing_lost           # run and print, some three minutes
    python -m benchmarks.nothing_lost --write   # and write docs/results/nothing-lost.md
    python -m benchmarks.nothing_lost --check   # fail if the page says otherwise
    python -m benchmarks.nothing_lost --few     # a little of each, half a minute

Exits with 1 if anything is.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import page, page_check, page_command
from benchmarks.nothing_lost.row import Row

PAGE = "nothing-lost.md"
SEED = 2024


@dataclass(frozen=True)
class _Extent:
    """How often each is tried.

    Attributes:
        times: the generator is killed.
        swaps: corpora change beside a reader.
        rounds: of two generators at once.
        seconds: for which four processes want one lock.
        programs: whether programs are checked too.
    """

    times: int
    swaps: int
    rounds: int
    seconds: float
    programs: bool


WHOLE, FEW = _Extent(200, 1000, 20, 5.0, programs=True), _Extent(16, 60, 4, 1.0, programs=False)

HEADER = """\
# Nothing is lost

<!-- Written by `python -m benchmarks.nothing_lost --write`; do not edit. -->

Each line is an attack on something that is written, with random moments of one seed
([the code](../../benchmarks/nothing_lost)). *torn*: how often something stood there that was neither the old nor the
new, byte for byte; of a lock, how often two held it. *left behind*: after the next run, which is to clean up. *errors*:
a reader that called something damaged, a message that is none or as long as a page, a process that ended as none
should. *cut short*: how often the signal came before the end, or the disk was full.

This is about processes, disks and what runs at the same time. What a machine without power has not put on its disk is
not promised.
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
    with_page = page_command.options(parser, PAGE)
    with_page.add_argument("--few", action="store_true", help="try a little of each, programs aside")
    arguments = parser.parse_args()
    begin, found = time.monotonic(), []
    for row in _rows(FEW if arguments.few else WHOLE):
        print(f"{time.monotonic() - begin:4.0f} s  {row}", file=sys.stderr)
        found.append(row)
    text = _page(found)
    print(text)
    bad = [row for row in found if row.is_bad]
    print(*(row.attack for row in bad), f"{len(bad)} of {len(found)} attacks did harm", sep="\n")
    page_command.end(arguments, PAGE, text, COLUMNS, is_wrong=bool(bad))


def _rows(extent: _Extent) -> Iterator[Row]:
    _begin()
    from benchmarks.nothing_lost.at_once import at_once
    from benchmarks.nothing_lost.hostile_folders import hostile_folders
    from benchmarks.nothing_lost.kills import kills
    from benchmarks.nothing_lost.programs import programs

    yield from kills(extent.times, SEED)
    yield from at_once(extent.rounds, extent.swaps, extent.seconds, SEED)
    yield from hostile_folders()
    if extent.programs:
        yield from programs()


def _begin() -> None:
    """Do once what each process that is forked would do at first; in one thread, as no other is there after a fork."""
    from importlib.util import find_spec

    if find_spec("torch"):
        import torch

        torch.set_num_threads(1)
    from benchmarks.nothing_lost.corpora import OLD, write

    with TemporaryDirectory() as home:
        write(Path(home, "corpus"), OLD)


def _page(rows: Sequence[Row]) -> str:
    header = ("attack", *COLUMNS)
    cells = [(r.attack, r.times, "" if r.cut_short is None else r.cut_short, r.torn, r.left, r.errors) for r in rows]
    return "\n".join([HEADER, page.table(header, cells), page.versions("numpy") + "."]) + "\n"


if __name__ == "__main__":
    main()
