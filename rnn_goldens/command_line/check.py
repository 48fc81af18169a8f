"""``check`` and ``fuzz``: run an implementation against goldens of a corpus, or drawn ones, through pytest."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from difflib import get_close_matches
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rnn_goldens.command_line.options import (
    PATH,
    SELECTING,
    WithCommand,
    implementation_and_rest,
    implementation_argument,
    options,
)
from rnn_goldens.command_line.terminal import echo
from rnn_goldens.errors import FINDING, UnknownName, WrongUse
from rnn_goldens.golden.features import INPUT_FEATURES
from rnn_goldens.plugin import CHECK_HERE, FLAGS, OPTIONS, as_typed

if TYPE_CHECKING:
    from rnn_goldens.fuzz.bounds import Bounds
    from rnn_goldens.fuzz.worker import Started

_EXHAUSTIVE = ("cell", "dtype", "time_limit")
"""The options that --exhaustive accepts."""


_command = partial(
    click.command,
    cls=WithCommand,
    usage="IMPLEMENTATION [PYTEST ARGUMENT]... | [PYTEST ARGUMENT]... -- COMMAND [ARGUMENT]...",
    context_settings={"ignore_unknown_options": True},
)
"""A command that passes arguments on to pytest."""


@_command()
@click.option(
    "--exhaustive",
    is_flag=True,
    help="Instead of the goldens, check every float16 and bfloat16 argument of each tanh and sigmoid, and a "
    "sample of float32, certified during the run. Takes minutes; needs the extra generate.",
)
@options(*SELECTING, "corpus", "gradients", "calls", "outputs", "profile", "embed")
@options("time-limit", "at-least", "known-failures")
@click.option("--update", is_flag=True, help=FLAGS["update-known-failures"])
@options("skip", "report")
@implementation_argument
def check(*, arguments: tuple[str, ...], exhaustive: bool, update: bool, **given: Any) -> None:  # noqa: ANN401
    """Check an implementation against the goldens.

    IMPLEMENTATION is numpy, torch, torch-cells, onnxruntime, onnx-reference, keras, keras-jax, keras-torch,
    keras-tensorflow or flax; or the path of an .onnx file; or package.module:thing, where the thing is a class shaped
    like torch's nn.GRU, a class of Keras layers or Flax cells, a time step (x_t, h, weights) -> h, or a function of
    a golden that returns (out, h_n), (out, (h_n, c_n)) or (out, h_n, c_n); or, with --cell gated_delta and so on, a
    function (q, k, v, g, beta, state) -> (o, state), whose parameters are named after the arrays of a recurrence.

    COMMAND starts a program in any language, which receives JSON; see rnn-goldens protocol.

    Everything else goes to pytest: -k mini-batch, -n 2, --junitxml=FILE, -x, ... The options below, except
    --exhaustive and --update, are those of the pytest plugin without the prefix --rnn-goldens-.
    """
    implementation, rest = implementation_and_rest(arguments)
    if update and not given["known_failures"]:
        raise click.UsageError("--update writes the file that --known-failures names: give both")
    if exhaustive:
        if rest or any(value for name, value in given.items() if name not in _EXHAUSTIVE):
            raise click.UsageError("--exhaustive takes --cell, --dtype and --time-limit, and no other option")
        sys.exit(_check_exhaustively(implementation, **{name: given[name] for name in _EXHAUSTIVE}))
    from rnn_goldens.plugin.builtin_check.supervisor import run

    given["cell"] = given["cell"] or _dialects_of(implementation)
    finished = run(implementation, [*rest, *as_typed(given | {"update_known_failures": update})])
    if finished.trouble:
        echo(f"\nError: {finished.trouble}", err=True)  # on a new line, wherever pytest's output ended
    if finished.document is None:
        for line in _meant_by(rest):
            echo(line, err=True)
    sys.exit(finished.code)


def _meant_by(arguments: Sequence[str]) -> Iterator[str]:
    """Yield what is meant by arguments for pytest that resemble an option of this command, which pytest refuses."""
    options = {name: name for one in click.get_current_context().command.params for name in one.opts}
    options |= {"--precision": "--dtype"}
    for given in (argument.partition("=")[0] for argument in arguments if argument.startswith("--")):
        for name in get_close_matches(given, options, n=1, cutoff=0.85):
            yield f"No such option {given!r}. Did you mean {options[name]!r}?"


def _dialects_of(implementation: str) -> tuple[str, ...]:
    """Return and print the dialects that an ONNX file computes; () for a standard cell or another implementation."""
    from rnn_goldens.implementations.resolution import ONNX, dialects_of

    if not implementation.endswith(ONNX):
        return ()
    if dialects := dialects_of(implementation):
        echo(f"{implementation} computes the dialect {', '.join(dialects)}: its goldens are checked")
    return dialects


def _check_exhaustively(implementation: str, cell: Sequence[str], dtype: Sequence[str], time_limit: str | None) -> int:
    """Run the exhaustive check and print its tables; returns the exit code."""
    from rnn_goldens.exhaustive.sweep import (
        ACTIVATIONS,
        HEADER,
        LEGEND,
        PRECISIONS_CHECKED,
        SweepResult,
        exhaustive_check,
        rows,
    )
    from rnn_goldens.fuzz.worker import opened

    if not find_spec("flint"):
        raise WrongUse("check --exhaustive needs python-flint: pip install 'rnn-goldens[generate]'")
    cells = dict.fromkeys(activation.cell for activation in ACTIVATIONS)
    for kind, selected, known in (("cell", cell, cells), ("precision", dtype, dict.fromkeys(PRECISIONS_CHECKED))):
        if unknown := next((name for name in selected if name not in known), None):
            raise UnknownName(f"exhaustive check of {kind}", unknown, known, plural=f"exhaustive checks of {kind}s")
    try:
        seconds = None if time_limit is None else float(time_limit)
    except ValueError:
        raise WrongUse(f"--time-limit {time_limit!r} is not a number of seconds, such as 10 or 0.5") from None
    found: list[SweepResult] = []
    with closing(opened(implementation, seconds)) as tested:
        echo(HEADER)
        for one in exhaustive_check(tested, cell, dtype):
            if not found or found[-1].activation is not one.activation:
                echo(f"{one.activation.cell}: {one.activation.name}")
            echo("\n".join(rows(one)))
            found.append(one)
    echo(LEGEND)
    is_good = all(one.is_right for one in found) and any(one.errors is not None for one in found)
    return 0 if is_good else FINDING


@click.command(CHECK_HERE, hidden=True)
@click.argument("folder", type=click.Path(path_type=Path, exists=True))
@click.argument("alive", type=int)
def check_here(folder: Path, alive: int) -> None:
    """Run a check in this process, which the supervisor watches."""
    from rnn_goldens.plugin.builtin_check.supervisor import check_here

    check_here(folder, alive)


@_command(short_help="Check with randomly drawn goldens; find the smallest that fails.")
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
