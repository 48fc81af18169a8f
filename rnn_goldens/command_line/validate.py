"""``validate``: checks golden files and index files."""

import sys
from pathlib import Path

import click

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
