"""Commands that take, after ``--``, the command line of a program in place of an implementation's name."""

import shlex
from collections.abc import Sequence
from typing import Any

import click

from rnn_goldens.programs.command import MARK, is_command


def implementation_and_rest(arguments: Sequence[str]) -> tuple[str, list[str]]:
    """The implementation among arguments, and those for pytest: a program after ``--`` stands last, others first.

    Raises:
        click.UsageError: there are both.
    """
    if not is_command(arguments[-1]):
        return arguments[0], list(arguments[1:])
    rest = list(arguments[:-1])
    if rest and not rest[0].startswith("-"):
        raise click.UsageError(f"IMPLEMENTATION {rest[0]!r} and, after {MARK}, a COMMAND: give one of them")
    return arguments[-1], rest


class WithCommand(click.Command):
    """Takes what stands after ``--``, which click would drop, as one value that begins with it.

    Args:
        usage: what follows the command's name in its help.
        option: the option whose value it is; the last argument if it is none.
    """

    def __init__(self, *arguments: Any, usage: str, option: str = MARK, **attributes: Any) -> None:  # noqa: ANN401 - click's
        super().__init__(*arguments, **attributes)
        self._usage, self._option = usage, option

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """What follows the command's name."""
        return [self._usage]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse arguments, of which those after ``--`` are one."""
        if MARK in args:
            at = args.index(MARK)
            args = [*args[:at], self._option, f"{MARK} {shlex.join(args[at + 1 :])}"]
        return super().parse_args(ctx, args)
