"""``report``: checks implementations and writes the results; ``defects``: which known defects engines here have."""

import errno
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rnn_goldens.command_line.options import EXISTING_FILE, PATH, Selection, options, with_selection
from rnn_goldens.command_line.terminal import echo, echo_json, echo_lines, progress_of
from rnn_goldens.errors import FINDING, RnnGoldensError, UnknownName, WrongUse
from rnn_goldens.plugin import OPTIONS

if TYPE_CHECKING:
    from rnn_goldens.defects import Defect, Finding
    from rnn_goldens.pages import Checked, Trend
    from rnn_goldens.report.check_request import CheckRequest


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
@options("gradients", "profile", gradients="Also check gradients, of the goldens that have them.")
@click.option("-k", "only", metavar="EXPRESSION", default="", help="Only goldens that match, as in pytest.")
@click.option("-n", "processes", metavar="N", default="", help="Number of processes; needs pytest-xdist.")
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
    only: str,
    selection: Selection,
    **how: Any,  # noqa: ANN401 - further attributes of CheckRequest
) -> None:
    """Check implementations, by default against every golden in every precision, and write a report.

    IMPLEMENTATION is as for check; for a program, use --program. Without either, checks all installed built-in
    implementations. Fails if an implementation has a failure that is not known, has other results than in an earlier
    report, or could not be checked; the other implementations are reported in any case.
    """
    from rnn_goldens.corpus import open_corpus
    from rnn_goldens.encoding import json_file
    from rnn_goldens.golden.precision import PRECISIONS
    from rnn_goldens.golden.rounding_profile import profile_named
    from rnn_goldens.implementations import BUILTIN, check_name
    from rnn_goldens.pages.rendering import is_page, render, require_engine
    from rnn_goldens.programs.command import MARK
    from rnn_goldens.report import check_request, conformance
    from rnn_goldens.report.conformance import badge as badge_of
    from rnn_goldens.report.earlier_reports import changes, in_words, is_wrong, read, rows
    from rnn_goldens.report.page import content
    from rnn_goldens.report.page import page as markdown

    earlier = None if against is None else read(against)
    installed = [name for name, one in BUILTIN.items() if name != "keras" and all(map(find_spec, one.needs))]
    names = [*implementations, *(f"{MARK} {program}" for program in programs)] or installed
    for name in names:
        check_name(name)
    profile_named(how["profile"]).require(selection.precisions or PRECISIONS)
    drawn = page is not None and is_page(page)
    selected = [*(["-k"] if only else []), *(option for option in selection.given if option != "--cell")]
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
    request = check_request.CheckRequest(
        open_corpus(selection.corpus),
        only=only,
        drawn=drawn,
        selection=selection.names,
        dtypes=selection.precisions,
        **how,
    )
    if not request.wanted(back=False):
        raise WrongUse("no golden is selected in these precisions")
    by = {"profile": list(request.profile)} if request.profile else {}
    merged = rows(others, request.corpus, [in_words({"name": name, **by}) for name in names])
    for path in check_request.known_of_none([*names, *(row["name"] for row in merged)], request):
        echo(f"{path} is named after no implementation in this report", err=True)
    found = _check_each(names, request)
    document = conformance.document(found, request, merged)
    written = {output: json_file.encode(document)}
    if page is not None:
        before = None if earlier is None else (str(against), earlier)
        of_page = render(content(found, document, request, before)) if drawn else markdown(document).encode("utf-8")
        written[page] = of_page
    if badge is not None:
        written[badge] = json_file.encode(badge_of(found, unchecked=len(names) - len(found)))
    as_expected = _print_changes(found, [] if earlier is None else changes(earlier, document))
    for row in filter(is_wrong, merged):
        as_expected = False
        echo(f"{row['name']}: has unexpected failures")
    _write(written)
    if not as_expected or len(found) < len(names):
        sys.exit(FINDING)


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
    from rnn_goldens.golden_result import CHECKED, FAILED, SKIPPED

    for change in changed:
        echo(f"{change.symbol} {change.direction} {change.where}: {change.change}")
    unchecked = [one.name for one in found if not {r["outcome"] for r in one.results} & {*CHECKED}]
    for name in unchecked:
        echo(f"{name}: nothing was checked")
    wrong = any(result["outcome"] in (FAILED, SKIPPED) for one in found for result in one.everything)
    return not wrong and not unchecked and all(change.is_excused for change in changed)


def _check_each(names: "Sequence[str]", request: "CheckRequest") -> "list[Checked]":
    """Check one implementation after the other; skips those that cannot be checked; raises if none can be."""
    from rnn_goldens.report import check_request
    from rnn_goldens.report.implementation_summary import terminal_text

    found: list[Checked] = []
    for number, name in enumerate(names, start=1):
        try:
            with progress_of(name) as progress:
                of_one = check_request.check(name, replace(request, progress=progress))
        except RnnGoldensError as error:
            if number == len(names) and not found:
                raise
            echo(f"Error: {error}", err=True)
        else:
            found.append(of_one)
            echo(terminal_text(of_one))
    return found


@click.command(short_help="Show which known defects the installed engines have.")
@click.argument("engines", nargs=-1, metavar="[ENGINE]...")
@click.option("--reported", is_flag=True, help="List defects from public trackers, and the deviations for them.")
@click.option("--data", type=EXISTING_FILE, help="Your own list of defects, as docs/defects.md describes it.")
@options("json")
def defects(*, engines: tuple[str, ...], reported: bool, data: Path | None, as_json: bool) -> None:
    """Show which known defects the engines installed here have.

    Runs, for each known defect of an installed engine, the golden that shows it. ENGINE is a package, such as
    onnxruntime, or an implementation, such as keras-torch; by default all. Fails if the list is not true: a version
    that is listed does not have the defect, or fails the golden in another way, or another version has the defect.
    """
    if reported:
        if engines or data:
            raise click.UsageError("--reported lists every report: leave out ENGINE and --data")
        _print_reports(as_json=as_json)
        return
    from rnn_goldens.defects import DEFECTS, measured, read_defects
    from rnn_goldens.defects.measurement import HERE, corrections, row, summary
    from rnn_goldens.defects.measurement import as_json as entry

    path = data or DEFECTS
    found: list[Finding] = []
    for finding in measured(_selected(read_defects(path), engines)):
        found.append(finding)
        if finding.state in HERE and not as_json:
            echo_lines(row(finding))
    if as_json:
        echo_json([entry(finding) for finding in found])
    else:
        echo_lines([*summary(found), *corrections(found, path.name)])
    for engine in engines:
        _require_run(engine, found)
    if any(finding.correction for finding in found):
        sys.exit(FINDING)


def _selected(known: "Sequence[Defect]", engines: "Sequence[str]") -> "list[Defect]":
    """Return the defects of these engines, in the order of the list; raises UnknownName for another name."""
    names = {name: None for defect in known for name in _names(defect)}
    if unknown := next((engine for engine in engines if engine not in names), None):
        raise UnknownName("engine with a known defect", unknown, names, plural="engines with known defects")
    return [defect for defect in known if not engines or set(engines) & {*_names(defect)}]


def _names(defect: "Defect") -> tuple[str, str]:
    return defect.engine, defect.implementation


def _require_run(engine: str, found: "Sequence[Finding]") -> None:
    """Raise WrongUse if the engine that was asked for is not installed, or its adapter is not here."""
    from rnn_goldens.defects.measurement import HERE, NOT_INSTALLED

    of_engine = [finding for finding in found if engine in _names(finding.defect)]
    if any(finding.state in HERE for finding in of_engine):
        return
    first = of_engine[0]
    if first.state == NOT_INSTALLED:
        needed = "" if first.detail == engine else f"{engine} cannot run: "
        raise WrongUse(f"{needed}{first.detail} is not installed: pip install {first.detail}")
    raise WrongUse(f"{engine} cannot run: {first.detail} is not here: run this command in a checkout of rnn-goldens")


def _print_reports(*, as_json: bool) -> None:
    from rnn_goldens.defects import deviations_of, read_reports
    from rnn_goldens.defects.measurement import reported

    reports, deviations = read_reports(), deviations_of()
    if as_json:
        echo_json([{"issue": i, "effect": text, "deviations": deviations.get(i, [])} for i, text in reports.items()])
    else:
        echo_lines(reported(reports, deviations))
