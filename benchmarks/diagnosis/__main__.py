"""What a failing run says of wrong networks: the right name, a true hint, nothing, or a wrong name.

    python -m benchmarks.diagnosis    # from the checkout, half an hour; --write renews docs/results/diagnosis.md

Each wrong network is checked against every golden of its cell in float32, and diagnosed as a run is. Exits with 1 if a
run is explained by what is not so, or nothing is said of it.
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
    """Run and print; exit with 1 if a wrong name is given, or nothing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help=f"write docs/results/{PAGE}")
    parser.add_argument("--first", type=int, metavar="N", help="only the first N networks, of an order that is drawn")
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    todo = list(networks())
    random.Random(0).shuffle(todo)  # so that a part of them is as good as all
    with ProcessPoolExecutor(arguments.processes) as pool:
        results = list(pool.map(result_of, todo[: arguments.first], chunksize=4))
    text = report(results, Counter(group for group, *_ in todo))
    print(text)
    if arguments.write:
        page.write(PAGE, text)
    if any(one.outcome in (WRONG, SILENT) for one in results):
        sys.exit(1)


if __name__ == "__main__":
    main()
