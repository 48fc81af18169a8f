"""``validate`` and ``diff``: checks golden files against their schema, and compares goldens."""

import sys
from pathlib import Path

import click

from rnn_goldens.command_line.options import options
from rnn_goldens.command_line.terminal import echo, echo_lines
from rnn_goldens.errors import FINDING
from rnn_goldens.plurals import counted


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True), metavar="PATH...")
def validate(paths: tuple[Path, ...]) -> None:
    """Validate golden files, index files, or folders of them."""
    from rnn_goldens.corpus import INDEX
    from rnn_goldens.corpus.validation import files_in, findings, listed_by
    from rnn_goldens.encoding.files import LIST, not_in_wheel

    files = {file: path if path.is_dir() else None for path in paths for file in files_in(path)}
    if not files:
        raise click.UsageError(f"no .h5 or .json file in {', '.join(map(str, paths))}")
    failed = 0
    fine: set[Path] = set()
    unchecked: list[str] = []
    for file, below in sorted(files.items(), key=lambda found: found[0].name != INDEX):
        found = [] if file in fine else findings(file, below)
        fine |= listed_by(file) if file.name == INDEX and not found else set()
        failed += bool(found)
        if file.name == INDEX and (missing := not_in_wheel(file.parent)):
            files_missing = counted(len(missing), "HDF5 file")
            unchecked.append(f"not checked: {files_missing} that the wheel does not carry: {file.parent / LIST}")
        echo_lines(found)
    echo(f"{counted(len(files), 'file')}: {len(files) - failed} valid, {failed} invalid")
    echo_lines(unchecked)
    sys.exit(FINDING if failed else 0)


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
