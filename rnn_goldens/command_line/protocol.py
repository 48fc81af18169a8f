"""``protocol``: the messages that a program exchanges, for whoever writes one."""

import click

from rnn_goldens.command_line.look import corpus_option

_SMALLEST = "documented/single-sequence"


@click.command()
@click.argument("golden_id", metavar="[ID]", default=_SMALLEST)
@click.option("--requests", "requests_only", is_flag=True, help="Only what the program is sent, to pipe into it.")
@click.option("--dtype", default="float32", metavar="PRECISION", help="The precision to ask for (default: float32).")
@click.option("--gradients", is_flag=True, help="Those of protocol 2 in which gradients are asked.")
@corpus_option
def protocol(golden_id: str, requests_only: bool, dtype: str, gradients: bool, corpus: str | None) -> None:
    """Print the messages that a program exchanges with check, one a line.

    Each request is followed by an answer: a hello that says what a program supports, and the right outputs of one
    golden (default: documented/single-sequence), or its gradients. To try a program: rnn-goldens protocol --requests |
    ./my_rnn
    """
    from rnn_goldens.corpus import open_corpus
    from rnn_goldens.programs import examples, requests
    from rnn_goldens.schema import PROTOCOLS

    golden = open_corpus(corpus).load(golden_id, dtype, gradients=gradients)
    if gradients:
        exchanges = (
            (requests.hello(), examples.hello(PROTOCOLS[-1])),
            (requests.run_back(golden, 1), examples.gradients(golden, 1)),
        )
    else:
        exchanges = (
            (requests.hello(), examples.hello()),
            (requests.run(golden, 1), examples.outputs(golden, 1)),
        )
    for request, answer in exchanges:
        click.echo(requests.to_line(request), nl=False)
        if not requests_only:
            click.echo(requests.to_line(answer), nl=False)
