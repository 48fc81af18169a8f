"""``generate``: turns scenarios into golden files. Needs the extra ``generate``."""

import shlex
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rnn_goldens.command_line.terminal import echo, echo_lines, track
from rnn_goldens.errors import FINDING
from rnn_goldens.plurals import counted

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from rnn_goldens.generator.scenario_file import ScenarioFile


@click.command(short_help="Turn scenarios into certified golden files.")
@click.option(
    "--only", multiple=True, metavar="PATTERN", help="Only scenarios whose id matches, such as 'documented/*'."
)
@click.option(
    "--check", is_flag=True, help="Write nothing; fail if the corpus differs from what the scenarios produce."
)
@click.option("--values-only", is_flag=True, help="With --check: compare content hashes only, in less than a minute.")
@click.option("--replace", is_flag=True, help="Allow existing goldens to change, if they were never released.")
@click.option(
    "--scenarios",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A Python file that defines SCENARIOS and VERSION (default: this project's). Needs --into.",
)
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    help="The corpus folder to write, or to check with --check (default: fixtures/v2 of this checkout).",
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
    help="Only write a commented template of a scenario file.",
)
def generate(
    only: tuple[str, ...],
    check: bool,
    values_only: bool,
    replace: bool,
    file: Path | None,
    into: Path | None,
    dask: str | None,
    new: Path | None,
) -> None:
    """Certify scenarios and write them as golden files; on an error nothing is written."""
    others = any((only, check, values_only, replace, file, into, dask))
    for wrong, why in (
        (new and others, "--new only writes a template: leave out the other options"),
        (values_only and not check, "--values-only belongs to --check"),
        (check and replace, "--check writes nothing, so it cannot be combined with --replace"),
        (file and not into, "--scenarios needs --into FOLDER, the folder of your goldens"),
        (
            "," in str(into),
            f"--into {into}: a comma separates corpora in --rnn-goldens-corpus; use a folder name without one",
        ),
        (
            not (new or file or values_only or find_spec("torch")),
            "this project's goldens require torch: pip install torch; to generate your own goldens: --scenarios FILE",
        ),
    ):
        if wrong:
            raise click.UsageError(why)
    if new is not None:
        _write_new(new)
        return
    from rnn_goldens.cluster import executor
    from rnn_goldens.corpus import INDEX, corpus_option, open_corpus
    from rnn_goldens.generator.certification_cache import CertificationCache
    from rnn_goldens.generator.generate import generate as generate_corpus
    from rnn_goldens.generator.scenario_file import ScenarioFile, read_scenarios
    from rnn_goldens.generator.scenarios import OURS, SCENARIOS

    scenario_file = ScenarioFile(OURS, SCENARIOS) if file is None else read_scenarios(file)
    folder = into or _default_folder(write=not check)
    before = open_corpus(corpus_option(folder)).version if (folder / INDEX).is_file() else ""
    with executor(dask) as workers:
        if check:
            _check(scenario_file, only, folder, workers, values_only=values_only)
        certified = None if into else CertificationCache(folder.parents[1] / "build" / "certified")
        outcomes = generate_corpus(
            scenario_file.scenarios,
            folder,
            only,
            identity=scenario_file.identity,
            adequate=file is None,
            replace=replace,
            track=track,
            certified=certified,
            executor=workers,
        )
    for outcome in outcomes:
        if only or outcome.status != "unchanged":
            echo(f"{outcome.status:<10}{outcome.id}")
            if file is not None:
                for precision, reason in outcome.left_out.items():
                    echo(f"{'':<10}without {precision}: {reason}")
    changed = sum(outcome.status != "unchanged" for outcome in outcomes)
    echo(f"{counted(len(outcomes), 'golden')} in {folder}: {changed} written, {len(outcomes) - changed} unchanged")
    new_ones = sum(outcome.status == "new" for outcome in outcomes)
    if new_ones and before == scenario_file.identity.version:
        echo(
            f"{counted(new_ones, 'golden')} added to version {before}, which exists already: if anybody uses it, "
            "increase the second number of VERSION and generate again",
            err=True,
        )
    if file is not None and changed:
        option = shlex.quote(f"--rnn-goldens-corpus={corpus_option(folder)}")
        echo(f"to check an implementation against them: pytest {option}")


def _write_new(path: Path) -> None:
    if path.suffix != ".py":
        raise click.UsageError(f"--new {path}: a scenario file is a Python file; its name must end in .py")
    try:
        with path.open("x", encoding="utf-8") as file:
            template = Path(__file__).with_name("scenario_template.py.txt").read_text("utf-8")
            file.write(template.replace("{name}", str(path)))
    except FileExistsError:
        raise click.UsageError(f"{path} exists already and was not changed: choose another name") from None
    echo(f"{path} is written. Edit it, then run:")
    echo(f"  rnn-goldens generate --scenarios {path} --into goldens/")


def _check(
    scenario_file: "ScenarioFile",
    only: tuple[str, ...],
    folder: Path,
    workers: "Executor | None",
    *,
    values_only: bool,
) -> None:
    from tempfile import TemporaryDirectory

    from rnn_goldens.corpus import corpus_option, open_corpus
    from rnn_goldens.corpus.differences import not_compared
    from rnn_goldens.generator.reproducibility import check, check_values
    from rnn_goldens.generator.scenarios import OURS

    corpus, scenarios = open_corpus(corpus_option(folder)), scenario_file.scenarios
    if values_only:
        found = check_values(scenarios, corpus, only, track=track, executor=workers)
        notes, what = ["compared: content hashes"], "has exactly the content that the scenarios produce"
    else:
        identity = scenario_file.identity
        with TemporaryDirectory() as temporary:
            scratch, adequate = Path(temporary) / "corpus", identity == OURS
            found = check(
                scenarios, corpus, scratch, only, identity=identity, adequate=adequate, track=track, executor=workers
            )
        notes, what = not_compared(corpus, corpus, only), "is exactly what the scenarios produce"
    echo_lines([*found, *notes])
    if found:
        differences = counted(len(found), "difference")
        echo(f"{folder} differs from what the scenarios produce: {differences} (stored → generated)")
        sys.exit(FINDING)
    echo(f"{folder} {what}")
    sys.exit(0)


def _default_folder(*, write: bool) -> Path:
    import rnn_goldens.fixtures as fixtures  # noqa: PLR0402 - so that mypy knows that it is a module
    from rnn_goldens.generator.scenarios import VERSION

    home = Path(fixtures.__path__[0]).resolve()  # a link in a checkout
    if write and not (home.parent / "pyproject.toml").is_file():
        raise click.UsageError(
            "the goldens of an installed package cannot be changed: choose a folder with --into FOLDER"
        )
    return home / f"v{VERSION.partition('.')[0]}"
