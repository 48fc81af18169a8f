"""``fuzz``: an implementation against goldens that Hypothesis draws, until one fails, then smaller ones."""

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rnn_goldens.command_line.saying import say
from rnn_goldens.command_line.selecting import implementation_argument, parts
from rnn_goldens.command_line.with_command import WithCommand, implementation_and_rest
from rnn_goldens.golden.features import ASKED_FEATURES

if TYPE_CHECKING:
    from rnn_goldens.fuzzing.bounds import Bounds
    from rnn_goldens.fuzzing.worker import Started

_SEVERAL: dict[str, Any] = {"multiple": True, "callback": parts}


@click.command(
    cls=WithCommand,
    usage="IMPLEMENTATION [PYTEST ARGUMENT]... | [PYTEST ARGUMENT]... -- COMMAND [ARGUMENT]...",
    short_help="Check with goldens that are drawn; find the smallest that fails.",
    context_settings={"ignore_unknown_options": True},
)
@click.option(
    "--examples", type=click.IntRange(min=1), default=1000, show_default=True, help="Goldens to draw at most."
)
@click.option("--cell", metavar="NAME,...", help="Only these cells, also of your own.", **_SEVERAL)
@click.option(
    "--features",
    metavar="NAME,...",
    help=f"Only goldens that have all of these: {', '.join(ASKED_FEATURES)}.",
    **_SEVERAL,
)
@click.option("--without", metavar="NAME,...", help="Only goldens that have none of these.", **_SEVERAL)
@click.option("--dtype", metavar="NAME,...", help="The precisions to check in (default: float32).", **_SEVERAL)
@click.option("--max-layers", type=int, help="At most so many layers (default: 3).")
@click.option("--max-time", type=int, help="At most so many time steps (default: 40).")
@click.option("--max-batch", type=int, help="At most so many rows (default: 129).")
@click.option("--max-hidden", type=int, help="At most so many units (default: 72).")
@click.option("--max-input", type=int, help="At most so many inputs (default: 72).")
@click.option(
    "--time-limit",
    type=float,
    help="Seconds for one golden (default: 10 for a program, 60 for what is called in Python).",
)
@click.option(
    "--found",
    type=click.Path(path_type=Path),
    help="The folder where what fails is kept, which the next run begins with (default: .rnn-goldens/found).",
)
@implementation_argument
def fuzz(
    *,
    arguments: tuple[str, ...],
    examples: int,
    cell: tuple[str, ...],
    features: tuple[str, ...],
    without: tuple[str, ...],
    dtype: tuple[str, ...],
    time_limit: float | None,
    found: Path | None,
    **most: int | None,
) -> None:
    """Check an implementation with goldens that are drawn, until one fails; then find the smallest that does.

    IMPLEMENTATION and COMMAND are as check takes them. Each golden is certified when it is drawn; needs the extra
    hypothesis. The one that is found is kept as a golden file, and the next run begins with it.

    Everything else goes to pytest and Hypothesis: --hypothesis-seed=1 draws the same goldens again,
    --hypothesis-verbosity=verbose shows each.
    """
    if not find_spec("hypothesis") or not find_spec("flint"):
        raise click.UsageError("fuzz needs Hypothesis and python-flint: pip install 'rnn-goldens[hypothesis]'")
    from rnn_goldens.fuzzing.bounds import Sizes, bounds
    from rnn_goldens.fuzzing.found import FOLDER, AsTyped, require_folder
    from rnn_goldens.fuzzing.session import run
    from rnn_goldens.fuzzing.strategy import Asked
    from rnn_goldens.fuzzing.worker import opened
    from rnn_goldens.golden.shapes import CELLS

    implementation, rest = implementation_and_rest(arguments)
    sizes = Sizes(**{name.removeprefix("max_"): value for name, value in most.items() if value is not None})
    within = bounds(cell or CELLS, sizes, features, without, dtype or ("float32",))
    folder = AsTyped(found or FOLDER)
    require_folder(folder)
    tested = opened(implementation, time_limit)
    try:
        sys.exit(run(tested, Asked(_supported(tested, within), folder, implementation), examples, rest))
    finally:
        tested.close()


def _supported(tested: "Started", bounds: "Bounds") -> "Bounds":
    """The bounds, within what a program says it supports."""
    from rnn_goldens.programs.program import Program

    if not isinstance(tested, Program):
        return bounds
    within = bounds.stated(tested.hello.cells, tested.hello.features, tested.hello.precisions)
    if left_out := [*sorted(within.lacking - bounds.lacking), *(c for c in bounds.cells if c not in within.cells)]:
        say(f"{tested.name} supports no {', '.join(left_out)}: none is drawn")
    return within
