"""Random small edits of right networks: whether the corpus kills every one that is not equivalent.

    python -m benchmarks.mutation    # from the checkout; --write renews docs/results/mutation.md

Exits with 1 if an edit survives: no golden rejects it, and a drawn question does. A run that is stopped goes on where
it was.
"""

import argparse
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks import page, page_command
from benchmarks.mutation import report
from benchmarks.mutation.running import CutShort, Mutant, judged
from benchmarks.mutation.sources import sources

SEEDS = 3000
"""Of each language."""

SHARE = 60
"""As many are judged again with every change."""

LANGUAGES = tuple(source.language for source in sources())


def main() -> None:
    """Run and print; exit with 1 if an edit survives, or a checked page says otherwise."""
    arguments = _arguments()
    found = _found(arguments.languages, arguments.first, arguments.processes)
    survivors = [mutant for mutants in found.values() for mutant in mutants if report.survives(mutant)]
    whole = arguments.first == SEEDS
    text = report.page_of(found, SEEDS, SHARE) if whole else report.share(found, arguments.first)
    print(text)
    print(*map(report.described, survivors), f"{len(survivors)} edits survive", sep="\n")
    if arguments.write:
        page.write(report.EQUIVALENT, report.equivalent_page(found))
    of_page = text if whole else replaced_section(_committed(), text)
    page_command.end(arguments, report.PAGE, of_page, report.COLUMNS, is_wrong=bool(survivors))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    page_command.options(parser, report.PAGE)
    parser.add_argument("--first", type=int, default=SEEDS, help=f"so many seeds; --check knows {SHARE} and {SEEDS}")
    parser.add_argument("--languages", nargs="+", choices=LANGUAGES, default=LANGUAGES)
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    everything = tuple(arguments.languages) == LANGUAGES
    if arguments.write and not (everything and arguments.first == SEEDS):
        parser.error("the page is of all languages and seeds")
    if arguments.check and not (everything and arguments.first in (SHARE, SEEDS)):
        parser.error(f"the page has the first {SHARE} seeds and all {SEEDS}, of all languages")
    return arguments


def _found(languages: Sequence[str], first: int, processes: int) -> dict[str, list[Mutant]]:
    """The mutants by language; exits if the run is stopped, or an unedited network is wrong."""
    found: dict[str, list[Mutant]] = {}
    for source in sources():
        if source.language in languages:
            try:
                unedited, *found[source.language] = judged(source, range(first), processes, _progress)
            except CutShort as how_far:
                sys.exit(f"{source.language}: {how_far}")
            if not report.is_equivalent(unedited):
                sys.exit(f"{source.language} is wrong before it is edited: {unedited.outcome}")
    return found


def _committed() -> str:
    path = page.RESULTS / report.PAGE
    return path.read_text("utf-8") if path.is_file() else ""


def replaced_section(text: str, section: str) -> str:
    """A page with one section in place of that of the same heading."""
    heading = section.splitlines()[0]
    before, _, after = text.partition(f"{heading}\n")
    _, mark, rest = after.partition("\n## ")
    return f"{before}{section}{mark}{rest}"


def _progress(items: Iterable[Any], total: int, doing: str) -> Iterable[Any]:
    from rich.console import Console
    from rich.progress import track

    return track(items, description=doing, total=total, console=Console(stderr=True), transient=True)


if __name__ == "__main__":
    main()
