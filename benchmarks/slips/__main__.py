"""Whether each slip is the deviation whose name it has.

    python -m benchmarks.slips    # from the checkout, some minutes; --languages C asks those of one language only

Exits with 1 if one gives other outputs than the deviation does.
"""

import argparse
import sys

from benchmarks.diagnosis.networks import goldens
from benchmarks.slips.agreeing import disagreements
from benchmarks.slips.tables import SLIPS


def main() -> None:
    """Print those that do not agree."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--languages", nargs="+", choices=SLIPS, default=tuple(SLIPS))
    parser.add_argument("--named", nargs="+", metavar="DEVIATION", help="those of these names only")
    arguments = parser.parse_args()
    apart = 0
    for language in arguments.languages:
        slips = [slip for slip in SLIPS[language] if arguments.named is None or slip.deviation in arguments.named]
        for slip in slips:
            found = list(disagreements(language, slip, goldens().values()))
            if found:
                apart += 1
                print(f"{language}: {slip.deviation} in {len(found)} goldens, first {found[0]}", flush=True)
        print(f"{language}: {len(slips)} slips", flush=True)
    if apart:
        sys.exit(1)


if __name__ == "__main__":
    main()
