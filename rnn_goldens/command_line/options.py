"""Options and arguments that several commands share: which goldens, how to check them, and with which program.

A program is given after ``--``, in place of an implementation's name.
"""

import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial, wraps
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.shell_completion import CompletionItem

from rnn_goldens.errors import WrongUse
from rnn_goldens.plugin import FLAGS, NAMES, OPTIONS
from rnn_goldens.programs.command import MARK, is_command

if TYPE_CHECKING:
    from rnn_goldens.corpus import Corpora, Entry

PATH = click.Path(path_type=Path)
EXISTING_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)

Command = TypeVar("Command", bound=Callable[..., Any])

SELECTING = ("ids", "cell", "features", "without", "dtype")

_FEATURES = "rnn_goldens.golden.features", "FEATURES"

_KNOWN = {
    "cell": ("rnn_goldens.golden.built_in_cells", "LAYOUTS"),
    "features": _FEATURES,
    "without": _FEATURES,
    "dtype": ("rnn_goldens.golden.precision", "DTYPES"),
    "implementation": ("rnn_goldens.implementations", "BUILTIN"),
}
"""Module and attribute with the names that a shell completes."""


def complete(kind: str, context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the last of several names separated by commas."""
    before, comma, begun = incomplete.rpartition(",")
    names: Iterable[str] = ()
    with suppress(Exception):  # a damaged corpus, for example: the command reports it
        if kind == "ids":
            names = import_module("rnn_goldens.corpus").open_corpora(context.params.get("corpus")).ids
        elif kind in _KNOWN:
            module, attribute = _KNOWN[kind]
            names = getattr(import_module(module), attribute)
    return [CompletionItem(f"{before}{comma}{name}") for name in names if name.startswith(begun)]


def _parts(_context: click.Context, parameter: click.Parameter, values: Sequence[str]) -> tuple[str, ...]:
    """Return the names in an option that may be repeated and may contain several names separated by commas."""
    from rnn_goldens.corpus import split_at_commas

    try:
        return tuple(name for value in values for name in split_at_commas(str(parameter.name), value))
    except WrongUse as error:
        raise click.BadParameter(str(error), param=parameter) from None


SHARED: Mapping[str, Mapping[str, Any]] = {
    **{name: {"multiple": True, "metavar": "NAME,...", "callback": _parts} for name in NAMES},
    "ids": {"multiple": True, "metavar": "PATTERN,...", "callback": _parts},
    "embed": {"multiple": True, "metavar": "NAME=SIZE,...", "callback": _parts},
    "corpus": {"metavar": "VERSION|FOLDER", "is_eager": True},  # the completion of ids depends on it
    "gradients": {"is_flag": True},
    "time-limit": {"metavar": "SECONDS"},
    "at-least": {"metavar": "NUMBER"},
    **{name: {"metavar": "FILE"} for name in ("known-failures", "skip", "report")},
    "json": {"is_flag": True, "help": "Print JSON, for programs."},
}
"""The options that several commands or the plugin share. Lists of names may be repeated, and have commas."""


def options(*names: str, **texts: str) -> Callable[[Command], Command]:
    """Return a decorator that adds shared options; ``texts`` has other help for some of them."""

    def add(command: Command) -> Command:
        for name in reversed(names):
            given = {"help": texts.get(name, {**OPTIONS, **FLAGS}.get(name)), "shell_complete": partial(complete, name)}
            declared = (f"--{name}", "as_json") if name == "json" else (f"--{name}",)
            command = click.option(*declared, **{**given, **SHARED[name]})(command)
        return command

    return add


@dataclass(frozen=True)
class Selection:
    """The options that select goldens.

    Attributes:
        names: ``ids``, ``cell``, ``features`` and ``without``, as arguments of ``Corpus.select``.
        dtype: the precisions, as typed.
        corpus: the corpora; None for the newest version.
    """

    names: Mapping[str, tuple[str, ...]]
    dtype: tuple[str, ...]
    corpus: str | None

    @property
    def precisions(self) -> list[str]:
        """Return the names of the precisions; raises UnknownName."""
        from rnn_goldens.golden.precision import precision_name

        return [precision_name(name) for name in self.dtype]

    def entries(self, corpora: "Corpora", *ids: str, gradients: bool = False) -> list["Entry"]:
        """Return the selected goldens, in any precision; ``ids`` are further ids or patterns."""
        _, *others = (self.names[name] for name in SELECTING[:4])
        return corpora.select((*ids, *self.names["ids"]), *others, gradients=gradients)

    @property
    def given(self) -> list[str]:
        """Return the options that select goldens of a corpus and were given."""
        return [f"--{name}" for name, value in {**self.names, "dtype": self.dtype}.items() if value]


def with_selection(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that select goldens, and pass them as one ``Selection``."""

    @wraps(command)
    def called(*, dtype: tuple[str, ...], corpus: str | None, **others: Any) -> None:  # noqa: ANN401 - click's values
        names = {name: others.pop(name) for name in SELECTING if name in others}
        command(selection=Selection(names, dtype, corpus), **others)

    return options(*SELECTING, "corpus")(called)


implementation_argument = click.argument(
    "arguments",
    metavar="IMPLEMENTATION",
    nargs=-1,
    required=True,
    type=click.UNPROCESSED,
    shell_complete=partial(complete, "implementation"),
)
"""An implementation, or a program after ``--``, among arguments for pytest."""

ids_argument = partial(click.argument, nargs=-1, shell_complete=partial(complete, "ids"))


def implementation_and_rest(arguments: Sequence[str]) -> tuple[str, list[str]]:
    """Split arguments into the implementation and those for pytest. A program is the last one, any other the first."""
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
