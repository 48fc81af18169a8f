"""``diff``: compares the content of two goldens or two corpora."""

import sys
from pathlib import Path

import click

from rnn_goldens.command_line.options import options
from rnn_goldens.command_line.terminal import echo, echo_lines
from rnn_goldens.errors import FINDING
from rnn_goldens.plurals import counted


@click.command()
@click.argument("a")
@click.argument("b")
@click.option("--only", multiple=True, metavar="PATTERN", help="Of two corpora, compare only goldens whose id matches.")
@options("corpus", corpus="The corpus in which ids are looked up.")
def diff(a: str, b: str, only: tuple[str, ...], corpus: str | None) -> None:
    """Compare the content of two goldens or two corpora.

    A and B are golden files or ids, or corpus folders or versions. Provenance is not content: it may differ.
    """
    from rnn_goldens.corpus import differences as differ
    from rnn_goldens.corpus import open_corpus, packaged

    versions = packaged()
    left_out: list[str] = []
    if all(what in versions or Path(what).is_dir() for what in (a, b)):
        corpora = open_corpus(a), open_corpus(b)
        found = list(differ.corpus_differences(*corpora, only=only))
        left_out = differ.not_compared(*corpora, only=only)
    else:
        opened = open_corpus(corpus)
        found = differ.golden_differences(differ.load_any(a, opened), differ.load_any(b, opened))
    echo_lines([*found, *left_out])
    echo(f"{counted(len(found), 'difference')} between {a} and {b}" if found else f"{a} and {b} are equal in content")
    sys.exit(FINDING if found else 0)
