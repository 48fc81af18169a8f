"""Counts how often the diagnosis of wrong networks finds the right cause, part of it, a hint, nothing or a wrong cause.

    python -m benchmarks.diagnosis    # from the checkout; takes half an hour; --write renews docs/results/diagnosis.md

Each wrong network is checked against every golden of its cell in float32, and diagnosed like a run. Exits with 1 if a
diagnosis identifies a wrong cause or finds nothing.
"""

import argparse
import random
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from benchmarks import page
from benchmarks.diagnosis.networks import networks
from benchmarks.diagnosis.outcomes import SILENT, WRONG, result_of
from benchmarks.diagnosis.report import PAGE, report


def main() -> None:
    """Run and print; exit with 1 if a diagnosis identifies a wrong cause or finds nothing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help=f"write the section of docs/results/{PAGE}")
    parser.add_argument("--first", type=int, metavar="N", help="only the first N networks, in random order")
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    todo = list(networks())
    random.Random(0).shuffle(todo)  # so that the first N are a random sample
    with ProcessPoolExecutor(arguments.processes) as pool:
        results = list(pool.map(result_of, todo[: arguments.first], chunksize=4))
    text = report(results, Counter(group for group, *_ in todo))
    print(text)
    if arguments.write:
        page.write(PAGE, "benchmarks.diagnosis", text)
    if any(one.outcome in (WRONG, SILENT) for one in results):
        sys.exit(1)


if __name__ == "__main__":
    main()
