"""Mutants of the modules that decide right from wrong: whether their tests kill every one that is not as right.

    python -m benchmarks.mutants    # from the checkout, half an hour; --write renews docs/results/mutants.md

Exits with 1 if a mutant survives without a reason in ``equivalent.toml``, or a reason there has no survivor. Nothing in
the checkout is changed: mutants are written into copies in ``build/mutants``.
"""

import argparse
import sys
from collections.abc import Iterable
from typing import Any

from benchmarks import page_command
from benchmarks.mutants import report
from benchmarks.mutants.judging import Judged, NotRight, judged
from benchmarks.mutants.making import mutants
from benchmarks.mutants.modules import TESTS
from benchmarks.mutants.reasons import complaints, described, reasons


def main() -> None:
    """Run and print; exit with 1 if something survives without a reason, or a checked page says otherwise."""
    arguments = _arguments()
    made = [mutant for module in arguments.modules for mutant in mutants(module)]
    found: dict[str, list[Judged]] = {module: [] for module in arguments.modules}
    try:
        for one in _progress(judged(made, arguments.processes, anew=not arguments.survivors), len(made)):
            found[one.mutant.module].append(one)
            if not one.killer:
                print(f"survives: {described(one.mutant)}", file=sys.stderr, flush=True)
    except NotRight as what:
        sys.exit(str(what))
    written = reasons()
    text = report.page_of(found, written)
    print(text)
    wrong = list(complaints([one for of_one in found.values() for one in of_one], written))
    print(*wrong, sep="\n")
    page_command.end(arguments, report.PAGE, text, report.COLUMNS, is_wrong=bool(wrong))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    page_command.options(parser, report.PAGE)
    parser.add_argument("--modules", nargs="+", choices=TESTS, default=list(TESTS), metavar="MODULE")
    parser.add_argument("--survivors", action="store_true", help="ask again only what no test killed the last time")
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    if (arguments.write or arguments.check) and arguments.modules != list(TESTS):
        parser.error("the page is of all modules")
    return arguments


def _progress(items: Iterable[Any], total: int) -> Iterable[Any]:
    from rich.console import Console
    from rich.progress import track

    return track(items, description="asking the tests", total=total, console=Console(stderr=True), transient=True)


if __name__ == "__main__":
    main()
