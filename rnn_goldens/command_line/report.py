"""``report``: checks several implementations and writes the results as JSON and as a page."""

import errno
import os
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rnn_goldens.command_line.options import EXISTING_FILE, PATH, Selection, with_selection
from rnn_goldens.command_line.terminal import echo, progress_of
from rnn_goldens.exit_codes import FINDING
from rnn_goldens.plugin import OPTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rnn_goldens.pages import Checked, Trend
    from rnn_goldens.report.conformance import CheckRequest
    from rnn_goldens.report.earlier_reports import Document


@click.command(short_help="Check implementations and write a report.")
@click.argument("implementations", nargs=-1, metavar="[IMPLEMENTATION]...")
@click.option(
    "--program", "programs", multiple=True, metavar="COMMAND", help="Check a program as well, as in check -- COMMAND."
)
@click.option("--output", type=PATH, default="conformance.json", help="The file to write (default: conformance.json).")
@click.option(
    "--page",
    type=PATH,
    help="Also write a page: HTML with pictures if it ends with .html (needs rnn-goldens[html]), else Markdown.",
)
@click.option("--badge", type=PATH, help="Also write a JSON file for a shields.io badge.")
@click.option(
    "--against",
    type=EXISTING_FILE,
    help="An earlier conformance.json: fail if a result differs, unless the versions differ too.",
)
@click.option(
    "--with",
    "others",
    type=EXISTING_FILE,
    multiple=True,
    help="A conformance.json of other implementations to include in this report.",
)
@click.option(
    "--known-failures",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="A folder; NAME.txt in it lists the known failures of implementation NAME.",
)
@click.option("--time-limit", type=click.FloatRange(min=0, min_open=True), help=OPTIONS["time-limit"])
@click.option(
    "--revision", metavar="TEXT", default="", help="Written into the report: the commit that was checked, say."
)
@click.option("--gradients", is_flag=True, help="Also check gradients, of the goldens that have them.")
@click.option("-k", "expression", metavar="EXPRESSION", help="Only goldens that match, as in pytest.")
@click.option("-n", "processes", metavar="N", help="Number of processes; needs pytest-xdist.")
@with_selection
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
    revision: str,
    gradients: bool,
    expression: str | None,
    processes: str | None,
    selection: Selection,
) -> None:
    """Check implementations, by default against every golden in every precision, and write a report.

    IMPLEMENTATION is as for check; for a program, use --program. Without either, checks all installed built-in
    implementations. Fails if an implementation has a failure that is not known, has other results than in an earlier
    report, or could not be checked; the other implementations are reported in any case.
    """
    from rnn_goldens.corpus import open_corpus
    from rnn_goldens.encoding import json_file
    from rnn_goldens.errors import WrongUse
    from rnn_goldens.implementations import check_name
    from rnn_goldens.pages.rendering import is_page, require_engine
    from rnn_goldens.programs.command import MARK
    from rnn_goldens.report import conformance
    from rnn_goldens.report.earlier_reports import changes, is_wrong, read, rows
    from rnn_goldens.report.summary import badge as badge_of

    earlier = None if against is None else read(against)
    names = [*implementations, *(f"{MARK} {program}" for program in programs)] or _installed()
    for name in names:
        check_name(name)
    drawn = page is not None and is_page(page)
    selected = [*(["-k"] if expression else []), *selection.given]
    for given, why in (
        (drawn, "an HTML page needs results per golden, which a conformance.json lacks; use --page FILE.md"),
        (badge, "a badge covers only what is checked here: leave out --with or --badge"),
        (selected, f"the other report covers every golden: leave out --with or {''.join(selected[:1])}"),
    ):
        if others and given:
            raise WrongUse(f"--with: {why}")
    if drawn:
        require_engine()
    for path in (output, page, badge):
        if path is not None and (why := _why_not_written(path)):
            echo(f"{path} cannot be written: {why}", err=True)  # reported again at the end
    request = conformance.CheckRequest(
        open_corpus(selection.corpus),
        known_failures,
        time_limit,
        expression or "",
        processes or "",
        drawn,
        gradients,
        selection.names,
        selection.precisions,
        revision,
    )
    if not request.wanted(back=False):
        raise WrongUse("no golden is selected in these precisions")
    merged = rows(others, request.corpus, names)
    for path in conformance.known_of_none([*names, *(row["name"] for row in merged)], request):
        echo(f"{path} is named after no implementation in this report", err=True)
    found = _check_each(names, request)
    document = conformance.document(found, request, merged)
    written = {output: json_file.encode(document)}
    if page is not None:
        written[page] = _page(page, found, document, request, None if earlier is None else (str(against), earlier))
    if badge is not None:
        written[badge] = json_file.encode(badge_of(found, unchecked=len(names) - len(found)))
    as_expected = _print_changes(found, [] if earlier is None else changes(earlier, document))
    for row in filter(is_wrong, merged):
        as_expected = False
        echo(f"{row['name']}: has unexpected failures")
    _write(written)
    if not as_expected or len(found) < len(names):
        sys.exit(FINDING)


def _page(
    path: Path,
    found: "list[Checked]",
    document: "Document",
    request: "CheckRequest",
    earlier: "tuple[str, Document] | None",
) -> bytes:
    """Return the page in the format that the file's name implies."""
    from rnn_goldens.pages.rendering import is_page, render
    from rnn_goldens.report.page import content, page

    return render(content(found, document, request, earlier)) if is_page(path) else page(document).encode("utf-8")


def _why_not_written(path: Path) -> str:
    """Return why a file cannot be written, if that is known before anything runs; else ""."""
    if path.is_dir():
        return os.strerror(errno.EISDIR)
    if path.exists() and not path.is_file():
        return "it is a pipe or a device, not a file"
    folder = path.absolute().parent
    return "" if folder.is_dir() else f"there is no folder {folder}"


def _write(files: "Mapping[Path, bytes]") -> None:
    """Write every file that can be written; raises WrongUse for the others."""
    from rnn_goldens.atomic_write import write_whole
    from rnn_goldens.errors import WrongUse

    refused = []
    for path, content in files.items():
        try:
            write_whole(path, content)
        except OSError as error:
            refused.append(f"{path} cannot be written: {_why_not_written(path) or error.strerror}")
        else:
            echo(f"wrote {path}")
    if refused:
        raise WrongUse("\n".join(refused))


def _print_changes(found: "list[Checked]", changed: "list[Trend]") -> bool:
    """Print changes and unchecked implementations; returns whether there are only expected results."""
    from rnn_goldens.result import CHECKED, FAILED, SKIPPED

    for change in changed:
        echo(f"{change.symbol} {change.direction} {change.where}: {change.change}")
    unchecked = [one.name for one in found if not {r["outcome"] for r in one.results} & {*CHECKED}]
    for name in unchecked:
        echo(f"{name}: nothing was checked")
    wrong = any(result["outcome"] in (FAILED, SKIPPED) for one in found for result in one.everything)
    return not wrong and not unchecked and all(change.is_excused for change in changed)


def _check_each(names: "Sequence[str]", request: "CheckRequest") -> "list[Checked]":
    """Check one implementation after the other; skips those that cannot be checked; raises if none can be."""
    from rnn_goldens.errors import RnnGoldensError
    from rnn_goldens.report import conformance
    from rnn_goldens.report.summary import terminal_text

    found: list[Checked] = []
    for number, name in enumerate(names, start=1):
        try:
            with progress_of(name) as progress:
                of_one = conformance.check(name, replace(request, progress=progress))
        except RnnGoldensError as error:
            if number == len(names) and not found:
                raise
            echo(f"Error: {error}", err=True)
        else:
            found.append(of_one)
            echo(terminal_text(of_one))
    return found


def _installed() -> list[str]:
    """Return the built-in implementations whose frameworks are installed, with one for each backend of Keras."""
    from rnn_goldens.implementations import BUILTIN

    return [name for name, ours in BUILTIN.items() if name != "keras" and all(map(find_spec, ours.needs))]
