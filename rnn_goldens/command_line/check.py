"""``check``: an implementation against the goldens, on the same pytest path as everybody else."""

import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from rnn_goldens.command_line.saying import say
from rnn_goldens.command_line.selecting import implementation_argument, selecting_options
from rnn_goldens.command_line.with_command import WithCommand, implementation_and_rest
from rnn_goldens.exit_codes import FINDING
from rnn_goldens.plugin.builtin_check import COMMAND, as_typed

_EXHAUSTIVE = ("cell", "dtype", "time_limit")
"""The options that --exhaustive takes."""


@click.command(
    cls=WithCommand,
    usage="IMPLEMENTATION [PYTEST ARGUMENT]... | [PYTEST ARGUMENT]... -- COMMAND [ARGUMENT]...",
    context_settings={"ignore_unknown_options": True},
)
@click.option(
    "--exhaustive",
    is_flag=True,
    help="In place of the goldens: every float16 and bfloat16 argument of each tanh and sigmoid, and a sample of "
    "float32, certified on the spot. Some minutes; needs the extra generate.",
)
@selecting_options
@click.option("--gradients", is_flag=True, help="Check gradients, of the goldens that have some.")
@click.option("--calls", metavar="NAME,...", help="Call it in these ways, too: twice, rows, chunks, weights, views.")
@click.option("--outputs", metavar="NAME,...", help="Compare these outputs alone: out, of what returns no others.")
@click.option("--time-limit", metavar="SECONDS", help="For one golden (default: 10 for a program, 60 in Python).")
@click.option("--known-failures", metavar="FILE", help="Goldens that are known to fail, and why.")
@click.option("--update", is_flag=True, help="Let that file be what this run finds.")
@click.option("--skip", metavar="FILE", help="Goldens that are not to be asked, as they hang or crash, and why.")
@click.option("--report", metavar="FILE", help="What was found: .html to look at, else JSON for programs.")
@implementation_argument
def check(*, arguments: tuple[str, ...], exhaustive: bool, update: bool, **options: Any) -> None:  # noqa: ANN401
    """Check an implementation against the goldens.

    IMPLEMENTATION is numpy, torch, torch-cells, onnxruntime, onnx-reference, keras, keras-jax, keras-torch,
    keras-tensorflow or flax; or the path of an .onnx file; or package.module:thing, where the thing is a class shaped
    like torch's nn.GRU, a class of Keras layers or Flax cells, one time step (x_t, h, weights) -> h, or a function of
    a golden that returns (out, h_n), or (out, (h_n, c_n)), or (out, h_n, c_n).

    COMMAND starts a program in any language, which is asked in JSON; see rnn-goldens protocol.

    Everything else goes to pytest: -k mini-batch, -n 2, --junitxml=FILE, -x, ... Each option below is the one of the
    pytest plugin with --rnn-goldens- before its name.
    """
    implementation, rest = implementation_and_rest(arguments)
    if update and not options["known_failures"]:
        raise click.UsageError("--update writes the file that --known-failures names: give both")
    pytest_arguments = [*rest, *as_typed(options | {"update_known_failures": update})]
    if exhaustive:
        if rest or any(value for name, value in options.items() if name not in _EXHAUSTIVE):
            raise click.UsageError("--exhaustive takes --cell, --dtype and --time-limit, and no other option")
        sys.exit(_check_exhaustively(implementation, **{name: options[name] for name in _EXHAUSTIVE}))
    from rnn_goldens.plugin.builtin_check.supervisor import run

    finished = run(implementation, pytest_arguments)
    if finished.trouble:
        say(f"\nError: {finished.trouble}", err=True)  # on a line of its own, whatever pytest was printing
    sys.exit(finished.code)


def _check_exhaustively(implementation: str, cell: Sequence[str], dtype: Sequence[str], time_limit: str | None) -> int:
    """Print what an implementation makes of every argument; the exit code."""
    from rnn_goldens.errors import UnknownName, WrongUse
    from rnn_goldens.exhaustive.arguments import ASKED
    from rnn_goldens.exhaustive.networks import ACTIVATIONS
    from rnn_goldens.exhaustive.sweep import Visited, exhaustive_check
    from rnn_goldens.exhaustive.table import HEADER, LEGEND, rows
    from rnn_goldens.fuzzing.worker import opened

    if not find_spec("flint"):
        raise WrongUse("check --exhaustive certifies what it asks: pip install 'rnn-goldens[generate]'")
    with_activations = [activation.cell for activation in ACTIVATIONS]
    for kind, kinds, asked, known in (
        ("cell", "cells", cell, with_activations),
        ("precision", "precisions", dtype, ASKED),
    ):
        if unknown := next((name for name in asked if name not in known), None):
            raise UnknownName(f"{kind} that is visited", unknown, dict.fromkeys(known), plural=f"{kinds} visited")
    try:
        seconds = None if time_limit is None else float(time_limit)
    except ValueError:
        raise WrongUse(f"--time-limit {time_limit!r} is no number of seconds, such as 10 or 0.5") from None
    tested = opened(implementation, seconds)
    found: list[Visited] = []
    try:
        say(HEADER)
        for one in exhaustive_check(tested, cell, dtype):
            if not found or found[-1].activation is not one.activation:
                say(f"{one.activation.cell}: {one.activation.name}")
            for line in rows(one):
                say(line)
            found.append(one)
    finally:
        tested.close()
    say(LEGEND)
    is_good = all(one.is_right for one in found) and any(one.finding is not None for one in found)
    return 0 if is_good else FINDING


@click.command(COMMAND, hidden=True)
@click.argument("folder", type=click.Path(path_type=Path, exists=True))
@click.argument("alive", type=int)
def check_here(folder: Path, alive: int) -> None:
    """Check in this process, which another one watches over."""
    from rnn_goldens.plugin.builtin_check.supervisor import check_here

    check_here(folder, alive)
