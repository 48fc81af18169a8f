"""Output of the commands: text whose control characters are escaped, and progress of long work on stderr."""

import io
import json
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TypeVar

import click

from rnn_goldens.control_characters import visible, visible_json
from rnn_goldens.plurals import counted
from rnn_goldens.progress import reported_to

T = TypeVar("T")

WIDTH = 80


def echo(text: str, *, name: str = "", err: bool = False) -> None:
    """Print text, which may quote any file or program; ``name`` is printed before it, in bold on a terminal."""
    click.echo(f"{click.style(visible(name), bold=True) if name else ''}{visible(text)}", err=err)


def echo_lines(lines: Iterable[str]) -> None:
    """Print lines; nothing if there are none."""
    for line in lines:
        echo(line)


def wrapped(text: str, indent: str = "", hanging: str = "  ", width: int = WIDTH) -> str:
    """Return text in lines that fit a terminal, without breaking words; ``hanging`` begins all lines but the first."""
    return textwrap.fill(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=f"{indent}{hanging}",
        break_long_words=False,
        break_on_hyphens=False,
    )


def echo_json(document: object) -> None:
    """Print a document as JSON; a text is JSON already."""
    text = document if isinstance(document, str) else json.dumps(document, ensure_ascii=False, indent=1)
    click.echo(visible_json(text), nl=not text.endswith("\n"))


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


SECONDS = 30.0
"""The least time between two lines."""


class ProgressLines:
    """Prints ``Certifying: 12 of 14 + 40% (tolerance), 3 minutes left``: the items done, and how much of the next."""

    def __init__(self, label: str, total: int, now: Callable[[], float] = monotonic) -> None:
        self._label, self._total, self._now = label, total, now
        self._start = self._last = now()
        self._begin_item(0)

    def _begin_item(self, done: int) -> None:
        self._done, self._share, self._part, self._item_start = done, 0.0, "", self._now()

    def count(self, done: int) -> None:
        """Report the number of items that are done."""
        self._begin_item(done)
        self._print()

    def report(self, part: str, done: int, total: int) -> None:
        """Report how much of the next item is done, as ``rnn_goldens.progress`` does. ``count`` reports its end."""
        if done < total:
            self._share, self._part = done / total, part
            self._print()

    def _print(self) -> None:
        now = self._now()
        if now - self._last >= SECONDS:
            self._last = now
            of_next = f" + {int(100 * self._share)}% ({self._part})" if self._part else ""
            echo(f"{self._label}: {self._done} of {self._total}{of_next}{self._left(now)}", err=True)

    def _left(self, now: float) -> str:
        """Return the time that the next item takes by its share, and the others on average; "" if nothing is done."""
        spent, before = now - self._item_start, self._item_start - self._start
        if not self._share and not self._done:
            return ""
        item = spent / self._share if self._share else max(spent, before / self._done)
        average = (before + item) / (self._done + 1)
        minutes = round((item - spent + average * (self._total - self._done - 1)) / 60)
        return f", {counted(minutes, 'minute') if minutes else 'less than a minute'} left"


def track(items: Iterable[T], total: int, label: str) -> Iterable[T]:
    """Show a progress bar, or lines where there is no terminal.

    A second bar, or the end of a line, shows how much of a golden this process has certified.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        lines = ProgressLines(label, total)
        with reported_to(lines.report):
            for done, item in enumerate(items, 1):
                yield item
                lines.count(done)
        return
    shown = (
        TextColumn("{task.description}"),
        BarColumn(20),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
    )
    with Progress(*shown, console=console, transient=True) as bar:
        overall = bar.add_task(label, total=total)
        within = bar.add_task("", visible=False)

        def report(part: str, done: int, of: int) -> None:
            bar.update(within, description=f"  {part}", completed=done, total=of, visible=True)

        with reported_to(report):
            for item in items:
                yield item
                bar.advance(overall)
                bar.reset(within, visible=False)


@contextmanager
def progress_of(name: str) -> Iterator[Callable[[int, int], None] | None]:
    """Yield a function that shows how many of all goldens were compared; None if stderr is not a terminal.

    The function uses one line, which is cleared at the end.
    """
    from rich.console import Console
    from rich.progress import Progress, TextColumn

    if not sys.stderr.isatty():  # FORCE_COLOR makes rich take a log for a terminal
        yield None
        return
    columns = TextColumn("{task.description}", markup=False)
    with Progress(columns, console=Console(stderr=True), transient=True) as bar:
        shown = bar.add_task(f"{visible(name)}: starting")
        yield lambda done, of: bar.update(shown, description=f"{visible(name)}: {done} of {of} goldens")
