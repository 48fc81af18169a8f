"""``report``: which implementations agree with the goldens, as a file and as a page."""

import errno
import os
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rnn_goldens.command_line.saying import progress_of, say
from rnn_goldens.command_line.selecting import selecting_options
from rnn_goldens.exit_codes import FINDING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rnn_goldens.report.change import Change, Document
    from rnn_goldens.report.conformance import Asked, Found


@click.command()
@click.argument("implementations", nargs=-1, metavar="[IMPLEMENTATION]...")
@click.option(
    "--program", "programs", multiple=True, metavar="COMMAND", help="A program too, as check -- COMMAND has it."
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default="conformance.json",
    help="The file to write (default: conformance.json).",
)
@click.option(
    "--page",
    type=click.Path(path_type=Path),
    help="A page to write as well: .html to look at, with pictures (needs rnn-goldens[html]); else Markdown.",
)
@click.option(
    "--badge",
    type=click.Path(path_type=Path),
    help="A JSON file to write as well, as shields.io takes it.",
)
@click.option(
    "--against",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="An earlier conformance.json: fail if anything in it is otherwise now, unless other versions were checked.",
)
@click.option(
    "--with",
    "others",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    multiple=True,
    help="A conformance.json of other implementations, made elsewhere: they stand in this report, too.",
)
@click.option(
    "--known-failures",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="A folder; NAME.txt in it lists the goldens that the implementation NAME is known to fail.",
)
@click.option(
    "--time-limit",
    type=click.FloatRange(min=0, min_open=True),
    help="Seconds for one golden (default: 10 for a program, 60 for what is called in Python).",
)
@click.option("--gradients", is_flag=True, help="Ask for gradients, too, of the goldens that have some.")
@click.option("-k", "expression", metavar="EXPRESSION", help="Only goldens that match, as in pytest.")
@click.option("-n", "processes", metavar="N", help="Check in so many processes; needs pytest-xdist.")
@selecting_options
def report(
    *,
    implementations: tuple[str, ...],
    programs: tuple[str, ...],
    output: Path,
    page: Path | None,
    badge: Path | None,
    against: Path | None,
    others: tuple[Path, ...],
    known_failures: Path | None,
    time_limit: float | None,
    gradients: bool,
    expression: str | None,
    processes: str | None,
    dtype: tuple[str, ...],
    corpus: str | None,
    **selection: tuple[str, ...],
) -> None:
    """Check implementations against every golden in every precision, and report what became of them.

    IMPLEMENTATION is what check takes, programs apart (--program); without any, all built-in ones that are installed.
    Fails if one of them is wrong and not known to be, or fares otherwise than in an earlier report, or could not be
    checked; the others are then reported all the same.
    """
    from rnn_goldens.corpus import open_corpus
    from rnn_goldens.encoding import json_file
    from rnn_goldens.errors import WrongUse
    from rnn_goldens.golden.precision import precision_name
    from rnn_goldens.implementations import check_name
    from rnn_goldens.pages.rendering import is_page, require_engine
    from rnn_goldens.programs.command import MARK
    from rnn_goldens.report import conformance
    from rnn_goldens.report.badge import badge as badge_of
    from rnn_goldens.report.change import changes, read
    from rnn_goldens.report.merged import is_wrong, rows

    earlier = None if against is None else read(against)
    names = [*implementations, *(f"{MARK} {program}" for program in programs)] or _installed()
    for name in names:
        check_name(name)
    drawn = page is not None and is_page(page)
    if others:
        selected = {"-k": expression, "--dtype": dtype, **{f"--{name}": said for name, said in selection.items()}}
        _require_mergeable(drawn=drawn, badge=badge, selected=[option for option, said in selected.items() if said])
    if drawn:
        require_engine()
    for path in (output, page, badge):
        if path is not None and (why := _why_not_written(path)):
            say(f"{path} can not be written: {why}", err=True)  # in the end again: nobody is to wait for it
    asked = conformance.Asked(
        open_corpus(corpus),
        known_failures,
        time_limit,
        expression or "",
        processes or "",
        drawn,
        gradients,
        selection,
        [precision_name(name) for name in dtype],
    )
    if not asked.wanted(back=False):
        raise WrongUse("no golden is selected in these precisions")
    merged = rows(others, asked.corpus, names)
    for path in conformance.known_of_none([*names, *(row["name"] for row in merged)], asked):
        say(f"{path} is of no implementation that is checked", err=True)
    found = _check_each(names, asked)
    document = conformance.document(found, asked, merged)
    written = {output: json_file.encode(document)}
    if page is not None:
        written[page] = _page(page, found, document, asked, None if earlier is None else (str(against), earlier))
    if badge is not None:
        written[badge] = json_file.encode(badge_of(found, unchecked=len(names) - len(found)))
    well = _all_well(found, [] if earlier is None else list(changes(earlier, document)))
    for row in filter(is_wrong, merged):
        well = False
        say(f"{row['name']}: is wrong, and not known to be")
    _write(written)
    if not well or len(found) < len(names):
        sys.exit(FINDING)


def _require_mergeable(*, drawn: bool, badge: Path | None, selected: "Sequence[str]") -> None:
    """Raise WrongUse for what can not be said of a report that is merged into another."""
    from rnn_goldens.errors import WrongUse

    if drawn:
        raise WrongUse("--with: an HTML page shows golden by golden, which no conformance.json has; --page FILE.md")
    if badge is not None:
        raise WrongUse("--with: a badge is of what is checked here: leave one of --with and --badge out")
    if selected:
        raise WrongUse(f"--with: another report is of every golden: leave one of --with and {selected[0]} out")


def _page(
    path: Path, found: "list[Found]", document: "Document", asked: "Asked", earlier: "tuple[str, Document] | None"
) -> bytes:
    """The page of the kind that its name says."""
    from rnn_goldens.pages.rendering import is_page, render
    from rnn_goldens.report.html_page import content
    from rnn_goldens.report.page import page

    return render(content(found, document, asked, earlier)) if is_page(path) else page(document).encode("utf-8")


def _why_not_written(path: Path) -> str:
    """What is known of that before anything runs; "" if nothing is."""
    if path.is_dir():
        return os.strerror(errno.EISDIR)
    folder = path.absolute().parent
    return "" if folder.is_dir() else f"there is no folder {folder}"


def _write(files: "Mapping[Path, bytes]") -> None:
    """Write every file that can be; raises WrongUse that says which can not."""
    from rnn_goldens.errors import WrongUse
    from rnn_goldens.writing import write_whole

    refused = []
    for path, content in files.items():
        try:
            write_whole(path, content)
        except OSError as error:
            refused.append(f"{path} can not be written: {_why_not_written(path) or error.strerror}")
        else:
            say(f"wrote {path}")
    if refused:
        raise WrongUse("\n".join(refused))


def _all_well(found: "list[Found]", changed: "list[Change]") -> bool:
    """Whether nothing is wrong that is not known to be, and nothing otherwise; says what a summary does not."""
    from rnn_goldens.result import CHECKED, FAILED, SKIPPED

    for change in changed:
        say(f"{change.line}{' (with other versions)' if change.by_versions else ''}")
    unchecked = [one.name for one in found if not {r["outcome"] for r in one.outputs.results} & {*CHECKED}]
    for name in unchecked:
        say(f"{name}: nothing was checked")
    wrong = any(result["outcome"] in (FAILED, SKIPPED) for one in found for result in one.everything)
    return not wrong and not unchecked and all(change.by_versions for change in changed)


def _check_each(names: "Sequence[str]", asked: "Asked") -> "list[Found]":
    """Check one after the other; one that could not be checked is said and left out. Raises if none could be."""
    from rnn_goldens.errors import RnnGoldensError
    from rnn_goldens.report import conformance
    from rnn_goldens.report.terminal_text import terminal_text

    found: list[Found] = []
    for number, name in enumerate(names, start=1):
        try:
            with progress_of(name) as told:
                of_one = conformance.check(name, replace(asked, progress=told))
        except RnnGoldensError as error:
            if number == len(names) and not found:
                raise
            say(f"Error: {error}", err=True)
        else:
            found.append(of_one)
            say(terminal_text(of_one))
    return found


def _installed() -> list[str]:
    """The built-in implementations whose frameworks are there; Keras by its backends."""
    from rnn_goldens.implementations import BUILTIN

    return [name for name, ours in BUILTIN.items() if name != "keras" and all(map(find_spec, ours.needs))]
