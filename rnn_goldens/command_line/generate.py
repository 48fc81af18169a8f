"""``generate``: turns scenarios into golden files. Needs the extra ``generate``."""

import shlex
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rnn_goldens.command_line.terminal import echo, echo_lines, track, wrapped
from rnn_goldens.errors import FINDING
from rnn_goldens.plurals import counted

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from rnn_goldens.generator.certification_cache import CertificationCache
    from rnn_goldens.generator.scenario_file import ScenarioFile


@click.command(short_help="Turn scenarios into certified golden files.")
@click.option(
    "--only", multiple=True, metavar="PATTERN", help="Only scenarios whose id matches, such as 'documented/*'."
)
@click.option(
    "--check", is_flag=True, help="Write nothing; fail if the corpus differs from what the scenarios produce."
)
@click.option("--values-only", is_flag=True, help="With --check: compare content hashes only, in less than a minute.")
@click.option(
    "--if-changed",
    is_flag=True,
    help="With --check: certify a golden of the corpus kernels only if its scenario, or code that it depends on, "
    "changed.",
)
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
    help="The corpus folder to write, or to check with --check (default: fixtures/v2 and fixtures/kernels of this "
    "checkout).",
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
    *,
    only: tuple[str, ...],
    check: bool,
    values_only: bool,
    if_changed: bool,
    replace: bool,
    file: Path | None,
    into: Path | None,
    dask: str | None,
    new: Path | None,
) -> None:
    """Certify scenarios and write them as golden files; on an error nothing is written."""
    others = any((only, check, values_only, if_changed, replace, file, into, dask))
    for wrong, why in (
        (new and others, "--new only writes a template: leave out the other options"),
        (values_only and not check, "--values-only belongs to --check"),
        (if_changed and not check, "--if-changed belongs to --check; without --check, unchanged goldens are kept"),
        (if_changed and file, "--if-changed is for the corpus kernels of this project: leave out --scenarios"),
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

    corpora = [_own(file, into, only)] if file else _built_in(into, only, write=not check, values_only=values_only)
    with executor(dask) as workers:
        if check:
            found = [_check(one, workers, values_only=values_only, if_changed=if_changed) for one in corpora]
            sys.exit(FINDING if any(found) else 0)
        for one in corpora:
            _generate(one, workers, replace=replace)


@dataclass(frozen=True)
class _Corpus:
    """A corpus to generate or to check.

    Attributes:
        file: scenarios, and the name and version of the corpus.
        folder: its folder.
        only: ids or patterns of the scenarios; all if empty.
        certified: a cache of certifications, if there is one.
        is_own: whether it is a user's.
    """

    file: "ScenarioFile"
    folder: Path
    only: tuple[str, ...]
    certified: "CertificationCache | None" = None
    is_own: bool = False

    @property
    def adequate(self) -> bool:
        """Whether it must pass the coverage gate."""
        from rnn_goldens.generator.scenarios import OURS

        return self.file.identity == OURS


def _own(file: Path, into: Path | None, only: tuple[str, ...]) -> _Corpus:
    from rnn_goldens.generator.scenario_file import read_scenarios

    assert into is not None
    return _Corpus(read_scenarios(file), into, only, is_own=True)


def _built_in(into: Path | None, only: tuple[str, ...], *, write: bool, values_only: bool) -> list[_Corpus]:
    """Return the corpora of this project that have the chosen scenarios.

    Without a choice: both, or the built-in one in another folder, and for values only, which takes less than a minute.
    """
    from rnn_goldens.corpus import KERNELS
    from rnn_goldens.generator.certification_cache import CertificationCache, CommittedCache
    from rnn_goldens.generator.scenario_file import ScenarioFile
    from rnn_goldens.generator.scenarios import OURS, SCENARIOS, VERSION, kernels

    home = _fixtures(write=write and into is None)
    of_kernels = tuple(pattern for pattern in only if pattern.startswith(f"{KERNELS}/"))
    of_ours = tuple(pattern for pattern in only if pattern not in of_kernels)
    if into and of_ours and of_kernels:
        raise click.UsageError(f"--into names one corpus, but --only has patterns of two: run {KERNELS}/… on its own")
    found = []
    if of_ours or not only:
        cache = None if into else CertificationCache(home.parent / "build" / "certified")
        folder = into or home / f"v{VERSION.partition('.')[0]}"
        found.append(_Corpus(ScenarioFile(OURS, SCENARIOS), folder, of_ours, cache))
    if of_kernels or not (only or into or values_only):
        folder = into or home / KERNELS
        cache = CommittedCache(folder / "certified.txt")
        found.append(_Corpus(ScenarioFile(kernels.IDENTITY, kernels.scenarios()), folder, of_kernels, cache))
    return found


def _generate(one: _Corpus, workers: "Executor | None", *, replace: bool) -> None:
    from rnn_goldens.corpus import INDEX, corpus_option, open_corpus
    from rnn_goldens.generator.generate import generate as generate_corpus

    folder, identity = one.folder, one.file.identity
    before = open_corpus(corpus_option(folder)).version if (folder / INDEX).is_file() else ""
    outcomes = generate_corpus(
        one.file.scenarios,
        folder,
        one.only,
        identity=identity,
        adequate=one.adequate,
        replace=replace,
        track=track,
        say=_say,
        certified=one.certified,
        executor=workers,
    )
    for outcome in outcomes:
        if one.only or outcome.status != "unchanged":
            echo(f"{outcome.status:<10}{outcome.id}")
            if not one.adequate:
                for precision, reason in outcome.left_out.items():
                    echo(f"{'':<10}without {precision}: {reason}")
    changed = sum(outcome.status != "unchanged" for outcome in outcomes)
    echo(f"{counted(len(outcomes), 'golden')} in {folder}: {changed} written, {len(outcomes) - changed} unchanged")
    new_ones = sum(outcome.status == "new" for outcome in outcomes)
    if new_ones and before == identity.version:
        echo(
            f"{counted(new_ones, 'golden')} added to version {before}, which exists already: if anybody uses it, "
            "increase the second number of VERSION and generate again",
            err=True,
        )
    if one.is_own and changed:
        option = shlex.quote(f"--rnn-goldens-corpus={corpus_option(folder)}")
        echo(f"to check an implementation against them: pytest {option}")


def _say(text: str) -> None:
    echo(wrapped(text), err=True)


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


def _check(one: _Corpus, workers: "Executor | None", *, values_only: bool, if_changed: bool) -> bool:
    """Print the differences of a corpus from what its scenarios produce; return whether there are any."""
    from tempfile import TemporaryDirectory

    from rnn_goldens.corpus import corpus_option, open_corpus
    from rnn_goldens.corpus.differences import not_compared
    from rnn_goldens.generator.generate import choose
    from rnn_goldens.generator.reproducibility import changed_since, check, check_values

    folder, scenarios, only = one.folder, one.file.scenarios, one.only
    corpus = open_corpus(corpus_option(folder))
    if if_changed and one.certified is not None and not one.adequate:
        changed = changed_since(one.file.scenarios, corpus, only, one.file.identity, one.certified)
        if not changed:
            goldens = counted(len(choose(scenarios, only)), "golden")
            echo(f"{goldens} in {folder}: neither scenarios nor code changed")
            return False
        only = () if len(changed) == len(scenarios) else changed
    if values_only:
        found = check_values(scenarios, corpus, only, track=track, say=_say, executor=workers)
        notes, what = ["compared: content hashes"], "has exactly the content that the scenarios produce"
    else:
        with TemporaryDirectory() as temporary:
            scratch, of = Path(temporary) / "corpus", one.file.identity
            found = check(
                scenarios,
                corpus,
                scratch,
                only,
                identity=of,
                adequate=one.adequate,
                track=track,
                say=_say,
                executor=workers,
            )
        notes, what = not_compared(corpus, corpus, only), "is exactly what the scenarios produce"
    echo_lines([*found, *notes])
    if found:
        differences = counted(len(found), "difference")
        echo(f"{folder} differs from what the scenarios produce: {differences} (stored → generated)")
    else:
        echo(f"{folder} {what}")
    return bool(found)


def _fixtures(*, write: bool) -> Path:
    """Return the folder of the corpora of this project."""
    import rnn_goldens.fixtures as fixtures  # noqa: PLR0402 - so that mypy knows that it is a module

    home = Path(fixtures.__path__[0]).resolve()  # a link in a checkout
    if write and not (home.parent / "pyproject.toml").is_file():
        raise click.UsageError(
            "the goldens of an installed package cannot be changed: choose a folder with --into FOLDER"
        )
    return home
