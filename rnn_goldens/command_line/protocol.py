"""``protocol``: prints the messages that a program exchanges."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from rnn_goldens.command_line.selection_options import complete_ids, selecting_options

if TYPE_CHECKING:
    from rnn_goldens.checkable_golden import Golden
    from rnn_goldens.corpus import Corpora

_DEFAULT = "documented/single-sequence"


@click.command(short_help="Print the messages that a program exchanges.")
@click.argument("golden_ids", nargs=-1, metavar="[ID]...", shell_complete=complete_ids)
@click.option("--requests", "requests_only", is_flag=True, help="Print only the requests, to pipe them into a program.")
@click.option("--gradients", is_flag=True, help="Messages that request gradients, of protocol 2.")
@selecting_options
def protocol(
    *,
    golden_ids: tuple[str, ...],
    requests_only: bool,
    gradients: bool,
    ids: tuple[str, ...],
    cell: tuple[str, ...],
    features: tuple[str, ...],
    without: tuple[str, ...],
    dtype: tuple[str, ...],
    corpus: str | None,
) -> None:
    """Print the messages that a program exchanges with check, one per line.

    Each request is followed by its answer. The first answer, to hello, states what a program supports. The next
    answers are the correct outputs, or gradients, of each selected golden (default: documented/single-sequence) in each
    precision (default: float32).
    To try a program: rnn-goldens protocol --requests | ./my_rnn
    """
    from rnn_goldens.corpus import open_corpora
    from rnn_goldens.programs import requests

    opened, requested = open_corpora(corpus), (*golden_ids, *ids)
    if not requested and not (cell or features or without):
        requested = (_DEFAULT,)
    selected = [entry.id for entry in opened.select(requested, cell, features, without)]
    for request, answer in _exchanges(opened, selected, dtype or ("float32",), gradients=gradients):
        click.echo(requests.to_line(request), nl=False)
        if not requests_only:
            click.echo(requests.to_line(answer), nl=False)


def _exchanges(
    opened: "Corpora", selected: Sequence[str], dtypes: Sequence[str], *, gradients: bool
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield requests with their answers: the hello, then one per golden and precision."""
    from rnn_goldens.golden.built_in_cells import CELLS
    from rnn_goldens.programs import examples, requests
    from rnn_goldens.schema import PROTOCOLS

    goldens = _goldens(opened, selected, dtypes, gradients=gradients)
    further = [cell for cell in dict.fromkeys(golden.cell for golden in goldens) if cell not in CELLS]
    version = PROTOCOLS[-1] if gradients or further else PROTOCOLS[0]
    yield requests.hello(), examples.hello(version, further)
    for number, golden in enumerate(goldens, start=1):
        if gradients:
            yield requests.run_back(golden, number), examples.gradients(golden, number)
        else:
            yield requests.run(golden, number), examples.outputs(golden, number)


def _goldens(opened: "Corpora", selected: Sequence[str], dtypes: Sequence[str], *, gradients: bool) -> list["Golden"]:
    from rnn_goldens.errors import WrongUse
    from rnn_goldens.golden.precision import precision_name

    names = [precision_name(dtype) for dtype in dtypes]
    entries = [opened.entry(golden_id) for golden_id in selected]
    goldens = [
        opened.load(entry.id, name, gradients=gradients)
        for entry in entries
        for name in names
        if name in (entry.gradient_precisions if gradients else entry.precisions)
        or len(entries) == 1  # load raises the error for the precision that a single golden lacks
    ]
    if not goldens:
        what = " with gradients" if gradients else ""
        raise WrongUse(f"no golden{what} is selected in {', '.join(names)}")
    return goldens
