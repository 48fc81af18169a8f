"""``generate``: scenarios into golden files. Needs the extra ``generate``."""

import shlex
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from rnn_goldens.command_line.saying import say
from rnn_goldens.counted import counted
from rnn_goldens.exit_codes import FINDING

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from rnn_goldens.generator.scenario_file import Declared

T = TypeVar("T")


@click.command()
@click.option(
    "--only", multiple=True, metavar="PATTERN", help="Only scenarios whose id matches, such as 'documented/*'."
)
@click.option("--check", is_flag=True, help="Write nothing; fail if the corpus is not what the scenarios make.")
@click.option("--replace", is_flag=True, help="Let goldens that are there change their values, if never released.")
@click.option(
    "--scenarios",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A Python file with SCENARIOS and a VERSION of your own (default: this project's). Needs --into.",
)
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    help="The corpus folder to write, or with --check to look at (default: fixtures/v1 of this checkout).",
)
@click.option(
    "--dask",
    metavar="ADDRESS",
    help="Certify on the Dask cluster of this scheduler, such as tcp://192.168.0.7:8786 (default: all cores here).",
)
@click.option(
    "--new",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write a file of scenarios to start from, with comments, and nothing else.",
)
def generate(
    only: tuple[str, ...],
    check: bool,
    replace: bool,
    file: Path | None,
    into: Path | None,
    dask: str | None,
    new: Path | None,
) -> None:
    """Turn scenarios into golden files, certified, all or none."""
    if new is not None:
        if only or check or replace or file or into or dask:
            raise click.UsageError("--new writes a file to start from, and does nothing else: leave the others out")
        _write_new(new)
        return
    _require_sense(file, into, check=check, replace=replace)
    if file is None:
        _require_torch()
    from rnn_goldens.cluster import executor
    from rnn_goldens.generator.generate import generate as make
    from rnn_goldens.generator.reuse import Certified

    declared = _declared(file)
    folder = into or _default_folder(write=not check)
    before = _version(folder)
    with executor(dask) as certifying:
        if check:
            _check(declared, only, folder, certifying)
        certified = None if into else Certified(folder.parents[1] / "build" / "certified")
        outcomes = make(
            declared.scenarios,
            folder,
            only,
            whose=declared.whose,
            adequate=file is None,
            replace=replace,
            track=_track,
            certified=certified,
            executor=certifying,
        )
    for outcome in outcomes:
        if only or outcome.became != "unchanged":
            say(f"{outcome.became:<10}{outcome.id}")
            if file is not None:
                for precision, why in outcome.left_out.items():
                    say(f"{'':<10}without {precision}: {why}")
    changed = sum(outcome.became != "unchanged" for outcome in outcomes)
    say(f"{counted(len(outcomes), 'golden')} in {folder}: {changed} written, {len(outcomes) - changed} unchanged")
    new_ones = sum(outcome.became == "new" for outcome in outcomes)
    if new_ones and before == declared.whose.version:
        say(
            f"{counted(new_ones, 'golden')} more in version {before}, which stood here before: if anybody has it, "
            "raise the second number of VERSION and generate again",
            err=True,
        )
    if file is not None and changed:
        say(f"to check against them: {_pytest(folder)}")


def _version(folder: Path) -> str:
    """That of the corpus in a folder; "" if there is none."""
    from rnn_goldens.corpus import INDEX, named, open_corpus

    return open_corpus(named(folder)).version if (folder / INDEX).is_file() else ""


def _require_sense(file: Path | None, into: Path | None, *, check: bool, replace: bool) -> None:
    if check and replace:
        raise click.UsageError("--check writes nothing, and so does not replace: leave one of them out")
    if file is not None and into is None:
        raise click.UsageError("--scenarios needs --into FOLDER: where goldens of your own are, or are to be")
    if "," in str(into):
        raise click.UsageError(f"--into {into}: a comma parts corpora in --rnn-goldens-corpus; name a folder without")


def _pytest(folder: Path) -> str:
    """What checks against a folder, to be typed."""
    from rnn_goldens.corpus import named

    return f"pytest {shlex.quote(f'--rnn-goldens-corpus={named(folder)}')}"


def _declared(file: Path | None) -> "Declared":
    from rnn_goldens.generator.scenario_file import Declared, read_scenarios
    from rnn_goldens.generator.scenarios import OURS, SCENARIOS

    return Declared(OURS, SCENARIOS) if file is None else read_scenarios(file)


def _write_new(path: Path) -> None:
    from rnn_goldens.command_line.new_scenarios import TEMPLATE

    if path.suffix != ".py":
        raise click.UsageError(f"--new {path}: scenarios are a Python file; name one that ends in .py")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(TEMPLATE.format(name=path))
    except FileExistsError:
        raise click.UsageError(f"{path} is there already, and stays as it is: name another file") from None
    say(f"{path} is written; when it asks what you want to ask:")
    say(f"  rnn-goldens generate --scenarios {path} --into goldens/")


def _check(declared: "Declared", only: tuple[str, ...], folder: Path, certifying: "Executor | None") -> None:
    from tempfile import TemporaryDirectory

    from rnn_goldens.corpus import named, open_corpus
    from rnn_goldens.generator.check import check as hold_against
    from rnn_goldens.generator.scenarios import OURS

    with TemporaryDirectory() as scratch:
        found = hold_against(
            declared.scenarios,
            open_corpus(named(folder)),
            Path(scratch) / "corpus",
            only,
            whose=declared.whose,
            adequate=declared.whose == OURS,
            track=_track,
            executor=certifying,
        )
    for line in found:
        say(line)
    if found:
        differences = counted(len(found), "difference")
        say(f"{folder} is not what the scenarios make: {differences} (it holds → the generator makes)")
        sys.exit(FINDING)
    say(f"{folder} is exactly what the scenarios make")
    sys.exit(0)


def _track(items: "Iterable[T]", total: int, doing: str) -> "Iterable[T]":
    """A bar with an estimate, and one below it for a golden that takes long, if it is certified in this process."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from rnn_goldens.generator.progress import looked_at_by

    console = Console(stderr=True)
    if not console.is_terminal:
        yield from items
        return
    shown = (
        TextColumn("{task.description}"),
        BarColumn(20),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
    )
    with Progress(*shown, console=console, transient=True) as bar:
        whole = bar.add_task(doing, total=total)
        within = bar.add_task("", visible=False)

        def look(part: str, done: int, of: int) -> None:
            if done == 0:
                bar.reset(within, description=f"  {part}", total=of, visible=True)
            bar.update(within, completed=done)

        with looked_at_by(look):
            for item in items:
                yield item
                bar.advance(whole)


def _default_folder(*, write: bool) -> Path:
    import rnn_goldens.fixtures as fixtures  # noqa: PLR0402 - of which mypy knows that it is a module
    from rnn_goldens.generator.scenarios import VERSION

    home = Path(fixtures.__path__[0])
    if write and not (home.parent / "pyproject.toml").is_file():
        raise click.UsageError(
            "this is an installed package, whose goldens stay as they are; name a folder: --into FOLDER"
        )
    return home / f"v{VERSION.partition('.')[0]}"


def _require_torch() -> None:
    """What confirms this project's own goldens; it confirms goldens of one's own where it is installed."""
    from importlib.util import find_spec

    if not find_spec("torch"):
        raise click.UsageError(
            "this project's goldens are confirmed by torch: pip install torch; for your own name --scenarios FILE"
        )
