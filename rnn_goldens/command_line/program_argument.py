"""Commands that accept, after ``--``, a program's command line instead of an implementation's name."""

import shlex
from collections.abc import Sequence
from typing import Any

import click

from rnn_goldens.programs.command import MARK, is_command


def implementation_and_rest(arguments: Sequence[str]) -> tuple[str, list[str]]:
    """Split arguments into the implementation and the arguments for pytest.

    A program is the last argument; any other implementation is the first.

    Raises:
        click.UsageError: both a program and another implementation are given.
    """
    if not is_command(arguments[-1]):
        return arguments[0], list(arguments[1:])
    rest = list(arguments[:-1])
    if rest and not rest[0].startswith("-"):
        raise click.UsageError(f"IMPLEMENTATION {rest[0]!r} and, after {MARK}, a COMMAND: give one of them")
    return arguments[-1], rest


class WithCommand(click.Command):
    """A command that receives ``--``, which click would drop, and everything after it as a single value.

    Args:
        usage: text after the command's name in its help.
        option: the option that receives the value; by default the last argument.
    """

    def __init__(self, *arguments: Any, usage: str, option: str = MARK, **attributes: Any) -> None:  # noqa: ANN401 - click's
        super().__init__(*arguments, **attributes)
        self._usage, self._option = usage, option

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the text after the command's name."""
        return [self._usage]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse arguments, joining those after ``--``."""
        if MARK in args:
            at = args.index(MARK)
            args = [*args[:at], self._option, f"{MARK} {shlex.join(args[at + 1 :])}"]
        return super().parse_args(ctx, args)
