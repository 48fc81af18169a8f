"""What a failing run says of wrong networks: the right name, a true hint, nothing, or a wrong name.

    python -m benchmarks.diagnosis    # from the checkout, more than an hour; --write renews docs/results/diagnosis.md

Every deviation in every cell that it can befall, pairs of deviations that are drawn, and random edits of a clean NumPy
network by seed; each is asked every golden of its cell in float32, and diagnosed as a run is. Exits with 1 if a run is
explained by what is not so, or nothing is said of it.
"""

import argparse
import random
import sys
from collections import Counter

from benchmarks import page
from benchmarks.diagnosis.networks import GROUPS, networks
from benchmarks.diagnosis.report import PAGE, report
from benchmarks.diagnosis.telling import KEPT, SILENT, WRONG, all_told, kept
from benchmarks.mutation.drawn_questions import questions
from benchmarks.mutation.running import FOLDER


def main() -> None:
    """Run and print; exit with 1 if a wrong name is told, or a checked page says otherwise."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help=f"write docs/results/{PAGE}")
    parser.add_argument("--resume", action="store_true", help=f"go on with a run that was stopped: {KEPT}")
    parser.add_argument("--first", type=int, metavar="N", help="only the first N networks, of an order that is drawn")
    parser.add_argument("--group", nargs="+", choices=GROUPS, help="only the networks of some groups")
    parser.add_argument("--kept", action="store_true", help="ask none: tell of those that are kept")
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    if arguments.write and arguments.group:
        parser.error("the page is of all groups")
    questions(FOLDER, arguments.processes, lambda items, _total, _doing: items)
    todo = list(networks(arguments.group or GROUPS))
    random.Random(0).shuffle(todo)  # so that a part of them is as good as all
    first = todo[: arguments.first]
    told = kept(first) if arguments.kept else all_told(first, arguments.processes, resume=arguments.resume)
    text = report(told, Counter(group for group, *_ in todo))
    print(text)
    if arguments.write:
        page.write(PAGE, text)
    if any(one.outcome in (WRONG, SILENT) for one in told):
        sys.exit(1)


if __name__ == "__main__":
    main()
