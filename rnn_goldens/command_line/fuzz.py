"""``fuzz``: an implementation against goldens that are drawn, until one fails, and then the smallest of those."""

import shlex
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import SystemRandom
from typing import TYPE_CHECKING

import click

from rnn_goldens.counted import counted
from rnn_goldens.exit_codes import FINDING

if TYPE_CHECKING:
    from rnn_goldens.fuzzing.search import Judged, Search
    from rnn_goldens.implementations import Implementation

_MOST_SEEDS = 1_000_000
_MOST_FRAMES = 3
_PARTS = ("step", "row", "unit", "input")


class _WithCommand(click.Command):
    """Takes what stands after ``--`` for the command of a program."""

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return ["[OPTION]... IMPLEMENTATION | [OPTION]... -- COMMAND [ARGUMENT]..."]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" in args:
            at = args.index("--")
            args = [*args[:at], "--", f"-- {shlex.join(args[at + 1 :])}"]
        return super().parse_args(ctx, args)


@click.command(cls=_WithCommand)
@click.argument("implementation")
@click.option("--examples", default=1000, show_default=True, help="Goldens to ask at most.")
@click.option(
    "--seconds", type=float, help="Look for so long at most, and make smaller what is found for as long (default: no end)."
)
@click.option("--seed", type=int, help="The same seed draws the same goldens (default: another each time).")
@click.option("--cell", multiple=True, help="Only this cell; may be given more than once.")
@click.option("--feature", "features", multiple=True, help="Only goldens with this feature.")
@click.option("--without", multiple=True, help="Only goldens without this feature.")
@click.option("--dtype", multiple=True, metavar="PRECISION", help="A precision to ask in (default: float32).")
@click.option("--max-layers", type=int, help="At most so many layers; likewise the others.")
@click.option("--max-time", type=int)
@click.option("--max-batch", type=int)
@click.option("--max-hidden", type=int)
@click.option("--max-input", type=int)
@click.option("--time-limit", type=float, default=10, show_default=True, help="Seconds a program has for one golden.")
@click.option(
    "--found",
    type=click.Path(path_type=Path),
    help="The folder where the golden that fails is kept, and those of it are asked first (default: .rnn-goldens/found).",
)
def fuzz(  # noqa: PLR0913 - each is an option
    implementation: str,
    examples: int,
    seconds: float | None,
    seed: int | None,
    cell: tuple[str, ...],
    features: tuple[str, ...],
    without: tuple[str, ...],
    dtype: tuple[str, ...],
    time_limit: float,
    found: Path | None,
    **most: int | None,
) -> None:
    """Ask an implementation goldens that are drawn, until one fails; then find the smallest that does.

    IMPLEMENTATION and COMMAND are as check takes them. Each golden is certified when it is drawn; needs the extra
    hypothesis. The one that is found is kept as a golden file, and the next run begins with it.
    """
    _require_hypothesis()
    from rnn_goldens.fuzzing.bounds import Sizes, bounds
    from rnn_goldens.fuzzing.found import FOLDER, kept
    from rnn_goldens.fuzzing.search import Limits, search
    from rnn_goldens.golden.shapes import CELLS
    from rnn_goldens.implementations import resolve

    sizes = Sizes(**{name.removeprefix("max_"): value for name, value in most.items() if value is not None})
    within = bounds(cell or CELLS, sizes, features, without, dtype or ("float32",))
    limits, folder = Limits(examples, seconds), found or FOLDER
    seed = SystemRandom().randrange(_MOST_SEEDS) if seed is None else seed
    before = kept(folder, within)
    run = resolve(implementation, time_limit=time_limit)
    with _progress(examples + len(before)) as follow:
        result = search(run, within, limits, seed, before=before, follow=follow)
    late = _closed(run)
    for line in (*_told(result, implementation, folder, seed), *late):
        click.echo(line)
    sys.exit(FINDING if result.failed or late or not result.passed else 0)


def _require_hypothesis() -> None:
    from importlib.util import find_spec

    if not find_spec("hypothesis") or not find_spec("flint"):
        raise click.UsageError("fuzz needs Hypothesis and python-flint: pip install 'rnn-goldens[hypothesis]'")


def _closed(run: "Implementation") -> list[str]:
    """What a program still had to say."""
    from rnn_goldens.errors import ProgramFailed
    from rnn_goldens.implementations import close

    try:
        close(run)
    except ProgramFailed as error:
        return [str(error)]
    return []


@contextmanager
def _progress(total: int) -> "Iterator[Callable[[Search], None]]":
    """A bar on a terminal, which a function keeps up with a search."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("Drawing goldens", total=total)

        def follow(found: "Search") -> None:
            if found.failed:
                smaller = f"Making it smaller ({len(found.failed)} that fail)"
                progress.update(task, completed=found.asked, description=smaller)
            else:
                progress.update(task, completed=found.asked)

        yield follow


def _told(found: "Search", implementation: str, folder: Path, seed: int) -> Iterator[str]:
    """What a search ends with, as it is read."""
    from rnn_goldens.fuzzing.causes import causes
    from rnn_goldens.fuzzing.drawn import DrawnGolden
    from rnn_goldens.fuzzing.found import said_of_keeping

    if (smallest := found.smallest) is not None:
        yield from _how_it_fails(smallest, folder, implementation)
        if told := list(causes(found)):
            yield from ("", *told)
        yield ""
        yield f"{_how_far(found, seed)} fails; the smallest of {len(found.failed)} that do has"
        yield f"  {_size(smallest)}"
        if found.is_flaky:
            yield "  asked once more it was right: the implementation does not always give the same"
        yield said_of_keeping(DrawnGolden.of(smallest.golden, str(folder)), folder, implementation)
    else:
        refused = sum(found.refused.values())
        yield f"{_how_far(found, seed)}: {len(found.passed):,} right, {refused:,} refused"
        for reason, count in found.refused.items():
            yield f"  {counted(count, 'golden')} refused: {reason}"
        if not found.passed:
            yield "nothing was compared, so nothing is known to be right"


def _how_far(found: "Search", seed: int) -> str:
    """How many were asked, and why no more."""
    from rnn_goldens.fuzzing.search import INTERRUPTED, TIME

    if found.found_before:
        return "a golden that was found before"
    ended = {TIME: ", when the time was over", INTERRUPTED: ", interrupted"}.get(found.ended, "")
    if found.failed:
        return f"example {found.asked:,} of seed {seed}{ended}"
    return f"{counted(found.asked, 'example')} of seed {seed}{ended}"


def _size(judged: "Judged") -> str:
    from rnn_goldens.fuzzing.search import size

    golden = judged.golden
    _, *sizes, _ = size(golden)
    layers = counted(golden.config.num_layers, "layer")
    directions = " in 2 directions" if golden.config.bidirectional else ""
    return f"{layers}{directions}, {', '.join(map(counted, sizes, _PARTS))}"


def _how_it_fails(judged: "Judged", folder: Path, implementation: str) -> Iterator[str]:
    from rnn_goldens.fuzzing.drawn import DrawnGolden

    golden = judged.golden
    if judged.crash is None:
        yield from DrawnGolden.of(golden, str(folder)).compare(*judged.outputs).message.splitlines()
        return
    from rnn_goldens.errors import ProgramFailed

    if isinstance(judged.crash, ProgramFailed):
        corpus = f"protocol {golden.id}"
        yield from str(judged.crash).replace(corpus, f"{corpus} --corpus {folder}").splitlines()
        return
    said = "".join(traceback.format_exception_only(judged.crash)).strip()
    yield f"{golden.id} in {golden.dtype}: {implementation} did not answer: {said}"
    frames = traceback.extract_tb(judged.crash.__traceback__)[-_MOST_FRAMES:]
    yield from "".join(traceback.format_list(frames)).rstrip().splitlines()
    yield f"  to see the golden: rnn-goldens show {golden.id} --corpus {folder}"
