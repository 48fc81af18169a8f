"""``protocol``: the messages that a program exchanges, for whoever writes one."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from rnn_goldens.command_line.selecting import complete_ids, selecting_options

if TYPE_CHECKING:
    from rnn_goldens.checkable.golden import Golden
    from rnn_goldens.corpus import Corpora

_SMALLEST = "documented/single-sequence"


@click.command()
@click.argument("golden_ids", nargs=-1, metavar="[ID]...", shell_complete=complete_ids)
@click.option("--requests", "requests_only", is_flag=True, help="Only what the program is sent, to pipe into it.")
@click.option("--gradients", is_flag=True, help="Those of protocol 2 in which gradients are asked.")
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
    """Print the messages that a program exchanges with check, one a line.

    Each request is followed by an answer: a hello that says what a program supports, and the right outputs of each
    golden that is selected (default: documented/single-sequence) in each precision (default: float32), or its
    gradients. To try a program: rnn-goldens protocol --requests | ./my_rnn
    """
    from rnn_goldens.corpus import open_corpora
    from rnn_goldens.programs import requests

    opened, asked = open_corpora(corpus), (*golden_ids, *ids)
    if not asked and not (cell or features or without):
        asked = (_SMALLEST,)
    selected = [entry.id for entry in opened.select(asked, cell, features, without)]
    for request, answer in _exchanges(opened, selected, dtype or ("float32",), gradients=gradients):
        click.echo(requests.to_line(request), nl=False)
        if not requests_only:
            click.echo(requests.to_line(answer), nl=False)


def _exchanges(
    opened: "Corpora", selected: Sequence[str], dtypes: Sequence[str], *, gradients: bool
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """The hello, and one exchange a golden and precision. One golden alone has to have all that is asked of it."""
    from rnn_goldens.programs import examples, requests
    from rnn_goldens.schema import PROTOCOLS

    goldens = _goldens(opened, selected, dtypes, gradients=gradients)
    yield (requests.hello(), examples.hello(PROTOCOLS[-1]) if gradients else examples.hello())
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
        or len(entries) == 1  # of which the corpus says what it has not
    ]
    if not goldens:
        what = " with gradients" if gradients else ""
        raise WrongUse(f"no golden{what} is selected in {', '.join(names)}")
    return goldens
