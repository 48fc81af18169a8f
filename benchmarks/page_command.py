"""A command that measures what a page of results says: its two options, and how it ends."""

import argparse
import sys

from benchmarks import page, page_check


def options(parser: argparse.ArgumentParser, name: str, more: str = "") -> argparse._MutuallyExclusiveGroup:
    """Add --write and --check, of which one at most is given; the group, for others that go with neither.

    Args:
        parser: of the command.
        name: the page, in the folder of results.
        more: what is written beside it, in words.
    """
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--write", action="store_true", help=f"write docs/results/{name}{more}")
    group.add_argument("--check", action="store_true", help=f"fail if docs/results/{name} says otherwise")
    return group


def end(
    arguments: argparse.Namespace,
    name: str,
    text: str,
    columns: page_check.Columns,
    *,
    is_wrong: bool = False,
    held: page_check.Held | None = None,
) -> None:
    """Write the page or hold it, or those of its rows that ``held`` says, against what was measured, as was asked.

    Exits with 1 if what was measured is wrong, or a page that is checked says otherwise.
    """
    if arguments.write:
        page.write(name, text)
    same = not arguments.check or page_check.check(name, text, columns, held)
    if is_wrong or not same:
        sys.exit(1)
