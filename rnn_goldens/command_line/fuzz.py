"""``fuzz``: an implementation against goldens that are drawn, until one fails, and then the smallest of those."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import SystemRandom
from typing import TYPE_CHECKING, Any

import click

from rnn_goldens.command_line.saying import say
from rnn_goldens.command_line.selecting import parts
from rnn_goldens.command_line.with_command import TYPED, WithCommand
from rnn_goldens.exit_codes import FINDING
from rnn_goldens.golden.features import ASKED_FEATURES

if TYPE_CHECKING:
    from rnn_goldens.fuzzing.bounds import Bounds
    from rnn_goldens.fuzzing.found import AsTyped
    from rnn_goldens.fuzzing.search import Limits, Search
    from rnn_goldens.fuzzing.watched import Watched
    from rnn_goldens.implementations import Implementation

_MOST_SEEDS = 1_000_000

_AHEAD = 100
"""Places at which a few are drawn before those before them have been asked, at most: enough for as many workers."""


_SEVERAL: dict[str, Any] = {"multiple": True, "callback": parts}


@click.command(
    cls=WithCommand,
    usage="[OPTION]... IMPLEMENTATION | [OPTION]... -- COMMAND [ARGUMENT]...",
    short_help="Ask goldens that are drawn; find the smallest that fails.",
)
@click.argument("implementation")
@click.option("--examples", default=1000, show_default=True, help="Goldens to ask at most.")
@click.option("--seconds", type=float, help="Look for so long at most, and as long for the smallest (default: no end).")
@click.option("--seed", type=int, help="The same seed draws the same goldens (default: another each time).")
@click.option("--cell", metavar="NAME,...", help="Only these cells, also of your own.", **_SEVERAL)
@click.option(
    "--features",
    metavar="NAME,...",
    help=f"Only goldens that have all of these: {', '.join(ASKED_FEATURES)}.",
    **_SEVERAL,
)
@click.option("--without", metavar="NAME,...", help="Only goldens that have none of these.", **_SEVERAL)
@click.option("--dtype", metavar="NAME,...", help="The precisions to ask in (default: float32).", **_SEVERAL)
@click.option("--max-layers", type=int, help="At most so many layers (default: 3).")
@click.option("--max-time", type=int, help="At most so many time steps (default: 40).")
@click.option("--max-batch", type=int, help="At most so many rows (default: 129).")
@click.option("--max-hidden", type=int, help="At most so many units (default: 72).")
@click.option("--max-input", type=int, help="At most so many inputs (default: 72).")
@click.option(
    "--time-limit",
    type=click.FloatRange(min=0, min_open=True),
    help="Seconds for one golden (default: 10 for a program, 60 for what is called in Python).",
)
@click.option(
    "--found",
    type=click.Path(path_type=Path),
    help="The folder where what fails is kept, and is asked from first (default: .rnn-goldens/found).",
)
@click.option(
    "--dask",
    metavar="ADDRESS",
    help="Draw on the Dask cluster of this scheduler (default: all cores here). What is found is the same.",
)
@click.option("--watched", type=click.Path(path_type=Path), hidden=True)
@click.option("--alive", type=int, hidden=True)
@click.pass_context
def fuzz(
    ctx: click.Context,
    /,
    *,
    implementation: str,
    examples: int,
    seconds: float | None,
    seed: int | None,
    cell: tuple[str, ...],
    features: tuple[str, ...],
    without: tuple[str, ...],
    dtype: tuple[str, ...],
    time_limit: float | None,
    found: Path | None,
    dask: str | None,
    watched: Path | None,
    alive: int | None,
    **most: int | None,
) -> None:
    """Ask an implementation goldens that are drawn, until one fails; then find the smallest that does.

    IMPLEMENTATION and COMMAND are as check takes them. Each golden is certified when it is drawn; needs the extra
    hypothesis. The one that is found is kept as a golden file, and the next run begins with it.
    """
    _require_hypothesis()
    from rnn_goldens.fuzzing.bounds import Sizes, bounds
    from rnn_goldens.fuzzing.found import FOLDER, AsTyped, require_folder
    from rnn_goldens.fuzzing.search import Limits
    from rnn_goldens.golden.shapes import CELLS
    from rnn_goldens.implementations import check_name
    from rnn_goldens.plugin.guard import TIME_LIMIT
    from rnn_goldens.programs.command import is_command
    from rnn_goldens.programs.program import TIME_LIMIT as PROGRAM_TIME_LIMIT

    sizes = Sizes(**{name.removeprefix("max_"): value for name, value in most.items() if value is not None})
    within = bounds(cell or CELLS, sizes, features, without, dtype or ("float32",))
    is_program, folder = is_command(implementation), AsTyped(found or FOLDER)
    each = time_limit or (PROGRAM_TIME_LIMIT if is_program else TIME_LIMIT)
    limits = Limits(examples, seconds, each)
    require_folder(folder)
    check_name(implementation)
    plan = _Plan(
        implementation, within, limits, SystemRandom().randrange(_MOST_SEEDS) if seed is None else seed, folder, dask
    )
    if watched is not None and alive is not None:
        from rnn_goldens.fuzzing.watched import Watched

        sys.exit(_search(plan, each, Watched.begin(watched, alive)))
    if is_program:
        sys.exit(_search(plan, each))
    sys.exit(_in_another_process(plan, ctx.meta[TYPED]))


@dataclass(frozen=True)
class _Plan:
    implementation: str
    within: "Bounds"
    limits: "Limits"
    seed: int
    folder: "AsTyped"
    dask: str | None

    def tell(self, found: "Search") -> None:
        """Print what a search ends with."""
        from rnn_goldens.fuzzing.told import told

        for line in told(found, self.implementation, self.folder, self.seed):
            say(line)


def _search(plan: _Plan, time_limit: float, watched: "Watched | None" = None) -> int:
    """Search in this process, which another one may watch over; the exit code."""
    from rnn_goldens.cluster import executor
    from rnn_goldens.fuzzing.found import kept
    from rnn_goldens.fuzzing.search import INTERRUPTED, draw_here, search, unwatched
    from rnn_goldens.generator.pool import in_order
    from rnn_goldens.implementations import resolve

    run = resolve(plan.implementation, time_limit=time_limit)
    within = _supported(run, plan.within)
    before = kept(plan.folder, within, plan.implementation)
    is_again = watched is not None and bool(watched.deaths())  # to come to the same place, which mostly is near
    with executor(plan.dask) as there, _progress(plan.limits.examples + len(before)) as follow:
        found = search(
            run,
            within,
            plan.limits,
            plan.seed,
            before=before,
            drawing=draw_here if is_again and there is None else partial(in_order, executor=there, ahead=_AHEAD),
            follow=follow,
            asking=unwatched if watched is None else watched.asking,
        )
    late = _closed(run)
    plan.tell(found)
    for line in late:
        say(line)
    code = FINDING if found.failed or late or not found.passed or found.ended == INTERRUPTED else 0
    if watched is not None:
        watched.over(code)
    return code


def _supported(run: "Implementation", bounds: "Bounds") -> "Bounds":
    """The bounds, within what a program says it supports."""
    from rnn_goldens.programs.program import Program

    if not isinstance(run, Program):
        return bounds
    within = bounds.stated(run.hello.cells, run.hello.features, run.hello.precisions)
    if left_out := [*sorted(within.lacking - bounds.lacking), *(c for c in bounds.cells if c not in within.cells)]:
        say(f"{run.name} supports no {', '.join(left_out)}: none is drawn")
    return within


def _require_hypothesis() -> None:
    from importlib.util import find_spec

    if not find_spec("hypothesis") or not find_spec("flint"):
        raise click.UsageError("fuzz needs Hypothesis and python-flint: pip install 'rnn-goldens[hypothesis]'")


def _in_another_process(plan: _Plan, typed: Sequence[str]) -> int:
    """The same command in a process that the implementation may end; its exit code."""
    from rnn_goldens.fuzzing.watched import run_watched

    def command(folder: Path, held: int) -> list[str]:
        return ["fuzz", "--watched", str(folder), "--alive", str(held), *typed, "--seed", str(plan.seed)]

    return run_watched(command, plan.tell, plan.limits)


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

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("Drawing goldens", total=total)

        def follow(found: "Search") -> None:
            doing = f"Making it smaller: {len(found.failed)} fail" if found.failed else "Drawing goldens"
            progress.update(task, completed=found.asked, description=doing)

        yield follow
