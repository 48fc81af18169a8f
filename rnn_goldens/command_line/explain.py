"""``explain``: a deviation beside what is right, or a golden step by step."""

import click

from rnn_goldens.command_line.look import corpus_option


@click.command()
@click.argument("name", metavar="DEVIATION|ID")
@corpus_option
def explain(name: str, corpus: str | None) -> None:
    """Explain a deviation, or a golden step by step."""
    from rnn_goldens.corpus import open_corpus
    from rnn_goldens.deviations import DEVIATIONS
    from rnn_goldens.explaining.deviation_text import deviation_text

    opened = open_corpus(corpus)
    found = next((deviation for deviation in DEVIATIONS if deviation.name == name), None)
    assert found
    click.echo(deviation_text(found, opened))
