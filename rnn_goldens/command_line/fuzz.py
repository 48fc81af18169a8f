"""``fuzz``: checks an implementation with goldens that Hypothesis draws, and shrinks a failing one."""

import sys
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rnn_goldens.command_line.options import (
    PATH,
    WithCommand,
    implementation_and_rest,
    implementation_argument,
    options,
)
from rnn_goldens.command_line.terminal import echo
from rnn_goldens.golden.features import INPUT_FEATURES
from rnn_goldens.plugin import OPTIONS

if TYPE_CHECKING:
    from rnn_goldens.fuzz.bounds import Bounds
    from rnn_goldens.fuzz.worker import Started


@click.command(
    cls=WithCommand,
    usage="IMPLEMENTATION [PYTEST ARGUMENT]... | [PYTEST ARGUMENT]... -- COMMAND [ARGUMENT]...",
    short_help="Check with randomly drawn goldens; find the smallest that fails.",
    context_settings={"ignore_unknown_options": True},
)
@click.option(
    "--examples", type=click.IntRange(min=1), default=1000, show_default=True, help="Maximum number of goldens to draw."
)
@options(
    *("cell", "features", "without", "dtype", "outputs"),
    cell="Only these cells, including custom cells.",
    features=f"Only goldens that have all of these: {', '.join(INPUT_FEATURES)}.",
    dtype="The precisions to check in (default: float32).",
)
@click.option("--max-layers", type=int, help="Maximum number of layers (default: 3).")
@click.option("--max-time", type=int, help="Maximum number of time steps (default: 40).")
@click.option("--max-batch", type=int, help="Maximum number of batch rows (default: 129).")
@click.option("--max-hidden", type=int, help="Maximum hidden size (default: 72).")
@click.option("--max-input", type=int, help="Maximum input size (default: 72).")
@click.option("--time-limit", type=float, help=OPTIONS["time-limit"])
@click.option(
    "--found",
    type=PATH,
    help="Folder for failing goldens; the next run starts with them (default: .rnn-goldens/found).",
)
@implementation_argument
def fuzz(
    *,
    arguments: tuple[str, ...],
    examples: int,
    outputs: tuple[str, ...],
    time_limit: float | None,
    found: Path | None,
    **within: Any,  # noqa: ANN401 - names of cells, features and precisions; largest sizes
) -> None:
    """Check an implementation with randomly drawn goldens until one fails; then find the smallest that fails.

    IMPLEMENTATION and COMMAND are as for check. Each golden is certified when it is drawn.
    A golden that fails is stored as a golden file, and the next run starts with it. Needs rnn-goldens[hypothesis].

    Other arguments are passed to pytest and Hypothesis: --hypothesis-seed=1 makes a run repeatable,
    --hypothesis-verbosity=verbose shows each golden.
    """
    if not find_spec("hypothesis") or not find_spec("flint"):
        raise click.UsageError("fuzz needs Hypothesis and python-flint: pip install 'rnn-goldens[hypothesis]'")
    from rnn_goldens.fuzz.bounds import Sizes, bounds
    from rnn_goldens.fuzz.example_store import FOLDER, AsTyped, require_folder
    from rnn_goldens.fuzz.session import run
    from rnn_goldens.fuzz.strategy import SearchRequest
    from rnn_goldens.fuzz.worker import opened
    from rnn_goldens.golden.built_in_cells import CELLS
    from rnn_goldens.golden.shapes import chosen_outputs

    implementation, rest = implementation_and_rest(arguments)
    names = (within.pop(name) for name in ("cell", "features", "without", "dtype"))
    cell, features, without, dtype = names
    sizes = Sizes(**{name.removeprefix("max_"): value for name, value in within.items() if value is not None})
    drawn = bounds(cell or CELLS, sizes, features, without, dtype or ("float32",))
    folder = AsTyped(found or FOLDER)
    require_folder(folder)
    compared = chosen_outputs(outputs) if outputs else ()
    with closing(opened(implementation, time_limit, compared)) as tested:
        request = SearchRequest(_supported(tested, drawn), folder, implementation, compared)
        sys.exit(run(tested, request, examples, rest))


def _supported(tested: "Started", bounds: "Bounds") -> "Bounds":
    """Return the bounds, restricted to the cells, features and precisions that a program supports."""
    from rnn_goldens.programs.program import Program

    if not isinstance(tested, Program):
        return bounds
    within = bounds.stated(tested.hello.cells, tested.hello.features, tested.hello.precisions)
    if left_out := [*sorted(within.lacking - bounds.lacking), *(c for c in bounds.cells if c not in within.cells)]:
        echo(f"{tested.name} does not support {', '.join(left_out)}: not drawn")
    return within
