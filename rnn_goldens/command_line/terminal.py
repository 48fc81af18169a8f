"""Output of the commands; control characters in text of files and programs are escaped."""

import io
import sys

import click

from rnn_goldens.visible import visible, visible_json


def echo(text: str, *, name: str = "", err: bool = False) -> None:
    """Print text of one or more lines.

    Args:
        text: may quote any file or program.
        name: printed before the text, in bold on a terminal.
        err: whether to print to stderr.
    """
    click.echo(f"{click.style(visible(name), bold=True) if name else ''}{visible(text)}", err=err)


def echo_json(document: str, *, ended: bool = False) -> None:
    """Print JSON; ``ended`` is True if it ends with a newline already."""
    click.echo(visible_json(document), nl=not ended)


def escape_unencodable() -> None:
    """Make stdout and stderr escape characters that their encoding lacks."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


class Group(click.Group):
    """Escapes control characters in click's error messages."""

    def invoke(self, ctx: click.Context) -> object:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except click.ClickException as error:
            vars(error).update(message=visible(error.message))
            raise
