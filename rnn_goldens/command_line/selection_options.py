"""The options that select goldens, the same in every command, and their shell completion."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

Command = TypeVar("Command", bound=Callable[..., Any])

_CORPUS_HELP = "A corpus version, a folder with an index.json, or several: v2,goldens."


def parts(_context: click.Context, parameter: click.Parameter, values: Sequence[str]) -> tuple[str, ...]:
    """Return the names in an option that may be repeated and may contain several names separated by commas."""
    from rnn_goldens.corpus import split_at_commas
    from rnn_goldens.errors import WrongUse

    try:
        return tuple(name for value in values for name in split_at_commas(str(parameter.name), value))
    except WrongUse as error:
        raise click.BadParameter(str(error), param=parameter) from None


def _of_names(known: Callable[[click.Context], Iterable[str]]) -> Callable[..., list[CompletionItem]]:
    """Return a function that completes the last of several names separated by commas."""

    def complete(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
        before, comma, begun = incomplete.rpartition(",")
        try:
            names = list(known(context))
        except Exception:
            return []
        return [CompletionItem(f"{before}{comma}{name}") for name in names if name.startswith(begun)]

    return complete


def _ids(context: click.Context) -> Iterable[str]:
    from rnn_goldens.corpus import open_corpora

    return open_corpora(context.params.get("corpus")).ids


def _cells(_context: click.Context) -> Iterable[str]:
    from rnn_goldens.golden.built_in_cells import LAYOUTS

    return LAYOUTS


def _features(_context: click.Context) -> Iterable[str]:
    from rnn_goldens.golden.features import FEATURES

    return FEATURES


def _precisions(_context: click.Context) -> Iterable[str]:
    from rnn_goldens.golden.precision import PRECISIONS

    return PRECISIONS


def _implementations(_context: click.Context) -> Iterable[str]:
    from rnn_goldens.implementations import BUILTIN

    return BUILTIN


complete_ids = _of_names(_ids)
"""Completion for arguments that are ids."""

complete_implementations = _of_names(_implementations)

implementation_argument = click.argument(
    "arguments",
    metavar="IMPLEMENTATION",
    nargs=-1,
    required=True,
    type=click.UNPROCESSED,
    shell_complete=complete_implementations,
)
"""An implementation, or a program after ``--``, among arguments for pytest."""

corpus_option = click.option("--corpus", metavar="VERSION|FOLDER", help=_CORPUS_HELP, is_eager=True)
"""Eager, because the completion of ids depends on the corpus."""


def _option(name: str, metavar: str, text: str, known: Callable[[click.Context], Iterable[str]]) -> Any:  # noqa: ANN401
    return click.option(
        f"--{name}", multiple=True, metavar=metavar, callback=parts, help=text, shell_complete=_of_names(known)
    )


_OPTIONS = (
    _option("ids", "PATTERN,...", "Only goldens with these ids: lstm/*,documented/*.", _ids),
    _option(
        "cell",
        "NAME,...",
        "Only goldens of these cells: rnn_tanh, rnn_relu, lstm, gru, or a dialect or recurrence of list --dialects.",
        _cells,
    ),
    _option("features", "NAME,...", "Only goldens that have all of these: lengths, state, ...", _features),
    _option("without", "NAME,...", "Only goldens that have none of these.", _features),
    _option("dtype", "NAME,...", "Only in these precisions: float64, float32, bfloat16, float16.", _precisions),
    corpus_option,
)


def selecting_options(command: Command) -> Command:
    """Add ``--ids``, ``--cell``, ``--features``, ``--without``, ``--dtype`` (tuples of names) and ``--corpus``."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
