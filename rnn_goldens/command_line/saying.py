"""What the commands print: the one way to the terminal, so that nothing in a file or a program's words controls it."""

import io
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from rnn_goldens.visible import visible, visible_json


def say(text: str, *, name: str = "", err: bool = False) -> None:
    """Print a text, or lines of it.

    Args:
        text: whatever it quotes.
        name: what stands before it, in bold on a terminal.
        err: whether it goes to stderr.
    """
    click.echo(f"{click.style(visible(name), bold=True) if name else ''}{visible(text)}", err=err)


def say_json(document: str, *, ended: bool = False) -> None:
    """Print JSON, for programs; ``ended`` says that it has a newline at its end."""
    click.echo(visible_json(document), nl=not ended)


def write_anything() -> None:
    """Let stdout and stderr write out the letters that their encoding has not, rather than fail."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@contextmanager
def progress_of(name: str) -> Iterator[Callable[[int, int], None] | None]:
    """A function of how many goldens were judged and how many there are, which says so; None where nobody looks at it.

    It says it in one line of stderr's terminal, which goes when all is done.
    """
    if not sys.stderr.isatty():
        yield None
        return
    _line(f"{name}: starting")
    try:
        yield lambda judged, of: _line(f"{name}: {judged} of {of} goldens")
    finally:
        _line("")


def _line(text: str) -> None:
    width = shutil.get_terminal_size().columns - 1
    sys.stderr.write(f"\r\x1b[K{visible(text)[:width]}")
    sys.stderr.flush()


class Group(click.Group):
    """Commands whose errors are said as everything else is."""

    def invoke(self, ctx: click.Context) -> object:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except click.ClickException as error:
            vars(error).update(message=visible(error.message))
            raise
