"""What drawn goldens find: wrong networks, after how many, and how small; and whether correct ones fail any.

    python -m benchmarks.fuzzing    # from the checkout, about an hour; --write renews docs/results/fuzzing.md

Exits with 1 if a correct implementation fails, or fewer wrong networks are found than should be.
"""

import argparse
import sys

from benchmarks import page
from benchmarks.fuzzing.correct import asked_correct
from benchmarks.fuzzing.report import PAGE, report, short_of
from benchmarks.fuzzing.searching import KEPT, networks, sought


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help=f"write docs/results/{PAGE}")
    parser.add_argument("--resume", action="store_true", help=f"go on with a run that was stopped: {KEPT}")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every N-th wrong network")
    parser.add_argument("--examples", type=int, default=2000, help="goldens for each correct implementation")
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    if arguments.write and arguments.every > 1:
        parser.error("the page is of all wrong networks")
    found = sought(list(networks())[:: arguments.every], arguments.processes, resume=arguments.resume)
    correct = asked_correct(arguments.examples, arguments.processes, resume=arguments.resume)
    text = report(found, correct)
    print(text)
    if arguments.write:
        page.write(PAGE, text)
    if problems := [*short_of(found), *(f"{c.implementation} fails {c.failed[0]}" for c in correct if c.failed)]:
        print(*problems, sep="\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
