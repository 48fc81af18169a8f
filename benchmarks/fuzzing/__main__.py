"""What drawn goldens find: wrong networks, after how many, and how small; and whether correct ones fail any.

    python -m benchmarks.fuzzing    # from the checkout, about an hour; --write renews docs/results/fuzzing.md

Exits with 1 if a correct implementation fails, or fewer wrong networks are found than should be.
"""

import argparse
import sys

from benchmarks import page
from benchmarks.fuzzing.correct import asked_correct
from benchmarks.fuzzing.drawing import drawing_cost
from benchmarks.fuzzing.report import EACH, PAGE, each, report, short_of
from benchmarks.fuzzing.searching import networks, sought

EXAMPLES = 2000


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help=f"write docs/results/{PAGE}")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every N-th wrong network")
    parser.add_argument("--examples", type=int, default=EXAMPLES, help="goldens for each correct implementation")
    parser.add_argument("--draws", type=int, default=1000, help="goldens of each cell that are timed")
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    if arguments.every > 1 and arguments.write:
        parser.error("the page is of all wrong networks")
    if arguments.examples < EXAMPLES and arguments.write:
        parser.error(f"the page is of {EXAMPLES:,} goldens for each correct implementation")
    found = sought(list(networks())[:: arguments.every], arguments.processes)
    correct = asked_correct(arguments.examples, arguments.processes)
    text = report(found, correct, drawing_cost(arguments.draws))
    print(text)
    if arguments.write:
        page.write(PAGE, text)
        page.write(EACH, each(found))
    if problems := [*short_of(found), *(f"{c.implementation} fails {c.failed[0]}" for c in correct if c.failed)]:
        print(*problems, sep="\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
