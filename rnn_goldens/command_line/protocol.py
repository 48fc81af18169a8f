"""``protocol``: prints the messages that a program exchanges."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from rnn_goldens.command_line.options import (
    Selection,
    by_reason,
    ids_argument,
    in_larger_sizes,
    options,
    where_supported,
    with_selection,
)
from rnn_goldens.command_line.terminal import echo
from rnn_goldens.errors import WrongUse

if TYPE_CHECKING:
    from rnn_goldens.checkable_golden import Golden


@click.command(short_help="Print the messages that a program exchanges.")
@ids_argument("golden_ids", metavar="[ID]...")
@click.option("--requests", "requests_only", is_flag=True, help="Print only the requests, to pipe them into a program.")
@options("gradients", "embed", gradients="Messages that request gradients, of protocol 2.")
@with_selection
def protocol(
    *,
    golden_ids: tuple[str, ...],
    requests_only: bool,
    gradients: bool,
    embed: tuple[str, ...],
    selection: Selection,
) -> None:
    """Print the messages that a program exchanges with check, one per line.

    Each request is followed by its answer. The first answer, to hello, states what a program supports. The next
    answers are the correct outputs, or gradients, of each selected golden (default: documented/single-sequence) in each
    precision (default: float32).
    To try a program: rnn-goldens protocol --requests | ./my_rnn
    """
    from rnn_goldens.programs import messages

    default = () if golden_ids or any(selection.names.values()) else ("documented/single-sequence",)
    goldens = _goldens(selection, *golden_ids, *default, gradients=gradients, embed=embed)
    for request, answer in _exchanges(goldens, gradients=gradients):
        click.echo(messages.to_line(request), nl=False)
        if not requests_only:
            click.echo(messages.to_line(answer), nl=False)


def _exchanges(goldens: Sequence["Golden"], *, gradients: bool) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield requests with their answers: the hello, then one per golden."""
    from rnn_goldens.golden.built_in_cells import CELLS
    from rnn_goldens.programs import messages
    from rnn_goldens.schema import PROTOCOLS

    further = [cell for cell in dict.fromkeys(golden.cell for golden in goldens) if cell not in CELLS]
    version = PROTOCOLS[-1] if gradients or further else PROTOCOLS[0]
    yield messages.hello(), messages.correct_hello(version, further)
    for number, golden in enumerate(goldens, start=1):
        correct = messages.correct_gradients if gradients else messages.correct_outputs
        yield messages.request(golden, number, back=gradients), correct(golden, number)


def _goldens(selection: Selection, *ids: str, gradients: bool, embed: tuple[str, ...]) -> list["Golden"]:
    from rnn_goldens.corpus import open_corpora
    from rnn_goldens.golden.embedding import larger_sizes, require_known

    opened = open_corpora(selection.corpus)
    selected, precisions = selection.entries(opened, *ids), selection.precisions or ["float32"]
    sizes = larger_sizes(embed)
    require_known({entry.cell for entry in selected}, sizes)
    goldens = [
        opened.load(entry.id, name, gradients=gradients)
        for entry in selected
        for name in precisions
        if name in (entry.gradient_precisions if gradients else entry.precisions)
        or len(selected) == 1  # load raises the error for the precision that a single golden lacks
    ]
    if not goldens:
        what = " with gradients" if gradients else ""
        raise WrongUse(f"no golden{what} is selected in {', '.join(precisions)}")
    larger, refused = where_supported(goldens, lambda golden: in_larger_sizes(golden, sizes), lambda golden: golden.id)
    lines = [f"{who} {'is' if who in refused else 'are'} refused: {why}" for who, why in by_reason(refused)]
    if not larger:
        raise WrongUse("\n".join(lines))
    for line in lines:
        echo(line, err=True)
    return larger
