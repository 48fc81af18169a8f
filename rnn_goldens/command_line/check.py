"""``check``: an implementation against the goldens, on the same pytest path as everybody else."""

import os
import shlex
import sys
from pathlib import Path

import click

from rnn_goldens.command_line.saying import say
from rnn_goldens.plugin.builtin_check import COMMAND

_PYTEST_TO_EXIT = {0: 0, 1: 1, 2: 2, 3: 3, 4: 2, 5: 2}
"""pytest: passed, failed, collection error or interrupted, internal error, usage error, nothing collected."""


_FLAGS = ("--exhaustive", "--resume")
"""Options that are not pytest's."""


class _WithCommand(click.Command):
    """Takes what stands after ``--``, which click would drop, for the command of a program."""

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return ["IMPLEMENTATION [PYTEST ARGUMENT]... | [PYTEST ARGUMENT]... -- COMMAND [ARGUMENT]..."]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" in args:
            at = args.index("--")
            own = [argument for argument in args[:at] if argument in _FLAGS]
            pytest_arguments = [argument for argument in args[:at] if argument not in _FLAGS]
            command = args[at + 1 :]
            if pytest_arguments and not pytest_arguments[0].startswith("-"):
                raise click.UsageError(
                    f"IMPLEMENTATION {pytest_arguments[0]!r} and, after --, a COMMAND: give one of them", ctx
                )
            args = [*own, "--", f"-- {shlex.join(command)}", *pytest_arguments]
        return super().parse_args(ctx, args)


@click.command(cls=_WithCommand, context_settings={"ignore_unknown_options": True})
@click.option(
    "--exhaustive",
    is_flag=True,
    help="In place of the goldens: every float16 and bfloat16 argument of each tanh and sigmoid, and a sample of "
    "float32, certified on the spot. Some minutes; needs the extra generate.",
)
@click.option("--resume", is_flag=True, help="Go on with an --exhaustive run that was interrupted.")
@click.argument("implementation")
@click.argument("pytest_arguments", nargs=-1, type=click.UNPROCESSED)
def check(implementation: str, pytest_arguments: tuple[str, ...], exhaustive: bool, resume: bool) -> None:
    """Check an implementation against the goldens.

    IMPLEMENTATION is numpy, torch, torch-cells, onnxruntime, onnx-reference, keras, keras-jax, keras-torch or flax; or
    the path of an .onnx file; or package.module:thing, where the thing is a class shaped like torch's nn.GRU, a class
    of Keras layers or Flax cells, one time step (x_t, h, weights) -> h, or a function of a golden that returns
    (out, h_n), or (out, (h_n, c_n)), or (out, h_n, c_n).

    COMMAND starts a program in any language, which is asked in JSON; see rnn-goldens protocol.

    Everything else goes to pytest: -k mini-batch, -n 2, --junitxml=FILE, --rnn-goldens-dtype=float64,bfloat16, ...
    """
    if resume and not exhaustive:
        raise click.UsageError("--resume goes on with a run of --exhaustive: give both")
    if exhaustive:
        from rnn_goldens.exhaustive.command import run as run_exhaustively

        finished = run_exhaustively(implementation, pytest_arguments, resume=resume)
    else:
        from rnn_goldens.plugin.builtin_check.watched import run

        finished = run(implementation, pytest_arguments)
    if finished.trouble:
        say(f"\nError: {finished.trouble}", err=True)  # on a line of its own, whatever pytest was printing
    sys.exit(finished.code)


@click.command(COMMAND, hidden=True, context_settings={"ignore_unknown_options": True})
@click.option("--suite", type=click.Path(path_type=Path))
@click.option("--plugin")
@click.argument("folder", type=click.Path(path_type=Path, exists=True))
@click.argument("alive", type=int)
@click.argument("implementation")
@click.argument("pytest_arguments", nargs=-1, type=click.UNPROCESSED)
def check_here(
    folder: Path,
    alive: int,
    implementation: str,
    pytest_arguments: tuple[str, ...],
    suite: Path | None,
    plugin: str | None,
) -> None:
    """Check in this process, which another one watches over."""
    from rnn_goldens.plugin.builtin_check.watched import end_with_parent

    end_with_parent(alive)
    import pytest

    from rnn_goldens.implementations import check_name, resolve
    from rnn_goldens.plugin import builtin_check
    from rnn_goldens.programs.command import is_command

    (check_name if is_command(implementation) else resolve)(implementation)  # wrong use is said before pytest starts
    home = Path(builtin_check.__path__[0])
    status = pytest.main(
        [
            *("-c", str(home / "pytest.ini"), "--rootdir", str(suite.parent if suite else home)),
            *("-o", f"cache_dir={Path.cwd() / '.pytest_cache'}"),
            *(["-p", str(plugin), "-p", f"{builtin_check.__name__}.conftest"] if suite else []),
            *pytest_arguments,
            f"--rnn-goldens-watched={folder}",  # last, for the last one counts
            f"--rnn-goldens-implementation={implementation}",
            str(suite or home / "test_golden.py"),
        ]
    )
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(_PYTEST_TO_EXIT[int(status)])  # whatever threads an implementation left, and wants to be waited for
