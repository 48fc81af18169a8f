"""``defects``: which known defects the engines installed here have."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rnn_goldens.command_line.options import EXISTING_FILE, options
from rnn_goldens.command_line.terminal import echo_json, echo_lines
from rnn_goldens.errors import FINDING, UnknownName, WrongUse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rnn_goldens.defects import Defect, Finding


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
