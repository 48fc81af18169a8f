"""``generate``: scenarios into golden files. Needs the extra ``generate``."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

import click

from rnn_goldens.counted import counted
from rnn_goldens.exit_codes import FINDING

T = TypeVar("T")


@click.command()
@click.option(
    "--only", multiple=True, metavar="PATTERN", help="Only scenarios whose id matches, such as 'documented/*'."
)
@click.option("--check", is_flag=True, help="Write nothing; fail if the corpus is not what the scenarios make.")
@click.option("--replace", is_flag=True, help="Let goldens that are there change their values, if never released.")
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    help="The corpus folder to write, or with --check to look at (default: fixtures/v1 of this checkout).",
)
def generate(only: tuple[str, ...], check: bool, replace: bool, into: Path | None) -> None:
    """Turn the scenarios into golden files, certified, all or none."""
    _require_extra()
    from rnn_goldens.generator.generate import generate as make
    from rnn_goldens.generator.reuse import Certified
    from rnn_goldens.generator.scenarios import SCENARIOS

    folder = into or _default_folder(write=not check)
    if check:
        _check(only, folder)
    certified = None if into else Certified(folder.parents[1] / "build" / "certified")
    outcomes = make(SCENARIOS, folder, only, adequate=True, replace=replace, track=_track, certified=certified)
    for outcome in outcomes:
        if only or outcome.became != "unchanged":
            click.echo(f"{outcome.became:<10}{outcome.id}")
    changed = sum(outcome.became != "unchanged" for outcome in outcomes)
    click.echo(
        f"{counted(len(outcomes), 'golden')} in {folder}: {changed} written, {len(outcomes) - changed} unchanged"
    )


def _check(only: tuple[str, ...], folder: Path) -> None:
    from tempfile import TemporaryDirectory

    from rnn_goldens.corpus import open_corpus
    from rnn_goldens.generator.check import check as hold_against
    from rnn_goldens.generator.scenarios import SCENARIOS

    with TemporaryDirectory() as scratch:
        scratch_folder = Path(scratch) / "corpus"
        found = hold_against(SCENARIOS, open_corpus(folder), scratch_folder, only, adequate=True, track=_track)
    for line in found:
        click.echo(line)
    if found:
        differences = counted(len(found), "difference")
        click.echo(f"{folder} is not what the scenarios make: {differences} (it holds → the generator makes)")
        sys.exit(FINDING)
    click.echo(f"{folder} is exactly what the scenarios make")
    sys.exit(0)


def _track(items: "Iterable[T]", total: int, doing: str) -> "Iterable[T]":
    from rich.console import Console
    from rich.progress import track

    return track(items, description=doing, total=total, console=Console(stderr=True), transient=True)


def _default_folder(*, write: bool) -> Path:
    from rnn_goldens import fixtures
    from rnn_goldens.generator.scenarios import VERSION

    home = Path(fixtures.__path__[0])
    if write and not (home.parent / "pyproject.toml").is_file():
        raise click.UsageError(
            "this is an installed package, whose goldens stay as they are; name a folder: --into FOLDER"
        )
    return home / f"v{VERSION.partition('.')[0]}"


def _require_extra() -> None:
    from importlib.util import find_spec

    missing = [package for module, package in (("torch", "torch"), ("flint", "python-flint")) if not find_spec(module)]
    if missing:
        raise click.UsageError(f"generate needs {' and '.join(missing)}: pip install 'rnn-goldens[generate]'")
