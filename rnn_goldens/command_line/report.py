"""``report``: which implementations agree with the goldens, as a file and as a page."""

import sys
from importlib.util import find_spec
from pathlib import Path

import click

from rnn_goldens.command_line.look import corpus_option

FINDING = 1


@click.command()
@click.argument("implementations", nargs=-1, metavar="[IMPLEMENTATION]...")
@click.option(
    "--program", "programs", multiple=True, metavar="COMMAND", help="A program too, as check -- COMMAND has it."
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default="conformance.json",
    help="The file to write (default: conformance.json).",
)
@click.option("--page", type=click.Path(path_type=Path, dir_okay=False), help="A page of Markdown to write as well.")
@click.option(
    "--known-failures",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="A folder; NAME.txt in it lists the goldens that the implementation NAME is known to fail.",
)
@click.option("-k", "expression", metavar="EXPRESSION", help="Only goldens that match, as in pytest.")
@click.option("-n", "processes", metavar="N", help="Check in so many processes; needs pytest-xdist.")
@corpus_option
def report(
    implementations: tuple[str, ...],
    programs: tuple[str, ...],
    output: Path,
    page: Path | None,
    known_failures: Path | None,
    expression: str | None,
    processes: str | None,
    corpus: str | None,
) -> None:
    """Check implementations against every golden in every precision, and report what became of them.

    IMPLEMENTATION is what check takes; without any, all built-in ones that are installed. Fails if one of them is
    wrong and not known to be.
    """
    from rnn_goldens.corpus import open_corpus
    from rnn_goldens.encoding import json_file
    from rnn_goldens.report import conformance
    from rnn_goldens.report.page import page as page_of

    opened = open_corpus(corpus)
    arguments = [*(["-k", expression] if expression else []), *(["-n", processes] if processes else [])]
    names = [*implementations, *(f"-- {program}" for program in programs)] or _installed()
    found = []
    for name, results in conformance.conformance(names, opened, known_failures, arguments):
        found.append((name, results))
        click.echo(conformance.summary(name, results))
    document = conformance.document(found, opened)
    written = {output: json_file.encode(document)}
    if page is not None:
        written[page] = page_of(document).encode("utf-8")
    for path, content in written.items():
        path.write_bytes(content)
        click.echo(f"wrote {path}")
    if any(result.outcome == "failed" for _, results in found for result in results):
        sys.exit(FINDING)


def _installed() -> list[str]:
    """The built-in implementations whose frameworks are there."""
    from rnn_goldens.implementations import BUILTIN, NEEDS

    return [name for name in BUILTIN if all(find_spec(package) for package in NEEDS[name])]
